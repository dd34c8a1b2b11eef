// SPDX-License-Identifier: GPL-2.0
/*
 * scan.c - sweeps over cold memory beside a small hot set; see about[]
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "bench.h"

static const char about[] =
"Reads a large array from one end to the other, again and again, and updates random words\n"
"of a small hot set in between: so many for each page that was read.  A page of the array\n"
"is read once in a sweep, all of it, and looks hot for a moment; a policy that promotes it\n"
"pays for the move and loses a hot page's place.  The hot set alone is worth keeping.  This\n"
"is the weakness of LRU that databases know as sequential flooding (Chou and DeWitt, VLDB\n"
"1985).  Checked: the sum of every sweep, which a formula gives, and of the hot set.\n";

#define WORDS_A_PAGE (4096 / 8)

struct scan {
	uint64_t *words, nr_pages, sum;		/* the array; what a sweep must add up to */
	uint64_t *hot, nr_hot, hot_sum;		/* words */
	uint64_t per_page, random;
	uint64_t nr_sweeps_wrong;
};

static uint64_t fill(uint64_t *words, uint64_t nr, uint64_t seed)
{
	uint64_t i, sum = 0;

	for (i = 0; i < nr; i++) {
		words[i] = (seed + i) * 0x9e3779b97f4a7c15;
		sum += (seed + i) * 0x9e3779b97f4a7c15;
	}
	return sum;
}

static void update_hot(struct scan *scan)
{
	uint64_t i;

	for (i = 0; i < scan->per_page; i++)
		scan->hot[bench_below(bench_random(&scan->random) >> 32, scan->nr_hot)]++;
	scan->hot_sum += scan->per_page;
}

static void sweep(struct scan *scan)
{
	uint64_t page, i, sum = 0;
	const uint64_t *word = scan->words;

	for (page = 0; page < scan->nr_pages; page++) {
		for (i = 0; i < WORDS_A_PAGE; i++)
			sum += *word++;
		update_hot(scan);
	}
	scan->nr_sweeps_wrong += sum != scan->sum;
}

static bool is_hot_right(const struct scan *scan)
{
	uint64_t i, sum = 0;

	for (i = 0; i < scan->nr_hot; i++)
		sum += scan->hot[i];
	return sum == scan->hot_sum;
}

int main(int argc, char **argv)
{
	struct scan scan = { .per_page = 64 };
	uint64_t hot_bytes = 16 << 20, i;
	const struct bench_option options[] = {
		{ "hot-bytes", "size of the hot set", BENCH_NUMBER, &hot_bytes, 4096, 1ULL << 32,
		  NULL },
		{ "hot-per-page", "updates of the hot set for each page read", BENCH_NUMBER,
		  &scan.per_page, 0, 1 << 20, NULL },
		{ 0 },
	};
	struct bench bench = {
		.name = "scan", .about = about, .work = 8, .options = options,
		.work_help = "number of sweeps",
	};

	bench_parse(&bench, argc, argv);
	if (hot_bytes + 4096 > bench.bytes)
		bench_die(BENCH_USAGE, "the hot set is larger than all");
	bench_setup(&bench);
	scan.random = bench_mix(bench.seed) | 1;
	scan.nr_hot = hot_bytes / 8;
	scan.nr_pages = (bench.bytes - hot_bytes) / 4096;
	/* First the array: where the kernel fills the fast tier first, the hot set gets nothing. */
	scan.words = bench_map(&bench, scan.nr_pages * 4096);
	scan.sum = fill(scan.words, scan.nr_pages * WORDS_A_PAGE, bench.seed);
	scan.hot = bench_map(&bench, hot_bytes);
	scan.hot_sum = fill(scan.hot, scan.nr_hot, bench.seed + 1);
	bench_run(&bench, getpid(), 0, scan.nr_pages * 4096 + hot_bytes);
	if (bench.spoil)
		scan.words[scan.nr_pages * WORDS_A_PAGE / 2]++;
	for (i = 0; i < bench.work; i++)
		sweep(&scan);
	bench_check(&bench);
	return bench_done(&bench, !scan.nr_sweeps_wrong && is_hot_right(&scan),
			  "sweeps=%" PRIu64 " hot_updates=%" PRIu64 " read_bytes_per_s=%.0f",
			  bench.work, bench.work * scan.nr_pages * scan.per_page,
			  bench_per_s(&bench, bench.work * scan.nr_pages * 4096));
}
