// SPDX-License-Identifier: GPL-2.0
/*
 * heat.c - what a sample costs in the heat store, beside a hash table
 *
 * Made-up targets of 16 MiB to 16 GiB of base pages and up to 1.5 TiB of huge ones, all of them
 * known before, as they are after the first scan.  One sample in ten is of any page, nine of a
 * tenth of the pages, scattered.  The peer is a table of uthash, which the HeMem paper's program
 * uses, with what that keeps of a page: its address, two counts, the clock of its last cooling and
 * its place in a list.  Prints a table: ns of CPU time a sample, the best of some runs, as this
 * machine may be busy; and bytes a page that each of them takes.
 *
 *   heat          all rows
 *   heat --short  those that take little memory and time
 */
#include <err.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "clock.h"
#include "heat.h"
#include "pattern.h"

#define MIB		(1ULL << 20)
#define GIB		(1ULL << 30)
#define NR_SAMPLES	1000000
#define NR_RUNS		7
#define AHEAD		12	/* samples between prefetch and use */
#define NOT_MEASURED	(-1.0)

/** struct peer - one page in the peer's table */
struct peer {
	uint64_t addr;
	uint64_t reads, writes;
	uint64_t clock;
	struct peer *next, *prev;
	UT_hash_handle hh;
};

/** struct bench - one working set, and the samples of it */
struct bench {
	uint64_t bytes;
	bool huge;
	uint64_t *addrs;
	struct heat *heat;
	struct peer *peers, *pool;
	uint64_t peer_bytes;
};

static uint64_t page_bytes(const struct bench *bench)
{
	return bench->huge ? HEAT_HUGE_BYTES : HEAT_BASE_BYTES;
}

/* ---- the samples, made before the clock runs ---- */

static void make_samples(struct bench *bench, struct pattern *pattern)
{
	bool write;
	size_t i;

	pattern_init(pattern, PATTERN_HOT);
	pattern->bytes = bench->bytes;
	pattern->unit_bytes = page_bytes(bench);
	pattern->hot_bytes = bench->bytes / 10 / pattern->unit_bytes * pattern->unit_bytes;
	bench->addrs = malloc(NR_SAMPLES * sizeof(*bench->addrs));
	if (!bench->addrs)
		err(1, "no memory");
	for (i = 0; i < NR_SAMPLES; i++)
		bench->addrs[i] = pattern_next(pattern, &write);
}

/* ---- the heat store ---- */

static void add(struct bench *bench)
{
	size_t i;

	for (i = 0; i < NR_SAMPLES; i++)
		heat_add(bench->heat, bench->addrs[i], i & 1);
}

static void sample(struct bench *bench)
{
	size_t i;

	for (i = 0; i < NR_SAMPLES; i++)
		heat_sample(bench->heat, bench->addrs[i], i & 1);
}

/* As a reader does that has many samples at once. */
static void sample_ahead(struct bench *bench)
{
	size_t i;

	for (i = 0; i < NR_SAMPLES; i++) {
		if (i + AHEAD < NR_SAMPLES)
			heat_prefetch(bench->heat, bench->addrs[i + AHEAD]);
		heat_sample(bench->heat, bench->addrs[i], i & 1);
	}
}

static void fill_heat(struct bench *bench, uint64_t base)
{
	uint64_t at;

	if (heat_new(&bench->heat))
		err(1, "no memory");
	heat_cool_by_hand(bench->heat, true);
	for (at = 0; at < bench->bytes; at += page_bytes(bench))
		if (heat_see(bench->heat, base + at, bench->huge, 1, 0, 0) < 0)
			errx(1, "no memory for pages");
}

/* ---- the peer ---- */

static void add_to_peer(struct bench *bench)
{
	uint64_t mask = ~(page_bytes(bench) - 1), addr;
	struct peer *peer;
	size_t i;

	for (i = 0; i < NR_SAMPLES; i++) {
		addr = bench->addrs[i] & mask;
		HASH_FIND(hh, bench->peers, &addr, sizeof(addr), peer);
		if (i & 1)
			peer->writes++;
		else
			peer->reads++;
	}
}

static void fill_peer(struct bench *bench, uint64_t base)
{
	size_t nr = bench->bytes / page_bytes(bench), i;
	uint64_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	struct peer *peer;

	bench->pool = calloc(nr, sizeof(*bench->pool));
	if (!bench->pool)
		err(1, "no memory");
	for (i = 0; i < nr; i++) {
		peer = &bench->pool[i];
		peer->addr = base + i * page_bytes(bench);
		HASH_ADD(hh, bench->peers, addr, sizeof(peer->addr), peer);
	}
	bench->peer_bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
}

/* ---- rows ---- */

/* ns a sample, the best of NR_RUNS. */
static double best_of(struct bench *bench, void (*run)(struct bench *bench))
{
	uint64_t best_ns = UINT64_MAX, ns;
	unsigned int i;

	for (i = 0; i < NR_RUNS; i++) {
		ns = clock_cpu_ns();
		run(bench);
		ns = clock_cpu_ns() - ns;
		best_ns = ns < best_ns ? ns : best_ns;
	}
	return (double)best_ns / NR_SAMPLES;
}

static void row(uint64_t bytes, bool huge, bool with_peer)
{
	struct bench bench = { .bytes = bytes, .huge = huge };
	double nr = (double)bytes / (double)page_bytes(&bench), peer_ns = NOT_MEASURED;
	double add_ns, sample_ns, ahead_ns, known_bytes;
	struct heat_sizes known, sampled;
	struct pattern pattern;

	make_samples(&bench, &pattern);
	fill_heat(&bench, pattern.base);
	heat_sizes(bench.heat, &known);
	known_bytes = (double)known.store_bytes / nr;
	add_ns = best_of(&bench, add);
	sample_ns = best_of(&bench, sample);
	ahead_ns = best_of(&bench, sample_ahead);
	heat_sizes(bench.heat, &sampled);
	heat_free(bench.heat);
	if (with_peer) {
		fill_peer(&bench, pattern.base);
		peer_ns = best_of(&bench, add_to_peer);
		HASH_CLEAR(hh, bench.peers);
		free(bench.pool);
	}
	free(bench.addrs);
	printf("| %llu | %s | %.1f | %.1f | %.1f |", (unsigned long long)(bytes / MIB),
	       huge ? "2 MiB" : "4 KiB", add_ns, sample_ns, ahead_ns);
	if (with_peer)
		printf(" %.1f |", peer_ns);
	else
		printf(" - |");
	printf(" %.1f | %.1f | %.1f |", known_bytes, (double)sampled.store_bytes / nr,
	       (double)sampled.store_bytes / MIB);
	if (with_peer)
		printf(" %.1f |\n", (double)bench.peer_bytes / nr);
	else
		printf(" - |\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	bool is_short = argc > 1 && !strcmp(argv[1], "--short");
	uint64_t bytes;

	printf("| MiB | pages | heat_add, ns | heat_sample, ns | prefetched, ns | uthash, ns | store, bytes a page | sampled all over | MiB | uthash, bytes a page |\n");
	printf("|---|---|---|---|---|---|---|---|---|---|\n");
	for (bytes = 16 * MIB; bytes <= (is_short ? 256 * MIB : 16 * GIB); bytes *= 4)
		row(bytes, false, true);
	for (bytes = GIB; bytes <= (is_short ? GIB : 256 * GIB); bytes *= 16)
		row(bytes, true, true);
	if (!is_short)
		row(1536 * GIB, true, false);
	return 0;
}
