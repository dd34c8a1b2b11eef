// SPDX-License-Identifier: GPL-2.0
/*
 * policy_test.c - snapshots in, plans out
 *
 * One fast node (index 0) and one slow node (index 1).  Where the size of a page
 * does not matter, heat is laid out by the MiB, in base pages.
 */
#include "unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "heat.h"
#include "plan.h"
#include "policy.h"

#define PAGE	HEAT_BASE_BYTES
#define HUGE	HEAT_HUGE_BYTES
#define MIB	(1ULL << 20)
#define BASE	0x10000000000ULL
#define FAST	0
#define SLOW	1

/** struct world - a snapshot with all that belongs to it, and its plan */
struct world {
	struct tier_set tiers;
	struct snapshot snapshot;
	struct heat *heat;
	struct plan *plan;
	uint64_t next_addr;
};

static int new_world_with(void **state, size_t max_moves)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->tiers = (struct tier_set){
		.nodes = {
			{ .nid = 0, .level = TIER_FAST, .total_bytes = 1024 * MIB,
			  .free_bytes = 512 * MIB },
			{ .nid = 1, .level = TIER_SLOW, .total_bytes = 4096 * MIB,
			  .free_bytes = 2048 * MIB },
		},
		.nr_nodes = 2,
	};
	assert_int_equal(heat_new(&world->heat), 0);
	assert_int_equal(plan_new(max_moves, &world->plan), 0);
	world->snapshot = (struct snapshot){
		.heat = world->heat, .tiers = &world->tiers, .budget_bytes = UINT64_MAX,
		.wear_bytes = UINT64_MAX,
		.fast_limit_bytes = UINT64_MAX,
	};
	world->next_addr = BASE;
	*state = world;
	return 0;
}

static int new_world(void **state)
{
	return new_world_with(state, 65536);
}

static void set_fast(struct world *world, uint64_t free_bytes, uint64_t watermark_bytes)
{
	world->tiers.nodes[FAST].free_bytes = free_bytes;
	world->tiers.nodes[FAST].watermark_bytes = watermark_bytes;
}

static int free_world(void **state)
{
	struct world *world = *state;

	heat_free(world->heat);
	plan_free(world->plan);
	free(world);
	return 0;
}

/* @bytes more of base pages on @node, each with so many samples; returns the first. */
static uint64_t put(struct world *world, uint64_t bytes, unsigned int node, unsigned int reads,
		    unsigned int writes)
{
	uint64_t first = world->next_addr, end = first + bytes, addr;

	for (addr = first; addr < end; addr += PAGE)
		heat_see(world->heat, addr, false, node, reads, writes);
	world->next_addr = end;
	return first;
}

static void put_huge(struct world *world, unsigned int nr, unsigned int node, unsigned int reads)
{
	world->next_addr = (world->next_addr + HUGE - 1) / HUGE * HUGE;
	for (; nr; nr--, world->next_addr += HUGE)
		heat_see(world->heat, world->next_addr, true, node, reads, 0);
}

static void make_plan(struct world *world)
{
	plan_clear(world->plan);
	policy_hemem.plan(&world->snapshot, world->plan);
}

static uint64_t bytes_of(const struct plan *plan, enum plan_reason reason)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < plan->nr; i++)
		if (plan->moves[i].reason == reason)
			bytes += plan->moves[i].bytes;
	return bytes;
}

static uint64_t promoted(const struct plan *plan)
{
	return bytes_of(plan, PLAN_HOT_READS) + bytes_of(plan, PLAN_HOT_WRITES);
}

