// SPDX-License-Identifier: GPL-2.0
/*
 * engine_swap.c - the move engine that swaps a page while the program uses it
 *
 * For private anonymous memory, base pages and whole huge pages.  A chunk of at most
 * CHUNK_PAGES base pages, or one huge page, goes through a transaction (the idea is that
 * of Nomad, OSDI '24: copy first, then see whether it was in vain):
 *
 *   protect  take write permission and the dirty bit from the entries, then see that
 *            nobody but the mapping has a reference to the page; lock it, and take it
 *            off the LRU list.  One TLB flush: from here on who writes has to fault
 *   copy     the program reads and writes; a write fault gives its entry back the write
 *            permission, which spoils that page's transaction and costs nothing else
 *   swap     entry by entry: as protect left it, and no new reference?  Then it gets
 *            the new page, still read-only: a TLB that knows the old page reads the
 *            same bytes
 *   reopen   one more TLB flush, then permission and dirty bit go back
 *
 * A reader never waits, but for the some hundred instructions for which its entry is
 * clear.  A writer waits for a page-table lock that is held for one chunk.  What this
 * refuses, and what is spoilt three times, goes to engine_kernel.c.  Why each step may do
 * what it does is told case by case in docs/design.md, "The swap".
 *
 * Between swap and reopen a new base page is not marked exclusive, and we hold a
 * reference: a write fault then copies it, as after fork, instead of opening an entry
 * that other CPUs may still translate to the old page.  A huge page would be split by
 * that, so its second flush happens under the page-table lock.
 */
#include <linux/bitops.h>
#include <linux/huge_mm.h>
#include <linux/ktime.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/rmap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "hemem.h"
#include "ksyms.h"
#include "trace.h"

#ifdef HEMEM_SWAP

/*
 * Base pages of one transaction: how many entries a page-table lock is held for, and for
 * how many copies a page stays protected.  The kernel flushes up to 33 pages one by one.
 */
#define CHUNK_PAGES	HEMEM_POOL_BATCH

/* Transactions of a page that was spoilt, before the kernel's migration gets it. */
#define MAX_ROUNDS	3

/* The bits that say that a page may be, or was, written. */
#define WRITE_BITS	(_PAGE_RW | _PAGE_DIRTY | HEMEM_PAGE_SAVED_DIRTY)

/**
 * struct item - one page in a transaction
 * @entry: index of the first move that names it
 * @nr_entries: how many that follow each other do
 * @addr: where it begins
 * @pmd: the table entry through which it is mapped, see pmd_at()
 * @old: the page that is there; locked, off the LRU, referenced
 * @new: the page that shall be there; locked
 * @left: what protect left in the page-table entry; after swap, what that put there
 * @had: what of WRITE_BITS protect took
 * @is_exclusive: it had the mark of a page that is this process's alone
 * @outcome: SWAPPED, or why not
 */
struct item {
	unsigned int entry;
	unsigned int nr_entries;
	unsigned long addr;
	pmd_t *pmd;
	struct folio *old;
	struct folio *new;
	unsigned long left;
	unsigned long had;
	bool is_exclusive;
	enum hemem_swap_outcome outcome;
};

/**
 * struct swap - the entries of one call, and the chunk at work
 * @batch: where they come from
 * @moves: the first of them
 * @nr: how many
 * @node: where they all want to go
 * @round: transactions that a spoilt page has had
 * @nr_open: entries that have no answer yet
 * @nr_again: of those the ones to be tried in the next round
 * @until: no entry from this on is looked at in this hold of mmap_lock
 * @vma: a mapping that allows swaps, known in this hold of mmap_lock, or NULL
 * @pmd: the table entry that covers
 * @pmd_addr: the addresses from here on; known in this hold, or NULL
 * @locked_ns: since when a page-table lock is held, if anybody wants to know
 * @since_ns: up to then time was told to the reply
 * @has_put_back: pages may wait in this CPU's list of those that go to the LRU
 * @fresh: new base pages for the next items, taken ahead
 * @nr_fresh: how many
 * @emptied: old base pages of the chunk, to be given to the pool
 * @nr_emptied: how many
 * @items: the chunk
 * @nr_items: how many
 * @flush_start: addresses from here
 * @flush_end: to here hold all items
 * @counts: entries by outcome, over all rounds
 * @counted: bit for each outcome that there is
 * @outcomes: of each entry in its last transaction
 */
struct swap {
	struct hemem_batch *batch;
	struct hemem_assist_move *moves;
	unsigned int nr;
	int node;
	unsigned int round;
	unsigned int nr_open;
	unsigned int nr_again;
	unsigned int until;
	struct vm_area_struct *vma;
	pmd_t *pmd;
	unsigned long pmd_addr;
	u64 locked_ns;
	u64 since_ns;
	bool has_put_back;
	struct page *fresh[CHUNK_PAGES];
	unsigned int nr_fresh;
	struct page *emptied[CHUNK_PAGES];
	unsigned int nr_emptied;
	struct item items[CHUNK_PAGES];
	unsigned int nr_items;
	unsigned long flush_start;
	unsigned long flush_end;
	unsigned int counts[HEMEM_NR_SWAP_OUTCOMES];
	unsigned long counted;
	u8 outcomes[HEMEM_ASSIST_MAX_BATCH];
};

static struct mm_struct *mm_of(const struct swap *swap)
{
	return swap->batch->mm;
}

/* ---- page-table entries: base or huge, x86 has the same bits in them ---- */

/*
 * Takes the WRITE_BITS, all at once.  The CPU may set the accessed bit meanwhile.  That the
 * dirty bit goes too means that any write shows, whatever happens to the permission.
 *
 * Return: what was there.
 */
static unsigned long entry_protect(unsigned long *entry)
{
	unsigned long was = READ_ONCE(*entry);

	if (hemem_fault_omits(HEMEM_FAULT_PROTECT))
		return was;
	while (was & WRITE_BITS &&
	       !try_cmpxchg(entry, &was, was & ~WRITE_BITS))
		cpu_relax();
	return was;
}

