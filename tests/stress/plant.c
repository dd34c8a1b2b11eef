// SPDX-License-Identifier: GPL-2.0
/*
 * plant.c - what goes wrong on purpose, so that we know that it would be seen
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "plant.h"
#include "uffd.h"

enum { REST_US = 3000, OLD_US = 20000, HOT_PAGES = 8 };
enum { LEAK_BYTES = 16 << 20, RSS_BYTES = 4 << 20 };

static enum plant_kind kind;
static int actor = -1;

/* The thread that spoils memory of @worker's actor. */
static struct {
	pthread_t thread;
	struct worker worker;
	int mem;
} planter;

int plant_set(const char *text)
{
	static const char *const names[] = {
		[PLANT_FLIP] = "flip", [PLANT_OLD] = "old", [PLANT_CLEAN] = "clean",
		[PLANT_OPEN] = "open", [PLANT_LEAK] = "leak", [PLANT_RSS] = "rss",
		[PLANT_SPLIT] = "split",
	};
	size_t length = text ? strcspn(text, ":") : 0;

	if (!text)
		return 0;
	for (kind = PLANT_SPLIT; kind != PLANT_NONE; kind--)
		if (strlen(names[kind]) == length && !strncmp(names[kind], text, length))
			break;
	if (text[length])
		actor = actor_find(text + length + 1, strlen(text + length + 1));
	/* All but the last three are about an actor. */
	return kind == PLANT_NONE || (kind < PLANT_LEAK) != (actor >= 0) ? -EINVAL : 0;
}

/* --- memory ------------------------------------------------------------------------- */

/* By /proc/self/mem: the page may be read-only, or not there at all. */
static void transfer(char *page, char *at, size_t bytes, bool is_write)
{
	off_t offset = (off_t)(uintptr_t)at;
	ssize_t done = is_write ? pwrite(planter.mem, page, bytes, offset) :
				  pread(planter.mem, page, bytes, offset);

	if (done != (ssize_t)bytes)
		memset(page, 0, bytes);
}

static char *pick_page(struct worker *worker)
{
	struct arena *arena = worker->arena;

	return arena_page(arena, dice_below(&worker->dice, dice_one_in(&worker->dice, 2) ?
					    HOT_PAGES : arena->nr_pages));
}

static void flip(struct worker *worker)
{
	char *at = pick_page(worker) + 8 * dice_below(&worker->dice, PAGE_WORDS);
	uint64_t word = 0;

	transfer((char *)&word, at, sizeof(word), false);
	word ^= 1ULL << dice_below(&worker->dice, 64);
	transfer((char *)&word, at, sizeof(word), true);
}

static void restore_old(struct worker *worker)
{
	static char page[4096];
	char *at = pick_page(worker);

	transfer(page, at, sizeof(page), false);
	usleep(dice_spread(&worker->dice, OLD_US));
	transfer(page, at, sizeof(page), true);
}

static void *spoil(void *arg)
{
	struct worker *worker = arg;

	board_wait(BOARD_RUN);
	while (!board_is_over()) {
		switch (kind) {
		case PLANT_FLIP:
			flip(worker);
			break;
		case PLANT_OLD:
			restore_old(worker);
			break;
		case PLANT_CLEAN:
			file_write("/proc/self/clear_refs", "4");
			break;
		default:
			uffd_open_page(pick_page(worker));
		}
		usleep(dice_spread(&worker->dice, REST_US));
	}
	return NULL;
}

static int start_spoiling(const struct crew *crew, uint64_t seed)
{
	unsigned int i;

	for (i = 0; i < crew->nr; i++)
		if (crew->workers[i].number == (unsigned int)actor)
			planter.worker = crew->workers[i];
	/* Not here: it will ask by plant_flip_word(), or was not chosen. */
	if (!planter.worker.arena)
		return 0;
	dice_init(&planter.worker.dice, seed ^ 0x5b01);
	planter.mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	if (planter.mem < 0)
		return -errno;
	return -pthread_create(&planter.thread, NULL, spoil, &planter.worker);
}

void plant_flip_word(struct worker *worker, void *page)
{
	uint64_t *words = page;

	if (kind == PLANT_FLIP && (int)worker->number == actor)
		words[dice_below(&worker->dice, PAGE_WORDS)] ^= 1;
}

/* --- what the gauges see -------------------------------------------------------------- */

static void touch(size_t bytes)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			    MAP_ANONYMOUS, -1, 0);

	if (memory != MAP_FAILED)
		memset(memory, 1, bytes);
}

/* A mapping that ends within a huge page; what is in it stays. */
static void split_one(const struct crew *crew)
{
	const struct arena *arena = crew->workers[0].arena;

	madvise(arena_page(arena, arena->nr_base), PAGE_BYTES, MADV_DOFORK);
}

static void *change_gauge(void *arg)
{
	board_wait(BOARD_RUN);
	if (kind == PLANT_RSS)
		touch(RSS_BYTES);
	else
		split_one(arg);
	return NULL;
}

void plant_leak(void)
{
	int fd = kind == PLANT_LEAK ? memfd_create("leak", 0) : -1;
	char *memory = fd < 0 || ftruncate(fd, LEAK_BYTES) ? MAP_FAILED :
		mmap(NULL, LEAK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory != MAP_FAILED)
		memset(memory, 1, LEAK_BYTES);
}

int plant_start(struct crew *crew, uint64_t seed)
{
	switch (kind) {
	case PLANT_NONE:
	case PLANT_LEAK:
		return 0;
	case PLANT_RSS:
	case PLANT_SPLIT:
		return -pthread_create(&planter.thread, NULL, change_gauge, crew);
	default:
		return start_spoiling(crew, seed);
	}
}
