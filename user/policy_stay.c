// SPDX-License-Identifier: GPL-2.0
/*
 * policy_stay.c - moves nothing
 *
 * The baseline that every other policy has to beat, and a way to look at a
 * program without touching its memory: heat is kept and cooled as by the policy
 * hemem, so hot and cold bytes by tier are reported.
 */
#include "policy.h"

static void stay_plan(const struct snapshot *snapshot, struct plan *plan)
{
	struct policy_survey survey;

	policy_survey(snapshot, policy_rank, plan, &survey);
	policy_show_hot(&survey, POLICY_RANK_READS, plan);
	plan->cool = heat_peak(snapshot->heat) >= POLICY_COOL_AT;
}

const struct policy policy_stay = {
	.name = "stay",
	.help = "move nothing, only watch",
	.plan = stay_plan,
};
