// SPDX-License-Identifier: GPL-2.0
/*
 * region_test.c - managed regions: what a program sees of memory that it maps from /dev/hemem
 *
 * The kernel does not tell where such a page lies, as it passes over mappings of this kind in
 * pagemap, numa_maps and move_pages(2).  So fdinfo is believed once a test of its own has compared it with the
 * free memory of the nodes.  Hazards have the names (H4 ..) under which they were met when the way of
 * moving was tried out; docs/design.md lists them.  The last part loads a module that leaves out
 * steps (kmod/fault.c): each scenario runs with the step, when nothing may be lost, and
 * without it, when the loss must be seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "dev.h"
#include "file.h"
#include "harness.h"
#include "mem.h"
#include "module.h"
#include "need.h"
#include "node.h"
#include "proc.h"

#define STATS	"/sys/class/misc/hemem/stats/"
#define PARAMETERS "/sys/module/hemem_assist/parameters/"

enum { PAGE = 4096, SPAN = 512, SEED = 77 };

static struct hemem_assist_move moves[HEMEM_ASSIST_MAX_BATCH];
static struct hemem_assist_migrate reply;
static int fd = -1;
static char *memory;
static size_t nr_pages;

/* --- tables ------------------------------------------------------------------- */

static const struct size {
	const char *name;
	uint32_t flags;
	unsigned int order;
	size_t pages;
} sizes[] = {
	{ "base", HEMEM_ASSIST_REGION_BASE, 0, 600 },
	{ "huge", 0, 9, 4 * SPAN },
};

static const char *size_name(int row)
{
	return sizes[row].name;
}

static const struct rows size_rows = { .nr = 2, .name = size_name };

static const struct mode {
	const char *name;
	uint32_t flags;
} modes[] = {
	{ "transaction", 0 },
	{ "writers wait", HEMEM_ASSIST_MIGRATE_WRITERS_WAIT },
	{ "all wait", HEMEM_ASSIST_MIGRATE_ALL_WAIT },
};

/* Row: both sizes in each mode. */
static const char *both_name(int row)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s, %s", sizes[row % 2].name, modes[row / 2].name);
	return name;
}

static const struct rows both_rows = { .nr = 6, .name = both_name };

/* --- helpers ------------------------------------------------------------------ */

static long counter(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), STATS "%s", name);
	return file_number(path);
}

static char *map(size_t from, size_t nr)
{
	return mmap(NULL, nr * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    (off_t)(from * PAGE));
}

static void make(size_t pages, uint64_t reserve_bytes, uint32_t flags)
{
	nr_pages = pages;
	fd = dev_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, dev_region(fd, pages * PAGE, reserve_bytes, flags));
	memory = map(0, pages);
	ASSERT(memory != MAP_FAILED);
}

static char *page_at(size_t i)
{
	return memory + i * PAGE;
}

static void fill(void)
{
	size_t i;

	for (i = 0; i < nr_pages; i++)
		mem_fill_page(page_at(i), SEED, i);
}

static size_t count_bad(const char *at, size_t from, size_t nr)
{
	size_t i, bad = 0;

	for (i = from; i < from + nr; i++)
		bad += !mem_page_is_good(at + i * PAGE, SEED, i);
	return bad;
}

/* Page @i of the region to @nid; as many entries as pages of @order. */
static unsigned int plan(size_t from, size_t nr, unsigned int order, int nid)
{
	unsigned int n = 0;
	size_t i;

	for (i = from; i < from + nr; i += 1UL << order)
		moves[n++] = (struct hemem_assist_move){ .addr = i * PAGE, .node = (__u32)nid };
	return n;
}

static void migrate(unsigned int nr, uint32_t flags)
{
	ASSERT_EQ(0, dev_migrate(fd, moves, nr, flags, &reply));
}

static long fdinfo(const char *field)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return file_field(path, field);
}

/* How many of its base pages lie on @nid. */
static size_t count_on(int nid)
{
	char field[64];

	snprintf(field, sizeof(field), "resident_kib_node%d:", nid);
	return (size_t)fdinfo(field) / 4;
}

static bool has_huge(void)
{
	make(SPAN, 0, 0);
	memory[0] = 1;
	if (fdinfo("huge_pages:") == 1)
		return true;
	munmap(memory, nr_pages * PAGE);
	close(fd);
	return false;
}

static const char *need_huge(void)
{
	const char *lacks = need_region();
	bool has;

	if (lacks)
		return lacks;
	has = has_huge();
	if (has) {
		munmap(memory, nr_pages * PAGE);
		close(fd);
	}
	return has ? NULL : "this kernel enters no huge pages by number";
}

static sigjmp_buf jump;

static void on_signal(int signal)
{
	siglongjmp(jump, signal);
}

/* Writes; the signal that came of it, or 0. */
static int signal_of_write(volatile char *at)
{
	int got;

	signal(SIGBUS, on_signal);
	signal(SIGSEGV, on_signal);
	got = sigsetjmp(jump, 1);
	if (!got)
		*at = 1;
	return got;
}

/* --- faults ------------------------------------------------------------------- */

