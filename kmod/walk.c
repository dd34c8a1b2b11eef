// SPDX-License-Identifier: GPL-2.0
/*
 * walk.c - visiting the present entries of a range of a page table
 *
 * The kernel's own page walker does the walking and takes the page-table lock,
 * which a module cannot do by itself any more (6.5).  Here an entry becomes a
 * slot, base or huge, so that nobody else has to know the difference.
 *
 * Left out: device memory, raw-pfn mappings and hugetlbfs, none of which
 * move; entries that are swapped out or under migration, which are not present.
 */
#include <linux/huge_mm.h>
#include <linux/hugetlb.h>
#include <linux/memremap.h>
#include "hemem.h"
#include "ksyms.h"

/**
 * struct walk_state - one hemem_walk()
 * @visit: whom to call
 * @arg: with what
 * @budget: entries, present or not, that may still be looked at
 * @next: the first address not dealt with
 * @has_left_out: a mapping was passed over
 */
struct walk_state {
	hemem_visit_t visit;
	void *arg;
	unsigned long budget;
	unsigned long next;
	bool has_left_out;
};

static int walk_visit(struct walk_state *state, const struct hemem_slot *slot,
		      unsigned long end)
{
	int ret = state->visit(slot, state->arg);

	if (!ret)
		state->next = end;
	return ret;
}

static int walk_pte(pte_t *pte, unsigned long addr, unsigned long end,
		    struct mm_walk *walk)
{
	struct walk_state *state = walk->private;
	struct hemem_slot slot = { .addr = addr, .vma = walk->vma, .pte = pte };
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
	return walk_visit(state, &slot, end);
}

static int walk_huge_locked(pmd_t *pmd, unsigned long addr, unsigned long end,
			    struct mm_walk *walk)
{
	struct walk_state *state = walk->private;
	struct hemem_slot slot = {
		.addr = addr & HPAGE_PMD_MASK, .vma = walk->vma, .pmd = pmd,
	};
	struct page *page = pmd_page(*pmd);

	if (!state->budget)
		return 1;
	state->budget--;
	/* The huge zero page, whose address is a secret, is no anonymous page. */
	if (!vma_is_anonymous(walk->vma) || PageAnon(page))
		slot.page = page;
	return walk_visit(state, &slot, end);
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
		ret = walk_huge_locked(pmd, addr, end, walk);
		walk->action = ACTION_CONTINUE;
	} else if (!pmd_present(entry)) {
		walk->action = ACTION_CONTINUE;
	}
	spin_unlock(ptl);
	return ret;
}

static int walk_test(unsigned long start, unsigned long end,
		     struct mm_walk *walk)
{
	const unsigned long left_out = VM_IO | VM_PFNMAP | VM_MIXEDMAP | VM_HUGETLB;
	struct walk_state *state = walk->private;

	if (!(walk->vma->vm_flags & left_out))
		return 0;
	state->has_left_out = true;
	return 1;
}

static const struct mm_walk_ops walk_ops = {
	.pmd_entry = walk_pmd,
	.pte_entry = walk_pte,
	.test_walk = walk_test,
};

/**
 * hemem_walk() - visit the present entries of [@start, @end)
 * @mm: mmap_lock held for reading, mm_users held
 * @start: page aligned
 * @end: page aligned, above @start
 * @max_entries: stop after so many entries, present or not; bounds the time
 *	that mmap_lock is held
 * @visit: called for each
 * @arg: for @visit
 * @ret_next: [@start, *@ret_next) was dealt with; @end if the walk was not
 *	stopped
 *
 * Return: 0, HEMEM_WALK_LEFT_OUT if there is memory of a kind that never moves in
 * what was dealt with, or a negative errno of the kernel's walker
 */
int hemem_walk(struct mm_struct *mm, unsigned long start, unsigned long end,
	       unsigned long max_entries, hemem_visit_t visit, void *arg,
	       unsigned long *ret_next)
{
	struct walk_state state = {
		.visit = visit, .arg = arg, .budget = max_entries, .next = start,
	};
	int ret = ksym(walk_page_range)(mm, start, end, &walk_ops, &state);

	if (ret < 0)
		return ret;
	*ret_next = ret ? state.next : end;
	return state.has_left_out ? HEMEM_WALK_LEFT_OUT : 0;
}
