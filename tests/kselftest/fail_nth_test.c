// SPDX-License-Identifier: GPL-2.0
/*
 * fail_nth_test.c - every allocation that a call makes fails once
 *
 * The 1st, then the 2nd, ... point of a call where the kernel can be told to
 * fail does so, until a call meets no failure any more.  Those points are
 * allocations of slab memory and of pages, and copies from and to the caller.
 * After each failure: the errno is ENOMEM, or EFAULT for a copy; contents and
 * placement are what the answer says; and the same call, sent again, works.
 *
 * Leaks show as free memory that goes down over all the failures, and in the
 * kmemleak scan that ends the run.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dev.h"
#include "file.h"
#include "harness.h"
#include "mem.h"
#include "need.h"
#include "node.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define DEBUGFS		"/sys/kernel/debug/"

enum { NR_PAGES = 24, MAX_NTH = 5000 };	/* more moves than fit on a kernel stack */

static const char *need_fail_nth(void)
{
	if (access(FAIL_NTH, W_OK) || access(DEBUGFS "failslab", F_OK) ||
	    access(DEBUGFS "fail_page_alloc", F_OK))
		return "the kernel cannot be told to fail: it has no CONFIG_FAULT_INJECTION, "
		       "CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC";
	return NULL;
}

/* --- telling the kernel when to fail ------------------------------------- */

static int nth_fd = -1;

/* All kinds of allocation, and without a word in the log. */
static void nth_init(void)
{
	static const struct { const char *file, *value; } knobs[] = {
		{ "failslab/ignore-gfp-wait", "N" },
		{ "failslab/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "fail_page_alloc/min-order", "0" },
		{ "fail_page_alloc/verbose", "0" },
	};
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(knobs) / sizeof(knobs[0]); i++) {
		snprintf(path, sizeof(path), DEBUGFS "%s", knobs[i].file);
		ASSERT_EQ(0, file_write(path, knobs[i].value));
	}
	/* Only some kernels can. */
	file_write(DEBUGFS "fail_usercopy/verbose", "0");
	nth_fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, nth_fd);
}

static void nth_begin(int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", nth);

	ASSERT_EQ(len, pwrite(nth_fd, text, (size_t)len, 0));
}

/*
 * Back to no failures; returns whether there was one since nth_begin().  What is
 * left is asked for and taken back by copies, which may well fail in its turn.
 */
static bool nth_end(void)
{
	char text[16] = "";
	ssize_t len = pread(nth_fd, text, sizeof(text) - 1, 0);

	while (pwrite(nth_fd, "0", 1, 0) != 1)
		;
	return len > 0 && atoi(text) == 0;
}

/* --- calls, each with what must hold after a failure --------------------- */

static struct mem mem;
static struct hemem_assist_move moves[NR_PAGES], moves_before[NR_PAGES];
static struct hemem_assist_run runs[NR_PAGES];
static int fd = -1;

static void expect_there(int nid)
{
	EXPECT_EQ(mem.bytes / 4096, node_count(mem.addr, mem.bytes, nid));
}

static int call_open(void)
{
	fd = dev_open();
	return fd < 0 ? fd : 0;
}

static void failed_open(int err __attribute__((unused)))
{
	fd = -1;
}

static void good_open(void)
{
	ASSERT_LE(0, fd);
	close(fd);
	fd = -1;
}

static struct hemem_assist_info info;

static void before_info(void)
{
	memset(&info, 0xcc, sizeof(info));
	info.size = sizeof(info);
	info.flags = 0;
}

static int call_info(void)
{
	return dev_ioctl(fd, HEMEM_ASSIST_INFO, &info);
}

static void failed_info(int err)
{
	if (err == -ENOMEM)
		EXPECT_EQ(0xcccccccc, info.out_abi);
}

static void good_info(void)
{
	EXPECT_EQ(HEMEM_ASSIST_ABI, info.out_abi);
}

static struct hemem_assist_attach attach;

