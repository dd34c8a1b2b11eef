// SPDX-License-Identifier: GPL-2.0
/*
 * mmode.c - Memory Mode: what if the fast memory were a cache of the slow one, made by hardware?
 *
 * A hit costs what fast memory does.  A miss finds that out there, so it costs both, and
 * fills the line, which takes bandwidth of both; if the line that was in its place had been
 * written, it goes to slow memory: that is the wear.  A line written back to where another one
 * is takes its place without being read.
 *
 * Each vCPU has a queue at either memory, at full bandwidth; vCPUs do not slow each other here.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "mmode.h"
#include "options.h"
#include "stats.h"

/**
 * struct mode - the cache of one size
 * @place: 0: empty; else bit 0: written, above: which of the lines that share it, plus 1
 * @waited_ps: by vCPU, in place of struct vcpu's memory_ps
 * @free_ps: by vCPU and tier
 * @front_ps: in place of clock_state's, and @closed_ps when a phase last ended
 */
static struct mode {
	uint32_t nr_lines;
	uint32_t *place;
	uint64_t waited_ps[METER_MAX_VCPUS];
	uint64_t free_ps[METER_MAX_VCPUS][NR_TIERS];
	uint64_t front_ps;
	uint64_t closed_ps;
} modes[METER_MAX_SIZES];

/* where things were when the present vCPU's turn began; NULL: none runs */
static struct {
	const struct vcpu *vcpu;
	uint64_t time_ps;
	uint64_t memory_ps;
	uint64_t front_ps;
	uint64_t waited_ps[METER_MAX_SIZES];
} turn;

void mmode_init(void)
{
	for (unsigned int i = 0; i < options.nr_fast_bytes; i++) {
		modes[i].nr_lines = options.fast_bytes[i] / METER_LINE_BYTES;
		modes[i].place = calloc(modes[i].nr_lines, sizeof(*modes[i].place));
		if (!modes[i].place)
			meter_die("no memory for Memory Mode with %lu bytes",
				  options.fast_bytes[i]);
	}
}

static inline uint64_t time_of(const struct mode *mode, const struct vcpu *vcpu)
{
	return vcpu->time_ps - vcpu->memory_ps + mode->waited_ps[vcpu->index];
}

/* Keep the memory of @tier busy with a line; how long until its turn. */
static inline uint64_t queue(struct mode *mode, const struct vcpu *vcpu, enum meter_tier tier,
			     bool is_write)
{
	uint64_t now_ps = time_of(mode, vcpu), *free_ps = &mode->free_ps[vcpu->index][tier];
	uint64_t turn_ps = *free_ps > now_ps ? *free_ps : now_ps;

	*free_ps = turn_ps + memory_line_ps(tier, is_write);
	return turn_ps - now_ps;
}

static inline void wait(struct mode *mode, const struct vcpu *vcpu, uint64_t ps)
{
	mode->waited_ps[vcpu->index] += ps;
}

/* Writes wait in a queue, until it is too long. */
static void write_line(struct mode *mode, const struct vcpu *vcpu, enum meter_tier tier)
{
	uint64_t may_ps = options.write_queue_ns * 1000;
	uint64_t ps = queue(mode, vcpu, tier, true) + memory_line_ps(tier, true);

	if (ps > may_ps)
		wait(mode, vcpu, ps - may_ps);
}

/* Put @line where it belongs.  Was it there? */
static bool place(struct mode *mode, struct stats_mmode *s, const struct vcpu *vcpu, uint32_t line,
		  bool is_written)
{
	uint32_t *place = &mode->place[line % mode->nr_lines];
	uint32_t mine = (line / mode->nr_lines + 1) << 1, was = *place;

	if ((was & ~1u) == mine) {
		*place |= is_written;
		return true;
	}
	*place = mine | is_written;
	if (was & 1) {
		s->write_backs_slow++;
		write_line(mode, vcpu, SLOW);
	}
	return false;
}

void mmode_read(struct vcpu *vcpu, uint64_t line, bool foreseen, bool is_store)
{
	for (unsigned int i = 0; i < options.nr_fast_bytes; i++) {
		struct mode *mode = &modes[i];
		uint64_t ps = queue(mode, vcpu, FAST, false) +
			memory_latency_ps(FAST, foreseen, is_store);

		if (place(mode, &stats->mmode[i], vcpu, line, false)) {
			stats->mmode[i].hits++;
		} else {
			stats->mmode[i].misses++;
			ps += queue(mode, vcpu, SLOW, false) +
				memory_latency_ps(SLOW, foreseen, is_store);
			write_line(mode, vcpu, FAST);
		}
		wait(mode, vcpu, ps);
	}
}

void mmode_write(struct vcpu *vcpu, uint64_t line)
{
	for (unsigned int i = 0; i < options.nr_fast_bytes; i++) {
		struct mode *mode = &modes[i];

		if (place(mode, &stats->mmode[i], vcpu, line, true))
			stats->mmode[i].write_hits++;
		else
			stats->mmode[i].write_misses++;
		write_line(mode, vcpu, FAST);
	}
}

/*
 * In a turn of @vcpu the real front moved by a part of what the vCPU ran; the rest was catching up
 * with others.  Memory Mode's front moves by the same part of what it would have run.
 */
void mmode_end_turn(const struct vcpu *vcpu)
{
	uint64_t ran_ps = vcpu->time_ps - turn.time_ps;
	uint64_t front_ps = clock_state.front_ps - turn.front_ps;

	if (vcpu != turn.vcpu || !ran_ps)
		return;
	for (unsigned int i = 0; i < options.nr_fast_bytes; i++) {
		uint64_t waited_ps = modes[i].waited_ps[vcpu->index] - turn.waited_ps[i];
		double other_ps = (double)ran_ps - (double)(vcpu->memory_ps - turn.memory_ps) +
			(double)waited_ps;

		modes[i].front_ps += other_ps * front_ps / ran_ps;
	}
	turn.vcpu = NULL;
}

void mmode_begin_turn(const struct vcpu *vcpu)
{
	turn.vcpu = vcpu;
	turn.time_ps = vcpu->time_ps;
	turn.memory_ps = vcpu->memory_ps;
	turn.front_ps = clock_state.front_ps;
	for (unsigned int i = 0; i < options.nr_fast_bytes; i++)
		turn.waited_ps[i] = modes[i].waited_ps[vcpu->index];
}

void mmode_close(void)
{
	const struct vcpu *vcpu = turn.vcpu;

	if (vcpu) {
		mmode_end_turn(vcpu);
		mmode_begin_turn(vcpu);
	}
	for (unsigned int i = 0; i < options.nr_fast_bytes; i++) {
		stats->mmode[i].time_ps += modes[i].front_ps - modes[i].closed_ps;
		modes[i].closed_ps = modes[i].front_ps;
	}
}

void mmode_reset(void)
{
	for (unsigned int i = 0; i < options.nr_fast_bytes; i++)
		memset(modes[i].place, 0, modes[i].nr_lines * sizeof(*modes[i].place));
}
