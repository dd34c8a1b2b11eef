// SPDX-License-Identifier: GPL-2.0
/*
 * missing_test.c - a kernel that lacks some of the functions the module calls
 *
 * The module is loaded anew, and its parameter "without" hides functions from
 * it.  INFO, missing_symbols and every ioctl must then tell the same story:
 * what is off says EOPNOTSUPP and changes nothing, what is on works.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "file.h"
#include "harness.h"
#include "mem.h"
#include "module.h"
#include "need.h"
#include "node.h"
#include "proc.h"
#include "target.h"

#define DEVICE	"/sys/class/misc/hemem/"

enum {
	NR_PAGES	= 16,
	SWAP		= HEMEM_ASSIST_FEAT_SWAP,
	MIGRATE		= HEMEM_ASSIST_FEAT_MIGRATE | HEMEM_ASSIST_FEAT_MAKE_ROOM | SWAP,
	SCAN		= HEMEM_ASSIST_FEAT_SCAN,
	FLUSH		= HEMEM_ASSIST_FEAT_FLUSH | SWAP,
	DRAIN		= HEMEM_ASSIST_FEAT_DRAIN | SWAP,
	ALL		= MIGRATE | SCAN | FLUSH | DRAIN | HEMEM_ASSIST_FEAT_WP,
};

/* A function that kernels call by two names has both in one row. */
static const struct hidden {
	const char *names;		/* comma separated */
	__u64 lost;			/* features that go with them */
	bool is_optional;		/* not in kernels without SECURITY, CPUSETS */
} hidden[] = {
	{ "pidfd_get_pid", ALL, false },
	{ "mm_access", ALL, false },
	{ "security_task_movememory", ALL, true },
	{ "cpuset_mems_allowed", ALL, true },
	{ "walk_page_range", ALL, false },
	{ "migrate_pages", MIGRATE, false },
	{ "putback_movable_pages", MIGRATE, false },
	{ "folio_isolate_lru,isolate_lru_page", MIGRATE, false },
	{ "flush_tlb_mm_range", FLUSH, false },
	{ "lru_add_drain_all", DRAIN, false },
	{ "lru_add_drain", SWAP, false },
	{ "__mod_lruvec_state", SWAP, false },
	{ "flush_tlb_mm_range,lru_add_drain_all", FLUSH | DRAIN, false },
	{ "migrate_pages,flush_tlb_mm_range", MIGRATE | FLUSH, false },
	/* An element of the list is a whole name, not a part of one. */
	{ "migrate_page,pages,mm_access_,,", 0, false },
};

static const char *hidden_name(int row)
{
	return hidden[row].names;
}

/* Where the kernel has no such function, the module does without. */
static const char *hidden_lacks(int row)
{
	FILE *symbols = hidden[row].is_optional ? fopen("/proc/kallsyms", "r") : NULL;
	const char *lacks = "this kernel has no such function, and needs none";
	char line[512], wanted[64];

	if (!symbols)
		return NULL;
	snprintf(wanted, sizeof(wanted), " %s\n", hidden[row].names);
	while (lacks && fgets(line, sizeof(line), symbols))
		if (strstr(line, wanted))
			lacks = NULL;
	fclose(symbols);
	return lacks;
}

static const struct rows hidden_rows = {
	.nr = sizeof(hidden) / sizeof(hidden[0]),
	.name = hidden_name,
	.lacks = hidden_lacks,
};

static struct target target;
static struct hemem_assist_move moves[NR_PAGES];
static struct hemem_assist_run runs[NR_PAGES];
static __u64 all;			/* features of this kernel */
static __u64 lost;			/* of those, what must be off */

static long counter(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), DEVICE "stats/%s", name);
	return file_number(path);
}

/* Every line of missing_symbols is hidden, and at least one if a feature is lost. */
static void expect_missing(const char *names)
{
	char text[4096] = "", *line, *rest = text;
	unsigned int nr = 0;

	ASSERT_LE(0, file_read(DEVICE "missing_symbols", text, sizeof(text)));
	while ((line = strsep(&rest, "\n")) && *line) {
		nr++;
		if (!EXPECT(strstr(names, line)))
			NOTE("%s is missing and was not hidden", line);
	}
	EXPECT_EQ(lost != 0, nr != 0);
}

static void expect_info(void)
{
	struct hemem_assist_info info;
	int fd = dev_open();

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, dev_info(fd, &info));
	EXPECT_EQ((all & ~lost) | HEMEM_ASSIST_FEAT_REGION, info.out_features);
	EXPECT_EQ(HEMEM_ASSIST_ABI, info.out_abi);
	if (lost & SWAP)
		EXPECT_EQ(HEMEM_ASSIST_NO_SWAP_SYMBOL, info.out_no_swap);
	close(fd);
}

