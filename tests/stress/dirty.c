// SPDX-License-Identifier: GPL-2.0
/*
 * dirty.c - the actor "dirty": what is written is seen as soft-dirty
 *
 * "4" to /proc/self/clear_refs write-protects the whole target and forgets which pages
 * were written; after it, bit 55 in /proc/self/pagemap must be set for each page that is
 * written.  The other way round there is no promise.  How many pages were shown clean
 * before they were written is told: without any, the check would be empty.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "actor.h"
#include "file.h"

#define SOFT_DIRTY	(1ULL << 55)

enum { NR_BASE = 512, NR_HUGE = 1, MAX_SPAN = 64, REST_US = 10000 };

static int pagemap = -1;

static int begin(struct arena *arena __attribute__((unused)))
{
	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	return pagemap < 0 ? -errno : 0;
}

static bool is_dirty(struct worker *worker, uint32_t page)
{
	uintptr_t addr = (uintptr_t)arena_page(worker->arena, page);
	uint64_t entry = 0;

	worker_call(worker, "read of pagemap", sizeof(entry),
		    pread(pagemap, &entry, sizeof(entry),
			  (off_t)(addr / PAGE_BYTES * sizeof(entry))));
	return entry & SOFT_DIRTY;
}

static void step(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span = arena_pick(arena, &worker->dice, MAX_SPAN);
	uint32_t page;

	arena_check(worker, span, "a page is what was written to it");
	worker_call(worker, "clear_refs", 0, file_write("/proc/self/clear_refs", "4"));
	worker_rest(worker, REST_US);
	for (page = span.first; page < span.first + span.nr; page++) {
		worker_count_extra(worker, !is_dirty(worker, page));
		arena_fill(arena, (struct span){ page, 1 });
	}
	worker_rest(worker, REST_US);
	for (page = span.first; page < span.first + span.nr; page++)
		worker_check(worker, is_dirty(worker, page),
			     "a page that was written is soft-dirty",
			     arena_page(arena, page), 1, 0);
}

static const char *lacks(void)
{
	if (access("/proc/self/clear_refs", W_OK) || file_write("/proc/self/clear_refs", "4"))
		return "the kernel has no soft-dirty bits";
	return NULL;
}

const struct actor dirty_actor = {
	.name = "dirty",
	.hazard = "clears all soft-dirty bits and writes: a move carries the bit over, and loses "
		  "none that is set while it has the page",
	.extra = "clean_before",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.rest_us = 3 * REST_US,
	.is_still = true,
	.lacks = lacks,
	.begin = begin,
	.step = step,
};
