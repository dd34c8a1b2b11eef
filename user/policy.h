/* SPDX-License-Identifier: GPL-2.0 */
/*
 * policy.h - pure functions: snapshot in, plan out
 */
#ifndef HEMEM_POLICY_H
#define HEMEM_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "heat.h"
#include "ledger.h"
#include "plan.h"
#include "tier.h"

struct bind_set;
struct pick;

/**
 * struct snapshot - all that a policy may look at
 * @turn: number of this plan
 * @heat: the pages
 * @tiers: the nodes with their free memory, as tier_step() gives them
 * @budget_bytes: most bytes that the plan may move; UINT64_MAX: no limit
 * @wear_bytes: most bytes of these that may be demoted; UINT64_MAX: no limit
 * @fast_limit_bytes: most bytes of the target on the fast tier; UINT64_MAX: no
 *	limit
 * @fast_min_bytes: fewest that the watermark may leave there
 * @lack_of_others: 0 .. 1; so much of what the watermark asks for other targets make free
 * @binds: where the target itself wants its pages to be; NULL: anywhere
 * @ledger: what moves have cost and brought so far
 */
struct snapshot {
	uint64_t turn;
	const struct heat *heat;
	const struct tier_set *tiers;
	uint64_t budget_bytes;
	uint64_t wear_bytes;
	uint64_t fast_limit_bytes;
	uint64_t fast_min_bytes;
	double lack_of_others;
	const struct bind_set *binds;
	const struct ledger *ledger;
};

/**
 * struct policy - one way to decide
 * @name: for --policy
 * @help: one line
 * @cools_spans: plans say when to halve what samples of single accesses have counted for 2
 *	MiB; else that is halved by the paper's rule
 * @rests: a page that has gone to and fro of late is left alone for a while, as one that was
 *	refused
 * @cut: say which ranks would be promoted and which would make room for them, as plan would
 *	decide; NULL: the policy moves nothing
 * @plan: fill an empty plan.  Makes no system call, reads no clock, allocates
 *	nothing and keeps nothing: the same snapshot gives the same plan.
 */
struct policy {
	const char *name;
	const char *help;
	bool cools_spans;
	bool rests;
	void (*cut)(const struct snapshot *snapshot, struct pick *ret_pick);
	void (*plan)(const struct snapshot *snapshot, struct plan *plan);
};

extern const struct policy policy_stay;
extern const struct policy policy_gain;
extern const struct policy policy_hemem;
extern const struct policy policy_lru;

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

/** policy_is_bound() - does the target want this page to stay on its tier? */
bool policy_is_bound(const struct snapshot *snapshot, const struct heat_page *page);

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

#define POLICY_MIN_TRUST	0.6	/* gain: with less, trials only; one failure is enough */

/** policy_rank() - where on that scale a page is; it is hot from POLICY_RANK_READS on */
unsigned int policy_rank(const struct heat_page *page);

/**
 * struct policy_survey - one walk over all pages
 * @bytes: bytes that may be planned, by tier and rank
 * @nr: pages that may be planned, by tier and rank
 * @all_bytes: bytes, planned or not, by tier and rank
 *
 * Pages that cannot move, that are bound, that are backing off or whose node is not known are
 * left out of the first two, those whose node is not known of all.
 */
struct policy_survey {
	uint64_t bytes[TIER_NR][POLICY_NR_RANKS];
	uint64_t nr[TIER_NR][POLICY_NR_RANKS];
	uint64_t all_bytes[TIER_NR][POLICY_NR_RANKS];
};

/**
 * policy_survey() - count all pages
 * @rank: the scale, 0 .. POLICY_NR_RANKS - 1
 * @plan: gets tier_bytes, bound_pages and backed_off_pages
 */
void policy_survey(const struct snapshot *snapshot,
		   unsigned int (*rank)(const struct heat_page *page), struct plan *plan,
		   struct policy_survey *ret_survey);

/** policy_show_hot() - fill in hot_bytes of @plan: those of rank @first_hot and above */
void policy_show_hot(const struct policy_survey *survey, unsigned int first_hot,
		     struct plan *plan);

/**
 * struct policy_walk - where a walk over all pages is; { 0 } at first
 * @rest: pages that are still to be given
 */
struct policy_walk {
	struct heat_walk heat;
	struct heat_page rest;
};

/**
 * policy_next() - heat_next(), and a single page where a page beside it may be bound
 *
 * Return: false at the end.
 */
bool policy_next(const struct snapshot *snapshot, struct policy_walk *walk,
		 struct heat_page *ret_page);

/**
 * policy_place() - may this page be planned, and where does it lie?
 * @ret_level: its tier; written whenever its node is known
 *
 * Return: true if policy_survey() counted it in @bytes and @nr.
 */
bool policy_place(const struct snapshot *snapshot, const struct heat_page *page,
		  enum tier_level *ret_level);

#endif /* HEMEM_POLICY_H */
