// SPDX-License-Identifier: GPL-2.0
/*
 * pool.c - pages that a swap has emptied, kept for the next swap
 *
 * A new page is wholly overwritten by the copy that it is taken for.  The kernel
 * clears it first all the same where init_on_alloc is on, as in Debian: one more
 * write to the slower memory for nothing.  So the page that a swap leaves behind is
 * not freed but waits here, on its node, for a swap that goes there.  A huge page
 * also costs the allocator more than all else of its swap but the copy.
 *
 * No content leaks: a page leaves the pool to be overwritten, or to the kernel's
 * allocator as any other freed page, which clears it for whoever gets it next.
 *
 * Bounded: @pool_kib of base pages on each node, and as much of huge pages.  Given back
 * when memory is short (shrinker), when memory is about to be taken offline (a pooled
 * page cannot be migrated away), when a target is detached, and at rmmod.
 *
 * Why 32 MiB: hemem-ctl moves at most 51 MiB a turn by its default budget (512 MiB/s, a
 * turn each 100 ms), so 26 MiB each way; and a whole batch of base pages is 16 MiB.  So pages that
 * go there and back, or change places, need no new page.  What waits is missing elsewhere:
 * a small node keeps at most a 64th of it.
 *
 * Example, pool_kib=2048, which is 512 base pages or one huge page: 600 base pages go from node
 * 1 to node 0; 512 wait on node 1, 88 are freed.  Then 600 go back: 512 come from
 * here, 88 from the allocator.
 */
#include <linux/gfp.h>
#include <linux/huge_mm.h>
#include <linux/memory.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "hemem.h"

#ifdef HEMEM_SWAP

static unsigned int pool_kib = 32 << 10;
module_param(pool_kib, uint, 0644);
MODULE_PARM_DESC(pool_kib,
		 "KiB of base pages, and as much of huge ones, that each node keeps for the next swap to it, at most a 64th of the node; 0: none (default: 32768)");

/**
 * struct pile - pages of one size, last in, first out: their bytes may be in a cache yet
 * @first: linked by their private member; the pool's reference is their only one
 * @nr: how many
 */
struct pile {
	struct page *first;
	unsigned int nr;
};

/**
 * struct pool - the pages of one node
 * @lock: protects the others; taken in process context, inside of nothing
 * @base: base pages
 * @huge: huge pages
 * @is_closed: memory goes offline: takes in nothing
 */
struct pool {
	spinlock_t lock;
	struct pile base;
	struct pile huge;
	bool is_closed;
};

static struct pool *pools;		/* of every possible node */

/* How many pages of @order a pile on node @nid may have. */
static unsigned int pile_max(int nid, unsigned int order)
{
	unsigned long kept = READ_ONCE(pool_kib) >> (PAGE_SHIFT - 10);

	return min(kept, node_present_pages(nid) / 64) >> order;
}

/*
 * Makes @page what the allocator would give out, but for the content: a huge page stays
 * compound.
 */
static bool pile_scrub(struct page *page, unsigned int order)
{
	unsigned long stale = PAGE_FLAGS_CHECK_AT_PREP;

	/* Someone who looks pages up by number may hold it for a moment yet. */
	if (page_ref_count(page) != 1 || PageHWPoison(page))
		return false;
	if (order) {
		stale &= ~BIT(PG_head);
		/* Such a one was not swapped; but what must not be can be freed. */
		if (folio_test_has_hwpoisoned(page_folio(page)) ||
		    hemem_is_in_split_queue(page_folio(page)))
			return false;
	}
	page->mapping = NULL;
	page->index = 0;
	/* Atomic: the poison bit may be set by others at any time. */
	set_mask_bits(&page->flags, stale, 0);
	return true;
}

/* Keeps the first of @pages while there is place.  Return: how many. */
static unsigned int pile_push(struct pile *pile, struct page **pages,
			      unsigned int nr, unsigned int order)
{
	const unsigned int max = pile_max(page_to_nid(pages[0]), order);
	unsigned int i;

	for (i = 0; i < nr && pile->nr < max; i++) {
		if (!pile_scrub(pages[i], order))
			break;
		set_page_private(pages[i], (unsigned long)pile->first);
		pile->first = pages[i];
		pile->nr++;
	}
	return i;
}

