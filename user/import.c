// SPDX-License-Identifier: GPL-2.0
/*
 * import.c - recordings of others: a file of perf's as if hemem-ctl had recorded it
 *
 * Owns what of such a file is used, and how it is told.  The file is perfdata.c's; what comes out
 * is an ordinary recording, in memory, so that who reads recordings needs to know nothing of perf.
 *
 *   used		loads that memory answered, and stores, of the target
 *   cached		loads that a cache answered: moving their page gains nothing
 *   no address		none of user space: a page fault in the kernel, an event without
 *   others		of other processes
 *
 * A page that gets a sample is taken to be there from the beginning, on the node that answered
 * its first load, if perf tells it: near is fast, far is slow.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "heat.h"
#include "import.h"
#include "perfdata.h"
#include "reason.h"
#include "tier.h"
#include "trace.h"

#define TICK_NS		20000000ULL
#define MAX_IDLE_TICKS	500		/* without a sample, of a pause of any length */
#define FAST		0		/* index of the node */
#define SLOW		1
#define FIRST_ADDR	HEAT_BASE_BYTES

/** struct place - where a page is */
struct place {
	uint64_t addr;
	uint64_t order;		/* of its sample */
	unsigned int node;
};

/**
 * struct import - one file of perf's
 * @target: its process
 * @comm: its name when it got its last sample
 * @places: of all used samples; @nr of them
 * @nr_used, @nr_cached, @nr_no_addr, @nr_others: samples, by what became of them
 * @periods: sum of those of loads, of stores
 * @nr_ops: how many of each
 */
struct import {
	struct perfdata *perfdata;
	uint32_t target;
	char comm[16];
	struct place *places;
	size_t nr, room;
	uint64_t nr_used, nr_cached, nr_no_addr, nr_others;
	double periods[2];
	uint64_t nr_ops[2];
};

static _Thread_local struct reason reason, note;

const char *import_reason(void)
{
	return reason.text;
}

const char *import_note(void)
{
	return note.text[0] ? note.text : NULL;
}

/* ---- what is used ---- */

