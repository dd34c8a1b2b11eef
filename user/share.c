// SPDX-License-Identifier: GPL-2.0
/*
 * share.c - how much of the fast tier each of several targets may have
 *
 * Owns the rule by which targets share the tier, a function of what they claim.  How claims
 * come from one controller to the others is peer.c's; how a target keeps to its share is the
 * policy's, for which it is a limit as --fast-limit is.
 *
 * Room goes where the next page saves most: a claim says how many bytes save how much per
 * byte, and the tier is filled from the most valuable bytes on down, whoever has them.  A
 * weight is a factor to what a target saves.  So it is decided at the margin, and a small hot
 * set comes before a large lukewarm one, however often the latter is accessed in all.
 *
 *   bytes that save   1,000   100    10       tier of 8 GiB
 *   target A          1 GiB   2 GiB  20 GiB   1 + 2         = 3 GiB
 *   target B          4 GiB   1 GiB  -        4 + 1         = 5 GiB
 *   in 4 GiB: at 1,000 there are 5 GiB, divided by weight: A 1, which is all it has, B 3;
 *   with weight 500 the 4 GiB of B are worth 5,000: A 0, B 4
 *
 * Values are known to a factor of 1.41 at best, so bytes that lie within that of the last
 * ones that find place are alike, and these are divided by weight: two equal targets get
 * equal shares, and keep them.
 *
 * Before all that come those of whom nothing is moved, then minimums, then targets with
 * priority.  Bytes that save nothing do not ask for room, but stay where they are while
 * nobody else needs it; and bytes of the slow tier must save, within PAY_S, what it costs to
 * have them and others change places.  What is left is everybody's: memory is not kept free.
 */
#include <math.h>
#include <string.h>

#include "bytes.h"
#include "heat.h"
#include "share.h"

#define MAX_VALUE	(3 * HEAT_MAX_COUNT + 1)	/* reads + 2 * writes, and some more */
#define LOWEST_LOG2	(-10)	/* bucket 1 begins at 2^-10 ns per second and byte */
#define PAY_S		10	/* a share is that old before it is worth its moves */
#define SHIFT_MAX	14	/* half octaves of a weight of 100 times the default, and 1/100 */
#define NR_RANKS	(SHARE_NR_BUCKETS + 2 * SHIFT_MAX)
#define RATE_NS		5e9	/* what "of late" is */
#define BAND		1	/* ranks to either side of the cut that count as alike */

void share_rate_tick(struct share_rate *rate, uint64_t now_ns, const struct heat *heat)
{
	double passed_ns = (double)(now_ns - rate->now_ns), part;
	uint64_t served[HEAT_NO_NODE + 1], nr = 0;
	bool is_first = !rate->now_ns;
	unsigned int i;

	heat_served(heat, served);
	for (i = 0; i <= HEAT_NO_NODE; i++)
		nr += served[i];
	if (!is_first && passed_ns > 0) {
		part = rate->per_s > 0 && passed_ns < RATE_NS ? passed_ns / RATE_NS : 1;
		rate->per_s += ((double)(nr - rate->seen) * 1e9 / passed_ns - rate->per_s) * part;
	}
	rate->now_ns = now_ns;
	rate->seen = nr;
}

uint64_t share_pool(const struct tier_set *tiers)
{
	uint64_t pool = 0;
	unsigned int i;

	for (i = 0; i < tiers->nr_nodes; i++)
		if (tiers->nodes[i].level == TIER_FAST)
			pool = pool * 1025 + (uint64_t)tiers->nodes[i].nid + 1;
	return pool;
}

/* ---- one claim ---- */

/**
 * struct heats - bytes by heat
 * @bytes: by tier, size of the page (base, huge) and value
 * @mass: sum of all values, of what stands for the same number of accesses each
 */
struct heats {
	uint64_t bytes[TIER_NR][2][MAX_VALUE];
	double mass;
};

