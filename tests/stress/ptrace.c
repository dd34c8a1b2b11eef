// SPDX-License-Identifier: GPL-2.0
/*
 * ptrace.c - the actors "traced" and "tracer": a debugger writes to a thread's memory
 *
 * The memory is mapped read-only and holds one counter a page.  The tracer, beside the
 * movers, stops the traced thread, counts up with POKEDATA, says on the board what the
 * value is now, and lets the thread go on.  The thread finds that value, or more.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actor.h"

enum { NR_BASE = 512, REST_US = 2000, BURST = 64 };
_Static_assert((int)NR_BASE <= (int)BOARD_POKED, "the board has room for each page's counter");

/* --- traced ------------------------------------------------------------------------ */

static int traced_begin(struct arena *arena)
{
	memset(arena->addr, 0, arena->nr_pages * PAGE_BYTES);
	board->poke_at = (uintptr_t)arena->addr;
	return mprotect(arena->addr, arena->nr_pages * PAGE_BYTES, PROT_READ);
}

static void traced_look(struct worker *worker, uint32_t page)
{
	const _Atomic uint64_t *word =
		(const _Atomic uint64_t *)arena_page(worker->arena, page);
	uint64_t published = board->poked[page], seen = *word;

	worker_check(worker, seen >= published, "what a debugger wrote is seen", word,
		     published, seen);
	worker_check(worker, seen <= board->poked[page] + 1,
		     "nothing is seen that no debugger wrote", word, board->poked[page],
		     seen);
}

static void traced_step(struct worker *worker)
{
	int i;

	board->tracee = gettid();
	for (i = 0; i < BURST; i++)
		traced_look(worker, dice_below(&worker->dice, NR_BASE));
}

static void traced_end(struct worker *worker)
{
	uint32_t page;

	for (page = 0; page < NR_BASE; page++)
		traced_look(worker, page);
}

const struct actor traced_actor = {
	.name = "traced",
	.hazard = "reads what the tracer writes to its read-only memory: as with force, and by "
		  "another process",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.rest_us = REST_US,
	.begin = traced_begin,
	.step = traced_step,
	.end = traced_end,
};

/* --- tracer ------------------------------------------------------------------------ */

static pid_t seized;

static bool seize(void)
{
	pid_t tracee = board->tracee;

	if (!seized && tracee && !ptrace(PTRACE_SEIZE, tracee, 0, 0))
		seized = tracee;
	return seized;
}

/* False: the thread has ended, or is about to. */
static bool stop_tracee(void)
{
	int status;

	return !ptrace(PTRACE_INTERRUPT, seized, 0, 0) &&
		waitpid(seized, &status, __WALL) == seized && WIFSTOPPED(status);
}

static void poke(struct worker *worker)
{
	uint32_t page = dice_below(&worker->dice, NR_BASE);
	uintptr_t at = board->poke_at + page * PAGE_BYTES;
	uint64_t value = board->poked[page] + 1, seen;

	worker_call(worker, "PTRACE_POKEDATA", 0,
		    ptrace(PTRACE_POKEDATA, seized, at, value));
	board->poked[page] = value;
	errno = 0;
	seen = (uint64_t)ptrace(PTRACE_PEEKDATA, seized, at, 0);
	worker_check(worker, !errno && seen == value, "a debugger reads what it wrote",
		     (void *)at, value, seen);
	worker_count_extra(worker, 1);
}

static void tracer_step(struct worker *worker)
{
	int i, nr = (int)dice_spread(&worker->dice, 16);

	if (!seize() || !stop_tracee())
		return;
	for (i = 0; i < nr; i++)
		poke(worker);
	ptrace(PTRACE_CONT, seized, 0, 0);
}

const struct actor tracer_actor = {
	.name = "tracer",
	.hazard = "writes to the memory of \"traced\" with PTRACE_POKEDATA",
	.extra = "pokes",
	.nr_threads = 1,
	.rest_us = REST_US,
	.is_outside = true,
	.step = tracer_step,
};
