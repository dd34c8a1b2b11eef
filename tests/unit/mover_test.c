// SPDX-License-Identifier: GPL-2.0
/*
 * mover_test.c - how a plan is carried out, by a module and a kernel of our own
 *
 * __wrap_ioctl() plays the module's MIGRATE, __wrap_numa_move_pages() the system call.
 * Both work on the same target: PAGES base pages from BASE on, each on a node or
 * absent, each with what becomes of an attempt to move it.  Plans demote the first
 * half from node 0 to node 2 and promote the other half from node 2 to node 0.
 */
#include "unit.h"

#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "assist.h"
#include "heat.h"
#include "mover.h"
#include "plan.h"

#define PAGES	10000
#define BASE	0x7f0000000000ULL
#define PID	4711
#define FD	77
#define FAST	0	/* node numbers */
#define SLOW	2
#define ABSENT	(-ENOENT)

static struct {
	int node[PAGES];		/* or -errno */
	int refusal[PAGES];		/* enum hemem_assist_status, or errno, of a move */
	unsigned int nr_sent[PAGES];	/* attempts to move it */
	unsigned int order[PAGES];
	unsigned int nr_calls, largest;	/* that move; entries of the largest */
	unsigned int max_batch;
	unsigned int flags;		/* that a call must have */
	unsigned int nr_until_signal;	/* entries of the first call that are tried */
	unsigned int err_call;		/* number of the call that fails ... */
	int err;			/* ... like this, 0: none */
	uint64_t last_addr;
} fake;

static struct tier_set tiers = {
	.nodes = { { .nid = FAST, .level = TIER_FAST }, { .nid = SLOW, .level = TIER_SLOW } },
	.nr_nodes = 2,
};
static struct assist assist;
static struct plan *plan;

static const struct mover_context context = { .pid = PID, .assist = &assist, .tiers = &tiers };

static unsigned int page_of(uint64_t addr)
{
	assert_in_range(addr, BASE, BASE + (PAGES - 1) * HEAT_BASE_BYTES);
	assert_int_equal(addr % HEAT_BASE_BYTES, 0);
	return (addr - BASE) / HEAT_BASE_BYTES;
}

/* A call that moves: is it the one that fails? */
static bool fails(unsigned int nr)
{
	fake.nr_calls++;
	if (nr > fake.largest)
		fake.largest = nr;
	return fake.err && fake.nr_calls == fake.err_call;
}

int __wrap_ioctl(int fd, unsigned long request, void *arg);

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	struct hemem_assist_migrate *migrate = arg;
	struct hemem_assist_move *moves = (void *)(uintptr_t)migrate->moves;
	unsigned int i, page;

	assert_int_equal(fd, FD);
	assert_int_equal(request, HEMEM_ASSIST_MIGRATE);
	assert_int_equal(migrate->size, sizeof(*migrate));
	assert_int_equal(migrate->flags, fake.flags);
	assert_int_equal(migrate->reserved, 0);
	assert_in_range(migrate->nr_moves, 1, fake.max_batch);
	if (fails(migrate->nr_moves)) {
		errno = -fake.err;
		return -1;
	}
	for (i = 0; i < migrate->nr_moves; i++) {
		if (fake.nr_until_signal && fake.nr_calls == 1 && i == fake.nr_until_signal)
			return 0;
		page = page_of(moves[i].addr);
		fake.nr_sent[page]++;
		moves[i].out_status = HEMEM_ASSIST_MOVED;
		if (fake.refusal[page])
			moves[i].out_status = fake.refusal[page];
		else
			fake.node[page] = moves[i].node;
		moves[i].out_order = fake.order[page];
	}
	return 0;
}

int __wrap_numa_move_pages(int pid, unsigned long nr, void **addrs, const int *nodes, int *statuses,
			   int flags);

static int where(unsigned long nr, void **addrs, int *statuses)
{
	unsigned long i;

	for (i = 0; i < nr; i++)
		statuses[i] = fake.node[page_of((uintptr_t)addrs[i])];
	return 0;
}

