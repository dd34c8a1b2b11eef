// SPDX-License-Identifier: GPL-2.0
/*
 * migrate_test.c - MIGRATE: pages come where they shall, whole, and the answer
 * says what became of each
 *
 * Where a page lies is asked of move_pages(2), never of the module.  What lies
 * in it is compared with a pattern that depends on the page.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "dev.h"
#include "file.h"
#include "harness.h"
#include "mem.h"
#include "need.h"
#include "node.h"
#include "proc.h"
#include "target.h"

enum { PAGE = 4096 };

static struct hemem_assist_move moves[HEMEM_ASSIST_MAX_BATCH];
static struct hemem_assist_migrate reply;
static int fd;

static void attach(pid_t pid)
{
	fd = dev_open_attached(pid);
	ASSERT_LE(0, fd);
}

static unsigned int sum(const __u32 *counts)
{
	unsigned int i, total = 0;

	for (i = 0; i < 16; i++)
		total += counts[i];
	return total;
}

/* Sends the first @nr of moves[], and checks what must always hold. */
static void migrate(unsigned int nr, __u32 flags)
{
	__u32 counted[16] = { 0 };
	__u64 bytes = 0, last = ~0ULL;
	unsigned int i, last_node = 0;

	for (i = 0; i < nr; i++)
		moves[i].out_status = moves[i].out_order = 0xcccc;
	ASSERT_EQ(0, dev_migrate(fd, moves, nr, flags, &reply));
	for (i = 0; i < nr; i++) {
		__u64 page = moves[i].addr & -((__u64)PAGE << moves[i].out_order);

		ASSERT_LT(moves[i].out_status, HEMEM_ASSIST_NR_STATUS);
		counted[moves[i].out_status]++;
		if (moves[i].out_status != HEMEM_ASSIST_MOVED)
			continue;
		/* The next entry for the same move has its answer, not its bytes. */
		if (page != last || moves[i].node != last_node)
			bytes += (__u64)PAGE << moves[i].out_order;
		last = page;
		last_node = moves[i].node;
	}
	EXPECT_EQ(0, memcmp(counted, reply.out_nr, sizeof(counted)));
	EXPECT_EQ(nr, sum(reply.out_nr));
	EXPECT_EQ(bytes, reply.out_bytes_moved);
	EXPECT_LE(reply.out_look_ns + reply.out_alloc_ns + reply.out_move_ns,
		  reply.out_total_ns);
	EXPECT_LT(0, reply.out_total_ns);
}

static void expect_status(unsigned int i, unsigned int status)
{
	if (!EXPECT_EQ(status, moves[i].out_status))
		NOTE("entry %u is %s and should be %s", i,
		     dev_status_name(moves[i].out_status),
		     dev_status_name(status));
}

/*
 * Moves all of @mem, and again what was busy: a page may be locked for a
 * moment by someone who passes, so BUSY is asked again a few times.
 */
static void migrate_all(const struct mem *mem, int nid, __u32 flags)
{
	unsigned int nr = mem_moves(mem, nid, moves), tries = 0;

	migrate(nr, flags);
	while (reply.out_nr[HEMEM_ASSIST_BUSY] && tries++ < 5) {
		usleep(10000);
		migrate(nr, flags);
	}
}

static void expect_all_on(const struct mem *mem, int nid)
{
	EXPECT_EQ(mem->bytes / PAGE, node_count(mem->addr, mem->bytes, nid));
	EXPECT_EQ(0, mem_count_bad(mem));
}

/* --- every kind of memory -------------------------------------------------- */

/* All pages of @mem to the other node; THERE may stand for MOVED on retries. */
static void check_kind(const struct mem *mem, unsigned int status, __u32 flags)
{
	unsigned int i, nr, tries = 0;

	do {
		nr = mem_moves(mem, node_b(), moves);
		migrate(nr, flags);
	} while (reply.out_nr[HEMEM_ASSIST_BUSY] && tries++ < 5 && !usleep(20000));
	for (i = 0; i < nr; i++) {
		if (tries && status == HEMEM_ASSIST_MOVED &&
		    moves[i].out_status == HEMEM_ASSIST_THERE)
			continue;
		/* The merged pages of a KSM run are one page: it moves once. */
		if (i && mem->is_same && moves[i].out_status == HEMEM_ASSIST_THERE)
			continue;
		expect_status(i, status);
		if (status == HEMEM_ASSIST_MOVED)
			EXPECT_EQ(mem->kind->order, moves[i].out_order);
	}
	mem_open(mem);
	if (status == HEMEM_ASSIST_MOVED)
		expect_all_on(mem, node_b());
	else
		EXPECT_EQ(0, mem_count_bad(mem));
}

