// SPDX-License-Identifier: GPL-2.0
/*
 * region_fault.c - what happens when a program touches a managed region
 *
 * A first touch fills a cell: with a huge page where the span lies in the mapping as a
 * whole, addresses and offsets aligned alike, and there is one; else with a base page.  Every
 * touch enters the cell's page into the page table, as its state allows.
 *
 * Pages are entered by number (VM_PFNMAP), so the kernel neither counts nor references them: nobody
 * but this module decides when one is free.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "region.h"

/*
 * A page for @region, cleared.  A base page is waited for, a huge one is not; and the reserve is
 * a wish about places, so that it gives way before a program would be killed.
 */
static struct page *new_page(struct hemem_region *region, unsigned int order)
{
	const gfp_t waits = __GFP_ZERO | __GFP_RECLAIM;
	struct page *page = NULL;

	if (hemem_region_pool_room(region->fast) >=
	    region->reserve_pages + (1UL << order))
		page = hemem_region_pool_take(region->fast, order, __GFP_ZERO);
	if (!page)
		page = hemem_region_pool_take(region->slow, order, __GFP_ZERO);
	if (!page && !order)
		page = hemem_region_pool_take(region->fast, 0, __GFP_ZERO);
	if (!page && !order)
		page = hemem_region_pool_take(region->slow, 0, waits);
	if (!page && !order)
		page = hemem_region_pool_take(region->fast, 0, waits);
	return page;
}

/* Puts @page into the cell unless another was quicker; @parts likewise for its span. */
static bool fill(struct hemem_region *region, unsigned long pgoff, struct page *page,
		 unsigned int order, unsigned long **parts)
{
	struct hemem_span *span = &region->spans[pgoff / SPAN_PAGES];
	unsigned long *cell = NULL;

	spin_lock(&region->lock);
	if (!span->whole && !span->parts && *parts) {
		/* Those who look without the lock must find it cleared. */
		smp_store_release(&span->parts, *parts);
		*parts = NULL;
	}
	if (order)
		cell = span->parts ? NULL : &span->whole;
	else if (span->parts)
		cell = &span->parts[pgoff % SPAN_PAGES];
	if (cell && *cell)
		cell = NULL;
	if (cell)
		WRITE_ONCE(*cell, cell_of(page, CELL_IDLE));
	spin_unlock(&region->lock);
	return cell;
}

/* Gives the page at @pgoff memory, unless it has some.  0 or what the fault ends with. */
static vm_fault_t populate(struct hemem_region *region, unsigned long pgoff,
			   unsigned int order)
{
	unsigned long *parts = NULL;
	struct page *page = new_page(region, order);
	bool is_used;

	if (!page) {
		if (order)
			return VM_FAULT_FALLBACK;
		hemem_stats_add(HEMEM_STAT_region_sigbus, 1);
		return VM_FAULT_SIGBUS;
	}
	if (!order && !READ_ONCE(region->spans[pgoff / SPAN_PAGES].parts)) {
		parts = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
		if (!parts) {
			hemem_region_pool_give(page, 0);
			return VM_FAULT_OOM;
		}
	}
	down_read(&region->gate);
	is_used = fill(region, pgoff, page, order, &parts);
	if (is_used)
		hemem_region_count(region, page, order, 1);
	up_read(&region->gate);
	if (!is_used)
		hemem_region_pool_give(page, order);
	free_page((unsigned long)parts);
	return 0;
}

/*
 * Waits until a mover is further than it was at @seen.  Without the lock that the fault came
 * with: who wants it for writing would wait as well, and everybody else behind.  The file keeps
 * the region.  A fault that came for the second time may not let go: it comes again.
 */
static vm_fault_t wait_for_mover(struct vm_fault *vmf, struct hemem_region *region,
				 unsigned long seen)
{
	struct file *file;

	hemem_stats_add(HEMEM_STAT_region_waits, 1);
	if (!fault_flag_allow_retry_first(vmf->flags) ||
	    vmf->flags & FAULT_FLAG_RETRY_NOWAIT) {
		cond_resched();
		return VM_FAULT_NOPAGE;
	}
	file = get_file(vmf->vma->vm_file);
	hemem_fault_unlock(vmf);
	(void)wait_event_killable(region->waiters, READ_ONCE(region->steps) != seen);
	fput(file);
	/* Both: after pfn_mkwrite a plain RETRY would be taken for an answer. */
	return VM_FAULT_RETRY | VM_FAULT_NOPAGE;
}

/*
 * Enters a base page.  An entry that is there is read-only, as nothing faults at others; it
 * is taken away first.  To return 0 and have the kernel open it would be too late: it would do
 * so outside of the gate, when the entry may be another.
 */
static vm_fault_t enter_base(struct vm_fault *vmf, struct page *page, bool may_write,
			     bool is_there)
{
	const unsigned long addr = vmf->address & PAGE_MASK;
	struct vm_area_struct *vma = vmf->vma;
	unsigned long flags = vma->vm_flags;

	if (is_there)
		hemem_zap_page(vma, addr);
	if (!may_write)
		flags &= ~(VM_WRITE | VM_SHARED);
	return vmf_insert_pfn_prot(vma, addr, page_to_pfn(page), vm_get_page_prot(flags));
}

