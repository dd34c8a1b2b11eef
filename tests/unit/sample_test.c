// SPDX-License-Identifier: GPL-2.0
/*
 * sample_test.c - samples made by the test, with every part that perf may put in
 *
 * A sample lies in memory of exactly its size, so that one byte read too many is an error.
 */
#include "unit.h"

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

#define WEIGHT_STRUCT	(1ULL << 24)
#define MAX_WORDS	256
#define NR_SUBSETS	20000

/* The order in which the kernel writes them. */
static const uint64_t order[] = {
	PERF_SAMPLE_IDENTIFIER, PERF_SAMPLE_IP, PERF_SAMPLE_TID, PERF_SAMPLE_TIME,
	PERF_SAMPLE_ADDR, PERF_SAMPLE_ID, PERF_SAMPLE_STREAM_ID, PERF_SAMPLE_CPU,
	PERF_SAMPLE_PERIOD, PERF_SAMPLE_READ, PERF_SAMPLE_CALLCHAIN, PERF_SAMPLE_RAW,
	PERF_SAMPLE_BRANCH_STACK, PERF_SAMPLE_REGS_USER, PERF_SAMPLE_STACK_USER,
	PERF_SAMPLE_WEIGHT, PERF_SAMPLE_DATA_SRC, PERF_SAMPLE_TRANSACTION, PERF_SAMPLE_REGS_INTR,
	PERF_SAMPLE_PHYS_ADDR, 1ULL << 21, 1ULL << 22, 1ULL << 23, PERF_SAMPLE_AUX,
};

#define NR_PARTS	(sizeof(order) / sizeof(order[0]))

static uint64_t words[MAX_WORDS];
static size_t nr_words;

static void put(uint64_t word)
{
	assert_true(nr_words < MAX_WORDS);
	words[nr_words++] = word;
}

static void put_many(unsigned int nr)
{
	while (nr--)
		put(~0ULL);
}

static uint64_t source_of(uint64_t op, uint64_t level)
{
	const union perf_mem_data_src src = { .mem_op = op, .mem_lvl = level };

	return src.val;
}

/* Every part with a number of its own; @length scales those of no fixed length. */
static void put_part(const struct sample_format *format, uint64_t part, unsigned int length)
{
	switch (part) {
	case PERF_SAMPLE_IDENTIFIER:
	case PERF_SAMPLE_ID:
		return put(7001);
	case PERF_SAMPLE_IP:
		return put(7002);
	case PERF_SAMPLE_TID:
		return put(72ULL << 32 | 71);
	case PERF_SAMPLE_TIME:
		return put(7003);
	case PERF_SAMPLE_ADDR:
		return put(0x7f1234567890);
	case PERF_SAMPLE_CPU:
		return put(99ULL << 32 | 3);
	case PERF_SAMPLE_PERIOD:
		return put(401);
	case PERF_SAMPLE_READ:
		if (format->read_format & PERF_FORMAT_GROUP)
			put(length);
		put_many(__builtin_popcountll(format->read_format & 3));
		return put_many((format->read_format & PERF_FORMAT_GROUP ? length : 1) *
				(1 + !!(format->read_format & PERF_FORMAT_ID) +
				 !!(format->read_format & 16)));
	case PERF_SAMPLE_CALLCHAIN:
		put(length);
		return put_many(length);
	case PERF_SAMPLE_RAW:
		put(4 + 8 * length);
		return put_many(length);
	case PERF_SAMPLE_BRANCH_STACK:
		put(length);
		put_many(!!(format->branch_type & 1 << 17));
		return put_many(length * (3 + !!(format->branch_type & 1 << 19)));
	case PERF_SAMPLE_REGS_USER:
		put(length ? PERF_SAMPLE_REGS_ABI_64 : 0);
		return put_many(length ? __builtin_popcountll(format->regs_user) : 0);
	case PERF_SAMPLE_REGS_INTR:
		put(length ? PERF_SAMPLE_REGS_ABI_64 : 0);
		return put_many(length ? __builtin_popcountll(format->regs_intr) : 0);
	case PERF_SAMPLE_STACK_USER:
		put(8 * length);
		return put_many(length ? length + 1 : 0);
	case PERF_SAMPLE_WEIGHT:
		return put(305);
	case PERF_SAMPLE_DATA_SRC:
		return put(source_of(PERF_MEM_OP_LOAD, PERF_MEM_LVL_HIT | PERF_MEM_LVL_LOC_RAM));
	case PERF_SAMPLE_PHYS_ADDR:
		return put(0x123456890);
	case PERF_SAMPLE_AUX:
		put(8 * length);
		return put_many(length);
	}
	put(~0ULL);
}

