// SPDX-License-Identifier: GPL-2.0
/*
 * pick.c - from ranks to a plan: how much moves, and which pages
 *
 * Owns the shares of the budget, the choice of pages and of their new nodes.  What is hot is
 * the policy's: it says from which rank on.
 *
 *  - Promotions and demotions share the budget.  While hot pages wait, demotions
 *    that only make room for later get at most half of it.
 *  - Hot pages take the place of idle page cache before that of cold pages (tier.c).
 *  - Page cache may take the room that demotions make for new memory.  So the
 *    target makes way only while it has more cold bytes on the fast tier than there
 *    is page cache.  The cold pages that stay are what hot ones are swapped for when no
 *    cache is idle.
 *  - Demotions are also bounded by what the slow tier's wear allows (wear.c): first those for
 *    the limit, then the watermark, then swaps; hot pages wait where theirs does.
 *  - A plan is bounded in bytes only, by the budget and by what it can hold of base
 *    pages, so that shares of the budget are shares of the plan.
 *
 * Example: budget 10 MiB; the fast tier has 1 MiB free and shall keep 3 MiB; 8
 * MiB of hot pages wait on the slow tier.  The watermark asks for 2 MiB, which is
 * less than half of 10: demoted.  The other 8 MiB are shared: 4 MiB of the coldest
 * pages go and 4 MiB of the hottest come.  2 + 4 + 4 = 10, and 3 MiB are free.  With
 * 20 MiB of cold pages and 18 MiB of page cache there, the watermark gets 1 MiB: should
 * the cache take it, there is as much of the one as of the other.
 */
#include "bind.h"
#include "bytes.h"
#include "pick.h"

/** struct amounts - bytes to move, and why */
struct amounts {
	uint64_t limit;		/* demote: the target is above its limit */
	uint64_t watermark;	/* demote: for new allocations */
	uint64_t swap;		/* demote: to make room for as much promotion */
	uint64_t room;		/* promote: into room that is there already */
};

/**
 * struct search - a search for pages of one tier
 * @rank: the scale
 * @from: the tier
 * @hottest: hottest first; else coldest first
 * @promote: to the fast tier
 * @last_rank: last rank to take pages of
 * @want_bytes: stop when this much is found ...
 * @max_bytes: ... and never take more than this
 */
struct search {
	unsigned int (*rank)(const struct heat_page *page);
	enum tier_level from;
	bool hottest;
	bool promote;
	unsigned int last_rank;
	uint64_t want_bytes;
	uint64_t max_bytes;
};

uint64_t pick_sum(const uint64_t *by_rank, unsigned int first, unsigned int end)
{
	uint64_t total = 0;

	for (; first < end; first++)
		total += by_rank[first];
	return total;
}

/* Of what the fast tier lacks, this target's part; never for it to be below its minimum. */
static uint64_t own_lack(const struct snapshot *snapshot, uint64_t on_fast)
{
	double lack = (double)tier_lack_bytes(snapshot->tiers, TIER_FAST);

	return bytes_min((uint64_t)(lack * (1 - snapshot->lack_of_others)),
			 bytes_above(on_fast, snapshot->fast_min_bytes));
}

static struct amounts decide(const struct snapshot *snapshot, const struct plan *plan,
			     const struct policy_survey *survey, const struct pick *pick,
			     uint64_t budget)
{
	const uint64_t *fast = survey->bytes[TIER_FAST], *slow = survey->bytes[TIER_SLOW];
	uint64_t cold = pick_sum(fast, 0, pick->end_cold);
	uint64_t hot = pick_sum(slow, pick->first_hot, POLICY_NR_RANKS);
	uint64_t on_fast = plan->tier_bytes[TIER_FAST], limit = snapshot->fast_limit_bytes;
	uint64_t cache = tier_cache_bytes(snapshot->tiers, TIER_FAST);
	uint64_t rest = budget, half = hot ? rest / 2 : rest, wear = snapshot->wear_bytes;
	struct amounts amounts;

	amounts.limit = bytes_min(bytes_min(bytes_above(on_fast, limit), half), wear);
	amounts.watermark = bytes_above(own_lack(snapshot, on_fast), amounts.limit);
	amounts.watermark = bytes_min(amounts.watermark, half - amounts.limit);
	amounts.watermark = bytes_min(amounts.watermark, bytes_above(cold, amounts.limit + cache) / 2);
	amounts.watermark = bytes_min(amounts.watermark, wear - amounts.limit);
	rest -= amounts.limit + amounts.watermark;

	amounts.room = bytes_min(tier_room_bytes(snapshot->tiers, TIER_FAST), bytes_above(limit, on_fast));
	amounts.room = bytes_min(bytes_min(amounts.room, hot), rest);
	rest -= amounts.room;

	amounts.swap = bytes_min(bytes_min(hot - amounts.room, rest / 2), pick->max_swap_bytes);
	amounts.swap = bytes_min(amounts.swap, bytes_above(cold, amounts.limit + amounts.watermark));
	amounts.swap = bytes_min(amounts.swap, wear - amounts.limit - amounts.watermark);
	return amounts;
}

