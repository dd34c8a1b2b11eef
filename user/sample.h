/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sample.h - what one sample of perf says
 */
#ifndef HEMEM_SAMPLE_H
#define HEMEM_SAMPLE_H

#include <stdint.h>

/**
 * struct sample_format - what is in a sample, as in struct perf_event_attr
 * @type: PERF_SAMPLE_*
 * @read_format: PERF_FORMAT_*; only looked at with PERF_SAMPLE_READ
 * @branch_type: PERF_SAMPLE_BRANCH_*; only with PERF_SAMPLE_BRANCH_STACK
 * @regs_user, @regs_intr: registers, a bit for each; only with PERF_SAMPLE_REGS_*
 */
struct sample_format {
	uint64_t type;
	uint64_t read_format;
	uint64_t branch_type;
	uint64_t regs_user;
	uint64_t regs_intr;
};

/** enum sample_op - what the sampled instruction did */
enum sample_op {
	SAMPLE_OP_UNKNOWN,
	SAMPLE_OP_LOAD,
	SAMPLE_OP_STORE,
	SAMPLE_OP_NONE,		/* it did not access memory */
};

/** enum sample_level - who answered a load */
enum sample_level {
	SAMPLE_LEVEL_UNKNOWN,
	SAMPLE_LEVEL_CACHE,
	SAMPLE_LEVEL_NEAR,	/* DRAM of this socket */
	SAMPLE_LEVEL_FAR,	/* other memory: of another socket, persistent, CXL */
};

/**
 * struct sample - what was found; what is not in @has is 0
 * @has: PERF_SAMPLE_* of those that were there
 * @id: of the event
 * @pid, @tid: process and thread
 * @cpu: where
 * @time_ns: on the event's clock
 * @ip: the instruction
 * @addr: of the access
 * @phys_addr: the same, physical
 * @period: events that this sample stands for
 * @weight: what the access waited, in the producer's unit
 * @op, @level: from PERF_SAMPLE_DATA_SRC, or from the registers of AMD's IBS where the kernel
 *	puts these into PERF_SAMPLE_RAW and knows no data source
 */
struct sample {
	uint64_t has;
	uint64_t id;
	uint32_t pid, tid;
	uint32_t cpu;
	uint64_t time_ns;
	uint64_t ip;
	uint64_t addr;
	uint64_t phys_addr;
	uint64_t period;
	uint64_t weight;
	enum sample_op op;
	enum sample_level level;
};

/**
 * sample_parse() - read the body of a PERF_RECORD_SAMPLE
 * @format: what is in it
 * @body: what follows the header; need not be aligned
 * @bytes: how many bytes there are; nothing behind them is read
 * @ret_sample: overwritten
 *
 * A body that ends early, or has a part that says it is longer than the rest, is read up to
 * there: @has tells what was read.
 */
void sample_parse(const struct sample_format *format, const void *body, uint64_t bytes,
		  struct sample *ret_sample);

/** sample_id_bytes() - length of what sample_id_all appends to records that are no samples */
uint64_t sample_id_bytes(uint64_t type);

#endif /* HEMEM_SAMPLE_H */
