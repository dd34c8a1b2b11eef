// SPDX-License-Identifier: GPL-2.0
/*
 * heat.c - the heat store
 *
 * Owns the counts of read and write samples of every page that was ever seen,
 * and what else must be remembered of a page: node, refusals.  Does not know
 * what is hot (policy), what is mapped (region) or where samples come from
 * (sampler).
 *
 * A page is one slot of 8 bytes in a hash table with linear probing:
 *
 *   63          28  27   26   25..23  22..19 18..16 15..8  7..0
 *   page number    huge seen refused  node   stamp  writes reads
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
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "heat.h"

#define READS_SHIFT	0
#define WRITES_SHIFT	8
#define STAMP_SHIFT	16
#define NODE_SHIFT	19
#define REFUSED_SHIFT	23
#define SEEN_SHIFT	26
#define KEY_SHIFT	27	/* page number and huge bit: the page's name */

#define COUNT_MASK	0xffULL
#define STAMP_MASK	7ULL
#define NODE_MASK	15ULL
#define REFUSED_MASK	7ULL

#define PAGE_SHIFT	12
#define HUGE_ORDER	9	/* a huge page is 512 base pages */
#define GROUP		8	/* slots of one cache line */
#define MIN_SLOTS	512	/* one base page of memory */
#define SETTLE_EVERY	7	/* coolings that a stamp can tell apart from none */
#define RELEASE_SLOTS	(1UL << 17)	/* give memory back by the MiB */
#define NOT_FOUND	SIZE_MAX

/**
 * struct heat - the store
 * @slots: @nr_slots of them, a multiple of GROUP; 0 is an empty slot, which no
 *	page can be because page 0 is not kept
 * @nr_pages: slots that are not empty
 * @nr_huge: huge ones among them
 * @clock: number of coolings
 * @peak: highest count since the last cooling, or half of it from before
 * @pass: what the seen bit is of pages met in this pass
 * @in_pass: between heat_begin_pass() and heat_end_pass()
 *
 * No two pages overlap: a huge page and a base page inside it are never both
 * kept.
 */
