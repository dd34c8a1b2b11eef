// SPDX-License-Identifier: GPL-2.0
/*
 * region_move.c - MIGRATE of a managed region
 *
 * A batch is one transaction with these steps; the number of TLB flushes does not depend on how
 * many pages it has, if they lie near each other:
 *
 *	plan	look every entry up, take new pages; nobody notices
 *	begin	gate: cells become TRIED, READABLE or CLOSED, as the mode says
 *	unmap	old entries go; faults enter what the cell's state allows
 *	copy	CLOSED cells get their new page one by one, and are open again
 *	switch	gate: other cells get their new page, READABLE; or, if TRIED and written, none
 *	unmap	entries of the old pages go; until then nobody may write to the new ones
 *	open	cells are IDLE, who waits is woken
 *	release	old pages go to the pool
 *
 * Readers may have entries of the old page until the second unmap: it has the same bytes, as
 * writers wait for READABLE cells.  That wait, of the length of an unmap, is the only one in a
 * transaction where nobody waits for a copy.
 *
 * Part of a huge page: the module cannot take a compound page to pieces, so all of it is copied
 * to base pages, those asked for on their node, the rest on the old one; then the huge page is free.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include "region.h"

/*
 * Stretches with no more entries than this between them are unmapped as one: a flush of all CPUs
 * is taken to cost about as much as so many faults.  Estimated, not measured.
 */
#define GAP_ENTRIES	64

/* The CPU is offered to others after so many pages, base or huge, and base pages of a huge one. */
#define YIELD_PAGES	32

/**
 * struct region_move - one page that moves
 * @pgoff: its first base page
 * @cell: it
 * @to: its new page; NULL: it is split
 * @parts: the cells of the base pages that it is split into, or NULL
 * @from: its old page, once it was exchanged; NULL: it was not
 * @first: the first entry of the batch that is about it
 * @nr: how many follow each other
 * @order: its own
 * @is_copied: all of it
 */
struct region_move {
	unsigned long pgoff;
	unsigned long *cell;
	struct page *to;
	unsigned long *parts;
	struct page *from;
	unsigned int first;
	u16 nr;
	u8 order;
	bool is_copied;
};

/**
 * struct region_mover - one MIGRATE
 * @region: movers held
 * @batch: what was asked
 * @state: of cells during the copy
 * @may_split: entries are about base pages
 * @moves: the plan
 * @nr_moves: how many
 * @is_sorted: by address
 */
struct region_mover {
	struct hemem_region *region;
	struct hemem_batch *batch;
	unsigned long state;
	bool may_split;
	struct region_move *moves;
	unsigned int nr_moves;
	bool is_sorted;
};

static unsigned long pgoff_of(const struct region_mover *mover, unsigned int entry)
{
	return mover->batch->moves[entry].addr >> PAGE_SHIFT;
}

static unsigned long pages_of(const struct region_move *move)
{
	return 1UL << move->order;
}

static void answer(struct region_mover *mover, unsigned int first, unsigned int nr,
		   unsigned int order, enum hemem_assist_status status)
{
	unsigned int i;

	for (i = first; i < first + nr; i++) {
		struct hemem_assist_move *entry = &mover->batch->moves[i];

		if (entry->out_status == HEMEM_ASSIST_DENIED)
			continue;
		entry->out_status = status;
		entry->out_order = order;
	}
}

/* ---- plan ---- */

/* Entries from @first on that are about the span of @first. */
static unsigned int same_span(const struct region_mover *mover, unsigned int first)
{
	const unsigned long span = pgoff_of(mover, first) / SPAN_PAGES;
	unsigned int i;

	for (i = first + 1; i < mover->batch->nr_moves; i++)
		if (pgoff_of(mover, i) / SPAN_PAGES != span)
			break;
	return i - first;
}

static void free_split(unsigned long *parts)
{
	unsigned long i;

	for (i = 0; i < SPAN_PAGES; i++)
		if (parts[i])
			hemem_region_pool_give(cell_page(parts[i]), 0);
	free_page((unsigned long)parts);
}

/* A base page for each part: on the node that an entry wants for it, or where it is. */
static unsigned long *plan_split(struct region_mover *mover, unsigned int first,
				 unsigned int nr, int nid)
{
	unsigned long *parts = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	struct page *page;
	unsigned int i;

	if (!parts)
		return NULL;
	for (i = first; i < first + nr + SPAN_PAGES; i++) {
		const bool is_asked = i < first + nr;
		unsigned long *part = is_asked ? &parts[pgoff_of(mover, i) % SPAN_PAGES] :
						 &parts[i - first - nr];

		if (*part || (is_asked &&
			      mover->batch->moves[i].out_status == HEMEM_ASSIST_DENIED))
			continue;
		page = hemem_region_pool_take(is_asked ? (int)mover->batch->moves[i].node : nid,
					      0, 0);
		if (!page) {
			free_split(parts);
			return NULL;
		}
		*part = cell_of(page, CELL_IDLE);
	}
	return parts;
}

