// SPDX-License-Identifier: GPL-2.0
/*
 * kronecker.c - see kronecker.h
 *
 * The generator of Graph500 and of the GAP Benchmark Suite: each of 16 edges a vertex falls
 * into one quarter of the adjacency matrix with the odds .57, .19, .19, .05, then into
 * a quarter of that, scale times.  Vertices are renamed by a permutation, so that the
 * number of a vertex does not tell its degree.
 *
 * An edge is made from its number alone.  So edges need no memory: they are made once to
 * count the neighbours and once more to put them in their places.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "kronecker.h"

#define EDGE_FACTOR	16
#define STEP		3		/* levels */
#define EDGES_A_VERTEX	30		/* what is left of 32 at scale 20 when doubles are dropped */

unsigned int kronecker_scale_of(uint64_t bytes, uint64_t vertex_bytes)
{
	uint64_t each = sizeof(uint64_t) + EDGES_A_VERTEX * sizeof(uint32_t) + vertex_bytes;
	unsigned int scale = 4;

	while (scale < 30 && (each << (scale + 1)) <= bytes)
		scale++;
	return scale;
}

/* A permutation of [0, 2^scale): each step can be undone. */
static uint32_t rename_vertex(uint32_t vertex, unsigned int scale, uint64_t seed)
{
	uint32_t mask = (uint32_t)((1ULL << scale) - 1);
	unsigned int half = (scale + 1) / 2;

	vertex = (vertex * 0x9e3779b1 + (uint32_t)seed) & mask;
	vertex ^= vertex >> half;
	vertex = (vertex * 0x85ebca6b + (uint32_t)(seed >> 32)) & mask;
	return vertex ^ vertex >> half;
}

/*
 * STEP levels at once: 16 random bits choose one of 64 quarters of quarters of quarters.
 * steps[bits] has STEP bits of the one end, and above them those of the other.
 */
static uint8_t steps[1 << 16];

static void make_steps(void)
{
	static const double odds[] = { .57, .19, .19, .05 };
	unsigned int a, b, c;
	uint32_t bits = 0;
	double sum = 0;

	for (a = 0; a < 4; a++)
		for (b = 0; b < 4; b++)
			for (c = 0; c < 4; c++) {
				sum += odds[a] * odds[b] * odds[c] * (1 << 16);
				for (; bits < (uint32_t)(sum + .5); bits++)
					steps[bits] = (uint8_t)((a & 2) << 4 | (b & 2) << 3 |
								(c & 2) << 2 | (a & 1) << 2 |
								(b & 1) << 1 | (c & 1));
			}
}

static void edge(uint64_t number, unsigned int scale, uint64_t seed, uint32_t *ret_from,
		 uint32_t *ret_to)
{
	uint32_t from = 0, to = 0, mask = (uint32_t)((1ULL << scale) - 1), step;
	uint64_t random = 0;
	unsigned int level;

	for (level = 0; level * STEP < scale; level++) {
		if (level % 4)
			random >>= 16;
		else
			random = bench_mix(seed + number * 4 + level / 4);
		step = steps[random & 0xffff];
		from = from << STEP | step >> STEP;
		to = to << STEP | (step & ((1 << STEP) - 1));
	}
	*ret_from = rename_vertex(from & mask, scale, seed);
	*ret_to = rename_vertex(to & mask, scale, seed);
}

/* first[v + 1] becomes the number of v's neighbours, with doubles. */
static void count(struct kronecker *graph, uint64_t seed)
{
	uint64_t number, nr = (uint64_t)graph->nr * EDGE_FACTOR;
	uint32_t from, to, vertex;

	for (number = 0; number < nr; number++) {
		edge(number, graph->scale, seed, &from, &to);
		if (from == to)
			continue;
		graph->first[from + 1]++;
		graph->first[to + 1]++;
	}
	for (vertex = 0; vertex < graph->nr; vertex++)
		graph->first[vertex + 1] += graph->first[vertex];
}

/* Each vertex's place moves up as it fills, so in the end first[v] is where v + 1 begins. */
static void place(struct kronecker *graph, uint64_t seed)
{
	uint64_t number, nr = (uint64_t)graph->nr * EDGE_FACTOR, i;
	uint32_t from, to;

	for (number = 0; number < nr; number++) {
		edge(number, graph->scale, seed, &from, &to);
		if (from == to)
			continue;
		graph->neighbours[graph->first[from]++] = to;
		graph->neighbours[graph->first[to]++] = from;
	}
	for (i = graph->nr; i; i--)
		graph->first[i] = graph->first[i - 1];
	graph->first[0] = 0;
}

/* Drop doubles, close the gaps.  seen_by[v] is the last vertex that had v as a neighbour. */
static void tidy(struct kronecker *graph)
{
	uint32_t *seen_by = malloc(graph->nr * sizeof(*seen_by)), vertex, other;
	uint64_t from, end, to = 0;

	if (!seen_by)
		bench_die(BENCH_USAGE, "no memory");
	memset(seen_by, 0xff, graph->nr * sizeof(*seen_by));
	for (vertex = 0; vertex < graph->nr; vertex++) {
		from = graph->first[vertex];
		end = graph->first[vertex + 1];
		graph->first[vertex] = to;
		for (; from < end; from++) {
			other = graph->neighbours[from];
			if (seen_by[other] == vertex)
				continue;
			seen_by[other] = vertex;
			graph->neighbours[to++] = other;
		}
	}
	free(seen_by);
	graph->first[graph->nr] = to;
	graph->nr_edges = to;
}

