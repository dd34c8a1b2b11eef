// SPDX-License-Identifier: GPL-2.0
/*
 * sampler_ring_test.c - a file of rings whose producer the test plays
 *
 * The module is played, too: a target of 256 MiB, in base or huge pages, that lies on node
 * 1 at first.  The last tests play a program with a hot set, let the policy plan and carry
 * its plans out, and look at how many of the accesses still go to the slow tier.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../include/hemem_rings.h"
#include "assist.h"
#include "heat.h"
#include "period.h"
#include "plan.h"
#include "policy.h"
#include "region.h"
#include "sampler.h"
#include "stats.h"
#include "tier.h"

#define SAMPLE_NS	250	/* CPU time of taking a sample in */
#define PAGE		HEAT_BASE_BYTES
#define HUGE		HEAT_HUGE_BYTES
#define PAGES		65536		/* of the target: 256 MiB */
#define BASE		0x7f0000000000ULL
#define ZEROS		0x7e0000000000ULL	/* a region of one page, the zero page */
#define MS		1000000ULL
#define PID		71
#define NR_RINGS	6		/* two CPUs, three events */
#define RING_BYTES	(17 * 4096)
#define FILE_BYTES	(4096 + NR_RINGS * RING_BYTES)
#define TYPE		(PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR)

static struct {
	int file;
	char path[64];
	struct hemem_rings *shared;
	uint8_t nodes[PAGES];
	bool huge;
	int scan_err;
	unsigned int nr_zero_scans;
	uint64_t now_ns;
	uint64_t events[NR_RINGS];
	uint64_t lost[NR_RINGS];
} fake;

static struct assist assist;
static struct region areas[2];
static struct region_set regions;
static struct tier_set tiers;
static struct stats stats;
static struct heat *heat;
static void *state;

int __wrap_assist_scan(struct assist *to, struct hemem_assist_scan *scan);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_now);
int __real_clock_gettime(clockid_t clock, struct timespec *ret_now);

/* Periods follow the CPU time of taking samples in, which here takes as long on any machine. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	uint64_t ns = stats.samples_seen * SAMPLE_NS;

	if (clock != CLOCK_THREAD_CPUTIME_ID)
		return __real_clock_gettime(clock, ret_now);
	*ret_now = (struct timespec){ ns / 1000000000, ns % 1000000000 };
	return 0;
}

/* Runs of pages on one node, as SCAN tells them; nothing may be cleared. */
int __wrap_assist_scan(UNUSED struct assist *to, struct hemem_assist_scan *scan)
{
	struct hemem_assist_run *runs = (void *)(uintptr_t)scan->runs, *run = NULL;
	uint64_t step = fake.huge ? HUGE : PAGE, addr = scan->start & ~(step - 1);

	assert_int_equal(scan->flags, 0);
	if (fake.scan_err)
		return fake.scan_err;
	scan->out_nr_runs = 0;
	scan->out_end = scan->end;
	if (scan->start == ZEROS) {
		fake.nr_zero_scans++;
		runs[scan->out_nr_runs++] = (struct hemem_assist_run){
			.addr = ZEROS, .nr_pages = 1, .flags = HEMEM_ASSIST_PAGE_ZERO,
		};
		return 0;
	}
	for (; addr < scan->end; addr += step) {
		if (run && run->node == fake.nodes[(addr - BASE) / PAGE]) {
			run->nr_pages++;
			continue;
		}
		if (scan->out_nr_runs == scan->max_runs) {
			scan->out_end = addr;
			break;
		}
		run = &runs[scan->out_nr_runs++];
		*run = (struct hemem_assist_run){
			.addr = addr, .nr_pages = 1, .node = fake.nodes[(addr - BASE) / PAGE],
			.flags = fake.huge ? HEMEM_ASSIST_PAGE_HUGE : 0,
		};
	}
	return 0;
}

static struct sampler_context context_of_test(void)
{
	return (struct sampler_context){
		.arg = fake.path, .pid = PID, .assist = &assist, .regions = &regions,
		.tiers = &tiers, .heat = heat, .cpu_budget_bp = 100, .stats = &stats,
	};
}