/*
 * Of the fastest nodes of @level with room for one more page of @bytes the one with most, or
 * TIER_NO_NODE.  @room is what is left of each node in this plan, @allowed has a bit for each
 * where the page may lie.
 */
static unsigned int roomiest(const struct tier_set *tiers, enum tier_level level,
			     uint16_t allowed, const uint64_t *room, uint64_t bytes)
{
	unsigned int i, best = TIER_NO_NODE;

	for (i = 0; i < tiers->nr_nodes; i++) {
		if (tiers->nodes[i].level != level || room[i] < bytes || !(allowed >> i & 1))
			continue;
		if (best == TIER_NO_NODE || tiers->nodes[i].depth < tiers->nodes[best].depth ||
		    (tiers->nodes[i].depth == tiers->nodes[best].depth && room[i] > room[best]))
			best = i;
	}
	return best;
}

/*
 * Give every rank its place in the plan, best rank first, up to the rank with
 * which there is enough: the cut.  Ranks before the cut are taken whole, of the
 * cut itself as much as is still wanted.
 *
 * Return: the cut.  *ret_before: bytes of the ranks before it.
 */
static unsigned int place_ranks(const struct search *search, const struct policy_survey *survey,
				size_t first_place, size_t max_places, size_t *places,
				uint64_t *ret_before)
{
	unsigned int rank = search->hottest ? POLICY_NR_RANKS - 1 : 0;
	uint64_t bytes = 0;
	size_t place = first_place;

	for (;; rank += search->hottest ? -1 : 1) {
		places[rank] = place;
		*ret_before = bytes;
		bytes += survey->bytes[search->from][rank];
		place += survey->nr[search->from][rank];
		if (bytes >= search->want_bytes || place > max_places || rank == search->last_rank)
			return rank;
	}
}

static enum plan_reason promotion_reason(const struct heat_page *page)
{
	return page->writes >= POLICY_HOT_WRITES ? PLAN_HOT_WRITES : PLAN_HOT_READS;
}

static void put(struct plan *plan, size_t place, const struct search *search,
		const struct heat_page *page)
{
	plan->moves[place] = (struct plan_move){
		.addr = page->addr, .bytes = page->bytes, .from = page->node,
		.reason = search->promote ? promotion_reason(page) : PLAN_SWAP,
	};
}

/*
 * Append pages to the plan in the order of their ranks, without sorting: the
 * survey has told how many there are of each rank.
 *
 * Return: bytes appended.
 */
static uint64_t append(const struct snapshot *snapshot, const struct policy_survey *survey,
		       const struct search *search, struct plan *plan)
{
	size_t places[POLICY_NR_RANKS];
	struct policy_walk walk = { 0 };
	uint64_t before, bytes;		/* of ranks before the cut; and of the cut so far */
	unsigned int rank, cut;
	enum tier_level level;
	struct heat_page page;

	cut = place_ranks(search, survey, plan->nr, plan->max_moves, places, &before);
	bytes = before;
	while (policy_next(snapshot, &walk, &page)) {
		if (!policy_place(snapshot, &page, &level) || level != search->from)
			continue;
		rank = search->rank(&page);
		if (search->hottest ? rank < cut : rank > cut)
			continue;
		for (; page.nr; page.nr--, page.addr += page.bytes) {
			if (rank == cut) {
				if (bytes >= search->want_bytes ||
				    bytes + page.bytes > search->max_bytes ||
				    places[rank] >= plan->max_moves)
					break;
				bytes += page.bytes;
			}
			put(plan, places[rank]++, search, &page);
		}
	}
	plan->nr = places[cut];
	plan->bytes += bytes;
	return bytes;
}

