// SPDX-License-Identifier: GPL-2.0
/*
 * ring.c - one ring of records in the layout of perf's mmap
 *
 * Owns the order of accesses to shared memory and what a record means.  What is in a
 * sample is sample.c's; who fills the ring (the kernel, a test bed) and what a sample is good
 * for, others know.
 *
 * Producer and reader share two counters that only grow, data_head and data_tail; the
 * place of byte n is n modulo the size.  The reader acquires the head, reads, and
 * releases the tail:
 *
 *   size 64, tail 40, head 88: a record of 48 bytes that lies at 40..63 and 0..23
 *
 * A record is read where it lies; only one that wraps is copied, and of a long one only
 * the beginning: what we need stands before all that has no fixed length.  The other side
 * may write anything at any time, so sizes are read once and checked before use.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <unistd.h>

#include "ring.h"

#define ALIGN_BYTES	sizeof(uint64_t)	/* perf's records are multiples of it */

/* Younger than the headers of the oldest kernels that we build on. */
#define RECORD_LOST_SAMPLES	13

int ring_init(struct ring *ring, struct perf_event_mmap_page *page, uint64_t bytes,
	      uint64_t sample_type)
{
	uint64_t first = (uint64_t)sysconf(_SC_PAGESIZE), data_bytes = bytes - first;

	if (bytes <= first || data_bytes % first || (data_bytes & (data_bytes - 1)))
		return -EINVAL;
	if (!(sample_type & PERF_SAMPLE_ADDR))
		return -EOPNOTSUPP;
	*ring = (struct ring){
		.page = page, .data = (const unsigned char *)page + first,
		.data_bytes = data_bytes, .format.type = sample_type,
		.head = __atomic_load_n(&page->data_tail, __ATOMIC_RELAXED),
	};
	ring->tail = ring->head;
	return 0;
}

/* Every byte before the head was written before the head was. */
uint64_t ring_look(struct ring *ring)
{
	ring->head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	return ring->head - ring->tail;
}

/* Nothing of what was read is read again after the tail is told. */
void ring_release(struct ring *ring)
{
	__atomic_store_n(&ring->page->data_tail, ring->tail, __ATOMIC_RELEASE);
}

void ring_skip(struct ring *ring)
{
	ring_look(ring);
	ring->tail = ring->head;
	ring_release(ring);
}

/* @bytes at the tail, all there or put together in @copy. */
static const unsigned char *peek(struct ring *ring, uint64_t bytes)
{
	uint64_t at = ring->tail & (ring->data_bytes - 1), first = ring->data_bytes - at;

	if (bytes <= first)
		return ring->data + at;
	memcpy(ring->copy, ring->data + at, first);
	memcpy((unsigned char *)ring->copy + first, ring->data, bytes - first);
	return (const unsigned char *)ring->copy;
}

static uint64_t word_of(const unsigned char *body, unsigned int i)
{
	uint64_t word;

	memcpy(&word, body + i * sizeof(word), sizeof(word));
	return word;
}

static void parse(const struct ring *ring, uint32_t type, const unsigned char *body,
		  uint64_t bytes, struct ring_record *record)
{
	/* lost: { id, lost }; lost samples: { lost } */
	uint64_t words = type == PERF_RECORD_LOST ? 2 : 1;

	*record = (struct ring_record){ .kind = RING_OTHER };
	switch (type) {
	case PERF_RECORD_SAMPLE:
		sample_parse(&ring->format, body, bytes, &record->sample);
		record->kind = record->sample.has & PERF_SAMPLE_ADDR ? RING_SAMPLE : RING_BROKEN;
		break;
	case PERF_RECORD_LOST:
	case RECORD_LOST_SAMPLES:
		record->kind = bytes < words * sizeof(uint64_t) ? RING_BROKEN : RING_LOST;
		if (record->kind == RING_LOST)
			record->nr_lost = word_of(body, (unsigned int)words - 1);
		break;
	case PERF_RECORD_THROTTLE:
		record->kind = RING_THROTTLE;
		break;
	case PERF_RECORD_UNTHROTTLE:
		record->kind = RING_UNTHROTTLE;
		break;
	}
}

bool ring_next(struct ring *ring, struct ring_record *ret_record)
{
	uint64_t left = ring->head - ring->tail, bytes;
	struct perf_event_header header = { 0 };
	const unsigned char *record;

	if (!left)
		return false;
	if (left >= sizeof(header) && left <= ring->data_bytes)
		memcpy(&header, peek(ring, sizeof(header)), sizeof(header));
	bytes = header.size;
	if (bytes < sizeof(header) || bytes > left || bytes % ALIGN_BYTES) {
		/* Where the next record begins nobody knows: go on behind all of them. */
		ring->tail = ring->head;
		*ret_record = (struct ring_record){ .kind = RING_BROKEN };
		return true;
	}
	record = peek(ring, bytes < RING_COPY_BYTES ? bytes : RING_COPY_BYTES);
	parse(ring, header.type, record + sizeof(header),
	      (bytes < RING_COPY_BYTES ? bytes : RING_COPY_BYTES) - sizeof(header), ret_record);
	ring->tail += bytes;
	return true;
}