TEST_ROWS(kind, "move memory of a kind, see the promised status of each page, its node "
	  "and its bytes", &mem_rows, need_migrate, need_two_nodes)
{
	struct mem mem;

	mem_make(&mem, &mem_kinds[row], node_a());
	attach(getpid());
	check_kind(&mem, mem.kind->status, 0);
	mem_free(&mem);
}

TEST_ROWS(kind_shared, "do the same with MIGRATE_SHARED", &mem_rows, need_migrate,
	  need_two_nodes)
{
	struct mem mem;

	mem_make(&mem, &mem_kinds[row], node_a());
	attach(getpid());
	check_kind(&mem, mem.kind->status_shared, HEMEM_ASSIST_MIGRATE_SHARED);
	mem_free(&mem);
}

TEST(there_and_back, "move pages to the other node, again, and back: MOVED, THERE, MOVED",
	 need_migrate, need_two_nodes)
{
	struct mem mem;
	unsigned int nr;

	mem_make_anon(&mem, 64, node_a());
	attach(getpid());
	migrate_all(&mem, node_b(), 0);
	expect_all_on(&mem, node_b());
	nr = mem_moves(&mem, node_b(), moves);
	migrate(nr, 0);
	EXPECT_EQ(64, reply.out_nr[HEMEM_ASSIST_THERE]);
	EXPECT_EQ(0, reply.out_bytes_moved);
	migrate_all(&mem, node_a(), 0);
	expect_all_on(&mem, node_a());
}

TEST(other_process, "move the pages of another process, and have it find its bytes",
	 need_migrate, need_two_nodes)
{
	struct target target;

	target_start_anon(&target, 64, node_a());
	attach(target.pid);
	migrate_all(&target.mem, node_b(), 0);
	EXPECT_EQ(64, target_count(&target, node_b()));
	EXPECT_EQ(0, target_tell(&target, TARGET_COUNT_BAD));
	EXPECT_EQ(0, target_tell(&target, TARGET_WRITE));
	EXPECT_EQ(0, target_tell(&target, TARGET_COUNT_BAD));
}

TEST(checker_sees_damage, "spoil one byte of one page and be told so by the checker",
	 need_two_nodes)
{
	struct mem mem;

	mem_make_anon(&mem, 64, node_a());
	EXPECT_EQ(0, mem_count_bad(&mem));
	mem.addr[17 * PAGE + 4095] ^= 1;
	EXPECT_EQ(1, mem_count_bad(&mem));
	mem.addr[17 * PAGE + 4095] ^= 1;
	/* Two pages that have changed places. */
	mem_fill_page(mem.addr, mem.seed, 1);
	mem_fill_page(mem.addr + PAGE, mem.seed, 0);
	EXPECT_EQ(2, mem_count_bad(&mem));
}

/* --- huge pages ------------------------------------------------------------ */

TEST(huge_stays_whole, "move huge pages there and back and find them huge",
	 need_migrate, need_two_nodes, need_thp)
{
	struct mem mem;
	int round;

	mem_make_huge(&mem, 4, node_a());
	attach(getpid());
	for (round = 0; round < 4; round++) {
		int nid = round % 2 ? node_a() : node_b();

		migrate_all(&mem, nid, 0);
		expect_all_on(&mem, nid);
		EXPECT_EQ(9, moves[0].out_order);
		EXPECT_EQ((long)mem.bytes / 1024,
			  proc_smaps_kib(mem.addr, "AnonHugePages:"));
	}
}

TEST(huge_by_any_address, "name a huge page by an address in its middle and move it whole",
	 need_migrate, need_two_nodes, need_thp)
{
	struct mem mem;

	mem_make_huge(&mem, 1, node_a());
	attach(getpid());
	moves[0].addr = (uintptr_t)mem.addr + 77 * PAGE;
	moves[0].node = (__u32)node_b();
	migrate(1, 0);
	expect_status(0, HEMEM_ASSIST_MOVED);
	EXPECT_EQ(9, moves[0].out_order);
	EXPECT_EQ(HUGE_BYTES, reply.out_bytes_moved);
	expect_all_on(&mem, node_b());
	EXPECT_EQ(2048, proc_smaps_kib(mem.addr, "AnonHugePages:"));
}

