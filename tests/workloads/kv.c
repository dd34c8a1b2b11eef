// SPDX-License-Identifier: GPL-2.0
/*
 * kv.c - fills a real program with values, asks for some of them much more often
 * than for the others, and knows what every answer has to be
 *
 *	kv redis /run/redis.sock 75000 scattered
 *	kv sqlite "stdbuf -oL sqlite3 :memory:" 75000 block
 *
 * 90 of 100 requests go to the 10 of 100 keys that are hot.  Hot keys are
 * scattered (one in every ten neighbours) or a block (the newest tenth but
 * three, as a shop's orders would be).  Nine of ten requests read a value, one
 * changes it.  Every answer is compared with what it has to be.
 *
 * Commands come on standard input, one a line; each is answered by one line:
 *
 *	load		pid=71 keys=75000 bytes=302400000 wrong=0
 *	run N		requests=N updates=.. wrong=0 ns=.. program_ns=..
 *	watch		the same line for every second, until the next command
 *	pause		paused
 *	find FILE	pages=7712 bytes=31588352: the pages that hold values of hot keys,
 *			found in the program's memory; their addresses go to FILE
 *	verify		keys=75000 wrong=0: every value is read and compared
 *
 * program_ns is the CPU time of the program that holds the values (schedstat of
 * all its threads), ns what passed on the clock.  The program must not be doing
 * anything else.  Exit status: 0; 1 an answer was wrong; 2 usage, or no program.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kv.h"

#define BATCH		8	/* requests under way: their answers fit in a pipe */
#define HOT_PCT		90	/* of the requests */
#define PART		10	/* one in so many keys is hot */
#define UPDATES		10	/* one in so many requests is an update */

enum verb { STORE, UPDATE, LOAD };

struct request {
	enum verb verb;
	uint32_t key;
};

struct client {
	const struct kv_program *program;
	int in, out;
	pid_t pid;
	bool scattered;
	uint32_t nr_keys;
	uint32_t *versions;		/* by key: what is there now */
	uint64_t random, nr_wrong;
	struct request batch[BATCH];
	unsigned int nr;		/* requests in batch */
	char requests[BATCH * KV_REQUEST_BYTES];
	size_t bytes;			/* of requests */
};

static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "kv: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(2);
}

static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 31) * 0x9e3779b97f4a7c15;
	value = (value ^ value >> 29) * 0xbf58476d1ce4e5b9;
	return value ^ value >> 32;
}

static void put_hex(char *text, uint64_t value, int digits)
{
	for (; digits--; value >>= 4)
		text[digits] = "0123456789abcdef"[value & 15];
}

void kv_value(char value[static KV_VALUE_BYTES], uint32_t key, uint32_t version)
{
	char *line = value;
	unsigned int i;
	uint64_t word;

	for (i = 0; i < KV_LINES; i++, line += KV_LINE_BYTES) {
		word = mix((uint64_t)key << 32 | version << 6 | i);
		memcpy(line, "#k........ l.. v........ ", 25);
		put_hex(line + 2, key, 8);
		put_hex(line + 12, i, 2);
		put_hex(line + 16, version, 8);
		put_hex(line + 25, word, 16);
		memset(line + 41, line[25], 6);
		memcpy(line + 47, line + 25, 16);
		line[63] = '.';
	}
}

static bool is_hot(uint32_t key, void *arg)
{
	const struct client *client = arg;
	uint32_t group = key / PART;

	if (client->scattered)
		return key % PART == mix(group) % PART;
	group = client->nr_keys / PART;
	return key >= group * 6 && key < group * 7;
}

static uint32_t hot_key(const struct client *client, uint64_t random)
{
	uint32_t group = client->nr_keys / PART, nr = (uint32_t)((random & 0xffffffff) * group >> 32);

	return client->scattered ? nr * PART + (uint32_t)(mix(nr) % PART) : group * 6 + nr;
}

static void write_all(int fd, const char *bytes, size_t nr)
{
	ssize_t done;

	for (; nr; nr -= (size_t)done, bytes += done) {
		done = write(fd, bytes, nr);
		if (done <= 0)
			die("the program takes no more requests: %s", strerror(errno));
	}
}

