// SPDX-License-Identifier: GPL-2.0
/*
 * kv_find.c - which pages of a program hold the values of some keys
 *
 * A line that is found says how many lines of its value follow, so the search
 * goes on behind the value: a few bytes are looked at for every 4 KiB.
 *
 * Example: the line "#k00000007 l00 ..." at 0x7f0000001ff0 belongs to a value
 * of 4032 bytes: it lies on the pages 0x7f0000001000 and 0x7f0000002000.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kv.h"

#define PIECE_BYTES	(4UL << 20)	/* what is read at once; pages of 4 KiB */
#define PAGE_BYTES	4096UL

struct search {
	int mem;
	char *piece;
	bool (*wanted)(uint32_t key, void *arg);
	void (*found)(uint64_t addr, void *arg);
	void *arg;
	uint64_t last_page;
	long nr_pages;
};

/* Is this the beginning of a line?  Then which one, of which key. */
static bool parse_line(const char *text, uint32_t *ret_key, unsigned int *ret_line)
{
	unsigned int line;
	uint32_t key;
	char digits[24];

	memcpy(digits, text, 23);
	digits[23] = 0;
	if (digits[10] != ' ' || digits[11] != 'l' || digits[14] != ' ' || digits[15] != 'v')
		return false;
	if (sscanf(digits, "#k%8" SCNx32 " l%2x", &key, &line) != 2 || line >= KV_LINES)
		return false;
	*ret_key = key;
	*ret_line = line;
	return true;
}

static void report(struct search *search, uint64_t start, uint64_t end)
{
	uint64_t page;

	for (page = start & ~(PAGE_BYTES - 1); page < end; page += PAGE_BYTES) {
		if (page <= search->last_page)
			continue;
		search->last_page = page;
		search->nr_pages++;
		search->found(page, search->arg);
	}
}

/*
 * [0, bytes) of the piece is memory at @addr.  What a value has beyond the piece
 * is found by its next line, there.
 */
static void search_piece(struct search *search, uint64_t addr, size_t bytes)
{
	size_t at = 0, value_bytes, rest;
	unsigned int line;
	const char *hit;
	uint32_t key;

	while (at + KV_LINE_BYTES <= bytes) {
		hit = memmem(search->piece + at, bytes - at, "#k", 2);
		if (!hit)
			return;
		at = (size_t)(hit - search->piece);
		if (at + KV_LINE_BYTES > bytes)
			return;
		if (!parse_line(hit, &key, &line)) {
			at += 2;
			continue;
		}
		rest = bytes - at;
		value_bytes = (KV_LINES - line) * (size_t)KV_LINE_BYTES;
		if (value_bytes > rest)
			value_bytes = rest;
		if (search->wanted(key, search->arg))
			report(search, addr + at, addr + at + value_bytes);
		at += value_bytes;
	}
}

static void search_region(struct search *search, uint64_t start, uint64_t end)
{
	size_t bytes;
	ssize_t got;

	for (; start < end; start += bytes) {
		bytes = end - start < PIECE_BYTES ? end - start : PIECE_BYTES;
		got = pread(search->mem, search->piece, bytes, (off_t)start);
		if (got > 0)
			search_piece(search, start, (size_t)got);
	}
}

long kv_find(pid_t pid, bool (*wanted)(uint32_t key, void *arg), void *arg,
	     void (*found)(uint64_t addr, void *arg))
{
	struct search search = { .wanted = wanted, .arg = arg, .found = found };
	char path[64], line[512], rights[8];
	uint64_t start, end;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	search.mem = open(path, O_RDONLY | O_CLOEXEC);
	if (search.mem < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	search.piece = malloc(PIECE_BYTES);
	while (maps && search.piece && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &start, &end, rights) == 3 &&
		    !strcmp(rights, "rw-p"))
			search_region(&search, start, end);
	if (!maps || !search.piece)
		search.nr_pages = -ENOMEM;
	if (maps)
		fclose(maps);
	free(search.piece);
	close(search.mem);
	return search.nr_pages;
}
