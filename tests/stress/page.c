// SPDX-License-Identifier: GPL-2.0
/*
 * page.c - what is in a page, and is it?
 */
#include <stddef.h>

#include "page.h"

void page_fill(void *page, uint64_t label)
{
	uint64_t *words = page, step = label ? PAGE_STEP : 0;
	uint64_t word = page_word(label, 0);
	int i;

	for (i = 0; i < PAGE_WORDS; i++, word += step)
		words[i] = word;
}

int page_find_bad(const void *page, uint64_t label)
{
	const uint64_t *words = page;
	uint64_t word = page_word(label, 0), step = label ? PAGE_STEP : 0;
	int i;

	for (i = 0; i < PAGE_WORDS; i++, word += step)
		if (words[i] != word)
			return i;
	return -1;
}
