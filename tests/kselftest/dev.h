/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dev.h - /dev/hemem, one function per ioctl
 *
 * All return 0 (dev_open: the fd) or -errno.  They fill in @size and hand on
 * everything else as it is; abi_test.c, which sends what is wrong on purpose,
 * goes to ioctl(2) itself.
 */
#ifndef DEV_H
#define DEV_H

#include <stdint.h>
#include <sys/types.h>

#include "../../include/uapi/hemem_assist.h"

int dev_open(void);
int dev_ioctl(int fd, unsigned long request, void *arg);
int dev_info(int fd, struct hemem_assist_info *ret_info);

int dev_pidfd(pid_t pid);
int dev_attach(int fd, pid_t pid);

/* As dev_attach; on -EBUSY *ret_holder is who holds the target. */
int dev_attach_or_holder(int fd, pid_t pid, uint32_t *ret_holder);

/* An fd that is attached to @pid; -errno. */
int dev_open_attached(pid_t pid);

/* @ret may be NULL. */
int dev_migrate(int fd, struct hemem_assist_move *moves, unsigned int nr,
		uint32_t flags, struct hemem_assist_migrate *ret);

/* Makes @fd a managed region, its nodes node_a() and node_b(). */
int dev_region(int fd, uint64_t bytes, uint64_t reserve_bytes, uint32_t flags);
int dev_discard(int fd, uint64_t offset, uint64_t bytes);

/* @scan's range, runs, max_runs and flags are the caller's. */
int dev_scan(int fd, struct hemem_assist_scan *scan);

const char *dev_status_name(unsigned int status);

#endif /* DEV_H */
