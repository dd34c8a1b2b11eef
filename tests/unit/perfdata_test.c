// SPDX-License-Identifier: GPL-2.0
/*
 * perfdata_test.c - files of perf's, made byte by byte, and one by perf itself
 *
 * The usual file has two events with ids and names, three threads, and records of many kinds
 * that are not in order of time.
 */
#include "unit.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import.h"
#include "perfdata.h"
#include "tier.h"
#include "trace.h"

#define TYPE		(PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | \
			 PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_PERIOD | \
			 PERF_SAMPLE_DATA_SRC)
#define MAX_BYTES	65536
#define HEAD_BYTES	104
#define NO_SOURCE	0
#define NEAR		(0x02 | 0x80)		/* mem_lvl: hit, local RAM */
#define FAR		(0x02 | 0x100)
#define CACHE		(0x02 | 0x08)
#define MS		1000000ULL
#define FIRST_ID	501
#define SECOND_ID	502

static unsigned char file[MAX_BYTES];
static size_t bytes;
static char path[64];

static void put_bytes(const void *from, size_t nr)
{
	assert_true(bytes + nr <= MAX_BYTES);
	memcpy(file + bytes, from, nr);
	bytes += nr;
}

static void put(uint64_t word)
{
	put_bytes(&word, sizeof(word));
}

static void set(size_t offset, uint64_t word)
{
	memcpy(file + offset, &word, sizeof(word));
}

/* Where things are in the header. */
enum { AT_BYTES = 8, AT_ATTR_BYTES = 16, AT_ATTRS = 24, AT_DATA = 40, AT_SECTIONS = 72 };

static void begin(size_t attr_bytes)
{
	memset(file, 0, sizeof(file));
	memcpy(file, "PERFILE2", 8);
	set(AT_BYTES, HEAD_BYTES);
	set(AT_ATTR_BYTES, attr_bytes + 16);
	bytes = HEAD_BYTES;
}

/* @ids: where its one id is; 0: it has none */
static void put_attr(size_t attr_bytes, const struct perf_event_attr *attr, uint64_t ids)
{
	unsigned char padded[512] = { 0 };

	memcpy(padded, attr, sizeof(*attr) < attr_bytes ? sizeof(*attr) : attr_bytes);
	put_bytes(padded, attr_bytes);
	put(ids);
	put(ids ? 8 : 0);
}

static void begin_data(size_t attrs_at)
{
	set(AT_ATTRS, attrs_at);
	set(AT_ATTRS + 8, bytes - attrs_at);
	set(AT_DATA, bytes);
}

static void end_data(void)
{
	uint64_t at;

	memcpy(&at, file + AT_DATA, sizeof(at));
	set(AT_DATA + 8, bytes - at);
}

static void put_head(uint32_t type, size_t body_bytes)
{
	const struct perf_event_header head = {
		.type = type, .size = (uint16_t)(sizeof(head) + body_bytes),
	};

	put_bytes(&head, sizeof(head));
}

/* { tid, time, identifier } that sample_id_all appends */
static void put_ids(uint32_t tid, uint64_t time_ns)
{
	put((uint64_t)tid << 32 | tid);
	put(time_ns);
	put(FIRST_ID);
}

static void put_sample(uint64_t id, uint32_t pid, uint32_t tid, uint64_t time_ns, uint64_t addr,
		       uint64_t op, uint64_t level)
{
	const union perf_mem_data_src src = { .mem_op = op, .mem_lvl = level };

	put_head(PERF_RECORD_SAMPLE, 56);
	put(id);
	put(0x401000);
	put((uint64_t)tid << 32 | pid);
	put(time_ns);
	put(addr);
	put(id == FIRST_ID ? 401 : 1009);
	put(src.val);
}

static void put_load(uint32_t pid, uint64_t time_ns, uint64_t addr, uint64_t level)
{
	put_sample(FIRST_ID, pid, pid, time_ns, addr, PERF_MEM_OP_LOAD, level);
}

static void put_comm(uint32_t pid, uint32_t tid, uint64_t time_ns, const char *name)
{
	char padded[16] = "";

	memcpy(padded, name, strlen(name));
	put_head(PERF_RECORD_COMM, 48);
	put((uint64_t)tid << 32 | pid);
	put_bytes(padded, sizeof(padded));
	put_ids(tid, time_ns);
}