struct heat {
	uint64_t *slots;
	size_t nr_slots;
	size_t nr_pages;
	size_t nr_huge;
	unsigned int clock;
	unsigned int peak;
	unsigned int pass;
	bool in_pass;
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

static uint64_t key_of(uint64_t addr, bool huge)
{
	uint64_t page = addr >> PAGE_SHIFT;

	if (huge)
		page &= ~((1ULL << HUGE_ORDER) - 1);
	return page << 1 | huge;
}

static bool key_is_huge(uint64_t key)
{
	return key & 1;
}

static uint64_t key_addr(uint64_t key)
{
	return key >> 1 << PAGE_SHIFT;
}

/* The slot as it is after the halvings that it owes. */
static uint64_t slot_settled(const struct heat *heat, uint64_t slot)
{
	unsigned int owed = (heat->clock - slot_get(slot, STAMP_SHIFT, STAMP_MASK)) & STAMP_MASK;

	slot_set(&slot, READS_SHIFT, COUNT_MASK, slot_get(slot, READS_SHIFT, COUNT_MASK) >> owed);
	slot_set(&slot, WRITES_SHIFT, COUNT_MASK, slot_get(slot, WRITES_SHIFT, COUNT_MASK) >> owed);
	slot_set(&slot, STAMP_SHIFT, STAMP_MASK, heat->clock);
	return slot;
}

static unsigned int add_clamped(unsigned int count, unsigned int more)
{
	return more > HEAT_MAX_COUNT - count ? HEAT_MAX_COUNT : count + more;
}

static void slot_add(struct heat *heat, uint64_t *slot, unsigned int reads, unsigned int writes)
{
	*slot = slot_settled(heat, *slot);
	reads = add_clamped(slot_get(*slot, READS_SHIFT, COUNT_MASK), reads);
	writes = add_clamped(slot_get(*slot, WRITES_SHIFT, COUNT_MASK), writes);
	slot_set(slot, READS_SHIFT, COUNT_MASK, reads);
	slot_set(slot, WRITES_SHIFT, COUNT_MASK, writes);
	slot_set(slot, SEEN_SHIFT, 1, heat->pass);
	if (reads > heat->peak)
		heat->peak = reads;
	if (writes > heat->peak)
		heat->peak = writes;
}

static void slot_page(const struct heat *heat, uint64_t slot, struct heat_page *ret_page)
{
	uint64_t key = slot >> KEY_SHIFT;

	slot = slot_settled(heat, slot);
	*ret_page = (struct heat_page){
		.addr = key_addr(key),
		.bytes = key_is_huge(key) ? HEAT_HUGE_BYTES : HEAT_BASE_BYTES,
		.reads = slot_get(slot, READS_SHIFT, COUNT_MASK),
		.writes = slot_get(slot, WRITES_SHIFT, COUNT_MASK),
		.node = slot_get(slot, NODE_SHIFT, NODE_MASK),
		.refused = slot_get(slot, REFUSED_SHIFT, REFUSED_MASK),
	};
}

/* ---- the table ---- */

static size_t next_slot(const struct heat *heat, size_t i)
{
	return i + 1 == heat->nr_slots ? 0 : i + 1;
}

/* Where a page would like to be: its group's cache line, its own place in it. */
static size_t home_of(const struct heat *heat, uint64_t key)
{
	uint64_t unit = key >> (key_is_huge(key) ? 1 + HUGE_ORDER : 1);
	uint64_t hash = unit / GROUP << 1 | key_is_huge(key);

	hash = (hash ^ hash >> 15) * 0xd6e8feb86659fd93ULL;
	hash = (hash ^ hash >> 32) * 0xa0761d6478bd642fULL;
	hash = (unsigned __int128)hash * (heat->nr_slots / GROUP) >> 64;
	return hash * GROUP + unit % GROUP;
}

static size_t find_slot(const struct heat *heat, uint64_t key)
{
	size_t i;

	for (i = home_of(heat, key); heat->slots[i]; i = next_slot(heat, i))
		if (heat->slots[i] >> KEY_SHIFT == key)
			return i;
	return NOT_FOUND;
}

/* The page that @addr lies in, whatever its size. */
static size_t find_page(const struct heat *heat, uint64_t addr)
{
	size_t i = NOT_FOUND;

	if (addr >= HEAT_MAX_ADDR)
		return NOT_FOUND;
	if (heat->nr_pages > heat->nr_huge)
		i = find_slot(heat, key_of(addr, false));
	if (i == NOT_FOUND && heat->nr_huge)
		i = find_slot(heat, key_of(addr, true));
	return i;
}

static size_t put_slot(struct heat *heat, uint64_t slot)
{
	size_t i = home_of(heat, slot >> KEY_SHIFT);

	while (heat->slots[i])
		i = next_slot(heat, i);
	heat->slots[i] = slot;
	return i;
}

/*
 * Empty slot @i and close the gap: any later page of the same cluster whose home
 * is not behind the gap moves into it, so that no search ends too early and no
 * tombstones are needed.
 */
static void remove_slot(struct heat *heat, size_t i)
{
	size_t n = heat->nr_slots, gap = i, home;

	heat->nr_pages--;
	heat->nr_huge -= key_is_huge(heat->slots[i] >> KEY_SHIFT);
	for (i = next_slot(heat, i); heat->slots[i]; i = next_slot(heat, i)) {
		home = home_of(heat, heat->slots[i] >> KEY_SHIFT);
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

	return slots == MAP_FAILED ? NULL : slots;
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
	if (heat->nr_pages < heat->nr_slots / 4 * 3)
		return 0;
	if (!resize(heat, heat->nr_slots + heat->nr_slots / 4))
		return 0;
	return heat->nr_pages < heat->nr_slots / 16 * 15 ? 0 : -ENOMEM;
}

/* After pages went: back to two thirds full when less than half is. */
static void give_back(struct heat *heat)
{
	size_t nr_slots = heat->nr_pages + heat->nr_pages / 2;

	if (heat->nr_slots > MIN_SLOTS && heat->nr_pages < heat->nr_slots / 2)
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

/* ---- pages that change their size ---- */

/* Base pages became the huge page in @slot: take the largest of their counts. */
static void absorb_base_pages(struct heat *heat, uint64_t *slot)
{
	uint64_t addr = key_addr(*slot >> KEY_SHIFT), end = addr + HEAT_HUGE_BYTES;
	unsigned int reads = 0, writes = 0;
	struct heat_page page;
	size_t i;

	for (; addr < end && heat->nr_pages > heat->nr_huge; addr += HEAT_BASE_BYTES) {
		i = find_slot(heat, key_of(addr, false));
		if (i == NOT_FOUND)
			continue;
		slot_page(heat, heat->slots[i], &page);
		reads = page.reads > reads ? page.reads : reads;
		writes = page.writes > writes ? page.writes : writes;
		remove_slot(heat, i);
	}
	slot_add(heat, slot, reads, writes);
}

/* A huge page became base pages: which of them earned its heat nobody knows. */
static void forget_huge_page(struct heat *heat, uint64_t addr)
{
	size_t i = heat->nr_huge ? find_slot(heat, key_of(addr, true)) : NOT_FOUND;

	if (i != NOT_FOUND)
		remove_slot(heat, i);
}

static int insert(struct heat *heat, uint64_t addr, bool huge, size_t *ret_i)
{
	uint64_t slot = key_of(addr, huge) << KEY_SHIFT;
	int err = make_room(heat);

	if (err)
		return err;
	slot_set(&slot, NODE_SHIFT, NODE_MASK, HEAT_NO_NODE);
	slot_set(&slot, STAMP_SHIFT, STAMP_MASK, heat->clock);
	slot_set(&slot, SEEN_SHIFT, 1, heat->pass);
	if (huge)
		absorb_base_pages(heat, &slot);
	else
		forget_huge_page(heat, addr);
	*ret_i = put_slot(heat, slot);
	heat->nr_pages++;
	heat->nr_huge += huge;
	return 0;
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
	free(heat);
}

int heat_see(struct heat *heat, uint64_t addr, bool huge, unsigned int node,
	     unsigned int reads, unsigned int writes)
{
	int err, is_new = 0;
	size_t i;

	/* The first huge page begins at page 0, which has no name. */
	if (!has_name(huge ? addr & ~(HEAT_HUGE_BYTES - 1) : addr))
		return -ERANGE;
	i = find_slot(heat, key_of(addr, huge));
	if (i == NOT_FOUND) {
		err = insert(heat, addr, huge, &i);
		if (err)
			return err;
		is_new = 1;
	}
	slot_add(heat, &heat->slots[i], reads, writes);
	if (node < HEAT_NO_NODE)
		slot_set(&heat->slots[i], NODE_SHIFT, NODE_MASK, node);
	return is_new;
}

int heat_add(struct heat *heat, uint64_t addr, bool write)
{
	int err, is_new = 0;
	size_t i;

	if (!has_name(addr))
		return -ERANGE;
	i = find_page(heat, addr);
	if (i == NOT_FOUND) {
		err = insert(heat, addr, false, &i);
		if (err)
			return err;
		is_new = 1;
	}
	slot_add(heat, &heat->slots[i], !write, write);
	return is_new;
}

int heat_find(const struct heat *heat, uint64_t addr, struct heat_page *ret_page)
{
	size_t i = find_page(heat, addr);

	if (i == NOT_FOUND)
		return -ENOENT;
	slot_page(heat, heat->slots[i], ret_page);
	return 0;
}

void heat_set_node(struct heat *heat, uint64_t addr, unsigned int node)
{
	size_t i = find_page(heat, addr);

	if (i != NOT_FOUND)
		slot_set(&heat->slots[i], NODE_SHIFT, NODE_MASK, node);
}

void heat_set_refused(struct heat *heat, uint64_t addr, unsigned int refused)
{
	size_t i = find_page(heat, addr);

	if (i != NOT_FOUND)
		slot_set(&heat->slots[i], REFUSED_SHIFT, REFUSED_MASK, refused);
}

void heat_forget(struct heat *heat, uint64_t addr)
{
	size_t i = find_page(heat, addr);

	if (i == NOT_FOUND)
		return;
	remove_slot(heat, i);
	give_back(heat);
}

static bool begins_in(const struct heat *heat, uint64_t slot, const uint64_t *range)
{
	uint64_t addr = key_addr(slot >> KEY_SHIFT);

	(void)heat;
	return addr >= range[0] && addr < range[1];
}

static void remove_at(struct heat *heat, uint64_t addr, bool huge)
{
	size_t i = find_slot(heat, key_of(addr, huge));

	if (i != NOT_FOUND)
		remove_slot(heat, i);
}

void heat_forget_range(struct heat *heat, uint64_t start, uint64_t end)
{
	uint64_t range[2] = { start, end }, addr;

	if (end > HEAT_MAX_ADDR)
		end = HEAT_MAX_ADDR;
	if (start >= end)
		return;
	/* Looking up a page costs about as much as walking over 16 slots. */
	if ((end - start) / HEAT_BASE_BYTES > heat->nr_slots / 16) {
		sweep(heat, begins_in, range);
		return;
	}
	for (addr = start; addr < end; addr += HEAT_BASE_BYTES) {
		remove_at(heat, addr, false);
		if (addr % HEAT_HUGE_BYTES == 0)
			remove_at(heat, addr, true);
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
	sweep(heat, always, NULL);
	heat->peak = 0;
	heat->in_pass = false;
}

void heat_cool(struct heat *heat)
{
	heat->clock++;
	heat->peak /= 2;
	if (heat->clock % SETTLE_EVERY == 0)
		sweep(heat, never, NULL);
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
}

void heat_end_pass(struct heat *heat)
{
	if (heat->in_pass)
		sweep(heat, not_seen, NULL);
	heat->in_pass = false;
}

void heat_sizes(const struct heat *heat, struct heat_sizes *ret_sizes)
{
	ret_sizes->nr_pages = heat->nr_pages;
	ret_sizes->nr_huge = heat->nr_huge;
	ret_sizes->store_bytes = heat->nr_slots * sizeof(*heat->slots);
}

bool heat_next(const struct heat *heat, size_t *pos, struct heat_page *ret_page)
{
	while (*pos < heat->nr_slots && !heat->slots[*pos])
		++*pos;
	if (*pos >= heat->nr_slots)
		return false;
	slot_page(heat, heat->slots[(*pos)++], ret_page);
	return true;
}
