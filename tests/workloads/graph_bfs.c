// SPDX-License-Identifier: GPL-2.0
/*
 * graph_bfs.c - breadth-first search: a parent for every vertex that can be reached
 *
 * Goes down from the frontier while that is small; while it is large, every vertex that was
 * not reached yet looks up for a parent in it (Beamer, Asanovic and Patterson, "Direction-
 * optimizing breadth-first search", SC 2012).
 *
 * Verified as the GAP specification says: the depths are found again the plain way, and
 * every parent has to be a neighbour of its child and one step nearer to the source.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "graph.h"
#include "kronecker.h"

#define UP_SHARE	14	/* look up while the frontier has one in so many edges left ... */
#define DOWN_SHARE	24	/* ... go down again below one in so many vertices; both the paper's */

static uint32_t *parents, *queue, source;
static uint64_t *in_frontier, *in_next;		/* bits */

static uint64_t bitmap_bytes(const struct kronecker *graph)
{
	return ((uint64_t)graph->nr + 63) / 64 * sizeof(uint64_t);
}

static void prepare(const struct kronecker *graph, const struct bench *bench)
{
	parents = bench_map(bench, graph->nr * sizeof(*parents));
	queue = bench_map(bench, graph->nr * sizeof(*queue));
	in_frontier = bench_map(bench, bitmap_bytes(graph));
	in_next = bench_map(bench, bitmap_bytes(graph));
	memset(parents, 0, graph->nr * sizeof(*parents));
	memset(queue, 0, graph->nr * sizeof(*queue));
}

static bool has_bit(const uint64_t *bits, uint32_t nr)
{
	return bits[nr / 64] >> nr % 64 & 1;
}

static void set_bit(uint64_t *bits, uint32_t nr)
{
	bits[nr / 64] |= 1ULL << nr % 64;
}

/* The frontier is queue[begin] to queue[end - 1]; the next one follows it.  Its end is returned. */
static uint32_t go_down(const struct kronecker *graph, uint32_t begin, uint32_t end,
			uint64_t *ret_edges)
{
	uint32_t i, from, to, next = end;
	uint64_t edge, edges = 0;

	for (i = begin; i < end; i++) {
		from = queue[i];
		for (edge = graph->first[from]; edge < graph->first[from + 1]; edge++) {
			to = graph->neighbours[edge];
			if (parents[to] != GRAPH_NONE)
				continue;
			parents[to] = from;
			queue[next++] = to;
			edges += graph->first[to + 1] - graph->first[to];
		}
	}
	*ret_edges = edges;
	return next;
}

/* One level from in_frontier to in_next; the number of vertices that were reached. */
static uint32_t look_up(const struct kronecker *graph)
{
	uint32_t vertex, nr = 0;
	uint64_t edge;

	memset(in_next, 0, bitmap_bytes(graph));
	for (vertex = 0; vertex < graph->nr; vertex++) {
		if (parents[vertex] != GRAPH_NONE)
			continue;
		for (edge = graph->first[vertex]; edge < graph->first[vertex + 1]; edge++) {
			if (!has_bit(in_frontier, graph->neighbours[edge]))
				continue;
			parents[vertex] = graph->neighbours[edge];
			set_bit(in_next, vertex);
			nr++;
			break;
		}
	}
	return nr;
}

/* Look up until the frontier is small or shrinks no more; it is in the queue again after. */
static uint32_t look_up_while_large(const struct kronecker *graph, uint32_t begin, uint32_t end)
{
	uint32_t i, nr = end - begin, before;
	uint64_t *swap;

	memset(in_frontier, 0, bitmap_bytes(graph));
	for (i = begin; i < end; i++)
		set_bit(in_frontier, queue[i]);
	do {
		before = nr;
		nr = look_up(graph);
		swap = in_frontier;
		in_frontier = in_next;
		in_next = swap;
	} while (nr && (nr > before || nr > graph->nr / DOWN_SHARE));
	for (i = 0, nr = 0; i < graph->nr; i++)
		if (has_bit(in_frontier, i))
			queue[nr++] = i;
	return nr;
}

static void search(const struct kronecker *graph)
{
	uint64_t edges = graph->first[source + 1] - graph->first[source];
	uint64_t left = graph->nr_edges;
	uint32_t begin = 0, end = 1, next;

	memset(parents, 0xff, graph->nr * sizeof(*parents));
	parents[source] = source;
	queue[0] = source;
	while (begin < end) {
		if (edges > left / UP_SHARE) {
			end = look_up_while_large(graph, begin, end);
			begin = 0;
		}
		left = left > edges ? left - edges : 0;
		next = go_down(graph, begin, end, &edges);
		begin = end;
		end = next;
	}
}

static uint64_t run(const struct kronecker *graph, uint64_t work, uint64_t seed)
{
	uint64_t i;

	for (i = 0; i < work; i++) {
		source = graph_source(graph, seed, i);
		search(graph);
	}
	return work;
}

static void spoil(const struct kronecker *graph)
{
	uint32_t vertex = 0;

	while (parents[vertex] == GRAPH_NONE || vertex == source)
		vertex++;
	parents[vertex] = vertex;
	(void)graph;
}

static bool is_neighbour(const struct kronecker *graph, uint32_t vertex, uint32_t other)
{
	uint64_t edge;

	for (edge = graph->first[vertex]; edge < graph->first[vertex + 1]; edge++)
		if (graph->neighbours[edge] == other)
			return true;
	return false;
}

static bool is_right(const struct kronecker *graph)
{
	uint32_t *depths = malloc(graph->nr * sizeof(*depths)), vertex, parent;
	uint64_t nr_wrong;

	if (!depths)
		bench_die(BENCH_USAGE, "no memory");
	graph_depths(graph, source, depths, queue);
	nr_wrong = parents[source] != source;
	for (vertex = 0; vertex < graph->nr; vertex++) {
		parent = parents[vertex];
		if (vertex == source)
			continue;
		if (depths[vertex] == GRAPH_NONE || parent == GRAPH_NONE)
			nr_wrong += depths[vertex] != GRAPH_NONE || parent != GRAPH_NONE;
		else
			nr_wrong += depths[parent] + 1 != depths[vertex] ||
				    !is_neighbour(graph, vertex, parent);
	}
	free(depths);
	return !nr_wrong;
}

const struct graph_kernel graph_bfs = {
	.name = "bfs",
	.default_work = 40,
	.vertex_bytes = 2 * sizeof(uint32_t),
	.prepare = prepare,
	.run = run,
	.spoil = spoil,
	.is_right = is_right,
};