TEST(huge_repeated, "name a huge page 512 times, move it once, and count its bytes once",
	 need_migrate, need_two_nodes, need_thp)
{
	struct mem mem;
	unsigned int i;

	mem_make_huge(&mem, 1, node_a());
	attach(getpid());
	for (i = 0; i < 512; i++)
		moves[i] = (struct hemem_assist_move){
			.addr = (uintptr_t)mem.addr + i * PAGE,
			.node = (__u32)node_b() };
	migrate(512, 0);
	EXPECT_EQ(512, reply.out_nr[HEMEM_ASSIST_MOVED]);
	EXPECT_EQ(HUGE_BYTES, reply.out_bytes_moved);
	expect_all_on(&mem, node_b());
}

TEST(huge_in_parts, "move base pages of a huge page that is mapped in parts, and find all "
	 "bytes", need_migrate, need_two_nodes, need_thp)
{
	struct mem mem;

	mem_make_huge(&mem, 1, node_a());
	/* The table is split; the pages still belong to one huge page. */
	ASSERT_EQ(0, mprotect(mem.addr + 100 * PAGE, PAGE, PROT_READ));
	attach(getpid());
	mem.unit_bytes = PAGE;
	mem.nr_units = 512;
	migrate_all(&mem, node_b(), 0);
	EXPECT_EQ(0, mem_count_bad(&mem));
	NOTE("%zu of 512 base pages moved",
	     node_count(mem.addr, mem.bytes, node_b()));
	EXPECT_EQ(512, node_count(mem.addr, mem.bytes, node_a()) +
		  node_count(mem.addr, mem.bytes, node_b()));
}

/* --- batches ---------------------------------------------------------------- */

TEST(mixed_batch, "send a batch of all sorts and read the status of each entry",
	 need_migrate, need_two_nodes)
{
	/* The one that forks comes first: it shares what is made before it. */
	static const char *const names[] = {
		"cow_shared", "anon", "untouched", "zero", "shmem", "prot_none",
		"hole",
	};
	enum { NR_SORTS = sizeof(names) / sizeof(names[0]), EACH = 5 };
	struct mem mems[NR_SORTS];
	unsigned int i, nr = 0;

	for (i = 0; i < NR_SORTS; i++)
		mem_make(&mems[i], mem_kind(names[i]), node_a());
	attach(getpid());
	/* Interleaved: one of each sort, five times; then one already there. */
	for (nr = 0; nr < EACH * NR_SORTS; nr++)
		moves[nr] = (struct hemem_assist_move){
			.addr = (uintptr_t)mem_unit(&mems[nr % NR_SORTS],
						    nr / NR_SORTS),
			.node = (__u32)node_b(),
		};
	moves[nr++] = (struct hemem_assist_move){
		.addr = (uintptr_t)mem_unit(&mems[1], 40),
		.node = (__u32)node_a(),
	};
	migrate(nr, 0);
	for (i = 0; i < EACH * NR_SORTS; i++)
		expect_status(i, mem_kind(names[i % NR_SORTS])->status);
	expect_status(nr - 1, HEMEM_ASSIST_THERE);
	for (i = 0; i < NR_SORTS; i++) {
		EXPECT_EQ(0, mem_count_bad(&mems[i]));
		mem_free(&mems[i]);
	}
}

TEST(both_ways, "move two sets of pages past each other in one batch", need_migrate,
	 need_two_nodes)
{
	struct mem a, b;
	unsigned int i;

	mem_make_anon(&a, 32, node_a());
	mem_make_anon(&b, 32, node_b());
	attach(getpid());
	for (i = 0; i < 32; i++) {
		moves[2 * i] = (struct hemem_assist_move){
			.addr = (uintptr_t)mem_unit(&a, i), .node = (__u32)node_b() };
		moves[2 * i + 1] = (struct hemem_assist_move){
			.addr = (uintptr_t)mem_unit(&b, i), .node = (__u32)node_a() };
	}
	migrate(64, 0);
	EXPECT_EQ(64, reply.out_nr[HEMEM_ASSIST_MOVED]);
	expect_all_on(&a, node_b());
	expect_all_on(&b, node_a());
}

