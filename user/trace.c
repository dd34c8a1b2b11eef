// SPDX-License-Identifier: GPL-2.0
/*
 * trace.c - a recording: what hemem-ctl saw and decided, in a file
 *
 * Owns the format.  All numbers are little-endian.
 *
 *   header   struct file_head, 64 bytes
 *   block    struct block_head, 16 bytes; its events
 *   event    one byte: kind in bits 0..3, write in bit 4, huge in bit 5; then the fields
 *            that the table below has for its kind, each in 7 bits a byte, the
 *            lowest first, bit 7 set in all but the last
 *
 * An address is written as its distance in base pages from the one before in this block,
 * sign in the lowest bit; a time as what has passed since the tick before.  A sample of 256
 * MiB takes 3 to 4 bytes:
 *
 *   store to page 0x1005 after page 0x1000     12 0a
 *   load from 64 MiB below that                02 ff ff 01
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "heat.h"
#include "plan.h"
#include "reason.h"
#include "region.h"
#include "trace.h"

#define MAGIC		"hemem\r\n\032"	/* a transfer as text would damage it */
#define BLOCK_MAGIC	0x6b6c4268U	/* "hBlk" */
#define MAX_EVENT	128		/* bytes of the longest event; more than 1 + 9 * 10 */
#define WRITE_BIT	0x10
#define HUGE_BIT	0x20
#define KIND_MASK	0x0f
#define MAX_PAGE	(HEAT_MAX_ADDR / HEAT_BASE_BYTES)

struct file_head {
	char magic[8];
	uint32_t version;
	uint32_t head_bytes;
	uint32_t pid;
	char comm[16];
	char policy[16];
	uint8_t reserved[8];
	uint32_t crc;		/* of all before it */
};

struct block_head {
	uint32_t magic;
	uint32_t bytes;		/* of its events, 1 .. TRACE_BLOCK_BYTES */
	uint32_t crc;		/* of these */
	uint32_t reserved;
};

_Static_assert(sizeof(struct file_head) == 64 && sizeof(struct block_head) == 16, "format");

/* ---- the format ---- */

enum how {
	AS_IS,
	PAGE_DELTA,
	TIME_DELTA,
};

/** struct field - one member of an event: where it is, and the largest it may be */
struct field {
	enum how how;
	uint8_t bytes;
	uint16_t offset;
	uint64_t max;
};

#define FIELD(member, max)	{ AS_IS, sizeof(((struct trace_event *)0)->member), \
				  offsetof(struct trace_event, member), max }
#define ADDR	{ PAGE_DELTA, 8, offsetof(struct trace_event, addr), 0 }
#define TIME	{ TIME_DELTA, 8, offsetof(struct trace_event, now_ns), 0 }
#define MAX_FIELDS	9
#define ANY		UINT64_MAX

static const struct {
	uint8_t nr;
	uint8_t flags;
	struct field fields[MAX_FIELDS];
} formats[TRACE_NR_KINDS] = {
	[TRACE_TICK] = { 1, 0, { TIME } },
	[TRACE_SAMPLE] = { 1, WRITE_BIT, { ADDR } },
	[TRACE_PAGES] = { 5, HUGE_BIT, { ADDR, FIELD(nr, MAX_PAGE), FIELD(node, HEAT_NO_NODE),
					 FIELD(reads, 255), FIELD(writes, 255) } },
	[TRACE_GONE] = { 2, 0, { ADDR, FIELD(nr, MAX_PAGE) } },
	[TRACE_PASS] = { 1, 0, { FIELD(value, 1) } },
	[TRACE_REGION] = { 3, 0, { ADDR, FIELD(nr, ANY), FIELD(value, REGION_NR_KINDS - 1) } },
	[TRACE_NODE] = { 9, 0, { FIELD(node, TIER_MAX_NODES - 1), FIELD(tier.nid, INT32_MAX),
				 FIELD(tier.level, TIER_NR - 1), FIELD(tier.total_bytes, ANY),
				 FIELD(tier.free_bytes, ANY), FIELD(tier.cache_bytes, ANY),
				 FIELD(tier.idle_cache_bytes, ANY),
				 FIELD(tier.watermark_bytes, ANY), FIELD(tier.min_bytes, ANY) } },
	[TRACE_RATE] = { 2, 0, { FIELD(rate[0], ANY), FIELD(rate[1], ANY) } },
	[TRACE_LATENCY] = { 2, 0, { FIELD(rate[0], ANY), FIELD(rate[1], ANY) } },
	[TRACE_PLAN] = { 2, 0, { FIELD(nr, 255), FIELD(value, 255) } },
	[TRACE_MOVE] = { 5, WRITE_BIT | HUGE_BIT, { ADDR, FIELD(node, TIER_MAX_NODES - 1),
					FIELD(to, TIER_MAX_NODES - 1),
					FIELD(reason, PLAN_NR_REASONS - 1), FIELD(status, 255) } },
	[TRACE_END] = { 2, 0, { FIELD(nr, ANY), FIELD(value, ANY) } },
};

