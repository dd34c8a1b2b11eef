/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ring.h - emulated PEBS: every n-th event as a perf record, in rings that the guest maps
 *
 * include/hemem_rings.h says how the file is laid out.
 */
#ifndef METER_RING_H
#define METER_RING_H

#include "../../../include/hemem_rings.h"
#include "meter.h"

/**
 * struct ring_sample - what a record says
 * @weight_ns: how long the vCPU waited for the access
 */
struct ring_sample {
	uint64_t ip;
	uint64_t vaddr;
	uint32_t pid;
	uint32_t weight_ns;
	enum meter_tier tier;
};

/** struct ring_totals - over all rings; see docs/meter.md */
struct ring_totals {
	uint64_t written;
	uint64_t lost;
	uint64_t throttled;
	uint64_t nr_throttles;
	uint64_t unread_bytes;
};

extern struct hemem_rings *rings;	/* NULL: there is no file */
extern uint64_t ring_counts[METER_MAX_VCPUS][HEMEM_RINGS_NR_EVENTS];

/** ring_init() - map the file of the option ring, and lay it out */
void ring_init(void);

/** ring_write() - a record of @event for the ring of @vcpu; charges the vCPU for it */
void ring_write(struct vcpu *vcpu, enum hemem_rings_event event, const struct ring_sample *sample);

struct ring_totals ring_totals(void);

/** ring_reset() - totals begin at 0; the rings stay as they are */
void ring_reset(void);

/** ring_wants() - does the reader want samples of this process? */
static inline bool ring_wants(uint32_t pid)
{
	if (!rings || !__atomic_load_n(&rings->enabled, __ATOMIC_RELAXED))
		return false;
	return !rings->pid || rings->pid == pid;
}

/** ring_is_due() - an event of a watched process happened; is it the n-th? */
static inline bool ring_is_due(const struct vcpu *vcpu, enum hemem_rings_event event)
{
	unsigned int nr = vcpu->index * HEMEM_RINGS_NR_EVENTS + event;
	uint64_t period = __atomic_load_n(&rings->ring[nr].period, __ATOMIC_RELAXED);

	if (!period || ++ring_counts[vcpu->index][event] < period)
		return false;
	ring_counts[vcpu->index][event] = 0;
	return true;
}

#endif /* METER_RING_H */
