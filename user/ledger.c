// SPDX-License-Identifier: GPL-2.0
/*
 * ledger.c - what moves have cost and brought so far, and how long the target has been alike
 *
 * Owns what must be remembered so that policies need not: they are pure functions, and this
 * is part of what they see.
 *
 * Trust.  A page is promoted because it has been accessed: its count promises what it will
 * be.  Some moves are put on probation: a while later the count has grown by
 * as much as it promised, or by less.  Trust is the share that came true, of promotions less
 * demotions, so it is what was gained against leaving these pages where they were; demotions
 * that only made room promised nothing, and do not count:
 *
 *   promised    promoted pages 100, demoted 4     96
 *   came true   promoted pages  98, demoted 3     95    trust towards 0.99: a hot set
 *   came true   promoted pages   2, demoted 5     -3    trust towards 0: a scan went on
 *
 * A move need not be made to be watched.  Without trust a policy plans trials, which cost
 * nothing, and trust comes back when these would have been right: a hot set after a scan is
 * noticed.
 *
 * Shift.  The share of samples that the fast tier serves is compared with what it was.
 * When it falls by more than a tenth, by more than chance, and by more than it goes up and down
 * anyway, what is known of the target is out of date.
 *
 * To and fro.  A page that leaves the tier again that it came to a short while ago has
 * bounced.  Where pages were moved last is kept in a table without chains: a page that is
 * overwritten by another one is forgotten, which does little harm, and the table does not grow.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "../include/uapi/hemem_assist.h"
#include "heat.h"
#include "ledger.h"
#include "plan.h"
#include "tier.h"

#define MS		1e6		/* in ns */
#define NR_ENTRIES	16384		/* 24 bytes each, if used */
#define NR_PROBATION	2048		/* moves that are watched at a time */
#define NR_WATCHED	256		/* about, of one plan */
#define MIN_PROBATION_NS (100 * MS)	/* shorter ones tell of the same burst */
#define MAX_PROBATION_NS (5000 * MS)
#define FORGIVE_NS	(20000 * MS)	/* bounces are forgotten */
#define MIN_PROMISED	30		/* samples that trust is told of at a time ... */
#define MAX_ENDED	64		/* ... or so many moves */
#define MIN_SAMPLES	300		/* to see a shift by; chance is 3% then */
#define SHIFT_SHARE	0.1
#define SHIFT_SIGMA	4
#define SCALE_STEPS	16		/* moves' cost is an average of so many plans */

/** struct entry - where a page was moved last */
struct entry {
	uint64_t addr;
	uint64_t moved_ns;
	uint8_t to_fast;
	uint8_t bounces;
};

/**
 * struct probation - a move that is watched
 * @value: heat then
 * @bytes: of this move and of those of the same plan that it stands for
 * @memory_ns, @nr_halvings: as they were
 */
struct probation {
	uint64_t addr;
	uint64_t moved_ns;
	double value;
	uint64_t bytes;
	double memory_ns;
	uint64_t nr_halvings;
	bool to_fast;
};

/**
 * struct ledger - one target's
 * @began_ns: of the time that it has been alike
 * @fast, @all: samples since the share was looked at, served by the fast tier and all
 * @seen_fast, @seen_all: by heat_served(), up to the last tick
 * @share, @variance: that the fast tier served, of late; below 0: not known
 * @first, @nr: the probations, a ring in the order of time
 * @promised, @came_true: of probations that ended and that trust has not heard of
 * @assumed: cost as given
 * @scale: measured cost of moves over assumed
 */
struct ledger {
	struct ledger_facts facts;
	struct cost assumed;
	double scale;
	uint64_t now_ns;
	uint64_t began_ns;
	uint64_t fast, all;
	uint64_t seen_fast, seen_all;
	double share, variance;
	double promised, came_true;
	unsigned int nr_ended;
	unsigned int first, nr;
	struct probation probations[NR_PROBATION];
	struct entry entries[NR_ENTRIES];
};

int ledger_new(const struct cost *cost, struct ledger **ret_ledger)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));

	if (!ledger)
		return -ENOMEM;
	ledger->assumed = *cost;
	ledger->facts = (struct ledger_facts){
		.cost = *cost, .access_per_sample = COST_BIT_ACCESSES, .trust = 1,
	};
	ledger->scale = 1;
	ledger->share = -1;
	*ret_ledger = ledger;
	return 0;
}

void ledger_free(struct ledger *ledger)
{
	free(ledger);
}

const struct ledger_facts *ledger_facts(const struct ledger *ledger)
{
	return &ledger->facts;
}

