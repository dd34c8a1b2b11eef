// SPDX-License-Identifier: GPL-2.0
/*
 * heat_test.c - the heat store
 *
 * The last test runs the store against a plain array that does the same the slow
 * way, through some hundred thousand random operations.
 */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "heat.h"

#define PAGE	HEAT_BASE_BYTES
#define HUGE	HEAT_HUGE_BYTES
#define BASE	0x7f0000000000ULL

static int new_heat(void **state)
{
	return heat_new((struct heat **)state);
}

static int free_heat(void **state)
{
	heat_free(*state);
	return 0;
}

static struct heat_page must_find(struct heat *heat, uint64_t addr)
{
	struct heat_page page;

	assert_int_equal(heat_find(heat, addr, &page), 0);
	return page;
}

static void must_not_find(struct heat *heat, uint64_t addr)
{
	struct heat_page page;

	POISON(page);
	assert_int_equal(heat_find(heat, addr, &page), -ENOENT);
	UNTOUCHED(page);
}

static uint64_t nr_pages(struct heat *heat)
{
	struct heat_sizes sizes;

	heat_sizes(heat, &sizes);
	return sizes.nr_pages;
}

/* Count by walking: must agree with what the store says of itself. */
static uint64_t nr_walked(struct heat *heat)
{
	struct heat_page page;
	uint64_t nr = 0;
	struct heat_walk walk = { 0 };

	while (heat_next(heat, &walk, &page))
		nr += page.nr;
	return nr;
}

static void a_sample_is_found_in_the_page_it_fell_in(void **state)
{
	struct heat *heat = *state;
	struct heat_page page;

	assert_int_equal(heat_add(heat, BASE + 123, false), 1);
	assert_int_equal(heat_add(heat, BASE + 4000, true), 0);
	assert_int_equal(heat_add(heat, BASE + PAGE, true), 1);
	page = must_find(heat, BASE);
	assert_int_equal(page.addr, BASE);
	assert_int_equal(page.bytes, PAGE);
	assert_int_equal(page.reads, 1);
	assert_int_equal(page.writes, 1);
	assert_int_equal(page.node, HEAT_NO_NODE);
	assert_int_equal(page.refused, 0);
	assert_int_equal(nr_pages(heat), 2);
	must_not_find(heat, BASE + 2 * PAGE);
	must_not_find(heat, BASE - 1);
}

static void an_address_without_a_name_is_refused_and_nothing_changes(void **state)
{
	struct heat *heat = *state;

	assert_int_equal(heat_add(heat, 0, true), -ERANGE);
	assert_int_equal(heat_add(heat, PAGE - 1, true), -ERANGE);
	assert_int_equal(heat_add(heat, HEAT_MAX_ADDR, true), -ERANGE);
	assert_int_equal(heat_add(heat, ~0ULL, true), -ERANGE);
	assert_int_equal(heat_see(heat, HUGE - PAGE, true, 0, 1, 1), -ERANGE);
	assert_int_equal(heat_see(heat, 1ULL << 56, true, 0, 1, 1), -ERANGE);
	assert_int_equal(nr_pages(heat), 0);
	assert_int_equal(heat_peak(heat), 0);
	must_not_find(heat, HEAT_MAX_ADDR + BASE);
	heat_set_node(heat, HEAT_MAX_ADDR + BASE, 1);
	heat_forget(heat, ~0ULL);
}

static void the_first_and_the_last_page_with_a_name_are_kept(void **state)
{
	struct heat *heat = *state;

	assert_int_equal(heat_add(heat, PAGE, false), 1);
	assert_int_equal(heat_add(heat, HEAT_MAX_ADDR - 1, false), 1);
	assert_int_equal(heat_see(heat, HUGE, true, 3, 0, 0), 1);
	assert_int_equal(must_find(heat, PAGE).addr, PAGE);
	assert_int_equal(must_find(heat, HEAT_MAX_ADDR - PAGE).addr, HEAT_MAX_ADDR - PAGE);
	assert_int_equal(must_find(heat, 2 * HUGE - 1).addr, HUGE);
}

