/* SPDX-License-Identifier: GPL-2.0 */
/*
 * clock.h - modelled time, and the guest's clock that follows it
 */
#ifndef METER_CLOCK_H
#define METER_CLOCK_H

#include "meter.h"
#include "stats.h"

/**
 * struct clock_state - where time is
 * @instructions, @kernel_instructions: run since the last clock_flush(); the emulated code adds
 * @front_ps: of the vCPU that is furthest
 * @given_ps: what the guest's clock has had for it, as instructions and as steps
 * @runs: the vCPU that runs; NULL: it has just halted, or none did yet
 * @is_measuring: the model is on
 * @stepped_ns, @nr_steps: by how much the guest's clock was set forward, and how often
 * @max_debt_ps: by how much @given_ps was ever ahead of @front_ps
 * @nr_yields: how often a vCPU had to let another one run
 */
struct clock_state {
	uint64_t instructions;
	uint64_t kernel_instructions;
	uint64_t front_ps;
	uint64_t given_ps;
	struct vcpu *runs;
	bool is_measuring;
	uint64_t stepped_ns;
	uint64_t nr_steps;
	uint64_t max_debt_ps;
	uint64_t nr_yields;
};

extern struct clock_state clock_state;

void clock_init(void);

/** clock_start() / clock_stop() - the model goes on and off */
void clock_start(void);
void clock_stop(void);

/** clock_flush() - count the instructions since the last flush, and give them their time */
void clock_flush(void);

/** clock_run() - @vcpu runs now */
void clock_run(struct vcpu *vcpu);

/** clock_halt() - @vcpu waits for an interrupt */
void clock_halt(struct vcpu *vcpu);

/** clock_skip() - set the guest's clock forward */
void clock_skip(uint64_t ns);

/** clock_now_ns() - what the guest's clock shows, or will when it has been set */
uint64_t clock_now_ns(void);

/** clock_idle_ns() - how much of this passed while all vCPUs were idle, and at boot */
uint64_t clock_idle_ns(void);

/** clock_advance() - @vcpu->time_ps has grown */
void clock_advance(struct vcpu *vcpu);

/** clock_stall() - @vcpu waited @ps for memory */
static inline void clock_stall(struct vcpu *vcpu, uint64_t ps)
{
	vcpu->time_ps += ps;
	stats->stall_ps += ps;
	clock_advance(vcpu);
}

#endif /* METER_CLOCK_H */