static void make_file(void)
{
	unsigned int i;

	fake.file = memfd_create("rings", 0);
	assert_true(fake.file >= 0);
	assert_int_equal(ftruncate(fake.file, FILE_BYTES), 0);
	snprintf(fake.path, sizeof(fake.path), "/proc/self/fd/%d", fake.file);
	fake.shared = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fake.file, 0);
	assert_true(fake.shared != MAP_FAILED);
	*fake.shared = (struct hemem_rings){
		.magic = HEMEM_RINGS_MAGIC, .version = HEMEM_RINGS_VERSION,
		.nr_rings = NR_RINGS, .size = FILE_BYTES,
	};
	for (i = 0; i < NR_RINGS; i++)
		fake.shared->ring[i] = (struct hemem_ring_desc){
			.offset = 4096 + i * RING_BYTES, .size = RING_BYTES, .sample_type = TYPE,
			.cpu = i / 3, .event = i % 3,
		};
}

static int set_up(UNUSED void **unused)
{
	memset(&fake, 0, sizeof(fake));
	memset(fake.nodes, 1, sizeof(fake.nodes));
	fake.now_ns = 1000 * MS;
	memset(&stats, 0, sizeof(stats));
	make_file();
	assist.info = (struct hemem_assist_info){
		.out_features = HEMEM_ASSIST_FEAT_SCAN, .out_page_bytes = PAGE,
		.out_huge_page_bytes = HUGE, .out_max_runs = 1000,
	};
	areas[0] = (struct region){ .start = ZEROS, .end = ZEROS + PAGE };
	areas[1] = (struct region){ .start = BASE, .end = BASE + PAGES * PAGE };
	regions = (struct region_set){ areas, 2 };
	tiers = (struct tier_set){
		.nodes = {
			{ .nid = 0, .level = TIER_FAST, .total_bytes = 64 << 20,
			  .free_bytes = 64 << 20 },
			{ .nid = 1, .level = TIER_SLOW, .total_bytes = 1 << 30,
			  .free_bytes = 512 << 20 },
		},
		.nr_nodes = 2,
	};
	return heat_new(&heat);
}

static int open_rings(void **unused)
{
	struct sampler_context context;
	int err = set_up(unused);

	context = context_of_test();
	return err ? err : sampler_ring.open(&context, &state);
}

static int tear_down(UNUSED void **unused)
{
	heat_free(heat);
	munmap(fake.shared, FILE_BYTES);
	return close(fake.file);
}

static int close_rings(void **unused)
{
	sampler_ring.close(state);
	return tear_down(unused);
}

/* ---- the producer ---- */

static struct perf_event_mmap_page *page_of(unsigned int ring)
{
	return (void *)((char *)fake.shared + fake.shared->ring[ring].offset);
}

/* As perf does it: what finds no room is counted and told when there is some. */
static void put(unsigned int ring, const void *record, size_t bytes)
{
	struct perf_event_mmap_page *page = page_of(ring);
	unsigned char *data = (unsigned char *)page + 4096;
	uint64_t room = RING_BYTES - 4096 - (page->data_head - page->data_tail), i;
	uint64_t lost[3] = { 24ULL << 48 | PERF_RECORD_LOST, 0, fake.lost[ring] };

	if (room < bytes + (fake.lost[ring] ? sizeof(lost) : 0)) {
		fake.lost[ring]++;
		return;
	}
	if (fake.lost[ring]) {
		fake.lost[ring] = 0;
		put(ring, lost, sizeof(lost));
	}
	for (i = 0; i < bytes; i++)
		data[(page->data_head + i) % (RING_BYTES - 4096)] = ((const unsigned char *)record)[i];
	page->data_head += bytes;
}

static void put_sample_of(unsigned int ring, uint32_t pid, uint64_t addr)
{
	uint64_t record[] = { 40ULL << 48 | PERF_RECORD_SAMPLE, 1, pid, 2, addr };

	put(ring, record, sizeof(record));
}

static void put_sample(unsigned int ring, uint64_t addr)
{
	put_sample_of(ring, PID, addr);
}

static void put_empty(unsigned int ring, uint32_t type, uint16_t bytes)
{
	uint64_t record[4] = { (uint64_t)bytes << 48 | type };

	put(ring, record, bytes ? bytes : 8);
}

static int drain_in(uint64_t ms)
{
	int err;

	fake.now_ns += ms * MS;
	err = sampler_ring.drain(state, fake.now_ns);
	assert_true(stats_add_up(&stats));
	return err;
}

/* ---- the file ---- */

