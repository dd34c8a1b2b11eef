// SPDX-License-Identifier: GPL-2.0
/*
 * ring_test.c - a ring whose producer the test plays
 *
 * One page of data, so that it wraps often.  The last test has a thread produce while this
 * one reads: each record must arrive whole, once and in order.
 */
#include "unit.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ring.h"

#define PAGE		4096
#define TYPE		(PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR)
#define LOST_SAMPLES	13
#define NR_STREAMED	400000

/* What TYPE makes of a sample; the last word is one that nobody asks for. */
struct whole {
	struct perf_event_header header;
	uint64_t ip;
	uint32_t pid, tid;
	uint64_t time, addr, period;
};

static struct perf_event_mmap_page *page;
static struct ring ring;

static int set_up(void **state UNUSED)
{
	page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(page != MAP_FAILED);
	return ring_init(&ring, page, 2 * PAGE, TYPE);
}

static int tear_down(void **state UNUSED)
{
	return munmap(page, 2 * PAGE);
}

static void put_bytes(uint64_t at, const void *bytes, size_t nr)
{
	unsigned char *data = (unsigned char *)page + PAGE;
	size_t i;

	for (i = 0; i < nr; i++)
		data[(at + i) % PAGE] = ((const unsigned char *)bytes)[i];
}

/* A record as the producer makes it, whether there is room or not. */
static void put(const void *record, size_t nr)
{
	put_bytes(page->data_head, record, nr);
	__atomic_store_n(&page->data_head, page->data_head + nr, __ATOMIC_RELEASE);
}

static struct whole sample_at(uint64_t addr)
{
	return (struct whole){
		.header = { .type = PERF_RECORD_SAMPLE, .size = sizeof(struct whole) },
		.ip = 1, .pid = 71, .tid = 72, .time = 3, .addr = addr, .period = 5,
	};
}

static void put_sample(uint64_t addr)
{
	struct whole sample = sample_at(addr);

	put(&sample, sizeof(sample));
}

static void put_plain(uint32_t type, const uint64_t *words, size_t nr)
{
	uint64_t record[16] = { 0 };
	struct perf_event_header header = { .type = type, .size = (uint16_t)(8 + 8 * nr) };

	memcpy(record, &header, sizeof(header));
	memcpy(record + 1, words, 8 * nr);
	put(record, 8 + 8 * nr);
}

static struct ring_record must_read(enum ring_kind kind)
{
	struct ring_record record;

	POISON(record);
	assert_true(ring_next(&ring, &record));
	assert_int_equal(record.kind, kind);
	return record;
}

static void must_be_empty(void)
{
	struct ring_record record;

	POISON(record);
	assert_int_equal(ring_look(&ring), 0);
	assert_false(ring_next(&ring, &record));
	UNTOUCHED(record);
}

static void a_sample_has_its_address_and_its_process(void **state UNUSED)
{
	struct ring_record record;

	must_be_empty();
	put_sample(0x7f1234567890);
	assert_int_equal(ring_look(&ring), sizeof(struct whole));
	record = must_read(RING_SAMPLE);
	assert_int_equal(record.sample.addr, 0x7f1234567890);
	assert_int_equal(record.sample.pid, 71);
	must_be_empty();
}

/* Each set of what may stand before the address: a different number in every word. */
static void the_address_is_found_behind_all_that_may_stand_before_it(void **state UNUSED)
{
	static const uint64_t before[] = {
		PERF_SAMPLE_IDENTIFIER, PERF_SAMPLE_IP, PERF_SAMPLE_TID, PERF_SAMPLE_TIME,
	};
	uint64_t words[8], type;
	struct ring_record record;
	unsigned int set, i, nr;

	for (set = 0; set < 16; set++) {
		type = PERF_SAMPLE_ADDR | PERF_SAMPLE_CPU | PERF_SAMPLE_CALLCHAIN;
		for (i = 0, nr = 0; i < 4; i++) {
			if (!(set >> i & 1))
				continue;
			type |= before[i];
			words[nr++] = before[i] == PERF_SAMPLE_TID ? 72ULL << 32 | 71 : 100 + i;
		}
		words[nr++] = 0xabc000;
		words[nr++] = 200;
		words[nr++] = 201;
		memset(page, 0, PAGE);
		assert_int_equal(ring_init(&ring, page, 2 * PAGE, type), 0);
		put_plain(PERF_RECORD_SAMPLE, words, nr);
		ring_look(&ring);
		record = must_read(RING_SAMPLE);
		assert_int_equal(record.sample.addr, 0xabc000);
		assert_int_equal(record.sample.pid, set >> 2 & 1 ? 71 : 0);
	}
}

