// SPDX-License-Identifier: GPL-2.0
/*
 * oracle.c - the best that placing pages could do for the target, for each size of fast_bytes
 *
 * Counts are kept for 2 MiB of addresses together, in a chunk.  To add up the K greatest
 * counts, small counts are themselves counted (how many pages have 5 misses?), and the few
 * great ones sorted: exact, and linear in the pages.
 */
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "oracle.h"
#include "stats.h"

#define CHUNK_SHIFT 21
#define CHUNK_PAGES (1 << (CHUNK_SHIFT - METER_PAGE_SHIFT))
#define SMALL 4096	/* counts below are counted, others sorted */

struct chunk {
	uint64_t nr;		/* vaddr >> CHUNK_SHIFT */
	struct chunk *next;	/* of all */
	struct chunk *next_in_window;
	bool is_in_window;
	uint32_t window[CHUNK_PAGES];
	uint32_t stay[CHUNK_PAGES];
};

static struct chunk **table;	/* hashed by nr, open addressing; size a power of 2 */
static size_t table_size, nr_chunks;
static struct chunk *chunks, *in_window, *last;

static struct {
	uint64_t small[SMALL];
	uint32_t *great;
	size_t nr_great, max_great;
} counts;

static struct chunk **slot_of(uint64_t nr)
{
	size_t i = nr * 0x9e3779b97f4a7c15ULL >> 32;

	while (table[i &= table_size - 1] && table[i]->nr != nr)
		i++;
	return &table[i];
}

static void grow(void)
{
	table_size = table_size ? 2 * table_size : 1024;
	free(table);
	table = calloc(table_size, sizeof(struct chunk *));
	if (!table)
		meter_die("no memory for the oracle's pages");
	for (struct chunk *chunk = chunks; chunk; chunk = chunk->next)
		*slot_of(chunk->nr) = chunk;
}

static struct chunk *chunk_of(uint64_t nr)
{
	struct chunk **slot;

	if (2 * nr_chunks >= table_size)
		grow();
	slot = slot_of(nr);
	if (*slot)
		return *slot;
	*slot = calloc(1, sizeof(**slot));
	if (!*slot)
		meter_die("no memory for the oracle's pages");
	(*slot)->nr = nr;
	(*slot)->next = chunks;
	chunks = *slot;
	nr_chunks++;
	return *slot;
}

void oracle_count(uint64_t vaddr)
{
	struct chunk *chunk = last;

	if (unlikely(!chunk || chunk->nr != vaddr >> CHUNK_SHIFT))
		last = chunk = chunk_of(vaddr >> CHUNK_SHIFT);
	if (unlikely(!chunk->is_in_window)) {
		chunk->is_in_window = true;
		chunk->next_in_window = in_window;
		in_window = chunk;
	}
	chunk->window[vaddr >> METER_PAGE_SHIFT & (CHUNK_PAGES - 1)]++;
	stats->oracle_misses++;
}

static void add_count(uint32_t count)
{
	if (count < SMALL) {
		counts.small[count]++;
		return;
	}
	if (counts.nr_great == counts.max_great) {
		counts.max_great = counts.max_great ? 2 * counts.max_great : 1024;
		counts.great = realloc(counts.great, counts.max_great * sizeof(*counts.great));
		if (!counts.great)
			meter_die("no memory for the oracle's counts");
	}
	counts.great[counts.nr_great++] = count;
}

static int greatest_first(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x < y) - (x > y);
}

/* The sum of the @nr_pages greatest counts. */
static uint64_t best(uint64_t nr_pages)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < counts.nr_great && nr_pages; i++, nr_pages--)
		sum += counts.great[i];
	for (uint64_t count = SMALL - 1; count && nr_pages; count--) {
		uint64_t nr = counts.small[count] < nr_pages ? counts.small[count] : nr_pages;

		sum += nr * count;
		nr_pages -= nr;
	}
	return sum;
}

static uint64_t best_in(unsigned int size)
{
	return best(options.fast_bytes[size] >> METER_PAGE_SHIFT);
}

static void forget_counts(void)
{
	memset(counts.small, 0, sizeof(counts.small));
	counts.nr_great = 0;
}

void oracle_end_window(void)
{
	forget_counts();
	for (; in_window; in_window = in_window->next_in_window) {
		in_window->is_in_window = false;
		for (int i = 0; i < CHUNK_PAGES; i++) {
			add_count(in_window->window[i]);
			in_window->stay[i] += in_window->window[i];
			in_window->window[i] = 0;
		}
	}
	qsort(counts.great, counts.nr_great, sizeof(*counts.great), greatest_first);
	for (unsigned int i = 0; i < options.nr_fast_bytes; i++)
		stats->oracle[i].window_fast += best_in(i);
}

void oracle_close(void)
{
	if (in_window)
		oracle_end_window();
	forget_counts();
	for (struct chunk *chunk = chunks; chunk; chunk = chunk->next) {
		for (int i = 0; i < CHUNK_PAGES; i++) {
			add_count(chunk->stay[i]);
			chunk->stay[i] = 0;
		}
	}
	qsort(counts.great, counts.nr_great, sizeof(*counts.great), greatest_first);
	for (unsigned int i = 0; i < options.nr_fast_bytes; i++)
		stats->oracle[i].static_fast += best_in(i);
}
