// SPDX-License-Identifier: GPL-2.0
/*
 * clock.c - modelled time, and the guest's clock that follows it
 *
 * With -icount, QEMU runs one vCPU after the other and its clock counts the instructions of all
 * of them, a nanosecond each.  In the model they run side by side: each has a time of its own, an
 * instruction takes it as many nanoseconds as there are vCPUs, and the guest's clock shall
 * show the time of the one that is furthest.  So the clock only ever has to be set forward:
 *
 *   two vCPUs run 1000 instructions each:  both are at 2 us, the clock shows 2 us
 *   one does, the other is idle:           it is at 2 us, the clock shows 1 us: set by 1 us
 *   and waited 5 us for memory:            set by 5 us more
 *
 * It is set in steps, as each step makes QEMU look for timers that are due.
 */
#include "clock.h"
#include "guest.h"
#include "mmode.h"
#include "options.h"
#include "process.h"
#include "ring.h"

#define QEMU_INSTRUCTION_PS 1000	/* -icount shift=0 */

struct clock_state clock_state;

static uint64_t ran;	/* instructions of the present turn */
static int64_t bias_at_start_ns;

void clock_init(void)
{
	for (unsigned int i = 0; i < nr_vcpus; i++)
		vcpus[i].is_idle = true;
	bias_at_start_ns = guest_bias_ns();
}

uint64_t clock_idle_ns(void)
{
	return guest_bias_ns() - bias_at_start_ns - clock_state.stepped_ns;
}

uint64_t clock_now_ns(void)
{
	uint64_t ps = clock_state.given_ps;

	if (clock_state.is_measuring && clock_state.front_ps > ps)
		ps = clock_state.front_ps;
	return ps / 1000 + clock_idle_ns();
}

static void yield(struct vcpu *vcpu)
{
	clock_state.nr_yields++;
	guest_yield(vcpu->index);
}

/* Another vCPU has to catch up once @vcpu is a step ahead of it. */
static void set_leash(struct vcpu *vcpu)
{
	uint64_t others_ps = ~0ULL >> 1;

	for (unsigned int i = 0; i < nr_vcpus; i++) {
		if (&vcpus[i] != vcpu && !vcpus[i].is_idle && vcpus[i].time_ps < others_ps)
			others_ps = vcpus[i].time_ps;
	}
	vcpu->leash_ps = others_ps + options.clock_step_ns * 1000;
	if (vcpu->leash_ps <= vcpu->time_ps)
		vcpu->leash_ps = vcpu->time_ps + options.clock_step_ns * 1000;
}

void clock_skip(uint64_t ns)
{
	clock_state.given_ps += ns * 1000;
	clock_state.stepped_ns += ns;
	clock_state.nr_steps++;
	guest_add_bias_ns(ns);
}

static void step(struct vcpu *vcpu)
{
	clock_skip((clock_state.front_ps - clock_state.given_ps) / 1000);
	guest_yield(vcpu->index);
}

void clock_advance(struct vcpu *vcpu)
{
	struct clock_state *c = &clock_state;

	if (vcpu->time_ps > c->front_ps)
		c->front_ps = vcpu->time_ps;
	if (c->front_ps < c->given_ps) {
		if (c->given_ps - c->front_ps > c->max_debt_ps)
			c->max_debt_ps = c->given_ps - c->front_ps;
	} else if (options.clock && c->front_ps - c->given_ps > options.clock_step_ns * 1000) {
		step(vcpu);
	}
	if (vcpu->time_ps > vcpu->leash_ps) {
		yield(vcpu);
		set_leash(vcpu);
	}
}

/*
 * QEMU 7.2 gives a vCPU all instructions until the next timer.  One that spins for another would
 * keep it from running: the guest hangs as it starts its second vCPU.  So turns are short.
 */
static void end_turn(struct vcpu *vcpu)
{
	if (nr_vcpus > 1 && ran > options.turn) {
		ran = 0;
		yield(vcpu);
	}
}

void clock_flush(void)
{
	struct clock_state *c = &clock_state;
	struct vcpu *vcpu = c->runs ? c->runs : &vcpus[0];
	uint64_t all = c->instructions, kernel = c->kernel_instructions;
	uint64_t *of_process;

	if (!vcpu->process)
		vcpu->process = process_find(guest_cr3(vcpu->index));
	vcpu->is_watched = ring_wants(vcpu->process->pid);
	if (!all)
		return;
	c->instructions = c->kernel_instructions = 0;
	of_process = vcpu->process->instructions[stats_phase()];
	of_process[0] += all - kernel;
	of_process[1] += kernel;
	stats->instructions[0] += all - kernel;
	stats->instructions[1] += kernel;
	c->given_ps += all * QEMU_INSTRUCTION_PS;
	ran += all;
	if (c->is_measuring) {
		vcpu->time_ps += all * options.instruction_ps;
		clock_advance(vcpu);
		if (unlikely(clock_now_ns() >= stats_window_ends_ns))
			stats_end_window(clock_now_ns());
	}
	end_turn(vcpu);
}

void clock_run(struct vcpu *vcpu)
{
	struct clock_state *c = &clock_state;

	if (vcpu == c->runs)
		return;
	clock_flush();
	if (c->runs)
		mmode_end_turn(c->runs);
	c->runs = vcpu;
	ran = 0;
	if (vcpu->is_idle) {
		vcpu->is_idle = false;
		if (vcpu->time_ps < c->front_ps)
			vcpu->time_ps = c->front_ps;
	}
	mmode_begin_turn(vcpu);
	set_leash(vcpu);
}

void clock_halt(struct vcpu *vcpu)
{
	clock_run(vcpu);
	clock_flush();
	mmode_end_turn(vcpu);
	vcpu->is_idle = true;
	/* whatever runs next is a new turn, be it of the same vCPU */
	clock_state.runs = NULL;
}

void clock_start(void)
{
	clock_flush();
	clock_state.front_ps = clock_state.given_ps;
	for (unsigned int i = 0; i < nr_vcpus; i++)
		vcpus[i].time_ps = clock_state.front_ps;
	if (clock_state.runs)
		mmode_begin_turn(clock_state.runs);
	clock_state.is_measuring = true;
	stats_begin_windows(clock_now_ns());
}

void clock_stop(void)
{
	clock_flush();
	/* what is left of a step, or time would go back by it */
	if (options.clock && clock_state.front_ps > clock_state.given_ps)
		clock_skip((clock_state.front_ps - clock_state.given_ps) / 1000);
	stats_close();
	clock_state.is_measuring = false;
	stats_window_ends_ns = ~0ULL;
}
