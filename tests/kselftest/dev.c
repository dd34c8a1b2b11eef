// SPDX-License-Identifier: GPL-2.0
/*
 * dev.c - /dev/hemem, one function per ioctl
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dev.h"
#include "node.h"

int dev_open(void)
{
	int fd = open(HEMEM_ASSIST_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int dev_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) ? -errno : 0;
}

int dev_info(int fd, struct hemem_assist_info *ret_info)
{
	*ret_info = (struct hemem_assist_info){ .size = sizeof(*ret_info) };
	return dev_ioctl(fd, HEMEM_ASSIST_INFO, ret_info);
}

int dev_pidfd(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

int dev_attach_or_holder(int fd, pid_t pid, uint32_t *ret_holder)
{
	struct hemem_assist_attach attach = { .size = sizeof(attach) };
	int err;

	attach.pidfd = dev_pidfd(pid);
	if (attach.pidfd < 0)
		return attach.pidfd;
	err = dev_ioctl(fd, HEMEM_ASSIST_ATTACH, &attach);
	close(attach.pidfd);
	if (err == -EBUSY)
		*ret_holder = attach.out_holder;
	return err;
}

int dev_attach(int fd, pid_t pid)
{
	uint32_t holder;

	return dev_attach_or_holder(fd, pid, &holder);
}

int dev_open_attached(pid_t pid)
{
	int err, fd = dev_open();

	if (fd < 0)
		return fd;
	err = dev_attach(fd, pid);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int dev_migrate(int fd, struct hemem_assist_move *moves, unsigned int nr,
		uint32_t flags, struct hemem_assist_migrate *ret)
{
	struct hemem_assist_migrate migrate = {
		.size = sizeof(migrate),
		.flags = flags,
		.moves = (uintptr_t)moves,
		.nr_moves = nr,
	};
	int err = dev_ioctl(fd, HEMEM_ASSIST_MIGRATE, &migrate);

	if (!err && ret)
		*ret = migrate;
	return err;
}

int dev_region(int fd, uint64_t bytes, uint64_t reserve_bytes, uint32_t flags)
{
	struct hemem_assist_region region = {
		.size = sizeof(region),
		.flags = flags,
		.bytes = bytes,
		.reserve_bytes = reserve_bytes,
		.fast_node = (__u32)node_a(),
		.slow_node = (__u32)node_b(),
	};

	return dev_ioctl(fd, HEMEM_ASSIST_REGION, &region);
}

int dev_discard(int fd, uint64_t offset, uint64_t bytes)
{
	struct hemem_assist_discard discard = {
		.size = sizeof(discard), .offset = offset, .bytes = bytes,
	};

	return dev_ioctl(fd, HEMEM_ASSIST_DISCARD, &discard);
}

int dev_scan(int fd, struct hemem_assist_scan *scan)
{
	scan->size = sizeof(*scan);
	return dev_ioctl(fd, HEMEM_ASSIST_SCAN, scan);
}

const char *dev_status_name(unsigned int status)
{
	static const char *const names[HEMEM_ASSIST_NR_STATUS] = {
		[HEMEM_ASSIST_UNTRIED]	= "UNTRIED",
		[HEMEM_ASSIST_MOVED]	= "MOVED",
		[HEMEM_ASSIST_THERE]	= "THERE",
		[HEMEM_ASSIST_BUSY]	= "BUSY",
		[HEMEM_ASSIST_NO_ROOM]	= "NO_ROOM",
		[HEMEM_ASSIST_NO_PAGE]	= "NO_PAGE",
		[HEMEM_ASSIST_SHARED]	= "SHARED",
		[HEMEM_ASSIST_ZERO]	= "ZERO",
		[HEMEM_ASSIST_NEVER]	= "NEVER",
		[HEMEM_ASSIST_DENIED]	= "DENIED",
	};

	return status < HEMEM_ASSIST_NR_STATUS ? names[status] : "unknown";
}
