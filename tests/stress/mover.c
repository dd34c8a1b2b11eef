// SPDX-License-Identifier: GPL-2.0
/*
 * mover.c - threads that move the target's pages to and fro
 *
 * All places on the board count as one row of pages.  A batch begins at any of them
 * and takes those that are not where it goes, in order; one batch in 16 takes any
 * pages to any node.  A mover remembers where each page was last seen, so most of
 * what it asks for is a real move, and it remembers which are huge: these are named
 * once, and mostly left out, as one costs as much as 50 others.  The first thread is the
 * hasty one, with large batches; the others are slow, with small ones, and get in between.
 */
#include <errno.h>
#include <numaif.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "board.h"
#include "dev.h"
#include "dice.h"
#include "mover.h"
#include "node.h"
#include "page.h"

enum { MAX_MOVERS = 8, NICE = -10, HUGE_ONE_IN = 8 };
enum { RANDOM_BATCH = 256, SLOW_BATCH = 64, SLOW_REST_US = 3000 };

/**
 * struct mover - one thread
 * @nodes: the two nodes pages move between
 * @place: on the board, by page
 * @node: of @nodes, by page: where it was last seen
 * @is_huge: by page: it was part of a huge page when it moved last
 * @pages: the page of each entry of @moves
 */
struct mover {
	unsigned int index;
	uint64_t max_moves;
	struct dice dice;
	int nodes[2];
	unsigned int nr_pages;
	uint8_t *place, *node, *is_huge;
	uint32_t pages[HEMEM_ASSIST_MAX_BATCH];
	struct hemem_assist_move moves[HEMEM_ASSIST_MAX_BATCH];
	struct mover_counts counts;
};

static struct mover *movers[MAX_MOVERS];
static pthread_t threads[MAX_MOVERS];
static unsigned int nr_movers;
static struct mover_way way = { .fd = -1 };

/* --- the row of pages ------------------------------------------------------ */

static unsigned int count_pages(void)
{
	unsigned int i, nr = 0;

	for (i = 0; i < board->nr_places; i++)
		nr += board->places[i].nr_pages;
	return nr;
}

static uint32_t first_of[BOARD_PLACES];

static uint64_t address_of(const struct mover *mover, uint32_t page)
{
	uint8_t place = mover->place[page];

	return atomic_load_explicit(&board->places[place].addr, memory_order_relaxed) +
		(page - first_of[place]) * PAGE_BYTES;
}

/* --- a batch ---------------------------------------------------------------- */

static void add(struct mover *mover, unsigned int nr, uint32_t page, unsigned int to)
{
	mover->pages[nr] = page;
	mover->moves[nr] = (struct hemem_assist_move){
		.addr = address_of(mover, page),
		.node = (uint32_t)mover->nodes[to],
	};
}

/* How far to the page after this one; places begin at huge pages' boundaries. */
static uint32_t stride(const struct mover *mover, uint32_t page)
{
	return mover->is_huge[page] ? HUGE_PAGES - address_of(mover, page) / PAGE_BYTES %
		HUGE_PAGES : 1;
}

/* Pages in order, from any on, that are not where they shall go; how many. */
static unsigned int fill_in_order(struct mover *mover, unsigned int max)
{
	uint32_t page = dice_below(&mover->dice, mover->nr_pages), seen = 0, step;
	unsigned int nr = 0, to = !mover->node[page];

	while (nr < max && seen < mover->nr_pages) {
		if (mover->node[page] != to &&
		    (!mover->is_huge[page] || dice_one_in(&mover->dice, HUGE_ONE_IN)))
			add(mover, nr++, page, to);
		step = stride(mover, page);
		seen += step;
		page += step;
		if (page >= mover->nr_pages)
			page = 0;
	}
	return nr;
}

static unsigned int fill_at_random(struct mover *mover, unsigned int max)
{
	unsigned int nr;

	if (max > RANDOM_BATCH)
		max = RANDOM_BATCH;
	for (nr = 0; nr < max; nr++)
		add(mover, nr, dice_below(&mover->dice, mover->nr_pages),
		    dice_below(&mover->dice, 2));
	return nr;
}

