// SPDX-License-Identifier: GPL-2.0
/*
 * follow.c - the target as it is now: its program, its regions, its pages
 *
 * Owns the knowledge of one target and when it is stale: a watch or the clock say that
 * regions have changed, exec takes all memory away, exit ends it all.  What is done
 * with the pages is the loop's; sampling, parsing and storing are the sampler's,
 * region's and heat's.
 *
 * Example: the target calls exec.  The watch tells, or a scan says ESRCH: all heat and
 * regions are dropped and the module's fd is closed.  In the next turns
 * follow_look() attaches to the new program, as soon as it has memory.
 *
 * Reading the regions takes at most a twentieth of one CPU: what takes long makes its
 * own next turn late.  What the target has bound to nodes costs the kernel a walk over all page
 * tables and tells of no change by itself, so it is read at first and then every ten seconds
 * (each second while something is bound), or as seldom as takes a hundredth of one CPU.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "follow.h"
#include "heat.h"
#include "sampler.h"
#include "stats.h"
#include "tier.h"
#include "watch.h"

#define SECOND_NS	1000000000ULL
#define CPU_SHARE	20		/* one in so many ns, at most */
#define MAPS_EVERY_NS	SECOND_NS	/* without watch: changes are seen this late */
#define BINDS_SHARE	100
#define BINDS_EVERY_NS	(10 * SECOND_NS)
#define BOUND_EVERY_NS	SECOND_NS	/* while something is bound: it may be for a moment */
#define MAPS_CHECK_NS	(5 * SECOND_NS)	/* with watch: for what it cannot see */

static int complain(const char *what, int err)
{
	fprintf(stderr, "hemem-ctl: %s: %s\n", what, strerror(-err));
	return err;
}

/* ---- attach and detach ---- */

static int complain_attach(const struct target *target, int err, pid_t holder)
{
	char pid[64];

	snprintf(pid, sizeof(pid), "process %d (%s)", (int)target->pid, target->comm);
	if (err == -EBUSY && holder)
		fprintf(stderr, "hemem-ctl: %s is held by process %d already: hemem-ctl detach %d "
			"first\n", pid, (int)holder, (int)target->pid);
	else if (err == -EBUSY)
		fprintf(stderr, "hemem-ctl: %s is held by a controller in another PID namespace "
			"already\n", pid);
	else if (err == -EPERM)
		fprintf(stderr, "hemem-ctl: no right to look into %s: run as its user or as root\n",
			pid);
	else
		fprintf(stderr, "hemem-ctl: cannot attach to %s: %s\n", pid, strerror(-err));
	return err;
}

static int open_assist(struct follow *follow)
{
	pid_t holder = 0;
	int err;

	if (!follow->needs_assist)
		return 0;
	err = assist_open(&follow->assist);
	if (err) {
		fprintf(stderr, "hemem-ctl: %s\n", assist_reason(err));
		return err;
	}
	err = assist_attach(&follow->assist, follow->target.pidfd, &holder);
	if (err == -ESRCH && target_alive(&follow->target))
		err = -EAGAIN;	/* it is between two programs */
	else if (err)
		complain_attach(&follow->target, err, holder);
	if (err)
		assist_close(&follow->assist);
	return err;
}

/* Begin to sample the program that the target runs now. */
static int attach(struct follow *follow)
{
	struct sampler_context context = {
		.arg = follow->sampler_arg, .pid = follow->target.pid,
		.assist = follow->needs_assist ? &follow->assist : NULL,
		.regions = &follow->regions, .tiers = follow->tiers, .heat = follow->heat,
		.cpu_budget_bp = follow->sample_cpu_bp, .stats = follow->stats,
	};
	int err = open_assist(follow);

	if (err)
		return err;
	err = follow->sampler->open(&context, &follow->sampler_state);
	if (err) {
		fprintf(stderr, "hemem-ctl: the sampler %s does not work here: %s\n",
			follow->sampler->name, strerror(-err));
		assist_close(&follow->assist);
		return err;
	}
	follow->is_attached = true;
	follow->has_changed = true;
	follow->maps_due_ns = 0;
	follow->binds_due_ns = 0;
	return 0;
}

static void detach(struct follow *follow)
{
	if (follow->is_attached)
		follow->sampler->close(follow->sampler_state);
	follow->sampler_state = NULL;
	follow->is_attached = false;
	assist_close(&follow->assist);
}

int follow_lose_memory(struct follow *follow)
{
	detach(follow);
	heat_clear(follow->heat);
	region_free(&follow->regions);
	bind_free(&follow->binds);
	if (!target_alive(&follow->target))
		return -ESRCH;
	follow->stats->events_exec++;
	return 0;
}

/* Attach again after exec; while that is not possible yet, in a later turn. */
static int attach_again(struct follow *follow)
{
	int err = target_refresh(&follow->target);

	if (!err)
		err = attach(follow);
	if (err == -EAGAIN)
		return 0;
	return err && !target_alive(&follow->target) ? -ESRCH : err;
}

/* ---- samples ---- */

int follow_drain(struct follow *follow, uint64_t now_ns)
{
	int err;

	if (!follow->is_attached)
		return 0;
	err = follow->sampler->drain(follow->sampler_state, now_ns);
	if (err == -ESRCH)
		return follow_lose_memory(follow);
	return err ? complain("sampling failed", err) : 0;
}

uint64_t follow_due_ns(const struct follow *follow)
{
	return follow->is_attached ? follow->sampler->due_ns(follow->sampler_state) : UINT64_MAX;
}

/* ---- regions ---- */

