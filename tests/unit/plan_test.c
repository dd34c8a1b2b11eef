// SPDX-License-Identifier: GPL-2.0
/*
 * plan_test.c - a list that is bounded and adds up
 */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "plan.h"

#define MAX	600

/* Memory that is asked for in vain is one of the tests, and no bug. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static int new_plan(void **state)
{
	struct plan *plan = NULL;

	assert_int_equal(plan_new(MAX, &plan), 0);
	*state = plan;
	return 0;
}

static int free_plan(void **state)
{
	plan_free(*state);
	return 0;
}

static void a_new_plan_is_empty_and_untried(void **state)
{
	const struct plan *plan = *state;
	size_t i;

	assert_int_equal(plan->nr, 0);
	assert_int_equal(plan->bytes, 0);
	assert_int_equal(plan->max_moves, MAX);
	assert_false(plan->cool);
	for (i = 0; i < MAX; i++)
		assert_int_equal(plan->moves[i].status, 0);
}

static void moves_keep_their_order_and_bytes_add_up(void **state)
{
	struct plan_move move = { .from = 1, .reason = PLAN_HOT_READS };
	struct plan *plan = *state;
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < 10; i++) {
		move.addr = i << 21;
		move.bytes = i % 2 ? 4096 : 2 << 20;
		bytes += move.bytes;
		assert_true(plan_add(plan, &move));
	}
	assert_int_equal(plan->nr, 10);
	assert_int_equal(plan->bytes, bytes);
	for (i = 0; i < 10; i++)
		assert_int_equal(plan->moves[i].addr, i << 21);
}

static void a_full_plan_refuses_one_more_and_stays_as_it_is(void **state)
{
	struct plan_move move = { .bytes = 4096 }, last;
	struct plan *plan = *state;
	size_t i;

	for (i = 0; i < MAX; i++) {
		move.addr = i;
		assert_true(plan_add(plan, &move));
	}
	last = plan->moves[MAX - 1];
	move.addr = MAX;
	assert_false(plan_add(plan, &move));
	assert_int_equal(plan->nr, MAX);
	assert_int_equal(plan->bytes, MAX * 4096);
	assert_memory_equal(&plan->moves[MAX - 1], &last, sizeof(last));
}

static void a_cleared_plan_is_empty_and_has_its_room_again(void **state)
{
	struct plan_move move = { .bytes = 4096 };
	struct plan *plan = *state;
	size_t i;

	for (i = 0; i < MAX; i++)
		plan_add(plan, &move);
	plan->cool = true;
	plan->tier_bytes[TIER_FAST] = plan->hot_bytes[TIER_SLOW] = plan->backed_off_pages = 7;
	plan_clear(plan);
	a_new_plan_is_empty_and_untried(state);
	assert_int_equal(plan->tier_bytes[TIER_FAST] + plan->hot_bytes[TIER_SLOW] +
			 plan->backed_off_pages, 0);
	for (i = 0; i < MAX; i++)
		assert_true(plan_add(plan, &move));
}

static void a_plan_that_is_too_large_for_memory_is_refused(UNUSED void **state)
{
	struct plan *plan;

	POISON(plan);
	assert_int_equal(plan_new(SIZE_MAX / 2, &plan), -ENOMEM);
	UNTOUCHED(plan);
	plan_free(NULL);
}

static void hot_reasons_promote_and_all_others_demote(UNUSED void **state)
{
	struct plan_move move = { 0 };
	unsigned int promoting = 0;

	for (move.reason = 0; move.reason < PLAN_NR_REASONS; move.reason++) {
		promoting += plan_promotes(&move);
		assert_int_equal(plan_promotes(&move),
				 !strncmp(plan_reason_name(move.reason), "hot", 3));
		assert_string_not_equal(plan_reason_name(move.reason), "unknown");
	}
	assert_int_equal(promoting, 2);
	assert_string_equal(plan_reason_name(PLAN_NR_REASONS), "unknown");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_plan, free_plan)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_plan_is_empty_and_untried),
		TEST(moves_keep_their_order_and_bytes_add_up),
		TEST(a_full_plan_refuses_one_more_and_stays_as_it_is),
		TEST(a_cleared_plan_is_empty_and_has_its_room_again),
		cmocka_unit_test(a_plan_that_is_too_large_for_memory_is_refused),
		cmocka_unit_test(hot_reasons_promote_and_all_others_demote),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
