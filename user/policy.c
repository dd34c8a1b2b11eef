// SPDX-License-Identifier: GPL-2.0
/*
 * policy.c - the table of policies, and what they share
 *
 * Owns the scale of heat, the survey of all pages and the rule of backing
 * off.  How much moves, and which, is each policy's own.
 */
#include <string.h>

#include "bind.h"
#include "policy.h"

const struct policy *const policy_table[] = {
	&policy_gain,
	&policy_hemem,
	&policy_lru,
	&policy_stay,
	NULL,
};

const struct policy *policy_find(const char *name)
{
	const struct policy *const *policy;

	if (!strcmp(name, "auto"))
		return policy_table[0];
	for (policy = policy_table; *policy; policy++)
		if (!strcmp(name, (*policy)->name))
			return *policy;
	return NULL;
}

/*
 * Needs no memory of when the page was refused: its address names one of
 * 2^(2n-1) turns, and it waits for that one.  Which one changes from round to
 * round, as a page must not meet the same periodic obstacle each time.
 */
bool policy_backs_off(const struct heat_page *page, uint64_t turn)
{
	unsigned int shift = 2 * page->refused - 1;
	uint64_t own_turn;

	if (!page->refused)
		return false;
	if (page->refused == HEAT_NEVER)
		return true;
	own_turn = (page->addr / HEAT_BASE_BYTES + (turn >> shift)) * 0x9e3779b97f4a7c15ULL;
	return own_turn >> (64 - shift) != (turn & ((1ULL << shift) - 1));
}

unsigned int policy_rank(const struct heat_page *page)
{
	if (page->writes >= POLICY_HOT_WRITES)
		return POLICY_RANK_WRITES + page->writes;
	if (page->reads >= POLICY_HOT_READS)
		return POLICY_RANK_READS + page->reads;
	return page->reads + 2 * page->writes;
}

static bool has_binds(const struct bind_set *binds)
{
	return binds && (binds->nr || binds->allowed != BIND_ALL);
}

bool policy_is_bound(const struct snapshot *snapshot, const struct heat_page *page)
{
	const struct tier_node *nodes = snapshot->tiers->nodes;
	const struct bind_set *binds = snapshot->binds;
	uint16_t allowed;
	unsigned int i;

	if (!has_binds(binds))
		return false;
	allowed = bind_nodes(binds, page->addr);
	for (i = 0; i < snapshot->tiers->nr_nodes; i++)
		if (allowed >> i & 1 && nodes[i].level < TIER_NR &&
		    nodes[i].level != nodes[page->node].level)
			return false;
	return true;
}

bool policy_next(const struct snapshot *snapshot, struct policy_walk *walk,
		 struct heat_page *ret_page)
{
	if (!walk->rest.nr && !heat_next(snapshot->heat, &walk->heat, &walk->rest))
		return false;
	*ret_page = walk->rest;
	walk->rest.nr = 0;
	if (ret_page->nr > 1 && has_binds(snapshot->binds)) {
		walk->rest = *ret_page;
		walk->rest.addr += walk->rest.bytes;
		walk->rest.nr--;
		ret_page->nr = 1;
	}
	return true;
}

bool policy_place(const struct snapshot *snapshot, const struct heat_page *page,
		  enum tier_level *ret_level)
{
	if (page->node >= snapshot->tiers->nr_nodes)
		return false;
	*ret_level = snapshot->tiers->nodes[page->node].level;
	return *ret_level < TIER_NR && !policy_backs_off(page, snapshot->turn) && !policy_is_bound(snapshot, page);
}

void policy_survey(const struct snapshot *snapshot,
		   unsigned int (*rank_of)(const struct heat_page *page), struct plan *plan,
		   struct policy_survey *ret_survey)
{
	struct heat_page page;
	enum tier_level level;
	unsigned int rank;
	struct policy_walk walk = { 0 };

	memset(ret_survey, 0, sizeof(*ret_survey));
	while (policy_next(snapshot, &walk, &page)) {
		if (page.node >= snapshot->tiers->nr_nodes)
			continue;
		level = snapshot->tiers->nodes[page.node].level;
		if (level >= TIER_NR)
			continue;
		rank = rank_of(&page);
		if (policy_is_bound(snapshot, &page)) {
			plan->bound_pages++;
		} else if (policy_backs_off(&page, snapshot->turn)) {
			plan->backed_off_pages++;
		} else {
			ret_survey->bytes[level][rank] += page.nr * page.bytes;
			ret_survey->nr[level][rank] += page.nr;
		}
		ret_survey->all_bytes[level][rank] += page.nr * page.bytes;
		plan->tier_bytes[level] += page.nr * page.bytes;
	}
}

void policy_show_hot(const struct policy_survey *survey, unsigned int first_hot, struct plan *plan)
{
	unsigned int level, rank;

	for (level = 0; level < TIER_NR; level++)
		for (rank = first_hot; rank < POLICY_NR_RANKS; rank++)
			plan->hot_bytes[level] += survey->all_bytes[level][rank];
}
