// SPDX-License-Identifier: GPL-2.0
/*
 * scan_test.c - SCAN: what is present, where, and touched since the last scan
 *
 * Runs are spread out to one record per base page (struct seen) and compared
 * with what the test did to each page.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dev.h"
#include "harness.h"
#include "mem.h"
#include "need.h"
#include "node.h"
#include "proc.h"
#include "target.h"

enum { PAGE = 4096, MAX_PAGES = 16384, MAX_RUNS = HEMEM_ASSIST_MAX_RUNS };

#define ACCESSED	HEMEM_ASSIST_PAGE_ACCESSED
#define DIRTY		HEMEM_ASSIST_PAGE_DIRTY
#define CLEAR_ACCESSED	HEMEM_ASSIST_SCAN_CLEAR_ACCESSED
#define CLEAR_DIRTY	HEMEM_ASSIST_SCAN_CLEAR_DIRTY
#define CLEAR_BOTH	(CLEAR_ACCESSED | CLEAR_DIRTY)

/* What SCAN said of one base page. */
struct seen {
	bool is_present;
	__u16 node;
	__u16 flags;
};

static struct hemem_assist_run runs[MAX_RUNS];
static struct seen seen[MAX_PAGES];
static int fd;

static void attach(void)
{
	fd = dev_open_attached(getpid());
	ASSERT_LE(0, fd);
}

/*
 * Enters @run, which lies in [start, end) but for the ends of huge pages, into
 * seen[]; returns its base pages.  No page may be seen twice.
 */
static size_t enter_run(const struct hemem_assist_run *run, uintptr_t start,
			uintptr_t end)
{
	bool is_huge = run->flags & HEMEM_ASSIST_PAGE_HUGE;
	size_t unit = is_huge ? HUGE_BYTES : PAGE, nr, i;

	EXPECT_EQ(0, run->addr % unit);
	EXPECT_LT(0, run->nr_pages);
	EXPECT_LT(run->addr, end);
	EXPECT_LT(start, run->addr + run->nr_pages * unit);
	nr = run->nr_pages * (unit / PAGE);
	for (i = 0; i < nr; i++) {
		uintptr_t addr = run->addr + i * PAGE;
		struct seen *page = &seen[(addr - start) / PAGE];

		if (addr < start || addr >= end) {
			EXPECT(is_huge);
			continue;
		}
		EXPECT(!page->is_present);
		*page = (struct seen){ true, run->node, run->flags };
	}
	return nr;
}

static bool is_run_mergeable(const struct hemem_assist_run *a,
			     const struct hemem_assist_run *b)
{
	size_t unit = a->flags & HEMEM_ASSIST_PAGE_HUGE ? HUGE_BYTES : PAGE;

	return a->flags == b->flags && a->node == b->node &&
	       a->addr + a->nr_pages * unit == b->addr;
}

/*
 * Scans [start, start + bytes) with room for @max_runs at a time until it is
 * done, into seen[].  Returns the number of calls.
 */
static unsigned int scan(const void *start, size_t bytes, __u32 flags,
			 unsigned int max_runs)
{
	uintptr_t at = (uintptr_t)start, end = at + bytes;
	unsigned int calls = 0, i;

	ASSERT_LE(bytes / PAGE, MAX_PAGES);
	memset(seen, 0, sizeof(seen));
	while (at < end) {
		struct hemem_assist_scan arg = {
			.flags = flags, .start = at, .end = end,
			.runs = (uintptr_t)runs, .max_runs = max_runs,
		};
		size_t present = 0, accessed = 0, nr;

		ASSERT_EQ(0, dev_scan(fd, &arg));
		ASSERT_LE(arg.out_nr_runs, max_runs);
		ASSERT_LE(arg.out_end, end);
		ASSERT_LT(at, arg.out_end);
		for (i = 0; i < arg.out_nr_runs; i++) {
			nr = enter_run(&runs[i], (uintptr_t)start, end);
			present += nr;
			accessed += runs[i].flags & ACCESSED ? nr : 0;
			EXPECT_LT(runs[i].addr, arg.out_end);
			if (i)
				EXPECT(runs[i - 1].addr < runs[i].addr &&
				       !is_run_mergeable(&runs[i - 1], &runs[i]));
		}
		EXPECT_EQ(present, arg.out_nr_present);
		EXPECT_EQ(accessed, arg.out_nr_accessed);
		at = arg.out_end;
		calls++;
	}
	return calls;
}

