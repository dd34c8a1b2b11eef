// SPDX-License-Identifier: GPL-2.0
/*
 * replay_test.c - recordings of made-up targets, whose best placement is known
 *
 * 256 MiB of memory, 26 MiB of it hot with nine in ten accesses, a fast tier of 64 MiB: the
 * best placement serves 90 + 10 / 4 in 100, all that move nothing a quarter.  A quarter of that
 * where it is base pages, as these take long to plan.
 */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heat.h"
#include "oracle.h"
#include "options.h"
#include "pattern.h"
#include "policy.h"
#include "replay.h"
#include "share.h"
#include "trace.h"
#include "wear.h"

#define PAGE	HEAT_BASE_BYTES
#define HUGE	HEAT_HUGE_BYTES
#define MIB	(1ULL << 20)
#define BASE	0x7f0000000000ULL
#define FAST	(64 * MIB)

static char path[64];
static uint64_t fast_bytes;	/* of the last recording */
static uint64_t wear_limit = WEAR_NO_LIMIT;

static int set_up(UNUSED void **state)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/hemem-replay-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(UNUSED void **state)
{
	return unlink(path);
}

static void record(enum pattern_kind kind, bool huge, uint64_t ms)
{
	const struct trace_origin nobody = { 0 };
	struct trace_writer *writer;
	struct pattern pattern;

	pattern_init(&pattern, kind);
	pattern.huge = huge;
	pattern.seed = 1;
	pattern.every_ms = 5000;
	fast_bytes = FAST / (huge ? 1 : 4);
	if (!huge) {
		pattern.bytes /= 4;
		pattern.hot_bytes = 6 * MIB;
	}
	assert_int_equal(trace_create(path, &nobody, &writer), 0);
	pattern_record(&pattern, writer, ms, fast_bytes);
	assert_int_equal(trace_finish(writer), 0);
}

static void replay(const struct policy *policy, uint64_t bytes, struct replay_result *result)
{
	const struct replay_spec spec = {
		.fast_bytes = bytes, .budget_bytes_per_s = 512 * MIB,
		.wear_limit_bytes = wear_limit, .window_ms = 100, .cost = cost_default,
	};
	struct trace_reader *reader;
	struct replay *replay;

	assert_int_equal(trace_open(path, &reader), 0);
	assert_int_equal(replay_new(reader, &spec, &replay), 0);
	assert_int_equal(replay_run(replay, policy, result), 0);
	replay_free(replay);
	trace_close(reader);
}

/* ---- the oracle ---- */

static void the_best_placement_has_the_heaviest_pages_that_fit(UNUSED void **state)
{
	uint64_t sizes[3] = { 2 * PAGE, 4 * PAGE, HUGE + 4 * PAGE };
	struct oracle *oracle;
	unsigned int i, k;
	double shares[3];

	assert_int_equal(oracle_new(&oracle), 0);
	/* Page i gets 2 * i accesses, half of them for judging; the huge page 2 in all. */
	for (i = 1; i <= 5; i++)
		for (k = 0; k < 2 * i; k++)
			assert_int_equal(oracle_add(oracle, BASE + i * PAGE, PAGE, 1, k & 1), 0);
	oracle_add(oracle, BASE + HUGE, HUGE, 1, false);
	oracle_add(oracle, BASE + HUGE, HUGE, 1, true);
	assert_int_equal(oracle_bytes(oracle), 5 * PAGE + HUGE);
	oracle_settle(oracle, 2 * PAGE);
	for (i = 1; i <= 5; i++)
		assert_int_equal(oracle_is_fast(oracle, BASE + i * PAGE), i >= 4);
	assert_false(oracle_is_fast(oracle, BASE + HUGE));
	assert_false(oracle_is_fast(oracle, BASE + 77 * PAGE));
	oracle_curve(oracle, sizes, 3, shares);
	assert_true(shares[0] > 9.0 / 16 - 1e-6 && shares[0] < 9.0 / 16 + 1e-6);
	assert_true(shares[1] > 14.0 / 16 - 1e-6 && shares[1] < 14.0 / 16 + 1e-6);
	assert_true(shares[2] > 15.0 / 16 - 1e-6 && shares[2] < 15.0 / 16 + 1e-6);
	oracle_free(oracle);
}

