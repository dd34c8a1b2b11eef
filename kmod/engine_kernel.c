// SPDX-License-Identifier: GPL-2.0
/*
 * engine_kernel.c - the move engine that lets the kernel's own migration move
 *
 * Four steps for a stretch of entries that want one node:
 *
 *   look     find the pages in the page table; references taken, lock dropped
 *   alloc    one new page each on the node, before anything is disturbed
 *   isolate  off the LRU lists, so that reclaim and compaction keep away
 *   move     migrate_pages() unmaps, copies, maps again, with its own checks
 *
 * This is what move_pages(2) does, less its price per call (an RCU grace period
 * and a drain on every CPU), and with these differences: a page in use is given
 * back as BUSY at once instead of being waited for, a huge page is never split,
 * and a full node is an answer, not a reason to reclaim.
 */
#include <linux/gfp.h>
#include <linux/huge_mm.h>
#include <linux/ktime.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "hemem.h"
#include "ksyms.h"

/*
 * Bounds of one stretch: how long mmap_lock is held, how many pages are away
 * from the LRU, and how many the target may find unmapped at the same time.
 * 512 is what the kernel unmaps together under one TLB flush since 6.3.
 */
#define STRETCH_PAGES	512
#define STRETCH_BYTES	(16UL << 20)

/**
 * struct item - one page of a stretch
 * @move: its entry, the first of @nr_moves that lie in the same page
 * @nr_moves: entries in a row that name this page
 * @folio: the page where it is; referenced from look until isolate
 * @new: the page it shall become
 * @is_exclusive: anonymous and mapped here alone by one entry, so that all of
 *	its references are known
 * @is_used: migrate_pages() has taken @new and not given it back
 */
struct item {
	struct hemem_assist_move *move;
	unsigned int nr_moves;
	struct folio *folio;
	struct folio *new;
	bool is_exclusive;
	bool is_used;
};

/**
 * struct stretch - the entries between two page-table visits
 * @batch: where they come from
 * @node: where they go
 * @nr: items
 * @max_nr: room for items
 * @cursor: where the last search ended; migrate_pages() goes in list order, so
 *	the next one is nearly always there
 * @bytes: of all items
 * @items: those that are still in the race come first
 */
struct stretch {
	struct hemem_batch *batch;
	int node;
	unsigned int nr;
	unsigned int max_nr;
	unsigned int cursor;
	unsigned long bytes;
	struct item items[];
};

/* ---- look ---- */

/*
 * One walk serves entries that follow each other upwards with gaps of at most so
 * many pages: passing over a page costs some 50 instructions, a new walk 700.
 */
#define LOOK_GAP_PAGES	16

/**
 * struct look - one walk
 * @stretch: where the pages go
 * @moves: the entries, in address order
 * @nr: how many
 * @at: the first whose page may still come
 */
struct look {
	struct stretch *stretch;
	struct hemem_assist_move *moves;
	unsigned int nr;
	unsigned int at;
};

static bool is_full(const struct stretch *stretch)
{
	return stretch->nr == stretch->max_nr || stretch->bytes >= STRETCH_BYTES;
}

/* May this page be moved at all?  UNTRIED: it may. */
static enum hemem_assist_status look_judge(const struct hemem_slot *slot,
					   const struct stretch *stretch)
{
	if (!hemem_slot_is_movable(slot))
		return HEMEM_ASSIST_NEVER;
	if (!slot->page)
		return HEMEM_ASSIST_ZERO;
	if (page_to_nid(slot->page) == stretch->node)
		return HEMEM_ASSIST_THERE;
	if (!stretch->batch->may_share && hemem_page_is_shared(slot->page))
		return HEMEM_ASSIST_SHARED;
	return HEMEM_ASSIST_UNTRIED;
}

static void look_take(struct stretch *stretch, const struct hemem_slot *slot,
		      struct hemem_assist_move *moves, unsigned int nr)
{
	struct folio *folio = page_folio(slot->page);

	folio_get(folio);
	stretch->items[stretch->nr++] = (struct item){
		.move = moves,
		.nr_moves = nr,
		.folio = folio,
		.is_exclusive = folio_test_anon(folio) &&
			!folio_test_swapcache(folio) &&
			!hemem_page_is_shared(slot->page) &&
			(slot->pmd || !folio_order(folio)),
	};
	stretch->bytes += folio_nr_pages(folio) << PAGE_SHIFT;
}

static int look_visit(const struct hemem_slot *slot, void *arg)
{
	struct look *look = arg;
	struct hemem_assist_move *moves;
	enum hemem_assist_status status;
	unsigned int i, nr = 0;

	while (look->at < look->nr && look->moves[look->at].addr < slot->addr)
		look->at++;
	moves = &look->moves[look->at];
	while (look->at + nr < look->nr && moves[nr].addr < slot->end)
		nr++;
	if (!nr)
		return 0;
	if (is_full(look->stretch))
		return 1;

	status = look_judge(slot, look->stretch);
	for (i = 0; i < nr; i++) {
		moves[i].out_status = status;
		if (slot->page)
			moves[i].out_order = folio_order(page_folio(slot->page));
	}
	if (status == HEMEM_ASSIST_UNTRIED)
		look_take(look->stretch, slot, moves, nr);
	look->at += nr;
	return 0;
}

