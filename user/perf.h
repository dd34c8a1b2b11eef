/* SPDX-License-Identifier: GPL-2.0 */
/*
 * perf.h - events of perf_event_open(2), with rings for their samples
 */
#ifndef HEMEM_PERF_H
#define HEMEM_PERF_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "event.h"
#include "period.h"

struct perf;
struct perf_event_mmap_page;

/**
 * struct perf_ring - where samples of one event arrive
 * @event: which, as an index
 * @page: the mapping, for ring_init(), and its size
 * @sample_type: PERF_SAMPLE_* that were granted
 * @ns_per_unit: of PERF_SAMPLE_WEIGHT, which is in cycles; 0: not known
 */
struct perf_ring {
	size_t event;
	struct perf_event_mmap_page *page;
	uint64_t bytes;
	uint64_t sample_type;
	double ns_per_unit;
};

/**
 * struct perf_trial - what the kernel makes of an event
 * @err: 0, or why it cannot be opened; perf_reason() then says it in words
 * @precise: precise_ip that was granted, 0 .. 3
 * @sample_type: PERF_SAMPLE_* that were granted
 * @nr_samples: samples of a loop of our own
 * @nr_addrs: of these: with an address
 */
struct perf_trial {
	int err;
	unsigned int precise;
	uint64_t sample_type;
	uint64_t nr_samples;
	uint64_t nr_addrs;
};

/**
 * perf_open() - open events for one process
 * @pid: the target
 * @events: @nr_events of them; stay the caller's, as long as the result lives
 * @ret_perf: for perf_close(); untouched on failure
 *
 * Every CPU is sampled where that is allowed, and samples of others are there too; else each
 * thread of the target, and those that it starts.  Nothing is sampled before perf_enable().
 *
 * Return: 0; or, with perf_reason() saying what to do about it: -EACCES: no right to; -ENODEV,
 * -EOPNOTSUPP: no such PMU, or one that gives no addresses; -EMFILE, -ENOMEM; -ESRCH.
 */
int perf_open(pid_t pid, const struct event *events, size_t nr_events, struct perf **ret_perf);

/** perf_reason() - why the last call of this thread failed; one sentence without full stop */
const char *perf_reason(void);

/** perf_rings() - all of them; valid until perf_close() */
const struct perf_ring *perf_rings(const struct perf *perf, size_t *ret_nr);

/** perf_how() - "4 CPUs" or "12 threads on 4 CPUs": what is sampled, for a report */
const char *perf_how(const struct perf *perf);

/** perf_enable() - begin to sample */
void perf_enable(struct perf *perf);

/**
 * perf_set_period() - events to a sample from now on
 * @kind: of all events that are on this ladder
 *
 * Return: 0; -ESTALE: threads that the target has started since perf_open() keep the old
 * period, as the kernel does not tell them: open the events again.
 */
int perf_set_period(struct perf *perf, enum period_kind kind, uint64_t period);

/**
 * perf_fds() - file descriptors of one event, for who attaches something to them
 * @ret_nr: how many
 *
 * Return: an array that lives as long as @perf.
 */
const int *perf_fds(const struct perf *perf, size_t event, size_t *ret_nr);

/** perf_close() - NULL is allowed */
void perf_close(struct perf *perf);

/** perf_kind() - whose ladder of periods an event is on */
enum period_kind perf_kind(const struct event *event);

/**
 * perf_try() - open one event for this thread and run a loop of loads and stores
 *
 * Takes some 20 ms.  Return: as @ret_trial->err.
 */
int perf_try(const struct event *event, struct perf_trial *ret_trial);

#endif /* HEMEM_PERF_H */