static struct sample parse(const struct sample_format *format, size_t bytes)
{
	unsigned char *body = malloc(bytes ? bytes : 1);
	struct sample sample;

	POISON(sample);
	assert_non_null(body);
	memcpy(body, words, bytes);
	sample_parse(format, body, bytes, &sample);
	free(body);
	return sample;
}

/* What is there has its number, what is not is 0. */
static void check(const struct sample *sample)
{
	const uint64_t has = sample->has;

	assert_int_equal(sample->id, has & (PERF_SAMPLE_ID | PERF_SAMPLE_IDENTIFIER) ? 7001 : 0);
	assert_int_equal(sample->ip, has & PERF_SAMPLE_IP ? 7002 : 0);
	assert_int_equal(sample->pid, has & PERF_SAMPLE_TID ? 71 : 0);
	assert_int_equal(sample->tid, has & PERF_SAMPLE_TID ? 72 : 0);
	assert_int_equal(sample->time_ns, has & PERF_SAMPLE_TIME ? 7003 : 0);
	assert_int_equal(sample->addr, has & PERF_SAMPLE_ADDR ? 0x7f1234567890 : 0);
	assert_int_equal(sample->cpu, has & PERF_SAMPLE_CPU ? 3 : 0);
	assert_int_equal(sample->period, has & PERF_SAMPLE_PERIOD ? 401 : 0);
	assert_int_equal(sample->phys_addr, has & PERF_SAMPLE_PHYS_ADDR ? 0x123456890 : 0);
	if (has & PERF_SAMPLE_DATA_SRC) {
		assert_int_equal(sample->op, SAMPLE_OP_LOAD);
		assert_int_equal(sample->level, SAMPLE_LEVEL_NEAR);
		assert_int_equal(sample->weight, has & PERF_SAMPLE_WEIGHT ? 305 : 0);
	}
}

static void make(const struct sample_format *format, unsigned int length)
{
	size_t i;

	nr_words = 0;
	for (i = 0; i < NR_PARTS; i++)
		if (format->type & order[i])
			put_part(format, order[i], length);
}

static void every_part_is_found_behind_every_other(void **state UNUSED)
{
	struct sample_format format;
	struct sample sample;
	unsigned int i;

	srand(1);
	for (i = 0; i < NR_SUBSETS; i++) {
		format = (struct sample_format){
			.type = ((uint64_t)rand() ^ (uint64_t)rand() << 8) & ((1 << 24) - 1),
			.read_format = (uint64_t)rand() & 31,
			.branch_type = (uint64_t)(rand() & 3) << 17 | (uint64_t)(rand() & 1) << 19,
			.regs_user = (uint64_t)rand() & 0xff, .regs_intr = (uint64_t)rand() & 0xf,
		};
		make(&format, (unsigned int)rand() % 6);
		sample = parse(&format, nr_words * 8);
		assert_int_equal(sample.has, format.type);
		check(&sample);
	}
}

/* Nothing is read behind the end, and what stands before it is right. */
static void a_body_that_ends_early_is_read_up_to_there(void **state UNUSED)
{
	struct sample_format format = {
		.type = (1 << 24) - 1, .read_format = 31, .branch_type = 1 << 17,
		.regs_user = 0xff, .regs_intr = 0xf,
	};
	uint64_t had = 0;
	struct sample sample;
	size_t bytes;

	make(&format, 3);
	for (bytes = 0; bytes <= nr_words * 8; bytes++) {
		sample = parse(&format, bytes);
		assert_int_equal(sample.has & had, had);	/* longer never has less */
		assert_int_equal(sample.has & ~format.type, 0);
		check(&sample);
		had = sample.has;
	}
	assert_int_equal(had, format.type);
}