TEST(duplicates, "name one base page again and again: MOVED or THERE, never lost",
	 need_migrate, need_two_nodes)
{
	struct mem mem;
	unsigned int i;

	mem_make_anon(&mem, 4, node_a());
	attach(getpid());
	for (i = 0; i < 64; i++)
		moves[i] = (struct hemem_assist_move){
			.addr = (uintptr_t)mem.addr, .node = (__u32)node_b() };
	migrate(64, 0);
	NOTE("of 64 entries for one page: %u MOVED, %u THERE, %u BUSY",
	     reply.out_nr[HEMEM_ASSIST_MOVED], reply.out_nr[HEMEM_ASSIST_THERE],
	     reply.out_nr[HEMEM_ASSIST_BUSY]);
	expect_status(0, HEMEM_ASSIST_MOVED);
	EXPECT_EQ(64, reply.out_nr[HEMEM_ASSIST_MOVED] +
		  reply.out_nr[HEMEM_ASSIST_THERE]);
	EXPECT_EQ(PAGE, reply.out_bytes_moved);
	EXPECT_EQ(node_b(), node_of(mem.addr));
	EXPECT_EQ(0, mem_count_bad(&mem));
	/* To and fro within one batch: every entry is tried in its turn. */
	for (i = 0; i < 64; i++)
		moves[i].node = (__u32)(i % 2 ? node_b() : node_a());
	migrate(64, 0);
	EXPECT_EQ(0, mem_count_bad(&mem));
	EXPECT_EQ(4, node_count(mem.addr, mem.bytes, node_a()) +
		  node_count(mem.addr, mem.bytes, node_b()));
}

TEST(full_batch, "move the largest batch at once, in a scattered order", need_migrate,
	 need_two_nodes)
{
	struct mem mem;
	unsigned int i, nr;

	mem_make_anon(&mem, HEMEM_ASSIST_MAX_BATCH, node_a());
	attach(getpid());
	nr = mem_moves(&mem, node_b(), moves);
	for (i = 0; i < nr; i++)	/* 1237 and the size have no divisor */
		moves[i].addr = (uintptr_t)mem_unit(&mem, i * 1237UL % nr);
	migrate(nr, 0);
	EXPECT_LE(HEMEM_ASSIST_MAX_BATCH - 8, reply.out_nr[HEMEM_ASSIST_MOVED]);
	EXPECT_EQ(reply.out_nr[HEMEM_ASSIST_MOVED],
		  node_count(mem.addr, mem.bytes, node_b()));
	EXPECT_EQ(0, mem_count_bad(&mem));
}

/* --- refusals for a reason ---------------------------------------------------- */

/*
 * Fills the free memory of @nid from another process, with memory that is not
 * reclaimed, until allocations fall to another node.
 */
static void hog(void *arg)
{
	struct gate *gate = arg;
	size_t bytes = node_free_bytes(node_b()) + (64UL << 20), at;
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int elsewhere = 0;

	ASSERT(memory != MAP_FAILED);
	node_prefer(node_b());
	mlock2(memory, bytes, MLOCK_ONFAULT);
	madvise(memory, bytes, MADV_HUGEPAGE);
	for (at = 0; at + HUGE_BYTES <= bytes && elsewhere < 2; at += HUGE_BYTES) {
		memory[at] = 1;
		elsewhere += node_of(memory + at) != node_b();
	}
	madvise(memory + at, bytes - at, MADV_NOHUGEPAGE);
	for (elsewhere = 0; at < bytes && elsewhere < 64; at += PAGE) {
		memory[at] = 1;
		elsewhere += node_of(memory + at) != node_b();
	}
	gate_open(gate);
	for (;;)
		pause();
}

/*
 * The kernel keeps some memory back from the hog that it still gives to others,
 * so this sends batch after batch until one finds no room.
 */
