// SPDX-License-Identifier: GPL-2.0
/*
 * target.c - the process whose memory we place
 *
 * Owns the pidfd and the name of the process.  A PID alone is not enough: after
 * the process ends it may be given to another one.  So everything that lasts
 * goes through the pidfd, and what must go by PID (/proc, move_pages) asks
 * target_alive() after the fact: if the process still lives then, it lived when
 * the PID was used.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "target.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open	434	/* the same on all architectures */
#endif

#define PF_KTHREAD	0x00200000	/* in field 9 of /proc/PID/stat */

/*
 * The name in field 2 may hold spaces and brackets, so it ends at the last
 * closing bracket of the line.
 */
static int read_stat(pid_t pid, struct target *target)
{
	char path[32], line[1024], *name, *end;
	unsigned long long start_ticks;
	unsigned int flags;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	stat = fopen(path, "re");
	if (!stat)
		return errno == ENOENT ? -ESRCH : -errno;
	name = fgets(line, sizeof(line), stat);
	fclose(stat);
	if (!name)
		return -ESRCH;
	name = strchr(line, '(');
	end = strrchr(line, ')');
	if (!name || !end || end < name)
		return -EBADMSG;
	*end++ = '\0';
	if (sscanf(end, " %*c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
		   "%*d %llu", &flags, &start_ticks) != 2)
		return -EBADMSG;
	if (flags & PF_KTHREAD)
		return -EINVAL;
	target->start_ticks = start_ticks;
	snprintf(target->comm, sizeof(target->comm), "%.15s", name + 1);
	return 0;
}

int target_open(pid_t pid, struct target *ret_target)
{
	struct target target = { .pid = pid };
	int err;

	if (pid <= 0)
		return -EINVAL;
	target.pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (target.pidfd < 0)
		return errno == EINVAL ? -ESRCH : -errno;	/* EINVAL: a thread */
	err = read_stat(pid, &target);
	if (!err && !target_alive(&target))
		err = -ESRCH;
	if (err) {
		close(target.pidfd);
		return err;
	}
	*ret_target = target;
	return 0;
}

bool target_alive(const struct target *target)
{
	struct pollfd pollfd = { .fd = target->pidfd, .events = POLLIN };
	int nr;

	if (target->pidfd < 0)
		return false;
	do {
		nr = poll(&pollfd, 1, 0);
	} while (nr < 0 && errno == EINTR);
	return nr == 0;
}

int target_refresh(struct target *target)
{
	struct target now = *target;

	/* After the end the PID may be a stranger's: then nothing of it is taken over. */
	if (read_stat(target->pid, &now) || !target_alive(target))
		return -ESRCH;
	*target = now;
	return 0;
}

void target_close(struct target *target)
{
	if (target->pidfd >= 0)
		close(target->pidfd);
	*target = TARGET_NONE;
}
