// SPDX-License-Identifier: GPL-2.0
/*
 * policy_gain_test.c - does a move pay?  Snapshots in, plans out
 *
 * 16 huge pages, the first 4 of them on the fast node, which is full.  A sample is worth
 * 401 * 224 ns = 90 us, a swap of huge pages costs 2.44 ms: 27 samples.
 */
#include "unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/uapi/hemem_assist.h"
#include "heat.h"
#include "ledger.h"
#include "plan.h"
#include "policy.h"

#define HUGE	HEAT_HUGE_BYTES
#define MIB	(1ULL << 20)
#define BASE	0x7f0000000000ULL
#define MS	1000000ULL
#define PAGES	16
#define FAST	0
#define SLOW	1

static struct tier_set tiers;
static struct snapshot snapshot;
static struct ledger *ledger;
static struct heat *heat;
static struct plan *plan;
static uint64_t now_ns;

static int set_up(UNUSED void **state)
{
	unsigned int i;

	tiers = (struct tier_set){
		.nodes = { { .level = TIER_FAST, .total_bytes = 64 * MIB },
			   { .nid = 1, .level = TIER_SLOW, .total_bytes = 1024 * MIB,
			     .free_bytes = 512 * MIB } },
		.nr_nodes = 2,
	};
	if (heat_new(&heat) || ledger_new(&cost_default, &ledger) || plan_new(4096, &plan))
		return -1;
	heat_cool_by_hand(heat, true);
	for (i = 0; i < PAGES; i++)
		heat_see(heat, BASE + i * HUGE, true, i < 4 ? FAST : SLOW, 0, 0);
	snapshot = (struct snapshot){
		.heat = heat, .tiers = &tiers, .budget_bytes = UINT64_MAX,
		.wear_bytes = UINT64_MAX,
		.fast_limit_bytes = UINT64_MAX, .ledger = ledger,
	};
	now_ns = 1000 * MS;
	ledger_tick(ledger, now_ns, heat, &tiers, 401);
	return 0;
}

static int tear_down(UNUSED void **state)
{
	heat_free(heat);
	ledger_free(ledger);
	plan_free(plan);
	return 0;
}

static void sample(unsigned int page, unsigned int nr, bool write)
{
	for (; nr; nr--)
		heat_sample(heat, BASE + page * HUGE, write);
}

/* As if the samples had been collected over @ms and the target been alike no longer. */
static void pass(uint64_t ms)
{
	now_ns += ms * MS;
	ledger_tick(ledger, now_ns, heat, &tiers, 401);
}

static void make_plan(void)
{
	plan_clear(plan);
	policy_gain.plan(&snapshot, plan);
}

static bool moves(unsigned int page)
{
	size_t i;

	for (i = 0; i < plan->nr; i++)
		if (plan->moves[i].addr == BASE + page * HUGE)
			return true;
	return false;
}

static void a_swap_is_made_when_it_pays_and_not_before(UNUSED void **state)
{
	/* A long memory, so that the horizon is 1: it pays above 27 samples. */
	sample(9, 27, false);
	pass(1000000);
	make_plan();
	assert_int_equal(plan->nr, 0);
	sample(9, 2, false);
	make_plan();
	assert_int_equal(plan->nr, 2);
	assert_true(moves(9));
	assert_int_equal(plan->moves[0].reason, PLAN_SWAP);
	assert_int_equal(plan->moves[1].to, FAST);
	assert_false(plan->is_trial);
}

static void what_has_been_alike_for_long_is_expected_to_stay_so(UNUSED void **state)
{
	sample(9, 15, false);
	pass(1000000);
	make_plan();
	assert_int_equal(plan->nr, 0);
	/* The same samples of half of the time, as after a halving: twice the worth. */
	ledger_cooled(ledger, 1);
	make_plan();
	assert_int_equal(plan->nr, 2);
}

static void a_store_is_worth_two_loads(UNUSED void **state)
{
	sample(9, 13, true);
	pass(1000000);
	make_plan();
	assert_int_equal(plan->nr, 0);
	sample(9, 1, true);
	make_plan();
	assert_int_equal(plan->nr, 2);
	assert_int_equal(plan->moves[1].reason, PLAN_HOT_WRITES);
}

