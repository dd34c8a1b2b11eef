/* SPDX-License-Identifier: GPL-2.0 */
/*
 * graph.h - the kernels that graph runs
 */
#ifndef GRAPH_H
#define GRAPH_H

#include <stdbool.h>
#include <stdint.h>

struct bench;
struct kronecker;

#define GRAPH_NONE UINT32_MAX	/* no vertex; not reached */

/**
 * struct graph_kernel - a kernel
 * @name: for the command line
 * @default_work: sources or iterations
 * @vertex_bytes: what it has for each vertex besides the graph
 * @prepare: take its memory
 * @run: do so much work; return how much was done
 * @spoil: break a result, which the check must notice
 * @is_right: verify the result of the last run
 */
struct graph_kernel {
	const char *name;
	uint64_t default_work, vertex_bytes;
	void (*prepare)(const struct kronecker *graph, const struct bench *bench);
	uint64_t (*run)(const struct kronecker *graph, uint64_t work, uint64_t seed);
	void (*spoil)(const struct kronecker *graph);
	bool (*is_right)(const struct kronecker *graph);
};

extern const struct graph_kernel graph_bfs, graph_pr, graph_bc;

/** graph_source() - the n-th random vertex that has a neighbour */
uint32_t graph_source(const struct kronecker *graph, uint64_t seed, uint64_t n);

/**
 * graph_depths() - distance of every vertex from one, the plain way: a queue, one thread
 * @depths: of graph->nr vertices; GRAPH_NONE if there is no path
 * @queue: room for graph->nr vertices
 *
 * For checks: shares no code with what it checks.
 */
void graph_depths(const struct kronecker *graph, uint32_t source, uint32_t *depths,
		  uint32_t *queue);

#endif /* GRAPH_H */
