// SPDX-License-Identifier: GPL-2.0
/*
 * span.c - samples by span, the 2 MiB that a huge page would fill
 *
 * Owns how samples of single accesses are counted for more than the page they hit.
 * Which page that was, and its own counts, are heat.c's.
 *
 * A sampler of events sees one access in some hundreds.  Until each base page of a hot
 * 2 MiB has 8 samples, 4,096 must have come; the span as a whole has 8 after 8.  So the
 * paper's rules are applied to spans, its unit: halve at 18, at once and for each span
 * alike, reads and writes each by a clock of their own: the stack, where most stores go,
 * must not cool what is read.
 *
 *   reads in span A   16  17   9      in span B   7   7   3
 *                          ^ the 18th
 *
 * A span that is read from one end to the other has many samples within a turn of the loop, and
 * then none for a long time.  So what comes in one turn is taken for one reference as soon as it
 * is a burst, as LRU-K does with accesses that follow each other closely (correlated
 * references: O'Neil, O'Neil, Weikum, SIGMOD 1993).  A page at the edge of a fast tier that is an eighth of the
 * memory has at most 8 times the mean, so what is counted too low is hot in any case:
 *
 *   samples in turns of 20 ms     all spans   each mean   counted
 *   a scan                        128         1.6         12 or 24 of 82, once a second
 *   a hot span                                            12 of 14, each turn
 *
 * What is hot may be less than the span.  Each of its 32 parts of 64 KiB has a bit that a
 * sample sets; bits of the last two intervals between coolings count.  18 samples of a span
 * that is used all over fall into 14 parts, those of a quarter of it into 7:
 *
 *   parts / samples   14/18   11/18   7/18
 *   used              all     half    a quarter
 *   hot pages         all     in the parts that were hit
 *
 * In time it shows which pages of a span are hotter than others, as with the keys of a store,
 * where all spans are alike.  So a page's share of the span's samples is weighed by its own,
 * which cool much later, against the mean of the span's pages; both are taken higher than they
 * are by a prior, so that few samples mean little:
 *
 *   own samples                    0     1     12     0
 *   mean of the span               0     0.1   1.3    1.3
 *   times the span's samples       1     1.4   4.2    0.6     with a prior of 2
 *                                  1     1.01  1.16   0.98    with a prior of 64
 *
 * Which prior is right depends on how unlike the pages are.  Counts of pages that are alike
 * vary by chance as their mean is; what they vary more (the excess) is how they differ.  With
 * rates that are spread as a gamma distribution is, the best estimate has mean^2 / excess as
 * its prior (empirical Bayes: Robbins, 1956).  An excess that may be chance, up to two standard
 * deviations, is none.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "span.h"

#define MIN_SLOTS	64
#define NR_PARTS	32
#define DENSE_PARTS	5	/* all are hot if so many parts or more ... */
#define DENSE_SAMPLES	8	/* ... were hit by so many samples */
#define NR_PAGES	512	/* base pages of a span */
#define MIN_PRIOR	2	/* samples that each page is thought to have had: unlike pages */
#define MAX_PRIOR	64	/* pages that are alike */

/**
 * struct span_kind - reads or writes of one span
 * @stamp: the clock when it was touched last
 * @parts: bits of the parts that were hit since the last cooling
 * @parts_before: in the interval before that
 * @nr: samples after cooling
 * @pages_stamp: the clock of the pages' own counts when @pages was touched last
 * @turn: of the last sample
 * @turn_nr: samples that were counted in it
 * @pages: sum of the pages' own counts
 * @squares: sum of the squares of these
 */
struct span_kind {
	uint32_t stamp;
	uint32_t parts;
	uint32_t parts_before;
	uint32_t nr;
	uint16_t turn;
	uint16_t turn_nr;
	uint32_t pages_stamp;
	uint32_t pages;
	uint32_t squares;
};

/** struct span - one span; @name is its number + 1, 0: the slot is empty */
struct span {
	uint32_t name;
	struct span_kind kinds[2];
};

static uint32_t name_of(uint64_t addr)
{
	return (uint32_t)(addr / SPAN_BYTES + 1);
}

static inline size_t find_slot(const struct span_set *set, uint32_t name)
{
	size_t mask = set->nr_slots - 1, i = name * 0x9e3779b9U & mask;

	while (set->spans[i].name != name && set->spans[i].name)
		i = (i + 1) & mask;
	return i;
}

/* Do the halvings that it owes. */
static inline void settle(struct span_kind *kind, const struct span_set *set, bool write)
{
	uint32_t owed = set->page_clock - kind->pages_stamp;

	if (owed) {
		kind->pages = owed < 32 ? kind->pages >> owed : 0;
		kind->squares = owed < 16 ? kind->squares >> 2 * owed : 0;
		kind->pages_stamp = set->page_clock;
	}
	owed = set->clock[write] - kind->stamp;
	if (owed) {
		kind->nr = owed < 32 ? kind->nr >> owed : 0;
		kind->parts_before = owed == 1 ? kind->parts : 0;
		kind->parts = 0;
		kind->stamp = set->clock[write];
	}
}

