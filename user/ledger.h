/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ledger.h - what moves have cost and brought so far, and how long the target has been alike
 */
#ifndef HEMEM_LEDGER_H
#define HEMEM_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "cost.h"

#define LEDGER_MAX_BOUNCES	4

struct heat;
struct heat_page;
struct ledger;
struct plan;
struct plan_move;
struct tier_set;

/**
 * struct ledger_facts - what policies may know of the past
 * @cost: the machine, as measured; as assumed until it is
 * @access_per_sample: accesses that a sample of a load stands for
 * @memory_ns: time that the counts of 2 MiB stand for: what a page's count would be worth if
 *	it had been sampled evenly.  Halved when they are.
 * @stable_ns: how long accesses have been served as they are, without a shift
 * @nr_halvings: how often that was
 * @trust: 0 .. 1; so much of what moves promised has come true, of late, or of what trials
 *	did that were not moved
 * @probation_bytes: bytes that were moved or tried, of which it is not known yet if that is right
 * @has_shifted: the fast tier serves much less than it did: heat is out of date
 */
struct ledger_facts {
	struct cost cost;
	double access_per_sample;
	double memory_ns;
	double stable_ns;
	double trust;
	uint64_t nr_halvings;
	uint64_t probation_bytes;
	bool has_shifted;
};

/**
 * ledger_new() - of a target that nothing is known of
 * @cost: what to assume of the machine
 *
 * Return: 0 or -ENOMEM.
 */
int ledger_new(const struct cost *cost, struct ledger **ret_ledger);

/** ledger_free() - NULL is allowed */
void ledger_free(struct ledger *ledger);

/** ledger_facts() - valid until the ledger is told something */
const struct ledger_facts *ledger_facts(const struct ledger *ledger);

/**
 * ledger_tick() - a turn begins: look at what has been sampled
 * @now_ns: any clock that only grows
 * @heat: the pages
 * @tiers: the nodes
 * @load_period: loads to a sample; 0: samples are accessed bits
 */
void ledger_tick(struct ledger *ledger, uint64_t now_ns, const struct heat *heat,
		 const struct tier_set *tiers, uint64_t load_period);

/**
 * ledger_latency() - what loads wait, by tier, as sampled
 * @load_ns: 0: not known, keep what is assumed
 */
void ledger_latency(struct ledger *ledger, const uint64_t load_ns[TIER_NR]);

/**
 * ledger_moved() - a page has moved
 * @move: where from and to
 *
 * Return: how often it has gone to and fro of late, 0 .. LEDGER_MAX_BOUNCES.
 */
unsigned int ledger_moved(struct ledger *ledger, const struct plan_move *move);

/**
 * ledger_watch() - see later what has come of a plan, or what would have
 * @plan: carried out, or a trial.  Of moves that were made, status is looked at.
 *
 * Of many moves some are watched, and stand for the others.
 */
void ledger_watch(struct ledger *ledger, const struct heat *heat, const struct plan *plan);

/**
 * ledger_took() - what a plan's moves have taken
 * @expected_ns: sum of cost_of_move() by the facts
 * @took_ns: measured
 */
void ledger_took(struct ledger *ledger, double expected_ns, uint64_t took_ns);

/** ledger_cooled() - the counts of 2 MiB were halved @times */
void ledger_cooled(struct ledger *ledger, unsigned int times);

/** ledger_cool() - cool what the plan says, and remember it */
void ledger_cool(struct ledger *ledger, struct heat *heat, const struct plan *plan);

/** ledger_value() - the heat of a page in reads: a write counts for more (cost.h) */
double ledger_value(const struct ledger *ledger, const struct heat_page *page);

#endif /* HEMEM_LEDGER_H */
