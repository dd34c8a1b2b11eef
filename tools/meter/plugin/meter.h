/* SPDX-License-Identifier: GPL-2.0 */
/*
 * meter.h - what every part of the plugin knows
 *
 * The plugin runs on QEMU's one vCPU thread (icount, vCPUs in turn), so nothing here is locked.
 * Times are picoseconds of modelled time unless the name says otherwise.
 */
#ifndef METER_H
#define METER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>

#define METER_MAX_NODES 8
#define METER_MAX_VCPUS 16
#define METER_MAX_SIZES 8	/* sizes of the fast tier that are looked at in one run */
#define METER_LINE_SHIFT 6
#define METER_LINE_BYTES (1 << METER_LINE_SHIFT)
#define METER_PAGE_SHIFT 12
#define METER_FILTER_SETS 128
#define METER_FILTER_WAYS 4	/* 128 sets of 4 lines: 32 KiB, as the L1 of the last decade */
#define METER_NR_STREAMS 8

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

enum meter_tier { FAST, SLOW, NR_TIERS };

struct process;

/**
 * struct vcpu - one virtual CPU, as the model sees it
 * @filter: lines by virtual address that its first level cache holds, last used first;
 *	bit 0 of an entry: stored to, bit 63: in use
 * @time_ps: its own modelled time; vCPUs run in turn, in the model side by side
 * @memory_ps: of it, what it waited for memory
 * @leash_ps: when @time_ps passes this, another vCPU has to catch up first
 * @is_idle: it has halted
 * @process: whose page tables it uses; NULL: look it up
 * @is_watched: samples of this process are wanted
 * @free_ps: when the memory of a node has served what this vCPU asked of it
 * @line_ps: what a line takes there now, reading and writing, given what others use
 * @used_ps: for how long it used a node since bandwidth was last shared out
 * @streams: the lines that would continue a stream of this vCPU
 */
struct vcpu {
	uint64_t filter[METER_FILTER_SETS][METER_FILTER_WAYS];
	uint64_t time_ps;
	uint64_t memory_ps;
	uint64_t leash_ps;
	bool is_idle;
	bool is_watched;
	unsigned int index;
	struct process *process;
	uint64_t free_ps[METER_MAX_NODES];
	uint64_t line_ps[METER_MAX_NODES][2];
	uint64_t used_ps[METER_MAX_NODES];
	uint64_t streams[METER_NR_STREAMS];
	unsigned int next_stream;
} __attribute__((aligned(64)));

extern struct vcpu vcpus[METER_MAX_VCPUS];
extern unsigned int nr_vcpus;

/** meter_die() - end the emulator with a reason; a wrong number is worse than none */
noreturn void meter_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
void meter_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* METER_H */
