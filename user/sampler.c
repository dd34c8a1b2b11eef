// SPDX-License-Identifier: GPL-2.0
/*
 * sampler.c - the table of samplers
 */
#include <string.h>

#include "sampler.h"

/* The best one first: that is what "auto" takes. */
const struct sampler *const sampler_table[] = {
	&sampler_scan,
	&sampler_none,
	NULL,
};

const struct sampler *sampler_find(const char *name)
{
	const struct sampler *const *sampler;

	if (!strcmp(name, "auto"))
		return sampler_table[0];
	for (sampler = sampler_table; *sampler; sampler++)
		if (!strcmp(name, (*sampler)->name))
			return *sampler;
	return NULL;
}