static void read_all(int fd, char *bytes, size_t nr)
{
	ssize_t done;

	for (; nr; nr -= (size_t)done, bytes += done) {
		done = read(fd, bytes, nr);
		if (done <= 0)
			die("the program gives no more answers: %s",
			    done ? strerror(errno) : "it ended");
	}
}

/* Of an answer that is not what it has to be, the beginning is shown. */
static void compare(struct client *client, const struct request *request, const char *got,
		    const char *want, size_t bytes)
{
	if (!memcmp(got, want, bytes))
		return;
	if (!client->nr_wrong++)
		fprintf(stderr, "kv: key %u: the answer is '%.40s', not '%.40s'\n", request->key,
			got, want);
}

static void read_answer(struct client *client, const struct request *request)
{
	static char got[KV_REQUEST_BYTES], want[KV_REQUEST_BYTES];
	const struct kv_program *program = client->program;
	size_t bytes;

	if (request->verb == LOAD) {
		read_all(client->out, got, program->answer_bytes);
		kv_value(want, request->key, client->versions[request->key]);
		compare(client, request, got + program->value_at, want, KV_VALUE_BYTES);
		return;
	}
	bytes = request->verb == STORE ? program->store_answer(want, request->key) :
					 program->update_answer(want, request->key);
	read_all(client->out, got, bytes);
	compare(client, request, got, want, bytes);
}

static void flush(struct client *client)
{
	unsigned int i;

	write_all(client->in, client->requests, client->bytes);
	for (i = 0; i < client->nr; i++)
		read_answer(client, &client->batch[i]);
	client->nr = 0;
	client->bytes = 0;
}

/* A key that is changed may not be asked for in the same batch: see read_answer. */
static bool in_batch(const struct client *client, uint32_t key)
{
	unsigned int i;

	for (i = 0; i < client->nr; i++)
		if (client->batch[i].key == key)
			return true;
	return false;
}

static void request(struct client *client, enum verb verb, uint32_t key)
{
	char *text, value[KV_VALUE_BYTES];

	if (client->nr == BATCH || in_batch(client, key))
		flush(client);
	text = client->requests + client->bytes;
	if (verb == UPDATE)
		client->versions[key]++;
	if (verb != LOAD)
		kv_value(value, key, client->versions[key]);
	if (verb == STORE)
		client->bytes += client->program->store(text, key, value);
	else if (verb == UPDATE)
		client->bytes += client->program->update(text, key, value);
	else
		client->bytes += client->program->load(text, key);
	client->batch[client->nr++] = (struct request){ verb, key };
}

static uint64_t next_random(struct client *client)
{
	client->random ^= client->random >> 12;
	client->random ^= client->random << 25;
	client->random ^= client->random >> 27;
	return client->random * 0x2545f4914f6cdd1d;
}

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* CPU time of all threads of the program. */
static uint64_t program_ns(const struct client *client)
{
	char path[320];
	struct dirent *entry;
	uint64_t total = 0, ns;
	FILE *file;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", client->pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", client->pid,
			 entry->d_name);
		file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (!file)
			continue;
		if (fscanf(file, "%" SCNu64, &ns) == 1)
			total += ns;
		fclose(file);
	}
	if (tasks)
		closedir(tasks);
	return total;
}

static void load(struct client *client)
{
	uint32_t key;

	for (key = 0; key < client->nr_keys; key++)
		request(client, STORE, key);
	flush(client);
	printf("pid=%d keys=%u bytes=%" PRIu64 " wrong=%" PRIu64 "\n", client->pid, client->nr_keys,
	       (uint64_t)client->nr_keys * KV_VALUE_BYTES, client->nr_wrong);
}

/* What happened between two looks at the clocks. */
struct span {
	uint64_t ns, program_ns, nr_requests, nr_updates, nr_wrong;
};

static void begin(const struct client *client, struct span *span)
{
	*span = (struct span){
		.ns = now_ns(), .program_ns = program_ns(client), .nr_wrong = client->nr_wrong,
	};
}

static void end(const struct client *client, const struct span *span)
{
	printf("requests=%" PRIu64 " updates=%" PRIu64 " wrong=%" PRIu64 " ns=%" PRIu64
	       " program_ns=%" PRIu64 "\n", span->nr_requests, span->nr_updates,
	       client->nr_wrong - span->nr_wrong, now_ns() - span->ns,
	       program_ns(client) - span->program_ns);
	fflush(stdout);
}