static void scan_mem(const struct mem *mem, __u32 flags)
{
	scan(mem->addr, mem->bytes, flags, MAX_RUNS);
}

/* How many of the first @nr pages have all of @flags. */
static size_t count_flags(size_t nr, __u16 flags)
{
	size_t i, count = 0;

	for (i = 0; i < nr; i++)
		count += seen[i].is_present && (seen[i].flags & flags) == flags;
	return count;
}

static size_t count_present(size_t nr)
{
	return count_flags(nr, 0);
}

static void read_page(const struct mem *mem, size_t i)
{
	(void)*(volatile char *)(mem->addr + i * PAGE);
}

/* --- what is there ----------------------------------------------------------- */

TEST_ROWS(kind, "scan memory of a kind and see present, node and flags of each page",
	  &mem_rows, need_scan, need_two_nodes)
{
	__u16 ignored = ACCESSED | DIRTY;
	struct mem mem;
	size_t i;

	mem_make(&mem, &mem_kinds[row], node_b());
	if (mem.kind->scan_flags & HEMEM_ASSIST_PAGE_NEVER)
		ignored |= HEMEM_ASSIST_PAGE_SHARED;	/* with every process */
	attach();
	scan_mem(&mem, 0);
	mem_open(&mem);
	for (i = 0; i < mem.bytes / PAGE; i++) {
		if (!EXPECT_EQ(!mem.kind->is_absent, seen[i].is_present))
			break;
		if (!seen[i].is_present)
			continue;
		if (!EXPECT_EQ(mem.kind->scan_flags, seen[i].flags & ~ignored))
			break;
		if (mem.kind->status == HEMEM_ASSIST_MOVED)
			EXPECT_EQ(node_of(mem.addr + i * PAGE), seen[i].node);
	}
	EXPECT_EQ(0, mem_count_bad(&mem));
	mem_free(&mem);
}

TEST(holes, "scan over holes and see what is present between them", need_scan,
	 need_two_nodes)
{
	struct mem mem;
	size_t i;

	mem_make_anon(&mem, 64, node_a());
	attach();
	for (i = 0; i < 64; i += 2)
		madvise(mem.addr + i * PAGE, PAGE, MADV_DONTNEED);
	munmap(mem.addr + 20 * PAGE, 8 * PAGE);
	scan_mem(&mem, 0);
	for (i = 0; i < 64; i++)
		EXPECT_EQ(i % 2 && (i < 20 || i >= 28), seen[i].is_present);
}

TEST(nothing_there, "scan a region where nothing is, up to the end of user space",
	 need_scan, need_two_nodes)
{
	struct mem mem;
	struct hemem_assist_scan arg;

	mem_make(&mem, mem_kind("untouched"), node_a());
	attach();
	scan_mem(&mem, CLEAR_BOTH);
	EXPECT_EQ(0, count_present(mem.bytes / PAGE));
	arg = (struct hemem_assist_scan){
		.start = 1UL << 46, .end = (1UL << 46) + (1UL << 30),
		.runs = (uintptr_t)runs, .max_runs = 1,
	};
	EXPECT_EQ(0, dev_scan(fd, &arg));
	EXPECT_EQ(0, arg.out_nr_runs);
	EXPECT_EQ(arg.end, arg.out_end);
}

TEST(whole_target, "scan all of the user's addresses in one call", need_scan)
{
	struct hemem_assist_scan arg = {
		.start = 0, .end = 0x7ffffffff000, .runs = (uintptr_t)runs,
		.max_runs = MAX_RUNS, .flags = CLEAR_BOTH,
	};
	unsigned int i;

	attach();
	ASSERT_EQ(0, dev_scan(fd, &arg));
	EXPECT_EQ(arg.end, arg.out_end);
	EXPECT_LT(10, arg.out_nr_present);
	for (i = 1; i < arg.out_nr_runs; i++)
		EXPECT_LT(runs[i - 1].addr, runs[i].addr);
}

