// SPDX-License-Identifier: GPL-2.0
/*
 * pidns.c - a process as the kernel's BPF programs know it
 *
 * So that they find it, whether we run inside of its container or outside.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "pidns.h"
#include "reason.h"

/* The last number of the NSpid line: the PID in the innermost namespace. */
static int read_inner_pid(pid_t pid, uint32_t *ret_pid)
{
	char path[64], line[256];
	char *last;
	FILE *file;
	int ret = -ESRCH;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	while (ret && fgets(line, sizeof(line), file)) {
		last = strrchr(line, '\t');
		if (strncmp(line, "NSpid:", 6) || !last)
			continue;
		if (sscanf(last, "%u", ret_pid) == 1)
			ret = 0;
	}
	fclose(file);
	return ret;
}

int pidns_read(pid_t pid, struct pidns *ret_pidns, struct reason *why)
{
	struct stat ns;
	char path[64];
	uint32_t tgid;
	int err;

	err = read_inner_pid(pid, &tgid);
	if (err)
		return reason_set(why, err, "no process %d: %s", pid, strerror(-err));
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	if (stat(path, &ns))
		return reason_set(why, -errno, "%s: %s", path, strerror(errno));
	*ret_pidns = (struct pidns){
		.tgid = tgid,
		/* The kernel packs a device number in its own way: 12 bits, 20 bits. */
		.dev = (uint64_t)major(ns.st_dev) << 20 | minor(ns.st_dev),
		.ino = ns.st_ino,
	};
	return 0;
}