static void put_fork(uint32_t parent, uint32_t tid, uint64_t time_ns)
{
	put_head(PERF_RECORD_FORK, 48);
	put((uint64_t)parent << 32 | tid);
	put((uint64_t)parent << 32 | tid);
	put(time_ns);
	put_ids(tid, time_ns);
}

static void put_plain(uint32_t type, unsigned int words)
{
	put_head(type, 8 * words);
	while (words--)
		put(3);
}

/* Section 12: { nr, size, { attribute, nr of ids, length, name, id } } */
static void put_names(size_t attr_bytes)
{
	static const char names[2][24] = { "cpu/mem-loads,ldlat=30/P", "cpu/mem-stores/P" };
	const unsigned char attr[512] = { 0 };
	size_t at = bytes, i;
	uint32_t half;

	set(AT_SECTIONS, 1 << 12 | 1 << 3);
	put(at + 32);			/* of section 3: nothing that we know */
	put(8);
	put(at + 40);
	put(0);
	put(~0ULL);
	half = 2;
	put_bytes(&half, 4);
	half = (uint32_t)attr_bytes;
	put_bytes(&half, 4);
	for (i = 0; i < 2; i++) {
		put_bytes(attr, attr_bytes);
		half = 1;
		put_bytes(&half, 4);
		half = 24;
		put_bytes(&half, 4);
		put_bytes(names[i], 24);
		put(FIRST_ID + i);
	}
	set(at + 24, bytes - at - 40);
}

static const struct perf_event_attr usual_attr = {
	.type = 4, .config = 0x1cd, .size = sizeof(struct perf_event_attr),
	.sample_type = TYPE, .freq = 1, .sample_freq = 4000, .sample_id_all = 1,
};

static void make_begin(size_t attr_bytes)
{
	struct perf_event_attr second = usual_attr;
	size_t attrs_at;

	second.config = 0x82d0;
	begin(attr_bytes);
	put(FIRST_ID);
	put(SECOND_ID);
	attrs_at = bytes;
	put_attr(attr_bytes, &usual_attr, HEAD_BYTES);
	put_attr(attr_bytes, &second, HEAD_BYTES + 8);
	begin_data(attrs_at);
}

/* 8 samples of process 71, 2 of 90; 1 broken; 17 + 3 lost. */
static void make(size_t attr_bytes)
{
	make_begin(attr_bytes);
	put_comm(71, 71, 0, "store");
	put_plain(PERF_RECORD_MMAP2, 20);
	put_load(71, 5000 * MS, 0x7f0000001000, NEAR);
	put_load(71, 1000 * MS, 0x7f0000001040, NEAR);
	put_sample(SECOND_ID, 71, 71, 1002 * MS, 0x7f0000002008, PERF_MEM_OP_STORE, CACHE);
	put_fork(71, 72, 1003 * MS);
	put_sample(FIRST_ID, 71, 72, 1004 * MS, 0x7f0000003000, PERF_MEM_OP_LOAD, FAR);
	put_comm(71, 72, 1100 * MS, "worker");
	put_sample(FIRST_ID, 71, 72, 1200 * MS, 0x7f0000002000, PERF_MEM_OP_LOAD, NO_SOURCE);
	put_load(71, 1201 * MS, 0x7f0000009000, CACHE);
	put_load(71, 1202 * MS, 0xffff888000001000, NEAR);
	put_load(71, 1203 * MS, 0, NEAR);
	put_load(90, 1204 * MS, 0x7f0000001000, NEAR);
	put_load(90, 1205 * MS, 0x7f0000001000, NEAR);
	put_plain(PERF_RECORD_SAMPLE, 2);
	put_plain(PERF_RECORD_LOST, 2);
	set(bytes - 8, 17);
	put_plain(13, 1);
	put_plain(PERF_RECORD_THROTTLE, 3);
	put_plain(68, 0);			/* a round has ended */
	put_plain(71, 5);			/* an instruction trace, and its 3 bytes */
	put_bytes("abc", 3);
	put_plain(PERF_RECORD_EXIT, 6);
	end_data();
	put_names(attr_bytes);
}