/* And those that are like it. */
static void add_page(struct heats *heats, const struct tier_set *tiers,
		     const struct ledger_facts *facts, bool by_span, const struct heat_page *page)
{
	double value = page->reads + facts->cost.store_weight * page->writes;
	unsigned int level;

	if (page->node >= tiers->nr_nodes || tiers->nodes[page->node].level >= TIER_NR)
		return;
	level = tiers->nodes[page->node].level;
	value = value < MAX_VALUE - 1 ? value : MAX_VALUE - 1;
	heats->bytes[level][page->bytes == HEAT_HUGE_BYTES][(unsigned int)value] +=
		page->nr * page->bytes;
	/* With samples of single accesses a base page's count is its share of a span's. */
	heats->mass += value * page->nr * (by_span ? (double)page->bytes / HEAT_HUGE_BYTES : 1);
}

static unsigned int bucket_of(double ns_per_s_byte)
{
	double bucket = ns_per_s_byte > 0 ?
			floor(2 * (log2(ns_per_s_byte) - LOWEST_LOG2)) + 1 : 0;

	return bucket < 1 ? 0 : bucket < SHARE_NR_BUCKETS ? (unsigned int)bucket :
							    SHARE_NR_BUCKETS - 1;
}

/* What a byte of such a page saves in a second, less what it costs to bring it. */
static double value_of(const struct heats *heats, const struct ledger_facts *facts, bool by_span,
		       double ns_per_s, unsigned int level, bool huge, unsigned int value)
{
	double bytes = huge ? HEAT_HUGE_BYTES : HEAT_BASE_BYTES, ns;

	ns = ns_per_s * value / heats->mass / (by_span ? HEAT_HUGE_BYTES : bytes);
	if (level != TIER_FAST)
		ns -= 2 * cost_of_move(&facts->cost, (uint64_t)bytes) / bytes / PAY_S;
	return ns;
}

void share_measure(const struct heat *heat, const struct tier_set *tiers,
		   const struct ledger_facts *facts, double samples_per_s,
		   struct share_claim *claim)
{
	double ns_per_s = samples_per_s * facts->access_per_sample *
			  cost_saved(&facts->cost, false), value;
	bool by_span = heat_is_by_span(heat);
	struct heats heats = { .mass = 0 };
	struct heat_walk walk = { 0 };
	unsigned int level, huge, i;
	struct heat_page page;

	memset(claim->bytes, 0, sizeof(claim->bytes));
	while (heat_next(heat, &walk, &page))
		add_page(&heats, tiers, facts, by_span, &page);
	for (level = 0; level < TIER_NR; level++)
		for (huge = 0; huge < 2; huge++)
			for (i = 0; i < MAX_VALUE; i++) {
				value = heats.mass > 0 ? value_of(&heats, facts, by_span, ns_per_s,
								  level, huge, i) : 0;
				claim->bytes[level][bucket_of(value)] += heats.bytes[level][huge][i];
			}
}

/* ---- all claims ---- */

/*
 * All values are compared on one scale: a bucket, moved by the weight; 0: saves nothing.
 *
 * Return: the rank of bucket 0, had it any worth.
 */
static unsigned int rank_base(const struct share_claim *claim)
{
	if (claim->weight == SHARE_PRIORITY)
		return SHIFT_MAX;
	return (unsigned int)(SHIFT_MAX + lround(2 * log2((double)claim->weight / SHARE_WEIGHT)));
}

uint64_t share_on_fast(const struct share_claim *claim)
{
	uint64_t bytes = 0;
	unsigned int i;

	for (i = 0; i < SHARE_NR_BUCKETS; i++)
		bytes += claim->bytes[TIER_FAST][i];
	return bytes;
}

/* Bytes that ask for room and are of @rank or above, up to the target's own limit. */
static uint64_t asked(const struct share_claim *claim, unsigned int rank)
{
	unsigned int base = rank_base(claim), i = rank > base ? rank - base : 1;
	uint64_t bytes = rank ? 0 : claim->bytes[TIER_FAST][0];

	for (; i < SHARE_NR_BUCKETS; i++)
		bytes += claim->bytes[TIER_FAST][i] + claim->bytes[TIER_SLOW][i];
	return bytes_min(bytes, claim->limit_bytes);
}