/* What the doubles took is given back. */
static void trim(struct kronecker *graph, uint64_t nr_placed)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = (uintptr_t)(graph->neighbours + graph->nr_edges);
	uintptr_t to = (uintptr_t)(graph->neighbours + nr_placed);

	from = (from + page - 1) & -page;
	if (from < to)
		madvise((void *)from, to - from, MADV_DONTNEED);
}

static uint64_t first_bytes(const struct kronecker *graph)
{
	return ((uint64_t)graph->nr + 1) * sizeof(*graph->first);
}

static void make(struct kronecker *graph, const struct bench *bench)
{
	uint64_t seed = bench_mix(bench->seed), nr_placed;

	graph->first = bench_map(bench, first_bytes(graph));
	make_steps();
	count(graph, seed);
	nr_placed = graph->first[graph->nr];
	graph->neighbours = bench_map(bench, nr_placed * sizeof(uint32_t));
	place(graph, seed);
	tidy(graph);
	trim(graph, nr_placed);
}

/* A graph in a file: this, first[], neighbours[]. */
struct header {
	char magic[8];
	uint64_t seed, scale, nr_edges;
};

#define MAGIC "hemem-g1"
#define CHUNK_BYTES (1UL << 20)

static bool is_ours(const struct header *header, const struct bench *bench, unsigned int scale)
{
	return !memcmp(header->magic, MAGIC, sizeof(header->magic)) &&
	       header->seed == bench->seed && header->scale == scale;
}

/* What was read is dropped from the page cache, which would take the fast tier's room. */
static void read_all(const char *file, int fd, void *to, uint64_t bytes)
{
	uint64_t done = 0, left;
	ssize_t nr;

	for (; done < bytes; done += (uint64_t)nr) {
		left = bytes - done;
		nr = read(fd, (char *)to + done, left < CHUNK_BYTES ? left : CHUNK_BYTES);
		if (nr <= 0)
			bench_die(BENCH_USAGE, "%s: %s", file, nr ? strerror(errno) : "too short");
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	}
}

/* What is outside the arrays would be followed: look before. */
static bool is_sound(const struct kronecker *graph)
{
	uint64_t edge, nr_wrong = graph->first[0] || graph->first[graph->nr] != graph->nr_edges;
	uint32_t vertex;

	for (vertex = 0; vertex < graph->nr; vertex++)
		nr_wrong += graph->first[vertex] > graph->first[vertex + 1];
	for (edge = 0; edge < graph->nr_edges; edge++)
		nr_wrong += graph->neighbours[edge] >= graph->nr;
	return !nr_wrong;
}

static void read_graph(struct kronecker *graph, const struct bench *bench, const char *file, int fd)
{
	struct header header;

	read_all(file, fd, &header, sizeof(header));
	if (!is_ours(&header, bench, graph->scale) ||
	    header.nr_edges > (uint64_t)graph->nr * EDGE_FACTOR * 2)
		bench_die(BENCH_USAGE, "%s: not the graph of this seed and scale", file);
	graph->nr_edges = header.nr_edges;
	graph->first = bench_map(bench, first_bytes(graph));
	graph->neighbours = bench_map(bench, graph->nr_edges * sizeof(uint32_t));
	read_all(file, fd, graph->first, first_bytes(graph));
	read_all(file, fd, graph->neighbours, graph->nr_edges * sizeof(uint32_t));
	if (!is_sound(graph))
		bench_die(BENCH_USAGE, "%s: damaged", file);
}

/* Under another name until it is whole. */
static void write_graph(const struct kronecker *graph, const struct bench *bench, const char *file)
{
	struct header header = {
		.magic = MAGIC, .seed = bench->seed, .scale = graph->scale,
		.nr_edges = graph->nr_edges,
	};
	char name[PATH_MAX];
	FILE *to;
	bool is_whole;

	if (snprintf(name, sizeof(name), "%s.%d", file, getpid()) >= (int)sizeof(name))
		bench_die(BENCH_USAGE, "%s: %s", file, strerror(ENAMETOOLONG));
	to = fopen(name, "we");
	if (!to)
		bench_die(BENCH_USAGE, "%s: %s", name, strerror(errno));
	is_whole = fwrite(&header, sizeof(header), 1, to) == 1 &&
		   fwrite(graph->first, first_bytes(graph), 1, to) == 1 &&
		   fwrite(graph->neighbours, sizeof(uint32_t), graph->nr_edges, to) ==
		   graph->nr_edges;
	is_whole &= !fclose(to);
	if (is_whole && !rename(name, file))
		return;
	unlink(name);
	bench_die(BENCH_USAGE, "%s: could not be written", file);
}

void kronecker_new(struct kronecker *graph, const struct bench *bench, unsigned int scale,
		   const char *file)
{
	int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;

	graph->scale = scale;
	graph->nr = 1U << scale;
	if (fd >= 0) {
		read_graph(graph, bench, file, fd);
		close(fd);
	} else {
		make(graph, bench);
	}
	graph->bytes = first_bytes(graph) + graph->nr_edges * sizeof(uint32_t);
	if (file && fd < 0)
		write_graph(graph, bench, file);
}
