// SPDX-License-Identifier: GPL-2.0
/*
 * updates.c - see updates.h
 *
 * As in HPC Challenge's RandomAccess, an update is an exclusive or with a random
 * number, so the same updates once more restore the array (updates_undo).  That takes
 * as long as the updates did, so a run also keeps a parity: the exclusive or of
 * all words, each rotated by a number that its place gives.  It is known
 * from the random numbers alone: a word that misses an update, or lies in
 * another's place, changes it.  Not noticed is one fault in 2^64.
 */
#include <stdlib.h>

#include "bench.h"
#include "updates.h"

static uint64_t first_value(uint64_t word)
{
	return word * 0x9e3779b97f4a7c15;
}

static uint64_t in_place(uint64_t value, uint64_t word)
{
	unsigned int by = (unsigned int)(word * 0x9e3779b97f4a7c15 >> 58);

	return value << by | value >> (-by & 63);
}

static void shuffle(uint32_t *units, uint64_t nr, uint64_t seed)
{
	uint64_t i, other, random = bench_mix(seed) | 1;
	uint32_t unit;

	for (i = 0; i < nr; i++)
		units[i] = (uint32_t)i;
	for (i = nr - 1; i; i--) {
		other = bench_between(&random, 0, i);
		unit = units[i];
		units[i] = units[other];
		units[other] = unit;
	}
}

static void restart(struct updates *updates)
{
	updates->random = bench_mix(updates->seed + 1) | 1;
	updates->hot_first = 0;
	updates->nr_hot_sets = 1;
	updates->nr_done = 0;
}

void updates_new(struct updates *updates, const struct bench *bench, uint64_t bytes,
		 uint64_t seed)
{
	uint64_t i;

	updates->nr_units = bytes / updates->unit_bytes;
	if (!updates->nr_units || updates->nr_units > UINT32_MAX)
		bench_die(BENCH_USAGE, "so many bytes are no number of hot units");
	updates->nr_words = updates->nr_units * (updates->unit_bytes / 8);
	updates->words = bench_map(bench, updates->nr_words * 8);
	updates->units = malloc(updates->nr_units * sizeof(*updates->units));
	if (!updates->units)
		bench_die(BENCH_USAGE, "no memory");
	shuffle(updates->units, updates->nr_units, seed);
	updates->hot_nr = updates->nr_units * updates->hot_pct / 100;
	if (!updates->hot_nr)
		updates->hot_nr = 1;
	updates->seed = seed;
	restart(updates);
	updates->parity = 0;
	for (i = 0; i < updates->nr_words; i++) {
		updates->words[i] = first_value(i);
		updates->parity ^= in_place(first_value(i), i);
	}
}

/* The next hot set shares no unit with this one, while there are others. */
static void move(struct updates *updates)
{
	updates->hot_first = (updates->hot_first + updates->hot_nr) % updates->nr_units;
	updates->nr_hot_sets++;
}

static inline uint64_t next_word(const struct updates *updates, uint64_t random)
{
	uint64_t place = bench_mix(random), unit = bench_below(place, updates->nr_units);

	if (bench_below(random >> 32, 100) < updates->hot_access_pct) {
		unit = updates->hot_first + bench_below(place, updates->hot_nr);
		if (unit >= updates->nr_units)
			unit -= updates->nr_units;
		unit = updates->units[unit];
	}
	return unit * (updates->unit_bytes / 8) + ((place >> 32) & (updates->unit_bytes / 8 - 1));
}

/* On a copy: a store to the array could change the original, as the compiler sees it. */
static void some(struct updates *updates, uint64_t nr)
{
	struct updates local = *updates;
	uint64_t random, word, i;

	for (i = 0; i < nr; i++) {
		random = bench_random(&local.random);
		word = next_word(&local, random);
		if (local.read_pct && (random & 0xffff) % 100 < local.read_pct) {
			local.nothing ^= local.words[word];
			continue;
		}
		local.words[word] ^= random;
		local.parity ^= in_place(random, word);
	}
	local.nr_done += nr;
	*updates = local;
}

void updates_do(struct updates *updates, uint64_t nr)
{
	uint64_t left;

	for (; nr; nr -= left) {
		left = nr;
		if (updates->move_every) {
			left = updates->move_every - updates->nr_done % updates->move_every;
			left = left < nr ? left : nr;
		}
		some(updates, left);
		if (updates->move_every && !(updates->nr_done % updates->move_every))
			move(updates);
	}
}

bool updates_is_right(const struct updates *updates)
{
	uint64_t i, parity = updates->parity;

	for (i = 0; i < updates->nr_words; i++)
		parity ^= in_place(updates->words[i], i);
	return !parity;
}

bool updates_undo(struct updates *updates)
{
	uint64_t i, nr_wrong = 0, nr = updates->nr_done;

	restart(updates);
	updates_do(updates, nr);
	for (i = 0; i < updates->nr_words; i++)
		nr_wrong += updates->words[i] != first_value(i);
	return !nr_wrong;
}