/** struct place - what deltas in a block count from */
struct place {
	uint64_t page;
	uint64_t now_ns;
};

static uint64_t member_get(const struct trace_event *event, const struct field *field)
{
	const char *at = (const char *)event + field->offset;
	uint32_t number;

	if (field->bytes == 8)
		return *(const uint64_t *)at;
	if (field->bytes == 1)
		return *(const uint8_t *)at;
	memcpy(&number, at, sizeof(number));
	return number;
}

static void member_set(struct trace_event *event, const struct field *field, uint64_t value)
{
	char *at = (char *)event + field->offset;
	uint32_t number = (uint32_t)value;

	if (field->bytes == 8)
		*(uint64_t *)at = value;
	else if (field->bytes == 1)
		*(uint8_t *)at = (uint8_t)value;
	else
		memcpy(at, &number, sizeof(number));
}

static unsigned char *put_number(unsigned char *at, uint64_t number)
{
	for (; number > 127; number >>= 7)
		*at++ = (unsigned char)number | 0x80;
	*at++ = (unsigned char)number;
	return at;
}

static unsigned char *pack(unsigned char *at, const struct trace_event *event, struct place *place)
{
	const struct field *field = formats[event->kind].fields;
	unsigned int i;
	uint64_t value;

	*at++ = event->kind | (event->write ? WRITE_BIT : 0) | (event->huge ? HUGE_BIT : 0);
	for (i = 0; i < formats[event->kind].nr; i++, field++) {
		value = member_get(event, field);
		if (field->how == PAGE_DELTA) {
			value = value / HEAT_BASE_BYTES - place->page;
			place->page += value;
			value = value << 1 ^ -(value >> 63);
		} else if (field->how == TIME_DELTA) {
			value -= place->now_ns;
			place->now_ns += value;
		}
		at = put_number(at, value);
	}
	return at;
}

/* Return: behind the number; NULL: it does not end, or not within 64 bits. */
static const unsigned char *get_number(const unsigned char *at, const unsigned char *end,
				       uint64_t *ret_number)
{
	uint64_t number = 0;
	unsigned int shift;

	for (shift = 0; at < end && shift < 64; shift += 7) {
		number |= (uint64_t)(*at & 127) << shift;
		if (!(*at++ & 128)) {
			*ret_number = number;
			return shift < 63 || at[-1] < 2 ? at : NULL;
		}
	}
	return NULL;
}

/* Do the pages of an event have addresses? */
static bool is_in_range(const struct trace_event *event)
{
	uint64_t pages = event->kind == TRACE_MOVE ? 1 : event->nr;

	if (event->huge)
		pages *= HEAT_HUGE_BYTES / HEAT_BASE_BYTES;
	if (event->kind == TRACE_PAGES || event->kind == TRACE_GONE || event->kind == TRACE_MOVE)
		return pages <= MAX_PAGE && event->addr / HEAT_BASE_BYTES <= MAX_PAGE - pages;
	return true;
}

/* Return: behind the event; NULL: it is none. */
static const unsigned char *unpack(const unsigned char *at, const unsigned char *end,
				   struct trace_event *event, struct place *place)
{
	unsigned int kind = *at & KIND_MASK, flags = *at & ~KIND_MASK, i;
	const struct field *field;
	uint64_t value;

	if (!kind || kind >= TRACE_NR_KINDS || flags & ~formats[kind].flags)
		return NULL;
	*event = (struct trace_event){
		.kind = (uint8_t)kind, .write = flags & WRITE_BIT, .huge = flags & HUGE_BIT,
	};
	at++;
	for (i = 0, field = formats[kind].fields; i < formats[kind].nr; i++, field++) {
		at = get_number(at, end, &value);
		if (!at)
			return NULL;
		if (field->how == PAGE_DELTA) {
			place->page += value >> 1 ^ -(value & 1);
			value = place->page * HEAT_BASE_BYTES;
		} else if (field->how == TIME_DELTA) {
			place->now_ns += value;
			value = place->now_ns;
		} else if (value > field->max) {
			return NULL;
		}
		member_set(event, field, value);
	}
	return is_in_range(event) ? at : NULL;
}

/* ---- writing ---- */

