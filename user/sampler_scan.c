// SPDX-License-Identifier: GPL-2.0
/*
 * sampler_scan.c - samples from accessed and dirty bits, through the module
 *
 * Owns the walk over all regions and how often it is made.  One walk is a pass:
 * a page that was accessed gives one read sample, a page that was written one
 * write sample as well.  Every present page is seen, accessed or not: cold pages
 * must be known too, as they are what makes room.  The first pass only learns
 * where pages lie: its bits may be as old as the program.
 *
 * A bit tells hot from cold only if the time between clearing and reading it, the
 * window, is right: in too long a window every page is accessed, in too short a one
 * none is.  So after each pass the window is halved if more than half of the bytes
 * were accessed, and doubled if fewer than one in 64 were:
 *
 *   accessed   90 %  80 %  60 %  40 %  30 %    0 %   0 %
 *   window     200   100   50    25    25      25    50 ms
 *
 * Reading a bit clears it as well, so usually a pass is the beginning of the next
 * pass's window, and passes follow each other by the window.  But scanning may take
 * only a tenth of one CPU, and for a large target that makes the time between
 * passes longer than the window ought to be.  Then each slice of a pass is
 * scanned twice, to clear the bits and, a window later, to read them.  That costs
 * two scans a sample, but the samples mean something.
 *
 * A huge page has 512 times the accesses of a base page, and one that is cold may be
 * accessed every few 100 us.  A window of less than a turn of the loop is waited for on
 * the spot, between the two scans of a slice, and passes begin 20 ms apart.  A page that is
 * found accessed in a window of 100 us then stands for 200 accesses: so many windows
 * fit into the time from one pass to the next (sample_load_period).
 *
 * A slice is as much as can be scanned in about 20 ms, so that the loop comes round, and
 * in about a window where that is less.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "assist.h"
#include "clock.h"
#include "cost.h"
#include "heat.h"
#include "reason.h"
#include "region.h"
#include "sampler.h"
#include "stats.h"
#include "tier.h"

#define US			1000ULL		/* in ns */
#define MS			(1000 * US)
#define FIRST_WINDOW_NS		(200 * MS)
#define MIN_WINDOW_NS		(20 * US)	/* some times what two system calls take */
#define TURN_NS			(5 * MS)	/* shorter windows are not left to the loop */
#define PASS_NS			(20 * MS)	/* from pass to pass with these */
#define SPIN_NS			(200 * US)	/* a sleep may take 50 us longer */
#define MAX_WINDOW_NS		(2000 * MS)	/* 8 samples, which make a page hot, in 16 s */
#define CPU_SHARE		10		/* scanning takes one in so many ns, at most */
#define SLICE_NS		(20 * MS)
#define CALL_BYTES		(64ULL << 20)	/* of addresses a call: about 1 ms of kernel time */
#define MANY_BP			5000
#define FEW_BP			156

/**
 * enum scan_pass - what this pass does
 * @PASS_LEARNS: the first one: find the pages, count nothing
 * @PASS_READS: the window of each page began with the pass before
 * @PASS_CLEARS: the window of each slice is begun by a scan of its own
 */
enum scan_pass {
	PASS_LEARNS,
	PASS_READS,
	PASS_CLEARS,
};

/**
 * struct scan - one sampler
 * @context: where the samples go
 * @runs: what a call answers
 * @max_runs: room in @runs
 * @pass: what this pass does
 * @next_addr: the pass goes on here; 0: between two passes
 * @armed_end: the window of [@next_addr, @armed_end) has begun; 0: of no slice
 * @present_bytes: found by this pass so far
 * @accessed_bytes: of these, accessed
 * @began_ns: when this pass began
 * @spacing_ns: from the beginning of the pass before to this one's
 * @slice_ns: CPU time of this slice so far
 * @cost_ns: CPU time of this pass so far, without that for clearing alone
 * @window_ns: from clearing to reading, as adapted
 * @due_ns: when to go on
 */
struct scan {
	struct sampler_context context;
	struct hemem_assist_run *runs;
	uint32_t max_runs;
	enum scan_pass pass;
	uint64_t next_addr;
	uint64_t armed_end;
	uint64_t present_bytes;
	uint64_t accessed_bytes;
	uint64_t began_ns;
	uint64_t spacing_ns;
	uint64_t slice_ns;
	uint64_t cost_ns;
	uint64_t window_ns;
	uint64_t due_ns;
};

