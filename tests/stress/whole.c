// SPDX-License-Identifier: GPL-2.0
/*
 * whole.c - the actor "whole": pages written as a whole, seen as a whole
 *
 * A page of version v has v in its first and in its last word and page_word() of it
 * between them.  A writer changes the first word, then the rest upwards, the last
 * one at the end; a reader goes the other way round.  So what a reader finds between
 * two equal versions is of that version, all of it:
 *
 *	writer   v+1 . . . . v      v+1 . . v+1 . . v      v+1 . . . . v+1
 *	reader   last = first = v: nobody began a newer one meanwhile
 *
 * As with counters, what is published must be seen and what was seen stays seen.
 */
#include <stdlib.h>

#include "actor.h"

enum { WRITERS = 2, READERS = 2, NR_BASE = 512, NR_HUGE = 1 };
enum { NR_PAGES = NR_BASE + NR_HUGE * HUGE_PAGES, HOT_PAGES = 16, BURST = 8 };

static _Atomic uint64_t published[NR_PAGES];

static _Atomic uint64_t *words_of(const struct arena *arena, uint32_t page)
{
	return (_Atomic uint64_t *)arena_page(arena, page);
}

static uint64_t label_of(uint32_t page, uint64_t version)
{
	return version << 20 | page | 1ULL << 60;
}

static void write_page(_Atomic uint64_t *words, uint32_t page, uint64_t version)
{
	uint64_t word = page_word(label_of(page, version), 0);
	unsigned int i;

	atomic_store(&words[0], version);
	for (i = 1; i < PAGE_WORDS - 1; i++)
		atomic_store_explicit(&words[i], word += PAGE_STEP,
				      memory_order_relaxed);
	atomic_store_explicit(&words[PAGE_WORDS - 1], version, memory_order_release);
	atomic_store(&published[page], version);
}

static int begin(struct arena *arena)
{
	uint32_t page;

	for (page = 0; page < arena->nr_pages; page++)
		write_page(words_of(arena, page), page, 1);
	return 0;
}

static int begin_thread(struct worker *worker)
{
	worker->state = calloc(NR_PAGES, sizeof(uint64_t));
	return worker->state ? 0 : -1;
}

static uint32_t pick_page(struct worker *worker)
{
	uint32_t page = dice_below(&worker->dice, HOT_PAGES);

	if (dice_one_in(&worker->dice, 8))
		return dice_below(&worker->dice, worker->arena->nr_pages);
	return page < HOT_PAGES / 2 ? page : worker->arena->nr_base + page;
}

/* The words between the versions; false: not those of @version. */
static bool is_whole(const _Atomic uint64_t *words, uint32_t page, uint64_t version,
		     unsigned int *ret_bad)
{
	uint64_t word = page_word(label_of(page, version), PAGE_WORDS - 1);
	unsigned int i;

	for (i = PAGE_WORDS - 2; i > 0; i--) {
		word -= PAGE_STEP;
		if (atomic_load_explicit(&words[i], memory_order_acquire) != word)
			break;
	}
	*ret_bad = i;
	return i == 0;
}

static void look(struct worker *worker, uint32_t page)
{
	const _Atomic uint64_t *words = words_of(worker->arena, page);
	uint64_t *last = (uint64_t *)worker->state + page;
	uint64_t before = atomic_load(&published[page]);
	uint64_t version = atomic_load(&words[PAGE_WORDS - 1]);
	unsigned int bad;
	bool is_good = is_whole(words, page, version, &bad);
	uint64_t seen = atomic_load(&words[bad]);

	worker_check(worker, version >= before, "a published version is seen", words,
		     before, version);
	worker_check(worker, version >= *last, "a version that was seen stays seen",
		     words, *last, version);
	*last = version;
	/* A newer one had begun: what was read is of both, and may be. */
	if (!is_good && atomic_load(&words[0]) != version)
		return;
	worker_check(worker, is_good, "a page of one version is whole", &words[bad],
		     page_word(label_of(page, version), bad), seen);
}

static void step(struct worker *worker)
{
	int i;

	for (i = 0; i < BURST; i++) {
		uint32_t page = pick_page(worker);

		if (worker->index >= WRITERS) {
			look(worker, page);
		} else if (page % WRITERS == worker->index) {
			look(worker, page);
			write_page(words_of(worker->arena, page), page,
				   published[page] + 1);
		}
	}
}

static void end(struct worker *worker)
{
	uint32_t page;
	uint64_t version;

	for (page = 0; page < worker->arena->nr_pages; page++) {
		look(worker, page);
		version = words_of(worker->arena, page)[0];
		worker_check(worker, version == published[page],
			     "at the end every page has its last version",
			     arena_page(worker->arena, page), published[page], version);
	}
}

const struct actor whole_actor = {
	.name = "whole",
	.hazard = "threads write whole pages of one version and look for pages of two: a copy "
		  "that was made while somebody wrote",
	.nr_threads = WRITERS + READERS,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.is_still = true,
	.begin = begin,
	.begin_thread = begin_thread,
	.step = step,
	.end = end,
};
