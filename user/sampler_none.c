// SPDX-License-Identifier: GPL-2.0
/*
 * sampler_none.c - delivers nothing
 *
 * With it hemem-ctl follows the target's regions and moves nothing, which shows
 * what the loop itself costs.
 */
#include <stddef.h>

#include "sampler.h"

static int none_open(const struct sampler_context *context, void **ret_state)
{
	(void)context;
	*ret_state = NULL;
	return 0;
}

static int none_drain(void *state, uint64_t now_ns)
{
	(void)state;
	(void)now_ns;
	return 0;
}

static uint64_t none_due_ns(const void *state)
{
	(void)state;
	return UINT64_MAX;
}

static void none_close(void *state)
{
	(void)state;
}

const struct sampler sampler_none = {
	.name = "none",
	.help = "no samples: nothing becomes hot, nothing moves",
	.open = none_open,
	.drain = none_drain,
	.due_ns = none_due_ns,
	.close = none_close,
};
