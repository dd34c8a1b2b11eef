// SPDX-License-Identifier: GPL-2.0
/*
 * managed.c - what managed regions cost beside ordinary memory: moves and first touches
 *
 * Prints one JSON object a line.  Run by make bench-managed in a guest whose clock counts instructions
 * (tests/vm/run --icount).  Moves: the median of some rounds there and back of an idle program's
 * memory, in each mode, and by move_pages(2); with the copy.  "again" is a touch after a move.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "mover.h"

enum { COPY_BYTES = 8 };	/* by an instruction of the kernel's copy_page() */

static const struct mode {
	const char *name;
	uint32_t flags;
} modes[] = {
	{ "transaction", 0 },
	{ "writers_wait", HEMEM_ASSIST_MIGRATE_WRITERS_WAIT },
	{ "all_wait", HEMEM_ASSIST_MIGRATE_ALL_WAIT },
};

static int region = -1;
static const struct mode *mode;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void map_region(size_t bytes, size_t nr)
{
	struct hemem_assist_region arg = {
		.size = sizeof(arg), .bytes = bytes * nr, .fast_node = 0, .slow_node = 1,
		.flags = bytes == BASE_BYTES ? HEMEM_ASSIST_REGION_BASE : 0,
	};

	region = open(HEMEM_ASSIST_DEVICE, O_RDWR | O_CLOEXEC);
	if (region < 0 || ioctl(region, HEMEM_ASSIST_REGION, &arg))
		err(1, "REGION");
	memory = mmap(NULL, bytes * nr, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	page_bytes = bytes;
}

static void move_region(size_t n, int node)
{
	static struct hemem_assist_move moves[MAX_PAGES];
	struct hemem_assist_migrate arg = {
		.size = sizeof(arg), .flags = mode->flags, .moves = (uintptr_t)moves,
		.nr_moves = n,
	};
	size_t i;

	for (i = 0; i < n; i++) {
		moves[i].addr = i * page_bytes;
		moves[i].node = node;
	}
	if (ioctl(region, HEMEM_ASSIST_MIGRATE, &arg))
		err(1, "MIGRATE");
	if (arg.out_nr[HEMEM_ASSIST_MOVED] != n)
		errx(1, "MIGRATE: %u of %zu moved", arg.out_nr[HEMEM_ASSIST_MOVED], n);
}

static double touch(size_t n)
{
	const uint64_t begin = now_ns();
	size_t i;

	for (i = 0; i < n; i++)
		*(volatile char *)(memory + i * page_bytes) = 1;
	return (double)(now_ns() - begin) / n;
}

static void report(const char *what, const char *who, size_t batch, double instr)
{
	printf("{\"what\": \"%s\", \"who\": \"%s\", \"page_bytes\": %zu, \"batch\": %zu, "
	       "\"instr_per_page\": %.0f, \"beyond_copy_instr\": %.0f}\n", what, who,
	       page_bytes, batch, instr, instr - (double)(page_bytes / COPY_BYTES));
	fflush(stdout);
}

static void compare(size_t bytes, const size_t *batches, size_t nr_batches, int advice)
{
	const size_t nr = batches[nr_batches - 1];
	size_t i, m;

	/* Touches of new memory clear the page as well. */
	mover_map(bytes, 1, advice);
	memory = mmap(NULL, bytes * nr + HUGE_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memory = (char *)(((uintptr_t)memory + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1));
	madvise(memory, bytes * nr, advice);
	report("touch", "anonymous", nr, touch(nr));
	for (i = 0; i < nr_batches; i++)
		report("move", "move_pages", batches[i],
		       (double)mover_median_ns(mover_kernel, batches[i]) / batches[i]);
	map_region(bytes, nr);
	report("touch", "region", nr, touch(nr));
	for (m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
		mode = &modes[m];
		for (i = 0; i < nr_batches; i++)
			report("move", mode->name, batches[i],
			       (double)mover_median_ns(move_region, batches[i]) / batches[i]);
		report("again", mode->name, nr, touch(nr));
	}
	close(region);
}

int main(void)
{
	static const size_t base[] = { 1, 32, 512 }, huge[] = { 1, 8 };

	compare(BASE_BYTES, base, 3, MADV_NOHUGEPAGE);
	compare(HUGE_BYTES, huge, 2, MADV_HUGEPAGE);
	return 0;
}