static void forget_range(void *arg, uint64_t start, uint64_t end)
{
	struct follow *follow = arg;

	heat_forget_range(follow->heat, start, end);
	follow->stats->regions_unmapped++;
}

static void count_regions(struct follow *follow)
{
	const struct region_set *set = &follow->regions;
	struct stats *stats = follow->stats;
	size_t i;

	stats->regions = 0;
	stats->region_bytes = 0;
	for (i = 0; i < set->nr; i++) {
		if (!region_movable(&set->list[i]))
			continue;
		stats->regions++;
		stats->region_bytes += set->list[i].end - set->list[i].start;
	}
}

static int read_events(struct follow *follow)
{
	struct stats *stats = follow->stats;
	struct watch_events events;

	if (!follow->watch || watch_read(follow->watch, &events))
		return 0;
	stats->events_mmap += events.nr_mmap;
	stats->events_munmap += events.nr_munmap;
	stats->events_mremap += events.nr_mremap;
	stats->events_brk += events.nr_brk;
	stats->events_fork += events.nr_fork;
	stats->events_lost += events.nr_lost;
	if (events.nr_mmap || events.nr_munmap || events.nr_mremap || events.nr_brk ||
	    events.nr_lost)
		follow->has_changed = true;
	return events.nr_exec && follow->is_attached ? follow_lose_memory(follow) : 0;
}

static int read_regions(struct follow *follow)
{
	uint64_t began_ns = clock_now_ns();
	struct region_set now;
	int err;

	if (began_ns < follow->maps_check_ns &&
	    !(follow->has_changed && began_ns >= follow->maps_due_ns))
		return 0;
	err = region_read(follow->target.pid, &now);
	if (!target_alive(&follow->target)) {
		if (!err)
			region_free(&now);
		return follow_lose_memory(follow);
	}
	if (err)
		return complain("cannot read the target's /proc/PID/maps", err);
	region_diff(&follow->regions, &now, forget_range, follow);
	region_free(&follow->regions);
	follow->regions = now;
	follow->has_changed = false;
	follow->maps_due_ns = began_ns + (clock_now_ns() - began_ns) * CPU_SHARE;
	follow->maps_check_ns = follow->maps_due_ns +
				(follow->watch ? MAPS_CHECK_NS : MAPS_EVERY_NS);
	follow->stats->maps_reads++;
	count_regions(follow);
	return 0;
}

/* A kernel without numa_maps has no memory policies; what cannot be read is tried again. */
static void read_binds(struct follow *follow)
{
	uint64_t began_ns = clock_now_ns(), took_ns, every_ns;
	struct bind_set now;

	if (began_ns < follow->binds_due_ns)
		return;
	if (!bind_read(follow->target.pid, &follow->regions, follow->tiers, &now)) {
		bind_free(&follow->binds);
		follow->binds = now;
		follow->stats->binds_reads++;
	}
	took_ns = clock_now_ns() - began_ns;
	follow->binds_due_ns = began_ns + took_ns * BINDS_SHARE;
	every_ns = follow->binds.nr ? BOUND_EVERY_NS : BINDS_EVERY_NS;
	if (follow->binds_due_ns < began_ns + every_ns)
		follow->binds_due_ns = began_ns + every_ns;
}

int follow_look(struct follow *follow)
{
	int err = read_events(follow);

	if (!err && !follow->is_attached)
		err = attach_again(follow);
	if (!err && follow->is_attached)
		err = read_regions(follow);
	if (!err && follow->is_attached)
		read_binds(follow);
	return err;
}

/* ---- from begin to end ---- */

int follow_init(struct follow *follow, const struct tier_set *tiers, struct stats *stats)
{
	*follow = (struct follow){
		.target = TARGET_NONE, .assist = ASSIST_NONE, .tiers = tiers, .stats = stats,
		.binds = bind_none,
	};
	return heat_new(&follow->heat);
}

static int open_target(struct follow *follow, pid_t pid)
{
	int err = target_open(pid, &follow->target);

	if (err == -ESRCH)
		fprintf(stderr, "hemem-ctl: there is no process %d\n", (int)pid);
	else if (err == -EINVAL)
		fprintf(stderr, "hemem-ctl: %d is a kernel thread or no PID: it has no memory to "
			"tier\n", (int)pid);
	else if (err == -ENOSYS)
		fprintf(stderr, "hemem-ctl: this kernel has no pidfd_open(2): Linux 5.3 or newer is "
			"needed\n");
	else if (err)
		fprintf(stderr, "hemem-ctl: cannot open process %d: %s\n", (int)pid,
			strerror(-err));
	return err;
}

int follow_open(struct follow *follow, pid_t pid, const struct sampler *sampler,
		const char *sampler_arg, uint64_t sample_cpu_bp, bool needs_assist)
{
	int err;

	follow->sampler = sampler;
	follow->sampler_arg = sampler_arg;
	follow->sample_cpu_bp = sample_cpu_bp;
	follow->needs_assist = needs_assist;
	err = open_target(follow, pid);
	if (err)
		return err;
	err = attach(follow);
	if (err == -EAGAIN)
		err = 0;	/* it calls exec right now: follow_look() attaches */
	if (!err && watch_open(pid, &follow->watch))
		fprintf(stderr, "hemem-ctl: reading the target's regions once a second: %s\n",
			watch_reason());
	return err;
}

void follow_close(struct follow *follow)
{
	detach(follow);
	watch_close(follow->watch);
	region_free(&follow->regions);
	bind_free(&follow->binds);
	heat_free(follow->heat);
	target_close(&follow->target);
}
