// SPDX-License-Identifier: GPL-2.0
/*
 * ledger_test.c - trust, shifts, bounces and costs, told by hand
 */
#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include "../../include/uapi/hemem_assist.h"
#include "heat.h"
#include "ledger.h"
#include "plan.h"
#include "tier.h"

#define HUGE	HEAT_HUGE_BYTES
#define BASE	0x7f0000000000ULL
#define MS	1000000ULL
#define PAGES	32
#define FAST	0
#define SLOW	1

static struct tier_set tiers;
static struct ledger *ledger;
static struct plan *plan;
static struct heat *heat;
static uint64_t now_ns;

static int set_up(UNUSED void **state)
{
	unsigned int i;

	tiers = (struct tier_set){
		.nodes = { { .level = TIER_FAST }, { .nid = 1, .level = TIER_SLOW } },
		.nr_nodes = 2,
	};
	now_ns = 1000 * MS;
	if (heat_new(&heat) || ledger_new(&cost_default, &ledger) || plan_new(1024, &plan))
		return -1;
	heat_cool_by_hand(heat, true);
	for (i = 0; i < PAGES; i++)
		heat_see(heat, BASE + i * HUGE, true, i < PAGES / 4 ? FAST : SLOW, 0, 0);
	return 0;
}

static int tear_down(UNUSED void **state)
{
	heat_free(heat);
	ledger_free(ledger);
	plan_free(plan);
	return 0;
}

/* @nr samples of each of the pages [first, end), and 100 ms */
static void turn(unsigned int first, unsigned int end, unsigned int nr)
{
	unsigned int i;

	ledger_tick(ledger, now_ns, heat, &tiers, 401);
	for (; first < end; first++)
		for (i = 0; i < nr; i++)
			heat_sample(heat, BASE + first * HUGE, false);
	now_ns += 100 * MS;
	ledger_tick(ledger, now_ns, heat, &tiers, 401);
}

/* Page @hot of the slow tier for page @cold of the fast one. */
static void swap(unsigned int hot, unsigned int cold, bool is_trial)
{
	plan_clear(plan);
	plan->is_trial = is_trial;
	plan_add(plan, &(struct plan_move){ .addr = BASE + cold * HUGE, .bytes = HUGE,
		.from = FAST, .to = SLOW, .reason = PLAN_SWAP, .status = HEMEM_ASSIST_MOVED });
	plan_add(plan, &(struct plan_move){ .addr = BASE + hot * HUGE, .bytes = HUGE,
		.from = SLOW, .to = FAST, .reason = PLAN_HOT_READS, .status = HEMEM_ASSIST_MOVED });
	ledger_watch(ledger, heat, plan);
}

static double trust(void)
{
	return ledger_facts(ledger)->trust;
}

static void what_goes_on_as_promised_keeps_trust(UNUSED void **state)
{
	unsigned int i;

	turn(20, 24, 40);
	swap(20, 0, false);
	assert_int_equal(ledger_facts(ledger)->probation_bytes, 2 * HUGE);
	for (i = 0; i < 3; i++)
		turn(20, 24, 40);
	assert_int_equal(ledger_facts(ledger)->probation_bytes, 0);
	assert_true(trust() > 0.99);
}

static void what_does_not_come_true_takes_trust_by_half_each_time(UNUSED void **state)
{
	turn(20, 24, 40);
	swap(20, 0, false);
	turn(0, 1, 40);		/* the page that was demoted is accessed, the other one not */
	assert_true(trust() > 0.49 && trust() < 0.51);
	turn(21, 22, 40);
	swap(21, 1, false);
	turn(0, 1, 0);
	turn(0, 1, 0);
	turn(0, 1, 0);
	assert_true(trust() > 0.24 && trust() < 0.26);
}

/* The pages are accessed all the more afterwards: a wrong choice, where it was one. */
static void demotions_that_only_make_room_cost_no_trust(UNUSED void **state)
{
	static const enum plan_reason reasons[] = { PLAN_WATERMARK, PLAN_LIMIT, PLAN_SWAP };
	unsigned int r, i;

	for (r = 0; r < 3; r++) {
		assert_true(trust() > 0.99);
		turn(0, 8, 1);
		plan_clear(plan);
		for (i = 0; i < 8; i++)
			plan_add(plan, &(struct plan_move){ .addr = BASE + i * HUGE, .bytes = HUGE,
				.from = FAST, .to = SLOW, .reason = reasons[r],
				.status = HEMEM_ASSIST_MOVED });
		for (i = 0; i < 8; i++)		/* trust hears of 64 moves at a time */
			ledger_watch(ledger, heat, plan);
		for (i = 0; i < 60; i++)
			turn(0, 8, 1);
	}
	assert_true(trust() < 0.51);
}

static void trials_bring_trust_back(UNUSED void **state)
{
	unsigned int i;

	what_does_not_come_true_takes_trust_by_half_each_time(state);
	for (i = 0; i < 12; i++) {
		swap(22, 2, true);
		turn(22, 23, 40);
	}
	assert_true(trust() > 0.5);
	/* Where they were not looked at nothing changes: the control. */
	swap(20, 1, false);
	plan->moves[0].status = plan->moves[1].status = HEMEM_ASSIST_BUSY;
	ledger_watch(ledger, heat, plan);
	assert_int_equal(ledger_facts(ledger)->probation_bytes % (2 * HUGE), 0);
}

