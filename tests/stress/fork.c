// SPDX-License-Identifier: GPL-2.0
/*
 * fork.c - the actor "fork": a child is a snapshot, and stays one
 *
 * Parent and child share the pages until one of them writes.  The child finds what the
 * parent's books said when it was made, whatever the parent writes afterwards; the parent
 * finds nothing of what the child writes.  Only this actor's memory goes to children.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actor.h"

enum { NR_BASE = 512, NR_HUGE = 1, MAX_SPAN = 128, REST_US = 5000 };

static int begin(struct arena *arena)
{
	return madvise(arena->addr, arena->nr_pages * PAGE_BYTES, MADV_DOFORK);
}

/* In the child: nothing here may take a lock that another thread had at the fork. */
static void __attribute__((noreturn)) live_as_child(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span;
	int rounds = (int)dice_spread(&worker->dice, 4);

	while (rounds--) {
		span = arena_pick(arena, &worker->dice, MAX_SPAN);
		arena_check(worker, span, "a child has what was there at the fork");
		if (dice_one_in(&worker->dice, 2))
			arena_fill(arena, span);
		worker_rest(worker, REST_US);
	}
	arena_check_all(worker, "a child keeps what was there at the fork");
	worker_report(worker, 0);
	_exit(0);
}

static void step(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span;
	int status = 0, rounds = (int)dice_spread(&worker->dice, 8);
	pid_t child = fork();

	if (child == 0)
		live_as_child(worker);
	if (!worker_check(worker, child > 0, "fork", NULL, 1, (uint64_t)child))
		return;
	while (rounds--) {
		span = arena_pick(arena, &worker->dice, MAX_SPAN);
		arena_check(worker, span, "a parent has what it wrote");
		arena_fill(arena, span);
		worker_rest(worker, REST_US);
	}
	waitpid(child, &status, 0);
	worker_check(worker, status == 0, "a child ends by itself", NULL, 0,
		     (uint64_t)status);
	arena_check_all(worker, "a parent has nothing of what its child wrote");
}

const struct actor fork_actor = {
	.name = "fork",
	.hazard = "shares its pages with a child, writes, and lets the child write: entries that "
		  "are read-only for copying, pages that are no longer exclusive",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.rest_us = 2 * REST_US,
	.begin = begin,
	.step = step,
};
