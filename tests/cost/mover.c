// SPDX-License-Identifier: GPL-2.0
/*
 * mover.c - memory, who moves it, and how long that takes
 */
#include <err.h>
#include <fcntl.h>
#include <numaif.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "mover.h"

int dev;
char *memory;
size_t page_bytes;

void mover_attach(void)
{
	struct hemem_assist_attach arg = {
		.size = sizeof(arg), .pidfd = syscall(SYS_pidfd_open, getpid(), 0),
	};

	dev = open(HEMEM_ASSIST_DEVICE, O_RDWR | O_CLOEXEC);
	if (dev < 0)
		err(1, "%s: load hemem_assist.ko first", HEMEM_ASSIST_DEVICE);
	if (ioctl(dev, HEMEM_ASSIST_ATTACH, &arg))
		err(1, "ATTACH");
}

void mover_map(size_t bytes, size_t nr, int advice)
{
	char *p = mmap(NULL, bytes * nr + HUGE_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	memory = (char *)(((uintptr_t)p + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1));
	madvise(memory, bytes * nr, advice);
	memset(memory, 1, bytes * nr);
	page_bytes = bytes;
}

void mover_hemem(size_t n, int node)
{
	static struct hemem_assist_move moves[MAX_PAGES];
	struct hemem_assist_migrate arg = {
		.size = sizeof(arg), .moves = (uintptr_t)moves, .nr_moves = n,
	};
	size_t i;

	for (i = 0; i < n; i++) {
		moves[i].addr = (uintptr_t)memory + i * page_bytes;
		moves[i].node = node;
	}
	if (ioctl(dev, HEMEM_ASSIST_MIGRATE, &arg))
		err(1, "MIGRATE");
	if (arg.out_nr[HEMEM_ASSIST_MOVED] != n)
		errx(1, "MIGRATE: %u of %zu moved", arg.out_nr[HEMEM_ASSIST_MOVED], n);
}

void mover_kernel(size_t n, int node)
{
	static void *pages[MAX_PAGES];
	static int nodes[MAX_PAGES], status[MAX_PAGES];
	size_t i;

	for (i = 0; i < n; i++) {
		pages[i] = memory + i * page_bytes;
		nodes[i] = node;
	}
	if (move_pages(0, n, pages, nodes, status, MPOL_MF_MOVE) < 0)
		err(1, "move_pages");
	for (i = 0; i < n; i++)
		if (status[i] != node)
			errx(1, "move_pages: page %zu: status %d", i, status[i]);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t mover_median_ns(void (*run)(size_t n, int node), size_t n)
{
	uint64_t ns[ROUNDS];
	int round;

	for (round = 0; round < WARM_ROUNDS; round++)
		run(n, !(round & 1));
	for (round = 0; round < ROUNDS; round++) {
		ns[round] = now_ns();
		run(n, round & 1);
		ns[round] = now_ns() - ns[round];
	}
	qsort(ns, ROUNDS, sizeof(*ns), compare);
	return ns[ROUNDS / 2];
}
