// SPDX-License-Identifier: GPL-2.0
/*
 * heat.c - the heat store
 *
 * Owns the counts of read and write samples of every page that was ever seen,
 * and what else must be remembered of a page: node, refusals.  Does not know
 * what is hot (policy), what is mapped (region) or where samples come from
 * (sampler).
 *
 * Base pages are kept by leaf.c.  A huge page is one slot of 8 bytes in a hash table with
 * linear probing:
 *
 *   63       37 36..33 32..28     27   26   25..23  22..19 18..16 15..8  7..0
 *   number      turn   samples in it   seen refused node   stamp  writes reads
 *
 * The number is that of its 2 MiB.  The turn is that of the last sample that is cooled by
 * hand (span.h says what for).
 *
 * The table is kept between half and three quarters full, so a page costs 11 to
 * 16 bytes.  It grows by a quarter and is then copied in order: the hash is
 * scaled to the table's size by a multiplication, which keeps its order, so old
 * memory can be given back right behind the copying and both tables together
 * never need more than the larger one.
 *
 * Eight neighbouring pages share a hash and lie in one cache line.  A scan,
 * which comes in address order, pays one cache miss for eight pages.
 *
 * Cooling only moves a clock.  A slot carries the clock's last three bits from
 * when it was touched last (its stamp) and is halved as often as it owes when it
 * is touched next.  Every 7th cooling touches all, before three bits run over:
 *
 *   cooling      0   1   2   3
 *   8 reads      8   4   2   1     also if nobody looked at 1 and 2
 *
 * Samples of single accesses are kept by 2 MiB, too (span.c), which is joined to the pages'
 * own counts when somebody asks.  Where that is cooled by hand, a huge page's slot has all that
 * is needed, and cools with the 2 MiB: a terabyte of huge pages takes 6 to 8 MiB.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "heat.h"
#include "leaf.h"
#include "span.h"

#define READS_SHIFT	0
#define WRITES_SHIFT	8
#define STAMP_SHIFT	16
#define NODE_SHIFT	19
#define REFUSED_SHIFT	23
#define SEEN_SHIFT	26
#define TURN_NR_SHIFT	28
#define TURN_SHIFT	33
#define NUMBER_SHIFT	37

#define COUNT_MASK	0xffULL
#define STAMP_MASK	7ULL
#define NODE_MASK	15ULL
#define REFUSED_MASK	7ULL
#define TURN_NR_MASK	31ULL
#define TURN_MASK	15ULL
#define GROUP		8	/* slots of one cache line */
#define MIN_SLOTS	512	/* one base page of memory */
#define SETTLE_EVERY	7	/* coolings that a stamp can tell apart from none */
#define RELEASE_SLOTS	(1UL << 18)	/* give memory back by 2 MiB, a huge page */
#define PREFETCH_PAGES	(1UL << 17)	/* of stores of some hundred KiB or more */
#define HUGE_SLOTS	(1UL << 18)	/* a table of a huge page or more */
#define NOT_FOUND	SIZE_MAX

/**
 * struct heat - the store
 * @base: base pages; its clock is that of their coolings
 * @slots: huge pages: @nr_slots, a multiple of GROUP; 0 is an empty slot, which no page
 *	can be because page 0 is not kept
 * @nr_huge: slots that are not empty
 * @huge_clock: number of coolings of huge pages
 * @peak: highest count since the last cooling, or half of it from before
 * @pass: what the seen bit is of pages met in this pass
 * @in_pass: between heat_begin_pass() and heat_end_pass()
 * @spans: what heat_sample() counted, by 2 MiB
 * @by_span: heat_sample() has counted something
 * @served: samples by node
 * @listener: who is told, with @listener_arg; NULL: nobody
 *
 * No two pages overlap: a huge page and a base page inside it are never both
 * kept.
 */
struct heat {
	struct leaf_set base;
	uint64_t *slots;
	size_t nr_slots;
	size_t nr_huge;
	unsigned int huge_clock;
	unsigned int peak;
	unsigned int pass;
	bool in_pass;
	struct span_set spans;
	bool by_span;
	uint64_t served[HEAT_NO_NODE + 1];
	const struct heat_listener *listener;
	void *listener_arg;
};

/* ---- one slot ---- */

static unsigned int slot_get(uint64_t slot, unsigned int shift, uint64_t mask)
{
	return slot >> shift & mask;
}