/* What of that is beyond its share so far. */
static uint64_t wanted(const struct share_claim *claim, const struct share *share,
		       unsigned int rank)
{
	return bytes_above(asked(claim, rank), share->bytes);
}

static bool is_first(const struct share_claim *claim)
{
	return claim->weight == SHARE_PRIORITY;
}

/* Those with priority, or all others?  Who is fixed has what it gets. */
static bool takes_part(const struct share_claim *claim, bool first)
{
	return !claim->is_fixed && is_first(claim) == first;
}

static uint64_t all_wanted(const struct share_claim *claims, size_t nr, bool first,
			   const struct share *shares, unsigned int rank)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		if (takes_part(&claims[i], first))
			bytes += wanted(&claims[i], &shares[i], rank);
	return bytes;
}

/* Give all bytes of @rank and above: there is room. */
static uint64_t give_all(const struct share_claim *claims, size_t nr, bool first,
			 struct share *shares, unsigned int rank)
{
	uint64_t given = 0, bytes;
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!takes_part(&claims[i], first))
			continue;
		bytes = wanted(&claims[i], &shares[i], rank);
		shares[i].bytes += bytes;
		given += bytes;
	}
	return given;
}

static double weight_of(const struct share_claim *claim)
{
	return is_first(claim) ? 1 : (double)claim->weight;
}

/* Sum of the weights of those who want more. */
static double weights(const struct share_claim *claims, size_t nr, bool first,
		      const struct share *shares, unsigned int rank)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		if (takes_part(&claims[i], first) && wanted(&claims[i], &shares[i], rank))
			sum += weight_of(&claims[i]);
	return sum;
}

/*
 * Divide @room by weight among the bytes of @rank and above.  What one does not want is
 * divided among the others: max-min fairness, by progressive filling.
 */
static void give_by_weight(const struct share_claim *claims, size_t nr, bool first, uint64_t room,
			   struct share *shares, unsigned int rank)
{
	uint64_t round, bytes;
	size_t turn, i;
	double sum;

	/* Each turn leaves somebody with all that it wants, or no room. */
	for (turn = 0; turn < nr && room >= HEAT_BASE_BYTES; turn++) {
		sum = weights(claims, nr, first, shares, rank);
		round = room;
		for (i = 0; i < nr && sum > 0; i++) {
			if (!takes_part(&claims[i], first))
				continue;
			bytes = (uint64_t)((double)round * weight_of(&claims[i]) / sum);
			bytes = bytes_min(bytes, wanted(&claims[i], &shares[i], rank));
			bytes = bytes_min(bytes, room);
			shares[i].bytes += bytes;
			room -= bytes;
		}
	}
}

/*
 * From the most valuable bytes on down, until the room is used up.
 *
 * Return: room that is left.
 */
static uint64_t fill(const struct share_claim *claims, size_t nr, bool first, uint64_t room,
		     struct share *shares)
{
	unsigned int cut = NR_RANKS;

	while (cut && all_wanted(claims, nr, first, shares, cut) <= room)
		cut--;
	if (all_wanted(claims, nr, first, shares, cut) <= room)
		return room - give_all(claims, nr, first, shares, cut);
	room -= give_all(claims, nr, first, shares, cut ? cut + BAND + 1 : 1);
	give_by_weight(claims, nr, first, room, shares, cut > BAND ? cut - BAND : cut);
	return 0;
}

/* What it gets before all others; of a minimum as much as it has use for. */
static uint64_t ensured(const struct share_claim *claim)
{
	return claim->is_fixed ? share_on_fast(claim) :
				 bytes_min(claim->min_bytes, asked(claim, 0));
}

/* Return: room that is left. */
static uint64_t ensure(const struct share_claim *claims, size_t nr, uint64_t room,
		       struct share *shares)
{
	uint64_t fixed = 0, min = 0;
	double part;
	size_t i;