static void fill_up(__u32 flags)
{
	struct mem mem, part;
	unsigned int i, nr = HEMEM_ASSIST_MAX_BATCH, moved = 0, on_b;
	struct gate gate;
	pid_t pid;

	gate_init(&gate);
	pid = proc_start(hog, &gate);
	gate_wait(&gate);
	mem_make_anon(&mem, 8 * nr, node_a());
	attach(getpid());
	for (part = mem, part.nr_units = nr, i = 0; i < 8; i++) {
		part.addr = mem_unit(&mem, i * nr);
		migrate(mem_moves(&part, node_b(), moves), flags);
		moved += reply.out_nr[HEMEM_ASSIST_MOVED];
		if (reply.out_nr[HEMEM_ASSIST_NO_ROOM])
			break;
	}
	NOTE("%u NO_ROOM, %u MOVED, %u BUSY; %zu KiB free",
	     reply.out_nr[HEMEM_ASSIST_NO_ROOM], reply.out_nr[HEMEM_ASSIST_MOVED],
	     reply.out_nr[HEMEM_ASSIST_BUSY], node_free_bytes(node_b()) / 1024);
	EXPECT_LT(0, reply.out_nr[HEMEM_ASSIST_NO_ROOM]);
	EXPECT_EQ(nr, reply.out_nr[HEMEM_ASSIST_NO_ROOM] +
		  reply.out_nr[HEMEM_ASSIST_MOVED] +
		  reply.out_nr[HEMEM_ASSIST_BUSY]);
	on_b = node_count(mem.addr, mem.bytes, node_b());
	EXPECT_LE(on_b, moved);
	/* A woken kswapd may have swapped some of them out. */
	if (!(flags & HEMEM_ASSIST_MIGRATE_MAKE_ROOM))
		EXPECT_EQ(moved, on_b);
	EXPECT_EQ(0, mem_count_bad(&mem));
	proc_kill(pid);
}

TEST(full_node, "move to a node without room: NO_ROOM, and nothing is lost", need_migrate,
	 need_two_nodes)
{
	fill_up(0);
}

/* What fills the node is no page cache: kswapd is woken for little, and nobody waits for it. */
TEST(full_node_make_room, "do the same with MAKE_ROOM", need_migrate, need_two_nodes)
{
	fill_up(HEMEM_ASSIST_MIGRATE_MAKE_ROOM);
}

/* A page in a pipe: its references say that someone else may write it. */
TEST(pinned_page, "leave pages alone that are in a pipe: BUSY, then MOVED when they are out",
	 need_migrate, need_two_nodes)
{
	struct mem mem;
	struct iovec iov;
	int fds[2], devnull = open("/dev/null", O_WRONLY);
	unsigned int i;

	mem_make_anon(&mem, 4, node_a());
	iov = (struct iovec){ mem.addr, mem.bytes };
	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(mem.bytes, vmsplice(fds[1], &iov, 1, 0));
	attach(getpid());
	migrate(mem_moves(&mem, node_b(), moves), 0);
	for (i = 0; i < 4; i++)
		expect_status(i, HEMEM_ASSIST_BUSY);
	expect_all_on(&mem, node_a());
	ASSERT_EQ(mem.bytes, splice(fds[0], NULL, devnull, NULL, mem.bytes, 0));
	migrate_all(&mem, node_b(), 0);
	expect_all_on(&mem, node_b());
}

/* A cpuset of its own for this process, which allows node a only. */
static void enter_cpuset(void)
{
	char dir[] = "/tmp/hemem-cpuset-XXXXXX", path[128], text[32];
	bool is_v2;

	ASSERT(mkdtemp(dir));
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	is_v2 = !mount("cgroup2", dir, "cgroup2", 0, NULL);
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", dir);
	if (is_v2 && file_write(path, "+cpuset")) {
		umount2(dir, MNT_DETACH);
		is_v2 = false;
	}
	if (!is_v2 && mount("cpuset", dir, "cgroup", 0, "cpuset"))
		SKIP("no cpuset can be mounted");
	snprintf(path, sizeof(path), "%s/hemem", dir);
	ASSERT(!mkdir(path, 0755) || errno == EEXIST);
	if (!is_v2) {
		snprintf(path, sizeof(path), "%s/hemem/cpuset.cpus", dir);
		ASSERT_EQ(0, file_write(path, "0"));
	}
	snprintf(path, sizeof(path), "%s/hemem/cpuset.mems", dir);
	snprintf(text, sizeof(text), "%d", node_a());
	ASSERT_EQ(0, file_write(path, text));
	snprintf(path, sizeof(path), "%s/hemem/cgroup.procs", dir);
	ASSERT_EQ(0, file_write(path, "0"));
}