static void request_some(struct client *client, struct span *span, uint64_t nr)
{
	uint64_t i, random;
	bool is_update;
	uint32_t key;

	for (i = 0; i < nr; i++) {
		random = next_random(client);
		if ((random >> 32) % 100 < HOT_PCT)
			key = hot_key(client, random);
		else
			key = (uint32_t)((random & 0xffffffff) * client->nr_keys >> 32);
		is_update = !((random >> 40) % UPDATES);
		span->nr_updates += is_update;
		request(client, is_update ? UPDATE : LOAD, key);
	}
	flush(client);
	span->nr_requests += nr;
}

static void run(struct client *client, uint64_t nr)
{
	struct span span;

	begin(client, &span);
	request_some(client, &span, nr);
	end(client, &span);
}

static bool is_called(void)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&input, 1, 0) != 0;
}

/* Without a break between two lines: an idle moment is one without accesses. */
static void watch(struct client *client)
{
	struct span span;

	while (!is_called()) {
		begin(client, &span);
		while (now_ns() - span.ns < 1000000000 && !is_called())
			request_some(client, &span, 8 * BATCH);
		end(client, &span);
	}
}

static void verify(struct client *client)
{
	uint64_t wrong = client->nr_wrong;
	uint32_t key;

	for (key = 0; key < client->nr_keys; key++)
		request(client, LOAD, key);
	flush(client);
	printf("keys=%u wrong=%" PRIu64 "\n", client->nr_keys, client->nr_wrong - wrong);
}

static FILE *addresses;

static void write_address(uint64_t addr, void *arg)
{
	(void)arg;
	fprintf(addresses, "%" PRIx64 "\n", addr);
}

static void find(struct client *client, const char *path)
{
	long nr;

	addresses = fopen(path, "w");
	if (!addresses)
		die("%s: %s", path, strerror(errno));
	nr = kv_find(client->pid, is_hot, client, write_address);
	if (fclose(addresses) || nr < 0)
		die("cannot search process %d: %s", client->pid, strerror(nr < 0 ? (int)-nr : errno));
	printf("pages=%ld bytes=%ld\n", nr, nr * sysconf(_SC_PAGESIZE));
}

static void obey(struct client *client, const char *line)
{
	char word[16] = "", rest[256] = "";

	sscanf(line, "%15s %255s", word, rest);
	if (!strcmp(word, "load"))
		load(client);
	else if (!strcmp(word, "run"))
		run(client, strtoull(rest, NULL, 10));
	else if (!strcmp(word, "watch"))
		watch(client);
	else if (!strcmp(word, "pause"))
		printf("paused\n");
	else if (!strcmp(word, "find"))
		find(client, rest);
	else if (!strcmp(word, "verify"))
		verify(client);
	else
		die("'%s' is not load, run N, watch, pause, find FILE or verify", word);
	fflush(stdout);
}

static const struct kv_program *program_of(const char *name)
{
	if (!strcmp(name, kv_redis.name))
		return &kv_redis;
	if (!strcmp(name, kv_sqlite.name))
		return &kv_sqlite;
	die("'%s' is neither redis nor sqlite", name);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct client client = { .random = 20210825 };
	char line[300];
	int err;

	if (argc != 5)
		die("usage: kv redis|sqlite SOCKET|COMMAND KEYS scattered|block");
	client.program = program_of(argv[1]);
	client.nr_keys = (uint32_t)strtoul(argv[3], NULL, 10);
	client.scattered = !strcmp(argv[4], "scattered");
	if (client.nr_keys < 100 || client.nr_keys % PART)
		die("the number of keys is a multiple of %d, and at least 100", PART);
	client.versions = calloc(client.nr_keys, sizeof(*client.versions));
	if (!client.versions)
		die("no memory");
	err = client.program->open(argv[2], &client.in, &client.out, &client.pid);
	if (err)
		die("%s: %s", argv[2], strerror(-err));
	while (fgets(line, sizeof(line), stdin))
		obey(&client, line);
	return client.nr_wrong != 0;
}