static int scan_open(const struct sampler_context *context, void **ret_state)
{
	struct scan *scan = calloc(1, sizeof(*scan));
	int err;

	if (!scan)
		return -ENOMEM;
	err = assist_new_runs(context->assist, &scan->runs, &scan->max_runs);
	if (err) {
		free(scan);
		return err;
	}
	scan->context = *context;
	scan->pass = PASS_LEARNS;
	scan->window_ns = FIRST_WINDOW_NS;
	context->stats->scan_window_ns = scan->window_ns;
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
	int err = heat_see(scan->context.heat, addr, huge, node, reads, writes);

	if (err == -ERANGE)
		stats->samples_outside += reads + writes;
	else if (err < 0)
		stats->samples_dropped += reads + writes;
	else
		stats->samples_used += reads + writes;
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
	if (scan->pass == PASS_LEARNS) {
		stats->samples_stale += (uint64_t)run->nr_pages * (reads + writes);
		reads = writes = 0;
	}
	for (i = 0; i < run->nr_pages; i++)
		take_page(scan, run->addr + i * page_bytes, huge, node, reads, writes);
}

/* One call of the module: as much of @region from @addr on as fits. */
static int scan_some(struct scan *scan, const struct region *region, uint64_t end, bool is_read,
		     uint64_t *addr)
{
	struct hemem_assist_scan call = {
		.flags = HEMEM_ASSIST_SCAN_CLEAR_ACCESSED | HEMEM_ASSIST_SCAN_CLEAR_DIRTY,
		.start = *addr > region->start ? *addr : region->start,
		.end = region->end < end ? region->end : end,
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
	for (i = 0; is_read && i < call.out_nr_runs; i++)
		take_run(scan, &scan->runs[i]);
	*addr = call.out_end;
	return 0;
}

/*
 * Scan [*addr, @end) until its end or for @max_ns of CPU time, and move *addr on;
 * to UINT64_MAX when no region is left.  Regions may have changed meanwhile: what
 * is not mapped any more is passed over.
 */
static int scan_slice(struct scan *scan, uint64_t end, uint64_t max_ns, bool is_read,
		      uint64_t *addr)
{
	uint64_t began_ns = clock_cpu_ns(), used_ns = 0;
	const struct region *region;
	int err = 0;

	while (!err && *addr < end && used_ns < max_ns) {
		region = region_next_movable(scan->context.regions, *addr);
		if (!region || region->start >= end) {
			*addr = region ? end : UINT64_MAX;
			break;
		}
		err = scan_some(scan, region, end, is_read, addr);
		used_ns = clock_cpu_ns() - began_ns;
	}
	if (!region_next_movable(scan->context.regions, *addr))
		*addr = UINT64_MAX;
	scan->slice_ns += used_ns;
	if (is_read)
		scan->cost_ns += used_ns;
	return err;
}

static void begin_pass(struct scan *scan, uint64_t now_ns)
{
	scan->spacing_ns = now_ns - scan->began_ns;
	heat_begin_pass(scan->context.heat);
	scan->next_addr = HEAT_BASE_BYTES;
	scan->present_bytes = 0;
	scan->accessed_bytes = 0;
	scan->cost_ns = 0;
	scan->began_ns = now_ns;
}

/* @pass_ns: the shortest time between two passes that only read */
static void adapt_window(struct scan *scan, uint64_t accessed_bp, uint64_t pass_ns)
{
	uint64_t window_ns = scan->window_ns;

	if (scan->pass == PASS_READS && window_ns < pass_ns)
		window_ns = pass_ns;	/* that is the window that was measured */
	if (accessed_bp > MANY_BP)
		window_ns /= 2;
	else if (accessed_bp < FEW_BP)
		window_ns *= 2;
	if (window_ns < MIN_WINDOW_NS)
		window_ns = MIN_WINDOW_NS;
	scan->window_ns = window_ns < MAX_WINDOW_NS ? window_ns : MAX_WINDOW_NS;
}

/* Windows as short as the last one that lay between the last two passes. */
static uint64_t windows_a_pass(const struct scan *scan)
{
	return scan->pass == PASS_CLEARS ? scan->spacing_ns / scan->window_ns : 1;
}

/*
 * Choose what the next pass does: clear by itself if only reading would come round
 * later than one and a half windows, or sooner than the loop.
 */
static void end_pass(struct scan *scan)
{
	struct stats *stats = scan->context.stats;
	uint64_t pass_ns = scan->cost_ns * CPU_SHARE, nr_windows = windows_a_pass(scan), rest_ns;

	heat_end_pass(scan->context.heat);
	stats->scans++;
	stats->news++;
	stats->scan_accessed_bp = scan->present_bytes ?
				  scan->accessed_bytes * 10000 / scan->present_bytes : 0;
	if (scan->pass != PASS_LEARNS)
		adapt_window(scan, stats->scan_accessed_bp, pass_ns);
	stats->scan_window_ns = scan->window_ns;
	stats->sample_load_period = nr_windows > COST_BIT_ACCESSES ? nr_windows : 0;
	scan->pass = scan->window_ns < TURN_NS || pass_ns > scan->window_ns + scan->window_ns / 2 ?
		     PASS_CLEARS : PASS_READS;
	scan->next_addr = 0;
	rest_ns = scan->pass == PASS_READS ? scan->window_ns : PASS_NS;
	if (scan->due_ns < scan->began_ns + rest_ns)
		scan->due_ns = scan->began_ns + rest_ns;
}

/* Begin the window of one slice. */
static int arm_slice(struct scan *scan, uint64_t now_ns)
{
	uint64_t addr = scan->next_addr, max_ns = SLICE_NS / 2;
	int err;

	if (max_ns > scan->window_ns)
		max_ns = scan->window_ns;
	err = scan_slice(scan, UINT64_MAX, max_ns, false, &addr);
	scan->armed_end = addr;
	scan->due_ns = now_ns + scan->window_ns;
	return err;
}

/* Let a short window pass.  What is spun away is CPU time that scanning takes. */
static void wait_window(struct scan *scan, uint64_t from_ns)
{
	uint64_t began_ns = clock_cpu_ns(), passed_ns;

	for (;;) {
		passed_ns = clock_now_ns() - from_ns;
		if (passed_ns >= scan->window_ns)
			break;
		if (scan->window_ns - passed_ns > SPIN_NS)
			clock_sleep_ns(scan->window_ns - passed_ns - SPIN_NS / 2);
	}
	scan->slice_ns += clock_cpu_ns() - began_ns;
}

/* Read a slice, and rest for so long that scanning takes its share and no more. */
static int read_slice(struct scan *scan, uint64_t now_ns)
{
	bool was_armed = scan->armed_end;
	int err = scan_slice(scan, was_armed ? scan->armed_end : UINT64_MAX,
			     was_armed ? UINT64_MAX : SLICE_NS, true, &scan->next_addr);

	scan->armed_end = 0;
	scan->due_ns = now_ns + scan->slice_ns * CPU_SHARE;
	scan->slice_ns = 0;
	if (!err && scan->next_addr == UINT64_MAX)
		end_pass(scan);
	return err;
}

static int scan_drain(void *state, uint64_t now_ns)
{
	struct scan *scan = state;
	int err;

	if (now_ns < scan->due_ns)
		return 0;
	if (!scan->next_addr)
		begin_pass(scan, now_ns);
	if (scan->pass == PASS_CLEARS && !scan->armed_end) {
		err = arm_slice(scan, now_ns);
		if (err || scan->window_ns >= TURN_NS)
			return err;
		wait_window(scan, clock_now_ns());
	}
	return read_slice(scan, now_ns);
}

static uint64_t scan_due_ns(const void *state)
{
	return ((const struct scan *)state)->due_ns;
}

/* What every machine has; without the module, who attaches to it says so. */
static int scan_probe(struct reason *why)
{
	return reason_set(why, 0, "accessed bits are everywhere");
}

const struct sampler sampler_scan = {
	.name = "scan",
	.help = "accessed and dirty bits of the page tables, read by the module",
	.needs_assist = true,
	.probe = scan_probe,
	.open = scan_open,
	.drain = scan_drain,
	.due_ns = scan_due_ns,
	.close = scan_close,
};
