// SPDX-License-Identifier: GPL-2.0
/*
 * cache.c - the last level cache
 *
 * A set is up to 16 tags, a bit a way for "stored to" and one for "used lately".  When all of a
 * set were used lately, that is forgotten but for the last one (bit-PLRU); the first way that
 * was not makes room.
 */
#include <stdlib.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "cache.h"
#include "options.h"

#define MAX_WAYS 16

struct set {
	uint32_t tag[MAX_WAYS];	/* line + 1; 0: empty */
} __attribute__((aligned(64)));

static struct set *sets;
static uint16_t *dirty, *used;
static uint64_t last_set;
static unsigned int ways_mask;

void cache_init(void)
{
	uint64_t nr_sets = options.llc_bytes / METER_LINE_BYTES / options.llc_ways;

	if (!nr_sets || nr_sets & (nr_sets - 1))
		meter_die("llc_bytes / llc_ways must be a power of 2");
	last_set = nr_sets - 1;
	ways_mask = (1u << options.llc_ways) - 1;
	sets = aligned_alloc(64, nr_sets * sizeof(*sets));
	dirty = calloc(nr_sets, sizeof(*dirty));
	used = calloc(nr_sets, sizeof(*used));
	if (!sets || !dirty || !used)
		meter_die("no memory for the cache's tags");
	memset(sets, 0, nr_sets * sizeof(*sets));
}

/* Bit per way whose tag it is.  Ways that are not used never have a tag. */
static inline unsigned int match(const struct set *set, uint32_t tag)
{
#ifdef __AVX2__
	const __m256i *half = (const __m256i *)set->tag;
	__m256i wanted = _mm256_set1_epi32(tag);
	__m256i low = _mm256_cmpeq_epi32(half[0], wanted);
	__m256i high = _mm256_cmpeq_epi32(half[1], wanted);

	return _mm256_movemask_ps(_mm256_castsi256_ps(low)) |
		_mm256_movemask_ps(_mm256_castsi256_ps(high)) << 8;
#else
	unsigned int ways = 0;

	for (int i = 0; i < MAX_WAYS; i++)
		ways |= (unsigned int)(set->tag[i] == tag) << i;
	return ways;
#endif
}

struct cache_result cache_access(uint64_t line, bool is_store)
{
	/* folded: nodes begin at round numbers, and would otherwise share the same sets */
	uint64_t nr = (line ^ line >> 17) & last_set;
	struct set *set = &sets[nr];
	struct cache_result result = { .hit = false };
	unsigned int found = match(set, (uint32_t)line + 1), way, bit;

	if (found) {
		result.hit = true;
		way = __builtin_ctz(found);
	} else {
		way = __builtin_ctz(~used[nr] & ways_mask);
		if (dirty[nr] >> way & 1) {
			result.wrote_back = true;
			result.old_line = (uint64_t)set->tag[way] - 1;
		}
		set->tag[way] = line + 1;
		dirty[nr] &= ~(1u << way);
	}
	bit = 1u << way;
	if (is_store)
		dirty[nr] |= bit;
	used[nr] |= bit;
	if ((used[nr] & ways_mask) == ways_mask)
		used[nr] = ways_mask == 1 ? 0 : bit;
	return result;
}