/* Do these entries ask for every part of the span once, in order, on one node? */
static bool is_whole(const struct region_mover *mover, unsigned int first, unsigned int nr)
{
	const struct hemem_assist_move *moves = &mover->batch->moves[first];
	unsigned int i;

	if (nr != SPAN_PAGES)
		return false;
	for (i = 0; i < nr; i++)
		if (moves[i].node != moves[0].node ||
		    pgoff_of(mover, first + i) % SPAN_PAGES != i)
			return false;
	return true;
}

/* What is denied wants nothing. */
static bool all_there(const struct region_mover *mover, unsigned int first, unsigned int nr,
		      int nid)
{
	unsigned int i;

	for (i = first; i < first + nr; i++)
		if ((int)mover->batch->moves[i].node != nid &&
		    mover->batch->moves[i].out_status != HEMEM_ASSIST_DENIED)
			return false;
	return true;
}

/* Plans what the @nr entries from @first say of one page; sets their status if it cannot move. */
static void plan_page(struct region_mover *mover, unsigned int first, unsigned int nr,
		      unsigned long *cell, unsigned int order, bool splits)
{
	struct region_move *move = &mover->moves[mover->nr_moves];
	const unsigned int answer_order = splits ? 0 : order;
	const int nid = page_to_nid(cell_page(*cell));

	*move = (struct region_move){
		.pgoff = pgoff_of(mover, first) & ~((1UL << order) - 1),
		.cell = cell, .first = first, .nr = nr, .order = order,
	};
	if (*cell & CELL_PLANNED)
		return answer(mover, first, nr, answer_order, HEMEM_ASSIST_BUSY);
	if (all_there(mover, first, nr, nid))
		return answer(mover, first, nr, order, HEMEM_ASSIST_THERE);
	if (splits)
		move->parts = plan_split(mover, first, nr, nid);
	else
		move->to = hemem_region_pool_take(mover->batch->moves[first].node, order, 0);
	if (!move->to && !move->parts)
		return answer(mover, first, nr, answer_order, HEMEM_ASSIST_NO_ROOM);
	/* Faults do not write to the cell of a page that is idle. */
	WRITE_ONCE(*cell, *cell | CELL_PLANNED);
	if (mover->nr_moves && move->pgoff < move[-1].pgoff)
		mover->is_sorted = false;
	mover->nr_moves++;
}

/* Plans the page of the entry @first.  Return: how many entries are about it. */
static unsigned int plan_entry(struct region_mover *mover, unsigned int first)
{
	const struct hemem_assist_move *moves = mover->batch->moves;
	unsigned int nr = 1, span, order;
	unsigned long *cell = hemem_region_cell(mover->region, pgoff_of(mover, first), &order);

	if (!READ_ONCE(*cell)) {
		answer(mover, first, 1, 0, HEMEM_ASSIST_NO_PAGE);
		return 1;
	}
	if (!order) {
		plan_page(mover, first, 1, cell, 0, false);
		return 1;
	}
	span = same_span(mover, first);
	if (mover->may_split && !is_whole(mover, first, span)) {
		plan_page(mover, first, span, cell, order, true);
		return span;
	}
	while (nr < span && moves[first + nr].node == moves[first].node)
		nr++;
	plan_page(mover, first, nr, cell, order, false);
	return nr;
}

static int by_pgoff(const void *a, const void *b)
{
	const struct region_move *one = a, *other = b;

	return one->pgoff < other->pgoff ? -1 : one->pgoff > other->pgoff;
}

static void plan(struct region_mover *mover)
{
	unsigned int i = 0;

	while (i < mover->batch->nr_moves)
		i += plan_entry(mover, i);
	if (!mover->is_sorted)
		sort(mover->moves, mover->nr_moves, sizeof(*mover->moves), by_pgoff, NULL);
}

/* ---- the other steps ---- */

/* How many entries there can be in [@from, @to), counted to one more than GAP_ENTRIES. */
static unsigned int count_gap(struct hemem_region *region, unsigned long from,
			      unsigned long to)
{
	unsigned int nr = 0;

	while (from < to && nr <= GAP_ENTRIES) {
		const unsigned long next = min(to, (from | (SPAN_PAGES - 1)) + 1);
		const struct hemem_span *span = &region->spans[from / SPAN_PAGES];

		if (READ_ONCE(span->parts))
			nr += min_t(unsigned long, next - from, GAP_ENTRIES + 1);
		else
			nr++;
		from = next;
	}
	return nr;
}

