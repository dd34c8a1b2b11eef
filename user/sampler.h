/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sampler.h - where samples come from
 */
#ifndef HEMEM_SAMPLER_H
#define HEMEM_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

struct assist;
struct heat;
struct region_set;
struct stats;
struct tier_set;

/**
 * struct sampler_context - what a sampler works with; all stay the caller's
 * @assist: the attached module; NULL: there is none
 * @regions: the target's regions, kept up to date
 * @tiers: to turn node numbers into node indexes
 * @heat: where samples go
 * @stats: samples_*, scans, scan_* are the sampler's to keep
 */
struct sampler_context {
	struct assist *assist;
	const struct region_set *regions;
	const struct tier_set *tiers;
	struct heat *heat;
	struct stats *stats;
};

/**
 * struct sampler - one source of samples
 * @name: for --sampler
 * @help: one line
 * @needs_assist: it works through the module
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
	int (*open)(const struct sampler_context *context, void **ret_state);
	int (*drain)(void *state, uint64_t now_ns);
	uint64_t (*due_ns)(const void *state);
	void (*close)(void *state);
};

extern const struct sampler sampler_scan;
extern const struct sampler sampler_none;

/** sampler_table - all of them, NULL at the end */
extern const struct sampler *const sampler_table[];

/** sampler_find() - by name; "auto": the best there is; NULL: no such sampler */
const struct sampler *sampler_find(const char *name);

#endif /* HEMEM_SAMPLER_H */