static unsigned int fill(struct mover *mover)
{
	unsigned int max = mover->index ? SLOW_BATCH : HEMEM_ASSIST_MAX_BATCH;

	max = dice_spread(&mover->dice, max);
	return dice_one_in(&mover->dice, 16) ? fill_at_random(mover, max) :
					       fill_in_order(mover, max);
}

/* --- who moves ------------------------------------------------------------- */

static uint16_t status_of(int answer, uint32_t node)
{
	if (answer == (int)node)
		return HEMEM_ASSIST_MOVED;
	switch (answer) {
	case -ENOENT:
		return HEMEM_ASSIST_NO_PAGE;
	case -EFAULT:
		return HEMEM_ASSIST_ZERO;
	case -EACCES:
		return HEMEM_ASSIST_SHARED;
	case -ENOMEM:
		return HEMEM_ASSIST_NO_ROOM;
	default:
		return HEMEM_ASSIST_BUSY;
	}
}

static int ask_move_pages(pid_t target, struct hemem_assist_move *moves, unsigned int nr)
{
	static __thread void *pages[HEMEM_ASSIST_MAX_BATCH];
	static __thread int nodes[HEMEM_ASSIST_MAX_BATCH], answers[HEMEM_ASSIST_MAX_BATCH];
	unsigned int i;

	for (i = 0; i < nr; i++) {
		pages[i] = (void *)(uintptr_t)moves[i].addr;
		nodes[i] = (int)moves[i].node;
		answers[i] = -EBUSY;
	}
	/* EINVAL is said of a process that has no memory any more. */
	if (move_pages(target, nr, pages, nodes, answers, MPOL_MF_MOVE) < 0)
		return errno == EINVAL ? -ESRCH : -errno;
	for (i = 0; i < nr; i++)
		moves[i].out_status = status_of(answers[i], moves[i].node);
	return 0;
}

int mover_open(enum mover_kind kind, pid_t target, struct mover_way *ret_way)
{
	*ret_way = (struct mover_way){ .kind = kind, .target = target, .fd = -1 };
	if (kind != MOVER_HEMEM)
		return 0;
	ret_way->fd = dev_open_attached(target);
	return ret_way->fd < 0 ? ret_way->fd : 0;
}

void mover_close(struct mover_way *way)
{
	if (way->fd >= 0)
		close(way->fd);
	way->fd = -1;
}

int mover_ask(const struct mover_way *way, struct hemem_assist_move *moves,
	      unsigned int nr)
{
	switch (way->kind) {
	case MOVER_HEMEM:
		return dev_migrate(way->fd, moves, nr, 0, NULL);
	case MOVER_MOVE_PAGES:
		return ask_move_pages(way->target, moves, nr);
	default:
		return -ESRCH;
	}
}

/* --- what came of it --------------------------------------------------------- */

static void learn(struct mover *mover, const struct hemem_assist_move *move,
		  uint32_t page)
{
	uint8_t to = move->node == (uint32_t)mover->nodes[1];
	uint32_t first = page, nr = 1;

	if (move->out_status != HEMEM_ASSIST_MOVED &&
	    move->out_status != HEMEM_ASSIST_THERE) {
		mover->is_huge[page] = 0;
		return;
	}
	if (move->out_order == 9) {
		nr = HUGE_PAGES - move->addr / PAGE_BYTES % HUGE_PAGES;
		if (first + nr > mover->nr_pages)
			nr = mover->nr_pages - first;
	}
	memset(mover->node + first, to, nr);
	memset(mover->is_huge + first, nr > 1, nr);
}

/* A page that several entries name has moved once. */
static uint64_t count(struct mover *mover, unsigned int nr)
{
	struct mover_counts *counts = &mover->counts;
	uint64_t last = ~0ULL, moved = 0, page;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		const struct hemem_assist_move *move = &mover->moves[i];

		/* The target lives as long as movers move: no reason to leave one out. */
		if (move->out_status == HEMEM_ASSIST_UNTRIED ||
		    move->out_status >= HEMEM_ASSIST_NR_STATUS)
			board_violate("mover", "MIGRATE tries every entry (status)",
				      (void *)(uintptr_t)move->addr, 0, move->out_status);
		else
			counts->entries[move->out_status]++;
		learn(mover, move, mover->pages[i]);
		page = move->addr & -(PAGE_BYTES << move->out_order);
		if (move->out_status != HEMEM_ASSIST_MOVED || page == last)
			continue;
		last = page;
		moved++;
		counts->huge_moves += move->out_order > 0;
		counts->base_moves += move->out_order == 0;
		counts->bytes += PAGE_BYTES << move->out_order;
	}
	counts->batches++;
	return moved;
}