/** struct trace_writer - the block that is being filled is @block, its head first */
struct trace_writer {
	int fd;
	int err;
	struct place place;
	uint64_t nr_events;
	uint64_t nr_samples;
	size_t used;
	unsigned char block[sizeof(struct block_head) + TRACE_BLOCK_BYTES + MAX_EVENT];
};

static void write_all(struct trace_writer *writer, const void *data, size_t bytes)
{
	const char *at = data;
	ssize_t written;

	while (!writer->err && bytes) {
		written = write(writer->fd, at, bytes);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			writer->err = written ? -errno : -EIO;
			return;
		}
		at += written;
		bytes -= (size_t)written;
	}
}

static void flush_block(struct trace_writer *writer)
{
	struct block_head head = {
		.magic = htole32(BLOCK_MAGIC), .bytes = htole32((uint32_t)writer->used),
		.crc = htole32((uint32_t)crc32(0, writer->block + sizeof(head),
					       (unsigned int)writer->used)),
	};

	if (!writer->used)
		return;
	memcpy(writer->block, &head, sizeof(head));
	write_all(writer, writer->block, sizeof(head) + writer->used);
	writer->used = 0;
	writer->place = (struct place){ 0 };
}

int trace_create(const char *path, const struct trace_origin *origin,
		 struct trace_writer **ret_writer)
{
	struct trace_writer *writer = calloc(1, sizeof(*writer));
	struct file_head head = {
		.magic = MAGIC, .version = htole32(TRACE_VERSION),
		.head_bytes = htole32(sizeof(head)), .pid = htole32(origin->pid),
	};

	if (!writer)
		return -ENOMEM;
	memcpy(head.comm, origin->comm, sizeof(head.comm));
	memcpy(head.policy, origin->policy, sizeof(head.policy));
	head.crc = htole32((uint32_t)crc32(0, (const void *)&head,
					   offsetof(struct file_head, crc)));
	writer->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (writer->fd < 0)
		writer->err = -errno;
	write_all(writer, &head, sizeof(head));
	if (writer->err) {
		int err = writer->err;

		if (writer->fd >= 0)
			close(writer->fd);
		free(writer);
		return err;
	}
	*ret_writer = writer;
	return 0;
}

void trace_put(struct trace_writer *writer, const struct trace_event *event)
{
	unsigned char *begin = writer->block + sizeof(struct block_head), *end;

	if (writer->err)
		return;
	end = pack(begin + writer->used, event, &writer->place);
	writer->nr_events++;
	writer->nr_samples += event->kind == TRACE_SAMPLE;
	if ((size_t)(end - begin) > TRACE_BLOCK_BYTES) {
		flush_block(writer);	/* and again: deltas count from another place now */
		end = pack(begin, event, &writer->place);
	}
	writer->used = (size_t)(end - begin);
}

int trace_error(const struct trace_writer *writer)
{
	return writer->err;
}

int trace_finish(struct trace_writer *writer)
{
	struct trace_event end = { .kind = TRACE_END };
	int err;

	if (!writer)
		return 0;
	end.nr = writer->nr_events;
	end.value = writer->nr_samples;
	trace_put(writer, &end);
	flush_block(writer);
	if (close(writer->fd) && !writer->err)
		writer->err = -errno;
	err = writer->err;
	free(writer);
	return err;
}

/* ---- reading ---- */

/**
 * struct trace_reader - a file that is being read
 * @file: all of it, @bytes
 * @at: the next event
 * @block_end: end of its block
 * @place: what deltas count from
 * @nr_events, @nr_samples: read so far
 * @err: nothing is read any more
 * @is_over: TRACE_END was read
 */
struct trace_reader {
	const unsigned char *file;
	size_t bytes;
	struct trace_origin origin;
	const unsigned char *at;
	const unsigned char *block_end;
	struct place place;
	uint64_t nr_events;
	uint64_t nr_samples;
	int err;
	bool is_over;
};

static _Thread_local struct reason reason;

const char *trace_reason(void)
{
	return reason.text;
}