static void counts_stop_at_their_maximum_and_do_not_run_into_each_other(void **state)
{
	struct heat *heat = *state;
	struct heat_page page;
	int i;

	heat_see(heat, BASE, false, 14, 0, 0);
	heat_set_refused(heat, BASE, 5);
	for (i = 0; i < 1000; i++)
		heat_add(heat, BASE, false);
	page = must_find(heat, BASE);
	assert_int_equal(page.reads, HEAT_MAX_COUNT);
	assert_int_equal(page.writes, 0);
	heat_see(heat, BASE, false, HEAT_NO_NODE, ~0U, ~0U);
	page = must_find(heat, BASE);
	assert_int_equal(page.reads, HEAT_MAX_COUNT);
	assert_int_equal(page.writes, HEAT_MAX_COUNT);
	assert_int_equal(page.node, 14);
	assert_int_equal(page.refused, 5);
	assert_int_equal(page.addr, BASE);
}

static void cooling_0_1_2_3_makes_8_into_8_4_2_1_for_reads_and_writes(void **state)
{
	static const int expected[] = { 8, 4, 2, 1, 0, 0, 0, 0, 0 };
	struct heat *heat = *state;
	struct heat_page page;
	size_t i;

	heat_see(heat, BASE, false, 0, 8, 8);
	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		page = must_find(heat, BASE);
		assert_int_equal(page.reads, expected[i]);
		assert_int_equal(page.writes, expected[i]);
		heat_cool(heat);
	}
}

/* A page that is touched by reads only must not keep its old writes. */
static void a_sample_after_coolings_cools_the_other_count_too(void **state)
{
	struct heat *heat = *state;

	heat_see(heat, BASE, false, 0, 16, 16);
	heat_cool(heat);
	heat_cool(heat);
	heat_add(heat, BASE, false);
	assert_int_equal(must_find(heat, BASE).reads, 5);
	assert_int_equal(must_find(heat, BASE).writes, 4);
}

/* The stamp has three bits: 8, 16, 256 .. coolings look like none. */
static void a_page_that_was_idle_for_any_number_of_coolings_is_cold(void **state)
{
	static const int idle[] = { 8, 9, 15, 16, 64, 255, 256, 257, 1000 };
	struct heat *heat = *state;
	size_t i;
	int n;

	for (i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
		heat_see(heat, BASE, false, 0, HEAT_MAX_COUNT, HEAT_MAX_COUNT);
		for (n = 0; n < idle[i]; n++)
			heat_cool(heat);
		assert_int_equal(must_find(heat, BASE).reads, 0);
		assert_int_equal(must_find(heat, BASE).writes, 0);
	}
}

static void the_peak_is_the_highest_count_and_cools_with_it(void **state)
{
	struct heat *heat = *state;

	heat_see(heat, BASE, false, 0, 3, 17);
	heat_see(heat, BASE + PAGE, false, 0, 5, 0);
	assert_int_equal(heat_peak(heat), 17);
	heat_add(heat, BASE, true);
	assert_int_equal(heat_peak(heat), 18);
	heat_cool(heat);
	assert_int_equal(heat_peak(heat), 9);
}

static void base_pages_that_become_a_huge_page_are_one_page_with_the_largest_count(void **state)
{
	struct heat *heat = *state;
	struct heat_sizes sizes;
	uint64_t i;

	for (i = 0; i < 512; i++)
		heat_see(heat, BASE + i * PAGE, false, 0, i % 7, i % 5);
	heat_see(heat, BASE - PAGE, false, 0, 20, 20);
	heat_see(heat, BASE + HUGE, false, 0, 20, 20);
	assert_int_equal(heat_see(heat, BASE + 5 * PAGE, true, 1, 1, 0), 1);
	heat_sizes(heat, &sizes);
	assert_int_equal(sizes.nr_pages, 3);
	assert_int_equal(sizes.nr_huge, 1);
	assert_int_equal(nr_walked(heat), 3);
	assert_int_equal(must_find(heat, BASE + HUGE - 1).addr, BASE);
	assert_int_equal(must_find(heat, BASE).reads, 7);
	assert_int_equal(must_find(heat, BASE).writes, 4);
	assert_int_equal(must_find(heat, BASE).bytes, HUGE);
	assert_int_equal(must_find(heat, BASE - 1).bytes, PAGE);
}

static void a_huge_page_that_splits_leaves_no_ghost(void **state)
{
	struct heat *heat = *state;
	struct heat_sizes sizes;

	heat_see(heat, BASE, true, 0, 9, 9);
	assert_int_equal(heat_see(heat, BASE + 7 * PAGE, false, 0, 1, 0), 1);
	heat_sizes(heat, &sizes);
	assert_int_equal(sizes.nr_pages, 1);
	assert_int_equal(sizes.nr_huge, 0);
	must_not_find(heat, BASE);
	assert_int_equal(must_find(heat, BASE + 7 * PAGE).reads, 1);
}

