/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memory.h - how long memory takes: latency, prefetching and bandwidth of each node
 */
#ifndef METER_MEMORY_H
#define METER_MEMORY_H

#include "guest.h"

void memory_init(void);

/** memory_foresees() - is @line the next one of a stream of this vCPU?  It is, or begins, one. */
bool memory_foresees(struct vcpu *vcpu, uint64_t line);

/** memory_read() - @vcpu waits for a line from @block; how long */
uint64_t memory_read(struct vcpu *vcpu, const struct guest_block *block, bool foreseen,
		     bool is_store);

/** memory_write() - a line goes back to @block; how long @vcpu has to wait for that */
uint64_t memory_write(struct vcpu *vcpu, const struct guest_block *block);

/** memory_latency_ps() - how long a vCPU waits for a line from memory that has nothing to do */
uint64_t memory_latency_ps(enum meter_tier tier, bool foreseen, bool is_store);

/** memory_line_ps() - for how long a line keeps memory of @tier busy */
uint64_t memory_line_ps(enum meter_tier tier, bool is_write);

#endif /* METER_MEMORY_H */
