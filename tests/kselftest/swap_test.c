// SPDX-License-Identifier: GPL-2.0
/*
 * swap_test.c - pages that are swapped while they are used: what stays as it was, what is
 * refused, and whether damage would be seen
 *
 * The third part loads a module that leaves out single steps of a swap (kmod/fault.c) and
 * stops where the test wants to act.  Each scenario runs with the step, when nothing
 * may be lost, and without it, when the loss must be seen.  The fourth has such steps left
 * out while the module tests itself at load, which must then turn swaps off.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <sched.h>
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

enum { PAGE = 4096, NR_PAGES = 100 };

static struct hemem_assist_move moves[HEMEM_ASSIST_MAX_BATCH];
static struct hemem_assist_migrate reply;
static int fd = -1;

static long counter(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), STATS "%s", name);
	return file_number(path);
}

static void attach_self(void)
{
	fd = dev_open_attached(getpid());
	ASSERT_LE(0, fd);
}

static void migrate(const struct mem *mem, int nid)
{
	ASSERT_EQ(0, dev_migrate(fd, moves, mem_moves(mem, nid, moves), 0, &reply));
}

/* --- which engine ------------------------------------------------------------ */

TEST(used_where_it_should, "find swaps in use on the kernels that they are made for",
	 need_migrate, need_two_nodes)
{
	struct hemem_assist_info info;
	struct utsname name;
	bool is_for;

	uname(&name);
	is_for = !strncmp(name.release, "6.1.", 4) || !strncmp(name.release, "6.12.", 5);
	fd = dev_open();
	ASSERT_EQ(0, dev_info(fd, &info));
	NOTE("%s: out_no_swap=%u", name.release, info.out_no_swap);
	EXPECT_EQ(is_for ? HEMEM_ASSIST_SWAPS : HEMEM_ASSIST_NO_SWAP_KERNEL,
		  info.out_no_swap);
}

static const struct choice {
	const char *args;
	unsigned int no_swap;
} choices[] = {
	{ "swap=0", HEMEM_ASSIST_NO_SWAP_OFF },
	{ "selftest=0", HEMEM_ASSIST_SWAPS },
	{ "without=lru_add_drain", HEMEM_ASSIST_NO_SWAP_SYMBOL },
};

static const char *choice_name(int row)
{
	return choices[row].args;
}

static const struct rows choice_rows = {
	.nr = sizeof(choices) / sizeof(choices[0]), .name = choice_name,
};

/* Does the module that is loaded swap, or not for this reason, and say so?  Moves @mem by it. */
static void check_engine(unsigned int no_swap, struct mem *mem)
{
	struct hemem_assist_info info;
	long swapped = counter("swapped");

	mem_make_anon(mem, NR_PAGES, node_a());
	attach_self();
	ASSERT_EQ(0, dev_info(fd, &info));
	EXPECT_EQ(no_swap, info.out_no_swap);
	EXPECT_EQ(no_swap ? 0 : HEMEM_ASSIST_FEAT_SWAP,
		  info.out_features & HEMEM_ASSIST_FEAT_SWAP);
	migrate(mem, node_b());
	EXPECT_EQ(NR_PAGES, reply.out_nr[HEMEM_ASSIST_MOVED]);
	EXPECT_EQ(swapped + (no_swap ? 0 : NR_PAGES), counter("swapped"));
}

static void check_choice(void *arg)
{
	const struct choice *choice = arg;
	struct mem mem;

	check_engine(choice->no_swap, &mem);
	EXPECT_EQ(0, mem_count_bad(&mem));
}

TEST_ROWS(choice, "load the module with a parameter, read in INFO how it moves pages, and "
	  "move some", &choice_rows, need_swaps, need_two_nodes, need_module_file)
{
	ASSERT_EQ(0, module_unload());
	if (EXPECT_EQ(0, module_load(choices[row].args))) {
		EXPECT_EQ(0, proc_wait(proc_start(check_choice, (void *)&choices[row])));
		EXPECT_EQ(0, module_unload());
	}
	ASSERT_EQ(0, module_load(NULL));
}

/* --- what stays as it was ------------------------------------------------------ */

/* What the kernel tells of a mapping; the sizes do not change when pages move. */
static const char *const smaps_fields[] = {
	"Rss:", "Pss:", "Private_Clean:", "Private_Dirty:", "Shared_Clean:",
	"Shared_Dirty:", "Referenced:", "Anonymous:", "LazyFree:", "AnonHugePages:",
	"Swap:", "Locked:",
};

