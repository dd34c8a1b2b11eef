// SPDX-License-Identifier: GPL-2.0
/*
 * pin.c - the actors "vmwrite", "held", "splice" and "force": the kernel writes to pages,
 * or holds on to them, past the page table
 *
 * What a move must never do is to copy a page that somebody writes to by its frame:
 *
 *	pin        old frame, reference + 1
 *	           move: write-protect, copy
 *	write      to the old frame; no fault, no dirty bit
 *	unpin      reference - 1
 *	           move: verify finds nothing changed, installs the copy: the write is lost
 *
 * The write must come after the copy and the unpinning before the verification, so pins
 * of all lengths are wanted, each with its write at the very end.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "actor.h"
#include "uffd.h"

enum { NR_BASE = 512, NR_HUGE = 1, MAX_SPAN = 16, REST_US = 1000 };

/* New labels for @span, written to @buffer. */
static void prepare_pages(struct arena *arena, struct span span, char *buffer)
{
	uint32_t i;

	for (i = 0; i < span.nr; i++) {
		arena->labels[span.first + i] = arena_new_label(arena);
		page_fill(buffer + i * PAGE_BYTES, arena->labels[span.first + i]);
	}
}

/* Does @buffer have what the pages of @span have? */
static void check_copy(struct worker *worker, struct span span, const char *buffer,
		       const char *check)
{
	uint32_t i;

	for (i = 0; i < span.nr; i++)
		if (worker->arena->labels[span.first + i] != ARENA_UNKNOWN)
			worker_check_page(worker, buffer + i * PAGE_BYTES,
					  worker->arena->labels[span.first + i], check);
}

/* --- vmwrite ----------------------------------------------------------------------- */

static char buffer[MAX_SPAN * 4096] __attribute__((aligned(4096)));

static void vmwrite_step(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span = arena_pick(arena, &worker->dice, MAX_SPAN);
	struct iovec here = { buffer, arena_span_bytes(span) };
	struct iovec there = { arena_span_addr(arena, span), here.iov_len };

	if (dice_one_in(&worker->dice, 2)) {
		prepare_pages(arena, span, buffer);
		worker_call(worker, "process_vm_writev", (long)here.iov_len,
			    process_vm_writev(getpid(), &here, 1, &there, 1, 0));
		arena_check(worker, span, "a page is what process_vm_writev wrote");
	} else {
		arena_fill(arena, span);
		worker_call(worker, "process_vm_readv", (long)here.iov_len,
			    process_vm_readv(getpid(), &here, 1, &there, 1, 0));
		check_copy(worker, span, buffer, "process_vm_readv reads what was written");
	}
	arena_check(worker, arena_pick(arena, &worker->dice, MAX_SPAN),
		    "a page keeps what process_vm_writev wrote");
}

const struct actor vmwrite_actor = {
	.name = "vmwrite",
	.hazard = "process_vm_writev to itself: many short pins that are written through, each "
		  "gone before the move verifies (no reference recheck)",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.rest_us = REST_US,
	.step = vmwrite_step,
};

/* --- held -------------------------------------------------------------------------- */

/*
 * process_vm_writev pins up to 16 pages and then copies to them, and what it copies from
 * is missing: userfaultfd has it, and takes its time.  So the pin lasts as long as we
 * like, and ends right after the write.  A thread of its own brings the source, for as
 * long as the target lives.
 */
static char *source;			/* under userfaultfd, mostly missing */
static char ready[MAX_SPAN * 4096] __attribute__((aligned(4096)));
static int held_fd = -1;

enum { HELD_MAX_US = 20000 };

/* Most pages at once; one, now and then, when a move may be in its midst. */
static void held_bring(struct worker *worker)
{
	struct uffd_msg msg;
	char *at;

	if (!uffd_wait(held_fd, -1, &msg))
		return;
	at = (char *)(uintptr_t)(msg.arg.pagefault.address & -PAGE_BYTES);
	if (dice_one_in(&worker->dice, 4))
		usleep(dice_spread(&worker->dice, HELD_MAX_US));
	worker_call(worker, "UFFDIO_COPY", 0,
		    uffd_copy(held_fd, at, ready + (at - source)));
	worker_count_extra(worker, 1);
}

static void *held_bring_for_ever(void *bringer)
{
	for (;;)
		held_bring(bringer);
	return NULL;
}

