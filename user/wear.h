/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wear.h - how many bytes demotions may write to the slow tier
 */
#ifndef HEMEM_WEAR_H
#define HEMEM_WEAR_H

#include <stdint.h>

#define WEAR_NO_LIMIT	UINT64_MAX

/**
 * struct wear - a bucket that fills in the course of days
 * @limit_bytes: most that may be written in any 24 hours; WEAR_NO_LIMIT: as much as is liked
 * @bytes: that may be written now; WEAR_NO_LIMIT: no limit
 * @rest: of a byte, as it fills slowly
 * @filled_ns: when it was filled last
 */
struct wear {
	uint64_t limit_bytes;
	uint64_t bytes;
	double rest;
	uint64_t filled_ns;
};

/** wear_init() - an empty bucket, or one without limit */
void wear_init(struct wear *wear, uint64_t limit_bytes, uint64_t now_ns);

/** wear_fill() - let it fill until @now_ns */
void wear_fill(struct wear *wear, uint64_t now_ns);

/** wear_take() - @bytes were written; never below empty */
void wear_take(struct wear *wear, uint64_t bytes);

#endif /* HEMEM_WEAR_H */
