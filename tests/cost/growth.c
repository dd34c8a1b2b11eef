// SPDX-License-Identifier: GPL-2.0
/*
 * growth.c - how CPU time and memory of the controller grow with the target
 *
 * Made-up targets, a tenth of each hot, a quarter fast, 1 to 16,384 GiB; and up to 1,000 processes,
 * each with a controller's heat store, ledger and plan.  Prints a table: ns to take a
 * sample in, ms to plan, memory of the heat store a page.  CPU time of this machine, so
 * only the way it grows can be compared with others.
 *
 *   growth          all rows
 *   growth --short  those that take little memory and time
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "heat.h"
#include "ledger.h"
#include "pattern.h"
#include "plan.h"
#include "policy.h"
#include "tier.h"

#define GIB		(1ULL << 30)
#define MIB		(1ULL << 20)
#define NR_SAMPLES	2000000		/* of all processes together */
#define NR_TURNS	20
#define MAX_MOVES	262144		/* as the loop has */

/** struct controller - what one target costs */
struct controller {
	struct pattern pattern;
	struct tier_set tiers;
	struct heat *heat;
	struct ledger *ledger;
	struct plan *plan;
	uint64_t turn;
};

static void begin(struct controller *controller, uint64_t bytes, bool huge, uint64_t seed)
{
	uint64_t page = huge ? HEAT_HUGE_BYTES : HEAT_BASE_BYTES, at;

	pattern_init(&controller->pattern, PATTERN_HOT);
	controller->pattern.base = 0x100000000000;
	controller->pattern.bytes = bytes;
	controller->pattern.hot_bytes = bytes / 10 / HEAT_HUGE_BYTES * HEAT_HUGE_BYTES;
	controller->pattern.seed = seed;
	controller->tiers = (struct tier_set){
		.nodes = { { .level = TIER_FAST, .total_bytes = bytes / 4 },
			   { .nid = 1, .level = TIER_SLOW, .total_bytes = bytes,
			     .free_bytes = bytes / 4 } },
		.nr_nodes = 2,
	};
	if (heat_new(&controller->heat) || ledger_new(&cost_default, &controller->ledger) ||
	    plan_new(MAX_MOVES, &controller->plan))
		err(1, "no memory");
	heat_cool_by_hand(controller->heat, true);
	for (at = 0; at < bytes; at += page)
		if (heat_see(controller->heat, controller->pattern.base + at, huge,
			     at < bytes / 4 ? 0 : 1, 0, 0) < 0)
			errx(1, "no memory for pages");
}

static void end(struct controller *controller)
{
	heat_free(controller->heat);
	ledger_free(controller->ledger);
	plan_free(controller->plan);
}

/* Return: ns of CPU time. */
static uint64_t sample(struct controller *controller, uint64_t nr)
{
	uint64_t *addrs = malloc(nr * sizeof(*addrs)), i, began_ns;
	bool write;

	if (!addrs)
		err(1, "no memory");
	for (i = 0; i < nr; i++)
		addrs[i] = pattern_next(&controller->pattern, &write);
	began_ns = clock_cpu_ns();
	for (i = 0; i < nr; i++)
		heat_sample(controller->heat, addrs[i], false);
	began_ns = clock_cpu_ns() - began_ns;
	free(addrs);
	return began_ns;
}

static uint64_t plan(struct controller *controller)
{
	struct snapshot snapshot = {
		.turn = controller->turn++, .heat = controller->heat,
		.tiers = &controller->tiers, .budget_bytes = 64 * MIB, .wear_bytes = UINT64_MAX,
		.fast_limit_bytes = UINT64_MAX, .ledger = controller->ledger,
	};
	uint64_t began_ns = clock_cpu_ns();

	ledger_tick(controller->ledger, 1 + controller->turn * 20000000, controller->heat,
		    &controller->tiers, 401);
	plan_clear(controller->plan);
	policy_gain.plan(&snapshot, controller->plan);
	ledger_cool(controller->ledger, controller->heat, controller->plan);
	heat_end_turn(controller->heat);
	return clock_cpu_ns() - began_ns;
}

/* Memory of this process that is in use, in bytes. */
static uint64_t resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long long size, pages;

	if (!file || fscanf(file, "%llu %llu", &size, &pages) != 2)
		err(1, "/proc/self/statm");
	fclose(file);
	return pages * 4096;
}

static void row(unsigned int nr, uint64_t bytes, bool huge)
{
	struct controller *controllers = calloc(nr, sizeof(*controllers));
	uint64_t before = resident(), sample_ns = 0, plan_ns = 0, store = 0, pages = 0, used;
	struct heat_sizes sizes;
	unsigned int i, turn;

	if (!controllers)
		err(1, "no memory");
	for (i = 0; i < nr; i++)
		begin(&controllers[i], bytes, huge, i + 1);
	for (turn = 0; turn < NR_TURNS; turn++)
		for (i = 0; i < nr; i++) {
			sample_ns += sample(&controllers[i], NR_SAMPLES / NR_TURNS / nr);
			plan_ns += plan(&controllers[i]);
		}
	for (i = 0; i < nr; i++) {
		heat_sizes(controllers[i].heat, &sizes);
		store += sizes.store_bytes;
		pages += sizes.nr_pages;
	}
	used = resident();
	printf("| %u | %.6g | %s | %llu | %.1f | %.3f | %.1f | %.1f | %.1f |\n", nr,
	       (double)bytes / (double)GIB, huge ? "2 MiB" : "4 KiB", (unsigned long long)pages,
	       (double)sample_ns / NR_SAMPLES, (double)plan_ns / 1e6 / NR_TURNS,
	       (double)plan_ns / NR_TURNS / (double)pages, (double)store / (double)pages,
	       (double)(used - before) / MIB);
	fflush(stdout);
	for (i = 0; i < nr; i++)
		end(&controllers[i]);
	free(controllers);
}

int main(int argc, char **argv)
{
	bool is_short = argc > 1 && !strcmp(argv[1], "--short");
	unsigned int nr;
	uint64_t gib;

	printf("| processes | GiB each | pages | number of them | ns a sample | ms a plan of all | ns a page | store, bytes a page | memory, MiB |\n");
	printf("|---|---|---|---|---|---|---|---|---|\n");
	for (gib = 1; gib <= (is_short ? 64 : 16384); gib *= 4)
		row(1, gib * GIB, true);
	for (gib = 1; gib <= (is_short ? 1 : 16); gib *= 4)
		row(1, gib * GIB, false);
	for (nr = 1; nr <= (is_short ? 10 : 1000); nr *= 10)
		row(nr, GIB / 4, true);
	return 0;
}
