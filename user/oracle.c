// SPDX-License-Identifier: GPL-2.0
/*
 * oracle.c - what the best placement would have been
 *
 * Owns how often each page was accessed, in all and in the window.  Knows the future, as it
 * is asked afterwards, but not all of it: only half of the samples.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "heat.h"
#include "oracle.h"

#define MIN_SLOTS	1024
#define HUGE_FLAG	1ULL
#define FAST_FLAG	2ULL

/** struct count - one page; @name is its address and flags, 0: the slot is empty; weights of
 *  accesses for choosing [0] and for judging [1] */
struct count {
	uint64_t name;
	float total[2];
	float window[2];
};

/**
 * struct oracle - a table of @nr_slots, a power of 2, at most half full
 * @touched: room for as many as there are slots; the @nr_touched slots of this window
 * @order: as much room; for sorting
 */
struct oracle {
	struct count *slots;
	size_t *touched;
	struct rank { double weight; size_t slot; } *order;
	size_t nr_slots;
	size_t nr;
	size_t nr_touched;
	double judged;		/* weight of all accesses for judging */
	uint64_t bytes;
};

static uint64_t bytes_of(const struct count *count)
{
	return count->name & HUGE_FLAG ? HEAT_HUGE_BYTES : HEAT_BASE_BYTES;
}

static size_t find(const struct count *slots, size_t nr_slots, uint64_t addr)
{
	size_t i = (addr / HEAT_BASE_BYTES * 0x9e3779b97f4a7c15ULL) >> 20 & (nr_slots - 1);

	while (slots[i].name && (slots[i].name & ~(HEAT_BASE_BYTES - 1)) != addr)
		i = (i + 1) & (nr_slots - 1);
	return i;
}

static int grow(struct oracle *oracle, size_t nr_slots)
{
	struct count *slots = calloc(nr_slots, sizeof(*slots));
	size_t *touched = calloc(nr_slots, sizeof(*touched)), i, to;
	struct rank *order = calloc(nr_slots, sizeof(*order));

	if (!slots || !touched || !order) {
		free(slots);
		free(touched);
		free(order);
		return -ENOMEM;
	}
	oracle->nr_touched = 0;
	for (i = 0; i < oracle->nr_slots; i++) {
		if (!oracle->slots[i].name)
			continue;
		to = find(slots, nr_slots, oracle->slots[i].name & ~(HEAT_BASE_BYTES - 1));
		slots[to] = oracle->slots[i];
		if (slots[to].window[0] + slots[to].window[1] > 0)
			touched[oracle->nr_touched++] = to;
	}
	free(oracle->slots);
	free(oracle->touched);
	free(oracle->order);
	oracle->slots = slots;
	oracle->touched = touched;
	oracle->order = order;
	oracle->nr_slots = nr_slots;
	return 0;
}

int oracle_new(struct oracle **ret_oracle)
{
	struct oracle *oracle = calloc(1, sizeof(*oracle));

	if (!oracle || grow(oracle, MIN_SLOTS)) {
		free(oracle);
		return -ENOMEM;
	}
	*ret_oracle = oracle;
	return 0;
}

void oracle_free(struct oracle *oracle)
{
	if (!oracle)
		return;
	free(oracle->slots);
	free(oracle->touched);
	free(oracle->order);
	free(oracle);
}

int oracle_add(struct oracle *oracle, uint64_t addr, uint64_t bytes, double weight,
	       bool is_judge)
{
	struct count *count;
	size_t i;

	if (oracle->nr >= oracle->nr_slots / 2 && grow(oracle, 2 * oracle->nr_slots))
		return -ENOMEM;
	i = find(oracle->slots, oracle->nr_slots, addr);
	count = &oracle->slots[i];
	if (!count->name) {
		count->name = addr | (bytes == HEAT_HUGE_BYTES ? HUGE_FLAG : 0);
		oracle->nr++;
		oracle->bytes += bytes;
	}
	if (!(count->window[0] + count->window[1] > 0))
		oracle->touched[oracle->nr_touched++] = i;
	count->total[is_judge] += (float)weight;
	count->window[is_judge] += (float)weight;
	oracle->judged += is_judge ? weight : 0;
	return 0;
}

