// SPDX-License-Identifier: GPL-2.0
/*
 * changer.c - a target that changes its memory on command
 *
 *	changer NODE < COMMANDS
 *
 * Owns a few areas of memory, of which one at a time is hot: 25 times a second one
 * word of every page of it is written.  A command, one a line, changes the map
 * and makes an area hot whose pages lie on node NODE:
 *
 *	mmap	a new mapping
 *	munmap	the first mapping goes; what is hot stays
 *	brk	a new end of the heap
 *	mremap	the hot mapping goes elsewhere and is twice as large
 *	fork	a child shares all memory until either has written to it
 *	exec	the program begins anew
 *	exit	the end
 *
 * It says when that is done, "step name=mmap start=7f.. end=7f.. placed=100 wrong=0":
 * addresses in hex, and of 100 pages how many were on the node when they were new, as the
 * kernel told it; they may have moved since.
 *
 * Every word holds what follows from its area, its place in it and the number of
 * rounds that were made.  All of them are checked at each command and in the child; wrong
 * counts those that are not as they should be.  Exit status: 0 none was wrong.
 *
 * Example: after 700 rounds, words 0 .. 187 of each page were written twice, words
 * 188 .. 511 once.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <numa.h>
#include <numaif.h>

#define PAGE_BYTES	4096UL
#define PAGE_WORDS	(PAGE_BYTES / sizeof(uint64_t))
#define HOT_BYTES	(8UL << 20)
#define COLD_BYTES	(56UL << 20)	/* never used again: what hot is hot against */
#define ROUND_NS	40000000UL
#define MAX_AREAS	8

/** struct area - memory of one kind, [words, words + nr_pages * PAGE_WORDS) */
struct area {
	uint64_t *words, nr_pages, seed, nr_rounds;
};

static struct area areas[MAX_AREAS];
static unsigned int nr_areas;
static struct area *hot;
static uint64_t nr_wrong;
static unsigned int placed_pct;
static int node;

