// SPDX-License-Identifier: GPL-2.0
/*
 * leaf.c - base pages, those of 2 MiB together
 *
 * Owns the memory of what is kept of base pages; what that means is heat.c's.
 *
 * A plan looks at every page.  Pages that lie side by side are alike mostly: never sampled, on
 * the same node.  So they are kept side by side, four bytes each, in the order of addresses;
 * which of the 512 there are is told by a bit each:
 *
 *   present   0 1 1 0 0 0 1 ..     pages 1, 2 and 6
 *   pages     [1] [2] [6]          place 0, 1 and 2: bits that are set before
 *
 * A leaf grows by half when it is full.  One with all pages takes 2,120 bytes, one with a single
 * page 104: memory that is used here and there costs more than such that is used together.
 */
#include <stdlib.h>
#include <string.h>

#include "leaf.h"

#define PAGE_BYTES	4096ULL
#define MIN_SLOTS	16
#define MIN_ROOM	8
#define WORD_BITS	64U
#define NR_WORDS	(LEAF_PAGES / WORD_BITS)

/**
 * struct leaf - the base pages of 2 MiB
 * @nr: pages
 * @room: for so many
 * @clock: of the set, when the counts were halved last
 * @present: bits of those that there are
 * @pages: of these
 */
struct leaf {
	uint16_t nr;
	uint16_t room;
	uint32_t clock;
	uint64_t present[NR_WORDS];
	struct leaf_page pages[];
};

/** struct leaf_slot - @name: number of the 2 MiB + 1; 0: empty */
struct leaf_slot {
	uint32_t name;
	struct leaf *leaf;
};

static uint32_t name_of(uint64_t addr)
{
	return (uint32_t)(addr / LEAF_BYTES + 1);
}

static uint64_t addr_of(uint32_t name)
{
	return (name - 1) * LEAF_BYTES;
}

static unsigned int index_of(uint64_t addr)
{
	return addr % LEAF_BYTES / PAGE_BYTES;
}

/* ---- one leaf ---- */

static size_t leaf_size(unsigned int room)
{
	return sizeof(struct leaf) + room * sizeof(struct leaf_page);
}

static bool has(const struct leaf *leaf, unsigned int index)
{
	return leaf->present[index / WORD_BITS] >> index % WORD_BITS & 1;
}

/* How many pages there are before @index. */
static unsigned int place_of(const struct leaf *leaf, unsigned int index)
{
	unsigned int word, place = 0;

	if (leaf->nr == LEAF_PAGES)
		return index;
	for (word = 0; word < index / WORD_BITS; word++)
		place += (unsigned int)__builtin_popcountll(leaf->present[word]);
	return place + (unsigned int)__builtin_popcountll(
		leaf->present[word] & ((1ULL << index % WORD_BITS) - 1));
}

static struct leaf_page halved(struct leaf_page page, uint32_t owed)
{
	page.reads = owed < 8 ? page.reads >> owed : 0;
	page.writes = owed < 8 ? page.writes >> owed : 0;
	return page;
}

static void settle(const struct leaf_set *set, struct leaf *leaf)
{
	uint32_t owed = set->clock - leaf->clock;
	unsigned int i;

	if (!owed)
		return;
	for (i = 0; i < leaf->nr; i++)
		leaf->pages[i] = halved(leaf->pages[i], owed);
	leaf->clock = set->clock;
}

/* ---- the table of leaves ---- */

static inline size_t home_of(const struct leaf_set *set, uint32_t name)
{
	return name * 0x9e3779b9U & (set->nr_slots - 1);
}

static inline size_t next_slot(const struct leaf_set *set, size_t i)
{
	return (i + 1) & (set->nr_slots - 1);
}

static inline size_t slot_of(const struct leaf_set *set, uint32_t name)
{
	size_t i = home_of(set, name);

	while (set->slots[i].name != name && set->slots[i].name)
		i = next_slot(set, i);
	return i;
}

static inline struct leaf *leaf_of(const struct leaf_set *set, uint64_t addr)
{
	return set->nr_leaves ? set->slots[slot_of(set, name_of(addr))].leaf : NULL;
}

