// SPDX-License-Identifier: GPL-2.0
/*
 * board.c - what all processes of a run share
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "board.h"

struct board *board;

int board_init(void)
{
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	return board == MAP_FAILED ? -errno : 0;
}

void board_wait(enum board_phase phase)
{
	while (atomic_load(&board->phase) < (int)phase)
		usleep(1000);
}

void board_violate(const char *actor, const char *check, const void *addr,
		   uint64_t expected, uint64_t seen)
{
	uint64_t nr = atomic_fetch_add(&board->nr_violations, 1);
	struct board_violation *violation = &board->violations[nr];

	if (nr >= BOARD_VIOLATIONS)
		return;
	violation->actor = actor;
	violation->check = check;
	violation->addr = (uintptr_t)addr;
	violation->expected = expected;
	violation->seen = seen;
	violation->moves = atomic_load(&board->moves);
	violation->tid = gettid();
	atomic_store(&violation->is_complete, true);
}

struct board_place *board_add_place(void *addr, uint32_t nr_pages)
{
	struct board_place *place = &board->places[board->nr_places++];

	if (board->nr_places > BOARD_PLACES)
		abort();
	place->addr = (uintptr_t)addr;
	place->nr_pages = nr_pages;
	return place;
}
