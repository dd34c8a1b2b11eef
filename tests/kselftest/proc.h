/* SPDX-License-Identifier: GPL-2.0 */
/*
 * proc.h - memory of this process, clocks, and processes that a test starts
 */
#ifndef PROC_H
#define PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Of the mapping of this process that begins at @addr: "AnonHugePages:". */
long proc_smaps_kib(const void *addr, const char *field);

/* The entry of /proc/self/pagemap for @addr. */
uint64_t proc_pagemap(const void *addr);
#define PAGEMAP_SWAPPED	(1ULL << 62)
#define PAGEMAP_PRESENT	(1ULL << 63)

uint64_t proc_now_ns(void);
uint64_t proc_cpu_ns(void);			/* CPU time of this thread */

/*
 * Starts a process that runs @body and then exits 0, or as its expectations
 * want.  It dies with its parent.
 */
pid_t proc_start(void (*body)(void *arg), void *arg);

/* Waits for it; its exit code, or 128 + the signal that ended it. */
int proc_wait(pid_t pid);
int proc_kill(pid_t pid);			/* kill -9, then proc_wait */

/* One byte through a pipe: "I am as far as that". */
struct gate {
	int fds[2];
};
void gate_init(struct gate *gate);
void gate_open(struct gate *gate);		/* lets one waiter through */
void gate_wait(struct gate *gate);		/* ends the process at EOF */

#endif /* PROC_H */