/* Into a table of @nr_slots.  Return: is there memory for it? */
static bool resize(struct leaf_set *set, size_t nr_slots)
{
	struct leaf_slot *old = set->slots;
	size_t nr_old = set->nr_slots, i;
	struct leaf_slot *slots = calloc(nr_slots, sizeof(*slots));

	if (!slots)
		return false;
	set->slots = slots;
	set->nr_slots = nr_slots;
	for (i = 0; i < nr_old; i++)
		if (old[i].name)
			slots[slot_of(set, old[i].name)] = old[i];
	free(old);
	return true;
}

/* At most three quarters full; while there is no memory, until one slot is left. */
static bool make_room(struct leaf_set *set)
{
	size_t nr_slots = set->nr_slots ? 2 * set->nr_slots : MIN_SLOTS;

	if (set->nr_leaves < set->nr_slots / 4 * 3)
		return true;
	return resize(set, nr_slots) || set->nr_leaves + 1 < set->nr_slots;
}

/* After leaves went: when less than a quarter is in use. */
static void give_back(struct leaf_set *set)
{
	if (set->nr_slots > MIN_SLOTS && set->nr_leaves < set->nr_slots / 4)
		resize(set, set->nr_slots / 2);
}

static void drop_leaf(struct leaf_set *set, size_t i)
{
	size_t gap = i, home, mask = set->nr_slots - 1;

	set->nr_pages -= set->slots[i].leaf->nr;
	set->bytes -= leaf_size(set->slots[i].leaf->room);
	set->nr_leaves--;
	free(set->slots[i].leaf);
	/* Whose home is not behind the gap moves into it, so that no search ends too early. */
	for (i = next_slot(set, i); set->slots[i].name; i = next_slot(set, i)) {
		home = home_of(set, set->slots[i].name);
		if (((i - home) & mask) < ((i - gap) & mask))
			continue;
		set->slots[gap] = set->slots[i];
		gap = i;
	}
	set->slots[gap] = (struct leaf_slot){ 0 };
}

/* The leaf in @slot with room for @room pages; NULL: no memory, and it is as it was. */
static struct leaf *leaf_resize(struct leaf_set *set, struct leaf_slot *slot, unsigned int room)
{
	struct leaf *leaf = realloc(slot->leaf, leaf_size(room));

	if (!leaf)
		return NULL;
	if (slot->leaf)
		set->bytes -= leaf_size(leaf->room);
	else
		*leaf = (struct leaf){ .clock = set->clock };
	set->bytes += leaf_size(room);
	leaf->room = (uint16_t)room;
	slot->leaf = leaf;
	return leaf;
}

static struct leaf *find_or_add(struct leaf_set *set, uint32_t name)
{
	struct leaf_slot *slot;

	if (!make_room(set))
		return NULL;
	slot = &set->slots[slot_of(set, name)];
	if (slot->name)
		return slot->leaf;
	if (!leaf_resize(set, slot, MIN_ROOM))
		return NULL;
	slot->name = name;
	set->nr_leaves++;
	return slot->leaf;
}

static struct leaf *leaf_grow(struct leaf_set *set, uint32_t name, struct leaf *leaf)
{
	unsigned int room = leaf->room + leaf->room / 2U;

	return leaf_resize(set, &set->slots[slot_of(set, name)],
			   room < LEAF_PAGES ? room : LEAF_PAGES);
}

/* ---- pages ---- */

struct leaf_page *leaf_find(struct leaf_set *set, uint64_t addr)
{
	struct leaf *leaf = leaf_of(set, addr);

	if (!leaf || !has(leaf, index_of(addr)))
		return NULL;
	settle(set, leaf);
	return &leaf->pages[place_of(leaf, index_of(addr))];
}

void leaf_prefetch(const struct leaf_set *set, uint64_t addr)
{
	if (set->nr_slots)
		__builtin_prefetch(&set->slots[home_of(set, name_of(addr))], 1);
}

