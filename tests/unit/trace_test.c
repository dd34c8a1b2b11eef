// SPDX-License-Identifier: GPL-2.0
/*
 * trace_test.c - recordings are read as they were written, or refused
 */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heat.h"
#include "plan.h"
#include "record.h"
#include "region.h"
#include "stats.h"
#include "tier.h"
#include "trace.h"

#define PAGE	HEAT_BASE_BYTES
#define HUGE	HEAT_HUGE_BYTES
#define BASE	0x7f0000000000ULL

static char path[64];

static int set_up(UNUSED void **state)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/hemem-trace-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(UNUSED void **state)
{
	return unlink(path);
}

static const struct trace_origin origin = { .pid = 71, .comm = "target", .policy = "gain" };

/* One of each kind, and values at both ends of their ranges. */
static const struct trace_event one_of_each[] = {
	{ .kind = TRACE_NODE, .node = 0, .tier = { .nid = 0, .level = TIER_FAST,
		.total_bytes = UINT64_MAX, .free_bytes = 1, .cache_bytes = 2,
		.idle_cache_bytes = 3, .watermark_bytes = 4, .min_bytes = 5 } },
	{ .kind = TRACE_NODE, .node = 14, .tier = { .nid = 1023, .level = TIER_SLOW } },
	{ .kind = TRACE_RATE, .rate = { 401, 4021 } },
	{ .kind = TRACE_LATENCY, .rate = { 81, 305 } },
	{ .kind = TRACE_TICK, .now_ns = 0 },
	{ .kind = TRACE_PASS },
	{ .kind = TRACE_PAGES, .addr = BASE, .nr = 1 << 20, .node = 1, .reads = 1 },
	{ .kind = TRACE_PAGES, .addr = HUGE, .huge = true, .nr = 8 << 20, .node = HEAT_NO_NODE,
		.reads = 255, .writes = 255 },
	{ .kind = TRACE_PAGES, .addr = HEAT_MAX_ADDR - PAGE, .nr = 1 },
	{ .kind = TRACE_PASS, .value = 1 },
	{ .kind = TRACE_SAMPLE, .addr = PAGE },
	{ .kind = TRACE_SAMPLE, .addr = HEAT_MAX_ADDR - PAGE, .write = true },
	{ .kind = TRACE_SAMPLE, .addr = BASE },
	{ .kind = TRACE_REGION, .addr = BASE, .nr = 5, .value = REGION_HEAP },
	{ .kind = TRACE_PLAN, .nr = 1, .value = 255 },
	{ .kind = TRACE_MOVE, .addr = BASE, .huge = true, .write = true, .node = 14, .to = 0,
		.reason = PLAN_SWAP, .status = 255 },
	{ .kind = TRACE_TICK, .now_ns = UINT64_MAX / 2 },
	{ .kind = TRACE_GONE, .addr = 0, .nr = HEAT_MAX_ADDR / PAGE },
};

#define NR_KINDS_HERE	(sizeof(one_of_each) / sizeof(one_of_each[0]))

static void write_all(size_t rounds)
{
	struct trace_writer *writer;
	size_t i;

	assert_int_equal(trace_create(path, &origin, &writer), 0);
	for (; rounds; rounds--)
		for (i = 0; i < NR_KINDS_HERE; i++)
			trace_put(writer, &one_of_each[i]);
	assert_int_equal(trace_finish(writer), 0);
}

static void what_is_written_is_read_over_many_blocks(UNUSED void **state)
{
	const size_t rounds = 5000;
	struct trace_reader *reader;
	struct trace_event event;
	struct stat stat_;
	size_t round, i;

	write_all(rounds);
	assert_int_equal(stat(path, &stat_), 0);
	assert_true(stat_.st_size > 4 * TRACE_BLOCK_BYTES);
	assert_int_equal(stat_.st_mode & 0777, 0600);
	assert_int_equal(trace_open(path, &reader), 0);
	assert_int_equal(trace_origin(reader)->pid, 71);
	assert_string_equal(trace_origin(reader)->comm, "target");
	assert_string_equal(trace_origin(reader)->policy, "gain");
	for (i = 0; i < 100; i++)
		assert_int_equal(trace_next(reader, &event), 1);
	trace_rewind(reader);
	for (round = 0; round < rounds; round++)
		for (i = 0; i < NR_KINDS_HERE; i++) {
			assert_int_equal(trace_next(reader, &event), 1);
			assert_memory_equal(&event, &one_of_each[i], sizeof(event));
		}
	assert_int_equal(trace_next(reader, &event), 0);
	assert_int_equal(trace_next(reader, &event), 0);
	trace_close(reader);
}

static void a_sample_takes_up_to_4_bytes_where_the_target_has_256_mib(UNUSED void **state)
{
	struct trace_event event = { .kind = TRACE_SAMPLE };
	struct trace_writer *writer;
	struct stat stat_;
	unsigned int i;

	assert_int_equal(trace_create(path, &origin, &writer), 0);
	for (i = 0; i < 100000; i++) {
		event.addr = BASE + i * 40503ULL % 65536 * PAGE;
		trace_put(writer, &event);
	}
	assert_int_equal(trace_finish(writer), 0);
	assert_int_equal(stat(path, &stat_), 0);
	assert_in_range(stat_.st_size, 300000, 401000);
}

