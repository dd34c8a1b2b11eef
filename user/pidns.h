/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pidns.h - a process as the kernel's BPF programs know it
 */
#ifndef HEMEM_PIDNS_H
#define HEMEM_PIDNS_H

#include <stdint.h>
#include <sys/types.h>

struct reason;

/**
 * struct pidns - a process by its PID in its own PID namespace, and that namespace
 * @tgid: the PID there
 * @dev, @ino: of the namespace, as bpf_get_ns_current_pid_tgid() wants them
 */
struct pidns {
	uint32_t tgid;
	uint64_t dev, ino;
};

/**
 * pidns_read() - look a process up
 * @pid: as we know it
 * @why: set on failure
 *
 * Return: 0 or -errno; -ESRCH: there is none.
 */
int pidns_read(pid_t pid, struct pidns *ret_pidns, struct reason *why);

#endif /* HEMEM_PIDNS_H */
