// SPDX-License-Identifier: GPL-2.0
/*
 * wp_mark.c - which pages are protected
 *
 * The mark of a page is a bit in a table of ours, by process and address, and not in its entry:
 * a kernel that knows no such bit loses it whenever it makes a new entry, at swap,
 * migration, NUMA hinting, KSM, mprotect.  All of these keep the page's content and its
 * address, so the bit stays true.  What does not keep them leaves no entry behind: munmap,
 * mremap, MADV_DONTNEED, a page of MADV_FREE that was reclaimed.  So there is one rule: *where
 * there is no entry there is no mark*.  It is kept by an MMU notifier, which looks at
 * the entries of each range after it was changed.
 *
 * Marks are set with mmap_lock held for writing and under the page-table lock of the entry that
 * was seen; faults read them with mmap_lock held for reading; the notifier comes under
 * whatever lock lets its caller change entries, looks under the page-table lock, and only clears.
 */
#include "hemem.h"

#ifdef HEMEM_WP

#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/xarray.h>

/* The pages that one table maps: 2 MiB. */
struct block {
	DECLARE_BITMAP(bits, PTRS_PER_PTE);
};

static LIST_HEAD(all);			/* every struct hemem_wp, for readers under RCU */
static DEFINE_MUTEX(all_lock);		/* protects changes of the list */

static unsigned long block_index(unsigned long addr)
{
	return addr >> PMD_SHIFT;
}

static unsigned int index_in_block(unsigned long addr)
{
	return (addr >> PAGE_SHIFT) & (PTRS_PER_PTE - 1);
}

/* The entry that covers the 2 MiB around @addr, or NULL: nothing is mapped there. */
static pmd_t *find_pmd(struct mm_struct *mm, unsigned long addr)
{
	pmd_t *pmd = hemem_walk_pmd(mm, addr);

	return pmd && !pmd_none(*pmd) ? pmd : NULL;
}

/* A huge page, present or under migration: is it one?  Then all of it has an entry. */
static bool is_huge(struct mm_struct *mm, pmd_t *pmd, unsigned long *bits,
		    unsigned int first, unsigned int nr, bool sets)
{
	spinlock_t *lock = pmd_lock(mm, pmd);
	bool is_one = !pmd_none(*pmd) && (!pmd_present(*pmd) || pmd_trans_huge(*pmd));

	if (is_one && sets)
		bitmap_set(bits, first, nr);
	spin_unlock(lock);
	return is_one;
}

/*
 * Keeps the rule for @nr pages from @addr on, all in one block: no entry, no mark.  @sets: and
 * where there is an entry, a mark.
 */
static void update(struct mm_struct *mm, struct block *block, unsigned long addr,
		   unsigned int nr, bool sets)
{
	unsigned int first = index_in_block(addr), i;
	pmd_t *pmd = find_pmd(mm, addr);
	spinlock_t *lock;
	pte_t *pte;

	if (!pmd) {
		bitmap_clear(block->bits, first, nr);
		return;
	}
	if (is_huge(mm, pmd, block->bits, first, nr, sets) || pmd_none(*pmd))
		return;
	pte = pte_offset_map_lock(mm, pmd, addr, &lock);
	for (i = 0; i < nr; i++) {
		if (pte_none(pte[i]))
			clear_bit(first + i, block->bits);
		else if (sets)
			set_bit(first + i, block->bits);
	}
	pte_unmap_unlock(pte, lock);
}

/* The end of what of [@addr, @end) lies in @addr's block. */
static unsigned long block_end(unsigned long addr, unsigned long end)
{
	return min(end, (addr & PMD_MASK) + PMD_SIZE);
}

/* Keeps the rule in [@start, @end), where there are blocks. */
static void update_range(struct hemem_wp *wp, unsigned long start, unsigned long end,
			 bool sets)
{
	unsigned long index = block_index(start), from, to;
	struct block *block;

	for (block = xa_find(&wp->blocks, &index, block_index(end - 1), XA_PRESENT); block;
	     block = xa_find_after(&wp->blocks, &index, block_index(end - 1), XA_PRESENT)) {
		from = max(start, index << PMD_SHIFT);
		to = block_end(from, end);
		if (sets || !bitmap_empty(block->bits, PTRS_PER_PTE))
			update(wp->mm, block, from, (to - from) >> PAGE_SHIFT, sets);
	}
}

/* Entries of [start, end) have changed: marks go where none is left. */
static void mark_invalidate(struct mmu_notifier *notifier,
			    const struct mmu_notifier_range *range)
{
	struct hemem_wp *wp = container_of(notifier, struct hemem_wp, notifier);

	if (hemem_fault_omits(HEMEM_FAULT_WP_GONE))
		return;
	if (range->start < range->end)
		update_range(wp, range->start, range->end, false);
}

static const struct mmu_notifier_ops mark_notifier_ops = {
	.invalidate_range_end = mark_invalidate,
};

