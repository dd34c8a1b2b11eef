/* SPDX-License-Identifier: GPL-2.0 */
/*
 * region.h - what the region files know of each other
 *
 * A managed region is memory that a program maps from /dev/hemem and whose pages are
 * the module's own, on one of two nodes.  It is divided into spans of 2 MiB; a span has
 * one huge page, or a table of base pages, or nothing yet.  What is known of one page,
 * huge or base, is a cell: the page and what is being done with it.
 *
 *	region -> spans[] -> whole			one cell for 2 MiB
 *			  -> parts -> [512]		one cell for each 4 KiB
 *
 * Who may do what:
 *
 *	gate, for reading	a fault looks at a cell and enters what it says into a page
 *				table: the cell cannot change in between
 *	gate, for writing	cells change state, spans change shape.  Nothing is
 *				allocated, unmapped or copied meanwhile
 *	movers			one MIGRATE or DISCARD of the region at a time.  Whoever has
 *				it sees cells only ever become filled by others
 *	lock			faults that fill cells at the same time; inside of the gate
 *
 * Lock order: mmap_lock or the lock of a mapping, gate, lock; and movers, gate.  Movers
 * never take mmap_lock, and who waits for a mover has let go of it: else a third, who
 * wants it for writing, would have all of them wait for each other.
 */
#ifndef HEMEM_REGION_H
#define HEMEM_REGION_H

#include <linux/atomic.h>
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include "hemem.h"

#define SPAN_ORDER	(PMD_SHIFT - PAGE_SHIFT)
#define SPAN_PAGES	(1UL << SPAN_ORDER)

/*
 * A cell: the page's number above these bits, or 0: nobody touched it yet.
 *
 *  IDLE	may be mapped for anything
 *  TRIED	is copied while everybody goes on: a write is let through, and leaves WRITTEN
 *  READABLE	readers go on, writers wait
 *  CLOSED	everybody waits
 *
 *  WRITTEN	since it was TRIED, so that the copy is void
 *  PLANNED	in the plan of the mover
 */
enum {
	CELL_IDLE	= 0,
	CELL_TRIED	= 1,
	CELL_READABLE	= 2,
	CELL_CLOSED	= 3,
	CELL_STATES	= 3,
	CELL_WRITTEN_BIT = 2,
	CELL_WRITTEN	= 1 << CELL_WRITTEN_BIT,
	CELL_PLANNED	= 1 << 3,
	CELL_SHIFT	= 4,
};

static inline unsigned long cell_of(struct page *page, unsigned long bits)
{
	return page_to_pfn(page) << CELL_SHIFT | bits;
}

static inline struct page *cell_page(unsigned long cell)
{
	return pfn_to_page(cell >> CELL_SHIFT);
}

/**
 * struct hemem_span - 2 MiB of a region
 * @whole: the cell of its huge page, or 0
 * @parts: SPAN_PAGES cells of base pages, or NULL; never beside @whole
 */
struct hemem_span {
	unsigned long whole;
	unsigned long *parts;
};

/**
 * struct hemem_region - owned by the struct file that it was made on
 * @nr_pages: base pages, constant as are the next five
 * @fast: the node that new pages come from while it has more than @reserve_pages free
 * @slow: the node that they come from otherwise
 * @reserve_pages: base pages
 * @is_huge: spans that lie in it as a whole may have huge pages
 * @inode: so that all mappings of this region, and no others, are found at it
 * @spans: its memory; who may change what is told above
 * @resident: base pages by node
 * @nr_huge: huge pages
 * @gate: see above
 * @movers: see above
 * @lock: see above
 * @steps: grows whenever a mover has opened cells again
 * @waiters: faults that wait for that
 */
struct hemem_region {
	unsigned long nr_pages;
	int fast;
	int slow;
	unsigned long reserve_pages;
	bool is_huge;
	struct inode *inode;
	struct hemem_span *spans;
	atomic_long_t *resident;
	atomic_long_t nr_huge;
	struct rw_semaphore gate;
	struct mutex movers;
	spinlock_t lock;
	unsigned long steps;
	wait_queue_head_t waiters;
};

/* ---- region.c ---- */

unsigned long *hemem_region_cell(struct hemem_region *region, unsigned long pgoff,
				 unsigned int *ret_order);
void hemem_region_count(struct hemem_region *region, struct page *page,
			unsigned int order, int sign);
void hemem_region_unmap(struct hemem_region *region, unsigned long pgoff,
			unsigned long nr);

void hemem_region_step(struct hemem_region *region);

/* ---- region_fault.c ---- */

extern const struct vm_operations_struct hemem_region_fault_ops;

/* ---- region_pool.c ---- */

struct page *hemem_region_pool_take(int nid, unsigned int order, gfp_t more);
void hemem_region_pool_give(struct page *page, unsigned int order);
unsigned long hemem_region_pool_room(int nid);
void hemem_region_pool_empty(void);

#endif /* HEMEM_REGION_H */
