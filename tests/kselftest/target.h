/* SPDX-License-Identifier: GPL-2.0 */
/*
 * target.h - a target: a process of its own with memory of a kind
 *
 * It waits for commands on a pipe and answers each with a number.
 */
#ifndef TARGET_H
#define TARGET_H

#include <sys/types.h>

#include "mem.h"

struct target {
	pid_t pid;
	struct mem mem;			/* its memory, at its addresses */
	int to, from;			/* pipes */
};

enum target_command {
	TARGET_COUNT_BAD = 'c',		/* how many pages are not as filled */
	TARGET_WRITE = 'w',		/* fills again: every page is written */
	TARGET_FORK = 'f',		/* answers with the PID of its child */
	TARGET_EXEC = 'x',		/* becomes sleep(1); no answer */
	TARGET_EXIT = 'q',		/* no answer */
	TARGET_UNDUMPABLE = 'd',
	TARGET_SET_UID = 'u',		/* becomes nobody */
};

/* Both return when the memory is there, on @nid.  They end the test or skip. */
void target_start(struct target *ret_target, const struct kind *kind, int nid);
void target_start_anon(struct target *ret_target, size_t nr_pages, int nid);

/* Runs @prepare in the new process before its memory is made. */
void target_start_as(struct target *ret_target, void (*prepare)(void), int nid);

long target_tell(const struct target *target, enum target_command command);

/* How many of its base pages lie on @nid. */
size_t target_count(const struct target *target, int nid);

/* kill -9 and reap. */
void target_kill(struct target *target);

#endif /* TARGET_H */