TEST(cpuset_denies, "respect the target's cpuset: DENIED, and the pages stay", need_migrate,
	 need_two_nodes, need_cpuset)
{
	struct target target;
	unsigned int i;

	target_start_as(&target, enter_cpuset, node_a());
	attach(target.pid);
	migrate(mem_moves(&target.mem, node_b(), moves), 0);
	for (i = 0; i < target.mem.nr_units; i++)
		expect_status(i, HEMEM_ASSIST_DENIED);
	EXPECT_EQ(target.mem.nr_units, target_count(&target, node_a()));
	EXPECT_EQ(0, target_tell(&target, TARGET_COUNT_BAD));
	migrate(mem_moves(&target.mem, node_a(), moves), 0);
	EXPECT_EQ(target.mem.nr_units, reply.out_nr[HEMEM_ASSIST_THERE]);
}

/* --- while the target works ------------------------------------------------------ */

enum { NR_BUSY_PAGES = 256 };

/*
 * Half of the pages are read: they hold the pattern for ever.  The others are
 * written: page i holds its round in every word, and only thread i % 2 writes it.
 */
static struct mem shared_mem;
static volatile bool must_stop;
static unsigned long nr_lost;		/* pages found with the wrong content */
static unsigned long nr_checked;

static uint64_t word_of(uint64_t page, uint64_t round, uint64_t word)
{
	return page << 48 | round << 16 | word;
}

static bool has_round(const uint64_t *words, uint64_t page, uint64_t round)
{
	uint64_t i;

	for (i = 0; i < PAGE / sizeof(*words); i++)
		if (words[i] != word_of(page, round, i))
			return false;
	return true;
}

static void set_round(uint64_t *words, uint64_t page, uint64_t round)
{
	uint64_t i;

	for (i = 0; i < PAGE / sizeof(*words); i++)
		words[i] = word_of(page, round, i);
}

static void count_page(bool is_good)
{
	__atomic_add_fetch(&nr_checked, 1, __ATOMIC_RELAXED);
	if (!is_good)
		__atomic_add_fetch(&nr_lost, 1, __ATOMIC_RELAXED);
}

static void *read_pages(void *arg __attribute__((unused)))
{
	size_t i;

	while (!must_stop)
		for (i = 0; i < NR_BUSY_PAGES / 2 && !must_stop; i++)
			count_page(mem_page_is_good(mem_unit(&shared_mem, i),
						    shared_mem.seed, i));
	return NULL;
}

static void *write_pages(void *arg)
{
	size_t first = NR_BUSY_PAGES / 2 + (size_t)arg, i;
	uint64_t round;

	for (i = first; i < NR_BUSY_PAGES; i += 2)
		set_round((void *)mem_unit(&shared_mem, i), i, 0);
	for (round = 0; !must_stop; round++)
		for (i = first; i < NR_BUSY_PAGES; i += 2) {
			uint64_t *words = (void *)mem_unit(&shared_mem, i);

			count_page(has_round(words, i, round));
			set_round(words, i, round + 1);
		}
	return NULL;
}

/* Moves all pages to and fro for some seconds; returns how many moved. */
static unsigned long move_to_and_fro(const struct mem *mem, void (*between)(void))
{
	uint64_t end_ns = proc_now_ns() +
		1000000000ULL * (unsigned int)harness_rounds("HEMEM_SECONDS", 4, 60);
	unsigned long moved = 0;
	int round;

	for (round = 0; proc_now_ns() < end_ns; round++) {
		migrate(mem_moves(mem, round % 2 ? node_a() : node_b(), moves),
			HEMEM_ASSIST_MIGRATE_SHARED);
		moved += reply.out_nr[HEMEM_ASSIST_MOVED];
		if (between)
			between();
	}
	return moved;
}

TEST(while_threads_work, "move pages to and fro while threads read and write them, with "
	 "every page checked at every turn", need_migrate, need_two_nodes, need_two_cpus)
{
	pthread_t threads[3];
	unsigned long moved;

	mem_make_anon(&shared_mem, NR_BUSY_PAGES, node_a());
	attach(getpid());
	pthread_create(&threads[0], NULL, read_pages, NULL);
	pthread_create(&threads[1], NULL, write_pages, (void *)0);
	pthread_create(&threads[2], NULL, write_pages, (void *)1);
	moved = move_to_and_fro(&shared_mem, NULL);
	must_stop = true;
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	pthread_join(threads[2], NULL);
	NOTE("%lu pages moved, %lu checked meanwhile", moved, nr_checked);
	EXPECT_EQ(0, nr_lost);
	EXPECT_LT(NR_BUSY_PAGES, moved);
	EXPECT_LT(NR_BUSY_PAGES, nr_checked);
}