static void entry_reopen(unsigned long *entry, unsigned long bits)
{
	unsigned long was = READ_ONCE(*entry);

	while (bits && !try_cmpxchg(entry, &was, was | bits))
		cpu_relax();
}

/* Is it what the transaction left there?  The accessed bit may have come or gone. */
static bool entry_is(unsigned long entry, unsigned long left)
{
	if (hemem_fault_omits(HEMEM_FAULT_VERIFY | HEMEM_FAULT_PROTECT))
		return !((entry ^ left) & ~(_PAGE_ACCESSED | WRITE_BITS));
	return !((entry ^ left) & ~_PAGE_ACCESSED);
}

/*
 * hemem_walk_pmd(), once in a hold of mmap_lock: who frees a table of tables has either that lock
 * for writing, or has unmapped what it covers, and we have looked the mapping up.  What the
 * entry says may change; each who locks what it points to looks again.
 */
static pmd_t *pmd_at(struct swap *swap, unsigned long addr)
{
	addr &= PMD_MASK;
	if (!swap->pmd || swap->pmd_addr != addr) {
		swap->pmd = hemem_walk_pmd(mm_of(swap), addr);
		swap->pmd_addr = addr;
	}
	return swap->pmd;
}

static bool is_huge(pmd_t entry)
{
	return pmd_present(entry) && pmd_trans_huge(entry);
}

/* The table of base pages behind @pmd, locked; NULL if there is none. */
static pte_t *table_lock(struct swap *swap, pmd_t *pmd, spinlock_t **ret_lock)
{
	pte_t *pte = hemem_lock_table(mm_of(swap), pmd, ret_lock);

	if (pte)
		swap->locked_ns = hemem_hist_begin();
	return pte;
}

static void table_unlock(struct swap *swap, pte_t *pte, spinlock_t *lock)
{
	hemem_hist_end(HEMEM_HIST_table_lock, swap->locked_ns);
	pte_unmap_unlock(pte, lock);
}

/* The entry of a huge page, locked; false if it is none. */
static bool huge_lock(struct swap *swap, pmd_t *pmd, spinlock_t **ret_lock)
{
	*ret_lock = pmd_lock(mm_of(swap), pmd);
	if (is_huge(*pmd)) {
		swap->locked_ns = hemem_hist_begin();
		return true;
	}
	spin_unlock(*ret_lock);
	return false;
}

static void huge_unlock(struct swap *swap, spinlock_t *lock)
{
	hemem_hist_end(HEMEM_HIST_table_lock, swap->locked_ns);
	spin_unlock(lock);
}

/* ---- judge: what may be swapped at all ---- */

/*
 * VM_WRITE, as without it a debugger's write goes through a read-only entry and does not
 * show.  Write protection of userfaultfd is changed under mmap_lock held for reading.
 */
static bool mapping_allows(struct swap *swap, unsigned long start,
			   unsigned long end)
{
	const unsigned long refused = VM_SHARED | VM_SPECIAL | VM_LOCKED |
		VM_HUGETLB | VM_UFFD_WP | VM_SHADOW_STACK;
	struct vm_area_struct *vma = swap->vma;

	if (vma && start >= vma->vm_start && end <= vma->vm_end)
		return true;
	vma = vma_lookup(mm_of(swap), start);
	if (!vma || end > vma->vm_end || !vma_is_anonymous(vma) ||
	    (vma->vm_flags & (VM_WRITE | refused)) != VM_WRITE)
		return false;
	swap->vma = vma;
	return true;
}

/* The page of an entry, whose page-table lock is held.  SWAPPED: nothing against it yet. */
static enum hemem_swap_outcome judge_page(struct page *page, bool is_huge)
{
	if (is_huge ? !PageHead(page) : PageCompound(page))
		return folio_order(page_folio(page)) < HPAGE_PMD_ORDER ?
			HEMEM_SWAP_large_part : HEMEM_SWAP_huge_part;
	if (((unsigned long)READ_ONCE(page->mapping) & PAGE_MAPPING_FLAGS) ==
	    PAGE_MAPPING_ANON)
		return is_zone_device_page(page) ? HEMEM_SWAP_not_anon :
						   HEMEM_SWAP_swapped;
	return PageKsm(page) ? HEMEM_SWAP_ksm : HEMEM_SWAP_not_anon;
}

static bool is_mapped_once(struct folio *folio)
{
	if (!folio_test_large(folio))
		return atomic_read(&folio->_mapcount) == 0;
	return hemem_huge_is_mapped_once(folio);
}

/* Not exclusive: a write fault that sees our reference would split it. */
static enum hemem_swap_outcome judge_huge(struct folio *folio)
{
	if (folio_test_has_hwpoisoned(folio))
		return HEMEM_SWAP_not_anon;
	if (!PageAnonExclusive(&folio->page))
		return HEMEM_SWAP_shared;
	if (hemem_huge_must_split(folio))
		return HEMEM_SWAP_huge_part;
	return HEMEM_SWAP_swapped;
}

/* What a page must have, and must not, to be swapped. */
#define WANTED_FLAGS	(BIT(PG_swapbacked) | BIT(PG_lru))
#define REFUSED_FLAGS	(BIT(PG_writeback) | BIT(PG_mlocked) | BIT(PG_unevictable) |	\
			 __PG_HWPOISON | BIT(PG_private) | BIT(PG_private_2))

/* Which flag is it? */
static enum hemem_swap_outcome judge_flags(unsigned long flags)
{
	if (flags & BIT(PG_writeback))
		return HEMEM_SWAP_swapcache;
	if (flags & (BIT(PG_mlocked) | BIT(PG_unevictable)))
		return HEMEM_SWAP_locked_down;
	if (flags & REFUSED_FLAGS)
		return HEMEM_SWAP_not_anon;
	if (!(flags & BIT(PG_swapbacked)))
		return HEMEM_SWAP_lazyfree;
	return HEMEM_SWAP_off_lru;
}

