// SPDX-License-Identifier: GPL-2.0
/*
 * probe - does in the guest what tests/meter/check.py knows the meter's answer to
 *
 * Each experiment is a phase of its own.  Prints for each one line
 *   experiment PHASE NAME KEY=VALUE...
 * with what it did and saw itself.  Nodes 0 (fast) and 1 (slow), both with room for 160 MiB.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <glob.h>
#include <linux/perf_event.h>
#include <numa.h>
#include <numaif.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../include/hemem_rings.h"
#include "../../tools/meter/mark.h"

#define MIB (1UL << 20)
#define LINE 64UL
#define PAGE 4096UL
#define FAST 0
#define SLOW 1
#define SETTLE_STORES 10000	/* made once more after the rings were turned off */

/* phases; tests/meter/check.py has the same */
enum {
	P_CHASE_FAST = 4, P_CHASE_SLOW, P_CHASE_L1, P_CHASE_LLC, P_COPY, P_SLEEP, P_CHILD,
	P_ORACLE, P_MMODE, P_ONE_WRITER, P_TWO_WRITERS, P_SAMPLE, P_LOST, P_THROTTLE, P_OTHER,
	P_REST = 63,
};

static char *flusher;
static uint64_t seed = 1;
static volatile uint64_t sink;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static uint64_t next_random(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return seed >> 33;
}

/*
 * Memory of @node, in place, page by page.  Pages without access around it keep it a mapping of
 * its own in numa_maps.
 */
static char *memory_of(int node, size_t bytes)
{
	unsigned long mask = 1UL << node;
	char *memory = mmap(NULL, bytes + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	memory += PAGE;
	if (mprotect(memory, bytes, PROT_READ | PROT_WRITE) ||
	    mbind(memory, bytes, MPOL_BIND, &mask, 64, 0))
		die("memory of a node");
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	memset(memory, 1, bytes);
	return memory;
}

/* nothing of what was used before is in a cache, nor is anything written there */
static void flush(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < 8 * MIB; i += LINE)
		sum += flusher[i];
	sink = sum;
}

static void begin(int phase)
{
	flush();
	meter_mark_phase(phase);
}