static void a_record_that_wraps_is_put_together(void **state UNUSED)
{
	uint64_t i;

	/* 4096 is no multiple of 56: sooner or later each word wraps. */
	for (i = 1; i < 1000; i++) {
		put_sample(i * PAGE);
		ring_look(&ring);
		assert_int_equal(must_read(RING_SAMPLE).sample.addr, i * PAGE);
		ring_release(&ring);
		assert_int_equal(page->data_tail, page->data_head);
	}
}

/* Each kind of record at each place of the ring, so that header and body wrap everywhere. */
static void every_kind_wraps_at_every_place(void **state UNUSED)
{
	const uint64_t lost[] = { 9, 17 }, three[] = { 1, 2, 3 };
	uint64_t at;

	for (at = 0; at < PAGE; at += 8) {
		memset(page, 0, 2 * PAGE);
		page->data_head = page->data_tail = at;
		assert_int_equal(ring_init(&ring, page, 2 * PAGE, TYPE), 0);
		put_plain(PERF_RECORD_LOST, lost, 2);
		put_sample(PAGE + at);
		put_plain(LOST_SAMPLES, lost, 1);
		put_plain(PERF_RECORD_THROTTLE, three, 3);
		put_plain(PERF_RECORD_UNTHROTTLE, three, 3);
		put_plain(PERF_RECORD_EXIT, three, 3);
		put_sample(2 * PAGE + at);
		ring_look(&ring);
		assert_int_equal(must_read(RING_LOST).nr_lost, 17);
		assert_int_equal(must_read(RING_SAMPLE).sample.addr, PAGE + at);
		assert_int_equal(must_read(RING_LOST).nr_lost, 9);
		must_read(RING_THROTTLE);
		must_read(RING_UNTHROTTLE);
		must_read(RING_OTHER);
		assert_int_equal(must_read(RING_SAMPLE).sample.addr, 2 * PAGE + at);
		must_be_empty();
	}
}

static void the_tail_is_told_only_on_release(void **state UNUSED)
{
	put_sample(PAGE);
	put_sample(2 * PAGE);
	ring_look(&ring);
	must_read(RING_SAMPLE);
	assert_int_equal(page->data_tail, 0);
	ring_release(&ring);
	assert_int_equal(page->data_tail, sizeof(struct whole));
	must_read(RING_SAMPLE);
	ring_release(&ring);
	assert_int_equal(page->data_tail, 2 * sizeof(struct whole));
}

static void what_was_not_looked_at_is_not_read(void **state UNUSED)
{
	struct ring_record record;

	put_sample(PAGE);
	assert_false(ring_next(&ring, &record));
	ring_look(&ring);
	put_sample(2 * PAGE);
	assert_int_equal(must_read(RING_SAMPLE).sample.addr, PAGE);
	assert_false(ring_next(&ring, &record));
}