/* The page again, now that it is locked, so that this stays as it is. */
static enum hemem_swap_outcome judge_locked(struct folio *folio)
{
	const unsigned long flags = READ_ONCE(folio->flags);

	if (!is_mapped_once(folio))
		return HEMEM_SWAP_shared;
	if (folio_test_swapcache(folio))
		return HEMEM_SWAP_swapcache;
	if ((flags & (WANTED_FLAGS | REFUSED_FLAGS)) != WANTED_FLAGS)
		return judge_flags(flags);
	return folio_test_large(folio) ? judge_huge(folio) : HEMEM_SWAP_swapped;
}

/* ---- protect ---- */

/*
 * One entry, its page-table lock held.  On SWAPPED the item owns the page: locked, off
 * the LRU, with our reference.  Else nothing has changed, but for TLB entries that may be
 * stricter than the table: they cost a fault that finds nothing to do.
 */
static enum hemem_swap_outcome protect(struct item *item, unsigned long *entry,
				       struct folio *folio)
{
	enum hemem_swap_outcome outcome;
	unsigned long was;

	if (!folio_trylock(folio))
		return HEMEM_SWAP_locked;
	outcome = judge_locked(folio);
	if (outcome)
		goto err_lock;

	item->is_exclusive = PageAnonExclusive(folio_page(folio, 0));
	was = entry_protect(entry);
	item->had = was & WRITE_BITS;
	item->left = was & ~WRITE_BITS;
	/*
	 * Only now: who takes a reference without the page-table lock looks at the entry
	 * again afterwards (gup_pte_range()).  So either its reference shows here, or it
	 * sees that the entry has changed and gives the reference back.
	 */
	outcome = HEMEM_SWAP_referenced;
	if (folio_ref_count(folio) != 1 &&
	    !hemem_fault_omits(HEMEM_FAULT_REFERENCES))
		goto err_entry;
	outcome = HEMEM_SWAP_off_lru;
	if (!HEMEM_ISOLATED(ksym(HEMEM_ISOLATE)(folio)))
		goto err_entry;
	item->old = folio;
	return HEMEM_SWAP_swapped;

err_entry:
	entry_reopen(entry, item->had);
err_lock:
	folio_unlock(folio);
	return outcome;
}

/* ---- the chunk ---- */

/* May it go better next time?  Else the kernel's migration has the next word. */
static bool is_passing(enum hemem_swap_outcome outcome)
{
	switch (outcome) {
	case HEMEM_SWAP_locked:
	case HEMEM_SWAP_off_lru:
	case HEMEM_SWAP_written:
	case HEMEM_SWAP_pinned:
	case HEMEM_SWAP_gone:
		return true;
	default:
		return false;
	}
}

static void set_status(struct swap *swap, unsigned int entry, unsigned int nr,
		       enum hemem_assist_status status, unsigned int order)
{
	unsigned int i;

	for (i = entry; i < entry + nr; i++) {
		swap->moves[i].out_status = status;
		swap->moves[i].out_order = order;
	}
	swap->nr_open -= nr;
}

static void set_outcome(struct swap *swap, unsigned int entry, unsigned int nr,
			enum hemem_swap_outcome outcome)
{
	unsigned int i;

	for (i = entry; i < entry + nr; i++)
		swap->outcomes[i] = outcome;
	if (!(swap->counted & BIT(outcome)))
		swap->counts[outcome] = 0;
	swap->counted |= BIT(outcome);
	swap->counts[outcome] += nr;
	if (is_passing(outcome))
		swap->nr_again += nr;
}

static bool is_open(const struct swap *swap, unsigned int entry)
{
	return swap->moves[entry].out_status == HEMEM_ASSIST_UNTRIED;
}

/* Is it to be tried in this round? */
static bool is_due(const struct swap *swap, unsigned int entry)
{
	return is_open(swap, entry) &&
	       (!swap->round || is_passing(swap->outcomes[entry]));
}

static struct item *item_new(struct swap *swap, unsigned int entry,
			     unsigned int nr_entries, unsigned long addr,
			     pmd_t *pmd)
{
	struct item *item = &swap->items[swap->nr_items];

	item->entry = entry;
	item->nr_entries = nr_entries;
	item->addr = addr;
	item->pmd = pmd;
	return item;
}

/* The item is protected, and becomes @new. */
static void item_add(struct swap *swap, struct item *item, struct folio *new)
{
	const unsigned long bytes = PAGE_SIZE << folio_order(new);

	__folio_set_locked(new);
	item->new = new;
	if (!swap->nr_items++) {
		swap->flush_start = item->addr;
		swap->flush_end = item->addr + bytes;
		return;
	}
	swap->flush_start = min(swap->flush_start, item->addr);
	swap->flush_end = max(swap->flush_end, item->addr + bytes);
}

/* @page is the page of an entry whose lock is held; is it where it shall be? */
static bool is_there(struct swap *swap, struct page *page, unsigned int entry,
		     unsigned int nr_entries)
{
	if (page_to_nid(page) != swap->node)
		return false;
	set_status(swap, entry, nr_entries, HEMEM_ASSIST_THERE,
		   folio_order(page_folio(page)));
	return true;
}

/* One base page: protected and in the chunk, or its entry has an answer. */
static void take_base(struct swap *swap, unsigned int at, pmd_t *pmd, pte_t *pte)
{
	enum hemem_swap_outcome outcome = HEMEM_SWAP_not_anon;
	pte_t entry = READ_ONCE(*pte);
	struct item *item;

	if (!pte_present(entry)) {
		set_status(swap, at, 1, HEMEM_ASSIST_NO_PAGE, 0);
		return;
	}
	if (pte_protnone(entry) || pte_special(entry) || pte_devmap(entry))
		goto refused;
	outcome = judge_page(pte_page(entry), false);
	if (outcome)
		goto refused;
	if (is_there(swap, pte_page(entry), at, 1))
		return;
	if (!swap->nr_fresh) {
		set_status(swap, at, 1, HEMEM_ASSIST_NO_ROOM, 0);
		return;
	}
	item = item_new(swap, at, 1, swap->moves[at].addr, pmd);
	outcome = protect(item, (unsigned long *)pte, page_folio(pte_page(entry)));
	if (outcome)
		goto refused;
	item_add(swap, item, page_folio(swap->fresh[--swap->nr_fresh]));
	return;

refused:
	set_outcome(swap, at, 1, outcome);
}

