// SPDX-License-Identifier: GPL-2.0
/*
 * policy_hemem.c - the rules of the HeMem paper
 *
 * A page is hot at 8 loads or 4 stores; all heat is halved when a page reaches
 * 18 of a kind; hot pages go to the fast tier, written ones first; cold pages
 * leave it to make room, coldest first; some room is kept free for new memory.
 *
 * Where it differs from the paper's program:
 *  - Halving counts for loads and stores of every page alike (heat.c).
 *  - It halves at most once a plan, however fast one page collects samples.
 *  - Promotions and demotions share the budget.  While hot pages wait, demotions
 *    that only make room for later get at most half of it.
 *  - A page that was refused is left alone for longer and longer.
 *  - The target can be held below a number of bytes on the fast tier.
 *  - Hot pages take the place of idle page cache before that of cold pages (tier.c).
 *  - Page cache may take the room that demotions make for new memory.  So the
 *    target makes way only while it has more cold bytes on the fast tier than there
 *    is page cache.  The cold pages that stay are what hot ones are swapped for when no
 *    cache is idle.
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
#include "bytes.h"
#include "policy.h"

/** struct amounts - bytes to move, and why */
struct amounts {
	uint64_t limit;		/* demote: the target is above its limit */
	uint64_t watermark;	/* demote: for new allocations */
	uint64_t swap;		/* demote: to make room for as much promotion */
	uint64_t room;		/* promote: into room that is there already */
};

/**
 * struct pick - a search for pages of one tier
 * @from: the tier
 * @promote: hottest first, hot ones only; else coldest first
 * @last_rank: last rank to take pages of
 * @want_bytes: stop when this much is found ...
 * @max_bytes: ... and never take more than this
 */
struct pick {
	enum tier_level from;
	bool promote;
	unsigned int last_rank;
	uint64_t want_bytes;
	uint64_t max_bytes;
};

static uint64_t sum(const uint64_t *bytes, unsigned int first, unsigned int end)
{
	uint64_t total = 0;

	for (; first < end; first++)
		total += bytes[first];
	return total;
}

static uint64_t tier_lack(const struct tier_set *tiers, enum tier_level level)
{
	uint64_t lack = 0;
	unsigned int i;

	for (i = 0; i < tiers->nr_nodes; i++)
		if (tiers->nodes[i].level == level)
			lack += bytes_above(tiers->nodes[i].watermark_bytes, tiers->nodes[i].free_bytes);
	return lack;
}

static struct amounts decide(const struct snapshot *snapshot, const struct plan *plan,
			     const struct policy_survey *survey, uint64_t budget)
{
	const uint64_t *fast = survey->bytes[TIER_FAST], *slow = survey->bytes[TIER_SLOW];
	uint64_t cold = sum(fast, 0, POLICY_RANK_READS);
	uint64_t hot = sum(slow, POLICY_RANK_READS, POLICY_NR_RANKS);
	uint64_t on_fast = plan->tier_bytes[TIER_FAST], limit = snapshot->fast_limit_bytes;
	uint64_t cache = tier_cache_bytes(snapshot->tiers, TIER_FAST);
	uint64_t rest = budget, half = hot ? rest / 2 : rest;
	struct amounts amounts;

	amounts.limit = bytes_min(bytes_above(on_fast, limit), half);
	amounts.watermark = bytes_above(tier_lack(snapshot->tiers, TIER_FAST), amounts.limit);
	amounts.watermark = bytes_min(amounts.watermark, half - amounts.limit);
	amounts.watermark = bytes_min(amounts.watermark, bytes_above(cold, amounts.limit + cache) / 2);
	rest -= amounts.limit + amounts.watermark;

	amounts.room = bytes_min(tier_room_bytes(snapshot->tiers, TIER_FAST), bytes_above(limit, on_fast));
	amounts.room = bytes_min(bytes_min(amounts.room, hot), rest);
	rest -= amounts.room;

	amounts.swap = bytes_min(hot - amounts.room, rest / 2);
	amounts.swap = bytes_min(amounts.swap, bytes_above(cold, amounts.limit + amounts.watermark));
	return amounts;
}

/*
 * The node of @level with the most room for one more page of @bytes, or
 * TIER_NO_NODE.  @room is what is left of each node in this plan.
 */
