// SPDX-License-Identifier: GPL-2.0
/*
 * policy_lru.c - what was accessed last is on the fast tier
 *
 * For comparison: what a cache would do.  All heat is halved at each plan, so that it tells
 * when a page was accessed rather than how often; every page that has any comes to the fast
 * tier, in place of those that have none left.
 */
#include "pick.h"
#include "policy.h"

static unsigned int lru_rank(const struct heat_page *page)
{
	return page->reads + page->writes;
}

static void lru_cut(const struct snapshot *snapshot, struct pick *ret_pick)
{
	(void)snapshot;
	*ret_pick = (struct pick){
		.rank = lru_rank, .first_hot = 1, .end_cold = 1, .max_swap_bytes = UINT64_MAX,
	};
}

static void lru_plan(const struct snapshot *snapshot, struct plan *plan)
{
	struct policy_survey survey;
	struct pick pick;

	lru_cut(snapshot, &pick);
	policy_survey(snapshot, lru_rank, plan, &survey);
	policy_show_hot(&survey, 1, plan);
	plan->cool = true;
	plan->cool_spans = 1;
	pick_pages(snapshot, &survey, &pick, plan);
}

const struct policy policy_lru = {
	.name = "lru",
	.help = "what was accessed last is fast, as in a cache; for comparison",
	.cools_spans = true,
	.cut = lru_cut,
	.plan = lru_plan,
};