static void every_kind_of_record_is_told_apart(void **state UNUSED)
{
	/* 0 is nobody's; 17, 18 and 20: namespaces, kernel symbols, cgroups */
	static const uint32_t others[] = {
		0, PERF_RECORD_MMAP, PERF_RECORD_COMM, PERF_RECORD_EXIT, PERF_RECORD_FORK,
		PERF_RECORD_READ, PERF_RECORD_MMAP2, PERF_RECORD_AUX, PERF_RECORD_ITRACE_START,
		PERF_RECORD_SWITCH, PERF_RECORD_SWITCH_CPU_WIDE, 16, 17, 18, 19, 20, 21, 4242, ~0U,
	};
	const uint64_t words[] = { 9, 17, 3 };
	size_t i;

	put_plain(PERF_RECORD_LOST, words, 2);
	put_plain(LOST_SAMPLES, words, 1);
	put_plain(PERF_RECORD_THROTTLE, words, 3);
	put_plain(PERF_RECORD_UNTHROTTLE, words, 3);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		put_plain(others[i], words, 3);
	put_sample(PAGE);
	ring_look(&ring);
	assert_int_equal(must_read(RING_LOST).nr_lost, 17);
	assert_int_equal(must_read(RING_LOST).nr_lost, 9);
	must_read(RING_THROTTLE);
	must_read(RING_UNTHROTTLE);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		must_read(RING_OTHER);
	assert_int_equal(must_read(RING_SAMPLE).sample.addr, PAGE);
	must_be_empty();
}

static void a_record_too_short_for_its_kind_is_broken_and_the_next_is_read(void **state UNUSED)
{
	const uint64_t words[] = { 1, 2, 3 };

	put_plain(PERF_RECORD_SAMPLE, words, 3);	/* ip, tid, time, but no address */
	put_plain(PERF_RECORD_LOST, words, 1);
	put_plain(LOST_SAMPLES, words, 0);
	put_sample(PAGE);
	ring_look(&ring);
	must_read(RING_BROKEN);
	must_read(RING_BROKEN);
	must_read(RING_BROKEN);
	assert_int_equal(must_read(RING_SAMPLE).sample.addr, PAGE);
}

static void a_size_that_cannot_be_gives_up_what_was_there_and_reading_goes_on(void **state UNUSED)
{
	static const uint16_t sizes[] = { 0, 1, 7, 9, 55, 60, 112, 120, 65535 };
	struct whole sample = sample_at(PAGE);
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		sample.header.size = sizes[i];
		put(&sample, sizeof(sample));
		if (sizes[i] < sizeof(sample))
			put_sample(2 * PAGE);	/* whose begin cannot be found */
		ring_look(&ring);
		must_read(RING_BROKEN);
		must_be_empty();
		ring_release(&ring);
		put_sample(3 * PAGE);
		ring_look(&ring);
		assert_int_equal(must_read(RING_SAMPLE).sample.addr, 3 * PAGE);
	}
}

static void a_head_that_cannot_be_is_broken_and_reading_goes_on(void **state UNUSED)
{
	static const uint64_t heads[] = { PAGE + 8, 1ULL << 63, ~7ULL, 5, 8 };
	size_t i;

	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		memset(page, 0, 2 * PAGE);
		assert_int_equal(ring_init(&ring, page, 2 * PAGE, TYPE), 0);
		page->data_head = heads[i];
		ring_look(&ring);
		must_read(RING_BROKEN);
		must_be_empty();
		put_sample(3 * PAGE);
		ring_look(&ring);
		assert_int_equal(must_read(RING_SAMPLE).sample.addr, 3 * PAGE);
	}
}

/* The longest record there is: its beginning is enough, also where it wraps. */
static void a_record_longer_than_the_copy_is_read_by_its_beginning(void **state UNUSED)
{
	struct {
		struct whole sample;
		unsigned char stack[2000];
	} record = { .sample = sample_at(PAGE) };
	unsigned int i;

	record.sample.header.size = sizeof(record);
	for (i = 0; i < 500; i++) {
		put(&record, sizeof(record));
		ring_look(&ring);
		assert_int_equal(must_read(RING_SAMPLE).sample.addr, PAGE);
		must_be_empty();
		ring_release(&ring);
	}
}

