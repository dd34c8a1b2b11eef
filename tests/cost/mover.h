/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mover.h - memory, who moves it, and how long that takes
 */
#ifndef MOVER_H
#define MOVER_H

#include <stddef.h>
#include <stdint.h>
#include <hemem_assist.h>

#define BASE_BYTES	4096UL
#define HUGE_BYTES	(512 * BASE_BYTES)
#define MAX_PAGES	HEMEM_ASSIST_MAX_BATCH
#define ROUNDS		7	/* odd, so that there is a median */
#define WARM_ROUNDS	3	/* page tables, free lists, the pool */

extern int dev;			/* /dev/hemem, attached to this process by mover_attach() */
extern char *memory;		/* of mover_map(), on node 0 at first */
extern size_t page_bytes;	/* as large are its pages */

void mover_attach(void);

/* @nr pages of @bytes, touched; @advice: of madvise(2), huge pages or not. */
void mover_map(size_t bytes, size_t nr, int advice);

/* The first @n pages to @node; every one must move. */
void mover_hemem(size_t n, int node);
void mover_kernel(size_t n, int node);

/*
 * The median of ROUNDS calls, in ns.  @node is 1, 0, 1 to warm up, and then 0 and 1 in turn,
 * 0 at the end.
 */
uint64_t mover_median_ns(void (*run)(size_t n, int node), size_t n);

#endif /* MOVER_H */