/* What holds for every plan. */
static void must_be_sound(const struct world *world)
{
	const struct plan *plan = world->plan;
	bool promoting = false;
	struct heat_page page;
	uint64_t bytes = 0;
	size_t i, j;

	for (i = 0; i < plan->nr; i++) {
		bytes += plan->moves[i].bytes;
		assert_false(promoting && !plan_promotes(&plan->moves[i]));
		promoting = plan_promotes(&plan->moves[i]);
		assert_int_equal(plan->moves[i].from, promoting ? SLOW : FAST);
		assert_int_equal(plan->moves[i].to, promoting ? FAST : SLOW);
		assert_int_equal(heat_find(world->heat, plan->moves[i].addr, &page), 0);
		assert_int_equal(page.node, plan->moves[i].from);
		assert_int_equal(page.bytes, plan->moves[i].bytes);
		assert_int_equal(plan->moves[i].status, 0);
		for (j = 0; plan->nr < 3000 && j < i; j++)
			assert_int_not_equal(plan->moves[j].addr, plan->moves[i].addr);
	}
	assert_int_equal(bytes, plan->bytes);
	assert_true(bytes <= world->snapshot.budget_bytes);
	assert_true(plan->nr <= plan->max_moves);
}

static void a_page_is_hot_at_8_reads_or_4_writes_and_not_before(void **state)
{
	struct world *world = *state;

	put(world, MIB, SLOW, 7, 3);
	make_plan(world);
	assert_int_equal(world->plan->nr, 0);
	assert_int_equal(world->plan->hot_bytes[TIER_SLOW], 0);
	put(world, MIB, SLOW, 8, 0);
	put(world, MIB, SLOW, 0, 4);
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(bytes_of(world->plan, PLAN_HOT_READS), MIB);
	assert_int_equal(bytes_of(world->plan, PLAN_HOT_WRITES), MIB);
	assert_int_equal(world->plan->hot_bytes[TIER_SLOW], 2 * MIB);
	assert_int_equal(world->plan->tier_bytes[TIER_SLOW], 3 * MIB);
}

static void hot_pages_on_the_fast_tier_and_cold_ones_on_the_slow_stay(void **state)
{
	struct world *world = *state;

	put(world, MIB, FAST, 200, 200);
	put(world, MIB, FAST, 0, 0);
	put(world, MIB, SLOW, 1, 1);
	make_plan(world);
	assert_int_equal(world->plan->nr, 0);
	assert_int_equal(world->plan->hot_bytes[TIER_FAST], MIB);
}

static void written_pages_come_first_then_the_most_read(void **state)
{
	struct world *world = *state;
	unsigned int last = POLICY_NR_RANKS, rank;
	struct heat_page page;
	size_t i;

	put(world, MIB, SLOW, 9, 0);
	put(world, MIB, SLOW, 255, 0);
	put(world, MIB, SLOW, 0, 4);
	put(world, MIB, SLOW, 0, 90);
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(world->plan->nr, 1024);
	for (i = 0; i < world->plan->nr; i++) {
		heat_find(world->heat, world->plan->moves[i].addr, &page);
		rank = policy_rank(&page);
		assert_true(rank <= last);
		last = rank;
	}
	/* A budget for half of them takes the written ones. */
	world->snapshot.budget_bytes = 2 * MIB;
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(bytes_of(world->plan, PLAN_HOT_WRITES), 2 * MIB);
	assert_int_equal(world->plan->nr, 512);
}

static void the_example_of_pick_c_demotes_2_swaps_4_and_promotes_4(void **state)
{
	struct world *world = *state;

	set_fast(world, 1 * MIB, 3 * MIB);
	world->snapshot.budget_bytes = 10 * MIB;
	put(world, 100 * MIB, FAST, 0, 0);
	put(world, 8 * MIB, SLOW, 20, 0);
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(bytes_of(world->plan, PLAN_WATERMARK), 2 * MIB);
	assert_int_equal(bytes_of(world->plan, PLAN_SWAP), 4 * MIB);
	assert_int_equal(promoted(world->plan), 4 * MIB);
}

static void the_watermark_is_kept_although_nothing_is_hot(void **state)
{
	struct world *world = *state;

	set_fast(world, 10 * MIB, 30 * MIB);
	put(world, 50 * MIB, FAST, 0, 0);
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(bytes_of(world->plan, PLAN_WATERMARK), 20 * MIB);
	assert_int_equal(world->plan->bytes, 20 * MIB);
	world->tiers.nodes[FAST].free_bytes = 30 * MIB;
	make_plan(world);
	assert_int_equal(world->plan->nr, 0);
}