enum { NR_FIELDS = sizeof(smaps_fields) / sizeof(smaps_fields[0]) };

static void read_smaps(const struct mem *mem, long *ret_kib)
{
	unsigned int i;

	for (i = 0; i < NR_FIELDS; i++)
		ret_kib[i] = proc_smaps_kib(mem->addr, smaps_fields[i]);
}

/* Bits 55 soft-dirty, 56 exclusive, 61 file, 62 swapped, 63 present. */
#define PAGEMAP_STATE	(7ULL << 61 | 3ULL << 55)

static void rewrite(volatile char *at)
{
	*at = *at;
}

/*
 * A page that madvise(2) has put on a CPU's list, to be made cold or lazily free, is referred to
 * by that list, and up to 31 wait there.  move_pages(2) empties all such lists.
 */
static void empty_lists(const struct mem *mem)
{
	ASSERT_EQ(0, node_bring(mem->addr, PAGE, node_a()));
}

static void check_state(const struct mem *mem, long nr_expected)
{
	long kib[NR_FIELDS], kib_now[NR_FIELDS], swapped;
	uint64_t state[NR_PAGES];
	unsigned int i;
	int round;

	/* Half written since soft-dirty was cleared; a third not used since it was cold. */
	ASSERT_EQ(0, file_write("/proc/self/clear_refs", "4"));
	for (i = 0; i < mem->nr_units; i += 2)
		rewrite(mem_unit(mem, i));
	for (i = 0; i < mem->nr_units; i += 3)
		madvise(mem_unit(mem, i), mem->unit_bytes, MADV_COLD);
	empty_lists(mem);
	read_smaps(mem, kib);
	for (i = 0; i < mem->nr_units; i++)
		state[i] = proc_pagemap(mem_unit(mem, i)) & PAGEMAP_STATE;
	swapped = counter("swapped");
	for (round = 0; round < 2; round++)
		migrate(mem, round ? node_a() : node_b());
	EXPECT_LE(2 * nr_expected, counter("swapped") - swapped);
	read_smaps(mem, kib_now);
	for (i = 0; i < NR_FIELDS; i++)
		if (!EXPECT_EQ(kib[i], kib_now[i]))
			NOTE("%s", smaps_fields[i]);
	for (i = 0; i < mem->nr_units; i++)
		if (!EXPECT_EQ(state[i], proc_pagemap(mem_unit(mem, i)) & PAGEMAP_STATE))
			NOTE("that was page %u", i);
	EXPECT_EQ(0, mem_count_bad(mem));
}

TEST(state_stays, "swap base pages there and back, and find them accessed, dirty, soft-dirty, "
	 "exclusive and counted as before", need_swaps, need_two_nodes)
{
	struct mem mem;

	mem_make_anon(&mem, NR_PAGES, node_a());
	attach_self();
	migrate(&mem, node_b());
	migrate(&mem, node_a());
	check_state(&mem, NR_PAGES);
}

TEST(state_stays_huge, "do the same with huge pages", need_swaps, need_two_nodes, need_thp)
{
	struct mem mem;

	mem_make_huge(&mem, 4, node_a());
	attach_self();
	check_state(&mem, 4);
}

TEST(nontemporal, "copy past the caches, base and huge pages, and find their bytes",
	 need_swaps, need_two_nodes, need_thp)
{
	struct mem base, huge;
	long swapped = counter("swapped");
	int round;

	mem_make_anon(&base, NR_PAGES, node_a());
	mem_make_huge(&huge, 2, node_a());
	attach_self();
	migrate(&base, node_a());
	ASSERT_EQ(0, file_set(PARAMETERS "nontemporal", "1"));
	for (round = 0; round < 4; round++) {
		migrate(&base, round & 1 ? node_a() : node_b());
		migrate(&huge, round & 1 ? node_a() : node_b());
		EXPECT_EQ(0, mem_count_bad(&base));
		EXPECT_EQ(0, mem_count_bad(&huge));
		base.seed++;
		mem_fill(&base);
	}
	file_restore_all();
	EXPECT_LE(4 * (NR_PAGES + 2), counter("swapped") - swapped);
}

static void do_nothing(void *arg __attribute__((unused)))
{
}