/* --- runs ----------------------------------------------------------------------- */

TEST(runs_merge_and_split, "see neighbours of one state as one run, and one more for each "
	 "change", need_scan, need_two_nodes)
{
	struct mem mem;
	struct hemem_assist_scan arg;
	struct hemem_assist_move move;

	mem_make_anon(&mem, 64, node_a());
	attach();
	scan_mem(&mem, CLEAR_BOTH);
	arg = (struct hemem_assist_scan){
		.start = (uintptr_t)mem.addr, .end = (uintptr_t)mem.addr + mem.bytes,
		.runs = (uintptr_t)runs, .max_runs = MAX_RUNS,
	};
	ASSERT_EQ(0, dev_scan(fd, &arg));
	EXPECT_EQ(1, arg.out_nr_runs);
	EXPECT_EQ(64, runs[0].nr_pages);

	mem.addr[10 * PAGE] ^= 1;	/* written: its own run, between two */
	ASSERT_EQ(0, dev_scan(fd, &arg));
	EXPECT_EQ(3, arg.out_nr_runs);
	EXPECT_EQ(10, runs[0].nr_pages);
	EXPECT_EQ(ACCESSED | DIRTY | HEMEM_ASSIST_PAGE_ANON, runs[1].flags);
	EXPECT_EQ(53, runs[2].nr_pages);

	move = (struct hemem_assist_move){
		.addr = (uintptr_t)mem.addr + 40 * PAGE, .node = (__u32)node_b() };
	ASSERT_EQ(0, dev_migrate(fd, &move, 1, 0, NULL));
	ASSERT_EQ(HEMEM_ASSIST_MOVED, move.out_status);
	ASSERT_EQ(0, dev_scan(fd, &arg));
	EXPECT_EQ(5, arg.out_nr_runs);
	EXPECT_EQ(node_b(), runs[3].node);
	EXPECT_EQ(1, runs[3].nr_pages);
}

TEST(resume, "scan with room for few runs and resume: every page is seen once, and no bit "
	 "beyond out_end is cleared", need_flush, need_two_nodes)
{
	static const unsigned int rooms[] = { 1, 2, 3, 7, 64 };
	struct mem mem;
	size_t i, r;

	mem_make_anon(&mem, 1024, node_a());
	attach();
	for (r = 0; r < sizeof(rooms) / sizeof(rooms[0]); r++) {
		scan_mem(&mem, CLEAR_BOTH);
		for (i = 0; i < 1024; i += 3)
			read_page(&mem, i);
		/* enter_run() checks that none is seen twice */
		EXPECT_LT(1024 / 3 / rooms[r],
			  scan(mem.addr, mem.bytes, CLEAR_BOTH, rooms[r]));
		EXPECT_EQ(1024, count_present(1024));
		for (i = 0; i < 1024; i++)
			if (!EXPECT_EQ(i % 3 == 0, !!(seen[i].flags & ACCESSED)))
				break;
	}
	EXPECT_EQ(0, mem_count_bad(&mem));
}

TEST(many_runs, "scan memory whose every page is a run of its own, thousands of them",
	 need_flush, need_two_nodes)
{
	struct mem mem;
	size_t i;

	mem_make_anon(&mem, 8192, node_a());
	attach();
	scan_mem(&mem, CLEAR_BOTH);
	for (i = 0; i < 8192; i += 2)
		read_page(&mem, i);
	scan_mem(&mem, 0);
	EXPECT_EQ(8192, count_present(8192));
	EXPECT_EQ(4096, count_flags(8192, ACCESSED));
	for (i = 0; i < 8192; i++)
		if (!EXPECT_EQ(i % 2 == 0, !!(seen[i].flags & ACCESSED)))
			break;
}

/* --- accessed and dirty ------------------------------------------------------------ */

