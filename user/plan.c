// SPDX-License-Identifier: GPL-2.0
/*
 * plan.c - an ordered, bounded list of moves
 *
 * Owns the memory of a plan.  Policies fill it, movers carry it out and write
 * the status of each move into it, the loop reads that back into the heat store.
 */
#include <errno.h>
#include <stdlib.h>

#include "plan.h"

int plan_new(size_t max_moves, struct plan **ret_plan)
{
	struct plan *plan = calloc(1, sizeof(*plan));

	if (!plan)
		return -ENOMEM;
	plan->moves = calloc(max_moves, sizeof(*plan->moves));
	if (!plan->moves) {
		free(plan);
		return -ENOMEM;
	}
	plan->max_moves = max_moves;
	*ret_plan = plan;
	return 0;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	free(plan->moves);
	free(plan);
}

void plan_clear(struct plan *plan)
{
	*plan = (struct plan){ .moves = plan->moves, .max_moves = plan->max_moves };
}

bool plan_add(struct plan *plan, const struct plan_move *move)
{
	if (plan->nr == plan->max_moves)
		return false;
	plan->moves[plan->nr++] = *move;
	plan->bytes += move->bytes;
	return true;
}

bool plan_promotes(const struct plan_move *move)
{
	return move->reason == PLAN_HOT_WRITES || move->reason == PLAN_HOT_READS;
}

const char *plan_reason_name(enum plan_reason reason)
{
	static const char *const names[PLAN_NR_REASONS] = {
		[PLAN_HOT_WRITES] = "hot writes",
		[PLAN_HOT_READS] = "hot reads",
		[PLAN_SWAP] = "swap",
		[PLAN_WATERMARK] = "watermark",
		[PLAN_LIMIT] = "limit",
		[PLAN_BALANCE] = "balance",
	};

	return (unsigned int)reason < PLAN_NR_REASONS ? names[reason] : "unknown";
}