TEST_ROWS(faults, "touch a region and find it zero, on the fast node, of the right page size, and as "
	  "it was written", &size_rows, need_region)
{
	const struct size *size = &sizes[row];
	size_t i, sum = 0;

	if (size->order && need_huge())
		SKIP("%s", need_huge());
	make(size->pages, 0, size->flags);
	EXPECT_EQ(0, ((uintptr_t)memory) % (size->order ? HUGE_BYTES : PAGE));
	for (i = 0; i < nr_pages * PAGE; i += 8)
		sum += *(uint64_t *)(memory + i);
	EXPECT_EQ(0, sum);
	EXPECT_EQ(nr_pages, count_on(node_a()));
	fill();
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
	EXPECT_EQ(size->order ? nr_pages / SPAN : 0, fdinfo("huge_pages:"));
	EXPECT_EQ(nr_pages * 4, fdinfo("region_kib:"));
}

TEST(reserve, "touch pages when the fast node has less than the reserve, and find them on the slow one",
     need_region)
{
	make(64, 1ULL << 40, HEMEM_ASSIST_REGION_BASE);
	fill();
	EXPECT_EQ(64, count_on(node_b()));
}

TEST(odd_places, "map a region that is no whole number of huge pages, also at odd offsets and "
     "addresses, and find the same bytes everywhere", need_region)
{
	char *odd, *base;

	make(2 * SPAN + 100, 0, 0);
	fill();
	odd = map(3, SPAN + 7);
	ASSERT(odd != MAP_FAILED);
	EXPECT_EQ(0, count_bad(odd - 3 * PAGE, 3, SPAN + 7));
	base = mmap(NULL, 4 * HUGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	base = (char *)(((uintptr_t)base | (HUGE_BYTES - 1)) + 1 + 5 * PAGE);
	ASSERT(mmap(base, nr_pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		    fd, 0) == base);
	EXPECT_EQ(0, count_bad(base, 0, nr_pages));
	mem_fill_page(base + 600 * PAGE, SEED, 1);
	EXPECT(mem_page_is_good(page_at(600), SEED, 1));
}

TEST(refused, "refuse what is no region, twice a region, and mappings that are private or too long",
     need_region)
{
	struct hemem_assist_region region = {
		.size = sizeof(region), .bytes = PAGE, .fast_node = (__u32)node_a(),
		.slow_node = (__u32)node_b(),
	}, bad;
	int other = dev_open();

	ASSERT_LE(0, other);
	fd = other;
	EXPECT(map(0, 1) == MAP_FAILED && errno == ENODEV);
	EXPECT_EQ(-ENOTCONN, dev_discard(fd, 0, PAGE));
	bad = region, bad.flags = 2;
	EXPECT_EQ(-EINVAL, dev_ioctl(fd, HEMEM_ASSIST_REGION, &bad));
	bad = region, bad.bytes = 0;
	EXPECT_EQ(-EINVAL, dev_ioctl(fd, HEMEM_ASSIST_REGION, &bad));
	bad = region, bad.bytes = PAGE - 1;
	EXPECT_EQ(-EINVAL, dev_ioctl(fd, HEMEM_ASSIST_REGION, &bad));
	bad = region, bad.bytes = HEMEM_ASSIST_MAX_REGION_BYTES + PAGE;
	EXPECT_EQ(-EINVAL, dev_ioctl(fd, HEMEM_ASSIST_REGION, &bad));
	bad = region, bad.slow_node = (__u32)node_absent();
	EXPECT_EQ(-ENODEV, dev_ioctl(fd, HEMEM_ASSIST_REGION, &bad));
	EXPECT(map(0, 1) == MAP_FAILED && errno == ENODEV);
	make(10, 0, 0);
	EXPECT_EQ(-EBUSY, dev_region(fd, PAGE, 0, 0));
	EXPECT_EQ(-EBUSY, dev_attach(fd, getpid()));
	EXPECT(map(0, 11) == MAP_FAILED && errno == EINVAL);
	EXPECT(map(10, 1) == MAP_FAILED && errno == EINVAL);
	EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED &&
	       errno == EINVAL);
	plan(0, 1, 0, node_b());
	moves[0].addr = 10 * PAGE;
	EXPECT_EQ(-EINVAL, dev_migrate(fd, moves, 1, 0, NULL));
	moves[0].addr = 1;
	EXPECT_EQ(-EINVAL, dev_migrate(fd, moves, 1, 0, NULL));
	moves[0].addr = 0;
	EXPECT_EQ(-EINVAL, dev_migrate(fd, moves, 1, HEMEM_ASSIST_MIGRATE_SHARED, NULL));
	EXPECT_EQ(-EINVAL, dev_migrate(fd, moves, 0, 0, NULL));
	EXPECT_EQ(-EINVAL, dev_discard(fd, 0, 11 * PAGE));
	EXPECT_EQ(-EINVAL, dev_discard(fd, 0, 0));
	EXPECT_EQ(-EINVAL, dev_discard(fd, 1, PAGE));
	ASSERT_EQ(0, dev_migrate(fd, moves, 1, 0, NULL));
	EXPECT_EQ(HEMEM_ASSIST_NO_PAGE, moves[0].out_status);
}

