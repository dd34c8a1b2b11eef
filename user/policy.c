// SPDX-License-Identifier: GPL-2.0
/*
 * policy.c - the table of policies, and what they share
 *
 * Owns the scale of heat, the survey of all pages and the rule of backing
 * off.  How much moves, and which, is each policy's own.
 */
#include <string.h>

#include "policy.h"

const struct policy *const policy_table[] = {
	&policy_hemem,
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

bool policy_place(const struct snapshot *snapshot, const struct heat_page *page,
		  enum tier_level *ret_level)
{
	if (page->node >= snapshot->tiers->nr_nodes)
		return false;
	*ret_level = snapshot->tiers->nodes[page->node].level;
	return !policy_backs_off(page, snapshot->turn);
}

void policy_survey(const struct snapshot *snapshot, struct plan *plan,
		   struct policy_survey *ret_survey)
{
	struct heat_page page;
	enum tier_level level;
	unsigned int rank;
	size_t pos = 0;

	memset(ret_survey, 0, sizeof(*ret_survey));
	while (heat_next(snapshot->heat, &pos, &page)) {
		if (page.node >= snapshot->tiers->nr_nodes)
			continue;
		rank = policy_rank(&page);
		if (policy_place(snapshot, &page, &level)) {
			ret_survey->bytes[level][rank] += page.bytes;
			ret_survey->nr[level][rank]++;
		}
		plan->backed_off_pages += page.refused && policy_backs_off(&page, snapshot->turn);
		plan->tier_bytes[level] += page.bytes;
		if (rank >= POLICY_RANK_READS)
			plan->hot_bytes[level] += page.bytes;
	}
}