static void the_producer_is_told_whom_to_sample_and_how_often(UNUSED void **unused)
{
	unsigned int i;

	assert_int_equal(fake.shared->enabled, 1);
	assert_int_equal(fake.shared->pid, PID);
	for (i = 0; i < NR_RINGS; i++)
		assert_int_equal(fake.shared->ring[i].period,
				 i % 3 == HEMEM_RINGS_STORE ? stats.sample_store_period :
				 stats.sample_load_period);
	assert_int_equal(stats.sample_load_period,
			 period_of(PERIOD_LOADS, period_first(PERIOD_LOADS)));
	sampler_ring.close(state);
	state = NULL;
	assert_int_equal(fake.shared->enabled, 0);
	for (i = 0; i < NR_RINGS; i++)
		assert_int_equal(fake.shared->ring[i].period, 0);
}

static void rings_have_one_reader(UNUSED void **unused)
{
	struct sampler_context context = context_of_test();
	void *second;

	POISON(second);
	assert_int_equal(sampler_ring.open(&context, &second), -EBUSY);
	UNTOUCHED(second);
	assert_int_equal(fake.shared->enabled, 1);
	sampler_ring.close(state);
	assert_int_equal(sampler_ring.open(&context, &state), 0);
}

/* Each spoils one thing and names the error. */
static void spoil(unsigned int how, int *err)
{
	struct hemem_rings *shared = fake.shared;

	*err = -EINVAL;
	switch (how) {
	case 0: shared->magic++; break;
	case 1: shared->version++; *err = -EPROTONOSUPPORT; break;
	case 2: shared->nr_rings = 0; break;
	case 3: shared->nr_rings = HEMEM_RINGS_MAX + 1; break;
	case 4: shared->size = FILE_BYTES + 1; break;
	case 5: shared->ring[5].offset = 0; break;
	case 6: shared->ring[5].offset += 8; break;
	case 7: shared->ring[5].offset = ~0xfffULL; break;
	case 8: shared->ring[5].size *= 2; break;
	case 9: shared->ring[5].size = ~0ULL; break;
	case 10: shared->ring[5].size -= 4096; break;
	case 11: shared->ring[5].size = 0; break;
	case 12: shared->ring[5].event = HEMEM_RINGS_NR_EVENTS; break;
	case 13: shared->ring[5].sample_type = PERF_SAMPLE_TID; *err = -EOPNOTSUPP; break;
	case 14: assert_int_equal(ftruncate(fake.file, 4000), 0); break;
	case 15: snprintf(fake.path, sizeof(fake.path), "proc"); break;
	case 16: fake.path[0] = '\0'; break;
	case 17: snprintf(fake.path, sizeof(fake.path), "/proc/no-such"); *err = -ENOENT; break;
	case 18: shared->ring[5].offset += 4096; break;	/* its last page lies outside */
	case 19: *err = 0; break;	/* nothing spoilt */
	}
}

static void a_file_that_is_wrong_is_refused(UNUSED void **unused)
{
	struct sampler_context context;
	unsigned int how;
	int err;

	for (how = 0; how < 20; how++) {
		if (how)
			tear_down(NULL);
		set_up(NULL);
		spoil(how, &err);
		context = context_of_test();
		POISON(state);
		if (sampler_ring.open(&context, &state) != err)
			fail_msg("file %u is not refused with %d", how, err);
		if (!err)
			break;
		UNTOUCHED(state);
		if (how != 14)
			assert_int_equal(fake.shared->enabled, 0);
	}
	assert_int_equal(how, 19);
	sampler_ring.close(state);
}

/* ---- samples ---- */

static void every_sample_has_one_fate(UNUSED void **unused)
{
	unsigned int i;

	put_sample(0, BASE + 5);
	put_sample(1, BASE + 3 * PAGE);
	put_sample(2, BASE + PAGE);
	put_sample_of(3, PID + 1, BASE);		/* another process */
	put_sample(3, BASE - 1);			/* no region */
	put_sample(4, 0);				/* no address */
	put_sample(4, ~0ULL);
	put_sample(4, ZEROS);				/* no page of its own */
	put_empty(5, PERF_RECORD_THROTTLE, 32);
	put_empty(5, PERF_RECORD_UNTHROTTLE, 32);
	put_empty(5, PERF_RECORD_COMM, 32);
	put_empty(5, PERF_RECORD_SAMPLE, 32);		/* too short */
	fake.lost[5] = 9;
	put_sample(5, BASE);				/* and 9 that were lost before it */
	assert_int_equal(drain_in(1), 0);
	assert_int_equal(stats.records_seen, 14);
	assert_int_equal(stats.records_samples, 9);
	assert_int_equal(stats.records_lost, 1);
	assert_int_equal(stats.records_throttled, 1);
	assert_int_equal(stats.records_unthrottled, 1);
	assert_int_equal(stats.records_other, 1);
	assert_int_equal(stats.records_broken, 1);
	assert_int_equal(stats.samples_seen, 9 + 9);
	assert_int_equal(stats.samples_used, 4);
	assert_int_equal(stats.samples_other, 1);
	assert_int_equal(stats.samples_outside, 3);
	assert_int_equal(stats.samples_unmovable, 1);
	assert_int_equal(stats.samples_lost, 9);
	assert_int_equal(stats.news, 1);
	for (i = 0; i < NR_RINGS; i++)
		assert_int_equal(page_of(i)->data_tail, page_of(i)->data_head);
}