/* As the kernel does it: when pages fail, the statuses of the others are not written. */
int __wrap_numa_move_pages(int pid, unsigned long nr, void **addrs, const int *nodes, int *statuses,
			   int flags)
{
	unsigned long i, nr_failed = 0;
	unsigned int page;

	assert_int_equal(pid, PID);
	if (!nodes)
		return where(nr, addrs, statuses);
	assert_int_equal(flags, MPOL_MF_MOVE);
	if (fails(nr)) {
		errno = -fake.err;
		return -1;
	}
	for (i = 0; i < nr; i++) {
		page = page_of((uintptr_t)addrs[i]);
		assert_int_equal(nodes[i], nodes[0]);
		assert_int_not_equal(fake.node[page], nodes[i]);
		fake.nr_sent[page]++;
		if (fake.refusal[page]) {
			statuses[i] = -fake.refusal[page];
			nr_failed++;
		} else {
			fake.node[page] = nodes[i];
		}
	}
	return (int)nr_failed;
}

static int set_up(UNUSED void **state)
{
	memset(&fake, 0, sizeof(fake));
	fake.max_batch = 4096;
	assist = (struct assist){ .fd = FD, .info = { .out_max_batch = 4096 } };
	return plan_new(PAGES, &plan);
}

static int tear_down(UNUSED void **state)
{
	plan_free(plan);
	return 0;
}

/* Demotions of the first half, promotions of the other. */
static void make_plan(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		fake.node[i] = i < nr / 2 ? FAST : SLOW;
		plan_add(plan, &(struct plan_move){
			.addr = BASE + i * HEAT_BASE_BYTES, .bytes = HEAT_BASE_BYTES,
			.from = i < nr / 2 ? 0 : 1, .to = i < nr / 2 ? 1 : 0,
			.reason = i < nr / 2 ? PLAN_SWAP : PLAN_HOT_READS,
		});
	}
}

static void all_must_be(unsigned int first, unsigned int end, enum hemem_assist_status status,
			unsigned int nr_sent)
{
	for (; first < end; first++) {
		assert_int_equal(plan->moves[first].status, status);
		assert_int_equal(fake.nr_sent[first], nr_sent);
	}
}

static void every_page_is_sent_once_in_batches(const struct mover *mover)
{
	unsigned int i;

	make_plan(PAGES);
	assert_int_equal(mover->send(&context, plan), 0);
	all_must_be(0, PAGES, HEMEM_ASSIST_MOVED, 1);
	for (i = 0; i < PAGES; i++)
		assert_int_equal(fake.node[i], i < PAGES / 2 ? SLOW : FAST);
}

/* The module. */

static void assist_sends_every_page_once_in_batches(void **state UNUSED)
{
	every_page_is_sent_once_in_batches(&mover_assist);
	assert_int_equal(fake.largest, 4096);
	assert_int_equal(fake.nr_calls, 3);
}

static void assist_keeps_to_the_batch_of_this_module(void **state UNUSED)
{
	fake.max_batch = assist.info.out_max_batch = 7;
	every_page_is_sent_once_in_batches(&mover_assist);
	assert_int_equal(fake.largest, 7);
}

static void assist_hands_every_status_on(void **state UNUSED)
{
	unsigned int status;

	make_plan(HEMEM_ASSIST_NR_STATUS + 1);
	for (status = HEMEM_ASSIST_THERE; status < HEMEM_ASSIST_NR_STATUS; status++)
		fake.refusal[status] = status;
	fake.refusal[HEMEM_ASSIST_NR_STATUS] = 99;	/* of a newer module */
	assert_int_equal(mover_assist.send(&context, plan), 0);
	for (status = HEMEM_ASSIST_MOVED; status < HEMEM_ASSIST_NR_STATUS; status++)
		all_must_be(status, status + 1, status, 1);
	assert_int_equal(plan->moves[HEMEM_ASSIST_NR_STATUS].status, HEMEM_ASSIST_BUSY);
}

static void assist_has_page_cache_dropped_if_the_plan_takes_it_and_the_module_can(void **state UNUSED)
{
	make_plan(2);
	plan->takes_cache = true;
	assert_int_equal(mover_assist.send(&context, plan), 0);	/* of an old module: no flag */
	assist.info.out_features = HEMEM_ASSIST_FEAT_MAKE_ROOM;
	fake.flags = HEMEM_ASSIST_MIGRATE_MAKE_ROOM;
	assert_int_equal(mover_assist.send(&context, plan), 0);
	plan->takes_cache = false;
	fake.flags = 0;
	assert_int_equal(mover_assist.send(&context, plan), 0);
	assert_int_equal(fake.nr_calls, 3);
}