/*
 * The entries from @at on whose pages are in the same table, in one hold of its lock.
 *
 * Return: the first that is not dealt with.
 */
static unsigned int take_table(struct swap *swap, unsigned int at, pmd_t *pmd)
{
	const unsigned long table = swap->moves[at].addr & PMD_MASK;
	spinlock_t *lock;
	pte_t *pte = pmd ? table_lock(swap, pmd, &lock) : NULL;

	if (!pte) {
		/* It became huge this moment; or there is nothing. */
		if (pmd && is_huge(READ_ONCE(*pmd)))
			set_outcome(swap, at, 1, HEMEM_SWAP_gone);
		else
			set_status(swap, at, 1, HEMEM_ASSIST_NO_PAGE, 0);
		return at + 1;
	}
	for (; at < swap->until && swap->nr_items < CHUNK_PAGES; at++) {
		unsigned long addr = swap->moves[at].addr;

		if ((addr & PMD_MASK) != table)
			break;
		if (!is_due(swap, at))
			continue;
		if (mapping_allows(swap, addr, addr + PAGE_SIZE))
			take_base(swap, at, pmd, pte + pte_index(addr));
		else
			set_outcome(swap, at, 1, HEMEM_SWAP_mapping);
	}
	table_unlock(swap, pte, lock);
	return at;
}

/* Time since the last lap. */
static u64 lap(u64 *since_ns)
{
	u64 now_ns = ktime_get_ns(), ns = now_ns - *since_ns;

	*since_ns = now_ns;
	return ns;
}

/* New base pages, from the kernel. */
static void alloc(struct swap *swap, unsigned int nr)
{
	const gfp_t gfp = hemem_engine_kernel_gfp(swap->batch);
	struct hemem_assist_migrate *reply = swap->batch->reply;
	struct page **pages = &swap->fresh[swap->nr_fresh];
	unsigned int got;

	reply->out_look_ns += lap(&swap->since_ns);
	memset(pages, 0, nr * sizeof(*pages));
	got = hemem_alloc_pages_bulk(gfp, swap->node, nr, pages);
	/* Fewer than asked for says little: the bulk allocator may end for any reason. */
	while (got < nr) {
		pages[got] = alloc_pages_node(swap->node, gfp, 0);
		if (!pages[got])
			break;
		got++;
	}
	swap->nr_fresh += got;
	reply->out_alloc_ns += lap(&swap->since_ns);
}

/*
 * New pages for as many base pages as the chunk may yet get, before anything is disturbed.
 * What turns out not to be needed serves the next chunk.
 */
static void refill(struct swap *swap, unsigned int at)
{
	const unsigned int most = CHUNK_PAGES - swap->nr_items;
	unsigned int want = min(swap->until - at, most);

	/* At first all are due. */
	if (swap->round)
		for (want = 0; at < swap->until && want < most; at++)
			want += is_due(swap, at);
	if (want <= swap->nr_fresh)
		return;
	swap->nr_fresh += hemem_pool_take(swap->node, &swap->fresh[swap->nr_fresh],
					  want - swap->nr_fresh);
	if (want > swap->nr_fresh)
		alloc(swap, want - swap->nr_fresh);
}

/*
 * Fills the chunk with base pages from entry @at on, up to the next huge page.
 *
 * Return: the first entry that is not dealt with.
 */
static unsigned int take_chunk(struct swap *swap, unsigned int at)
{
	while (at < swap->until && swap->nr_items < CHUNK_PAGES) {
		unsigned long addr = swap->moves[at].addr;
		pmd_t *pmd;

		if (!is_due(swap, at)) {
			at++;
			continue;
		}
		if (!mapping_allows(swap, addr, addr + PAGE_SIZE)) {
			set_outcome(swap, at++, 1, HEMEM_SWAP_mapping);
			continue;
		}
		pmd = pmd_at(swap, addr);
		if (pmd && is_huge(READ_ONCE(*pmd)))
			break;
		refill(swap, at);
		at = take_table(swap, at, pmd);
	}
	return at;
}

/* On every CPU that the target runs on, nothing older than the table is used afterwards. */
static void flush(struct swap *swap, unsigned int shift)
{
	ksym(flush_tlb_mm_range)(mm_of(swap), swap->flush_start, swap->flush_end,
				 shift, false);
}

static bool nontemporal;
module_param(nontemporal, bool, 0644);
MODULE_PARM_DESC(nontemporal,
		 "Copy to nodes without CPUs past the caches, so that no line of the new page is read first (default: N)");

/*
 * Of base pages, which follow each other in memory.  Stores past the caches are not ordered
 * with those that come after: see copy().
 */
static void copy_pages(void *to, void *from, unsigned int nr, bool is_past_caches)
{
	if (is_past_caches) {
		memcpy_flushcache(to, from, nr * PAGE_SIZE);
		return;
	}
	for (; nr; nr--, to += PAGE_SIZE, from += PAGE_SIZE)
		copy_page(to, from);
}

/*
 * Other work may want the CPU meanwhile.  On return every CPU that sees a later store of ours,
 * that of an entry among them, sees the copy.
 */
