/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stats.h - every number that hemem-ctl keeps: name, kind, unit, definition
 *
 * One table.  The struct, the text report, the JSON and the man page come from
 * it.  Three identities hold after every tick and are tested:
 *
 *   samples_seen  = samples_used + samples_outside + samples_unmovable +
 *                   samples_stale + samples_other + samples_cached + samples_lost +
 *                   samples_dropped
 *   records_seen  = records_samples + records_lost + records_throttled +
 *                   records_unthrottled + records_other + records_broken
 *   moves_planned = moves_untried + moves_moved + moves_there + moves_busy +
 *                   moves_no_room + moves_no_page + moves_shared + moves_zero +
 *                   moves_never + moves_denied        (bytes_*: the same)
 */
#ifndef HEMEM_STATS_H
#define HEMEM_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../include/uapi/hemem_assist.h"

/**
 * enum stats_kind - how a number behaves
 * @STATS_COUNT: only grows, from 0 at attach
 * @STATS_GAUGE: as it was when last looked at
 */
enum stats_kind {
	STATS_COUNT,
	STATS_GAUGE,
};

/* X(name, kind, unit, definition) */
#define STATS_TABLE(X) \
	X(ticks, COUNT, "ticks", "turns of the loop") \
	X(samples_seen, COUNT, "samples", "samples that the sampler delivered or told to be lost") \
	X(samples_used, COUNT, "samples", "samples that were added to a page's heat") \
	X(samples_outside, COUNT, "samples", "samples whose address lies in no region that can be moved, or above what the heat store can name") \
	X(samples_unmovable, COUNT, "samples", "samples of pages that can never move: zero page, device memory; or that are gone") \
	X(samples_stale, COUNT, "samples", "samples of accesses from before attach: the first scan only learns where the pages lie") \
	X(samples_other, COUNT, "samples", "samples of other processes") \
	X(samples_cached, COUNT, "samples", "samples of instructions that did not reach memory: the caches answered, or they access none") \
	X(samples_lost, COUNT, "samples", "samples that the producer of a ring had no room for") \
	X(samples_dropped, COUNT, "samples", "samples that there was no memory to keep, or no time to look up the page of") \
	X(records_seen, COUNT, "records", "records read from rings") \
	X(records_samples, COUNT, "records", "of these: a sample") \
	X(records_lost, COUNT, "records", "of these: said that samples were lost") \
	X(records_throttled, COUNT, "records", "of these: said that the producer holds back samples") \
	X(records_unthrottled, COUNT, "records", "of these: said that it does so no longer") \
	X(records_other, COUNT, "records", "of these: said something else") \
	X(records_broken, COUNT, "records", "of these: contradicted themselves; after a size that cannot be, all that was in the ring counts as one") \
	X(sample_load_period, GAUGE, "loads", "loads that missed the caches to a sample, as adapted; of accessed bits: windows from one scan to the next where these are short, else 0") \
	X(sample_store_period, GAUGE, "stores", "stores to a sample, as adapted") \
	X(fast_load_ns, GAUGE, "ns", "what sampled loads waited that the fast tier answered, of late, where samples tell it; 0: not known") \
	X(slow_load_ns, GAUGE, "ns", "what those waited that the slow tier answered") \
	X(sample_cpu_bp, GAUGE, "bp", "share of one CPU that taking in samples took, in 1/10,000") \
	X(sample_coolings, COUNT, "coolings", "times that reads or writes counted from such samples were halved") \
	X(news, COUNT, "news", "times that the sampler had news for the policy") \
	X(scans, COUNT, "scans", "complete scans of all regions") \
	X(scan_window_ns, GAUGE, "ns", "time in which a scanned page has to be accessed to give a sample, as adapted") \
	X(scan_accessed_bp, GAUGE, "bp", "share of the scanned bytes that the last scan found accessed, in 1/10,000") \
	X(plans, COUNT, "plans", "times that the policy was asked") \
	X(trust_bp, GAUGE, "bp", "share of what moves promised that has come true of late, in 1/10,000") \
	X(coolings, COUNT, "coolings", "times that the heat of every page was halved") \
	X(regions, GAUGE, "regions", "regions of the target that can be moved") \
	X(region_bytes, GAUGE, "bytes", "addresses in those regions, touched or not") \
	X(regions_unmapped, COUNT, "regions", "regions, or parts of one, that went away") \
	X(maps_reads, COUNT, "reads", "times that /proc/PID/maps was read") \
	X(pages, GAUGE, "pages", "pages that are tracked, base and huge") \
	X(pages_huge, GAUGE, "pages", "huge pages among them") \
	X(heat_store_bytes, GAUGE, "bytes", "memory of the heat store") \
	X(target_fast_bytes, GAUGE, "bytes", "tracked bytes of the target on the fast tier") \
	X(target_slow_bytes, GAUGE, "bytes", "tracked bytes of the target on the slow tier") \
	X(hot_fast_bytes, GAUGE, "bytes", "hot bytes of the target on the fast tier") \
	X(hot_slow_bytes, GAUGE, "bytes", "hot bytes of the target on the slow tier") \
	X(fast_free_bytes, GAUGE, "bytes", "free memory of the fast tier") \
	X(fast_cache_bytes, GAUGE, "bytes", "page cache on the fast tier") \
	X(fast_room_bytes, GAUGE, "bytes", "bytes that may be promoted at once: free memory above the watermark, and idle page cache as far as the kernel drops it at once") \
	X(fast_watermark_bytes, GAUGE, "bytes", "free memory that is kept on the fast tier for new allocations") \
	X(slow_free_bytes, GAUGE, "bytes", "free memory of the slow tier") \
	X(fast_limit_bytes, GAUGE, "bytes", "most bytes that the target may have on the fast tier; 2^64-1: no limit") \
	X(fast_share_bytes, GAUGE, "bytes", "most bytes that it may have there as other targets want the tier, too; 2^64-1: no limit") \
	X(fast_shared_bytes, GAUGE, "bytes", "bytes of the fast tier that it and other targets divide; 0: there are no others") \
	X(peers, GAUGE, "targets", "other targets that want the same fast tier") \
	X(budget_bytes, GAUGE, "bytes", "bytes that may move in the next tick; 2^64-1: no limit") \
	X(wear_limit_bytes, GAUGE, "bytes", "most bytes that demotions may write to the slow tier in a day; 2^64-1: no limit") \
	X(wear_left_bytes, GAUGE, "bytes", "bytes of that which they may write now; 2^64-1: no limit") \
	X(wear_bytes, COUNT, "bytes", "bytes that demotions have written, or may have where a page was in use and stayed") \
	X(backed_off_pages, GAUGE, "pages", "pages that are left alone for now because a move of them was refused, or they went to and fro") \
	X(bound_pages, GAUGE, "pages", "pages that are left alone because the target has bound them to nodes of their tier: mbind, set_mempolicy, cpuset") \
	X(binds_reads, COUNT, "reads", "times that /proc/PID/numa_maps was read") \
	X(trial_moves, COUNT, "moves", "moves that the policy did not ask for but wants to know what would have come of") \
	X(moves_planned, COUNT, "moves", "moves that the policy asked for") \
	X(moves_untried, COUNT, "moves", "of these: not tried; the mover is dry or the target went away") \
	X(moves_moved, COUNT, "moves", "of these: the page is on the other tier now") \
	X(moves_there, COUNT, "moves", "of these: the page was there before") \
	X(moves_busy, COUNT, "moves", "of these: refused, in use by someone else this moment") \
	X(moves_no_room, COUNT, "moves", "of these: refused, the node had no free page of this size") \
	X(moves_no_page, COUNT, "moves", "of these: nothing is mapped there any more") \
	X(moves_shared, COUNT, "moves", "of these: refused, other processes map the page too") \
	X(moves_zero, COUNT, "moves", "of these: the kernel's zero page") \
	X(moves_never, COUNT, "moves", "of these: refused, this kind of memory is not moved") \
	X(moves_denied, COUNT, "moves", "of these: refused, the target's cpuset does not allow the node") \
	X(bytes_planned, COUNT, "bytes", "bytes that the policy asked to move") \
	X(bytes_untried, COUNT, "bytes", "bytes of moves_untried") \
	X(bytes_moved, COUNT, "bytes", "bytes of moves_moved") \
	X(bytes_there, COUNT, "bytes", "bytes of moves_there") \
	X(bytes_busy, COUNT, "bytes", "bytes of moves_busy") \
	X(bytes_no_room, COUNT, "bytes", "bytes of moves_no_room") \
	X(bytes_no_page, COUNT, "bytes", "bytes of moves_no_page") \
	X(bytes_shared, COUNT, "bytes", "bytes of moves_shared") \
	X(bytes_zero, COUNT, "bytes", "bytes of moves_zero") \
	X(bytes_never, COUNT, "bytes", "bytes of moves_never") \
	X(bytes_denied, COUNT, "bytes", "bytes of moves_denied") \
	X(promoted_pages, COUNT, "pages", "pages moved to the fast tier") \
	X(promoted_bytes, COUNT, "bytes", "bytes moved to the fast tier") \
	X(demoted_pages, COUNT, "pages", "pages moved to the slow tier") \
	X(demoted_bytes, COUNT, "bytes", "bytes moved to the slow tier") \
	X(events_mmap, COUNT, "events", "calls of mmap by the target that were noticed") \
	X(events_munmap, COUNT, "events", "calls of munmap") \
	X(events_mremap, COUNT, "events", "calls of mremap") \
	X(events_brk, COUNT, "events", "calls of brk") \
	X(events_fork, COUNT, "events", "children made by fork; they are not followed") \
	X(events_exec, COUNT, "events", "times that the target became another program") \
	X(events_lost, COUNT, "events", "such events that were lost") \
	X(drain_ns, GAUGE, "ns", "time of the last step 1: drain samples") \
	X(look_ns, GAUGE, "ns", "time of the last step 2: look at regions and tiers") \
	X(plan_ns, GAUGE, "ns", "time of the last step 3: plan") \
	X(move_ns, GAUGE, "ns", "time of the last step 4: move") \
	X(cpu_ns, GAUGE, "ns", "CPU time that hemem-ctl has used since attach")