/* Pages of a process that was forked once: read-only, mapped once, not exclusive. */
TEST(after_fork, "swap pages that a child has shared and left, and write to them",
	 need_swaps, need_two_nodes)
{
	long swapped = counter("swapped");
	struct mem mem;

	mem_make_anon(&mem, NR_PAGES, node_a());
	attach_self();
	migrate(&mem, node_a());
	proc_wait(proc_start(do_nothing, NULL));
	migrate(&mem, node_b());
	EXPECT_EQ(NR_PAGES, reply.out_nr[HEMEM_ASSIST_MOVED]);
	NOTE("%ld swapped", counter("swapped") - swapped);
	EXPECT_EQ(0, mem_count_bad(&mem));
	mem.seed++;
	mem_fill(&mem);
	EXPECT_EQ(0, mem_count_bad(&mem));
	EXPECT_EQ(NR_PAGES * PAGE / 1024, proc_smaps_kib(mem.addr, "Rss:"));
}

/* --- what the target may feel ------------------------------------------------------ */

#define HISTOGRAMS "/sys/class/misc/hemem/histograms/"

/* How many times a histogram has; -1: not as it should be, or beyond a minute. */
static long histogram_nr(const char *name)
{
	char path[128], text[4096], *line, *rest = text;
	unsigned long long from_ns, last_ns = 0;
	long nr, sum = 0;

	snprintf(path, sizeof(path), HISTOGRAMS "%s", name);
	if (file_read(path, text, sizeof(text)) < 0)
		return -1;
	while ((line = strsep(&rest, "\n")) && *line) {
		if (sscanf(line, "%llu %ld", &from_ns, &nr) != 2 || nr < 1 ||
		    from_ns & (from_ns - 1) || (sum && from_ns <= last_ns) ||
		    from_ns > 60ULL * 1000000000)
			return -1;
		last_ns = from_ns;
		sum += nr;
	}
	return sum;
}

TEST(histograms, "turn histograms on, swap base and huge pages, and find each page and each lock "
	 "counted; turned off, none is", need_swaps, need_two_nodes, need_thp)
{
	struct mem base, huge;
	long swapped, nr;

	mem_make_anon(&base, NR_PAGES, node_a());
	mem_make_huge(&huge, 2, node_a());
	attach_self();
	migrate(&base, node_a());
	ASSERT_EQ(0, file_write(PARAMETERS "histograms", "1"));
	EXPECT_EQ(0, histogram_nr("unavailable_ns"));
	swapped = counter("swapped");
	migrate(&base, node_b());
	migrate(&huge, node_b());
	swapped = counter("swapped") - swapped;
	EXPECT_LE(NR_PAGES + 2, swapped);
	EXPECT_EQ(swapped, histogram_nr("unavailable_ns"));
	/* One for each chunk of 32 pages, each huge page, and the look after the last chunk. */
	nr = histogram_nr("mmap_lock_ns");
	EXPECT_LE(NR_PAGES / 32 + 1 + 2, nr);
	/* Three of a chunk in one table, two of a huge page. */
	EXPECT_LE(3 * (NR_PAGES / 32 + 1) + 2 * 2, histogram_nr("table_lock_ns"));
	ASSERT_EQ(0, file_write(PARAMETERS "histograms", "0"));
	migrate(&base, node_a());
	EXPECT_EQ(0, histogram_nr("unavailable_ns"));
	EXPECT_EQ(0, histogram_nr("mmap_lock_ns"));
	EXPECT_EQ(0, histogram_nr("table_lock_ns"));
}

/* --- what is refused -------------------------------------------------------------- */

static int a_pipe[2];

static void put_into_pipe(const struct mem *mem)
{
	struct iovec iov = { mem->addr, mem->bytes };

	ASSERT_EQ(0, pipe(a_pipe));
	ASSERT_EQ(mem->bytes, vmsplice(a_pipe[1], &iov, 1, 0));
}

static void give_up(const struct mem *mem)
{
	ASSERT_EQ(0, madvise(mem->addr, mem->bytes, MADV_FREE));
	empty_lists(mem);
}

static void make_read_only(const struct mem *mem)
{
	ASSERT_EQ(0, mprotect(mem->addr, mem->bytes, PROT_READ));
}

/* mprotect of one page splits the entry of the huge page. */
static void split(const struct mem *mem)
{
	ASSERT_EQ(0, mprotect(mem->addr + 100 * PAGE, PAGE, PROT_READ));
}

