// SPDX-License-Identifier: GPL-2.0
/*
 * ring.c - emulated PEBS: every n-th event as a perf record, in rings that the guest maps
 *
 * As perf does: a record that does not fit is lost, and how many were is the first thing said
 * when there is room again; records wrap at the end of the ring; a ring that made too many
 * samples in a tick is silent until the next, and says both.
 */
#include <fcntl.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "clock.h"
#include "guest.h"
#include "options.h"
#include "ring.h"
#include "stats.h"

#define PAGE_BYTES 4096ULL
#define SAMPLE_TYPE (PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | \
		     PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD | PERF_SAMPLE_WEIGHT | \
		     PERF_SAMPLE_DATA_SRC | PERF_SAMPLE_PHYS_ADDR)

/* PERF_RECORD_SAMPLE with SAMPLE_TYPE: the fields in the order of the ABI */
struct sample_record {
	struct perf_event_header header;
	uint64_t ip;
	uint32_t pid, tid;
	uint64_t time;
	uint64_t addr;
	uint32_t cpu, reserved;
	uint64_t period;
	uint64_t weight;
	uint64_t data_src;
	uint64_t phys_addr;
};

struct lost_record {
	struct perf_event_header header;
	uint64_t id;
	uint64_t lost;
};

struct throttle_record {
	struct perf_event_header header;
	uint64_t time;
	uint64_t id;
	uint64_t stream_id;
};

/**
 * struct ring - a ring, our side
 * @lost: records since the last PERF_RECORD_LOST
 * @tick, @in_tick: number of the last tick with a sample, and how many it had
 * @is_throttled: silent until the next tick
 */
struct ring {
	struct perf_event_mmap_page *page;
	uint8_t *data;
	uint64_t lost;
	uint64_t tick;
	uint64_t in_tick;
	bool is_throttled;
};

struct hemem_rings *rings;
uint64_t ring_counts[METER_MAX_VCPUS][HEMEM_RINGS_NR_EVENTS];

static struct ring ours[HEMEM_RINGS_MAX];
static struct ring_totals totals;

/* Rings of 2^n pages as great as the file allows, one after the other. */
static uint64_t data_bytes(uint64_t file_bytes, unsigned int nr_rings)
{
	uint64_t bytes = PAGE_BYTES;

	while (PAGE_BYTES + nr_rings * (PAGE_BYTES + 2 * bytes) <= file_bytes)
		bytes *= 2;
	return bytes;
}

static void lay_out(uint64_t file_bytes)
{
	unsigned int nr_rings = nr_vcpus * HEMEM_RINGS_NR_EVENTS;
	uint64_t data = data_bytes(file_bytes, nr_rings), at = PAGE_BYTES;

	if (nr_rings > HEMEM_RINGS_MAX)
		meter_die("%u rings are more than a file of rings may have", nr_rings);
	memset(rings, 0, sizeof(*rings));
	for (unsigned int i = 0; i < nr_rings; i++) {
		struct hemem_ring_desc *desc = &rings->ring[i];
		struct perf_event_mmap_page *page = (void *)((char *)rings + at);

		if (at + PAGE_BYTES + data > file_bytes)
			meter_die("%s: too small for %u rings", options.ring, nr_rings);
		desc->offset = at;
		desc->size = PAGE_BYTES + data;
		desc->sample_type = SAMPLE_TYPE;
		desc->cpu = i / HEMEM_RINGS_NR_EVENTS;
		desc->event = i % HEMEM_RINGS_NR_EVENTS;
		memset(page, 0, PAGE_BYTES);
		page->data_offset = PAGE_BYTES;
		page->data_size = data;
		ours[i].page = page;
		ours[i].data = (uint8_t *)page + PAGE_BYTES;
		at += desc->size;
	}
	rings->version = HEMEM_RINGS_VERSION;
	rings->nr_rings = nr_rings;
	rings->size = file_bytes;
	__atomic_store_n(&rings->magic, HEMEM_RINGS_MAGIC, __ATOMIC_RELEASE);
}

void ring_init(void)
{
	struct stat file;
	void *map;
	int fd;

	_Static_assert(sizeof(struct hemem_rings) == PAGE_BYTES, "one page");
	if (!options.ring)
		return;
	fd = open(options.ring, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &file))
		meter_die("cannot open %s", options.ring);
	map = mmap(NULL, file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		meter_die("cannot map %s", options.ring);
	rings = map;
	lay_out(file.st_size);
}