/* The coldest go because they must, the next for what may come, the rest for a swap. */
static void give_reasons(struct plan *plan, const struct amounts *amounts)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		if (bytes < amounts->limit)
			plan->moves[i].reason = PLAN_LIMIT;
		else if (bytes < amounts->limit + amounts->watermark)
			plan->moves[i].reason = PLAN_WATERMARK;
		bytes += plan->moves[i].bytes;
	}
}

/*
 * Choose a node for every move; drop those for which there is no room.
 *
 * Promotions may use what demotions of this plan leave behind, which is why those
 * come first.  A node below its watermark has no room until then, except that
 * what a swap takes away may come back.  Free room is used before page cache is taken.
 */
static void choose_nodes(const struct snapshot *snapshot, struct plan *plan)
{
	const struct tier_set *tiers = snapshot->tiers;
	uint64_t room[TIER_MAX_NODES], in_cache[TIER_MAX_NODES], bytes = 0;
	struct plan_move move;
	unsigned int i;
	size_t m, kept = 0;

	for (i = 0; i < tiers->nr_nodes; i++) {
		room[i] = tier_node_room(&tiers->nodes[i]);
		in_cache[i] = room[i] - tier_node_free_room(&tiers->nodes[i]);
	}
	for (m = 0; m < plan->nr; m++) {
		move = plan->moves[m];
		move.to = roomiest(tiers, plan_promotes(&move) ? TIER_FAST : TIER_SLOW,
				   snapshot->binds ? bind_nodes(snapshot->binds, move.addr) :
				   BIND_ALL, room, move.bytes);
		if (move.to == TIER_NO_NODE)
			continue;
		room[move.to] -= move.bytes;
		if (room[move.to] < in_cache[move.to])
			plan->takes_cache = true;
		if (move.reason != PLAN_WATERMARK)
			room[move.from] += move.bytes;
		bytes += move.bytes;
		plan->moves[kept++] = move;
	}
	plan->nr = kept;
	plan->bytes = bytes;
}

/* Hot pages go, as it is the fast tier that is slow. */
static void pick_balance(const struct snapshot *snapshot, const struct policy_survey *survey,
			 const struct pick *pick, uint64_t budget, struct plan *plan)
{
	struct search search = {
		.rank = pick->rank, .from = TIER_FAST, .hottest = true,
		.last_rank = pick->first_balanced,
		.want_bytes = bytes_min(pick->balance_bytes, bytes_min(budget, snapshot->wear_bytes)),
	};
	size_t i;

	search.max_bytes = search.want_bytes;
	if (search.want_bytes)
		append(snapshot, survey, &search, plan);
	for (i = 0; i < plan->nr; i++)
		plan->moves[i].reason = PLAN_BALANCE;
	choose_nodes(snapshot, plan);
}

void pick_pages(const struct snapshot *snapshot, const struct policy_survey *survey,
		const struct pick *pick, struct plan *plan)
{
	uint64_t budget = bytes_min(snapshot->budget_bytes, plan->max_moves * HEAT_BASE_BYTES);
	struct search demote = { .rank = pick->rank, .from = TIER_FAST };
	struct search promote = { .rank = pick->rank, .from = TIER_SLOW, .hottest = true,
				  .promote = true };
	struct amounts amounts = decide(snapshot, plan, survey, pick, budget);
	uint64_t forced = amounts.limit + amounts.watermark, demoted = 0;

	if (pick->balance_bytes && !forced) {
		pick_balance(snapshot, survey, pick, budget, plan);
		return;
	}
	demote.want_bytes = forced + amounts.swap;
	demote.max_bytes = bytes_min(budget, snapshot->wear_bytes);
	demote.last_rank = amounts.limit ? POLICY_NR_RANKS - 1 : pick->end_cold - 1;
	if (demote.want_bytes)
		demoted = append(snapshot, survey, &demote, plan);
	give_reasons(plan, &amounts);

	/* A huge page may have made more room than was wanted: use it. */
	promote.want_bytes = amounts.room + bytes_above(demoted, forced);
	promote.want_bytes = bytes_min(promote.want_bytes, budget - demoted);
	promote.max_bytes = promote.want_bytes;
	promote.last_rank = pick->first_hot;
	if (promote.want_bytes)
		append(snapshot, survey, &promote, plan);
	choose_nodes(snapshot, plan);
}
