// SPDX-License-Identifier: GPL-2.0
/*
 * intake_test.c - rings of several kinds of events, whose producer the test plays
 *
 * Rings of files, with fast loads, slow loads and stores, are sampler_ring_test's.  Here: loads whose
 * tier the page tells, and instructions that tell themselves what they are, as IBS has them.
 */
#include "unit.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "assist.h"
#include "heat.h"
#include "intake.h"
#include "region.h"
#include "sampler.h"
#include "stats.h"
#include "tier.h"

#define PAGE		4096
#define RING_BYTES	(2 * PAGE)
#define BASE		0x7f0000000000ULL
#define HALF		(4UL << 20)	/* fast pages below, slow ones above */
#define PID		71
#define MS		1000000ULL
#define TYPE		(PERF_SAMPLE_TID | PERF_SAMPLE_ADDR | PERF_SAMPLE_WEIGHT | \
			 PERF_SAMPLE_DATA_SRC)
#define NONE		0
#define LOAD		PERF_MEM_OP_LOAD
#define STORE		PERF_MEM_OP_STORE
#define RAM		(PERF_MEM_LVL_HIT | PERF_MEM_LVL_LOC_RAM)
#define CACHE		(PERF_MEM_LVL_HIT | PERF_MEM_LVL_L2)

static struct assist assist;
static struct region area;
static struct region_set regions;
static struct tier_set tiers;
static struct stats stats;
static struct heat *heat;
static struct intake *intake;
static struct perf_event_mmap_page *pages[2];
static uint64_t now_ns;
static uint64_t told[PERIOD_NR_KINDS];
static unsigned int nr_told[PERIOD_NR_KINDS];
static uint64_t extra_loads, extra_stores, extra_others;

int __wrap_assist_scan(struct assist *to, struct hemem_assist_scan *scan);

/* Base pages on the fast node below the middle, on the slow one above. */
int __wrap_assist_scan(UNUSED struct assist *to, struct hemem_assist_scan *scan)
{
	struct hemem_assist_run *runs = (void *)(uintptr_t)scan->runs;
	bool slow = scan->start >= BASE + HALF;
	uint64_t end = slow || scan->end < BASE + HALF ? scan->end : BASE + HALF;

	runs[0] = (struct hemem_assist_run){
		.addr = scan->start, .nr_pages = (end - scan->start) / PAGE, .node = slow,
	};
	scan->out_nr_runs = 1;
	scan->out_end = end;
	return 0;
}

static void set_period(UNUSED void *arg, enum period_kind kind, uint64_t period)
{
	told[kind] = period;
	nr_told[kind]++;
}

/* What a kernel that counts by itself would hand over. */
static int read_extra(UNUSED void *arg, uint64_t now)
{
	int err = intake_take(intake, BASE, false, extra_loads, now);

	err |= intake_take(intake, BASE + HALF, true, extra_stores, now);
	intake_others(intake, extra_others);
	extra_loads = extra_stores = extra_others = 0;
	return err;
}

static const struct intake_ops ops = { .set_period = set_period, .read = read_extra };

static int set_up(UNUSED void **state)
{
	struct sampler_context context = {
		.pid = PID, .assist = &assist, .regions = &regions, .tiers = &tiers,
		.cpu_budget_bp = 100, .stats = &stats,
	};
	unsigned int i;

	memset(&stats, 0, sizeof(stats));
	memset(told, 0, sizeof(told));
	memset(nr_told, 0, sizeof(nr_told));
	now_ns = 1000 * MS;
	for (i = 0; i < 2; i++) {
		pages[i] = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_true(pages[i] != MAP_FAILED);
	}
	assist.info = (struct hemem_assist_info){
		.out_features = HEMEM_ASSIST_FEAT_SCAN, .out_page_bytes = PAGE,
		.out_huge_page_bytes = HEAT_HUGE_BYTES, .out_max_runs = 1000,
	};
	area = (struct region){ .start = BASE, .end = BASE + 2 * HALF };
	regions = (struct region_set){ &area, 1 };
	tiers = (struct tier_set){
		.nodes = { { .nid = 0, .level = TIER_FAST }, { .nid = 1, .level = TIER_SLOW } },
		.nr_nodes = 2,
	};
	assert_int_equal(heat_new(&heat), 0);
	context.heat = heat;
	return intake_new(&context, &ops, NULL, &intake);
}

static int tear_down(UNUSED void **state)
{
	intake_free(intake);
	heat_free(heat);
	munmap(pages[0], RING_BYTES);
	return munmap(pages[1], RING_BYTES);
}