/* How many entries one walk can serve. */
static unsigned int look_span(const struct hemem_assist_move *moves,
			      unsigned int nr)
{
	unsigned int i;

	for (i = 1; i < nr; i++)
		if (moves[i].addr < moves[i - 1].addr ||
		    moves[i].addr - moves[i - 1].addr > LOOK_GAP_PAGES * PAGE_SIZE)
			break;
	return i;
}

/* Return: how many entries of @moves were dealt with; fewer than @nr when full */
static unsigned int look_once(struct stretch *stretch,
			      struct hemem_assist_move *moves, unsigned int nr)
{
	struct look look = { .stretch = stretch, .moves = moves, .nr = nr };
	unsigned long end = moves[nr - 1].addr + PAGE_SIZE;
	unsigned int i;

	for (i = 0; i < nr; i++)
		moves[i].out_status = HEMEM_ASSIST_NO_PAGE;
	end = hemem_walk(stretch->batch->mm, moves[0].addr, end, ULONG_MAX,
			 look_visit, &look);
	for (i = nr; i && moves[i - 1].addr >= end; i--)
		moves[i - 1].out_status = HEMEM_ASSIST_UNTRIED;
	return i;
}

/* Return: how many entries were looked at, or -EINTR. */
static int look(struct stretch *stretch, struct hemem_assist_move *moves,
		unsigned int nr)
{
	unsigned int span, done = 0, got;

	nr = min_t(unsigned int, nr, STRETCH_PAGES * 2);
	if (mmap_read_lock_killable(stretch->batch->mm))
		return -EINTR;
	while (done < nr && !is_full(stretch)) {
		span = look_span(&moves[done], nr - done);
		got = look_once(stretch, &moves[done], span);
		done += got;
		if (got < span)
			break;
	}
	mmap_read_unlock(stretch->batch->mm);
	return done;
}

/* ---- alloc ---- */

/**
 * hemem_engine_kernel_gfp() - how new pages are asked for
 * @batch: the MIGRATE
 *
 * No reclaim, no compaction here: a full node is the caller's to empty.  With
 * MAKE_ROOM an allocation below the low mark wakes kswapd, as the kernel's own
 * promotions do (migrate_misplaced_folio()), and may go on to the min mark.
 */
gfp_t hemem_engine_kernel_gfp(const struct hemem_batch *batch)
{
	gfp_t gfp = (GFP_HIGHUSER_MOVABLE & ~__GFP_RECLAIM) | __GFP_THISNODE |
		    __GFP_NOWARN | __GFP_NOMEMALLOC;

	return batch->makes_room ? gfp | __GFP_KSWAPD_RECLAIM : gfp;
}

/* A new page, referenced once, a huge one ready to be mapped; NULL: no room. */
static struct folio *new_page(const struct hemem_batch *batch, int node,
			      unsigned int order)
{
	gfp_t gfp = hemem_engine_kernel_gfp(batch);
	struct folio *folio;

#ifdef HEMEM_NEEDS_PREP_TRANSHUGE
	folio = alloc_pages_node(node, order ? gfp | __GFP_COMP : gfp, order);
	if (folio && order)
		ksym(prep_transhuge_page)(folio);
#else
	folio = __folio_alloc_node(gfp, order, node);
#endif
	return folio;
}

static void finish(struct item *item, enum hemem_assist_status status)
{
	unsigned int i;

	for (i = 0; i < item->nr_moves; i++)
		item->move[i].out_status = status;
	if (item->new)
		folio_put(item->new);
	item->new = NULL;
	item->folio = NULL;
}

/* Closes the gaps that finish() left. */
static void compact(struct stretch *stretch)
{
	unsigned int i, kept = 0;

	for (i = 0; i < stretch->nr; i++)
		if (stretch->items[i].folio)
			stretch->items[kept++] = stretch->items[i];
	stretch->nr = kept;
}

static void alloc(struct stretch *stretch)
{
	unsigned int i;

	for (i = 0; i < stretch->nr; i++) {
		struct item *item = &stretch->items[i];

		item->new = new_page(stretch->batch, stretch->node,
				     folio_order(item->folio));
		if (!item->new) {
			folio_put(item->folio);
			finish(item, HEMEM_ASSIST_NO_ROOM);
		}
	}
	compact(stretch);
}

/* ---- isolate ---- */

/*
 * Somebody else uses the page: it is under I/O, or waits in a per-CPU LRU list.
 * Only a hint that saves the target an unmapping: migrate_pages() checks the
 * references again when it holds the page.
 */
static bool is_contended(const struct item *item)
{
	if (!folio_test_lru(item->folio) || folio_maybe_dma_pinned(item->folio))
		return true;
	/* the mapping's reference and the one that look took */
	return item->is_exclusive && folio_ref_count(item->folio) > 2;
}

static int lru_of(struct folio *folio)
{
	return NR_ISOLATED_ANON + folio_is_file_lru(folio);
}

