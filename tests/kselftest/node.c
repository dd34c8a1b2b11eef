// SPDX-License-Identifier: GPL-2.0
/*
 * node.c - the machine's NUMA nodes, and which one a page lies on
 */
#include <errno.h>
#include <numaif.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node.h"

enum { MAX_NODES = 1024, BATCH = 512 };

/* Reads "0,2-3" in @path; returns whether @nid is in it. */
static bool is_in_list(const char *path, int nid)
{
	FILE *file = fopen(path, "r");
	int first, last;
	bool found = false;

	if (!file)
		return false;
	while (!found && fscanf(file, "%d", &first) == 1) {
		last = first;
		if (fscanf(file, "-%d", &last) < 0)
			last = first;
		found = first <= nid && nid <= last;
		if (fgetc(file) != ',')
			break;
	}
	fclose(file);
	return found;
}

bool node_has_memory(int nid)
{
	return is_in_list("/sys/devices/system/node/has_memory", nid);
}

static int nth_node(int nth)
{
	int nid;

	for (nid = 0; nid < MAX_NODES; nid++)
		if (node_has_memory(nid) && nth-- == 0)
			return nid;
	return -1;
}

int node_a(void)
{
	static int nid = -2;

	return nid == -2 ? nid = nth_node(0) : nid;
}

int node_b(void)
{
	static int nid = -2;

	return nid == -2 ? nid = nth_node(1) : nid;
}

int node_absent(void)
{
	int nid;

	for (nid = 0; nid < MAX_NODES; nid++)
		if (!is_in_list("/sys/devices/system/node/online", nid))
			return nid;
	return -1;
}

int node_of_pid(pid_t pid, const void *addr)
{
	void *page = (void *)addr;
	int status = -EIO;

	if (move_pages(pid, 1, &page, NULL, &status, 0) < 0)
		return -errno;
	return status;
}

int node_of(const void *addr)
{
	return node_of_pid(0, addr);
}

size_t node_count(const void *addr, size_t bytes, int nid)
{
	size_t page_bytes = (size_t)getpagesize(), nr = bytes / page_bytes;
	size_t i, count = 0;

	for (i = 0; i < nr; i++)
		count += node_of((const char *)addr + i * page_bytes) == nid;
	return count;
}

static void set_policy(int mode, int nid)
{
	unsigned long mask[MAX_NODES / 64] = { 0 };

	mask[nid / 64] = 1UL << (nid % 64);
	set_mempolicy(mode, mask, MAX_NODES);
}

void node_allocate_on(int nid)
{
	if (nid < 0)
		set_mempolicy(MPOL_DEFAULT, NULL, 0);
	else
		set_policy(MPOL_BIND, nid);
}

void node_prefer(int nid)
{
	set_policy(MPOL_PREFERRED, nid);
}

static int bring_some(char *addr, int nr, int nid)
{
	int i, err, nodes[BATCH], status[BATCH];
	void *pages[BATCH];

	for (i = 0; i < nr; i++) {
		pages[i] = addr + (size_t)i * (size_t)getpagesize();
		nodes[i] = nid;
	}
	err = (int)move_pages(0, (unsigned long)nr, pages, nodes, status,
			      MPOL_MF_MOVE_ALL);
	return err < 0 ? -errno : 0;
}

int node_bring(void *addr, size_t bytes, int nid)
{
	size_t page_bytes = (size_t)getpagesize(), nr = bytes / page_bytes, i;
	int err, some;

	for (i = 0; i < nr; i += BATCH) {
		some = nr - i < BATCH ? (int)(nr - i) : BATCH;
		err = bring_some((char *)addr + i * page_bytes, some, nid);
		if (err)
			return err;
	}
	return 0;
}

size_t node_free_bytes(int nid)
{
	char path[80], line[128];
	unsigned long kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo",
		 nid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Node %*d MemFree: %lu", &kib) == 1)
			break;
	fclose(file);
	return (size_t)kib * 1024;
}

/* /proc/zoneinfo: "nr_free_pages N" per zone, and "count: N" per CPU of it. */
size_t node_all_free_bytes(void)
{
	FILE *file = fopen("/proc/zoneinfo", "r");
	size_t pages = 0, some;
	char line[128];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " nr_free_pages %zu", &some) == 1 ||
		    sscanf(line, " count: %zu", &some) == 1)
			pages += some;
	fclose(file);
	return pages * (size_t)getpagesize();
}