/* The second half of the example of pick.c. */
static void for_the_watermark_the_target_keeps_as_many_cold_bytes_as_there_is_cache(void **state)
{
	struct world *world = *state;

	set_fast(world, 1 * MIB, 3 * MIB);
	world->tiers.nodes[FAST].cache_bytes = 18 * MIB;
	world->snapshot.budget_bytes = 10 * MIB;
	put(world, 20 * MIB, FAST, 0, 0);
	put(world, 8 * MIB, SLOW, 20, 0);
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(bytes_of(world->plan, PLAN_WATERMARK), 1 * MIB);
	assert_int_equal(bytes_of(world->plan, PLAN_SWAP), 9 * MIB / 2);
	assert_int_equal(promoted(world->plan), 9 * MIB / 2);
}

/*
 * File reads take at once whatever room a demotion made.  The target must not lose
 * all of its cold pages to that, and its hot pages must come to the fast tier.
 */
static void page_cache_that_takes_all_room_does_not_push_the_target_out(void **state)
{
	struct world *world = *state;
	uint64_t cold, promoted_bytes = 0;
	size_t i;

	set_fast(world, 0, 16 * MIB);
	world->snapshot.budget_bytes = 10 * MIB;
	put(world, 64 * MIB, FAST, 0, 0);
	put(world, 8 * MIB, SLOW, 20, 0);
	for (world->snapshot.turn = 0; world->snapshot.turn < 100; world->snapshot.turn++) {
		make_plan(world);
		must_be_sound(world);
		for (i = 0; i < world->plan->nr; i++)
			heat_set_node(world->heat, world->plan->moves[i].addr,
				      world->plan->moves[i].to);
		promoted_bytes += promoted(world->plan);
		world->tiers.nodes[FAST].cache_bytes += world->plan->bytes -
							2 * promoted(world->plan);
	}
	assert_int_equal(world->plan->nr, 0);
	assert_int_equal(promoted_bytes, 8 * MIB);
	cold = world->plan->tier_bytes[TIER_FAST] - world->plan->hot_bytes[TIER_FAST];
	assert_in_range(cold, world->tiers.nodes[FAST].cache_bytes - 8 * MIB, 64 * MIB);
	assert_true(cold >= 24 * MIB);
}

/* Before the place of cold pages, and as much at once as lies above the min mark. */
static void hot_pages_take_the_place_of_idle_page_cache(void **state)
{
	struct world *world = *state;
	struct tier_node *fast = &world->tiers.nodes[FAST];

	set_fast(world, 5 * MIB, 16 * MIB);
	fast->min_bytes = 2 * MIB;
	put(world, 50 * MIB, SLOW, 100, 0);
	make_plan(world);
	assert_int_equal(world->plan->nr, 0);

	fast->cache_bytes = 100 * MIB;		/* of which none is idle */
	make_plan(world);
	assert_int_equal(world->plan->nr, 0);

	fast->idle_cache_bytes = 100 * MIB;
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(promoted(world->plan), 3 * MIB);
	assert_int_equal(world->plan->bytes, 3 * MIB);
	assert_true(world->plan->takes_cache);

	fast->idle_cache_bytes = 12 * MIB;	/* 5 + 12 is 1 above the watermark */
	make_plan(world);
	assert_int_equal(promoted(world->plan), 1 * MIB);
	assert_true(world->plan->takes_cache);

	put(world, 100 * MIB, FAST, 0, 0);
	world->snapshot.budget_bytes = 7 * MIB;
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(promoted(world->plan) - bytes_of(world->plan, PLAN_SWAP), 1 * MIB);
	assert_true(world->plan->takes_cache);
}

static void page_cache_is_left_alone_while_there_is_free_room(void **state)
{
	struct world *world = *state;
	struct tier_node *fast = &world->tiers.nodes[FAST];

	set_fast(world, 20 * MIB, 16 * MIB);
	fast->cache_bytes = fast->idle_cache_bytes = 100 * MIB;
	put(world, 4 * MIB, SLOW, 100, 0);
	make_plan(world);
	assert_int_equal(promoted(world->plan), 4 * MIB);
	assert_false(world->plan->takes_cache);
	put(world, PAGE, SLOW, 100, 0);
	make_plan(world);
	assert_int_equal(promoted(world->plan), 4 * MIB + PAGE);
	assert_true(world->plan->takes_cache);
}

