// SPDX-License-Identifier: GPL-2.0
/*
 * pattern.c - made-up targets: which address is accessed next
 *
 * Owns what a made-up target does.  Each access is one that a sampler would have told.  All
 * numbers come from one generator and a seed, so a target can be made again.
 */
#include <math.h>
#include <string.h>

#include "bytes.h"
#include "heat.h"
#include "pattern.h"
#include "trace.h"

#define MS		1000000ULL	/* in ns */
#define TICK_MS		20
#define ZIPF		0.99		/* YCSB, SoCC 2010 */
#define LINE_BYTES	64
#define SCATTER		0x9e3779b1ULL	/* a prime: n * SCATTER meets each unit once */

const char *const pattern_names[PATTERN_NR] = {
	[PATTERN_HOT] = "hot",
	[PATTERN_MOVING] = "moving",
	[PATTERN_ZIPF] = "zipf",
	[PATTERN_UNIFORM] = "uniform",
	[PATTERN_SCAN] = "scan",
	[PATTERN_SCAN_HOT] = "scan-hot",
	[PATTERN_PHASES] = "phases",
};

enum pattern_kind pattern_find(const char *name)
{
	enum pattern_kind kind = 0;

	while (kind < PATTERN_NR && strcmp(name, pattern_names[kind]))
		kind++;
	return kind;
}

void pattern_init(struct pattern *pattern, enum pattern_kind kind)
{
	*pattern = (struct pattern){
		.kind = kind, .base = 0x7f0000000000, .bytes = 256 << 20,
		.unit_bytes = HEAT_HUGE_BYTES, .hot_bytes = 26 << 20, .hot_pct = 90,
		.every_ms = 10000, .samples_per_s = 10000, .rate = { 401, 4021 },
	};
}

/* Knuth's MMIX generator; the high bits are the good ones. */
static uint64_t below(struct pattern *pattern, uint64_t nr)
{
	pattern->random = (pattern->random + pattern->seed) * 6364136223846793005ULL +
			  1442695040888963407ULL;
	return (uint64_t)((unsigned __int128)(pattern->random ^ pattern->random >> 32) *
			  nr >> 64);
}

/* The unit that is the @rank-th: neighbours in heat lie far apart. */
static uint64_t scattered(const struct pattern *pattern, uint64_t rank)
{
	uint64_t nr = pattern->bytes / pattern->unit_bytes;

	return (uint64_t)((unsigned __int128)rank * SCATTER % nr) * pattern->unit_bytes;
}

static uint64_t hot_offset(struct pattern *pattern, uint64_t turn)
{
	uint64_t nr_hot = pattern->hot_bytes / pattern->unit_bytes;
	uint64_t nr = pattern->bytes / pattern->unit_bytes;
	uint64_t rank = (below(pattern, nr_hot) + turn * nr_hot) % nr;

	return scattered(pattern, rank) + below(pattern, pattern->unit_bytes);
}

static uint64_t anywhere(struct pattern *pattern)
{
	return below(pattern, pattern->bytes);
}

static uint64_t hot_or_not(struct pattern *pattern, uint64_t turn)
{
	return below(pattern, 100) < pattern->hot_pct ? hot_offset(pattern, turn) :
							anywhere(pattern);
}

/* Lines are read one after the other, and a sample stands for so many. */
static uint64_t scan_offset(struct pattern *pattern)
{
	pattern->swept += pattern->rate[0] * LINE_BYTES;
	return pattern->swept % pattern->bytes;
}

/* The inverse of the integral of rank^-ZIPF: the continuous relative of Zipf's law. */
static uint64_t zipf_offset(struct pattern *pattern)
{
	double nr = (double)(pattern->bytes / pattern->unit_bytes);
	double u = (double)(below(pattern, 1ULL << 53)) * 0x1p-53;
	double rank = pow((pow(nr + 1, 1 - ZIPF) - 1) * u + 1, 1 / (1 - ZIPF)) - 1;

	if (rank >= nr)
		rank = nr - 1;
	return scattered(pattern, (uint64_t)rank) + below(pattern, pattern->unit_bytes);
}