/* A length of any size: what stands before is read, nothing else. */
static void a_part_that_cannot_be_so_long_ends_the_sample(void **state UNUSED)
{
	static const uint64_t parts[] = {
		PERF_SAMPLE_READ, PERF_SAMPLE_CALLCHAIN, PERF_SAMPLE_RAW, PERF_SAMPLE_BRANCH_STACK,
		PERF_SAMPLE_STACK_USER, PERF_SAMPLE_AUX,
	};
	static const uint64_t lengths[] = {
		64, 0xfffffff8, 0xffffffff, (1ULL << 61) + 64, (1ULL << 63) + 64, ~7ULL, ~0ULL,
	};
	struct sample_format format = { .read_format = 31, .branch_type = 3 << 17 };
	struct sample sample;
	size_t i, j;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++) {
			format.type = PERF_SAMPLE_ADDR | parts[i];
			if (parts[i] != PERF_SAMPLE_AUX)
				format.type |= PERF_SAMPLE_PHYS_ADDR;	/* AUX is the last */
			nr_words = 0;
			put(0x1000);
			put(lengths[j]);
			put_many(4);
			sample = parse(&format, nr_words * 8);
			assert_int_equal(sample.addr, 0x1000);
			assert_int_equal(sample.has, PERF_SAMPLE_ADDR);
		}
	}
}

static void noise_is_never_read_behind_its_end(void **state UNUSED)
{
	struct sample_format format;
	unsigned int i, j;

	srand(2);
	for (i = 0; i < NR_SUBSETS; i++) {
		format = (struct sample_format){
			.type = (uint64_t)rand() & ((1 << 25) - 1), .read_format = (uint64_t)rand(),
			.branch_type = (uint64_t)rand(), .regs_user = (uint64_t)rand(),
			.regs_intr = (uint64_t)rand(),
		};
		nr_words = (size_t)rand() % 40;
		for (j = 0; j < nr_words; j++)
			words[j] = rand() % 4 ? (uint64_t)rand() % 9 :
				   (uint64_t)rand() << 33 | (uint64_t)rand();
		parse(&format, nr_words * 8);
	}
}

static void a_weight_in_parts_is_a_latency_in_its_lowest_part(void **state UNUSED)
{
	const struct sample_format format = { .type = WEIGHT_STRUCT };
	struct sample sample;

	nr_words = 0;
	put(5ULL << 48 | 9ULL << 32 | 305);
	sample = parse(&format, 8);
	assert_int_equal(sample.weight, 305);
}

/* ---- data sources ---- */

static struct sample parse_source(union perf_mem_data_src src)
{
	const struct sample_format format = { .type = PERF_SAMPLE_DATA_SRC };

	nr_words = 0;
	put(src.val);
	return parse(&format, 8);
}

