// SPDX-License-Identifier: GPL-2.0
/*
 * region_discard.c - DISCARD: memory of a managed region is given up
 *
 * What madvise(MADV_REMOVE) is for other shared memory; the kernel refuses that, and
 * MADV_DONTNEED, for pages that it does not count.  Worked off in stretches: close the cells,
 * unmap, empty them, wake who waited, who then finds nothing there and fills it anew.
 *
 * Example, 3 MiB from offset 0 of a region with huge pages: the first page is freed; of
 * the second one the first half is cleared, and it stays.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include "region.h"

#define STRETCH_PAGES	(16 * SPAN_PAGES)

/* Calls @visit for each filled cell that [@from, @to) touches. */
static void each_cell(struct hemem_region *region, unsigned long from, unsigned long to,
		      void (*visit)(struct hemem_region *region, unsigned long *cell,
				    unsigned int order, unsigned long from,
				    unsigned long to))
{
	unsigned int order;

	while (from < to) {
		unsigned long *cell = hemem_region_cell(region, from, &order);
		const unsigned long next = min(to, (from | ((1UL << order) - 1)) + 1);

		if (*cell)
			visit(region, cell, order, from, next);
		from = next;
	}
}

/* Gate held for writing. */
static void close_cell(struct hemem_region *region, unsigned long *cell,
		       unsigned int order, unsigned long from, unsigned long to)
{
	WRITE_ONCE(*cell, cell_of(cell_page(*cell), CELL_CLOSED));
}

/* Closed and mapped nowhere: faults that look at it wait, or find it empty. */
static void empty_cell(struct hemem_region *region, unsigned long *cell,
		       unsigned int order, unsigned long from, unsigned long to)
{
	struct page *page = cell_page(*cell);
	unsigned long i;

	if (to - from == 1UL << order) {
		smp_store_release(cell, 0);
		hemem_region_count(region, page, order, -1);
		hemem_region_pool_give(page, order);
	} else {
		for (i = from; i < to; i++)
			clear_page(page_address(page + i % SPAN_PAGES));
		smp_store_release(cell, cell_of(page, CELL_IDLE));
	}
	cond_resched();
}

static void discard_stretch(struct hemem_region *region, unsigned long from,
			    unsigned long to)
{
	down_write(&region->gate);
	each_cell(region, from, to, close_cell);
	up_write(&region->gate);
	hemem_region_unmap(region, from, to - from);
	each_cell(region, from, to, empty_cell);
	hemem_region_step(region);
}

/* Tables of spans that were discarded as a whole, so that these may have huge pages again. */
static void free_tables(struct hemem_region *region, unsigned long from, unsigned long to)
{
	unsigned long first = DIV_ROUND_UP(from, SPAN_PAGES), i;
	unsigned long *parts;

	for (; first < to / SPAN_PAGES; first++) {
		struct hemem_span *span = &region->spans[first];

		down_write(&region->gate);
		parts = span->parts;
		for (i = 0; parts && i < SPAN_PAGES; i++)
			if (parts[i])		/* filled again meanwhile */
				parts = NULL;
		if (parts)
			span->parts = NULL;
		up_write(&region->gate);
		free_page((unsigned long)parts);
		cond_resched();
	}
}

/**
 * hemem_region_discard() - HEMEM_ASSIST_DISCARD
 * @target: the fd's
 * @arg: kernel copy of the struct
 *
 * Return: 0 or -errno as the uapi header promises
 */
int hemem_region_discard(struct hemem_target *target,
			 const struct hemem_assist_discard *arg)
{
	struct hemem_region *region = smp_load_acquire(&target->region);
	unsigned long from, to, next;
	int ret;

	if (!region)
		return -ENOTCONN;
	if (arg->flags || !arg->bytes || !PAGE_ALIGNED(arg->offset) ||
	    !PAGE_ALIGNED(arg->bytes))
		return -EINVAL;
	from = arg->offset >> PAGE_SHIFT;
	if (from >= region->nr_pages || arg->bytes >> PAGE_SHIFT > region->nr_pages - from)
		return -EINVAL;
	to = from + (arg->bytes >> PAGE_SHIFT);
	ret = mutex_lock_killable(&region->movers);
	if (ret)
		return ret;
	for (; from < to; from = next) {
		next = min(to, (from | (STRETCH_PAGES - 1)) + 1);
		discard_stretch(region, from, next);
		free_tables(region, from, next);
	}
	mutex_unlock(&region->movers);
	return 0;
}
