// SPDX-License-Identifier: GPL-2.0
/*
 * span_test.c - samples by 2 MiB
 */
#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include "span.h"

#define BASE	0x7f0000000000ULL
#define PART	(SPAN_BYTES / 32)
#define PAGE_BYTES 4096

static struct span_set set;

static int set_up(void **state UNUSED)
{
	memset(&set, 0, sizeof(set));
	return 0;
}

static int tear_down(void **state UNUSED)
{
	span_free(&set);
	return 0;
}

/* @nr samples of span @i, that walk over its parts from @first on */
static void add(unsigned int i, unsigned int nr, unsigned int first, bool write)
{
	for (; nr; nr--, first++)
		span_add(&set, BASE + i * SPAN_BYTES + first % 32 * PART + 5000, write, 0);
}

static unsigned int reads(unsigned int i)
{
	return span_of_huge(&set, BASE + i * SPAN_BYTES).reads;
}

static unsigned int writes(unsigned int i)
{
	return span_of_huge(&set, BASE + i * SPAN_BYTES).writes;
}

static void samples_are_counted_by_span_and_kind(void **state UNUSED)
{
	assert_int_equal(reads(0), 0);
	add(0, 5, 0, false);
	add(0, 3, 0, true);
	add(1, 7, 0, false);
	assert_int_equal(reads(0), 5);
	assert_int_equal(writes(0), 3);
	assert_int_equal(reads(1), 7);
	assert_int_equal(writes(1), 0);
	assert_int_equal(reads(2), 0);
}

/* The example at the top of span.c. */
static void the_18th_sample_halves_all_spans(void **state UNUSED)
{
	add(1, 7, 0, false);
	add(0, 17, 0, false);
	assert_int_equal(reads(0), 17);
	assert_int_equal(reads(1), 7);
	add(0, 1, 17, false);
	assert_int_equal(reads(0), 9);
	assert_int_equal(reads(1), 3);
	assert_int_equal(set.clock[0], 1);
	assert_int_equal(set.clock[1], 0);
}

static void writes_do_not_cool_reads(void **state UNUSED)
{
	add(1, 7, 0, false);
	add(1, 7, 0, true);
	add(0, 1000, 0, true);
	assert_int_equal(reads(1), 7);
	assert_int_equal(writes(1), 0);
}

/* Negative control of the clamp: shifts by 32 and more would bring 7 back. */
static void a_span_that_owes_any_number_of_halvings_is_cold(void **state UNUSED)
{
	unsigned int coolings;

	for (coolings = 1; coolings < 100; coolings++) {
		span_free(&set);
		add(1, 16, 0, false);
		while (set.clock[0] < coolings)
			add(0, 1, 0, false);
		assert_int_equal(reads(1), coolings < 5 ? 16 >> coolings : 0);
		add(1, 1, 0, false);
		assert_int_equal(reads(1), (coolings < 5 ? 16 >> coolings : 0) + 1);
	}
}

static unsigned int base_reads_with(unsigned int part, unsigned int own)
{
	return span_of_base(&set, BASE + part * PART, (struct span_counts){ .reads = own }).reads;
}

/* Of a page that was not hit more often than others there */
static unsigned int base_reads(unsigned int part)
{
	return base_reads_with(part, 0);
}

static void a_span_that_is_hit_all_over_is_hot_everywhere(void **state UNUSED)
{
	add(0, 12, 0, false);
	assert_int_equal(base_reads(0), 12);
	assert_int_equal(base_reads(31), 12);
}

static void of_a_span_that_is_hit_in_few_parts_these_are_hot(void **state UNUSED)
{
	unsigned int i;

	for (i = 0; i < 6; i++)
		add(0, 2, 4, false);
	assert_int_equal(base_reads(4), 12);
	assert_int_equal(base_reads(5), 12);
	assert_int_equal(base_reads(6), 6);
	assert_int_equal(base_reads(31), 6);
	/* and a huge page is one page */
	assert_int_equal(reads(0), 12);
}

static void parts_are_forgotten_after_two_coolings(void **state UNUSED)
{
	add(0, 18, 4, false);
	assert_int_equal(base_reads(21), 9);
	while (set.clock[0] < 3)
		add(0, 1, 0, false);
	assert_int_equal(base_reads(0), 9);
	assert_int_equal(base_reads(21), 4);
}

