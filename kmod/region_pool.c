// SPDX-License-Identifier: GPL-2.0
/*
 * region_pool.c - free pages of managed regions, by node
 *
 * A move takes a page here and leaves one, so that a region whose pages go to and fro
 * needs no allocator: that would cost more than all else of a move but the copy, and
 * would clear each new page where init_on_alloc is on, for nothing.
 *
 * No content leaks: a page is overwritten by a move, cleared for a fault, or freed.
 *
 * Bounded: @region_pool_kib of base pages on each node, and as much of huge pages, at most
 * a 64th of the node.  Given back when memory is short (shrinker), when some goes offline, and
 * when the last region is gone.
 *
 * Example, region_pool_kib=2048, which is 512 base pages or one huge page: 600 base pages go
 * from node 1 to node 0; 512 wait on node 1, 88 are freed.
 */
#include <linux/gfp.h>
#include <linux/memory.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include "region.h"

static unsigned int region_pool_kib = 32 << 10;
module_param(region_pool_kib, uint, 0644);
MODULE_PARM_DESC(region_pool_kib,
		 "KiB of base pages, and as much of huge ones, that each node keeps free for managed regions, at most a 64th of the node; 0: none (default: 32768)");

/**
 * struct region_pool - the free pages of one node
 * @lock: protects the others; inside of nothing
 * @base: base pages, linked by their lru member; one reference, the pool's
 * @huge: huge pages, as well
 * @nr_base: how many
 * @nr_huge: how many
 * @is_closed: memory goes offline: takes in nothing
 */
struct region_pool {
	spinlock_t lock;
	struct list_head base;
	struct list_head huge;
	unsigned int nr_base;
	unsigned int nr_huge;
	bool is_closed;
};

static struct region_pool *pools;	/* of every possible node */

static unsigned long pool_pages(const struct region_pool *pool)
{
	return READ_ONCE(pool->nr_base) +
	       ((unsigned long)READ_ONCE(pool->nr_huge) << SPAN_ORDER);
}

static struct page *pool_pop(struct region_pool *pool, unsigned int order)
{
	unsigned int *nr = order ? &pool->nr_huge : &pool->nr_base;
	struct page *page = NULL;

	if (!READ_ONCE(*nr))
		return NULL;
	spin_lock(&pool->lock);
	if (*nr) {
		page = list_first_entry(order ? &pool->huge : &pool->base,
					struct page, lru);
		list_del(&page->lru);
		WRITE_ONCE(*nr, *nr - 1);
	}
	spin_unlock(&pool->lock);
	return page;
}

static bool pool_push(struct region_pool *pool, struct page *page, unsigned int order)
{
	unsigned int *nr = order ? &pool->nr_huge : &pool->nr_base;
	const unsigned long max = min_t(unsigned long,
					READ_ONCE(region_pool_kib) >> (PAGE_SHIFT - 10),
					node_present_pages(page_to_nid(page)) / 64) >> order;
	bool has_room;

	spin_lock(&pool->lock);
	has_room = !pool->is_closed && *nr < max;
	if (has_room) {
		list_add(&page->lru, order ? &pool->huge : &pool->base);
		WRITE_ONCE(*nr, *nr + 1);
	}
	spin_unlock(&pool->lock);
	return has_room;
}

/*
 * Such a page cannot be moved away by the kernel, so it does not belong where memory is to be
 * movable; unless the node has nothing else, as one that daxctl has onlined.
 */
static gfp_t pool_gfp(int nid)
{
	const gfp_t gfp = node_state(nid, N_NORMAL_MEMORY) ? GFP_HIGHUSER :
							     GFP_HIGHUSER_MOVABLE;

	return (gfp & ~__GFP_RECLAIM) | __GFP_THISNODE | __GFP_NOWARN;
}

/**
 * hemem_region_pool_take() - a page of one node
 * @nid: the node
 * @order: 0, or SPAN_ORDER: then it is a compound page
 * @more: __GFP_ZERO to have it cleared; __GFP_RECLAIM to wait for memory
 *
 * Return: referenced once, or NULL: the node has none
 */
struct page *hemem_region_pool_take(int nid, unsigned int order, gfp_t more)
{
	struct page *page = NULL;
	unsigned int i;

	if (hemem_fault_omits(HEMEM_FAULT_REGION_FULL))
		return NULL;
	page = pool_pop(&pools[nid], order);
	if (!page)
		return alloc_pages_node(nid, pool_gfp(nid) | more |
					(order ? __GFP_COMP : 0), order);
	if (more & __GFP_ZERO) {
		for (i = 0; i < 1U << order; i++) {
			clear_page(page_address(page + i));
			cond_resched();
		}
	}
	return page;
}

