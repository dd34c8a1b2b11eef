// SPDX-License-Identifier: GPL-2.0
/*
 * perfdata.c - samples out of a file that `perf record` wrote
 *
 * Owns the layout of the file (tools/perf/Documentation/perf.data-file-format.txt in the kernel's
 * source): a header, the attributes of events, records as perf's rings have them, and sections
 * with more, of which only the names of events are read.
 *
 *   header { "PERFILE2", size, size of an attribute, attributes, data, types, sections }
 *   attribute { struct perf_event_attr, ids }		both of the sizes that the file says
 *   data { record ... }				not in order of time
 *   section 12 { nr, size, { attribute, nr ids, length, name, id ... } ... }
 *
 * Nothing in it is believed: each offset and length is checked against what there is.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "perfdata.h"
#include "reason.h"

#define MAGIC			"PERFILE2"
#define SWAPPED			"2ELIFREP"
#define OLD			"PERFFILE"
#define PIPE_BYTES		16		/* size in the header of what went to a pipe */
#define SECTION_NAMES		12		/* HEADER_EVENT_DESC */
#define NR_SECTIONS		256
#define MAX_ATTRS		1024
#define NAME_BYTES		64
#define COMM_BYTES		16
#define MIN_ATTR_BYTES		64		/* PERF_ATTR_SIZE_VER0 */

/* Records that perf itself writes. */
#define RECORD_AUXTRACE		71		/* more bytes follow than it says */
#define RECORD_COMPRESSED	81
#define RECORD_COMPRESSED2	83
#define RECORD_LOST_SAMPLES	13

/** struct section - a part of the file */
struct section {
	uint64_t offset, bytes;
};

/** struct header - the beginning of the file */
struct header {
	char magic[8];
	uint64_t bytes, attr_bytes;
	struct section attrs, data, types;
	uint64_t sections[NR_SECTIONS / 64];
};

/**
 * struct event_attr - one event
 * @format: of its samples
 * @period: of all of them; 0: each sample tells its own
 * @has_ids: other records end with an id as well
 * @ids: section of its ids
 */
struct event_attr {
	struct sample_format format;
	uint64_t period;
	bool has_ids;
	struct section ids;
	char name[NAME_BYTES];
};

/** enum item_kind - what a record is that is kept */
enum item_kind {
	ITEM_COMM,
	ITEM_FORK,
	ITEM_SAMPLE,
};

/**
 * struct item - a record that is kept
 * @time_ns, @order: by which they are sorted: its time, and its place in the file
 * @body: offset of what follows the header; @bytes of it
 * @attr: (sample) which event
 */
struct item {
	uint64_t time_ns;
	uint64_t order;
	uint64_t body;
	uint32_t bytes;
	uint16_t attr;
	uint16_t kind;
};

/** struct comm - name of a thread */
struct comm {
	uint32_t tid;
	char name[COMM_BYTES + 8];
};

/**
 * struct perfdata - a file
 * @file: all of it, @bytes
 * @attrs: @nr_attrs
 * @items: @nr of them, sorted; room for @room
 * @next: of the items
 * @comms: a tree (tsearch) of names of threads, as they are at @next
 */
struct perfdata {
	const unsigned char *file;
	uint64_t bytes;
	struct header header;
	struct event_attr *attrs;
	size_t nr_attrs;
	struct item *items;
	size_t nr, room, next;
	void *comms;
	char unknown[COMM_BYTES + 8];
	struct perfdata_counts counts;
};

static _Thread_local struct reason reason;

const char *perfdata_reason(void)
{
	return reason.text;
}

/* ---- reading ---- */

