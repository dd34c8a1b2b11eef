// SPDX-License-Identifier: GPL-2.0
/*
 * sampled.c - makes a file of rings with the samples that a PMU would take of hotset.c
 *
 * So that --sampler ring:PATH can be seen at work where there is neither a PMU nor the meter:
 * no access of the target is looked at.  MISSES loads a second that miss the caches are
 * thought of, and as many stores, HOT_PCT of 100 in the hot set and the others anywhere; every
 * period-th becomes a sample, as hemem-ctl sets the periods.
 *
 *	sampled FILE PID START END HOT_START HOT_END [MISSES [HOT_PCT]]
 *
 * Addresses in hex, as hotset prints them.  Says "ready" when FILE can be read, and at the end,
 * when hemem-ctl has come and gone:
 *
 *	done samples=1234 lost=0
 *
 * Exit status: 0, 2: usage, or FILE cannot be made.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../include/hemem_rings.h"

#define PAGE		4096UL
#define DATA		(16 * PAGE)
#define NR_RINGS	2		/* loads of the slow tier, stores */
#define TURN_NS		2000000
#define SAMPLE_TYPE	(PERF_SAMPLE_TID | PERF_SAMPLE_ADDR)

struct sample {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t addr;
};

struct lost {
	struct perf_event_header header;
	uint64_t id, nr;
};

struct range {
	uint64_t start, end;
};

/** struct ring - one ring; @events: since the last sample; @lost: since there was room */
struct ring {
	struct hemem_ring_desc *desc;
	struct perf_event_mmap_page *page;
	uint64_t events, lost;
};

static uint64_t random_state = 20210825, nr_samples, nr_lost;

static uint64_t next_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1d;
}

static uint64_t addr_in(const struct range *range)
{
	return range->start + next_random() % (range->end - range->start);
}

static struct hemem_rings *make_file(const char *path)
{
	uint64_t bytes = PAGE + NR_RINGS * (PAGE + DATA);
	int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct hemem_rings *rings;

	if (file < 0 || ftruncate(file, (off_t)bytes))
		return NULL;
	rings = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	close(file);
	if (rings == MAP_FAILED)
		return NULL;
	rings->version = HEMEM_RINGS_VERSION;
	rings->nr_rings = NR_RINGS;
	rings->size = bytes;
	for (unsigned int i = 0; i < NR_RINGS; i++)
		rings->ring[i] = (struct hemem_ring_desc){
			.offset = PAGE + i * (PAGE + DATA), .size = PAGE + DATA,
			.sample_type = SAMPLE_TYPE,
			.event = i ? HEMEM_RINGS_STORE : HEMEM_RINGS_SLOW_LOAD,
		};
	__atomic_store_n(&rings->magic, HEMEM_RINGS_MAGIC, __ATOMIC_RELEASE);
	return rings;
}

static void put(struct ring *ring, const void *record, uint64_t bytes)
{
	unsigned char *data = (unsigned char *)ring->page + PAGE;
	uint64_t head = ring->page->data_head, at = head % DATA;
	uint64_t first = DATA - at < bytes ? DATA - at : bytes;

	memcpy(data + at, record, first);
	memcpy(data, (const unsigned char *)record + first, bytes - first);
	__atomic_store_n(&ring->page->data_head, head + bytes, __ATOMIC_RELEASE);
}

/* As perf does it: what finds no room is counted, and told when there is some. */
static void put_sample(struct ring *ring, uint32_t pid, uint64_t addr)
{
	struct sample sample = {
		.header = { .type = PERF_RECORD_SAMPLE, .size = sizeof(sample) },
		.pid = pid, .tid = pid, .addr = addr,
	};
	struct lost lost = {
		.header = { .type = PERF_RECORD_LOST, .size = sizeof(lost) }, .nr = ring->lost,
	};
	uint64_t tail = __atomic_load_n(&ring->page->data_tail, __ATOMIC_ACQUIRE);

	if (DATA - (ring->page->data_head - tail) < sizeof(sample) + sizeof(lost)) {
		ring->lost++;
		nr_lost++;
		return;
	}
	if (ring->lost)
		put(ring, &lost, sizeof(lost));
	ring->lost = 0;
	put(ring, &sample, sizeof(sample));
	nr_samples++;
}

static void play(struct ring *ring, uint64_t nr_events, uint32_t pid, const struct range *all,
		 const struct range *hot, unsigned int hot_pct)
{
	uint64_t period = __atomic_load_n(&ring->desc->period, __ATOMIC_RELAXED);

	for (ring->events += nr_events; period && ring->events >= period; ring->events -= period)
		put_sample(ring, pid, addr_in(next_random() % 100 < hot_pct ? hot : all));
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool is_enabled(const struct hemem_rings *rings)
{
	return __atomic_load_n(&rings->enabled, __ATOMIC_ACQUIRE);
}

static void pause_for(long ns)
{
	nanosleep(&(struct timespec){ .tv_nsec = ns }, NULL);
}

static int usage(void)
{
	fprintf(stderr, "usage: sampled FILE PID START END HOT_START HOT_END [MISSES [HOT_PCT]]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct ring rings[NR_RINGS] = { 0 };
	struct range all, hot;
	struct hemem_rings *file;
	uint64_t misses, before, now;
	unsigned int i, hot_pct;
	uint32_t pid;

	if (argc < 7 || argc > 9)
		return usage();
	pid = (uint32_t)strtoul(argv[2], NULL, 10);
	all = (struct range){ strtoull(argv[3], NULL, 16), strtoull(argv[4], NULL, 16) };
	hot = (struct range){ strtoull(argv[5], NULL, 16), strtoull(argv[6], NULL, 16) };
	misses = argc > 7 ? strtoull(argv[7], NULL, 10) : 2000000;
	hot_pct = argc > 8 ? (unsigned int)strtoul(argv[8], NULL, 10) : 90;
	if (!pid || all.start >= all.end || hot.start >= hot.end || !misses || hot_pct > 100)
		return usage();
	file = make_file(argv[1]);
	if (!file) {
		fprintf(stderr, "sampled: %s: %s\n", argv[1], strerror(errno));
		return 2;
	}
	for (i = 0; i < NR_RINGS; i++) {
		rings[i].desc = &file->ring[i];
		rings[i].page = (void *)((char *)file + file->ring[i].offset);
	}
	printf("ready\n");
	fflush(stdout);
	while (!is_enabled(file))
		pause_for(TURN_NS);
	for (before = now_ns(); is_enabled(file); before = now) {
		pause_for(TURN_NS);
		now = now_ns();
		for (i = 0; i < NR_RINGS; i++)
			play(&rings[i], (now - before) * misses / 1000000000, pid, &all, &hot, hot_pct);
	}
	printf("done samples=%" PRIu64 " lost=%" PRIu64 "\n", nr_samples, nr_lost);
	return 0;
}
