// SPDX-License-Identifier: GPL-2.0
/*
 * zap.c - the actors "dontneed", "free" and "unmap": memory that is given back
 *
 * All three take pages away while a move may have them in hand, DONTNEED and FREE with
 * mmap_lock for reading only, as the engine has it.
 */
#include <sys/mman.h>

#include "actor.h"

enum { NR_BASE = 512, NR_HUGE = 1, MAX_SPAN = 64, REST_US = 2000 };

/* Some pages of @span are written again, the rest stays as it is. */
static void fill_some(struct worker *worker, struct span span)
{
	uint32_t page;

	for (page = span.first; page < span.first + span.nr; page++)
		if (dice_one_in(&worker->dice, 2))
			arena_fill(worker->arena, (struct span){ page, 1 });
}

/* --- dontneed ------------------------------------------------------------------ */

static void dontneed_step(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span = arena_pick(arena, &worker->dice, MAX_SPAN);

	arena_check(worker, span, "a page is what was written to it");
	worker_call(worker, "madvise(DONTNEED)", 0,
		    madvise(arena_span_addr(arena, span), arena_span_bytes(span),
			    MADV_DONTNEED));
	arena_set_labels(arena, span, 0);
	worker_rest(worker, REST_US);
	if (dice_one_in(&worker->dice, 2))
		arena_check(worker, span, "a page is zero after DONTNEED");
	fill_some(worker, span);
	arena_check(worker, span, "a page is zero after DONTNEED, or what was written then");
}

const struct actor dontneed_actor = {
	.name = "dontneed",
	.hazard = "takes pages away under mmap_lock for reading, where a move must notice that "
		  "the entry changed: no old page comes back, no huge page half",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.rest_us = REST_US,
	.step = dontneed_step,
};

/* --- unmap --------------------------------------------------------------------- */

static void unmap_step(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span = arena_pick(arena, &worker->dice, MAX_SPAN);
	void *at = arena_span_addr(arena, span);
	size_t bytes = arena_span_bytes(span);

	arena_check(worker, span, "a page is what was written to it");
	/* Unmaps and maps in one call, so nobody else's mapping gets in between. */
	worker_check(worker, mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE |
				  MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at,
		     "mmap over a mapping", at, 0, 0);
	madvise(at, bytes, MADV_DONTFORK);
	madvise(at, bytes, span.first < arena->nr_base ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	arena_set_labels(arena, span, 0);
	fill_some(worker, span);
	worker_rest(worker, REST_US);
	arena_check(worker, span, "a new page is zero, or what was written to it");
}

const struct actor unmap_actor = {
	.name = "unmap",
	.hazard = "maps new memory over old, with page tables that go and come: a move that is "
		  "under way ends, its new page is not leaked nor mapped",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.rest_us = 2 * REST_US,
	.step = unmap_step,
};

/* --- free ---------------------------------------------------------------------- */

/*
 * A page that was freed keeps what it had or is zero, both as a whole, until it is
 * written; once it is zero it stays so.
 */
static void check_freed(struct worker *worker, uint32_t page)
{
	struct arena *arena = worker->arena;
	const uint64_t *words = (uint64_t *)arena_page(arena, page);

	if (arena->labels[page] == ARENA_UNKNOWN)
		return;
	if (*(volatile const uint64_t *)words == 0)
		arena->labels[page] = 0;
	arena_check(worker, (struct span){ page, 1 },
		    "a page after FREE is as it was, or all zero");
}

static void free_step(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span = arena_pick(arena, &worker->dice, MAX_SPAN);
	void *at = arena_span_addr(arena, span);
	size_t bytes = arena_span_bytes(span);
	uint32_t page;

	arena_fill(arena, span);
	worker_call(worker, "madvise(FREE)", 0, madvise(at, bytes, MADV_FREE));
	/*
	 * A page that is written from here on is no longer free: its dirty bit says so,
	 * which a move must not lose.  Every second page is left as it is.
	 */
	for (page = span.first; page < span.first + span.nr; page += 2)
		arena_fill(arena, (struct span){ page, 1 });
	worker_rest(worker, REST_US);
	if (dice_one_in(&worker->dice, 2))
		madvise(at, bytes, MADV_PAGEOUT);
	worker_rest(worker, REST_US);
	for (page = span.first; page < span.first + span.nr; page++)
		if ((page - span.first) % 2)
			check_freed(worker, page);
		else
			arena_check(worker, (struct span){ page, 1 },
				    "a page that was written after FREE keeps that");
	arena_fill(arena, span);
}

const struct actor free_actor = {
	.name = "free",
	.hazard = "frees pages lazily and writes some again: the dirty bit of such a page must "
		  "survive the write-protection of a move, or reclaim drops the write",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.rest_us = REST_US,
	.reclaims = true,
	.step = free_step,
};
