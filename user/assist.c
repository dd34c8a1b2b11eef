// SPDX-License-Identifier: GPL-2.0
/*
 * assist.c - the ioctls of /dev/hemem
 *
 * Owns the file descriptor, the handshake and the splitting of lists into
 * batches.  The ABI is explained in include/uapi/hemem_assist.h; nothing of it
 * is decided here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "assist.h"
#include "heat.h"

#define MAX_RUNS	4096	/* 64 KiB of runs a call */

static int call(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

int assist_open(struct assist *ret_assist)
{
	struct assist assist = { .info = { .size = sizeof(assist.info) } };
	int err;

	assist.fd = open(HEMEM_ASSIST_DEVICE, O_RDWR | O_CLOEXEC);
	if (assist.fd < 0)
		return -errno;
	err = call(assist.fd, HEMEM_ASSIST_INFO, &assist.info);
	if (!err && assist.info.out_abi != HEMEM_ASSIST_ABI)
		err = -EPROTO;
	if (!err && (!assist.info.out_max_batch || !assist.info.out_max_runs))
		err = -EPROTO;
	if (err) {
		close(assist.fd);
		return err == -ENOTTY ? -EPROTO : err;
	}
	*ret_assist = assist;
	return 0;
}

void assist_close(struct assist *assist)
{
	if (assist->fd >= 0)
		close(assist->fd);
	*assist = ASSIST_NONE;
}

const char *assist_reason(int err)
{
	switch (err) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		return "the module is not loaded: insmod hemem_assist.ko";
	case -EACCES:
	case -EPERM:
		return "no rights on /dev/hemem: run as root, or give your group access to it";
	case -EPROTO:
		return "the loaded module and this hemem-ctl are of different versions: "
		       "rmmod hemem_assist, and insmod the one built with this hemem-ctl";
	default:
		return strerror(-err);
	}
}

int assist_attach(struct assist *assist, int pidfd, pid_t *ret_holder)
{
	struct hemem_assist_attach attach = { .size = sizeof(attach), .pidfd = pidfd };
	int err = call(assist->fd, HEMEM_ASSIST_ATTACH, &attach);

	if (err == -EBUSY)
		*ret_holder = attach.out_holder;
	return err;
}

/* How many of a batch were tried: a signal leaves a tail of untried ones. */
static size_t nr_tried(const struct hemem_assist_move *moves, size_t nr)
{
	while (nr && moves[nr - 1].out_status == HEMEM_ASSIST_UNTRIED)
		nr--;
	return nr;
}

int assist_migrate(struct assist *assist, struct hemem_assist_move *moves, size_t nr,
		   uint32_t flags, uint64_t *ret_bytes)
{
	struct hemem_assist_migrate migrate;
	uint64_t bytes = 0;
	size_t done = 0, tried;
	int err;

	if (!(assist->info.out_features & HEMEM_ASSIST_FEAT_MAKE_ROOM))
		flags &= ~HEMEM_ASSIST_MIGRATE_MAKE_ROOM;
	while (done < nr) {
		memset(&migrate, 0, sizeof(migrate));
		migrate.size = sizeof(migrate);
		migrate.flags = flags;
		migrate.moves = (uintptr_t)(moves + done);
		migrate.nr_moves = nr - done < assist->info.out_max_batch ?
				   nr - done : assist->info.out_max_batch;
		err = call(assist->fd, HEMEM_ASSIST_MIGRATE, &migrate);
		if (err)
			return err;
		bytes += migrate.out_bytes_moved;
		tried = nr_tried(moves + done, migrate.nr_moves);
		if (!tried)	/* the target is going away: the next call will say so */
			break;
		done += tried;
	}
	*ret_bytes = bytes;
	return 0;
}

int assist_new_runs(const struct assist *assist, struct hemem_assist_run **ret_runs,
		    uint32_t *ret_nr)
{
	const struct hemem_assist_info *info = &assist->info;
	uint32_t nr = info->out_max_runs < MAX_RUNS ? info->out_max_runs : MAX_RUNS;
	struct hemem_assist_run *runs;

	if (!(info->out_features & HEMEM_ASSIST_FEAT_SCAN) ||
	    info->out_page_bytes != HEAT_BASE_BYTES ||
	    (info->out_huge_page_bytes && info->out_huge_page_bytes != HEAT_HUGE_BYTES))
		return -EOPNOTSUPP;
	runs = calloc(nr, sizeof(*runs));
	if (!runs)
		return -ENOMEM;
	*ret_runs = runs;
	*ret_nr = nr;
	return 0;
}

int assist_scan(struct assist *assist, struct hemem_assist_scan *scan)
{
	scan->size = sizeof(*scan);
	return call(assist->fd, HEMEM_ASSIST_SCAN, scan);
}