static void save(size_t nr)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(file, 1, nr, out), nr);
	fclose(out);
}

static int set_up(void **state UNUSED)
{
	int fd;

	strcpy(path, "/tmp/hemem-perfdata-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	make(sizeof(struct perf_event_attr));
	return 0;
}

static int tear_down(void **state UNUSED)
{
	return unlink(path);
}

static struct perfdata *must_open(void)
{
	struct perfdata *perfdata;
	int err;

	save(bytes);
	err = perfdata_open(path, &perfdata);
	if (err)
		fail_msg("%d: %s", err, perfdata_reason());
	return perfdata;
}

static void must_fail(int err, const char *words)
{
	struct perfdata *perfdata;

	save(bytes);
	POISON(perfdata);
	assert_int_equal(perfdata_open(path, &perfdata), err);
	UNTOUCHED(perfdata);
	if (!strstr(perfdata_reason(), words))
		fail_msg("'%s' does not say '%s'", perfdata_reason(), words);
}

/* ---- the file ---- */

static void samples_come_by_time_with_names(void **state UNUSED)
{
	static const struct {
		uint64_t ms, addr;
		const char *comm;
		enum sample_op op;
		enum sample_level level;
	} expected[] = {
		{ 1000, 0x7f0000001040, "store", SAMPLE_OP_LOAD, SAMPLE_LEVEL_NEAR },
		{ 1002, 0x7f0000002008, "store", SAMPLE_OP_STORE, SAMPLE_LEVEL_CACHE },
		{ 1004, 0x7f0000003000, "store", SAMPLE_OP_LOAD, SAMPLE_LEVEL_FAR },
		{ 1200, 0x7f0000002000, "worker", SAMPLE_OP_LOAD, SAMPLE_LEVEL_UNKNOWN },
		{ 1201, 0x7f0000009000, "store", SAMPLE_OP_LOAD, SAMPLE_LEVEL_CACHE },
		{ 1202, 0xffff888000001000, "store", SAMPLE_OP_LOAD, SAMPLE_LEVEL_NEAR },
		{ 1203, 0, "store", SAMPLE_OP_LOAD, SAMPLE_LEVEL_NEAR },
		{ 1204, 0x7f0000001000, ":90", SAMPLE_OP_LOAD, SAMPLE_LEVEL_NEAR },
		{ 1205, 0x7f0000001000, ":90", SAMPLE_OP_LOAD, SAMPLE_LEVEL_NEAR },
		{ 5000, 0x7f0000001000, "store", SAMPLE_OP_LOAD, SAMPLE_LEVEL_NEAR },
	};
	struct perfdata *perfdata = must_open();
	struct perfdata_sample it;
	unsigned int round, i;
	bool is_store;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < 10; i++) {
			assert_true(perfdata_next(perfdata, &it));
			is_store = expected[i].op == SAMPLE_OP_STORE;
			assert_int_equal(it.sample.time_ns, expected[i].ms * MS);
			assert_int_equal(it.sample.addr, expected[i].addr);
			assert_int_equal(it.sample.op, expected[i].op);
			assert_int_equal(it.sample.level, expected[i].level);
			assert_int_equal(it.sample.period, is_store ? 1009 : 401);
			assert_string_equal(it.comm, expected[i].comm);
			assert_string_equal(it.event, is_store ? "cpu/mem-stores/P" :
					    "cpu/mem-loads,ldlat=30/P");
		}
		POISON(it);
		assert_false(perfdata_next(perfdata, &it));
		UNTOUCHED(it);
		perfdata_rewind(perfdata);
	}
	assert_int_equal(perfdata_name_width(perfdata), 24);
	perfdata_close(perfdata);
}

static void every_record_is_counted(void **state UNUSED)
{
	struct perfdata *perfdata = must_open();
	const struct perfdata_counts *counts = perfdata_counts(perfdata);

	assert_int_equal(counts->nr_samples, 10);
	assert_int_equal(counts->nr_broken, 1);
	assert_int_equal(counts->nr_others, 10);
	assert_int_equal(counts->nr_lost, 20);
	assert_int_equal(counts->nr_records,
			 counts->nr_samples + counts->nr_broken + counts->nr_others);
	perfdata_close(perfdata);
}

