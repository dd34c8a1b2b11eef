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
 *  - A page that was refused is left alone for longer and longer.
 *  - The target can be held below a number of bytes on the fast tier.
 *  - Who gets how much of the budget, page cache and room: see pick.c.
 */
#include "pick.h"
#include "policy.h"

static void hemem_cut(const struct snapshot *snapshot, struct pick *ret_pick)
{
	(void)snapshot;
	*ret_pick = (struct pick){
		.rank = policy_rank, .first_hot = POLICY_RANK_READS,
		.end_cold = POLICY_RANK_READS, .max_swap_bytes = UINT64_MAX,
	};
}

static void hemem_plan(const struct snapshot *snapshot, struct plan *plan)
{
	struct policy_survey survey;
	struct pick pick;

	hemem_cut(snapshot, &pick);
	policy_survey(snapshot, policy_rank, plan, &survey);
	policy_show_hot(&survey, POLICY_RANK_READS, plan);
	plan->cool = heat_peak(snapshot->heat) >= POLICY_COOL_AT;
	pick_pages(snapshot, &survey, &pick, plan);
}

const struct policy policy_hemem = {
	.name = "hemem",
	.help = "the HeMem paper's rules: hot at 8 reads or 4 writes, written pages first",
	.cut = hemem_cut,
	.plan = hemem_plan,
};
