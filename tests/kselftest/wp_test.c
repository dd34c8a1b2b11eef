// SPDX-License-Identifier: GPL-2.0
/*
 * wp_test.c - write protection by userfaultfd: what is told, what is not, and who sleeps
 *
 * One table of cases, run against the kernel's own write protection (5.7 and newer) and
 * against the module's, which is loaded with wp=2 where the kernel has its own.  That both
 * pass the same cases is what "the same semantics" means.
 *
 * The third part leaves out single steps of the module's (kmod/fault.c): the case that a step
 * is for must then fail to be told.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../include/hemem_uffd_wp.h"
#include "dev.h"
#include "file.h"
#include "harness.h"
#include "mem.h"
#include "module.h"
#include "need.h"
#include "node.h"
#include "proc.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define OMIT "/sys/module/hemem_assist/parameters/omit"

enum { PAGE = 4096, NR_PAGES = 16 };

/* As enum hemem_fault of kmod/hemem.h. */
enum { WP_SWAP = 1 << 7, WP_COLLAPSE = 1 << 8, WP_GONE = 1 << 9, WP_MPROTECT = 1 << 10 };

static struct hemem_uffd_wp wp;
static enum hemem_uffd_wp_by by;
static char *memory;		/* NR_PAGES, or HUGE_BYTES; registered by the case */
static bool has_seen;		/* what a negative control wants to see */
static bool is_control;

/* In a control the failure is what is wanted. */
#define TOLD(cond) ({						\
	bool _told = (cond);					\
	if (is_control)						\
		has_seen |= !_told;				\
	else							\
		EXPECT(_told);					\
	_told; })

static void begin(uint64_t features)
{
	int uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	ASSERT_LE(0, uffd);
	ASSERT_EQ(0, hemem_uffd_wp_begin(&wp, uffd, features, by));
}

static char *map(size_t bytes)
{
	char *addr = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT(addr != MAP_FAILED);
	return addr;
}

static char *page(size_t i)
{
	return memory + i * PAGE;
}

static void write_all(size_t nr, char value)
{
	size_t i;

	for (i = 0; i < nr; i++)
		*(volatile char *)page(i) = value;
}

/* Registered, and every page there. */
static void start(void)
{
	begin(0);
	memory = map(NR_PAGES * PAGE);
	ASSERT_EQ(0, hemem_uffd_wp_register(&wp, memory, NR_PAGES * PAGE, 0));
	write_all(NR_PAGES, 1);
}

static void protect(size_t first, size_t nr)
{
	ASSERT_EQ(0, hemem_uffd_wp_protect(&wp, page(first), nr * PAGE));
}

static void unprotect(size_t first, size_t nr)
{
	ASSERT_EQ(0, hemem_uffd_wp_unprotect(&wp, page(first), nr * PAGE));
}

/* --- a thread that writes, and what is told of it ---------------------------------- */

static struct writer {
	pthread_t thread;
	volatile char *at;
	char value;
	volatile bool has_written;
} writer;

static void *write_one(void *arg __attribute__((unused)))
{
	*writer.at = writer.value;
	writer.has_written = true;
	return NULL;
}

static void begin_write(char *at, char value)
{
	writer.at = at;
	writer.value = value;
	writer.has_written = false;
	ASSERT_EQ(0, pthread_create(&writer.thread, NULL, write_one, NULL));
}

static void end_write(void)
{
	pthread_join(writer.thread, NULL);
	EXPECT_EQ(writer.value, *writer.at);
}

/* The next message, if one comes before the writer is done. */
static bool next_message(struct uffd_msg *ret_msg)
{
	struct pollfd poller = { .fd = wp.uffd, .events = POLLIN };
	bool was_done;

	do {
		was_done = writer.has_written;
		if (poll(&poller, 1, 20) == 1 &&
		    read(wp.uffd, ret_msg, sizeof(*ret_msg)) == sizeof(*ret_msg))
			return true;
	} while (!was_done);
	return false;
}

