// SPDX-License-Identifier: GPL-2.0
/*
 * sampler_scan.c - samples from accessed and dirty bits, through the module
 *
 * Owns the walk over all regions and how often it is made.  One walk is a pass:
 * a page that was accessed since the pass before gives one read sample, a page that
 * was written one write sample as well.  Every present page is seen, accessed or
 * not: cold pages must be known too, as they are what makes room.
 *
 * The first pass only learns where pages lie: its bits may be as old as the
 * program.
 *
 * How often: a pass tells hot from cold only if it finds some pages accessed and
 * others not.  So the interval halves when more than half of the bytes were
 * accessed, and doubles when fewer than one in 64 were.
 *
 *   accessed   90 %  80 %  60 %  40 %  30 %    0 %   0 %
 *   interval   200   100   50    50    50      100   200 ms
 *
 * Between 20 ms, below which a page that is used 50 times a second looks like one
 * that is used always, and 2 s, with which a page still becomes hot (8 samples)
 * within 16 s.  And never so often that passes take more than a twentieth of one
 * CPU.  A long pass is made in slices, so that the loop comes round.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "assist.h"
#include "heat.h"
#include "region.h"
#include "sampler.h"
#include "stats.h"
#include "tier.h"

#define MS			1000000ULL	/* in ns */
#define FIRST_INTERVAL_NS	(200 * MS)
#define MIN_INTERVAL_NS		(20 * MS)
#define MAX_INTERVAL_NS		(2000 * MS)
#define CPU_SHARE		20		/* a pass takes one in so many ns, at most */
#define SLICE_NS		(20 * MS)
#define MAX_RUNS		4096		/* 64 KiB of runs a call */
#define CALL_BYTES		(256ULL << 20)	/* of addresses a call: 1 to 2 ms of kernel time */
#define MANY_BP			5000
#define FEW_BP			156

/**
 * struct scan - one sampler
 * @context: where the samples go
 * @runs: what a call answers
 * @max_runs: room in @runs
 * @next_addr: the pass goes on here; 0: between two passes
 * @is_first: this pass only learns
 * @present_bytes: found by this pass so far
 * @accessed_bytes: of these, accessed
 * @began_ns: when this pass began
 * @cost_ns: CPU time of this pass so far
 * @interval_ns: from the beginning of one pass to the next
 * @due_ns: when to go on
 */
struct scan {
	struct sampler_context context;
	struct hemem_assist_run *runs;
	uint32_t max_runs;
	uint64_t next_addr;
	bool is_first;
	uint64_t present_bytes;
	uint64_t accessed_bytes;
	uint64_t began_ns;
	uint64_t cost_ns;
	uint64_t interval_ns;
	uint64_t due_ns;
};

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static int scan_open(const struct sampler_context *context, void **ret_state)
{
	const struct hemem_assist_info *info = &context->assist->info;
	struct scan *scan;

	if (!(info->out_features & HEMEM_ASSIST_FEAT_SCAN) ||
	    info->out_page_bytes != HEAT_BASE_BYTES ||
	    (info->out_huge_page_bytes && info->out_huge_page_bytes != HEAT_HUGE_BYTES))
		return -EOPNOTSUPP;
	scan = calloc(1, sizeof(*scan));
	if (!scan)
		return -ENOMEM;
	scan->max_runs = info->out_max_runs < MAX_RUNS ? info->out_max_runs : MAX_RUNS;
	scan->runs = calloc(scan->max_runs, sizeof(*scan->runs));
	if (!scan->runs) {
		free(scan);
		return -ENOMEM;
	}
	scan->context = *context;
	scan->is_first = true;
	scan->interval_ns = FIRST_INTERVAL_NS;
	context->stats->scan_interval_ns = scan->interval_ns;
	*ret_state = scan;
	return 0;
}

static void scan_close(void *state)
{
	struct scan *scan = state;

	if (!scan)
		return;
	free(scan->runs);
	free(scan);
}

/* Put one page into the heat store and say what became of its samples. */
static void take_page(struct scan *scan, uint64_t addr, bool huge, unsigned int node,
		      unsigned int reads, unsigned int writes)
{
	struct stats *stats = scan->context.stats;
	unsigned int samples = reads + writes;
	int err;

	if (scan->is_first) {
		stats->samples_stale += samples;
		reads = writes = 0;
		samples = 0;
	}
	err = heat_see(scan->context.heat, addr, huge, node, reads, writes);
	if (err == -ERANGE)
		stats->samples_outside += samples;
	else if (err < 0)
		stats->samples_dropped += samples;
	else
		stats->samples_used += samples;
}

