// SPDX-License-Identifier: GPL-2.0
/*
 * hotset.c - a target whose hot set is known and whose memory is checked
 *
 *	hotset --bytes 300M --hot-bytes 30M --node 1 --seconds 60
 *
 * Owns one private anonymous mapping.  It is first touched on one node, after
 * which its memory policy is the default again, so that every page is free to
 * move.  Then words of it are read and written at random, 90 of 100 updates in
 * the hot set, which lies in the middle.  Who measures where the pages are is
 * somebody else, from outside (where.c).
 *
 * Every word holds the number of its place in the upper 40 bits and a count of
 * its updates in the lower 24.  Each update checks the place; at the end every
 * word is checked, and the counts have to add up to the updates that were done.
 * A page that was swapped with another, or that lost a write, cannot hide.
 *
 * Says, one line each, "name=value ..." (addresses in hex, the hot set is
 * [hot_start, hot_end)):
 *
 *	ready pid=71 start=7f.. end=7f.. hot_start=7f.. hot_end=7f..
 *	phase name=shift hot_start=7f.. hot_end=7f.. updates=1234
 *	done updates=5678 ns=... updates_per_s=... wrong=0 lost=0
 *
 * Exit status: 0 all words are right; 1 some are not; 2 usage or no memory.
 * SIGTERM and SIGINT end the updates early; the check is done all the same.
 * SIGUSR1, or half time with --shift, moves the hot set to another place, once.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <numa.h>
#include <numaif.h>

#define HUGE_BYTES	(2UL << 20)
#define COUNT_BITS	24
#define COUNT_MASK	((1UL << COUNT_BITS) - 1)
#define MAX_BATCH	1024		/* updates between two looks at the clock ... */
#define MAX_BURST_MS	10		/* ... and at a given rate in one burst */

struct setup {
	uint64_t bytes, hot_bytes, seconds, updates, rate, seed;
	unsigned long hot_pct;		/* of the updates go to the hot set */
	int node;			/* -1: wherever the kernel likes */
	char huge;			/* 'y'es, 'n'o, 'd'efault of the machine */
	bool shift, spin;
};

struct load {
	uint64_t *words, nr_words;
	uint64_t hot_first, hot_nr;	/* words */
	uint64_t random, nr_updates, nr_wrong;
};

static volatile sig_atomic_t stopped, shift_asked;

static void on_signal(int signal)
{
	if (signal == SIGUSR1)
		shift_asked = 1;
	else
		stopped = 1;
}

static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "hotset: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* xorshift64*: the upper bits are good */
static uint64_t next_random(struct load *load)
{
	load->random ^= load->random >> 12;
	load->random ^= load->random << 25;
	load->random ^= load->random >> 27;
	return load->random * 0x2545f4914f6cdd1d;
}

/* [0, nr), nr < 2^32, from 32 random bits */
static uint64_t scale(uint64_t random32, uint64_t nr)
{
	return (random32 & 0xffffffff) * nr >> 32;
}

/* So that neighbours differ in more than their last bits. */
static uint64_t place_of(uint64_t word)
{
	return (word * 0x9e3779b97f4a7c15) & ~COUNT_MASK;
}

static void update(struct load *load, uint64_t word)
{
	uint64_t value = load->words[word];

	if ((value & ~COUNT_MASK) != place_of(word))
		load->nr_wrong++;
	load->words[word] = value + 1;
}

static void update_batch(struct load *load, unsigned long hot_pct, unsigned int nr)
{
	uint64_t random, word;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		random = next_random(load);
		if ((random >> 32) % 100 < hot_pct)
			word = load->hot_first + scale(random, load->hot_nr);
		else
			word = scale(random, load->nr_words);
		update(load, word);
	}
	load->nr_updates += nr;
}

static unsigned int batch_of(uint64_t rate)
{
	uint64_t nr = rate ? rate * MAX_BURST_MS / 1000 : MAX_BATCH;

	return (unsigned int)(nr < 1 ? 1 : nr > MAX_BATCH ? MAX_BATCH : nr);
}

