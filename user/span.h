/* SPDX-License-Identifier: GPL-2.0 */
/*
 * span.h - samples by span, the 2 MiB that a huge page would fill
 */
#ifndef HEMEM_SPAN_H
#define HEMEM_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPAN_BYTES	(2ULL << 20)
#define SPAN_BURST	8	/* so many times the mean is a burst */
#define SPAN_COUNTS	16
#define SPAN_COUNT_UNKNOWN UINT16_MAX
#define SPAN_COOL_AT	18	/* samples of a kind in any span; the paper's number */

struct span;

/**
 * struct span_set - all spans that were ever sampled
 * @spans: table of @nr_slots, a power of 2; NULL: none yet
 * @nr: slots in use
 * @clock: coolings of reads [0] and writes [1]
 * @page_clock: coolings of the pages' own counts
 * @by_hand: span_cool() cools; else reaching SPAN_COOL_AT does
 * @turn: number of this turn, from 1 on; 0: turns are not told
 * @turn_samples: samples in it
 * @burst: samples of a kind and a span that count in this turn; 0: all
 *
 * All zero is the empty set.
 */
struct span_set {
	struct span *spans;
	size_t nr_slots;
	size_t nr;
	uint32_t clock[2];
	uint32_t page_clock;
	bool by_hand;
	uint16_t turn;
	uint32_t turn_samples;
	uint32_t burst;
};

/**
 * span_add() - count one sample
 * @set: the set
 * @addr: address of the access
 * @write: it was a write
 * @own: samples of this kind that the base page had before; 0: it is a huge page
 *
 * When that is the SPAN_COOL_AT-th of its kind in this span, and cooling is not by hand, the
 * samples of this kind are halved in all spans.  Without memory for another span nothing is
 * counted.
 */
void span_add(struct span_set *set, uint64_t addr, bool write, unsigned int own);

/** span_prefetch() - a sample of @addr is about to be counted */
void span_prefetch(const struct span_set *set, uint64_t addr);

/**
 * span_end_turn() - what is counted from now on belongs to another turn
 * @nr_others: spans whose samples others count, in @turn_samples, too
 *
 * From then on, of the samples that a span gets in a turn, at most SPAN_BURST times as many count
 * as it would have if all spans had got as many as each other in the turn before.
 */
void span_end_turn(struct span_set *set, size_t nr_others);

/** span_cool() - halve the samples of all spans, reads and writes */
void span_cool(struct span_set *set);

/** span_cool_pages() - the pages' own counts were halved, all of them */
void span_cool_pages(struct span_set *set);

/** struct span_counts - reads and writes of a page */
struct span_counts {
	unsigned int reads;
	unsigned int writes;
};

/** span_of_huge() - the samples of the huge page of @addr; not bounded if cooled by hand */
struct span_counts span_of_huge(const struct span_set *set, uint64_t addr);

/**
 * span_of_base() - the samples that a base page may take for its own
 * @set: the set
 * @addr: any address in it
 * @own: samples that hit the page itself, as span_add() and span_cool_pages() were told
 *
 * As many as the span's if the page has as many of its own as its neighbours, more if it
 * has more and that is not chance.  Half of that if samples fall on few parts of the span
 * and none of the last near the page.  Not bounded.
 */
struct span_counts span_of_base(const struct span_set *set, uint64_t addr,
				struct span_counts own);

/**
 * struct span_view - one span as it is now, for those who ask for many of its pages
 * @name: of the span; 0: none
 * @parts: the parts that were hit of late, all of them if it is hit all over; by kind
 * @per_own: what a page gets for each sample of its own and each of the prior; by kind
 * @prior: by kind
 * @alike: base pages side by side that have the same parts
 * @counts: by kind and samples of its own: what a page gets; SPAN_COUNT_UNKNOWN: not
 *	computed yet
 */
struct span_view {
	uint32_t name;
	uint32_t alike;
	uint32_t parts[2];
	float per_own[2];
	float prior[2];
	uint16_t counts[2][SPAN_COUNTS];
};

/** span_look() - fill in a view of the span of @addr, if it is not of this one already */
void span_look(const struct span_set *set, uint64_t addr, struct span_view *view);

/** span_count() - one count of span_of_base(), by a view of its span */
unsigned int span_count(struct span_view *view, uint64_t addr, bool write, unsigned int own);

/**
 * span_alike() - how many base pages, from that of @addr on, get the same counts for the same
 *	samples of their own, by a view of their span; at least 1
 */
unsigned int span_alike(const struct span_view *view, uint64_t addr);

/** span_forget_range() - drop the samples of spans that begin in [@start, @end) */
void span_forget_range(struct span_set *set, uint64_t start, uint64_t end);

/** span_free() - empty the set */
void span_free(struct span_set *set);

/** span_bytes() - memory that the set takes */
uint64_t span_bytes(const struct span_set *set);

#endif /* HEMEM_SPAN_H */