static void attributes_may_be_of_older_and_newer_perfs(void **state UNUSED)
{
	static const size_t sizes[] = { 64, 72, 112, 128, 136, 400 };
	struct perfdata *perfdata;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make(sizes[i]);
		perfdata = must_open();
		assert_int_equal(perfdata_counts(perfdata)->nr_samples, 10);
		assert_int_equal(perfdata_name_width(perfdata), 24);
		perfdata_close(perfdata);
	}
}

static void without_names_events_have_numbers(void **state UNUSED)
{
	struct perfdata_sample it;
	struct perfdata *perfdata;

	set(AT_SECTIONS, 1 << 3);
	perfdata = must_open();
	assert_true(perfdata_next(perfdata, &it));
	assert_string_equal(it.event, "4/0x1cd");
	assert_true(perfdata_next(perfdata, &it));
	assert_string_equal(it.event, "4/0x82d0");
	perfdata_close(perfdata);
}

/* perf record -c N without ids, and an id that does not stand first. */
static void one_event_needs_no_id(void **state UNUSED)
{
	struct perf_event_attr attr = usual_attr;
	struct perfdata_sample it;
	struct perfdata *perfdata;

	attr.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_ADDR;
	attr.freq = 0;
	attr.sample_period = 9;
	begin(128);
	put_attr(128, &attr, 0);
	begin_data(HEAD_BYTES);
	put_head(PERF_RECORD_SAMPLE, 16);
	put(72ULL << 32 | 71);
	put(0x1234000);
	end_data();
	perfdata = must_open();
	assert_true(perfdata_next(perfdata, &it));
	assert_int_equal(it.sample.addr, 0x1234000);
	assert_int_equal(it.sample.period, 9);
	assert_string_equal(it.comm, ":72");
	perfdata_close(perfdata);
}

static void what_cannot_be_read_is_refused_in_words(void **state UNUSED)
{
	struct perf_event_attr attr = usual_attr;

	assert_true(perfdata_is("/proc/self/exe") == false);
	set(AT_BYTES, 16);
	must_fail(-EINVAL, "into a pipe");
	make(128);
	memcpy(file, "2ELIFREP", 8);
	must_fail(-EINVAL, "other byte order");
	assert_true(perfdata_is(path));
	memcpy(file, "PERFFILE", 8);
	must_fail(-EINVAL, "before 2013");
	memcpy(file, "PERFILE3", 8);
	must_fail(-EINVAL, "no file of perf");
	assert_false(perfdata_is(path));
	make(128);
	set(AT_DATA + 8, 0);
	must_fail(-EINVAL, "was ended before");
	make_begin(128);
	put_plain(81, 9);
	end_data();
	must_fail(-EINVAL, "without -z");
	attr.sample_type &= ~(uint64_t)PERF_SAMPLE_ADDR;
	begin(128);
	put_attr(128, &attr, 0);
	begin_data(HEAD_BYTES);
	put_plain(PERF_RECORD_EXIT, 6);
	end_data();
	must_fail(-EOPNOTSUPP, "perf mem record");
	bytes = 0;
	must_fail(-EINVAL, "no file of perf");
	unlink(path);
	assert_int_equal(perfdata_open(path, &(struct perfdata *){ NULL }), -ENOENT);
	save(0);
}

static void read_all(void)
{
	struct perfdata_sample it;
	struct perfdata *perfdata;

	if (perfdata_open(path, &perfdata))
		return;
	while (perfdata_next(perfdata, &it))
		assert_true(strlen(it.comm) < 64 && strlen(it.event) < 64);
	perfdata_close(perfdata);
}

/* Wherever it ends, it is refused, or what stands behind the data alone is missing. */
static void a_file_that_was_cut_short_is_refused(void **state UNUSED)
{
	struct perfdata *perfdata;
	uint64_t data[2];
	size_t length;

	memcpy(data, file + AT_DATA, sizeof(data));
	for (length = 0; length < bytes; length++) {
		save(length);
		if (length >= data[0] + data[1])
			read_all();
		else
			assert_true(perfdata_open(path, &perfdata) < 0);
	}
}

