// SPDX-License-Identifier: GPL-2.0
/*
 * mem.c - memory of every kind, filled with a pattern and checked again
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "mem.h"
#include "need.h"
#include "node.h"
#include "proc.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT		21
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102	/* 6.13 */
#endif

enum { PAGE = 4096, NR_PAGES = 48, NR_SAME = 16, NR_HUGE = 2 };

/* --- the pattern ------------------------------------------------------- */

static uint64_t pattern(uint64_t seed, uint64_t number, uint64_t word)
{
	return seed ? (seed ^ (number << 16) ^ word) * 0x9e3779b97f4a7c15 : 0;
}

void mem_fill_page(void *page, uint64_t seed, uint64_t number)
{
	uint64_t *words = page, i;

	for (i = 0; i < PAGE / sizeof(*words); i++)
		words[i] = pattern(seed, number, i);
}

bool mem_page_is_good(const void *page, uint64_t seed, uint64_t number)
{
	const uint64_t *words = page;
	uint64_t i;

	for (i = 0; i < PAGE / sizeof(*words); i++)
		if (words[i] != pattern(seed, number, i))
			return false;
	return true;
}

static uint64_t number_of(const struct mem *mem, size_t i)
{
	return mem->is_same ? 0 : i;
}

void mem_fill(const struct mem *mem)
{
	size_t i;

	for (i = 0; i < mem->bytes / PAGE; i++)
		mem_fill_page(mem->addr + i * PAGE, mem->seed, number_of(mem, i));
}

static size_t count_bad_of_peer(const struct mem *mem)
{
	char path[40], page[PAGE] __attribute__((aligned(8)));
	size_t i, bad = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", mem->peer);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT(fd >= 0);
	for (i = 0; i < mem->bytes / PAGE; i++)
		bad += pread(fd, page, PAGE, (off_t)(mem->addr + i * PAGE)) !=
			PAGE ||
			!mem_page_is_good(page, mem->seed, number_of(mem, i));
	close(fd);
	return bad;
}

void mem_open(const struct mem *mem)
{
	if (mem->kind->is_closed)
		ASSERT_EQ(0, mprotect(mem->addr, mem->bytes, PROT_READ));
}

size_t mem_count_bad(const struct mem *mem)
{
	size_t i, bad = 0;

	if (mem->kind->is_unreadable)
		return 0;
	if (mem->peer)
		bad = count_bad_of_peer(mem);
	mem_open(mem);
	for (i = 0; i < mem->bytes / PAGE; i++)
		bad += !mem_page_is_good(mem->addr + i * PAGE, mem->seed,
					 number_of(mem, i));
	return bad;
}

/* --- the kinds --------------------------------------------------------- */