static void slot_set(uint64_t *slot, unsigned int shift, uint64_t mask, uint64_t value)
{
	*slot = (*slot & ~(mask << shift)) | (value & mask) << shift;
}

static uint64_t slot_number(uint64_t slot)
{
	return slot >> NUMBER_SHIFT;
}

static uint64_t slot_addr(uint64_t slot)
{
	return slot_number(slot) * HEAT_HUGE_BYTES;
}

/* The slot as it is after the halvings that it owes. */
static uint64_t slot_settled(const struct heat *heat, uint64_t slot)
{
	unsigned int clock = heat->huge_clock;
	unsigned int owed = (clock - slot_get(slot, STAMP_SHIFT, STAMP_MASK)) & STAMP_MASK;

	if (!owed)
		return slot;
	slot_set(&slot, READS_SHIFT, COUNT_MASK, slot_get(slot, READS_SHIFT, COUNT_MASK) >> owed);
	slot_set(&slot, WRITES_SHIFT, COUNT_MASK, slot_get(slot, WRITES_SHIFT, COUNT_MASK) >> owed);
	slot_set(&slot, STAMP_SHIFT, STAMP_MASK, clock);
	return slot;
}

static unsigned int add_clamped(unsigned int count, unsigned int more)
{
	return more > HEAT_MAX_COUNT - count ? HEAT_MAX_COUNT : count + more;
}

static void raise_peak(struct heat *heat, unsigned int reads, unsigned int writes)
{
	if (reads > heat->peak)
		heat->peak = reads;
	if (writes > heat->peak)
		heat->peak = writes;
}

static void slot_add(struct heat *heat, uint64_t *slot, unsigned int reads, unsigned int writes)
{
	*slot = slot_settled(heat, *slot);
	reads = add_clamped(slot_get(*slot, READS_SHIFT, COUNT_MASK), reads);
	writes = add_clamped(slot_get(*slot, WRITES_SHIFT, COUNT_MASK), writes);
	slot_set(slot, READS_SHIFT, COUNT_MASK, reads);
	slot_set(slot, WRITES_SHIFT, COUNT_MASK, writes);
	slot_set(slot, SEEN_SHIFT, 1, heat->pass);
	raise_peak(heat, reads, writes);
}

static void base_add(struct heat *heat, struct leaf_page *base, unsigned int reads,
		     unsigned int writes)
{
	base->reads = (uint8_t)add_clamped(base->reads, reads);
	base->writes = (uint8_t)add_clamped(base->writes, writes);
	base->seen = heat->pass & 1;
	raise_peak(heat, base->reads, base->writes);
}

static struct heat_page page_of_slot(const struct heat *heat, uint64_t slot)
{
	slot = slot_settled(heat, slot);
	return (struct heat_page){
		.addr = slot_addr(slot), .bytes = HEAT_HUGE_BYTES, .nr = 1,
		.reads = slot_get(slot, READS_SHIFT, COUNT_MASK),
		.writes = slot_get(slot, WRITES_SHIFT, COUNT_MASK),
		.node = slot_get(slot, NODE_SHIFT, NODE_MASK),
		.refused = slot_get(slot, REFUSED_SHIFT, REFUSED_MASK),
	};
}

static struct heat_page page_of_base(const struct leaf_page *base, uint64_t addr)
{
	return (struct heat_page){
		.addr = addr & ~(HEAT_BASE_BYTES - 1), .bytes = HEAT_BASE_BYTES, .nr = 1,
		.reads = base->reads, .writes = base->writes, .node = base->node,
		.refused = base->refused,
	};
}

static unsigned int clamped(unsigned int count)
{
	return count < HEAT_MAX_COUNT ? count : HEAT_MAX_COUNT;
}

static void join_span(const struct heat *heat, struct heat_page *page, struct span_view *view)
{
	struct span_counts counts;

	if (!heat->spans.nr || (page->bytes == HEAT_HUGE_BYTES && heat->spans.by_hand))
		return;
	if (page->bytes == HEAT_HUGE_BYTES) {
		counts = span_of_huge(&heat->spans, page->addr);
	} else {
		span_look(&heat->spans, page->addr, view);
		counts.reads = span_count(view, page->addr, false, page->reads);
		counts.writes = span_count(view, page->addr, true, page->writes);
	}
	page->reads = clamped(counts.reads);
	page->writes = clamped(counts.writes);
}

