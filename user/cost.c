// SPDX-License-Identifier: GPL-2.0
/*
 * cost.c - what an access and a move cost, in ns
 */
#include "cost.h"

const struct cost cost_default = {
	.load_ns = { [TIER_FAST] = 81, [TIER_SLOW] = 305 },
	.store_weight = 2,
	.move_page_ns = 5400,
	.move_byte_ns = 0.58,
};

double cost_of_access(const struct cost *cost, enum tier_level level, bool write)
{
	return cost->load_ns[level] * (write ? cost->store_weight : 1);
}

double cost_saved(const struct cost *cost, bool write)
{
	return cost_of_access(cost, TIER_SLOW, write) - cost_of_access(cost, TIER_FAST, write);
}

double cost_of_move(const struct cost *cost, uint64_t bytes)
{
	return cost->move_page_ns + cost->move_byte_ns * (double)bytes;
}
