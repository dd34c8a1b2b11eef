// SPDX-License-Identifier: GPL-2.0
/*
 * gups.c - random updates of an array, with or without a hot set; see about[]
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "updates.h"

static const char about[] =
"Random updates (GUPS): each reads a random word of an array, changes it and writes it\n"
"back.  With --pattern hot, 90 of 100 go to a hot tenth of the array: units of 2 MiB that\n"
"lie scattered.  This is the benchmark that HeMem (SOSP 2021, section 5.1) measures with;\n"
"--move-every makes its dynamic hot set.  With --pattern uniform no placement is better\n"
"than another: tiering can only cost.  The update is HPC Challenge RandomAccess's exclusive\n"
"or; the result is checked by a parity that knows each word's place, or, with --check undo,\n"
"by HPC Challenge's way: all updates once more must restore the array.\n";

static const char *const patterns[] = { "hot", "uniform", NULL };
enum { PATTERN_HOT, PATTERN_UNIFORM };
static const char *const checks[] = { "parity", "undo", NULL };
enum { CHECK_PARITY, CHECK_UNDO };

int main(int argc, char **argv)
{
	struct updates updates = {
		.unit_bytes = BENCH_HUGE_BYTES, .hot_pct = 10, .hot_access_pct = 90,
	};
	int pattern = PATTERN_HOT, check = CHECK_PARITY;
	const struct bench_option options[] = {
		{ "pattern", "which words", BENCH_CHOICE, &pattern, 0, 0, patterns },
		{ "hot-unit", "bytes that are hot or cold together, a power of two", BENCH_NUMBER,
		  &updates.unit_bytes, 64, 1 << 30, NULL },
		{ "hot-pct", "percent of the array that is hot", BENCH_NUMBER, &updates.hot_pct, 1,
		  100, NULL },
		{ "hot-access-pct", "percent of the updates that go there", BENCH_NUMBER,
		  &updates.hot_access_pct, 0, 100, NULL },
		{ "read-pct", "percent of the updates that only read", BENCH_NUMBER,
		  &updates.read_pct, 0, 100, NULL },
		{ "move-every", "after so many updates another tenth is hot; 0: never",
		  BENCH_NUMBER, &updates.move_every, 0, 1ULL << 40, NULL },
		{ "check", "how", BENCH_CHOICE, &check, 0, 0, checks },
		{ 0 },
	};
	struct bench bench = {
		.name = "gups", .about = about, .work = 16000000, .options = options,
		.work_help = "number of updates",
	};
	uint64_t parity;
	bool is_right;

	bench_parse(&bench, argc, argv);
	if (updates.unit_bytes & (updates.unit_bytes - 1))
		bench_die(BENCH_USAGE, "--hot-unit is a power of two");
	if (pattern == PATTERN_UNIFORM)
		updates.hot_access_pct = 0;
	bench_setup(&bench);
	updates_new(&updates, &bench, bench.bytes, bench.seed);
	bench_run(&bench, getpid(), 0, updates.nr_words * 8);
	if (bench.spoil)
		updates.words[updates.nr_words / 2] ^= 1;
	updates_do(&updates, bench.work);
	bench_check(&bench);
	is_right = updates_is_right(&updates);
	parity = updates.parity;
	if (check == CHECK_UNDO)
		is_right &= updates_undo(&updates);
	return bench_done(&bench, is_right, "updates=%" PRIu64 " updates_per_s=%.0f hot_sets=%" PRIu64
			  " parity=%016" PRIx64, bench.work, bench_per_s(&bench, bench.work),
			  updates.nr_hot_sets, parity);
}