static char *read_file(size_t *ret_bytes)
{
	FILE *file = fopen(path, "r");
	char *text;

	fseek(file, 0, SEEK_END);
	*ret_bytes = (size_t)ftell(file);
	rewind(file);
	text = malloc(*ret_bytes);
	assert_int_equal(fread(text, 1, *ret_bytes, file), *ret_bytes);
	fclose(file);
	return text;
}

static void write_file(const char *text, size_t bytes)
{
	FILE *file = fopen(path, "w");

	assert_int_equal(fwrite(text, 1, bytes, file), bytes);
	fclose(file);
}

/* Reads all there is.  Return: what ended it. */
static int read_to_end(void)
{
	struct trace_reader *reader;
	struct trace_event event;
	int err = trace_open(path, &reader);

	if (err)
		return err;
	while ((err = trace_next(reader, &event)) > 0)
		;
	if (err)
		assert_int_equal(trace_next(reader, &event), err);
	trace_close(reader);
	return err;
}

static void a_file_that_was_cut_short_is_refused_wherever_that_was(UNUSED void **state)
{
	size_t bytes, cut;
	char *text;
	int err;

	write_all(2000);
	text = read_file(&bytes);
	assert_int_equal(read_to_end(), 0);
	for (cut = 0; cut < bytes; cut += cut < 200 ? 1 : 997) {
		write_file(text, cut);
		err = read_to_end();
		assert_int_equal(err, cut < 64 ? -EINVAL : -ENODATA);
		assert_non_null(strstr(trace_reason(), cut < 64 ? "not a recording" : "cut short"));
	}
	free(text);
}

/* Each byte of head and first block, and some of the rest. */
static void a_file_with_a_wrong_byte_is_refused_wherever_that_is(UNUSED void **state)
{
	size_t bytes, at;
	char *text;
	int err;

	write_all(1200);
	text = read_file(&bytes);
	for (at = 0; at < bytes; at += at < 300 ? 1 : 499) {
		/* 4 bytes of a block's head say nothing yet. */
		if (at >= 76 && at < 80)
			continue;
		text[at] ^= 0x20;
		write_file(text, bytes);
		err = read_to_end();
		if (err != -EINVAL && err != -EBADMSG && err != -EPROTONOSUPPORT && err != -ENODATA)
			fail_msg("byte %zu: %d", at, err);
		text[at] ^= 0x20;
	}
	write_file(text, bytes);
	assert_int_equal(read_to_end(), 0);
	free(text);
}

static void what_is_no_recording_is_refused_in_words(UNUSED void **state)
{
	struct trace_reader *reader;

	POISON(reader);
	assert_int_equal(trace_open("/nonexistent/file", &reader), -ENOENT);
	assert_string_equal(trace_reason(), "No such file or directory");
	assert_int_equal(trace_open("/tmp", &reader), -EINVAL);
	write_file("a text that is no recording, and longer than the head of one would be", 69);
	assert_int_equal(trace_open(path, &reader), -EINVAL);
	assert_string_equal(trace_reason(), "this is not a recording");
	UNTOUCHED(reader);
}

static void a_recording_of_another_version_is_named(UNUSED void **state)
{
	struct trace_reader *reader;
	size_t bytes;
	char *text;

	write_all(1);
	text = read_file(&bytes);
	text[8]++;
	write_file(text, bytes);
	assert_int_equal(trace_open(path, &reader), -EPROTONOSUPPORT);
	assert_string_equal(trace_reason(),
			    "a recording of version 2; this hemem-ctl reads version 1");
	free(text);
}

