// SPDX-License-Identifier: GPL-2.0
/*
 * reclaim.c - the actors "pageout", "ksm", "mlock" and "huge": the kernel moves, merges,
 * nails down, splits and joins pages by its own rules, at our wish
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "actor.h"
#include "file.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25	/* 6.1 */
#endif

#define KSM	"/sys/kernel/mm/ksm/"
#define THP	"/sys/kernel/mm/transparent_hugepage/"

enum { NR_BASE = 512, NR_HUGE = 1, MAX_SPAN = 64, REST_US = 3000 };

static const char *lacks_swap(void)
{
	return file_field("/proc/meminfo", "SwapFree:") < 65536 ? "no swap is on" : NULL;
}

/* --- pageout -------------------------------------------------------------------- */

/*
 * Pages go to swap and come back, some written between, some while they are still under
 * writeback: swap cache, clean pages with a slot, pages without a dirty bit.
 */
static void pageout_step(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span = arena_pick(arena, &worker->dice, MAX_SPAN);
	void *at = arena_span_addr(arena, span);
	size_t bytes = arena_span_bytes(span);
	int rounds = (int)dice_spread(&worker->dice, 4);

	arena_check(worker, span, "a page is what was written to it");
	while (rounds--) {
		if (dice_one_in(&worker->dice, 2))
			arena_fill(arena, span);
		madvise(at, bytes, dice_one_in(&worker->dice, 4) ? MADV_COLD :
			MADV_PAGEOUT);
		worker_rest(worker, REST_US);
		if (dice_one_in(&worker->dice, 2))
			arena_check(worker, span, "a page comes back from swap as it went");
	}
	arena_check(worker, span, "a page comes back from swap as it went");
}

const struct actor pageout_actor = {
	.name = "pageout",
	.hazard = "sends pages to swap and back: a move must leave the swap cache and writeback "
		  "alone and keep the dirty bit, or reclaim drops the last write",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.rest_us = REST_US,
	.reclaims = true,
	.lacks = lacks_swap,
	.step = pageout_step,
};

/* --- ksm ------------------------------------------------------------------------- */

static const char *lacks_ksm(void)
{
	return access(KSM "run", W_OK) ? "the kernel has no same-page merging" : NULL;
}

static void ksm_prepare(void)
{
	file_set(KSM "pages_to_scan", "100");
	file_set(KSM "sleep_millisecs", "50");
	file_set(KSM "run", "1");
}

static int ksm_begin(struct arena *arena)
{
	return madvise(arena->addr, arena->nr_pages * PAGE_BYTES, MADV_MERGEABLE) ?
		-errno : 0;
}

/* All pages of a span have one label, so the kernel merges them; some are written apart. */
static void ksm_step(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span = arena_pick(arena, &worker->dice, MAX_SPAN);
	uint64_t label = arena_new_label(arena);
	uint32_t page;

	arena_check(worker, span, "a page is what was written to it, merged or not");
	for (page = span.first; page < span.first + span.nr; page++)
		page_fill(arena_page(arena, page), label);
	arena_set_labels(arena, span, label);
	worker_rest(worker, 10 * REST_US);
	for (page = span.first; page < span.first + span.nr; page++)
		if (dice_one_in(&worker->dice, 8))
			arena_fill(arena, (struct span){ page, 1 });
	arena_check(worker, span, "a page is what was written to it, and its twins are not");
}

/* Merged pages are the last thing that another run needs. */
static void ksm_end(struct worker *worker)
{
	arena_check_all(worker, "at the end every page is as the books say");
	madvise(worker->arena->addr, worker->arena->nr_pages * PAGE_BYTES,
		MADV_UNMERGEABLE);
	arena_check_all(worker, "pages are the same when they are no longer merged");
}

const struct actor ksm_actor = {
	.name = "ksm",
	.hazard = "lets ksmd merge equal pages and writes to them: ksmd write-protects and "
		  "replaces entries as a move does, and merged pages are not to be swapped",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.rest_us = REST_US,
	.lacks = lacks_ksm,
	.prepare = ksm_prepare,
	.begin = ksm_begin,
	.step = ksm_step,
	.end = ksm_end,
};

/* --- mlock ----------------------------------------------------------------------- */

static void mlock_step(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span = arena_pick(arena, &worker->dice, MAX_SPAN);
	void *at = arena_span_addr(arena, span);
	size_t bytes = arena_span_bytes(span);

	arena_check(worker, span, "a page is what was written to it");
	if (dice_one_in(&worker->dice, 4)) {
		madvise(at, bytes, MADV_DONTNEED);
		arena_set_labels(arena, span, 0);
	}
	worker_call(worker, "mlock", 0, mlock2(at, bytes, dice_one_in(&worker->dice, 2) ?
					       MLOCK_ONFAULT : 0));
	arena_check(worker, span, "a page is the same under mlock");
	arena_fill(arena, span);
	worker_rest(worker, REST_US);
	arena_check(worker, span, "a page that is locked keeps what was written");
	worker_call(worker, "munlock", 0, munlock(at, bytes));
	arena_fill(arena, span);
}

const struct actor mlock_actor = {
	.name = "mlock",
	.hazard = "locks and unlocks pages: their count lives where the LRU list is, and they "
		  "change lists while a move has them",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.rest_us = REST_US,
	.step = mlock_step,
};

/* --- huge ------------------------------------------------------------------------ */

static const char *lacks_thp(void)
{
	char mode[64];

	if (file_read(THP "enabled", mode, sizeof(mode)) <= 0)
		return "the kernel has no transparent huge pages";
	return NULL;
}

static void huge_prepare(void)
{
	file_set(THP "enabled", "madvise");
	file_set(THP "defrag", "madvise");
	file_set(THP "khugepaged/scan_sleep_millisecs", "50");
	file_set(THP "khugepaged/alloc_sleep_millisecs", "10");
	file_set(THP "khugepaged/pages_to_scan", "2048");
}

/* Entries of huge pages are split in three ways; khugepaged joins them, or we do. */
static void huge_step(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span = arena_pick(arena, &worker->dice, MAX_SPAN);
	void *at = arena_span_addr(arena, span);
	size_t bytes = arena_span_bytes(span);

	arena_check(worker, span, "a page is what was written to it");
	switch (dice_below(&worker->dice, 4)) {
	case 0:
		madvise(at, bytes, MADV_DONTNEED);
		arena_set_labels(arena, span, 0);
		break;
	case 1:
		mprotect(at, bytes, PROT_READ);
		arena_check(worker, span, "a page is the same in a huge page that was split");
		mprotect(at, bytes, PROT_READ | PROT_WRITE);
		break;
	case 2:
		madvise(at, bytes, MADV_NOHUGEPAGE);
		madvise(at, bytes, MADV_HUGEPAGE);
		break;
	default:
		/* Where the kernel does not know it, khugepaged does it in its time. */
		madvise((char *)((uintptr_t)at & -HUGE_BYTES), HUGE_BYTES, MADV_COLLAPSE);
	}
	arena_check(worker, span, "a page is the same when huge pages were split or joined");
	arena_fill(arena, span);
	worker_rest(worker, 5 * REST_US);
	arena_check(worker, span, "a page keeps what was written meanwhile");
}

const struct actor huge_actor = {
	.name = "huge",
	.hazard = "splits huge pages and has them joined, by khugepaged at full speed: the page "
		  "table itself goes away under a move, and comes back",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.nr_huge = 2 * NR_HUGE,
	.rest_us = REST_US,
	.lacks = lacks_thp,
	.prepare = huge_prepare,
	.step = huge_step,
};
