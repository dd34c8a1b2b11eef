/* SPDX-License-Identifier: GPL-2.0 */
/*
 * trace.h - a recording: what hemem-ctl saw and decided, in a file
 *
 * The file is a header and blocks.  A block has up to TRACE_BLOCK_BYTES of events and a
 * checksum; what stands in one needs no other to be read.  The last event of the last
 * block is TRACE_END, so a file that was cut short is noticed.
 */
#ifndef HEMEM_TRACE_H
#define HEMEM_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tier.h"

#define TRACE_VERSION		1
#define TRACE_BLOCK_BYTES	65536

/**
 * enum trace_kind - what an event says
 * @TRACE_TICK: a turn of the loop begins
 * @TRACE_SAMPLE: one access was sampled
 * @TRACE_PAGES: a row of pages was found present
 * @TRACE_GONE: there are no pages any more in [@addr, @addr + @nr base pages)
 * @TRACE_PASS: a look at all pages begins (@value 0) or has ended (1); in the second case
 *	pages that it did not meet are gone
 * @TRACE_REGION: the target has this region now; those of one tick are all of them
 * @TRACE_NODE: node @node is like this now
 * @TRACE_RATE: events to a sample from now on
 * @TRACE_LATENCY: what sampled loads waited, by tier
 * @TRACE_PLAN: the policy was asked; heat was halved @nr times, that of 2 MiB @value times, and
 *	a turn ended
 * @TRACE_MOVE: a move of this plan, and what became of it
 * @TRACE_END: nothing follows
 */
enum trace_kind {
	TRACE_TICK = 1,
	TRACE_SAMPLE,
	TRACE_PAGES,
	TRACE_GONE,
	TRACE_PASS,
	TRACE_REGION,
	TRACE_NODE,
	TRACE_RATE,
	TRACE_LATENCY,
	TRACE_PLAN,
	TRACE_MOVE,
	TRACE_END,
	TRACE_NR_KINDS,
};

/**
 * struct trace_event - one event; what does not belong to its kind is 0
 * @kind: enum trace_kind
 * @write: (sample) it was a store; (move) it was a trial and not made
 * @huge: (pages, move) of 2 MiB
 * @node: (pages) index, or HEAT_NO_NODE; (move) from; (node) which
 * @to, @reason, @status: (move) as in struct plan_move
 * @reads, @writes: (pages) samples to add to each; a sampler that looks at pages has those
 * @value: (pass) see there; (region) enum region_kind; (plan) see there;
 *	(end) number of samples
 * @addr: first address, a multiple of a base page; all else of a sample's is not kept
 * @nr: (plan) see there, (pages) how many, (gone, region) how many base pages, (end) number
 *	of events before this one
 * @now_ns: (tick) since the recording began
 * @rate: (rate) loads, stores to a sample; (latency) ns of fast, of slow loads, 0: not known
 * @tier: (node) what is known of it
 */
struct trace_event {
	uint8_t kind;
	bool write, huge;
	uint8_t node, to, reason, status;
	uint8_t reads, writes;
	uint64_t value;
	uint64_t addr;
	uint64_t nr;
	uint64_t now_ns;
	uint64_t rate[2];
	struct tier_node tier;
};

/**
 * struct trace_origin - where a recording comes from
 * @pid: the target; 0: it is made up
 * @comm: name of its program
 * @policy: name of the policy that was asked; "": none
 */
struct trace_origin {
	uint32_t pid;
	char comm[16];
	char policy[16];
};

struct trace_writer;
struct trace_reader;

/**
 * trace_create() - begin a file, replacing what was there
 * @path: where
 * @origin: what is recorded
 * @ret_writer: for trace_finish(); untouched on failure
 *
 * Return: 0 or -errno.
 */
int trace_create(const char *path, const struct trace_origin *origin,
		 struct trace_writer **ret_writer);

/**
 * trace_put() - append one event
 *
 * Does not fail here: the first error is kept and told by trace_finish(), and nothing is
 * written after it.
 */
void trace_put(struct trace_writer *writer, const struct trace_event *event);

/** trace_error() - 0, or the -errno that made writing stop */
int trace_error(const struct trace_writer *writer);

/** trace_finish() - write the end, close.  NULL is allowed.  Return: 0 or -errno. */
int trace_finish(struct trace_writer *writer);

/**
 * trace_open() - begin to read a file
 * @ret_reader: for trace_close(); untouched on failure
 *
 * Return: 0; or, with trace_reason() saying why: -errno of open, -EINVAL: not a recording,
 * -EPROTONOSUPPORT: of another version.
 */
int trace_open(const char *path, struct trace_reader **ret_reader);

/** trace_origin() - where it comes from */
const struct trace_origin *trace_origin(const struct trace_reader *reader);

/**
 * trace_next() - read one event
 * @ret_event: overwritten
 *
 * Return: 1; 0: there are no more; or, with trace_reason() saying what and where:
 * -EBADMSG: the file is damaged, -ENODATA: it ends too early.  After an error nothing more
 * is read.
 */
int trace_next(struct trace_reader *reader, struct trace_event *ret_event);

/** trace_rewind() - the next one is the first again */
void trace_rewind(struct trace_reader *reader);

/** trace_close() - NULL is allowed */
void trace_close(struct trace_reader *reader);

/** trace_reason() - why the last call of this thread failed, in words */
const char *trace_reason(void);

#endif /* HEMEM_TRACE_H */
