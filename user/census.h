/* SPDX-License-Identifier: GPL-2.0 */
/*
 * census.h - which pages are there, how large and on which node, used or not
 */
#ifndef HEMEM_CENSUS_H
#define HEMEM_CENSUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct assist;
struct census;
struct heat;
struct region_set;
struct stats;
struct tier_set;

/**
 * struct census_context - what a census works with; all stay the caller's
 * @assist: the attached module; NULL: there is none, ask move_pages(2)
 * @pid: the target
 * @regions: its regions, kept up to date
 * @tiers: to turn node numbers into node indexes
 * @heat: where pages go
 */
struct census_context {
	struct assist *assist;
	pid_t pid;
	const struct region_set *regions;
	const struct tier_set *tiers;
	struct heat *heat;
};

/** census_new() - Return: 0, -ENOMEM, or -EOPNOTSUPP: the module's pages are not ours */
int census_new(const struct census_context *context, struct census **ret_census);

/** census_free() - NULL is allowed */
void census_free(struct census *census);

/**
 * census_run() - go on with the walk over all regions, when that is due
 *
 * Takes a bounded time, 20 ms.  At the end of a walk, pages that are not there any more
 * have left the heat store.  A walk takes at most a hundredth of one CPU, the first, without
 * which nothing can be decided, a quarter.
 *
 * Return: 0, -ESRCH: the target's memory is gone, or another -errno.
 */
int census_run(struct census *census, uint64_t now_ns);

/** census_look_ns() - CPU time that census_look() has taken since census_new() */
uint64_t census_look_ns(const struct census *census);

/**
 * census_look() - look at the 2 MiB around one address now
 * @census: the census
 * @addr: somewhere in the target
 * @now_ns: CLOCK_MONOTONIC
 *
 * Return: 0: looked; -EAGAIN: that was done a moment ago, or was done for too many others;
 * -EFAULT: no region that can be moved is there; -ESRCH; or another -errno.
 */
int census_look(struct census *census, uint64_t addr, uint64_t now_ns);

/**
 * census_sample() - count a sample of one access for its page
 * @census: the census; looks the page up if it is not known
 * @addr: address of the access
 * @write: it was a write
 * @now_ns: CLOCK_MONOTONIC
 * @stats: samples_used, _outside, _unmovable or _dropped is counted
 *
 * Return: 0, or -ESRCH: the target's memory is gone.
 */
int census_sample(struct census *census, uint64_t addr, bool write, uint64_t now_ns,
		  struct stats *stats);

#endif /* HEMEM_CENSUS_H */
