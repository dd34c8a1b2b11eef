// SPDX-License-Identifier: GPL-2.0
/*
 * graph.c - kernels on a Kronecker graph; see about[]
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "graph.h"
#include "kronecker.h"

static const char about[] =
"Breadth-first search (bfs), PageRank (pr) or betweenness centrality (bc) on an undirected\n"
"Kronecker graph, as the GAP Benchmark Suite (Beamer, Asanovic, Patterson, 2015) specifies\n"
"them: 16 edges a vertex with the odds of Graph500, both directions stored, 0.85 and 1e-4\n"
"for PageRank, random sources that have a neighbour.  Degrees follow a power law, so a small\n"
"part of what each vertex has is very hot, and it lies scattered by single lines; the edges\n"
"are read once an iteration.  Pages differ less than lines do.  Checked as GAP says (see\n"
"graph_bfs.c, graph_pr.c, graph_bc.c).  The graph is the largest that fits in --bytes; the\n"
"sizes double; scale 20 has 136 MiB for bfs and pr, 160 MiB for bc.\n";

uint32_t graph_source(const struct kronecker *graph, uint64_t seed, uint64_t n)
{
	uint64_t random = bench_mix(seed + n) | 1;
	uint32_t vertex;

	do {
		vertex = (uint32_t)bench_below(bench_random(&random) >> 32, graph->nr);
	} while (graph->first[vertex] == graph->first[vertex + 1]);
	return vertex;
}

void graph_depths(const struct kronecker *graph, uint32_t source, uint32_t *depths,
		  uint32_t *queue)
{
	uint32_t vertex, head = 0, tail = 0, other;
	uint64_t edge;

	for (vertex = 0; vertex < graph->nr; vertex++)
		depths[vertex] = GRAPH_NONE;
	depths[source] = 0;
	queue[tail++] = source;
	while (head < tail) {
		vertex = queue[head++];
		for (edge = graph->first[vertex]; edge < graph->first[vertex + 1]; edge++) {
			other = graph->neighbours[edge];
			if (depths[other] != GRAPH_NONE)
				continue;
			depths[other] = depths[vertex] + 1;
			queue[tail++] = other;
		}
	}
}

int main(int argc, char **argv)
{
	static const struct graph_kernel *const kernels[] = { &graph_bfs, &graph_pr, &graph_bc };
	static const char *const names[] = { "bfs", "pr", "bc", NULL };
	const char *file = NULL;
	int kernel_nr = 0;
	uint64_t scale = 0, done;
	const struct bench_option options[] = {
		{ "kernel", "which", BENCH_CHOICE, &kernel_nr, 0, 0, names },
		{ "scale", "2^N vertices; 0: as --bytes says", BENCH_NUMBER, &scale, 0, 30, NULL },
		{ "file", "read the graph from there; if it is not there, make and keep it",
		  BENCH_FILE, &file, 0, 0, NULL },
		{ 0 },
	};
	struct bench bench = {
		.name = "graph", .about = about, .options = options,
		.work_help = "bfs, bc: number of sources; pr: number of iterations, at most"
			     " (40, 2 and 20)",
	};
	const struct graph_kernel *kernel;
	struct kronecker graph;

	bench_parse(&bench, argc, argv);
	kernel = kernels[kernel_nr];
	if (!bench.work)
		bench.work = kernel->default_work;
	if (!scale)
		scale = kronecker_scale_of(bench.bytes, kernel->vertex_bytes);
	bench_setup(&bench);
	kronecker_new(&graph, &bench, (unsigned int)scale, file);
	kernel->prepare(&graph, &bench);
	bench_run(&bench, getpid(), 0, graph.bytes + graph.nr * kernel->vertex_bytes);
	done = kernel->run(&graph, bench.work, bench_mix(bench.seed + 1));
	bench_check(&bench);
	if (bench.spoil)
		kernel->spoil(&graph);
	return bench_done(&bench, kernel->is_right(&graph), "%s=%" PRIu64 " scale=%" PRIu64
			  " edges=%" PRIu64, kernel == &graph_pr ? "iterations" : "sources", done,
			  scale, graph.nr_edges / 2);
}
