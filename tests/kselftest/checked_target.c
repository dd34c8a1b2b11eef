// SPDX-License-Identifier: GPL-2.0
/*
 * checked_target.c - a program whose data must not be spoilt, for ctl_test.sh
 *
 *	checked_target MIB
 *
 * Fills memory with numbers that depend on their place, says "ready", and reads
 * it over and over, one page in ten at every turn and the others in turn. Ends
 * at SIGTERM, after it has read everything once more. Exit status: 0 all was as
 * written, at all times; 1 it was not.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { WORDS = 4096 / sizeof(uint64_t) };	/* of a page */

static volatile sig_atomic_t must_end;

static void end(int signal_nr __attribute__((unused)))
{
	must_end = 1;
}

static uint64_t number_at(size_t i)
{
	return (i + 1) * 0x9e3779b97f4a7c15;
}

static bool is_good(const volatile uint64_t *words, size_t page)
{
	size_t i;

	for (i = page * WORDS; i < (page + 1) * WORDS; i++)
		if (words[i] != number_at(i))
			return false;
	return true;
}

int main(int argc, char **argv)
{
	size_t nr_pages = (argc > 1 ? strtoul(argv[1], NULL, 10) : 16) * 256;
	size_t i, turn, bad = 0;
	uint64_t *words;

	signal(SIGTERM, end);
	words = mmap(NULL, nr_pages * 4096, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (words == MAP_FAILED)
		return 1;
	for (i = 0; i < nr_pages * WORDS; i++)
		words[i] = number_at(i);
	puts("ready");
	fflush(stdout);
	for (turn = 0; !must_end; turn++)
		for (i = 0; i < nr_pages && !must_end; i++)
			if (i % 10 == 0 || (i + turn) % 10 == 0)
				bad += !is_good(words, i);
	for (i = 0; i < nr_pages; i++)
		bad += !is_good(words, i);
	printf("%zu turns, %zu bad pages\n", turn, bad);
	return bad ? 1 : 0;
}
