// SPDX-License-Identifier: GPL-2.0
/*
 * graph_pr.c - PageRank: every vertex gathers what its neighbours give
 *
 * An iteration is score[v] = (1 - d) / n + d * sum of score[u] / degree[u] over v's
 * neighbours u, d = 0.85; it ends early when the scores change by less than 1e-4 in all,
 * as the GAP specification says.
 *
 * Verified as it says, too: one more iteration, the other way round (every vertex gives),
 * may change the scores by no more than d times what the last one did.
 */
#include <math.h>
#include <stdlib.h>

#include "bench.h"
#include "graph.h"
#include "kronecker.h"

#define DAMPING		0.85
#define TOLERANCE	1e-4
#define ROUNDING	1e-4	/* of sums of floats that add up to 1, generously */

static float *scores, *gives;
static double change;			/* by the last iteration, in all */

static void prepare(const struct kronecker *graph, const struct bench *bench)
{
	uint32_t vertex;

	scores = bench_map(bench, graph->nr * sizeof(*scores));
	gives = bench_map(bench, graph->nr * sizeof(*gives));
	for (vertex = 0; vertex < graph->nr; vertex++) {
		scores[vertex] = 1.0f / (float)graph->nr;
		gives[vertex] = 0;
	}
}

static uint64_t degree(const struct kronecker *graph, uint32_t vertex)
{
	return graph->first[vertex + 1] - graph->first[vertex];
}

static double iterate(const struct kronecker *graph)
{
	const float base = (float)((1 - DAMPING) / graph->nr);
	float sum, score;
	double all = 0;
	uint32_t vertex;
	uint64_t edge;

	for (vertex = 0; vertex < graph->nr; vertex++)
		gives[vertex] = scores[vertex] / (float)degree(graph, vertex);
	for (vertex = 0; vertex < graph->nr; vertex++) {
		sum = 0;
		for (edge = graph->first[vertex]; edge < graph->first[vertex + 1]; edge++)
			sum += gives[graph->neighbours[edge]];
		score = base + (float)DAMPING * sum;
		all += fabsf(score - scores[vertex]);
		scores[vertex] = score;
	}
	return all;
}

static uint64_t run(const struct kronecker *graph, uint64_t work, uint64_t seed)
{
	uint64_t i;

	(void)seed;
	for (i = 0; i < work; ) {
		change = iterate(graph);
		i++;
		if (change < TOLERANCE)
			break;
	}
	return i;
}

static void spoil(const struct kronecker *graph)
{
	uint32_t vertex, best = 0;

	for (vertex = 0; vertex < graph->nr; vertex++)
		if (scores[vertex] > scores[best])
			best = vertex;
	scores[best] *= 4;
}

static bool is_right(const struct kronecker *graph)
{
	double *next = calloc(graph->nr, sizeof(*next)), all = 0, give;
	uint32_t vertex;
	uint64_t edge;

	if (!next)
		bench_die(BENCH_USAGE, "no memory");
	for (vertex = 0; vertex < graph->nr; vertex++) {
		give = DAMPING * scores[vertex] / (double)degree(graph, vertex);
		for (edge = graph->first[vertex]; edge < graph->first[vertex + 1]; edge++)
			next[graph->neighbours[edge]] += give;
	}
	for (vertex = 0; vertex < graph->nr; vertex++)
		all += fabs((1 - DAMPING) / graph->nr + next[vertex] - scores[vertex]);
	free(next);
	return all <= DAMPING * change + ROUNDING;
}

const struct graph_kernel graph_pr = {
	.name = "pr",
	.default_work = 20,
	.vertex_bytes = 2 * sizeof(float),
	.prepare = prepare,
	.run = run,
	.spoil = spoil,
	.is_right = is_right,
};
