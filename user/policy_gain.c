// SPDX-License-Identifier: GPL-2.0
/*
 * policy_gain.c - a page moves when that is expected to pay
 *
 * No threshold is set.  Everything is compared in ns:
 *
 *   worth of a page    samples * accesses a sample stands for * ns saved an access * horizon
 *   cost of a move     as measured (ledger.c)
 *
 * The horizon says how much longer than the samples were collected the page will be as hot:
 * as long as the target has been alike, as things go on for about as long as they have
 * gone on already (Lindy), and half a second to begin with.  So at first only what pays soon
 * is moved, and later finer differences.
 *
 * Into room that is free go the hottest pages of the slow tier whose worth is above their
 * cost.  Then pages are swapped, the hottest of the slow tier for the coldest of the fast
 * one, as long as
 *
 *   worth of the one - worth of the other > cost of both moves, and
 *   the difference of their samples is not chance: above 3 standard deviations, 2 of
 *   accessed bits.
 *
 * So the cut between hot and cold comes from the size of the fast tier.  What keeps
 * it from doing harm:
 *
 *  - Worth is multiplied by trust, the share of what moves promised that came true.  When
 *    it is below POLICY_MIN_TRUST, as where pages are hot for a moment only (a scan), nothing
 *    is moved: plans are trials, of which the ledger sees what would have come, until they
 *    are right again.
 *  - Trust is also the credit: so much of the fast tier may be exchanged before it is known
 *    what that brought.
 *  - Chance: where all pages are alike, nearly no pair differs by 3 deviations.
 *  - Latencies are those that samples tell.  When the fast tier is the slower one, under
 *    load, nothing is saved there (Colloid, SOSP 2024), and nothing is promoted.  Then it is
 *    the slow tier that saves, and the hottest pages are demoted, by the same comparison of worth
 *    and cost.  Each one that goes takes load off the tier, so it is done in steps of a small part
 *    of its accesses, smaller as the tiers come to be alike; within a tenth of that nothing moves.
 *  - A page that goes to and fro is left alone for longer and longer.
 *
 * Counts are halved when their mean is MEAN_RANK: more is not needed to tell pages apart.  When
 * the fast tier serves much less than it did, all counts are old, and are made an eighth.
 *
 * Example: a load in 401 is sampled, 224 ns are saved by each on the fast tier: 90 us a
 * sample.  To swap two huge pages costs 2.4 ms, 27 samples; after 1 s
 * without change and with 100 ms of memory, where the horizon is 15, 2 samples; but chance asks
 * for 10 against 0.
 */
#include <math.h>

#include "bytes.h"
#include "ledger.h"
#include "pick.h"
#include "policy.h"

#define SIGMA		3
#define SIGMA_BITS	2	/* an accessed bit is 0 or 1, which varies less than a count */
#define MAX_HORIZON	64
#define MIN_STABLE_NS	5e8	/* what one begins with, and after a shift */
#define MEAN_RANK	24	/* samples; a hot set of a tenth has 9 times as many, as they fit */
#define OWN_EVERY	16	/* halvings of 2 MiB to one of the pages' own counts */
#define SHIFT_HALVINGS	3
#define PAIR_BYTES	(2 * HEAT_HUGE_BYTES)
#define ALIKE		0.1	/* latencies that differ by less are alike; Colloid has 0.05 */
#define BALANCE_STEP	16	/* in each plan, the part by which latencies differ over this */
#define TRIAL_SHARE	0.125	/* of the fast tier */

/** struct view - one plan's arithmetic */
struct view {
	const struct snapshot *snapshot;
	const struct ledger_facts *facts;
	const struct policy_survey *survey;
	bool by_span;
	double sample_ns;	/* worth of one sample */
};

static unsigned int gain_rank(const struct heat_page *page)
{
	return page->reads + 2U * page->writes;
}

static double horizon(const struct ledger_facts *facts)
{
	double times = facts->memory_ns > 0 ?
		       (facts->stable_ns + MIN_STABLE_NS) / facts->memory_ns : 1;

	return times < 1 ? 1 : times > MAX_HORIZON ? MAX_HORIZON : times;
}

/* Worth of all pages of a rank, in ns. */
static double worth(const struct view *view, enum tier_level level, unsigned int rank)
{
	double bytes = (double)view->survey->bytes[level][rank];
	double pages = (double)view->survey->nr[level][rank];

	return rank * view->sample_ns * (view->by_span ? bytes / HEAT_HUGE_BYTES : pages);
}

static double cost(const struct view *view, enum tier_level level, unsigned int rank)
{
	return (double)view->survey->nr[level][rank] * view->facts->cost.move_page_ns +
	       (double)view->survey->bytes[level][rank] * view->facts->cost.move_byte_ns;
}

/* Is a page of this rank worth a move of its own? */
static bool pays(const struct view *view, enum tier_level level, unsigned int rank)
{
	return worth(view, level, rank) > cost(view, level, rank);
}