static void each_window_has_its_own_best_placement(UNUSED void **state)
{
	struct oracle *oracle;
	unsigned int window, i;
	double best;

	assert_int_equal(oracle_new(&oracle), 0);
	for (window = 1; window < 2000; window++) {
		for (i = 0; i < 4; i++)
			oracle_add(oracle, BASE + window * PAGE, PAGE, 1, i & 1);
		oracle_add(oracle, BASE + 2 * window * PAGE, PAGE, 1, true);
		oracle_end_window(oracle, PAGE, &best);
		assert_true(best == 4);		/* twice the two that judge */
	}
	oracle_end_window(oracle, PAGE, &best);
	assert_true(best == 0);
	oracle_free(oracle);
}

/* ---- made-up targets ---- */

static void the_share_of_who_moves_nothing_is_that_of_the_memory(UNUSED void **state)
{
	struct replay_result result;

	record(PATTERN_UNIFORM, true, 5000);
	replay(&policy_stay, FAST, &result);
	assert_int_equal(result.samples, 50000);
	assert_int_equal(result.unplaced, 0);
	assert_int_equal(result.nr_windows, 50);
	assert_int_equal(result.promoted_bytes + result.demoted_bytes, 0);
	assert_true(result.move_ns == 0);
	assert_in_range((uint64_t)(1000 * replay_share(&result, 0)), 240, 260);
	/* Who knows some of the future knows nothing more of what is random. */
	assert_in_range((uint64_t)(1000 * result.static_weight / result.weight), 235, 265);
	assert_in_range((uint64_t)(1000 * result.best_weight / result.weight), 235, 265);
	assert_int_equal(result.wait_ns, 401 * (81 * result.fast_weight +
						305 * (result.weight - result.fast_weight)));
	replay_exit(&result);
}

static void the_oracle_knows_the_hot_set_by_pages_of_both_sizes(UNUSED void **state)
{
	struct replay_result result;
	unsigned int huge;

	for (huge = 0; huge < 2; huge++) {
		record(PATTERN_HOT, huge, 10000);
		replay(&policy_stay, fast_bytes, &result);
		assert_in_range((uint64_t)(1000 * result.static_weight / result.weight), 905, 930);
		assert_in_range((uint64_t)(1000 * result.best_weight / result.weight), 915, 930);
		assert_true(replay_quality(&result, 0) < 0.7);
		assert_int_equal(replay_converged_ns(&result), UINT64_MAX);
		replay_exit(&result);
	}
}

static void a_larger_fast_tier_serves_more_and_all_of_it_all(UNUSED void **state)
{
	struct replay_result result;

	record(PATTERN_ZIPF, true, 2000);
	replay(&policy_stay, 256 * MIB, &result);
	assert_true(replay_quality(&result, 0) > 0.3);
	assert_true(result.static_weight > 0.99 * result.weight);
	replay_exit(&result);
	replay(&policy_stay, 0, &result);
	assert_true(replay_share(&result, 0) == 0 && result.static_weight == 0);
	replay_exit(&result);
}

static void the_same_recording_and_policy_give_the_same_result(UNUSED void **state)
{
	const struct policy *const *policy;
	struct replay_result result, again;

	record(PATTERN_PHASES, true, 3000);
	for (policy = policy_table; *policy; policy++) {
		replay(*policy, FAST, &result);
		replay(*policy, FAST, &again);
		assert_int_equal(result.nr_windows, again.nr_windows);
		assert_memory_equal(result.windows, again.windows,
				    result.nr_windows * sizeof(*result.windows));
		assert_int_equal(result.promoted_bytes, again.promoted_bytes);
		assert_true(result.move_ns == again.move_ns && result.wait_ns == again.wait_ns);
		replay_exit(&result);
		replay_exit(&again);
	}
}