#define MTHP	"/sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled"

static const char *lacks_mthp(void)
{
	return access(MTHP, W_OK) ? "this kernel has no large pages of 64 KiB" : NULL;
}

/* The same memory again, in large pages of 64 KiB where it is aligned. */
static void make_large(const struct mem *mem)
{
	ASSERT_EQ(0, madvise(mem->addr, mem->bytes, MADV_DONTNEED));
	ASSERT_EQ(0, madvise(mem->addr, mem->bytes, MADV_HUGEPAGE));
	node_allocate_on(node_a());
	ASSERT_EQ(0, file_write(MTHP, "always"));
	mem_fill(mem);
	ASSERT_EQ(0, file_write(MTHP, "never"));
	node_allocate_on(-1);
}

static const struct refusal {
	const char *counter;		/* swap_... */
	const char *kind;		/* of mem_kinds */
	void (*prepare)(const struct mem *mem);
	unsigned int nr_pages;		/* for "anon": how many */
	bool has_swapped;		/* some pages of it may be swapped all the same */
	unsigned int status;		/* in the end */
} refusals[] = {
	{ "swap_referenced", "anon", put_into_pipe, 4, false, HEMEM_ASSIST_BUSY },
	{ "swap_lazyfree", "anon", give_up, 16, false, HEMEM_ASSIST_MOVED },
	{ "swap_mapping", "anon", make_read_only, 16, false, HEMEM_ASSIST_MOVED },
	{ "swap_mapping", "shmem", NULL, 0, false, HEMEM_ASSIST_MOVED },
	{ "swap_mapping", "file_cow", NULL, 0, false, HEMEM_ASSIST_MOVED },
	{ "swap_mapping", "mlocked", NULL, 0, false, HEMEM_ASSIST_MOVED },
	{ "swap_mapping", "vdso", NULL, 0, false, HEMEM_ASSIST_NEVER },
	{ "swap_shared", "cow_shared", NULL, 0, false, HEMEM_ASSIST_SHARED },
	{ "swap_ksm", "ksm", NULL, 0, false, HEMEM_ASSIST_SHARED },
	{ "swap_not_anon", "zero", NULL, 0, false, HEMEM_ASSIST_ZERO },
	{ "swap_huge_part", "huge", split, 0, true, HEMEM_ASSIST_NR_STATUS },
	{ "swap_large_part", "anon", make_large, 64, true, HEMEM_ASSIST_NR_STATUS },
};

static const char *refusal_name(int row)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s_%s%s", refusals[row].counter + 5,
		 refusals[row].kind, refusals[row].prepare == make_read_only ? "_ro" : "");
	return name;
}

static const char *refusal_lacks(int row)
{
	const struct kind *kind = mem_kind(refusals[row].kind);

	if (refusals[row].prepare == make_large)
		return lacks_mthp();
	return kind->lacks ? kind->lacks() : NULL;
}

static const struct rows refusal_rows = {
	.nr = sizeof(refusals) / sizeof(refusals[0]),
	.name = refusal_name, .lacks = refusal_lacks,
};

TEST_ROWS(refused, "move pages that are not swapped, find the reason counted, and the answer "
	  "of the kernel's own migration", &refusal_rows, need_swaps, need_two_nodes)
{
	const struct refusal *refusal = &refusals[row];
	long refused, swapped;
	unsigned int i, nr;
	struct mem mem;

	if (refusal->nr_pages)
		mem_make_anon(&mem, refusal->nr_pages, node_a());
	else
		mem_make(&mem, mem_kind(refusal->kind), node_a());
	attach_self();
	migrate(&mem, node_a());	/* drains */
	if (refusal->prepare)
		refusal->prepare(&mem);
	refused = counter(refusal->counter);
	swapped = counter("swapped");
	nr = mem_moves(&mem, node_b(), moves);
	migrate(&mem, node_b());
	EXPECT_LT(refused, counter(refusal->counter));
	if (!refusal->has_swapped)
		EXPECT_EQ(swapped, counter("swapped"));
	for (i = 0; i < nr && refusal->status < HEMEM_ASSIST_NR_STATUS; i++)
		if (!EXPECT_EQ(refusal->status, moves[i].out_status))
			NOTE("page %u: %s", i, dev_status_name(moves[i].out_status));
	mem_open(&mem);
	if (!mem.kind || !mem.kind->is_unreadable)
		EXPECT_EQ(0, mem_count_bad(&mem));
}

