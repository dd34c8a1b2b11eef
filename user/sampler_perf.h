/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sampler_perf.h - what samplers by events of perf have in common
 */
#ifndef HEMEM_SAMPLER_PERF_H
#define HEMEM_SAMPLER_PERF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"

struct sampler_context;

/** sampler_perf_finder - gives the events to sample; as event_pebs() */
typedef int sampler_perf_finder(const char *sysroot, struct event ret_events[static EVENT_MAX],
				size_t *ret_nr, struct reason *why);

/**
 * sampler_perf_probe() - would that work here?
 * @find: gives the events
 * @why: set, also when it works
 *
 * Opens the events and samples a loop of its own, some 20 ms each.  Return: 0 or -errno.
 */
int sampler_perf_probe(sampler_perf_finder *find, struct reason *why);

/**
 * sampler_perf_open() - open of struct sampler, having said on stderr what is wrong
 * @find: gives the events
 * @with_bpf: have a BPF program count samples in the kernel; where there is none, that is
 *	said, and all samples come through rings
 */
int sampler_perf_open(const struct sampler_context *context, sampler_perf_finder *find,
		      bool with_bpf, void **ret_state);

/** sampler_perf_drain() - drain of struct sampler */
int sampler_perf_drain(void *state, uint64_t now_ns);

/** sampler_perf_due_ns() - due_ns of struct sampler */
uint64_t sampler_perf_due_ns(const void *state);

/** sampler_perf_close() - close of struct sampler */
void sampler_perf_close(void *state);

#endif /* HEMEM_SAMPLER_PERF_H */
