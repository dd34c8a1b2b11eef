// SPDX-License-Identifier: GPL-2.0
/*
 * device.c - the actors "direct" and "uring": a block device reads and writes memory
 *
 * The device is $STRESS_DEVICE, a loop device as tests/stress/run makes one: a worker of
 * the kernel does what was asked for a moment later, by the frame, and ends the pin at once.
 * A block of it has a label as a page has.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "actor.h"

enum { NR_BASE = 512, NR_HUGE = 1, MAX_SPAN = 64, REST_US = 100, NR_BLOCKS = 512 };

static const char *lacks_device(void)
{
	const char *path = getenv("STRESS_DEVICE");

	return path && !access(path, W_OK) ? NULL :
		"STRESS_DEVICE does not name a block device";
}

static int open_device(void)
{
	int fd = open(getenv("STRESS_DEVICE"), O_RDWR | O_DIRECT | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* --- direct ------------------------------------------------------------------------ */

static int direct_fd;
static uint64_t blocks[NR_BLOCKS];	/* the label of each */

/* Every block is known before anybody reads it. */
static int direct_begin(struct arena *arena)
{
	uint32_t block;

	direct_fd = open_device();
	if (direct_fd < 0)
		return direct_fd;
	for (block = 0; block < NR_BLOCKS; block++) {
		blocks[block] = arena->labels[block];
		if (pwrite(direct_fd, arena_page(arena, block), PAGE_BYTES,
			   (off_t)(block * PAGE_BYTES)) != (ssize_t)PAGE_BYTES)
			return -EIO;
	}
	return 0;
}

static void direct_step(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span = arena_pick(arena, &worker->dice, MAX_SPAN);
	uint32_t i, block = dice_below(&worker->dice, NR_BLOCKS - MAX_SPAN);
	off_t at = (off_t)(block * PAGE_BYTES);
	ssize_t bytes = (ssize_t)arena_span_bytes(span);

	if (dice_one_in(&worker->dice, 4)) {
		arena_fill(arena, span);
		worker_call(worker, "O_DIRECT write", bytes,
			    pwrite(direct_fd, arena_span_addr(arena, span),
				   (size_t)bytes, at));
		for (i = 0; i < span.nr; i++)
			blocks[block + i] = arena->labels[span.first + i];
		return;
	}
	worker_call(worker, "O_DIRECT read", bytes,
		    pread(direct_fd, arena_span_addr(arena, span), (size_t)bytes, at));
	for (i = 0; i < span.nr; i++)
		arena->labels[span.first + i] = blocks[block + i];
	arena_check(worker, span, "a page is what the device wrote to it");
	arena_check(worker, arena_pick(arena, &worker->dice, MAX_SPAN),
		    "a page keeps what the device wrote to it");
}

const struct actor direct_actor = {
	.name = "direct",
	.hazard = "O_DIRECT: pins that come by the fast way between a move's look at the count "
		  "and its write-protection, written later, gone at once",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.rest_us = REST_US,
	.lacks = lacks_device,
	.begin = direct_begin,
	.step = direct_step,
};

/* --- uring ------------------------------------------------------------------------- */

enum { FIXED_PAGES = 16, FIXED_STEPS = 64 };

/*
 * The second half of the device, one block for each fixed page, is ours.  Some pages
 * are registered for a while: as long as they are, they must stay where they are, for
 * what the device writes must be seen by the program and the other way round.
 */
static struct {
	struct io_uring ring;
	struct span span;		/* what is registered */
	unsigned int steps;		/* until it is something else */
} uring;

static int uring_fd;

static int uring_begin(struct arena *arena __attribute__((unused)))
{
	uring_fd = open_device();
	return uring_fd < 0 ? uring_fd : io_uring_queue_init(8, &uring.ring, 0);
}

static void register_some(struct worker *worker)
{
	struct iovec pages;

	if (uring.span.nr)
		io_uring_unregister_buffers(&uring.ring);
	uring.span = arena_pick(worker->arena, &worker->dice, FIXED_PAGES);
	uring.steps = dice_spread(&worker->dice, FIXED_STEPS);
	pages.iov_base = arena_span_addr(worker->arena, uring.span);
	pages.iov_len = arena_span_bytes(uring.span);
	worker_call(worker, "io_uring_register_buffers", 0,
		    io_uring_register_buffers(&uring.ring, &pages, 1));
}

static void transfer(struct worker *worker, bool is_write)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring.ring);
	void *at = arena_span_addr(worker->arena, uring.span);
	unsigned int bytes = (unsigned int)arena_span_bytes(uring.span);
	off_t offset = (off_t)(NR_BLOCKS * PAGE_BYTES);
	struct io_uring_cqe *cqe;

	if (is_write)
		io_uring_prep_write_fixed(sqe, uring_fd, at, bytes, (__u64)offset, 0);
	else
		io_uring_prep_read_fixed(sqe, uring_fd, at, bytes, (__u64)offset, 0);
	worker_call(worker, "io_uring_submit", 1, io_uring_submit(&uring.ring));
	worker_call(worker, "io_uring_wait_cqe", 0, io_uring_wait_cqe(&uring.ring, &cqe));
	worker_call(worker, is_write ? "write of fixed pages" : "read of fixed pages",
		    (long)bytes, cqe->res);
	io_uring_cqe_seen(&uring.ring, cqe);
}

/* What the program writes, the device gets; what the device writes, the program sees. */
static void uring_step(struct worker *worker)
{
	struct arena *arena = worker->arena;
	struct span span;
	uint64_t labels[FIXED_PAGES];
	uint32_t i;

	if (!uring.steps--)
		register_some(worker);
	span = uring.span;
	arena_fill(arena, span);
	worker_rest(worker, REST_US);
	transfer(worker, true);
	for (i = 0; i < span.nr; i++)
		labels[i] = arena->labels[span.first + i];
	arena_fill(arena, span);
	arena_check(worker, span, "a page that is registered keeps what was written");
	transfer(worker, false);
	for (i = 0; i < span.nr; i++)
		arena->labels[span.first + i] = labels[i];
	arena_check(worker, span, "the device wrote and read the page that is registered");
	arena_check(worker, arena_pick(arena, &worker->dice, MAX_SPAN),
		    "a page that was registered keeps what was written");
}

static const char *uring_lacks(void)
{
	struct io_uring ring;

	if (lacks_device())
		return lacks_device();
	if (io_uring_queue_init(1, &ring, 0))
		return "the kernel has no io_uring";
	io_uring_queue_exit(&ring);
	return NULL;
}

const struct actor uring_actor = {
	.name = "uring",
	.hazard = "registers pages with io_uring, where they are pinned for long, and has a "
		  "device read and write them: moved, program and device no longer agree",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.nr_huge = NR_HUGE,
	.rest_us = 10 * REST_US,
	.lacks = uring_lacks,
	.begin = uring_begin,
	.step = uring_step,
};
