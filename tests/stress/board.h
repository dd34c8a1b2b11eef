/* SPDX-License-Identifier: GPL-2.0 */
/*
 * board.h - what all processes of a run share: the phase, the places of memory,
 * the counts, and what was found wrong
 *
 * Shared memory, made before the first fork.  Pointers to constants on it are good
 * in every process, as all are copies of one; a program after exec has no board.
 * No mover ever touches it, so what is published here is not what is under test.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { BOARD_ACTORS = 40, BOARD_PLACES = 64, BOARD_VIOLATIONS = 32, BOARD_POKED = 512 };

/*
 * SETUP: memory is made.  READY: it is there.  RUN.  STOP: movers and workers end what
 * they do.  QUIET: nothing moves any more; the last checks.
 */
enum board_phase { BOARD_SETUP, BOARD_READY, BOARD_RUN, BOARD_STOP, BOARD_QUIET };

/**
 * struct board_place - memory of the target that movers shall move
 * @addr: where it is now; some actors let it wander
 * @nr_pages: base pages
 */
struct board_place {
	_Atomic uintptr_t addr;
	uint32_t nr_pages;
};

/**
 * struct board_violation - something that must never be
 * @actor: whose check it was
 * @check: what must hold, as a sentence
 * @addr: of the word or page in the target; 0: of none
 * @expected: what should have been there
 * @seen: what was
 * @moves: page moves until then
 * @tid: the thread that saw it
 */
struct board_violation {
	const char *actor, *check;
	uint64_t addr, expected, seen, moves;
	pid_t tid;
	_Atomic bool is_complete;
};

/**
 * struct board - see the top of this file
 * @steps: rounds of each actor
 * @checks: comparisons of each actor that could have failed
 * @extra: a count of each actor's own; struct actor names it
 * @cpu_us: CPU time of each actor's threads
 * @target: its process id
 * @mover: enum mover_kind of this run
 * @tracee: the thread that ptrace.c may stop; 0: none yet
 * @poke_at: address of its memory
 * @poked: the counter that was last written to each page of it
 */
struct board {
	_Atomic int phase;
	_Atomic uint64_t moves;
	_Atomic uint64_t nr_violations;
	struct board_violation violations[BOARD_VIOLATIONS];
	_Atomic uint64_t steps[BOARD_ACTORS];
	_Atomic uint64_t checks[BOARD_ACTORS];
	_Atomic uint64_t extra[BOARD_ACTORS];
	_Atomic uint64_t cpu_us[BOARD_ACTORS];
	struct board_place places[BOARD_PLACES];
	unsigned int nr_places;
	_Atomic pid_t target;
	int mover;
	_Atomic pid_t tracee;
	_Atomic uintptr_t poke_at;
	_Atomic uint64_t poked[BOARD_POKED];
};

extern struct board *board;

int board_init(void);

static inline bool board_is_over(void)
{
	return atomic_load_explicit(&board->phase, memory_order_relaxed) >=
		BOARD_STOP;
}

/* For whoever must wait for a phase: not a busy loop. */
void board_wait(enum board_phase phase);

/* Any thread of any process. */
void board_violate(const char *actor, const char *check, const void *addr,
		   uint64_t expected, uint64_t seen);

/* Memory that movers shall move; before BOARD_READY only. */
struct board_place *board_add_place(void *addr, uint32_t nr_pages);

#endif /* BOARD_H */
