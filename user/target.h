/* SPDX-License-Identifier: GPL-2.0 */
/*
 * target.h - the process whose memory we place: who it is, is it still there
 */
#ifndef HEMEM_TARGET_H
#define HEMEM_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct target - one process
 * @pid: its PID.  The PID may be used again by another process after it ends;
 *	@pidfd cannot.
 * @pidfd: refers to this process for ever; readable when it has ended
 * @start_ticks: its start time, in clock ticks since boot: with @pid a name for
 *	the process that is not used twice
 * @comm: name of its program, cut to 15 bytes
 */
struct target {
	pid_t pid;
	int pidfd;
	uint64_t start_ticks;
	char comm[16];
};

#define TARGET_NONE ((struct target){ .pidfd = -1 })

/**
 * target_open() - take hold of a running process
 * @pid: its PID
 * @ret_target: untouched on failure; target_close() at the end
 *
 * Return: 0, -ESRCH: no such process, or it has ended and waits to be reaped,
 * -EINVAL: @pid is a kernel thread or not positive, or another -errno.
 */
int target_open(pid_t pid, struct target *ret_target);

/** target_alive() - has it not ended?  A zombie has ended. */
bool target_alive(const struct target *target);

/** target_refresh() - read @comm again, after exec.  Return: 0, or -ESRCH and no change. */
int target_refresh(struct target *target);

/** target_close() - let go; TARGET_NONE is allowed */
void target_close(struct target *target);

#endif /* HEMEM_TARGET_H */