static void what_others_left_can_be_skipped(void **state UNUSED)
{
	put_sample(PAGE);
	put_sample(PAGE);
	ring_skip(&ring);
	assert_int_equal(page->data_tail, 2 * sizeof(struct whole));
	must_be_empty();
	put_sample(2 * PAGE);
	ring_look(&ring);
	assert_int_equal(must_read(RING_SAMPLE).sample.addr, 2 * PAGE);
}

static void what_is_no_ring_is_refused(void **state UNUSED)
{
	static const uint64_t sizes[] = { 0, 1, PAGE - 1, PAGE, PAGE + 1, PAGE + 64, 4 * PAGE, ~0ULL };
	struct ring other;
	size_t i;

	POISON(other);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_int_equal(ring_init(&other, page, sizes[i], TYPE), -EINVAL);
	assert_int_equal(ring_init(&other, page, 2 * PAGE, PERF_SAMPLE_IP), -EOPNOTSUPP);
	UNTOUCHED(other);
	assert_int_equal(ring_init(&other, page, 9 * PAGE, TYPE), 0);
}

/* As perf does it: what does not fit is not written, and told as soon as it can be. */
static void *produce(void *arg UNUSED)
{
	uint64_t head = 0, tail, lost[2] = { 0 }, i = 1;
	struct perf_event_header header = { .type = PERF_RECORD_LOST, .size = 24 };
	struct whole sample;

	while (i <= NR_STREAMED || lost[1]) {
		tail = __atomic_load_n(&page->data_tail, __ATOMIC_ACQUIRE);
		if (lost[1] && PAGE - (head - tail) >= 24) {
			put_bytes(head, &header, 8);
			put_bytes(head + 8, lost, 16);
			head += 24;
			lost[1] = 0;
		} else if (i <= NR_STREAMED && PAGE - (head - tail) < sizeof(sample)) {
			lost[1]++;
			i++;
		} else if (i <= NR_STREAMED) {
			sample = sample_at(i++ * 8);
			put_bytes(head, &sample, sizeof(sample));
			head += sizeof(sample);
		}
		__atomic_store_n(&page->data_head, head, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void a_producer_at_work_loses_nothing_unsaid(void **state UNUSED)
{
	uint64_t nr_samples = 0, nr_lost = 0, last = 0;
	struct ring_record record;
	pthread_t producer;

	assert_int_equal(pthread_create(&producer, NULL, produce, NULL), 0);
	while (nr_samples + nr_lost < NR_STREAMED) {
		ring_look(&ring);
		while (ring_next(&ring, &record)) {
			assert_true(record.kind == RING_SAMPLE || record.kind == RING_LOST);
			nr_lost += record.nr_lost;
			if (record.kind == RING_LOST)
				continue;
			assert_int_equal(record.sample.pid, 71);
			assert_true(record.sample.addr > last);
			last = record.sample.addr;
			nr_samples++;
		}
		ring_release(&ring);
	}
	pthread_join(producer, NULL);
	assert_int_equal(nr_samples + nr_lost, NR_STREAMED);
	assert_true(nr_samples > 0);
	must_be_empty();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_sample_has_its_address_and_its_process),
		TEST(the_address_is_found_behind_all_that_may_stand_before_it),
		TEST(a_record_that_wraps_is_put_together),
		TEST(every_kind_wraps_at_every_place),
		TEST(the_tail_is_told_only_on_release),
		TEST(what_was_not_looked_at_is_not_read),
		TEST(every_kind_of_record_is_told_apart),
		TEST(a_record_too_short_for_its_kind_is_broken_and_the_next_is_read),
		TEST(a_size_that_cannot_be_gives_up_what_was_there_and_reading_goes_on),
		TEST(a_head_that_cannot_be_is_broken_and_reading_goes_on),
		TEST(a_record_longer_than_the_copy_is_read_by_its_beginning),
		TEST(what_others_left_can_be_skipped),
		TEST(what_is_no_ring_is_refused),
		TEST(a_producer_at_work_loses_nothing_unsaid),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
