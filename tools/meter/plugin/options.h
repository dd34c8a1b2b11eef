/* SPDX-License-Identifier: GPL-2.0 */
#ifndef METER_OPTIONS_H
#define METER_OPTIONS_H

#include "meter.h"

/**
 * struct memory_options - what a kind of memory is like
 * @latency_ns: of a line that nobody foresaw
 * @stream_ns: of a line that a prefetcher foresaw
 * @read_mbps, @write_mbps: megabytes (10^6) a second when it does nothing else
 */
struct memory_options {
	uint64_t latency_ns;
	uint64_t stream_ns;
	uint64_t read_mbps;
	uint64_t write_mbps;
};

/** struct meter_options - all options; options.c has their names, ranges and defaults */
struct meter_options {
	const char *json;
	const char *ring;
	const char *memory_name[NR_TIERS];
	struct memory_options memory[NR_TIERS];
	uint32_t slow_nodes;	/* bit per node */
	uint64_t fast_bytes[METER_MAX_SIZES];
	unsigned int nr_fast_bytes;
	uint64_t llc_bytes;
	uint64_t llc_ways;
	uint64_t llc_ns;
	uint64_t write_queue_ns;
	uint64_t store_stall_pct;
	uint64_t instruction_ps;
	uint64_t window_ms;
	uint64_t only_run;
	uint64_t clock;
	uint64_t clock_step_ns;
	uint64_t turn;
	uint64_t sample_ns;
	uint64_t tick_us;
	uint64_t max_samples_per_tick;
};

extern struct meter_options options;

/** options_parse() - NAME=VALUE strings; ends the emulator at what it does not know */
void options_parse(int argc, char **argv);

/** options_for_each() - the numbers, by their names */
void options_for_each(void (*see)(const char *name, uint64_t value, void *data), void *data);

#endif /* METER_OPTIONS_H */