/* 100 against 64 is 36 samples, worth it, and 2.8 deviations; 100 against 60 is 3.2. */
static void a_difference_that_may_be_chance_moves_nothing(UNUSED void **state)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		sample(i, 64, false);
	for (i = 4; i < PAGES; i++)
		sample(i, 64, false);
	sample(9, 36, false);
	pass(1000);
	make_plan();
	assert_int_equal(plan->nr, 0);
	assert_int_equal(plan->cool_spans, 2);	/* the mean is 66 */
	for (i = 0; i < 4; i++)
		heat_forget(heat, BASE + i * HUGE);
	heat_forget_range(heat, BASE, BASE + 4 * HUGE);
	for (i = 0; i < 4; i++) {
		heat_see(heat, BASE + i * HUGE, true, FAST, 0, 0);
		sample(i, 60, false);
	}
	make_plan();
	assert_int_equal(plan->nr, 2);
	assert_true(moves(9));
}

static void the_hottest_come_in_place_of_the_coldest_as_long_as_a_pair_pays(UNUSED void **state)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		sample(i, 10 * i, false);
	sample(3, 170, false);		/* 200: it stays */
	pass(1000);
	make_plan();
	assert_int_equal(plan->nr, 6);
	for (i = 0; i < PAGES; i++)
		assert_int_equal(moves(i), i < 3 || i > 12);
	/* What the fast tier has room for is hot. */
	assert_int_equal(plan->hot_bytes[TIER_FAST], HUGE);
	assert_int_equal(plan->hot_bytes[TIER_SLOW], 3 * HUGE);
}

static void into_free_room_a_page_comes_for_the_price_of_one_move(UNUSED void **state)
{
	tiers.nodes[FAST].free_bytes = HUGE;
	sample(9, 13, false);
	sample(8, 20, false);
	sample(7, 20, false);
	pass(1000000);
	make_plan();
	assert_int_equal(plan->nr, 1);
	assert_true(moves(8) || moves(7));
	tiers.nodes[FAST].free_bytes = 16 * HUGE;
	make_plan();
	assert_int_equal(plan->nr, 2);	/* 13 samples are below 13.5 */
}

/* Carries the plan out, and says what the moves are for. */
static unsigned int carry_out(enum plan_reason reason)
{
	unsigned int nr = 0;
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		heat_set_node(heat, plan->moves[i].addr, plan->moves[i].to);
		tiers.nodes[plan->moves[i].from].free_bytes += HUGE;
		tiers.nodes[plan->moves[i].to].free_bytes -= HUGE;
		plan->moves[i].status = HEMEM_ASSIST_MOVED;
		nr += plan->moves[i].reason == reason;
	}
	ledger_watch(ledger, heat, plan);
	return nr;
}

static double fast_share(const double *heats)
{
	double fast = 0, all = 0;
	struct heat_page page;
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		assert_int_equal(heat_find(heat, BASE + i * HUGE, &page), 0);
		fast += page.node == FAST ? heats[i] : 0;
		all += heats[i];
	}
	return fast / all;
}

/*
 * A fast tier that takes 100 ns, and the longer the more of the accesses it serves: 500 ns for
 * all.  With a slow one of 305 ns they are alike at a share of 0.51.  All pages find room.
 */
static uint64_t loaded_ns(double share)
{
	return (uint64_t)(100 + 400 * share);
}

static void a_loaded_fast_tier_gives_away_until_both_are_alike(UNUSED void **state)
{
	double heats[PAGES], share;
	unsigned int i, turn, late = 0, balanced = 0;
	uint64_t load_ns[TIER_NR] = { 0, 305 };

	tiers.nodes[FAST].free_bytes = 16 * HUGE;
	for (i = 0; i < PAGES; i++) {
		heats[i] = 4 + i;
		heat_set_node(heat, BASE + i * HUGE, FAST);
	}
	for (turn = 0; turn < 400; turn++) {
		for (i = 0; i < PAGES; i++)
			sample(i, (unsigned int)heats[i], false);
		share = fast_share(heats);
		load_ns[TIER_FAST] = loaded_ns(share);
		ledger_latency(ledger, load_ns);
		pass(20);
		make_plan();
		ledger_cool(ledger, heat, plan);
		balanced += carry_out(PLAN_BALANCE);
		late += turn >= 300 ? plan->nr : 0;
	}
	share = fast_share(heats);
	print_message("# the fast tier serves %.2f; %u moves late\n", share, late);
	assert_true(balanced > 0);
	assert_true(share > 0.40 && share < 0.62);
	assert_int_equal(late, 0);
	/* The load is gone: what went comes back. */
	load_ns[TIER_FAST] = 100;
	ledger_latency(ledger, load_ns);
	for (turn = 0; turn < 200; turn++) {
		for (i = 0; i < PAGES; i++)
			sample(i, (unsigned int)heats[i], false);
		pass(20);
		make_plan();
		ledger_cool(ledger, heat, plan);
		carry_out(PLAN_BALANCE);
	}
	assert_true(fast_share(heats) > 0.95);
}

