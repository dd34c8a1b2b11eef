/* SPDX-License-Identifier: GPL-2.0 */
/*
 * page.h - what is in a page, and is it?
 *
 * A label says it all: word i of a page with label L is page_word(L, i), and label
 * 0 is a page of zeros.  Whoever writes a page gives it a label that no page had
 * before, so a page that came to another's place, an older state of it, and a page
 * of two halves are all seen.
 *
 *	page_word(0, 7) = 0; page_word(5, 1) - page_word(5, 0) = PAGE_STEP
 */
#ifndef PAGE_H
#define PAGE_H

#include <stdint.h>

#define PAGE_BYTES	((size_t)4096)
#define PAGE_WORDS	512
#define PAGE_STEP	0x9e3779b97f4a7c15
#define HUGE_BYTES	((size_t)2 << 20)
#define HUGE_PAGES	512

static inline uint64_t page_word(uint64_t label, unsigned int i)
{
	if (!label)
		return 0;
	label = (label ^ label >> 31) * 0xbf58476d1ce4e5b9;
	return (label ^ label >> 29) + i * PAGE_STEP;
}

void page_fill(void *page, uint64_t label);

/* The first word that is not @label's, or -1. */
int page_find_bad(const void *page, uint64_t label);

#endif /* PAGE_H */
