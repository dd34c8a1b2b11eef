// SPDX-License-Identifier: GPL-2.0
/*
 * memcg.c - the memory control group of the target
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "memcg.h"

#define ROOT	"/sys/fs/cgroup"
#define GROUP	ROOT "/hemem-stress"

static bool is_there;

const char *memcg_init(void)
{
	char all[1024];

	if (file_read(ROOT "/cgroup.controllers", all, sizeof(all)) < 0)
		return "no control groups of version 2 at " ROOT;
	if (!strstr(all, "memory") || file_write(ROOT "/cgroup.subtree_control", "+memory"))
		return "the kernel has no memory control groups";
	if (mkdir(GROUP, 0755) && errno != EEXIST)
		return "no control group can be made";
	is_there = true;
	return NULL;
}

void memcg_exit(void)
{
	/* A process that ends is in it for a moment longer. */
	int tries = is_there ? 100 : 0;

	while (tries-- && rmdir(GROUP) && errno == EBUSY)
		usleep(20000);
	is_there = false;
}

void memcg_enter(void)
{
	if (is_there)
		file_write(GROUP "/cgroup.procs", "0");
}

/* memory.reclaim: since 5.19; before, a limit for a moment. */
int memcg_reclaim(uint64_t bytes)
{
	int64_t now = memcg_bytes("");
	char text[32];
	int err;

	snprintf(text, sizeof(text), "%" PRIu64, bytes);
	err = file_write(GROUP "/memory.reclaim", text);
	/* It could not get as much as was asked for. */
	if (err == -EAGAIN)
		return 0;
	if (err != -ENOENT)
		return err;
	if (now < 0)
		return -ENOENT;
	snprintf(text, sizeof(text), "%" PRId64, now - (int64_t)bytes);
	err = file_write(GROUP "/memory.high", text);
	file_write(GROUP "/memory.high", "max");
	return err;
}

int64_t memcg_bytes(const char *field)
{
	if (!is_there)
		return -1;
	if (!*field)
		return file_number(GROUP "/memory.current");
	return file_field(GROUP "/memory.stat", field);
}