static uint64_t word_at(const unsigned char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static uint32_t half_at(const unsigned char *at)
{
	uint32_t half;

	memcpy(&half, at, sizeof(half));
	return half;
}

static bool is_inside(const struct perfdata *perfdata, const struct section *section)
{
	return section->offset <= perfdata->bytes &&
	       section->bytes <= perfdata->bytes - section->offset;
}

static int damaged(const char *what)
{
	return reason_set(&reason, -EBADMSG, "this file of perf is damaged: %s", what);
}

bool perfdata_is(const char *path)
{
	char magic[8] = "";
	FILE *file = fopen(path, "re");

	if (!file)
		return false;
	if (fread(magic, 1, sizeof(magic), file) != sizeof(magic))
		magic[0] = '\0';
	fclose(file);
	return !memcmp(magic, MAGIC, sizeof(magic)) || !memcmp(magic, SWAPPED, sizeof(magic)) ||
	       !memcmp(magic, OLD, sizeof(magic));
}

static int map_file(struct perfdata *perfdata, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	struct stat stat;
	void *file;

	if (fd < 0 || fstat(fd, &stat))
		err = reason_set(&reason, -errno, "%s", strerror(errno));
	else if (!S_ISREG(stat.st_mode) || stat.st_size < PIPE_BYTES)
		err = reason_set(&reason, -EINVAL, "this is no file of perf");
	if (!err) {
		file = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (file == MAP_FAILED)
			err = reason_set(&reason, -errno, "%s", strerror(errno));
		else
			perfdata->file = file;
		perfdata->bytes = (uint64_t)stat.st_size;
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int read_header(struct perfdata *perfdata)
{
	struct header *header = &perfdata->header;

	memcpy(header, perfdata->file,
	       perfdata->bytes < sizeof(*header) ? perfdata->bytes : sizeof(*header));
	if (!memcmp(header->magic, SWAPPED, sizeof(header->magic)))
		return reason_set(&reason, -EINVAL,
				  "perf wrote this on a machine of the other byte order: read it there");
	if (!memcmp(header->magic, OLD, sizeof(header->magic)))
		return reason_set(&reason, -EINVAL, "a perf of before 2013 wrote this: record anew");
	if (memcmp(header->magic, MAGIC, sizeof(header->magic)))
		return reason_set(&reason, -EINVAL, "this is no file of perf");
	if (header->bytes == PIPE_BYTES)
		return reason_set(&reason, -EINVAL,
				  "perf wrote this into a pipe: record with perf record -o FILE");
	if (perfdata->bytes < sizeof(*header) || header->bytes != sizeof(*header))
		return damaged("the header is cut short");
	if (!header->data.bytes)
		return reason_set(&reason, -EINVAL,
				  "perf was ended before it had written this file to its end");
	if (!is_inside(perfdata, &header->data) || !is_inside(perfdata, &header->attrs))
		return damaged("it is shorter than its header says");
	return 0;
}

/* ---- events ---- */

/* What older versions of the struct lack is 0. */
static void read_attr(const unsigned char *at, uint64_t bytes, struct event_attr *ret)
{
	struct perf_event_attr attr = { 0 };

	memcpy(&attr, at, bytes < sizeof(attr) ? bytes : sizeof(attr));
	*ret = (struct event_attr){
		.format = {
			.type = attr.sample_type, .read_format = attr.read_format,
			.branch_type = attr.branch_sample_type, .regs_user = attr.sample_regs_user,
			.regs_intr = attr.sample_regs_intr,
		},
		.period = attr.freq || attr.sample_type & PERF_SAMPLE_PERIOD ? 0 :
			  attr.sample_period,
		.has_ids = attr.sample_id_all,
	};
	snprintf(ret->name, sizeof(ret->name), "%u/0x%" PRIx64, attr.type, (uint64_t)attr.config);
}

static int read_attrs(struct perfdata *perfdata)
{
	const struct header *header = &perfdata->header;
	uint64_t each = header->attr_bytes, at, nr;
	struct event_attr *attr;

	if (each < MIN_ATTR_BYTES + sizeof(struct section) || each > 4096)
		return damaged("attributes of events have no such size");
	nr = header->attrs.bytes / each;
	if (!nr || nr > MAX_ATTRS)
		return damaged("it has no events, or too many");
	perfdata->attrs = calloc(nr, sizeof(*perfdata->attrs));
	if (!perfdata->attrs)
		return reason_set(&reason, -ENOMEM, "out of memory");
	for (at = header->attrs.offset; perfdata->nr_attrs < nr; at += each) {
		attr = &perfdata->attrs[perfdata->nr_attrs++];
		read_attr(perfdata->file + at, each - sizeof(struct section), attr);
		memcpy(&attr->ids, perfdata->file + at + each - sizeof(struct section),
		       sizeof(attr->ids));
		if (!is_inside(perfdata, &attr->ids))
			return damaged("the ids of an event lie outside of it");
	}
	return 0;
}

/* The sections stand behind the data, in order of their numbers, as { offset, size }. */
static bool find_section(const struct perfdata *perfdata, unsigned int number,
			 struct section *ret)
{
	const struct header *header = &perfdata->header;
	struct section table = { .offset = header->data.offset + header->data.bytes };
	unsigned int i, before = 0;

	if (!(header->sections[number / 64] >> number % 64 & 1))
		return false;
	for (i = 0; i < number; i++)
		before += header->sections[i / 64] >> i % 64 & 1;
	table.bytes = (before + 1) * sizeof(*ret);
	if (!is_inside(perfdata, &table))
		return false;
	memcpy(ret, perfdata->file + table.offset + before * sizeof(*ret), sizeof(*ret));
	return is_inside(perfdata, ret);
}

/* Names are good to have: what cannot be read is left as it is. */
static void read_names(struct perfdata *perfdata)
{
	uint64_t nr, each, nr_ids, length, i;
	const unsigned char *at, *end;
	struct section section;

	if (!find_section(perfdata, SECTION_NAMES, &section) || section.bytes < 8)
		return;
	at = perfdata->file + section.offset;
	end = at + section.bytes;
	nr = half_at(at);
	each = half_at(at + 4);
	at += 8;
	for (i = 0; i < nr && i < perfdata->nr_attrs; i++) {
		if ((uint64_t)(end - at) < each + 8)
			return;
		nr_ids = half_at(at + each);
		length = half_at(at + each + 4);
		at += each + 8;
		if ((uint64_t)(end - at) < length + nr_ids * sizeof(uint64_t) || !length)
			return;
		snprintf(perfdata->attrs[i].name, NAME_BYTES, "%.*s",
			 (int)(length < NAME_BYTES ? length : NAME_BYTES - 1), (const char *)at);
		at += length + nr_ids * sizeof(uint64_t);
	}
}

/* Which event has this id?  The first one, if none says so. */
static size_t attr_of_id(const struct perfdata *perfdata, uint64_t id)
{
	const struct section *ids;
	uint64_t at;
	size_t i;

	for (i = 0; i < perfdata->nr_attrs; i++) {
		ids = &perfdata->attrs[i].ids;
		for (at = 0; ids->bytes - at >= sizeof(id); at += sizeof(id))
			if (word_at(perfdata->file + ids->offset + at) == id)
				return i;
	}
	return 0;
}

/* perf sees to it that an id is found without knowing the event. */
static size_t attr_of(const struct perfdata *perfdata, const unsigned char *body, uint64_t bytes)
{
	struct sample sample;

	if (perfdata->nr_attrs == 1)
		return 0;
	sample_parse(&perfdata->attrs[0].format, body, bytes, &sample);
	return sample.has & (PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_ID) ?
	       attr_of_id(perfdata, sample.id) : 0;
}

/* ---- records ---- */

static int keep(struct perfdata *perfdata, const struct item *item)
{
	size_t room = perfdata->room ? 2 * perfdata->room : 1024;
	struct item *items;

	if (perfdata->nr == perfdata->room) {
		items = realloc(perfdata->items, room * sizeof(*items));
		if (!items)
			return reason_set(&reason, -ENOMEM, "out of memory");
		perfdata->items = items;
		perfdata->room = room;
	}
	perfdata->items[perfdata->nr++] = *item;
	return 0;
}

/* The ids that records end with begin { pid, tid } { time }; 0: it has none. */
static uint64_t time_of_others(const struct perfdata *perfdata, const unsigned char *body,
			       uint64_t bytes)
{
	const struct event_attr *attr = &perfdata->attrs[0];
	uint64_t all = sample_id_bytes(attr->format.type);
	uint64_t before = attr->format.type & PERF_SAMPLE_TID ? sizeof(uint64_t) : 0;

	if (!attr->has_ids || !(attr->format.type & PERF_SAMPLE_TIME) || all > bytes)
		return 0;
	return word_at(body + bytes - all + before);
}

static int take_sample(struct perfdata *perfdata, struct item *item, const unsigned char *body)
{
	struct sample sample;

	item->kind = ITEM_SAMPLE;
	item->attr = (uint16_t)attr_of(perfdata, body, item->bytes);
	sample_parse(&perfdata->attrs[item->attr].format, body, item->bytes, &sample);
	if (!(sample.has & PERF_SAMPLE_ADDR)) {
		perfdata->counts.nr_broken++;
		return 0;
	}
	perfdata->counts.nr_samples++;
	item->time_ns = sample.time_ns;
	return keep(perfdata, item);
}

static int take_other(struct perfdata *perfdata, uint32_t type, struct item *item,
		      const unsigned char *body)
{
	perfdata->counts.nr_others++;
	switch (type) {
	case PERF_RECORD_LOST:		/* { id, lost } */
		perfdata->counts.nr_lost += item->bytes >= 16 ? word_at(body + 8) : 0;
		return 0;
	case RECORD_LOST_SAMPLES:	/* { lost } */
		perfdata->counts.nr_lost += item->bytes >= 8 ? word_at(body) : 0;
		return 0;
	case PERF_RECORD_COMM:
	case PERF_RECORD_FORK:
		if (item->bytes < 16)
			return 0;
		item->kind = type == PERF_RECORD_COMM ? ITEM_COMM : ITEM_FORK;
		item->time_ns = time_of_others(perfdata, body, item->bytes);
		return keep(perfdata, item);
	case RECORD_COMPRESSED:
	case RECORD_COMPRESSED2:
		return reason_set(&reason, -EINVAL,
				  "the records are compressed: record without -z");
	}
	return 0;
}

static int read_records(struct perfdata *perfdata)
{
	uint64_t at = perfdata->header.data.offset, end = at + perfdata->header.data.bytes;
	struct perf_event_header head;
	const unsigned char *body;
	struct item item;
	int err = 0;

	while (!err && at < end) {
		if (end - at < sizeof(head))
			return damaged("the last record is cut short");
		memcpy(&head, perfdata->file + at, sizeof(head));
		if (head.size < sizeof(head) || head.size > end - at)
			return damaged("a record has no such size");
		body = perfdata->file + at + sizeof(head);
		item = (struct item){
			.order = perfdata->counts.nr_records++, .body = at + sizeof(head),
			.bytes = head.size - (uint32_t)sizeof(head),
		};
		err = head.type == PERF_RECORD_SAMPLE ?
		      take_sample(perfdata, &item, body) :
		      take_other(perfdata, head.type, &item, body);
		at += head.size;
		if (head.type == RECORD_AUXTRACE && item.bytes >= sizeof(uint64_t)) {
			if (word_at(body) > end - at)
				return damaged("what an instruction trace has is cut short");
			at += word_at(body);
		}
	}
	return err;
}

static int by_time(const void *left, const void *right)
{
	const struct item *a = left, *b = right;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static int check_addresses(const struct perfdata *perfdata)
{
	size_t i;

	for (i = 0; i < perfdata->nr_attrs; i++)
		if (perfdata->attrs[i].format.type & PERF_SAMPLE_ADDR)
			return 0;
	return reason_set(&reason, -EOPNOTSUPP,
			  "its samples have no addresses: record with perf mem record, or perf record -d");
}

int perfdata_open(const char *path, struct perfdata **ret_perfdata)
{
	struct perfdata *perfdata = calloc(1, sizeof(*perfdata));
	int err;

	if (!perfdata)
		return reason_set(&reason, -ENOMEM, "out of memory");
	err = map_file(perfdata, path);
	if (!err)
		err = read_header(perfdata);
	if (!err)
		err = read_attrs(perfdata);
	if (!err)
		err = check_addresses(perfdata);
	if (!err) {
		read_names(perfdata);
		err = read_records(perfdata);
	}
	if (err) {
		perfdata_close(perfdata);
		return err;
	}
	if (perfdata->nr)
		qsort(perfdata->items, perfdata->nr, sizeof(*perfdata->items), by_time);
	*ret_perfdata = perfdata;
	return 0;
}

const struct perfdata_counts *perfdata_counts(const struct perfdata *perfdata)
{
	return &perfdata->counts;
}

int perfdata_name_width(const struct perfdata *perfdata)
{
	size_t i, length, longest = 0;

	for (i = 0; i < perfdata->nr_attrs; i++) {
		length = strlen(perfdata->attrs[i].name);
		longest = length > longest ? length : longest;
	}
	return (int)longest;
}

/* ---- names of threads ---- */

static int by_tid(const void *left, const void *right)
{
	const struct comm *a = left, *b = right;

	return a->tid < b->tid ? -1 : a->tid > b->tid;
}

static const struct comm *find_comm(const struct perfdata *perfdata, uint32_t tid)
{
	const struct comm key = { .tid = tid };
	struct comm **found = tfind(&key, &perfdata->comms, by_tid);

	return found ? *found : NULL;
}

/* For messages only: without memory a thread has the name that it had. */
static void set_comm(struct perfdata *perfdata, uint32_t tid, const char *name, size_t length)
{
	struct comm *comm = calloc(1, sizeof(*comm)), **found;

	if (!comm)
		return;
	comm->tid = tid;
	found = tsearch(comm, &perfdata->comms, by_tid);
	if (!found || *found != comm)
		free(comm);
	if (found)
		snprintf((*found)->name, sizeof((*found)->name), "%.*s",
			 (int)(length < COMM_BYTES ? length : COMM_BYTES), name);
}

/* { pid, tid, name ... }; { pid, parent, tid, parent's tid, time } */
static void take_name(struct perfdata *perfdata, const struct item *item)
{
	const unsigned char *body = perfdata->file + item->body;
	const struct comm *parent;
	char name[COMM_BYTES];

	if (item->kind == ITEM_COMM)
		return set_comm(perfdata, half_at(body + 4), (const char *)body + 8,
				item->bytes - 8);
	parent = find_comm(perfdata, half_at(body + 12));
	if (!parent)
		return;
	memcpy(name, parent->name, sizeof(name));
	set_comm(perfdata, half_at(body + 8), name, sizeof(name));
}

static const char *name_of(struct perfdata *perfdata, uint32_t tid)
{
	const struct comm *comm = find_comm(perfdata, tid);

	if (comm)
		return comm->name;
	snprintf(perfdata->unknown, sizeof(perfdata->unknown), ":%" PRIu32, tid);
	return perfdata->unknown;
}

bool perfdata_next(struct perfdata *perfdata, struct perfdata_sample *ret_sample)
{
	const struct event_attr *attr;
	const struct item *item;

	while (perfdata->next < perfdata->nr) {
		item = &perfdata->items[perfdata->next++];
		if (item->kind != ITEM_SAMPLE) {
			take_name(perfdata, item);
			continue;
		}
		attr = &perfdata->attrs[item->attr];
		sample_parse(&attr->format, perfdata->file + item->body, item->bytes,
			     &ret_sample->sample);
		if (attr->period)
			ret_sample->sample.period = attr->period;
		ret_sample->event = attr->name;
		ret_sample->comm = name_of(perfdata, ret_sample->sample.tid);
		return true;
	}
	return false;
}

void perfdata_rewind(struct perfdata *perfdata)
{
	tdestroy(perfdata->comms, free);
	perfdata->comms = NULL;
	perfdata->next = 0;
}

void perfdata_close(struct perfdata *perfdata)
{
	if (!perfdata)
		return;
	perfdata_rewind(perfdata);
	free(perfdata->items);
	free(perfdata->attrs);
	if (perfdata->file)
		munmap((void *)perfdata->file, perfdata->bytes);
	free(perfdata);
}