static void assist_corrects_the_size_of_what_moved(void **state UNUSED)
{
	make_plan(2);
	fake.order[0] = 9;
	assert_int_equal(mover_assist.send(&context, plan), 0);
	assert_int_equal(plan->moves[0].bytes, HEAT_HUGE_BYTES);
	assert_int_equal(plan->moves[1].bytes, HEAT_BASE_BYTES);
}

static void assist_sends_again_only_what_a_signal_left_untried(void **state UNUSED)
{
	make_plan(100);
	fake.nr_until_signal = 30;
	assert_int_equal(mover_assist.send(&context, plan), 0);
	all_must_be(0, 100, HEMEM_ASSIST_MOVED, 1);
	assert_int_equal(fake.nr_calls, 2);
}

/* The target exits or execs between two batches. */
static void assist_tells_that_the_target_is_gone_and_what_was_done(void **state UNUSED)
{
	make_plan(PAGES);
	fake.err = -ESRCH;
	fake.err_call = 2;
	assert_int_equal(mover_assist.send(&context, plan), -ESRCH);
	all_must_be(0, 4096, HEMEM_ASSIST_MOVED, 1);
	all_must_be(4096, PAGES, HEMEM_ASSIST_UNTRIED, 0);
	assert_int_equal(fake.nr_calls, 2);
}

/* The system call. */

static void numa_sends_every_page_once_in_batches(void **state UNUSED)
{
	every_page_is_sent_once_in_batches(&mover_numa);
	assert_int_equal(fake.largest, 2048);
	assert_int_equal(fake.nr_calls, 6);	/* 2 directions, 3 batches each */
}

static void numa_does_not_send_what_is_there_or_absent(void **state UNUSED)
{
	make_plan(10);
	fake.node[0] = SLOW;
	fake.node[1] = ABSENT;
	fake.node[2] = -EFAULT;
	assert_int_equal(mover_numa.send(&context, plan), 0);
	all_must_be(0, 1, HEMEM_ASSIST_THERE, 0);
	all_must_be(1, 3, HEMEM_ASSIST_NO_PAGE, 0);
	all_must_be(3, 10, HEMEM_ASSIST_MOVED, 1);
}

static void numa_makes_no_call_when_nothing_is_left_to_send(void **state UNUSED)
{
	make_plan(2);
	fake.node[0] = ABSENT;
	fake.node[1] = FAST;
	assert_int_equal(mover_numa.send(&context, plan), 0);
	assert_int_equal(fake.nr_calls, 0);
}

static void numa_tells_refusals_by_their_errno(void **state UNUSED)
{
	static const struct {
		int error;
		enum hemem_assist_status status;
	} rows[] = {
		{ EBUSY, HEMEM_ASSIST_BUSY }, { EACCES, HEMEM_ASSIST_SHARED },
		{ ENOMEM, HEMEM_ASSIST_NO_ROOM }, { EIO, HEMEM_ASSIST_BUSY },
		{ ENOENT, HEMEM_ASSIST_NO_PAGE },
	};
	const unsigned int nr = sizeof(rows) / sizeof(rows[0]);
	unsigned int i;

	make_plan(2 * nr);
	for (i = 0; i < nr; i++)
		fake.refusal[i] = rows[i].error;
	assert_int_equal(mover_numa.send(&context, plan), 0);
	for (i = 0; i < nr; i++)
		all_must_be(i, i + 1, rows[i].status, 1);
	all_must_be(nr, 2 * nr, HEMEM_ASSIST_MOVED, 1);
}

/* ENOMEM ends the call; pages that moved before are MOVED all the same. */
static void numa_takes_a_full_node_for_no_room_and_goes_on(void **state UNUSED)
{
	make_plan(10);
	fake.err = -ENOMEM;
	fake.err_call = 1;
	assert_int_equal(mover_numa.send(&context, plan), 0);
	all_must_be(0, 5, HEMEM_ASSIST_NO_ROOM, 0);
	all_must_be(5, 10, HEMEM_ASSIST_MOVED, 1);
}

