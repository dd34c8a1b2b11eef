// SPDX-License-Identifier: GPL-2.0
/*
 * budget.c - how many bytes may move now
 *
 * The budget is a bucket: it fills with so many bytes a second, a plan may take what is in
 * it, and it holds what one plan's time brings, but at least MIN_BYTES, or a small budget
 * could never move a huge page.
 */
#include "budget.h"
#include "bytes.h"
#include "heat.h"
#include "options.h"

#define SECOND_NS	1000000000ULL
#define MIN_BYTES	(4 * HEAT_HUGE_BYTES)	/* two huge pages there and two back */

void budget_init(struct budget *budget, uint64_t bytes_per_s, uint64_t period_ms, uint64_t now_ns)
{
	*budget = (struct budget){
		.bytes_per_s = bytes_per_s, .period_ms = period_ms, .filled_ns = now_ns,
	};
}

void budget_fill(struct budget *budget, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns - budget->filled_ns, most;

	if (budget->bytes_per_s == OPTIONS_NO_BUDGET) {
		budget->bytes = UINT64_MAX;
		return;
	}
	if (passed_ns > 60 * SECOND_NS)
		passed_ns = 60 * SECOND_NS;	/* the machine slept; and no overflow */
	most = (double)budget->bytes_per_s * budget->period_ms / 1000;
	if (most < MIN_BYTES)
		most = MIN_BYTES;
	budget->bytes += (double)budget->bytes_per_s * passed_ns / SECOND_NS;
	budget->bytes = bytes_min(budget->bytes, most);
	budget->filled_ns = now_ns;
}

void budget_take(struct budget *budget, uint64_t bytes)
{
	if (budget->bytes != UINT64_MAX)
		budget->bytes = bytes_above(budget->bytes, bytes);
}