static void loads_are_reads_and_stores_are_writes(UNUSED void **unused)
{
	struct heat_page page;
	unsigned int i;

	fake.huge = true;
	for (i = 0; i < 6; i++) {
		put_sample(HEMEM_RINGS_FAST_LOAD, BASE + i * 16 * PAGE);
		put_sample(HEMEM_RINGS_SLOW_LOAD, BASE + i * 16 * PAGE);
		put_sample(HEMEM_RINGS_STORE, BASE + i * 16 * PAGE);
	}
	drain_in(1);
	assert_int_equal(heat_find(heat, BASE, &page), 0);
	assert_int_equal(page.reads, 12);
	assert_int_equal(page.writes, 6);
	assert_int_equal(page.node, 1);
}

static void a_page_that_was_not_known_is_looked_up_with_its_size_and_node(UNUSED void **unused)
{
	struct heat_page page;

	fake.huge = true;
	memset(fake.nodes + 512, 0, 512);
	put_sample(0, BASE + HUGE + 77 * PAGE);
	drain_in(1);
	assert_int_equal(heat_find(heat, BASE + HUGE, &page), 0);
	assert_int_equal(page.bytes, HUGE);
	assert_int_equal(page.node, 0);
	assert_int_equal(page.reads, 1);
}

static void pages_that_nobody_uses_are_found_by_the_census_and_forgotten_when_gone(UNUSED void **unused)
{
	struct heat_page page;
	struct heat_sizes sizes;
	unsigned int i;

	for (i = 0; i < 50; i++)
		drain_in(100);
	heat_sizes(heat, &sizes);
	assert_int_equal(sizes.nr_pages, PAGES);
	assert_int_equal(heat_find(heat, BASE + PAGES * PAGE - 1, &page), 0);
	assert_int_equal(page.reads + page.writes, 0);
	areas[1].end -= HUGE;
	for (i = 0; i < 500; i++)
		drain_in(100);
	heat_sizes(heat, &sizes);
	assert_int_equal(sizes.nr_pages, PAGES - 512);
}

static void what_is_no_page_is_not_looked_up_again_and_again(UNUSED void **unused)
{
	unsigned int i, before;

	for (i = 0; i < 50; i++)
		drain_in(100);
	before = fake.nr_zero_scans;
	for (i = 0; i < 100; i++)
		put_sample(0, ZEROS);
	drain_in(100);
	assert_true(fake.nr_zero_scans <= before + 2);	/* one is the census' own */
	assert_int_equal(stats.samples_unmovable, 1);
	assert_int_equal(stats.samples_dropped, 99);
}

static void a_busy_ring_does_not_keep_others_waiting(UNUSED void **unused)
{
	unsigned int i, before;

	while (!fake.lost[0])
		put_sample(0, BASE);
	for (i = 1; i < NR_RINGS; i++)
		put_sample(i, BASE);
	before = page_of(0)->data_head;
	drain_in(1);
	for (i = 1; i < NR_RINGS; i++)
		assert_int_equal(page_of(i)->data_tail, page_of(i)->data_head);
	assert_true(page_of(0)->data_tail > 0 && page_of(0)->data_tail <= before);
	put_sample(0, BASE);
	drain_in(100);
	assert_int_equal(stats.samples_lost, 1);
}

static void a_full_ring_is_read_sooner_and_an_empty_one_later(UNUSED void **unused)
{
	uint64_t rest_ns;

	drain_in(1);
	rest_ns = sampler_ring.due_ns(state) - fake.now_ns;
	while (!fake.lost[0])
		put_sample(0, BASE);
	drain_in(100);
	assert_true(sampler_ring.due_ns(state) - fake.now_ns < rest_ns);
	drain_in(100);
	drain_in(100);
	drain_in(100);
	assert_true(sampler_ring.due_ns(state) - fake.now_ns > rest_ns);
}