static void numa_tells_that_the_target_is_gone_and_what_was_done(void **state UNUSED)
{
	make_plan(PAGES);
	fake.err = -ESRCH;
	fake.err_call = 2;
	assert_int_equal(mover_numa.send(&context, plan), -ESRCH);
	all_must_be(0, 2048, HEMEM_ASSIST_MOVED, 1);
	all_must_be(2048, PAGES, HEMEM_ASSIST_UNTRIED, 0);
	assert_int_equal(fake.nr_calls, 2);
}

/* A huge page is one move: the addresses of its other base pages are not sent. */
static void numa_sends_a_huge_page_by_its_head_alone(void **state UNUSED)
{
	unsigned int i;

	make_plan(2);
	plan->moves[0].bytes = HEAT_HUGE_BYTES;
	plan->moves[1].addr = BASE + 512 * HEAT_BASE_BYTES;
	plan->moves[1].bytes = HEAT_HUGE_BYTES;
	fake.node[512] = SLOW;
	assert_int_equal(mover_numa.send(&context, plan), 0);
	for (i = 0; i < 1024; i++)
		assert_int_equal(fake.nr_sent[i], i % 512 == 0);
	assert_int_equal(plan->moves[0].bytes + plan->moves[1].bytes, 2 * HEAT_HUGE_BYTES);
}

/* On paper. */

static void dry_prints_every_move_and_tries_none(void **state UNUSED)
{
	int saved = dup(2), pipe_fds[2];
	char said[512];
	ssize_t length;

	make_plan(2);
	plan->moves[1].bytes = HEAT_HUGE_BYTES;
	plan->moves[1].reason = PLAN_HOT_WRITES;
	assert_int_equal(pipe(pipe_fds), 0);
	dup2(pipe_fds[1], 2);
	assert_int_equal(mover_dry.send(&context, plan), 0);
	dup2(saved, 2);
	close(saved);
	close(pipe_fds[1]);
	length = read(pipe_fds[0], said, sizeof(said) - 1);
	close(pipe_fds[0]);
	said[length > 0 ? length : 0] = '\0';
	assert_string_equal(said,
			    "demote 0x7f0000000000 4 KiB from node 0 to node 2: swap\n"
			    "promote 0x7f0000001000 2048 KiB from node 2 to node 0: hot writes\n");
	all_must_be(0, 2, HEMEM_ASSIST_UNTRIED, 0);
	assert_int_equal(fake.nr_calls, 0);
}

static void movers_are_found_by_name_and_auto_by_what_there_is(void **state UNUSED)
{
	assert_ptr_equal(mover_find("assist", false), &mover_assist);
	assert_ptr_equal(mover_find("numa", true), &mover_numa);
	assert_ptr_equal(mover_find("dry", true), &mover_dry);
	assert_ptr_equal(mover_find("auto", true), &mover_assist);
	assert_ptr_equal(mover_find("auto", false), &mover_numa);
	assert_null(mover_find("", true));
	assert_true(mover_assist.needs_assist);
	assert_false(mover_numa.needs_assist || mover_dry.needs_assist);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(assist_sends_every_page_once_in_batches),
		TEST(assist_keeps_to_the_batch_of_this_module),
		TEST(assist_hands_every_status_on),
		TEST(assist_has_page_cache_dropped_if_the_plan_takes_it_and_the_module_can),
		TEST(assist_corrects_the_size_of_what_moved),
		TEST(assist_sends_again_only_what_a_signal_left_untried),
		TEST(assist_tells_that_the_target_is_gone_and_what_was_done),
		TEST(numa_sends_every_page_once_in_batches),
		TEST(numa_does_not_send_what_is_there_or_absent),
		TEST(numa_makes_no_call_when_nothing_is_left_to_send),
		TEST(numa_tells_refusals_by_their_errno),
		TEST(numa_takes_a_full_node_for_no_room_and_goes_on),
		TEST(numa_tells_that_the_target_is_gone_and_what_was_done),
		TEST(numa_sends_a_huge_page_by_its_head_alone),
		TEST(dry_prints_every_move_and_tries_none),
		TEST(movers_are_found_by_name_and_auto_by_what_there_is),
	};

	return cmocka_run_group_tests_name("mover", tests, NULL, NULL);
}