static void copy(struct swap *swap)
{
	const bool is_past_caches = READ_ONCE(nontemporal) &&
				    !node_state(swap->node, N_CPU);
	unsigned int i, at;

	if (hemem_fault_omits(HEMEM_FAULT_COPY))
		return;
	for (i = 0; i < swap->nr_items; i++) {
		const struct item *item = &swap->items[i];
		const unsigned int nr = folio_nr_pages(item->old);
		void *to = folio_address(item->new), *from = folio_address(item->old);

		for (at = 0; at < nr; at += CHUNK_PAGES) {
			copy_pages(to + at * PAGE_SIZE, from + at * PAGE_SIZE,
				   min_t(unsigned int, nr - at, CHUNK_PAGES),
				   is_past_caches);
			if (nr > 1)
				cond_resched();
		}
	}
	if (is_past_caches)
		wmb();
}

/* ---- swap ---- */

/**
 * struct mapped - pages whose place in the statistics has changed, not yet told
 * @memcg: what they are charged to
 * @from: node
 * @to: node
 * @nr: base pages
 */
struct mapped {
	struct mem_cgroup *memcg;
	int from;
	int to;
	int nr;
};

/* As __mod_lruvec_page_state(), for many pages. */
static void mapped_mod(struct mem_cgroup *memcg, int nid, int nr)
{
	struct pglist_data *pgdat = NODE_DATA(nid);
	struct lruvec *lruvec;

	if (!memcg) {
		__mod_node_page_state(pgdat, NR_ANON_MAPPED, nr);
		return;
	}
	lruvec = &memcg->nodeinfo[nid]->lruvec;
	/* A node that came later than the cgroup, as in mem_cgroup_lruvec(). */
	if (unlikely(lruvec->pgdat != pgdat))
		lruvec->pgdat = pgdat;
	ksym(__mod_lruvec_state)(lruvec, NR_ANON_MAPPED, nr);
}

/* Call with @folio = NULL to have the rest told. */
static void mapped_add(struct mapped *mapped, struct folio *folio, int to)
{
	bool is_same = folio && mapped->memcg == folio_memcg(folio) &&
		       mapped->from == folio_nid(folio);

	if (mapped->nr && !is_same) {
		mapped_mod(mapped->memcg, mapped->from, -mapped->nr);
		mapped_mod(mapped->memcg, mapped->to, mapped->nr);
		mapped->nr = 0;
	}
	if (!folio)
		return;
	mapped->memcg = folio_memcg(folio);
	mapped->from = folio_nid(folio);
	mapped->to = to;
	mapped->nr += folio_nr_pages(folio);
}

/*
 * What the entry says now is not what protect left: this page's transaction is over.
 * If the entry has lost the dirty bit that protect took, the page remembers it.
 */
static enum hemem_swap_outcome give_up(struct item *item, unsigned long entry)
{
	const bool is_here = entry & _PAGE_PRESENT &&
		(entry & PTE_PFN_MASK) == (item->left & PTE_PFN_MASK);

	if (item->had & ~_PAGE_RW && !(is_here && entry & _PAGE_DIRTY))
		folio_mark_dirty(item->old);
	return is_here && entry & WRITE_BITS ? HEMEM_SWAP_written : HEMEM_SWAP_gone;
}

/* References to the old page while it is in a transaction: the mapping's, and ours. */
#define NR_REFS	2

/*
 * Nobody refers to the old page but the mapping and we.  A huge page leaves the queue of
 * those to be split, which belongs to the memory cgroup that it is charged to.
 */
static bool is_ours_alone(struct folio *old)
{
	if (folio_test_large(old) && hemem_is_in_split_queue(old))
		return hemem_leave_split_queue(old, NR_REFS);
	return folio_ref_count(old) == NR_REFS;
}

/*
 * The old page hands over what it is: its place in the mapping, its charge and its flags.
 * Page-table lock held, the entry cleared, both pages locked, the old one off the LRU:
 * no one else can change any of it.
 *
 * Not folio_migrate_mapping(): from which count on it refuses depends on the release, and
 * it counts a huge page in, which would be counted out when the old one is freed; but that
 * may go to the pool.
 *
 * Return: 0, or -EAGAIN and nothing has changed: somebody has a reference.
 */
static int hand_over_mapping(struct item *item)
{
	if (!is_ours_alone(item->old))
		return -EAGAIN;
	item->new->index = item->old->index;
	item->new->mapping = item->old->mapping;
	__folio_set_swapbacked(item->new);
	if (item->is_exclusive)
		ClearPageAnonExclusive(&item->old->page);
	return 0;
}

static void hand_over_rest(struct item *item)
{
	hemem_hand_over_flags(item->new, item->old);
	item->old->mapping = NULL;
}

/* Page-table lock held.  On SWAPPED the entry has the new page, read-only. */
static enum hemem_swap_outcome swap_base(struct swap *swap, struct item *item,
					 pte_t *pte, struct mapped *mapped)
{
	struct mm_struct *mm = mm_of(swap);
	pte_t entry = READ_ONCE(*pte);
	u64 since, since_ns;

	if (!entry_is(pte_val(entry), item->left))
		return give_up(item, pte_val(entry));
	/* With the entry clear, no one gets a new reference; now those count that are. */
	since_ns = hemem_hist_begin();
	since = hemem_fault_clock();
	entry = ptep_get_and_clear(mm, item->addr, pte);
	if (hand_over_mapping(item)) {
		set_pte_at(mm, item->addr, pte, entry);
		entry_reopen((unsigned long *)pte, item->had);
		return HEMEM_SWAP_pinned;
	}
	atomic_set(&item->new->_mapcount, 0);
	folio_get(item->new);		/* ours, until reopen is through */
	entry = pfn_pte(folio_pfn(item->new), pte_pgprot(entry));
	set_pte_at(mm, item->addr, pte, entry);
	hemem_fault_was_clear(since);
	hemem_hist_end(HEMEM_HIST_unavailable, since_ns);
	item->left = pte_val(entry);

	atomic_set(&item->old->_mapcount, -1);
	mapped_add(mapped, item->old, folio_nid(item->new));
	hand_over_rest(item);
	folio_add_lru(item->new);
	folio_put(item->old);		/* the mapping's */
	return HEMEM_SWAP_swapped;
}