static void nothing_is_read_before_it_is_due(UNUSED void **unused)
{
	drain_in(1);
	put_sample(0, BASE);
	assert_int_equal(sampler_ring.drain(state, sampler_ring.due_ns(state) - 1), 0);
	assert_int_equal(stats.records_seen, 0);
	assert_int_equal(sampler_ring.drain(state, sampler_ring.due_ns(state)), 0);
	assert_int_equal(stats.records_seen, 1);
}

static void held_back_samples_make_the_period_of_their_kind_longer(UNUSED void **unused)
{
	uint64_t loads, stores;

	drain_in(1);
	loads = stats.sample_load_period;
	stores = stats.sample_store_period;
	put_empty(HEMEM_RINGS_STORE, PERF_RECORD_THROTTLE, 32);
	drain_in(10000);	/* so that CPU time is nothing */
	assert_true(stats.sample_store_period > stores);
	assert_true(stats.sample_load_period < loads);
	assert_int_equal(fake.shared->ring[5].period, stats.sample_store_period);
	assert_int_equal(fake.shared->ring[0].period, stats.sample_load_period);
}

static void a_target_without_memory_is_told(UNUSED void **unused)
{
	fake.scan_err = -ESRCH;
	put_sample(0, BASE);
	assert_int_equal(drain_in(1), -ESRCH);
}

/* ---- decisions ---- */

/**
 * struct play - a program: nine in ten accesses go to the hot set, all others anywhere
 * @first_hot: this page is hot ...
 * @step: ... and so many pages further the next, NR_HOT in all
 * @hot_pct: share of the accesses that go there
 */
struct play {
	unsigned int first_hot;
	unsigned int step;
	unsigned int hot_pct;
};

#define NR_HOT		6656		/* 26 MiB: 13 spans */
#define TURN_MS		20
#define UPDATES		56000		/* of a turn: a load that misses and a store */

static uint64_t random_state;

static unsigned int random_below(unsigned int nr)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned int)((random_state >> 32) * nr >> 32);
}

static uint64_t play_addr(const struct play *play)
{
	unsigned int page = random_below(100) < play->hot_pct ?
			    play->first_hot + random_below(NR_HOT) * play->step : random_below(PAGES);

	return BASE + page * PAGE + random_below(PAGE);
}

/* One turn of the program: of its events, every period-th becomes a sample. */
static void play_turn(const struct play *play)
{
	uint64_t addr;

	for (fake.events[0] += UPDATES; fake.events[0] >= fake.shared->ring[0].period;
	     fake.events[0] -= fake.shared->ring[0].period) {
		addr = play_addr(play);
		put_sample(fake.nodes[(addr - BASE) / PAGE] ? HEMEM_RINGS_SLOW_LOAD :
			   HEMEM_RINGS_FAST_LOAD, addr);
	}
	for (fake.events[1] += UPDATES; fake.events[1] >= fake.shared->ring[2].period;
	     fake.events[1] -= fake.shared->ring[2].period)
		put_sample(HEMEM_RINGS_STORE, play_addr(play));
}

/* Share of the accesses that go to the slow tier, in percent. */
static double slow_share(const struct play *play)
{
	unsigned int i, hot = 0, all = 0;

	for (i = 0; i < PAGES; i++)
		all += fake.nodes[i];
	for (i = 0; i < NR_HOT; i++)
		hot += fake.nodes[play->first_hot + i * play->step];
	return (double)play->hot_pct * hot / NR_HOT + (100.0 - play->hot_pct) * all / PAGES;
}

static void carry_out(const struct plan *plan)
{
	const struct plan_move *move;
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		move = &plan->moves[i];
		memset(fake.nodes + (move->addr - BASE) / PAGE, move->to, move->bytes / PAGE);
		heat_set_node(heat, move->addr, move->to);
		tiers.nodes[move->to].free_bytes -= move->bytes;
		tiers.nodes[move->from].free_bytes += move->bytes;
	}
}