/**
 * hemem_region_pool_give() - keep a page that nobody maps any more, or free it
 * @page: the caller's reference is taken over
 * @order: as for hemem_region_pool_take()
 */
void hemem_region_pool_give(struct page *page, unsigned int order)
{
	/* Somebody who looks pages up by number may hold it yet; a poisoned one is not reused. */
	if (page_ref_count(page) == 1 && !PageHWPoison(page) &&
	    pool_push(&pools[page_to_nid(page)], page, order))
		return;
	put_page(page);
}

/**
 * hemem_region_pool_room() - how much there is on a node for regions
 * @nid: the node
 *
 * Return: free base pages, the pool's and the kernel's, a moment ago
 */
unsigned long hemem_region_pool_room(int nid)
{
	struct zone *zones = NODE_DATA(nid)->node_zones;
	unsigned long nr = pool_pages(&pools[nid]);
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		nr += zone_page_state(&zones[i], NR_FREE_PAGES);
	return nr;
}

/**
 * hemem_region_pool_bytes() - how much waits, on all nodes
 *
 * Return: bytes, a moment ago
 */
u64 hemem_region_pool_bytes(void)
{
	u64 nr = 0;
	int nid;

	for_each_node(nid)
		nr += pool_pages(&pools[nid]);
	return nr << PAGE_SHIFT;
}

/* Gives back at least @nr base pages, if there are as many.  Return: how many. */
static unsigned long pool_free(struct region_pool *pool, unsigned long nr)
{
	unsigned long freed = 0;
	struct page *page;

	while (freed < nr && (page = pool_pop(pool, 0))) {
		put_page(page);
		freed++;
	}
	while (freed < nr && (page = pool_pop(pool, SPAN_ORDER))) {
		put_page(page);
		freed += SPAN_PAGES;
	}
	return freed;
}

/**
 * hemem_region_pool_empty() - give everything back to the kernel
 */
void hemem_region_pool_empty(void)
{
	int nid;

	for_each_node(nid)
		pool_free(&pools[nid], ULONG_MAX);
}

static unsigned long pool_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	unsigned long nr = pool_pages(&pools[sc->nid]);

	return nr ? nr : SHRINK_EMPTY;
}

static unsigned long pool_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	unsigned long nr = pool_free(&pools[sc->nid], sc->nr_to_scan);

	return nr ? nr : SHRINK_STOP;
}

HEMEM_SHRINKER(region_pool_shrinker, pool_count, pool_scan);

static void pool_close(bool is_closed)
{
	int nid;

	for_each_node(nid) {
		spin_lock(&pools[nid].lock);
		pools[nid].is_closed = is_closed;
		spin_unlock(&pools[nid].lock);
	}
}

static int pool_hear(struct notifier_block *block, unsigned long event, void *arg)
{
	switch (event) {
	case MEM_GOING_OFFLINE:
		pool_close(true);
		hemem_region_pool_empty();
		break;
	case MEM_OFFLINE:
	case MEM_CANCEL_OFFLINE:
		pool_close(false);
		break;
	}
	return NOTIFY_OK;
}

static struct notifier_block pool_notifier = { .notifier_call = pool_hear };

/**
 * hemem_region_pool_init() - empty pools
 *
 * Return: 0 or -errno
 */
int hemem_region_pool_init(void)
{
	int nid, ret;

	pools = kcalloc(nr_node_ids, sizeof(*pools), GFP_KERNEL);
	if (!pools)
		return -ENOMEM;
	for_each_node(nid) {
		spin_lock_init(&pools[nid].lock);
		INIT_LIST_HEAD(&pools[nid].base);
		INIT_LIST_HEAD(&pools[nid].huge);
	}
	ret = hemem_shrinker_register(&region_pool_shrinker, "hemem-region-pool");
	if (ret)
		goto err_pools;
	ret = register_memory_notifier(&pool_notifier);
	if (ret)
		goto err_shrinker;
	return 0;

err_shrinker:
	hemem_shrinker_unregister(&region_pool_shrinker);
err_pools:
	kfree(pools);
	return ret;
}

void hemem_region_pool_exit(void)
{
	unregister_memory_notifier(&pool_notifier);
	hemem_shrinker_unregister(&region_pool_shrinker);
	hemem_region_pool_empty();
	kfree(pools);
}