/* Off before anything else is asked: whether the fd is attached, too. */
static void expect_off(int fd, bool has_migrate, bool has_scan)
{
	struct hemem_assist_scan scan = {
		.start = 4096, .end = 8192, .runs = (uintptr_t)runs,
		.max_runs = NR_PAGES,
	};

	mem_moves(&target.mem, node_b(), moves);
	if (!has_migrate)
		EXPECT_EQ(-EOPNOTSUPP, dev_migrate(fd, moves, NR_PAGES, 0, NULL));
	if (!has_scan)
		EXPECT_EQ(-EOPNOTSUPP, dev_scan(fd, &scan));
}

/* Without DRAIN a page may still wait in a per-CPU list: BUSY, and it stays. */
static void expect_migrate(int fd)
{
	long drains = counter("drains");
	struct hemem_assist_migrate reply;
	unsigned int nr = mem_moves(&target.mem, node_b(), moves);

	ASSERT_EQ(0, dev_migrate(fd, moves, nr, 0, &reply));
	EXPECT_EQ(reply.out_nr[HEMEM_ASSIST_MOVED],
		  target_count(&target, node_b()));
	if (lost & HEMEM_ASSIST_FEAT_DRAIN) {
		EXPECT_EQ(drains, counter("drains"));
		EXPECT_EQ(NR_PAGES, reply.out_nr[HEMEM_ASSIST_MOVED] +
				    reply.out_nr[HEMEM_ASSIST_BUSY]);
	} else {
		EXPECT_EQ(NR_PAGES, reply.out_nr[HEMEM_ASSIST_MOVED]);
	}
}

static void expect_scan(int fd)
{
	long flushes = counter("scan_flushes");
	struct hemem_assist_scan scan = {
		.flags = HEMEM_ASSIST_SCAN_CLEAR_ACCESSED |
			 HEMEM_ASSIST_SCAN_CLEAR_DIRTY,
		.start = (uintptr_t)target.mem.addr,
		.end = (uintptr_t)target.mem.addr + target.mem.bytes,
		.runs = (uintptr_t)runs, .max_runs = NR_PAGES,
	};

	ASSERT_EQ(0, target_tell(&target, TARGET_WRITE));
	ASSERT_EQ(0, dev_scan(fd, &scan));
	EXPECT_EQ(NR_PAGES, scan.out_nr_present);
	EXPECT_EQ(NR_PAGES, scan.out_nr_accessed);
	EXPECT_EQ(flushes + (lost & HEMEM_ASSIST_FEAT_FLUSH ? 0 : 1), counter("scan_flushes"));
	ASSERT_EQ(0, dev_scan(fd, &scan));
	EXPECT_EQ(NR_PAGES, scan.out_nr_present);
	EXPECT_EQ(0, scan.out_nr_accessed);
}

/* In a process of its own, so that the module is loaded again whatever happens. */
static void look(void *arg)
{
	const struct hidden *row = arg;
	int fd;

	lost = row->lost & all;
	expect_missing(row->names);
	expect_info();
	target_start_anon(&target, NR_PAGES, node_a());
	fd = dev_open();
	ASSERT_LE(0, fd);
	expect_off(fd, !(lost & HEMEM_ASSIST_FEAT_MIGRATE), !(lost & SCAN));
	EXPECT_EQ(lost == all ? -EOPNOTSUPP : 0, dev_attach(fd, target.pid));
	expect_off(fd, !(lost & HEMEM_ASSIST_FEAT_MIGRATE), !(lost & SCAN));
	EXPECT_EQ(NR_PAGES, target_count(&target, node_a()));
	if (!(lost & SCAN))
		expect_scan(fd);
	if (!(lost & HEMEM_ASSIST_FEAT_MIGRATE))
		expect_migrate(fd);
	EXPECT_EQ(0, target_tell(&target, TARGET_COUNT_BAD));
	close(fd);
	target_kill(&target);
}

TEST_ROWS(eopnotsupp, "hide kernel functions from the module, and find what needs them off, "
	  "said beforehand, and the rest at work", &hidden_rows, need_migrate, need_scan,
	  need_flush, need_two_nodes, need_module_file)
{
	struct hemem_assist_info info;
	char args[128];
	int fd;

	fd = dev_open();
	ASSERT_EQ(0, dev_info(fd, &info));
	close(fd);
	all = info.out_features & ~(__u64)HEMEM_ASSIST_FEAT_REGION;	/* needs nothing hidden */
	/* Write protection is off where the kernel has its own, swaps where they failed. */
	EXPECT_EQ(ALL, all | HEMEM_ASSIST_FEAT_WP | SWAP);
	snprintf(args, sizeof(args), "without=%s", hidden[row].names);
	ASSERT_EQ(0, module_unload());
	if (EXPECT_EQ(0, module_load(args))) {
		EXPECT_EQ(0, proc_wait(proc_start(look, (void *)&hidden[row])));
		EXPECT_EQ(0, module_unload());
	}
	ASSERT_EQ(0, module_load(NULL));
}
