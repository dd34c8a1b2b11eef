// SPDX-License-Identifier: GPL-2.0
/*
 * census.c - which pages are there, how large and on which node, used or not
 *
 * For samplers that see accesses: they tell nothing of pages that nobody uses, and cold
 * pages must be known, as they make room.  Nor do they tell the size of a page, or its
 * node.  So all regions are walked again and again, slowly; and a page that is sampled
 * before the walk came to it is looked up at once, with its neighbours.
 *
 * Owns when and where it is looked.  No bit of the target's page tables is changed.
 *
 * The module's SCAN says it all.  Without the module, move_pages(2) is asked for nodes; it
 * does not tell sizes, so all pages are taken for base pages.  The mover that works without
 * the module moves a huge page all the same when it is asked for its first page.
 *
 * What is looked up by itself is limited to a quarter of one CPU in 100 ms, and a span is
 * looked up once in that time: a program that only reads the zero page has many samples
 * and no page.
 */
#include <errno.h>
#include <numa.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "assist.h"
#include "census.h"
#include "clock.h"
#include "heat.h"
#include "region.h"
#include "stats.h"
#include "tier.h"

#define MS		1000000ULL	/* in ns */
#define SLICE_NS	(20 * MS)
#define FIRST_SHARE	4		/* the first walk, and look-ups, take one in so many ns */
#define SHARE		100		/* the later ones */
#define MIN_WALK_NS	(2000 * MS)	/* from the begin of one walk to the next */
#define CALL_BYTES	(64ULL << 20)	/* of addresses a call: about 1 ms of kernel time */
#define CALL_PAGES	512		/* a call of move_pages */
#define LOOK_NS		(100 * MS)
#define NR_LOOKED	256		/* spans that are remembered */

/**
 * struct census - see there
 * @context: whose pages
 * @runs: what a call of the module answers; NULL: there is no module
 * @next_addr: the walk goes on here; 0: between two walks
 * @nr_walks: complete ones
 * @began_ns: when this walk began
 * @walk_ns: CPU time of this walk so far
 * @due_ns: when to go on
 * @looked_ns: CPU time of look-ups since @looked_since_ns
 * @all_looks_ns: since census_new()
 * @looked_since_ns: begin of these 100 ms
 * @looked: names of spans that were looked up in them
 */
struct census {
	struct census_context context;
	struct hemem_assist_run *runs;
	uint32_t max_runs;
	uint64_t next_addr;
	uint64_t nr_walks;
	uint64_t began_ns;
	uint64_t walk_ns;
	uint64_t due_ns;
	uint64_t looked_ns;
	uint64_t all_looks_ns;
	uint64_t looked_since_ns;
	uint64_t looked[NR_LOOKED];
};

int census_new(const struct census_context *context, struct census **ret_census)
{
	struct census *census = calloc(1, sizeof(*census));
	int err = 0;

	if (!census)
		return -ENOMEM;
	census->context = *context;
	if (context->assist)
		err = assist_new_runs(context->assist, &census->runs, &census->max_runs);
	if (err) {
		free(census);
		return err;
	}
	*ret_census = census;
	return 0;
}

void census_free(struct census *census)
{
	if (!census)
		return;
	free(census->runs);
	free(census);
}

/* ---- whom to ask ---- */

/* What the store has no room for is looked up again another time. */
static void take_run(struct census *census, const struct hemem_assist_run *run)
{
	bool huge = run->flags & HEMEM_ASSIST_PAGE_HUGE;
	uint64_t bytes = huge ? HEAT_HUGE_BYTES : HEAT_BASE_BYTES, i;
	unsigned int node = tier_index(census->context.tiers, run->node);
	int err = 0;

	if (run->flags & (HEMEM_ASSIST_PAGE_ZERO | HEMEM_ASSIST_PAGE_NEVER))
		return;
	for (i = 0; i < run->nr_pages && err != -ENOMEM; i++)
		err = heat_see(census->context.heat, run->addr + i * bytes, huge, node, 0, 0);
}

static int ask_module(struct census *census, uint64_t start, uint64_t end, uint64_t *ret_end)
{
	struct hemem_assist_scan call = {
		.start = start,
		.end = end - start < CALL_BYTES ? end : start + CALL_BYTES,
		.runs = (uintptr_t)census->runs, .max_runs = census->max_runs,
	};
	int err = assist_scan(census->context.assist, &call);
	uint32_t i;

	if (err)
		return err;
	if (call.out_end <= start)
		return -EIO;	/* the module makes no progress; nor would we */
	for (i = 0; i < call.out_nr_runs; i++)
		take_run(census, &census->runs[i]);
	*ret_end = call.out_end;
	return 0;
}

