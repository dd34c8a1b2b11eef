// SPDX-License-Identifier: GPL-2.0
/*
 * period_test.c - the ladders, and when they are climbed
 */
#include "unit.h"

#include <stdbool.h>

#include "period.h"

#define BUDGET_BP 300

static bool is_prime(uint64_t number)
{
	uint64_t i;

	for (i = 2; i * i <= number; i++)
		if (number % i == 0)
			return false;
	return number > 1;
}

static void the_ladders_are_primes_a_step_apart(void **state UNUSED)
{
	unsigned int kind, step, grain;

	for (kind = 0; kind < PERIOD_NR_KINDS; kind++) {
		for (step = 0; step < PERIOD_NR_STEPS; step++) {
			grain = kind == PERIOD_OPS ? PERIOD_GRAIN : 1;
			assert_int_equal(period_of(kind, step) % grain, 0);
			if (!is_prime(period_of(kind, step) / grain))
				fail_msg("%lu is no prime", (unsigned long)period_of(kind, step));
			if (!step)
				continue;
			/* Below twice as long, or a step down could double the cost. */
			assert_in_range(period_of(kind, step) * 100 / period_of(kind, step - 1),
					135, 160);
		}
		assert_true(period_first(kind) < PERIOD_NR_STEPS);
		assert_int_equal(period_of(kind, 1000), period_of(kind, PERIOD_NR_STEPS - 1));
	}
	assert_int_equal(period_of(PERIOD_LOADS, 0), 199);
	assert_int_equal(period_of(PERIOD_LOADS, PERIOD_NR_STEPS - 1), 19997);
	for (step = 0; step < PERIOD_NR_STEPS; step++)
		assert_true(period_of(PERIOD_STORES, step) > period_of(PERIOD_LOADS, step));
}

static unsigned int next(unsigned int step, uint64_t cpu_bp)
{
	struct period_seen seen = { .nr_samples = 1000, .cpu_bp = cpu_bp };

	return period_next(step, &seen, BUDGET_BP);
}

/* The example at the top of period.c. */
static void the_step_follows_the_cost(void **state UNUSED)
{
	assert_int_equal(next(5, 140), 4);
	assert_int_equal(next(5, 190), 5);
	assert_int_equal(next(5, 280), 5);
	assert_int_equal(next(5, 320), 6);
	assert_int_equal(next(5, 700), 8);
}

static void the_step_follows_the_budget(void **state UNUSED)
{
	struct period_seen seen = { .nr_samples = 1000, .cpu_bp = 190 };

	assert_int_equal(period_next(5, &seen, 10000), 4);
	assert_int_equal(period_next(5, &seen, 200), 5);
	assert_int_equal(period_next(5, &seen, 100), 7);
}

static void the_ladder_has_ends(void **state UNUSED)
{
	assert_int_equal(next(0, 0), 0);
	assert_int_equal(next(PERIOD_NR_STEPS - 1, 320), PERIOD_NR_STEPS - 1);
	assert_int_equal(next(0, 10000000), PERIOD_NR_STEPS - 1);
	assert_int_equal(next(3, UINT64_MAX), PERIOD_NR_STEPS - 1);
}

static void what_is_lost_or_held_back_makes_the_period_longer(void **state UNUSED)
{
	struct period_seen seen = { .nr_samples = 6400, .nr_lost = 101 };

	assert_int_equal(period_next(5, &seen, BUDGET_BP), 6);
	seen.nr_lost = 100;	/* few: stay, but come no closer */
	assert_int_equal(period_next(5, &seen, BUDGET_BP), 5);
	seen.nr_lost = 0;
	assert_int_equal(period_next(5, &seen, BUDGET_BP), 4);
	seen.nr_throttled = 1;
	assert_int_equal(period_next(5, &seen, BUDGET_BP), 6);
}

/* A cost that falls as the period grows: the walk ends below the budget and stays. */
static void the_walk_comes_to_rest_below_the_budget(void **state UNUSED)
{
	uint64_t load, cost;
	unsigned int step, before, i;

	for (load = 1000; load < 4000000; load = load * 5 / 4) {
		step = period_first(PERIOD_LOADS);
		for (i = 0; i < 100; i++)
			step = next(step, load / period_of(PERIOD_LOADS, step));
		before = step;
		cost = load / period_of(PERIOD_LOADS, step);
		assert_true(cost <= BUDGET_BP);
		assert_int_equal(next(step, cost), before);
		assert_true(!step || cost >= BUDGET_BP / 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ladders_are_primes_a_step_apart),
		cmocka_unit_test(the_step_follows_the_cost),
		cmocka_unit_test(the_step_follows_the_budget),
		cmocka_unit_test(the_ladder_has_ends),
		cmocka_unit_test(what_is_lost_or_held_back_makes_the_period_longer),
		cmocka_unit_test(the_walk_comes_to_rest_below_the_budget),
	};

	return cmocka_run_group_tests_name("period", tests, NULL, NULL);
}