static void the_same_seed_makes_the_same_target_and_another_another(UNUSED void **state)
{
	struct pattern one, same, other;
	unsigned int kind, i, nr_unlike;
	bool write;

	for (kind = 0; kind < PATTERN_NR; kind++) {
		pattern_init(&one, kind);
		same = other = one;
		other.seed = 7;
		for (i = nr_unlike = 0; i < 1000; i++) {
			uint64_t addr = pattern_next(&one, &write);

			assert_int_equal(addr, pattern_next(&same, &write));
			assert_in_range(addr, one.base, one.base + one.bytes - 1);
			nr_unlike += addr != pattern_next(&other, &write);
		}
		assert_true(kind == PATTERN_SCAN ? !nr_unlike : nr_unlike > 300);
		assert_int_equal(pattern_find(pattern_names[kind]), kind);
	}
	assert_int_equal(pattern_find("hotter"), PATTERN_NR);
}

/* Its pages are those that the recorder was told of, whatever fits. */
static void pages_that_go_make_room_and_a_damaged_recording_is_told(UNUSED void **state)
{
	const struct trace_origin nobody = { 0 };
	const struct replay_spec spec = { .fast_bytes = 4 * PAGE, .window_ms = 100,
					  .budget_bytes_per_s = OPTIONS_NO_BUDGET,
					  .cost = cost_default };
	struct trace_event event = { .kind = TRACE_NODE };
	struct trace_writer *writer;
	struct trace_reader *reader;
	struct replay_result result;
	struct replay *replay;

	assert_int_equal(trace_create(path, &nobody, &writer), 0);
	trace_put(writer, &event);
	event = (struct trace_event){ .kind = TRACE_PAGES, .addr = BASE, .nr = 8 };
	trace_put(writer, &event);	/* 4 of them have room */
	event = (struct trace_event){ .kind = TRACE_TICK };
	trace_put(writer, &event);
	event = (struct trace_event){ .kind = TRACE_GONE, .addr = BASE, .nr = 2 };
	trace_put(writer, &event);
	event = (struct trace_event){ .kind = TRACE_TICK, .now_ns = 20000000 };
	trace_put(writer, &event);
	event = (struct trace_event){ .kind = TRACE_PAGES, .addr = BASE + 64 * PAGE, .nr = 3 };
	trace_put(writer, &event);	/* and now 2 of these */
	event = (struct trace_event){ .kind = TRACE_SAMPLE };
	for (event.addr = BASE; event.addr < BASE + 67 * PAGE; event.addr += PAGE)
		trace_put(writer, &event);
	event = (struct trace_event){ .kind = TRACE_TICK, .now_ns = 100000000 };
	trace_put(writer, &event);
	assert_int_equal(trace_finish(writer), 0);
	assert_int_equal(trace_open(path, &reader), 0);
	assert_int_equal(replay_new(reader, &spec, &replay), 0);
	assert_int_equal(replay_run(replay, &policy_stay, &result), 0);
	assert_int_equal(result.samples, 67);
	assert_int_equal(result.unplaced, 67 - 6 - 3);
	assert_true(result.weight == 9 && result.fast_weight == 2 + 2);
	replay_exit(&result);
	replay_free(replay);
	trace_close(reader);

	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(trace_open(path, &reader), 0);
	POISON(replay);
	assert_int_equal(replay_new(reader, &spec, &replay), -ENODATA);
	UNTOUCHED(replay);
	trace_close(reader);
}

/* ---- policies ---- */

/** struct outcome - what a policy is judged by */
struct outcome {
	double settled_quality;		/* the last third, of the best static placement */
	double window_quality;		/* all of it, of the best placements for each window */
	double time;			/* modelled, of who moves nothing */
	uint64_t converged_ms;
	uint64_t moved_bytes;
	uint64_t late_bytes;		/* of these, in the second half */
};

/* Beside who moves nothing. */
static struct outcome judge(const struct policy *policy)
{
	struct replay_result stay, result;
	struct outcome outcome = { 0 };
	size_t i;

