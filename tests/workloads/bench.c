// SPDX-License-Identifier: GPL-2.0
/*
 * bench.c - see bench.h.  What a workload does is the workload's own business.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <numa.h>
#include <numaif.h>

#include "bench.h"
#include "../../tools/meter/mark.h"

#define MAX_OPTIONS	24
#define NO_NODE		UINT64_MAX

static const char *name = "bench";
static uint64_t run_began_ns;

void bench_die(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "%s: ", name);
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(status);
}

uint64_t bench_now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static const char *const thp_choices[] = { "default", "always", "never", NULL };

/* The options of all, then the workload's own; the last row has no name. */
static void fill_table(struct bench *bench, struct bench_option table[static MAX_OPTIONS])
{
	const struct bench_option common[] = {
		{ "bytes", "memory it has resident, about; with K, M or G", BENCH_NUMBER,
		  &bench->bytes, 1 << 20, 1ULL << 40, NULL },
		{ "work", bench->work_help, BENCH_NUMBER, &bench->work, 1, 1ULL << 40, NULL },
		{ "seed", "of all random numbers", BENCH_NUMBER, &bench->seed, 1, UINT64_MAX, NULL },
		{ "thp", "huge pages for its memory: default is the machine's setting, which heaps"
		  " and servers follow with always, too", BENCH_CHOICE, &bench->thp, 0, 0,
		  thp_choices },
		{ "setup-node", "fill the memory on this node, then leave it to the kernel",
		  BENCH_NUMBER, &bench->setup_node, 0, 1023, NULL },
		{ "hold", "wait for a line on standard input before the work begins", BENCH_FLAG,
		  &bench->hold, 0, 0, NULL },
		{ "break", "spoil a little after setup: must end with status 1", BENCH_FLAG,
		  &bench->spoil, 0, 0, NULL },
	};
	const struct bench_option *own = bench->options;
	size_t nr = sizeof(common) / sizeof(*common);

	memset(table, 0, MAX_OPTIONS * sizeof(*table));
	memcpy(table, common, sizeof(common));
	for (; own && own->name && nr < MAX_OPTIONS - 1; own++)
		table[nr++] = *own;
}

static void print_default(const struct bench_option *option)
{
	uint64_t number;

	if (option->kind == BENCH_CHOICE)
		printf(" (%s)", option->choices[*(int *)option->value]);
	if (option->kind != BENCH_NUMBER)
		return;
	number = *(uint64_t *)option->value;
	if (number < option->min)
		return;
	if (number && number != NO_NODE && !(number % (1 << 20)))
		printf(" (%" PRIu64 "M)", number >> 20);
	else if (number != NO_NODE)
		printf(" (%" PRIu64 ")", number);
}

static void print_help(const struct bench *bench, const struct bench_option *option)
{
	const char *const *choice;

	printf("usage: %s [--OPTION VALUE]...\n\n%s\nOptions, with their defaults:\n", name,
	       bench->about);
	for (; option->name; option++) {
		printf("  --%s", option->name);
		if (option->kind == BENCH_NUMBER)
			printf(" N");
		if (option->kind == BENCH_FILE)
			printf(" FILE");
		for (choice = option->choices; choice && *choice; choice++)
			printf("%c%s", choice == option->choices ? ' ' : '|', *choice);
		printf("\n\t%s", option->help);
		print_default(option);
		printf("\n");
	}
	printf("\nExit status: 0; 1 the result is wrong; 2 usage, or no memory; 4 a program that\n"
	       "is needed is not installed.\n");
	exit(fflush(stdout) ? BENCH_USAGE : 0);
}

static void set_number(const struct bench_option *option, const char *text)
{
	static const char units[] = "KMG";
	const char *unit;
	unsigned int shift = 0;
	uint64_t number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 0);
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		end++;
	}
	if (errno || !isdigit((unsigned char)*text) || *end || number > UINT64_MAX >> shift ||
	    number << shift < option->min || number << shift > option->max)
		bench_die(BENCH_USAGE, "--%s is a number from %" PRIu64 " to %" PRIu64 ", not '%s'",
			  option->name, option->min, option->max, text);
	*(uint64_t *)option->value = number << shift;
}

static void set_choice(const struct bench_option *option, const char *text)
{
	int i;

	for (i = 0; option->choices[i]; i++)
		if (!strcmp(option->choices[i], text))
			*(int *)option->value = i;
	for (i = 0; option->choices[i]; i++)
		if (!strcmp(option->choices[i], text))
			return;
	bench_die(BENCH_USAGE, "--%s: what is '%s'? See --help", option->name, text);
}

