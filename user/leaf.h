/* SPDX-License-Identifier: GPL-2.0 */
/*
 * leaf.h - base pages, those of 2 MiB together
 */
#ifndef HEMEM_LEAF_H
#define HEMEM_LEAF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEAF_BYTES	(2ULL << 20)
#define LEAF_PAGES	512U		/* base pages that it may have */

/**
 * struct leaf_page - what is kept of one base page
 * @reads, @writes: its own samples, as of leaf_set.clock when leaf_find() gave it
 * @node, @refused: see struct heat_page
 * @seen: the pass in which it was met last
 */
struct leaf_page {
	uint8_t reads;
	uint8_t writes;
	uint8_t node : 4;
	uint8_t refused : 3;
	uint8_t seen : 1;
	uint8_t : 8;
};

struct leaf;
struct leaf_slot;

/**
 * struct leaf_set - all base pages that are known
 * @slots: hash table of @nr_slots leaves, a power of 2; NULL: none yet
 * @nr_leaves: slots in use
 * @nr_pages: in all leaves
 * @bytes: memory of all leaves
 * @clock: halvings of all counts; a leaf makes up for those that it owes when it is met
 *
 * All zero is the empty set.
 */
struct leaf_set {
	struct leaf_slot *slots;
	size_t nr_slots;
	size_t nr_leaves;
	size_t nr_pages;
	uint64_t bytes;
	uint32_t clock;
};

/** leaf_find() - the page that @addr lies in; NULL: not known.  Good until the set changes. */
struct leaf_page *leaf_find(struct leaf_set *set, uint64_t addr);

/** leaf_prefetch() - leaf_find() or leaf_add() will soon ask for @addr */
void leaf_prefetch(const struct leaf_set *set, uint64_t addr);

/** leaf_peek() - leaf_find() by who must not change the set.  Return: was it found? */
bool leaf_peek(const struct leaf_set *set, uint64_t addr, struct leaf_page *ret_page);

/**
 * leaf_add() - make a page known that is not
 *
 * Return: the page, all 0; NULL: no memory.
 */
struct leaf_page *leaf_add(struct leaf_set *set, uint64_t addr);

/** leaf_forget() - drop the pages that begin in [@start, @end) */
void leaf_forget(struct leaf_set *set, uint64_t start, uint64_t end);

/** leaf_forget_unseen() - drop the pages whose seen is not @pass */
void leaf_forget_unseen(struct leaf_set *set, unsigned int pass);

/**
 * leaf_largest() - the largest counts of the pages of the 2 MiB around @addr
 *
 * Reads and writes each by themselves; 0 if no page is known.
 */
void leaf_largest(const struct leaf_set *set, uint64_t addr, struct leaf_page *ret_counts);

/** leaf_free() - empty the set */
void leaf_free(struct leaf_set *set);

/** leaf_set_bytes() - memory that the set takes */
uint64_t leaf_set_bytes(const struct leaf_set *set);

/**
 * struct leaf_run - pages side by side that are alike in all but @seen
 * @index: of the first one, in its 2 MiB
 * @nr: how many, 1 if they were refused
 */
struct leaf_run {
	uint16_t index;
	uint16_t nr;
	struct leaf_page page;
};

/**
 * leaf_next() - walk over all pages, a leaf at a time; the leaves are in no useful order
 * @set: must not change during the walk
 * @walk: 0 at first; is moved on
 * @ret_start: where its 2 MiB begin
 * @ret_runs: all its pages, in the order of addresses
 *
 * Return: how many runs; 0: at the end.
 */
unsigned int leaf_next(const struct leaf_set *set, size_t *walk, uint64_t *ret_start,
		       struct leaf_run ret_runs[static LEAF_PAGES]);

#endif /* HEMEM_LEAF_H */
