// SPDX-License-Identifier: GPL-2.0
/*
 * report_test.c - how numbers, counters and sentences look
 */
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "report.h"
#include "stats.h"

static const struct {
	uint64_t number;
	const char *unit, *text;
} numbers[] = {
	{ 0, "bytes", "0 B" },
	{ 1023, "bytes", "1023 B" },
	{ 1024, "bytes", "1.00 KiB" },
	{ 1536, "bytes", "1.50 KiB" },
	{ 1048575, "bytes", "1.00 MiB" },
	{ 1610612736, "bytes", "1.50 GiB" },
	{ 10ULL << 30, "bytes", "10.0 GiB" },
	{ 512ULL << 20, "bytes", "512 MiB" },
	{ UINT64_MAX - 1, "bytes", "16384 PiB" },
	{ UINT64_MAX, "bytes", "no limit" },
	{ 0, "ns", "0 ns" },
	{ 999, "ns", "999 ns" },
	{ 1000, "ns", "1.00 us" },
	{ 12345678, "ns", "12.3 ms" },
	{ 90000000000, "ns", "90.0 s" },
	{ 9731, "bp", "97.3%" },
	{ 10000, "bp", "100.0%" },
	{ 1234567, "pages", "1234567" },
	{ UINT64_MAX, "pages", "18446744073709551615" },
};

static void a_number_is_scaled_by_its_unit(void **state UNUSED)
{
	char text[REPORT_NUMBER_BYTES];
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_string_equal(report_number(text, numbers[i].number, numbers[i].unit),
				    numbers[i].text);
}

/* Every counter gets a number of its own, so that no two can be mixed up. */
static struct stats numbered(void)
{
	struct stats stats;
	size_t i;

	for (i = 0; i < stats_nr_rows; i++)
		*(uint64_t *)((char *)&stats + stats_rows[i].offset) = 1000 + i;
	return stats;
}

static void every_counter_is_in_the_json_under_its_name(void **state UNUSED)
{
	struct stats stats = numbered();
	json_t *json = report_stats_json(&stats);
	size_t i;

	assert_int_equal(json_object_size(json), stats_nr_rows);
	for (i = 0; i < stats_nr_rows; i++)
		assert_int_equal(json_integer_value(json_object_get(json, stats_rows[i].name)),
				 1000 + i);
	json_decref(json);
}

static void json_and_back_is_the_same(void **state UNUSED)
{
	struct stats stats = numbered(), back;
	json_t *json;

	stats.fast_limit_bytes = UINT64_MAX;
	json = report_stats_json(&stats);
	assert_true(json_is_null(json_object_get(json, "fast_limit_bytes")));
	POISON(back);
	report_stats_from_json(json, &back);
	assert_memory_equal(&stats, &back, sizeof(stats));
	json_decref(json);
}

static void what_the_json_lacks_is_zero(void **state UNUSED)
{
	json_t *json = json_pack("{si ss}", "ticks", 7, "nonsense", "x");
	struct stats back, zero = { };

	POISON(back);
	report_stats_from_json(json, &back);
	assert_int_equal(back.ticks, 7);
	back.ticks = 0;
	assert_memory_equal(&back, &zero, sizeof(zero));
	POISON(back);
	report_stats_from_json(NULL, &back);
	assert_memory_equal(&back, &zero, sizeof(zero));
	json_decref(json);
}

static char *text;
static size_t length;

static FILE *begin(void)
{
	return open_memstream(&text, &length);
}

static bool says(const char *what)
{
	return strstr(text, what);
}

static void every_counter_is_in_the_text_with_its_definition(void **state UNUSED)
{
	struct stats stats = numbered();
	char first_words[24];
	FILE *out = begin();
	size_t i;

	report_stats(out, &stats);
	fclose(out);
	for (i = 0; i < stats_nr_rows; i++) {
		snprintf(first_words, sizeof(first_words), "%s", stats_rows[i].definition);
		assert_true(says(stats_rows[i].name) && says(first_words));
	}
	free(text);
}

