/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cost.h - what an access and a move cost, in ns
 */
#ifndef HEMEM_COST_H
#define HEMEM_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "tier.h"

#define COST_BIT_ACCESSES 64	/* that an accessed bit stands for: each line of a page, once */

/**
 * struct cost - one machine
 * @load_ns: what a load that missed the caches waits for, by tier
 * @store_weight: so many times as much is a sampled store worth as a sampled load.  Stores are
 *	sampled wherever they go and loads only when they miss, so a sample of either stands
 *	for about as many misses; but what was written is written back, at the slow tier's
 *	bandwidth
 * @move_page_ns: what a move costs, whatever the size of the page ...
 * @move_byte_ns: ... and what for each byte
 */
struct cost {
	double load_ns[TIER_NR];
	double store_weight;
	double move_page_ns;
	double move_byte_ns;
};

/**
 * cost_default - a machine of which nothing is known
 *
 * Latencies of DRAM and Optane DCPMM: Izraelevitz et al., arXiv:1903.05714.  Stores twice as
 * loads: the HeMem paper's ratio of thresholds.  Moves: docs/results.md, `make cost`, 5.9 us a
 * base page and 308 us a huge one; and each byte written at Optane's 2.3 GB/s.
 */
extern const struct cost cost_default;

/** cost_of_access() - ns that one access waits */
double cost_of_access(const struct cost *cost, enum tier_level level, bool write);

/** cost_saved() - ns that one access waits less on the fast tier; below 0: it waits longer */
double cost_saved(const struct cost *cost, bool write);

/** cost_of_move() - ns of moving one page of @bytes */
double cost_of_move(const struct cost *cost, uint64_t bytes);

#endif /* HEMEM_COST_H */
