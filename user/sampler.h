/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sampler.h - where samples come from
 */
#ifndef HEMEM_SAMPLER_H
#define HEMEM_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct assist;
struct heat;
struct reason;
struct region_set;
struct stats;
struct tier_set;

/**
 * struct sampler_context - what a sampler works with; all stay the caller's
 * @arg: what the user wrote behind the sampler's name and a colon; NULL: nothing
 * @pid: the target
 * @assist: the attached module; NULL: there is none
 * @regions: the target's regions, kept up to date
 * @tiers: to turn node numbers into node indexes
 * @heat: where samples go
 * @cpu_budget_bp: CPU time that taking in single samples may take, in 1/10,000 of one CPU
 * @stats: samples_*, records_*, sample_*, scans, scan_*, news are the sampler's to keep
 */
struct sampler_context {
	const char *arg;
	pid_t pid;
	struct assist *assist;
	const struct region_set *regions;
	const struct tier_set *tiers;
	struct heat *heat;
	uint64_t cpu_budget_bp;
	struct stats *stats;
};

/**
 * struct sampler - one source of samples
 * @name: for --sampler; "ring:PATH": what follows the colon is its argument
 * @help: one line
 * @needs_assist: it works through the module
 * @probe: would it work on this machine, for any target?  Says why, or why not.  NULL: it
 *	is taken only when it is asked for.  Return: 0 or -errno.
 * @open: begin.  @ret_state is handed to the others; untouched on failure.
 *	Return: 0 or -errno.
 * @drain: put what there is into the heat store.  Takes a bounded time (tens of
 *	ms) and does nothing before its next samples are due.
 *	Return: 0, -ESRCH: the target's memory is gone, or another -errno.
 * @due_ns: CLOCK_MONOTONIC time at which drain has work again; UINT64_MAX: never
 * @close: end.  A NULL state is allowed.
 */
struct sampler {
	const char *name;
	const char *help;
	bool needs_assist;
	int (*probe)(struct reason *why);
	int (*open)(const struct sampler_context *context, void **ret_state);
	int (*drain)(void *state, uint64_t now_ns);
	uint64_t (*due_ns)(const void *state);
	void (*close)(void *state);
};

extern const struct sampler sampler_pebs;
extern const struct sampler sampler_ibs;
extern const struct sampler sampler_bpf;
extern const struct sampler sampler_scan;
extern const struct sampler sampler_ring;
extern const struct sampler sampler_trace;
extern const struct sampler sampler_none;

/** sampler_table - all of them, the best one first, NULL at the end */
extern const struct sampler *const sampler_table[];

/**
 * sampler_find() - by name, as the user wrote it
 * @name: "auto": the best one that works here, found out by trying with the first call
 *
 * Return: NULL: there is none of that name.
 */
const struct sampler *sampler_find(const char *name);

/** sampler_reason() - why "auto" is what it is, one sentence without full stop */
const char *sampler_reason(void);

/** sampler_arg() - what stands behind the colon, or NULL */
const char *sampler_arg(const char *name);

#endif /* HEMEM_SAMPLER_H */
