// SPDX-License-Identifier: GPL-2.0
/*
 * period.c - how many events to a sample: a ladder of primes and when to climb it
 *
 * Owns the numbers.  Who measures, and who tells the hardware, is the sampler.
 *
 * Primes, as programs have loops: with a period that shares a factor with the number of
 * accesses in a loop, some accesses would be sampled each time and others never.  A step
 * is about two fifths longer than the one below, so that a step down from below
 * half of the budget stays below it:
 *
 *   cost of the last interval, parts of the budget   0.47   0.63   0.93   1.07   2.33
 *   step                                               -1      0      0     +1     +3
 *
 * Stores are counted wherever they go, loads only those that missed the caches, so
 * stores are sampled more rarely.  Instructions are sampled more rarely still: one in
 * hundreds is a load that missed.
 */
#include "period.h"

#define LOST_SHARE	64	/* one sample in so many may be lost */

static const uint32_t ladders[PERIOD_NR_KINDS][PERIOD_NR_STEPS] = {
	[PERIOD_LOADS] = {
		199, 281, 401, 563, 797, 1129, 1601, 2267, 3203, 4523, 6397, 9049, 12799, 19997,
	},
	[PERIOD_STORES] = {
		1009, 1427, 2011, 2843, 4021, 5689, 8039, 11369, 16087, 22741, 32159, 45481, 64319,
		99991,
	},
	[PERIOD_OPS] = {
		1009, 1427, 2011, 2843, 4021, 5689, 8039, 11369, 16087, 22741, 32159, 45481, 64319,
		99991,
	},
};

uint64_t period_of(enum period_kind kind, unsigned int step)
{
	return (uint64_t)ladders[kind][step < PERIOD_NR_STEPS ? step : PERIOD_NR_STEPS - 1] *
	       (kind == PERIOD_OPS ? PERIOD_GRAIN : 1);
}

/* Some 10,000 samples a second of a program that waits for memory most of the time. */
unsigned int period_first(enum period_kind kind)
{
	return kind == PERIOD_LOADS ? 2 : 4;
}

/* Steps up that bring @cpu_bp to the budget; one step is a factor of sqrt(2). */
static unsigned int steps_above(uint64_t cpu_bp, uint64_t budget_bp)
{
	unsigned int steps = 0;

	for (; cpu_bp > budget_bp; cpu_bp = cpu_bp / 7 * 5)
		steps++;
	return steps;
}

unsigned int period_next(unsigned int step, const struct period_seen *seen, uint64_t budget_bp)
{
	unsigned int up = steps_above(seen->cpu_bp, budget_bp);

	if (!up && (seen->nr_throttled || seen->nr_lost > seen->nr_samples / LOST_SHARE))
		up = 1;
	if (up)
		return step + up < PERIOD_NR_STEPS ? step + up : PERIOD_NR_STEPS - 1;
	return step && seen->cpu_bp < budget_bp / 2 && !seen->nr_lost ? step - 1 : step;
}