/* Takes up to @nr pages.  Return: how many. */
static unsigned int pile_pop(struct pile *pile, struct page **ret_pages,
			     unsigned int nr)
{
	unsigned int i;

	nr = min(nr, pile->nr);
	for (i = 0; i < nr; i++) {
		ret_pages[i] = pile->first;
		pile->first = (struct page *)page_private(ret_pages[i]);
		set_page_private(ret_pages[i], 0);
	}
	pile->nr -= nr;
	return nr;
}

/* Poison that came while it waited may show in the flags of a part alone. */
static bool is_broken(struct page *page, unsigned int order)
{
	unsigned long flags = 0;
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		flags |= page[i].flags;
	return flags & __PG_HWPOISON;
}

/* Frees what is broken, which the allocator keeps from use.  Return: how many are left. */
static unsigned int sort_out(struct page **pages, unsigned int nr, unsigned int order)
{
	unsigned int i, good = 0;

	for (i = 0; i < nr; i++) {
		if (unlikely(is_broken(pages[i], order)))
			put_page(pages[i]);
		else
			pages[good++] = pages[i];
	}
	return good;
}

/* Return: how many of @nr there were. */
static unsigned int pool_pop(struct pool *pool, struct pile *pile,
			     struct page **ret_pages, unsigned int nr)
{
	if (!READ_ONCE(pile->nr))
		return 0;
	spin_lock(&pool->lock);
	nr = pile_pop(pile, ret_pages, nr);
	spin_unlock(&pool->lock);
	return nr;
}

/* @pages are of one node.  Return: how many were kept, from the front. */
static unsigned int pool_push(struct page **pages, unsigned int nr,
			      unsigned int order)
{
	struct pool *pool = &pools[page_to_nid(pages[0])];
	unsigned int kept = 0;

	spin_lock(&pool->lock);
	if (!pool->is_closed)
		kept = pile_push(order ? &pool->huge : &pool->base, pages, nr, order);
	spin_unlock(&pool->lock);
	return kept;
}

/**
 * hemem_pool_take() - base pages to be overwritten
 * @node: on which they shall lie
 * @ret_pages: filled from the front; referenced once, flags as of a new page
 * @nr: how many
 *
 * Return: how many there were
 */
unsigned int hemem_pool_take(int node, struct page **ret_pages, unsigned int nr)
{
	struct pool *pool = &pools[node];
	unsigned int got;

	got = sort_out(ret_pages, pool_pop(pool, &pool->base, ret_pages, nr), 0);
	if (got)
		hemem_stats_add(HEMEM_STAT_recycled, got);
	return got;
}

/**
 * hemem_pool_take_huge() - a huge page to be overwritten
 * @node: on which it shall lie
 *
 * Return: referenced once, ready to be mapped; NULL: there is none
 */
struct folio *hemem_pool_take_huge(int node)
{
	struct pool *pool = &pools[node];
	struct page *page;

	while (pool_pop(pool, &pool->huge, &page, 1)) {
		if (!sort_out(&page, 1, HPAGE_PMD_ORDER))
			continue;
		hemem_stats_add(HEMEM_STAT_recycled, 1);
		return page_folio(page);
	}
	return NULL;
}

/**
 * hemem_pool_give() - keep base pages that nobody maps any more, or free them
 * @pages: off the LRU, unlocked, uncharged; the caller's references to them
 *	are taken over.  Cheapest when those of one node follow each other.
 * @nr: how many
 */
void hemem_pool_give(struct page **pages, unsigned int nr)
{
	unsigned int from = 0, to;

	while (from < nr) {
		const int nid = page_to_nid(pages[from]);

		for (to = from + 1; to < nr && page_to_nid(pages[to]) == nid;)
			to++;
		from += pool_push(pages + from, to - from, 0);
		if (from < to)
			release_pages(pages + from, to - from);
		from = to;
	}
}

/**
 * hemem_pool_give_huge() - keep a huge page that nobody maps any more, or free it
 * @folio: as for hemem_pool_give()
 */
