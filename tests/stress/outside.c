// SPDX-License-Identifier: GPL-2.0
/*
 * outside.c - the actors "compact", "alongside", "reclaim" and "balance": others who move
 * pages or take them away, for reasons of their own
 *
 * They hold pages, isolate them from the LRU lists, or change their entries, and nobody
 * tells them of a move.
 */
#include <errno.h>
#include <numaif.h>
#include <stdio.h>
#include <unistd.h>

#include "actor.h"
#include "file.h"
#include "memcg.h"
#include "node.h"

/* --- compact ----------------------------------------------------------------------- */

#define COMPACT	"/proc/sys/vm/compact_memory"

static const char *compact_lacks(void)
{
	return access(COMPACT, W_OK) ? "the kernel has no compaction" : NULL;
}

static void compact_step(struct worker *worker)
{
	worker_call(worker, "write to compact_memory", 0, file_write(COMPACT, "1"));
}

const struct actor compact_actor = {
	.name = "compact",
	.hazard = "has the kernel compact all memory: it isolates and migrates the same pages",
	.nr_threads = 1,
	.rest_us = 2000000,
	.is_outside = true,
	.is_still = true,
	.lacks = compact_lacks,
	.step = compact_step,
};

/* --- alongside --------------------------------------------------------------------- */

enum { ALONGSIDE_PAGES = 128 };

static void alongside_step(struct worker *worker)
{
	const struct board_place *place =
		&board->places[dice_below(&worker->dice, board->nr_places)];
	uint32_t first = dice_below(&worker->dice, place->nr_pages), nr, i;
	int nodes[ALONGSIDE_PAGES], answers[ALONGSIDE_PAGES];
	int node = dice_one_in(&worker->dice, 2) ? node_a() : node_b();
	void *pages[ALONGSIDE_PAGES];

	nr = dice_spread(&worker->dice, ALONGSIDE_PAGES);
	if (nr > place->nr_pages - first)
		nr = place->nr_pages - first;
	for (i = 0; i < nr; i++) {
		pages[i] = (char *)place->addr + (first + i) * PAGE_BYTES;
		nodes[i] = node;
		answers[i] = -EBUSY;
	}
	move_pages(board->target, nr, pages, nodes, answers, MPOL_MF_MOVE);
	for (i = 0; i < nr; i++)
		worker_count_extra(worker, answers[i] == node);
}

const struct actor alongside_actor = {
	.name = "alongside",
	.hazard = "moves the same pages with move_pages(2), which leaves migration entries, "
		  "drains the LRU lists and takes pages off them",
	.extra = "pages_there",
	.nr_threads = 1,
	.rest_us = 100000,
	.is_outside = true,
	.is_still = true,
	.step = alongside_step,
};

/* --- reclaim ----------------------------------------------------------------------- */

static const char *reclaim_lacks(void)
{
	if (memcg_bytes("anon") < 0)
		return "the target is in no memory control group";
	return file_field("/proc/meminfo", "SwapFree:") < 65536 ? "no swap is on" : NULL;
}

static void reclaim_step(struct worker *worker)
{
	int64_t before = memcg_bytes("anon"), after;

	worker_call(worker, "reclaim of a memory control group", 0,
		    memcg_reclaim((uint64_t)dice_spread(&worker->dice, 512) * PAGE_BYTES));
	after = memcg_bytes("anon");
	if (after < before)
		worker_count_extra(worker, (uint64_t)(before - after) / PAGE_BYTES);
}

const struct actor reclaim_actor = {
	.name = "reclaim",
	.hazard = "has the kernel reclaim from the target's control group: it takes pages off the "
		  "LRU, to swap, while a move has them, and what is charged must stay right",
	.extra = "pages_less",
	.nr_threads = 1,
	.rest_us = 500000,
	.is_outside = true,
	.reclaims = true,
	.lacks = reclaim_lacks,
	.step = reclaim_step,
};

/* --- balance ----------------------------------------------------------------------- */

#define BALANCING	"/proc/sys/kernel/numa_balancing"

static const char *balance_lacks(void)
{
	return access(BALANCING, W_OK) ? "the kernel has no NUMA balancing" : NULL;
}

/* The knobs are in debugfs since 5.13, before that in /proc/sys. */
static void balance_prepare(void)
{
	static const char *const knobs[][2] = {
		{ "scan_delay_ms", "0" }, { "scan_period_min_ms", "100" },
		{ "scan_period_max_ms", "500" }, { "scan_size_mb", "8" },
	};
	char path[128];
	unsigned int i;

	for (i = 0; i < sizeof(knobs) / sizeof(knobs[0]); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/sched/numa_balancing/%s",
			 knobs[i][0]);
		file_set(path, knobs[i][1]);
		snprintf(path, sizeof(path), "%s_%s", BALANCING, knobs[i][0]);
		file_set(path, knobs[i][1]);
	}
	file_set(BALANCING, "1");
}

/* It works by itself; here is only seen that it does. */
static void balance_step(struct worker *worker)
{
	static int64_t before = -1;
	int64_t now = file_field("/proc/vmstat", "numa_pte_updates");

	if (before >= 0 && now > before)
		worker_count_extra(worker, (uint64_t)(now - before));
	before = now;
}

const struct actor balance_actor = {
	.name = "balance",
	.hazard = "turns NUMA balancing on: it makes entries inaccessible under mmap_lock for "
		  "reading, as the engine has it, and moves pages on faults",
	.extra = "entries_marked",
	.nr_threads = 1,
	.rest_us = 200000,
	.is_outside = true,
	.lacks = balance_lacks,
	.prepare = balance_prepare,
	.step = balance_step,
};
