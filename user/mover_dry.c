// SPDX-License-Identifier: GPL-2.0
/*
 * mover_dry.c - prints the moves and makes none
 *
 * One line a move on stderr, as stdout may be JSON:
 *
 *   promote 0x7f0000000000 2048 KiB from node 1 to node 0: hot writes
 *
 * Every move stays untried, so the loop asks for the same page more and more
 * rarely, as for one that is refused.
 */
#include <inttypes.h>
#include <stdio.h>

#include "mover.h"

static int dry_send(const struct mover_context *context, struct plan *plan)
{
	const struct plan_move *move;
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		move = &plan->moves[i];
		fprintf(stderr, "%s 0x%" PRIx64 " %" PRIu64 " KiB from node %d to node %d: %s\n",
			plan_promotes(move) ? "promote" : "demote", move->addr, move->bytes >> 10,
			context->tiers->nodes[move->from].nid, context->tiers->nodes[move->to].nid,
			plan_reason_name(move->reason));
	}
	return 0;
}

const struct mover mover_dry = {
	.name = "dry",
	.help = "print the moves, make none",
	.send = dry_send,
};
