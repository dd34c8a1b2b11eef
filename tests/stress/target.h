/* SPDX-License-Identifier: GPL-2.0 */
/*
 * target.h - the process whose memory moves
 */
#ifndef TARGET_H
#define TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * target_start() - fork the target, with the actors of @chosen that live in it
 *
 * Return: when its memory is there, its process id; the threads wait for BOARD_RUN.
 * Negative if it could not begin.
 */
pid_t target_start(uint64_t chosen, uint64_t seed);

/* Has it ended already?  target_wait() still tells how. */
bool target_is_gone(pid_t pid);

/* After BOARD_QUIET.  Violations: it did not end by itself, or not in time. */
void target_wait(pid_t pid, unsigned int timeout_s);

#endif /* TARGET_H */
