/* SPDX-License-Identifier: GPL-2.0 */
/*
 * updates.h - random read-modify-write of an array, some of it much more often than the rest
 */
#ifndef UPDATES_H
#define UPDATES_H

#include <stdbool.h>
#include <stdint.h>

struct bench;

/**
 * struct updates - an array and how it is updated
 * @unit_bytes: hot and cold come in units of this, a power of two of at least 64
 * @hot_pct: so many of 100 units are hot, at least one is
 * @hot_access_pct: so many of 100 updates go to the hot units, the others to all of
 *	the array; 0: no unit is hot
 * @read_pct: so many of 100 updates only read
 * @move_every: after so many updates other units are hot; 0: never
 *
 * Set these, then updates_new().  The rest is updates.c's own.
 */
struct updates {
	uint64_t unit_bytes, hot_pct, hot_access_pct, read_pct, move_every;

	uint64_t *words, nr_words;
	uint32_t *units;		/* in random order; hot_nr from hot_first on are hot */
	uint64_t nr_units, hot_first, hot_nr, nr_hot_sets;
	uint64_t seed, random;
	uint64_t nr_done, parity, nothing;
};

/** updates_new() - take the memory and fill it */
void updates_new(struct updates *updates, const struct bench *bench, uint64_t bytes,
		 uint64_t seed);

/** updates_do() - do so many more */
void updates_do(struct updates *updates, uint64_t nr);

/** updates_is_right() - is every word what the updates must have made of it? */
bool updates_is_right(const struct updates *updates);

/** updates_undo() - do all again, which undoes them, and look at every word */
bool updates_undo(struct updates *updates);

#endif /* UPDATES_H */