/* --- lifetime and sharing ----------------------------------------------------- */

static void check_and_write(void *arg)
{
	EXPECT_EQ(0, count_bad(arg, 0, nr_pages));
	mem_fill_page((char *)arg + 5 * PAGE, SEED, 99);
}

TEST_ROWS(shared, "map a region twice and fork, move it once, and find it moved and right for all",
	  &size_rows, need_region)
{
	const struct size *size = &sizes[row];
	char *again;
	pid_t child;

	make(size->pages, 0, size->flags);
	fill();
	again = map(0, nr_pages);
	ASSERT(again != MAP_FAILED);
	EXPECT_EQ(0, count_bad(again, 0, nr_pages));
	migrate(plan(0, nr_pages, size->order, node_b()), 0);
	EXPECT_EQ(0, count_bad(again, 0, nr_pages));
	EXPECT_EQ(nr_pages, count_on(node_b()));
	child = proc_start(check_and_write, memory);
	EXPECT_EQ(0, proc_wait(child));
	EXPECT(mem_page_is_good(again + 5 * PAGE, SEED, 99));
	EXPECT(mem_page_is_good(page_at(5), SEED, 99));
	mem_fill_page(page_at(5), SEED, 5);
	close(fd);			/* the mappings keep it */
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
}

static void touch_and_stay(void *arg)
{
	size_t i;

	(void)arg;
	make(16 * SPAN, 0, 0);
	for (i = 0; i < nr_pages; i++)
		*page_at(i) = 1;
	migrate(plan(0, nr_pages, 9, node_b()), 0);
	if (reply.out_nr[HEMEM_ASSIST_MOVED] == 0)
		SKIP("nothing moved");
}

TEST(freed, "let processes that have a region exit, and unmap one, and find all memory free "
     "again and the pools empty", need_region)
{
	long before, lost, i;

	EXPECT_EQ(0, proc_wait(proc_start(touch_and_stay, NULL)));
	before = (long)node_all_free_bytes();
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, proc_wait(proc_start(touch_and_stay, NULL)));
		touch_and_stay(NULL);
		close(fd);
		munmap(memory, nr_pages * PAGE);
	}
	usleep(100000);
	lost = before - (long)node_all_free_bytes();
	EXPECT_LT(lost, 16L << 20);	/* six times 32 MiB were taken */
	EXPECT_EQ(0, file_number("/sys/class/misc/hemem/region_pooled_bytes"));
}

TEST(unmapped_in_part, "unmap parts of a region, also of a huge page, and find the rest unharmed, and "
     "the parts as they were when mapped again", need_region)
{
	make(3 * SPAN, 0, 0);
	fill();
	EXPECT_EQ(0, munmap(page_at(100), 5 * PAGE));
	EXPECT_EQ(0, munmap(page_at(SPAN), SPAN * PAGE));
	EXPECT_EQ(SIGSEGV, signal_of_write(page_at(101)));
	EXPECT_EQ(0, count_bad(memory, 0, 100));
	EXPECT_EQ(0, count_bad(memory, 105, SPAN - 105));
	EXPECT_EQ(0, count_bad(memory, 2 * SPAN, SPAN));
	memory = map(0, nr_pages);
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
}

TEST_ROWS(protected, "take write permission away and give it back, before and after a move", &size_rows,
	  need_region)
{
	const struct size *size = &sizes[row];

	make(size->pages, 0, size->flags);
	fill();
	EXPECT_EQ(0, mprotect(memory, nr_pages * PAGE, PROT_READ));
	EXPECT_EQ(SIGSEGV, signal_of_write(page_at(3)));
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
	migrate(plan(0, nr_pages, size->order, node_b()), 0);
	EXPECT_EQ(SIGSEGV, signal_of_write(page_at(3)));
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
	EXPECT_EQ(0, mprotect(memory, nr_pages * PAGE, PROT_READ | PROT_WRITE));
	fill();
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
	EXPECT_EQ(nr_pages, count_on(node_b()));
}

TEST(advised, "give advice: DONTNEED and REMOVE are refused and change nothing, NOHUGEPAGE maps a huge "
     "page by parts", need_region)
{
	make(SPAN, 0, 0);
	fill();
	EXPECT_EQ(-1, madvise(memory, HUGE_BYTES, MADV_DONTNEED));
	EXPECT_EQ(-1, madvise(memory, HUGE_BYTES, MADV_REMOVE));
	EXPECT_EQ(-1, madvise(memory, HUGE_BYTES, MADV_FREE));
	madvise(memory, HUGE_BYTES, MADV_COLD);
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
	if (!madvise(memory, HUGE_BYTES, MADV_NOHUGEPAGE)) {
		migrate(plan(0, nr_pages, 9, node_b()), 0);
		EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
	}
}