/* Any byte may be anything: nothing is read that is not there. */
static void a_damaged_file_is_survived(void **state UNUSED)
{
	static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0xff };
	unsigned char was;
	size_t at, i;

	for (at = 0; at < bytes; at++) {
		was = file[at];
		for (i = 0; i < sizeof(values); i++) {
			file[at] = values[i];
			save(bytes);
			read_all();
		}
		file[at] = was;
	}
}

/* ---- as a recording ---- */

/** struct seen - what a recording told */
struct seen {
	uint64_t nr_pages, nr_samples, nr_stores, last_ns, rate[2];
	uint64_t addrs[16];
	unsigned int nodes[16];		/* by page, from 0x7f0000001000 on */
	unsigned int nr_nodes;
};

static struct seen import(void)
{
	struct trace_reader *reader;
	struct trace_event event;
	struct seen seen = { 0 };
	int more;
	uint64_t i;

	save(bytes);
	memset(seen.nodes, 0xff, sizeof(seen.nodes));
	more = import_open(path, &reader);
	if (more)
		fail_msg("%s", import_reason());
	assert_int_equal(trace_origin(reader)->pid, 71);
	while ((more = trace_next(reader, &event)) > 0) {
		switch (event.kind) {
		case TRACE_NODE:
			seen.nr_nodes++;
			break;
		case TRACE_RATE:
			memcpy(seen.rate, event.rate, sizeof(seen.rate));
			break;
		case TRACE_TICK:
			assert_true(event.now_ns >= seen.last_ns);
			seen.last_ns = event.now_ns;
			break;
		case TRACE_PAGES:
			for (i = 0; i < event.nr; i++)
				seen.nodes[(event.addr - 0x7f0000001000) / 4096 + i] = event.node;
			seen.nr_pages += event.nr;
			break;
		case TRACE_SAMPLE:
			assert_true(seen.nr_samples < 16);
			seen.addrs[seen.nr_samples++] = event.addr;
			seen.nr_stores += event.write;
			break;
		}
	}
	assert_int_equal(more, 0);
	trace_close(reader);
	return seen;
}

static void a_file_of_perf_is_read_as_a_recording(void **state UNUSED)
{
	struct seen seen = import();

	assert_int_equal(seen.nr_samples, 5);
	assert_int_equal(seen.nr_stores, 1);
	assert_int_equal(seen.addrs[0], 0x7f0000001000);
	assert_int_equal(seen.addrs[1], 0x7f0000002000);
	assert_int_equal(seen.addrs[4], 0x7f0000001000);
	assert_int_equal(seen.rate[0], 401);
	assert_int_equal(seen.rate[1], 1009);
	assert_int_equal(seen.nr_nodes, 2);
	assert_int_equal(seen.nr_pages, 3);
	assert_int_equal(seen.nodes[0], 0);
	assert_int_equal(seen.nodes[1], 15);	/* a store, and a load of unknown origin */
	assert_int_equal(seen.nodes[2], 1);
	assert_in_range(seen.last_ns, 4000 * MS, 4040 * MS);
	assert_string_equal(import_note(),
			    "of perf: 10 samples: 5 of process 71 (store) are used, 1 were answered by caches, 2 have no address of user space, 2 are of others; 20 were lost, 1 are broken");
}

static void a_long_pause_has_few_ticks(void **state UNUSED)
{
	struct seen seen;

	make_begin(128);
	put_load(71, 1000 * MS, 0x7f0000001000, NEAR);
	put_load(71, ~0ULL - 5, 0x7f0000001000, NEAR);
	end_data();
	seen = import();
	assert_int_equal(seen.nr_samples, 2);
}

static void a_file_without_user_addresses_is_refused(void **state UNUSED)
{
	struct trace_reader *reader;

	make_begin(128);
	put_load(71, 1000 * MS, 0xffff888000001000, NEAR);
	end_data();
	save(bytes);
	POISON(reader);
	assert_int_equal(import_open(path, &reader), -ENODATA);
	UNTOUCHED(reader);
	assert_non_null(strstr(import_reason(), "user space"));
	save(10);
	assert_true(import_open(path, &reader) < 0);
	UNTOUCHED(reader);
	assert_null(import_note());
}

/* ---- as text ---- */