TEST(threads_see_damage, "spoil pages while threads check them, and be told so (the check "
	 "of the test above)", need_two_nodes, need_two_cpus)
{
	pthread_t threads[2];

	mem_make_anon(&shared_mem, NR_BUSY_PAGES, node_a());
	pthread_create(&threads[0], NULL, read_pages, NULL);
	pthread_create(&threads[1], NULL, write_pages, (void *)0);
	usleep(200000);
	EXPECT_EQ(0, nr_lost);
	mem_unit(&shared_mem, 3)[5] ^= 1;
	usleep(200000);
	EXPECT_LT(0, nr_lost);
	mem_unit(&shared_mem, 3)[5] ^= 1;
	usleep(200000);
	__atomic_store_n(&nr_lost, 0, __ATOMIC_RELAXED);
	/* A write that is forgotten: the page is what it was some rounds ago. */
	set_round((void *)mem_unit(&shared_mem, NR_BUSY_PAGES / 2),
		  NR_BUSY_PAGES / 2, 0);
	usleep(200000);
	EXPECT_LT(0, nr_lost);
	must_stop = true;
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
}

static void *read_huge(void *arg __attribute__((unused)))
{
	size_t i, nr = shared_mem.bytes / PAGE;

	while (!must_stop)
		for (i = 0; i < nr && !must_stop; i++)
			count_page(mem_page_is_good(shared_mem.addr + i * PAGE,
						    shared_mem.seed, i));
	return NULL;
}

/* Writes the pattern over itself: a lost copy would bring back the other one. */
static void *write_huge(void *arg __attribute__((unused)))
{
	volatile uint64_t *words = (void *)shared_mem.addr;
	size_t i, nr = shared_mem.bytes / sizeof(*words);

	while (!must_stop)
		for (i = 0; i < nr && !must_stop; i += 64)
			words[i] = words[i];
	return NULL;
}

TEST(huge_while_threads_work, "move huge pages to and fro while threads read and write them",
	 need_migrate, need_two_nodes, need_two_cpus, need_thp)
{
	pthread_t reader, writer;
	unsigned long moved;

	mem_make_huge(&shared_mem, 2, node_a());
	attach(getpid());
	pthread_create(&reader, NULL, read_huge, NULL);
	pthread_create(&writer, NULL, write_huge, NULL);
	moved = move_to_and_fro(&shared_mem, NULL);
	must_stop = true;
	pthread_join(reader, NULL);
	pthread_join(writer, NULL);
	NOTE("%lu huge pages moved, %lu base pages checked meanwhile", moved,
	     nr_checked);
	EXPECT_EQ(0, nr_lost);
	EXPECT_LT(4, moved);
	EXPECT_EQ(0, mem_count_bad(&shared_mem));
}

/* A child that checks what it inherited, writes its own, and ends. */
static void child_of_fork(void *arg __attribute__((unused)))
{
	size_t i;

	EXPECT_EQ(0, mem_count_bad(&shared_mem));
	for (i = 0; i < shared_mem.nr_units; i += 3)
		memset(mem_unit(&shared_mem, i), 0xff, PAGE);
}

static void fork_and_check(void)
{
	EXPECT_EQ(0, proc_wait(proc_start(child_of_fork, NULL)));
	EXPECT_EQ(0, mem_count_bad(&shared_mem));
}

static void *rewrite(void *arg __attribute__((unused)))
{
	while (!must_stop)
		mem_fill(&shared_mem);
	return NULL;
}

TEST(while_it_forks, "move pages while the target forks and both sides copy on write",
	 need_migrate, need_two_nodes, need_two_cpus)
{
	pthread_t writer;
	unsigned long moved;

	mem_make_anon(&shared_mem, 128, node_a());
	attach(getpid());
	pthread_create(&writer, NULL, rewrite, NULL);
	moved = move_to_and_fro(&shared_mem, fork_and_check);
	must_stop = true;
	pthread_join(writer, NULL);
	NOTE("%lu pages moved", moved);
	EXPECT_EQ(0, mem_count_bad(&shared_mem));
}