/* ---- the table ---- */

static size_t next_slot(const struct heat *heat, size_t i)
{
	return i + 1 == heat->nr_slots ? 0 : i + 1;
}

/* Where a page would like to be: its group's cache line, its own place in it. */
static size_t home_of(const struct heat *heat, uint64_t number)
{
	uint64_t hash = number / GROUP;

	hash = (hash ^ hash >> 15) * 0xd6e8feb86659fd93ULL;
	hash = (hash ^ hash >> 32) * 0xa0761d6478bd642fULL;
	hash = (unsigned __int128)hash * (heat->nr_slots / GROUP) >> 64;
	return hash * GROUP + number % GROUP;
}

/*
 * The huge page that @addr lies in.  One that is not at home is mostly one group further on, with
 * all of its neighbours: those of two groups with one home come there in their order.  Looking
 * there first saves the steps between, whose number no branch predictor knows.
 */
static uint64_t *find_huge(const struct heat *heat, uint64_t addr)
{
	uint64_t number = addr / HEAT_HUGE_BYTES;
	size_t home, next, i;

	if (!heat->nr_huge || addr >= HEAT_MAX_ADDR || !number)
		return NULL;
	home = home_of(heat, number);
	if (slot_number(heat->slots[home]) == number)
		return &heat->slots[home];
	next = home + GROUP < heat->nr_slots ? home + GROUP : home + GROUP - heat->nr_slots;
	if (slot_number(heat->slots[next]) == number)
		return &heat->slots[next];
	for (i = home; heat->slots[i]; i = next_slot(heat, i))
		if (slot_number(heat->slots[i]) == number)
			return &heat->slots[i];
	return NULL;
}

static uint64_t *put_slot(struct heat *heat, uint64_t slot)
{
	size_t i = home_of(heat, slot_number(slot));

	while (heat->slots[i])
		i = next_slot(heat, i);
	heat->slots[i] = slot;
	return &heat->slots[i];
}

/*
 * Empty slot @i and close the gap: any later page of the same cluster whose home
 * is not behind the gap moves into it, so that no search ends too early and no
 * tombstones are needed.
 */
static void remove_slot(struct heat *heat, size_t i)
{
	size_t n = heat->nr_slots, gap = i, home;

	heat->nr_huge--;
	for (i = next_slot(heat, i); heat->slots[i]; i = next_slot(heat, i)) {
		home = home_of(heat, slot_number(heat->slots[i]));
		if ((i + n - home) % n < (i + n - gap) % n)
			continue;
		heat->slots[gap] = heat->slots[i];
		gap = i;
	}
	heat->slots[gap] = 0;
}

