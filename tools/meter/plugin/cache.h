/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cache.h - a first level cache for each vCPU and a last level cache for all
 *
 * The first level is a filter by virtual address: it spares looking up where a line is.  It is
 * emptied when a vCPU gets other page tables, and does not notice that a page has moved; this
 * can hide at most 512 lines a time.  A store marks its line as dirty in the last level at
 * once.  The last level is write-back and write-allocate, by physical line.
 */
#ifndef METER_CACHE_H
#define METER_CACHE_H

#include <string.h>

#include "meter.h"

enum cache_filter { CACHE_MISS, CACHE_HIT, CACHE_FIRST_STORE };

#define CACHE_IN_USE (1ULL << 63)

/**
 * struct cache_result - what the last level did with an access
 * @hit: it had the line
 * @wrote_back: it gave up line @old_line, which had been stored to
 */
struct cache_result {
	bool hit;
	bool wrote_back;
	uint64_t old_line;
};

void cache_init(void);

/** cache_access() - look for a line, and have it afterwards */
struct cache_result cache_access(uint64_t line, bool is_store);

/** cache_forget() - the vCPU has got other page tables */
static inline void cache_forget(struct vcpu *vcpu)
{
	memset(vcpu->filter, 0, sizeof(vcpu->filter));
}

/** cache_filter() - look for the line of @vaddr in the first level, and have it afterwards */
static inline enum cache_filter cache_filter(struct vcpu *vcpu, uint64_t vaddr, bool is_store)
{
	uint64_t line = vaddr >> METER_LINE_SHIFT;
	uint64_t *way = vcpu->filter[line % METER_FILTER_SETS];
	uint64_t key = CACHE_IN_USE | line << 1, found;

	if (likely((way[0] & ~1ULL) == key)) {
		found = way[0];
	} else {
		int i = 1;

		while (i < METER_FILTER_WAYS - 1 && (way[i] & ~1ULL) != key)
			i++;
		found = (way[i] & ~1ULL) == key ? way[i] : 0;
		for (; i; i--)
			way[i] = way[i - 1];
		way[0] = found ? found : key;
	}
	if (!is_store)
		return found ? CACHE_HIT : CACHE_MISS;
	way[0] |= 1;
	if (!found)
		return CACHE_MISS;
	return found & 1 ? CACHE_HIT : CACHE_FIRST_STORE;
}

#endif /* METER_CACHE_H */