static char *script(void)
{
	size_t length = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	assert_int_equal(import_script(path, out), 0);
	fclose(out);
	return text;
}

static void samples_are_printed_as_perf_script_does(void **state UNUSED)
{
	static const char *const lines =
		"           store    71/71        1.000000:        401 cpu/mem-loads,ldlat=30/P:     7f0000001040\n"
		"           store    71/71        1.002000:       1009         cpu/mem-stores/P:     7f0000002008\n"
		"           store    71/72        1.004000:        401 cpu/mem-loads,ldlat=30/P:     7f0000003000\n";
	char *text;

	save(bytes);
	text = script();
	assert_memory_equal(text, lines, strlen(lines));
	free(text);
}

static void a_recording_is_printed_too(void **state UNUSED)
{
	const struct trace_origin origin = { .pid = 71, .comm = "store" };
	struct trace_writer *writer;
	struct trace_event event;
	char *text;

	assert_int_equal(trace_create(path, &origin, &writer), 0);
	event = (struct trace_event){ .kind = TRACE_RATE, .rate = { 401, 1009 } };
	trace_put(writer, &event);
	event = (struct trace_event){ .kind = TRACE_TICK, .now_ns = 2500 * MS };
	trace_put(writer, &event);
	event = (struct trace_event){ .kind = TRACE_SAMPLE, .addr = 0x7f0000001000 };
	trace_put(writer, &event);
	event.write = true;
	trace_put(writer, &event);
	assert_int_equal(trace_finish(writer), 0);
	text = script();
	assert_string_equal(text,
		"           store    71/71        2.500000:        401  loads:     7f0000001000\n"
		"           store    71/71        2.500000:       1009 stores:     7f0000001000\n");
	free(text);
}

/* perf itself: record page faults, print them, and compare every line. */
static void a_real_file_is_read_as_perf_reads_it(void **state UNUSED)
{
	char command[512], *ours, *theirs, *line, *rest;
	size_t length, nr = 0;
	FILE *pipe;

	snprintf(command, sizeof(command), "perf record -q -e page-faults,minor-faults -c 3 -d -o %s "
		 "sh -c 'ls -R /usr/include > /dev/null' > /dev/null 2>&1", path);
	if (system(command)) {
		print_message("# no perf here, or it may not record\n");
		skip();
	}
	theirs = calloc(1, 1 << 20);
	snprintf(command, sizeof(command),
		 "perf script -i %s -F comm,pid,tid,time,period,event,addr 2> /dev/null", path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	length = fread(theirs, 1, (1 << 20) - 1, pipe);
	pclose(pipe);
	assert_true(length > 0 && length < (1 << 20) - 1);
	ours = script();
	rest = ours;
	/* Where perf knows the symbol of an address it appends nothing we print. */
	for (line = strtok(theirs, "\n"); line; line = strtok(NULL, "\n"), nr++) {
		while (*line && line[strlen(line) - 1] == ' ')
			line[strlen(line) - 1] = '\0';
		if (strncmp(rest, line, strlen(line)) || rest[strlen(line)] != '\n')
			fail_msg("line %zu: perf '%s', we '%.100s'", nr, line, rest);
		rest += strlen(line) + 1;
	}
	assert_true(nr > 10 && !*rest);
	print_message("# %zu samples, each as perf prints it\n", nr);
	free(ours);
	free(theirs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(samples_come_by_time_with_names),
		TEST(every_record_is_counted),
		TEST(attributes_may_be_of_older_and_newer_perfs),
		TEST(without_names_events_have_numbers),
		TEST(one_event_needs_no_id),
		TEST(what_cannot_be_read_is_refused_in_words),
		TEST(a_file_that_was_cut_short_is_refused),
		TEST(a_damaged_file_is_survived),
		TEST(a_file_of_perf_is_read_as_a_recording),
		TEST(a_long_pause_has_few_ticks),
		TEST(a_file_without_user_addresses_is_refused),
		TEST(samples_are_printed_as_perf_script_does),
		TEST(a_recording_is_printed_too),
		TEST(a_real_file_is_read_as_perf_reads_it),
	};

	return cmocka_run_group_tests_name("perfdata", tests, NULL, NULL);
}