double ledger_value(const struct ledger *ledger, const struct heat_page *page)
{
	return page->reads + ledger->facts.cost.store_weight * page->writes;
}

/* ---- shifts ---- */

static void begin_anew(struct ledger *ledger)
{
	ledger->facts.has_shifted = true;
	ledger->began_ns = ledger->now_ns;
	ledger->share = -1;
}

/* Less than chance, a tenth, and how much it goes up and down anyway would have it be? */
static bool is_shift(const struct ledger *ledger, double share)
{
	double before = ledger->share, nr = (double)ledger->all;
	double sigma = sqrt(before * (1 - before) / nr + ledger->variance);

	return before >= 0 && share < before - SHIFT_SHARE && share < before - SHIFT_SIGMA * sigma;
}

static void look_at_share(struct ledger *ledger)
{
	double share = (double)ledger->fast / (double)ledger->all;
	double off = share - ledger->share;

	if (is_shift(ledger, share)) {
		begin_anew(ledger);
	} else if (ledger->share < 0) {
		ledger->share = share;
		ledger->variance = 0;
	} else {
		ledger->share += off / 8;
		ledger->variance += (off * off - ledger->variance) / 8;
	}
	ledger->fast = ledger->all = 0;
}

static void count_served(struct ledger *ledger, const struct heat *heat,
			 const struct tier_set *tiers)
{
	uint64_t served[HEAT_NO_NODE + 1], fast = 0, all = 0;
	unsigned int i;

	heat_served(heat, served);
	for (i = 0; i < tiers->nr_nodes; i++) {
		fast += tiers->nodes[i].level == TIER_FAST ? served[i] : 0;
		all += served[i];
	}
	ledger->fast += fast - ledger->seen_fast;
	ledger->all += all - ledger->seen_all;
	ledger->seen_fast = fast;
	ledger->seen_all = all;
	if (ledger->all >= MIN_SAMPLES)
		look_at_share(ledger);
}

/* ---- trust ---- */

static void tell_trust(struct ledger *ledger)
{
	double share = ledger->promised > 0 ? ledger->came_true / ledger->promised : 0;

	share = share < 0 ? 0 : share > 1 ? 1 : share;
	ledger->facts.trust += (share - ledger->facts.trust) / 2;
	ledger->promised = ledger->came_true = 0;
	ledger->nr_ended = 0;
}

/* A count that is at its end may have grown by anything: take its word. */
static void end_probation(struct ledger *ledger, const struct heat *heat,
			  const struct probation *probation)
{
	const struct ledger_facts *facts = &ledger->facts;
	double left, promised, came_true;
	struct heat_page page;

	if (heat_find(heat, probation->addr, &page))
		return;
	left = pow(0.5, (double)(ledger->facts.nr_halvings - probation->nr_halvings));
	promised = probation->value / probation->memory_ns *
		   (facts->memory_ns - probation->memory_ns * left);
	came_true = ledger_value(ledger, &page) - probation->value * left;
	if (page.reads == HEAT_MAX_COUNT || page.writes == HEAT_MAX_COUNT)
		came_true = promised;
	ledger->promised += probation->to_fast ? promised : -promised;
	ledger->came_true += probation->to_fast ? came_true : -came_true;
	ledger->nr_ended++;
}

/* As long as the counts reach back: what comes later is another time's. */
static double probation_ns(const struct probation *probation)
{
	double ns = probation->memory_ns;

	if (ns < MIN_PROBATION_NS)
		return MIN_PROBATION_NS;
	return ns < MAX_PROBATION_NS ? ns : MAX_PROBATION_NS;
}

static void end_probations(struct ledger *ledger, const struct heat *heat)
{
	const struct probation *probation;

	while (ledger->nr) {
		probation = &ledger->probations[ledger->first];
		if ((double)(ledger->now_ns - probation->moved_ns) < probation_ns(probation))
			break;
		end_probation(ledger, heat, probation);
		ledger->facts.probation_bytes -= probation->bytes;
		ledger->first = (ledger->first + 1) % NR_PROBATION;
		ledger->nr--;
	}
	if (ledger->promised >= MIN_PROMISED || ledger->nr_ended >= MAX_ENDED)
		tell_trust(ledger);
}

/* ---- time ---- */