/* Return: turns until the share is below @share; @max: it never was. */
static unsigned int play_until(const struct play *play, const struct policy *policy,
			       double share, unsigned int max)
{
	struct snapshot snapshot = {
		.heat = heat, .tiers = &tiers, .budget_bytes = 10 << 20, .wear_bytes = UINT64_MAX,
		.fast_limit_bytes = UINT64_MAX,
	};
	unsigned int turn;
	struct plan *plan;

	assert_int_equal(plan_new(262144, &plan), 0);
	for (turn = 0; turn < max && slow_share(play) >= share; turn++) {
		play_turn(play);
		drain_in(TURN_MS);
		plan_clear(plan);
		policy->plan(&snapshot, plan);
		carry_out(plan);
		snapshot.turn++;
	}
	plan_free(plan);
	return turn;
}

static void must_settle(bool huge)
{
	struct play play = { .first_hot = 17 * 512, .step = 1, .hot_pct = 90 };
	unsigned int turns;

	random_state = 4;
	fake.huge = huge;
	assert_true(slow_share(&play) > 99.9);
	turns = play_until(&play, &policy_hemem, 10, 50);
	print_message("# 90 in 100 accesses, 26 of 256 MiB, 64 MiB fast: %.1f%% slow after %u ms\n",
		      slow_share(&play), turns * TURN_MS);
	assert_true(turns < 50);
	/* The hot set moves, when the fast tier is full. */
	play_until(&play, &policy_hemem, 0, 50);
	assert_true(slow_share(&play) < 10);
	play.first_hot = 77 * 512;
	assert_true(slow_share(&play) > 50);
	turns = play_until(&play, &policy_hemem, 10, 100);
	print_message("# another hot set: %.1f%% slow after %u ms\n", slow_share(&play),
		      turns * TURN_MS);
	assert_true(turns < 100);
}

static void a_hot_set_of_base_pages_comes_to_the_fast_tier_within_a_second(UNUSED void **unused)
{
	must_settle(false);
}

static void a_hot_set_of_huge_pages_comes_to_the_fast_tier_within_a_second(UNUSED void **unused)
{
	must_settle(true);
}

/* As the keys of a store: each 2 MiB has as many hot pages as any other. */
static void hot_base_pages_that_lie_scattered_are_told_from_their_neighbours(UNUSED void **unused)
{
	struct play play = { .step = 9, .hot_pct = 90 };
	unsigned int turns;

	random_state = 4;
	turns = play_until(&play, &policy_hemem, 15, 500);
	print_message("# scattered hot pages: %.1f%% slow after %u ms\n", slow_share(&play),
		      turns * TURN_MS);
	assert_true(turns < 500);
}

/* Negative controls: without moves nothing changes, and without a hot set there is no best. */
static void who_moves_nothing_or_has_no_hot_set_gains_nothing(UNUSED void **unused)
{
	struct play play = { .first_hot = 17 * 512, .step = 1, .hot_pct = 90 };

	assert_int_equal(play_until(&play, &policy_stay, 50, 50), 50);
	assert_true(slow_share(&play) > 99.9);
	assert_true(stats.samples_used > 1000);
	play.hot_pct = 0;
	play_until(&play, &policy_hemem, 0, 100);
	assert_in_range(slow_share(&play), 74, 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rings, close_rings)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_producer_is_told_whom_to_sample_and_how_often),
		TEST(rings_have_one_reader),
		cmocka_unit_test_setup_teardown(a_file_that_is_wrong_is_refused, NULL, tear_down),
		TEST(every_sample_has_one_fate),
		TEST(loads_are_reads_and_stores_are_writes),
		TEST(a_page_that_was_not_known_is_looked_up_with_its_size_and_node),
		TEST(pages_that_nobody_uses_are_found_by_the_census_and_forgotten_when_gone),
		TEST(what_is_no_page_is_not_looked_up_again_and_again),
		TEST(a_busy_ring_does_not_keep_others_waiting),
		TEST(a_full_ring_is_read_sooner_and_an_empty_one_later),
		TEST(nothing_is_read_before_it_is_due),
		TEST(held_back_samples_make_the_period_of_their_kind_longer),
		TEST(a_target_without_memory_is_told),
		TEST(a_hot_set_of_base_pages_comes_to_the_fast_tier_within_a_second),
		TEST(a_hot_set_of_huge_pages_comes_to_the_fast_tier_within_a_second),
		TEST(hot_base_pages_that_lie_scattered_are_told_from_their_neighbours),
		TEST(who_moves_nothing_or_has_no_hot_set_gains_nothing),
	};

	return cmocka_run_group_tests_name("sampler_ring", tests, NULL, NULL);
}