static int by_number(const void *left, const void *right)
{
	const uint32_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

static uint32_t most_frequent(uint32_t *numbers, size_t nr)
{
	size_t i, begin = 0, most = 0;
	uint32_t found = 0;

	qsort(numbers, nr, sizeof(*numbers), by_number);
	for (i = 1; i <= nr; i++) {
		if (i < nr && numbers[i] == numbers[begin])
			continue;
		if (i - begin > most) {
			most = i - begin;
			found = numbers[begin];
		}
		begin = i;
	}
	return found;
}

static bool has_address(const struct sample *sample)
{
	return sample->addr >= FIRST_ADDR && sample->addr < HEAT_MAX_ADDR;
}

static int find_target(struct import *import)
{
	uint64_t nr_samples = perfdata_counts(import->perfdata)->nr_samples;
	uint32_t *pids = malloc((nr_samples + 1) * sizeof(*pids));
	struct perfdata_sample it;
	size_t nr = 0;

	if (!pids)
		return reason_set(&reason, -ENOMEM, "out of memory");
	while (perfdata_next(import->perfdata, &it))
		if (has_address(&it.sample))
			pids[nr++] = it.sample.pid;
	import->target = most_frequent(pids, nr);
	free(pids);
	perfdata_rewind(import->perfdata);
	return nr ? 0 : reason_set(&reason, -ENODATA, "no sample has an address of user space");
}

static bool is_store(const struct perfdata_sample *it)
{
	return it->sample.op == SAMPLE_OP_STORE;
}

/* Is it used?  If not, why not is counted. */
static bool is_used(struct import *import, const struct perfdata_sample *it)
{
	if (it->sample.pid != import->target)
		import->nr_others++;
	else if (!has_address(&it->sample))
		import->nr_no_addr++;
	else if (!is_store(it) && it->sample.level == SAMPLE_LEVEL_CACHE)
		import->nr_cached++;
	else
		return true;
	return false;
}

static unsigned int node_of(const struct perfdata_sample *it)
{
	if (it->sample.level == SAMPLE_LEVEL_NEAR)
		return FAST;
	return it->sample.level == SAMPLE_LEVEL_FAR ? SLOW : HEAT_NO_NODE;
}

static int keep_place(struct import *import, const struct perfdata_sample *it)
{
	size_t room = import->room ? 2 * import->room : 1024;
	struct place *places;

	if (import->nr == import->room) {
		places = realloc(import->places, room * sizeof(*places));
		if (!places)
			return reason_set(&reason, -ENOMEM, "out of memory");
		import->places = places;
		import->room = room;
	}
	import->places[import->nr] = (struct place){
		.addr = it->sample.addr & ~(HEAT_BASE_BYTES - 1), .order = import->nr,
		.node = node_of(it),
	};
	import->nr++;
	return 0;
}

/* Those whose node is known come first. */
static int by_page(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	if ((a->node == HEAT_NO_NODE) != (b->node == HEAT_NO_NODE))
		return a->node == HEAT_NO_NODE ? 1 : -1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* Each page once. */
static void sort_places(struct import *import)
{
	size_t i, nr = 0;

	if (import->nr)
		qsort(import->places, import->nr, sizeof(*import->places), by_page);
	for (i = 0; i < import->nr; i++)
		if (!nr || import->places[i].addr != import->places[nr - 1].addr)
			import->places[nr++] = import->places[i];
	import->nr = nr;
}

static int survey(struct import *import)
{
	struct perfdata_sample it;
	int err = find_target(import);

	while (!err && perfdata_next(import->perfdata, &it)) {
		if (!is_used(import, &it))
			continue;
		err = keep_place(import, &it);
		import->nr_used++;
		import->periods[is_store(&it)] += (double)it.sample.period;
		import->nr_ops[is_store(&it)]++;
		strncpy(import->comm, it.comm, sizeof(import->comm) - 1);
	}
	perfdata_rewind(import->perfdata);
	sort_places(import);
	return err;
}

/* ---- the recording ---- */

static uint64_t mean_period(const struct import *import, unsigned int op)
{
	return import->nr_ops[op] ? (uint64_t)(import->periods[op] /
					       (double)import->nr_ops[op] + 0.5) : 0;
}

static void put_nodes(const struct import *import, struct trace_writer *writer)
{
	struct trace_event event = { .kind = TRACE_NODE, .tier = { .level = TIER_FAST } };

	trace_put(writer, &event);
	event.node = SLOW;
	event.tier = (struct tier_node){
		.nid = 1, .level = TIER_SLOW, .total_bytes = import->nr * HEAT_BASE_BYTES,
	};
	trace_put(writer, &event);
	event = (struct trace_event){
		.kind = TRACE_RATE, .rate = { mean_period(import, 0), mean_period(import, 1) },
	};
	trace_put(writer, &event);
}

/* Neighbours on one node are one event. */
static void put_pages(const struct import *import, struct trace_writer *writer)
{
	struct trace_event event = { .kind = TRACE_PASS };
	const struct place *place;
	size_t i, first = 0;

	trace_put(writer, &event);
	for (i = 1; i <= import->nr; i++) {
		place = &import->places[i];
		if (i < import->nr && place->node == place[-1].node &&
		    place->addr == place[-1].addr + HEAT_BASE_BYTES)
			continue;
		event = (struct trace_event){
			.kind = TRACE_PAGES, .addr = import->places[first].addr, .nr = i - first,
			.node = (uint8_t)import->places[first].node,
		};
		trace_put(writer, &event);
		first = i;
	}
	event = (struct trace_event){ .kind = TRACE_PASS, .value = 1 };
	trace_put(writer, &event);
}

/* Turns of a loop up to @now_ns; a long pause has some of them. */
static uint64_t put_ticks(struct trace_writer *writer, uint64_t tick_ns, uint64_t now_ns)
{
	struct trace_event event = { .kind = TRACE_TICK };

	if (now_ns - tick_ns > MAX_IDLE_TICKS * TICK_NS)
		tick_ns = now_ns - now_ns % TICK_NS - MAX_IDLE_TICKS * TICK_NS;
	for (; tick_ns <= now_ns; tick_ns += TICK_NS) {
		event.now_ns = tick_ns;
		trace_put(writer, &event);
	}
	return tick_ns;
}

static void put_samples(struct import *import, struct trace_writer *writer)
{
	uint64_t began_ns = 0, tick_ns = 0, now_ns;
	struct trace_event event;
	struct perfdata_sample it;
	bool has_begun = false;

	while (perfdata_next(import->perfdata, &it)) {
		if (!is_used(import, &it))
			continue;
		if (!has_begun)
			began_ns = it.sample.time_ns;
		has_begun = true;
		now_ns = it.sample.time_ns - began_ns;
		if (now_ns >= tick_ns)
			tick_ns = put_ticks(writer, tick_ns, now_ns);
		event = (struct trace_event){
			.kind = TRACE_SAMPLE, .write = is_store(&it),
			.addr = it.sample.addr & ~(HEAT_BASE_BYTES - 1),
		};
		trace_put(writer, &event);
	}
	put_ticks(writer, tick_ns, tick_ns);
}

static int write_trace(struct import *import, const char *path)
{
	struct trace_origin origin = { .pid = import->target };
	struct trace_writer *writer;
	int err;

	memcpy(origin.comm, import->comm, sizeof(origin.comm));
	err = trace_create(path, &origin, &writer);
	if (err)
		return err;
	put_nodes(import, writer);
	put_pages(import, writer);
	put_samples(import, writer);
	return trace_finish(writer);
}

/* In memory: a file that has no name. */
static int convert(struct import *import, struct trace_reader **ret_reader)
{
	int fd = memfd_create("hemem-import", MFD_CLOEXEC), err;
	char path[64];

	if (fd < 0)
		return reason_set(&reason, -errno, "no memory for it: %s", strerror(errno));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = write_trace(import, path);
	if (err)
		reason_set(&reason, err, "no memory for it: %s", strerror(-err));
	else
		err = trace_open(path, ret_reader);
	close(fd);
	return err;
}

static void describe(const struct import *import)
{
	const struct perfdata_counts *counts = perfdata_counts(import->perfdata);

	reason_set(&note, 0,
		   "of perf: %" PRIu64 " samples: %" PRIu64 " of process %" PRIu32 " (%s) are used, %" PRIu64
		   " were answered by caches, %" PRIu64 " have no address of user space, %" PRIu64
		   " are of others; %" PRIu64 " were lost, %" PRIu64 " are broken",
		   counts->nr_samples, import->nr_used, import->target, import->comm,
		   import->nr_cached, import->nr_no_addr, import->nr_others, counts->nr_lost,
		   counts->nr_broken);
}

static int open_perfdata(const char *path, struct trace_reader **ret_reader)
{
	struct import import = { 0 };
	int err = perfdata_open(path, &import.perfdata);

	if (err)
		return reason_set(&reason, err, "%s", perfdata_reason());
	err = survey(&import);
	if (!err) {
		describe(&import);
		err = convert(&import, ret_reader);
	}
	free(import.places);
	perfdata_close(import.perfdata);
	return err;
}

int import_open(const char *path, struct trace_reader **ret_reader)
{
	int err;

	note.text[0] = '\0';
	if (perfdata_is(path))
		return open_perfdata(path, ret_reader);
	err = trace_open(path, ret_reader);
	return err ? reason_set(&reason, err, "%s", trace_reason()) : 0;
}

/* ---- as text ---- */

static void print_sample(FILE *out, const struct perfdata_sample *it, int width)
{
	const struct sample *sample = &it->sample;

	fprintf(out, "%16s %5" PRIu32 "/%-5" PRIu32 " %5" PRIu64 ".%06" PRIu64 ": %10" PRIu64
		" %*s: %16" PRIx64 "\n", it->comm, sample->pid, sample->tid,
		sample->time_ns / 1000000000, sample->time_ns % 1000000000 / 1000,
		sample->period, width, it->event, sample->addr);
}

static int script_perfdata(const char *path, FILE *out)
{
	struct perfdata *perfdata;
	struct perfdata_sample it;
	int err = perfdata_open(path, &perfdata);

	if (err)
		return reason_set(&reason, err, "%s", perfdata_reason());
	while (perfdata_next(perfdata, &it))
		print_sample(out, &it, perfdata_name_width(perfdata));
	perfdata_close(perfdata);
	return 0;
}

static void script_event(FILE *out, const struct trace_event *event, struct perfdata_sample *it,
			 uint64_t rate[2])
{
	switch (event->kind) {
	case TRACE_TICK:
		it->sample.time_ns = event->now_ns;
		break;
	case TRACE_RATE:
		memcpy(rate, event->rate, sizeof(event->rate));
		break;
	case TRACE_SAMPLE:
		it->sample.addr = event->addr;
		it->sample.period = rate[event->write];
		it->event = event->write ? "stores" : "loads";
		print_sample(out, it, (int)strlen("stores"));
		break;
	}
}

static int script_trace(const char *path, FILE *out)
{
	struct perfdata_sample it = { .event = "" };
	struct trace_reader *reader;
	struct trace_event event;
	uint64_t rate[2] = { 0 };
	int more = trace_open(path, &reader);

	if (!more) {
		it.sample.pid = it.sample.tid = trace_origin(reader)->pid;
		it.comm = trace_origin(reader)->comm;
		while ((more = trace_next(reader, &event)) > 0)
			script_event(out, &event, &it, rate);
		trace_close(reader);
	}
	return more ? reason_set(&reason, more, "%s", trace_reason()) : 0;
}

int import_script(const char *path, FILE *out)
{
	return perfdata_is(path) ? script_perfdata(path, out) : script_trace(path, out);
}