	for (i = 0; i < nr; i++)
		*(claims[i].is_fixed ? &fixed : &min) += ensured(&claims[i]);
	room = bytes_above(room, fixed);
	part = min > room ? (double)room / (double)min : 1;
	for (i = 0; i < nr; i++)
		shares[i].bytes = (uint64_t)((double)ensured(&claims[i]) *
					     (claims[i].is_fixed ? 1 : part));
	return bytes_above(room, min);
}

/* Bytes that may leave for new memory, before a target is touched that is to be left alone. */
static uint64_t spare(const struct share_claim *claim)
{
	if (claim->is_fixed || is_first(claim))
		return 0;
	return bytes_above(share_on_fast(claim), claim->min_bytes);
}

static void divide_lack(const struct share_claim *claims, size_t nr, struct share *shares)
{
	double spares = 0, all = 0, own;
	size_t i;

	for (i = 0; i < nr; i++) {
		spares += (double)spare(&claims[i]);
		all += (double)share_on_fast(&claims[i]);
	}
	for (i = 0; i < nr; i++) {
		own = spares > 0 ? (double)spare(&claims[i]) : (double)share_on_fast(&claims[i]);
		shares[i].of_lack = own > 0 ? own / (spares > 0 ? spares : all) : 0;
	}
}

static enum share_reason reason_of(const struct share_claim *claim, uint64_t given, size_t nr)
{
	if (claim->is_fixed)
		return SHARE_FIXED;
	if (claim->limit_bytes <= given)
		return SHARE_LIMIT;
	if (nr == 1)
		return SHARE_ALONE;
	if (is_first(claim))
		return SHARE_FIRST;
	if (given >= asked(claim, 0))
		return SHARE_ENOUGH;
	return claim->min_bytes && given <= claim->min_bytes ? SHARE_MIN : SHARE_OTHERS;
}

/* Alone, the room itself is the limit: it is looked at in each turn. */
static uint64_t bounded(const struct share_claim *claim, uint64_t given, size_t nr)
{
	uint64_t bytes = nr == 1 ? UINT64_MAX : given;

	/* It may have more use for its minimum at any moment. */
	if (bytes < claim->min_bytes)
		bytes = claim->min_bytes;
	return bytes_min(bytes, claim->limit_bytes);
}

void share_out(const struct share_claim *claims, size_t nr, int64_t free_bytes,
	       struct share *ret_shares)
{
	uint64_t room = 0, lack = free_bytes < 0 ? (uint64_t)-free_bytes : 0;
	size_t i;

	for (i = 0; i < nr; i++)
		room += share_on_fast(&claims[i]);
	room = bytes_above(room, lack) + (lack ? 0 : (uint64_t)free_bytes);
	room = ensure(claims, nr, room, ret_shares);
	room = fill(claims, nr, true, room, ret_shares);
	room = fill(claims, nr, false, room, ret_shares);
	for (i = 0; i < nr; i++) {
		ret_shares[i].bytes += room;
		ret_shares[i].why = reason_of(&claims[i], ret_shares[i].bytes, nr);
		if (!claims[i].is_fixed)
			ret_shares[i].bytes = bounded(&claims[i], ret_shares[i].bytes, nr);
	}
	divide_lack(claims, nr, ret_shares);
}

const char *share_reason_text(enum share_reason why)
{
	static const char *const texts[SHARE_NR_REASONS] = {
		[SHARE_ALONE] = "no other target is here",
		[SHARE_ENOUGH] = "there is place for all that it uses",
		[SHARE_LIMIT] = "its --fast-limit",
		[SHARE_FIXED] = "nothing of it is moved",
		[SHARE_MIN] = "its --min-fast; others save more with the rest",
		[SHARE_FIRST] = "it has priority",
		[SHARE_OTHERS] = "others save more with the rest",
	};

	return (unsigned int)why < SHARE_NR_REASONS ? texts[why] : "unknown";
}