/* One flush for each stretch, not for each page. */
static void unmap(struct region_mover *mover)
{
	const struct region_move *moves = mover->moves;
	unsigned int i, begin = 0;

	for (i = 1; i <= mover->nr_moves; i++) {
		const unsigned long end = moves[i - 1].pgoff + pages_of(&moves[i - 1]);

		if (i < mover->nr_moves &&
		    count_gap(mover->region, end, moves[i].pgoff) <= GAP_ENTRIES)
			continue;
		hemem_region_unmap(mover->region, moves[begin].pgoff,
				   end - moves[begin].pgoff);
		begin = i;
	}
}

static void begin(struct region_mover *mover)
{
	unsigned int i;

	down_write(&mover->region->gate);
	for (i = 0; i < mover->nr_moves; i++) {
		unsigned long *cell = mover->moves[i].cell;

		WRITE_ONCE(*cell, cell_of(cell_page(*cell), CELL_PLANNED | mover->state));
	}
	up_write(&mover->region->gate);
}

static void copy(const struct region_move *move)
{
	struct page *from = cell_page(READ_ONCE(*move->cell));
	unsigned long i;

	for (i = 0; i < pages_of(move); i++) {
		struct page *to = move->to ? move->to + i : cell_page(move->parts[i]);

		copy_page(page_address(to), page_address(from + i));
		if (move->order && i % YIELD_PAGES == 0)
			cond_resched();
	}
}

/* The new page takes the old one's place, in state @bits. */
static void exchange(struct region_mover *mover, struct region_move *move,
		     unsigned long bits)
{
	struct hemem_span *span = &mover->region->spans[move->pgoff / SPAN_PAGES];
	unsigned long i;

	move->from = cell_page(*move->cell);
	if (move->to) {
		smp_store_release(move->cell, cell_of(move->to, bits));
		return;
	}
	for (i = 0; i < SPAN_PAGES; i++)
		move->parts[i] = cell_of(cell_page(move->parts[i]), bits);
	smp_store_release(&span->parts, move->parts);
	WRITE_ONCE(span->whole, 0);
}

/* Of a CLOSED cell, that nobody looks into but to see it closed.  A split changes the span's shape. */
static void copy_closed(struct region_mover *mover, struct region_move *move)
{
	copy(move);
	if (move->parts)
		down_write(&mover->region->gate);
	exchange(mover, move, CELL_IDLE);
	if (move->parts)
		up_write(&mover->region->gate);
	hemem_region_step(mover->region);
}

static void copy_all(struct region_mover *mover)
{
	unsigned int i;

	for (i = 0; i < mover->nr_moves; i++) {
		struct region_move *move = &mover->moves[i];

		/* What is copied by then counts; the rest stays where it is. */
		if (fatal_signal_pending(current))
			return;
		if (mover->state == CELL_CLOSED)
			copy_closed(mover, move);
		else if (!(READ_ONCE(*move->cell) & CELL_WRITTEN))
			copy(move);
		move->is_copied = true;
		if (i % YIELD_PAGES == 0)
			cond_resched();
	}
}

/* Was it written since begin()?  Then what was copied is not what it is. */
static bool is_void(const struct region_move *move)
{
	return *move->cell & CELL_WRITTEN &&
	       !hemem_fault_omits(HEMEM_FAULT_REGION_WRITTEN);
}

/* All that copy_closed() has not dealt with. */
static void switch_all(struct region_mover *mover)
{
	unsigned int i;

	down_write(&mover->region->gate);
	for (i = 0; i < mover->nr_moves; i++) {
		struct region_move *move = &mover->moves[i];

		if (move->from)
			continue;
		if (mover->state != CELL_CLOSED && move->is_copied && !is_void(move))
			exchange(mover, move, CELL_READABLE);
		else
			WRITE_ONCE(*move->cell, cell_of(cell_page(*move->cell), CELL_IDLE));
	}
	up_write(&mover->region->gate);
}

static void open_cell(unsigned long *cell)
{
	smp_store_release(cell, *cell & ~(unsigned long)CELL_STATES);
}

static void open_all(struct region_mover *mover)
{
	unsigned int i, part;

	for (i = 0; i < mover->nr_moves; i++) {
		struct region_move *move = &mover->moves[i];

		if (!move->from)
			continue;
		if (move->to)
			open_cell(move->cell);
		for (part = 0; !move->to && part < SPAN_PAGES; part++)
			open_cell(&move->parts[part]);
	}
	hemem_region_step(mover->region);
}

/* ---- what came of it ---- */

