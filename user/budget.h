/* SPDX-License-Identifier: GPL-2.0 */
/*
 * budget.h - how many bytes may move now
 */
#ifndef HEMEM_BUDGET_H
#define HEMEM_BUDGET_H

#include <stdint.h>

/**
 * struct budget - a bucket
 * @bytes: what is in it; UINT64_MAX: no limit
 * @bytes_per_s: by which it fills; OPTIONS_NO_BUDGET: no limit
 * @period_ms: it holds what this time brings, but at least four huge pages
 * @filled_ns: when it was filled last
 */
struct budget {
	uint64_t bytes;
	uint64_t bytes_per_s;
	uint64_t period_ms;
	uint64_t filled_ns;
};

/** budget_init() - an empty bucket */
void budget_init(struct budget *budget, uint64_t bytes_per_s, uint64_t period_ms, uint64_t now_ns);

/** budget_fill() - let it fill until @now_ns */
void budget_fill(struct budget *budget, uint64_t now_ns);

/** budget_take() - @bytes have moved; never below empty */
void budget_take(struct budget *budget, uint64_t bytes);

#endif /* HEMEM_BUDGET_H */