static void hot_pages_do_not_leave_for_the_watermark(void **state)
{
	struct world *world = *state;

	set_fast(world, 0, 30 * MIB);
	put(world, 50 * MIB, FAST, 100, 0);
	put(world, 6 * MIB, FAST, 0, 1);
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(world->plan->bytes, 3 * MIB);
	assert_int_equal(bytes_of(world->plan, PLAN_WATERMARK), 3 * MIB);
}

static void promotions_do_not_use_up_the_watermark(void **state)
{
	struct world *world = *state;

	set_fast(world, 10 * MIB, 7 * MIB);
	put(world, 50 * MIB, SLOW, 100, 0);
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(promoted(world->plan), 3 * MIB);
	assert_int_equal(world->plan->bytes, 3 * MIB);
}

static void the_coldest_pages_make_room(void **state)
{
	struct world *world = *state;
	uint64_t coldest;
	size_t i;

	world->tiers.nodes[FAST].free_bytes = 0;
	put(world, 4 * MIB, FAST, 7, 0);
	coldest = put(world, 4 * MIB, FAST, 1, 0);
	put(world, 4 * MIB, FAST, 2, 2);
	put(world, 4 * MIB, SLOW, 8, 0);
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(bytes_of(world->plan, PLAN_SWAP), 4 * MIB);
	assert_int_equal(promoted(world->plan), 4 * MIB);
	for (i = 0; !plan_promotes(&world->plan->moves[i]); i++)
		assert_in_range(world->plan->moves[i].addr, coldest, coldest + 4 * MIB - 1);
}

static void a_full_fast_tier_of_hot_pages_stays_as_it_is(void **state)
{
	struct world *world = *state;

	world->tiers.nodes[FAST].free_bytes = 0;
	put(world, 20 * MIB, FAST, 8, 0);
	put(world, 20 * MIB, SLOW, 200, 200);
	make_plan(world);
	assert_int_equal(world->plan->nr, 0);
}

static void a_limit_demotes_even_hot_pages_coldest_first(void **state)
{
	struct world *world = *state;

	world->snapshot.fast_limit_bytes = 6 * MIB;
	put(world, 8 * MIB, FAST, 50, 0);
	put(world, 2 * MIB, FAST, 0, 0);
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(bytes_of(world->plan, PLAN_LIMIT), 4 * MIB);
	assert_int_equal(world->plan->bytes, 4 * MIB);
}

/* 8 MiB are lacking: of a target that shares the tier a part, and down to its minimum. */
static void of_what_the_tier_lacks_a_target_makes_its_part_free(void **state)
{
	struct world *world = *state;

	set_fast(world, 2 * MIB, 10 * MIB);
	put(world, 20 * MIB, FAST, 0, 0);
	make_plan(world);
	assert_int_equal(bytes_of(world->plan, PLAN_WATERMARK), 8 * MIB);
	world->snapshot.lack_of_others = 0.75;
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(bytes_of(world->plan, PLAN_WATERMARK), 2 * MIB);
	world->snapshot.lack_of_others = 0;
	world->snapshot.fast_min_bytes = 17 * MIB;
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(bytes_of(world->plan, PLAN_WATERMARK), 3 * MIB);
	world->snapshot.fast_min_bytes = 30 * MIB;
	make_plan(world);
	assert_int_equal(world->plan->nr, 0);
}

/* The limit comes first, then the watermark, then swaps: 2, 8 and 20 MiB are asked for. */
static void demotions_wait_when_the_slow_tier_may_not_be_written(void **state)
{
	static const struct {
		uint64_t wear, limit, watermark, swap;
	} cases[] = {
		{ UINT64_MAX, 2 * MIB, 8 * MIB, 20 * MIB }, { 15 * MIB, 2 * MIB, 8 * MIB, 5 * MIB },
		{ 9 * MIB, 2 * MIB, 7 * MIB, 0 }, { MIB, MIB, 0, 0 }, { 0, 0, 0, 0 },
	};
	struct world *world = *state;
	size_t i;

	set_fast(world, 2 * MIB, 12 * MIB);
	world->snapshot.fast_limit_bytes = 58 * MIB;
	put(world, 60 * MIB, FAST, 0, 0);
	put(world, 20 * MIB, SLOW, 50, 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world->snapshot.wear_bytes = cases[i].wear;
		make_plan(world);
		must_be_sound(world);
		assert_int_equal(bytes_of(world->plan, PLAN_LIMIT), cases[i].limit);
		assert_int_equal(bytes_of(world->plan, PLAN_WATERMARK), cases[i].watermark);
		assert_int_equal(bytes_of(world->plan, PLAN_SWAP), cases[i].swap);
		assert_int_equal(promoted(world->plan), cases[i].swap);
	}
}

