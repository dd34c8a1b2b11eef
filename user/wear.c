// SPDX-License-Identifier: GPL-2.0
/*
 * wear.c - how many bytes demotions may write to the slow tier
 *
 * Memory that wears out (Optane, flash behind CXL) is rated for so many bytes written a day over
 * its life.  What the target writes is its own affair; what our moves write is spread over the
 * day by a bucket that holds what an hour brings.  It is empty at first, so that whoever attaches
 * again and again gets no more.
 *
 * In 24 hours what is written is at most what the bucket held and what came in, so it fills with
 * 23/24 of the limit a day, and holds the last one: in any 24 hours the limit holds, wherever they
 * begin.
 *
 * Example: 96 GiB a day.  4 GiB is the most that can be written at once, and 3.8 GiB are there
 * again an hour later.
 */
#include "bytes.h"
#include "wear.h"

#define HOUR_NS		3600e9
#define HOURS		24

void wear_init(struct wear *wear, uint64_t limit_bytes, uint64_t now_ns)
{
	*wear = (struct wear){ .limit_bytes = limit_bytes, .filled_ns = now_ns };
	wear_fill(wear, now_ns);
}

void wear_fill(struct wear *wear, uint64_t now_ns)
{
	double hour_bytes = (double)wear->limit_bytes / HOURS, bytes;

	if (wear->limit_bytes == WEAR_NO_LIMIT) {
		wear->bytes = WEAR_NO_LIMIT;
		return;
	}
	bytes = wear->rest + hour_bytes * (HOURS - 1) / HOURS *
		((double)(now_ns - wear->filled_ns) / HOUR_NS);
	bytes = bytes < hour_bytes ? bytes : hour_bytes;	/* no overflow, however long it was */
	wear->bytes = bytes_min(wear->bytes + (uint64_t)bytes, (uint64_t)hour_bytes);
	wear->rest = bytes - (double)(uint64_t)bytes;
	wear->filled_ns = now_ns;
}

void wear_take(struct wear *wear, uint64_t bytes)
{
	if (wear->limit_bytes != WEAR_NO_LIMIT)
		wear->bytes = bytes_above(wear->bytes, bytes);
}
