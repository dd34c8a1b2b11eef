// SPDX-License-Identifier: GPL-2.0
/*
 * graph_bc.c - betweenness centrality, from some sources
 *
 * Brandes, "A faster algorithm for betweenness centrality" (2001): from each source down,
 * level by level, counting shortest paths; then up again, summing what share of the
 * paths to farther vertices each vertex lies on.
 *
 * Verified twice.  For any graph: the shares of all vertices from one source add up to the
 * number of inner vertices of one shortest path to each vertex, that is the sum of
 * (depth - 1), with depths found the plain way.  For graphs of up to REFERENCE vertices
 * all scores are computed anew from the definition, without Brandes' recursion: v lies on
 * paths(s, v) * paths(v, t) of the paths(s, t) shortest paths if the distances add up.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "graph.h"
#include "kronecker.h"

#define REFERENCE	2048		/* vertices */
#define ROUNDING	1e-9		/* relative */
#define MAX_SOURCES	4096

static uint32_t *depths, *queue;
static double *paths, *shares, *scores, source_sums[MAX_SOURCES];
static uint32_t sources[MAX_SOURCES];
static uint64_t nr_sources;

static void prepare(const struct kronecker *graph, const struct bench *bench)
{
	uint64_t nr = graph->nr;

	depths = bench_map(bench, nr * sizeof(*depths));
	queue = bench_map(bench, nr * sizeof(*queue));
	paths = bench_map(bench, nr * sizeof(*paths));
	shares = bench_map(bench, nr * sizeof(*shares));
	scores = bench_map(bench, nr * sizeof(*scores));
	memset(depths, 0, nr * sizeof(*depths));
	memset(queue, 0, nr * sizeof(*queue));
	memset(paths, 0, nr * sizeof(*paths));
	memset(shares, 0, nr * sizeof(*shares));
	memset(scores, 0, nr * sizeof(*scores));
}

/* queue becomes all vertices that are reached, the nearest first; their number is returned. */
static uint32_t count_paths(const struct kronecker *graph, uint32_t source)
{
	uint32_t i, from, to, nr = 1;
	uint64_t edge;

	memset(depths, 0xff, graph->nr * sizeof(*depths));
	memset(paths, 0, graph->nr * sizeof(*paths));
	depths[source] = 0;
	paths[source] = 1;
	queue[0] = source;
	for (i = 0; i < nr; i++) {
		from = queue[i];
		for (edge = graph->first[from]; edge < graph->first[from + 1]; edge++) {
			to = graph->neighbours[edge];
			if (depths[to] == GRAPH_NONE) {
				depths[to] = depths[from] + 1;
				queue[nr++] = to;
			}
			if (depths[to] == depths[from] + 1)
				paths[to] += paths[from];
		}
	}
	return nr;
}

static double sum_shares(const struct kronecker *graph, uint32_t nr)
{
	double share, all = 0;
	uint32_t vertex, to;
	uint64_t edge;

	while (--nr) {
		vertex = queue[nr];
		share = 0;
		for (edge = graph->first[vertex]; edge < graph->first[vertex + 1]; edge++) {
			to = graph->neighbours[edge];
			if (depths[to] == depths[vertex] + 1)
				share += paths[vertex] / paths[to] * (1 + shares[to]);
		}
		shares[vertex] = share;
		scores[vertex] += share;
		all += share;
	}
	return all;
}

static uint64_t run(const struct kronecker *graph, uint64_t work, uint64_t seed)
{
	uint64_t i;

	if (work > MAX_SOURCES)
		bench_die(BENCH_USAGE, "at most %d sources", MAX_SOURCES);
	for (i = 0; i < work; i++) {
		sources[i] = graph_source(graph, seed, i);
		source_sums[i] = sum_shares(graph, count_paths(graph, sources[i]));
	}
	nr_sources = work;
	return work;
}

static void spoil(const struct kronecker *graph)
{
	scores[graph_source(graph, 0, 0)] += 1;
}

static bool is_near(double value, double other)
{
	return fabs(value - other) <= ROUNDING * (1 + fabs(other));
}

/* The sums for each source, and that the scores are the sum of them all. */
static bool are_sums_right(const struct kronecker *graph)
{
	double of_all = 0, of_scores = 0;
	bool is_right = true;
	uint64_t i, inner;
	uint32_t vertex;

	for (i = 0; i < nr_sources; i++) {
		graph_depths(graph, sources[i], depths, queue);
		inner = 0;
		for (vertex = 0; vertex < graph->nr; vertex++)
			if (depths[vertex] != GRAPH_NONE && depths[vertex])
				inner += depths[vertex] - 1;
		is_right &= is_near(source_sums[i], (double)inner);
		of_all += (double)inner;
	}
	for (vertex = 0; vertex < graph->nr; vertex++)
		of_scores += scores[vertex];
	return is_right && is_near(of_scores, of_all);
}

/* paths between all pairs, row by row: of so many steps, from those of one step less */
static void all_paths(const struct kronecker *graph, uint32_t *distance, double *number)
{
	uint64_t edge, n = graph->nr;
	uint32_t from, to, steps;
	bool is_new;

	for (from = 0; from < n; from++) {
		graph_depths(graph, from, distance + from * n, queue);
		number[from * n + from] = 1;
		for (steps = 1, is_new = true; is_new; steps++) {
			is_new = false;
			for (to = 0; to < n; to++) {
				if (distance[from * n + to] != steps)
					continue;
				is_new = true;
				for (edge = graph->first[to]; edge < graph->first[to + 1]; edge++)
					if (distance[from * n + graph->neighbours[edge]] == steps - 1)
						number[from * n + to] +=
							number[from * n + graph->neighbours[edge]];
			}
		}
	}
}

static double score_of(const struct kronecker *graph, const uint32_t *distance,
		       const double *number, uint32_t v)
{
	uint64_t n = graph->nr, i, s, t;
	double score = 0;

	for (i = 0; i < nr_sources; i++) {
		s = sources[i];
		for (t = 0; t < n; t++)
			if (v != s && v != t && distance[s * n + t] != GRAPH_NONE &&
			    distance[s * n + v] != GRAPH_NONE &&
			    distance[s * n + v] + distance[v * n + t] == distance[s * n + t])
				score += number[s * n + v] * number[v * n + t] / number[s * n + t];
	}
	return score;
}

static bool is_as_defined(const struct kronecker *graph)
{
	uint64_t n = graph->nr, nr_wrong = 0;
	uint32_t *distance = malloc(n * n * sizeof(*distance)), vertex;
	double *number = calloc(n * n, sizeof(*number));

	if (!distance || !number)
		bench_die(BENCH_USAGE, "no memory");
	all_paths(graph, distance, number);
	for (vertex = 0; vertex < n; vertex++)
		nr_wrong += !is_near(scores[vertex], score_of(graph, distance, number, vertex));
	free(distance);
	free(number);
	return !nr_wrong;
}

static bool is_right(const struct kronecker *graph)
{
	return are_sums_right(graph) && (graph->nr > REFERENCE || is_as_defined(graph));
}

const struct graph_kernel graph_bc = {
	.name = "bc",
	.default_work = 2,
	.vertex_bytes = 2 * sizeof(uint32_t) + 3 * sizeof(double),
	.prepare = prepare,
	.run = run,
	.spoil = spoil,
	.is_right = is_right,
};
