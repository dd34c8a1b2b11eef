/* SPDX-License-Identifier: GPL-2.0 */
/*
 * zipf.h - ranks under a zipfian law: rank k comes up in proportion to 1 / (k + 1)^theta
 */
#ifndef ZIPF_H
#define ZIPF_H

#include <stdint.h>

struct zipf {
	uint64_t nr;
	double theta, alpha, zeta, eta, first_two;
};

/** zipf_init() - for ranks [0, @nr), @nr at least 2, @theta in (0, 1) */
void zipf_init(struct zipf *zipf, uint64_t nr, double theta);

/** zipf_rank() - the rank for a random number */
uint64_t zipf_rank(const struct zipf *zipf, uint64_t random);

/** zipf_share() - how much of all goes to one rank, in [0, 1] */
double zipf_share(const struct zipf *zipf, uint64_t rank);

#endif /* ZIPF_H */