static void a_data_source_says_what_it_was_and_who_answered(void **state UNUSED)
{
	static const struct {
		uint64_t op, lvl, num, remote;
		enum sample_op is_op;
		enum sample_level is_level;
	} rows[] = {
		/* What kernels before 4.14 tell, and many PMUs still do. */
		{ 2, 0x02 | 0x08, 0, 0, SAMPLE_OP_LOAD, SAMPLE_LEVEL_CACHE },	/* L1 */
		{ 2, 0x02 | 0x10, 0, 0, SAMPLE_OP_LOAD, SAMPLE_LEVEL_CACHE },	/* LFB */
		{ 2, 0x02 | 0x20, 0, 0, SAMPLE_OP_LOAD, SAMPLE_LEVEL_CACHE },
		{ 2, 0x02 | 0x40, 0, 0, SAMPLE_OP_LOAD, SAMPLE_LEVEL_CACHE },
		{ 2, 0x04 | 0x40, 0, 0, SAMPLE_OP_LOAD, SAMPLE_LEVEL_UNKNOWN },	/* missed L3 */
		{ 2, 0x02 | 0x80, 0, 0, SAMPLE_OP_LOAD, SAMPLE_LEVEL_NEAR },
		{ 2, 0x02 | 0x100, 0, 0, SAMPLE_OP_LOAD, SAMPLE_LEVEL_FAR },
		{ 2, 0x02 | 0x200, 0, 0, SAMPLE_OP_LOAD, SAMPLE_LEVEL_FAR },
		{ 2, 0x02 | 0x400, 0, 0, SAMPLE_OP_LOAD, SAMPLE_LEVEL_CACHE },
		{ 4, 0x02 | 0x08, 0, 0, SAMPLE_OP_STORE, SAMPLE_LEVEL_CACHE },
		{ 4, 0x04 | 0x08, 0, 0, SAMPLE_OP_STORE, SAMPLE_LEVEL_UNKNOWN },
		{ 1, 0x01, 0, 0, SAMPLE_OP_UNKNOWN, SAMPLE_LEVEL_UNKNOWN },	/* N/A */
		{ 0, 0, 0, 0, SAMPLE_OP_UNKNOWN, SAMPLE_LEVEL_UNKNOWN },
		/* Since then. */
		{ 2, 0x02 | 0x08, 1, 0, SAMPLE_OP_LOAD, SAMPLE_LEVEL_CACHE },
		{ 2, 0x01, 0xc, 0, SAMPLE_OP_LOAD, SAMPLE_LEVEL_CACHE },
		{ 2, 0x02 | 0x400, 0xb, 1, SAMPLE_OP_LOAD, SAMPLE_LEVEL_CACHE },
		{ 2, 0x02 | 0x80, 0xd, 0, SAMPLE_OP_LOAD, SAMPLE_LEVEL_NEAR },
		{ 2, 0x02 | 0x80, 0xd, 1, SAMPLE_OP_LOAD, SAMPLE_LEVEL_FAR },
		{ 2, 0x02, 0xe, 0, SAMPLE_OP_LOAD, SAMPLE_LEVEL_FAR },		/* PMEM */
		{ 2, 0x02, 0x9, 0, SAMPLE_OP_LOAD, SAMPLE_LEVEL_FAR },		/* CXL */
		{ 2, 0x02 | 0x1000, 0xa, 0, SAMPLE_OP_LOAD, SAMPLE_LEVEL_UNKNOWN },
		{ 2, 0x02 | 0x100, 0xf, 0, SAMPLE_OP_LOAD, SAMPLE_LEVEL_FAR },	/* N/A */
	};
	union perf_mem_data_src src;
	struct sample sample;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		src = (union perf_mem_data_src){
			.mem_op = rows[i].op, .mem_lvl = rows[i].lvl, .mem_lvl_num = rows[i].num,
			.mem_remote = rows[i].remote,
		};
		sample = parse_source(src);
		if (sample.op != rows[i].is_op || sample.level != rows[i].is_level)
			fail_msg("row %zu: op %d, level %d", i, sample.op, sample.level);
	}
}

/* ---- registers of IBS ---- */

#define LOAD	(1ULL << 0)
#define STORE	(1ULL << 1)
#define MISS	(1ULL << 7)
#define VALID	(1ULL << 17)

/* { size, capabilities } { control, RIP, data, data 2, data 3, linear, physical address } */
static struct sample parse_ibs(uint64_t data2, uint64_t data3, uint64_t src)
{
	const struct sample_format format = {
		.type = PERF_SAMPLE_ADDR | PERF_SAMPLE_RAW | PERF_SAMPLE_DATA_SRC,
	};

	nr_words = 0;
	put(0x7f0000001000);
	put(0x7ffULL << 32 | 60);
	put(1);
	put(2);
	put(3);
	put(data2);
	put(data3);
	put(0x7f0000001000);
	put(0x1000);
	put(src);
	return parse(&format, nr_words * 8);
}

