// SPDX-License-Identifier: GPL-2.0
/*
 * pool_test.c - pages that swaps have emptied: kept for the next swap, up to a bound, and given
 * back when somebody else needs them
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dev.h"
#include "file.h"
#include "harness.h"
#include "mem.h"
#include "need.h"
#include "node.h"
#include "proc.h"

#define HEMEM	"/sys/class/misc/hemem/"
#define POOL_KIB "/sys/module/hemem_assist/parameters/pool_kib"

static struct hemem_assist_move moves[HEMEM_ASSIST_MAX_BATCH];
static struct mem mem;
static int fd = -1;

static void attach_self(void)
{
	fd = dev_open_attached(getpid());
	ASSERT_LE(0, fd);
}

static const struct page_size {
	const char *name;
	unsigned int order;
	unsigned int nr;		/* in a test */
	need_fn lacks;
} sizes[] = {
	{ "base", 0, 600, NULL },
	{ "huge", 9, 3, need_thp },
};

static const char *size_name(int row)
{
	return sizes[row].name;
}

static const char *size_lacks(int row)
{
	return sizes[row].lacks ? sizes[row].lacks() : NULL;
}

static const struct rows size_rows = {
	.nr = sizeof(sizes) / sizeof(sizes[0]), .name = size_name, .lacks = size_lacks,
};

static void make(const struct page_size *size)
{
	if (size->order)
		mem_make_huge(&mem, size->nr, node_a());
	else
		mem_make_anon(&mem, size->nr, node_a());
	attach_self();
	/* No page waits in a CPU's list any more; nothing moves.  And the pool is empty. */
	ASSERT_EQ(0, dev_migrate(fd, moves, mem_moves(&mem, node_a(), moves), 0, NULL));
	ASSERT_EQ(0, file_write("/proc/sys/vm/drop_caches", "2"));
	ASSERT_EQ(0, file_number(HEMEM "pooled_bytes"));
}

/* All of it to @nid.  Return: how many of the new pages were recycled. */
static long move_all(int nid)
{
	long recycled = file_number(HEMEM "stats/recycled");
	long swapped = file_number(HEMEM "stats/swapped");
	unsigned int nr = mem_moves(&mem, nid, moves);

	ASSERT_EQ(0, dev_migrate(fd, moves, nr, 0, NULL));
	EXPECT_EQ(nr, file_number(HEMEM "stats/swapped") - swapped);
	EXPECT_EQ(0, mem_count_bad(&mem));
	return file_number(HEMEM "stats/recycled") - recycled;
}

static long pooled(const struct page_size *size)
{
	return file_number(HEMEM "pooled_bytes") / (4096L << size->order);
}

TEST_ROWS(recycled, "swap pages there and back and there, and find the way back and all after "
	  "it use the pages that were left", &size_rows, need_swaps, need_two_nodes)
{
	const struct page_size *size = &sizes[row];

	make(size);
	EXPECT_EQ(0, move_all(node_b()));
	EXPECT_EQ(size->nr, pooled(size));
	EXPECT_EQ(size->nr, move_all(node_a()));
	EXPECT_EQ(size->nr, move_all(node_b()));
	EXPECT_EQ(size->nr, pooled(size));
}

TEST_ROWS(within_batch, "swap the two halves of some memory for each other in one batch, and "
	  "find the second half in pages of the first", &size_rows, need_swaps, need_two_nodes)
{
	const struct page_size *size = &sizes[row];
	unsigned int nr, half, i;
	long recycled;

	make(size);
	nr = mem_moves(&mem, node_a(), moves);
	half = (nr + 1) / 2;
	ASSERT_EQ(0, dev_migrate(fd, moves, mem_moves(&mem, node_b(), moves) - half, 0, NULL));
	/* The other half waits yet on node a; what the first half left there waits, too. */
	mem_moves(&mem, node_a(), moves);
	for (i = nr - half; i < nr; i++)
		moves[i].node = node_b();
	recycled = file_number(HEMEM "stats/recycled");
	ASSERT_EQ(0, dev_migrate(fd, moves, nr, 0, NULL));
	EXPECT_LE(nr - 1, file_number(HEMEM "stats/recycled") - recycled);
	EXPECT_EQ(0, mem_count_bad(&mem));
}