static void isolate(struct stretch *stretch, struct list_head *list)
{
	unsigned int i;

	for (i = 0; i < stretch->nr; i++) {
		struct item *item = &stretch->items[i];
		struct folio *folio = item->folio;
		bool ok;

		if (is_contended(item))
			hemem_migrate_drain(stretch->batch);
		ok = !is_contended(item) &&
		     HEMEM_ISOLATED(ksym(HEMEM_ISOLATE)(folio));
		if (ok) {
			list_add_tail(&folio->lru, list);
			mod_node_page_state(NODE_DATA(folio_nid(folio)),
					    lru_of(folio), folio_nr_pages(folio));
		}
		folio_put(folio);
		if (!ok)
			finish(item, HEMEM_ASSIST_BUSY);
	}
	compact(stretch);
}

/* ---- move ---- */

static struct item *item_find(struct stretch *stretch, const struct folio *folio,
			      bool by_new)
{
	unsigned int i, at;

	for (i = 0; i < stretch->nr; i++) {
		struct item *item;

		at = (stretch->cursor + i) % stretch->nr;
		item = &stretch->items[at];
		if ((by_new ? item->new : item->folio) == folio) {
			stretch->cursor = at;
			return item;
		}
	}
	return NULL;
}

/* migrate_pages() asks where a page shall go. */
static hemem_migrate_page_t *move_get_new(hemem_migrate_page_t *src,
					  unsigned long private)
{
	struct stretch *stretch = (struct stretch *)private;
	struct folio *folio = hemem_folio_of(src);
	struct item *item = item_find(stretch, folio, false);

	/*
	 * A part of a huge page that was mapped in parts only and that
	 * migrate_pages() has split; its first part is still the folio that we
	 * know, but no longer as large as what we have for it.  NULL would end
	 * the whole call.
	 */
	if (!item || folio_order(item->new) != folio_order(folio))
		return hemem_folio_to(new_page(stretch->batch, stretch->node,
					       folio_order(folio)));
	item->is_used = true;
	return hemem_folio_to(item->new);
}

/* migrate_pages() did not need it after all; it may ask again. */
static void move_put_new(hemem_migrate_page_t *dst, unsigned long private)
{
	struct folio *folio = hemem_folio_of(dst);
	struct item *item = item_find((struct stretch *)private, folio, true);

	if (item)
		item->is_used = false;
	else
		folio_put(folio);
}

/*
 * The reason MR_NUMA_MISPLACED keeps huge pages whole (since 5.14; before that
 * they are split only when there is no new page, and here there is one).
 */
static void move(struct stretch *stretch, struct list_head *list)
{
	unsigned int i;

	if (!stretch->nr)
		return;
	ksym(migrate_pages)(list, move_get_new, move_put_new,
			    (unsigned long)stretch, MIGRATE_ASYNC,
			    MR_NUMA_MISPLACED HEMEM_MIGRATE_ARGS);
	if (!list_empty(list))
		ksym(putback_movable_pages)(list);

	for (i = 0; i < stretch->nr; i++) {
		struct item *item = &stretch->items[i];

		if (!item->is_used) {
			finish(item, HEMEM_ASSIST_BUSY);
			continue;
		}
		item->new = NULL;	/* it is the target's page now */
		finish(item, HEMEM_ASSIST_MOVED);
		stretch->batch->reply->out_bytes_moved +=
			PAGE_SIZE << item->move->out_order;
	}
}

/* ---- the four together ---- */

static u64 lap(u64 *since_ns)
{
	u64 now_ns = ktime_get_ns(), ns = now_ns - *since_ns;

	*since_ns = now_ns;
	return ns;
}

static struct stretch *stretch_new(struct hemem_batch *batch, int node,
				   unsigned int nr)
{
	unsigned int max_nr = min_t(unsigned int, nr, STRETCH_PAGES);
	struct stretch *stretch;

	stretch = kvmalloc(struct_size(stretch, items, max_nr), GFP_KERNEL);
	if (!stretch)
		return NULL;
	*stretch = (struct stretch){
		.batch = batch, .node = node, .max_nr = max_nr,
	};
	return stretch;
}

static int engine_kernel_move(struct hemem_batch *batch, unsigned int first,
			      unsigned int nr)
{
	struct hemem_assist_move *moves = &batch->moves[first];
	struct hemem_assist_migrate *reply = batch->reply;
	u64 since_ns = ktime_get_ns();
	struct stretch *stretch;
	LIST_HEAD(list);
	int nr_looked;

	stretch = stretch_new(batch, moves->node, nr);
	if (!stretch)
		return -ENOMEM;
	nr_looked = look(stretch, moves, nr);
	reply->out_look_ns += lap(&since_ns);
	if (nr_looked > 0 && stretch->nr) {
		alloc(stretch);
		reply->out_alloc_ns += lap(&since_ns);
		isolate(stretch, &list);
		reply->out_look_ns += lap(&since_ns);
		move(stretch, &list);
		reply->out_move_ns += lap(&since_ns);
	}
	kvfree(stretch);
	return nr_looked;
}

const struct hemem_engine hemem_engine_kernel = {
	.name = "kernel",
	.move = engine_kernel_move,
};