/* A page that is larger than what may be written does not go. */
static void a_huge_page_needs_room_for_all_of_it_to_be_written(void **state)
{
	struct world *world = *state;

	world->tiers.nodes[FAST].free_bytes = 0;
	put_huge(world, 8, FAST, 0);
	put_huge(world, 8, SLOW, 50);
	world->snapshot.wear_bytes = 2 * HUGE - 1;
	make_plan(world);
	assert_int_equal(bytes_of(world->plan, PLAN_SWAP), HUGE);
	world->snapshot.wear_bytes = HUGE - 1;
	make_plan(world);
	assert_int_equal(world->plan->nr, 0);
}

/* Where the moves of pages from @node go: all to one node, or to none (-1). */
static int goes_to(const struct plan *plan, unsigned int node)
{
	int to = -1;
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		if (plan->moves[i].from != node)
			continue;
		assert_true(to == -1 || to == plan->moves[i].to);
		to = plan->moves[i].to;
	}
	return to;
}

static void make_step(struct world *world, unsigned int step)
{
	struct snapshot snapshot = world->snapshot;
	struct tier_set view;

	tier_step(&world->tiers, step, &view);
	snapshot.tiers = &view;
	plan_clear(world->plan);
	policy_hemem.plan(&snapshot, world->plan);
}

/* A third tier, node 2, larger and emptier than the second. */
static void hot_pages_rise_at_once_and_cold_ones_sink_a_tier_at_a_time(void **state)
{
	struct world *world = *state;

	world->tiers.nodes[1].depth = 1;
	world->tiers.nodes[2] = (struct tier_node){
		.nid = 2, .level = TIER_SLOW, .depth = 2, .total_bytes = 8192 * MIB,
		.free_bytes = 4096 * MIB,
	};
	world->tiers.nr_nodes = 3;
	set_fast(world, 0, 8 * MIB);
	put(world, 40 * MIB, 0, 0, 0);
	put(world, 40 * MIB, 1, 0, 0);
	put(world, 4 * MIB, 2, 50, 0);
	make_step(world, 0);
	assert_int_equal(goes_to(world->plan, 0), 1);
	assert_int_equal(goes_to(world->plan, 1), -1);
	assert_int_equal(goes_to(world->plan, 2), 0);
	assert_int_equal(promoted(world->plan), 4 * MIB);
	/* A full second tier is passed by, and makes room in a step of its own. */
	world->tiers.nodes[1].free_bytes = 0;
	world->tiers.nodes[1].watermark_bytes = 16 * MIB;
	make_step(world, 0);
	assert_int_equal(goes_to(world->plan, 0), 2);
	make_step(world, 1);
	assert_int_equal(goes_to(world->plan, 0), -1);
	assert_int_equal(goes_to(world->plan, 1), 2);
	assert_int_equal(bytes_of(world->plan, PLAN_WATERMARK), 16 * MIB);
	assert_int_equal(promoted(world->plan), 4 * MIB);
	assert_int_equal(goes_to(world->plan, 2), 1);
}

static void promotions_stop_at_the_limit(void **state)
{
	struct world *world = *state;

	world->snapshot.fast_limit_bytes = 6 * MIB;
	put(world, 4 * MIB, FAST, 50, 0);
	put(world, 8 * MIB, SLOW, 50, 0);
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(promoted(world->plan), 2 * MIB);
	world->snapshot.fast_limit_bytes = 0;
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(promoted(world->plan), 0);
	assert_int_equal(bytes_of(world->plan, PLAN_LIMIT), 4 * MIB);
}