static unsigned int roomiest(const struct tier_set *tiers, enum tier_level level,
			     const uint64_t *room, uint64_t bytes)
{
	unsigned int i, best = TIER_NO_NODE;

	for (i = 0; i < tiers->nr_nodes; i++) {
		if (tiers->nodes[i].level != level || room[i] < bytes)
			continue;
		if (best == TIER_NO_NODE || room[i] > room[best])
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
static unsigned int place_ranks(const struct pick *pick, const struct policy_survey *survey,
				size_t first_place, size_t max_places, size_t *places,
				uint64_t *ret_before)
{
	unsigned int rank = pick->promote ? POLICY_NR_RANKS - 1 : 0;
	uint64_t bytes = 0;
	size_t place = first_place;

	for (;; rank += pick->promote ? -1 : 1) {
		places[rank] = place;
		*ret_before = bytes;
		bytes += survey->bytes[pick->from][rank];
		place += survey->nr[pick->from][rank];
		if (bytes >= pick->want_bytes || place > max_places || rank == pick->last_rank)
			return rank;
	}
}

static enum plan_reason promotion_reason(unsigned int rank)
{
	return rank >= POLICY_RANK_WRITES ? PLAN_HOT_WRITES : PLAN_HOT_READS;
}

/*
 * Append pages to the plan in the order of their ranks, without sorting: the
 * survey has told how many there are of each rank.
 *
 * Return: bytes appended.
 */
static uint64_t pick_pages(const struct snapshot *snapshot, const struct policy_survey *survey,
			   const struct pick *pick, struct plan *plan)
{
	size_t places[POLICY_NR_RANKS], pos = 0;
	uint64_t before, cut_bytes = 0;
	unsigned int rank, cut;
	enum tier_level level;
	struct heat_page page;

	cut = place_ranks(pick, survey, plan->nr, plan->max_moves, places, &before);
	while (heat_next(snapshot->heat, &pos, &page)) {
		if (!policy_place(snapshot, &page, &level) || level != pick->from)
			continue;
		rank = policy_rank(&page);
		if (pick->promote ? rank < cut : rank > cut)
			continue;
		if (rank == cut) {
			if (before + cut_bytes >= pick->want_bytes ||
			    before + cut_bytes + page.bytes > pick->max_bytes ||
			    places[rank] >= plan->max_moves)
				continue;
			cut_bytes += page.bytes;
		}
		plan->moves[places[rank]++] = (struct plan_move){
			.addr = page.addr, .bytes = page.bytes, .from = page.node,
			.reason = pick->promote ? promotion_reason(rank) : PLAN_SWAP,
		};
	}
	plan->nr = places[cut];
	plan->bytes += before + cut_bytes;
	return before + cut_bytes;
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
		move.to = roomiest(tiers, plan_promotes(&move) ? TIER_FAST : TIER_SLOW, room,
				   move.bytes);
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

static void hemem_plan(const struct snapshot *snapshot, struct plan *plan)
{
	struct policy_survey survey;
	struct amounts amounts;
	struct pick demote = { .from = TIER_FAST }, promote = { .from = TIER_SLOW, .promote = true };
	uint64_t budget = bytes_min(snapshot->budget_bytes, plan->max_moves * HEAT_BASE_BYTES);
	uint64_t forced, demoted = 0;

	policy_survey(snapshot, plan, &survey);
	plan->cool = heat_peak(snapshot->heat) >= POLICY_COOL_AT;
	amounts = decide(snapshot, plan, &survey, budget);
	forced = amounts.limit + amounts.watermark;

	demote.want_bytes = forced + amounts.swap;
	demote.max_bytes = budget;
	demote.last_rank = amounts.limit ? POLICY_NR_RANKS - 1 : POLICY_RANK_READS - 1;
	if (demote.want_bytes)
		demoted = pick_pages(snapshot, &survey, &demote, plan);
	give_reasons(plan, &amounts);

	/* A huge page may have made more room than was wanted: use it. */
	promote.want_bytes = amounts.room + bytes_above(demoted, forced);
	promote.want_bytes = bytes_min(promote.want_bytes, budget - demoted);
	promote.max_bytes = promote.want_bytes;
	promote.last_rank = POLICY_RANK_READS;
	if (promote.want_bytes)
		pick_pages(snapshot, &survey, &promote, plan);
	choose_nodes(snapshot, plan);
}

const struct policy policy_hemem = {
	.name = "hemem",
	.help = "the HeMem paper's rules: hot at 8 reads or 4 writes, written pages first",
	.plan = hemem_plan,
};