static void what_is_hottest_leaves_a_slow_fast_tier_first_and_little_at_a_time(UNUSED void **state)
{
	const uint64_t loaded[TIER_NR] = { 400, 305 };

	tiers.nodes[FAST].free_bytes = 16 * HUGE;
	ledger_latency(ledger, loaded);
	/* 10 * 401 * 95 ns are not worth a move. */
	sample(0, 10, false);
	pass(1000000);
	make_plan();
	assert_int_equal(plan->nr, 0);
	sample(1, 200, false);
	sample(2, 100, false);
	make_plan();
	assert_int_equal(plan->nr, 1);
	assert_true(moves(1));
	assert_int_equal(plan->moves[0].reason, PLAN_BALANCE);
	assert_false(plan_promotes(&plan->moves[0]));
	/* Where nothing may be written all stays. */
	snapshot.wear_bytes = HUGE - 1;
	make_plan();
	assert_int_equal(plan->nr, 0);
	snapshot.wear_bytes = UINT64_MAX;
}

/* 320 ns against 305: a page more or less would turn that round. */
static void tiers_that_are_alike_are_left_alone(UNUSED void **state)
{
	const uint64_t loads[][TIER_NR] = { { 320, 305 }, { 290, 305 }, { 400, 305 }, { 200, 305 } };
	unsigned int i;

	tiers.nodes[FAST].free_bytes = 16 * HUGE;
	sample(1, 200, false);
	sample(9, 200, false);
	pass(1000);
	for (i = 0; i < 4; i++) {
		ledger_latency(ledger, loads[i]);
		make_plan();
		assert_int_equal(plan->nr, i >= 2);
		assert_true(i < 2 || moves(i == 2 ? 1 : 9));
	}
}

static void a_fast_tier_that_is_slower_gets_nothing(UNUSED void **state)
{
	const uint64_t loaded[TIER_NR] = { 310, 305 };

	sample(9, 200, false);
	pass(1000);
	make_plan();
	assert_int_equal(plan->nr, 2);
	ledger_latency(ledger, loaded);
	make_plan();
	assert_int_equal(plan->nr, 0);
}

static void dear_moves_are_made_for_hotter_pages_only(UNUSED void **state)
{
	unsigned int i;

	sample(9, 200, false);
	pass(1000000);
	make_plan();
	assert_int_equal(plan->nr, 2);
	for (i = 0; i < 500; i++)
		ledger_took(ledger, cost_of_move(&ledger_facts(ledger)->cost, HUGE), 60 * MS);
	make_plan();
	assert_int_equal(plan->nr, 0);
}

/* Page @page is promised and never accessed again: trust is lost. */
static void disappoint(unsigned int page)
{
	unsigned int i;

	sample(page, 100, false);
	pass(100);
	plan_clear(plan);
	plan_add(plan, &(struct plan_move){ .addr = BASE + page * HUGE, .bytes = HUGE,
		.from = SLOW, .reason = PLAN_HOT_READS, .status = HEMEM_ASSIST_MOVED });
	ledger_watch(ledger, heat, plan);
	for (i = 0; i < 60; i++)
		pass(100);
}

static void without_trust_plans_are_trials(UNUSED void **state)
{
	disappoint(8);
	sample(9, 200, false);
	make_plan();
	assert_true(plan->is_trial);
	assert_true(plan->nr >= 2 && moves(9));
}

static void without_trust_limit_and_watermark_are_kept(UNUSED void **state)
{
	disappoint(8);
	sample(9, 200, false);
	sample(0, 200, false);
	snapshot.fast_limit_bytes = 2 * HUGE;
	make_plan();
	assert_false(plan->is_trial);
	assert_int_equal(plan->nr, 2);
	assert_int_equal(plan->moves[0].reason, PLAN_LIMIT);
	assert_false(moves(0) || moves(9));
	snapshot.fast_limit_bytes = UINT64_MAX;
	tiers.nodes[FAST].watermark_bytes = HUGE;
	make_plan();
	assert_false(plan->is_trial);
	assert_int_equal(plan->nr, 1);
	assert_int_equal(plan->moves[0].reason, PLAN_WATERMARK);
}