/* The items from @at on that are in one table.  Return: the first that is not. */
static unsigned int for_table(struct swap *swap, unsigned int at,
			      void (*visit)(struct swap *swap, unsigned int from,
					    unsigned int to, pte_t *pte))
{
	pmd_t *pmd = swap->items[at].pmd;
	unsigned int to = at + 1;
	spinlock_t *lock;
	pte_t *pte;

	while (to < swap->nr_items && swap->items[to].pmd == pmd)
		to++;
	pte = table_lock(swap, pmd, &lock);
	visit(swap, at, to, pte);
	if (pte)
		table_unlock(swap, pte, lock);
	return to;
}

/* @pte: the table, locked; NULL: it is there no more */
static void swap_table(struct swap *swap, unsigned int from, unsigned int to,
		       pte_t *pte)
{
	struct mapped mapped = { .nr = 0 };
	unsigned int i;

	for (i = from; i < to; i++) {
		struct item *item = &swap->items[i];

		item->outcome = pte ?
			swap_base(swap, item, pte + pte_index(item->addr), &mapped) :
			give_up(item, 0);
	}
	mapped_add(&mapped, NULL, 0);
}

/* ---- reopen ---- */

/*
 * Is the entry still the one that swap put there, then nothing has happened to the new
 * page that needs more than a reader's rights: fork, which could share it, waits for
 * mmap_lock, and everything else that could needs the page lock, which we hold.
 */
static void reopen_table(struct swap *swap, unsigned int from, unsigned int to,
			 pte_t *pte)
{
	unsigned int i;

	for (i = from; i < to; i++) {
		struct item *item = &swap->items[i];
		pte_t *entry = pte + pte_index(item->addr);

		if (item->outcome)
			continue;
		if (!pte || !entry_is(pte_val(READ_ONCE(*entry)), item->left)) {
			if (item->had & ~_PAGE_RW)
				folio_mark_dirty(item->new);
			continue;
		}
		if (item->is_exclusive)
			SetPageAnonExclusive(&item->new->page);
		entry_reopen((unsigned long *)entry, item->had);
	}
}

/* ---- release ---- */

static void release_swapped(struct swap *swap, struct item *item)
{
	const unsigned int order = folio_order(item->old);

	set_status(swap, item->entry, item->nr_entries, HEMEM_ASSIST_MOVED, order);
	swap->batch->reply->out_bytes_moved += PAGE_SIZE << order;
	folio_unlock(item->new);
	folio_put(item->new);
	folio_unlock(item->old);
	if (order)
		hemem_pool_give_huge(item->old);
	else
		swap->emptied[swap->nr_emptied++] = &item->old->page;
}

static void release_spoilt(struct swap *swap, struct item *item)
{
	__folio_clear_locked(item->new);
	if (folio_test_large(item->new))
		hemem_pool_give_huge(item->new);
	else
		swap->fresh[swap->nr_fresh++] = &item->new->page;
	folio_unlock(item->old);
	folio_add_lru(item->old);
	folio_put(item->old);
}

static void release(struct swap *swap)
{
	unsigned int i;

	for (i = 0; i < swap->nr_items; i++) {
		struct item *item = &swap->items[i];

		set_outcome(swap, item->entry, item->nr_entries, item->outcome);
		if (item->outcome)
			release_spoilt(swap, item);
		else
			release_swapped(swap, item);
	}
	swap->nr_items = 0;
	swap->has_put_back = true;
	hemem_pool_give(swap->emptied, swap->nr_emptied);
	swap->nr_emptied = 0;
}

/* ---- the transaction of base pages ---- */

/* For the tracepoint alone: a look at the clock costs as much as a tenth of a page. */
static u64 phase(u64 *since_ns)
{
	return trace_hemem_swap_enabled() ? lap(since_ns) : 0;
}

/* The chunk, protected; on return it is empty and every item has its outcome. */
static void run_chunk(struct swap *swap)
{
	struct hemem_assist_migrate *reply = swap->batch->reply;
	struct hemem_swap_times times = { .nr = swap->nr_items };
	u64 since_ns = swap->since_ns;
	unsigned int at;

	times.protect_ns = phase(&since_ns);
	if (!hemem_fault_omits(HEMEM_FAULT_FLUSH))
		flush(swap, PAGE_SHIFT);
	times.flush_ns = phase(&since_ns);
	reply->out_look_ns += lap(&swap->since_ns);
	copy(swap);
	hemem_fault_stop(HEMEM_FAULT_COPIED);
	times.copy_ns = phase(&since_ns);
	for (at = 0; at < swap->nr_items;)
		at = for_table(swap, at, swap_table);
	hemem_fault_stop(HEMEM_FAULT_SWAPPED);
	times.swap_ns = phase(&since_ns);
	if (!hemem_fault_omits(HEMEM_FAULT_FLUSH_AGAIN))
		flush(swap, PAGE_SHIFT);
	times.flush_ns += phase(&since_ns);
	for (at = 0; at < swap->nr_items;)
		at = for_table(swap, at, reopen_table);
	times.reopen_ns = phase(&since_ns);
	release(swap);
	times.release_ns = phase(&since_ns);
	reply->out_move_ns += lap(&swap->since_ns);
	trace_hemem_swap(&times);
}

/* ---- the transaction of a huge page ---- */

/*
 * No CPU can use the entry any more, but it still looks like that of a huge page: who comes
 * without the lock and finds nothing there would pass it over, and MADV_DONTNEED would leave
 * the page in place (the kernel's change_huge_pmd() has the story).
 */
static pmd_t take_away(struct vm_area_struct *vma, unsigned long addr, pmd_t *pmd)
{
	if (!hemem_fault_omits(HEMEM_FAULT_HUGE_STAYS))
		return pmdp_establish(vma, addr, pmd, pmd_mkinvalid(*pmd));
	return pmdp_huge_get_and_clear(vma->vm_mm, addr, pmd);
}

