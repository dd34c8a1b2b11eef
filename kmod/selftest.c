// SPDX-License-Identifier: GPL-2.0
/*
 * selftest.c - does a swap change what it should, and nothing else, on this very kernel?
 *
 * engine_swap.c depends on what the kernel's own code takes for granted about a page.  A
 * distributor's patch may change that without changing any declaration.  So at load a
 * few pages of the loading process itself (insmod, modprobe) are swapped, looked at, and
 * thrown away.  What differs is said in the log, and swaps stay off.
 *
 * Looked at: bytes, node, and that writes arrive; flags, mapping, index, counts of
 * mappings and references; the memory cgroup; that a page that somebody refers to is
 * refused, and that what is not there stays so.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "hemem.h"
#include "ksyms.h"

#ifdef HEMEM_SWAP

enum {
	NR_FILLED	= 40,		/* more than one transaction */
	PINNED		= 7,		/* of those the one that is referred to */
	ABSENT		= NR_FILLED,	/* never touched */
	NR_PAGES,
};

/* What has to be with the new page as it was with the old one. */
#define KEPT_FLAGS	(BIT(PG_swapbacked) | BIT(PG_uptodate) | BIT(PG_active) |	\
			 BIT(PG_dirty) | BIT(PG_workingset) | BIT(PG_mlocked) |		\
			 BIT(PG_unevictable) | BIT(PG_lru) | BIT(PG_locked) |		\
			 BIT(PG_writeback) | BIT(PG_anon_exclusive))

/**
 * struct look - what is known of one page
 * @flags: KEPT_FLAGS of it
 * @mapping: where it belongs
 * @index: and where there
 * @memcg: what it is charged to
 * @nr_mapped: entries that map it
 * @nr_refs: references, without the one that looking takes
 * @nid: its node
 */
struct look {
	unsigned long flags;
	struct address_space *mapping;
	pgoff_t index;
	struct mem_cgroup *memcg;
	int nr_mapped;
	int nr_refs;
	int nid;
};

/**
 * struct selftest - the scratch memory
 * @addr: where it is in the current process
 * @before: of each filled page
 * @moves: one an entry
 * @outcomes: what the engine says
 */
struct selftest {
	unsigned long addr;
	struct look before[NR_FILLED];
	struct hemem_assist_move moves[NR_PAGES];
	u8 outcomes[NR_PAGES];
};

static void __user *page_at(const struct selftest *test, unsigned int i)
{
	return (void __user *)(test->addr + i * PAGE_SIZE);
}

static u64 word_of(unsigned int page, unsigned int word)
{
	return page * 0x9e3779b97f4a7c15ULL + word;
}

