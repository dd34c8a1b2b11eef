/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mem.h - memory of every kind, filled with a pattern and checked again
 *
 * The kinds are a table (mem_kinds): how to make it, what MIGRATE says of each
 * page, and what SCAN shows.  A new kind is one row; migrate_test.c and
 * scan_test.c go over the table.
 *
 * The pattern depends on the page and on the word in it, so that a page that
 * came to another's place, or a page of two halves, is seen.
 */
#ifndef MEM_H
#define MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dev.h"
#include "harness.h"

#define HUGE_BYTES	((size_t)2 << 20)

struct mem;

struct kind {
	const char *name;
	need_fn lacks;			/* may be NULL */
	void (*make)(struct mem *mem);	/* maps, fills; may SKIP */
	unsigned int order;		/* what MIGRATE says of a page that moves */
	unsigned int status;		/* one page that is not there yet */
	unsigned int status_shared;	/* the same with MIGRATE_SHARED */
	unsigned int scan_flags;	/* beside ACCESSED and DIRTY */
	bool is_absent;			/* nothing is mapped */
	bool is_unreadable;		/* no content can be read */
	bool is_closed;			/* not before mem_open() */
};

struct mem {
	const struct kind *kind;
	int nid;			/* where it was made */
	char *addr;
	size_t bytes;
	size_t unit_bytes;		/* a base page or a huge one */
	size_t nr_units;
	uint64_t seed;			/* of the pattern; 0: all zero */
	bool is_same;			/* every page has the pattern of page 0 */
	pid_t peer;			/* a process that maps it too; or 0 */
};

extern const struct kind mem_kinds[];
extern const struct rows mem_rows;	/* for TEST_ROWS: index of mem_kinds */

const struct kind *mem_kind(const char *name);

/*
 * Makes memory of @kind on @nid: some dozen pages, or two huge ones.  Ends the
 * test if it cannot: SKIP where the machine lacks something.
 */
void mem_make(struct mem *ret_mem, const struct kind *kind, int nid);
void mem_make_anon(struct mem *ret_mem, size_t nr_pages, int nid);
void mem_make_huge(struct mem *ret_mem, size_t nr_huge, int nid);
void mem_free(struct mem *mem);

char *mem_unit(const struct mem *mem, size_t i);

/* One entry per unit, base page or huge, that asks for @nid; how many. */
unsigned int mem_moves(const struct mem *mem, int nid,
		       struct hemem_assist_move *ret_moves);

void mem_fill(const struct mem *mem);
void mem_fill_page(void *page, uint64_t seed, uint64_t number);
bool mem_page_is_good(const void *page, uint64_t seed, uint64_t number);

/* PROT_NONE memory becomes readable; of the other kinds none changes. */
void mem_open(const struct mem *mem);

/* How many base pages differ from the pattern, in the peer too. */
size_t mem_count_bad(const struct mem *mem);

/* Puts every page out to swap; false if one stays. */
bool mem_swap_out(const struct mem *mem);

#endif /* MEM_H */
