// SPDX-License-Identifier: GPL-2.0
/*
 * mover_assist.c - moves pages through the module
 *
 * The plan's order is kept: demotions first, so the room they make is there for
 * the promotions.
 */
#include <errno.h>
#include <stdlib.h>

#include "assist.h"
#include "heat.h"
#include "mover.h"

static void take_status(struct plan_move *move, const struct hemem_assist_move *entry)
{
	move->status = entry->out_status < HEMEM_ASSIST_NR_STATUS ? entry->out_status :
		       HEMEM_ASSIST_BUSY;	/* of a newer module: ask again later */
	if (move->status == HEMEM_ASSIST_MOVED)
		move->bytes = HEAT_BASE_BYTES << entry->out_order;
}

static int assist_send(const struct mover_context *context, struct plan *plan)
{
	struct hemem_assist_move *entries = calloc(plan->nr, sizeof(*entries));
	uint64_t bytes;
	size_t i;
	int err;

	if (!entries)
		return -ENOMEM;
	for (i = 0; i < plan->nr; i++) {
		entries[i].addr = plan->moves[i].addr;
		entries[i].node = context->tiers->nodes[plan->moves[i].to].nid;
	}
	err = assist_migrate(context->assist, entries, plan->nr,
			     plan->takes_cache ? HEMEM_ASSIST_MIGRATE_MAKE_ROOM : 0, &bytes);
	for (i = 0; i < plan->nr; i++)
		take_status(&plan->moves[i], &entries[i]);
	free(entries);
	return err;
}

const struct mover mover_assist = {
	.name = "assist",
	.help = "the module hemem_assist, in batches",
	.needs_assist = true,
	.send = assist_send,
};
