// SPDX-License-Identifier: GPL-2.0
/*
 * bench_test.c - the parts of the workloads: are their numbers what they claim to be, and
 * do their checks see what is wrong?
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench.h"
#include "kronecker.h"
#include "updates.h"
#include "zipf.h"

static const struct bench bench = { .name = "bench_test", .seed = 7, .setup_node = UINT64_MAX };

#define DRAWS 2000000

static void zipfian_ranks_come_up_as_often_as_the_law_says(void **state)
{
	static const uint64_t ends[] = { 1, 2, 10, 100, 1000, 10000 };
	uint64_t *seen = calloc(10000, sizeof(*seen)), random = 1, rank = 0, i, sum = 0;
	double law = 0;
	struct zipf zipf;

	(void)state;
	zipf_init(&zipf, 10000, 0.99);
	for (i = 0; i < DRAWS; i++) {
		rank = zipf_rank(&zipf, bench_random(&random));
		assert_true(rank < 10000);
		seen[rank]++;
	}
	for (rank = 0, i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		for (; rank < ends[i]; rank++) {
			sum += seen[rank];
			law += zipf_share(&zipf, rank);
		}
		/* The method is exact for two ranks, an approximation between. */
		assert_true(fabs((double)sum / DRAWS - law) < (i < 2 ? 0.002 : 0.02));
	}
	assert_true(fabs(law - 1) < 1e-9);
	free(seen);
}

static struct updates *new_updates(uint64_t nr)
{
	struct updates *updates = calloc(1, sizeof(*updates));

	updates->unit_bytes = 4096;
	updates->hot_pct = 10;
	updates->hot_access_pct = 90;
	updates_new(updates, &bench, 4 << 20, 3);
	updates_do(updates, nr);
	return updates;
}

static void updates_are_right_and_can_be_undone(void **state)
{
	struct updates *updates = new_updates(300000);

	(void)state;
	assert_true(updates_is_right(updates));
	assert_true(updates_undo(updates));
}

static void an_update_that_is_lost_is_noticed(void **state)
{
	struct updates *updates = new_updates(100000);
	uint64_t word = 0, before;

	(void)state;
	before = updates->words[word];
	while (updates->words[word] == before)
		updates_do(updates, 1);
	updates->words[word] = before;
	assert_false(updates_is_right(updates));
	assert_false(updates_undo(updates));
}

static void pages_in_each_others_place_are_noticed(void **state)
{
	struct updates *updates = new_updates(100000);
	char page[4096], *words = (char *)updates->words;

	(void)state;
	memcpy(page, words, 4096);
	memcpy(words, words + 40960, 4096);
	memcpy(words + 40960, page, 4096);
	assert_false(updates_is_right(updates));
	assert_false(updates_undo(updates));
}

/* How much of what changed lies in the units that are hot now. */
static double hot_share(const struct updates *updates, const uint64_t *before)
{
	uint64_t i, nr = updates->unit_bytes / 8, all = 0, hot = 0, unit;

	for (i = 0; i < updates->nr_words; i++)
		all += updates->words[i] != before[i];
	for (unit = 0; unit < updates->hot_nr; unit++)
		for (i = 0; i < nr; i++)
			hot += updates->words[updates->units[updates->hot_first + unit] * nr + i] !=
			       before[updates->units[updates->hot_first + unit] * nr + i];
	return (double)hot / (double)all;
}

static uint64_t *copy_of(const struct updates *updates)
{
	uint64_t *copy = malloc(updates->nr_words * 8);

	memcpy(copy, updates->words, updates->nr_words * 8);
	return copy;
}

static void nine_of_ten_updates_are_in_the_hot_tenth(void **state)
{
	struct updates *updates = new_updates(0);
	uint64_t *before = copy_of(updates);
	double share;

	(void)state;
	updates_do(updates, 5000);
	share = hot_share(updates, before);
	/* 90 of 100, and of those that go anywhere one in ten; less words met twice */
	assert_true(share > 0.89 && share < 0.93);
	free(before);
}

