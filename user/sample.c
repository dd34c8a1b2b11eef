// SPDX-License-Identifier: GPL-2.0
/*
 * sample.c - what one sample of perf says
 *
 * Owns the order and length of what PERF_SAMPLE_* put into a record (the comment at
 * PERF_RECORD_SAMPLE in <linux/perf_event.h>), and what a data source means.  Most parts are
 * one word; the others tell their length themselves, which is checked against what is
 * left:
 *
 *   type TID | ADDR | RAW | WEIGHT, 48 bytes:
 *   { pid, tid } { addr } { 20, 20 bytes } { weight }		has all four
 *   { pid, tid } { addr } { 200, 20 bytes } { weight }		has TID | ADDR
 */
#include <linux/perf_event.h>
#include <stdbool.h>
#include <string.h>

#include "sample.h"

/* Younger than the headers of the oldest kernels that we build on. */
#define SAMPLE_CGROUP		(1ULL << 21)
#define SAMPLE_DATA_PAGE_SIZE	(1ULL << 22)
#define SAMPLE_CODE_PAGE_SIZE	(1ULL << 23)
#define SAMPLE_WEIGHT_STRUCT	(1ULL << 24)
#define LVLNUM_CXL		9
#define FORMAT_LOST		(1ULL << 4)
#define BRANCH_HW_INDEX		(1ULL << 17)
#define BRANCH_COUNTERS		(1ULL << 19)

#define WORD_BYTES	sizeof(uint64_t)
#define BRANCH_BYTES	24		/* struct perf_branch_entry */

/** struct rest - what was not read yet */
struct rest {
	const unsigned char *at;
	uint64_t bytes;
};