void ledger_tick(struct ledger *ledger, uint64_t now_ns, const struct heat *heat,
		 const struct tier_set *tiers, uint64_t load_period)
{
	struct ledger_facts *facts = &ledger->facts;
	double passed_ns = (double)(now_ns - ledger->now_ns);

	if (!ledger->now_ns) {
		ledger->began_ns = now_ns;
		passed_ns = 0;
	}
	ledger->now_ns = now_ns;
	facts->access_per_sample = load_period ? (double)load_period : COST_BIT_ACCESSES;
	facts->memory_ns += passed_ns;
	count_served(ledger, heat, tiers);
	facts->stable_ns = (double)(now_ns - ledger->began_ns);
	end_probations(ledger, heat);
}

void ledger_cooled(struct ledger *ledger, unsigned int times)
{
	ledger->facts.nr_halvings += times;
	ledger->facts.memory_ns = ldexp(ledger->facts.memory_ns, -(int)times);
	if (times)
		ledger->facts.has_shifted = false;
}

void ledger_cool(struct ledger *ledger, struct heat *heat, const struct plan *plan)
{
	unsigned int i;

	if (plan->cool)
		heat_cool(heat);
	for (i = 0; i < plan->cool_spans; i++)
		heat_cool_spans(heat);
	ledger_cooled(ledger, heat_is_by_span(heat) ? plan->cool_spans : plan->cool);
}

/* ---- cost ---- */

void ledger_latency(struct ledger *ledger, const uint64_t load_ns[TIER_NR])
{
	unsigned int level;

	for (level = 0; level < TIER_NR; level++)
		ledger->facts.cost.load_ns[level] = load_ns[level] ? (double)load_ns[level] :
						    ledger->assumed.load_ns[level];
}

void ledger_took(struct ledger *ledger, double expected_ns, uint64_t took_ns)
{
	struct cost *cost = &ledger->facts.cost;
	double scale;

	if (!(expected_ns > 0))
		return;
	scale = ledger->scale * (double)took_ns / expected_ns;
	scale = scale < 1.0 / 16 ? 1.0 / 16 : scale > 64 ? 64 : scale;
	ledger->scale += (scale - ledger->scale) / SCALE_STEPS;
	cost->move_page_ns = ledger->assumed.move_page_ns * ledger->scale;
	cost->move_byte_ns = ledger->assumed.move_byte_ns * ledger->scale;
}

/* ---- moves ---- */

static void watch(struct ledger *ledger, const struct heat *heat, const struct plan_move *move,
		  uint64_t bytes)
{
	struct heat_page page;

	if (ledger->nr == NR_PROBATION || heat_find(heat, move->addr, &page))
		return;
	ledger->facts.probation_bytes += bytes;
	ledger->probations[(ledger->first + ledger->nr++) % NR_PROBATION] = (struct probation){
		.addr = move->addr, .moved_ns = ledger->now_ns, .to_fast = plan_promotes(move),
		.value = ledger_value(ledger, &page), .bytes = bytes,
		.memory_ns = ledger->facts.memory_ns, .nr_halvings = ledger->facts.nr_halvings,
	};
}

/* Had to make room, and promised nothing; or went because of its heat, which proves nothing. */
static bool is_forced(const struct plan_move *move)
{
	return move->reason == PLAN_WATERMARK || move->reason == PLAN_LIMIT ||
	       move->reason == PLAN_BALANCE;
}

void ledger_watch(struct ledger *ledger, const struct heat *heat, const struct plan *plan)
{
	size_t every = plan->nr / NR_WATCHED + 1, i;
	uint64_t bytes = 0;

	if (!(ledger->facts.memory_ns > 0))
		return;
	for (i = 0; i < plan->nr; i++) {
		if (!plan->is_trial && plan->moves[i].status != HEMEM_ASSIST_MOVED)
			continue;
		if (is_forced(&plan->moves[i]))
			continue;
		bytes += plan->moves[i].bytes;
		if (i % every)
			continue;
		watch(ledger, heat, &plan->moves[i], bytes);
		bytes = 0;
	}
}

unsigned int ledger_moved(struct ledger *ledger, const struct plan_move *move)
{
	uint64_t hash = move->addr / HEAT_BASE_BYTES * 0x9e3779b97f4a7c15ULL >> 40;
	struct entry *entry = &ledger->entries[hash % NR_ENTRIES];
	bool to_fast = plan_promotes(move);
	unsigned int bounces = 0;

	if (entry->addr == move->addr && entry->to_fast != to_fast &&
	    (double)(ledger->now_ns - entry->moved_ns) < FORGIVE_NS)
		bounces = entry->bounces < LEDGER_MAX_BOUNCES ? entry->bounces + 1U :
								LEDGER_MAX_BOUNCES;
	*entry = (struct entry){ move->addr, ledger->now_ns, to_fast, (uint8_t)bounces };
	return bounces;
}
