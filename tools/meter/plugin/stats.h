/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stats.h - what was counted, by phase and by window
 *
 * In [2] indices: user mode 0 and kernel 1; loads 0 and stores 1.
 */
#ifndef METER_STATS_H
#define METER_STATS_H

#include <stddef.h>

#include "../../../include/hemem_rings.h"
#include "../mark.h"
#include "meter.h"

/** struct stats_oracle - see oracle.h; user misses of the target */
struct stats_oracle {
	uint64_t static_fast;
	uint64_t window_fast;
};

/** struct stats_mmode - see mmode.h */
struct stats_mmode {
	uint64_t hits;
	uint64_t misses;
	uint64_t write_hits;
	uint64_t write_misses;
	uint64_t write_backs_slow;
	uint64_t time_ps;	/* but for the time in which all vCPUs are idle */
};

/**
 * struct stats_phase - counters of a phase
 * @accesses: [kernel][store], all loads and stores
 * @elsewhere: accesses to devices and to memory of no node
 * @llc_lookups, @llc_hits: accesses that the first level cache had not
 * @misses: [node][kernel][store], lines that came from a node
 * @write_backs: [node], lines that went there
 * @stream_misses: of @misses, those that a prefetcher foresaw
 * @stall_ps: what vCPUs waited for caches and memory, and @queue_ps of it for bandwidth
 * @time_ns: that passed on the guest's clock
 * @idle_ns: of it, while all vCPUs were idle
 * @host_cpu_ns: what it took to emulate
 * @target: [tier] user misses of the target, loads and stores
 * @oracle_misses: their sum as the oracle has it
 */
struct stats_phase {
	uint64_t instructions[2];
	uint64_t accesses[2][2];
	uint64_t elsewhere;
	uint64_t llc_lookups;
	uint64_t llc_hits;
	uint64_t misses[METER_MAX_NODES][2][2];
	uint64_t write_backs[METER_MAX_NODES];
	uint64_t stream_misses;
	uint64_t stall_ps;
	uint64_t queue_ps;
	uint64_t time_ns;
	uint64_t idle_ns;
	uint64_t host_cpu_ns;
	uint64_t samples[HEMEM_RINGS_NR_EVENTS];
	uint64_t target[NR_TIERS];
	uint64_t oracle_misses;
	struct stats_oracle oracle[METER_MAX_SIZES];
	struct stats_mmode mmode[METER_MAX_SIZES];
	bool was_entered;
};

/**
 * struct stats_window - a stretch of modelled time
 * @end_ns: since the model was first turned on
 * @misses: [tier] user misses of the target, or of all while there is none
 * @write_backs: [tier] of all
 */
struct stats_window {
	uint64_t end_ns;
	unsigned int phase;
	uint64_t misses[NR_TIERS];
	uint64_t write_backs[NR_TIERS];
};

extern struct stats_phase stats_phases[METER_NR_PHASES];
extern struct stats_phase *stats;		/* of the phase that it is */
extern struct stats_window stats_window;	/* that is being filled */
extern uint64_t stats_window_ends_ns;

unsigned int stats_phase(void);

/** stats_set_phase() - the counters of the old phase are complete, those of @phase go on */
void stats_set_phase(unsigned int phase);

/** stats_close() - bring the present phase's counters up to date, at the end */
void stats_close(void);

/** stats_reset() - after stats_close(): count from 0 again, in the phase that it is */
void stats_reset(void);

/** stats_begin_windows() - the model was turned on at @now_ns */
void stats_begin_windows(uint64_t now_ns);

/** stats_end_window() - @now_ns is past the window's end */
void stats_end_window(uint64_t now_ns);

/** stats_windows() - all that ended; *@ret_nr of them */
const struct stats_window *stats_windows(size_t *ret_nr);

#endif /* METER_STATS_H */
