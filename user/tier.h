/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tier.h - nodes, which tier they belong to, and their free memory
 */
#ifndef HEMEM_TIER_H
#define HEMEM_TIER_H

#include <stdint.h>

struct bitmask;		/* libnuma's */

#define TIER_MAX_NODES	15	/* index 15 means "not known" in the heat store */
#define TIER_NO_NODE	15

/**
 * enum tier_level - the two tiers that pages move between
 * @TIER_FAST, @TIER_SLOW: the faster and the slower of them
 * @TIER_NR: how many; the level of a node that takes no part in a step (tier_step())
 */
enum tier_level {
	TIER_FAST,
	TIER_SLOW,
	TIER_NR,
};

/**
 * struct tier_node - one node that takes part
 * @nid: the kernel's number of it
 * @level: its part, as tier_open() finds it or tier_step() gives it
 * @depth: how many tiers are faster, by what the kernel says of its memory: 0: the fast tier
 * @total_bytes: its memory
 * @free_bytes: free memory, when tier_look() looked last
 * @cache_bytes: page cache then, which the kernel can drop; not part of free_bytes
 * @idle_cache_bytes: that part of it which the kernel would drop first
 * @watermark_bytes: free memory that is left alone there: on the slow tier what
 *	the kernel itself keeps, on the fast tier also some for new allocations
 * @min_bytes: free memory that even moves in place of idle page cache leave alone
 */
struct tier_node {
	int nid;
	enum tier_level level;
	unsigned int depth;
	uint64_t total_bytes;
	uint64_t free_bytes;
	uint64_t cache_bytes;
	uint64_t idle_cache_bytes;
	uint64_t watermark_bytes;
	uint64_t min_bytes;
};

/**
 * struct tier_set - all nodes of both tiers
 * @nodes: @nr_nodes of them, by rising nid.  The heat store and plans name a
 *	node by its index in this array.
 * @sysroot: "" or, in tests, the folder that holds sys/ and proc/
 */
struct tier_set {
	struct tier_node nodes[TIER_MAX_NODES];
	unsigned int nr_nodes;
	const char *sysroot;
};

/**
 * tier_open() - find out which node belongs to which tier
 * @fast: nodes of the fast tier; NULL: those with CPUs (and memory)
 * @slow: nodes of the slow tier; NULL: those with memory and no CPU, or with
 *	@fast given: all others that have memory
 * @sysroot: "" for this machine
 * @ret_set: untouched on failure
 *
 * Return: 0; or, having said on stderr what is wrong and what to do: -ENODEV:
 * there are no two tiers, -EINVAL: a node is in both tiers, has no memory or is
 * not online, -E2BIG: more than TIER_MAX_NODES nodes, or another -errno.
 */
int tier_open(const struct bitmask *fast, const struct bitmask *slow, const char *sysroot,
	      struct tier_set *ret_set);

/**
 * tier_nr_steps() - tiers less one
 *
 * Of more than two, all but the first are TIER_SLOW as tier_open() leaves them: hot pages come from
 * any of them.
 */
unsigned int tier_nr_steps(const struct tier_set *set);

/**
 * tier_step() - the tiers as those see them who know of two
 * @step: 0 .. tier_nr_steps() - 1: so many of the fastest tiers take no part, the next one is
 *	TIER_FAST, and all below it are TIER_SLOW
 */
void tier_step(const struct tier_set *set, unsigned int step, struct tier_set *ret_set);

/** tier_look() - read free memory and page cache of all nodes again.  Return: 0 or -errno. */
int tier_look(struct tier_set *set);

/** tier_index() - index of node @nid in @set, or TIER_NO_NODE */
unsigned int tier_index(const struct tier_set *set, int nid);

/**
 * tier_node_free_room() - bytes that may be moved to a node and leave its page cache alone
 *
 * What is free above the watermark.
 */
uint64_t tier_node_free_room(const struct tier_node *node);

/**
 * tier_node_room() - bytes that may be moved to a node at once
 *
 * Idle page cache counts as free, as far as the kernel lets it be had at once.  What is
 * above tier_node_free_room() takes a mover that has the kernel drop the cache.
 */
uint64_t tier_node_room(const struct tier_node *node);

/** tier_room_bytes() - room on one tier, node by node: one's lack is not another's room */
uint64_t tier_room_bytes(const struct tier_set *set, enum tier_level level);

/** tier_free_bytes() - free memory of one tier */
uint64_t tier_free_bytes(const struct tier_set *set, enum tier_level level);

/** tier_cache_bytes() - page cache of one tier */
uint64_t tier_cache_bytes(const struct tier_set *set, enum tier_level level);

/** tier_watermark_bytes() - memory to keep free on one tier */
uint64_t tier_watermark_bytes(const struct tier_set *set, enum tier_level level);

/** tier_lack_bytes() - what one tier lacks of free memory, node by node, up to the watermark */
uint64_t tier_lack_bytes(const struct tier_set *set, enum tier_level level);

/** tier_name() - "fast" or "slow" */
const char *tier_name(enum tier_level level);

#endif /* HEMEM_TIER_H */
