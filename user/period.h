/* SPDX-License-Identifier: GPL-2.0 */
/*
 * period.h - how many events to a sample: a ladder of primes and when to climb it
 */
#ifndef HEMEM_PERIOD_H
#define HEMEM_PERIOD_H

#include <stdint.h>

#define PERIOD_NR_STEPS	14
#define PERIOD_GRAIN	16	/* AMD's IBS takes multiples of it only */

/** enum period_kind - what is sampled; each has its ladder */
enum period_kind {
	PERIOD_LOADS,
	PERIOD_STORES,
	PERIOD_OPS,		/* instructions, or what a CPU makes of them */
	PERIOD_NR_KINDS,
};

/**
 * struct period_seen - what one interval brought, of one kind
 * @nr_samples: samples read
 * @nr_lost: samples that were lost
 * @nr_throttled: times that the producer held back
 * @cpu_bp: CPU time that all samples took, in 1/10,000 of the interval
 */
struct period_seen {
	uint64_t nr_samples;
	uint64_t nr_lost;
	uint64_t nr_throttled;
	uint64_t cpu_bp;
};

/** period_of() - the period of step @step, 0 .. PERIOD_NR_STEPS - 1, in events: a prime, or
 *  (PERIOD_OPS) PERIOD_GRAIN times one */
uint64_t period_of(enum period_kind kind, unsigned int step);

/** period_first() - the step to begin with */
unsigned int period_first(enum period_kind kind);

/**
 * period_next() - the step for the next interval
 * @step: the one of this interval
 * @seen: what it brought
 * @budget_bp: CPU time that samples may take, in 1/10,000 of the interval
 *
 * Pure: no clock, no state.  A longer period when samples cost too much, were lost or
 * held back, a shorter one when they cost little, else the same.
 */
unsigned int period_next(unsigned int step, const struct period_seen *seen, uint64_t budget_bp);

#endif /* HEMEM_PERIOD_H */