TEST(read_and_write, "read one page and write another: accessed, and accessed and dirty",
	 need_flush, need_two_nodes)
{
	struct mem mem;

	mem_make_anon(&mem, 64, node_a());
	attach();
	scan_mem(&mem, CLEAR_BOTH);
	EXPECT_EQ(64, count_flags(64, ACCESSED | DIRTY));	/* just filled */
	scan_mem(&mem, 0);
	EXPECT_EQ(0, count_flags(64, ACCESSED));
	EXPECT_EQ(0, count_flags(64, DIRTY));
	read_page(&mem, 5);
	mem_fill_page(mem.addr + 9 * PAGE, mem.seed, 9);
	scan_mem(&mem, 0);
	EXPECT_EQ(2, count_flags(64, ACCESSED));
	EXPECT_EQ(1, count_flags(64, DIRTY));
	EXPECT_EQ(ACCESSED, seen[5].flags & (ACCESSED | DIRTY));
	EXPECT_EQ(ACCESSED | DIRTY, seen[9].flags & (ACCESSED | DIRTY));
	EXPECT_EQ(0, mem_count_bad(&mem));
}

TEST(clears_what_is_asked, "clear accessed only, dirty only, neither", need_flush,
	 need_two_nodes)
{
	struct mem mem;

	mem_make_anon(&mem, 16, node_a());
	attach();
	scan_mem(&mem, 0);
	scan_mem(&mem, CLEAR_ACCESSED);
	EXPECT_EQ(16, count_flags(16, ACCESSED | DIRTY));
	scan_mem(&mem, 0);
	EXPECT_EQ(0, count_flags(16, ACCESSED));
	EXPECT_EQ(16, count_flags(16, DIRTY));
	mem_fill(&mem);
	scan_mem(&mem, CLEAR_DIRTY);
	scan_mem(&mem, 0);
	EXPECT_EQ(16, count_flags(16, ACCESSED));
	EXPECT_EQ(0, count_flags(16, DIRTY));
	EXPECT_EQ(0, mem_count_bad(&mem));
}

TEST(clears_inside_only, "clear in the middle and find the pages on both sides untouched",
	 need_flush, need_two_nodes)
{
	struct mem mem;
	size_t i;

	mem_make_anon(&mem, 48, node_a());
	attach();
	scan(mem.addr + 16 * PAGE, 16 * PAGE, CLEAR_BOTH, MAX_RUNS);
	scan_mem(&mem, 0);
	for (i = 0; i < 48; i++)
		EXPECT_EQ(i < 16 || i >= 32 ? ACCESSED | DIRTY : 0,
			  seen[i].flags & (ACCESSED | DIRTY));
}

TEST(dirty_of_files_stays, "ask to clear dirty on shared memory, and find it dirty still",
	 need_scan, need_two_nodes)
{
	struct mem mem;

	mem_make(&mem, mem_kind("shmem"), node_a());
	attach();
	scan_mem(&mem, CLEAR_BOTH);
	scan_mem(&mem, 0);
	EXPECT_EQ(mem.nr_units, count_flags(mem.nr_units, DIRTY));
	EXPECT_EQ(0, mem_count_bad(&mem));
}

/* The other CPU has the page in its TLB: without a flush it would look idle. */
static struct mem hot_mem;
static volatile bool must_stop;

static void *read_hot(void *arg __attribute__((unused)))
{
	size_t i;

	while (!must_stop)
		for (i = 0; i < 8; i++)
			read_page(&hot_mem, i);
	return NULL;
}

TEST(hot_on_other_cpu, "see pages that another CPU reads all the time accessed at every scan",
	 need_flush, need_two_nodes, need_two_cpus)
{
	pthread_t reader;
	int round;

	mem_make_anon(&hot_mem, 16, node_a());
	attach();
	pthread_create(&reader, NULL, read_hot, NULL);
	for (round = 0; round < 20; round++) {
		scan_mem(&hot_mem, CLEAR_BOTH);
		usleep(50000);
		scan_mem(&hot_mem, CLEAR_BOTH);
		EXPECT_EQ(8, count_flags(8, ACCESSED));
		EXPECT_EQ(8, count_flags(16, ACCESSED));
		EXPECT_EQ(0, count_flags(16, DIRTY));
	}
	must_stop = true;
	pthread_join(reader, NULL);
}