/* Updates are done in bursts, so that a rate costs no more than its updates. */
static void keep_rate(const struct load *load, uint64_t start_ns, uint64_t rate, bool spin)
{
	uint64_t due_ns, now = now_ns();
	struct timespec pause;

	if (!rate)
		return;
	due_ns = start_ns + (uint64_t)((double)load->nr_updates * 1e9 / (double)rate);
	while (spin && now < due_ns)
		now = now_ns();
	if (due_ns <= now)
		return;
	pause.tv_sec = (time_t)((due_ns - now) / 1000000000);
	pause.tv_nsec = (long)((due_ns - now) % 1000000000);
	nanosleep(&pause, NULL);
}

/* The hot set begins at this many of @of parts of the memory, on a huge page. */
static void place_hot(struct load *load, const struct setup *setup, unsigned int part,
		      unsigned int of)
{
	uint64_t first = setup->bytes / of * part & ~(HUGE_BYTES - 1);

	load->hot_first = first / sizeof(uint64_t);
	load->hot_nr = setup->hot_bytes / sizeof(uint64_t);
}

static void print_hot(const struct load *load)
{
	printf("hot_start=%" PRIxPTR " hot_end=%" PRIxPTR,
	       (uintptr_t)(load->words + load->hot_first),
	       (uintptr_t)(load->words + load->hot_first + load->hot_nr));
}

static void shift_once(struct load *load, const struct setup *setup)
{
	static bool shifted;

	if (!shift_asked || shifted)
		return;
	shifted = true;
	place_hot(load, setup, 1, 8);
	printf("phase name=shift ");
	print_hot(load);
	printf(" updates=%" PRIu64 "\n", load->nr_updates);
}

static uint64_t run(struct load *load, const struct setup *setup)
{
	uint64_t start_ns = now_ns(), end_ns = start_ns + setup->seconds * 1000000000;
	uint64_t half_ns = start_ns + setup->seconds * 500000000, now;
	unsigned int batch = batch_of(setup->rate);

	for (now = start_ns; !stopped; now = now_ns()) {
		if (setup->updates ? load->nr_updates >= setup->updates : now >= end_ns)
			break;
		if (setup->shift && (setup->updates ? load->nr_updates >= setup->updates / 2 :
				     now >= half_ns))
			shift_asked = 1;
		shift_once(load, setup);
		update_batch(load, setup->hot_pct, batch);
		keep_rate(load, start_ns, setup->rate, setup->spin);
	}
	return now_ns() - start_ns;
}