/* Every plan asks for every page, and few spans have any samples: that is found out first. */
static inline unsigned int settled_nr(const struct span_set *set, const struct span *span,
				      bool write)
{
	uint32_t owed = set->clock[write] - span->kinds[write].stamp;

	return owed < 32 ? span->kinds[write].nr >> owed : 0;
}

static bool is_cold(const struct span_set *set, const struct span *span)
{
	return !settled_nr(set, span, false) && !settled_nr(set, span, true);
}

/* Into a table that is a quarter to a half full; spans without samples stay behind. */
static bool make_room(struct span_set *set)
{
	struct span_set old = *set;
	size_t nr = 0, i;

	for (i = 0; i < old.nr_slots; i++)
		nr += old.spans[i].name && !is_cold(&old, &old.spans[i]);
	for (set->nr_slots = MIN_SLOTS; set->nr_slots < 2 * nr; set->nr_slots *= 2)
		;
	set->spans = calloc(set->nr_slots, sizeof(*set->spans));
	if (!set->spans) {
		*set = old;
		return false;
	}
	set->nr = 0;
	for (i = 0; i < old.nr_slots; i++) {
		if (!old.spans[i].name || is_cold(&old, &old.spans[i]))
			continue;
		set->spans[find_slot(set, old.spans[i].name)] = old.spans[i];
		set->nr++;
	}
	free(old.spans);
	return true;
}

static struct span_kind none(const struct span_set *set, bool write)
{
	return (struct span_kind){ .stamp = set->clock[write], .pages_stamp = set->page_clock };
}

static struct span *find_or_add(struct span_set *set, uint32_t name)
{
	size_t i;

	/* At most three quarters full; while there is no memory, until one slot is left. */
	if (set->nr >= set->nr_slots / 4 * 3 && !make_room(set) && set->nr + 1 >= set->nr_slots)
		return NULL;
	i = find_slot(set, name);
	if (!set->spans[i].name) {
		set->spans[i] = (struct span){
			.name = name,
			.kinds = { none(set, false), none(set, true) },
		};
		set->nr++;
	}
	return &set->spans[i];
}

static uint32_t part_bit(uint64_t addr)
{
	return 1U << addr % SPAN_BYTES / (SPAN_BYTES / NR_PARTS);
}

static bool is_burst(const struct span_set *set, struct span_kind *kind)
{
	if (kind->turn != set->turn) {
		kind->turn = set->turn;
		kind->turn_nr = 0;
	}
	if (set->burst && kind->turn_nr >= set->burst)
		return true;
	kind->turn_nr += kind->turn_nr < UINT16_MAX;
	return false;
}

void span_add(struct span_set *set, uint64_t addr, bool write, unsigned int own)
{
	struct span *span = find_or_add(set, name_of(addr));
	struct span_kind *kind;

	if (!span)
		return;
	kind = &span->kinds[write];
	settle(kind, set, write);
	kind->parts |= part_bit(addr);
	kind->pages++;
	kind->squares += 2 * own + 1;	/* (own + 1)^2 - own^2 */
	set->turn_samples++;
	if (is_burst(set, kind))
		return;
	if (++kind->nr >= SPAN_COOL_AT && !set->by_hand)
		set->clock[write]++;
}

void span_prefetch(const struct span_set *set, uint64_t addr)
{
	const struct span *span;

	if (!set->nr_slots)
		return;
	span = &set->spans[name_of(addr) * 0x9e3779b9U & (set->nr_slots - 1)];
	__builtin_prefetch(span, 1);
	__builtin_prefetch((const char *)span + 64, 1);
}

void span_end_turn(struct span_set *set, size_t nr_others)
{
	uint64_t nr = set->nr + nr_others;
	uint64_t samples = SPAN_BURST * (uint64_t)set->turn_samples;
	uint32_t mean = nr ? (uint32_t)((samples + nr - 1) / nr) : 0;

	/* Up at once, down slowly: after a pause the first turn must not be all burst. */
	set->burst = mean > set->burst ? mean : set->burst - (set->burst - mean) / 8;
	set->burst = set->burst < SPAN_BURST / 2 ? SPAN_BURST / 2 : set->burst;
	set->turn_samples = 0;
	set->turn++;
}

void span_cool(struct span_set *set)
{
	set->clock[0]++;
	set->clock[1]++;
}

void span_cool_pages(struct span_set *set)
{
	set->page_clock++;
}

static inline const struct span *find(const struct span_set *set, uint64_t addr)
{
	static const struct span none_known;

	return set->nr ? &set->spans[find_slot(set, name_of(addr))] : &none_known;
}

struct span_counts span_of_huge(const struct span_set *set, uint64_t addr)
{
	const struct span *span = find(set, addr);

	return (struct span_counts){
		.reads = settled_nr(set, span, false), .writes = settled_nr(set, span, true),
	};
}

