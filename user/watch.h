/* SPDX-License-Identifier: GPL-2.0 */
/*
 * watch.h - notices when the target's regions change
 *
 * A BPF program counts the system calls of the target that change its memory
 * layout, and its fork, exec and exit.  It tells that something changed, not
 * what: the reader then reads /proc/PID/maps again.  Changes that no system
 * call makes (a growing stack) are not seen, and under a storm of calls from
 * many threads one may be missed, so a reader also looks by itself now and then.
 */
#ifndef HEMEM_WATCH_H
#define HEMEM_WATCH_H

#include <stdint.h>
#include <sys/types.h>

struct watch;

/**
 * struct watch_events - what happened since the last watch_read()
 * @nr_mmap: mmap(2) and shmat(2)
 * @nr_munmap: munmap(2) and shmdt(2)
 * @nr_mremap: mremap(2)
 * @nr_brk: brk(2)
 * @nr_fork: children made (threads are not counted)
 * @nr_exec: programs replaced: the target's memory is a new one now
 * @nr_exit: 1 when the last thread is gone
 * @nr_lost: events that found the ring full; of unknown kind
 */
struct watch_events {
	uint64_t nr_mmap;
	uint64_t nr_munmap;
	uint64_t nr_mremap;
	uint64_t nr_brk;
	uint64_t nr_fork;
	uint64_t nr_exec;
	uint64_t nr_exit;
	uint64_t nr_lost;
};

/**
 * watch_open() - begin to watch one process
 * @pid: the target
 * @ret: the watch, for watch_close(); untouched on failure
 *
 * Return: 0, or -errno: -EOPNOTSUPP: this build or this kernel (below 5.8, or
 * without BTF) has no BPF for it; -EPERM: needs CAP_BPF and CAP_PERFMON, or
 * root; -ESRCH: no such process.  watch_reason() then says it in words.
 */
int watch_open(pid_t pid, struct watch **ret);

/**
 * watch_reason() - why the last watch_open() failed, with the remedy
 *
 * Return: one sentence without full stop, never NULL.
 */
const char *watch_reason(void);

/** watch_fd() - readable (poll, epoll) when there is something to read */
int watch_fd(const struct watch *watch);

/**
 * watch_read() - collect what happened since the last call
 * @watch: from watch_open()
 * @ret_events: overwritten with the counts; untouched on failure
 *
 * Does not wait.  Return: 0 or -errno.
 */
int watch_read(struct watch *watch, struct watch_events *ret_events);

/** watch_close() - stop watching; NULL is allowed */
void watch_close(struct watch *watch);

#endif /* HEMEM_WATCH_H */