static void take_run(struct scan *scan, const struct hemem_assist_run *run)
{
	bool huge = run->flags & HEMEM_ASSIST_PAGE_HUGE;
	unsigned int reads = !!(run->flags & HEMEM_ASSIST_PAGE_ACCESSED);
	unsigned int writes = !!(run->flags & HEMEM_ASSIST_PAGE_DIRTY);
	unsigned int node = tier_index(scan->context.tiers, run->node);
	uint64_t page_bytes = huge ? HEAT_HUGE_BYTES : HEAT_BASE_BYTES, i;
	struct stats *stats = scan->context.stats;

	stats->samples_seen += (uint64_t)run->nr_pages * (reads + writes);
	if (run->flags & (HEMEM_ASSIST_PAGE_ZERO | HEMEM_ASSIST_PAGE_NEVER)) {
		stats->samples_unmovable += (uint64_t)run->nr_pages * (reads + writes);
		return;
	}
	scan->present_bytes += run->nr_pages * page_bytes;
	if (reads)
		scan->accessed_bytes += run->nr_pages * page_bytes;
	for (i = 0; i < run->nr_pages; i++)
		take_page(scan, run->addr + i * page_bytes, huge, node, reads, writes);
}

/* The region that the pass goes on in, or NULL at the end of the pass. */
static const struct region *next_region(const struct scan *scan)
{
	const struct region *region = region_next(scan->context.regions, scan->next_addr);

	while (region && !region_movable(region))
		region = region_next(scan->context.regions, region->end);
	return region;
}

/* One call of the module: as much of @region as fits. */
static int scan_some(struct scan *scan, const struct region *region)
{
	struct hemem_assist_scan call = {
		.flags = HEMEM_ASSIST_SCAN_CLEAR_ACCESSED | HEMEM_ASSIST_SCAN_CLEAR_DIRTY,
		.start = scan->next_addr > region->start ? scan->next_addr : region->start,
		.end = region->end,
		.runs = (uintptr_t)scan->runs,
		.max_runs = scan->max_runs,
	};
	uint32_t i;
	int err;

	if (call.end - call.start > CALL_BYTES)
		call.end = call.start + CALL_BYTES;
	err = assist_scan(scan->context.assist, &call);
	if (err)
		return err;
	if (call.out_end <= call.start)
		return -EIO;	/* the module makes no progress; nor would we */
	for (i = 0; i < call.out_nr_runs; i++)
		take_run(scan, &scan->runs[i]);
	scan->next_addr = call.out_end;
	return 0;
}

static void begin_pass(struct scan *scan, uint64_t now_ns)
{
	heat_begin_pass(scan->context.heat);
	scan->next_addr = HEAT_BASE_BYTES;
	scan->present_bytes = 0;
	scan->accessed_bytes = 0;
	scan->cost_ns = 0;
	scan->began_ns = now_ns;
}

static void adapt_interval(struct scan *scan, uint64_t accessed_bp)
{
	if (accessed_bp > MANY_BP)
		scan->interval_ns /= 2;
	else if (accessed_bp < FEW_BP)
		scan->interval_ns *= 2;
	if (scan->interval_ns < scan->cost_ns * CPU_SHARE)
		scan->interval_ns = scan->cost_ns * CPU_SHARE;
	else if (scan->interval_ns > MAX_INTERVAL_NS)
		scan->interval_ns = MAX_INTERVAL_NS;
	if (scan->interval_ns < MIN_INTERVAL_NS)
		scan->interval_ns = MIN_INTERVAL_NS;
}

static void end_pass(struct scan *scan)
{
	struct stats *stats = scan->context.stats;

	heat_end_pass(scan->context.heat);
	stats->scans++;
	stats->scan_accessed_bp = scan->present_bytes ?
				  scan->accessed_bytes * 10000 / scan->present_bytes : 0;
	if (!scan->is_first)
		adapt_interval(scan, stats->scan_accessed_bp);
	stats->scan_interval_ns = scan->interval_ns;
	scan->is_first = false;
	scan->next_addr = 0;
}

/*
 * Go on with the pass until it ends or the slice is used up.  The next slice
 * comes after so much time that slices take their share of a CPU and no more.
 */
static int scan_drain(void *state, uint64_t now_ns)
{
	struct scan *scan = state;
	const struct region *region;
	uint64_t began_ns = cpu_ns(), used_ns = 0;
	int err = 0;

	if (now_ns < scan->due_ns)
		return 0;
	if (!scan->next_addr)
		begin_pass(scan, now_ns);
	region = next_region(scan);
	while (region && !err && used_ns < SLICE_NS) {
		err = scan_some(scan, region);
		used_ns = cpu_ns() - began_ns;
		region = next_region(scan);
	}
	if (err)
		return err;
	scan->cost_ns += used_ns;
	scan->due_ns = now_ns + used_ns * CPU_SHARE;
	if (region)
		return 0;
	end_pass(scan);
	if (scan->due_ns < scan->began_ns + scan->interval_ns)
		scan->due_ns = scan->began_ns + scan->interval_ns;
	return 0;
}

static uint64_t scan_due_ns(const void *state)
{
	return ((const struct scan *)state)->due_ns;
}

const struct sampler sampler_scan = {
	.name = "scan",
	.help = "accessed and dirty bits of the page tables, read by the module",
	.needs_assist = true,
	.open = scan_open,
	.drain = scan_drain,
	.due_ns = scan_due_ns,
	.close = scan_close,
};