static void a_hot_set_that_moved_is_where_it_says(void **state)
{
	struct updates *updates = new_updates(0);
	uint64_t *before;

	(void)state;
	updates->move_every = 5000;
	updates_do(updates, 4999);
	assert_int_equal(updates->nr_hot_sets, 1);
	updates_do(updates, 1);
	assert_int_equal(updates->nr_hot_sets, 2);
	before = copy_of(updates);
	updates_do(updates, 4999);
	assert_true(hot_share(updates, before) > 0.89);
	updates->hot_first = 0;
	assert_true(hot_share(updates, before) < 0.05);
	free(before);
}

static int has(const struct kronecker *graph, uint32_t vertex, uint32_t other)
{
	uint64_t edge;
	int nr = 0;

	for (edge = graph->first[vertex]; edge < graph->first[vertex + 1]; edge++)
		nr += graph->neighbours[edge] == other;
	return nr;
}

static void every_edge_is_there_both_ways_and_once(void **state)
{
	struct kronecker graph;
	uint32_t vertex, other;
	uint64_t edge;

	(void)state;
	kronecker_new(&graph, &bench, 10, NULL);
	assert_int_equal(graph.nr, 1024);
	assert_int_equal(graph.first[graph.nr], graph.nr_edges);
	for (vertex = 0; vertex < graph.nr; vertex++)
		for (edge = graph.first[vertex]; edge < graph.first[vertex + 1]; edge++) {
			other = graph.neighbours[edge];
			assert_int_not_equal(other, vertex);
			assert_int_equal(has(&graph, vertex, other), 1);
			assert_int_equal(has(&graph, other, vertex), 1);
		}
}

static int by_degree(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a < b) - (a > b);
}

/*
 * With the odds of Graph500 a vertex whose number has k ones among s bits gets
 * .76^(s - k) * .24^k of all edges at each end, so the share of the busiest vertices
 * is known.  Doubles that were dropped are most of the difference, so scale 16.
 */
static void degrees_are_as_skewed_as_the_odds_say(void **state)
{
	uint64_t *degrees, i, top = 0;
	struct kronecker graph;

	(void)state;
	kronecker_new(&graph, &bench, 16, NULL);
	degrees = calloc(graph.nr, sizeof(*degrees));
	for (i = 0; i < graph.nr; i++)
		degrees[i] = graph.first[i + 1] - graph.first[i];
	qsort(degrees, graph.nr, sizeof(*degrees), by_degree);
	/* at most two ones: 1 + 16 + 120 vertices */
	for (i = 0; i < 137; i++)
		top += degrees[i];
	/* .76^16 + 16 * .76^15 * .24 + 120 * .76^14 * .24^2 = 0.223, less doubles */
	assert_true((double)top / (double)graph.nr_edges > 0.12);
	assert_true((double)top / (double)graph.nr_edges < 0.223);
	/* None at all: a third or so, as in Graph500's graphs. */
	for (i = 0; i < graph.nr && degrees[i]; i++)
		;
	assert_true(i > graph.nr / 2 && i < graph.nr * 9 / 10);
	free(degrees);
}

static void another_seed_gives_another_graph(void **state)
{
	struct kronecker one, same, other;
	struct bench with = bench;

	(void)state;
	kronecker_new(&one, &with, 8, NULL);
	kronecker_new(&same, &with, 8, NULL);
	with.seed++;
	kronecker_new(&other, &with, 8, NULL);
	assert_memory_equal(one.first, same.first, 257 * sizeof(*one.first));
	assert_memory_equal(one.neighbours, same.neighbours, one.nr_edges * sizeof(uint32_t));
	assert_memory_not_equal(one.first, other.first, 257 * sizeof(*one.first));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zipfian_ranks_come_up_as_often_as_the_law_says),
		cmocka_unit_test(updates_are_right_and_can_be_undone),
		cmocka_unit_test(an_update_that_is_lost_is_noticed),
		cmocka_unit_test(pages_in_each_others_place_are_noticed),
		cmocka_unit_test(nine_of_ten_updates_are_in_the_hot_tenth),
		cmocka_unit_test(a_hot_set_that_moved_is_where_it_says),
		cmocka_unit_test(every_edge_is_there_both_ways_and_once),
		cmocka_unit_test(degrees_are_as_skewed_as_the_odds_say),
		cmocka_unit_test(another_seed_gives_another_graph),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