/* --- no write is forgotten -------------------------------------------------------------- */

TEST(dirty_and_swap, "clear dirty bits, swap out, and read every byte back", need_scan,
	 need_two_nodes, need_swap)
{
	int round, rounds = harness_rounds("HEMEM_ROUNDS", 8, 100);
	struct mem mem;

	mem_make_anon(&mem, 256, node_a());
	attach();
	for (round = 0; round < rounds; round++) {
		mem.seed++;
		mem_fill(&mem);
		scan_mem(&mem, CLEAR_BOTH);
		if (!mem_swap_out(&mem))
			SKIP("the kernel did not swap out all pages");
		scan_mem(&mem, CLEAR_BOTH);
		EXPECT_EQ(0, count_present(256));
		if (!EXPECT_EQ(0, mem_count_bad(&mem)))
			return;
	}
}

/*
 * A page that came from swap and was not written keeps its place there; after a
 * write that place is stale.  Were the write forgotten with the dirty bit, the
 * next swap-out would drop the page and bring the old bytes back.
 */
TEST(dirty_after_swap_in, "write pages that came from swap, clear dirty, swap out again, and "
	 "read the new bytes", need_scan, need_two_nodes, need_swap)
{
	struct mem mem;
	size_t i;

	mem_make_anon(&mem, 256, node_a());
	attach();
	if (!mem_swap_out(&mem))
		SKIP("the kernel did not swap out all pages");
	for (i = 0; i < 256; i++)
		read_page(&mem, i);
	mem.seed++;
	mem_fill(&mem);
	scan_mem(&mem, CLEAR_BOTH);
	if (!mem_swap_out(&mem))
		SKIP("the kernel did not swap out all pages again");
	EXPECT_EQ(0, mem_count_bad(&mem));
}

static void *write_on(void *arg __attribute__((unused)))
{
	volatile uint64_t *counters = (void *)hot_mem.addr;
	uint64_t round;
	size_t i;

	for (round = 0; !must_stop; round++)
		for (i = 0; i < 64; i++) {
			uint64_t *found = (uint64_t *)arg;

			*found += counters[i * 512] != round;
			counters[i * 512] = round + 1;
		}
	return NULL;
}

TEST(dirty_while_writing, "clear dirty bits of pages that are written and swapped out all the "
	 "time, and lose no write", need_scan, need_two_nodes, need_two_cpus, need_swap)
{
	uint64_t nr_lost = 0, end_ns = proc_now_ns() +
		1000000000ULL * (unsigned int)harness_rounds("HEMEM_SECONDS", 4, 60);
	pthread_t writer;

	mem_make_anon(&hot_mem, 64, node_a());
	memset(hot_mem.addr, 0, hot_mem.bytes);
	attach();
	pthread_create(&writer, NULL, write_on, &nr_lost);
	while (proc_now_ns() < end_ns) {
		scan_mem(&hot_mem, CLEAR_BOTH);
		madvise(hot_mem.addr, hot_mem.bytes, MADV_PAGEOUT);
	}
	must_stop = true;
	pthread_join(writer, NULL);
	NOTE("%llu rounds of writes",
	     (unsigned long long)((volatile uint64_t *)hot_mem.addr)[0]);
	EXPECT_EQ(0, nr_lost);
}

/* MADV_FREE gives pages up unless they are written again. */
TEST(madv_free_kept_if_written, "give pages up with MADV_FREE, write them again, clear dirty, "
	 "reclaim, and find the bytes", need_scan, need_two_nodes, need_swap)
{
	struct mem mem;

	mem_make_anon(&mem, 64, node_a());
	attach();
	node_bring(mem.addr, PAGE, node_a());	/* drains the per-CPU lists */
	ASSERT_EQ(0, madvise(mem.addr, mem.bytes, MADV_FREE));
	mem.seed++;
	mem_fill(&mem);
	scan_mem(&mem, CLEAR_BOTH);
	mem_swap_out(&mem);
	EXPECT_EQ(0, mem_count_bad(&mem));
}