/* Moves a page of the map to @spare, a place that is reserved, and back. */
static void remap(char *page, char *spare)
{
	if (mremap(page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, spare) != spare)
		return;
	ASSERT(mremap(spare, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page) == page);
	mmap(spare, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

/* Changes the map under the migration: every call that a program may make. */
static void *change_map(void *arg __attribute__((unused)))
{
	struct mem *mem = &shared_mem;
	size_t half = mem->bytes / 2;
	char *spare = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int round;

	for (round = 0; !must_stop; round++) {
		char *page = mem->addr + round % (half / PAGE - 3) * PAGE;

		mprotect(page, PAGE, PROT_READ);
		mprotect(page, PAGE, PROT_READ | PROT_WRITE);
		madvise(page, 4 * PAGE, MADV_DONTNEED);
		memset(page, 1, PAGE);
		remap(page, spare);
		remap(page + PAGE, spare);
		munmap(page, PAGE);
		mmap(page, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
	return NULL;
}

TEST(while_the_map_changes, "move pages while the target unmaps, remaps, protects and drops "
	 "some of them; the untouched half stays whole", need_migrate, need_two_nodes,
	 need_two_cpus)
{
	pthread_t changer;
	unsigned long moved;
	size_t i, bad = 0;

	mem_make_anon(&shared_mem, 256, node_a());
	attach(getpid());
	pthread_create(&changer, NULL, change_map, NULL);
	moved = move_to_and_fro(&shared_mem, NULL);
	must_stop = true;
	pthread_join(changer, NULL);
	for (i = 128; i < 256; i++)
		bad += !mem_page_is_good(mem_unit(&shared_mem, i), shared_mem.seed, i);
	NOTE("%lu pages moved", moved);
	EXPECT_EQ(0, bad);
	EXPECT_LT(128, moved);
}

static void swap_out(void)
{
	madvise(shared_mem.addr, shared_mem.bytes, MADV_PAGEOUT);
}

TEST(while_it_swaps, "move pages while they are swapped out and in, and find all bytes",
	 need_migrate, need_two_nodes, need_two_cpus, need_swap)
{
	pthread_t reader;
	unsigned long moved;

	mem_make_anon(&shared_mem, NR_BUSY_PAGES, node_a());
	attach(getpid());
	pthread_create(&reader, NULL, read_pages, NULL);
	moved = move_to_and_fro(&shared_mem, swap_out);
	must_stop = true;
	pthread_join(reader, NULL);
	NOTE("%lu pages moved, %lu checked", moved, nr_checked);
	EXPECT_EQ(0, nr_lost);
	EXPECT_EQ(0, mem_count_bad(&shared_mem));
}

/* Memory that is moved is neither lost nor kept. */
/*
 * Free, or the slab allocator's: a kernel with KASAN keeps freed objects there for a while, 8 KiB
 * or so for each call.  What is lost in a slab is kmemleak's to find.
 */
static size_t not_lost_bytes(void)
{
	int64_t slab_kib = file_field("/proc/meminfo", "Slab:");

	return node_all_free_bytes() + (slab_kib > 0 ? (size_t)slab_kib << 10 : 0);
}

TEST(no_page_leaks, "move a thousand times and find the free memory as it was", need_migrate,
	 need_two_nodes)
{
	int rounds = harness_rounds("HEMEM_ROUNDS", 40, 1000), round;
	size_t before, after;
	struct mem mem;

	mem_make_anon(&mem, 1024, node_a());
	attach(getpid());
	migrate_all(&mem, node_b(), 0);
	migrate_all(&mem, node_a(), 0);
	before = not_lost_bytes();
	for (round = 0; round < 2 * rounds; round++)
		migrate(mem_moves(&mem, round % 2 ? node_a() : node_b(), moves), 0);
	after = not_lost_bytes();
	NOTE("free or in slabs before %zu KiB, after %zu KiB", before / 1024, after / 1024);
	/* A page lost per batch would be 320 KiB, one per move 320 MiB. */
	EXPECT_LE(before, after + (256UL << 10));
	EXPECT_EQ(0, mem_count_bad(&mem));
}