static bool swap_pays(const struct view *view, unsigned int hot, unsigned int cold)
{
	double hot_bytes = (double)view->survey->bytes[TIER_SLOW][hot];
	double cold_bytes = (double)view->survey->bytes[TIER_FAST][cold];

	if (hot <= cold || hot - cold <= (view->by_span ? SIGMA : SIGMA_BITS) * sqrt(hot + cold))
		return false;
	return worth(view, TIER_SLOW, hot) / hot_bytes - worth(view, TIER_FAST, cold) / cold_bytes >
	       cost(view, TIER_SLOW, hot) / hot_bytes + cost(view, TIER_FAST, cold) / cold_bytes;
}

/* The lowest rank from which on, up to the highest, pages of the slow tier pay. */
static unsigned int first_that_pays(const struct view *view)
{
	unsigned int rank = POLICY_NR_RANKS;

	while (rank > 1 && (!view->survey->bytes[TIER_SLOW][rank - 1] ||
			    pays(view, TIER_SLOW, rank - 1)))
		rank--;
	return rank;
}

/* The first rank, from 1 on, that is worth being kept on the fast tier. */
static unsigned int first_kept(const struct view *view)
{
	unsigned int rank = 1;

	while (rank < POLICY_NR_RANKS && (!view->survey->bytes[TIER_FAST][rank] ||
					  !pays(view, TIER_FAST, rank)))
		rank++;
	return rank;
}

/*
 * Pair the hottest pages of the slow tier, behind @room bytes that need no partner, with
 * the coldest of the fast one, until a pair does not pay.
 */
static void pair(const struct view *view, uint64_t room, struct pick *pick)
{
	const uint64_t *slow = view->survey->bytes[TIER_SLOW];
	const uint64_t *fast = view->survey->bytes[TIER_FAST];
	unsigned int hot = POLICY_NR_RANKS - 1, cold = 0;
	uint64_t hot_left = slow[hot], cold_left = fast[cold], bytes;

	pick->max_swap_bytes = 0;
	while (hot > cold) {
		bytes = bytes_min(hot_left, room);
		hot_left -= bytes;
		room -= bytes;
		if (!hot_left) {
			hot_left = slow[--hot];
		} else if (!cold_left) {
			cold_left = fast[++cold];
		} else if (!swap_pays(view, hot, cold)) {
			return;
		} else {
			bytes = bytes_min(hot_left, cold_left);
			hot_left -= bytes;
			cold_left -= bytes;
			pick->max_swap_bytes += bytes;
			pick->first_hot = hot < pick->first_hot ? hot : pick->first_hot;
			pick->end_cold = cold >= pick->end_cold ? cold + 1 : pick->end_cold;
		}
	}
}

/* @part of the bytes of a rank, all if that is 1 or more; at least a huge page. */
static uint64_t bytes_of_part(uint64_t bytes, double part)
{
	double some = part < 1 ? (double)bytes * part : (double)bytes;

	return some < HEAT_HUGE_BYTES ? bytes_min(HEAT_HUGE_BYTES, bytes) : (uint64_t)some;
}

/*
 * While the fast tier is the slower one: hottest pages first, as each byte of these takes most
 * load along, down to those that do not pay.
 */
static void balance(const struct view *view, struct pick *pick)
{
	const double *load_ns = view->facts->cost.load_ns;
	double part = 1 - load_ns[TIER_SLOW] / load_ns[TIER_FAST], all = 0, taken = 0, of_rank;
	unsigned int rank;

	if (!(view->sample_ns < 0))
		return;
	for (rank = 1; rank < POLICY_NR_RANKS; rank++)
		all -= worth(view, TIER_FAST, rank);
	for (rank = POLICY_NR_RANKS - 1; rank && taken < all * part / BALANCE_STEP; rank--) {
		of_rank = -worth(view, TIER_FAST, rank);
		if (!(of_rank > cost(view, TIER_FAST, rank)))
			continue;
		pick->first_balanced = rank;
		pick->balance_bytes += bytes_of_part(view->survey->bytes[TIER_FAST][rank],
						     (all * part / BALANCE_STEP - taken) / of_rank);
		taken += of_rank;
	}
}

static struct pick decide(const struct view *view, const struct plan *plan)
{
	const struct snapshot *snapshot = view->snapshot;
	struct pick pick = {
		.rank = gain_rank, .first_hot = first_that_pays(view), .end_cold = first_kept(view),
	};
	uint64_t room = bytes_above(snapshot->fast_limit_bytes, plan->tier_bytes[TIER_FAST]);

	room = bytes_min(room, tier_room_bytes(snapshot->tiers, TIER_FAST));
	pair(view, room, &pick);
	balance(view, &pick);
	return pick;
}

/* What the fast tier has place for of the target is hot, the most accessed first. */
static unsigned int hot_cut(const struct view *view, const struct plan *plan)
{
	uint64_t place = plan->tier_bytes[TIER_FAST] +
			 tier_room_bytes(view->snapshot->tiers, TIER_FAST), bytes = 0;
	unsigned int rank = POLICY_NR_RANKS;

	place = bytes_min(place, view->snapshot->fast_limit_bytes);
	while (rank > 1) {
		bytes += view->survey->all_bytes[TIER_FAST][rank - 1] +
			 view->survey->all_bytes[TIER_SLOW][rank - 1];
		if (bytes > place)
			break;
		rank--;
	}
	return rank;
}

