// SPDX-License-Identifier: GPL-2.0
/*
 * bind.c - nodes that the target itself has bound its memory to
 *
 * Owns the text format of /proc/PID/numa_maps.  The kernel keeps to a memory policy when it
 * allocates a page, and to nothing when it migrates one: move_pages(2) and our module would move
 * what a program has bound.  It said where its memory is to lie, so that is left alone; and where
 * it said so of several nodes, among these pages may move.
 *
 * Example, nodes 0 (fast) and 1 (slow):
 *
 *   7f0000000000 default anon=512 N0=512           anywhere
 *   7f0000200000 bind:1 anon=256 N1=256            stays on the slow tier
 *   7f0000300000 bind=static:0-1 anon=256 N0=256   anywhere
 *   7f0000400000 prefer:0 anon=1 N0=1              anywhere: it is a wish
 *
 * A line says where a mapping begins; it ends where the next one begins or the region does.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bind.h"

#define GROW_BY		64
#define MAX_NID		1024

const struct bind_set bind_none = { .allowed = BIND_ALL };

/* "0,2-3" up to a blank: bits by index of those that take part. */
static uint16_t parse_nodes(const char *text, const struct tier_set *tiers)
{
	unsigned int first, last, index;
	uint16_t nodes = 0;
	int length;

	while (sscanf(text, "%u%n", &first, &length) == 1) {
		text += length;
		last = first;
		if (*text == '-' && sscanf(text + 1, "%u%n", &last, &length) == 1)
			text += 1 + length;
		for (; first <= last && first < MAX_NID; first++) {
			index = tier_index(tiers, (int)first);
			if (index != TIER_NO_NODE)
				nodes |= (uint16_t)(1U << index);
		}
		if (*text++ != ',')
			break;
	}
	return nodes;
}

/* All nodes that take part. */
static uint16_t nodes_of(const struct tier_set *tiers)
{
	return (uint16_t)((1U << tiers->nr_nodes) - 1);
}

/* @policy: "bind=static:0-1 anon=..."; what is no wish but a must ends in the nodes. */
static uint16_t parse_policy(const char *policy, const struct tier_set *tiers)
{
	static const char *const musts[] = { "bind", "interleave", "weighted interleave" };
	size_t i, length;

	for (i = 0; i < sizeof(musts) / sizeof(musts[0]); i++) {
		length = strlen(musts[i]);
		if (strncmp(policy, musts[i], length) || !strchr("=:", policy[length]))
			continue;
		policy += length;
		policy += strcspn(policy, ": ");
		return *policy == ':' ? parse_nodes(policy + 1, tiers) : nodes_of(tiers);
	}
	return nodes_of(tiers);
}

static int append(struct bind_set *set, const struct bind *bind)
{
	struct bind *last = set->nr ? &set->list[set->nr - 1] : NULL, *list;

	if (bind->start >= bind->end)
		return 0;
	if (last && last->end == bind->start && last->nodes == bind->nodes) {
		last->end = bind->end;
		return 0;
	}
	if (set->nr % GROW_BY == 0) {
		list = reallocarray(set->list, set->nr + GROW_BY, sizeof(*list));
		if (!list)
			return -ENOMEM;
		set->list = list;
	}
	set->list[set->nr++] = *bind;
	return 0;
}

/* The mapping that began at @bind->start ends at @end or with its region. */
static int end_mapping(struct bind_set *set, const struct region_set *regions,
		       const struct tier_set *tiers, struct bind *bind, uint64_t end)
{
	const struct region *region = region_find(regions, bind->start);

	if (!region || bind->nodes == nodes_of(tiers))
		return 0;
	bind->end = end < region->end ? end : region->end;
	return append(set, bind);
}

int bind_parse(FILE *numa_maps, const struct region_set *regions, const struct tier_set *tiers,
	       uint16_t allowed, struct bind_set *ret_set)
{
	struct bind_set set = { .allowed = allowed };
	struct bind bind = { .nodes = nodes_of(tiers) };
	uint64_t start;
	size_t room = 0;
	char *line = NULL;
	int err = 0, policy_at;

	while (!err && getline(&line, &room, numa_maps) > 0) {
		policy_at = 0;
		if (sscanf(line, "%" SCNx64 " %n", &start, &policy_at) != 1 ||
		    !isalpha((unsigned char)line[policy_at])) {
			err = -EBADMSG;
			break;
		}
		err = end_mapping(&set, regions, tiers, &bind, start);
		bind = (struct bind){ .start = start,
				      .nodes = parse_policy(line + policy_at, tiers) };
	}
	if (!err)
		err = end_mapping(&set, regions, tiers, &bind, UINT64_MAX);
	free(line);
	if (err) {
		bind_free(&set);
		return err;
	}
	*ret_set = set;
	return 0;
}

uint16_t bind_parse_allowed(FILE *status, const struct tier_set *tiers)
{
	static const char name[] = "Mems_allowed_list:";
	uint16_t allowed = BIND_ALL;
	size_t room = 0;
	char *line = NULL;

	while (getline(&line, &room, status) > 0)
		if (!strncmp(line, name, sizeof(name) - 1))
			allowed = parse_nodes(line + sizeof(name) - 1, tiers);
	free(line);
	return allowed == nodes_of(tiers) ? BIND_ALL : allowed;
}

static FILE *open_of(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return fopen(path, "re");
}

int bind_read(pid_t pid, const struct region_set *regions, const struct tier_set *tiers,
	      struct bind_set *ret_set)
{
	FILE *status = open_of(pid, "status"), *numa_maps;
	uint16_t allowed;
	int err;

	if (!status)
		return -errno;
	allowed = bind_parse_allowed(status, tiers);
	fclose(status);
	numa_maps = open_of(pid, "numa_maps");
	if (!numa_maps)
		return -errno;
	err = bind_parse(numa_maps, regions, tiers, allowed, ret_set);
	fclose(numa_maps);
	return err;
}

uint16_t bind_nodes(const struct bind_set *set, uint64_t addr)
{
	size_t low = 0, high = set->nr, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (addr >= set->list[mid].end)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < set->nr && addr >= set->list[low].start)
		return set->list[low].nodes & set->allowed;
	return set->allowed;
}

void bind_free(struct bind_set *set)
{
	free(set->list);
	*set = bind_none;
}