static void the_registers_of_ibs_say_what_the_kernel_does_not(void **state UNUSED)
{
	static const struct {
		uint64_t data2, data3;
		enum sample_op is_op;
		enum sample_level is_level;
		uint64_t weight;
	} rows[] = {
		{ 0, 0, SAMPLE_OP_NONE, SAMPLE_LEVEL_UNKNOWN, 0 },
		{ 3, LOAD | MISS, SAMPLE_OP_NONE, SAMPLE_LEVEL_UNKNOWN, 0 },	/* no address */
		{ 0, LOAD | VALID, SAMPLE_OP_LOAD, SAMPLE_LEVEL_CACHE, 0 },
		{ 3, LOAD | VALID, SAMPLE_OP_LOAD, SAMPLE_LEVEL_CACHE, 0 },	/* not missed */
		{ 1, LOAD | VALID | MISS | 40ULL << 32, SAMPLE_OP_LOAD, SAMPLE_LEVEL_CACHE, 40 },
		{ 2, LOAD | VALID | MISS, SAMPLE_OP_LOAD, SAMPLE_LEVEL_CACHE, 0 },
		{ 3, LOAD | VALID | MISS | 0x0300ULL << 32, SAMPLE_OP_LOAD, SAMPLE_LEVEL_NEAR, 768 },
		{ 3 | 1 << 4, LOAD | VALID | MISS, SAMPLE_OP_LOAD, SAMPLE_LEVEL_FAR, 0 },
		{ 6, LOAD | VALID | MISS, SAMPLE_OP_LOAD, SAMPLE_LEVEL_FAR, 0 },
		{ 1 << 6, LOAD | VALID | MISS | ~0ULL << 32, SAMPLE_OP_LOAD, SAMPLE_LEVEL_FAR,
		  0xffff },
		{ 7, LOAD | VALID | MISS, SAMPLE_OP_LOAD, SAMPLE_LEVEL_UNKNOWN, 0 },
		{ 3, STORE | VALID | MISS | 9ULL << 32, SAMPLE_OP_STORE, SAMPLE_LEVEL_NEAR, 0 },
		{ 3, LOAD | STORE | VALID, SAMPLE_OP_STORE, SAMPLE_LEVEL_CACHE, 0 },
	};
	struct sample sample;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sample = parse_ibs(rows[i].data2, rows[i].data3, source_of(PERF_MEM_OP_NA, 1));
		if (sample.op != rows[i].is_op || sample.level != rows[i].is_level ||
		    sample.weight != rows[i].weight)
			fail_msg("row %zu: op %d, level %d, weight %d", i, sample.op,
				 sample.level, (int)sample.weight);
	}
	/* Where the kernel knows, that counts. */
	sample = parse_ibs(3, STORE | VALID, source_of(PERF_MEM_OP_LOAD, 2 | 8));
	assert_int_equal(sample.op, SAMPLE_OP_LOAD);
}

static void raw_bytes_that_are_too_few_say_nothing(void **state UNUSED)
{
	const struct sample_format format = { .type = PERF_SAMPLE_RAW };
	struct sample sample;
	unsigned int nr;

	for (nr = 0; nr < 8; nr++) {
		nr_words = 0;
		put(4 + 8 * nr);
		put_many(nr);
		sample = parse(&format, nr_words * 8);
		assert_int_equal(sample.has, PERF_SAMPLE_RAW);
		assert_int_equal(sample.op, nr < 6 ? SAMPLE_OP_UNKNOWN : SAMPLE_OP_STORE);
	}
}

static void what_other_records_carry_has_its_length(void **state UNUSED)
{
	assert_int_equal(sample_id_bytes(0), 0);
	assert_int_equal(sample_id_bytes(PERF_SAMPLE_ADDR | PERF_SAMPLE_IP | PERF_SAMPLE_RAW), 0);
	assert_int_equal(sample_id_bytes(PERF_SAMPLE_TID | PERF_SAMPLE_TIME), 16);
	assert_int_equal(sample_id_bytes((1 << 24) - 1), 48);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_part_is_found_behind_every_other),
		cmocka_unit_test(a_body_that_ends_early_is_read_up_to_there),
		cmocka_unit_test(a_part_that_cannot_be_so_long_ends_the_sample),
		cmocka_unit_test(noise_is_never_read_behind_its_end),
		cmocka_unit_test(a_weight_in_parts_is_a_latency_in_its_lowest_part),
		cmocka_unit_test(a_data_source_says_what_it_was_and_who_answered),
		cmocka_unit_test(the_registers_of_ibs_say_what_the_kernel_does_not),
		cmocka_unit_test(raw_bytes_that_are_too_few_say_nothing),
		cmocka_unit_test(what_other_records_carry_has_its_length),
	};

	return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