TEST(discarded, "discard parts of base and huge pages, find them zero and the rest unharmed, and whole "
     "ones free", need_region)
{
	size_t i, sum = 0;

	make(4 * SPAN, 0, 0);
	fill();
	ASSERT_EQ(0, dev_discard(fd, 0, HUGE_BYTES + 10 * PAGE));
	EXPECT_LE(count_on(node_a()), 3 * SPAN);
	EXPECT_EQ(0, count_bad(memory, SPAN + 10, 3 * SPAN - 10));
	for (i = 0; i < SPAN + 10; i++)
		sum += *(uint64_t *)page_at(i) + *(uint64_t *)(page_at(i) + 4088);
	EXPECT_EQ(0, sum);
	/* And of one that is split. */
	fill();
	migrate(plan(2 * SPAN + 1, 2, 0, node_b()), HEMEM_ASSIST_MIGRATE_SPLIT);
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
	ASSERT_EQ(0, dev_discard(fd, (2 * SPAN + 2) * PAGE, 2 * PAGE));
	EXPECT_EQ(0, *(uint64_t *)page_at(2 * SPAN + 2));
	EXPECT_EQ(0, *(uint64_t *)page_at(2 * SPAN + 3));
	EXPECT_EQ(0, count_bad(memory, 2 * SPAN + 4, SPAN - 4));
	ASSERT_EQ(0, dev_discard(fd, 0, nr_pages * PAGE));
	EXPECT_EQ(0, count_on(node_a()) + count_on(node_b()));
	fill();
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
}

/* --- moves -------------------------------------------------------------------- */

TEST_ROWS(moved, "move a region there and back, and find each page where it was sent, unchanged",
	  &both_rows, need_region)
{
	const struct size *size = &sizes[row % 2];
	const uint32_t flags = modes[row / 2].flags;
	unsigned int nr;
	int round;

	if (size->order && need_huge())
		SKIP("%s", need_huge());
	make(size->pages, 0, size->flags);
	fill();
	for (round = 0; round < 4; round++) {
		const int nid = round % 2 ? node_a() : node_b();

		nr = plan(0, nr_pages, size->order, nid);
		migrate(nr, flags);
		EXPECT_EQ(nr, reply.out_nr[HEMEM_ASSIST_MOVED]);
		EXPECT_EQ(nr_pages * PAGE, reply.out_bytes_moved);
		EXPECT_EQ(size->order, moves[1].out_order);
		EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
		EXPECT_EQ(nr_pages, count_on(nid));
		migrate(plan(0, nr_pages, size->order, nid), flags);
		EXPECT_EQ(nr, reply.out_nr[HEMEM_ASSIST_THERE]);
		fill();
	}
}

TEST_ROWS(places, "move 64 MiB, and find about as much less memory free where it went",
	  &size_rows, need_region)
{
	const long moved = 64L << 20, noise = 24L << 20;	/* what CPUs keep in lists */
	long free_b;
	size_t i;

	ASSERT_EQ(0, file_set("/sys/module/hemem_assist/parameters/region_pool_kib", "0"));
	make(32 * SPAN, 0, sizes[row].flags);
	for (i = 0; i < nr_pages; i++)
		*page_at(i) = 1;
	free_b = (long)node_free_bytes(node_b());
	EXPECT_EQ(nr_pages, count_on(node_a()));
	for (i = 0; i < nr_pages; i += 4 * SPAN)
		migrate(plan(i, 4 * SPAN, sizes[row].order, node_b()), 0);
	EXPECT_EQ(nr_pages, count_on(node_b()));
	EXPECT_LT(labs(free_b - moved - (long)node_free_bytes(node_b())), noise);
	file_restore_all();
}

TEST(mixed_batch, "send a batch in no order, with holes, pages that are there and pages named twice, "
     "and read each one's status", need_region)
{
	make(100, 0, HEMEM_ASSIST_REGION_BASE);
	*page_at(0) = *page_at(50) = *page_at(10) = 1;
	plan(0, 1, 0, node_b());
	migrate(1, 0);
	moves[0] = (struct hemem_assist_move){ .addr = 50 * PAGE, .node = (__u32)node_b() };
	moves[1] = (struct hemem_assist_move){ .addr = 0, .node = (__u32)node_b() };
	moves[2] = (struct hemem_assist_move){ .addr = 10 * PAGE, .node = (__u32)node_b() };
	moves[3] = (struct hemem_assist_move){ .addr = 7 * PAGE, .node = (__u32)node_b() };
	moves[4] = (struct hemem_assist_move){ .addr = 50 * PAGE, .node = (__u32)node_b() };
	moves[5] = (struct hemem_assist_move){ .addr = 0, .node = (__u32)node_a() };
	migrate(6, 0);
	EXPECT_EQ(HEMEM_ASSIST_MOVED, moves[0].out_status);
	EXPECT_EQ(HEMEM_ASSIST_THERE, moves[1].out_status);
	EXPECT_EQ(HEMEM_ASSIST_MOVED, moves[2].out_status);
	EXPECT_EQ(HEMEM_ASSIST_NO_PAGE, moves[3].out_status);
	EXPECT_EQ(HEMEM_ASSIST_BUSY, moves[4].out_status);
	EXPECT_EQ(HEMEM_ASSIST_MOVED, moves[5].out_status);
	EXPECT_EQ(1, *page_at(0) + *page_at(50) + *page_at(10) == 3);
}