/*
 * Writes to page @i.  True: it was told, slept until it was woken, and has written then.  False:
 * nobody was told.
 */
static bool is_told(size_t i)
{
	const unsigned int want = UFFD_PAGEFAULT_FLAG_WP | UFFD_PAGEFAULT_FLAG_WRITE;
	char old = *(volatile char *)page(i);
	struct uffd_msg msg;
	bool was_told;

	begin_write(page(i), old + 1);
	was_told = next_message(&msg);
	if (was_told) {
		EXPECT_EQ(UFFD_EVENT_PAGEFAULT, msg.event);
		EXPECT_EQ(want, msg.arg.pagefault.flags);
		EXPECT_EQ((uintptr_t)page(i), msg.arg.pagefault.address & ~(PAGE - 1ULL));
		EXPECT(!writer.has_written);
		EXPECT_EQ(old, *(volatile char *)page(i));
		unprotect(i, 1);
	}
	end_write();
	EXPECT(!next_message(&msg));
	return was_told;
}

/* --- the cases --------------------------------------------------------------------- */

static void base(void)
{
	start();
	protect(3, 5);
	EXPECT(!is_told(2));
	EXPECT(!is_told(8));
	EXPECT(is_told(3));
	EXPECT(!is_told(3));		/* it is not protected any more */
	EXPECT(is_told(7));
	protect(7, 1);
	EXPECT(is_told(7));
	unprotect(4, 2);
	EXPECT(!is_told(4));
	EXPECT(is_told(6));
}

/* Without anybody who protects nothing may be told, or is_told() knows nothing. */
static void unprotected(void)
{
	start();
	EXPECT(!is_told(3));
}

static void hole(void)
{
	start();
	ASSERT_EQ(0, madvise(page(2), PAGE, MADV_DONTNEED));
	protect(0, NR_PAGES);
	EXPECT(!is_told(2));
	EXPECT(is_told(1));
}

static void zero_page(void)
{
	start();
	ASSERT_EQ(0, madvise(page(2), PAGE, MADV_DONTNEED));
	EXPECT_EQ(0, *(volatile char *)page(2));
	protect(2, 1);
	EXPECT(is_told(2));
}

static void dontneed(void)
{
	start();
	protect(0, 4);
	ASSERT_EQ(0, madvise(page(1), 2 * PAGE, MADV_DONTNEED));
	*(volatile char *)page(1) = 1;
	EXPECT(!is_told(1));
	/* Read before: the zero page is there, read-only. */
	TOLD(!is_told(2));
	EXPECT(is_told(3));
}