/* Mean rank of the bytes that have one. */
static double mean_rank(const struct policy_survey *survey)
{
	double sum = 0, bytes = 0;
	unsigned int rank;

	for (rank = 1; rank < POLICY_NR_RANKS; rank++) {
		bytes += (double)(survey->all_bytes[TIER_FAST][rank] +
				  survey->all_bytes[TIER_SLOW][rank]);
		sum += rank * (double)(survey->all_bytes[TIER_FAST][rank] +
				       survey->all_bytes[TIER_SLOW][rank]);
	}
	return bytes > 0 ? sum / bytes : 0;
}

static void cool(const struct view *view, struct plan *plan)
{
	const struct ledger_facts *facts = view->facts;
	double mean = mean_rank(view->survey);

	if (!view->by_span) {
		plan->cool = facts->has_shifted ||
			     heat_peak(view->snapshot->heat) >= POLICY_COOL_AT;
		return;
	}
	for (; mean >= MEAN_RANK; mean /= 2)
		plan->cool_spans++;
	if (facts->has_shifted && plan->cool_spans < SHIFT_HALVINGS)
		plan->cool_spans = SHIFT_HALVINGS;
	plan->cool = facts->has_shifted ||
		     facts->nr_halvings % OWN_EVERY + plan->cool_spans >= OWN_EVERY;
}

/*
 * Bytes that may move although it is not known yet if the moves before were right: with full
 * trust all of the fast tier in exchange for others.
 */
static uint64_t credit(const struct view *view, const struct plan *plan)
{
	uint64_t place = plan->tier_bytes[TIER_FAST] +
			 tier_room_bytes(view->snapshot->tiers, TIER_FAST);
	double share = plan->is_trial ? TRIAL_SHARE : view->facts->trust;
	uint64_t most = (uint64_t)(2 * share * (double)place);

	most = most < PAIR_BYTES ? PAIR_BYTES : most;
	return bytes_above(most, view->facts->probation_bytes);
}

/*
 * Without trust nothing is promoted; the limit and the watermark are kept all the same.
 *
 * Return: true if there was something to demote, which is in the plan.
 */
static bool do_duties(const struct view *view, struct plan *plan)
{
	const struct pick duties = {
		.rank = gain_rank, .first_hot = POLICY_NR_RANKS, .end_cold = first_kept(view),
	};

	plan->is_trial = false;
	pick_pages(view->snapshot, view->survey, &duties, plan);
	plan->is_trial = !plan->nr;
	return plan->nr;
}

/*
 * What a load saves.  Near where both tiers are alike a page that moves changes that by more than
 * it would save, and would come back.
 */
static double saved_ns(const struct ledger_facts *facts)
{
	double saved = cost_saved(&facts->cost, false);

	return fabs(saved) < ALIKE * facts->cost.load_ns[TIER_SLOW] ? 0 : saved;
}

static struct view view_of(const struct snapshot *snapshot)
{
	const struct ledger_facts *facts = ledger_facts(snapshot->ledger);

	return (struct view){
		.snapshot = snapshot, .facts = facts,
		.by_span = heat_is_by_span(snapshot->heat),
		.sample_ns = facts->access_per_sample * saved_ns(facts) *
			     horizon(facts) * (facts->trust < POLICY_MIN_TRUST ? 1 : facts->trust),
	};
}

static void gain_cut(const struct snapshot *snapshot, struct pick *ret_pick)
{
	struct policy_survey survey;
	struct plan plan = { 0 };
	struct view view = view_of(snapshot);

	policy_survey(snapshot, gain_rank, &plan, &survey);
	view.survey = &survey;
	*ret_pick = decide(&view, &plan);
}

static void gain_plan(const struct snapshot *snapshot, struct plan *plan)
{
	struct snapshot trusted = *snapshot;
	struct policy_survey survey;
	struct view view = view_of(snapshot);
	struct pick pick;

	policy_survey(snapshot, gain_rank, plan, &survey);
	view.survey = &survey;
	policy_show_hot(&survey, hot_cut(&view, plan), plan);
	cool(&view, plan);
	if (view.facts->has_shifted)
		return;		/* what is known now is of before */
	plan->is_trial = view.facts->trust < POLICY_MIN_TRUST;
	if (plan->is_trial && do_duties(&view, plan))
		return;
	pick = decide(&view, plan);
	trusted.budget_bytes = bytes_min(snapshot->budget_bytes, credit(&view, plan));
	pick_pages(&trusted, &survey, &pick, plan);
}

const struct policy policy_gain = {
	.name = "gain",
	.help = "move a page when that is expected to pay, as measured; nothing has to be set",
	.cools_spans = true,
	.rests = true,
	.cut = gain_cut,
	.plan = gain_plan,
};