/* --- would damage be seen? ---------------------------------------------------------- */

/* As enum hemem_fault and enum hemem_fault_place of kmod/hemem.h. */
enum {
	NOTHING		= 0,
	PROTECT		= 1 << 0,
	FLUSH		= 1 << 1,
	REFERENCES	= 1 << 2,
	VERIFY		= 1 << 3,
	FLUSH_AGAIN	= 1 << 4,
	HUGE_STAYS	= 1 << 5,
};

enum { NOWHERE, COPIED, SWAPPED, CLEARED };

static struct mem mem;			/* of the scenario: one page, base or huge */
static volatile uint64_t *words;	/* its first */
static pthread_t mover;
static volatile bool has_moved;
static int mover_cpu = -1;		/* where it runs; -1: anywhere */
static bool wants_loss;			/* a step is left out */

static void set_parameter(const char *name, unsigned int value)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	snprintf(text, sizeof(text), "%u", value);
	ASSERT_EQ(0, file_write(path, text));
}

static void run_on(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpus), &cpus));
}

static void *move_away(void *arg __attribute__((unused)))
{
	if (mover_cpu >= 0)
		run_on(mover_cpu);
	migrate(&mem, node_of((void *)mem.addr) == node_a() ? node_b() : node_a());
	has_moved = true;
	return NULL;
}

/* Begins a MIGRATE; true: a swap is at @place and waits; false: it did not come there. */
static bool move_until(unsigned int place)
{
	has_moved = false;
	set_parameter("stop_at", place);
	pthread_create(&mover, NULL, move_away, NULL);
	while (!has_moved && file_number(PARAMETERS "stopped") < 1)
		sched_yield();
	return !has_moved;
}

static void move_on(void)
{
	set_parameter("stop_at", NOWHERE);
	pthread_join(mover, NULL);
}

/* A write after the copy.  Return: how many writes were lost, in some rounds. */
static unsigned int write_after_copy(void)
{
	unsigned int round, lost = 0;

	for (round = 1; round <= 10; round++) {
		ASSERT(move_until(COPIED));
		words[1] = round;
		move_on();
		lost += words[1] != round;
	}
	return lost;
}

/*
 * MADV_DONTNEED while the entry of a huge page is away: it has to wait for the page and drop
 * it.  Who looks without the lock and finds no entry leaves all of it in place.
 */
static unsigned int drop_meanwhile(void)
{
	unsigned int round, lost = 0;

	mover_cpu = 0;
	run_on(1);
	for (round = 1; round <= 5; round++) {
		if (round > 1) {	/* what faults in again may be base pages */
			mem_free(&mem);
			mem_make_huge(&mem, 1, node_a());
			words = (void *)mem.addr;
		}
		words[1] = 1;
		ASSERT(move_until(CLEARED));
		ASSERT_EQ(0, madvise(mem.addr, mem.bytes, MADV_DONTNEED));
		move_on();
		lost += words[1] != 0;
	}
	return lost;
}

static volatile bool must_stop;
static volatile uint64_t published;
static volatile uint64_t nr_looks;	/* of the other CPU's */
static volatile unsigned int nr_lost;

/* Writes as fast as it can, so that its CPU knows the page as writable. */
static void *write_on_other_cpu(void *arg __attribute__((unused)))
{
	uint64_t count = 0;

	run_on(1);
	words[1] = count;
	for (; !must_stop; nr_looks++) {
		if (words[1] != count) {
			nr_lost++;
			count = words[1];
		}
		words[1] = ++count;
	}
	return NULL;
}

/* Reads what was published before it began to read: never less than that. */
static void *read_on_other_cpu(void *arg __attribute__((unused)))
{
	run_on(1);
	for (; !must_stop; nr_looks++) {
		uint64_t least = published;

		if (words[1] < least)
			nr_lost++;
	}
	return NULL;
}

/* Until the other CPU has used the page, as it knows it now. */
static void let_other_look(void)
{
	const uint64_t enough = nr_looks + 3;
	const uint64_t end_ns = proc_now_ns() + 5 * 1000000000ULL;

	while (nr_looks < enough && proc_now_ns() < end_ns)
		sched_yield();
	ASSERT_LE(enough, nr_looks);
}

