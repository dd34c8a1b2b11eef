// SPDX-License-Identifier: GPL-2.0
/*
 * bind_test.c - what a target has bound to nodes stays there
 *
 * Nodes: 0 and 1 fast, 2 and 3 slow.
 */
#include "unit.h"

#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bind.h"
#include "heat.h"
#include "ledger.h"
#include "plan.h"
#include "policy.h"

#define MIB	(1ULL << 20)
#define HUGE	HEAT_HUGE_BYTES
#define BASE	0x7f0000000000ULL

static struct tier_set tiers;

static int set_up(UNUSED void **state)
{
	unsigned int i;

	tiers = (struct tier_set){ .nr_nodes = 4 };
	for (i = 0; i < 4; i++)
		tiers.nodes[i] = (struct tier_node){
			.nid = (int)i, .level = i < 2 ? TIER_FAST : TIER_SLOW,
			.total_bytes = 1024 * MIB, .free_bytes = 512 * MIB,
		};
	return 0;
}

static FILE *text_file(const char *text)
{
	FILE *file = fmemopen((void *)text, strlen(text), "r");

	assert_non_null(file);
	return file;
}

/* All of the regions is one, but for a hole before 9000. */
static int parse(const char *text, struct bind_set *ret_set)
{
	struct region list[] = { { .start = 0x1000, .end = 0x8000 }, { .start = 0x9000, .end = 0xa000 } };
	const struct region_set regions = { .list = list, .nr = 2 };
	FILE *file = text_file(text);
	int err = bind_parse(file, &regions, &tiers, BIND_ALL, ret_set);

	fclose(file);
	return err;
}

static void every_policy_says_where_a_page_may_lie(UNUSED void **state)
{
	static const struct {
		const char *policy;
		uint16_t nodes;		/* 15: nothing is bound */
	} cases[] = {
		{ "default", 15 }, { "local", 15 }, { "prefer:0", 15 }, { "prefer (many):0-1", 15 },
		{ "bind:0", 1 }, { "bind:2-3", 12 }, { "bind:0,3", 9 }, { "bind:0-3", 15 },
		{ "bind=static:1", 2 }, { "bind=relative:2", 4 }, { "bind=balancing:2", 4 },
		{ "interleave:0-1", 3 }, { "interleave=static:1-2", 6 },
		{ "weighted interleave:0-1", 3 }, { "bind:0,77", 1 }, { "bind", 15 },
		{ "binder:0", 15 },
	};
	struct bind_set set;
	char line[128];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(line, sizeof(line), "1000 %s anon=3 dirty=3 N0=3 kernelpagesize_kB=4\n",
			 cases[i].policy);
		assert_int_equal(parse(line, &set), 0);
		if ((bind_nodes(&set, 0x1000) & 15) != cases[i].nodes)
			fail_msg("%s: %x", cases[i].policy, bind_nodes(&set, 0x1000));
		assert_int_equal(set.nr, cases[i].nodes != 15);
		bind_free(&set);
	}
}

static void a_mapping_ends_where_the_next_one_or_its_region_does(UNUSED void **state)
{
	struct bind_set set;

	assert_int_equal(parse("1000 bind:0 anon=1\n2000 bind:0\n3000 default\n4000 bind:2 anon=1\n"
			       "9000 bind:3\n", &set), 0);
	assert_int_equal(set.nr, 3);
	assert_int_equal(set.list[0].start, 0x1000);
	assert_int_equal(set.list[0].end, 0x3000);
	assert_int_equal(set.list[1].end, 0x8000);
	assert_int_equal(set.list[2].end, 0xa000);
	assert_int_equal(bind_nodes(&set, 0xfff), BIND_ALL);
	assert_int_equal(bind_nodes(&set, 0x2fff), 1);
	assert_int_equal(bind_nodes(&set, 0x3000), BIND_ALL);
	assert_int_equal(bind_nodes(&set, 0x7fff), 4);
	assert_int_equal(bind_nodes(&set, 0x8000), BIND_ALL);
	assert_int_equal(bind_nodes(&set, 0x9000), 8);
	bind_free(&set);
	assert_int_equal(bind_nodes(&set, 0x9000), BIND_ALL);
	/* What is mapped since the regions were read is unknown there. */
	assert_int_equal(parse("f000 bind:0\n", &set), 0);
	assert_int_equal(set.nr, 0);
	bind_free(&set);
}

static void what_is_no_line_is_refused(UNUSED void **state)
{
	struct bind_set set;

	POISON(set);
	assert_int_equal(parse("1000 bind:0\nxyz default\n", &set), -EBADMSG);
	UNTOUCHED(set);
	assert_int_equal(parse("1000 bind:0\n2000", &set), -EBADMSG);
	UNTOUCHED(set);
}

static void a_cpuset_is_a_bound_for_all(UNUSED void **state)
{
	static const struct {
		const char *status;
		uint16_t nodes;
	} cases[] = {
		{ "Name:\tx\nMems_allowed_list:\t0-1\nThreads:\t1\n", 3 },
		{ "Mems_allowed_list:\t0,2-3\n", 13 }, { "Mems_allowed_list:\t0-7\n", BIND_ALL },
		{ "Name:\tx\n", BIND_ALL },
	};
	struct bind_set set = bind_none;
	FILE *file;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		file = text_file(cases[i].status);
		set.allowed = bind_parse_allowed(file, &tiers);
		fclose(file);
		assert_int_equal(bind_nodes(&set, BASE), cases[i].nodes);
	}
}