static void unmapped(void)
{
	start();
	protect(0, NR_PAGES);
	ASSERT(mmap(page(4), 4 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page(4));
	EXPECT(!is_told(4));
	ASSERT_EQ(0, hemem_uffd_wp_register(&wp, page(4), 4 * PAGE, 0));
	EXPECT_EQ(0, *(volatile char *)page(5));
	TOLD(!is_told(5));
	EXPECT(is_told(3));
	EXPECT(is_told(8));
}

static void moved(void)
{
	char *to = map(4 * PAGE), *old;

	start();
	old = memory;
	protect(0, NR_PAGES);
	ASSERT(mremap(page(4), 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	memory = to;
	EXPECT(!is_told(0));
	memory = old;
	EXPECT(is_told(3));
	EXPECT(is_told(8));
}

static void write_in_child(void *arg __attribute__((unused)))
{
	write_all(NR_PAGES, 99);
}

static void forked(void)
{
	start();
	protect(0, 4);
	EXPECT_EQ(0, proc_wait(proc_start(write_in_child, NULL)));
	EXPECT_EQ(1, *(volatile char *)page(0));
	EXPECT(is_told(0));
	EXPECT(!is_told(5));
}

static void mprotected(void)
{
	start();
	protect(0, 4);
	ASSERT_EQ(0, mprotect(page(0), 2 * PAGE, PROT_READ));
	ASSERT_EQ(0, mprotect(page(0), 2 * PAGE, PROT_READ | PROT_WRITE));
	TOLD(is_told(0));
	ASSERT_EQ(0, mprotect(page(2), 2 * PAGE, PROT_NONE));
	ASSERT_EQ(0, mprotect(page(2), 2 * PAGE, PROT_READ | PROT_WRITE));
	TOLD(is_told(2));
}

static void swapped_out(void)
{
	struct mem mem;
	int tries;

	start();
	protect(0, 4);
	mem = (struct mem){ .addr = memory, .bytes = NR_PAGES * PAGE,
			    .unit_bytes = PAGE, .nr_units = NR_PAGES };
	for (tries = 0; tries < 10 && !mem_swap_out(&mem); tries++)
		;
	if (!(proc_pagemap(page(0)) & PAGEMAP_SWAPPED))
		SKIP("the pages do not go to swap");
	/* Not read before: is_told() would bring it in. */
	begin_write(page(0), 7);
	struct uffd_msg msg;

	if (TOLD(next_message(&msg))) {
		EXPECT(msg.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP);
		unprotect(0, 1);
	}
	end_write();
	EXPECT_EQ(1, *(volatile char *)page(1));
	EXPECT(is_told(1));
	EXPECT(!is_told(6));
}

static void migrated(void)
{
	int nid;

	start();
	protect(0, 4);
	nid = node_of(page(0)) == node_a() ? node_b() : node_a();
	ASSERT_EQ(0, node_bring(memory, NR_PAGES * PAGE, nid));
	EXPECT_EQ(nid, node_of(page(0)));
	EXPECT(is_told(0));
	EXPECT(!is_told(5));
}

static void start_huge(void)
{
	struct mem mem;

	begin(0);
	mem_make_huge(&mem, 1, node_a());
	memory = mem.addr;
	ASSERT_EQ(0, hemem_uffd_wp_register(&wp, memory, HUGE_BYTES, 0));
}

static void huge(void)
{
	char old;
	struct uffd_msg msg;

	start_huge();
	protect(0, HUGE_BYTES / PAGE);
	EXPECT_EQ(HUGE_BYTES / 1024, proc_smaps_kib(memory, "AnonHugePages:"));
	old = *page(77);
	begin_write(page(77), old + 1);
	if (EXPECT(next_message(&msg))) {
		EXPECT(msg.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP);
		unprotect(0, HUGE_BYTES / PAGE);
	}
	end_write();
	EXPECT(!is_told(78));
	EXPECT_EQ(HUGE_BYTES / 1024, proc_smaps_kib(memory, "AnonHugePages:"));
}

static void huge_part(void)
{
	start_huge();
	protect(10, 1);
	EXPECT(!is_told(9));
	EXPECT(is_told(10));
	protect(0, HUGE_BYTES / PAGE);
	EXPECT(is_told(20));
	EXPECT(is_told(21));
	EXPECT(!is_told(20));
}

static void huge_taken_back_in_part(void)
{
	start_huge();
	protect(0, HUGE_BYTES / PAGE);
	unprotect(100, 100);
	EXPECT(!is_told(100));
	EXPECT(!is_told(199));
	EXPECT(is_told(99));
	EXPECT(is_told(200));
}

static void collapsed(void)
{
	char *area = map(2 * HUGE_BYTES);
	int err;

	begin(0);
	memory = (char *)(((uintptr_t)area + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1));
	ASSERT_EQ(0, madvise(memory, HUGE_BYTES, MADV_NOHUGEPAGE));
	ASSERT_EQ(0, hemem_uffd_wp_register(&wp, memory, HUGE_BYTES, 0));
	write_all(HUGE_BYTES / PAGE, 1);
	protect(5, 1);
	ASSERT_EQ(0, madvise(memory, HUGE_BYTES, MADV_HUGEPAGE));
	err = madvise(memory, HUGE_BYTES, MADV_COLLAPSE) ? errno : 0;
	NOTE("collapse: %s", err ? strerror(err) : "done");
	TOLD(is_told(5));
	EXPECT(!is_told(6));
}

static void missing_too(void)
{
	struct uffdio_zeropage zero = { .range = { 0, PAGE } };
	struct uffd_msg msg;

	begin(0);
	memory = map(NR_PAGES * PAGE);
	ASSERT_EQ(0, hemem_uffd_wp_register(&wp, memory, NR_PAGES * PAGE, 1));
	begin_write(page(1), 5);
	if (EXPECT(next_message(&msg)))
		EXPECT(!(msg.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP));
	zero.range.start = (uintptr_t)page(1);
	EXPECT_EQ(0, hemem_uffd_wp_ioctl(wp.uffd, UFFDIO_ZEROPAGE, &zero));
	end_write();
	protect(1, 1);
	EXPECT(is_told(1));
}

static int a_pipe[2];

static void *read_pipe(void *arg __attribute__((unused)))
{
	EXPECT_EQ(1, read(a_pipe[0], (void *)writer.at, 1));
	writer.has_written = true;
	return NULL;
}

/* The kernel writes for the program, in a system call. */
static void by_system_call(void)
{
	struct uffd_msg msg;

	start();
	protect(0, 2);
	ASSERT_EQ(0, pipe(a_pipe));
	ASSERT_EQ(1, write(a_pipe[1], "x", 1));
	writer = (struct writer){ .at = page(1), .value = 'x' };
	ASSERT_EQ(0, pthread_create(&writer.thread, NULL, read_pipe, NULL));
	if (EXPECT(next_message(&msg))) {
		EXPECT(msg.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP);
		EXPECT(!writer.has_written);
		unprotect(1, 1);
	}
	end_write();
}

/* A write sleeps; then @act, which must let it go on. */
static void sleeper(void (*act)(void))
{
	struct uffd_msg msg;

	start();
	protect(0, 2);
	begin_write(page(1), 5);
	ASSERT(next_message(&msg));
	usleep(50000);
	EXPECT(!writer.has_written);
	act();
	end_write();
	EXPECT_EQ(5, *page(1));
}

static void act_unregister(void)
{
	EXPECT_EQ(0, hemem_uffd_wp_unregister(&wp, memory, NR_PAGES * PAGE));
}

static void unregistered(void)
{
	sleeper(act_unregister);
	EXPECT(!is_told(0));
	EXPECT_EQ(-ENOENT, hemem_uffd_wp_protect(&wp, memory, PAGE));
	ASSERT_EQ(0, hemem_uffd_wp_register(&wp, memory, NR_PAGES * PAGE, 0));
	EXPECT(!is_told(0));
	protect(0, 1);
	EXPECT(is_told(0));
}

static void act_close(void)
{
	close(wp.uffd);
}

static void closed(void)
{
	sleeper(act_close);
	write_all(NR_PAGES, 9);
}

static void other_uffd(void)
{
	struct hemem_uffd_wp first, second;

	start();
	first = wp;
	begin(0);
	second = wp;
	EXPECT_EQ(-EBUSY, hemem_uffd_wp_register(&second, memory, PAGE, 0));
	wp = first;
	protect(0, 1);
	EXPECT(is_told(0));
}

static void refused(void)
{
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0), *other = map(PAGE);

	start();
	EXPECT_EQ(-EINVAL, hemem_uffd_wp_register(&wp, memory + 1, PAGE, 0));
	EXPECT_EQ(-EINVAL, hemem_uffd_wp_register(&wp, memory, 0, 0));
	EXPECT_EQ(-EINVAL, hemem_uffd_wp_protect(&wp, memory + 1, PAGE));
	EXPECT_EQ(-EINVAL, hemem_uffd_wp_protect(&wp, memory, PAGE - 1));
	EXPECT_EQ(-ENOENT, hemem_uffd_wp_protect(&wp, other, PAGE));
	munmap(other, PAGE);
	EXPECT_EQ(-EINVAL, hemem_uffd_wp_register(&wp, other, PAGE, 0));
	if (by == HEMEM_UFFD_WP_MODULE)
		EXPECT_EQ(-EINVAL, hemem_uffd_wp_register(&wp, shared, PAGE, 0));
	protect(0, 1);
	EXPECT(is_told(0));
}

static const struct wp_case {
	const char *name;
	void (*run)(void);
	need_fn lacks;
} cases[] = {
	{ "base", base, NULL },
	{ "unprotected", unprotected, NULL },
	{ "hole", hole, NULL },
	{ "zero_page", zero_page, NULL },
	{ "dontneed", dontneed, NULL },
	{ "unmapped", unmapped, NULL },
	{ "moved", moved, NULL },
	{ "forked", forked, NULL },
	{ "mprotected", mprotected, NULL },
	{ "swapped_out", swapped_out, need_swap },
	{ "migrated", migrated, need_two_nodes },
	{ "huge", huge, need_thp },
	{ "huge_part", huge_part, need_thp },
	{ "huge_taken_back_in_part", huge_taken_back_in_part, need_thp },
	{ "collapsed", collapsed, need_thp },
	{ "missing_too", missing_too, NULL },
	{ "by_system_call", by_system_call, NULL },
	{ "unregistered", unregistered, NULL },
	{ "closed", closed, NULL },
	{ "other_uffd", other_uffd, NULL },
	{ "refused", refused, NULL },
};

enum { NR_CASES = sizeof(cases) / sizeof(cases[0]) };

static const char *case_name(int row)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s_by_%s", cases[row % NR_CASES].name,
		 row < NR_CASES ? "kernel" : "module");
	return name;
}