/* The parts that were hit, or all if it is hit all over. */
static uint32_t near_parts(const struct span_kind *kind)
{
	uint32_t parts = kind->parts | kind->parts_before;

	/* In the long run the last two intervals have as many samples as the count is. */
	if ((unsigned int)__builtin_popcount(parts) * DENSE_SAMPLES >= kind->nr * DENSE_PARTS)
		return UINT32_MAX;
	return parts;
}

/* How unlike are the pages? */
static float prior_of(const struct span_kind *kind)
{
	float mean = (float)kind->pages / NR_PAGES;
	float excess = (float)kind->squares / NR_PAGES - mean * mean - mean;
	float prior;

	excess -= 2 * sqrtf((mean + 2 * mean * mean) / NR_PAGES);
	if (excess * MAX_PRIOR <= mean * mean)
		return MAX_PRIOR;	/* so it is without any samples */
	prior = mean * mean / excess;
	return prior < MIN_PRIOR ? MIN_PRIOR : prior;
}

static void look_at_kind(const struct span_set *set, const struct span *span, bool write,
			 struct span_view *view)
{
	struct span_kind kind = span->kinds[write];

	settle(&kind, set, write);
	if (!kind.nr)
		return;
	view->prior[write] = prior_of(&kind);
	view->parts[write] = near_parts(&kind);
	view->per_own[write] = (float)kind.nr * NR_PAGES /
			       ((float)kind.pages + view->prior[write] * NR_PAGES);
}

/* Pages of one part, if it matters in which they are. */
static unsigned int alike(const struct span_view *view)
{
	if ((view->per_own[0] > 0 && view->parts[0] != UINT32_MAX) ||
	    (view->per_own[1] > 0 && view->parts[1] != UINT32_MAX))
		return NR_PAGES / NR_PARTS;
	return NR_PAGES;
}

void span_look(const struct span_set *set, uint64_t addr, struct span_view *view)
{
	const struct span *span;

	if (view->name == name_of(addr))
		return;
	view->name = name_of(addr);
	view->per_own[0] = view->per_own[1] = 0;
	view->alike = NR_PAGES;
	span = find(set, addr);
	if (!settled_nr(set, span, false) && !settled_nr(set, span, true))
		return;
	memset(view->counts, 0xff, sizeof(view->counts));
	look_at_kind(set, span, false, view);
	look_at_kind(set, span, true, view);
	view->alike = alike(view);
}

static unsigned int count_of(const struct span_view *view, bool write, unsigned int own)
{
	float count = ((float)own + view->prior[write]) * view->per_own[write] + 0.5F;

	return count < SPAN_COUNT_UNKNOWN ? (unsigned int)count : SPAN_COUNT_UNKNOWN - 1;
}

unsigned int span_count(struct span_view *view, uint64_t addr, bool write, unsigned int own)
{
	unsigned int count;

	if (!(view->per_own[write] > 0))
		return 0;
	if (own >= SPAN_COUNTS) {
		count = count_of(view, write, own);
	} else {
		if (view->counts[write][own] == SPAN_COUNT_UNKNOWN)
			view->counts[write][own] = (uint16_t)count_of(view, write, own);
		count = view->counts[write][own];
	}
	/* Half as much away from what was hit. */
	return count >> !(view->parts[write] & part_bit(addr));
}

unsigned int span_alike(const struct span_view *view, uint64_t addr)
{
	return view->alike - addr % SPAN_BYTES / (SPAN_BYTES / NR_PAGES) % view->alike;
}

struct span_counts span_of_base(const struct span_set *set, uint64_t addr,
				struct span_counts own)
{
	struct span_view view = { 0 };

	span_look(set, addr, &view);
	return (struct span_counts){
		.reads = span_count(&view, addr, false, own.reads),
		.writes = span_count(&view, addr, true, own.writes),
	};
}

static void forget(struct span_set *set, struct span *span)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		span->kinds[i] = none(set, i);
}

void span_forget_range(struct span_set *set, uint64_t start, uint64_t end)
{
	uint64_t addr = (start + SPAN_BYTES - 1) & ~(SPAN_BYTES - 1);
	size_t i;

	if (!set->nr || addr >= end)
		return;
	if ((end - addr) / SPAN_BYTES < set->nr_slots) {
		for (; addr < end; addr += SPAN_BYTES) {
			i = find_slot(set, name_of(addr));
			if (set->spans[i].name)
				forget(set, &set->spans[i]);
		}
		return;
	}
	for (i = 0; i < set->nr_slots; i++)
		if (set->spans[i].name > addr / SPAN_BYTES &&
		    set->spans[i].name <= (end - 1) / SPAN_BYTES + 1)
			forget(set, &set->spans[i]);
}

void span_free(struct span_set *set)
{
	free(set->spans);
	*set = (struct span_set){ .by_hand = set->by_hand };
}

uint64_t span_bytes(const struct span_set *set)
{
	return set->nr_slots * sizeof(struct span);
}