/*
 * What the state of @cell lets this fault do; @ret_may_write: enter it writable.  False: wait.
 * Gate held for reading.
 */
static bool admit(unsigned long *cell, bool is_write, bool *ret_may_write)
{
	switch (READ_ONCE(*cell) & CELL_STATES) {
	case CELL_TRIED:
		if (is_write)
			set_bit(CELL_WRITTEN_BIT, cell);
		*ret_may_write = is_write;
		return true;
	case CELL_READABLE:
		*ret_may_write = false;
		return !is_write;
	case CELL_CLOSED:
		return false;
	}
	*ret_may_write = true;
	return true;
}

/* What enter() leaves to its caller: the cell is to be waited for, or to be filled. */
enum { ENTER_DONE, ENTER_WAIT, ENTER_EMPTY };

/* Enters what the cell at the fault has.  @ret: what the fault ends with. */
static int enter(struct vm_fault *vmf, struct hemem_region *region, unsigned int order,
		 bool is_there, vm_fault_t *ret)
{
	const bool is_write = vmf->flags & FAULT_FLAG_WRITE;
	unsigned int cell_order;
	unsigned long *cell;
	struct page *page;
	bool may_write;

	lockdep_assert_held(&region->gate);
	cell = hemem_region_cell(region, vmf->pgoff, &cell_order);
	*ret = VM_FAULT_FALLBACK;
	if (order > cell_order)
		return ENTER_DONE;
	if (!READ_ONCE(*cell))
		return ENTER_EMPTY;
	if (!admit(cell, is_write, &may_write))
		return ENTER_WAIT;
	page = cell_page(READ_ONCE(*cell));
	if (order) {
		/* Without @write it is read-only, as the kernel protects it (vma_wants_writenotify()). */
		*ret = hemem_insert_huge(vmf, page, may_write && is_write);
		return ENTER_DONE;
	}
	if (cell_order)
		page += vmf->pgoff % SPAN_PAGES;
	*ret = enter_base(vmf, page, may_write, is_there);
	return ENTER_DONE;
}

static vm_fault_t serve(struct vm_fault *vmf, unsigned int order, bool is_there)
{
	struct hemem_region *region = vmf->vma->vm_private_data;
	/* Before the cell is looked at, or the step that opens it might be the last. */
	const unsigned long seen = smp_load_acquire(&region->steps);
	vm_fault_t ret;
	int what;

	if (vmf->pgoff >= region->nr_pages)
		return VM_FAULT_SIGBUS;
	for (;;) {
		down_read(&region->gate);
		what = enter(vmf, region, order, is_there, &ret);
		up_read(&region->gate);
		if (what == ENTER_DONE)
			return ret;
		if (what == ENTER_WAIT)
			return wait_for_mover(vmf, region, seen);
		ret = populate(region, vmf->pgoff, order);
		if (ret)
			return ret;
		/* It may be discarded before it is entered; but not for ever. */
		if (fatal_signal_pending(current))
			return VM_FAULT_NOPAGE;
	}
}

static vm_fault_t region_fault(struct vm_fault *vmf)
{
	return serve(vmf, 0, false);
}

static vm_fault_t region_mkwrite(struct vm_fault *vmf)
{
	return serve(vmf, 0, true);
}

/* Is the span of this address in the mapping as a whole, and in the region, aligned alike? */
static bool fits_huge(const struct vm_fault *vmf)
{
	const struct vm_area_struct *vma = vmf->vma;
	const struct hemem_region *region = vma->vm_private_data;
	const unsigned long begin = vmf->address & PMD_MASK;

	return region->is_huge && begin >= vma->vm_start && begin + PMD_SIZE <= vma->vm_end &&
	       !((vmf->pgoff ^ (vmf->address >> PAGE_SHIFT)) % SPAN_PAGES) &&
	       (vmf->pgoff | (SPAN_PAGES - 1)) < region->nr_pages;
}

static vm_fault_t region_huge_fault(struct vm_fault *vmf, hemem_huge_fault_t size)
{
	if (!hemem_huge_fault_is_pmd(size) || !fits_huge(vmf))
		return VM_FAULT_FALLBACK;
	return serve(vmf, SPAN_ORDER, false);
}

/*
 * Fork.  Base entries are copied under both page-table locks; huge ones, where they are copied
 * at all, are read before the lock is taken, so that a child could get the entry of a page
 * that has just moved away.  So there are none to be copied: the parent, whose mm is locked
 * for writing, faults its own in again.
 */
static void region_open(struct vm_area_struct *vma)
{
	struct hemem_region *region = vma->vm_private_data;

	if (HEMEM_FORK_COPIES_HUGE && region->is_huge && vma->vm_mm != current->mm)
		hemem_region_unmap(region, vma->vm_pgoff, vma_pages(vma));
}

const struct vm_operations_struct hemem_region_fault_ops = {
	.open		= region_open,
	.fault		= region_fault,
	.huge_fault	= region_huge_fault,
	.pfn_mkwrite	= region_mkwrite,
};
