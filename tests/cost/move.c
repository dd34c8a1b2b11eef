// SPDX-License-Identifier: GPL-2.0
/*
 * move.c - what moving a page costs, by who moves it, its size, and how many at a time
 *
 * Prints one JSON object a line.  Run by tools/bench-move in guests whose clock counts
 * instructions (tests/vm/run --icount), where a nanosecond is an instruction.  A figure is
 * the median of some rounds there and back, of an idle program's memory.
 *
 *	move [--memcg] [--clear]
 *
 *   --memcg   in a memory cgroup of its own
 *   --clear   only this: for how long a reader would find no page, per page; needs a module
 *             built with HEMEM_FAULTS=y, which counts it
 */
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mover.h"

#define CGROUP		"/sys/fs/cgroup"
#define PARAMETERS	"/sys/module/hemem_assist/parameters/"
#define STATS		"/sys/class/misc/hemem/stats/"

static bool has_memcg;

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err(1, "%s", path);
	close(fd);
}

static uint64_t read_number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		err(1, "%s", path);
	close(fd);
	return strtoull(text, NULL, 10);
}

/* ---- figures ---- */

static const struct mover {
	const char *name;
	void (*move)(size_t n, int node);
} movers[] = {
	{ "hemem", mover_hemem },
	{ "move_pages", mover_kernel },
};

enum { NR_MOVERS = sizeof(movers) / sizeof(movers[0]) };

static void report(const struct mover *mover, size_t n)
{
	uint64_t swapped = read_number(STATS "swapped");
	uint64_t ns = mover_median_ns(mover->move, n);

	swapped = read_number(STATS "swapped") - swapped;
	printf("{\"mover\": \"%s\", \"page_bytes\": %zu, \"batch\": %zu, \"memcg\": %s, "
	       "\"instr_per_page\": %.0f, \"swapped_share\": %.3f}\n",
	       mover->name, page_bytes, n, has_memcg ? "true" : "false", (double)ns / n,
	       (double)swapped / ((ROUNDS + WARM_ROUNDS) * n));
	fflush(stdout);
}

static void report_clear(size_t n)
{
	uint64_t tsc = read_number(PARAMETERS "clear_tsc");
	uint64_t clears = read_number(PARAMETERS "clears");

	mover_median_ns(mover_hemem, n);
	tsc = read_number(PARAMETERS "clear_tsc") - tsc;
	clears = read_number(PARAMETERS "clears") - clears;
	if (!clears)
		errx(1, "nothing was swapped");
	printf("{\"mover\": \"hemem\", \"page_bytes\": %zu, "
	       "\"reader_unavailable_instr\": %.0f}\n", page_bytes, (double)tsc / clears);
	fflush(stdout);
}

static void enter_memcg(void)
{
	char text[32];

	mkdir(CGROUP, 0755);
	if (access(CGROUP "/cgroup.procs", F_OK) &&
	    mount("cgroup2", CGROUP, "cgroup2", 0, NULL))
		err(1, "cgroup2");
	write_file(CGROUP "/cgroup.subtree_control", "+memory");
	if (mkdir(CGROUP "/move", 0755))
		err(1, "mkdir");
	snprintf(text, sizeof(text), "%d", getpid());
	write_file(CGROUP "/move/cgroup.procs", text);
	has_memcg = true;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "memcg", no_argument, NULL, 'm' }, { "clear", no_argument, NULL, 'c' }, { },
	};
	static const size_t base_batches[] = { 1, 32, 512, MAX_PAGES };
	static const size_t huge_batches[] = { 1, 16 };
	bool is_clear = false;
	size_t i, m;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?')
			return 2;
		is_clear |= option == 'c';
		if (option == 'm')
			enter_memcg();
	}
	mover_attach();
	mover_map(BASE_BYTES, MAX_PAGES, MADV_NOHUGEPAGE);
	if (is_clear)
		report_clear(512);
	for (i = 0; !is_clear && i < sizeof(base_batches) / sizeof(base_batches[0]); i++)
		for (m = 0; m < NR_MOVERS; m++)
			report(&movers[m], base_batches[i]);
	mover_map(HUGE_BYTES, 16, MADV_HUGEPAGE);
	if (is_clear)
		report_clear(16);
	for (i = 0; !is_clear && i < sizeof(huge_batches) / sizeof(huge_batches[0]); i++)
		for (m = 0; m < NR_MOVERS; m++)
			report(&movers[m], huge_batches[i]);
	return 0;
}