static int held_begin_thread(struct worker *worker)
{
	static struct worker bringer;
	static pthread_t thread;
	int err;

	source = arena_reserve(sizeof(ready));
	if (!source || mmap(source, sizeof(ready), PROT_READ | PROT_WRITE, MAP_PRIVATE |
			    MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return -errno;
	madvise(source, sizeof(ready), MADV_NOHUGEPAGE);
	madvise(source, sizeof(ready), MADV_DONTFORK);
	held_fd = uffd_open(0);
	if (held_fd < 0)
		return held_fd;
	err = uffd_register(held_fd, source, sizeof(ready), UFFDIO_REGISTER_MODE_MISSING);
	bringer = *worker;
	return err ? err : -pthread_create(&thread, NULL, held_bring_for_ever, &bringer);
}

static void held_step(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span = arena_pick(arena, &worker->dice, MAX_SPAN);
	struct iovec here = { .iov_base = source }, there = { 0 };

	here.iov_len = there.iov_len = arena_span_bytes(span);
	there.iov_base = arena_span_addr(arena, span);
	prepare_pages(arena, span, ready);
	worker_call(worker, "process_vm_writev", (long)here.iov_len,
		    process_vm_writev(getpid(), &here, 1, &there, 1, 0));
	arena_check(worker, span, "a page is what was written through a long pin");
	madvise(source, sizeof(ready), MADV_DONTNEED);
	arena_check(worker, arena_pick(arena, &worker->dice, MAX_SPAN),
		    "a page keeps what was written through a long pin");
}

static const char *held_lacks(void)
{
	return uffd_lacks(0);
}

const struct actor held_actor = {
	.name = "held",
	.hazard = "pins that last as long as a move, up to 20 ms, and end right after the "
		  "write (no reference recheck, copies of pinned pages)",
	.extra = "pages_brought",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.rest_us = 0,
	.lacks = held_lacks,
	.begin_thread = held_begin_thread,
	.step = held_step,
};

/* --- splice ------------------------------------------------------------------------ */

/*
 * A pipe holds references to pages until it is read.  What is written meanwhile may be
 * seen in it or not; but a page in it is of one label, and memory is what was written.
 */
static void check_spliced(struct worker *worker, const char *page, uint64_t before,
			  uint64_t after)
{
	if (page_find_bad(page, before) >= 0)
		worker_check_page(worker, page, after,
				  "a page in a pipe is as it was, or as it became");
}

static void splice_step(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span = arena_pick(arena, &worker->dice, MAX_SPAN);
	struct iovec pages = { arena_span_addr(arena, span), arena_span_bytes(span) };
	static char got[4096] __attribute__((aligned(4096)));
	uint64_t before[MAX_SPAN];
	ssize_t inside;
	uint32_t i;
	int fds[2];

	if (!worker_call(worker, "pipe", 0, pipe2(fds, O_CLOEXEC)))
		return;
	for (i = 0; i < span.nr; i++)
		before[i] = arena->labels[span.first + i];
	inside = vmsplice(fds[1], &pages, 1, SPLICE_F_NONBLOCK);
	worker_rest(worker, REST_US);
	if (dice_one_in(&worker->dice, 2))
		arena_fill(arena, span);
	worker_rest(worker, REST_US);
	for (i = 0; i < span.nr && inside >= 4096; i++, inside -= 4096) {
		if (!worker_call(worker, "read of a pipe", 4096, read(fds[0], got, 4096)))
			break;
		if (before[i] != ARENA_UNKNOWN)
			check_spliced(worker, got, before[i], arena->labels[span.first + i]);
	}
	close(fds[0]);
	close(fds[1]);
	arena_check(worker, span, "a page that was in a pipe is what was written to it");
}

const struct actor splice_actor = {
	.name = "splice",
	.hazard = "puts pages into a pipe and writes them: references that come by the fast way "
		  "without the page table's lock, and go at any time",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.rest_us = REST_US,
	.step = splice_step,
};

/* --- force ------------------------------------------------------------------------- */

static int mem_fd = -1;

static int force_begin(struct arena *arena)
{
	mem_fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	if (mem_fd < 0 ||
	    mprotect(arena->addr, arena->nr_pages * PAGE_BYTES, PROT_READ))
		return -errno;
	return 0;
}

/* Writes through read-only entries, in pieces, as a debugger does. */
static void force_step(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span = arena_pick(arena, &worker->dice, 8);
	static char pages[8 * 4096] __attribute__((aligned(4096)));
	size_t done = 0, bytes = arena_span_bytes(span);
	bool is_writable = dice_one_in(&worker->dice, 4);
	void *at = arena_span_addr(arena, span);

	if (is_writable)
		worker_call(worker, "mprotect(WRITE)", 0,
			    mprotect(at, bytes, PROT_READ | PROT_WRITE));
	prepare_pages(arena, span, pages);
	while (done < bytes) {
		size_t part = dice_spread(&worker->dice, (uint32_t)(bytes - done));

		if (!worker_call(worker, "pwrite to /proc/self/mem", (long)part,
				 pwrite(mem_fd, pages + done, part,
					(off_t)(uintptr_t)at + (off_t)done)))
			break;
		done += part;
	}
	if (is_writable)
		worker_call(worker, "mprotect(READ)", 0, mprotect(at, bytes, PROT_READ));
	arena_check(worker, span, "a page is what was written by /proc/self/mem");
	worker_rest(worker, REST_US);
	arena_check(worker, arena_pick(arena, &worker->dice, MAX_SPAN),
		    "a page keeps what was written by /proc/self/mem");
}

const struct actor force_actor = {
	.name = "force",
	.hazard = "writes to memory that is mapped read-only, by /proc/PID/mem: through a "
		  "read-only entry, so the entry tells a move nothing",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.rest_us = REST_US,
	.begin = force_begin,
	.step = force_step,
};
