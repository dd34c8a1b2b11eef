/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kronecker.h - an undirected Kronecker graph in compressed sparse rows
 */
#ifndef KRONECKER_H
#define KRONECKER_H

#include <stdint.h>

struct bench;

/**
 * struct kronecker - the graph
 * @scale: the number of vertices is 2^scale
 * @nr: vertices
 * @nr_edges: directed edges: each edge is there in both directions, once
 * @first: vertex v's neighbours are neighbours[first[v]] to neighbours[first[v + 1] - 1], each once,
 *	without v itself
 * @neighbours: vertices
 * @bytes: what it has resident
 */
struct kronecker {
	unsigned int scale;
	uint32_t nr;
	uint64_t nr_edges, *first, bytes;
	uint32_t *neighbours;
};

/** kronecker_scale_of() - the largest scale that, with so much a vertex besides, fits */
unsigned int kronecker_scale_of(uint64_t bytes, uint64_t vertex_bytes);

/**
 * kronecker_new() - make the graph of the bench's seed, or read it
 * @graph: what it becomes
 * @bench: the workload
 * @scale: the number of vertices is 2^@scale
 * @file: where the graph was kept before, and if it was not, will be; NULL: nowhere
 */
void kronecker_new(struct kronecker *graph, const struct bench *bench, unsigned int scale,
		   const char *file);

#endif /* KRONECKER_H */
