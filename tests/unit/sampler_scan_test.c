// SPDX-License-Identifier: GPL-2.0
/*
 * sampler_scan_test.c - passes, windows and samples, with a module of our own
 *
 * __wrap_assist_scan() plays a module and a target: PAGES base pages in one
 * region, of which the first nr_hot are accessed between any two scans.  A call can
 * be made to cost CPU time.  Or they are huge pages, accessed at all times: each hot one
 * every 5 us, each cold one every 150 us.  Time passes when somebody looks at a clock.
 */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "assist.h"
#include "heat.h"
#include "region.h"
#include "sampler.h"
#include "stats.h"
#include "tier.h"

#define PAGES	1000
#define HOT_NS	5000
#define COLD_NS	150000
#define BASE	0x10000000ULL
#define SECOND	1000000000ULL

static struct {
	unsigned int nr_hot, nr_present, nr_calls;
	uint64_t cost_ns, now_ns, cleared_ns;
	bool huge;
	int err;
} fake;

static struct assist assist;
static struct region region;
static struct region_set regions;
static struct tier_set tiers;
static struct stats stats;
static struct heat *heat;
static void *state;

int __wrap_assist_scan(struct assist *to, struct hemem_assist_scan *scan);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_now);
int __wrap_nanosleep(const struct timespec *rest, struct timespec *ret_left);

int __wrap_clock_gettime(UNUSED clockid_t clock, struct timespec *ret_now)
{
	fake.now_ns += 500;
	*ret_now = (struct timespec){ fake.now_ns / SECOND, fake.now_ns % SECOND };
	return 0;
}

/* It takes longer than it was to. */
int __wrap_nanosleep(const struct timespec *rest, UNUSED struct timespec *ret_left)
{
	fake.now_ns += rest->tv_sec * SECOND + rest->tv_nsec + 50000;
	return 0;
}

static void burn(uint64_t ns)
{
	struct timespec now;
	uint64_t end;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	end = now.tv_sec * SECOND + now.tv_nsec + ns;
	do {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	} while (now.tv_sec * SECOND + now.tv_nsec < end);
}

/* 16 huge pages, nr_hot of them hot.  A bit that was not cleared stays. */
static int scan_huge(struct hemem_assist_scan *scan, struct hemem_assist_run *runs)
{
	uint64_t passed_ns = fake.now_ns - fake.cleared_ns;

	runs[0] = (struct hemem_assist_run){
		.addr = BASE, .nr_pages = fake.nr_hot, .node = 1,
		.flags = HEMEM_ASSIST_PAGE_HUGE |
			 (passed_ns >= HOT_NS ? HEMEM_ASSIST_PAGE_ACCESSED : 0),
	};
	runs[1] = (struct hemem_assist_run){
		.addr = BASE + fake.nr_hot * HEAT_HUGE_BYTES, .nr_pages = 16 - fake.nr_hot,
		.node = 0, .flags = HEMEM_ASSIST_PAGE_HUGE |
			 (passed_ns >= COLD_NS ? HEMEM_ASSIST_PAGE_ACCESSED : 0),
	};
	if (scan->flags & HEMEM_ASSIST_SCAN_CLEAR_ACCESSED)
		fake.cleared_ns = fake.now_ns;
	scan->out_nr_runs = 2;
	scan->out_end = scan->end;
	return 0;
}

int __wrap_assist_scan(UNUSED struct assist *to, struct hemem_assist_scan *scan)
{
	struct hemem_assist_run *runs = (void *)(uintptr_t)scan->runs;

	fake.nr_calls++;
	if (fake.err)
		return fake.err;
	if (fake.huge)
		return scan_huge(scan, runs);
	burn(fake.cost_ns);
	assert_int_equal(scan->start, BASE);
	assert_int_equal(scan->end, BASE + PAGES * HEAT_BASE_BYTES);
	runs[0] = (struct hemem_assist_run){
		.addr = BASE, .nr_pages = fake.nr_hot, .node = 1,
		.flags = HEMEM_ASSIST_PAGE_ACCESSED | HEMEM_ASSIST_PAGE_DIRTY,
	};
	runs[1] = (struct hemem_assist_run){
		.addr = BASE + fake.nr_hot * HEAT_BASE_BYTES,
		.nr_pages = fake.nr_present - fake.nr_hot, .node = 0,
	};
	scan->out_nr_runs = 2;
	scan->out_end = scan->end;
	return 0;
}

static int set_up(UNUSED void **unused)
{
	struct sampler_context context = {
		.assist = &assist, .regions = &regions, .tiers = &tiers, .stats = &stats,
	};

	memset(&fake, 0, sizeof(fake));
	memset(&stats, 0, sizeof(stats));
	fake.nr_hot = 100;
	fake.nr_present = PAGES;
	assist.info = (struct hemem_assist_info){
		.out_features = HEMEM_ASSIST_FEAT_SCAN, .out_page_bytes = HEAT_BASE_BYTES,
		.out_max_runs = 1000,
	};
	region = (struct region){ .start = BASE, .end = BASE + PAGES * HEAT_BASE_BYTES };
	regions = (struct region_set){ &region, 1 };
	tiers = (struct tier_set){ .nodes = { { .nid = 0 }, { .nid = 1 } }, .nr_nodes = 2 };
	assert_int_equal(heat_new(&heat), 0);
	context.heat = heat;
	return sampler_scan.open(&context, &state);
}

static int tear_down(UNUSED void **unused)
{
	sampler_scan.close(state);
	heat_free(heat);
	return 0;
}