static const char *case_lacks(int row)
{
	const struct wp_case *one = &cases[row % NR_CASES];

	return one->lacks ? one->lacks() : NULL;
}

static const struct rows case_rows = {
	.nr = 2 * NR_CASES, .name = case_name, .lacks = case_lacks,
};

/* --- with the module that does it ------------------------------------------------------ */

static bool module_can(void)
{
	int fd = hemem_uffd_wp_open_module();

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Runs @body in a process, with a module loaded that write-protects. */
static void with_module(void (*body)(void *), void *arg)
{
	bool must_force = !module_can();

	by = HEMEM_UFFD_WP_MODULE;
	if (must_force) {
		const char *lacks = need_module_file();

		if (lacks)
			SKIP("%s", lacks);
		ASSERT_EQ(0, module_unload());
		EXPECT_EQ(0, module_load("wp=2 selftest=0"));
	}
	if (module_can()) {
		EXPECT_EQ(0, proc_wait(proc_start(body, arg)));
		/* As the last fd is closed, nothing of it is left. */
		EXPECT_EQ(0, module_unload());
		ASSERT_EQ(0, module_load(NULL));
		return;
	}
	if (must_force) {
		EXPECT_EQ(0, module_unload());
		ASSERT_EQ(0, module_load(NULL));
	}
	SKIP("the module is not made for write protection on this kernel");
}

static void run_case(void *arg)
{
	((const struct wp_case *)arg)->run();
}

static bool kernel_can(void)
{
	struct hemem_uffd_wp mine;
	int uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC), err;

	err = hemem_uffd_wp_begin(&mine, uffd, 0, HEMEM_UFFD_WP_KERNEL);
	close(uffd);
	return !err;
}