static void a_sample_inside_a_huge_page_belongs_to_the_huge_page(void **state)
{
	struct heat *heat = *state;

	heat_see(heat, BASE, true, 0, 0, 0);
	assert_int_equal(heat_add(heat, BASE + 300 * PAGE + 8, true), 0);
	assert_int_equal(must_find(heat, BASE).writes, 1);
	assert_int_equal(nr_pages(heat), 1);
}

static void a_pass_drops_what_it_did_not_meet_and_only_that(void **state)
{
	struct heat *heat = *state;
	uint64_t i;

	heat_begin_pass(heat);
	for (i = 0; i < 1000; i++)
		heat_see(heat, BASE + i * PAGE, false, 0, 1, 0);
	heat_end_pass(heat);
	assert_int_equal(nr_pages(heat), 1000);
	heat_begin_pass(heat);
	for (i = 0; i < 1000; i += 3)
		heat_see(heat, BASE + i * PAGE, false, 0, 1, 0);
	heat_add(heat, BASE + PAGE, false);
	heat_add(heat, BASE + 5000 * PAGE, false);
	heat_end_pass(heat);
	assert_int_equal(nr_pages(heat), 334 + 2);
	assert_int_equal(nr_walked(heat), 334 + 2);
	assert_int_equal(must_find(heat, BASE + 999 * PAGE).reads, 2);
	must_not_find(heat, BASE + 2 * PAGE);
}

static void a_pass_that_begins_twice_forgets_nobody_it_met(void **state)
{
	struct heat *heat = *state;

	heat_begin_pass(heat);
	heat_see(heat, BASE, false, 0, 1, 0);
	heat_begin_pass(heat);
	heat_see(heat, BASE + PAGE, false, 0, 1, 0);
	heat_end_pass(heat);
	assert_int_equal(nr_pages(heat), 2);
	heat_end_pass(heat);
	assert_int_equal(nr_pages(heat), 2);
}

static void forgetting_a_range_drops_pages_that_begin_in_it(void **state)
{
	struct heat *heat = *state;
	uint64_t i;

	for (i = 0; i < 100; i++)
		heat_see(heat, BASE + i * PAGE, false, 0, 1, 0);
	heat_see(heat, BASE + HUGE, true, 0, 1, 0);
	heat_forget_range(heat, BASE + 10 * PAGE, BASE + 20 * PAGE);
	assert_int_equal(nr_pages(heat), 91);
	must_find(heat, BASE + 9 * PAGE);
	must_not_find(heat, BASE + 10 * PAGE);
	must_not_find(heat, BASE + 19 * PAGE);
	must_find(heat, BASE + 20 * PAGE);
	heat_forget_range(heat, BASE + HUGE, BASE + HUGE + PAGE);
	must_not_find(heat, BASE + HUGE + 5 * PAGE);
	heat_forget_range(heat, BASE + 50 * PAGE, ~0ULL);
	assert_int_equal(nr_pages(heat), 40);
	heat_forget_range(heat, 5, 5);
	heat_forget_range(heat, BASE + PAGE, BASE);
	assert_int_equal(nr_pages(heat), 40);
	heat_forget_range(heat, 0, ~0ULL);
	assert_int_equal(nr_walked(heat), 0);
}

/*
 * Dense and sparse, growing, shrinking: never more than 16 bytes a page, nor
 * less than a slot, from 2,000 pages on.
 */
static void single_accesses_count_for_their_2_mib(void **state)
{
	struct heat *heat = *state;
	unsigned int i;

	assert_int_equal(heat_sample(heat, BASE, false), -ENOENT);
	assert_int_equal(heat_sample(heat, 0, false), -ERANGE);
	assert_int_equal(nr_pages(heat), 0);
	for (i = 0; i < 1024; i++)
		heat_see(heat, BASE + i * PAGE, false, 1, 0, 0);
	for (i = 0; i < 8; i++)
		assert_int_equal(heat_sample(heat, BASE + i * 64 * PAGE, i % 4 == 0), 0);
	assert_int_equal(must_find(heat, BASE + 333 * PAGE).reads, 6);
	assert_int_equal(must_find(heat, BASE + 333 * PAGE).writes, 2);
	/* 7 of the reads fell on one page: it has more than its neighbours. */
	for (i = 0; i < 7; i++)
		heat_sample(heat, BASE + 64 * PAGE, false);
	assert_true(must_find(heat, BASE + 64 * PAGE).reads > 40);
	assert_int_equal(must_find(heat, BASE + 512 * PAGE).reads, 0);
	heat_forget_range(heat, BASE, BASE + HUGE);
	heat_see(heat, BASE, false, 1, 0, 0);
	assert_int_equal(must_find(heat, BASE).reads, 0);
}

