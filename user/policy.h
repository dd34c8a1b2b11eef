/* SPDX-License-Identifier: GPL-2.0 */
/*
 * policy.h - pure functions: snapshot in, plan out
 */
#ifndef HEMEM_POLICY_H
#define HEMEM_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "heat.h"
#include "plan.h"
#include "tier.h"

/**
 * struct snapshot - all that a policy may look at
 * @turn: number of this plan
 * @heat: the pages
 * @tiers: the nodes with their free memory
 * @budget_bytes: most bytes that the plan may move; UINT64_MAX: no limit
 * @fast_limit_bytes: most bytes of the target on the fast tier; UINT64_MAX: no
 *	limit
 */
struct snapshot {
	uint64_t turn;
	const struct heat *heat;
	const struct tier_set *tiers;
	uint64_t budget_bytes;
	uint64_t fast_limit_bytes;
};

/**
 * struct policy - one way to decide
 * @name: for --policy
 * @help: one line
 * @plan: fill an empty plan.  Makes no system call, reads no clock, allocates
 *	nothing and keeps nothing: the same snapshot gives the same plan.
 */
struct policy {
	const char *name;
	const char *help;
	void (*plan)(const struct snapshot *snapshot, struct plan *plan);
};

extern const struct policy policy_stay;
extern const struct policy policy_hemem;

/** policy_table - all of them, NULL at the end; the first is the default */
extern const struct policy *const policy_table[];

/** policy_find() - by name; "auto" is the default one; NULL: no such policy */
const struct policy *policy_find(const char *name);

/**
 * policy_backs_off() - is this page to be left alone in this plan?
 * @page: the page
 * @turn: number of the plan
 *
 * A page that was refused n times in a row is tried in one of 2^(2n-1) plans on
 * average: 2, 8, 32, .. 2048.  Which ones depends on its address, so that the
 * refused pages of one moment do not come back together.
 */
bool policy_backs_off(const struct heat_page *page, uint64_t turn);

/*
 * One scale for all pages, coldest first.  The paper's rules make it: a page is
 * hot at 4 writes or 8 reads, and hot by writes comes before hot by reads.
 *
 *      0 ..  13   cold: reads + 2 * writes
 *    264 .. 511   hot by reads: 256 + reads
 *    516 .. 767   hot by writes: 512 + writes
 */
#define POLICY_HOT_READS	8	/* samples; paper, figure of hot thresholds */
#define POLICY_HOT_WRITES	4
#define POLICY_COOL_AT		18	/* samples of one kind of any page; paper */
#define POLICY_RANK_READS	256
#define POLICY_RANK_WRITES	512
#define POLICY_NR_RANKS		768

/** policy_rank() - where on that scale a page is; it is hot from POLICY_RANK_READS on */
unsigned int policy_rank(const struct heat_page *page);

/**
 * struct policy_survey - one walk over all pages
 * @bytes: bytes that may be planned, by tier and rank
 * @nr: pages that may be planned, by tier and rank
 *
 * Pages that cannot move, that are backing off or whose node is not known are
 * left out.
 */
struct policy_survey {
	uint64_t bytes[TIER_NR][POLICY_NR_RANKS];
	uint64_t nr[TIER_NR][POLICY_NR_RANKS];
};

/** policy_survey() - fill @ret_survey, and tier_bytes, hot_bytes, backed_off_pages of @plan */
void policy_survey(const struct snapshot *snapshot, struct plan *plan,
		   struct policy_survey *ret_survey);

/**
 * policy_place() - may this page be planned, and where does it lie?
 * @ret_level: its tier; written whenever its node is known
 *
 * Return: true if policy_survey() counted it in @bytes and @nr.
 */
bool policy_place(const struct snapshot *snapshot, const struct heat_page *page,
		  enum tier_level *ret_level);

#endif /* HEMEM_POLICY_H */
