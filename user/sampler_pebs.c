// SPDX-License-Identifier: GPL-2.0
/*
 * sampler_pebs.c - samples of loads and stores from the PMU of Intel CPUs
 *
 * PEBS: the CPU writes down the address of the access that made a counter overflow (HeMem,
 * SOSP '21, 3.1).  Its events are event.c's.
 */
#include "sampler.h"
#include "sampler_perf.h"

static int pebs_open(const struct sampler_context *context, void **ret_state)
{
	return sampler_perf_open(context, event_pebs, false, ret_state);
}

static int pebs_probe(struct reason *why)
{
	return sampler_perf_probe(event_pebs, why);
}

const struct sampler sampler_pebs = {
	.name = "pebs",
	.help = "loads and stores that Intel CPUs sample, by the kernel's perf events",
	.probe = pebs_probe,
	.open = pebs_open,
	.drain = sampler_perf_drain,
	.due_ns = sampler_perf_due_ns,
	.close = sampler_perf_close,
};
