// SPDX-License-Identifier: GPL-2.0
/*
 * wear_test.c - in any 24 hours no more is written than the limit
 */
#include "unit.h"

#include <stdbool.h>
#include <stdlib.h>

#include "wear.h"

#define MIB	(1ULL << 20)
#define GIB	(1ULL << 30)
#define HUGE	(2 * MIB)
#define SECOND	1000000000ULL
#define HOUR	(3600 * SECOND)
#define DAY	(24 * HOUR)
#define LIMIT	(96 * GIB)

static uint64_t random_state = 1;

static uint64_t below(uint64_t nr)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (random_state >> 12) % nr;
}

static void the_bucket_is_empty_at_first_and_holds_an_hour(UNUSED void **state)
{
	struct wear wear;

	wear_init(&wear, LIMIT, 5 * DAY);
	assert_int_equal(wear.bytes, 0);
	wear_fill(&wear, 5 * DAY + HOUR / 2);
	assert_true(wear.bytes > 1900 * MIB && wear.bytes < 1970 * MIB);
	wear_fill(&wear, 6 * DAY);
	assert_int_equal(wear.bytes, 4 * GIB);
	wear_take(&wear, GIB);
	assert_int_equal(wear.bytes, 3 * GIB);
	wear_take(&wear, 100 * GIB);
	assert_int_equal(wear.bytes, 0);
	/* A machine that slept for years. */
	wear_fill(&wear, UINT64_MAX);
	assert_int_equal(wear.bytes, 4 * GIB);
}

static void without_a_limit_all_may_be_written(UNUSED void **state)
{
	struct wear wear;

	wear_init(&wear, WEAR_NO_LIMIT, 0);
	assert_true(wear.bytes == WEAR_NO_LIMIT);
	wear_take(&wear, LIMIT);
	wear_fill(&wear, 1);
	assert_true(wear.bytes == WEAR_NO_LIMIT);
}

/* 64 MiB a day are less than a byte in a ms: nothing is lost in rounding, and nothing is won. */
static void it_fills_alike_in_small_steps_and_in_large_ones(UNUSED void **state)
{
	struct wear small, large;
	uint64_t now;

	wear_init(&small, 64 * MIB, 0);
	wear_init(&large, 64 * MIB, 0);
	for (now = 0; now < HOUR / 2; now += SECOND / 1000)
		wear_fill(&small, now);
	wear_fill(&large, now);
	wear_fill(&small, now);
	assert_true(small.bytes <= large.bytes + 1 && large.bytes <= small.bytes + 1);
	assert_true(large.bytes > MIB && large.bytes < 2 * MIB);
}

/** struct write - what was written when */
struct write {
	uint64_t at;
	uint64_t bytes;
};

#define MAX_WRITES	200000

/*
 * Days of somebody who writes when it likes and as much as it may, in huge pages, and is
 * started anew now and then.  Of each write it is asked what was written in the 24 hours that end
 * with it.  Return: the most.
 */
static uint64_t worst_day(uint64_t limit, bool cheats, uint64_t *ret_all)
{
	struct write *writes = calloc(MAX_WRITES, sizeof(*writes));
	uint64_t now = 0, in_day = 0, worst = 0, bytes;
	size_t nr = 0, first = 0;
	struct wear wear;

	assert_non_null(writes);
	*ret_all = 0;
	wear_init(&wear, limit, now);
	while (now < 5 * DAY && nr < MAX_WRITES) {
		now += below(500) ? below(100 * SECOND) + 1 : below(3 * HOUR);
		if (!below(500))
			wear_init(&wear, limit, now);
		wear_fill(&wear, now);
		if (cheats)
			wear.bytes += HUGE;
		if (!below(4) || wear.bytes < HUGE)
			continue;
		bytes = (below(3) ? wear.bytes : below(wear.bytes) + 1) / HUGE * HUGE;
		wear_take(&wear, bytes);
		writes[nr++] = (struct write){ now, bytes };
		in_day += bytes;
		*ret_all += bytes;
		for (; writes[first].at + DAY < now; first++)
			in_day -= writes[first].bytes;
		worst = in_day > worst ? in_day : worst;
	}
	free(writes);
	return worst;
}

static void in_no_24_hours_more_is_written_than_the_limit(UNUSED void **state)
{
	static const uint64_t limits[] = { 64 * MIB, GIB, 96 * GIB, 1024 * GIB };
	uint64_t all;
	size_t i;

	for (i = 0; i < 4; i++) {
		assert_true(worst_day(limits[i], false, &all) <= limits[i]);
		/* It is spread over the days, and much of it is used. */
		assert_true(all > 3 * limits[i] && all <= 5 * limits[i]);
	}
	/* Negative control: a huge page more each time is noticed. */
	assert_true(worst_day(GIB, true, &all) > GIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bucket_is_empty_at_first_and_holds_an_hour),
		cmocka_unit_test(without_a_limit_all_may_be_written),
		cmocka_unit_test(it_fills_alike_in_small_steps_and_in_large_ones),
		cmocka_unit_test(in_no_24_hours_more_is_written_than_the_limit),
	};

	return cmocka_run_group_tests_name("wear", tests, NULL, NULL);
}
