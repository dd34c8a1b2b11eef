// SPDX-License-Identifier: GPL-2.0
/*
 * count.c - the actor "count": words that only grow, one writer each, many readers
 *
 * Every page has a word for each writer, on a cache line of its own, a word that lies
 * half in it and half in the next page, and constants between them:
 *
 *	0        4        64       72        128            4092     4096
 *	| half a | const  | word 0 | const   | word 1 | ... | half a | next page
 *	| word   |                                          | word   |
 *
 * After each write the writer publishes the value outside of the memory that moves.
 * So everybody knows what must be seen: what is published, or more; never less than
 * was seen before; never more than is published after, and one.
 *
 * Most writes go to a few hot pages.  They stay in the TLB, writable, which is what
 * the engine's first flush is for; and they are written in every phase of a move.
 */
#include <stdlib.h>
#include <string.h>

#include "actor.h"

enum { WRITERS = 3, READERS = 2, BURST = 256, HOT_PAGES = 24, MOVES_A_PLACE = 4096 };
enum { NR_BASE = 2048, NR_HUGE = 2, NR_PAGES = NR_BASE + NR_HUGE * HUGE_PAGES };

/* published[writer][page]; of a straddling word, its writer's */
static _Atomic uint64_t published[WRITERS][NR_PAGES];
static uint64_t straddled[NR_PAGES];

/* What a reader saw last. */
struct reader {
	uint64_t seen[WRITERS][NR_PAGES];
};

static _Atomic uint64_t *word_of(const struct arena *arena, uint32_t page,
				 unsigned int writer)
{
	return (_Atomic uint64_t *)(arena_page(arena, page) + 64 * (writer + 1));
}

static bool is_constant(unsigned int i)
{
	return i % 8 || i == 0 ? i != 0 && i != PAGE_WORDS - 1 : i > 8 * WRITERS;
}

static uint64_t label_of(uint32_t page)
{
	return 0xc0ffee00000 + page;
}

static void lay_out(struct arena *arena)
{
	uint32_t page;
	unsigned int i;

	for (page = 0; page < arena->nr_pages; page++) {
		uint64_t *words = (uint64_t *)arena_page(arena, page);

		memset(words, 0, PAGE_BYTES);
		for (i = 0; i < PAGE_WORDS; i++)
			if (is_constant(i))
				words[i] = page_word(label_of(page), i);
	}
}

static int begin(struct arena *arena)
{
	lay_out(arena);
	return 0;
}

static int begin_thread(struct worker *worker)
{
	if (worker->index < WRITERS)
		return 0;
	worker->state = calloc(1, sizeof(struct reader));
	return worker->state ? 0 : -1;
}

/* Mostly one of the hot pages: some base pages and one of a huge page. */
static uint32_t pick_page(struct worker *worker)
{
	uint32_t page = dice_below(&worker->dice, HOT_PAGES);

	if (dice_one_in(&worker->dice, 8))
		return dice_below(&worker->dice, worker->arena->nr_pages);
	return page ? page : worker->arena->nr_base;
}

static void check_constants(struct worker *worker, uint32_t page, unsigned int nr)
{
	const volatile uint64_t *words =
		(uint64_t *)arena_page(worker->arena, page);
	unsigned int i = nr == PAGE_WORDS ? 0 : dice_below(&worker->dice, PAGE_WORDS);

	for (; nr-- && i < PAGE_WORDS; i++) {
		uint64_t seen = words[i];

		if (is_constant(i) && seen != page_word(label_of(page), i)) {
			worker_violate(worker, "a constant word changed",
				       (void *)&words[i],
				       page_word(label_of(page), i), seen);
			return;
		}
	}
	worker_count_check(worker);
}

/* --- writers ------------------------------------------------------------- */

static void write_word(struct worker *worker, _Atomic uint64_t *word, uint64_t value)
{
	switch (dice_below(&worker->dice, 4)) {
	case 0:
		atomic_fetch_add(word, 1);
		break;
	case 1:
		atomic_exchange(word, value);
		break;
	default:
		*(volatile uint64_t *)word = value;
	}
}

