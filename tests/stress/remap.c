// SPDX-License-Identifier: GPL-2.0
/*
 * remap.c - the actors "mremap" and "mprotect": pages whose entries go elsewhere or change
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "actor.h"

enum { NR_BASE = 512, NR_HUGE = 1, MAX_SPAN = 64, REST_US = 2000 };

/* --- mremap ---------------------------------------------------------------------- */

/* The other place of each page; movers look there, too. */
static char *away;

static int mremap_begin(struct arena *arena)
{
	size_t base_bytes = arena->nr_base * PAGE_BYTES;
	size_t bytes = arena->nr_pages * PAGE_BYTES;

	away = arena_reserve(bytes);
	if (!away || mmap(away, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			  MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return -1;
	madvise(away, bytes, MADV_DONTFORK);
	madvise(away, base_bytes, MADV_NOHUGEPAGE);
	board_add_place(away, arena->nr_pages);
	return 0;
}

/*
 * Where pages go the mapping is replaced, where they come from it stays, empty: at no
 * time is there a hole that somebody else's mapping could get into.
 */
static bool move_span(struct worker *worker, struct span span, char *from, char *to)
{
	size_t offset = span.first * PAGE_BYTES, bytes = arena_span_bytes(span);

	return worker_check(worker, mremap(from + offset, bytes, bytes, MREMAP_MAYMOVE |
					   MREMAP_FIXED | MREMAP_DONTUNMAP, to + offset) ==
			    to + offset, "mremap", from + offset, 0, 0);
}

static void mremap_step(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span = dice_one_in(&worker->dice, 2) ?
		arena_pick(arena, &worker->dice, MAX_SPAN) :
		arena_pick_aligned(arena, &worker->dice, MAX_SPAN);
	uint32_t page;

	arena_check(worker, span, "a page is what was written to it");
	if (!move_span(worker, span, arena->addr, away))
		return;
	for (page = span.first; page < span.first + span.nr; page++) {
		char *there = away + page * PAGE_BYTES;

		worker_check_page(worker, there, arena->labels[page],
				  "a page is the same after mremap");
		if (dice_one_in(&worker->dice, 2))
			continue;
		arena->labels[page] = arena_new_label(arena);
		page_fill(there, arena->labels[page]);
	}
	worker_rest(worker, REST_US);
	if (!move_span(worker, span, away, arena->addr))
		arena_set_labels(arena, span, ARENA_UNKNOWN);
	arena_check(worker, span, "a page is the same after mremap back");
}

static const char *mremap_lacks(void)
{
	char *pages = mmap(NULL, 2 * PAGE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0);
	void *to = mremap(pages, PAGE_BYTES, PAGE_BYTES, MREMAP_MAYMOVE | MREMAP_FIXED |
			  MREMAP_DONTUNMAP, pages + PAGE_BYTES);

	munmap(pages, 2 * PAGE_BYTES);
	return to == MAP_FAILED ? "the kernel has no MREMAP_DONTUNMAP (5.7)" : NULL;
}

const struct actor mremap_actor = {
	.name = "mremap",
	.hazard = "moves entries to other addresses and back, huge ones whole and in pieces: a "
		  "move must not install a page where its entry no longer is",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.rest_us = 2 * REST_US,
	.lacks = mremap_lacks,
	.begin = mremap_begin,
	.step = mremap_step,
};

/* --- mprotect -------------------------------------------------------------------- */

static void mprotect_step(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span = arena_pick(arena, &worker->dice, MAX_SPAN);
	void *at = arena_span_addr(arena, span);
	size_t bytes = arena_span_bytes(span);

	arena_fill(arena, span);
	if (dice_one_in(&worker->dice, 3)) {
		worker_call(worker, "mprotect(NONE)", 0, mprotect(at, bytes, PROT_NONE));
		worker_rest(worker, REST_US);
	}
	worker_call(worker, "mprotect(READ)", 0, mprotect(at, bytes, PROT_READ));
	arena_check(worker, span, "a page is the same under mprotect");
	worker_rest(worker, REST_US);
	/* From here on the kernel may make entries writable that a move has in hand. */
	worker_call(worker, "mprotect(WRITE)", 0,
		    mprotect(at, bytes, PROT_READ | PROT_WRITE));
	arena_check(worker, span, "a page is the same after mprotect");
	arena_fill(arena, span);
	worker_rest(worker, REST_US);
	arena_check(worker, span, "a page keeps what was written after mprotect");
}

const struct actor mprotect_actor = {
	.name = "mprotect",
	.hazard = "write-protects, opens and writes: the kernel makes entries writable again by "
		  "the dirty bit, and splits huge entries in two",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.rest_us = REST_US,
	.step = mprotect_step,
};
