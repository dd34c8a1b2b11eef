/* SPDX-License-Identifier: GPL-2.0 */
/*
 * assist.h - /dev/hemem, the module's side of the work
 */
#ifndef HEMEM_ASSIST_H
#define HEMEM_ASSIST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../include/uapi/hemem_assist.h"

/**
 * struct assist - one open /dev/hemem
 * @fd: -1 when closed
 * @info: what the module said of itself
 */
struct assist {
	int fd;
	struct hemem_assist_info info;
};

#define ASSIST_NONE ((struct assist){ .fd = -1 })

/**
 * assist_open() - open the device and shake hands
 * @ret_assist: untouched on failure
 *
 * Return: 0, -ENOENT or -ENODEV: the module is not loaded, -EACCES: no rights
 * on the device, -EPROTO: the module speaks another ABI than this program,
 * or another -errno.
 */
int assist_open(struct assist *ret_assist);

/** assist_close() - detaches too; ASSIST_NONE is allowed */
void assist_close(struct assist *assist);

/** assist_reason() - what an error of assist_open() means and what to do about it */
const char *assist_reason(int err);

/**
 * assist_attach() - bind the fd to a process
 * @assist: open, not attached
 * @pidfd: the target
 * @ret_holder: written on -EBUSY only: PID of the controller that holds the
 *	target, 0: it has none here
 *
 * Return: 0 or -errno of the ABI's dictionary.
 */
int assist_attach(struct assist *assist, int pidfd, pid_t *ret_holder);

/**
 * assist_migrate() - try a list of moves of any length
 * @assist: attached
 * @moves: @nr of them; get out_status and out_order
 * @flags: enum hemem_assist_migrate_flags; MAKE_ROOM is left out for a module that
 *	does not know it
 * @ret_bytes: bytes of the pages that moved; untouched on failure
 *
 * Sends batches of at most info.out_max_batch, and what a signal left untried
 * again.  Return: 0 or -errno; after an error earlier batches have their status.
 */
int assist_migrate(struct assist *assist, struct hemem_assist_move *moves, size_t nr,
		   uint32_t flags, uint64_t *ret_bytes);

/**
 * assist_new_runs() - room for what assist_scan() answers
 * @assist: open
 * @ret_runs: to be freed; untouched on failure, as is
 * @ret_nr: how many runs a call may give at once, 64 KiB of them at most
 *
 * Return: 0, -EOPNOTSUPP: the module cannot scan, or not pages of the sizes that the heat
 * store knows, -ENOMEM.
 */
int assist_new_runs(const struct assist *assist, struct hemem_assist_run **ret_runs,
		    uint32_t *ret_nr);

/**
 * assist_scan() - scan from @scan->start as far as the runs have room
 * @assist: attached
 * @scan: start, end, flags, runs and max_runs are the caller's; out_* are
 *	filled.  Continue at out_end until that is end.
 *
 * Return: 0 or -errno.
 */
int assist_scan(struct assist *assist, struct hemem_assist_scan *scan);

#endif /* HEMEM_ASSIST_H */