static void the_summary_says_where_hot_bytes_were_and_are(void **state UNUSED)
{
	struct stats first = { .hot_slow_bytes = 64 << 20, .bytes_moved = 2 << 20 };
	struct stats last = { .hot_fast_bytes = 48 << 20, .hot_slow_bytes = 16 << 20 };
	FILE *out = begin();

	stats_add_move(&last, HEMEM_ASSIST_MOVED, 48 << 20, true);
	stats_add_move(&last, HEMEM_ASSIST_BUSY, 3 << 20, true);
	stats_add_move(&last, HEMEM_ASSIST_NO_ROOM, 5 << 20, false);
	report_summary(out, &first, 1500000000, &last, "assist");
	fclose(out);
	assert_true(says("0 B of   64.0 MiB    0.0%"));
	assert_true(says("48.0 MiB of   64.0 MiB   75.0%"));
	assert_true(says("1.50 s after attach") && says("2.00 MiB had moved by then"));
	assert_true(says("3.00 MiB  busy") && says("5.00 MiB  no_room"));
	assert_true(says("mover: assist"));
	assert_false(says("zero") || says("denied") || says("BUG"));
	free(text);
}

static void counts_that_do_not_add_up_are_said(void **state UNUSED)
{
	struct stats last = { .moves_planned = 3, .moves_moved = 2 };
	FILE *out = begin();

	report_summary(out, NULL, 0, &last, "assist");
	fclose(out);
	assert_true(says("BUG") && says("no page was found hot"));
	free(text);
}

static void progress_is_what_happened_since_the_last_line(void **state UNUSED)
{
	struct stats before = { .promoted_bytes = 100 << 20, .demoted_bytes = 0 };
	struct stats now = {
		.promoted_bytes = 164 << 20, .demoted_bytes = 32 << 20,
		.hot_fast_bytes = 30 << 20, .hot_slow_bytes = 10 << 20,
	};
	FILE *out = begin();

	report_progress(out, &now, &before, 2000000000);
	fclose(out);
	assert_true(says("40.0 MiB,  75.0% of it fast"));
	assert_true(says("to fast  32.0 MiB/s, to slow  16.0 MiB/s\n"));
	free(text);
}

static void progress_says_what_hot_pages_wait_for_when_none_was_promoted(void **state UNUSED)
{
	struct stats now = {
		.hot_slow_bytes = 10 << 20, .fast_limit_bytes = UINT64_MAX,
		.fast_share_bytes = UINT64_MAX, .wear_left_bytes = UINT64_MAX,
	};
	struct stats before = now;
	FILE *out = begin();

	report_progress(out, &now, &before, 2000000000);
	fclose(out);
	assert_true(says(" | waits: the fast tier has no room\n"));
	free(text);
}

static void a_paragraph_is_broken_at_blanks(void **state UNUSED)
{
	FILE *out = begin();

	report_wrap(out, "one two three fourteenlettersx five", 2, 12);
	fclose(out);
	assert_string_equal(text, "one two\n  three\n  fourteenlettersx\n  five\n");
	free(text);
}

static void roff_is_escaped(void **state UNUSED)
{
	FILE *out = begin();

	report_roff(out, ".a-b\\c");
	fclose(out);
	assert_string_equal(text, "\\&.a\\-b\\ec");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_scaled_by_its_unit),
		cmocka_unit_test(every_counter_is_in_the_json_under_its_name),
		cmocka_unit_test(json_and_back_is_the_same),
		cmocka_unit_test(what_the_json_lacks_is_zero),
		cmocka_unit_test(every_counter_is_in_the_text_with_its_definition),
		cmocka_unit_test(the_summary_says_where_hot_bytes_were_and_are),
		cmocka_unit_test(counts_that_do_not_add_up_are_said),
		cmocka_unit_test(progress_is_what_happened_since_the_last_line),
		cmocka_unit_test(progress_says_what_hot_pages_wait_for_when_none_was_promoted),
		cmocka_unit_test(a_paragraph_is_broken_at_blanks),
		cmocka_unit_test(roff_is_escaped),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
