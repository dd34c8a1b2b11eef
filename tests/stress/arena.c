// SPDX-License-Identifier: GPL-2.0
/*
 * arena.c - the memory of one actor, and what must be in it
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "actor.h"
#include "arena.h"

/* Pages between arenas, so that the kernel merges none of their mappings. */
#define GAP_BYTES	HUGE_BYTES

void *arena_reserve(size_t bytes)
{
	char *raw = mmap(NULL, bytes + GAP_BYTES + HUGE_BYTES, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (raw == MAP_FAILED)
		return NULL;
	return raw + -(uintptr_t)raw % HUGE_BYTES;
}

static int map(struct arena *arena)
{
	size_t bytes = arena->nr_pages * PAGE_BYTES;
	size_t base_bytes = arena->nr_base * PAGE_BYTES;

	arena->addr = arena_reserve(bytes);
	if (!arena->addr ||
	    mmap(arena->addr, bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return -errno;
	madvise(arena->addr, bytes, MADV_DONTFORK);
	/* Both fail where there are no huge pages, and are then without effect. */
	madvise(arena->addr, base_bytes, MADV_NOHUGEPAGE);
	if (bytes > base_bytes)
		madvise(arena->addr + base_bytes, bytes - base_bytes, MADV_HUGEPAGE);
	return 0;
}

struct arena *arena_new(unsigned int number, uint32_t nr_base, uint32_t nr_huge)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (!arena)
		return NULL;
	arena->nr_base = nr_base;
	arena->nr_pages = nr_base + nr_huge * HUGE_PAGES;
	arena->next_label = (uint64_t)(number + 1) << 48;
	arena->labels = calloc(arena->nr_pages, sizeof(*arena->labels));
	if (!arena->labels || map(arena)) {
		free(arena->labels);
		free(arena);
		return NULL;
	}
	arena_fill(arena, (struct span){ 0, arena->nr_pages });
	arena->place = board_add_place(arena->addr, arena->nr_pages);
	return arena;
}

struct span arena_pick(const struct arena *arena, struct dice *dice, uint32_t max)
{
	struct span span = { .first = dice_below(dice, arena->nr_pages) };
	uint32_t end = span.first < arena->nr_base ? arena->nr_base : arena->nr_pages;

	span.nr = dice_spread(dice, max < end - span.first ? max : end - span.first);
	return span;
}

struct span arena_pick_aligned(const struct arena *arena, struct dice *dice,
			       uint32_t max)
{
	struct span span = arena_pick(arena, dice, max);

	if (span.first >= arena->nr_base) {
		span.first &= ~(HUGE_PAGES - 1U);
		span.nr = HUGE_PAGES;
	}
	return span;
}

uint64_t arena_new_label(struct arena *arena)
{
	return arena->next_label++;
}

void arena_fill(struct arena *arena, struct span span)
{
	uint32_t page;

	for (page = span.first; page < span.first + span.nr; page++) {
		arena->labels[page] = arena_new_label(arena);
		page_fill(arena_page(arena, page), arena->labels[page]);
	}
}

void arena_set_labels(struct arena *arena, struct span span, uint64_t label)
{
	uint32_t page;

	for (page = span.first; page < span.first + span.nr; page++)
		arena->labels[page] = label;
}

bool arena_check(struct worker *worker, struct span span, const char *check)
{
	struct arena *arena = worker->arena;
	bool is_good = true;
	uint32_t page;

	for (page = span.first; page < span.first + span.nr; page++) {
		if (arena->labels[page] == ARENA_UNKNOWN ||
		    worker_check_page(worker, arena_page(arena, page),
				      arena->labels[page], check))
			continue;
		arena->labels[page] = ARENA_UNKNOWN;
		is_good = false;
	}
	return is_good;
}

bool arena_check_all(struct worker *worker, const char *check)
{
	return arena_check(worker, (struct span){ 0, worker->arena->nr_pages }, check);
}