/* The other CPU forgets translations at a switch of tasks: not every round loses. */
static bool is_enough(unsigned int round)
{
	return round > 20 && (!wants_loss || nr_lost || round > 1000);
}

/*
 * Moves the page again and again, while @other on the other CPU uses it all the time: before,
 * between the copy and the swap, and after.  @after, if any, follows each move.
 */
static unsigned int move_beside(void *(*other)(void *), void (*after)(unsigned int round))
{
	pthread_t thread;
	unsigned int round;

	mover_cpu = 0;
	run_on(0);
	words[1] = 0;
	pthread_create(&thread, NULL, other, NULL);
	for (round = 1; !is_enough(round); round++) {
		let_other_look();
		if (move_until(COPIED))
			let_other_look();
		move_on();
		if (after)
			after(round);
		let_other_look();
	}
	must_stop = true;
	pthread_join(thread, NULL);
	return nr_lost;
}

/* The writes after the copy: without a fault, if the translation still allows them. */
static unsigned int write_by_old_translation(void)
{
	return move_beside(write_on_other_cpu, NULL);
}

static void publish(unsigned int round)
{
	words[1] = round;
	published = round;
}

/* The reads after a write to the new page, of which the old page knows nothing. */
static unsigned int read_by_old_translation(void)
{
	return move_beside(read_on_other_cpu, publish);
}

/* An io_uring with one entry, as raw as it gets. */
static struct io_uring_params ring_params;
static struct io_uring_sqe *ring_sqes;
static char *ring_sq;
static int ring = -1;

static void ring_make(void)
{
	ring = (int)syscall(SYS_io_uring_setup, 1, &ring_params);
	if (ring < 0)
		SKIP("this kernel has no io_uring");
	ring_sq = mmap(NULL, ring_params.sq_off.array + 4, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
	ring_sqes = mmap(NULL, sizeof(*ring_sqes), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
	ASSERT(ring_sq != MAP_FAILED && ring_sqes != MAP_FAILED);
}

static void ring_pin(void *addr, size_t bytes)
{
	struct iovec iov = { addr, bytes };

	ASSERT_EQ(0, syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS,
			     &iov, 1));
}

static void ring_unpin(void)
{
	ASSERT_EQ(0, syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS,
			     NULL, 0));
}

/* Reads from @file into the pinned memory at @addr: no page table is looked at. */
static void ring_read(int file, void *addr, unsigned int bytes)
{
	unsigned int *tail = (unsigned int *)(ring_sq + ring_params.sq_off.tail);
	unsigned int *array = (unsigned int *)(ring_sq + ring_params.sq_off.array);

	*ring_sqes = (struct io_uring_sqe){
		.opcode = IORING_OP_READ_FIXED, .fd = file, .off = ~0ULL,
		.addr = (uintptr_t)addr, .len = bytes,
	};
	array[0] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	ASSERT_EQ(1, syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS,
			     NULL, 0));
}

/*
 * A device that has the page since before the swap, writes to it after the copy, and lets
 * go of it before the swap looks again.
 */
static unsigned int write_by_reference(void)
{
	unsigned int round, lost = 0;
	uint64_t value;

	ring_make();
	ASSERT_EQ(0, pipe(a_pipe));
	for (round = 1; round <= 10; round++) {
		value = 0x5ca1ab1e0000 + round;
		ASSERT_EQ(sizeof(value), write(a_pipe[1], &value, sizeof(value)));
		ring_pin(mem.addr, PAGE);
		move_until(COPIED);
		ring_read(a_pipe[0], (void *)&words[1], sizeof(value));
		ring_unpin();
		move_on();
		lost += words[1] != value;
	}
	return lost;
}

