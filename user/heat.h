/* SPDX-License-Identifier: GPL-2.0 */
/*
 * heat.h - the heat store: what is known of each page that was ever seen
 */
#ifndef HEMEM_HEAT_H
#define HEMEM_HEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
 * @reads: read samples after cooling, 0 .. HEAT_MAX_COUNT
 * @writes: write samples after cooling, 0 .. HEAT_MAX_COUNT
 * @node: index in struct tier_set, or HEAT_NO_NODE
 * @refused: 0: moves of it may be tried; 1 .. 6: how often in a row they were
 *	refused (6: that often or more); HEAT_NEVER: it cannot move
 */
struct heat_page {
	uint64_t addr;
	uint64_t bytes;
	uint8_t reads;
	uint8_t writes;
	uint8_t node;
	uint8_t refused;
};

/** struct heat_sizes - what the store holds */
struct heat_sizes {
	uint64_t nr_pages;
	uint64_t nr_huge;
	uint64_t store_bytes;
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
 * Each page is halved when it is touched next, as often as it owes by then, so
 * this costs nothing; every 7th call settles all pages.
 */
void heat_cool(struct heat *heat);

/** heat_peak() - highest single count of any page that was added to since the
 *  last heat_cool() */
unsigned int heat_peak(const struct heat *heat);

/**
 * heat_begin_pass() - a scan of all regions begins
 * heat_end_pass() - it has ended: drop every page that heat_see() or heat_add()
 *	did not meet since heat_begin_pass(): it is not present any more
 *
 * A pass that never ends drops nothing.
 */
void heat_begin_pass(struct heat *heat);
void heat_end_pass(struct heat *heat);

/** heat_sizes() - how much is in the store */
void heat_sizes(const struct heat *heat, struct heat_sizes *ret_sizes);

/**
 * heat_next() - walk over all pages, in no useful order
 * @heat: the store; must not change during the walk
 * @pos: 0 at first; is moved on
 * @ret_page: the next page; untouched at the end
 *
 * Return: false at the end.
 */
bool heat_next(const struct heat *heat, size_t *pos, struct heat_page *ret_page);

#endif /* HEMEM_HEAT_H */