/* mbind(2) of this very process, as its kernel writes it. */
static void what_this_kernel_says_of_us_is_read(UNUSED void **state)
{
	const unsigned long node0 = 1;
	struct region_set regions;
	struct bind_set set;
	void *memory;

	if (access("/proc/self/numa_maps", R_OK)) {
		print_message("# skipped: this kernel has no numa_maps\n");
		skip();
	}
	memory = mmap(NULL, 4 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(memory != MAP_FAILED);
	assert_int_equal(region_read(getpid(), &regions), 0);
	assert_int_equal(bind_read(getpid(), &regions, &tiers, &set), 0);
	assert_int_equal(bind_nodes(&set, (uintptr_t)memory), set.allowed);
	bind_free(&set);
	assert_int_equal(mbind((char *)memory + HUGE, HUGE, MPOL_BIND, &node0, 2, 0), 0);
	assert_int_equal(bind_read(getpid(), &regions, &tiers, &set), 0);
	assert_int_equal(bind_nodes(&set, (uintptr_t)memory), set.allowed);
	assert_int_equal(bind_nodes(&set, (uintptr_t)memory + HUGE), 1);
	assert_int_equal(bind_nodes(&set, (uintptr_t)memory + 2 * HUGE - 1), 1);
	assert_int_equal(bind_nodes(&set, (uintptr_t)memory + 2 * HUGE), set.allowed);
	bind_free(&set);
	region_free(&regions);
	munmap(memory, 4 * HUGE);
}

/* ---- what policies make of it ---- */

static struct heat *heat;
static struct plan *plan;
static struct ledger *ledger;

static bool moves(uint64_t page)
{
	size_t i;

	for (i = 0; i < plan->nr; i++)
		if (plan->moves[i].addr == BASE + page * HUGE)
			return true;
	return false;
}

static void make_plan(const struct policy *policy, const struct bind_set *binds)
{
	const struct snapshot snapshot = {
		.heat = heat, .tiers = &tiers, .budget_bytes = UINT64_MAX,
		.wear_bytes = UINT64_MAX,
		.fast_limit_bytes = UINT64_MAX, .binds = binds, .ledger = ledger,
	};

	plan_clear(plan);
	policy->plan(&snapshot, plan);
}

/*
 * Pages 0 and 1 are hot and slow, 2 and 3 cold and fast, and the fast tier is full: each policy
 * that moves anything swaps them.  Bound ones stay; the others go where they are allowed to.
 */
static void no_policy_moves_what_is_bound(UNUSED void **state)
{
	struct bind list[] = {
		{ BASE, BASE + HUGE, 12 },		/* slow: 2 or 3 */
		{ BASE + HUGE, BASE + 2 * HUGE, 6 },	/* 1 or 2 */
		{ BASE + 2 * HUGE, BASE + 3 * HUGE, 1 },
		{ BASE + 3 * HUGE, BASE + 4 * HUGE, 9 },	/* 0 or 3 */
	};
	struct bind_set binds = { .list = list, .nr = 4, .allowed = BIND_ALL };
	const struct policy *const *policy;
	size_t i;

	for (policy = policy_table; *policy; policy++) {
		if (!(*policy)->cut)
			continue;
		assert_int_equal(heat_new(&heat) | ledger_new(&cost_default, &ledger) |
				 plan_new(4096, &plan), 0);
		heat_see(heat, BASE, true, 2, 100, 0);
		heat_see(heat, BASE + HUGE, true, 2, 100, 0);
		heat_see(heat, BASE + 2 * HUGE, true, 0, 0, 0);
		heat_see(heat, BASE + 3 * HUGE, true, 1, 0, 0);
		ledger_tick(ledger, 1000000000, heat, &tiers, 401);
		tiers.nodes[0].free_bytes = tiers.nodes[1].free_bytes = 0;
		tiers.nodes[2].free_bytes = 400 * MIB;
		tiers.nodes[3].free_bytes = 300 * MIB;
		make_plan(*policy, NULL);
		assert_int_equal(plan->nr, 4);		/* the negative control */
		assert_int_equal(plan->bound_pages, 0);

		make_plan(*policy, &binds);
		assert_false(moves(0) || moves(2));
		assert_true(moves(1) && moves(3));
		assert_int_equal(plan->bound_pages, 2);
		for (i = 0; i < plan->nr; i++)
			assert_int_equal(plan->moves[i].to,
					 plan->moves[i].addr == BASE + HUGE ? 1 : 3);

		/* Neither a cpuset of one tier ... */
		binds.allowed = 12;
		make_plan(*policy, &binds);
		assert_false(moves(0) || moves(1));
		binds.allowed = BIND_ALL;
		/* ... nor a watermark or a limit changes that. */
		tiers.nodes[0].watermark_bytes = tiers.nodes[1].watermark_bytes = 64 * MIB;
		make_plan(*policy, &binds);
		assert_false(moves(2));
		tiers.nodes[0].watermark_bytes = tiers.nodes[1].watermark_bytes = 0;
		heat_free(heat);
		ledger_free(ledger);
		plan_free(plan);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_policy_says_where_a_page_may_lie),
		TEST(a_mapping_ends_where_the_next_one_or_its_region_does),
		TEST(what_is_no_line_is_refused),
		TEST(a_cpuset_is_a_bound_for_all),
		TEST(what_this_kernel_says_of_us_is_read),
		TEST(no_policy_moves_what_is_bound),
	};

	return cmocka_run_group_tests_name("bind", tests, NULL, NULL);
}