static void before_attach(void)
{
	close(fd);
	close(attach.pidfd);
	fd = dev_open();
	ASSERT_LE(0, fd);
	attach = (struct hemem_assist_attach){ .size = sizeof(attach),
					       .pidfd = dev_pidfd(getpid()) };
	ASSERT_LE(0, attach.pidfd);
}

static int call_attach(void)
{
	return dev_ioctl(fd, HEMEM_ASSIST_ATTACH, &attach);
}

/* It is not attached: the same call, sent again, is not EBUSY. */
static void failed_attach(int err __attribute__((unused)))
{
	EXPECT_EQ(-ENOTCONN, dev_migrate(fd, moves, 1, 0, NULL));
}

static void good_attach(void)
{
	EXPECT_EQ(-EBUSY, dev_ioctl(fd, HEMEM_ASSIST_ATTACH, &attach));
}

static struct hemem_assist_migrate migrate;

/* By a new fd: one that has migrated before keeps memory for the next time. */
static void before_migrate(void)
{
	close(fd);
	fd = dev_open_attached(getpid());
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, node_bring(mem.addr, mem.bytes, node_a()));
	expect_there(node_a());
	memset(moves, 0xcc, sizeof(moves));
	migrate = (struct hemem_assist_migrate){
		.size = sizeof(migrate), .moves = (uintptr_t)moves,
		.nr_moves = mem_moves(&mem, node_b(), moves) };
	memcpy(moves_before, moves, sizeof(moves));
}

static int call_migrate(void)
{
	return dev_ioctl(fd, HEMEM_ASSIST_MIGRATE, &migrate);
}

/* EFAULT may be about the answer: then the work stays done. */
static void failed_migrate(int err)
{
	if (err == -ENOMEM) {
		expect_there(node_a());
		EXPECT_EQ(0, memcmp(moves_before, moves, sizeof(moves)));
	}
	EXPECT_EQ(mem.bytes / 4096, node_count(mem.addr, mem.bytes, node_a()) +
				    node_count(mem.addr, mem.bytes, node_b()));
}

/* Each entry says where its page is, and why it has not moved. */
static void good_migrate(void)
{
	unsigned int i, status, others = 0;

	for (i = 0; i < migrate.nr_moves; i++) {
		status = moves[i].out_status;
		if (status == HEMEM_ASSIST_MOVED || status == HEMEM_ASSIST_THERE) {
			EXPECT_EQ(node_b(), node_of(mem_unit(&mem, i)));
			continue;
		}
		EXPECT_EQ(node_a(), node_of(mem_unit(&mem, i)));
		if (status == HEMEM_ASSIST_NO_ROOM || status == HEMEM_ASSIST_BUSY)
			others++;
		else if (!EXPECT_EQ(HEMEM_ASSIST_UNTRIED, status))
			NOTE("entry %u is %s", i, dev_status_name(status));
	}
	EXPECT_LE(others, 1);
}

static struct hemem_assist_scan scan;

static void before_scan(void)
{
	mem_fill(&mem);
	memset(runs, 0xcc, sizeof(runs));
	scan = (struct hemem_assist_scan){
		.size = sizeof(scan),
		.flags = HEMEM_ASSIST_SCAN_CLEAR_ACCESSED |
			 HEMEM_ASSIST_SCAN_CLEAR_DIRTY,
		.start = (uintptr_t)mem.addr,
		.end = (uintptr_t)mem.addr + mem.bytes,
		.runs = (uintptr_t)runs, .max_runs = NR_PAGES };
}

static int call_scan(void)
{
	return dev_ioctl(fd, HEMEM_ASSIST_SCAN, &scan);
}

static void failed_scan(int err)
{
	struct hemem_assist_scan again = scan;

	if (err != -ENOMEM)
		return;
	EXPECT_EQ(0xcccccccc, runs[0].nr_pages);
	EXPECT_EQ(0, scan.out_nr_present);
	again.flags = 0;
	ASSERT_EQ(0, dev_scan(fd, &again));
	EXPECT_EQ(mem.bytes / 4096, again.out_nr_accessed);
}

