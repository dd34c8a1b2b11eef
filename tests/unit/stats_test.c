// SPDX-License-Identifier: GPL-2.0
/*
 * stats_test.c - the numbers and that they add up
 */
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "stats.h"

#define NO_STATUS	0xffff

static uint64_t *find(struct stats *stats, const char *name)
{
	size_t i;

	for (i = 0; i < stats_nr_rows; i++)
		if (!strcmp(stats_rows[i].name, name))
			return (uint64_t *)((char *)stats + stats_rows[i].offset);
	fail_msg("there is no counter %s", name);
	return NULL;
}

static uint64_t *find_status(struct stats *stats, const char *what, unsigned int status)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%s", what, stats_status_name(status));
	return find(stats, name);
}

/* One move of every status and size, in both directions. */
static struct stats one_of_each(void)
{
	struct stats stats = { 0 };
	unsigned int status;

	for (status = 0; status < HEMEM_ASSIST_NR_STATUS; status++) {
		stats_add_move(&stats, status, 4096, true);
		stats_add_move(&stats, status, 2 << 20, false);
	}
	stats.samples_seen = 36;
	stats.samples_used = 1;
	stats.samples_outside = 2;
	stats.samples_unmovable = 3;
	stats.samples_stale = 4;
	stats.samples_dropped = 5;
	stats.samples_other = 6;
	stats.samples_lost = 7;
	stats.samples_cached = 8;
	stats.records_seen = 21;
	stats.records_samples = 1;
	stats.records_lost = 2;
	stats.records_throttled = 3;
	stats.records_unthrottled = 4;
	stats.records_other = 5;
	stats.records_broken = 6;
	return stats;
}

static void every_move_is_counted_once_by_its_status(void **state UNUSED)
{
	struct stats stats = one_of_each();
	unsigned int status;

	for (status = 0; status < HEMEM_ASSIST_NR_STATUS; status++) {
		assert_int_equal(*find_status(&stats, "moves", status), 2);
		assert_int_equal(*find_status(&stats, "bytes", status), 4096 + (2 << 20));
	}
	assert_int_equal(stats.moves_planned, 2 * HEMEM_ASSIST_NR_STATUS);
	assert_int_equal(stats.bytes_planned, HEMEM_ASSIST_NR_STATUS * (4096 + (2 << 20)));
	assert_true(stats_add_up(&stats));
}

static void only_what_moved_was_promoted_or_demoted(void **state UNUSED)
{
	struct stats stats = one_of_each();

	assert_int_equal(stats.promoted_pages, 1);
	assert_int_equal(stats.promoted_bytes, 4096);
	assert_int_equal(stats.demoted_pages, 1);
	assert_int_equal(stats.demoted_bytes, 2 << 20);
}

static void a_status_of_a_newer_module_counts_as_busy(void **state UNUSED)
{
	struct stats stats = { 0 };

	stats_add_move(&stats, HEMEM_ASSIST_NR_STATUS, 4096, true);
	stats_add_move(&stats, NO_STATUS, 4096, false);
	assert_int_equal(stats.moves_busy, 2);
	assert_int_equal(stats.promoted_pages + stats.demoted_pages, 0);
	assert_true(stats_add_up(&stats));
	assert_string_equal(stats_status_name(NO_STATUS), "unknown");
}

static void hot_pages_wait_for_what_is_in_their_way(void **state UNUSED)
{
	struct stats stats = {
		.fast_limit_bytes = UINT64_MAX, .fast_share_bytes = UINT64_MAX,
		.fast_room_bytes = 2 << 20, .hot_slow_bytes = 4096,
		.target_fast_bytes = 8 << 20, .wear_left_bytes = UINT64_MAX,
	};

	assert_null(stats_waiting(&stats));
	stats.backed_off_pages = 1;
	assert_string_equal(stats_waiting(&stats), "moves were refused");
	stats.fast_room_bytes--;
	assert_string_equal(stats_waiting(&stats), "the fast tier has no room");
	stats.wear_left_bytes = 4096;
	assert_string_equal(stats_waiting(&stats), "--wear-limit lets nothing make room");
	stats.wear_left_bytes = 2 << 20;
	stats.fast_share_bytes = 9 << 20;
	assert_string_equal(stats_waiting(&stats), "others have the rest of the fast tier");
	stats.fast_share_bytes = UINT64_MAX;
	stats.fast_limit_bytes = 10 << 20;
	assert_string_equal(stats_waiting(&stats), "the fast tier has no room");
	stats.fast_limit_bytes--;
	assert_string_equal(stats_waiting(&stats), "--fast-limit is reached");
	stats.fast_limit_bytes = 1 << 20;
	assert_string_equal(stats_waiting(&stats), "--fast-limit is reached");
	stats.hot_slow_bytes = 0;
	assert_null(stats_waiting(&stats));
}

/* Negative control: each part of an identity that is off by one is noticed. */
static void one_too_many_of_anything_does_not_add_up(void **state UNUSED)
{
	static const char *const parts[] = {
		"moves_planned", "bytes_planned", "promoted_pages", "promoted_bytes",
		"demoted_pages", "demoted_bytes", "samples_seen", "samples_used",
		"samples_outside", "samples_unmovable", "samples_stale", "samples_dropped",
		"samples_other", "samples_cached", "samples_lost", "records_seen", "records_samples",
		"records_lost", "records_throttled", "records_unthrottled", "records_other",
		"records_broken",
	};
	struct stats stats = one_of_each();
	unsigned int i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		++*find(&stats, parts[i]);
		assert_false(stats_add_up(&stats));
		--*find(&stats, parts[i]);
	}
	for (i = 0; i < HEMEM_ASSIST_NR_STATUS; i++) {
		++*find_status(&stats, "moves", i);
		assert_false(stats_add_up(&stats));
		--*find_status(&stats, "moves", i);
		++*find_status(&stats, "bytes", i);
		assert_false(stats_add_up(&stats));
		--*find_status(&stats, "bytes", i);
	}
	assert_true(stats_add_up(&stats));
}

static void every_number_has_a_name_of_its_own_a_unit_and_a_definition(void **state UNUSED)
{
	bool seen[sizeof(struct stats) / sizeof(uint64_t)] = { false };
	size_t i, j;

	assert_int_equal(stats_nr_rows, sizeof(seen));
	for (i = 0; i < stats_nr_rows; i++) {
		assert_false(seen[stats_rows[i].offset / sizeof(uint64_t)]);
		seen[stats_rows[i].offset / sizeof(uint64_t)] = true;
		assert_true(stats_rows[i].unit[0] && stats_rows[i].definition[0]);
		assert_int_not_equal(stats_rows[i].definition[strlen(stats_rows[i].definition) - 1],
				     '.');
		for (j = 0; j < i; j++)
			assert_string_not_equal(stats_rows[j].name, stats_rows[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_move_is_counted_once_by_its_status),
		cmocka_unit_test(only_what_moved_was_promoted_or_demoted),
		cmocka_unit_test(a_status_of_a_newer_module_counts_as_busy),
		cmocka_unit_test(hot_pages_wait_for_what_is_in_their_way),
		cmocka_unit_test(one_too_many_of_anything_does_not_add_up),
		cmocka_unit_test(every_number_has_a_name_of_its_own_a_unit_and_a_definition),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
