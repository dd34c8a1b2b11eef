/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hemem_rings.h - a file of sample rings, laid out as perf's
 *
 * Who makes samples without perf (the meter, tools/meter) shares memory that begins with
 * struct hemem_rings; hemem-ctl reads it as `--sampler ring:PATH`.  Every ring in it is what
 * mmap of a perf event gives: a page of struct perf_event_mmap_page, then 2^n pages of
 * records, with data_head, data_tail and the record types of <linux/perf_event.h>.
 *
 * The producer writes the header and the descriptors before it sets @magic, and later only
 * ring data and data_head.  The consumer writes @pid, @enabled, each @period and data_tail.
 * All of it is in the byte order of the machine; offsets are in bytes from the file's start.
 */
#ifndef HEMEM_RINGS_H
#define HEMEM_RINGS_H

#include <linux/types.h>

#define HEMEM_RINGS_MAGIC	0x53474e494d4d4548ULL	/* "HEMMINGS" in memory */
#define HEMEM_RINGS_VERSION	1
#define HEMEM_RINGS_MAX		63

/** enum hemem_rings_event - what a ring's samples are; HeMem's three events */
enum hemem_rings_event {
	HEMEM_RINGS_FAST_LOAD,	/* loads that the fast tier's memory answered */
	HEMEM_RINGS_SLOW_LOAD,	/* loads that the slow tier's memory answered */
	HEMEM_RINGS_STORE,	/* stores, wherever they went */
	HEMEM_RINGS_NR_EVENTS,
};

/**
 * struct hemem_ring_desc - one ring
 * @offset: of its perf_event_mmap_page; a multiple of 4096
 * @size: with that page
 * @sample_type: PERF_SAMPLE_* of its PERF_RECORD_SAMPLE records
 * @period: every how manieth event becomes a sample; 0: none.  The consumer's to write;
 *	takes effect with the next event.
 * @cpu: whose events these are
 * @event: enum hemem_rings_event
 */
struct hemem_ring_desc {
	__u64 offset;
	__u64 size;
	__u64 sample_type;
	__u64 period;
	__u32 cpu;
	__u32 event;
	__u64 reserved[3];
};

/**
 * struct hemem_rings - the start of the file; 4096 bytes with its descriptors
 * @magic: HEMEM_RINGS_MAGIC once all else is in place
 * @version: HEMEM_RINGS_VERSION
 * @nr_rings: descriptors that are in use
 * @size: of the file
 * @enabled: 1: make samples.  The consumer's to write.
 * @pid: make samples of this process alone; 0: of all.  The consumer's to write.
 * @ring: descriptors
 */
struct hemem_rings {
	__u64 magic;
	__u32 version;
	__u32 nr_rings;
	__u64 size;
	__u32 enabled;
	__u32 pid;
	__u64 reserved[4];
	struct hemem_ring_desc ring[HEMEM_RINGS_MAX];
};

#endif /* HEMEM_RINGS_H */
