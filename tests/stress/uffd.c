// SPDX-License-Identifier: GPL-2.0
/*
 * uffd.c - userfaultfd, and the actor "uffd" that puts its memory under one
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "actor.h"
#include "uffd.h"

int uffd_open(uint64_t features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK), err;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, UFFDIO_API, &api)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int uffd_register(int fd, void *addr, size_t bytes, uint64_t mode)
{
	struct uffdio_register area = {
		.range = { .start = (uintptr_t)addr, .len = bytes },
		.mode = mode,
	};

	return ioctl(fd, UFFDIO_REGISTER, &area) ? -errno : 0;
}

bool uffd_wait(int fd, int timeout_ms, struct uffd_msg *ret_msg)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	return poll(&wait, 1, timeout_ms) == 1 &&
		read(fd, ret_msg, sizeof(*ret_msg)) == sizeof(*ret_msg) &&
		ret_msg->event == UFFD_EVENT_PAGEFAULT;
}

int uffd_copy(int fd, void *to, const void *page)
{
	struct uffdio_copy copy = {
		.dst = (uintptr_t)to, .src = (uintptr_t)page, .len = 4096,
	};

	return ioctl(fd, UFFDIO_COPY, &copy) ? -errno : 0;
}

int uffd_protect(int fd, void *addr, size_t bytes, bool is_protected)
{
	struct uffdio_writeprotect area = {
		.range = { .start = (uintptr_t)addr, .len = bytes },
		.mode = is_protected ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return ioctl(fd, UFFDIO_WRITEPROTECT, &area) ? -errno : 0;
}

const char *uffd_lacks(uint64_t features)
{
	int fd = uffd_open(features);

	if (fd < 0)
		return features ? "the kernel has no write-protection by userfaultfd" :
				  "the kernel has no userfaultfd";
	close(fd);
	return NULL;
}

/* --- the actor --------------------------------------------------------------------- */

enum { NR_BASE = 512, MAX_SPAN = 16, REST_US = 2000 };

/*
 * A thread of its own answers the faults, for as long as the target lives: who waits for
 * an answer cannot be stopped.  asked[page] is set by it when a write to a protected page
 * was reported: a write that got through without is a protection that was lost.
 */
static int fd = -1;
static _Atomic bool asked[NR_BASE];
static _Atomic uint64_t missing_label[NR_BASE];

void uffd_open_page(void *page)
{
	uffd_protect(fd, page, PAGE_BYTES, false);
}

static void answer(struct worker *worker)
{
	static char page[4096] __attribute__((aligned(4096)));
	struct arena *arena = worker->arena;
	struct uffd_msg msg;
	char *at;
	uint32_t number;

	if (!uffd_wait(fd, -1, &msg))
		return;
	at = (char *)(uintptr_t)(msg.arg.pagefault.address & -PAGE_BYTES);
	number = (uint32_t)((size_t)(at - arena->addr) / PAGE_BYTES);
	worker_rest(worker, REST_US);
	if (msg.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP) {
		asked[number] = true;
		worker_call(worker, "UFFDIO_WRITEPROTECT", 0,
			    uffd_protect(fd, at, PAGE_BYTES, false));
		return;
	}
	page_fill(page, missing_label[number]);
	uffd_copy(fd, at, page);
}

static void *answer_for_ever(void *answerer)
{
	for (;;)
		answer(answerer);
	return NULL;
}

static int begin_thread(struct worker *worker)
{
	static struct worker answerer;
	static pthread_t thread;
	struct arena *arena = worker->arena;
	int err;

	fd = uffd_open(UFFD_FEATURE_PAGEFAULT_FLAG_WP);
	if (fd < 0)
		return fd;
	err = uffd_register(fd, arena->addr, arena->nr_pages * PAGE_BYTES,
			    UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP);
	answerer = *worker;
	return err ? err : -pthread_create(&thread, NULL, answer_for_ever, &answerer);
}

/* The answerer brings what was taken away, with a label that is agreed on before. */
static void lose(struct worker *worker, struct span span)
{
	struct arena *arena = worker->arena;
	uint32_t page;

	for (page = span.first; page < span.first + span.nr; page++)
		missing_label[page] = arena->labels[page] = arena_new_label(arena);
	madvise(arena_span_addr(arena, span), arena_span_bytes(span), MADV_DONTNEED);
	arena_check(worker, span, "a page that was missing is what the handler brought");
}

static void protect(struct worker *worker, struct span span)
{
	struct arena *arena = worker->arena;
	uint32_t page;

	for (page = span.first; page < span.first + span.nr; page++)
		asked[page] = false;
	worker_call(worker, "UFFDIO_WRITEPROTECT", 0,
		    uffd_protect(fd, arena_span_addr(arena, span),
				 arena_span_bytes(span), true));
	worker_rest(worker, REST_US);
	arena_check(worker, span, "a page that is write-protected stays the same");
	for (page = span.first; page < span.first + span.nr; page++) {
		arena_fill(arena, (struct span){ page, 1 });
		worker_check(worker, asked[page],
			     "a write to a protected page is reported to userfaultfd",
			     arena_page(arena, page), 1, 0);
		worker_count_extra(worker, 1);
	}
}

static void step(struct worker *worker)
{
	struct span span = arena_pick(worker->arena, &worker->dice, MAX_SPAN);

	arena_check(worker, span, "a page is what was written to it");
	if (dice_one_in(&worker->dice, 2))
		lose(worker, span);
	else
		protect(worker, span);
}

static const char *lacks(void)
{
	return uffd_lacks(UFFD_FEATURE_PAGEFAULT_FLAG_WP);
}

const struct actor uffd_actor = {
	.name = "uffd",
	.hazard = "has missing pages brought and write-protects pages by userfaultfd: a move "
		  "must not undo a protection, nor bring a page that is missing",
	.extra = "protected_writes",
	.nr_threads = 1,
	.nr_base = NR_BASE,
	.rest_us = REST_US,
	.lacks = lacks,
	.begin_thread = begin_thread,
	.step = step,
};