TEST_ROWS(split, "ask for part of a huge page, and find that part on the other node, the rest where it "
	  "was, all unchanged; ask for all parts of another, and find it whole", &size_rows, need_huge)
{
	const uint32_t flags = HEMEM_ASSIST_MIGRATE_SPLIT | (row ? 0 : HEMEM_ASSIST_MIGRATE_ALL_WAIT);

	make(2 * SPAN, 0, 0);
	fill();
	migrate(plan(3, 5, 0, node_b()), flags);
	EXPECT_EQ(5, reply.out_nr[HEMEM_ASSIST_MOVED]);
	EXPECT_EQ(5 * PAGE, reply.out_bytes_moved);
	EXPECT_EQ(0, moves[0].out_order);
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
	EXPECT_EQ(5, count_on(node_b()));
	EXPECT_EQ(1, fdinfo("huge_pages:"));
	migrate(plan(SPAN, SPAN, 0, node_b()), flags);
	EXPECT_EQ(SPAN, reply.out_nr[HEMEM_ASSIST_MOVED]);
	EXPECT_EQ(9, moves[0].out_order);
	EXPECT_EQ(1, fdinfo("huge_pages:"));
	EXPECT_EQ(SPAN + 5, count_on(node_b()));
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
	fill();
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
}

/* --- moves under use ---------------------------------------------------------- */

enum { NR_WRITERS = 2 };

static _Atomic bool is_over;
static char *views[NR_WRITERS];			/* each writer's mapping */

/*
 * Word @number of every page is the writer's alone, counts up by one a round, and must
 * never be seen to be less than it was.
 */
static void *write_and_read(void *arg)
{
	const long number = (long)arg;
	volatile uint64_t *word;
	uint64_t round;
	size_t i, step = nr_pages > 64 ? 7 : 1;

	for (round = 1; !is_over; round++) {
		for (i = 0; i < nr_pages; i += step) {
			word = (uint64_t *)(views[number] + i * PAGE) + 8 * number;
			if (*word != round - 1)
				return (void *)(i + 1);
			*word = round;
		}
	}
	return NULL;
}

static void *flip_protection(void *arg)
{
	while (!is_over) {
		mprotect(arg, nr_pages * PAGE, PROT_READ);
		(void)*(volatile char *)arg;
		mprotect(arg, nr_pages * PAGE, PROT_READ | PROT_WRITE);
		((volatile char *)arg)[2048]++;
		sched_yield();
	}
	return NULL;
}

static void *map_and_unmap(void *arg)
{
	(void)arg;
	while (!is_over) {
		char *some = map(1, nr_pages - 2);

		(void)*(volatile char *)(some + PAGE);
		munmap(some, (nr_pages - 2) * PAGE);
		sched_yield();
	}
	return NULL;
}

/* Moves it to and fro while writers, and @other on a mapping of its own, use it. */
static void move_under_use(const struct size *size, uint32_t flags, void *(*other)(void *))
{
	const uint64_t until = proc_now_ns() +
		(uint64_t)harness_rounds("HEMEM_SECONDS", 2, 30) * 1000000000ULL;
	const uint64_t last = until + 30 * 1000000000ULL;
	pthread_t writers[NR_WRITERS], third;
	unsigned long nr_moved = 0;
	void *bad;
	long i;

	make(size->pages / 4, 0, size->flags);
	is_over = false;
	for (i = 0; i < NR_WRITERS; i++) {
		views[i] = i ? map(0, nr_pages) : memory;
		ASSERT_EQ(0, pthread_create(&writers[i], NULL, write_and_read, (void *)i));
	}
	if (other)
		ASSERT_EQ(0, pthread_create(&third, NULL, other, map(0, nr_pages)));
	/* Where writers wait pages do move; on a slow machine that takes a while. */
	for (i = 0; proc_now_ns() < until || (flags && !nr_moved && proc_now_ns() < last); i++) {
		migrate(plan(0, nr_pages, size->order, i % 2 ? node_a() : node_b()), flags);
		nr_moved += reply.out_nr[HEMEM_ASSIST_MOVED];
	}
	is_over = true;
	for (i = 0; i < NR_WRITERS; i++) {
		pthread_join(writers[i], &bad);
		EXPECT_EQ(0, (uintptr_t)bad);
	}
	if (other)
		pthread_join(third, NULL);
	NOTE("%lu pages moved", nr_moved);
	if (flags)
		EXPECT_LT(0, nr_moved);
}

TEST_ROWS(used, "move a region to and fro while threads write to it and read what they wrote", &both_rows,
	  need_region)
{
	move_under_use(&sizes[row % 2], modes[row / 2].flags, NULL);
}

TEST_ROWS(h5_reopened, "the same while mappings come and go, so that entries that were read-only are "
	  "opened for writes in the midst of moves", &both_rows, need_region)
{
	move_under_use(&sizes[row % 2], modes[row / 2].flags, map_and_unmap);
}

TEST_ROWS(h6_protection, "the same while write permission is taken and given back, which must not open "
	  "an entry that a move has closed", &both_rows, need_region)
{
	move_under_use(&sizes[row % 2], modes[row / 2].flags, flip_protection);
}

/* --- what the kernel makes of such memory ------------------------------------- */