TEST_ROWS(bounded, "set pool_kib to 2 MiB and to 0, and find no more kept",
	  &size_rows, need_swaps, need_two_nodes)
{
	const struct page_size *size = &sizes[row];
	const long kept = 512 >> size->order;

	make(size);
	ASSERT_EQ(0, file_set(POOL_KIB, "2048"));
	EXPECT_EQ(0, move_all(node_b()));
	EXPECT_EQ(kept, pooled(size));
	EXPECT_EQ(kept, move_all(node_a()));
	ASSERT_EQ(0, file_set(POOL_KIB, "0"));
	EXPECT_EQ(kept, move_all(node_b()));
	EXPECT_EQ(0, move_all(node_a()));
	EXPECT_EQ(0, pooled(size));
	file_restore_all();
}

TEST_ROWS(given_back, "ask the kernel to shrink what it caches, then detach, and find the pool "
	  "empty each time", &size_rows, need_swaps, need_two_nodes)
{
	const struct page_size *size = &sizes[row];

	make(size);
	move_all(node_b());
	ASSERT_EQ(size->nr, pooled(size));
	ASSERT_EQ(0, file_write("/proc/sys/vm/drop_caches", "2"));
	EXPECT_EQ(0, pooled(size));
	move_all(node_a());
	ASSERT_EQ(size->nr, pooled(size));
	close(fd);
	EXPECT_EQ(0, pooled(size));
}

/* --- is anything lost over many moves? ------------------------------------------------ */

#define CGROUPS		"/sys/fs/cgroup/"
#define CGROUP		CGROUPS "hemem-pool-test/"
#define HUGE_STATS	"/sys/kernel/mm/transparent_hugepage/hugepages-2048kB/stats/"

/* With what CPUs keep for themselves, and caches that are read and given up meanwhile. */
static int64_t free_kib(void)
{
	static const char *const caches[] = {
		"nr_active_file", "nr_inactive_file", "nr_slab_reclaimable",
	};
	int64_t pages = (int64_t)(node_all_free_bytes() / 4096);
	unsigned int i;

	for (i = 0; i < sizeof(caches) / sizeof(caches[0]); i++)
		pages += file_field("/proc/vmstat", caches[i]);
	return pages * 4;
}

static int64_t rss_kib(void)
{
	return file_field("/proc/self/status", "RssAnon:");
}

static int64_t huge_kib(void)
{
	return file_sum("/proc/self/smaps", "AnonHugePages:");
}

static int64_t all_huge_kib(void)
{
	return file_field("/proc/meminfo", "AnonHugePages:");
}

/* Since 6.12 the kernel counts huge pages of anonymous memory, mapped or not. */
static int64_t counted_huge_kib(void)
{
	int64_t nr = file_number(HUGE_STATS "nr_anon");

	return nr < 0 ? -1 : nr * 2048;
}

static int64_t charged_kib(void)
{
	int64_t bytes = file_field(CGROUP "memory.stat", "anon");

	return bytes < 0 ? -1 : bytes / 1024;
}

static int64_t charged_huge_kib(void)
{
	int64_t bytes = file_field(CGROUP "memory.stat", "anon_thp");

	return bytes < 0 ? -1 : bytes / 1024;
}

static int64_t isolated_kib(void)
{
	return 4 * (file_field("/proc/vmstat", "nr_isolated_anon") +
		    file_field("/proc/vmstat", "nr_isolated_file"));
}