static void touch(struct load *load, const struct setup *setup)
{
	struct bitmask *nodes = NULL;
	uint64_t word;

	if (setup->huge != 'd' &&
	    madvise(load->words, setup->bytes, setup->huge == 'y' ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		die("no huge pages on this kernel: %s", strerror(errno));
	if (setup->node >= 0) {
		nodes = numa_allocate_nodemask();
		numa_bitmask_setbit(nodes, (unsigned int)setup->node);
		if (set_mempolicy(MPOL_BIND, nodes->maskp, nodes->size + 1))
			die("cannot allocate on node %d: %s", setup->node, strerror(errno));
	}
	for (word = 0; word < load->nr_words; word++)
		load->words[word] = place_of(word);
	if (nodes && set_mempolicy(MPOL_DEFAULT, NULL, 0))
		die("cannot go back to the default memory policy: %s", strerror(errno));
	if (nodes)
		numa_free_nodemask(nodes);
}

static void map(struct load *load, const struct setup *setup)
{
	uintptr_t start;
	void *memory = mmap(NULL, setup->bytes + HUGE_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		die("cannot map %" PRIu64 " bytes: %s", setup->bytes, strerror(errno));
	start = ((uintptr_t)memory + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
	load->words = (uint64_t *)start;
	load->nr_words = setup->bytes / sizeof(uint64_t);
	load->random = setup->seed;
}

/* Return: updates that are missing (or too many). */
static uint64_t verify(struct load *load)
{
	uint64_t word, nr = 0;

	for (word = 0; word < load->nr_words; word++) {
		if ((load->words[word] & ~COUNT_MASK) != place_of(word))
			load->nr_wrong++;
		nr += load->words[word] & COUNT_MASK;
	}
	return load->nr_updates - nr;
}

static uint64_t number(const char *name, const char *text, uint64_t min, uint64_t max)
{
	static const char suffixes[] = "KMG";
	const char *suffix;
	uint64_t value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (end != text && *end && (suffix = strchr(suffixes, *end))) {
		value <<= 10 * (suffix - suffixes + 1);
		end++;
	}
	if (errno || end == text || *end || *text == '-' || value < min || value > max)
		die("--%s: '%s' is not a number from %" PRIu64 " to %" PRIu64, name, text, min, max);
	return value;
}

static const struct option options[] = {
	{ "bytes", required_argument, NULL, 'b' },	/* all of the memory */
	{ "hot-bytes", required_argument, NULL, 'h' },	/* of it the hot set, in the middle */
	{ "hot-pct", required_argument, NULL, 'p' },	/* of the updates go there */
	{ "node", required_argument, NULL, 'n' },	/* of the first touch */
	{ "seconds", required_argument, NULL, 's' },
	{ "updates", required_argument, NULL, 'u' },	/* instead of seconds */
	{ "rate", required_argument, NULL, 'r' },	/* updates per second; 0: all it can */
	{ "huge", required_argument, NULL, 'H' },	/* yes, no, default */
	{ "spin", no_argument, NULL, 'i' },		/* keep the rate without sleeping */
	{ "seed", required_argument, NULL, 'e' },
	{ "shift", no_argument, NULL, 'S' },		/* the hot set moves at half time */
	{ NULL, 0, NULL, 0 },
};

static void usage(void)
{
	const struct option *option;

	fprintf(stderr, "usage: hotset");
	for (option = options; option->name; option++)
		fprintf(stderr, " [--%s%s]", option->name, option->has_arg ? " N" : "");
	fprintf(stderr, "\nThe top of tests/workloads/hotset.c explains.\n");
	exit(2);
}

static void parse(int argc, char **argv, struct setup *setup)
{
	int letter;

	while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (letter) {
		case 'b': setup->bytes = number("bytes", optarg, HUGE_BYTES, 32UL << 30); break;
		case 'h': setup->hot_bytes = number("hot-bytes", optarg, 4096, 32UL << 30); break;
		case 'p': setup->hot_pct = number("hot-pct", optarg, 0, 100); break;
		case 'n': setup->node = (int)number("node", optarg, 0, 1023); break;
		case 's': setup->seconds = number("seconds", optarg, 1, 1000000); break;
		case 'u': setup->updates = number("updates", optarg, 1, 1UL << 50); break;
		case 'r': setup->rate = number("rate", optarg, 0, 1UL << 40); break;
		case 'H': setup->huge = *optarg; break;
		case 'e': setup->seed = number("seed", optarg, 1, UINT64_MAX); break;
		case 'i': setup->spin = true; break;
		case 'S': setup->shift = true; break;
		default: usage();
		}
	}
	if (optind < argc || !strchr("ynd", setup->huge))
		usage();
	setup->bytes &= ~(HUGE_BYTES - 1);
	if (setup->hot_bytes > setup->bytes / 2)
		die("--hot-bytes: more than half of --bytes is no hot set");
}

int main(int argc, char **argv)
{
	struct setup setup = {
		.bytes = 256UL << 20, .hot_bytes = 26UL << 20, .hot_pct = 90, .node = -1,
		.seconds = 10, .seed = 20210825, .huge = 'd',
	};
	struct sigaction action = { .sa_handler = on_signal };
	struct load load = { 0 };
	uint64_t ns, lost;

	parse(argc, argv, &setup);
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	map(&load, &setup);
	touch(&load, &setup);
	place_hot(&load, &setup, 1, 2);
	printf("ready pid=%d start=%" PRIxPTR " end=%" PRIxPTR " ", getpid(),
	       (uintptr_t)load.words, (uintptr_t)(load.words + load.nr_words));
	print_hot(&load);
	printf("\n");
	ns = run(&load, &setup);
	lost = verify(&load);
	printf("done updates=%" PRIu64 " ns=%" PRIu64 " updates_per_s=%.0f wrong=%" PRIu64
	       " lost=%" PRId64 "\n", load.nr_updates, ns,
	       (double)load.nr_updates * 1e9 / (double)ns, load.nr_wrong, (int64_t)lost);
	return load.nr_wrong || lost;
}