TEST_ROWS(semantics, "protect pages, have things happen to them, and find exactly the writes "
	  "told that must be", &case_rows, need_module, need_module_file)
{
	const struct wp_case *one = &cases[row % NR_CASES];

	if (row >= NR_CASES) {
		with_module(run_case, (void *)one);
		return;
	}
	if (!kernel_can())
		SKIP("this kernel has no write protection by userfaultfd");
	by = HEMEM_UFFD_WP_KERNEL;
	one->run();
}

/* --- whose fd, whose memory -------------------------------------------------------------- */

static int raw_register(int fd, int uffd, uint32_t flags, uint32_t reserved)
{
	struct hemem_assist_wp_register arg = {
		.size = sizeof(arg), .flags = flags, .uffd = uffd, .reserved = reserved,
		.start = (uintptr_t)memory, .end = (uintptr_t)memory + PAGE,
	};

	return dev_ioctl(fd, HEMEM_ASSIST_WP_REGISTER, &arg);
}

static int raw_protect(int fd, uint32_t flags)
{
	struct hemem_assist_wp_protect arg = {
		.size = sizeof(arg), .flags = flags,
		.start = (uintptr_t)memory, .end = (uintptr_t)memory + PAGE,
	};

	return dev_ioctl(fd, HEMEM_ASSIST_WP_PROTECT, &arg);
}

