// SPDX-License-Identifier: GPL-2.0
/*
 * zipf.c - see zipf.h
 *
 * The method of Gray, Sundaresan, Englert, Baclawski and Weinberger, "Quickly generating
 * billion-record synthetic databases" (SIGMOD 1994), section 3, which YCSB uses, too: the
 * first two ranks are exact, for the others a power of the random number is near enough.
 */
#include <math.h>

#include "zipf.h"

void zipf_init(struct zipf *zipf, uint64_t nr, double theta)
{
	uint64_t rank;

	zipf->nr = nr;
	zipf->theta = theta;
	zipf->first_two = 1 + pow(0.5, theta);
	zipf->zeta = 0;
	for (rank = 0; rank < nr; rank++)
		zipf->zeta += pow((double)rank + 1, -theta);
	zipf->alpha = 1 / (1 - theta);
	zipf->eta = (1 - pow(2.0 / (double)nr, 1 - theta)) / (1 - zipf->first_two / zipf->zeta);
}

uint64_t zipf_rank(const struct zipf *zipf, uint64_t random)
{
	double u = (double)(random >> 11) * 0x1p-53, uz = u * zipf->zeta;
	uint64_t rank;

	if (uz < 1)
		return 0;
	if (uz < zipf->first_two)
		return 1;
	rank = (uint64_t)((double)zipf->nr * pow(zipf->eta * u - zipf->eta + 1, zipf->alpha));
	return rank < zipf->nr ? rank : zipf->nr - 1;
}

double zipf_share(const struct zipf *zipf, uint64_t rank)
{
	return pow((double)rank + 1, -zipf->theta) / zipf->zeta;
}