/* Heaviest a byte first; among equals by place, so that each run does the same. */
static int heavier(const void *a, const void *b)
{
	const struct rank *one = a, *other = b;

	if (one->weight != other->weight)
		return one->weight > other->weight ? -1 : 1;
	return one->slot < other->slot ? -1 : one->slot > other->slot;
}

static double density(const struct oracle *oracle, size_t slot, double weight)
{
	return weight / (double)bytes_of(&oracle->slots[slot]);
}

void oracle_end_window(struct oracle *oracle, uint64_t fast_bytes, double *ret_best)
{
	double best = 0;
	size_t i, slot;

	for (i = 0; i < oracle->nr_touched; i++) {
		slot = oracle->touched[i];
		oracle->order[i] = (struct rank){
			density(oracle, slot, oracle->slots[slot].window[0]), slot,
		};
	}
	qsort(oracle->order, oracle->nr_touched, sizeof(*oracle->order), heavier);
	for (i = 0; i < oracle->nr_touched; i++) {
		slot = oracle->order[i].slot;
		if (bytes_of(&oracle->slots[slot]) > fast_bytes || !(oracle->order[i].weight > 0))
			break;
		fast_bytes -= bytes_of(&oracle->slots[slot]);
		best += 2 * (double)oracle->slots[slot].window[1];
	}
	for (i = 0; i < oracle->nr_touched; i++) {
		oracle->slots[oracle->touched[i]].window[0] = 0;
		oracle->slots[oracle->touched[i]].window[1] = 0;
	}
	oracle->nr_touched = 0;
	*ret_best = best;
}

/* Return: number of pages in @order. */
static size_t sort_all(struct oracle *oracle)
{
	size_t i, nr = 0;

	/* Who was not accessed as far as is known, is not chosen: that it is here is hindsight. */
	for (i = 0; i < oracle->nr_slots; i++)
		if (oracle->slots[i].total[0] > 0)
			oracle->order[nr++] = (struct rank){
				density(oracle, i, oracle->slots[i].total[0]), i,
			};
	qsort(oracle->order, nr, sizeof(*oracle->order), heavier);
	return nr;
}

void oracle_settle(struct oracle *oracle, uint64_t fast_bytes)
{
	size_t nr = sort_all(oracle), i;
	struct count *count;

	for (i = 0; i < oracle->nr_slots; i++)
		oracle->slots[i].name &= ~FAST_FLAG;
	for (i = 0; i < nr; i++) {
		count = &oracle->slots[oracle->order[i].slot];
		if (bytes_of(count) > fast_bytes)
			break;
		count->name |= FAST_FLAG;
		fast_bytes -= bytes_of(count);
	}
}

bool oracle_is_fast(const struct oracle *oracle, uint64_t page_addr)
{
	return oracle->slots[find(oracle->slots, oracle->nr_slots, page_addr)].name & FAST_FLAG;
}

void oracle_curve(struct oracle *oracle, const uint64_t *sizes, size_t nr, double *ret_shares)
{
	size_t nr_pages = sort_all(oracle), i = 0, size;
	const struct count *count;
	double weight = 0;
	uint64_t used = 0;

	for (size = 0; size < nr; size++) {
		for (; i < nr_pages; i++) {
			count = &oracle->slots[oracle->order[i].slot];
			if (used + bytes_of(count) > sizes[size])
				break;
			used += bytes_of(count);
			weight += (double)count->total[1];
		}
		ret_shares[size] = oracle->judged > 0 ? weight / oracle->judged : 0;
	}
}

uint64_t oracle_bytes(const struct oracle *oracle)
{
	return oracle->bytes;
}
