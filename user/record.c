// SPDX-License-Identifier: GPL-2.0
/*
 * record.c - writes down what the heat store is told and what is decided
 *
 * Owns what goes into a recording, and when; how it is written is trace.c's.  A row of
 * neighbouring pages that are alike becomes one event: a walk over a terabyte is a few
 * bytes a region.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "heat.h"
#include "plan.h"
#include "record.h"
#include "region.h"
#include "stats.h"
#include "tier.h"
#include "trace.h"

/**
 * struct record - one recording
 * @row: pages that wait to be written, as more of them may follow; nr 0: none
 * @tiers: as written last
 * @rate: as written last
 * @latency: as written last
 * @maps_reads: of the stats when regions were written last
 */
struct record {
	struct trace_writer *writer;
	struct heat *heat;
	uint64_t began_ns;
	struct trace_event row;
	struct tier_set tiers;
	uint64_t rate[2];
	uint64_t latency[2];
	uint64_t maps_reads;
};

static void put(struct record *record, const struct trace_event *event)
{
	if (record->row.nr) {
		trace_put(record->writer, &record->row);
		record->row.nr = 0;
	}
	trace_put(record->writer, event);
}

/* ---- what the heat store is told ---- */

static uint64_t row_end(const struct trace_event *row)
{
	return row->addr + row->nr * (row->huge ? HEAT_HUGE_BYTES : HEAT_BASE_BYTES);
}

static void seen(void *arg, uint64_t addr, bool huge, unsigned int node, unsigned int reads,
		 unsigned int writes)
{
	struct trace_event page = {
		.kind = TRACE_PAGES, .huge = huge, .nr = 1, .node = (uint8_t)node,
		.addr = addr & ~((huge ? HEAT_HUGE_BYTES : HEAT_BASE_BYTES) - 1),
		.reads = reads < HEAT_MAX_COUNT ? (uint8_t)reads : HEAT_MAX_COUNT,
		.writes = writes < HEAT_MAX_COUNT ? (uint8_t)writes : HEAT_MAX_COUNT,
	};
	struct record *record = arg;
	struct trace_event *row = &record->row;

	if (row->nr && row->huge == huge && row->node == page.node && row->reads == page.reads &&
	    row->writes == page.writes && row_end(row) == page.addr) {
		row->nr++;
		return;
	}
	if (row->nr)
		trace_put(record->writer, row);
	*row = page;
}

static void sampled(void *arg, uint64_t addr, bool write)
{
	const struct trace_event event = { .kind = TRACE_SAMPLE, .addr = addr, .write = write };

	put(arg, &event);
}

static void gone(void *arg, uint64_t start, uint64_t end)
{
	const struct trace_event event = {
		.kind = TRACE_GONE, .addr = start & ~(HEAT_BASE_BYTES - 1),
		.nr = (end - start + HEAT_BASE_BYTES - 1) / HEAT_BASE_BYTES,
	};

	put(arg, &event);
}

static void passed(void *arg, bool is_end)
{
	const struct trace_event event = { .kind = TRACE_PASS, .value = is_end };

	put(arg, &event);
}

static const struct heat_listener listener = {
	.seen = seen, .sampled = sampled, .gone = gone, .passed = passed,
};

/* ---- what else there is ---- */

static void put_nodes(struct record *record, const struct tier_set *tiers)
{
	struct trace_event event = { .kind = TRACE_NODE };
	unsigned int i;

	for (i = 0; i < tiers->nr_nodes; i++) {
		if (i < record->tiers.nr_nodes &&
		    !memcmp(&record->tiers.nodes[i], &tiers->nodes[i], sizeof(tiers->nodes[i])))
			continue;
		event.node = (uint8_t)i;
		event.tier = tiers->nodes[i];
		put(record, &event);
	}
	record->tiers = *tiers;
}

static void put_pair(struct record *record, enum trace_kind kind, uint64_t *last, uint64_t first,
		     uint64_t second)
{
	const struct trace_event event = { .kind = (uint8_t)kind, .rate = { first, second } };

	if (last[0] == first && last[1] == second)
		return;
	put(record, &event);
	last[0] = first;
	last[1] = second;
}

static void put_regions(struct record *record, const struct region_set *regions)
{
	struct trace_event event = { .kind = TRACE_REGION };
	size_t i;

	for (i = 0; i < regions->nr; i++) {
		event.addr = regions->list[i].start;
		event.nr = (regions->list[i].end - regions->list[i].start) / HEAT_BASE_BYTES;
		event.value = regions->list[i].kind;
		put(record, &event);
	}
}

void record_tick(struct record *record, uint64_t now_ns, const struct tier_set *tiers,
		 const struct region_set *regions, const struct stats *stats)
{
	const struct trace_event event = {
		.kind = TRACE_TICK, .now_ns = now_ns - record->began_ns,
	};

	put_nodes(record, tiers);
	put_pair(record, TRACE_RATE, record->rate, stats->sample_load_period,
		 stats->sample_store_period);
	put_pair(record, TRACE_LATENCY, record->latency, stats->fast_load_ns, stats->slow_load_ns);
	put(record, &event);
	if (stats->maps_reads != record->maps_reads)
		put_regions(record, regions);
	record->maps_reads = stats->maps_reads;
}

void record_plan(struct record *record, const struct plan *plan)
{
	struct trace_event event = {
		.kind = TRACE_PLAN, .nr = plan->cool, .value = plan->cool_spans,
	};
	size_t i;

	put(record, &event);
	event = (struct trace_event){ .kind = TRACE_MOVE, .write = plan->is_trial };
	for (i = 0; i < plan->nr; i++) {
		event.addr = plan->moves[i].addr;
		event.huge = plan->moves[i].bytes == HEAT_HUGE_BYTES;
		event.node = plan->moves[i].from;
		event.to = plan->moves[i].to;
		event.reason = plan->moves[i].reason;
		event.status = plan->moves[i].status;
		put(record, &event);
	}
}

int record_new(const char *path, const struct trace_origin *origin, struct heat *heat,
	       uint64_t now_ns, struct record **ret_record)
{
	struct record *record = calloc(1, sizeof(*record));
	int err;

	if (!record)
		return -ENOMEM;
	err = trace_create(path, origin, &record->writer);
	if (err) {
		free(record);
		return err;
	}
	record->heat = heat;
	record->began_ns = now_ns;
	heat_listen(heat, &listener, record);
	*ret_record = record;
	return 0;
}

int record_error(const struct record *record)
{
	return trace_error(record->writer);
}

int record_free(struct record *record)
{
	int err;

	if (!record)
		return 0;
	heat_listen(record->heat, NULL, NULL);
	if (record->row.nr)
		trace_put(record->writer, &record->row);
	err = trace_finish(record->writer);
	free(record);
	return err;
}