static uint64_t *slots_new(size_t nr_slots)
{
	void *slots = mmap(NULL, nr_slots * sizeof(uint64_t), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (slots == MAP_FAILED)
		return NULL;
	/* All of it will be used, and in no order: without huge pages each look misses the TLB. */
	if (nr_slots >= HUGE_SLOTS)
		madvise(slots, nr_slots * sizeof(uint64_t), MADV_HUGEPAGE);
	return slots;
}

static void slots_free(uint64_t *slots, size_t nr_slots)
{
	munmap(slots, nr_slots * sizeof(*slots));
}

static int resize(struct heat *heat, size_t nr_slots)
{
	uint64_t *old = heat->slots, *slots;
	size_t nr_old = heat->nr_slots, i;

	nr_slots = (nr_slots + MIN_SLOTS - 1) / MIN_SLOTS * MIN_SLOTS;
	slots = slots_new(nr_slots);
	if (!slots)
		return -ENOMEM;
	heat->slots = slots;
	heat->nr_slots = nr_slots;
	for (i = 0; i < nr_old; i++) {
		if (old[i])
			put_slot(heat, old[i]);
		if (i % RELEASE_SLOTS == RELEASE_SLOTS - 1)
			madvise(old + i + 1 - RELEASE_SLOTS, RELEASE_SLOTS * sizeof(*old),
				MADV_DONTNEED);
	}
	slots_free(old, nr_old);
	return 0;
}

/* Room for one more page.  A table that may not grow is filled to 15/16. */
static int make_room(struct heat *heat)
{
	if (heat->nr_huge < heat->nr_slots / 4 * 3)
		return 0;
	if (!resize(heat, heat->nr_slots + heat->nr_slots / 4))
		return 0;
	return heat->nr_huge < heat->nr_slots / 16 * 15 ? 0 : -ENOMEM;
}

/* After pages went: back to two thirds full when less than half is. */
static void give_back(struct heat *heat)
{
	size_t nr_slots = heat->nr_huge + heat->nr_huge / 2;

	if (heat->nr_slots > MIN_SLOTS && heat->nr_huge < heat->nr_slots / 2)
		resize(heat, nr_slots < MIN_SLOTS ? MIN_SLOTS : nr_slots);
}

/*
 * Remove all pages that @is_gone says are gone.  remove_slot() may put a page that
 * was not looked at yet into slot i, so i only moves on from a page that stays.
 */
static void sweep(struct heat *heat, bool (*is_gone)(const struct heat *heat, uint64_t slot,
						     const uint64_t *arg), const uint64_t *arg)
{
	size_t i = 0;

	while (i < heat->nr_slots) {
		if (!heat->slots[i]) {
			i++;
		} else if (is_gone(heat, heat->slots[i], arg)) {
			remove_slot(heat, i);
		} else {
			heat->slots[i] = slot_settled(heat, heat->slots[i]);
			i++;
		}
	}
	give_back(heat);
}

/* ---- one page more ---- */

/* Base pages became a huge page, which takes the largest of their counts. */
static uint64_t *insert_huge(struct heat *heat, uint64_t addr)
{
	const uint64_t start = addr & ~(HEAT_HUGE_BYTES - 1);
	uint64_t slot = start / HEAT_HUGE_BYTES << NUMBER_SHIFT;
	struct leaf_page counts;

	if (make_room(heat))
		return NULL;
	leaf_largest(&heat->base, start, &counts);
	leaf_forget(&heat->base, start, start + HEAT_HUGE_BYTES);
	slot_set(&slot, NODE_SHIFT, NODE_MASK, HEAT_NO_NODE);
	slot_set(&slot, STAMP_SHIFT, STAMP_MASK, heat->huge_clock);
	slot_add(heat, &slot, counts.reads, counts.writes);
	heat->nr_huge++;
	return put_slot(heat, slot);
}

/* A huge page became base pages: which of them earned its heat nobody knows. */
static struct leaf_page *insert_base(struct heat *heat, uint64_t addr)
{
	struct leaf_page *base = leaf_add(&heat->base, addr);
	uint64_t *huge = find_huge(heat, addr);

	if (!base)
		return NULL;
	if (huge)
		remove_slot(heat, (size_t)(huge - heat->slots));
	base->node = HEAT_NO_NODE;
	base->seen = heat->pass & 1;
	return base;
}

static bool has_name(uint64_t addr)
{
	return addr >= HEAT_BASE_BYTES && addr < HEAT_MAX_ADDR;
}

/* ---- public ---- */

int heat_new(struct heat **ret_heat)
{
	struct heat *heat = calloc(1, sizeof(*heat));

	if (!heat)
		return -ENOMEM;
	heat->nr_slots = MIN_SLOTS;
	heat->slots = slots_new(heat->nr_slots);
	if (!heat->slots) {
		free(heat);
		return -ENOMEM;
	}
	*ret_heat = heat;
	return 0;
}

void heat_free(struct heat *heat)
{
	if (!heat)
		return;
	slots_free(heat->slots, heat->nr_slots);
	leaf_free(&heat->base);
	span_free(&heat->spans);
	free(heat);
}

/* Return: 0, 1: it was not known, or -ENOMEM. */
static int see_huge(struct heat *heat, uint64_t addr, unsigned int node, unsigned int reads,
		    unsigned int writes)
{
	uint64_t *slot = find_huge(heat, addr);
	bool is_new = !slot;

	if (is_new)
		slot = insert_huge(heat, addr);
	if (!slot)
		return -ENOMEM;
	slot_add(heat, slot, reads, writes);
	if (node < HEAT_NO_NODE)
		slot_set(slot, NODE_SHIFT, NODE_MASK, node);
	heat->served[slot_get(*slot, NODE_SHIFT, NODE_MASK)] += reads + writes;
	return is_new;
}

static int see_base(struct heat *heat, uint64_t addr, unsigned int node, unsigned int reads,
		    unsigned int writes)
{
	struct leaf_page *base = leaf_find(&heat->base, addr);
	bool is_new = !base;

	if (is_new)
		base = insert_base(heat, addr);
	if (!base)
		return -ENOMEM;
	base_add(heat, base, reads, writes);
	if (node < HEAT_NO_NODE)
		base->node = node & NODE_MASK;
	heat->served[base->node] += reads + writes;
	return is_new;
}

int heat_see(struct heat *heat, uint64_t addr, bool huge, unsigned int node,
	     unsigned int reads, unsigned int writes)
{
	int ret;

	/* The first huge page begins at page 0, which has no name. */
	if (!has_name(huge ? addr & ~(HEAT_HUGE_BYTES - 1) : addr))
		return -ERANGE;
	if (huge)
		ret = see_huge(heat, addr, node, reads, writes);
	else
		ret = see_base(heat, addr, node, reads, writes);
	if (ret >= 0 && heat->listener)
		heat->listener->seen(heat->listener_arg, addr, huge, node, reads, writes);
	return ret;
}

int heat_add(struct heat *heat, uint64_t addr, bool write)
{
	if (!has_name(addr))
		return -ERANGE;
	return heat_see(heat, addr, find_huge(heat, addr), HEAT_NO_NODE, !write, write);
}

/*
 * A sample of a huge page that is cooled by hand.  There is little room to count those of a
 * turn: where many make a burst, one in so many is counted.
 */
static void sample_huge(struct heat *heat, uint64_t *slot, bool write)
{
	struct span_set *spans = &heat->spans;
	uint64_t unit = spans->burst / TURN_NR_MASK + 1;
	uint64_t nr = slot_get(*slot, TURN_NR_SHIFT, TURN_NR_MASK);

	if (slot_get(*slot, TURN_SHIFT, TURN_MASK) != (spans->turn & TURN_MASK))
		nr = 0;
	if (spans->burst && nr >= spans->burst / unit) {
		spans->turn_samples++;
		slot_add(heat, slot, 0, 0);
		return;
	}
	nr += spans->turn_samples++ % unit == 0 && nr < TURN_NR_MASK;
	slot_set(slot, TURN_SHIFT, TURN_MASK, spans->turn);
	slot_set(slot, TURN_NR_SHIFT, TURN_NR_MASK, nr);
	slot_add(heat, slot, !write, write);
}

static void sample_base(struct heat *heat, struct leaf_page *base, uint64_t addr, bool write)
{
	unsigned int own;

	heat->served[base->node]++;
	base_add(heat, base, !write, write);
	own = write ? base->writes : base->reads;
	span_add(&heat->spans, addr, write, own - 1);
}

int heat_sample(struct heat *heat, uint64_t addr, bool write)
{
	struct leaf_page *base;
	uint64_t *slot;

	if (!has_name(addr))
		return -ERANGE;
	base = leaf_find(&heat->base, addr);
	slot = base ? NULL : find_huge(heat, addr);
	if (!base && !slot)
		return -ENOENT;
	heat->by_span = true;
	if (base) {
		sample_base(heat, base, addr, write);
	} else {
		heat->served[slot_get(*slot, NODE_SHIFT, NODE_MASK)]++;
		if (heat->spans.by_hand) {
			sample_huge(heat, slot, write);
		} else {
			slot_add(heat, slot, 0, 0);
			span_add(&heat->spans, addr, write, 0);
		}
	}
	if (heat->listener)
		heat->listener->sampled(heat->listener_arg, addr, write);
	return 0;
}

void heat_prefetch(const struct heat *heat, uint64_t addr)
{
	/* What lies in the caches need not be fetched. */
	if (!has_name(addr) || heat->base.nr_pages + heat->nr_huge < PREFETCH_PAGES)
		return;
	if (heat->base.nr_pages)
		leaf_prefetch(&heat->base, addr);
	if (heat->nr_huge)
		__builtin_prefetch(&heat->slots[home_of(heat, addr / HEAT_HUGE_BYTES)], 1);
	span_prefetch(&heat->spans, addr);
}

void heat_listen(struct heat *heat, const struct heat_listener *listener, void *arg)
{
	heat->listener = listener;
	heat->listener_arg = arg;
}

static void tell_gone(const struct heat *heat, uint64_t start, uint64_t end)
{
	if (heat->listener)
		heat->listener->gone(heat->listener_arg, start, end);
}

/* With its own counts, as they are kept.  Return: 0 or -ENOENT. */
static int look_up(const struct heat *heat, uint64_t addr, struct heat_page *ret_page)
{
	struct leaf_page base;
	uint64_t *slot;

	if (addr < HEAT_MAX_ADDR && leaf_peek(&heat->base, addr, &base)) {
		*ret_page = page_of_base(&base, addr);
		return 0;
	}
	slot = find_huge(heat, addr);
	if (!slot)
		return -ENOENT;
	*ret_page = page_of_slot(heat, *slot);
	return 0;
}

int heat_locate(const struct heat *heat, uint64_t addr, struct heat_page *ret_page)
{
	int err = look_up(heat, addr, ret_page);

	if (!err)
		ret_page->reads = ret_page->writes = 0;
	return err;
}

int heat_find(const struct heat *heat, uint64_t addr, struct heat_page *ret_page)
{
	struct span_view view = { 0 };
	int err = look_up(heat, addr, ret_page);

	if (!err)
		join_span(heat, ret_page, &view);
	return err;
}

/* The page that @addr lies in, whatever its size: one of the two, or neither. */
static void find_page(struct heat *heat, uint64_t addr, struct leaf_page **ret_base,
		      uint64_t **ret_slot)
{
	*ret_base = addr < HEAT_MAX_ADDR ? leaf_find(&heat->base, addr) : NULL;
	*ret_slot = *ret_base ? NULL : find_huge(heat, addr);
}

void heat_set_node(struct heat *heat, uint64_t addr, unsigned int node)
{
	struct leaf_page *base;
	uint64_t *slot;

	find_page(heat, addr, &base, &slot);
	if (base)
		base->node = node & NODE_MASK;
	if (slot)
		slot_set(slot, NODE_SHIFT, NODE_MASK, node);
}

void heat_set_refused(struct heat *heat, uint64_t addr, unsigned int refused)
{
	struct leaf_page *base;
	uint64_t *slot;

	find_page(heat, addr, &base, &slot);
	if (base)
		base->refused = refused & REFUSED_MASK;
	if (slot)
		slot_set(slot, REFUSED_SHIFT, REFUSED_MASK, refused);
}

void heat_forget(struct heat *heat, uint64_t addr)
{
	struct leaf_page *base;
	uint64_t *slot;

	find_page(heat, addr, &base, &slot);
	if (!base && !slot)
		return;
	addr = slot ? slot_addr(*slot) : addr & ~(HEAT_BASE_BYTES - 1);
	tell_gone(heat, addr, addr + HEAT_BASE_BYTES);
	if (base) {
		leaf_forget(&heat->base, addr, addr + HEAT_BASE_BYTES);
		return;
	}
	remove_slot(heat, (size_t)(slot - heat->slots));
	give_back(heat);
}

static bool begins_in(const struct heat *heat, uint64_t slot, const uint64_t *range)
{
	uint64_t addr = slot_addr(slot);

	(void)heat;
	return addr >= range[0] && addr < range[1];
}

void heat_forget_range(struct heat *heat, uint64_t start, uint64_t end)
{
	uint64_t range[2] = { start, end }, addr, *slot;

	span_forget_range(&heat->spans, start, end);
	if (end > HEAT_MAX_ADDR)
		end = HEAT_MAX_ADDR;
	if (start >= end)
		return;
	tell_gone(heat, start, end);
	leaf_forget(&heat->base, start, end);
	/* Looking up a page costs about as much as walking over 16 slots. */
	if ((end - start) / HEAT_HUGE_BYTES > heat->nr_slots / 16) {
		sweep(heat, begins_in, range);
		return;
	}
	addr = (start + HEAT_HUGE_BYTES - 1) & ~(HEAT_HUGE_BYTES - 1);
	for (; addr < end; addr += HEAT_HUGE_BYTES) {
		slot = find_huge(heat, addr);
		if (slot)
			remove_slot(heat, (size_t)(slot - heat->slots));
	}
	give_back(heat);
}

static bool always(const struct heat *heat, uint64_t slot, const uint64_t *arg)
{
	(void)heat;
	(void)slot;
	(void)arg;
	return true;
}

static bool never(const struct heat *heat, uint64_t slot, const uint64_t *arg)
{
	return !always(heat, slot, arg);
}

static bool not_seen(const struct heat *heat, uint64_t slot, const uint64_t *arg)
{
	(void)arg;
	return slot_get(slot, SEEN_SHIFT, 1) != heat->pass;
}

void heat_clear(struct heat *heat)
{
	tell_gone(heat, 0, HEAT_MAX_ADDR);
	sweep(heat, always, NULL);
	leaf_free(&heat->base);
	span_free(&heat->spans);
	heat->peak = 0;
	heat->by_span = false;
	heat->in_pass = false;
}

static void cool_huge(struct heat *heat)
{
	if (++heat->huge_clock % SETTLE_EVERY == 0)
		sweep(heat, never, NULL);
}

void heat_cool(struct heat *heat)
{
	heat->base.clock++;
	if (!heat->by_span || !heat->spans.by_hand)
		cool_huge(heat);
	span_cool_pages(&heat->spans);
	heat->peak /= 2;
}

void heat_cool_by_hand(struct heat *heat, bool by_hand)
{
	heat->spans.by_hand = by_hand;
}

void heat_cool_spans(struct heat *heat)
{
	span_cool(&heat->spans);
	cool_huge(heat);
}

void heat_end_turn(struct heat *heat)
{
	if (heat->spans.by_hand)
		span_end_turn(&heat->spans, heat->nr_huge);
}

bool heat_is_by_span(const struct heat *heat)
{
	return heat->by_span;
}

void heat_served(const struct heat *heat, uint64_t ret_nr[static HEAT_NO_NODE + 1])
{
	memcpy(ret_nr, heat->served, sizeof(heat->served));
}

unsigned int heat_peak(const struct heat *heat)
{
	return heat->peak;
}

void heat_begin_pass(struct heat *heat)
{
	if (!heat->in_pass)
		heat->pass ^= 1;
	heat->in_pass = true;
	if (heat->listener)
		heat->listener->passed(heat->listener_arg, false);
}

void heat_end_pass(struct heat *heat)
{
	if (heat->in_pass) {
		sweep(heat, not_seen, NULL);
		leaf_forget_unseen(&heat->base, heat->pass & 1);
	}
	heat->in_pass = false;
	if (heat->listener)
		heat->listener->passed(heat->listener_arg, true);
}

void heat_sizes(const struct heat *heat, struct heat_sizes *ret_sizes)
{
	ret_sizes->nr_pages = heat->base.nr_pages + heat->nr_huge;
	ret_sizes->nr_huge = heat->nr_huge;
	ret_sizes->store_bytes = heat->nr_slots * sizeof(*heat->slots) +
				 leaf_set_bytes(&heat->base) + span_bytes(&heat->spans);
	ret_sizes->nr_coolings = (uint64_t)heat->spans.clock[0] + heat->spans.clock[1];
}

static bool next_base(const struct heat *heat, struct heat_walk *walk, struct heat_page *ret_page)
{
	struct leaf_run *run;
	unsigned int most;

	if (walk->run == walk->nr_runs) {
		walk->nr_runs = leaf_next(&heat->base, &walk->leaf, &walk->start, walk->runs);
		walk->run = 0;
		if (!walk->nr_runs)
			return false;
	}
	run = &walk->runs[walk->run];
	*ret_page = page_of_base(&run->page, walk->start + run->index * HEAT_BASE_BYTES);
	join_span(heat, ret_page, &walk->view);
	most = heat->spans.nr ? span_alike(&walk->view, ret_page->addr) : LEAF_PAGES;
	if (run->nr <= most) {
		ret_page->nr = run->nr;
		walk->run++;
	} else {
		ret_page->nr = most;
		run->index = (uint16_t)(run->index + most);
		run->nr = (uint16_t)(run->nr - most);
	}
	return true;
}

bool heat_next(const struct heat *heat, struct heat_walk *walk, struct heat_page *ret_page)
{
	if (!walk->pos && next_base(heat, walk, ret_page))
		return true;
	while (walk->pos < heat->nr_slots && !heat->slots[walk->pos])
		walk->pos++;
	if (walk->pos >= heat->nr_slots)
		return false;
	*ret_page = page_of_slot(heat, heat->slots[walk->pos++]);
	join_span(heat, ret_page, &walk->view);
	return true;
}