bool leaf_peek(const struct leaf_set *set, uint64_t addr, struct leaf_page *ret_page)
{
	const struct leaf *leaf = leaf_of(set, addr);

	if (!leaf || !has(leaf, index_of(addr)))
		return false;
	*ret_page = halved(leaf->pages[place_of(leaf, index_of(addr))], set->clock - leaf->clock);
	return true;
}

struct leaf_page *leaf_add(struct leaf_set *set, uint64_t addr)
{
	struct leaf *leaf = find_or_add(set, name_of(addr));
	unsigned int index = index_of(addr), place;

	if (leaf && leaf->nr == leaf->room)
		leaf = leaf_grow(set, name_of(addr), leaf);
	if (!leaf)
		return NULL;
	settle(set, leaf);
	place = place_of(leaf, index);
	memmove(leaf->pages + place + 1, leaf->pages + place,
		(leaf->nr - place) * sizeof(*leaf->pages));
	leaf->pages[place] = (struct leaf_page){ 0 };
	leaf->present[index / WORD_BITS] |= 1ULL << index % WORD_BITS;
	leaf->nr++;
	set->nr_pages++;
	return &leaf->pages[place];
}

/* Drop the pages from @index on to before @end that @pass does not keep; -1: none. */
static void drop_pages(struct leaf_set *set, struct leaf *leaf, unsigned int index,
		       unsigned int end, int pass)
{
	unsigned int from = place_of(leaf, index), to = from, nr = leaf->nr;

	for (; index < end; index++) {
		if (!has(leaf, index))
			continue;
		if (leaf->pages[from].seen == pass) {
			leaf->pages[to++] = leaf->pages[from++];
			continue;
		}
		leaf->present[index / WORD_BITS] &= ~(1ULL << index % WORD_BITS);
		leaf->nr--;
		from++;
	}
	memmove(leaf->pages + to, leaf->pages + from, (nr - from) * sizeof(*leaf->pages));
	set->nr_pages -= nr - leaf->nr;
}

/* drop_pages() of the leaf in @slot, and the leaf if it is empty then.  Return: it was. */
static bool drop_from(struct leaf_set *set, size_t slot, unsigned int index, unsigned int end,
		      int pass)
{
	struct leaf *leaf = set->slots[slot].leaf;
	unsigned int room;

	drop_pages(set, leaf, index, end, pass);
	if (!leaf->nr) {
		drop_leaf(set, slot);
		return true;
	}
	room = leaf->nr + leaf->nr / 2U;
	if (room >= MIN_ROOM && room < leaf->room / 2U)
		leaf_resize(set, &set->slots[slot], room);
	return false;
}

/* Return: the leaf in @slot went, and another may be there now. */
static bool forget_in(struct leaf_set *set, size_t slot, uint64_t start, uint64_t end)
{
	uint64_t first = addr_of(set->slots[slot].name), behind = first + LEAF_BYTES;

	if (start >= behind || end <= first)
		return false;
	start = start < first ? 0 : start - first;
	end = end > behind ? LEAF_BYTES : end - first;
	return drop_from(set, slot, (unsigned int)((start + PAGE_BYTES - 1) / PAGE_BYTES),
			 (unsigned int)((end + PAGE_BYTES - 1) / PAGE_BYTES), -1);
}

void leaf_forget(struct leaf_set *set, uint64_t start, uint64_t end)
{
	uint64_t addr;
	size_t i;

	if (start >= end)
		return;
	if ((end - start) / LEAF_BYTES > set->nr_slots) {
		for (i = 0; i < set->nr_slots;)
			if (!set->slots[i].name || !forget_in(set, i, start, end))
				i++;
	} else {
		for (addr = start & ~(LEAF_BYTES - 1); addr < end && set->nr_leaves;
		     addr += LEAF_BYTES) {
			i = slot_of(set, name_of(addr));
			if (set->slots[i].name)
				forget_in(set, i, start, end);
		}
	}
	give_back(set);
}

