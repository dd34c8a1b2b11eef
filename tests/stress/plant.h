/* SPDX-License-Identifier: GPL-2.0 */
/*
 * plant.h - what goes wrong on purpose, so that we know that it would be seen
 *
 *	flip:ACTOR	a word in the actor's memory changes
 *	old:ACTOR	a page of it is as it was a moment ago: a lost write, or pages that
 *			come back after DONTNEED
 *	clean:dirty	soft-dirty bits get lost
 *	open:uffd	write-protections of userfaultfd get lost
 *	leak		16 MiB are never given back
 *	rss		the target has 4 MiB more than before
 *	split		a huge page of the target is no longer one
 */
#ifndef PLANT_H
#define PLANT_H

#include "crew.h"

enum plant_kind {
	PLANT_NONE, PLANT_FLIP, PLANT_OLD, PLANT_CLEAN, PLANT_OPEN, PLANT_LEAK, PLANT_RSS,
	PLANT_SPLIT,
};

/* Understands @text; NULL is none.  0 or -EINVAL. */
int plant_set(const char *text);

/* In the target: starts what goes wrong there; 0 or -errno. */
int plant_start(struct crew *crew, uint64_t seed);

/* Beside the movers, once the first gauges were read. */
void plant_leak(void);

/* Shall memory of @worker be spoiled that only it knows of?  Then it is done here. */
void plant_flip_word(struct worker *worker, void *page);

#endif /* PLANT_H */