static __attribute__((format(printf, 3, 4)))
void end(int phase, const char *name, const char *format, ...)
{
	va_list args;

	meter_mark_phase(P_REST);
	printf("experiment %d %s ", phase, name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

/* A cycle through all lines in random order; each line holds where the next one is. */
static void make_chase(char *memory, size_t bytes)
{
	size_t nr = bytes / LINE, i;
	uint32_t *order = malloc(nr * sizeof(*order));

	if (!order)
		die("malloc");
	for (i = 0; i < nr; i++)
		order[i] = i;
	for (i = nr - 1; i; i--) {
		size_t j = next_random() % (i + 1);
		uint32_t keep = order[i];

		order[i] = order[j];
		order[j] = keep;
	}
	for (i = 0; i < nr; i++)
		*(char **)(memory + order[i] * LINE) = memory + order[(i + 1) % nr] * LINE;
	free(order);
}

static __attribute__((noinline)) void chase(char *at, size_t steps)
{
	while (steps--)
		at = *(char *volatile *)at;
	sink = (uint64_t)at;
}

/* Pages of a mapping on a node, as the kernel tells it. */
static size_t pages_on(const char *memory, int node)
{
	char line[512], begin[32], field[16], *at;
	size_t nr = 0;
	FILE *maps = fopen("/proc/self/numa_maps", "r");

	if (!maps)
		die("numa_maps");
	snprintf(begin, sizeof(begin), "%lx ", (unsigned long)memory);
	snprintf(field, sizeof(field), " N%d=", node);
	while (fgets(line, sizeof(line), maps)) {
		at = strstr(line, field);
		if (!strncmp(line, begin, strlen(begin)) && at)
			nr = strtoul(at + strlen(field), NULL, 10);
	}
	fclose(maps);
	return nr;
}

static void try_chase(int phase, const char *name, int node, size_t bytes, size_t steps)
{
	char *memory = memory_of(node, bytes);
	uint64_t began_ns, took_ns;
	size_t fast_pages = pages_on(memory, FAST), slow_pages = pages_on(memory, SLOW);

	make_chase(memory, bytes);
	flush();
	if (bytes <= MIB)
		chase(memory, bytes / LINE);
	else
		flush();
	meter_mark_phase(phase);
	began_ns = now_ns();
	chase(memory, steps);
	took_ns = now_ns() - began_ns;
	end(phase, name, "steps=%zu took_ns=%lu fast_pages=%zu slow_pages=%zu", steps, took_ns,
	    fast_pages, slow_pages);
	munmap(memory, bytes);
}

static __attribute__((noinline)) void copy(uint64_t *to, const uint64_t *from, size_t bytes)
{
	for (size_t i = 0; i < bytes / 8; i++)
		((volatile uint64_t *)to)[i] = from[i];
}

static void try_copy(void)
{
	const size_t bytes = 32 * MIB;
	char *from = memory_of(FAST, bytes), *to = memory_of(SLOW, bytes);

	begin(P_COPY);
	copy((uint64_t *)to, (uint64_t *)from, bytes);
	flush();
	end(P_COPY, "copy", "bytes=%zu", bytes);
	munmap(from, bytes);
	munmap(to, bytes);
}

static void try_sleep(void)
{
	const uint64_t ns = 200000000;
	struct timespec t = { .tv_nsec = ns };

	begin(P_SLEEP);
	nanosleep(&t, NULL);
	end(P_SLEEP, "sleep", "ns=%lu", ns);
}

static void try_child(void)
{
	const uint64_t instructions = 20000000;
	pid_t child;

	begin(P_CHILD);
	child = fork();
	if (!child) {
		uint64_t n = instructions / 2;

		__asm__ volatile("1:\tdec %0\n\tjnz 1b" : "+r"(n));
		_exit(0);
	}
	waitpid(child, NULL, 0);
	end(P_CHILD, "child", "pid=%d instructions=%lu", child, instructions);
}

/* Page p has 64 * (p % 8 + 1) misses. */
static void try_oracle(void)
{
	const size_t bytes = 64 * MIB, nr_pages = bytes / PAGE;
	char *memory = memory_of(SLOW, bytes);
	uint64_t sum = 0;

	METER_MARK(METER_MARK_TARGET, getpid());
	begin(P_ORACLE);
	for (size_t pass = 0; pass < 8; pass++) {
		for (size_t p = 0; p < nr_pages; p++) {
			if (p % 8 < pass)
				continue;
			for (size_t i = 0; i < PAGE; i += LINE)
				sum += memory[p * PAGE + i];
		}
	}
	sink = sum;
	end(P_ORACLE, "oracle", "pages=%zu", nr_pages);
	METER_MARK(METER_MARK_TARGET, 0);
	munmap(memory, bytes);
}

/* the guest's physical page of an address; 0: none */
static uint64_t frame_of(const void *address)
{
	static int pagemap = -1;
	uint64_t entry = 0;

	if (pagemap < 0)
		pagemap = open("/proc/self/pagemap", O_RDONLY);
	/* beyond a program's addresses it ends */
	if (pread(pagemap, &entry, 8, (uint64_t)address / PAGE * 8) < 0)
		die("pagemap");
	return entry >> 63 ? entry & ((1ULL << 55) - 1) : 0;
}

/*
 * How many of our pages are not alone where a direct-mapped cache of @cache_bytes keeps them?
 * Each line of such a page misses in each pass, and no other does.  Pages are numbered as the
 * meter does: node 1's, which begin at 4 GiB, after node 0's.
 */
static size_t crowded_pages(const char *memory, size_t bytes, size_t cache_bytes,
			    size_t node0_bytes)
{
	size_t nr_slots = cache_bytes / PAGE, crowded = 0;
	uint8_t *users = calloc(nr_slots, 1);

	if (!users)
		die("calloc");
	for (int counts = 1; counts >= 0; counts--) {
		for (size_t at = 0; at < bytes; at += PAGE) {
			uint64_t frame = frame_of(memory + at);
			uint8_t *slot;

			if (frame >= (4ULL << 30) / PAGE)
				frame -= ((4ULL << 30) - node0_bytes) / PAGE;
			slot = &users[frame % nr_slots];
			if (counts)
				*slot += *slot < 255;
			else
				crowded += *slot > 1;
		}
	}
	free(users);
	return crowded;
}

static void try_mmode(size_t node0_bytes)
{
	const size_t bytes = 16 * MIB, passes = 4;
	char *memory = memory_of(FAST, bytes);
	uint64_t sum = 0;

	for (size_t i = 0; i < bytes; i += LINE)
		sum += memory[i];
	/* not flush(): its lines would take the place of ours */
	meter_mark_phase(P_MMODE);
	for (size_t pass = 0; pass < passes; pass++) {
		for (size_t i = 0; i < bytes; i += LINE)
			sum += memory[i];
	}
	sink = sum;
	meter_mark_phase(P_REST);
	end(P_MMODE, "mmode", "lines=%zu crowded_8m=%zu crowded_64m=%zu",
	    passes * bytes / LINE, passes * PAGE / LINE *
	    crowded_pages(memory, bytes, 8 * MIB, node0_bytes),
	    passes * PAGE / LINE * crowded_pages(memory, bytes, 64 * MIB, node0_bytes));
	munmap(memory, bytes);
}

#define WRITE_BYTES (32 * MIB)

static void *write_lines(void *memory)
{
	for (size_t i = 0; i < WRITE_BYTES; i += LINE)
		*(volatile uint64_t *)((char *)memory + i) = i;
	return NULL;
}

static void pin(pthread_attr_t *attr, int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	pthread_attr_init(attr);
	pthread_attr_setaffinity_np(attr, sizeof(cpus), &cpus);
}

/* Threads that write to slow memory are held up by its bandwidth, and together twice as long. */
static void try_writers(int phase, const char *name, int nr)
{
	char *memory[2];
	pthread_t thread[2];
	uint64_t began_ns, took_ns;

	for (int i = 0; i < nr; i++)
		memory[i] = memory_of(SLOW, WRITE_BYTES);
	begin(phase);
	began_ns = now_ns();
	for (int i = 0; i < nr; i++) {
		pthread_attr_t attr;

		pin(&attr, i);
		if (pthread_create(&thread[i], &attr, write_lines, memory[i]))
			die("pthread_create");
	}
	for (int i = 0; i < nr; i++)
		pthread_join(thread[i], NULL);
	took_ns = now_ns() - began_ns;
	end(phase, name, "lines=%lu took_ns=%lu", nr * WRITE_BYTES / LINE, took_ns);
	for (int i = 0; i < nr; i++)
		munmap(memory[i], WRITE_BYTES);
}

static struct hemem_rings *map_rings(const char *path)
{
	struct stat file;
	void *map;
	int fd = open(path, O_RDWR);

	if (fd < 0 || fstat(fd, &file))
		die(path);
	map = mmap(NULL, file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die(path);
	return map;
}

struct seen {
	uint64_t samples, lost, throttles, unthrottles, others;
	uint64_t wrong_page, wrong_tier, wrong_pid, wrong_rest, out_of_order;
};

/* PERF_RECORD_SAMPLE as hemem_rings.h's sample_type has it, spelled out once more */
struct sample {
	struct perf_event_header header;
	uint64_t ip;
	uint32_t pid, tid;
	uint64_t time, addr;
	uint32_t cpu, reserved;
	uint64_t period, weight, data_src, phys_addr;
};

extern char __executable_start, etext;

/* periods that set_rings() was last called with, but for 0 */
static uint64_t load_period, store_period;

static void judge_sample(const struct sample *s, const struct hemem_ring_desc *desc,
			 uint64_t *time, struct seen *seen)
{
	union perf_mem_data_src src = { .val = s->data_src };
	bool is_slow = s->phys_addr >= 4ULL << 30;
	uint64_t ip = s->ip;

	seen->samples++;
	/* not so after fork(), which has pages copied when they are written to */
	if (s->phys_addr != frame_of((void *)s->addr) * PAGE + s->addr % PAGE)
		seen->wrong_page++;
	if (src.mem_lvl_num != (is_slow ? PERF_MEM_LVLNUM_PMEM : PERF_MEM_LVLNUM_RAM) ||
	    (desc->event != HEMEM_RINGS_STORE && is_slow != (desc->event == HEMEM_RINGS_SLOW_LOAD)))
		seen->wrong_tier++;
	if (s->pid != (uint32_t)getpid() || s->tid != s->pid)
		seen->wrong_pid++;
	if (s->period != (desc->event == HEMEM_RINGS_STORE ? store_period : load_period) ||
	    s->cpu != desc->cpu || s->header.size != sizeof(*s) ||
	    ip < (uint64_t)&__executable_start || ip >= (uint64_t)&etext ||
	    (src.mem_op == PERF_MEM_OP_STORE) != (desc->event == HEMEM_RINGS_STORE))
		seen->wrong_rest++;
	if (s->time < *time)
		seen->out_of_order++;
	*time = s->time;
}

/* Read what is in a ring, at most @max_bytes of it. */
static void read_ring(struct hemem_rings *rings, unsigned int nr, uint64_t max_bytes, bool judge,
		      struct seen *seen)
{
	const struct hemem_ring_desc *desc = &rings->ring[nr];
	struct perf_event_mmap_page *page = (void *)((char *)rings + desc->offset);
	const char *data = (char *)page + page->data_offset;
	uint64_t tail = page->data_tail, head, time = 0, begin_tail = tail;

	head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
	while (tail < head && tail - begin_tail < max_bytes) {
		char record[128];
		struct perf_event_header *header = (void *)record;

		for (size_t i = 0; i < sizeof(*header); i++)
			record[i] = data[(tail + i) % page->data_size];
		if (header->size < sizeof(*header) || header->size > sizeof(record)) {
			seen->wrong_rest++;
			break;
		}
		for (size_t i = 0; i < header->size; i++)
			record[i] = data[(tail + i) % page->data_size];
		tail += header->size;
		switch (header->type) {
		case PERF_RECORD_SAMPLE:
			if (judge)
				judge_sample((void *)record, desc, &time, seen);
			else
				seen->samples++;
			break;
		case PERF_RECORD_LOST:
			seen->lost += ((uint64_t *)record)[2];
			break;
		case PERF_RECORD_THROTTLE:
			seen->throttles++;
			break;
		case PERF_RECORD_UNTHROTTLE:
			seen->unthrottles++;
			break;
		default:
			seen->others++;
		}
	}
	__atomic_store_n(&page->data_tail, tail, __ATOMIC_RELEASE);
}

static void set_rings(struct hemem_rings *rings, uint64_t loads, uint64_t stores)
{
	for (unsigned int i = 0; i < rings->nr_rings; i++)
		rings->ring[i].period = rings->ring[i].event == HEMEM_RINGS_STORE ? stores : loads;
	rings->pid = getpid();
	__atomic_store_n(&rings->enabled, loads || stores, __ATOMIC_RELEASE);
	if (loads || stores) {
		load_period = loads;
		store_period = stores;
	}
	/* the meter looks at it after some thousand instructions */
	for (volatile int i = 0; i < SETTLE_STORES; i++)
		;
}

static void read_all(struct hemem_rings *rings, bool judge, struct seen *seen)
{
	for (unsigned int i = 0; i < rings->nr_rings; i++)
		read_ring(rings, i, ~0ULL, judge, seen);
}

static void update(uint64_t *memory, size_t bytes, size_t nr)
{
	while (nr--)
		memory[next_random() % (bytes / 8)]++;
}

static void try_samples(struct hemem_rings *rings)
{
	const size_t bytes = 16 * MIB, nr = 200000;
	char *memory[2] = { memory_of(FAST, bytes), memory_of(SLOW, bytes) };
	struct seen seen = { 0 };

	begin(P_SAMPLE);
	set_rings(rings, 97, 199);
	update((uint64_t *)memory[0], bytes, nr);
	update((uint64_t *)memory[1], bytes, nr);
	set_rings(rings, 0, 0);
	meter_mark_phase(P_REST);
	read_all(rings, true, &seen);
	end(P_SAMPLE, "sample", "load_period=97 store_period=199 samples=%lu lost=%lu "
	    "wrong_page=%lu wrong_tier=%lu wrong_pid=%lu wrong_rest=%lu out_of_order=%lu others=%lu",
	    seen.samples, seen.lost, seen.wrong_page, seen.wrong_tier, seen.wrong_pid,
	    seen.wrong_rest, seen.out_of_order, seen.others + seen.throttles + seen.unthrottles);

	/* another process makes none */
	memset(&seen, 0, sizeof(seen));
	begin(P_OTHER);
	set_rings(rings, 97, 199);
	if (!fork()) {
		update((uint64_t *)memory[0], bytes, nr);
		_exit(0);
	}
	wait(NULL);
	set_rings(rings, 0, 0);
	meter_mark_phase(P_REST);
	read_all(rings, true, &seen);
	end(P_OTHER, "other", "samples=%lu of_other=%lu", seen.samples, seen.wrong_pid);
	munmap(memory[0], bytes);
	munmap(memory[1], bytes);
}

/* Samples that nobody reads, then some room, then samples again. */
static void try_lost(struct hemem_rings *rings, int phase, const char *name, uint64_t period,
		     size_t nr)
{
	const size_t bytes = 16 * MIB;
	char *memory = memory_of(SLOW, bytes);
	struct seen seen = { 0 };

	begin(phase);
	set_rings(rings, period, 0);
	update((uint64_t *)memory, bytes, nr);
	for (unsigned int i = 0; i < rings->nr_rings; i++)
		read_ring(rings, i, 100000, false, &seen);
	update((uint64_t *)memory, bytes, 1000 * period);
	set_rings(rings, 0, 0);
	meter_mark_phase(P_REST);
	read_all(rings, false, &seen);
	end(phase, name, "period=%lu samples=%lu lost=%lu throttles=%lu unthrottles=%lu",
	    period, seen.samples, seen.lost, seen.throttles, seen.unthrottles);
	munmap(memory, bytes);
}

/* usage: probe RINGS NODE0_BYTES */
int main(int argc, char **argv)
{
	struct hemem_rings *rings;
	cpu_set_t first;

	if (argc != 3)
		return 2;
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	sched_setaffinity(0, sizeof(first), &first);
	rings = map_rings(argv[1]);
	flusher = memory_of(FAST, 8 * MIB);
	try_chase(P_CHASE_FAST, "chase_fast", FAST, 32 * MIB, 32 * MIB / LINE);
	try_chase(P_CHASE_SLOW, "chase_slow", SLOW, 32 * MIB, 32 * MIB / LINE);
	try_chase(P_CHASE_L1, "chase_l1", FAST, 16 << 10, 1000000);
	try_chase(P_CHASE_LLC, "chase_llc", FAST, MIB, 2000000);
	try_copy();
	try_sleep();
	try_child();
	try_oracle();
	try_mmode(strtoull(argv[2], NULL, 0));
	try_writers(P_ONE_WRITER, "one_writer", 1);
	try_writers(P_TWO_WRITERS, "two_writers", 2);
	try_samples(rings);
	try_lost(rings, P_LOST, "lost", 10, 400000);
	try_lost(rings, P_THROTTLE, "throttle", 1, 100000);
	return 0;
}
