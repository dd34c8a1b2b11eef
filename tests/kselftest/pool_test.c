// SPDX-License-Identifier: GPL-2.0
/*
 * pool_test.c - pages that swaps have emptied: kept for the next swap, up to a bound, and given
 * back when somebody else needs them
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "file.h"
#include "harness.h"
#include "mem.h"
#include "need.h"
#include "node.h"

#define HEMEM	"/sys/class/misc/hemem/"
#define POOL_KIB "/sys/module/hemem_assist/parameters/pool_kib"

static struct hemem_assist_move moves[HEMEM_ASSIST_MAX_BATCH];
static struct mem mem;
static int fd = -1;

static void attach_self(void)
{
	fd = dev_open_attached(getpid());
	ASSERT_LE(0, fd);
}

static const struct page_size {
	const char *name;
	unsigned int order;
	unsigned int nr;		/* in a test */
	need_fn lacks;
} sizes[] = {
	{ "base", 0, 600, NULL },
	{ "huge", 9, 3, need_thp },
};

static const char *size_name(int row)
{
	return sizes[row].name;
}

static const char *size_lacks(int row)
{
	return sizes[row].lacks ? sizes[row].lacks() : NULL;
}

static const struct rows size_rows = {
	.nr = sizeof(sizes) / sizeof(sizes[0]), .name = size_name, .lacks = size_lacks,
};

static void make(const struct page_size *size)
{
	if (size->order)
		mem_make_huge(&mem, size->nr, node_a());
	else
		mem_make_anon(&mem, size->nr, node_a());
	attach_self();
	/* No page waits in a CPU's list any more; nothing moves.  And the pool is empty. */
	ASSERT_EQ(0, dev_migrate(fd, moves, mem_moves(&mem, node_a(), moves), 0, NULL));
	ASSERT_EQ(0, file_write("/proc/sys/vm/drop_caches", "2"));
	ASSERT_EQ(0, file_number(HEMEM "pooled_bytes"));
}

/* All of it to @nid.  Return: how many of the new pages were recycled. */
static long move_all(int nid)
{
	long recycled = file_number(HEMEM "stats/recycled");
	long swapped = file_number(HEMEM "stats/swapped");
	unsigned int nr = mem_moves(&mem, nid, moves);

	ASSERT_EQ(0, dev_migrate(fd, moves, nr, 0, NULL));
	EXPECT_EQ(nr, file_number(HEMEM "stats/swapped") - swapped);
	EXPECT_EQ(0, mem_count_bad(&mem));
	return file_number(HEMEM "stats/recycled") - recycled;
}

static long pooled(const struct page_size *size)
{
	return file_number(HEMEM "pooled_bytes") / (4096L << size->order);
}

TEST_ROWS(recycled, "swap pages there and back and there, and find the way back and all after "
	  "it use the pages that were left", &size_rows, need_swaps, need_two_nodes)
{
	const struct page_size *size = &sizes[row];

	make(size);
	EXPECT_EQ(0, move_all(node_b()));
	EXPECT_EQ(size->nr, pooled(size));
	EXPECT_EQ(size->nr, move_all(node_a()));
	EXPECT_EQ(size->nr, move_all(node_b()));
	EXPECT_EQ(size->nr, pooled(size));
}

TEST_ROWS(within_batch, "swap the two halves of some memory for each other in one batch, and "
	  "find the second half in pages of the first", &size_rows, need_swaps, need_two_nodes)
{
	const struct page_size *size = &sizes[row];
	unsigned int nr, half, i;
	long recycled;

	make(size);
	nr = mem_moves(&mem, node_a(), moves);
	half = (nr + 1) / 2;
	ASSERT_EQ(0, dev_migrate(fd, moves, mem_moves(&mem, node_b(), moves) - half, 0, NULL));
	/* The other half waits yet on node a; what the first half left there waits, too. */
	mem_moves(&mem, node_a(), moves);
	for (i = nr - half; i < nr; i++)
		moves[i].node = node_b();
	recycled = file_number(HEMEM "stats/recycled");
	ASSERT_EQ(0, dev_migrate(fd, moves, nr, 0, NULL));
	EXPECT_LE(nr - 1, file_number(HEMEM "stats/recycled") - recycled);
	EXPECT_EQ(0, mem_count_bad(&mem));
}

TEST_ROWS(bounded, "set pool_kib to 2 MiB and to 0, and find no more kept",
	  &size_rows, need_swaps, need_two_nodes)
{
	const struct page_size *size = &sizes[row];
	const long kept = 512 >> size->order;

	make(size);
	ASSERT_EQ(0, file_set(POOL_KIB, "2048"));
	EXPECT_EQ(0, move_all(node_b()));
	EXPECT_EQ(kept, pooled(size));
	EXPECT_EQ(kept, move_all(node_a()));
	ASSERT_EQ(0, file_set(POOL_KIB, "0"));
	EXPECT_EQ(kept, move_all(node_b()));
	EXPECT_EQ(0, move_all(node_a()));
	EXPECT_EQ(0, pooled(size));
	file_restore_all();
}

TEST_ROWS(given_back, "ask the kernel to shrink what it caches, then detach, and find the pool "
	  "empty each time", &size_rows, need_swaps, need_two_nodes)
{
	const struct page_size *size = &sizes[row];

	make(size);
	move_all(node_b());
	ASSERT_EQ(size->nr, pooled(size));
	ASSERT_EQ(0, file_write("/proc/sys/vm/drop_caches", "2"));
	EXPECT_EQ(0, pooled(size));
	move_all(node_a());
	ASSERT_EQ(size->nr, pooled(size));
	close(fd);
	EXPECT_EQ(0, pooled(size));
}
