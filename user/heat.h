/* SPDX-License-Identifier: GPL-2.0 */
/*
 * heat.h - the heat store: what is known of each page that was ever seen
 */
#ifndef HEMEM_HEAT_H
#define HEMEM_HEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leaf.h"
#include "span.h"

#define HEAT_BASE_BYTES		4096ULL
#define HEAT_HUGE_BYTES		(2ULL << 20)
#define HEAT_MAX_ADDR		(1ULL << 48)	/* addresses from here on have no name */
#define HEAT_MAX_COUNT		255		/* samples of a kind; more are not counted */
#define HEAT_NO_NODE		15		/* node index: not known yet */
#define HEAT_NEVER		7		/* refused: for ever */

struct heat;

/**
 * struct heat_page - what the store knows of one page
 * @addr: its first address
 * @bytes: HEAT_BASE_BYTES or HEAT_HUGE_BYTES
 * @nr: of heat_next(): so many pages, from this one on and side by side, are all like this
 *	one, 1 if it was refused; else 1
 * @reads: read samples after cooling, 0 .. HEAT_MAX_COUNT
 * @writes: write samples after cooling, 0 .. HEAT_MAX_COUNT
 * @node: index in struct tier_set, or HEAT_NO_NODE
 * @refused: 0: moves of it may be tried; 1 .. 6: how often in a row they were
 *	refused (6: that often or more); HEAT_NEVER: it cannot move
 */
struct heat_page {
	uint64_t addr;
	uint64_t bytes;
	uint32_t nr;
	uint8_t reads;
	uint8_t writes;
	uint8_t node;
	uint8_t refused;
};

/**
 * struct heat_sizes - what the store holds
 * @nr_pages: pages that are known
 * @nr_huge: huge ones among them
 * @store_bytes: memory that they take
 * @nr_coolings: times that heat_sample() halved reads or writes
 */
struct heat_sizes {
	uint64_t nr_pages;
	uint64_t nr_huge;
	uint64_t store_bytes;
	uint64_t nr_coolings;
};

/** heat_new() - an empty store.  Return: 0 or -ENOMEM. */
int heat_new(struct heat **ret_heat);

/** heat_free() - NULL is allowed */
void heat_free(struct heat *heat);

/**
 * heat_see() - a page was found present
 * @heat: the store
 * @addr: any address in it
 * @huge: it is a huge page
 * @node: index of its node, or HEAT_NO_NODE to leave that as it is
 * @reads: read samples to add
 * @writes: write samples to add
 *
 * A page that was not known is known from now on.  If base pages were known
 * inside what is a huge page now, it takes over the largest of their counts;
 * if a huge page was known where base pages are now, it is forgotten and the base
 * pages begin at nothing, as nobody knows which of them had earned its heat.
 *
 * Return: 0, 1: the page was not known before, -ERANGE: @addr is in page 0 or
 * not below HEAT_MAX_ADDR, -ENOMEM.
 */
int heat_see(struct heat *heat, uint64_t addr, bool huge, unsigned int node,
	     unsigned int reads, unsigned int writes);

/**
 * heat_add() - add one sample to the page that @addr lies in
 * @heat: the store
 * @addr: address of the access
 * @write: it was a write
 *
 * For samplers that do not know page sizes: the page is the known one, base or
 * huge, or a new base page.  Return: as heat_see().
 */
int heat_add(struct heat *heat, uint64_t addr, bool write);

/**
 * heat_sample() - add one sample of a single access
 * @heat: the store
 * @addr: address of the access
 * @write: it was a write
 *
 * Counts for the base page, and for the 2 MiB around @addr by their rules (span.h), and so
 * for all pages there: heat_find() and heat_next() then give a huge page what these 2 MiB
 * have, a base page that weighed by its own count.  What heat_see() and heat_add() have
 * counted is not told beside such samples: a store has one kind of sampler.
 *
 * Return: 0, -ERANGE: as heat_see(), -ENOENT: no page is known there.
 */
int heat_sample(struct heat *heat, uint64_t addr, bool write);

/**
 * heat_prefetch() - a sample of @addr is about to be counted
 *
 * For those who have many samples at hand: called a dozen samples ahead, heat_sample() and
 * heat_add() wait for memory side by side.  Changes nothing.
 */
void heat_prefetch(const struct heat *heat, uint64_t addr);

/**
 * struct heat_listener - somebody who is told what the store was told
 * @seen: heat_see() knows this page now
 * @sampled: heat_sample() counted this
 * @gone: pages that begin in [@start, @end) were dropped
 * @passed: heat_begin_pass() (@is_end false) or heat_end_pass() was called
 *
 * Told to another store in the same order, the two hold the same.
 */
