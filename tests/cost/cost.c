// SPDX-License-Identifier: GPL-2.0
/*
 * cost.c - what MIGRATE and SCAN cost beside the kernel's own ways
 *
 * Prints one line per way and batch size: nanoseconds a page.  In a guest that
 * runs under `tests/vm/run --icount` a nanosecond is a guest instruction, so the
 * numbers repeat; elsewhere they are wall time.  Every figure is the median of
 * several rounds there and back.  Exit status 1 if MIGRATE or SCAN is dearer by
 * more than 1%, the noise of a timer tick in it.
 *
 *   move     MIGRATE against move_pages(2), 4 KiB pages and 2 MiB pages
 *   look     SCAN (node, accessed and dirty bits, cleared) against reading
 *            /proc/PID/pagemap and, for the same knowledge, clearing with
 *            /proc/PID/clear_refs and the idle bitmap where the kernel has one
 */
#include <err.h>
#include <fcntl.h>
#include <numaif.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mover.h"

static bool is_ok = true;

static void report(const char *what, size_t n, uint64_t ours_ns,
		   const char *peer, uint64_t peer_ns)
{
	printf("%-12s batch %5zu  hemem %8.0f ns/page  %-22s %8.0f ns/page  ratio %.2f\n",
	       what, n, (double)ours_ns / n, peer, (double)peer_ns / n,
	       (double)ours_ns / peer_ns);
}

static void judge(uint64_t ours_ns, uint64_t peer_ns)
{
	if (ours_ns > peer_ns + peer_ns / 100)
		is_ok = false;
}

/* ---- move ---- */

static void cost_of_move(const char *what, const size_t *batches)
{
	for (; *batches; batches++) {
		uint64_t ours_ns = mover_median_ns(mover_hemem, *batches);
		uint64_t peer_ns = mover_median_ns(mover_kernel, *batches);

		report(what, *batches, ours_ns, "move_pages(2)", peer_ns);
		judge(ours_ns, peer_ns);
	}
}

/* ---- look ---- */

static void look_by_scan(size_t n, int node)
{
	static struct hemem_assist_run runs[MAX_PAGES];
	struct hemem_assist_scan arg = {
		.size = sizeof(arg),
		.flags = HEMEM_ASSIST_SCAN_CLEAR_ACCESSED | HEMEM_ASSIST_SCAN_CLEAR_DIRTY,
		.start = (uintptr_t)memory,
		.end = (uintptr_t)memory + n * BASE_BYTES,
		.runs = (uintptr_t)runs, .max_runs = MAX_PAGES,
	};

	(void)node;
	if (ioctl(dev, HEMEM_ASSIST_SCAN, &arg))
		err(1, "SCAN");
	if (arg.out_nr_present != n)
		errx(1, "SCAN: %llu of %zu present",
		     (unsigned long long)arg.out_nr_present, n);
}

static uint64_t pfns[MAX_PAGES];

static void read_pagemap(size_t n)
{
	static int fd = -1;
	size_t i, bytes = n * sizeof(*pfns);

	if (fd < 0)
		fd = open("/proc/self/pagemap", O_RDONLY);
	if (pread(fd, pfns, bytes, (uintptr_t)memory / BASE_BYTES * 8) != (ssize_t)bytes)
		err(1, "pagemap");
	for (i = 0; i < n; i++)
		pfns[i] &= (1ULL << 55) - 1;
}

static void look_by_pagemap(size_t n, int node)
{
	(void)node;
	read_pagemap(n);
}

/* One read and one write of the bitmap word of each page, as idle trackers do. */
static void look_by_idle_bitmap(size_t n, int node)
{
	static int fd = -1;
	uint64_t word;
	size_t i;

	(void)node;
	if (fd < 0)
		fd = open("/sys/kernel/mm/page_idle/bitmap", O_RDWR);
	read_pagemap(n);
	for (i = 0; i < n; i++) {
		if (i && pfns[i] / 64 == pfns[i - 1] / 64)
			continue;
		if (pread(fd, &word, 8, pfns[i] / 64 * 8) != 8)
			err(1, "idle bitmap");
		word = ~0ULL;
		if (pwrite(fd, &word, 8, pfns[i] / 64 * 8) != 8)
			err(1, "idle bitmap");
	}
}

/* Which node a page is on, which pagemap does not tell. */
static void look_by_query(size_t n, int node)
{
	static void *pages[MAX_PAGES];
	static int status[MAX_PAGES];
	size_t i;

	(void)node;
	for (i = 0; i < n; i++)
		pages[i] = memory + i * BASE_BYTES;
	if (move_pages(0, n, pages, NULL, status, 0) < 0)
		err(1, "move_pages query");
}

static void cost_of_look(void)
{
	static const size_t n = MAX_PAGES;
	uint64_t scan_ns = mover_median_ns(look_by_scan, n), peer_ns;

	peer_ns = mover_median_ns(look_by_pagemap, n);
	report("look", n, scan_ns, "pagemap alone", peer_ns);
	peer_ns += mover_median_ns(look_by_query, n);
	report("look", n, scan_ns, "pagemap + node query", peer_ns);
	judge(scan_ns, peer_ns);
	if (access("/sys/kernel/mm/page_idle/bitmap", W_OK)) {
		printf("look         this kernel has no idle bitmap\n");
		return;
	}
	peer_ns = mover_median_ns(look_by_idle_bitmap, n);
	report("look", n, scan_ns, "pagemap + idle bitmap", peer_ns);
	judge(scan_ns, peer_ns);
}

int main(void)
{
	static const size_t base_batches[] = { 1, 32, 512, MAX_PAGES, 0 };
	static const size_t huge_batches[] = { 1, 16, 0 };

	mover_attach();
	mover_map(BASE_BYTES, MAX_PAGES, MADV_NOHUGEPAGE);
	cost_of_look();
	cost_of_move("4 KiB move", base_batches);
	mover_map(HUGE_BYTES, 16, MADV_HUGEPAGE);
	cost_of_move("2 MiB move", huge_batches);
	return is_ok ? 0 : 1;
}
