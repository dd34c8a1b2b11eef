/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bind.h - nodes that the target itself has bound its memory to
 */
#ifndef HEMEM_BIND_H
#define HEMEM_BIND_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "region.h"
#include "tier.h"

#define BIND_ALL	0xffffU		/* every node */

/**
 * struct bind - addresses [@start, @end) whose pages lie on some nodes only
 * @nodes: bit per index in struct tier_set
 */
struct bind {
	uint64_t start;
	uint64_t end;
	uint16_t nodes;
};

/**
 * struct bind_set - all of them
 * @list: @nr of them, sorted, that do not overlap; NULL: none
 * @allowed: nodes that the target's cpuset allows
 */
struct bind_set {
	struct bind *list;
	size_t nr;
	uint16_t allowed;
};

/** bind_none - a target that is free to lie anywhere */
extern const struct bind_set bind_none;

/**
 * bind_parse() - read what is bound, in the format of /proc/PID/numa_maps
 * @numa_maps: the text; is read to its end
 * @regions: of the target: where each mapping ends
 * @tiers: the nodes that matter
 * @allowed: for the set
 * @ret_set: overwritten, its old list is not freed; untouched on failure
 *
 * Bound is what set_mempolicy(2) or mbind(2) has given the policy MPOL_BIND, or one that
 * interleaves; other policies are preferences.  Return: 0, -EBADMSG: a line is not of that
 * format, or -ENOMEM.
 */
int bind_parse(FILE *numa_maps, const struct region_set *regions, const struct tier_set *tiers,
	       uint16_t allowed, struct bind_set *ret_set);

/** bind_parse_allowed() - nodes of Mems_allowed_list in the format of /proc/PID/status */
uint16_t bind_parse_allowed(FILE *status, const struct tier_set *tiers);

/**
 * bind_read() - both of process @pid
 *
 * The kernel walks all page tables for that, as it counts pages, too.  Return: as bind_parse(), or
 * -errno: -ENOENT where the kernel has no numa_maps.
 */
int bind_read(pid_t pid, const struct region_set *regions, const struct tier_set *tiers,
	      struct bind_set *ret_set);

/** bind_nodes() - where the page at @addr may lie: bit per index in struct tier_set */
uint16_t bind_nodes(const struct bind_set *set, uint64_t addr);

/** bind_free() - empty the set */
void bind_free(struct bind_set *set);

#endif /* HEMEM_BIND_H */