/**
 * hemem_wp_mark_init() - begin to keep marks of a process
 * @wp: its @mm is the caller's own, mmap_lock not held; found by hemem_wp_mark_find() from now on
 *
 * Return: 0, -EBUSY: somebody does already, -ENOMEM, -EINTR
 */
int hemem_wp_mark_init(struct hemem_wp *wp)
{
	int ret = -EBUSY;

	xa_init(&wp->blocks);
	wp->notifier.ops = &mark_notifier_ops;
	mutex_lock(&all_lock);
	if (!hemem_wp_mark_find(wp->mm))
		ret = mmu_notifier_register(&wp->notifier, wp->mm);
	if (!ret)
		list_add_rcu(&wp->node, &all);
	mutex_unlock(&all_lock);
	return ret;
}

/**
 * hemem_wp_mark_exit() - forget all marks of a process, which may be gone
 * @wp: nobody can find it afterwards
 */
void hemem_wp_mark_exit(struct hemem_wp *wp)
{
	struct block *block;
	unsigned long index = 0;

	mutex_lock(&all_lock);
	list_del_rcu(&wp->node);
	mutex_unlock(&all_lock);
	mmu_notifier_unregister(&wp->notifier, wp->mm);
	synchronize_rcu();
	for (block = xa_find(&wp->blocks, &index, ULONG_MAX, XA_PRESENT); block;
	     block = xa_find_after(&wp->blocks, &index, ULONG_MAX, XA_PRESENT))
		kfree(block);
	xa_destroy(&wp->blocks);
}

/**
 * hemem_wp_mark_reserve() - have the memory for marks of what is mapped in a range
 * @wp: mmap_lock held for writing
 * @start: page aligned
 * @end: page aligned, above @start
 *
 * Return: 0 or -ENOMEM; marks are what they were
 */
int hemem_wp_mark_reserve(struct hemem_wp *wp, unsigned long start, unsigned long end)
{
	unsigned long addr;

	for (addr = start; addr < end; addr = block_end(addr, end)) {
		struct block *block;

		cond_resched();
		if (!find_pmd(wp->mm, addr) || xa_load(&wp->blocks, block_index(addr)))
			continue;
		block = kzalloc(sizeof(*block), GFP_KERNEL_ACCOUNT);
		if (!block)
			return -ENOMEM;
		if (xa_is_err(xa_store(&wp->blocks, block_index(addr), block,
				       GFP_KERNEL_ACCOUNT))) {
			kfree(block);
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * hemem_wp_mark_set() - mark what is there in a range that was reserved
 * @wp: mmap_lock held for writing
 * @start: page aligned
 * @end: page aligned, above @start
 *
 * Pages that are swapped out or under migration are there; holes are not.
 */
void hemem_wp_mark_set(struct hemem_wp *wp, unsigned long start, unsigned long end)
{
	update_range(wp, start, end, true);
}

/**
 * hemem_wp_mark_clear() - clear marks; their memory is kept until the fd is closed
 * @wp: mmap_lock held for writing, so nobody sets a mark
 * @start: page aligned
 * @end: page aligned, above @start
 */
void hemem_wp_mark_clear(struct hemem_wp *wp, unsigned long start, unsigned long end)
{
	unsigned long index = block_index(start), from, to;
	struct block *block;

	for (block = xa_find(&wp->blocks, &index, block_index(end - 1), XA_PRESENT); block;
	     block = xa_find_after(&wp->blocks, &index, block_index(end - 1), XA_PRESENT)) {
		from = max(start, index << PMD_SHIFT);
		to = block_end(from, end);
		for (; from < to; from += PAGE_SIZE)
			clear_bit(index_in_block(from), block->bits);
	}
}

/**
 * hemem_wp_mark_find() - who keeps marks of a process
 * @mm: the process's
 *
 * Return: to be used in an RCU read-side section, or with mmap_lock held and a mark seen; or NULL
 */
struct hemem_wp *hemem_wp_mark_find(struct mm_struct *mm)
{
	struct hemem_wp *wp, *found = NULL;

	rcu_read_lock();
	list_for_each_entry_rcu(wp, &all, node) {
		if (wp->mm == mm) {
			found = wp;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/**
 * hemem_wp_mark_is_set() - is the page at an address protected?
 * @wp: in an RCU read-side section
 * @addr: any address
 */
bool hemem_wp_mark_is_set(struct hemem_wp *wp, unsigned long addr)
{
	struct block *block = xa_load(&wp->blocks, block_index(addr));

	return block && test_bit(index_in_block(addr), block->bits);
}

/**
 * hemem_wp_mark_is_any_set() - is any page of the 2 MiB around an address protected?
 * @wp: in an RCU read-side section
 * @addr: any address
 */
bool hemem_wp_mark_is_any_set(struct hemem_wp *wp, unsigned long addr)
{
	struct block *block = xa_load(&wp->blocks, block_index(addr));

	return block && !bitmap_empty(block->bits, PTRS_PER_PTE);
}

#endif /* HEMEM_WP */
