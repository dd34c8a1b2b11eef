/* SPDX-License-Identifier: GPL-2.0 */
/*
 * follow.h - the target as it is now: its program, its regions, its pages
 */
#ifndef HEMEM_FOLLOW_H
#define HEMEM_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "assist.h"
#include "bind.h"
#include "region.h"
#include "target.h"

struct heat;
struct sampler;
struct stats;
struct tier_set;
struct watch;

/**
 * struct follow - one target that is followed
 * @target: the process
 * @assist: the module, attached to it; closed when nothing needs it, or while the
 *	target has no memory (between two programs, in exit)
 * @regions: its regions when they were read last
 * @binds: what it has bound to nodes itself, when that was read last
 * @heat: its pages
 * @sampler: where samples come from
 * @sampler_arg: for it; the caller's, must live as long
 * @sample_cpu_bp: CPU time that it may take for samples, in 1/10,000 of one CPU
 * @sampler_state: NULL with a sampler that keeps none
 * @needs_assist: sampler or mover work through the module
 * @tiers, @stats: the caller's; must live as long
 * @watch: NULL: regions are read by the clock
 * @is_attached: the sampler is open: there is a program whose memory can be tiered
 * @has_changed: regions have to be read again
 * @maps_due_ns: earliest time to read regions because of a change
 * @maps_check_ns: latest time to read them in any case
 * @binds_due_ns: when to read what is bound
 */
struct follow {
	struct target target;
	struct assist assist;
	struct region_set regions;
	struct bind_set binds;
	struct heat *heat;
	const struct sampler *sampler;
	const char *sampler_arg;
	uint64_t sample_cpu_bp;
	void *sampler_state;
	bool needs_assist;
	const struct tier_set *tiers;
	struct stats *stats;
	struct watch *watch;
	bool is_attached;
	bool has_changed;
	uint64_t maps_due_ns;
	uint64_t maps_check_ns;
	uint64_t binds_due_ns;
};

/**
 * follow_init() - get ready for follow_open()
 * @follow: overwritten; follow_close() at the end
 *
 * Return: 0 or -ENOMEM; follow_close() is allowed then, too.
 */
int follow_init(struct follow *follow, const struct tier_set *tiers, struct stats *stats);

/**
 * follow_open() - take hold of a process and begin to sample it
 * @follow: after follow_init()
 * @pid: the target
 * @sampler: where samples come from
 * @sampler_arg: what it is told; NULL: nothing
 * @sample_cpu_bp: CPU time that it may take for samples, in 1/10,000 of one CPU
 * @needs_assist: attach to it through the module
 *
 * Return: 0, or -errno, having said on stderr what is wrong and what to do.
 */
int follow_open(struct follow *follow, pid_t pid, const struct sampler *sampler,
		const char *sampler_arg, uint64_t sample_cpu_bp, bool needs_assist);

/**
 * follow_drain() - let the sampler deliver
 * @now_ns: CLOCK_MONOTONIC
 *
 * Return: 0; -ESRCH: the target has ended; or another -errno, said on stderr.
 */
int follow_drain(struct follow *follow, uint64_t now_ns);

/**
 * follow_look() - find out what the target has mapped, unmapped or become
 *
 * Drops the heat of what is gone.  Attaches again after exec; until that is possible,
 * @is_attached is false.  Return: as follow_drain().
 */
int follow_look(struct follow *follow);

/**
 * follow_lose_memory() - the target has no memory any more: something said ESRCH
 *
 * Return: 0: it has called exec, and follow_look() will find the new program;
 * -ESRCH: it has ended.
 */
int follow_lose_memory(struct follow *follow);

/** follow_due_ns() - when the sampler has work again; UINT64_MAX: nothing to sample */
uint64_t follow_due_ns(const struct follow *follow);

/** follow_close() - detach and free everything */
void follow_close(struct follow *follow);

#endif /* HEMEM_FOLLOW_H */