/* Drain when it is due, until @nr passes are complete. */
static void make_passes(uint64_t nr)
{
	unsigned int drains = 0;
	uint64_t due_ns;

	while (stats.scans < nr) {
		assert_true(drains++ < 1000);
		due_ns = sampler_scan.due_ns(state);
		fake.now_ns = fake.now_ns > due_ns ? fake.now_ns : due_ns;
		assert_int_equal(sampler_scan.drain(state, due_ns), 0);
	}
	assert_true(stats_add_up(&stats));
}

static struct heat_page page_of(unsigned int i)
{
	struct heat_page page;

	assert_int_equal(heat_find(heat, BASE + i * HEAT_BASE_BYTES, &page), 0);
	return page;
}

static void the_first_pass_finds_all_pages_and_counts_nothing(UNUSED void **unused)
{
	make_passes(1);
	assert_int_equal(page_of(0).reads, 0);
	assert_int_equal(page_of(0).node, 1);
	assert_int_equal(page_of(PAGES - 1).node, 0);
	assert_int_equal(stats.samples_stale, 200);
	assert_int_equal(stats.samples_used, 0);
}

static void each_later_pass_adds_a_read_and_a_write_to_what_was_written(UNUSED void **unused)
{
	make_passes(5);
	assert_int_equal(page_of(99).reads, 4);
	assert_int_equal(page_of(99).writes, 4);
	assert_int_equal(page_of(100).reads, 0);
	assert_int_equal(stats.samples_used, 4 * 200);
}

static void pages_that_are_not_present_any_more_are_dropped(UNUSED void **unused)
{
	struct heat_page page;

	make_passes(2);
	fake.nr_present = 500;
	make_passes(3);
	page_of(499);
	assert_int_equal(heat_find(heat, BASE + 500 * HEAT_BASE_BYTES, &page), -ENOENT);
}

static void the_window_halves_when_most_is_accessed_and_doubles_when_little_is(UNUSED void **unused)
{
	uint64_t window_ns;

	make_passes(2);
	window_ns = stats.scan_window_ns;
	fake.nr_hot = 900;
	make_passes(3);
	assert_int_equal(stats.scan_window_ns, window_ns / 2);
	fake.nr_hot = 0;
	make_passes(4);
	assert_int_equal(stats.scan_window_ns, window_ns);
	make_passes(30);
	assert_int_equal(stats.scan_window_ns, 2 * SECOND);
}

/* 40 ms a pass, a tenth of a CPU: a pass every 400 ms, and a window of 200. */
static void a_pass_that_comes_too_slowly_clears_before_it_reads(UNUSED void **unused)
{
	unsigned int calls;
	uint64_t due_ns;

	fake.cost_ns = 40000000;
	make_passes(1);
	calls = fake.nr_calls;
	make_passes(2);
	assert_int_equal(fake.nr_calls, calls + 2);
	assert_int_equal(page_of(0).reads, 1);
	/* It rests for ten times the cost of both scans. */
	due_ns = sampler_scan.due_ns(state);
	assert_int_equal(sampler_scan.drain(state, due_ns), 0);
	assert_int_equal(sampler_scan.due_ns(state), due_ns + stats.scan_window_ns);
	due_ns += stats.scan_window_ns;
	assert_int_equal(sampler_scan.drain(state, due_ns), 0);
	assert_true(sampler_scan.due_ns(state) >= due_ns + 800000000);
}

static void hot_huge_pages_are_told_from_cold_ones_that_are_accessed_all_the_time(UNUSED void **unused)
{
	struct heat_page hot, cold;
	uint64_t began_ns, due_ns;

	fake.huge = true;
	fake.nr_hot = 4;
	region.end = BASE + 16 * HEAT_HUGE_BYTES;
	make_passes(40);
	assert_int_equal(heat_find(heat, BASE, &hot), 0);
	assert_int_equal(heat_find(heat, BASE + 15 * HEAT_HUGE_BYTES, &cold), 0);
	assert_int_equal(hot.reads, 39);
	assert_in_range(cold.reads, 1, 15);	/* until the window was short enough */
	assert_in_range(stats.scan_window_ns, COLD_NS / 4, COLD_NS);
	began_ns = sampler_scan.due_ns(state);
	make_passes(41);
	due_ns = sampler_scan.due_ns(state);
	assert_int_equal(due_ns - began_ns, 20000000);
	assert_int_equal(stats.sample_load_period, 20000000 / stats.scan_window_ns);
}

static void nothing_is_scanned_before_it_is_due(UNUSED void **unused)
{
	unsigned int calls;

	make_passes(2);
	calls = fake.nr_calls;
	assert_int_equal(sampler_scan.drain(state, sampler_scan.due_ns(state) - 1), 0);
	assert_int_equal(fake.nr_calls, calls);
}

static void a_target_without_memory_is_told(UNUSED void **unused)
{
	fake.err = -ESRCH;
	assert_int_equal(sampler_scan.drain(state, SECOND), -ESRCH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_pass_finds_all_pages_and_counts_nothing),
		TEST(each_later_pass_adds_a_read_and_a_write_to_what_was_written),
		TEST(pages_that_are_not_present_any_more_are_dropped),
		TEST(the_window_halves_when_most_is_accessed_and_doubles_when_little_is),
		TEST(a_pass_that_comes_too_slowly_clears_before_it_reads),
		TEST(hot_huge_pages_are_told_from_cold_ones_that_are_accessed_all_the_time),
		TEST(nothing_is_scanned_before_it_is_due),
		TEST(a_target_without_memory_is_told),
	};

	return cmocka_run_group_tests_name("sampler_scan", tests, NULL, NULL);
}