static void below_the_limit_cold_pages_are_swapped_for_hot_ones(void **state)
{
	struct world *world = *state;

	world->snapshot.fast_limit_bytes = 6 * MIB;
	put(world, 6 * MIB, FAST, 0, 0);
	put(world, 8 * MIB, SLOW, 50, 0);
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(bytes_of(world->plan, PLAN_SWAP), 6 * MIB);
	assert_int_equal(promoted(world->plan), 6 * MIB);
}

static void demotions_ahead_of_need_leave_half_the_budget_to_hot_pages(void **state)
{
	struct world *world = *state;

	set_fast(world, 0, 100 * MIB);
	world->snapshot.budget_bytes = 8 * MIB;
	put(world, 200 * MIB, FAST, 0, 0);
	put(world, 50 * MIB, SLOW, 50, 0);
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(bytes_of(world->plan, PLAN_WATERMARK), 4 * MIB);
	assert_int_equal(bytes_of(world->plan, PLAN_SWAP), 2 * MIB);
	assert_int_equal(promoted(world->plan), 2 * MIB);
}

static void no_budget_moves_nothing(void **state)
{
	struct world *world = *state;

	world->snapshot.budget_bytes = 0;
	put(world, MIB, SLOW, 100, 0);
	make_plan(world);
	assert_int_equal(world->plan->nr, 0);
	world->snapshot.budget_bytes = PAGE - 1;
	make_plan(world);
	assert_int_equal(world->plan->nr, 0);
	world->snapshot.budget_bytes = PAGE;
	make_plan(world);
	assert_int_equal(world->plan->nr, 1);
}

static void huge_pages_move_whole_or_not_at_all(void **state)
{
	struct world *world = *state;

	put_huge(world, 3, SLOW, 20);
	world->snapshot.budget_bytes = HUGE - 1;
	make_plan(world);
	assert_int_equal(world->plan->nr, 0);
	world->snapshot.budget_bytes = 2 * HUGE + 5;
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(world->plan->nr, 2);
	assert_int_equal(world->plan->bytes, 2 * HUGE);
}

static void four_huge_pages_of_budget_swap_two_for_two(void **state)
{
	struct world *world = *state;

	world->tiers.nodes[FAST].free_bytes = 0;
	put_huge(world, 5, FAST, 0);
	put_huge(world, 5, SLOW, 20);
	world->snapshot.budget_bytes = 4 * HUGE;
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(world->plan->nr, 4);
	assert_int_equal(promoted(world->plan), 2 * HUGE);
}

static void a_huge_page_makes_room_for_base_pages(void **state)
{
	struct world *world = *state;

	world->tiers.nodes[FAST].free_bytes = 0;
	put_huge(world, 5, FAST, 0);
	put(world, MIB, SLOW, 20, 0);
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(bytes_of(world->plan, PLAN_SWAP), HUGE);
	assert_int_equal(promoted(world->plan), MIB);
}

static void a_plan_that_is_full_holds_the_hottest(void **state)
{
	struct world *world = *state;
	struct heat_page page;
	size_t i;

	put(world, MIB, SLOW, 20, 0);
	put(world, MIB / 4, SLOW, 30, 0);
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(world->plan->nr, 100);
	for (i = 0; i < 64; i++) {
		heat_find(world->heat, world->plan->moves[i].addr, &page);
		assert_int_equal(page.reads, 30);
	}
}

/* A plan of 100 moves has the shares of a budget of 100 base pages. */
static void a_plan_that_is_full_has_promotions_beside_demotions(void **state)
{
	struct world *world = *state;

	set_fast(world, 0, 100 * MIB);
	put(world, 20 * MIB, FAST, 0, 0);
	put(world, 20 * MIB, SLOW, 20, 0);
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(world->plan->nr, 100);
	assert_int_equal(bytes_of(world->plan, PLAN_WATERMARK), 50 * PAGE);
	assert_int_equal(bytes_of(world->plan, PLAN_SWAP), 25 * PAGE);
	assert_int_equal(promoted(world->plan), 25 * PAGE);
	/* A limit that is far exceeded does not take all either. */
	world->snapshot.fast_limit_bytes = 0;
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(bytes_of(world->plan, PLAN_LIMIT), 50 * PAGE);
}

