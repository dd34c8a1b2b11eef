// SPDX-License-Identifier: GPL-2.0
/*
 * sampler_trace_test.c - a recording's samples, played to a target that the test plays
 */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assist.h"
#include "heat.h"
#include "region.h"
#include "sampler.h"
#include "stats.h"
#include "tier.h"
#include "trace.h"

#define PAGE	HEAT_BASE_BYTES
#define BASE	0x7f0000000000ULL
#define MS	1000000ULL
#define PAGES	64

static struct assist assist;
static struct region area = { .start = BASE, .end = BASE + PAGES * PAGE };
static struct region_set regions = { &area, 1 };
static struct tier_set tiers;
static struct stats stats;
static struct heat *heat;
static char path[64];
static void *state;

int __wrap_assist_scan(struct assist *to, struct hemem_assist_scan *scan);

/* All pages are there, on node 1. */
int __wrap_assist_scan(UNUSED struct assist *to, struct hemem_assist_scan *scan)
{
	*(struct hemem_assist_run *)(uintptr_t)scan->runs = (struct hemem_assist_run){
		.addr = scan->start, .nr_pages = (scan->end - scan->start) / PAGE, .node = 1,
	};
	scan->out_nr_runs = 1;
	scan->out_end = scan->end;
	return 0;
}

static void put(struct trace_writer *writer, uint64_t ms, uint64_t addr, bool write)
{
	const struct trace_event tick = { .kind = TRACE_TICK, .now_ns = ms * MS };
	const struct trace_event sample = { .kind = TRACE_SAMPLE, .addr = addr, .write = write };

	trace_put(writer, &tick);
	trace_put(writer, &sample);
}

static int set_up(UNUSED void **unused)
{
	const struct trace_origin nobody = { 0 };
	const struct trace_event rate = { .kind = TRACE_RATE, .rate = { 401, 4021 } };
	struct trace_writer *writer;
	int fd;

	snprintf(path, sizeof(path), "/tmp/hemem-sampler-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0 || close(fd) || trace_create(path, &nobody, &writer))
		return -1;
	trace_put(writer, &rate);
	put(writer, 0, BASE, false);
	put(writer, 100, BASE, true);
	put(writer, 200, BASE + 9 * PAGE, false);
	put(writer, 200, 0x1000, false);
	put(writer, 300, BASE + 9 * PAGE, false);
	memset(&stats, 0, sizeof(stats));
	assist.info = (struct hemem_assist_info){
		.out_features = HEMEM_ASSIST_FEAT_SCAN, .out_page_bytes = PAGE,
		.out_huge_page_bytes = HEAT_HUGE_BYTES, .out_max_runs = 1000,
	};
	tiers = (struct tier_set){
		.nodes = { { .level = TIER_FAST }, { .nid = 1, .level = TIER_SLOW } },
		.nr_nodes = 2,
	};
	return trace_finish(writer) || heat_new(&heat);
}

static int tear_down(UNUSED void **unused)
{
	heat_free(heat);
	return unlink(path);
}

static int open_sampler(const char *arg)
{
	const struct sampler_context context = {
		.arg = arg, .pid = 71, .assist = &assist, .regions = &regions, .tiers = &tiers,
		.heat = heat, .stats = &stats,
	};

	return sampler_trace.open(&context, &state);
}

static void samples_come_when_they_came(UNUSED void **unused)
{
	struct heat_page page;

	assert_int_equal(open_sampler(path), 0);
	assert_int_equal(sampler_trace.drain(state, 5000 * MS), 0);
	assert_int_equal(stats.samples_used, 1);
	assert_int_equal(stats.sample_load_period, 401);
	assert_int_equal(sampler_trace.drain(state, sampler_trace.due_ns(state) - 1), 0);
	assert_int_equal(stats.samples_used, 1);
	assert_int_equal(sampler_trace.drain(state, 5099 * MS), 0);
	assert_int_equal(stats.samples_used, 1);
	assert_int_equal(sampler_trace.drain(state, 5150 * MS), 0);
	assert_int_equal(stats.samples_used, 2);
	assert_int_equal(sampler_trace.drain(state, 9000 * MS), 0);
	assert_int_equal(stats.samples_used, 4);
	assert_int_equal(stats.samples_outside, 1);
	assert_true(stats_add_up(&stats));
	assert_int_equal(heat_find(heat, BASE, &page), 0);
	assert_int_equal(page.reads, 3);	/* those of its 2 MiB */
	assert_int_equal(page.writes, 1);
	assert_int_equal(page.node, 1);
	/* Played once. */
	assert_int_equal(sampler_trace.drain(state, 20000 * MS), 0);
	assert_int_equal(stats.samples_seen, 5);
	sampler_trace.close(state);
}

static void what_is_no_recording_is_refused(UNUSED void **unused)
{
	POISON(state);
	assert_int_equal(open_sampler("/nonexistent"), -ENOENT);
	UNTOUCHED(state);
	assert_int_equal(truncate(path, 90), 0);
	assert_int_equal(open_sampler(path), 0);
	assert_int_equal(sampler_trace.drain(state, 5000 * MS), -ENODATA);
	sampler_trace.close(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(samples_come_when_they_came),
		TEST(what_is_no_recording_is_refused),
	};

	return cmocka_run_group_tests_name("sampler_trace", tests, NULL, NULL);
}