static int fill(const struct selftest *test, unsigned int page, unsigned int salt)
{
	u64 __user *words = page_at(test, page);
	unsigned int i;

	for (i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		if (put_user(word_of(page + salt, i), &words[i]))
			return -EFAULT;
	return 0;
}

static bool has(const struct selftest *test, unsigned int page, unsigned int salt)
{
	u64 __user *words = page_at(test, page);
	unsigned int i;
	u64 word;

	for (i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		if (get_user(word, &words[i]) || word != word_of(page + salt, i))
			return false;
	return true;
}

static int look_at(const struct selftest *test, unsigned int i, struct look *ret)
{
	unsigned long addr = test->addr + i * PAGE_SIZE;
	struct page *page;

	if (get_user_pages_fast(addr, 1, 0, &page) != 1)
		return -EFAULT;
	*ret = (struct look){
		.flags = READ_ONCE(page->flags) & KEPT_FLAGS,
		.mapping = READ_ONCE(page->mapping),
		.index = page->index,
		.memcg = folio_memcg(page_folio(page)),
		.nr_mapped = hemem_page_mapcount(page),
		.nr_refs = page_ref_count(page) - 1,
		.nid = page_to_nid(page),
	};
	put_page(page);
	return 0;
}

/* A node to move to; -1: there is none. */
static int other_node(int nid)
{
	int node;

	for_each_node_state(node, N_MEMORY)
		if (node != nid)
			return node;
	return -1;
}

static bool is_same(const struct look *a, const struct look *b)
{
	return a->flags == b->flags && a->mapping == b->mapping &&
	       a->index == b->index && a->memcg == b->memcg &&
	       a->nr_mapped == b->nr_mapped && a->nr_refs == b->nr_refs;
}

/* NULL, or what is wrong with page @i, which was to be swapped. */
static const char *judge(const struct selftest *test, unsigned int i, int node)
{
	struct look now;

	if (test->moves[i].out_status != HEMEM_ASSIST_MOVED)
		return "it was not swapped";
	if (!has(test, i, 0))
		return "its bytes have changed";
	if (look_at(test, i, &now))
		return "it is gone";
	if (now.nid != node)
		return "it is on the wrong node";
	if (!is_same(&test->before[i], &now))
		return "its state has changed";
	if (fill(test, i, 1) || !has(test, i, 1))
		return "it cannot be written";
	return NULL;
}

static const char *judge_refused(const struct selftest *test)
{
	struct look now;

	if (test->moves[PINNED].out_status != HEMEM_ASSIST_UNTRIED ||
	    test->outcomes[PINNED] != HEMEM_SWAP_referenced)
		return "somebody refers to it, and it was not refused";
	if (!has(test, PINNED, 0) || look_at(test, PINNED, &now) ||
	    now.nid != test->before[PINNED].nid)
		return "it was refused, and has changed";
	if (test->moves[ABSENT].out_status != HEMEM_ASSIST_NO_PAGE)
		return "it is not there, and was found";
	return NULL;
}

static enum hemem_assist_no_swap verdict(const struct selftest *test, int node)
{
	const char *wrong = judge_refused(test);
	unsigned int i;

	for (i = 0; i < NR_FILLED && !wrong; i++)
		if (i != PINNED)
			wrong = judge(test, i, node);
	if (!wrong)
		return HEMEM_ASSIST_SWAPS;
	pr_warn("test of swaps: page %u: %s\n", i ? i - 1 : PINNED, wrong);
	return HEMEM_ASSIST_NO_SWAP_FAILED;
}

static int prepare(struct selftest *test)
{
	unsigned int i;

	for (i = 0; i < NR_FILLED; i++)
		if (fill(test, i, 0))
			return -EFAULT;
	/* They wait in a CPU's list, which has a reference. */
	ksym(lru_add_drain_all)();
	for (i = 0; i < NR_FILLED; i++)
		if (look_at(test, i, &test->before[i]) ||
		    test->before[i].nid != test->before[0].nid)
			return -EFAULT;
	return 0;
}

/* All to @node.  Return: 0 or -errno. */
static int run(struct selftest *test, int node)
{
	struct hemem_assist_migrate reply = { .nr_moves = NR_PAGES };
	struct hemem_batch batch = {
		.mm = current->mm, .moves = test->moves, .nr_moves = NR_PAGES,
		.reply = &reply,
	};
	struct page *pinned;
	unsigned int i;
	int ret;

	for (i = 0; i < NR_PAGES; i++)
		test->moves[i] = (struct hemem_assist_move){
			.addr = test->addr + i * PAGE_SIZE, .node = node,
		};
	if (get_user_pages_fast(test->addr + PINNED * PAGE_SIZE, 1, 0, &pinned) != 1)
		return -EFAULT;
	mmget(batch.mm);	/* as a MIGRATE does: a single user means that it exits */
	ret = hemem_engine_swap_try(&batch, test->outcomes);
	mmput(batch.mm);
	put_page(pinned);
	ksym(lru_add_drain_all)();
	for (i = 0; !ret && i < NR_PAGES; i++)
		if (test->moves[i].out_status == HEMEM_ASSIST_NO_ROOM)
			ret = -ENOSPC;
	return ret;
}

static enum hemem_assist_no_swap test_swaps(struct selftest *test)
{
	int node;

	if (prepare(test))
		return HEMEM_ASSIST_NO_SWAP_UNTESTED;
	node = other_node(test->before[0].nid);
	if (node < 0 || run(test, node))
		return HEMEM_ASSIST_NO_SWAP_UNTESTED;
	return verdict(test, node);
}

static enum hemem_assist_no_swap try_once(struct selftest *test)
{
	enum hemem_assist_no_swap ret;

	/* A stack has base pages only, where the kernel knows large pages of all sizes. */
	test->addr = vm_mmap(NULL, 0, NR_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, 0);
	if (IS_ERR_VALUE(test->addr))
		return HEMEM_ASSIST_NO_SWAP_UNTESTED;
	ret = test_swaps(test);
	vm_munmap(test->addr, NR_PAGES * PAGE_SIZE);
	hemem_pool_empty();
	return ret;
}

/* Compaction, for one, may hold or change a page of ours for a moment. */
#define MAX_TRIES	3

/**
 * hemem_selftest() - swap some pages of this process and look at them
 *
 * Return: HEMEM_ASSIST_SWAPS, or NO_SWAP_UNTESTED, or NO_SWAP_FAILED
 */
enum hemem_assist_no_swap hemem_selftest(void)
{
	enum hemem_assist_no_swap ret = HEMEM_ASSIST_NO_SWAP_UNTESTED;
	struct selftest *test;
	int tries;

	if (!current->mm)
		return ret;
	test = kmalloc(sizeof(*test), GFP_KERNEL);
	if (!test)
		return ret;
	for (tries = 0; ret && tries < MAX_TRIES; tries++)
		ret = try_once(test);
	kfree(test);
	return ret;
}

#endif /* HEMEM_SWAP */