static void halving_changes_neither_promise_nor_truth(UNUSED void **state)
{
	unsigned int i;

	turn(20, 24, 64);
	swap(20, 0, false);
	for (i = 0; i < 3; i++) {
		turn(20, 24, 64);
		heat_cool_spans(heat);
		ledger_cooled(ledger, 1);
	}
	assert_true(trust() > 0.95);
	assert_int_equal(ledger_facts(ledger)->nr_halvings, 3);
}

static void many_moves_are_watched_by_some_and_all_their_bytes_count(UNUSED void **state)
{
	unsigned int i;

	turn(20, 24, 40);
	plan_clear(plan);
	for (i = 0; i < 1000; i++)
		plan_add(plan, &(struct plan_move){ .addr = BASE + (20 + i % 4) * HUGE,
			.bytes = HUGE, .from = SLOW, .status = HEMEM_ASSIST_MOVED });
	ledger_watch(ledger, heat, plan);
	assert_in_range(ledger_facts(ledger)->probation_bytes, 996 * HUGE, 1000 * HUGE);
	for (i = 0; i < 3; i++)
		turn(20, 24, 40);
	assert_int_equal(ledger_facts(ledger)->probation_bytes, 0);
	assert_true(trust() > 0.99);
}

static void a_fall_of_what_the_fast_tier_serves_is_a_shift(UNUSED void **state)
{
	unsigned int i;

	for (i = 0; i < 20; i++) {
		turn(0, 8, 50);
		assert_false(ledger_facts(ledger)->has_shifted);
	}
	assert_true(ledger_facts(ledger)->stable_ns > 1.9e9);
	turn(8, 16, 50);
	assert_true(ledger_facts(ledger)->has_shifted);
	assert_true(ledger_facts(ledger)->stable_ns < 0.2e9);
	ledger_cooled(ledger, 3);
	assert_false(ledger_facts(ledger)->has_shifted);
	for (i = 0; i < 20; i++)
		turn(8, 16, 50);
	assert_false(ledger_facts(ledger)->has_shifted);
	/* A rise is none. */
	turn(0, 8, 50);
	assert_false(ledger_facts(ledger)->has_shifted);
}

static void ups_and_downs_are_no_shift(UNUSED void **state)
{
	unsigned int i, nr = 0;

	for (i = 0; i < 100; i++) {
		turn(i % 4 * 8, i % 4 * 8 + 8, 50);
		nr += ledger_facts(ledger)->has_shifted;
		ledger_cooled(ledger, ledger_facts(ledger)->has_shifted);
	}
	assert_true(nr <= 1);
}

static unsigned int moved(bool to_fast)
{
	const struct plan_move move = {
		.addr = BASE, .bytes = HUGE, .reason = to_fast ? PLAN_HOT_READS : PLAN_SWAP,
	};

	return ledger_moved(ledger, &move);
}

static void to_and_fro_is_counted_and_forgotten(UNUSED void **state)
{
	turn(0, 1, 1);
	assert_int_equal(moved(true), 0);
	assert_int_equal(moved(false), 1);
	assert_int_equal(moved(true), 2);
	assert_int_equal(moved(false), 3);
	assert_int_equal(moved(true), 4);
	assert_int_equal(moved(false), LEDGER_MAX_BOUNCES);
	now_ns += 60000 * MS;
	turn(0, 1, 1);
	assert_int_equal(moved(true), 0);
	assert_int_equal(moved(true), 0);
}

static void costs_are_as_measured(UNUSED void **state)
{
	const uint64_t known[TIER_NR] = { 90, 200 }, unknown[TIER_NR] = { 0, 0 };
	unsigned int i;

	for (i = 0; i < 200; i++)
		ledger_took(ledger, cost_of_move(&ledger_facts(ledger)->cost, HUGE), 3000000);
	assert_in_range((uint64_t)cost_of_move(&ledger_facts(ledger)->cost, HUGE), 2900000,
			3100000);
	ledger_took(ledger, 0, 1000);
	ledger_latency(ledger, known);
	assert_true(cost_saved(&ledger_facts(ledger)->cost, false) == 110);
	ledger_latency(ledger, unknown);
	assert_true(cost_saved(&ledger_facts(ledger)->cost, false) == 224);
	assert_true(cost_saved(&ledger_facts(ledger)->cost, true) == 448);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_goes_on_as_promised_keeps_trust),
		TEST(what_does_not_come_true_takes_trust_by_half_each_time),
		TEST(demotions_that_only_make_room_cost_no_trust),
		TEST(trials_bring_trust_back),
		TEST(halving_changes_neither_promise_nor_truth),
		TEST(many_moves_are_watched_by_some_and_all_their_bytes_count),
		TEST(a_fall_of_what_the_fast_tier_serves_is_a_shift),
		TEST(ups_and_downs_are_no_shift),
		TEST(to_and_fro_is_counted_and_forgotten),
		TEST(costs_are_as_measured),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