static void map(struct mem *mem, size_t nr_pages, int flags, int fd)
{
	mem->bytes = nr_pages * PAGE;
	mem->addr = mmap(NULL, mem->bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (mem->addr == MAP_FAILED)
		SKIP("%s cannot be mapped here: %s", mem->kind->name,
		     strerror(errno));
	madvise(mem->addr, mem->bytes, MADV_NOHUGEPAGE);
}

static void map_anon(struct mem *mem, size_t nr_pages)
{
	map(mem, nr_pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void make_anon(struct mem *mem)
{
	map_anon(mem, NR_PAGES);
	mem_fill(mem);
}

/* Memory that begins at a huge page's boundary and asks for huge pages. */
static void map_huge(struct mem *mem, size_t nr_huge)
{
	size_t bytes = nr_huge * HUGE_BYTES;
	char *raw = mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t lead = -(uintptr_t)raw % HUGE_BYTES;

	ASSERT(raw != MAP_FAILED);
	if (lead)
		munmap(raw, lead);
	munmap(raw + lead + bytes, HUGE_BYTES - lead);
	mem->addr = raw + lead;
	mem->bytes = bytes;
	mem->unit_bytes = HUGE_BYTES;
	ASSERT_EQ(0, madvise(mem->addr, bytes, MADV_HUGEPAGE));
}

static void fill_huge(struct mem *mem)
{
	mem_fill(mem);
	if (proc_smaps_kib(mem->addr, "AnonHugePages:") * 1024 !=
	    (long)mem->bytes)
		SKIP("the kernel has no free huge pages on node %d", mem->nid);
}

static void make_huge(struct mem *mem)
{
	map_huge(mem, NR_HUGE);
	fill_huge(mem);
}

static void make_huge_zero(struct mem *mem)
{
	size_t i;

	if (file_number("/sys/kernel/mm/transparent_hugepage/use_zero_page")
	    != 1)
		SKIP("the huge zero page is turned off");
	map_huge(mem, NR_HUGE);
	mem->seed = 0;
	for (i = 0; i < NR_HUGE; i++)
		ASSERT_EQ(0, *(volatile char *)(mem->addr + i * HUGE_BYTES));
}

static void make_shmem(struct mem *mem)
{
	map(mem, NR_PAGES, MAP_SHARED | MAP_ANONYMOUS, -1);
	mem_fill(mem);
}

/* A file without a name, filled with the pattern, mapped. */
static void map_file(struct mem *mem, int flags)
{
	const char *dir = getenv("HEMEM_TEST_DIR");
	char path[256], page[PAGE] __attribute__((aligned(8)));
	size_t i;
	int fd;

	snprintf(path, sizeof(path), "%s/hemem-test-XXXXXX", dir ? dir : "/tmp");
	fd = mkstemp(path);
	ASSERT(fd >= 0);
	unlink(path);
	for (i = 0; i < NR_PAGES; i++) {
		mem_fill_page(page, mem->seed, i);
		ASSERT_EQ(PAGE, write(fd, page, PAGE));
	}
	fsync(fd);
	map(mem, NR_PAGES, flags, fd);
	close(fd);
	ASSERT_EQ(0, mem_count_bad(mem));
}

static void make_file_private(struct mem *mem)
{
	map_file(mem, MAP_PRIVATE);
}

static void make_file_shared(struct mem *mem)
{
	map_file(mem, MAP_SHARED);
	mem_fill(mem);
}

static void make_file_cow(struct mem *mem)
{
	map_file(mem, MAP_PRIVATE);
	mem_fill(mem);
}

static void make_heap(struct mem *mem)
{
	uintptr_t top = (uintptr_t)sbrk(0);

	mem->bytes = (size_t)NR_PAGES * PAGE;
	mem->addr = (char *)((top + PAGE - 1) / PAGE * PAGE);
	ASSERT(sbrk((intptr_t)mem->bytes + PAGE) != (void *)-1);
	madvise(mem->addr, mem->bytes, MADV_NOHUGEPAGE);
	mem_fill(mem);
}

/* Below the stack pointer: the stack grows when it is touched. */
static void make_stack(struct mem *mem)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	mem->bytes = (size_t)NR_PAGES * PAGE;
	mem->addr = (char *)((here - (1 << 20)) / PAGE * PAGE);
	mem_fill(mem);
}

static void make_hugetlb(struct mem *mem)
{
	char path[128], text[32];
	long before;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/hugepages/"
		 "hugepages-2048kB/nr_hugepages", mem->nid);
	before = file_number(path);
	snprintf(text, sizeof(text), "%ld", before + 1);
	file_write(path, text);
	if (file_number(path) != before + 1)
		SKIP("no 2 MiB page for hugetlbfs on node %d", mem->nid);
	map(mem, HUGE_BYTES / PAGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB,
	    -1);
	mem_fill(mem);
	mem->unit_bytes = HUGE_BYTES;
	/* Mapped pages stay; the pool shrinks when this memory is freed. */
	snprintf(text, sizeof(text), "%ld", before);
	file_write(path, text);
}

static void make_zero(struct mem *mem)
{
	size_t i;

	map_anon(mem, NR_PAGES);
	mem->seed = 0;
	for (i = 0; i < NR_PAGES; i++)
		ASSERT_EQ(0, *(volatile char *)(mem->addr + i * PAGE));
}

static void make_mlocked(struct mem *mem)
{
	map_anon(mem, NR_PAGES);
	ASSERT_EQ(0, mlock(mem->addr, mem->bytes));
	mem_fill(mem);
}

/* Are all pages mapped to the same frame? */
static bool is_one_frame(const struct mem *mem)
{
	const uint64_t frame = (1ULL << 55) - 1;
	size_t i;

	for (i = 1; i < mem->bytes / PAGE; i++)
		if ((proc_pagemap(mem->addr + i * PAGE) & frame) !=
		    (proc_pagemap(mem->addr) & frame))
			return false;
	return true;
}

static void make_ksm(struct mem *mem)
{
	int tenths;

	map_anon(mem, NR_SAME);
	mem->is_same = true;
	mem_fill(mem);
	if (madvise(mem->addr, mem->bytes, MADV_MERGEABLE))
		SKIP("no same-page merging here: %s", strerror(errno));
	file_write("/sys/kernel/mm/ksm/pages_to_scan", "10000");
	file_write("/sys/kernel/mm/ksm/sleep_millisecs", "10");
	ASSERT_EQ(0, file_write("/sys/kernel/mm/ksm/run", "1"));
	for (tenths = 0; tenths < 100 && !is_one_frame(mem); tenths++)
		usleep(100000);
	file_write("/sys/kernel/mm/ksm/run", "0");
	if (tenths == 100)
		SKIP("the kernel merged no pages within 10 s");
}

static void make_prot_none(struct mem *mem)
{
	map_anon(mem, NR_PAGES);
	mem_fill(mem);
	ASSERT_EQ(0, mprotect(mem->addr, mem->bytes, PROT_NONE));
}

static void make_untouched(struct mem *mem)
{
	map_anon(mem, NR_PAGES);
	mem->seed = 0;
}

/* The middle third of a mapping; nothing else may be mapped meanwhile. */
static void make_hole(struct mem *mem)
{
	map_anon(mem, 3 * NR_PAGES);
	mem->bytes /= 3;
	mem->addr += mem->bytes;
	ASSERT_EQ(0, munmap(mem->addr, mem->bytes));
}

static void make_guard(struct mem *mem)
{
	map_anon(mem, NR_PAGES);
	mem_fill(mem);
	if (madvise(mem->addr, mem->bytes, MADV_GUARD_INSTALL))
		SKIP("the kernel has no guard regions");
}

static void make_swapped(struct mem *mem)
{
	map_anon(mem, NR_PAGES);
	mem_fill(mem);
	if (!mem_swap_out(mem))
		SKIP("the kernel did not swap out all pages");
}

static void wait_for_ever(void *arg __attribute__((unused)))
{
	for (;;)
		pause();
}

static void make_cow_shared(struct mem *mem)
{
	map_anon(mem, NR_PAGES);
	mem_fill(mem);
	mem->peer = proc_start(wait_for_ever, NULL);
}

static void make_shmem_shared(struct mem *mem)
{
	make_shmem(mem);
	mem->peer = proc_start(wait_for_ever, NULL);
	/* Of shared memory a child has no page until it touches it. */
	ASSERT_EQ(0, mem_count_bad(mem));
}

static void make_vdso(struct mem *mem)
{
	mem->addr = (char *)getauxval(AT_SYSINFO_EHDR);
	mem->bytes = PAGE;
	if (!mem->addr)
		SKIP("the kernel maps no vdso");
	ASSERT_EQ('E', ((volatile char *)mem->addr)[1]);
}

#define ANON	HEMEM_ASSIST_PAGE_ANON
#define HUGE	HEMEM_ASSIST_PAGE_HUGE
#define MOVED	HEMEM_ASSIST_MOVED
#define NO_PAGE	HEMEM_ASSIST_NO_PAGE
#define BY_STATUS(plain, shared) \
	.status = HEMEM_ASSIST_##plain, .status_shared = HEMEM_ASSIST_##shared

const struct kind mem_kinds[] = {
	{ .name = "anon", .make = make_anon,
	  BY_STATUS(MOVED, MOVED), .scan_flags = ANON },
	{ .name = "huge", .make = make_huge, .lacks = need_thp, .order = 9,
	  BY_STATUS(MOVED, MOVED), .scan_flags = ANON | HUGE },
	{ .name = "shmem", .make = make_shmem,
	  BY_STATUS(MOVED, MOVED) },
	{ .name = "file_private", .make = make_file_private,
	  BY_STATUS(MOVED, MOVED) },
	{ .name = "file_shared", .make = make_file_shared,
	  BY_STATUS(MOVED, MOVED) },
	{ .name = "file_cow", .make = make_file_cow,
	  BY_STATUS(MOVED, MOVED), .scan_flags = ANON },
	{ .name = "heap", .make = make_heap,
	  BY_STATUS(MOVED, MOVED), .scan_flags = ANON },
	{ .name = "stack", .make = make_stack,
	  BY_STATUS(MOVED, MOVED), .scan_flags = ANON },
	{ .name = "mlocked", .make = make_mlocked,
	  BY_STATUS(MOVED, MOVED), .scan_flags = ANON },
	{ .name = "prot_none", .make = make_prot_none, .is_closed = true,
	  BY_STATUS(MOVED, MOVED), .scan_flags = ANON },
	{ .name = "cow_shared", .make = make_cow_shared,
	  BY_STATUS(SHARED, MOVED),
	  .scan_flags = ANON | HEMEM_ASSIST_PAGE_SHARED },
	{ .name = "shmem_shared", .make = make_shmem_shared,
	  BY_STATUS(SHARED, MOVED), .scan_flags = HEMEM_ASSIST_PAGE_SHARED },
	{ .name = "ksm", .make = make_ksm, .lacks = need_ksm,
	  BY_STATUS(SHARED, MOVED),
	  .scan_flags = ANON | HEMEM_ASSIST_PAGE_SHARED },
	{ .name = "zero", .make = make_zero,
	  BY_STATUS(ZERO, ZERO), .scan_flags = HEMEM_ASSIST_PAGE_ZERO },
	{ .name = "huge_zero", .make = make_huge_zero, .lacks = need_thp,
	  BY_STATUS(ZERO, ZERO),
	  .scan_flags = HEMEM_ASSIST_PAGE_ZERO | HUGE },
	{ .name = "hugetlb", .make = make_hugetlb, .lacks = need_hugetlb,
	  BY_STATUS(NEVER, NEVER), .is_absent = true },
	{ .name = "vdso", .make = make_vdso, .is_unreadable = true,
	  BY_STATUS(NEVER, NEVER), .scan_flags = HEMEM_ASSIST_PAGE_NEVER },
	{ .name = "untouched", .make = make_untouched, .is_absent = true,
	  BY_STATUS(NO_PAGE, NO_PAGE) },
	{ .name = "hole", .make = make_hole, .is_absent = true,
	  .is_unreadable = true, BY_STATUS(NO_PAGE, NO_PAGE) },
	{ .name = "guard", .make = make_guard, .is_absent = true,
	  .is_unreadable = true, BY_STATUS(NO_PAGE, NO_PAGE) },
	{ .name = "swapped", .make = make_swapped, .lacks = need_swap,
	  .is_absent = true, BY_STATUS(NO_PAGE, NO_PAGE) },
};

/* --- the table, and what tests call ------------------------------------- */

static const char *row_name(int row)
{
	return mem_kinds[row].name;
}

static const char *row_lacks(int row)
{
	return mem_kinds[row].lacks ? mem_kinds[row].lacks() : NULL;
}

const struct rows mem_rows = {
	.nr = sizeof(mem_kinds) / sizeof(mem_kinds[0]),
	.name = row_name,
	.lacks = row_lacks,
};

const struct kind *mem_kind(const char *name)
{
	int row;

	for (row = 0; row < mem_rows.nr; row++)
		if (!strcmp(mem_kinds[row].name, name))
			return &mem_kinds[row];
	return NULL;
}

static void init(struct mem *mem, const struct kind *kind, int nid)
{
	*mem = (struct mem){
		.kind = kind,
		.nid = nid,
		.seed = 0x5eed0000 + (uint64_t)(kind - mem_kinds),
		.unit_bytes = PAGE,
	};
}

/*
 * Some pages may have come from elsewhere: a page that the heap or the file had
 * before.  Those that can be moved are brought over.  (Of PROT_NONE pages the
 * kernel does not tell the node; they are made here and lie right.)
 */
static void settle(struct mem *mem)
{
	node_allocate_on(-1);
	mem->nr_units = mem->bytes / mem->unit_bytes;
	if (mem->kind->status == HEMEM_ASSIST_MOVED && !mem->kind->is_closed &&
	    node_count(mem->addr, mem->bytes, mem->nid) != mem->bytes / PAGE)
		node_bring(mem->addr, mem->bytes, mem->nid);
}

void mem_make(struct mem *ret_mem, const struct kind *kind, int nid)
{
	init(ret_mem, kind, nid);
	node_allocate_on(nid);
	kind->make(ret_mem);
	settle(ret_mem);
}

void mem_make_anon(struct mem *ret_mem, size_t nr_pages, int nid)
{
	init(ret_mem, mem_kind("anon"), nid);
	node_allocate_on(nid);
	map_anon(ret_mem, nr_pages);
	mem_fill(ret_mem);
	settle(ret_mem);
}

void mem_make_huge(struct mem *ret_mem, size_t nr_huge, int nid)
{
	init(ret_mem, mem_kind("huge"), nid);
	node_allocate_on(nid);
	map_huge(ret_mem, nr_huge);
	fill_huge(ret_mem);
	settle(ret_mem);
}

void mem_free(struct mem *mem)
{
	if (mem->peer)
		proc_kill(mem->peer);
	munmap(mem->addr, mem->bytes);
}

char *mem_unit(const struct mem *mem, size_t i)
{
	return mem->addr + i * mem->unit_bytes;
}

unsigned int mem_moves(const struct mem *mem, int nid,
		       struct hemem_assist_move *ret_moves)
{
	size_t i;

	for (i = 0; i < mem->nr_units; i++)
		ret_moves[i] = (struct hemem_assist_move){
			.addr = (uintptr_t)mem_unit(mem, i),
			.node = (uint32_t)nid,
		};
	return (unsigned int)mem->nr_units;
}

bool mem_swap_out(const struct mem *mem)
{
	size_t i;
	int tries;

	for (i = 0, tries = 0; i < mem->bytes / PAGE && tries < 50; tries++) {
		/*
		 * Pages that were faulted in a moment ago wait in a per-CPU
		 * list where reclaim does not find them; move_pages drains it.
		 */
		node_bring(mem->addr, PAGE, mem->nid);
		madvise(mem->addr, mem->bytes, MADV_PAGEOUT);
		while (i < mem->bytes / PAGE &&
		       proc_pagemap(mem->addr + i * PAGE) & PAGEMAP_SWAPPED)
			i++;
	}
	return i == mem->bytes / PAGE;
}