struct heat_listener {
	void (*seen)(void *arg, uint64_t addr, bool huge, unsigned int node,
		     unsigned int reads, unsigned int writes);
	void (*sampled)(void *arg, uint64_t addr, bool write);
	void (*gone)(void *arg, uint64_t start, uint64_t end);
	void (*passed)(void *arg, bool is_end);
};

/**
 * heat_listen() - have somebody told from now on
 * @heat: the store
 * @listener: is called with @arg; stays the caller's; NULL: nobody
 *
 * Of heat_cool(), heat_set_node() and heat_set_refused() nothing is told: who listens calls
 * these or knows who does.  heat_add() is told as heat_see().
 */
void heat_listen(struct heat *heat, const struct heat_listener *listener, void *arg);

/**
 * heat_locate() - heat_find() without the counts, in a fraction of the time
 *
 * @reads and @writes of @ret_page are 0.  Return: as heat_find().
 */
int heat_locate(const struct heat *heat, uint64_t addr, struct heat_page *ret_page);

/**
 * heat_find() - look up the page that @addr lies in
 *
 * Return: 0, or -ENOENT and @ret_page untouched.
 */
int heat_find(const struct heat *heat, uint64_t addr, struct heat_page *ret_page);

/** heat_set_node() - the page that @addr lies in is on another node now */
void heat_set_node(struct heat *heat, uint64_t addr, unsigned int node);

/** heat_set_refused() - see struct heat_page; unknown pages are left unknown */
void heat_set_refused(struct heat *heat, uint64_t addr, unsigned int refused);

/** heat_forget() - drop the page that @addr lies in */
void heat_forget(struct heat *heat, uint64_t addr);

/** heat_forget_range() - drop every page that begins in [@start, @end) */
void heat_forget_range(struct heat *heat, uint64_t start, uint64_t end);

/** heat_clear() - drop everything */
void heat_clear(struct heat *heat);

/**
 * heat_cool() - halve the counts of every page, reads and writes
 *
 * Of what heat_sample() counted, those of base pages; the 2 MiB cool by themselves.
 *
 * Each page is halved when it is touched next, as often as it owes by then, so
 * this costs nothing; every 7th call settles all pages.
 */
void heat_cool(struct heat *heat);

/**
 * heat_cool_by_hand() - who cools what heat_sample() counts for 2 MiB
 * @by_hand: heat_cool_spans(); else they cool by themselves, as at first
 */
void heat_cool_by_hand(struct heat *heat, bool by_hand);

/** heat_cool_spans() - halve what heat_sample() has counted for each 2 MiB */
void heat_cool_spans(struct heat *heat);

/**
 * heat_end_turn() - a turn of the loop is over
 *
 * Told by those who cool by hand: of the samples that 2 MiB get in a turn, those that
 * are a burst do not count for them (span.h).
 */
void heat_end_turn(struct heat *heat);

/**
 * heat_is_by_span() - do the counts of a page stand for the 2 MiB that it lies in?
 *
 * So it is once heat_sample() has counted something: a base page with 8 reads is then as hot
 * as others of the same counts, but has had 8/512 samples itself.
 */
bool heat_is_by_span(const struct heat *heat);

/**
 * heat_served() - samples that were counted, by where their pages were
 * @ret_nr: by node index; the last one: where nobody knows.  They only grow.
 *
 * Those of heat_sample(), and those that heat_see() was told.
 */
void heat_served(const struct heat *heat, uint64_t ret_nr[static HEAT_NO_NODE + 1]);

/** heat_peak() - highest single count of any page that was added to since the
 *  last heat_cool() */
unsigned int heat_peak(const struct heat *heat);

/**
 * heat_begin_pass() - a scan of all regions begins
 * heat_end_pass() - it has ended: drop every page that heat_see(), heat_add() or
 *	heat_sample() did not meet since heat_begin_pass(): it is not present any more
 *
 * A pass that never ends drops nothing.
 */
void heat_begin_pass(struct heat *heat);
void heat_end_pass(struct heat *heat);

/** heat_sizes() - how much is in the store */
void heat_sizes(const struct heat *heat, struct heat_sizes *ret_sizes);

/** struct heat_walk - where a walk is; { 0 } at first */
struct heat_walk {
	size_t pos;
	size_t leaf;
	uint64_t start;
	unsigned int run;
	unsigned int nr_runs;
	struct leaf_run runs[LEAF_PAGES];
	struct span_view view;
};

/**
 * heat_next() - walk over all pages, in no useful order
 * @heat: the store; must not change during the walk
 * @walk: { 0 } at first; is moved on
 * @ret_page: the next page, or as many as @nr says; untouched at the end
 *
 * Return: false at the end.
 */
bool heat_next(const struct heat *heat, struct heat_walk *walk, struct heat_page *ret_page);

#endif /* HEMEM_HEAT_H */