static uint64_t phase_offset(struct pattern *pattern, uint64_t turn)
{
	switch (turn % 4) {
	case 0:
		return hot_or_not(pattern, 0);
	case 1:
		return anywhere(pattern);
	case 2:
		return scan_offset(pattern);
	default:
		return hot_or_not(pattern, 3);
	}
}

static uint64_t next_offset(struct pattern *pattern, uint64_t turn)
{
	switch (pattern->kind) {
	case PATTERN_HOT:
		return hot_or_not(pattern, 0);
	case PATTERN_MOVING:
		return hot_or_not(pattern, turn);
	case PATTERN_ZIPF:
		return zipf_offset(pattern);
	case PATTERN_SCAN:
		return scan_offset(pattern);
	case PATTERN_SCAN_HOT:
		return below(pattern, 2) ? scan_offset(pattern) : hot_offset(pattern, 0);
	case PATTERN_PHASES:
		return phase_offset(pattern, turn);
	default:
		return anywhere(pattern);
	}
}

uint64_t pattern_next(struct pattern *pattern, bool *ret_write)
{
	uint64_t turn = pattern->nr++ * 1000 / pattern->samples_per_s / pattern->every_ms;

	*ret_write = below(pattern, 100) < pattern->write_pct;
	return pattern->base + next_offset(pattern, turn);
}

static void put_pages(const struct pattern *pattern, struct trace_writer *writer, uint64_t from,
		      uint64_t to, unsigned int node)
{
	struct trace_event pages = {
		.kind = TRACE_PAGES, .addr = pattern->base + from, .huge = pattern->huge,
		.nr = (to - from) / (pattern->huge ? HEAT_HUGE_BYTES : HEAT_BASE_BYTES),
		.node = (uint8_t)node,
	};

	if (pages.nr)
		trace_put(writer, &pages);
}

static void put_begin(const struct pattern *pattern, struct trace_writer *writer,
		      uint64_t fast_bytes)
{
	struct trace_event rate = {
		.kind = TRACE_RATE, .rate = { pattern->rate[0], pattern->rate[1] },
	};
	struct trace_event node = { .kind = TRACE_NODE };
	struct trace_event pass = { .kind = TRACE_PASS };
	uint64_t fast = bytes_min(fast_bytes, pattern->bytes);

	fast -= fast % HEAT_HUGE_BYTES;
	node.tier = (struct tier_node){ .level = TIER_FAST, .total_bytes = fast_bytes };
	trace_put(writer, &node);
	node.node = 1;
	node.tier = (struct tier_node){
		.nid = 1, .level = TIER_SLOW, .total_bytes = pattern->bytes,
		.free_bytes = fast,
	};
	trace_put(writer, &node);
	trace_put(writer, &rate);
	trace_put(writer, &pass);
	put_pages(pattern, writer, 0, fast, 0);
	put_pages(pattern, writer, fast, pattern->bytes, 1);
	pass.value = 1;
	trace_put(writer, &pass);
}

void pattern_record(struct pattern *pattern, struct trace_writer *writer, uint64_t ms,
		    uint64_t fast_bytes)
{
	uint64_t now_ms, due;
	struct trace_event event;

	put_begin(pattern, writer, fast_bytes);
	for (now_ms = 0; now_ms < ms; now_ms += TICK_MS) {
		event = (struct trace_event){ .kind = TRACE_TICK, .now_ns = now_ms * MS };
		trace_put(writer, &event);
		due = (now_ms + TICK_MS) * pattern->samples_per_s / 1000;
		while (pattern->nr < due) {
			event = (struct trace_event){ .kind = TRACE_SAMPLE };
			event.addr = pattern_next(pattern, &event.write);
			trace_put(writer, &event);
		}
	}
	event = (struct trace_event){ .kind = TRACE_TICK, .now_ns = ms * MS };
	trace_put(writer, &event);
}
