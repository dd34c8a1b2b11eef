// SPDX-License-Identifier: GPL-2.0
/*
 * sampler_ibs.c - samples of loads and stores from AMD CPUs
 *
 * IBS: the CPU follows one instruction in so many and writes down what became of it.  Most
 * are no loads, or were answered by a cache: these are counted and dropped.
 */
#include "sampler.h"
#include "sampler_perf.h"

static int ibs_open(const struct sampler_context *context, void **ret_state)
{
	return sampler_perf_open(context, event_ibs, false, ret_state);
}

static int ibs_probe(struct reason *why)
{
	return sampler_perf_probe(event_ibs, why);
}

const struct sampler sampler_ibs = {
	.name = "ibs",
	.help = "loads and stores that AMD CPUs sample, by the kernel's perf events",
	.probe = ibs_probe,
	.open = ibs_open,
	.drain = sampler_perf_drain,
	.due_ns = sampler_perf_due_ns,
	.close = sampler_perf_close,
};