static void good_scan(void)
{
	EXPECT_EQ(mem.bytes / 4096, scan.out_nr_present);
}

static void make_pages(void)
{
	mem_make_anon(&mem, NR_PAGES, node_a());
	fd = dev_open_attached(getpid());
	ASSERT_LE(0, fd);
}

static void make_huge(void)
{
	mem_make_huge(&mem, 1, node_a());
	fd = dev_open_attached(getpid());
	ASSERT_LE(0, fd);
}

static const struct call {
	const char *name;
	void (*set_up)(void);		/* once; may be NULL */
	void (*before)(void);		/* before each call; may be NULL */
	int (*call)(void);
	void (*failed)(int err);	/* it has failed with err */
	void (*good)(void);		/* it said 0 */
} calls[] = {
	{ "open", NULL, NULL, call_open, failed_open, good_open },
	{ "info", make_pages, before_info, call_info, failed_info, good_info },
	{ "attach", NULL, before_attach, call_attach, failed_attach, good_attach },
	{ "migrate", make_pages, before_migrate, call_migrate, failed_migrate,
	  good_migrate },
	{ "migrate_huge", make_huge, before_migrate, call_migrate, failed_migrate,
	  good_migrate },
	{ "scan", make_pages, before_scan, call_scan, failed_scan, good_scan },
};

static const char *call_name(int row)
{
	return calls[row].name;
}

static const struct rows call_rows = {
	.nr = sizeof(calls) / sizeof(calls[0]),
	.name = call_name,
};

/* Returns whether a failure was met. */
static bool fail_once(const struct call *call, int nth, int *ret_err)
{
	bool has_failed;
	int err;

	if (call->before)
		call->before();
	nth_begin(nth);
	err = call->call();
	has_failed = nth_end();
	*ret_err = err;
	if (err) {
		if (!EXPECT(has_failed && (err == -ENOMEM || err == -EFAULT)))
			NOTE("failure %d: errno %d", nth, -err);
		call->failed(err);
	} else {
		call->good();
	}
	if (mem.bytes)
		EXPECT_EQ(0, mem_count_bad(&mem));

	/* And nothing stands in the way of the same call. */
	if (err && call->before)
		call->before();
	if (err && EXPECT_EQ(0, call->call()))
		call->good();
	return has_failed;
}

/* Of all nodes, with what waits in the module's pool: that may grow. */
static size_t free_bytes(void)
{
	long pooled = file_number("/sys/class/misc/hemem/pooled_bytes");

	return node_all_free_bytes() + (pooled > 0 ? (size_t)pooled : 0);
}

TEST_ROWS(fail_nth, "fail each allocation of a call in turn: ENOMEM or a status that says so, "
	  "nothing lost, and the next call works", &call_rows, need_migrate, need_scan,
	  need_two_nodes, need_fail_nth)
{
	const struct call *call = &calls[row];
	int nth, err, nr_enomem = 0, nr_efault = 0;
	size_t before, after;

	if (call->set_up)
		call->set_up();
	nth_init();
	fail_once(call, MAX_NTH, &err);		/* caches fill */
	before = free_bytes();
	for (nth = 1; nth < MAX_NTH && fail_once(call, nth, &err); nth++) {
		nr_enomem += err == -ENOMEM;
		nr_efault += err == -EFAULT;
	}
	after = free_bytes();
	NOTE("%d failures: %d ENOMEM, %d EFAULT; free %zu KiB before, %zu KiB after",
	     nth - 1, nr_enomem, nr_efault, before / 1024, after / 1024);
	EXPECT_LT(nth, MAX_NTH);
	/* INFO and ATTACH allocate nothing; the others must have met it. */
	if (call->call == call_open || call->call == call_migrate ||
	    call->call == call_scan)
		EXPECT_LT(0, nr_enomem);
	EXPECT_LE(before, after + (1UL << 20));
}