static const struct scenario {
	const char *name;
	unsigned int (*run)(void);
	bool is_huge;
	unsigned int omit;		/* without these steps it must see losses */
} scenarios[] = {
	{ "write_after_copy", write_after_copy, false, NOTHING },
	{ "write_after_copy_unprotected", write_after_copy, false, PROTECT },
	{ "write_after_copy_unverified", write_after_copy, false, VERIFY },
	{ "write_after_copy_huge", write_after_copy, true, NOTHING },
	{ "write_after_copy_huge_unprotected", write_after_copy, true, PROTECT },
	{ "write_after_copy_huge_unverified", write_after_copy, true, VERIFY },
	{ "drop_meanwhile_huge", drop_meanwhile, true, NOTHING },
	{ "drop_meanwhile_huge_away", drop_meanwhile, true, HUGE_STAYS },
	{ "old_translation_writes", write_by_old_translation, false, NOTHING },
	{ "old_translation_writes_unflushed", write_by_old_translation, false, FLUSH },
	{ "old_translation_writes_huge", write_by_old_translation, true, NOTHING },
	{ "old_translation_writes_huge_unflushed", write_by_old_translation, true, FLUSH },
	{ "old_translation_reads", read_by_old_translation, false, NOTHING },
	{ "old_translation_reads_unflushed", read_by_old_translation, false, FLUSH_AGAIN },
	{ "old_translation_reads_huge", read_by_old_translation, true, NOTHING },
	{ "old_translation_reads_huge_unflushed", read_by_old_translation, true,
	  FLUSH_AGAIN },
	{ "reference_writes", write_by_reference, false, NOTHING },
	{ "reference_writes_unchecked", write_by_reference, false, REFERENCES },
};

static const char *scenario_name(int row)
{
	return scenarios[row].name;
}

static const char *scenario_lacks(int row)
{
	return scenarios[row].is_huge ? need_thp() : NULL;
}

static const struct rows scenario_rows = {
	.nr = sizeof(scenarios) / sizeof(scenarios[0]),
	.name = scenario_name, .lacks = scenario_lacks,
};

static void play(void *arg)
{
	const struct scenario *scenario = arg;
	unsigned int lost;

	if (scenario->is_huge)
		mem_make_huge(&mem, 1, node_a());
	else
		mem_make_anon(&mem, 1, node_a());
	words = (void *)mem.addr;
	attach_self();
	migrate(&mem, node_a());
	set_parameter("omit", scenario->omit);
	wants_loss = scenario->omit;
	lost = scenario->run();
	NOTE("%u losses", lost);
	if (scenario->omit)
		EXPECT_LT(0, lost);
	else
		EXPECT_EQ(0, lost);
}

TEST_ROWS(damage, "use a page in the midst of its swap and lose nothing; or with a step left "
	  "out see the loss", &scenario_rows, need_swaps, need_two_nodes, need_two_cpus,
	  need_module_file, need_faulty_module)
{
	ASSERT_EQ(0, module_unload());
	if (EXPECT_EQ(0, module_load_faulty(NULL))) {
		EXPECT_EQ(0, proc_wait(proc_start(play, (void *)&scenarios[row])));
		EXPECT_EQ(0, module_unload());
	}
	ASSERT_EQ(0, module_load(NULL));
}

/* --- does the module's own test at load see it? ----------------------------------------- */

static const struct broken {
	const char *name;
	const char *args;
	unsigned int no_swap;
	bool is_lossy;			/* what is moved is damaged */
} brokens[] = {
	{ "whole", "omit=0", HEMEM_ASSIST_SWAPS, false },
	{ "uncopied", "omit=64", HEMEM_ASSIST_NO_SWAP_FAILED, false },
	{ "uncopied_untested", "omit=64 selftest=0", HEMEM_ASSIST_SWAPS, true },
	{ "references_unchecked", "omit=4", HEMEM_ASSIST_NO_SWAP_FAILED, false },
};

static const char *broken_name(int row)
{
	return brokens[row].name;
}

static const struct rows broken_rows = {
	.nr = sizeof(brokens) / sizeof(brokens[0]), .name = broken_name,
};

static void check_broken(void *arg)
{
	const struct broken *broken = arg;
	struct mem mem;

	check_engine(broken->no_swap, &mem);
	EXPECT_EQ(broken->is_lossy, mem_count_bad(&mem) != 0);
}

TEST_ROWS(selftest, "load a module that leaves out a step: its test at load turns swaps off, INFO "
	  "says so, and memory that is moved is whole; without that test it is not", &broken_rows,
	  need_swaps, need_two_nodes, need_module_file, need_faulty_module)
{
	ASSERT_EQ(0, module_unload());
	if (EXPECT_EQ(0, module_load_faulty(brokens[row].args))) {
		EXPECT_EQ(0, proc_wait(proc_start(check_broken, (void *)&brokens[row])));
		EXPECT_EQ(0, module_unload());
	}
	ASSERT_EQ(0, module_load(NULL));
}