static int new_world_of_100_moves(void **state)
{
	return new_world_with(state, 100);
}

static void pages_of_unknown_place_and_those_that_cannot_move_are_left_out(void **state)
{
	struct world *world = *state;
	uint64_t addr;

	put(world, MIB, HEAT_NO_NODE, 100, 0);
	put(world, MIB, 7, 100, 0);
	addr = put(world, PAGE, SLOW, 100, 0);
	heat_set_refused(world->heat, addr, HEAT_NEVER);
	for (world->snapshot.turn = 0; world->snapshot.turn < 5000; world->snapshot.turn += 7) {
		make_plan(world);
		assert_int_equal(world->plan->nr, 0);
		assert_int_equal(world->plan->backed_off_pages, 1);
	}
	assert_int_equal(world->plan->tier_bytes[TIER_SLOW], PAGE);
}

static void a_slow_tier_without_room_takes_no_demotions(void **state)
{
	struct world *world = *state;

	world->tiers.nodes[FAST].free_bytes = 0;
	world->tiers.nodes[SLOW].free_bytes = MIB;
	world->tiers.nodes[SLOW].watermark_bytes = MIB;
	put(world, 4 * MIB, FAST, 0, 0);
	put(world, 4 * MIB, SLOW, 100, 0);
	make_plan(world);
	assert_int_equal(world->plan->nr, 0);
	world->tiers.nodes[SLOW].free_bytes = 2 * MIB;
	make_plan(world);
	must_be_sound(world);
	assert_int_equal(bytes_of(world->plan, PLAN_SWAP), MIB);
	assert_int_equal(promoted(world->plan), MIB);
}

static void with_two_fast_nodes_each_is_filled_to_its_own_watermark(void **state)
{
	struct world *world = *state;
	uint64_t to[3] = { 0 };
	size_t i;

	world->tiers.nr_nodes = 3;
	world->tiers.nodes[2] = (struct tier_node){
		.nid = 2, .level = TIER_FAST, .free_bytes = 3 * MIB, .watermark_bytes = MIB,
	};
	set_fast(world, 5 * MIB, MIB);
	put(world, 20 * MIB, SLOW, 100, 0);
	make_plan(world);
	for (i = 0; i < world->plan->nr; i++)
		to[world->plan->moves[i].to] += world->plan->moves[i].bytes;
	assert_int_equal(to[FAST], 4 * MIB);
	assert_int_equal(to[2], 2 * MIB);
}

static void heat_is_cooled_when_a_page_reaches_18(void **state)
{
	struct world *world = *state;

	put(world, PAGE, FAST, 17, 17);
	make_plan(world);
	assert_false(world->plan->cool);
	heat_add(world->heat, BASE, true);
	make_plan(world);
	assert_true(world->plan->cool);
}

static void stay_counts_like_hemem_and_moves_nothing(void **state)
{
	struct world *world = *state;

	world->snapshot.fast_limit_bytes = 0;
	put(world, MIB, FAST, 0, 0);
	put(world, 3 * MIB, SLOW, 100, 0);
	plan_clear(world->plan);
	policy_stay.plan(&world->snapshot, world->plan);
	assert_int_equal(world->plan->nr, 0);
	assert_int_equal(world->plan->bytes, 0);
	assert_true(world->plan->cool);
	assert_int_equal(world->plan->tier_bytes[TIER_FAST], MIB);
	assert_int_equal(world->plan->hot_bytes[TIER_SLOW], 3 * MIB);
}

static void the_same_snapshot_gives_the_same_plan(void **state)
{
	struct world *world = *state;
	struct plan_move *first;
	size_t nr;

	world->snapshot.budget_bytes = 3 * MIB;
	put(world, 4 * MIB, FAST, 0, 0);
	put(world, 4 * MIB, SLOW, 100, 0);
	world->tiers.nodes[FAST].free_bytes = MIB;
	make_plan(world);
	nr = world->plan->nr;
	first = malloc(nr * sizeof(*first));
	memcpy(first, world->plan->moves, nr * sizeof(*first));
	make_plan(world);
	assert_int_equal(world->plan->nr, nr);
	assert_memory_equal(first, world->plan->moves, nr * sizeof(*first));
	free(first);
}

