/* SPDX-License-Identifier: GPL-2.0 */
/*
 * actor.h - who does something to memory while it moves
 *
 * An actor is one row: what it does, for which hazard, what it needs, and a step
 * that its threads repeat until the run is over.  Most live in the target and have
 * memory of their own, whose contents only they know; those with is_outside run in
 * the process of the movers and act on the target or on the machine.
 *
 * A check that fails is a violation: worker_check*().  A system call that should
 * have worked is one, too: worker_call().
 */
#ifndef ACTOR_H
#define ACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "dice.h"

struct worker;

/**
 * struct actor - one row of the table in actor.c
 * @name: for --actors and reports
 * @hazard: what it does, and which interleaving that is meant to hit
 * @extra: what board.extra of this actor counts; NULL: nothing
 * @nr_threads: at least 1
 * @nr_base: base pages of its memory, 0 or a multiple of 512
 * @nr_huge: huge pages of its memory
 * @rest_us: the longest rest between two steps; 0: none
 * @is_outside: its threads live beside the movers
 * @is_still: it changes neither which pages are there nor how large they are
 * @picks_cpus: its threads say where they run; else they change now and then
 * @reclaims: it makes the kernel swap out or free
 * @lacks: what it needs and the kernel does not have, in words; NULL: nothing
 * @prepare: where the movers are, before the target starts: the kernel's knobs
 * @begin: before the threads start, where they will be; 0 or -errno
 * @begin_thread: sets worker.state; 0 or -errno
 * @step: one round
 * @end: after all threads have stopped, once; NULL: arena_check_all()
 */
struct actor {
	const char *name, *hazard, *extra;
	unsigned int nr_threads;
	uint32_t nr_base, nr_huge, rest_us;
	bool is_outside, is_still, picks_cpus, reclaims;
	const char *(*lacks)(void);
	void (*prepare)(void);
	int (*begin)(struct arena *arena);
	int (*begin_thread)(struct worker *worker);
	void (*step)(struct worker *worker);
	void (*end)(struct worker *worker);
};

/**
 * struct worker - one thread of an actor
 * @actor: whose
 * @number: of the actor in the table
 * @index: among the threads of the actor
 * @arena: memory of the actor; NULL where it has none
 * @dice: its own
 * @nr_checks: comparisons that are not on the board yet
 * @state: the actor's own
 */
struct worker {
	const struct actor *actor;
	unsigned int number, index;
	struct arena *arena;
	struct dice dice;
	uint64_t nr_checks;
	void *state;
};

/* The table: actors[0 .. actor_count() - 1]. */
extern const struct actor *const actors[];
unsigned int actor_count(void);
int actor_find(const char *name, size_t length);	/* -1: none */

/* The body of a thread: steps until the run is over. */
void *worker_run(void *worker);

/* Puts steps and checks on the board; worker_run does, after each step. */
void worker_report(struct worker *worker, unsigned int nr_steps);

/* A comparison that held; those below count by themselves. */
void worker_count_check(struct worker *worker);
void worker_count_extra(struct worker *worker, uint64_t nr);

void worker_violate(struct worker *worker, const char *check, const void *addr,
		    uint64_t expected, uint64_t seen);

/* Is there what @label says, in the whole page? */
bool worker_check_page(struct worker *worker, const void *page, uint64_t label,
		       const char *check);

/* Does @holds?  @addr, @expected and @seen are told if it does not. */
bool worker_check(struct worker *worker, bool holds, const char *check,
		  const void *addr, uint64_t expected, uint64_t seen);

/* Did the system call say @want? */
bool worker_call(struct worker *worker, const char *call, long want, long got);

enum worker_cpus { WORKER_EVEN, WORKER_ODD, WORKER_ALL };

/* Where the calling thread runs from now on. */
void worker_use_cpus(enum worker_cpus which);

void worker_rest(struct worker *worker, uint32_t max_us);

#endif /* ACTOR_H */