static void single_accesses_of_a_huge_page_are_all_its_own(void **state)
{
	struct heat *heat = *state;
	unsigned int i;

	heat_see(heat, BASE, true, 1, 0, 0);
	for (i = 0; i < 17; i++)
		assert_int_equal(heat_sample(heat, BASE + 5, false), 0);
	assert_int_equal(must_find(heat, BASE + 77).reads, 17);
	/* and halved at once by the 18th, however late the policy asks */
	assert_int_equal(heat_peak(heat), 0);
	assert_int_equal(heat_sample(heat, BASE + 5, false), 0);
	assert_int_equal(must_find(heat, BASE + 77).reads, 9);
	/* A page that is sampled was met. */
	heat_begin_pass(heat);
	heat_sample(heat, BASE + 5, false);
	heat_end_pass(heat);
	must_find(heat, BASE);
	heat_clear(heat);
	heat_see(heat, BASE, true, 1, 0, 0);
	assert_int_equal(must_find(heat, BASE).reads, 0);
}

/* Pages that lie close together share what a 2 MiB costs. */
static void a_tracked_page_costs_at_most_16_bytes_but_where_it_is_alone(void **state)
{
	static const struct {
		uint64_t stride, most_bytes;
	} rows[] = {
		{ 1, 8 }, { 2, 16 }, { 7, 16 }, { 8, 16 }, { 16, 16 }, { 512, 176 }, { 4097, 176 },
	};
	struct heat *heat = *state;
	struct heat_sizes sizes;
	uint64_t i, stride;
	size_t s;

	for (s = 0; s < sizeof(rows) / sizeof(rows[0]); s++) {
		stride = rows[s].stride * PAGE;
		for (i = 1; i <= 100000; i++) {
			assert_int_equal(heat_see(heat, i * stride, false, 0, 1, 0), 1);
			heat_sizes(heat, &sizes);
			assert_true(i < 2000 || sizes.store_bytes <= rows[s].most_bytes * i);
			assert_true(sizes.store_bytes >= 4 * i);
		}
		for (i = 100000; i > 2000; i--) {
			heat_forget(heat, i * stride);
			heat_sizes(heat, &sizes);
			assert_int_equal(sizes.nr_pages, i - 1);
			assert_true(sizes.store_bytes <= rows[s].most_bytes * i + 4096);
		}
		heat_clear(heat);
		heat_sizes(heat, &sizes);
		assert_int_equal(sizes.nr_pages, 0);
		assert_int_equal(sizes.store_bytes, 4096);
	}
}

/* ---- the same thing the slow way ---- */

#define MODEL_PAGES	8192	/* 16 huge pages */

struct model {
	bool known, met;
	int reads, writes, node, refused;
};

struct models {
	struct model base[MODEL_PAGES];
	struct model huge[MODEL_PAGES / 512];
	bool in_pass;
};

static int clamp(int count)
{
	return count > HEAT_MAX_COUNT ? HEAT_MAX_COUNT : count;
}

static void model_see(struct models *models, unsigned int i, bool huge, int node, int reads,
		      int writes)
{
	struct model *page = huge ? &models->huge[i / 512] : &models->base[i];
	struct model *part = &models->base[i / 512 * 512];
	int n;

	if (!page->known)
		*page = (struct model){ .known = true, .node = HEAT_NO_NODE };
	for (n = 0; huge && n < 512; n++) {
		if (part[n].known && part[n].reads > page->reads)
			page->reads = part[n].reads;
		if (part[n].known && part[n].writes > page->writes)
			page->writes = part[n].writes;
		part[n].known = false;
	}
	if (!huge)
		models->huge[i / 512].known = false;
	page->reads = clamp(page->reads + reads);
	page->writes = clamp(page->writes + writes);
	if (node != HEAT_NO_NODE)
		page->node = node;
	page->met = true;
}

static void model_cool(struct models *models)
{
	struct model *page = models->base;
	int n;

	for (n = 0; n < MODEL_PAGES; n++, page++) {
		page->reads /= 2;
		page->writes /= 2;
	}
	for (page = models->huge, n = 0; n < MODEL_PAGES / 512; n++, page++) {
		page->reads /= 2;
		page->writes /= 2;
	}
}

