// SPDX-License-Identifier: GPL-2.0
/*
 * sampler.c - the table of samplers
 */
#include <stdio.h>
#include <string.h>

#include "reason.h"
#include "sampler.h"

/* "auto" takes the first one that works. */
const struct sampler *const sampler_table[] = {
	&sampler_pebs,
	&sampler_ibs,
	&sampler_bpf,
	&sampler_scan,
	&sampler_ring,
	&sampler_trace,
	&sampler_none,
	NULL,
};

static struct reason reason = { "it was asked for" };

const char *sampler_reason(void)
{
	return reason.text;
}

/* Keeps why the better ones do not work: "pebs: this is no CPU of Intel; ibs: ..." */
static const struct sampler *find_best(void)
{
	const struct sampler *const *sampler;
	struct reason why;
	size_t length = 0;

	for (sampler = sampler_table; *sampler; sampler++) {
		if (!(*sampler)->probe)
			continue;
		if (!(*sampler)->probe(&why))
			break;
		length += (size_t)snprintf(reason.text + length, sizeof(reason.text) - length,
					   "%s%s: %s", length ? "; " : "", (*sampler)->name,
					   why.text);
		if (length >= sizeof(reason.text))
			length = sizeof(reason.text) - 1;
	}
	if (!length)
		reason = why;
	return *sampler;
}

/* Probing takes some time, and the machine stays the same. */
static const struct sampler *best(void)
{
	static const struct sampler *found;

	if (!found)
		found = find_best();
	return found;
}

const struct sampler *sampler_find(const char *name)
{
	const struct sampler *const *sampler;

	if (!strcmp(name, "auto"))
		return best();
	for (sampler = sampler_table; *sampler; sampler++)
		if (strcspn(name, ":") == strcspn((*sampler)->name, ":") &&
		    !strncmp(name, (*sampler)->name, strcspn(name, ":")))
			return *sampler;
	return NULL;
}

const char *sampler_arg(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon ? colon + 1 : NULL;
}
