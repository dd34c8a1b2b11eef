// SPDX-License-Identifier: GPL-2.0
/*
 * mover_numa.c - moves pages with move_pages(2), without a module
 *
 * Per batch: ask where the pages are, send those that are elsewhere, ask again.
 *
 *  - Asking first: a page that is on the node already makes move_pages() end
 *    its own batch early, and a page that is gone is told apart from one that
 *    is refused.
 *  - One destination a call, one address (the first) for a huge page: that is
 *    what move_pages() works through in one go.
 *  - Asking again: when some pages fail, the statuses of the others are not
 *    written, so what is true is asked for.
 *
 * Half of a call for one page is fixed cost (an RCU grace period and draining of
 * per-CPU lists), a percent of one for 512 pages; so batches are large.
 */
#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <stdbool.h>

#include "../include/uapi/hemem_assist.h"
#include "heat.h"
#include "mover.h"

#define BATCH	2048	/* pages a call; 8 MiB of base pages, some 10 ms */
#define UNSET	(-EAGAIN)	/* the kernel wrote no status */

/** struct batch - what goes to one node by one call */
struct batch {
	struct plan_move *moves[BATCH];
	void *addrs[BATCH];
	int nodes[BATCH];
	int statuses[BATCH];
	unsigned long nr;
};

static int ask(pid_t pid, struct batch *batch)
{
	return numa_move_pages(pid, batch->nr, batch->addrs, NULL, batch->statuses, 0) < 0 ?
	       -errno : 0;
}

static enum hemem_assist_status status_of(int error)
{
	switch (error) {
	case -ENOENT:	/* nothing there */
	case -EFAULT:	/* not mapped, or the zero page: nothing to move either way */
		return HEMEM_ASSIST_NO_PAGE;
	case -EACCES:
		return HEMEM_ASSIST_SHARED;
	case -ENOMEM:
		return HEMEM_ASSIST_NO_ROOM;
	default:
		return HEMEM_ASSIST_BUSY;
	}
}

/* Keep only the pages that are on another node; the rest have their status. */
static void drop_settled(struct batch *batch, int nid)
{
	unsigned long i, kept = 0;

	for (i = 0; i < batch->nr; i++) {
		if (batch->statuses[i] == nid) {
			batch->moves[i]->status = HEMEM_ASSIST_THERE;
		} else if (batch->statuses[i] < 0) {
			batch->moves[i]->status = status_of(batch->statuses[i]);
		} else {
			batch->moves[kept] = batch->moves[i];
			batch->addrs[kept] = batch->addrs[i];
			batch->nodes[kept] = nid;
			batch->statuses[kept++] = UNSET;
		}
	}
	batch->nr = kept;
}

/* What became of the pages that were sent: where they are now is the truth. */
static void settle(struct batch *batch, const int *refusals, int nid)
{
	unsigned long i;

	for (i = 0; i < batch->nr; i++) {
		if (batch->statuses[i] == nid)
			batch->moves[i]->status = HEMEM_ASSIST_MOVED;
		else if (batch->statuses[i] < 0)
			batch->moves[i]->status = status_of(batch->statuses[i]);
		else
			batch->moves[i]->status = status_of(refusals[i]);
	}
}

static int send_batch(pid_t pid, struct batch *batch, int nid)
{
	int refusals[BATCH], failed = 0, err;
	unsigned long i;

	err = ask(pid, batch);
	if (err)
		return err;
	drop_settled(batch, nid);
	if (!batch->nr)
		return 0;
	if (numa_move_pages(pid, batch->nr, batch->addrs, batch->nodes, batch->statuses,
			    MPOL_MF_MOVE) < 0)
		failed = -errno;
	if (failed && failed != -ENOMEM && failed != -EBUSY && failed != -EAGAIN)
		return failed;
	for (i = 0; i < batch->nr; i++)
		refusals[i] = failed ? failed : batch->statuses[i];
	err = ask(pid, batch);
	if (!err)
		settle(batch, refusals, nid);
	return err;
}

static int numa_send(const struct mover_context *context, struct plan *plan)
{
	struct batch batch;
	struct plan_move *move;
	size_t i = 0;
	int err, nid;

	while (i < plan->nr) {
		nid = context->tiers->nodes[plan->moves[i].to].nid;
		batch.nr = 0;
		for (; i < plan->nr && batch.nr < BATCH; i++) {
			move = &plan->moves[i];
			if (context->tiers->nodes[move->to].nid != nid)
				break;
			batch.moves[batch.nr] = move;
			batch.addrs[batch.nr++] = (void *)(uintptr_t)move->addr;
		}
		err = send_batch(context->pid, &batch, nid);
		if (err)
			return err;
	}
	return 0;
}

const struct mover mover_numa = {
	.name = "numa",
	.help = "move_pages(2); needs no module",
	.send = numa_send,
};