/* Page-table lock held.  On SWAPPED the entry has the new page and is open again. */
static enum hemem_swap_outcome swap_huge(struct swap *swap, struct item *item,
					 pmd_t *pmd)
{
	struct mm_struct *mm = mm_of(swap);
	pmd_t entry = READ_ONCE(*pmd);
	u64 since, since_ns;

	if (!entry_is(pmd_val(entry), item->left))
		return give_up(item, pmd_val(entry));
	since_ns = hemem_hist_begin();
	since = hemem_fault_clock();
	entry = take_away(swap->vma, item->addr, pmd);
	hemem_fault_spin(HEMEM_FAULT_CLEARED);
	if (hand_over_mapping(item)) {
		set_pmd_at(mm, item->addr, pmd, entry);
		entry_reopen((unsigned long *)pmd, item->had);
		return HEMEM_SWAP_pinned;
	}
	SetPageAnonExclusive(&item->new->page);
	folio_get(item->new);		/* ours, until it is unlocked */
	entry = pfn_pmd(folio_pfn(item->new), pmd_pgprot(entry));
	set_pmd_at(mm, item->addr, pmd, entry);
	hemem_fault_was_clear(since);
	hemem_hist_end(HEMEM_HIST_unavailable, since_ns);

	/* Counted with the charge that a page has, and under the lock, so that nobody looks. */
	hemem_unmap_huge(item->old, swap->vma);
	hand_over_rest(item);
	hemem_map_huge(item->new, swap->vma, item->addr);
	folio_add_lru(item->new);
	folio_put(item->old);		/* the mapping's */
	if (!hemem_fault_omits(HEMEM_FAULT_FLUSH_AGAIN))
		flush(swap, PMD_SHIFT);
	entry_reopen((unsigned long *)pmd, item->had);
	return HEMEM_SWAP_swapped;
}

/* The new huge page, unless a look ahead says that it is not needed. */
static struct folio *new_huge(struct swap *swap, pmd_t *pmd)
{
	const pmd_t entry = READ_ONCE(*pmd);
	struct hemem_assist_migrate *reply = swap->batch->reply;
	struct folio *new;

	if (!is_huge(entry) || page_to_nid(pmd_page(entry)) == swap->node)
		return NULL;
	new = hemem_pool_take_huge(swap->node);
	if (new)
		return new;
	reply->out_look_ns += lap(&swap->since_ns);
	new = __folio_alloc_node(hemem_engine_kernel_gfp(swap->batch), HPAGE_PMD_ORDER,
				 swap->node);
	reply->out_alloc_ns += lap(&swap->since_ns);
	return new;
}

/* Protects the huge page, or gives its entries their answer. */
static void take_huge(struct swap *swap, unsigned int at, unsigned int nr_entries,
		      pmd_t *pmd, struct folio **new)
{
	const unsigned long addr = swap->moves[at].addr & HPAGE_PMD_MASK;
	enum hemem_swap_outcome outcome = HEMEM_SWAP_gone;
	struct item *item = item_new(swap, at, nr_entries, addr, pmd);
	spinlock_t *lock;

	if (!huge_lock(swap, pmd, &lock))
		goto refused;
	outcome = HEMEM_SWAP_not_anon;
	if (pmd_protnone(*pmd) || pmd_devmap(*pmd))
		goto refused_locked;
	outcome = judge_page(pmd_page(*pmd), true);
	if (outcome)
		goto refused_locked;
	if (is_there(swap, pmd_page(*pmd), at, nr_entries))
		goto out;
	if (!*new) {
		set_status(swap, at, nr_entries, HEMEM_ASSIST_NO_ROOM,
			   HPAGE_PMD_ORDER);
		goto out;
	}
	outcome = protect(item, (unsigned long *)pmd, page_folio(pmd_page(*pmd)));
	if (outcome)
		goto refused_locked;
	item_add(swap, item, *new);
	*new = NULL;
out:
	huge_unlock(swap, lock);
	return;

refused_locked:
	huge_unlock(swap, lock);
refused:
	set_outcome(swap, at, nr_entries, outcome);
}

/* The huge page, protected; on return its entries have their outcome. */
static void swap_one_huge(struct swap *swap, struct item *item)
{
	struct hemem_assist_migrate *reply = swap->batch->reply;
	spinlock_t *lock;

	if (!hemem_fault_omits(HEMEM_FAULT_FLUSH))
		flush(swap, PMD_SHIFT);
	reply->out_look_ns += lap(&swap->since_ns);
	copy(swap);
	hemem_fault_stop(HEMEM_FAULT_COPIED);
	if (huge_lock(swap, item->pmd, &lock)) {
		item->outcome = swap_huge(swap, item, item->pmd);
		huge_unlock(swap, lock);
	} else {
		item->outcome = give_up(item, 0);
	}
	release(swap);
	reply->out_move_ns += lap(&swap->since_ns);
}

/* The huge page that entry @at names.  Return: the first entry that names another. */
static unsigned int run_huge(struct swap *swap, unsigned int at)
{
	const unsigned long addr = swap->moves[at].addr & HPAGE_PMD_MASK;
	pmd_t *pmd = pmd_at(swap, addr);
	unsigned int to = at + 1;
	struct folio *new;

	while (to < swap->nr && is_due(swap, to) &&
	       (swap->moves[to].addr & HPAGE_PMD_MASK) == addr)
		to++;
	if (!mapping_allows(swap, addr, addr + HPAGE_PMD_SIZE)) {
		set_outcome(swap, at, to - at, HEMEM_SWAP_mapping);
		return to;
	}
	new = new_huge(swap, pmd);
	take_huge(swap, at, to - at, pmd, &new);
	if (new)
		hemem_pool_give_huge(new);
	if (swap->nr_items)
		swap_one_huge(swap, &swap->items[0]);
	return to;
}

/* ---- one call ---- */

/*
 * Entries looked at in one hold of mmap_lock: those that need no move are cheap, but
 * not for nothing.
 */
#define MAX_LOOKS	256