static void *run(void *arg)
{
	struct mover *mover = arg;
	struct timespec cpu;
	int err = 0;

	setpriority(PRIO_PROCESS, (id_t)gettid(), mover->index ? 0 : NICE);
	board_wait(BOARD_RUN);
	while (!board_is_over() && !err) {
		unsigned int nr = fill(mover);
		uint64_t moved = 0;

		if (nr) {
			err = mover_ask(&way, mover->moves, nr);
			moved = err ? 0 : count(mover, nr);
		}
		moved += atomic_fetch_add(&board->moves, moved);
		if (mover->max_moves && moved >= mover->max_moves)
			atomic_store(&board->phase, BOARD_STOP);
		if (mover->index)
			dice_rest(&mover->dice, SLOW_REST_US);
	}
	if (err)
		board_violate("mover", "a batch can be tried (errno)", NULL, 0,
			      (uint64_t)-err);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	mover->counts.cpu_us = (uint64_t)cpu.tv_sec * 1000000 + (uint64_t)cpu.tv_nsec / 1000;
	return NULL;
}

/* --- start and end --------------------------------------------------------------- */

static struct mover *make(unsigned int nr_pages)
{
	struct mover *mover = calloc(1, sizeof(*mover));
	uint32_t i, page;

	if (!mover)
		return NULL;
	mover->nr_pages = nr_pages;
	mover->place = calloc(nr_pages, 1);
	mover->node = calloc(nr_pages, 1);
	mover->is_huge = calloc(nr_pages, 1);
	mover->nodes[0] = node_a();
	mover->nodes[1] = node_b();
	if (!mover->place || !mover->node || !mover->is_huge)
		return NULL;
	for (i = 0, page = 0; i < board->nr_places; i++) {
		first_of[i] = page;
		memset(mover->place + page, (int)i, board->places[i].nr_pages);
		page += board->places[i].nr_pages;
	}
	return mover;
}

int mover_start(enum mover_kind kind, pid_t target, unsigned int nr,
		uint64_t max_moves, uint64_t seed)
{
	unsigned int i;
	int err;

	if (kind == MOVER_NONE || !board->nr_places)
		return 0;
	err = mover_open(kind, target, &way);
	if (err)
		return err;
	for (i = 0; i < nr && i < MAX_MOVERS; i++) {
		struct mover *mover = make(count_pages());

		if (!mover)
			return -ENOMEM;
		mover->index = i;
		mover->max_moves = max_moves;
		dice_init(&mover->dice, seed * 7919 + i);
		movers[i] = mover;
		err = pthread_create(&threads[i], NULL, run, mover);
		if (err)
			return -err;
		nr_movers++;
	}
	return 0;
}

static void add_counts(struct mover_counts *sum, const struct mover_counts *counts)
{
	unsigned int i;

	sum->batches += counts->batches;
	sum->base_moves += counts->base_moves;
	sum->huge_moves += counts->huge_moves;
	sum->bytes += counts->bytes;
	sum->cpu_us += counts->cpu_us;
	for (i = 0; i < HEMEM_ASSIST_NR_STATUS; i++)
		sum->entries[i] += counts->entries[i];
}

void mover_end(struct mover_counts *ret_counts)
{
	unsigned int i;

	memset(ret_counts, 0, sizeof(*ret_counts));
	for (i = 0; i < nr_movers; i++) {
		pthread_join(threads[i], NULL);
		add_counts(ret_counts, &movers[i]->counts);
		free(movers[i]->place);
		free(movers[i]->node);
		free(movers[i]->is_huge);
		free(movers[i]);
	}
	nr_movers = 0;
	mover_close(&way);
}