/** struct stats - one member for every row of STATS_TABLE */
struct stats {
#define STATS_MEMBER(name, kind, unit, definition) uint64_t name;
	STATS_TABLE(STATS_MEMBER)
#undef STATS_MEMBER
};

/**
 * struct stats_row - one row of STATS_TABLE, for those who print them all
 * @name: as in struct stats
 * @unit: plural, or "ns", "bp"
 * @definition: one line, without full stop
 * @kind: counter or gauge
 * @offset: of the uint64_t in struct stats
 */
struct stats_row {
	const char *name;
	const char *unit;
	const char *definition;
	enum stats_kind kind;
	size_t offset;
};

extern const struct stats_row stats_rows[];
extern const size_t stats_nr_rows;

/** stats_get() - the value of one row */
uint64_t stats_get(const struct stats *stats, const struct stats_row *row);

/** stats_status_name() - the word for a status, as in the table: "no_room" */
const char *stats_status_name(enum hemem_assist_status status);

/**
 * stats_add_move() - count what became of one planned move
 * @stats: the counters
 * @status: enum hemem_assist_status; a value this program does not know, from a
 *	newer module, counts as busy
 * @bytes: size of the page
 * @promoted: it was to go to the fast tier
 *
 * Counts moves_planned and bytes_planned too, so the identities cannot break.
 */
void stats_add_move(struct stats *stats, unsigned int status, uint64_t bytes, bool promoted);

/**
 * stats_waiting() - what keeps hot pages on the slow tier, in a few words
 *
 * As of the last look and plan.  NULL: none are there, or nothing stands in their way.
 * What there is less of than a huge page counts as none.
 */
const char *stats_waiting(const struct stats *stats);

/** stats_add_up() - do the identities at the top of this file hold? */
bool stats_add_up(const struct stats *stats);

#endif /* HEMEM_STATS_H */