static void use_in_child(void *arg __attribute__((unused)))
{
	EXPECT_EQ(-ESRCH, raw_register(wp.assist, wp.uffd, 0, 0));
	EXPECT_EQ(-ESRCH, raw_protect(wp.assist, HEMEM_ASSIST_WP_ON));
	/* The child's own fd, and a userfaultfd that serves its parent. */
	EXPECT_EQ(-EINVAL, raw_register(dev_open(), wp.uffd, 0, 0));
}

static void check_errors(void *arg __attribute__((unused)))
{
	int other = dev_open(), null = open("/dev/null", O_RDWR);

	start();
	EXPECT_EQ(-EINVAL, raw_register(wp.assist, wp.uffd, 2, 0));
	EXPECT_EQ(-EINVAL, raw_register(wp.assist, wp.uffd, 0, 1));
	EXPECT_EQ(-EBADF, raw_register(wp.assist, 999, 0, 0));
	EXPECT_EQ(-EINVAL, raw_register(wp.assist, null, 0, 0));
	EXPECT_EQ(-EINVAL, raw_protect(wp.assist, 2));
	EXPECT_EQ(-ENOTCONN, raw_protect(other, HEMEM_ASSIST_WP_ON));
	EXPECT_EQ(-EBUSY, raw_register(other, wp.uffd, 0, 0));
	EXPECT_EQ(0, proc_wait(proc_start(use_in_child, NULL)));
	protect(0, 1);
	EXPECT(is_told(0));
	/* Once the first fd is closed another one can. */
	hemem_uffd_wp_end(&wp);
	EXPECT_EQ(0, raw_register(other, wp.uffd, 0, 0));
	wp.assist = other;
	protect(0, 1);
	EXPECT(is_told(0));
}

TEST(errors, "ask for what cannot be, from whom it cannot be, and find nothing changed",
	 need_module, need_module_file)
{
	with_module(check_errors, NULL);
}

/* --- the module goes while a write sleeps ------------------------------------------------ */

static void check_unload(void *arg __attribute__((unused)))
{
	struct uffd_msg msg;

	start();
	protect(0, NR_PAGES);
	begin_write(page(1), 5);
	ASSERT(next_message(&msg));
	EXPECT_NE(0, module_unload());		/* in use */
	hemem_uffd_wp_end(&wp);
	EXPECT_EQ(0, module_unload());
	/* It sleeps, unless the kernel woke it for nothing, as 5.10 may. */
	usleep(20000);
	NOTE("the write %s", writer.has_written ? "is done" : "sleeps");
	EXPECT_EQ(0, hemem_uffd_wp_wake(&wp, memory, NR_PAGES * PAGE));
	end_write();
	write_all(NR_PAGES, 6);			/* nobody is told any more */
	EXPECT(!next_message(&msg));
	EXPECT_EQ(0, module_load("wp=2 selftest=0"));
}

