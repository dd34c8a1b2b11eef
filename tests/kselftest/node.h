/* SPDX-License-Identifier: GPL-2.0 */
/*
 * node.h - the machine's NUMA nodes, and which one a page lies on
 *
 * What the module says about places is never believed here: it is compared with
 * what move_pages(2) says.
 */
#ifndef NODE_H
#define NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The first and the second node with memory; -1 where there is none. */
int node_a(void);
int node_b(void);
bool node_has_memory(int nid);

/* A node that no kernel has online: above all that have memory; -1: none. */
int node_absent(void);

/* The node of the page at @addr of this process or of @pid; -errno. */
int node_of(const void *addr);
int node_of_pid(pid_t pid, const void *addr);

/* How many base pages of [addr, addr + bytes) lie on @nid. */
size_t node_count(const void *addr, size_t bytes, int nid);

/* From now on this process allocates on @nid; -1: anywhere again. */
void node_allocate_on(int nid);
void node_prefer(int nid);		/* and elsewhere when it is full */

/* Brings what is mapped in [addr, addr + bytes) to @nid; 0 or -errno. */
int node_bring(void *addr, size_t bytes, int nid);

size_t node_free_bytes(int nid);

/* Of all nodes, with what the CPUs keep in lists of their own. */
size_t node_all_free_bytes(void);

#endif /* NODE_H */