static uint64_t word_at(const unsigned char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* ---- where the data came from ---- */

static enum sample_op op_of(uint64_t mem_op)
{
	if (mem_op & PERF_MEM_OP_STORE)
		return SAMPLE_OP_STORE;
	if (mem_op & PERF_MEM_OP_LOAD)
		return SAMPLE_OP_LOAD;
	return SAMPLE_OP_UNKNOWN;
}

/* mem_lvl_num and mem_remote are younger than mem_lvl and say more. */
static enum sample_level level_of_number(const union perf_mem_data_src *src)
{
	switch (src->mem_lvl_num) {
	case PERF_MEM_LVLNUM_L1:
	case PERF_MEM_LVLNUM_L2:
	case PERF_MEM_LVLNUM_L3:
	case PERF_MEM_LVLNUM_L4:
	case PERF_MEM_LVLNUM_ANY_CACHE:
	case PERF_MEM_LVLNUM_LFB:
		return SAMPLE_LEVEL_CACHE;
	case PERF_MEM_LVLNUM_RAM:
		return src->mem_remote ? SAMPLE_LEVEL_FAR : SAMPLE_LEVEL_NEAR;
	case LVLNUM_CXL:
	case PERF_MEM_LVLNUM_PMEM:
		return SAMPLE_LEVEL_FAR;
	}
	return SAMPLE_LEVEL_UNKNOWN;
}

static enum sample_level level_of(const union perf_mem_data_src *src)
{
	const uint64_t far = PERF_MEM_LVL_REM_RAM1 | PERF_MEM_LVL_REM_RAM2;
	const uint64_t caches = PERF_MEM_LVL_L1 | PERF_MEM_LVL_LFB | PERF_MEM_LVL_L2 |
				PERF_MEM_LVL_L3 | PERF_MEM_LVL_REM_CCE1 | PERF_MEM_LVL_REM_CCE2;
	enum sample_level level = level_of_number(src);

	if (level != SAMPLE_LEVEL_UNKNOWN)
		return level;
	if (src->mem_lvl & far)
		return SAMPLE_LEVEL_FAR;
	if (src->mem_lvl & PERF_MEM_LVL_LOC_RAM)
		return SAMPLE_LEVEL_NEAR;
	/* "A miss of L3" tells that it was no cache, but not what. */
	return src->mem_lvl & caches && !(src->mem_lvl & PERF_MEM_LVL_MISS) ?
	       SAMPLE_LEVEL_CACHE : SAMPLE_LEVEL_UNKNOWN;
}

static void take_source(struct sample *sample, uint64_t word)
{
	const union perf_mem_data_src src = { .val = word };

	sample->op = op_of(src.mem_op);
	if (sample->op != SAMPLE_OP_UNKNOWN)
		sample->level = level_of(&src);
}

/*
 * Registers of AMD's IBS as the kernel puts them into PERF_SAMPLE_RAW, and their bits: AMD64
 * Architecture Programmer's Manual 2, 13.3; Processor Programming Reference of family 19h.
 */
enum ibs_register {
	IBS_OP_CTL, IBS_OP_RIP, IBS_OP_DATA, IBS_OP_DATA2, IBS_OP_DATA3, IBS_DC_LIN_AD,
	IBS_NR_REGISTERS,
};

#define IBS_LOAD		(1ULL << 0)	/* of IBS_OP_DATA3 */
#define IBS_STORE		(1ULL << 1)
#define IBS_L1_MISS		(1ULL << 7)
#define IBS_ADDR_VALID		(1ULL << 17)
#define IBS_LATENCY_SHIFT	32
#define IBS_LATENCY_MASK	0xffff
#define IBS_REMOTE		(1ULL << 4)	/* of IBS_OP_DATA2 */

/* Bits 7:6 and 2:0 of IBS_OP_DATA2; the upper two since Zen 4, 0 before. */
static enum sample_level ibs_level(uint64_t data2)
{
	switch ((data2 >> 3 & 0x18) | (data2 & 7)) {
	case 3:
		return data2 & IBS_REMOTE ? SAMPLE_LEVEL_FAR : SAMPLE_LEVEL_NEAR;
	case 6:		/* slow DIMM */
	case 8:		/* memory of a device, as CXL's */
		return SAMPLE_LEVEL_FAR;
	case 1:
	case 2:
	case 5:
		return SAMPLE_LEVEL_CACHE;
	}
	return SAMPLE_LEVEL_UNKNOWN;
}

/* { capabilities (4 bytes), registers } */
static void take_ibs(struct sample *sample, const unsigned char *raw, uint64_t bytes)
{
	uint64_t data3;

	if (bytes < sizeof(uint32_t) + IBS_NR_REGISTERS * WORD_BYTES)
		return;
	raw += sizeof(uint32_t);
	data3 = word_at(raw + IBS_OP_DATA3 * WORD_BYTES);
	if (!(data3 & (IBS_LOAD | IBS_STORE)) || !(data3 & IBS_ADDR_VALID)) {
		sample->op = SAMPLE_OP_NONE;
		return;
	}
	sample->op = data3 & IBS_STORE ? SAMPLE_OP_STORE : SAMPLE_OP_LOAD;
	sample->level = data3 & IBS_L1_MISS ?
			ibs_level(word_at(raw + IBS_OP_DATA2 * WORD_BYTES)) : SAMPLE_LEVEL_CACHE;
	if (sample->op == SAMPLE_OP_LOAD && data3 & IBS_L1_MISS)
		sample->weight = data3 >> IBS_LATENCY_SHIFT & IBS_LATENCY_MASK;
}

/* ---- parts ---- */

/* A part of so many words; 0: that does not fit. */
static uint64_t words_bytes(const struct rest *rest, uint64_t words)
{
	return words && words <= rest->bytes / WORD_BYTES ? words * WORD_BYTES : 0;
}

/* { value, time enabled, time running, id, lost }, or { nr, enabled, running, nr values } */
static uint64_t read_bytes(const struct rest *rest, uint64_t format)
{
	uint64_t times = !!(format & PERF_FORMAT_TOTAL_TIME_ENABLED) +
			 !!(format & PERF_FORMAT_TOTAL_TIME_RUNNING);
	uint64_t each = 1 + !!(format & PERF_FORMAT_ID) + !!(format & FORMAT_LOST);
	uint64_t nr = 1;

	if (!(format & PERF_FORMAT_GROUP))
		return words_bytes(rest, times + each);
	if (rest->bytes >= WORD_BYTES)
		nr = word_at(rest->at);
	return nr <= rest->bytes / WORD_BYTES ? words_bytes(rest, 1 + times + nr * each) : 0;
}

/* { nr, hardware index, nr entries, nr counters } */
static uint64_t branch_bytes(const struct rest *rest, uint64_t type)
{
	uint64_t nr = rest->bytes >= WORD_BYTES ? word_at(rest->at) : 0;
	uint64_t each = BRANCH_BYTES / WORD_BYTES + !!(type & BRANCH_COUNTERS);

	if (nr > rest->bytes / BRANCH_BYTES)
		return 0;
	return words_bytes(rest, 1 + !!(type & BRANCH_HW_INDEX) + nr * each);
}

/* { nr, nr words } */
static uint64_t list_bytes(const struct rest *rest)
{
	uint64_t nr = rest->bytes >= WORD_BYTES ? word_at(rest->at) : 0;

	return nr < rest->bytes / WORD_BYTES ? words_bytes(rest, 1 + nr) : 0;
}

/* { bytes (4 of them), so many }, and filled up to a word */
static uint64_t raw_bytes(const struct rest *rest)
{
	uint32_t bytes;

	if (rest->bytes < WORD_BYTES)
		return 0;
	memcpy(&bytes, rest->at, sizeof(bytes));
	return words_bytes(rest, (sizeof(bytes) + (uint64_t)bytes + WORD_BYTES - 1) / WORD_BYTES);
}

/* { abi, registers if there is one } */
static uint64_t regs_bytes(const struct rest *rest, uint64_t mask)
{
	if (rest->bytes < WORD_BYTES)
		return 0;
	return words_bytes(rest, 1 + (word_at(rest->at) ?
				      (uint64_t)__builtin_popcountll(mask) : 0));
}

/* { bytes, so many, how many of them are used } where the last is missing if there are none */
static uint64_t stack_bytes(const struct rest *rest)
{
	uint64_t bytes = rest->bytes >= WORD_BYTES ? word_at(rest->at) : 0;

	if (bytes > rest->bytes || bytes % WORD_BYTES)
		return 0;
	return words_bytes(rest, 1 + bytes / WORD_BYTES + !!bytes);
}

/* { bytes, so many } */
static uint64_t aux_bytes(const struct rest *rest)
{
	uint64_t bytes = rest->bytes >= WORD_BYTES ? word_at(rest->at) : 0;

	return bytes <= rest->bytes ?
	       words_bytes(rest, 1 + (bytes + WORD_BYTES - 1) / WORD_BYTES) : 0;
}

/* 0: it does not fit. */
static uint64_t part_bytes(const struct sample_format *format, uint64_t part,
			   const struct rest *rest)
{
	switch (part) {
	case PERF_SAMPLE_READ:
		return read_bytes(rest, format->read_format);
	case PERF_SAMPLE_CALLCHAIN:
		return list_bytes(rest);
	case PERF_SAMPLE_RAW:
		return raw_bytes(rest);
	case PERF_SAMPLE_BRANCH_STACK:
		return branch_bytes(rest, format->branch_type);
	case PERF_SAMPLE_REGS_USER:
		return regs_bytes(rest, format->regs_user);
	case PERF_SAMPLE_STACK_USER:
		return stack_bytes(rest);
	case PERF_SAMPLE_REGS_INTR:
		return regs_bytes(rest, format->regs_intr);
	case PERF_SAMPLE_AUX:
		return aux_bytes(rest);
	}
	return words_bytes(rest, 1);
}

static void take_part(struct sample *sample, uint64_t part, const struct rest *rest)
{
	uint64_t word = word_at(rest->at);

	switch (part) {
	case PERF_SAMPLE_IDENTIFIER:
	case PERF_SAMPLE_ID:
		sample->id = word;
		break;
	case PERF_SAMPLE_IP:
		sample->ip = word;
		break;
	case PERF_SAMPLE_TID:
		memcpy(&sample->pid, rest->at, sizeof(sample->pid));
		memcpy(&sample->tid, rest->at + sizeof(sample->pid), sizeof(sample->tid));
		break;
	case PERF_SAMPLE_TIME:
		sample->time_ns = word;
		break;
	case PERF_SAMPLE_ADDR:
		sample->addr = word;
		break;
	case PERF_SAMPLE_CPU:
		memcpy(&sample->cpu, rest->at, sizeof(sample->cpu));
		break;
	case PERF_SAMPLE_PERIOD:
		sample->period = word;
		break;
	case PERF_SAMPLE_WEIGHT:
		sample->weight = word;
		break;
	case SAMPLE_WEIGHT_STRUCT:
		sample->weight = (uint32_t)word;	/* the others are no latency */
		break;
	case PERF_SAMPLE_DATA_SRC:
		take_source(sample, word);
		break;
	case PERF_SAMPLE_PHYS_ADDR:
		sample->phys_addr = word;
		break;
	}
}

/* In the order in which perf writes them. */
static const uint64_t parts[] = {
	PERF_SAMPLE_IDENTIFIER, PERF_SAMPLE_IP, PERF_SAMPLE_TID, PERF_SAMPLE_TIME,
	PERF_SAMPLE_ADDR, PERF_SAMPLE_ID, PERF_SAMPLE_STREAM_ID, PERF_SAMPLE_CPU,
	PERF_SAMPLE_PERIOD, PERF_SAMPLE_READ, PERF_SAMPLE_CALLCHAIN, PERF_SAMPLE_RAW,
	PERF_SAMPLE_BRANCH_STACK, PERF_SAMPLE_REGS_USER, PERF_SAMPLE_STACK_USER,
	PERF_SAMPLE_WEIGHT, SAMPLE_WEIGHT_STRUCT, PERF_SAMPLE_DATA_SRC, PERF_SAMPLE_TRANSACTION,
	PERF_SAMPLE_REGS_INTR, PERF_SAMPLE_PHYS_ADDR, SAMPLE_CGROUP, SAMPLE_DATA_PAGE_SIZE,
	SAMPLE_CODE_PAGE_SIZE, PERF_SAMPLE_AUX,
};

#define NR_PARTS	(sizeof(parts) / sizeof(parts[0]))

void sample_parse(const struct sample_format *format, const void *body, uint64_t bytes,
		  struct sample *ret_sample)
{
	struct rest rest = { .at = body, .bytes = bytes }, raw = { 0 };
	uint64_t part_size;
	unsigned int i;

	*ret_sample = (struct sample){ 0 };
	for (i = 0; i < NR_PARTS; i++) {
		if (!(format->type & parts[i]))
			continue;
		part_size = part_bytes(format, parts[i], &rest);
		if (!part_size)
			break;
		if (parts[i] == PERF_SAMPLE_RAW)
			raw = (struct rest){ rest.at + sizeof(uint32_t),
					     part_size - sizeof(uint32_t) };
		take_part(ret_sample, parts[i], &rest);
		ret_sample->has |= parts[i];
		rest.at += part_size;
		rest.bytes -= part_size;
	}
	if (ret_sample->op == SAMPLE_OP_UNKNOWN && raw.at)
		take_ibs(ret_sample, raw.at, raw.bytes);
}

uint64_t sample_id_bytes(uint64_t type)
{
	return WORD_BYTES * (uint64_t)__builtin_popcountll(type & (PERF_SAMPLE_TID |
		PERF_SAMPLE_TIME | PERF_SAMPLE_ID | PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU |
		PERF_SAMPLE_IDENTIFIER));
}