TEST(unload, "unload the module while a write sleeps, wake it afterwards, and find it written",
	 need_module, need_module_file)
{
	with_module(check_unload, NULL);
}

/* --- everything at once -------------------------------------------------------------------- */

enum { NR_RACED = 64, NR_WRITERS = 2 };

static volatile bool must_stop;
static volatile uint64_t *word(size_t i)
{
	return (volatile uint64_t *)page(i);
}

/* One word a page for each writer; a write that is lost shows as a step back. */
static void *keep_writing(void *arg)
{
	size_t mine = (size_t)(uintptr_t)arg;
	uint64_t seen[NR_RACED] = { 0 };
	unsigned int seed = (unsigned int)mine;

	while (!must_stop) {
		size_t i = (size_t)rand_r(&seed) % NR_RACED;

		EXPECT_EQ(seen[i], word(i)[mine]);
		word(i)[mine] = ++seen[i];
	}
	return NULL;
}

static void do_nothing(void *arg __attribute__((unused)))
{
}

/* What leaves contents as they are, and entries not. */
static void *disturb(void *arg __attribute__((unused)))
{
	unsigned int round;

	for (round = 0; !must_stop; round++) {
		size_t i = round * 7 % NR_RACED;

		switch (round % 4) {
		case 0:
			proc_wait(proc_start(do_nothing, NULL));
			break;
		case 1:
			madvise(page(i), PAGE, MADV_PAGEOUT);
			break;
		case 2:
			mprotect(page(i), PAGE, PROT_READ | PROT_WRITE);
			break;
		default:
			node_bring(page(i), PAGE, round & 4 ? node_a() : node_b());
		}
		usleep(2000);
	}
	return NULL;
}

static void drain(void)
{
	struct uffd_msg msgs[16];

	while (read(wp.uffd, msgs, sizeof(msgs)) > 0)
		;
}

/* While all is protected and nobody is let through, nothing may change. */
static void check_still(void)
{
	static uint64_t before[NR_RACED][NR_WRITERS];
	size_t i, w;

	protect(0, NR_RACED);
	for (i = 0; i < NR_RACED; i++)
		for (w = 0; w < NR_WRITERS; w++)
			before[i][w] = word(i)[w];
	usleep(3000);
	for (i = 0; i < NR_RACED; i++)
		for (w = 0; w < NR_WRITERS; w++)
			if (!EXPECT_EQ(before[i][w], word(i)[w]))
				NOTE("page %zu was written while it was protected", i);
	drain();
	unprotect(0, NR_RACED);
}

static void race(void *arg __attribute__((unused)))
{
	uint64_t end_ns = proc_now_ns() +
		(uint64_t)harness_rounds("HEMEM_SECONDS", 5, 120) * 1000000000;
	pthread_t threads[NR_WRITERS + 1];
	unsigned int rounds;
	size_t w;

	begin(0);
	memory = map(NR_RACED * PAGE);
	ASSERT_EQ(0, hemem_uffd_wp_register(&wp, memory, NR_RACED * PAGE, 0));
	write_all(NR_RACED, 0);
	for (w = 0; w < NR_WRITERS; w++)
		pthread_create(&threads[w], NULL, keep_writing, (void *)(uintptr_t)w);
	pthread_create(&threads[w], NULL, disturb, NULL);
	for (rounds = 0; proc_now_ns() < end_ns; rounds++) {
		check_still();
		usleep(2000);
	}
	must_stop = true;
	unprotect(0, NR_RACED);
	for (w = 0; w <= NR_WRITERS; w++)
		pthread_join(threads[w], NULL);
	NOTE("%u rounds, %llu writes to the first page", rounds,
	     (unsigned long long)word(0)[0]);
	EXPECT_LT(0, rounds);
}

TEST(race, "protect and take back while threads write, fork, swap out and move: no write while it "
	 "is protected, none lost", need_module, need_module_file)
{
	with_module(race, NULL);
}

