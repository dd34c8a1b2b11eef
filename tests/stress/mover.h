/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mover.h - threads that move the target's pages to and fro
 */
#ifndef MOVER_H
#define MOVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "dev.h"

/**
 * enum mover_kind - who moves
 * @MOVER_HEMEM: MIGRATE of /dev/hemem
 * @MOVER_MOVE_PAGES: move_pages(2); what is wrong then is not hemem's fault
 * @MOVER_NONE: nobody
 */
enum mover_kind { MOVER_HEMEM, MOVER_MOVE_PAGES, MOVER_NONE };

/**
 * struct mover_way - how to move memory of one target
 * @kind: who moves
 * @target: whose memory
 * @fd: of /dev/hemem, attached; -1
 */
struct mover_way {
	enum mover_kind kind;
	pid_t target;
	int fd;
};

/* Attaches; 0 or -errno. */
int mover_open(enum mover_kind kind, pid_t target, struct mover_way *ret_way);
void mover_close(struct mover_way *way);

/* One batch, its answers in @moves; 0 or -errno. */
int mover_ask(const struct mover_way *way, struct hemem_assist_move *moves,
	      unsigned int nr);

/**
 * struct mover_counts - of all movers together
 * @batches: calls
 * @entries: asked for, by answer (enum hemem_assist_status)
 * @base_moves: base pages that moved
 * @huge_moves: huge pages that moved, each counted once
 * @bytes: in all of them
 * @cpu_us: CPU time of the threads
 */
struct mover_counts {
	uint64_t batches;
	uint64_t entries[HEMEM_ASSIST_NR_STATUS];
	uint64_t base_moves, huge_moves, bytes, cpu_us;
};

/**
 * mover_start() - start moving what is on the board
 * @kind: who moves
 * @target: whose memory
 * @nr: threads; each has books of its own on where pages are
 * @max_moves: after so many page moves the phase becomes BOARD_STOP; 0: never
 *
 * Return: 0 or -errno.
 */
int mover_start(enum mover_kind kind, pid_t target, unsigned int nr,
		uint64_t max_moves, uint64_t seed);

/* After BOARD_STOP: waits for the threads, adds their counts up. */
void mover_end(struct mover_counts *ret_counts);

#endif /* MOVER_H */