static void count_up(struct worker *worker, uint32_t page)
{
	_Atomic uint64_t *mine = &published[worker->index][page];
	_Atomic uint64_t *word = word_of(worker->arena, page, worker->index);
	uint64_t value = atomic_load_explicit(mine, memory_order_relaxed);
	uint64_t seen = atomic_load(word);

	if (!worker_check(worker, seen == value, "a writer finds what it wrote",
			  word, value, seen))
		*(volatile uint64_t *)word = value;
	write_word(worker, word, value + 1);
	atomic_store(mine, value + 1);
}

/* One store that two pages have a part in. */
static void count_straddling(struct worker *worker, uint32_t page)
{
	char *at = arena_page(worker->arena, page + 1) - 4;
	uint64_t seen;

	if (page % 2 || page / 2 % WRITERS != worker->index)
		return;
	memcpy(&seen, at, sizeof(seen));
	worker_check(worker, seen == straddled[page],
		     "a writer finds what it wrote across two pages", at,
		     straddled[page], seen);
	/* Both halves change. */
	seen = straddled[page] += 0x100000001;
	*(volatile uint64_t __attribute__((aligned(1))) *)at = seen;
}

static void write_some(struct worker *worker)
{
	int i;

	for (i = 0; i < BURST; i++) {
		uint32_t page = pick_page(worker);

		count_up(worker, page);
		count_straddling(worker, page);
	}
}

/* --- readers --------------------------------------------------------------- */

static void look(struct worker *worker, uint32_t page, unsigned int writer)
{
	struct reader *reader = worker->state;
	uint64_t *last = &reader->seen[writer][page];
	_Atomic uint64_t *word = word_of(worker->arena, page, writer);
	uint64_t before = atomic_load(&published[writer][page]);
	uint64_t seen = atomic_load(word);
	uint64_t after = atomic_load(&published[writer][page]);

	worker_check(worker, seen >= before, "a published write is seen", word, before,
		     seen);
	worker_check(worker, seen >= *last, "a write that was seen stays seen", word,
		     *last, seen);
	worker_check(worker, seen <= after + 1, "nothing is seen that was not written",
		     word, after + 1, seen);
	*last = seen;
}

static void read_some(struct worker *worker)
{
	int i;

	for (i = 0; i < BURST; i++)
		look(worker, pick_page(worker), dice_below(&worker->dice, WRITERS));
	check_constants(worker, pick_page(worker), 16);
	if (dice_one_in(&worker->dice, 8))
		check_constants(worker, pick_page(worker), PAGE_WORDS);
}

/*
 * A reader keeps a stale entry only as long as nobody writes to the page on its own CPU:
 * that is a fault which mends it.  So for a while writers are on one CPU and readers on
 * the other, then the other way round, then all on any.
 */
static void choose_cpu(const struct worker *worker)
{
	uint64_t time = atomic_load(&board->moves) / MOVES_A_PLACE % 3;
	bool is_reader = worker->index >= WRITERS;

	worker_use_cpus(time == 2 ? WORKER_ALL : is_reader == (bool)time ? WORKER_ODD :
			WORKER_EVEN);
}

static void step(struct worker *worker)
{
	if (dice_one_in(&worker->dice, 16))
		choose_cpu(worker);
	if (worker->index < WRITERS)
		write_some(worker);
	else
		read_some(worker);
}

static void end(struct worker *worker)
{
	uint32_t page;
	unsigned int writer;
	uint64_t seen;

	for (page = 0; page < worker->arena->nr_pages; page++) {
		check_constants(worker, page, PAGE_WORDS);
		for (writer = 0; writer < WRITERS; writer++) {
			_Atomic uint64_t *word = word_of(worker->arena, page, writer);

			worker_check(worker, *word == published[writer][page],
				     "at the end every word is what was written last",
				     word, published[writer][page], *word);
		}
		if (page % 2)
			continue;
		memcpy(&seen, arena_page(worker->arena, page + 1) - 4, sizeof(seen));
		worker_check(worker, seen == straddled[page],
			     "at the end every straddling word is what was written last",
			     arena_page(worker->arena, page + 1) - 4, straddled[page],
			     seen);
	}
}

const struct actor count_actor = {
	.name = "count",
	.hazard = "threads count in words of shared pages and look at each other's: lost writes "
		  "and stale TLB entries (no write-protect, no flush, no verify)",
	.nr_threads = WRITERS + READERS,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.is_still = true,
	.picks_cpus = true,
	.begin = begin,
	.begin_thread = begin_thread,
	.step = step,
	.end = end,
};
