/* SPDX-License-Identifier: GPL-2.0 */
/*
 * arena.h - the memory of one actor, and what must be in it
 *
 *	addr                  2 MiB                 4 MiB
 *	| 512 base pages      | one huge page       | ...
 *
 * The first 2 MiB are base pages (MADV_NOHUGEPAGE), the rest may be huge ones.
 * A label a page says what is in it (page.h).  Labels belong to one thread, that
 * of the actor; actors with several threads on one page keep books of their own.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "dice.h"
#include "page.h"

#define ARENA_UNKNOWN	UINT64_MAX	/* a label: whatever is there */

struct worker;

/**
 * struct arena - memory of one actor
 * @addr: begins at a multiple of 2 MiB
 * @nr_pages: base pages, those within huge ones counted
 * @nr_base: the first so many are never huge
 * @labels: what is in each page; 0: zeros
 * @next_label: no page had it yet
 * @place: where movers look for it
 */
struct arena {
	char *addr;
	uint32_t nr_pages, nr_base;
	uint64_t *labels;
	uint64_t next_label;
	struct board_place *place;
};

/* [first, first + nr) of an arena, all base pages or none */
struct span {
	uint32_t first, nr;
};

/* Address space of @bytes at a multiple of 2 MiB; NULL: there is none. */
void *arena_reserve(size_t bytes);

/**
 * arena_new() - map and fill memory
 * @number: of the actor; labels of different actors differ
 * @nr_base: base pages, a multiple of 512
 * @nr_huge: huge pages behind them
 *
 * Return: NULL with errno.
 */
struct arena *arena_new(unsigned int number, uint32_t nr_base, uint32_t nr_huge);

static inline char *arena_page(const struct arena *arena, uint32_t page)
{
	return arena->addr + page * PAGE_BYTES;
}

/* Up to @max pages, mostly few; all of one part. */
struct span arena_pick(const struct arena *arena, struct dice *dice, uint32_t max);

/* The same, but whole huge pages where it lies among them. */
struct span arena_pick_aligned(const struct arena *arena, struct dice *dice,
			       uint32_t max);

static inline void *arena_span_addr(const struct arena *arena, struct span span)
{
	return arena_page(arena, span.first);
}

static inline size_t arena_span_bytes(struct span span)
{
	return span.nr * PAGE_BYTES;
}

uint64_t arena_new_label(struct arena *arena);

/* Writes a new label to every page. */
void arena_fill(struct arena *arena, struct span span);

/* Says so in the books only: something else writes or has written. */
void arena_set_labels(struct arena *arena, struct span span, uint64_t label);

/*
 * Whole pages; true if all are what the books say.  What is in a page with an error
 * is unknown until it is filled again, so that one error is told once.
 */
bool arena_check(struct worker *worker, struct span span, const char *check);

/* Everything. */
bool arena_check_all(struct worker *worker, const char *check);

#endif /* ARENA_H */
