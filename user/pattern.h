/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pattern.h - made-up targets: which address is accessed next
 */
#ifndef HEMEM_PATTERN_H
#define HEMEM_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

struct trace_writer;

/**
 * enum pattern_kind - how accesses are spread
 * @PATTERN_HOT: hot_pct of them over the hot units, the others over all; the hot units lie
 *	scattered
 * @PATTERN_MOVING: the same, and other units are hot every @every_ms
 * @PATTERN_ZIPF: the i-th hottest unit gets a share as i^-0.99, YCSB's; scattered
 * @PATTERN_UNIFORM: all alike
 * @PATTERN_SCAN: from the first address to the last, again and again
 * @PATTERN_SCAN_HOT: half of them a scan, half over the hot units
 * @PATTERN_PHASES: hot, uniform, scan, hot elsewhere, each for @every_ms
 */
enum pattern_kind {
	PATTERN_HOT,
	PATTERN_MOVING,
	PATTERN_ZIPF,
	PATTERN_UNIFORM,
	PATTERN_SCAN,
	PATTERN_SCAN_HOT,
	PATTERN_PHASES,
	PATTERN_NR,
};

/**
 * struct pattern - a made-up target; the members are for the caller to set
 * @kind: enum pattern_kind
 * @bytes: its memory, from @base on, a multiple of @unit_bytes
 * @unit_bytes: what has one heat; a multiple of a base page
 * @hot_bytes: size of the hot set
 * @hot_pct: share of the accesses that go there
 * @write_pct: share of the accesses that are stores
 * @every_ms: see above
 * @huge: its pages are of 2 MiB
 * @samples_per_s: how many samples a second has
 * @rate: loads, stores that a sample stands for
 * @seed: the same seed makes the same accesses
 * @random, @nr, @swept: state, 0 at first
 */
struct pattern {
	enum pattern_kind kind;
	uint64_t base;
	uint64_t bytes;
	uint64_t unit_bytes;
	uint64_t hot_bytes;
	uint64_t hot_pct;
	uint64_t write_pct;
	uint64_t every_ms;
	bool huge;
	uint64_t samples_per_s;
	uint64_t rate[2];
	uint64_t seed;
	uint64_t random;
	uint64_t nr;
	uint64_t swept;
};

/** pattern_names - by enum pattern_kind, as typed */
extern const char *const pattern_names[PATTERN_NR];

/** pattern_find() - kind by name, or PATTERN_NR */
enum pattern_kind pattern_find(const char *name);

/** pattern_init() - a target of 256 MiB of base pages, a tenth of it hot with nine tenths */
void pattern_init(struct pattern *pattern, enum pattern_kind kind);

/** pattern_next() - the next sampled access.  Return: its address. */
uint64_t pattern_next(struct pattern *pattern, bool *ret_write);

/**
 * pattern_record() - a recording of @ms milliseconds, a tick every 20
 *
 * Pages are on the fast node, of @fast_bytes, from the first address on until that is full;
 * the others on the slow one.
 */
void pattern_record(struct pattern *pattern, struct trace_writer *writer, uint64_t ms,
		    uint64_t fast_bytes);

#endif /* HEMEM_PATTERN_H */