static void answer_split(struct region_mover *mover, const struct region_move *move)
{
	const int nid = page_to_nid(move->from);
	unsigned int i;

	for (i = move->first; i < move->first + move->nr; i++) {
		const int node = mover->batch->moves[i].node;
		const int now = page_to_nid(cell_page(move->parts[pgoff_of(mover, i) % SPAN_PAGES]));

		/* Asked for twice, and the first time it was another node. */
		if (node != now)
			answer(mover, i, 1, 0, HEMEM_ASSIST_BUSY);
		else
			answer(mover, i, 1, 0, now == nid ? HEMEM_ASSIST_THERE :
							    HEMEM_ASSIST_MOVED);
		if (node == now && now != nid)
			mover->batch->reply->out_bytes_moved += PAGE_SIZE;
	}
	hemem_stats_add(HEMEM_STAT_region_splits, 1);
}

static void settle_moved(struct region_mover *mover, struct region_move *move)
{
	struct hemem_region *region = mover->region;
	unsigned int i;

	hemem_region_count(region, move->from, move->order, -1);
	hemem_region_pool_give(move->from, move->order);
	if (move->to) {
		hemem_region_count(region, move->to, move->order, 1);
		answer(mover, move->first, move->nr, move->order, HEMEM_ASSIST_MOVED);
		mover->batch->reply->out_bytes_moved += pages_of(move) << PAGE_SHIFT;
		return;
	}
	for (i = 0; i < SPAN_PAGES; i++)
		hemem_region_count(region, cell_page(move->parts[i]), 0, 1);
	answer_split(mover, move);
}

static void settle_kept(struct region_mover *mover, const struct region_move *move)
{
	if (move->to)
		hemem_region_pool_give(move->to, move->order);
	else
		free_split(move->parts);
	if (!move->is_copied)
		return;			/* UNTRIED */
	hemem_stats_add(HEMEM_STAT_region_written, 1);
	answer(mover, move->first, move->nr, move->to ? move->order : 0,
	       HEMEM_ASSIST_BUSY);
}

static void settle(struct region_mover *mover)
{
	unsigned int i;

	for (i = 0; i < mover->nr_moves; i++) {
		if (mover->moves[i].from)
			settle_moved(mover, &mover->moves[i]);
		else
			settle_kept(mover, &mover->moves[i]);
		if (i % YIELD_PAGES == 0)
			cond_resched();
	}
}

static void run(struct region_mover *mover)
{
	begin(mover);
	if (!hemem_fault_omits(HEMEM_FAULT_REGION_UNMAP))
		unmap(mover);
	hemem_fault_stop(HEMEM_FAULT_REGION_BEGUN);
	copy_all(mover);
	hemem_fault_stop(HEMEM_FAULT_REGION_COPIED);
	switch_all(mover);
	hemem_fault_stop(HEMEM_FAULT_REGION_SWITCHED);
	if (mover->state != CELL_CLOSED && !hemem_fault_omits(HEMEM_FAULT_REGION_UNMAP_AGAIN))
		unmap(mover);
	open_all(mover);
	settle(mover);
}

static unsigned long state_of(u32 flags)
{
	if (flags & HEMEM_ASSIST_MIGRATE_ALL_WAIT)
		return CELL_CLOSED;
	return flags & HEMEM_ASSIST_MIGRATE_WRITERS_WAIT ? CELL_READABLE : CELL_TRIED;
}

/**
 * hemem_region_move() - move pages of a region
 * @region: the region
 * @batch: its entries are offsets in the region, checked; no mm
 * @flags: of HEMEM_ASSIST_MIGRATE
 *
 * Return: 0 if the batch was tried, -ENOMEM, or -EINTR
 */
int hemem_region_move(struct hemem_region *region, struct hemem_batch *batch, u32 flags)
{
	struct region_mover mover = {
		.region = region,
		.batch = batch,
		.state = state_of(flags),
		.may_split = flags & HEMEM_ASSIST_MIGRATE_SPLIT,
		.is_sorted = true,
	};
	const u64 start_ns = ktime_get_ns();
	int ret;

	mover.moves = kvmalloc_array(batch->nr_moves, sizeof(*mover.moves),
				     GFP_KERNEL_ACCOUNT);
	if (!mover.moves)
		return -ENOMEM;
	ret = mutex_lock_killable(&region->movers);
	if (ret)
		goto err_moves;
	plan(&mover);
	batch->reply->out_look_ns = ktime_get_ns() - start_ns;
	if (mover.nr_moves)
		run(&mover);
	batch->reply->out_move_ns = ktime_get_ns() - start_ns - batch->reply->out_look_ns;
	mutex_unlock(&region->movers);

err_moves:
	kvfree(mover.moves);
	return ret;
}