TEST_ROWS(h7_late, "touch pages long after mmap, through a mapping made by mremap, too", &size_rows,
	  need_region)
{
	char *moved;

	make(sizes[row].pages, 0, sizes[row].flags);
	fill();
	moved = mremap(memory, nr_pages * PAGE, nr_pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       mmap(NULL, nr_pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	ASSERT(moved != MAP_FAILED);
	memory = moved;
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
	migrate(plan(0, nr_pages, sizes[row].order, node_b()), 0);
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
	EXPECT(mremap(memory, nr_pages * PAGE, 2 * nr_pages * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
}

TEST_ROWS(h8_pinned, "have the kernel pin pages for a pipe, and find it refused, so that no I/O goes to "
	  "a page that has moved", &size_rows, need_region)
{
	struct iovec iov;
	int pipes[2];

	make(sizes[row].pages, 0, sizes[row].flags);
	fill();
	iov = (struct iovec){ .iov_base = memory, .iov_len = PAGE };
	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(-1, vmsplice(pipes[1], &iov, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	/* What copies works. */
	EXPECT_EQ(PAGE, write(pipes[1], memory, PAGE));
	EXPECT_EQ(PAGE, read(pipes[0], page_at(1), PAGE));
	EXPECT(mem_page_is_good(page_at(1), SEED, 0));
	migrate(plan(0, nr_pages, sizes[row].order, node_b()), 0);
	EXPECT_EQ(nr_pages >> sizes[row].order, reply.out_nr[HEMEM_ASSIST_MOVED]);
}

static void exit_now(void *arg)
{
	(void)arg;
}

TEST_ROWS(h9_meaning, "find a region in no RSS and no dump, fork not copying it, debuggers kept out, and "
	  "futexes of one process at work", &size_rows, need_region)
{
	long rss = file_field("/proc/self/status", "VmRSS:");
	struct timespec no_time = { 0, 1000000 };
	char byte;
	int mem_fd;

	make(4 * SPAN, 0, sizes[row].flags);
	fill();
	EXPECT_EQ(0, proc_smaps_kib(memory, "Rss:"));
	EXPECT_LT(file_field("/proc/self/status", "VmRSS:") - rss,
		  (long)(nr_pages * 4) / 2);
	EXPECT_EQ(0, proc_smaps_kib(memory, "Anonymous:"));
	EXPECT_EQ(0, proc_smaps_kib(memory, "Swap:"));
	mem_fd = open("/proc/self/mem", O_RDONLY);
	EXPECT_EQ(-1, pread(mem_fd, &byte, 1, (off_t)(uintptr_t)memory));
	*(int *)memory = 5;
	EXPECT_EQ(-1, syscall(SYS_futex, memory, FUTEX_WAIT_PRIVATE, 5, &no_time, 0, 0));
	EXPECT_EQ(ETIMEDOUT, errno);
	mem_fill_page(memory, SEED, 0);
	EXPECT_EQ(0, proc_wait(proc_start(exit_now, NULL)));
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
	EXPECT_EQ(0, mlock(memory, PAGE));
}

TEST(elsewhere, "attach to a process that has a region: MIGRATE says NEVER of it, SCAN leaves it out",
     need_region, need_migrate)
{
	struct hemem_assist_run runs[4];
	struct hemem_assist_scan scan = { .runs = (uintptr_t)runs, .max_runs = 4 };
	int attached;

	make(4, 0, HEMEM_ASSIST_REGION_BASE);
	fill();
	attached = dev_open_attached(getpid());
	ASSERT_LE(0, attached);
	moves[0] = (struct hemem_assist_move){ .addr = (uintptr_t)memory, .node = (__u32)node_b() };
	ASSERT_EQ(0, dev_migrate(attached, moves, 1, 0, NULL));
	EXPECT_EQ(HEMEM_ASSIST_NEVER, moves[0].out_status);
	EXPECT_EQ(-EINVAL, dev_migrate(attached, moves, 1, HEMEM_ASSIST_MIGRATE_SPLIT, NULL));
	scan.start = (uintptr_t)memory;
	scan.end = (uintptr_t)memory + nr_pages * PAGE;
	ASSERT_EQ(0, dev_scan(attached, &scan));
	EXPECT_EQ(0, scan.out_nr_runs);
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
}

/* --- cost that shows in a counter --------------------------------------------- */

static void *spin(void *arg)
{
	while (!is_over)
		(void)*(volatile char *)arg;
	return NULL;
}

/* "TLB: 1 2 TLB shootdowns" */
static long tlb_flushes(void)
{
	FILE *file = fopen("/proc/interrupts", "r");
	char line[512], *at;
	long sum = 0;

	while (file && fgets(line, sizeof(line), file)) {
		at = strstr(line, "TLB:");
		for (at = at ? at + 4 : NULL; at && *at;) {
			char *end;
			long n = strtol(at, &end, 10);

			if (end == at)
				break;
			sum += n;
			at = end;
		}
	}
	if (file)
		fclose(file);
	return sum;
}

/* On 5.10 an unmap was counted to flush twice, why is not known; on later kernels once. */
static long max_flushes(void)
{
	struct utsname name;

	uname(&name);
	return strncmp(name.release, "5.10.", 5) ? 3 : 4;
}

TEST_ROWS(few_flushes, "move 512 pages, or 4 huge ones, while another CPU uses the memory, and count "
	  "at most 3 TLB flushes in most calls, 4 on 5.10", &both_rows, need_region, need_two_cpus)
{
	const struct size *size = &sizes[row % 2];
	pthread_t spinner;
	long flushes, all = 0;
	int round, few = 0;

	make(size->order ? 4 * SPAN : SPAN, 0, size->flags);
	fill();
	is_over = false;
	ASSERT_EQ(0, pthread_create(&spinner, NULL, spin, memory));
	for (round = 0; round < 10; round++) {
		flushes = tlb_flushes();
		migrate(plan(0, nr_pages, size->order, round % 2 ? node_a() : node_b()),
			modes[row / 2].flags);
		EXPECT_EQ(nr_pages >> size->order, reply.out_nr[HEMEM_ASSIST_MOVED]);
		flushes = tlb_flushes() - flushes;
		few += flushes <= max_flushes();
		all += flushes;
	}
	is_over = true;
	pthread_join(spinner, NULL);
	NOTE("%ld flushes in 10 calls", all);
	EXPECT_LE(7, few);		/* others flush, too */
}

/* --- tests of the tests ------------------------------------------------------- */

enum { OMIT_UNMAP = 1 << 11, OMIT_WRITTEN = 1 << 12, OMIT_UNMAP_AGAIN = 1 << 13,
       OMIT_PAGES = 1 << 14 };
enum { AT_BEGUN = 4, AT_COPIED = 5, AT_SWITCHED = 6 };

static void set_parameter(const char *name, unsigned int value)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	snprintf(text, sizeof(text), "%u", value);
	ASSERT_EQ(0, file_write(path, text));
}

static void *migrate_all(void *arg)
{
	dev_migrate(fd, moves, *(unsigned int *)arg, reply.flags, &reply);
	return NULL;
}

static pthread_t mover;
static unsigned int mover_nr;

/* A move of all base pages to node b that stops at @at. */
static void begin_move(unsigned int at, uint32_t flags)
{
	int ms;

	set_parameter("stop_at", at);
	mover_nr = plan(0, nr_pages, 0, node_b());
	reply.flags = flags;
	ASSERT_EQ(0, pthread_create(&mover, NULL, migrate_all, &mover_nr));
	for (ms = 0; ms < 20000 && file_number(PARAMETERS "stopped") != 1; ms++)
		usleep(1000);
	ASSERT_EQ(1, file_number(PARAMETERS "stopped"));
}

static void end_move(void)
{
	set_parameter("stop_at", 0);
	pthread_join(mover, NULL);
}

static void scenario_lost(void *arg)
{
	const unsigned int omit = *(unsigned int *)arg;

	make(8, 0, HEMEM_ASSIST_REGION_BASE);
	fill();
	set_parameter("omit", omit);
	begin_move(AT_COPIED, 0);
	*(volatile uint64_t *)page_at(3) = 4711;
	end_move();
	set_parameter("omit", 0);
	munmap(memory, nr_pages * PAGE);	/* forget stale entries */
	memory = map(0, nr_pages);
	EXPECT_EQ(omit ? 1 : 0, *(uint64_t *)page_at(3) != 4711);
	EXPECT_EQ(omit ? HEMEM_ASSIST_MOVED : HEMEM_ASSIST_BUSY, moves[3].out_status);
	EXPECT_EQ(HEMEM_ASSIST_MOVED, moves[4].out_status);
	EXPECT_EQ(0, count_bad(memory, 4, 4));
}

/* A reader keeps the old page, while a write goes to the new one. */
static void scenario_stale(void *arg)
{
	const unsigned int omit = *(unsigned int *)arg;
	char *again;

	make(8, 0, HEMEM_ASSIST_REGION_BASE);
	fill();
	set_parameter("omit", omit);
	begin_move(AT_COPIED, 0);
	(void)*(volatile char *)page_at(3);	/* read-only, the old page */
	end_move();
	set_parameter("omit", 0);
	again = map(0, nr_pages);
	*(volatile uint64_t *)(again + 3 * PAGE) = 4711;
	EXPECT_EQ(omit ? 1 : 0, *(volatile uint64_t *)page_at(3) != 4711);
	munmap(memory, nr_pages * PAGE);
}

static void scenario_full(void *arg)
{
	(void)arg;
	make(8, 0, HEMEM_ASSIST_REGION_BASE);
	mem_fill_page(page_at(0), SEED, 0);
	set_parameter("omit", OMIT_PAGES);
	EXPECT_EQ(SIGBUS, signal_of_write(page_at(1)));
	migrate(plan(0, 1, 0, node_b()), 0);
	EXPECT_EQ(HEMEM_ASSIST_NO_ROOM, moves[0].out_status);
	EXPECT(mem_page_is_good(page_at(0), SEED, 0));
	set_parameter("omit", 0);
	EXPECT_EQ(0, signal_of_write(page_at(1)));
	EXPECT_LE(1, counter("region_sigbus"));
}

static _Atomic int is_written;

static void *write_one(void *arg)
{
	*(volatile uint64_t *)arg = 4711;
	is_written = 1;
	return NULL;
}

static void *map_much(void *arg)
{
	int i;

	for (i = 0; i < 20; i++)
		munmap(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), PAGE);
	*(_Atomic int *)arg = 1;
	return NULL;
}

/* One waits for a page that moves, others want the address space for writing. */
static void scenario_h4(void *arg)
{
	const bool is_all = *(unsigned int *)arg;
	_Atomic int is_mapped = 0;
	pthread_t writer, mapper;
	int ms;

	make(8, 0, HEMEM_ASSIST_REGION_BASE);
	fill();
	is_written = 0;
	begin_move(AT_BEGUN, is_all ? HEMEM_ASSIST_MIGRATE_ALL_WAIT :
				      HEMEM_ASSIST_MIGRATE_WRITERS_WAIT);
	ASSERT_EQ(0, pthread_create(&writer, NULL, write_one, page_at(3)));
	usleep(200000);
	ASSERT_EQ(0, pthread_create(&mapper, NULL, map_much, (void *)&is_mapped));
	for (ms = 0; ms < 5000 && !is_mapped; ms++)
		usleep(1000);
	EXPECT_EQ(1, is_mapped);
	EXPECT_EQ(1, file_number(PARAMETERS "stopped"));
	EXPECT_EQ(0, is_written);
	if (!is_all)
		EXPECT_EQ(0, count_bad(memory, 4, 4));	/* readers go on */
	EXPECT_LT(0, counter("region_waits"));
	end_move();
	pthread_join(writer, NULL);
	pthread_join(mapper, NULL);
	EXPECT_EQ(4711, *(uint64_t *)page_at(3));
	EXPECT_EQ(8, reply.out_nr[HEMEM_ASSIST_MOVED]);
}

/* In a transaction nobody waits: not who reads, nor who writes. */
static void scenario_nobody_waits(void *arg)
{
	long waits;

	(void)arg;
	make(8, 0, HEMEM_ASSIST_REGION_BASE);
	fill();
	waits = counter("region_waits");
	begin_move(AT_COPIED, 0);
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
	*(volatile uint64_t *)page_at(3) = 4711;
	EXPECT_EQ(waits, counter("region_waits"));
	end_move();
	EXPECT_EQ(7, reply.out_nr[HEMEM_ASSIST_MOVED]);
	EXPECT_EQ(1, reply.out_nr[HEMEM_ASSIST_BUSY]);
	EXPECT_EQ(4711, *(uint64_t *)page_at(3));
}

/* While entries of old pages may be left, the new ones may be read and not be written. */
static void scenario_settling(void *arg)
{
	pthread_t writer;

	(void)arg;
	make(8, 0, HEMEM_ASSIST_REGION_BASE);
	fill();
	is_written = 0;
	begin_move(AT_SWITCHED, 0);
	ASSERT_EQ(0, pthread_create(&writer, NULL, write_one, page_at(3)));
	EXPECT_EQ(0, count_bad(memory, 0, nr_pages));
	usleep(100000);
	EXPECT_EQ(0, is_written);
	end_move();
	pthread_join(writer, NULL);
	EXPECT_EQ(4711, *(uint64_t *)page_at(3));
	EXPECT_EQ(8, reply.out_nr[HEMEM_ASSIST_MOVED]);
}

static const struct scenario {
	const char *name;
	void (*body)(void *arg);
	unsigned int arg;
} scenarios[] = {
	{ "a write in a transaction is kept", scenario_lost, 0 },
	{ "and lost if nobody looks for it", scenario_lost, OMIT_WRITTEN },
	{ "or if old entries stay", scenario_lost, OMIT_UNMAP },
	{ "a reader sees what is written after a move", scenario_stale, 0 },
	{ "and not if it keeps the old page", scenario_stale, OMIT_UNMAP_AGAIN },
	{ "SIGBUS and NO_ROOM when nodes are full", scenario_full, 0 },
	{ "h4 no deadlock, writers wait", scenario_h4, 0 },
	{ "h4 no deadlock, all wait", scenario_h4, 1 },
	{ "nobody waits in a transaction", scenario_nobody_waits, 0 },
	{ "new pages are read-only until old ones are gone", scenario_settling, 0 },
};

static void run_scenarios(void)
{
	size_t i;

	for (i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		pid_t child = proc_start(scenarios[i].body, (void *)&scenarios[i].arg);

		if (!EXPECT_EQ(0, proc_wait(child)))
			NOTE("that was: %s", scenarios[i].name);
		/* Whatever it left behind. */
		set_parameter("stop_at", 0);
		set_parameter("omit", 0);
	}
}

TEST(stopped, "stop moves, or leave out steps, and act meanwhile: nothing is lost, waits for "
     "ever or sees old pages with the step, and is without it", need_region, need_faulty_module)
{
	ASSERT_EQ(0, module_unload());
	if (EXPECT_EQ(0, module_load_faulty(NULL))) {
		run_scenarios();
		EXPECT_EQ(0, module_unload());
	}
	ASSERT_EQ(0, module_load(NULL));
}
