/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pick.h - from ranks to a plan: how much moves, and which pages
 */
#ifndef HEMEM_PICK_H
#define HEMEM_PICK_H

#include <stdint.h>

#include "policy.h"

/**
 * struct pick - what a policy has decided of ranks
 * @rank: the scale; the one that the survey was made with
 * @first_hot: pages of this rank or above may be promoted ...
 * @end_cold: ... and pages below this one demoted to make room
 * @max_swap_bytes: most bytes to demote for promotions of the same plan
 * @balance_bytes: demote so many bytes of the hottest, down to ...
 * @first_balanced: ... this rank; nothing is promoted then
 */
struct pick {
	unsigned int (*rank)(const struct heat_page *page);
	unsigned int first_hot;
	unsigned int end_cold;
	uint64_t max_swap_bytes;
	uint64_t balance_bytes;
	unsigned int first_balanced;
};

/**
 * pick_pages() - fill the plan
 * @snapshot: what the policy sees
 * @survey: by policy_survey(), of this snapshot
 * @pick: what was decided
 * @plan: empty, but for what policy_survey() has put there
 *
 * Demotes what is above the limit, and for the watermark; promotes the hottest pages into the
 * room that there is, and swaps others for the coldest ones.  All of it within the budget.
 */
void pick_pages(const struct snapshot *snapshot, const struct policy_survey *survey,
		const struct pick *pick, struct plan *plan);

/** pick_sum() - sum of ranks [@first, @end) */
uint64_t pick_sum(const uint64_t *by_rank, unsigned int first, unsigned int end);

#endif /* HEMEM_PICK_H */