static int ask_kernel(struct census *census, uint64_t start, uint64_t end, uint64_t *ret_end)
{
	void *addrs[CALL_PAGES];
	int nids[CALL_PAGES];
	unsigned long nr = 0, i;
	struct hemem_assist_run run = { .nr_pages = 1 };

	for (; start < end && nr < CALL_PAGES; start += HEAT_BASE_BYTES)
		addrs[nr++] = (void *)(uintptr_t)start;
	if (numa_move_pages(census->context.pid, nr, addrs, NULL, nids, 0) < 0)
		return -errno;
	for (i = 0; i < nr; i++) {
		if (nids[i] < 0)
			continue;
		run.addr = (uintptr_t)addrs[i];
		run.node = nids[i];
		take_run(census, &run);
	}
	*ret_end = start;
	return 0;
}

static int ask(struct census *census, uint64_t start, uint64_t end, uint64_t *ret_end)
{
	return census->runs ? ask_module(census, start, end, ret_end) :
			      ask_kernel(census, start, end, ret_end);
}

/* ---- the walk ---- */

static void end_walk(struct census *census)
{
	heat_end_pass(census->context.heat);
	census->nr_walks++;
	census->next_addr = 0;
	if (census->due_ns < census->began_ns + MIN_WALK_NS)
		census->due_ns = census->began_ns + MIN_WALK_NS;
	if (census->due_ns < census->began_ns + census->walk_ns * SHARE)
		census->due_ns = census->began_ns + census->walk_ns * SHARE;
}

int census_run(struct census *census, uint64_t now_ns)
{
	uint64_t began_ns, used_ns = 0;
	const struct region *region;
	int err = 0;

	if (now_ns < census->due_ns || !census->context.regions->nr)
		return 0;
	began_ns = clock_cpu_ns();
	if (!census->next_addr) {
		heat_begin_pass(census->context.heat);
		census->next_addr = HEAT_BASE_BYTES;
		census->began_ns = now_ns;
		census->walk_ns = 0;
	}
	region = region_next_movable(census->context.regions, census->next_addr);
	while (!err && region && used_ns < SLICE_NS) {
		if (census->next_addr < region->start)
			census->next_addr = region->start;
		err = ask(census, census->next_addr, region->end, &census->next_addr);
		used_ns = clock_cpu_ns() - began_ns;
		region = region_next_movable(census->context.regions, census->next_addr);
	}
	census->walk_ns += used_ns;
	census->due_ns = now_ns + used_ns * (census->nr_walks ? SHARE : FIRST_SHARE);
	if (!err && !region)
		end_walk(census);
	return err;
}

/* ---- one span ---- */

/* May this span be looked up now?  If so it is remembered. */
static bool may_look(struct census *census, uint64_t name, uint64_t now_ns)
{
	uint64_t *slot = &census->looked[name % NR_LOOKED];

	if (now_ns >= census->looked_since_ns + LOOK_NS) {
		memset(census->looked, 0, sizeof(census->looked));
		census->looked_since_ns = now_ns;
		census->looked_ns = 0;
	}
	if (*slot == name || census->looked_ns >= LOOK_NS / FIRST_SHARE)
		return false;
	*slot = name;
	return true;
}

int census_look(struct census *census, uint64_t addr, uint64_t now_ns)
{
	const struct region *region = region_find(census->context.regions, addr);
	uint64_t began_ns, took_ns, start, end;
	int err = 0;

	if (!region || !region_movable(region))
		return -EFAULT;
	if (!may_look(census, addr / HEAT_HUGE_BYTES + 1, now_ns))
		return -EAGAIN;
	start = addr & ~(HEAT_HUGE_BYTES - 1);
	end = start + HEAT_HUGE_BYTES < region->end ? start + HEAT_HUGE_BYTES : region->end;
	start = start > region->start ? start : region->start;
	began_ns = clock_cpu_ns();
	while (!err && start < end)
		err = ask(census, start, end, &start);
	took_ns = clock_cpu_ns() - began_ns;
	census->looked_ns += took_ns;
	census->all_looks_ns += took_ns;
	return err;
}

uint64_t census_look_ns(const struct census *census)
{
	return census->all_looks_ns;
}

int census_sample(struct census *census, uint64_t addr, bool write, uint64_t now_ns,
		  struct stats *stats)
{
	struct heat *heat = census->context.heat;
	int err = heat_sample(heat, addr, write), looked = 0;

	if (err == -ENOENT) {
		looked = census_look(census, addr, now_ns);
		err = heat_sample(heat, addr, write);
	}
	if (!err)
		stats->samples_used++;
	else if (err == -ERANGE || looked == -EFAULT)
		stats->samples_outside++;
	else if (!looked)
		stats->samples_unmovable++;
	else
		stats->samples_dropped++;
	return looked == -ESRCH ? looked : 0;
}