static void refuse_due(struct swap *swap, unsigned int at,
		       enum hemem_swap_outcome outcome)
{
	for (; at < swap->until; at++)
		if (is_due(swap, at))
			set_outcome(swap, at, 1, outcome);
}

/*
 * One hold of mmap_lock: one chunk, or one huge page, or nothing to move.
 *
 * Return: the first entry that is not dealt with, or -EINTR.
 */
static int run_hold(struct swap *swap, unsigned int at)
{
	u64 held_ns;

	swap->until = min(swap->nr, at + MAX_LOOKS);
	if (mmap_read_lock_killable(mm_of(swap)))
		return -EINTR;
	held_ns = hemem_hist_begin();
	swap->vma = NULL;
	swap->pmd = NULL;
	if (mm_has_notifiers(mm_of(swap))) {
		/* While we hold the lock it gets none if it has none: none need be told. */
		refuse_due(swap, at, HEMEM_SWAP_notified);
		at = swap->until;
	} else {
		at = take_chunk(swap, at);
		if (swap->nr_items)
			run_chunk(swap);
		else if (at < swap->until)
			at = run_huge(swap, at);
	}
	hemem_hist_end(HEMEM_HIST_mmap_lock, held_ns);
	mmap_read_unlock(mm_of(swap));
	return at;
}

/* This CPU's list, in which a page could not be swapped again. */
static void settle(struct swap *swap)
{
	if (swap->has_put_back)
		ksym(lru_add_drain)();
	swap->has_put_back = false;
}

/* Before pages are tried again that may wait in some CPU's list. */
static void settle_all(struct swap *swap)
{
	unsigned int i;

	settle(swap);
	for (i = 0; i < swap->nr; i++) {
		if (!is_due(swap, i) || swap->outcomes[i] != HEMEM_SWAP_off_lru)
			continue;
		hemem_migrate_drain(swap->batch);
		return;
	}
}

/* Return: 0 when every entry had its chance, or -EINTR. */
static int run_rounds(struct swap *swap)
{
	int at;

	do {
		if (swap->round)
			settle_all(swap);
		swap->nr_again = 0;
		for (at = 0; at < swap->nr;) {
			if (hemem_batch_is_over(swap->batch))
				return -EINTR;
			at = run_hold(swap, at);
			if (at < 0)
				return at;
			cond_resched();
		}
	} while (swap->nr_again && ++swap->round < MAX_ROUNDS);
	settle(swap);
	return 0;
}

/*
 * What is still UNTRIED is for the kernel's own migration.
 *
 * Return: 0, or -errno if it could not begin.
 */
static int run_rest(struct swap *swap, unsigned int first)
{
	unsigned int at = swap->nr_open ? 0 : swap->nr, to;
	int ret;

	while (at < swap->nr) {
		for (to = at; to < swap->nr && is_open(swap, to);)
			to++;
		if (to == at) {
			at++;
			continue;
		}
		if (hemem_batch_is_over(swap->batch))
			return 0;
		ret = hemem_engine_kernel.move(swap->batch, first + at, to - at);
		if (ret < 0)
			return ret;
		at += ret;
	}
	return 0;
}

static bool is_untouched(const struct swap *swap)
{
	unsigned int i;

	for (i = 0; i < swap->nr; i++)
		if (!is_open(swap, i))
			return false;
	return true;
}

static void swap_end(struct swap *swap)
{
	void **scratch = swap->batch->scratch;
	unsigned int outcome;

	if (swap->nr_fresh)
		hemem_pool_give(swap->fresh, swap->nr_fresh);
	for_each_set_bit(outcome, &swap->counted, HEMEM_NR_SWAP_OUTCOMES)
		hemem_stats_add(HEMEM_STAT_swapped + outcome, swap->counts[outcome]);
	if (!scratch || cmpxchg(scratch, NULL, swap))
		kfree(swap);
}

/* The memory of an earlier call, unless another thread has it just now. */
static struct swap *swap_begin(struct hemem_batch *batch, unsigned int first,
			       unsigned int nr)
{
	struct swap *swap = batch->scratch ? xchg(batch->scratch, NULL) : NULL;

	if (!swap)
		swap = kmalloc(sizeof(*swap), GFP_KERNEL_ACCOUNT);
	if (!swap)
		return NULL;
	swap->batch = batch;
	swap->moves = &batch->moves[first];
	swap->nr = nr;
	swap->node = swap->moves[0].node;
	swap->round = 0;
	swap->nr_open = nr;
	swap->since_ns = ktime_get_ns();
	swap->has_put_back = false;
	swap->nr_fresh = 0;
	swap->nr_emptied = 0;
	swap->nr_items = 0;
	swap->counted = 0;
	memset(swap->outcomes, HEMEM_SWAP_swapped, nr);
	return swap;
}

static int engine_swap_move(struct hemem_batch *batch, unsigned int first,
			    unsigned int nr)
{
	struct swap *swap = swap_begin(batch, first, nr);
	int ret;

	if (!swap)
		return -ENOMEM;
	ret = run_rounds(swap);
	if (!ret)
		ret = run_rest(swap, first);
	if (!ret || !is_untouched(swap))
		ret = nr;
	swap_end(swap);
	return ret;
}

/**
 * hemem_engine_swap_try() - swap what can be, and leave the rest alone
 * @batch: one node for all
 * @ret_outcomes: of each entry, enum hemem_swap_outcome; where its status is UNTRIED,
 *	why it was not swapped
 *
 * Return: 0, -ENOMEM, or -EINTR
 */
int hemem_engine_swap_try(struct hemem_batch *batch, u8 *ret_outcomes)
{
	struct swap *swap = swap_begin(batch, 0, batch->nr_moves);
	int ret;

	if (!swap)
		return -ENOMEM;
	ret = run_rounds(swap);
	memcpy(ret_outcomes, swap->outcomes, swap->nr);
	swap_end(swap);
	return ret;
}

const struct hemem_engine hemem_engine_swap = {
	.name = "swap",
	.move = engine_swap_move,
};

#endif /* HEMEM_SWAP */
