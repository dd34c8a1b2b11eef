/* SPDX-License-Identifier: GPL-2.0 */
/*
 * event.h - which events of this CPU tell the addresses of loads and stores
 */
#ifndef HEMEM_EVENT_H
#define HEMEM_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reason.h"

#define EVENT_MAX	8	/* of one machine */

/** enum event_kind - what an event counts */
enum event_kind {
	EVENT_FAST_LOAD,	/* loads that DRAM of the same socket answered */
	EVENT_SLOW_LOAD,	/* loads that other memory did: persistent, CXL, remote */
	EVENT_LOAD,		/* loads that any memory answered */
	EVENT_STORE,		/* stores, wherever they went */
	EVENT_ANY,		/* instructions; each sample says what it is */
	EVENT_NR_KINDS,
};

/**
 * struct event - one event, ready for perf_event_open(2)
 * @name: as libpfm4 calls it
 * @pmu: folder in /sys/bus/event_source/devices
 * @counts: in words
 * @kind: what its samples are
 * @type, @config, @config1: as in struct perf_event_attr
 * @by_library: libpfm4 has encoded it; else the code comes from the table
 * @min_precise: lowest precise_ip that gives addresses
 * @wants_raw: PERF_SAMPLE_RAW tells what PERF_SAMPLE_DATA_SRC does not on older kernels
 */
struct event {
	const char *name;
	const char *pmu;
	const char *counts;
	enum event_kind kind;
	uint32_t type;
	uint64_t config;
	uint64_t config1;
	bool by_library;
	unsigned int min_precise;
	bool wants_raw;
};

/**
 * struct event_row - one row of the table
 * @cpu: name of the microarchitecture
 * @pmu, @name, @kind, @counts: as in struct event
 * @code: event and umask, 0xUUEE
 */
struct event_row {
	const char *cpu;
	const char *pmu;
	const char *name;
	enum event_kind kind;
	uint64_t code;
	const char *counts;
};

/** event_rows() - the table, for whoever walks it */
const struct event_row *event_rows(size_t *ret_nr);

/** event_encode() - what libpfm4 makes of a name.  Return: 0, -ENOENT: it does not know it. */
int event_encode(const char *name, uint64_t *ret_config, uint64_t *ret_config1);

/**
 * event_pebs() - the events of this Intel CPU
 * @sysroot: "" for this machine, or a folder that holds its proc/ and sys/
 * @ret_events: the first @ret_nr of them are set; untouched on failure
 * @why: set on failure
 *
 * Return: 0; -ENODEV: another CPU, or no PMU; -ENOENT: a CPU that is not in the table.
 */
int event_pebs(const char *sysroot, struct event ret_events[static EVENT_MAX], size_t *ret_nr,
	       struct reason *why);

/** event_ibs() - AMD's sampling of instructions; as event_pebs() */
int event_ibs(const char *sysroot, struct event ret_events[static EVENT_MAX], size_t *ret_nr,
	      struct reason *why);

/** event_kind_name() - "fast loads", ... */
const char *event_kind_name(enum event_kind kind);

#endif /* HEMEM_EVENT_H */