static void add_ring(unsigned int ring, enum intake_event event, double ns_per_unit)
{
	assert_int_equal(intake_add(intake, pages[ring], RING_BYTES, TYPE, event, ns_per_unit), 0);
}

static void put_sample_of(unsigned int ring, uint32_t pid, uint64_t addr, uint64_t weight,
			  uint64_t op, uint64_t level)
{
	const union perf_mem_data_src src = { .mem_op = op, .mem_lvl = level };
	const uint64_t record[] = {
		40ULL << 48 | PERF_RECORD_SAMPLE, pid, addr, weight, src.val,
	};
	unsigned char *data = (unsigned char *)pages[ring] + PAGE;
	size_t i;

	for (i = 0; i < sizeof(record); i++)
		data[(pages[ring]->data_head + i) % PAGE] = ((const unsigned char *)record)[i];
	pages[ring]->data_head += sizeof(record);
}

static void put_sample(unsigned int ring, uint64_t addr, uint64_t weight, uint64_t op,
		       uint64_t level)
{
	put_sample_of(ring, PID, addr, weight, op, level);
}

static void drain(void)
{
	now_ns += 10000 * MS;
	assert_int_equal(intake_drain(intake, now_ns), 0);
	assert_true(stats_add_up(&stats));
}

static void instructions_say_themselves_what_they_are(UNUSED void **state)
{
	static const struct {
		uint64_t op, level;
		unsigned int nr;
		bool is_used, is_write;
	} rows[] = {
		{ NONE, NONE, 1, false, false },	/* no access, or nobody knows */
		{ PERF_MEM_OP_NA, PERF_MEM_LVL_NA, 2, false, false },
		{ LOAD, CACHE, 4, false, false },
		{ LOAD, RAM, 8, true, false },
		{ LOAD, PERF_MEM_LVL_HIT | PERF_MEM_LVL_REM_RAM1, 16, true, false },
		{ LOAD, PERF_MEM_LVL_MISS | PERF_MEM_LVL_L3, 32, true, false },
		{ STORE, CACHE, 9, true, true },	/* stores, wherever they went */
		{ STORE, NONE, 3, true, true },
	};
	uint64_t used = 0, cached = 0;
	struct heat_page page;
	unsigned int i, j;

	add_ring(0, INTAKE_ANY, 0);
	intake_start(intake);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (j = 0; j < rows[i].nr; j++)
			put_sample(0, BASE + i * HEAT_HUGE_BYTES % HALF, 0, rows[i].op,
				   rows[i].level);
		drain();
		used += rows[i].is_used ? rows[i].nr : 0;
		cached += rows[i].is_used ? 0 : rows[i].nr;
		assert_int_equal(stats.samples_used, used);
		assert_int_equal(stats.samples_cached, cached);
	}
	/* Rows 1, 3, 5, 7 were about the second 2 MiB of the region, the others the first. */
	assert_int_equal(heat_find(heat, BASE + HEAT_HUGE_BYTES, &page), 0);
	assert_true(page.reads > 0 && page.writes > 0);
	put_sample_of(0, PID + 1, BASE, 0, LOAD, RAM);
	drain();
	assert_int_equal(stats.samples_other, 1);
}

/* The same records of an event that counts loads alone are loads, whatever they say. */
static void loads_are_loads(UNUSED void **state)
{
	add_ring(0, INTAKE_LOAD, 0);
	intake_start(intake);
	put_sample(0, BASE, 0, NONE, NONE);
	put_sample(0, BASE, 0, LOAD, CACHE);
	put_sample(0, BASE, 0, LOAD, RAM);
	drain();
	assert_int_equal(stats.samples_used, 3);
	assert_int_equal(stats.samples_cached, 0);
}

static void the_page_says_which_tier_was_waited_for(UNUSED void **state)
{
	unsigned int i;

	add_ring(0, INTAKE_LOAD, 0.5);		/* a cycle is half a ns */
	add_ring(1, INTAKE_STORE, 0.5);
	intake_start(intake);
	put_sample(0, BASE, 200, LOAD, RAM);
	put_sample(0, BASE + HALF, 700, LOAD, RAM);	/* "local", but the slow node */
	put_sample(1, BASE + HALF, 9000, STORE, RAM);	/* stores do not wait */
	drain();
	assert_int_equal(stats.fast_load_ns, 100);
	assert_int_equal(stats.slow_load_ns, 350);
	for (i = 0; i < 60; i++)
		put_sample(0, BASE, 400, LOAD, RAM);
	drain();
	assert_in_range(stats.fast_load_ns, 150, 170);	/* two thirds of the way to 200 */
	put_sample(0, BASE + 2 * HALF, 9000, LOAD, RAM);	/* of no page */
	put_sample(0, BASE, 0, LOAD, RAM);			/* not known */
	drain();
	assert_in_range(stats.fast_load_ns, 150, 170);
	assert_int_equal(stats.slow_load_ns, 350);
}