/* A limit on the size of files is a disk that gets full, for one process. */
static void a_disk_that_gets_full_is_told_at_the_end(UNUSED void **state)
{
	const struct rlimit little = { 100000, RLIM_INFINITY };
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct trace_writer *writer;
	unsigned int i;

	assert_int_equal(trace_create("/nonexistent/file", &origin, &writer), -ENOENT);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	assert_int_equal(trace_create(path, &origin, &writer), 0);
	for (i = 0; i < 50000; i++)
		trace_put(writer, &one_of_each[0]);
	assert_int_equal(trace_error(writer), -EFBIG);
	assert_int_equal(trace_finish(writer), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	assert_int_equal(read_to_end(), -ENODATA);
}

/* ---- the recorder ---- */

static void play_a_target(struct heat *heat)
{
	uint64_t addr;

	heat_begin_pass(heat);
	for (addr = BASE; addr < BASE + 64 * PAGE; addr += PAGE)
		heat_see(heat, addr, false, addr < BASE + 10 * PAGE ? 0 : 1, 0, 0);
	heat_see(heat, BASE + HUGE, true, 1, 2, 1);
	heat_end_pass(heat);
	heat_sample(heat, BASE + 7 * PAGE + 123, true);
	heat_sample(heat, BASE + HUGE + 5 * PAGE, false);
	heat_forget_range(heat, BASE + 60 * PAGE, BASE + 64 * PAGE);
	heat_forget(heat, BASE + 59 * PAGE + 1);
}

static void must_be_alike(const struct heat *one, const struct heat *other)
{
	struct heat_sizes sizes, others;
	struct heat_page page, same;
	struct heat_walk walk = { 0 };

	heat_sizes(one, &sizes);
	heat_sizes(other, &others);
	assert_int_equal(sizes.nr_pages, others.nr_pages);
	while (heat_next(one, &walk, &page)) {
		for (; page.nr; page.nr--, page.addr += page.bytes) {
			assert_int_equal(heat_find(other, page.addr, &same), 0);
			same.nr = page.nr;
			assert_memory_equal(&page, &same, offsetof(struct heat_page, refused) + 1);
		}
	}
}

/* Tell @heat what the recording says. */
static unsigned int tell(struct heat *heat, enum trace_kind count)
{
	struct trace_reader *reader;
	struct trace_event event;
	unsigned int nr = 0;
	uint64_t i;

	assert_int_equal(trace_open(path, &reader), 0);
	while (trace_next(reader, &event) > 0) {
		nr += event.kind == count;
		if (event.kind == TRACE_PASS && event.value)
			heat_end_pass(heat);
		else if (event.kind == TRACE_PASS)
			heat_begin_pass(heat);
		else if (event.kind == TRACE_SAMPLE)
			heat_sample(heat, event.addr, event.write);
		else if (event.kind == TRACE_GONE)
			heat_forget_range(heat, event.addr, event.addr + event.nr * PAGE);
		for (i = 0; event.kind == TRACE_PAGES && i < event.nr; i++)
			heat_see(heat, event.addr + i * (event.huge ? HUGE : PAGE), event.huge,
				 event.node, event.reads, event.writes);
	}
	trace_close(reader);
	return nr;
}

static void what_the_heat_store_was_told_can_be_told_again(UNUSED void **state)
{
	struct heat *heat, *again;
	struct record *record;

	assert_int_equal(heat_new(&heat), 0);
	assert_int_equal(heat_new(&again), 0);
	assert_int_equal(record_new(path, &origin, heat, 1000, &record), 0);
	play_a_target(heat);
	assert_int_equal(record_free(record), 0);
	/* 64 pages on two nodes and a huge one: three rows. */
	assert_int_equal(tell(again, TRACE_PAGES), 3);
	must_be_alike(heat, again);
	must_be_alike(again, heat);
	/* Nobody listens any more. */
	heat_sample(heat, BASE, true);
	heat_free(heat);
	heat_free(again);
}

static void ticks_nodes_regions_and_moves_are_recorded_once_each(UNUSED void **state)
{
	struct tier_set tiers = { .nodes = { { .nid = 0 }, { .nid = 1, .level = TIER_SLOW } },
				  .nr_nodes = 2 };
	struct region area = { .start = BASE, .end = BASE + HUGE, .kind = REGION_ANON };
	struct region_set regions = { &area, 1 };
	struct stats stats = { .maps_reads = 1, .sample_load_period = 401 };
	struct record *record;
	struct plan *plan;
	struct heat *heat;

	assert_int_equal(heat_new(&heat), 0);
	assert_int_equal(plan_new(512, &plan), 0);
	assert_int_equal(record_new(path, &origin, heat, 1000, &record), 0);
	record_tick(record, 1000, &tiers, &regions, &stats);
	record_tick(record, 2000, &tiers, &regions, &stats);
	tiers.nodes[1].free_bytes = 5;
	stats.sample_load_period = 563;
	record_tick(record, 3000, &tiers, &regions, &stats);
	plan->cool = true;
	plan_add(plan, &(struct plan_move){ .addr = BASE, .bytes = PAGE, .reason = PLAN_LIMIT });
	plan_add(plan, &(struct plan_move){ .addr = BASE, .bytes = HUGE, .from = 1 });
	record_plan(record, plan);
	assert_int_equal(record_free(record), 0);
	assert_int_equal(tell(heat, TRACE_TICK), 3);
	assert_int_equal(tell(heat, TRACE_NODE), 3);
	assert_int_equal(tell(heat, TRACE_RATE), 2);
	assert_int_equal(tell(heat, TRACE_REGION), 1);
	assert_int_equal(tell(heat, TRACE_MOVE), 2);
	assert_int_equal(tell(heat, TRACE_PLAN), 1);
	plan_free(plan);
	heat_free(heat);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_read_over_many_blocks),
		TEST(a_sample_takes_up_to_4_bytes_where_the_target_has_256_mib),
		TEST(a_file_that_was_cut_short_is_refused_wherever_that_was),
		TEST(a_file_with_a_wrong_byte_is_refused_wherever_that_is),
		TEST(what_is_no_recording_is_refused_in_words),
		TEST(a_recording_of_another_version_is_named),
		TEST(a_disk_that_gets_full_is_told_at_the_end),
		TEST(what_the_heat_store_was_told_can_be_told_again),
		TEST(ticks_nodes_regions_and_moves_are_recorded_once_each),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