void hemem_pool_give_huge(struct folio *folio)
{
	struct page *page = folio_page(folio, 0);

	if (!pool_push(&page, 1, HPAGE_PMD_ORDER))
		folio_put(folio);
}

/* Gives back at least @nr base pages, if there are as many.  Return: how many. */
static unsigned long pool_free(struct pool *pool, unsigned long nr)
{
	struct page *pages[HEMEM_POOL_BATCH];
	unsigned long freed = 0;
	unsigned int got;

	do {
		got = pool_pop(pool, &pool->base, pages,
			       min_t(unsigned long, nr - freed, HEMEM_POOL_BATCH));
		release_pages(pages, got);
		freed += got;
	} while (got && freed < nr);
	while (freed < nr && pool_pop(pool, &pool->huge, pages, 1)) {
		put_page(pages[0]);
		freed += HPAGE_PMD_NR;
	}
	return freed;
}

/**
 * hemem_pool_empty() - give everything back to the kernel
 */
void hemem_pool_empty(void)
{
	int nid;

	for_each_node(nid)
		pool_free(&pools[nid], ULONG_MAX);
}

/* How many base pages that is, a moment ago. */
static unsigned long pool_nr(const struct pool *pool)
{
	return READ_ONCE(pool->base.nr) +
	       HPAGE_PMD_NR * (unsigned long)READ_ONCE(pool->huge.nr);
}

/**
 * hemem_pool_bytes() - how much waits, on all nodes
 *
 * Return: bytes, a moment ago
 */
u64 hemem_pool_bytes(void)
{
	u64 nr = 0;
	int nid;

	for_each_node(nid)
		nr += pool_nr(&pools[nid]);
	return nr << PAGE_SHIFT;
}

static unsigned long pool_count(struct shrinker *shrinker,
				struct shrink_control *sc)
{
	unsigned long nr = pool_nr(&pools[sc->nid]);

	return nr ? nr : SHRINK_EMPTY;
}

static unsigned long pool_scan(struct shrinker *shrinker,
			       struct shrink_control *sc)
{
	unsigned long nr = pool_free(&pools[sc->nid], sc->nr_to_scan);

	return nr ? nr : SHRINK_STOP;
}

static void pool_close(bool is_closed)
{
	int nid;

	for_each_node(nid) {
		spin_lock(&pools[nid].lock);
		pools[nid].is_closed = is_closed;
		spin_unlock(&pools[nid].lock);
	}
}

/* Of any node: its notice is rare, and the pool is cheap to fill again. */
static int pool_hear(struct notifier_block *block, unsigned long event, void *arg)
{
	switch (event) {
	case MEM_GOING_OFFLINE:
		pool_close(true);
		hemem_pool_empty();
		break;
	case MEM_OFFLINE:
	case MEM_CANCEL_OFFLINE:
		pool_close(false);
		break;
	}
	return NOTIFY_OK;
}

static struct notifier_block pool_notifier = { .notifier_call = pool_hear };

HEMEM_SHRINKER(pool_shrinker, pool_count, pool_scan);

/**
 * hemem_pool_init() - empty pools
 *
 * Return: 0 or -errno
 */
int hemem_pool_init(void)
{
	int nid, ret;

	pools = kcalloc(nr_node_ids, sizeof(*pools), GFP_KERNEL);
	if (!pools)
		return -ENOMEM;
	for_each_node(nid)
		spin_lock_init(&pools[nid].lock);
	ret = hemem_shrinker_register(&pool_shrinker, "hemem-pool");
	if (ret)
		goto err_pools;
	ret = register_memory_notifier(&pool_notifier);
	if (ret)
		goto err_shrinker;
	return 0;

err_shrinker:
	hemem_shrinker_unregister(&pool_shrinker);
err_pools:
	kfree(pools);
	return ret;
}

void hemem_pool_exit(void)
{
	unregister_memory_notifier(&pool_notifier);
	hemem_shrinker_unregister(&pool_shrinker);
	hemem_pool_empty();
	kfree(pools);
}

#endif /* HEMEM_SWAP */