static void weights_of_an_unknown_unit_say_nothing(UNUSED void **state)
{
	add_ring(0, INTAKE_LOAD, 0);
	intake_start(intake);
	put_sample(0, BASE, 200, LOAD, RAM);
	drain();
	assert_int_equal(stats.fast_load_ns, 0);
	assert_int_equal(stats.slow_load_ns, 0);
}

static void each_kind_has_its_period_if_it_is_there(UNUSED void **state)
{
	add_ring(0, INTAKE_LOAD, 0);
	add_ring(1, INTAKE_STORE, 0);
	intake_start(intake);
	assert_int_equal(told[PERIOD_LOADS], period_of(PERIOD_LOADS, period_first(PERIOD_LOADS)));
	assert_int_equal(told[PERIOD_STORES],
			 period_of(PERIOD_STORES, period_first(PERIOD_STORES)));
	assert_int_equal(nr_told[PERIOD_OPS], 0);
	assert_int_equal(stats.sample_load_period, told[PERIOD_LOADS]);
	assert_int_equal(stats.sample_store_period, told[PERIOD_STORES]);
	intake_clear(intake);
	add_ring(0, INTAKE_ANY, 0);
	intake_start(intake);
	assert_int_equal(told[PERIOD_OPS], period_of(PERIOD_OPS, period_first(PERIOD_OPS)));
	assert_int_equal(told[PERIOD_OPS] % PERIOD_GRAIN, 0);
	assert_int_equal(nr_told[PERIOD_LOADS], 1);
	/* One instruction in so many, so one load and one store in so many. */
	assert_int_equal(stats.sample_load_period, told[PERIOD_OPS]);
	assert_int_equal(stats.sample_store_period, told[PERIOD_OPS]);
}

static void what_was_counted_elsewhere_is_taken_in_too(UNUSED void **state)
{
	struct heat_page page;

	add_ring(0, INTAKE_LOAD, 0);
	intake_start(intake);
	put_sample(0, BASE, 0, LOAD, RAM);
	extra_loads = 5;
	extra_stores = 3;
	extra_others = 1000;
	drain();
	assert_int_equal(stats.samples_used, 9);
	assert_int_equal(stats.samples_other, 1000);
	assert_int_equal(stats.samples_seen, 1009);
	assert_int_equal(stats.records_seen, 1);
	assert_int_equal(heat_find(heat, BASE, &page), 0);
	assert_true(page.reads > 0 && !page.writes);
	assert_int_equal(heat_find(heat, BASE + HALF, &page), 0);
	assert_true(!page.reads && page.writes > 0);
}

static void what_was_in_a_ring_before_is_passed_over(UNUSED void **state)
{
	add_ring(0, INTAKE_LOAD, 0);
	put_sample(0, BASE, 0, LOAD, RAM);
	intake_start(intake);
	drain();
	assert_int_equal(stats.samples_seen, 0);
	put_sample(0, BASE, 0, LOAD, RAM);
	drain();
	assert_int_equal(stats.samples_seen, 1);
	/* No ring, no samples, no harm. */
	intake_clear(intake);
	put_sample(0, BASE, 0, LOAD, RAM);
	drain();
	assert_int_equal(stats.samples_seen, 1);
}

static void what_is_no_ring_is_refused(UNUSED void **state)
{
	assert_int_equal(intake_add(intake, pages[0], PAGE, TYPE, INTAKE_LOAD, 0), -EINVAL);
	assert_int_equal(intake_add(intake, pages[0], RING_BYTES, PERF_SAMPLE_TID, INTAKE_LOAD, 0),
			 -EOPNOTSUPP);
	intake_start(intake);
	drain();
	assert_int_equal(nr_told[PERIOD_LOADS], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(instructions_say_themselves_what_they_are),
		TEST(loads_are_loads),
		TEST(the_page_says_which_tier_was_waited_for),
		TEST(weights_of_an_unknown_unit_say_nothing),
		TEST(each_kind_has_its_period_if_it_is_there),
		TEST(what_was_counted_elsewhere_is_taken_in_too),
		TEST(what_was_in_a_ring_before_is_passed_over),
		TEST(what_is_no_ring_is_refused),
	};

	return cmocka_run_group_tests_name("intake", tests, NULL, NULL);
}