void leaf_forget_unseen(struct leaf_set *set, unsigned int pass)
{
	size_t i = 0;

	/* Those that moved from the end to the beginning are met twice, which does no harm. */
	while (i < set->nr_slots)
		if (!set->slots[i].name || !drop_from(set, i, 0, LEAF_PAGES, (int)pass))
			i++;
	give_back(set);
}

void leaf_largest(const struct leaf_set *set, uint64_t addr, struct leaf_page *ret_counts)
{
	const struct leaf *leaf = leaf_of(set, addr);
	struct leaf_page page;
	unsigned int i;

	*ret_counts = (struct leaf_page){ 0 };
	for (i = 0; leaf && i < leaf->nr; i++) {
		page = halved(leaf->pages[i], set->clock - leaf->clock);
		if (page.reads > ret_counts->reads)
			ret_counts->reads = page.reads;
		if (page.writes > ret_counts->writes)
			ret_counts->writes = page.writes;
	}
}

void leaf_free(struct leaf_set *set)
{
	size_t i;

	for (i = 0; i < set->nr_slots; i++)
		free(set->slots[i].leaf);
	free(set->slots);
	*set = (struct leaf_set){ .clock = set->clock };
}

uint64_t leaf_set_bytes(const struct leaf_set *set)
{
	return set->nr_slots * sizeof(*set->slots) + set->bytes;
}

/* ---- walks ---- */

static inline uint32_t bits_of(struct leaf_page page)
{
	uint32_t bits;

	page.seen = 0;
	memcpy(&bits, &page, sizeof(bits));
	return bits;
}

/* The run that begins with the page in @place ends before this place, or at @end. */
static inline unsigned int run_end(const struct leaf *leaf, unsigned int place, unsigned int end)
{
	const uint32_t bits = bits_of(leaf->pages[place]);
	unsigned int i = place + 1;

	if (leaf->pages[place].refused)
		return i;
	while (i < end && bits_of(leaf->pages[i]) == bits)
		i++;
	return i;
}

/* The runs of pages in [@place, @end), which lie side by side from @index on. */
static unsigned int runs_of(const struct leaf *leaf, uint32_t owed, unsigned int index,
			    unsigned int place, unsigned int end, struct leaf_run *ret_runs)
{
	unsigned int nr = 0, next;

	for (; place < end; index += next - place, place = next) {
		next = run_end(leaf, place, end);
		ret_runs[nr++] = (struct leaf_run){
			.index = (uint16_t)index, .nr = (uint16_t)(next - place),
			.page = halved(leaf->pages[place], owed),
		};
	}
	return nr;
}

/* The first page at @index or behind it that is, or is not, @present; LEAF_PAGES: none. */
static unsigned int next_index(const struct leaf *leaf, unsigned int index, bool present)
{
	const uint64_t flip = present ? 0 : UINT64_MAX;
	unsigned int word = index / WORD_BITS;
	uint64_t bits;

	if (index >= LEAF_PAGES)
		return LEAF_PAGES;
	bits = (leaf->present[word] ^ flip) >> index % WORD_BITS << index % WORD_BITS;
	while (!bits && ++word < NR_WORDS)
		bits = leaf->present[word] ^ flip;
	return bits ? word * WORD_BITS + (unsigned int)__builtin_ctzll(bits) : LEAF_PAGES;
}

unsigned int leaf_next(const struct leaf_set *set, size_t *walk, uint64_t *ret_start,
		       struct leaf_run ret_runs[static LEAF_PAGES])
{
	unsigned int nr = 0, place = 0, index, gap;
	const struct leaf *leaf;
	uint32_t owed;

	while (*walk < set->nr_slots && !set->slots[*walk].name)
		++*walk;
	if (*walk >= set->nr_slots)
		return 0;
	*ret_start = addr_of(set->slots[*walk].name);
	leaf = set->slots[(*walk)++].leaf;
	owed = set->clock - leaf->clock;
	for (index = next_index(leaf, 0, true); index < LEAF_PAGES;
	     index = next_index(leaf, gap, true)) {
		gap = next_index(leaf, index, false);
		nr += runs_of(leaf, owed, index, place, place + gap - index, ret_runs + nr);
		place += gap - index;
	}
	return nr;
}