	replay(&policy_stay, fast_bytes, &stay);
	replay(policy, fast_bytes, &result);
	outcome.settled_quality = replay_quality(&result, result.nr_windows * 2 / 3);
	outcome.window_quality = result.fast_weight / result.best_weight;
	outcome.time = (result.wait_ns + result.move_ns) / stay.wait_ns;
	outcome.converged_ms = replay_converged_ns(&result) / 1000000;
	outcome.moved_bytes = result.promoted_bytes + result.demoted_bytes;
	for (i = result.nr_windows / 2; i < result.nr_windows; i++)
		outcome.late_bytes += result.windows[i].moved_bytes;
	replay_exit(&stay);
	replay_exit(&result);
	return outcome;
}

static bool finds_the_hot_set(struct outcome outcome)
{
	return outcome.settled_quality >= 0.95 && outcome.converged_ms <= 1500;
}

/* The hot set moves: the best for each window, not one for all of them. */
static bool follows(struct outcome outcome)
{
	return outcome.window_quality >= 0.9;
}

static bool does_no_harm(struct outcome outcome)
{
	return outcome.time <= 1.02 && outcome.late_bytes <= 8 * MIB;
}

static bool is_as_good_as(struct outcome outcome, struct outcome other)
{
	return outcome.time <= 1.01 * other.time;
}

static void tell(const char *what, bool huge, struct outcome outcome)
{
	print_message("# %s, %s pages: settled %.3f, windows %.3f, time %.3f, %u MiB moved, %u of "
		      "them late\n", what, huge ? "huge" : "base", outcome.settled_quality,
		      outcome.window_quality, outcome.time,
		      (unsigned int)(outcome.moved_bytes / MIB),
		      (unsigned int)(outcome.late_bytes / MIB));
}

/* @ms of this target, and @is_right of what gain does; never worse than the paper's policy */
static void must_be(enum pattern_kind kind, uint64_t ms, bool (*is_right)(struct outcome outcome))
{
	struct outcome gain;
	unsigned int huge;

	for (huge = 0; huge < 2; huge++) {
		record(kind, huge, ms);
		gain = judge(&policy_gain);
		tell(pattern_names[kind], huge, gain);
		assert_true(is_right(gain));
		assert_true(is_as_good_as(gain, judge(&policy_hemem)));
	}
}

static void gain_finds_a_hot_set_within_a_second(UNUSED void **state)
{
	must_be(PATTERN_HOT, 4000, finds_the_hot_set);
}

static void gain_finds_what_is_hotter_where_heat_is_graded(UNUSED void **state)
{
	must_be(PATTERN_ZIPF, 6000, finds_the_hot_set);
}

static void gain_follows_a_hot_set_that_moves(UNUSED void **state)
{
	must_be(PATTERN_MOVING, 14000, follows);
}

static void gain_leaves_alone_what_is_all_alike(UNUSED void **state)
{
	must_be(PATTERN_UNIFORM, 8000, does_no_harm);
}

static void gain_leaves_a_scan_alone(UNUSED void **state)
{
	must_be(PATTERN_SCAN, 8000, does_no_harm);
}

static bool keeps_the_hot_set(struct outcome outcome)
{
	return outcome.settled_quality >= 0.95 && outcome.late_bytes <= 16 * MIB;
}

static void gain_keeps_a_hot_set_beside_a_scan(UNUSED void **state)
{
	must_be(PATTERN_SCAN_HOT, 8000, keeps_the_hot_set);
}

/* It has learnt that nothing pays, for ten seconds; and then something does. */
static void gain_finds_a_hot_set_after_a_scan(UNUSED void **state)
{
	struct replay_result result;
	double share;

	record(PATTERN_PHASES, true, 20000);
	replay(&policy_gain, FAST, &result);
	share = replay_share(&result, 160);
	print_message("# from 1 s after the scan on the fast tier serves %.3f\n", share);
	assert_true(share > 0.9);
	replay_exit(&result);
}