static void refused_pages_are_asked_in_one_of_2_8_32_and_so_on_plans(void **state)
{
	uint64_t turn, page, asked, expected = 2;
	struct heat_page refused;
	unsigned int n;

	(void)state;
	for (n = 1; n <= 6; n++, expected *= 4) {
		for (asked = 0, page = 1; page <= 64; page++) {
			refused = (struct heat_page){ .addr = page * PAGE, .refused = n };
			for (turn = 0; turn < 8192; turn++)
				asked += !policy_backs_off(&refused, turn);
		}
		assert_int_equal(asked, 64 * 8192 / expected);
	}
	refused.refused = 0;
	assert_false(policy_backs_off(&refused, 5));
}

static void policies_are_found_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(policy_find("auto"), &policy_gain);
	assert_ptr_equal(policy_find("gain"), &policy_gain);
	assert_ptr_equal(policy_find("lru"), &policy_lru);
	assert_ptr_equal(policy_find("stay"), &policy_stay);
	assert_ptr_equal(policy_find("hemem"), &policy_hemem);
	assert_null(policy_find("heme"));
	assert_null(policy_find(""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_world, free_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_page_is_hot_at_8_reads_or_4_writes_and_not_before),
		TEST(hot_pages_on_the_fast_tier_and_cold_ones_on_the_slow_stay),
		TEST(written_pages_come_first_then_the_most_read),
		TEST(the_example_of_pick_c_demotes_2_swaps_4_and_promotes_4),
		TEST(the_watermark_is_kept_although_nothing_is_hot),
		TEST(for_the_watermark_the_target_keeps_as_many_cold_bytes_as_there_is_cache),
		TEST(page_cache_that_takes_all_room_does_not_push_the_target_out),
		TEST(hot_pages_take_the_place_of_idle_page_cache),
		TEST(page_cache_is_left_alone_while_there_is_free_room),
		TEST(hot_pages_do_not_leave_for_the_watermark),
		TEST(promotions_do_not_use_up_the_watermark),
		TEST(the_coldest_pages_make_room),
		TEST(a_full_fast_tier_of_hot_pages_stays_as_it_is),
		TEST(a_limit_demotes_even_hot_pages_coldest_first),
		TEST(of_what_the_tier_lacks_a_target_makes_its_part_free),
		TEST(demotions_wait_when_the_slow_tier_may_not_be_written),
		TEST(a_huge_page_needs_room_for_all_of_it_to_be_written),
		TEST(hot_pages_rise_at_once_and_cold_ones_sink_a_tier_at_a_time),
		TEST(promotions_stop_at_the_limit),
		TEST(below_the_limit_cold_pages_are_swapped_for_hot_ones),
		TEST(demotions_ahead_of_need_leave_half_the_budget_to_hot_pages),
		TEST(no_budget_moves_nothing),
		TEST(huge_pages_move_whole_or_not_at_all),
		TEST(four_huge_pages_of_budget_swap_two_for_two),
		TEST(a_huge_page_makes_room_for_base_pages),
		cmocka_unit_test_setup_teardown(a_plan_that_is_full_holds_the_hottest,
						new_world_of_100_moves, free_world),
		cmocka_unit_test_setup_teardown(a_plan_that_is_full_has_promotions_beside_demotions,
						new_world_of_100_moves, free_world),
		TEST(pages_of_unknown_place_and_those_that_cannot_move_are_left_out),
		TEST(a_slow_tier_without_room_takes_no_demotions),
		TEST(with_two_fast_nodes_each_is_filled_to_its_own_watermark),
		TEST(heat_is_cooled_when_a_page_reaches_18),
		TEST(stay_counts_like_hemem_and_moves_nothing),
		TEST(the_same_snapshot_gives_the_same_plan),
		cmocka_unit_test(refused_pages_are_asked_in_one_of_2_8_32_and_so_on_plans),
		cmocka_unit_test(policies_are_found_by_name),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