static bool has_room(const struct ring *ring, uint64_t bytes)
{
	uint64_t tail = __atomic_load_n(&ring->page->data_tail, __ATOMIC_ACQUIRE);
	uint64_t used = ring->page->data_head - tail;

	/* a reader that wrote nonsense gets no room, and we do not leave our memory */
	return used <= ring->page->data_size && bytes <= ring->page->data_size - used;
}

static void put(struct ring *ring, const void *record, uint64_t bytes)
{
	uint64_t size = ring->page->data_size, head = ring->page->data_head;
	uint64_t at = head & (size - 1), first = size - at < bytes ? size - at : bytes;

	memcpy(ring->data + at, record, first);
	memcpy(ring->data, (const char *)record + first, bytes - first);
	__atomic_store_n(&ring->page->data_head, head + bytes, __ATOMIC_RELEASE);
}

/* What was lost is said before anything else, or goes on being lost. */
static bool reserve(struct ring *ring, uint64_t bytes)
{
	struct lost_record record = {
		.header = { .type = PERF_RECORD_LOST, .size = sizeof(record) },
		.lost = ring->lost,
	};

	if (!has_room(ring, bytes + (ring->lost ? sizeof(record) : 0)))
		return false;
	if (ring->lost)
		put(ring, &record, sizeof(record));
	ring->lost = 0;
	return true;
}

static void say_throttle(struct ring *ring, uint32_t type)
{
	struct throttle_record record = {
		.header = { .type = type, .size = sizeof(record) },
		.time = clock_now_ns(),
	};

	if (reserve(ring, sizeof(record)))
		put(ring, &record, sizeof(record));
}

static bool is_throttled(struct ring *ring)
{
	uint64_t tick = clock_now_ns() / (options.tick_us * 1000);

	if (!options.max_samples_per_tick)
		return false;
	if (tick != ring->tick) {
		ring->tick = tick;
		ring->in_tick = 0;
		if (ring->is_throttled)
			say_throttle(ring, PERF_RECORD_UNTHROTTLE);
		ring->is_throttled = false;
	}
	if (!ring->is_throttled && ++ring->in_tick > options.max_samples_per_tick) {
		ring->is_throttled = true;
		totals.nr_throttles++;
		say_throttle(ring, PERF_RECORD_THROTTLE);
	}
	return ring->is_throttled;
}

/* Where an access ended, as the kernel tells it of PEBS; a store's is where its page is. */
static uint64_t data_src(enum hemem_rings_event event, enum meter_tier tier)
{
	uint64_t op = event == HEMEM_RINGS_STORE ? PERF_MEM_S(OP, STORE) : PERF_MEM_S(OP, LOAD);

	if (tier == FAST)
		return op | PERF_MEM_S(LVL, HIT) | PERF_MEM_S(LVL, LOC_RAM) |
			PERF_MEM_S(LVLNUM, RAM);
	return op | PERF_MEM_S(LVL, HIT) | PERF_MEM_S(LVLNUM, PMEM);
}

void ring_write(struct vcpu *vcpu, enum hemem_rings_event event, const struct ring_sample *sample)
{
	unsigned int nr = vcpu->index * HEMEM_RINGS_NR_EVENTS + event;
	struct ring *ring = &ours[nr];
	struct sample_record record = {
		.header = {
			.type = PERF_RECORD_SAMPLE,
			.misc = PERF_RECORD_MISC_USER | PERF_RECORD_MISC_EXACT_IP,
			.size = sizeof(record),
		},
		.ip = sample->ip,
		.pid = sample->pid,
		.tid = sample->pid,
		.time = clock_now_ns(),
		.addr = sample->vaddr,
		.cpu = vcpu->index,
		.period = rings->ring[nr].period,
		.weight = sample->weight_ns,
		.data_src = data_src(event, sample->tier),
		.phys_addr = guest_phys(vcpu->index, sample->vaddr),
	};

	if (is_throttled(ring)) {
		totals.throttled++;
		return;
	}
	if (options.sample_ns)
		clock_stall(vcpu, options.sample_ns * 1000);
	if (!reserve(ring, sizeof(record))) {
		ring->lost++;
		totals.lost++;
		return;
	}
	put(ring, &record, sizeof(record));
	totals.written++;
	stats->samples[event]++;
}

struct ring_totals ring_totals(void)
{
	struct ring_totals result = totals;

	for (unsigned int i = 0; rings && i < rings->nr_rings; i++)
		result.unread_bytes += ours[i].page->data_head - ours[i].page->data_tail;
	return result;
}

void ring_reset(void)
{
	totals = (struct ring_totals){ 0 };
}
