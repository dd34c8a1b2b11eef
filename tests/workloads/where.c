// SPDX-License-Identifier: GPL-2.0
/*
 * where.c - on which nodes a process's pages lie, asked from outside
 *
 *	where PID START END	of all pages of [START, END)
 *	where PID FILE		of the pages at the addresses in FILE, one a line
 *
 * Addresses are in hex.  The answer is the kernel's own, move_pages(2) without
 * a target node, so it says nothing that hemem says.  It is one line of bytes:
 *
 *	node0=31457280 node1=283115520 absent=0
 *
 * Exit status: 0; 1 the kernel does not answer; 2 usage.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <numa.h>
#include <numaif.h>

#define BATCH	4096

struct query {
	int pid;
	uint64_t page_bytes;
	void *pages[BATCH];
	unsigned long nr;
	uint64_t node_bytes[1024], absent_bytes;
};

static void ask(struct query *query)
{
	int status[BATCH];
	unsigned long i;

	if (query->nr && numa_move_pages(query->pid, query->nr, query->pages, NULL, status, 0)) {
		fprintf(stderr, "where: process %d: %s\n", query->pid, strerror(errno));
		exit(1);
	}
	for (i = 0; i < query->nr; i++) {
		if (status[i] >= 0)
			query->node_bytes[status[i]] += query->page_bytes;
		else
			query->absent_bytes += query->page_bytes;
	}
	query->nr = 0;
}

static void add(struct query *query, uint64_t address)
{
	query->pages[query->nr++] = (void *)(uintptr_t)(address & ~(query->page_bytes - 1));
	if (query->nr == BATCH)
		ask(query);
}

static void add_file(struct query *query, const char *path)
{
	FILE *file = fopen(path, "r");
	uint64_t address;

	if (!file) {
		fprintf(stderr, "where: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	while (fscanf(file, "%" SCNx64, &address) == 1)
		add(query, address);
	fclose(file);
}

int main(int argc, char **argv)
{
	static struct query query;
	uint64_t address, end;
	int node;

	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: where PID START END | where PID FILE\n");
		return 2;
	}
	query.pid = atoi(argv[1]);
	query.page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	if (argc == 3) {
		add_file(&query, argv[2]);
	} else {
		end = strtoull(argv[3], NULL, 16);
		for (address = strtoull(argv[2], NULL, 16); address < end;
		     address += query.page_bytes)
			add(&query, address);
	}
	ask(&query);
	for (node = 0; node <= numa_max_node(); node++)
		printf("node%d=%" PRIu64 " ", node, query.node_bytes[node]);
	printf("absent=%" PRIu64 "\n", query.absent_bytes);
	return 0;
}