static void die(const char *what)
{
	fprintf(stderr, "changer: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Room is left below for the rounds. */
static uint64_t first_value(const struct area *area, uint64_t word)
{
	return (area->seed << 48) + (word << 16);
}

static uint64_t value_of(const struct area *area, uint64_t word)
{
	uint64_t nr_rounds = area->nr_rounds;

	return first_value(area, word) + nr_rounds / PAGE_WORDS +
	       (word % PAGE_WORDS < nr_rounds % PAGE_WORDS);
}

static void write_round(struct area *area)
{
	uint64_t word = area->nr_rounds++ % PAGE_WORDS;

	for (; word < area->nr_pages * PAGE_WORDS; word += PAGE_WORDS)
		area->words[word]++;
}

static void check(void)
{
	const struct area *area;
	uint64_t word;

	for (area = areas; area < areas + nr_areas; area++)
		for (word = 0; word < area->nr_pages * PAGE_WORDS; word++)
			nr_wrong += area->words[word] != value_of(area, word);
}

/* What is touched for the first time now lies on the node; it may move all the same. */
static void bind_new_pages(bool bind)
{
	struct bitmask *nodes = numa_allocate_nodemask();

	numa_bitmask_setbit(nodes, (unsigned int)node);
	if (bind ? set_mempolicy(MPOL_BIND, nodes->maskp, nodes->size + 1) :
		   set_mempolicy(MPOL_DEFAULT, NULL, 0))
		die("set_mempolicy");
	numa_free_nodemask(nodes);
}

/* Of 100 pages of the area, how many lie on the node now? */
static void ask_where(const struct area *area)
{
	uint64_t page, nr = 0;
	void *addr;
	int where;

	for (page = 0; page < area->nr_pages; page++) {
		addr = area->words + page * PAGE_WORDS;
		nr += !numa_move_pages(0, 1, &addr, NULL, &where, 0) && where == node;
	}
	placed_pct = (unsigned int)(nr * 100 / area->nr_pages);
}

static void fill(struct area *area, uint64_t first_page)
{
	uint64_t word;

	bind_new_pages(true);
	for (word = first_page * PAGE_WORDS; word < area->nr_pages * PAGE_WORDS; word++)
		area->words[word] = value_of(area, word);
	bind_new_pages(false);
	ask_where(area);
}

static struct area *add_area(void *memory, uint64_t bytes)
{
	struct area *area = &areas[nr_areas++];

	if (memory == MAP_FAILED)
		die("no memory");
	*area = (struct area){
		.words = memory, .nr_pages = bytes / PAGE_BYTES, .seed = nr_areas,
	};
	fill(area, 0);
	return area;
}

static void *map(uint64_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void do_mmap(void)
{
	hot = add_area(map(HOT_BYTES), HOT_BYTES);
}

/* The first mapping that was hot; a second one must have been made since. */
static void do_munmap(void)
{
	struct area *area = &areas[1];

	if (area == hot || munmap(area->words, area->nr_pages * PAGE_BYTES))
		die("munmap");
	area->nr_pages = 0;
}

static void do_brk(void)
{
	uintptr_t end = (uintptr_t)sbrk(0);

	if (sbrk((intptr_t)((PAGE_BYTES - end % PAGE_BYTES) % PAGE_BYTES)) == (void *)-1)
		die("sbrk");
	hot = add_area(sbrk(HOT_BYTES), HOT_BYTES);
}

/* The second mapping that was hot goes to another place. */
static void do_mremap(void)
{
	uint64_t old_pages, old_bytes;
	void *to;

	hot = &areas[2];
	old_pages = hot->nr_pages;
	old_bytes = old_pages * PAGE_BYTES;
	to = map(2 * old_bytes);
	if (to == MAP_FAILED || mremap(hot->words, old_bytes, 2 * old_bytes,
				       MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		die("mremap");
	hot->words = to;
	hot->nr_pages = 2 * old_pages;
	fill(hot, old_pages);
}

/*
 * The parent writes first and so gets the copies, on the node; then the child writes to
 * what is its alone now, checks all of it and ends.
 */
static void do_fork(void)
{
	int go[2], status;
	pid_t child;
	char byte;

	if (pipe(go))
		die("pipe");
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		close(go[1]);
		if (read(go[0], &byte, 1) < 0)
			_exit(1);
		write_round(hot);
		check();
		_exit(nr_wrong ? 1 : 0);
	}
	bind_new_pages(true);
	write_round(hot);
	bind_new_pages(false);
	ask_where(hot);
	close(go[0]);
	close(go[1]);
	if (waitpid(child, &status, 0) != child || status)
		nr_wrong++;
}

static void do_exec(char **argv)
{
	char *again[] = { argv[0], argv[1], "exec", NULL };

	execv("/proc/self/exe", again);
	die("exec");
}

static void say(const char *step)
{
	printf("step name=%s start=%" PRIxPTR " end=%" PRIxPTR " placed=%u wrong=%" PRIu64 "\n",
	       step, (uintptr_t)hot->words,
	       (uintptr_t)(hot->words + hot->nr_pages * PAGE_WORDS), placed_pct, nr_wrong);
}

static void obey(const char *command, char **argv)
{
	static const struct {
		const char *name;
		void (*act)(void);
	} steps[] = {
		{ "mmap", do_mmap }, { "munmap", do_munmap }, { "brk", do_brk },
		{ "mremap", do_mremap }, { "fork", do_fork },
	};
	unsigned int i;

	check();
	if (!strcmp(command, "exit")) {
		say("exit");
		exit(nr_wrong ? 1 : 0);
	}
	if (!strcmp(command, "exec") && !nr_wrong)
		do_exec(argv);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (strcmp(command, steps[i].name))
			continue;
		steps[i].act();
		say(command);
		return;
	}
	errno = EINVAL;
	die(command);
}

/* One command at a time comes; most times there is none. */
static void read_command(char **argv)
{
	char line[32];
	ssize_t length = read(STDIN_FILENO, line, sizeof(line) - 1);

	if (length <= 0)
		return;
	line[length] = '\0';
	line[strcspn(line, "\n")] = '\0';
	obey(line, argv);
}

int main(int argc, char **argv)
{
	uint64_t due_ns;

	if (argc < 2) {
		fprintf(stderr, "usage: changer NODE < COMMANDS\n");
		return 2;
	}
	node = atoi(argv[1]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) || prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0))
		die("cannot begin");
	add_area(map(COLD_BYTES), COLD_BYTES);
	hot = add_area(map(HOT_BYTES), HOT_BYTES);
	say(argc > 2 ? argv[2] : "start");
	/* It spins: in a guest that counts instructions an idle moment takes no time. */
	for (due_ns = now_ns();; due_ns += ROUND_NS) {
		while (now_ns() < due_ns)
			;
		write_round(hot);
		read_command(argv);
	}
}