/* A pass begins and, unless it is the first, another one ends. */
static void model_pass(struct models *models)
{
	int n;

	for (n = 0; n < MODEL_PAGES; n++) {
		models->base[n].known &= models->base[n].met || !models->in_pass;
		models->base[n].met = false;
	}
	for (n = 0; n < MODEL_PAGES / 512; n++) {
		models->huge[n].known &= models->huge[n].met || !models->in_pass;
		models->huge[n].met = false;
	}
	models->in_pass = true;
}

static bool is_like(const struct heat_page *page, const struct model *model)
{
	return model->known && page->reads == model->reads && page->writes == model->writes &&
	       page->node == model->node && page->refused == model->refused;
}

static bool same(struct heat *heat, uint64_t addr, const struct model *model)
{
	struct heat_page page;

	if (heat_find(heat, addr, &page))
		return !model->known;
	return is_like(&page, model);
}

/* Every page of every run of a walk. */
static bool walk_agrees(struct heat *heat, const struct models *models)
{
	struct heat_walk walk = { 0 };
	struct heat_page page;
	uint64_t i;

	while (heat_next(heat, &walk, &page)) {
		i = (page.addr - BASE) / PAGE;
		for (; page.nr; page.nr--, i++)
			if (!is_like(&page, page.bytes == PAGE ? &models->base[i] :
							 &models->huge[i / 512]))
				return false;
	}
	return true;
}

static bool agree(struct heat *heat, const struct models *models)
{
	const struct model *model;
	uint64_t nr = 0, i;

	for (i = 0; i < MODEL_PAGES; i++) {
		model = models->base[i].known ? &models->base[i] : &models->huge[i / 512];
		nr += models->base[i].known + (i % 512 == 0 && models->huge[i / 512].known);
		if (!same(heat, BASE + i * PAGE, model))
			return false;
	}
	return nr_pages(heat) == nr && nr_walked(heat) == nr && walk_agrees(heat, models);
}

static void random_operation(struct heat *heat, struct models *models)
{
	unsigned int i = rand() % MODEL_PAGES, kind = rand() % 1000, reads = rand() % 4;
	unsigned int writes = rand() % 4, node = rand() % 16, n;
	struct model *page = models->huge[i / 512].known ? &models->huge[i / 512] :
			     &models->base[i];

	if (kind < 700) {
		heat_see(heat, BASE + i * PAGE, false, node, reads, writes);
		model_see(models, i, false, node, reads, writes);
	} else if (kind < 703) {
		heat_see(heat, BASE + i * PAGE, true, node, reads, writes);
		model_see(models, i, true, node, reads, writes);
	} else if (kind < 900) {
		heat_forget(heat, BASE + i * PAGE);
		page->known = false;
	} else if (kind < 980) {
		heat_set_refused(heat, BASE + i * PAGE, reads);
		page->refused = page->known ? (int)reads : 0;
	} else if (kind < 993) {
		heat_cool(heat);
		model_cool(models);
	} else if (kind < 994) {
		if (rand() % 20)
			return;
		heat_end_pass(heat);
		model_pass(models);
		heat_begin_pass(heat);
	} else {
		heat_forget_range(heat, BASE + i * PAGE, BASE + (i + 100) * PAGE);
		for (n = i; n < i + 100 && n < MODEL_PAGES; n++) {
			models->base[n].known = false;
			if (n % 512 == 0)
				models->huge[n / 512].known = false;
		}
	}
}

static void the_store_agrees_with_a_plain_array_through_random_operations(void **state)
{
	struct models *models = calloc(1, sizeof(*models));
	struct heat *heat = *state;
	int n;

	srand(4711);
	for (n = 0; n < 300000; n++) {
		random_operation(heat, models);
		if (n % 5000 == 0)
			assert_true(agree(heat, models));
	}
	assert_true(agree(heat, models));
	assert_true(nr_pages(heat) > 1000);
	/* The comparison notices a single sample too many. */
	heat_see(heat, BASE, false, 1, 0, 0);
	model_see(models, 0, false, 1, 0, 0);
	models->base[0].reads = 7;
	models->base[0].writes = 7;
	heat_see(heat, BASE, false, 1, HEAT_MAX_COUNT, HEAT_MAX_COUNT);
	assert_false(agree(heat, models));
	free(models);
}