static void set(const struct bench_option *option, const char *text)
{
	if (option->kind == BENCH_FLAG)
		*(bool *)option->value = true;
	else if (option->kind == BENCH_NUMBER)
		set_number(option, text);
	else if (option->kind == BENCH_FILE)
		*(const char **)option->value = text;
	else
		set_choice(option, text);
}

void bench_parse(struct bench *bench, int argc, char **argv)
{
	struct option longs[MAX_OPTIONS + 1] = { 0 };
	struct bench_option table[MAX_OPTIONS];
	int i, code;

	name = bench->name;
	if (!bench->bytes)
		bench->bytes = 256 << 20;
	bench->seed = 1;
	bench->setup_node = NO_NODE;
	fill_table(bench, table);
	for (i = 0; table[i].name; i++) {
		longs[i].name = table[i].name;
		longs[i].has_arg = table[i].kind != BENCH_FLAG;
		longs[i].val = i + 1;
	}
	longs[i].name = "help";
	longs[i].val = 'h' + MAX_OPTIONS;
	while ((code = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (code == longs[i].val)
			print_help(bench, table);
		if (code < 1 || code > i)
			exit(BENCH_USAGE);
		set(&table[code - 1], optarg);
	}
	if (optind < argc)
		bench_die(BENCH_USAGE, "what is '%s'? See --help", argv[optind]);
	if (bench->thp == BENCH_THP_NEVER && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0))
		bench_die(BENCH_USAGE, "cannot do without huge pages: %s", strerror(errno));
}

void bench_setup(const struct bench *bench)
{
	struct bitmask *nodes;

	meter_mark_phase(METER_PHASE_SETUP);
	if (bench->setup_node == NO_NODE)
		return;
	if (numa_available() < 0 || bench->setup_node > (uint64_t)numa_max_node())
		bench_die(BENCH_USAGE, "there is no node %" PRIu64, bench->setup_node);
	nodes = numa_allocate_nodemask();
	numa_bitmask_setbit(nodes, (unsigned int)bench->setup_node);
	if (set_mempolicy(MPOL_BIND, nodes->maskp, nodes->size + 1))
		bench_die(BENCH_USAGE, "cannot use node %" PRIu64 ": %s", bench->setup_node,
			  strerror(errno));
	numa_free_nodemask(nodes);
}

void bench_unbind(void)
{
	set_mempolicy(MPOL_DEFAULT, NULL, 0);
}

void *bench_map(const struct bench *bench, uint64_t bytes)
{
	char *raw, *start;
	uint64_t all = bytes + BENCH_HUGE_BYTES;

	raw = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (raw == MAP_FAILED)
		bench_die(BENCH_USAGE, "no memory of %" PRIu64 " bytes: %s", bytes, strerror(errno));
	start = (char *)(((uintptr_t)raw + BENCH_HUGE_BYTES - 1) & ~(BENCH_HUGE_BYTES - 1));
	if (bench->thp == BENCH_THP_ALWAYS)
		madvise(start, bytes, MADV_HUGEPAGE);
	return start;
}

void bench_run(const struct bench *bench, pid_t pid, pid_t pid2, uint64_t bytes)
{
	int byte = 0;

	bench_unbind();
	printf("ready pid=%d", pid);
	if (pid2)
		printf(" pid2=%d", pid2);
	printf(" bytes=%" PRIu64 "\n", bytes);
	if (fflush(stdout))
		bench_die(BENCH_USAGE, "nobody listens: %s", strerror(errno));
	while (bench->hold && byte != '\n' && byte != EOF)
		byte = getchar();
	if (byte == EOF)
		bench_die(BENCH_USAGE, "standard input ended; nobody wants the work done");
	meter_mark_phase(METER_PHASE_RUN);
	run_began_ns = bench_now_ns();
}

void bench_check(struct bench *bench)
{
	bench->run_ns = bench_now_ns() - run_began_ns;
	meter_mark_phase(METER_PHASE_CHECK);
}

double bench_per_s(const struct bench *bench, uint64_t nr)
{
	return bench->run_ns ? (double)nr * 1e9 / (double)bench->run_ns : 0;
}

int bench_done(const struct bench *bench, bool is_right, const char *format, ...)
{
	va_list args;

	printf("done ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf(" run_ns=%" PRIu64 " checked=%s\n", bench->run_ns, is_right ? "ok" : "wrong");
	if (fflush(stdout))
		return BENCH_USAGE;
	return is_right ? 0 : BENCH_WRONG;
}