/* Negative controls: what is asked of gain is not what any policy does. */
static void who_moves_nothing_finds_nothing_and_others_harm(UNUSED void **state)
{
	record(PATTERN_HOT, true, 4000);
	assert_false(finds_the_hot_set(judge(&policy_stay)));
	assert_true(finds_the_hot_set(judge(&policy_hemem)));
	assert_false(is_as_good_as(judge(&policy_stay), judge(&policy_hemem)));
	record(PATTERN_MOVING, true, 14000);
	assert_false(follows(judge(&policy_stay)));
	record(PATTERN_UNIFORM, true, 8000);
	assert_true(does_no_harm(judge(&policy_stay)));
	assert_false(does_no_harm(judge(&policy_hemem)));
	assert_false(does_no_harm(judge(&policy_lru)));
	record(PATTERN_SCAN, true, 8000);
	assert_false(does_no_harm(judge(&policy_hemem)));
	assert_false(does_no_harm(judge(&policy_lru)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* The last recording again, with a fast tier that takes 500 ns from 5 s on, and 81 again from 10 s. */
static void put_under_load(void)
{
	const struct trace_origin nobody = { 0 };
	struct trace_event event, latency = { .kind = TRACE_LATENCY, .rate = { 81, 305 } };
	struct trace_reader *reader;
	struct trace_writer *writer;
	char loaded[80];
	uint64_t ns;

	snprintf(loaded, sizeof(loaded), "%s.l", path);
	assert_int_equal(trace_open(path, &reader), 0);
	assert_int_equal(trace_create(loaded, &nobody, &writer), 0);
	while (trace_next(reader, &event) > 0) {
		if (event.kind == TRACE_TICK) {
			ns = event.now_ns;
			latency.rate[0] = ns >= 5000000000 && ns < 10000000000 ? 500 : 81;
			trace_put(writer, &latency);
		}
		trace_put(writer, &event);
	}
	assert_int_equal(trace_finish(writer), 0);
	trace_close(reader);
	assert_int_equal(rename(loaded, path), 0);
}

/* Share of the windows [@first, @end), of 100 ms each. */
static double share_in(const struct replay_result *result, size_t first, size_t end)
{
	double all = 0, fast = 0;

	for (; first < end; first++) {
		all += result->windows[first].weight;
		fast += result->windows[first].fast_weight;
	}
	return fast / all;
}

static void gain_leaves_a_fast_tier_that_is_slower_under_load_and_comes_back(UNUSED void **state)
{
	struct replay_result result;

	record(PATTERN_HOT, true, 15000);
	put_under_load();
	replay(&policy_gain, FAST, &result);
	print_message("# the fast tier serves %.3f, loaded %.3f, and then %.3f\n",
		      share_in(&result, 30, 50), share_in(&result, 85, 100),
		      share_in(&result, 130, 150));
	assert_true(share_in(&result, 30, 50) > 0.85);
	assert_true(share_in(&result, 85, 100) < 0.45);
	assert_true(share_in(&result, 130, 150) > 0.85);
	replay_exit(&result);
	/* The negative control: the paper's rules know no latency. */
	replay(&policy_hemem, FAST, &result);
	assert_true(share_in(&result, 85, 100) > 0.85);
	replay_exit(&result);
}

/* What moves nothing to the slow tier cannot make room: the less may be written, the less comes. */
static void a_limit_on_wear_is_kept_and_costs_promotions(UNUSED void **state)
{
	const struct policy *const policies[] = { &policy_hemem, &policy_gain, &policy_lru };
	/* 8 s of what a day has: 300 MiB, 30 MiB and 6 MiB of it, less than each policy would like. */
	static const uint64_t of_8_s[] = { UINT64_MAX, 300 * MIB, 30 * MIB, 6 * MIB };
	uint64_t limit, demoted;
	struct replay_result result;
	unsigned int p, i;

	record(PATTERN_MOVING, true, 8000);
	for (p = 0; p < 3; p++) {
		for (demoted = UINT64_MAX, i = 0; i < 4; i++) {
			limit = of_8_s[i];
			wear_limit = i ? limit * (24 * 3600 / 8) : WEAR_NO_LIMIT;
			replay(policies[p], FAST, &result);
			wear_limit = WEAR_NO_LIMIT;
			assert_true(result.demoted_bytes <= limit);
			assert_true(result.demoted_bytes <= demoted);
			/* Who would write more uses what there is, but for a huge page. */
			assert_true(!i || demoted <= limit || result.demoted_bytes + 2 * HUGE >=
				    limit / 24 * 23);
			demoted = result.demoted_bytes;
			/* The fast tier was full: what does not go has no place to be taken. */
			assert_true(result.promoted_bytes <= result.demoted_bytes + HUGE);
			replay_exit(&result);
		}
		assert_true(demoted > 0);
	}
}

/* ---- several targets on one machine ---- */

#define MAX_TOGETHER	3

struct together {
	enum pattern_kind kind;
	uint64_t hot_bytes;
	uint64_t weight, min_bytes;
};

static void record_one(const char *to, const struct together *target, uint64_t seed)
{
	const struct trace_origin nobody = { 0 };
	struct trace_writer *writer;
	struct pattern pattern;

	pattern_init(&pattern, target->kind);
	pattern.huge = true;
	pattern.seed = seed;
	pattern.hot_bytes = target->hot_bytes;
	assert_int_equal(trace_create(to, &nobody, &writer), 0);
	pattern_record(&pattern, writer, 20000, FAST);
	assert_int_equal(trace_finish(writer), 0);
}

/* All on a fast tier of 64 MiB, which must be enough at the end. */
static void together(const struct together *targets, size_t nr, struct replay_result *results)
{
	const struct replay_spec spec = {
		.fast_bytes = FAST, .budget_bytes_per_s = 512 * MIB,
		.wear_limit_bytes = wear_limit, .window_ms = 100, .cost = cost_default,
	};
	struct trace_reader *readers[MAX_TOGETHER] = { NULL };
	struct share_claim terms[MAX_TOGETHER] = { { 0 } };
	uint64_t fast = 0;
	char name[96];
	size_t i;

	for (i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "%s.%zu", path, i);
		record_one(name, &targets[i], i + 1);
		assert_int_equal(trace_open(name, &readers[i]), 0);
		unlink(name);
		terms[i] = (struct share_claim){
			.weight = targets[i].weight, .min_bytes = targets[i].min_bytes,
			.limit_bytes = UINT64_MAX,
		};
	}
	assert_int_equal(replay_together(readers, terms, nr, &spec, &policy_gain, results), 0);
	for (i = 0; i < nr; i++) {
		fast += results[i].fast_bytes;
		trace_close(readers[i]);
	}
	assert_true(fast <= FAST);
}

/* What the fast tier serves, in the second half. */
static double late_share(const struct replay_result *result)
{
	return replay_share(result, result->nr_windows / 2);
}

static void free_results(struct replay_result *results, size_t nr)
{
	while (nr--)
		replay_exit(&results[nr]);
}

static void equal_targets_have_equal_parts_of_the_fast_tier(UNUSED void **state)
{
	const struct together targets[] = {
		{ PATTERN_UNIFORM, 26 * MIB, 100, 0 }, { PATTERN_UNIFORM, 26 * MIB, 100, 0 },
	};
	struct replay_result results[2];
	unsigned int i;

	together(targets, 2, results);
	for (i = 0; i < 2; i++)
		assert_true(late_share(&results[i]) > 0.10 && late_share(&results[i]) < 0.15);
	free_results(results, 2);
}

static void twice_the_weight_is_not_less(UNUSED void **state)
{
	const struct together targets[] = {
		{ PATTERN_UNIFORM, 26 * MIB, 100, 0 }, { PATTERN_UNIFORM, 26 * MIB, 50, 0 },
	};
	struct replay_result results[2];

	together(targets, 2, results);
	assert_true(late_share(&results[0]) > 1.5 * late_share(&results[1]));
	free_results(results, 2);
}

/* Alone it would have 92%; the others have as many accesses, and nothing that is hot. */
static void a_hot_set_keeps_its_place_beside_scans_and_uniform_access(UNUSED void **state)
{
	const struct together targets[] = {
		{ PATTERN_SCAN, 26 * MIB, 100, 0 }, { PATTERN_HOT, 26 * MIB, 100, 0 },
		{ PATTERN_UNIFORM, 26 * MIB, 100, 0 },
	};
	struct replay_result results[3];

	together(targets, 3, results);
	assert_true(late_share(&results[1]) > 0.88);
	free_results(results, 3);
}

/*
 * HeMem's isolation: a target of graded heat beside one whose small hot set saves more a byte.
 * Without priority, the negative control, it has to give; a minimum is in between.
 */
static void a_target_with_priority_does_not_feel_its_neighbour(UNUSED void **state)
{
	struct together targets[] = {
		{ PATTERN_HOT, 60 * MIB, SHARE_PRIORITY, 0 }, { PATTERN_HOT, 26 * MIB, 100, 0 },
	};
	double alone, first, ordinary, with_min;
	struct replay_result results[2];

	together(targets, 1, results);
	alone = late_share(&results[0]);
	free_results(results, 1);
	together(targets, 2, results);
	first = late_share(&results[0]);
	assert_int_equal(results[0].share.why, SHARE_FIRST);
	free_results(results, 2);
	targets[0].weight = 100;
	together(targets, 2, results);
	ordinary = late_share(&results[0]);
	free_results(results, 2);
	targets[0].min_bytes = 48 * MIB;
	together(targets, 2, results);
	with_min = late_share(&results[0]);
	assert_true(results[0].fast_bytes + 2 * HUGE >= 48 * MIB);
	free_results(results, 2);
	assert_true(alone > 0.9);
	assert_true(first > 0.98 * alone);
	assert_true(ordinary < 0.75 * alone);
	assert_true(with_min > ordinary + 0.05 && with_min < first);
}

static void the_same_recordings_together_give_the_same(UNUSED void **state)
{
	const struct together targets[] = {
		{ PATTERN_ZIPF, 26 * MIB, 100, 0 }, { PATTERN_MOVING, 26 * MIB, 100, 0 },
	};
	struct replay_result one[2], two[2];
	unsigned int i;

	together(targets, 2, one);
	together(targets, 2, two);
	for (i = 0; i < 2; i++) {
		assert_int_equal(one[i].promoted_bytes, two[i].promoted_bytes);
		assert_int_equal(one[i].fast_bytes, two[i].fast_bytes);
		assert_true(one[i].fast_weight >= two[i].fast_weight &&
			    one[i].fast_weight <= two[i].fast_weight);
	}
	free_results(one, 2);
	free_results(two, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_best_placement_has_the_heaviest_pages_that_fit),
		TEST(each_window_has_its_own_best_placement),
		TEST(the_share_of_who_moves_nothing_is_that_of_the_memory),
		TEST(the_oracle_knows_the_hot_set_by_pages_of_both_sizes),
		TEST(a_larger_fast_tier_serves_more_and_all_of_it_all),
		TEST(the_same_recording_and_policy_give_the_same_result),
		TEST(the_same_seed_makes_the_same_target_and_another_another),
		TEST(pages_that_go_make_room_and_a_damaged_recording_is_told),
		TEST(gain_finds_a_hot_set_within_a_second),
		TEST(gain_finds_what_is_hotter_where_heat_is_graded),
		TEST(gain_follows_a_hot_set_that_moves),
		TEST(gain_leaves_alone_what_is_all_alike),
		TEST(gain_leaves_a_scan_alone),
		TEST(gain_keeps_a_hot_set_beside_a_scan),
		TEST(gain_finds_a_hot_set_after_a_scan),
		TEST(who_moves_nothing_finds_nothing_and_others_harm),
		TEST(gain_leaves_a_fast_tier_that_is_slower_under_load_and_comes_back),
		TEST(a_limit_on_wear_is_kept_and_costs_promotions),
		TEST(equal_targets_have_equal_parts_of_the_fast_tier),
		TEST(twice_the_weight_is_not_less),
		TEST(a_hot_set_keeps_its_place_beside_scans_and_uniform_access),
		TEST(a_target_with_priority_does_not_feel_its_neighbour),
		TEST(the_same_recordings_together_give_the_same),
	};

	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
