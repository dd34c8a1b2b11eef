/* SPDX-License-Identifier: GPL-2.0 */
/*
 * plan.h - an ordered, bounded list of moves
 */
#ifndef HEMEM_PLAN_H
#define HEMEM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tier.h"

/**
 * enum plan_reason - why a move is in the plan
 * @PLAN_HOT_WRITES: promote, it is written often
 * @PLAN_HOT_READS: promote, it is read often
 * @PLAN_SWAP: demote, to make room for a promotion of the same plan
 * @PLAN_WATERMARK: demote, to keep room for new allocations
 * @PLAN_LIMIT: demote, the target has more on the fast tier than it may
 * @PLAN_BALANCE: demote, though it is hot: the fast tier is the slower one, under load
 */
enum plan_reason {
	PLAN_HOT_WRITES,
	PLAN_HOT_READS,
	PLAN_SWAP,
	PLAN_WATERMARK,
	PLAN_LIMIT,
	PLAN_BALANCE,
	PLAN_NR_REASONS,
};

/**
 * struct plan_move - one page that shall be elsewhere
 * @addr: its first address
 * @bytes: its size; a mover that knows better corrects it
 * @from: index of the node it is thought to be on
 * @to: index of the node it shall be on
 * @reason: enum plan_reason
 * @status: (mover) enum hemem_assist_status; untried at first
 */
struct plan_move {
	uint64_t addr;
	uint64_t bytes;
	uint8_t from;
	uint8_t to;
	uint8_t reason;
	uint8_t status;
};

/**
 * struct plan - what the policy wants done
 * @moves: room for @max_moves; the first @nr are filled, demotions before
 *	promotions, so that the room they make is there
 * @bytes: sum of the moves
 * @is_trial: the moves are not to be made: whoever remembers shall look at what would
 *	have come of them
 * @takes_cache: there is room for all moves only if the kernel drops idle page cache
 *	meanwhile; the mover has it do so
 * @cool: halve all heat
 * @cool_spans: halve so many times what samples of single accesses have counted for 2 MiB;
 *	for policies that cool these themselves
 * @tier_bytes: tracked bytes by tier, as the policy counted them
 * @hot_bytes: hot bytes by tier
 * @backed_off_pages: pages left alone because they were refused before
 * @bound_pages: pages that the target wants to stay on their tier
 */
struct plan {
	struct plan_move *moves;
	size_t nr;
	size_t max_moves;
	uint64_t bytes;
	bool is_trial;
	bool takes_cache;
	bool cool;
	unsigned int cool_spans;
	uint64_t tier_bytes[TIER_NR];
	uint64_t hot_bytes[TIER_NR];
	uint64_t backed_off_pages;
	uint64_t bound_pages;
};

/**
 * plan_new() - make an empty plan
 * @max_moves: it has room for; 512 or more, or a policy that fills it with base
 *	pages at most cannot move a huge page
 * @ret_plan: untouched on failure
 *
 * Return: 0 or -ENOMEM.
 */
int plan_new(size_t max_moves, struct plan **ret_plan);

/** plan_free() - NULL is allowed */
void plan_free(struct plan *plan);

/** plan_clear() - empty it for the next tick */
void plan_clear(struct plan *plan);

/** plan_add() - append one move; false and no change when the plan is full */
bool plan_add(struct plan *plan, const struct plan_move *move);

/** plan_promotes() - does this move go to the fast tier? */
bool plan_promotes(const struct plan_move *move);

/** plan_reason_name() - one word or two */
const char *plan_reason_name(enum plan_reason reason);

#endif /* HEMEM_PLAN_H */