/* --- huge pages --------------------------------------------------------------------------- */

TEST(huge, "touch one byte of a huge page and see the whole accessed, its neighbour not",
	 need_flush, need_two_nodes, need_thp)
{
	struct mem mem;

	mem_make_huge(&mem, 2, node_a());
	attach();
	scan_mem(&mem, CLEAR_BOTH);
	EXPECT_EQ(1024, count_flags(1024, ACCESSED | DIRTY | HEMEM_ASSIST_PAGE_HUGE));
	read_page(&mem, 77);
	scan_mem(&mem, CLEAR_BOTH);
	EXPECT_EQ(512, count_flags(512, ACCESSED | HEMEM_ASSIST_PAGE_HUGE));
	EXPECT_EQ(512, count_flags(1024, ACCESSED));
	EXPECT_EQ(0, count_flags(1024, DIRTY));
	EXPECT_EQ(0, mem_count_bad(&mem));
	EXPECT_EQ(4096, proc_smaps_kib(mem.addr, "AnonHugePages:"));
}

TEST(huge_straddles, "scan a part of a huge page and see it whole, once", need_scan,
	 need_two_nodes, need_thp)
{
	struct mem mem;
	struct hemem_assist_scan arg;

	mem_make_huge(&mem, 2, node_a());
	attach();
	arg = (struct hemem_assist_scan){
		.start = (uintptr_t)mem.addr + 300 * PAGE,
		.end = (uintptr_t)mem.addr + 600 * PAGE,
		.runs = (uintptr_t)runs, .max_runs = 8,
	};
	ASSERT_EQ(0, dev_scan(fd, &arg));
	EXPECT_EQ(1, arg.out_nr_runs);
	EXPECT_EQ((uintptr_t)mem.addr, runs[0].addr);
	EXPECT_EQ(2, runs[0].nr_pages);
	EXPECT_EQ(1024, arg.out_nr_present);
	EXPECT_EQ(arg.end, arg.out_end);
	arg.start = (uintptr_t)mem.addr + 511 * PAGE;
	arg.end = arg.start + PAGE;
	ASSERT_EQ(0, dev_scan(fd, &arg));
	EXPECT_EQ(1, arg.out_nr_runs);
	EXPECT_EQ((uintptr_t)mem.addr, runs[0].addr);
	EXPECT_EQ(1, runs[0].nr_pages);
}

TEST(huge_and_base, "scan huge and base pages next to each other, one run of room at a time",
	 need_scan, need_two_nodes, need_thp)
{
	struct mem mem;
	size_t i;

	mem_make_huge(&mem, 3, node_a());
	attach();
	madvise(mem.addr + HUGE_BYTES, HUGE_BYTES, MADV_DONTNEED);
	madvise(mem.addr + HUGE_BYTES, HUGE_BYTES, MADV_NOHUGEPAGE);
	for (i = 512; i < 520; i++)
		mem_fill_page(mem.addr + i * PAGE, mem.seed, i);
	scan(mem.addr, mem.bytes, 0, 1);
	EXPECT_EQ(1024, count_flags(1536, HEMEM_ASSIST_PAGE_HUGE));
	EXPECT_EQ(1024 + 8, count_present(1536));
}

TEST(other_process, "scan another process: see what it writes, and not what it leaves alone",
	 need_flush, need_two_nodes)
{
	struct target target;

	target_start_anon(&target, 32, node_a());
	fd = dev_open_attached(target.pid);
	ASSERT_LE(0, fd);
	scan_mem(&target.mem, CLEAR_BOTH);
	EXPECT_EQ(32, count_flags(32, ACCESSED | DIRTY));
	scan_mem(&target.mem, CLEAR_BOTH);
	EXPECT_EQ(0, count_flags(32, ACCESSED));
	EXPECT_EQ(0, target_tell(&target, TARGET_WRITE));
	scan_mem(&target.mem, CLEAR_BOTH);
	EXPECT_EQ(32, count_flags(32, ACCESSED | DIRTY));
	EXPECT_EQ(0, target_tell(&target, TARGET_COUNT_BAD));
}