static int map_file(const char *path, struct trace_reader *reader)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	struct stat stat;
	void *file;

	if (fd < 0 || fstat(fd, &stat))
		err = reason_set(&reason, -errno, "%s", strerror(errno));
	else if (!S_ISREG(stat.st_mode) || stat.st_size < (off_t)sizeof(struct file_head))
		err = reason_set(&reason, -EINVAL,
				 "this is not a recording: it is too short or no file");
	if (!err) {
		file = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		reader->file = file;
		reader->bytes = (size_t)stat.st_size;
		if (file == MAP_FAILED)
			err = reason_set(&reason, -errno, "%s", strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int check_head(struct trace_reader *reader)
{
	struct file_head head;

	memcpy(&head, reader->file, sizeof(head));
	if (memcmp(head.magic, MAGIC, sizeof(head.magic)))
		return reason_set(&reason, -EINVAL, "this is not a recording");
	if (le32toh(head.version) != TRACE_VERSION)
		return reason_set(&reason, -EPROTONOSUPPORT,
				  "a recording of version %" PRIu32 "; this hemem-ctl reads version %d",
				  le32toh(head.version), TRACE_VERSION);
	if (le32toh(head.head_bytes) != sizeof(head) ||
	    le32toh(head.crc) != crc32(0, reader->file, offsetof(struct file_head, crc)))
		return reason_set(&reason, -EINVAL, "the head of this recording is damaged");
	reader->origin.pid = le32toh(head.pid);
	memcpy(reader->origin.comm, head.comm, sizeof(head.comm));
	reader->origin.comm[sizeof(head.comm) - 1] = '\0';
	memcpy(reader->origin.policy, head.policy, sizeof(head.policy));
	reader->origin.policy[sizeof(head.policy) - 1] = '\0';
	return 0;
}

int trace_open(const char *path, struct trace_reader **ret_reader)
{
	struct trace_reader *reader = calloc(1, sizeof(*reader));
	int err;

	if (!reader)
		return reason_set(&reason, -ENOMEM, "out of memory");
	err = map_file(path, reader);
	if (err) {
		free(reader);
		return err;
	}
	err = check_head(reader);
	if (err) {
		trace_close(reader);
		return err;
	}
	madvise((void *)reader->file, reader->bytes, MADV_SEQUENTIAL);
	trace_rewind(reader);
	*ret_reader = reader;
	return 0;
}

const struct trace_origin *trace_origin(const struct trace_reader *reader)
{
	return &reader->origin;
}

static int damaged(struct trace_reader *reader, const unsigned char *at, const char *what)
{
	return reader->err = reason_set(&reason, -EBADMSG,
					"the recording is damaged at byte %zu: %s",
					(size_t)(at - reader->file), what);
}

static int cut_short(struct trace_reader *reader)
{
	return reader->err = reason_set(&reason, -ENODATA,
					"the recording was cut short: its end is missing after %" PRIu64 " events",
					reader->nr_events);
}

static int enter_block(struct trace_reader *reader)
{
	size_t rest = reader->bytes - (size_t)(reader->at - reader->file);
	struct block_head head;
	uint32_t bytes;

	if (rest < sizeof(head))
		return cut_short(reader);
	memcpy(&head, reader->at, sizeof(head));
	bytes = le32toh(head.bytes);
	if (le32toh(head.magic) != BLOCK_MAGIC || !bytes || bytes > TRACE_BLOCK_BYTES)
		return damaged(reader, reader->at, "no block begins here");
	if (bytes > rest - sizeof(head))
		return cut_short(reader);
	if (le32toh(head.crc) != crc32(0, reader->at + sizeof(head), bytes))
		return damaged(reader, reader->at, "the checksum of this block is wrong");
	reader->at += sizeof(head);
	reader->block_end = reader->at + bytes;
	reader->place = (struct place){ 0 };
	return 0;
}

static int check_end(struct trace_reader *reader, const struct trace_event *end)
{
	if (end->nr != reader->nr_events || end->value != reader->nr_samples)
		return damaged(reader, reader->at, "events are missing");
	if (reader->at != reader->file + reader->bytes)
		return damaged(reader, reader->at, "something follows the end");
	reader->is_over = true;
	return 0;
}

int trace_next(struct trace_reader *reader, struct trace_event *ret_event)
{
	const unsigned char *next;

	if (reader->err || reader->is_over)
		return reader->err;
	if (reader->at == reader->block_end && enter_block(reader))
		return reader->err;
	next = unpack(reader->at, reader->block_end, ret_event, &reader->place);
	if (!next)
		return damaged(reader, reader->at, "there is no such event");
	reader->at = next;
	if (ret_event->kind == TRACE_END)
		return check_end(reader, ret_event);
	reader->nr_events++;
	reader->nr_samples += ret_event->kind == TRACE_SAMPLE;
	return 1;
}

void trace_rewind(struct trace_reader *reader)
{
	reader->at = reader->block_end = reader->file + sizeof(struct file_head);
	reader->nr_events = reader->nr_samples = 0;
	reader->err = 0;
	reader->is_over = false;
}

void trace_close(struct trace_reader *reader)
{
	if (!reader)
		return;
	munmap((void *)reader->file, reader->bytes);
	free(reader);
}
