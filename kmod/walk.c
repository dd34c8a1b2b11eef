// SPDX-License-Identifier: GPL-2.0
/*
 * walk.c - finding and visiting entries of page tables
 *
 * The kernel's own page walker does the walking and takes the page-table lock,
 * which a module cannot do by itself any more (6.5).  Here an entry becomes a
 * slot, base or huge, so that nobody else has to know the difference.
 *
 * Left out: raw-pfn mappings and hugetlbfs, which do not move and are told as a
 * whole; and entries that are swapped out or under migration, not present now.
 */
#include <linux/huge_mm.h>
#include <linux/memremap.h>
#include "hemem.h"
#include "ksyms.h"

/**
 * struct walk_state - one hemem_walk()
 * @visit: whom to call
 * @arg: with what
 * @budget: entries, present or not, that may still be looked at
 * @next: the first address not dealt with
 */
struct walk_state {
	hemem_visit_t visit;
	void *arg;
	unsigned long budget;
	unsigned long next;
};

/* Return: as hemem_visit_t */
static int walk_visit(struct walk_state *state, const struct hemem_slot *slot)
{
	if (state->visit(slot, state->arg))
		return 1;
	state->next = slot->end;
	return 0;
}

static int walk_pte(pte_t *pte, unsigned long addr, unsigned long end,
		    struct mm_walk *walk)
{
	struct walk_state *state = walk->private;
	struct hemem_slot slot = {
		.addr = addr, .end = end, .vma = walk->vma, .pte = pte,
	};
	pte_t entry = READ_ONCE(*pte);

	if (!state->budget)
		return 1;
	state->budget--;
	if (!pte_present(entry)) {
		state->next = end;
		return 0;
	}
	/* In the mappings that walk_test() lets through, only the zero page is special. */
	if (!pte_special(entry))
		slot.page = pte_page(entry);
	return walk_visit(state, &slot);
}

static int walk_huge_locked(pmd_t *pmd, unsigned long addr, struct mm_walk *walk)
{
	struct walk_state *state = walk->private;
	struct hemem_slot slot = {
		.addr = addr & HPAGE_PMD_MASK,
		.end = (addr & HPAGE_PMD_MASK) + HPAGE_PMD_SIZE,
		.vma = walk->vma, .pmd = pmd,
	};
	struct page *page = pmd_page(*pmd);

	if (!state->budget)
		return 1;
	state->budget--;
	/* The huge zero page, whose address is a secret, is no anonymous page. */
	if (!vma_is_anonymous(walk->vma) || PageAnon(page))
		slot.page = page;
	return walk_visit(state, &slot);
}

/* A huge page is one slot; a table goes on to walk_pte(); never is one split. */
static int walk_pmd(pmd_t *pmd, unsigned long addr, unsigned long end,
		    struct mm_walk *walk)
{
	pmd_t entry = READ_ONCE(*pmd);
	spinlock_t *ptl;
	int ret = 0;

	if (pmd_present(entry) && !pmd_trans_huge(entry))
		return 0;
	ptl = pmd_lock(walk->mm, pmd);
	entry = *pmd;
	if (pmd_present(entry) && pmd_trans_huge(entry)) {
		ret = walk_huge_locked(pmd, addr, walk);
		walk->action = ACTION_CONTINUE;
	} else if (!pmd_present(entry)) {
		walk->action = ACTION_CONTINUE;
	}
	spin_unlock(ptl);
	return ret;
}

/* Return: 0 to go in, 1 to pass the mapping over, -1 to stop before it */
static int walk_test(unsigned long start, unsigned long end,
		     struct mm_walk *walk)
{
	const unsigned long left_out = VM_IO | VM_PFNMAP | VM_MIXEDMAP | VM_HUGETLB;
	struct hemem_slot slot = { .addr = start, .end = end, .vma = walk->vma };

	if (!(walk->vma->vm_flags & left_out))
		return 0;
	return walk_visit(walk->private, &slot) ? -1 : 1;
}

static const struct mm_walk_ops walk_ops = {
	.pmd_entry = walk_pmd,
	.pte_entry = walk_pte,
	.test_walk = walk_test,
};

/**
 * hemem_slot_is_movable() - whether the slot's memory is of a kind that can move
 * @slot: as a visit gets it
 *
 * Pages that are neither anonymous nor of a file, nor on an LRU list, are the
 * kernel's own, shown to the program: the vdso, for one.
 *
 * Return: false: it will never move; true also for the zero page
 */
bool hemem_slot_is_movable(const struct hemem_slot *slot)
{
	struct folio *folio;

	if (!hemem_slot_is_mapped(slot))
		return false;
	if (!slot->page)
		return true;
	if (is_zone_device_page(slot->page))
		return false;
	folio = page_folio(slot->page);
	return folio_test_anon(folio) || folio_test_lru(folio) || folio->mapping;
}

/**
 * hemem_walk() - visit the present entries of [@start, @end)
 * @mm: mmap_lock held for reading, mm_users held
 * @start: page aligned
 * @end: page aligned, above @start
 * @max_entries: stop after so many entries, present or not; bounds the time
 *	that mmap_lock is held
 * @visit: called for each
 * @arg: for @visit
 *
 * Return: the end of what was dealt with, which begins at @start; @end if the
 * walk was not stopped
 */
unsigned long hemem_walk(struct mm_struct *mm, unsigned long start,
			 unsigned long end, unsigned long max_entries,
			 hemem_visit_t visit, void *arg)
{
	struct walk_state state = {
		.visit = visit, .arg = arg, .budget = max_entries, .next = start,
	};

	/* A huge page's slot may end above @end, a left-out mapping's never. */
	if (!ksym(walk_page_range)(mm, start, end, &walk_ops, &state))
		return end;
	return min(state.next, end);
}

/**
 * hemem_walk_pmd() - find the table entry that covers an address
 * @mm: mmap_lock held, or something else that keeps its tables
 * @addr: the address
 *
 * Return: the entry, which may be none and may change, or NULL: there is no table for it
 */
pmd_t *hemem_walk_pmd(struct mm_struct *mm, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud;

	if (pgd_none(*pgd) || unlikely(pgd_bad(*pgd)))
		return NULL;
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(*p4d) || unlikely(p4d_bad(*p4d)))
		return NULL;
	pud = pud_offset(p4d, addr);
	if (pud_none(*pud) || pud_leaf(*pud) || unlikely(pud_bad(*pud)))
		return NULL;
	return pmd_offset(pud, addr);
}
