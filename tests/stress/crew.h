/* SPDX-License-Identifier: GPL-2.0 */
/*
 * crew.h - the threads of all actors of one process
 */
#ifndef CREW_H
#define CREW_H

#include <pthread.h>

#include "actor.h"

enum { CREW_MAX = 128 };

struct crew {
	unsigned int nr;
	struct worker workers[CREW_MAX];
	pthread_t threads[CREW_MAX];
};

/*
 * Makes memory for the actors of the set @chosen that live inside or outside of the
 * target, calls their begin functions; 0, or -errno with a line on stderr.
 */
int crew_prepare(struct crew *crew, uint64_t chosen, bool is_outside, uint64_t seed);

/* The threads wait for BOARD_RUN themselves. */
int crew_start(struct crew *crew);

/* After BOARD_STOP: waits for them. */
void crew_join(struct crew *crew);

/* When nothing moves any more: the last checks of each actor. */
void crew_end(struct crew *crew);

#endif /* CREW_H */