/* What a leak would change; -1: this kernel does not tell, before as after. */
static const struct gauge {
	const char *name;
	int64_t (*read_kib)(void);
	int64_t slack_kib;		/* remainders of each CPU, tables, other programs */
} gauges[] = {
	{ "free", free_kib, 2048 },
	{ "anonymous memory of the process", rss_kib, 256 },
	{ "its huge pages", huge_kib, 0 },
	{ "huge pages of all", all_huge_kib, 8192 },
	{ "huge pages that the kernel counts", counted_huge_kib, 8192 },
	{ "charge of the control group", charged_kib, 256 },
	{ "charge for huge pages", charged_huge_kib, 0 },
	{ "isolated pages", isolated_kib, 0 },
};

enum {
	NR_GAUGES = sizeof(gauges) / sizeof(gauges[0]),
	PATIENCE = 10,
	PLANTED_BYTES = 16 << 20,
};

static void read_gauges(int64_t *ret_kib)
{
	unsigned int i;

	ASSERT_EQ(0, file_write("/proc/sys/vm/drop_caches", "2"));
	ASSERT_EQ(0, file_number(HEMEM "pooled_bytes"));
	ASSERT_EQ(0, file_write("/proc/sys/vm/stat_refresh", "1"));
	for (i = 0; i < NR_GAUGES; i++)
		ret_kib[i] = gauges[i].read_kib();
}

static bool has_changed(const int64_t *was_kib, unsigned int i, bool is_told)
{
	int64_t is_kib = gauges[i].read_kib();

	if (llabs(is_kib - was_kib[i]) <= gauges[i].slack_kib)
		return false;
	if (is_told)
		NOTE("%s: %" PRId64 " KiB, were %" PRId64, gauges[i].name, is_kib, was_kib[i]);
	return true;
}

/* What is freed may take a moment.  Return: how many gauges are not where they were. */
static unsigned int count_changed(const int64_t *was_kib)
{
	unsigned int i, nr = NR_GAUGES, tries;
	int64_t now_kib[NR_GAUGES];

	for (tries = 0; nr && tries < PATIENCE; tries++) {
		if (tries)
			usleep(100000);
		read_gauges(now_kib);
		for (i = 0, nr = 0; i < NR_GAUGES; i++)
			nr += has_changed(was_kib, i, tries == PATIENCE - 1);
	}
	return nr;
}

static void *plant(void)
{
	void *addr = mmap(NULL, PLANTED_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT(addr != MAP_FAILED);
	ASSERT_EQ(0, madvise(addr, PLANTED_BYTES, MADV_NOHUGEPAGE));
	memset(addr, 1, PLANTED_BYTES);
	return addr;
}

/* A process of its own: its anonymous memory is what the test knows, its cgroup, too. */
static void move_often(void *arg)
{
	const struct page_size *size = arg;
	const long bytes = 4096L << size->order;
	/* base pages, or what is copied for so many */
	long nr = getenv("HEMEM_LONG") ? 1000000 : 60000;
	int64_t was_kib[NR_GAUGES];
	long moved;
	void *more;

	file_write(CGROUP "cgroup.procs", "0");
	make(size);
	move_all(node_b());
	move_all(node_a());
	read_gauges(was_kib);
	for (moved = 0; moved * bytes < nr * 4096; moved += 2 * size->nr) {
		move_all(node_b());
		move_all(node_a());
	}
	NOTE("%ld moves", moved);
	EXPECT_EQ(0, count_changed(was_kib));
	/* Would it be seen? */
	more = plant();
	EXPECT_LE(2, count_changed(was_kib));
	munmap(more, PLANTED_BYTES);
}

TEST_ROWS(leak, "move memory there and back many times, and find free memory, the process's, "
	  "its charge and its huge pages where they were; memory that is planted is seen",
	  &size_rows, need_swaps, need_two_nodes)
{
	file_write(CGROUPS "cgroup.subtree_control", "+memory");
	mkdir(CGROUP, 0755);
	EXPECT_EQ(0, proc_wait(proc_start(move_often, (void *)&sizes[row])));
	rmdir(CGROUP);
}
