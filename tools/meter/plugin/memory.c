// SPDX-License-Identifier: GPL-2.0
/*
 * memory.c - how long memory takes: latency, prefetching and bandwidth of each node
 *
 * A node serves one line at a time, reads and writes in one queue: a read keeps it busy for
 * 64 bytes at its read bandwidth, a write at its write bandwidth.  Whoever reads waits for
 * what he asked for before, and then for the latency.  Who writes back does not wait, until
 * the queue is longer than write_queue_ns.  A core here waits for each miss in turn: it has
 * no out-of-order execution, so misses that a real one overlaps count in full.
 *
 * vCPUs run in turn, their times differ by up to a clock step, so they cannot share a queue.  Each
 * has its own, for its share of the bandwidth: what the others did not use in the last
 * 100 us, and at least an equal part.
 */
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "options.h"
#include "stats.h"

#define SHARE_PS 100000000ULL	/* bandwidth is shared out so often: 100 us */

static uint64_t shared_at_ps;

uint64_t memory_line_ps(enum meter_tier tier, bool is_write)
{
	const struct memory_options *m = &options.memory[tier];

	return METER_LINE_BYTES * 1000000ULL / (is_write ? m->write_mbps : m->read_mbps);
}

static enum meter_tier tier_of(unsigned int node)
{
	return options.slow_nodes >> node & 1 ? SLOW : FAST;
}

void memory_init(void)
{
	for (unsigned int i = 0; i < nr_vcpus; i++) {
		for (unsigned int node = 0; node < METER_MAX_NODES; node++) {
			vcpus[i].line_ps[node][0] = memory_line_ps(tier_of(node), false);
			vcpus[i].line_ps[node][1] = memory_line_ps(tier_of(node), true);
		}
	}
}

/* What @vcpu may use of a node, in 1/256. */
static uint64_t share_of(const struct vcpu *vcpu, unsigned int node, uint64_t since_ps)
{
	uint64_t others_ps = 0, nr_users = 1, left;

	for (unsigned int i = 0; i < nr_vcpus; i++) {
		if (&vcpus[i] == vcpu || !vcpus[i].used_ps[node])
			continue;
		others_ps += vcpus[i].used_ps[node];
		nr_users++;
	}
	if (others_ps >= since_ps)
		return 256 / nr_users;
	left = 256 - others_ps * 256 / since_ps;
	return left > 256 / nr_users ? left : 256 / nr_users;
}

static __attribute__((noinline)) void share_out(void)
{
	uint64_t since_ps = clock_state.front_ps - shared_at_ps;

	for (unsigned int node = 0; node < METER_MAX_NODES; node++) {
		for (unsigned int i = 0; i < nr_vcpus; i++) {
			uint64_t share = share_of(&vcpus[i], node, since_ps);

			for (int w = 0; w < 2; w++)
				vcpus[i].line_ps[node][w] =
					memory_line_ps(tier_of(node), w) * 256 / share;
		}
	}
	for (unsigned int i = 0; i < nr_vcpus; i++)
		memset(vcpus[i].used_ps, 0, sizeof(vcpus[i].used_ps));
	shared_at_ps = clock_state.front_ps;
}

/* Queue a line; how long until its turn. */
static uint64_t queue(struct vcpu *vcpu, const struct guest_block *block, bool is_write)
{
	uint64_t *free_ps = &vcpu->free_ps[block->node];
	uint64_t turn_ps = *free_ps > vcpu->time_ps ? *free_ps : vcpu->time_ps;

	if (nr_vcpus > 1) {
		if (unlikely(clock_state.front_ps - shared_at_ps > SHARE_PS))
			share_out();
		vcpu->used_ps[block->node] += memory_line_ps(block->tier, is_write);
	}
	*free_ps = turn_ps + vcpu->line_ps[block->node][is_write];
	return turn_ps - vcpu->time_ps;
}

/* Streams go on where the physical page after theirs follows it, and no further. */
bool memory_foresees(struct vcpu *vcpu, uint64_t line)
{
	for (unsigned int i = 0; i < METER_NR_STREAMS; i++) {
		if (vcpu->streams[i] == line) {
			vcpu->streams[i] = line + 1;
			return true;
		}
	}
	vcpu->streams[vcpu->next_stream++ % METER_NR_STREAMS] = line + 1;
	return false;
}

uint64_t memory_latency_ps(enum meter_tier tier, bool foreseen, bool is_store)
{
	const struct memory_options *m = &options.memory[tier];
	uint64_t ps = (foreseen ? m->stream_ns : m->latency_ns) * 1000;

	return is_store ? ps * options.store_stall_pct / 100 : ps;
}

uint64_t memory_read(struct vcpu *vcpu, const struct guest_block *block, bool foreseen,
		     bool is_store)
{
	uint64_t wait_ps = queue(vcpu, block, false);
	uint64_t ps = wait_ps + memory_latency_ps(block->tier, foreseen, is_store);

	stats->queue_ps += wait_ps;
	vcpu->memory_ps += ps;
	return ps;
}

uint64_t memory_write(struct vcpu *vcpu, const struct guest_block *block)
{
	uint64_t may_ps = options.write_queue_ns * 1000, wait_ps;

	wait_ps = queue(vcpu, block, true) + vcpu->line_ps[block->node][1];
	if (wait_ps <= may_ps)
		return 0;
	stats->queue_ps += wait_ps - may_ps;
	vcpu->memory_ps += wait_ps - may_ps;
	return wait_ps - may_ps;
}