/* --- cost ---------------------------------------------------------------------------------- */

enum { COST_PAGES = 16384 };		/* 64 MiB of base pages */

static uint64_t pagemap[COST_PAGES];

/* What a program without the module reads to learn the same: frame by frame. */
static void read_pagemap(const struct mem *mem, int pagemap_fd)
{
	off_t offset = (off_t)((uintptr_t)mem->addr / PAGE * 8);

	ASSERT_EQ(sizeof(pagemap),
		  pread(pagemap_fd, pagemap, sizeof(pagemap), offset));
}

/* Asks about every frame, 64 at a time, and marks it idle for the next time. */
static void read_idle_bitmap(int idle_fd)
{
	uint64_t last = ~0ULL, bits = 0;
	size_t i;

	for (i = 0; i < COST_PAGES; i++) {
		uint64_t frame = pagemap[i] & ((1ULL << 55) - 1);

		if (frame / 64 == last)
			continue;
		last = frame / 64;
		ASSERT_EQ(8, pread(idle_fd, &bits, 8, (off_t)last * 8));
		bits = ~0ULL;
		ASSERT_EQ(8, pwrite(idle_fd, &bits, 8, (off_t)last * 8));
	}
}

static void touch_all(const struct mem *mem)
{
	size_t i;

	for (i = 0; i < COST_PAGES; i++)
		read_page(mem, i);
}

enum { WAY_LOOK, WAY_CLEAR, WAY_PAGEMAP, WAY_IDLE, NR_WAYS };

static uint64_t cost_ns(const struct mem *mem, int way, int pagemap_fd, int idle_fd)
{
	uint64_t start_ns;

	touch_all(mem);
	start_ns = proc_now_ns();
	if (way == WAY_LOOK || way == WAY_CLEAR) {
		struct hemem_assist_scan arg = {
			.flags = way == WAY_CLEAR ? CLEAR_BOTH : 0,
			.start = (uintptr_t)mem->addr,
			.end = (uintptr_t)mem->addr + mem->bytes,
			.runs = (uintptr_t)runs, .max_runs = MAX_RUNS,
		};

		ASSERT_EQ(0, dev_scan(fd, &arg));
		EXPECT_EQ(COST_PAGES, arg.out_nr_present);
	} else {
		read_pagemap(mem, pagemap_fd);
		if (way == WAY_IDLE)
			read_idle_bitmap(idle_fd);
	}
	return proc_now_ns() - start_ns;
}

static uint64_t min_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void print_costs(const uint64_t *best, int nr)
{
	static const char *const names[NR_WAYS] = {
		"SCAN", "SCAN that clears", "pagemap", "pagemap and idle bitmap" };
	int way;

	for (way = 0; way < nr; way++)
		NOTE("%llu ns per page: %s",
		     (unsigned long long)best[way] / COST_PAGES, names[way]);
}

/*
 * The least of some rounds each, taken in turn: what disturbs does so to all.
 * Pagemap alone tells neither node nor accessed, so it is only printed.
 */
TEST(cost, "scan and clear for a fraction of what it costs to read pagemap and the idle bitmap",
	 need_scan, need_two_nodes)
{
	int pagemap_fd = open("/proc/self/pagemap", O_RDONLY);
	int idle_fd = open("/sys/kernel/mm/page_idle/bitmap", O_RDWR);
	int nr = idle_fd < 0 ? WAY_IDLE : NR_WAYS, round, way;
	uint64_t best[NR_WAYS] = { ~0ULL, ~0ULL, ~0ULL, ~0ULL };
	struct mem mem;

	mem_make_anon(&mem, COST_PAGES, node_a());
	attach();
	for (round = 0; round < 5; round++)
		for (way = 0; way < nr; way++)
			best[way] = min_of(best[way],
					   cost_ns(&mem, way, pagemap_fd, idle_fd));
	print_costs(best, nr);
	if (idle_fd < 0)
		SKIP("the kernel has no idle bitmap to compare with");
	EXPECT_LT(2 * best[WAY_CLEAR], best[WAY_IDLE]);
}