/* Ends in some other state each time: killed, with writes asleep and calls under way. */
static void be_killed(void *arg __attribute__((unused)))
{
	pthread_t threads[NR_WRITERS];
	size_t w;

	begin(0);
	memory = map(NR_RACED * PAGE);
	ASSERT_EQ(0, hemem_uffd_wp_register(&wp, memory, NR_RACED * PAGE, 0));
	write_all(NR_RACED, 0);
	for (w = 0; w < NR_WRITERS; w++)
		pthread_create(&threads[w], NULL, keep_writing, (void *)(uintptr_t)w);
	for (;;) {
		protect(0, NR_RACED);
		drain();
		unprotect(0, NR_RACED);
	}
}

static void kill_some(void *arg __attribute__((unused)))
{
	int rounds = harness_rounds("HEMEM_ROUNDS", 20, 500), round;

	for (round = 0; round < rounds; round++) {
		pid_t pid = proc_start(be_killed, NULL);

		usleep(1000 * (useconds_t)(5 + round * 3 % 50));
		EXPECT_EQ(128 + SIGKILL, proc_kill(pid));
	}
}

TEST(killed, "kill processes that protect and write, in every state, and unload the module",
	 need_module, need_module_file)
{
	with_module(kill_some, NULL);
}

/* --- would it be seen? -------------------------------------------------------------------- */

/* Since 6.0 mprotect opens entries; before, the next write has a fault. */
static const char *need_opening_mprotect(void)
{
	struct rusage before, after;
	char *one = map(PAGE);

	*(volatile char *)one = 1;
	ASSERT_EQ(0, mprotect(one, PAGE, PROT_READ));
	ASSERT_EQ(0, mprotect(one, PAGE, PROT_READ | PROT_WRITE));
	ASSERT_EQ(0, getrusage(RUSAGE_THREAD, &before));
	*(volatile char *)one = 2;
	ASSERT_EQ(0, getrusage(RUSAGE_THREAD, &after));
	munmap(one, PAGE);
	return after.ru_minflt == before.ru_minflt ? NULL :
		"mprotect of this kernel leaves entries read-only";
}

static const struct control {
	const char *name;
	void (*run)(void);
	unsigned int omit;
	need_fn lacks;
} controls[] = {
	{ "swapped_out", swapped_out, WP_SWAP, need_swap },
	{ "collapsed", collapsed, WP_COLLAPSE, need_thp },
	{ "dontneed", dontneed, WP_GONE, NULL },
	{ "mprotected", mprotected, WP_MPROTECT, need_opening_mprotect },
};

static const char *control_name(int row)
{
	return controls[row].name;
}

static const char *control_lacks(int row)
{
	return controls[row].lacks ? controls[row].lacks() : NULL;
}

static const struct rows control_rows = {
	.nr = sizeof(controls) / sizeof(controls[0]),
	.name = control_name, .lacks = control_lacks,
};

static void run_control(void *arg)
{
	const struct control *control = arg;
	char text[16];

	by = HEMEM_UFFD_WP_MODULE;
	is_control = true;
	snprintf(text, sizeof(text), "%u", control->omit);
	ASSERT_EQ(0, file_write(OMIT, text));
	control->run();
	EXPECT(has_seen);
}

TEST_ROWS(control, "leave out a step of the module's, and see what it is for go wrong",
	  &control_rows, need_module, need_module_file, need_faulty_module)
{
	bool can = false;

	ASSERT_EQ(0, module_unload());
	if (EXPECT_EQ(0, module_load_faulty("wp=2"))) {
		can = module_can();
		if (can)
			EXPECT_EQ(0, proc_wait(proc_start(run_control,
							  (void *)&controls[row])));
		EXPECT_EQ(0, module_unload());
	}
	ASSERT_EQ(0, module_load(NULL));
	if (!can)
		SKIP("the module is not made for write protection on this kernel");
}