/* The example at the top of span.c: 660 samples of a span are 1.3 of each page. */
static void of_unlike_pages_those_that_are_hit_more_often_are_hotter(void **state UNUSED)
{
	unsigned int own, i, nr;

	for (own = 0; own < 12; own++)
		for (i = 0; i < 55; i++)
			span_add(&set, BASE + i * 29 % 55 * 9 * PAGE_BYTES, false, own);
	nr = reads(0);
	assert_in_range(nr, 9, 17);
	assert_in_range(base_reads_with(0, 12), 4 * nr, 5 * nr);
	assert_in_range(base_reads_with(0, 0), nr / 2, nr * 2 / 3);
	/* and less so when all that was long ago */
	for (i = 0; i < 10; i++)
		span_cool_pages(&set);
	assert_int_equal(base_reads_with(0, 0), nr);
	for (i = 0; i < 100; i++)
		span_cool_pages(&set);
	assert_int_equal(base_reads_with(0, 0), nr);
}

/* As many samples, that fell on the pages by chance: who got 4 is no hotter than who got none. */
static void of_pages_that_are_alike_none_is_hotter_by_chance(void **state UNUSED)
{
	unsigned int own[512] = { 0 }, i, page, nr;
	uint64_t random = 1;

	for (i = 0; i < 660; i++) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		page = random >> 55;
		span_add(&set, BASE + page * PAGE_BYTES, false, own[page]++);
	}
	nr = reads(0);
	assert_in_range(nr, 9, 17);
	assert_in_range(base_reads_with(0, 4), nr, nr + 1);
	assert_in_range(base_reads_with(0, 0), nr - 1, nr);
}

/* 8 spans; in each turn of 80 samples each has 10, but once one has 80. */
static void what_is_more_than_a_span_can_have_in_a_turn_does_not_count(void **state UNUSED)
{
	unsigned int turn, i;

	set.by_hand = true;
	for (turn = 0; turn < 3; turn++) {
		for (i = 0; i < 8; i++)
			add(i, 10, 0, false);
		span_end_turn(&set, 0);
	}
	assert_int_equal(set.burst, 80);
	for (i = 0; i < 8; i++)
		assert_int_equal(reads(i), 30);
	add(0, 200, 0, false);
	add(1, 1, 0, true);
	assert_int_equal(reads(0), 30 + 80);
	assert_int_equal(writes(1), 1);
	span_end_turn(&set, 0);
	/* Samples that are counted for another span are none of this one's. */
	add(1, 80, 0, false);
	assert_int_equal(reads(1), 30 + 80);
	span_cool(&set);
	assert_int_equal(reads(1), 55);
	assert_int_equal(set.clock[0], 1);
}

/* The paper's rule knows no turns: that is the control. */
static void without_turns_all_samples_count(void **state UNUSED)
{
	set.by_hand = true;
	add(0, 5000, 0, false);
	assert_int_equal(reads(0), 5000);
}

static void samples_of_memory_that_is_gone_are_forgotten(void **state UNUSED)
{
	unsigned int i;

	for (i = 0; i < 10; i++)
		add(i, 8, 0, false);
	span_forget_range(&set, BASE + 2 * SPAN_BYTES, BASE + 4 * SPAN_BYTES);
	span_forget_range(&set, BASE + 5 * SPAN_BYTES + 1, BASE + 6 * SPAN_BYTES);
	for (i = 0; i < 10; i++)
		assert_int_equal(reads(i), i == 2 || i == 3 ? 0 : 8);
	span_forget_range(&set, BASE + 8 * SPAN_BYTES, ~0ULL);
	assert_int_equal(reads(7), 8);
	assert_int_equal(reads(8), 0);
	assert_int_equal(reads(9), 0);
}

static void spans_that_are_cold_take_no_memory_for_ever(void **state UNUSED)
{
	unsigned int i;

	for (i = 1; i < 100000; i++) {
		add(i, 1, 0, false);
		if (i % 8 == 0)
			add(0, 18, 0, false);
	}
	/* At most some hundred of them are not cold at any time. */
	assert_true(span_bytes(&set) < 100000);
	for (i = 1; i < 1000; i++)
		add(i, 7, 0, true);
	for (i = 1; i < 1000; i++)
		assert_int_equal(writes(i), 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(samples_are_counted_by_span_and_kind),
		TEST(the_18th_sample_halves_all_spans),
		TEST(writes_do_not_cool_reads),
		TEST(a_span_that_owes_any_number_of_halvings_is_cold),
		TEST(a_span_that_is_hit_all_over_is_hot_everywhere),
		TEST(of_a_span_that_is_hit_in_few_parts_these_are_hot),
		TEST(parts_are_forgotten_after_two_coolings),
		TEST(of_unlike_pages_those_that_are_hit_more_often_are_hotter),
		TEST(of_pages_that_are_alike_none_is_hotter_by_chance),
		TEST(what_is_more_than_a_span_can_have_in_a_turn_does_not_count),
		TEST(without_turns_all_samples_count),
		TEST(samples_of_memory_that_is_gone_are_forgotten),
		TEST(spans_that_are_cold_take_no_memory_for_ever),
	};

	return cmocka_run_group_tests_name("span", tests, NULL, NULL);
}