/* What a slot says of a turn stands in the page's number, and must not change its name. */
static void huge_pages_cooled_by_hand_have_all_in_their_slot(void **state)
{
	struct heat_sizes before, after;
	struct heat *heat = *state;
	struct heat_page page;
	unsigned int turn, i;

	heat_cool_by_hand(heat, true);
	for (i = 0; i < 3000; i++)
		heat_see(heat, BASE + i * HUGE, true, 1, 0, 0);
	heat_sizes(heat, &before);
	for (turn = 0; turn < 40; turn++) {
		for (i = 0; i < 3000; i++)
			assert_int_equal(heat_sample(heat, BASE + i * HUGE + turn, false), 0);
		heat_end_turn(heat);
	}
	heat_sizes(heat, &after);
	assert_int_equal(before.store_bytes, after.store_bytes);
	assert_int_equal(after.nr_pages, 3000);
	for (i = 0; i < 3000; i++) {
		assert_int_equal(heat_find(heat, BASE + i * HUGE + 5, &page), 0);
		assert_int_equal(page.addr, BASE + i * HUGE);
		assert_int_equal(page.reads, 40);
		assert_int_equal(page.writes, 0);
	}
	/* 8 a turn are no burst where each has one; more are. */
	for (i = 0; i < 100; i++)
		heat_sample(heat, BASE + 7 * HUGE, true);
	assert_int_equal(heat_find(heat, BASE + 7 * HUGE, &page), 0);
	assert_int_equal(page.writes, 8);
	heat_end_turn(heat);
	heat_sample(heat, BASE + 7 * HUGE, true);
	assert_int_equal(heat_find(heat, BASE + 7 * HUGE, &page), 0);
	assert_int_equal(page.writes, 9);
	for (i = 0; i < 3000; i += 2)
		heat_forget(heat, BASE + i * HUGE);
	heat_sizes(heat, &after);
	assert_int_equal(after.nr_pages, 1500);
	for (i = 1; i < 3000; i += 2)
		assert_int_equal(heat_find(heat, BASE + i * HUGE, &page), 0);
}

static void they_cool_with_the_2_mib_and_not_with_base_pages(void **state)
{
	struct heat *heat = *state;
	struct heat_page page;
	unsigned int coolings;

	heat_cool_by_hand(heat, true);
	heat_see(heat, BASE, true, 1, 0, 0);
	for (coolings = 0; coolings < 100; coolings++)
		heat_sample(heat, BASE, false);
	heat_cool(heat);
	assert_int_equal(heat_find(heat, BASE, &page), 0);
	assert_int_equal(page.reads, 100);
	for (coolings = 1; coolings < 40; coolings++) {
		heat_cool_spans(heat);
		assert_int_equal(heat_find(heat, BASE, &page), 0);
		assert_int_equal(page.reads, coolings < 7 ? 100 >> coolings : 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_heat, free_heat)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_sample_is_found_in_the_page_it_fell_in),
		TEST(huge_pages_cooled_by_hand_have_all_in_their_slot),
		TEST(they_cool_with_the_2_mib_and_not_with_base_pages),
		TEST(an_address_without_a_name_is_refused_and_nothing_changes),
		TEST(the_first_and_the_last_page_with_a_name_are_kept),
		TEST(counts_stop_at_their_maximum_and_do_not_run_into_each_other),
		TEST(cooling_0_1_2_3_makes_8_into_8_4_2_1_for_reads_and_writes),
		TEST(a_sample_after_coolings_cools_the_other_count_too),
		TEST(a_page_that_was_idle_for_any_number_of_coolings_is_cold),
		TEST(the_peak_is_the_highest_count_and_cools_with_it),
		TEST(base_pages_that_become_a_huge_page_are_one_page_with_the_largest_count),
		TEST(a_huge_page_that_splits_leaves_no_ghost),
		TEST(a_sample_inside_a_huge_page_belongs_to_the_huge_page),
		TEST(a_pass_drops_what_it_did_not_meet_and_only_that),
		TEST(a_pass_that_begins_twice_forgets_nobody_it_met),
		TEST(forgetting_a_range_drops_pages_that_begin_in_it),
		TEST(single_accesses_count_for_their_2_mib),
		TEST(single_accesses_of_a_huge_page_are_all_its_own),
		TEST(a_tracked_page_costs_at_most_16_bytes_but_where_it_is_alone),
		TEST(the_store_agrees_with_a_plain_array_through_random_operations),
	};

	return cmocka_run_group_tests_name("heat", tests, NULL, NULL);
}
