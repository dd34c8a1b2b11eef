/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ring.h - one ring of records in the layout of perf's mmap
 */
#ifndef HEMEM_RING_H
#define HEMEM_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sample.h"

struct perf_event_mmap_page;

#define RING_COPY_BYTES	256	/* of a record: what all we need lies in */

/**
 * enum ring_kind - what a record says
 * @RING_SAMPLE: one access
 * @RING_LOST: the producer had no room for records, or no time for samples
 * @RING_THROTTLE: the producer holds back samples from now on
 * @RING_UNTHROTTLE: no longer
 * @RING_OTHER: something else, which is none of our business
 * @RING_BROKEN: it contradicts itself; after a size that cannot be, all records
 *	that were in the ring are given up and count as this one
 */
enum ring_kind {
	RING_SAMPLE,
	RING_LOST,
	RING_THROTTLE,
	RING_UNTHROTTLE,
	RING_OTHER,
	RING_BROKEN,
	RING_NR_KINDS,
};

/**
 * struct ring_record - one record; what does not belong to its kind is 0
 * @kind: what it says
 * @sample: (sample) what it says; has an address
 * @nr_lost: (lost) how many
 */
struct ring_record {
	enum ring_kind kind;
	struct sample sample;
	uint64_t nr_lost;
};

/**
 * struct ring - a reader
 * @page: what is shared; stays the caller's
 * @data: the records, @data_bytes of them
 * @format: what is in its samples
 * @head: where the producer was when last looked at
 * @tail: where we are
 * @copy: a record that wraps, put together
 */
struct ring {
	struct perf_event_mmap_page *page;
	const unsigned char *data;
	uint64_t data_bytes;
	struct sample_format format;
	uint64_t head;
	uint64_t tail;
	uint64_t copy[RING_COPY_BYTES / sizeof(uint64_t)];
};

/**
 * ring_init() - begin to read
 * @ring: overwritten; needs no exit
 * @page: start of the mapping, aligned to a page
 * @bytes: its size; one page and 2^n pages
 * @sample_type: PERF_SAMPLE_*; must have PERF_SAMPLE_ADDR.  Of parts that need more than this
 *	to be understood (registers, branches, counts), and what stands behind, nothing is told.
 *
 * What is in the ring already stays there to be read.
 *
 * Return: 0, -EINVAL: the sizes are not those of a ring, -EOPNOTSUPP: the samples
 * have no address.
 */
int ring_init(struct ring *ring, struct perf_event_mmap_page *page, uint64_t bytes,
	      uint64_t sample_type);

/** ring_skip() - pass over all that waits to be read */
void ring_skip(struct ring *ring);

/** ring_look() - see how far the producer is.  Return: bytes that wait to be read. */
uint64_t ring_look(struct ring *ring);

/**
 * ring_next() - read one record of those that ring_look() saw
 * @ret_record: untouched at the end
 *
 * Return: false at the end.
 */
bool ring_next(struct ring *ring, struct ring_record *ret_record);

/** ring_release() - let the producer have the room of all that was read */
void ring_release(struct ring *ring);

#endif /* HEMEM_RING_H */
