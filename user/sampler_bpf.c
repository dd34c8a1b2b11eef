// SPDX-License-Identifier: GPL-2.0
/*
 * sampler_bpf.c - samples of loads and stores that the kernel counts by page
 *
 * The events are those of pebs or ibs.  A BPF program on them drops what is not the target's and
 * counts the rest by page, so that one wake-up brings thousands of samples (tally.bpf.c).  Without
 * BPF it is what pebs or ibs is.  What is lost is the order of samples within a rest.
 */
#include <errno.h>

#include "sampler.h"
#include "sampler_perf.h"

static int find_events(const char *sysroot, struct event ret_events[static EVENT_MAX],
		       size_t *ret_nr, struct reason *why)
{
	int err = event_pebs(sysroot, ret_events, ret_nr, why);

	return err == -ENODEV ? event_ibs(sysroot, ret_events, ret_nr, why) : err;
}

static int bpf_open(const struct sampler_context *context, void **ret_state)
{
	return sampler_perf_open(context, find_events, true, ret_state);
}

const struct sampler sampler_bpf = {
	.name = "bpf",
	.help = "those of pebs or ibs, counted by page in the kernel by a BPF program",
	.open = bpf_open,
	.drain = sampler_perf_drain,
	.due_ns = sampler_perf_due_ns,
	.close = sampler_perf_close,
};