/* 4 pages of fast memory may be exchanged, and not more before it is known what that brought. */
static void not_more_is_moved_than_trust_gives_credit_for(UNUSED void **state)
{
	unsigned int i;

	for (i = 8; i < PAGES; i++)
		sample(i, 100, false);
	pass(100);
	make_plan();
	assert_int_equal(plan->nr, 8);
	for (i = 0; i < plan->nr; i++)
		plan->moves[i].status = HEMEM_ASSIST_MOVED;
	ledger_watch(ledger, heat, plan);
	make_plan();
	assert_int_equal(plan->nr, 0);
}

static void after_a_shift_heat_is_made_an_eighth_and_nothing_moves(UNUSED void **state)
{
	unsigned int i;

	for (i = 0; i < 10; i++) {
		sample(0, 400, false);
		pass(100);
	}
	for (i = 0; i < 5; i++)
		heat_cool_spans(heat);
	sample(9, 310, false);
	for (i = 0; i < 4; i++)
		heat_cool_spans(heat);
	pass(100);
	make_plan();
	assert_int_equal(plan->cool_spans, 3);
	assert_true(plan->cool);
	assert_int_equal(plan->nr, 0);
}

static void counts_are_halved_when_their_mean_is_24(UNUSED void **state)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		sample(i, 23, false);
	pass(100);
	make_plan();
	assert_int_equal(plan->cool_spans, 0);
	for (i = 0; i < PAGES; i++)
		sample(i, 1, false);
	make_plan();
	assert_int_equal(plan->cool_spans, 1);
	assert_false(plan->cool);
}

static void the_same_snapshot_gives_the_same_plan(UNUSED void **state)
{
	struct plan_move first[8];
	unsigned int i;

	for (i = 8; i < PAGES; i++)
		sample(i, 100, false);
	pass(100);
	make_plan();
	assert_int_equal(plan->nr, 8);
	memcpy(first, plan->moves, sizeof(first));
	make_plan();
	assert_int_equal(plan->nr, 8);
	assert_memory_equal(first, plan->moves, sizeof(first));
}

/* What an accessed bit says: base pages, each counted for itself. */
static void pages_of_the_scan_are_planned_too(UNUSED void **state)
{
	unsigned int i;

	heat_clear(heat);
	for (i = 0; i < 64; i++)
		heat_see(heat, BASE + i * HEAT_BASE_BYTES, false, i < 16 ? FAST : SLOW,
			 i >= 40 && i < 48 ? 10 : 0, 0);
	pass(100);
	make_plan();
	assert_int_equal(plan->nr, 16);
	assert_int_equal(plan->hot_bytes[TIER_SLOW], 8 * HEAT_BASE_BYTES);
	assert_false(plan->cool);
	heat_see(heat, BASE, false, FAST, 18, 0);
	make_plan();
	assert_true(plan->cool);
}

/* Its control: what was accessed once comes, whatever that costs. */
static void lru_swaps_whatever_was_accessed(UNUSED void **state)
{
	sample(9, 1, false);
	pass(1000000);
	make_plan();
	assert_int_equal(plan->nr, 0);
	plan_clear(plan);
	policy_lru.plan(&snapshot, plan);
	assert_int_equal(plan->nr, 2);
	assert_true(moves(9));
	assert_int_equal(plan->cool_spans, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_swap_is_made_when_it_pays_and_not_before),
		TEST(what_has_been_alike_for_long_is_expected_to_stay_so),
		TEST(a_store_is_worth_two_loads),
		TEST(a_difference_that_may_be_chance_moves_nothing),
		TEST(the_hottest_come_in_place_of_the_coldest_as_long_as_a_pair_pays),
		TEST(into_free_room_a_page_comes_for_the_price_of_one_move),
		TEST(a_loaded_fast_tier_gives_away_until_both_are_alike),
		TEST(what_is_hottest_leaves_a_slow_fast_tier_first_and_little_at_a_time),
		TEST(tiers_that_are_alike_are_left_alone),
		TEST(a_fast_tier_that_is_slower_gets_nothing),
		TEST(dear_moves_are_made_for_hotter_pages_only),
		TEST(without_trust_plans_are_trials),
		TEST(without_trust_limit_and_watermark_are_kept),
		TEST(not_more_is_moved_than_trust_gives_credit_for),
		TEST(after_a_shift_heat_is_made_an_eighth_and_nothing_moves),
		TEST(counts_are_halved_when_their_mean_is_24),
		TEST(the_same_snapshot_gives_the_same_plan),
		TEST(pages_of_the_scan_are_planned_too),
		TEST(lru_swaps_whatever_was_accessed),
	};

	return cmocka_run_group_tests_name("policy_gain", tests, NULL, NULL);
}
