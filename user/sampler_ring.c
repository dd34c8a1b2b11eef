// SPDX-License-Identifier: GPL-2.0
/*
 * sampler_ring.c - samples of single accesses, out of a file of rings
 *
 * Owns the file (include/hemem_rings.h): it is mapped, checked, told whom to sample and
 * how often, and told to stop at the end.  The rings in it are read by intake.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../include/hemem_rings.h"
#include "intake.h"
#include "sampler.h"

#define PAGE_BYTES	4096

/**
 * struct rings - one sampler
 * @context: where the samples go
 * @intake: the reader of the rings
 * @fd: the file; locked, as one reader is all that a ring can have
 * @shared: the file
 * @bytes: its size
 * @descs: where the periods are written; shared; @nr of them
 * @events: what the samples of each are, as it was when looked at
 * @is_started: the producer has been told to make samples
 */
struct rings {
	struct sampler_context context;
	struct intake *intake;
	int fd;
	struct hemem_rings *shared;
	uint64_t bytes;
	struct hemem_ring_desc *descs[HEMEM_RINGS_MAX];
	enum intake_event events[HEMEM_RINGS_MAX];
	unsigned int nr;
	bool is_started;
};

static const enum intake_event event_of[HEMEM_RINGS_NR_EVENTS] = {
	[HEMEM_RINGS_FAST_LOAD] = INTAKE_FAST_LOAD,
	[HEMEM_RINGS_SLOW_LOAD] = INTAKE_SLOW_LOAD,
	[HEMEM_RINGS_STORE] = INTAKE_STORE,
};

/* ---- the file ---- */

static int refuse(const struct rings *rings, const char *why, int err)
{
	fprintf(stderr, "hemem-ctl: %s: %s\n", rings->context.arg, why);
	return err;
}

static int map_file(struct rings *rings)
{
	const char *path = rings->context.arg;
	struct stat stat;

	if (!path || path[0] != '/')
		return refuse(rings, "--sampler ring:PATH takes the absolute path of a file of rings",
			      -EINVAL);
	rings->fd = open(path, O_RDWR | O_CLOEXEC);
	if (rings->fd < 0 || fstat(rings->fd, &stat))
		return refuse(rings, strerror(errno), -errno);
	if (flock(rings->fd, LOCK_EX | LOCK_NB))
		return refuse(rings, "another hemem-ctl reads these rings", -EBUSY);
	if (stat.st_size < (off_t)sizeof(struct hemem_rings))
		return refuse(rings, "too small for a file of rings", -EINVAL);
	rings->shared = mmap(NULL, (size_t)stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			     rings->fd, 0);
	if (rings->shared == MAP_FAILED) {
		rings->shared = NULL;
		return refuse(rings, strerror(errno), -errno);
	}
	rings->bytes = (uint64_t)stat.st_size;
	return 0;
}

/* The producer sets the magic last: all else is in place when it is seen. */
static int check_file(struct rings *rings)
{
	struct hemem_rings *shared = rings->shared;

	if (__atomic_load_n(&shared->magic, __ATOMIC_ACQUIRE) != HEMEM_RINGS_MAGIC)
		return refuse(rings, "not a file of rings, or its producer has not begun", -EINVAL);
	if (shared->version != HEMEM_RINGS_VERSION)
		return refuse(rings, "rings of another version than this hemem-ctl reads",
			      -EPROTONOSUPPORT);
	rings->nr = shared->nr_rings;
	if (!rings->nr || rings->nr > HEMEM_RINGS_MAX)
		return refuse(rings, "its number of rings is not 1 .. 63", -EINVAL);
	if (shared->size > rings->bytes)
		return refuse(rings, "it says that it is larger than it is", -EINVAL);
	return 0;
}

/* What the other side may change is read once. */
static int open_ring(struct rings *rings, unsigned int i)
{
	struct hemem_ring_desc *desc = &rings->shared->ring[i], copy;
	char *base = (char *)rings->shared;
	uint64_t first = PAGE_BYTES;
	int err;

	memcpy(&copy, desc, sizeof(copy));
	if (copy.offset < first || copy.offset % PAGE_BYTES || copy.offset > rings->bytes ||
	    copy.size > rings->bytes - copy.offset)
		return refuse(rings, "a ring lies outside of the file", -EINVAL);
	if (copy.event >= HEMEM_RINGS_NR_EVENTS)
		return refuse(rings, "a ring has events that this hemem-ctl does not know", -EINVAL);
	err = intake_add(rings->intake, (void *)(base + copy.offset), copy.size,
			 copy.sample_type, event_of[copy.event], 1);
	if (err == -EOPNOTSUPP)
		return refuse(rings, "the samples of a ring have no address", err);
	if (err == -EINVAL)
		return refuse(rings, "a ring's size is not a page and 2^n pages", err);
	rings->descs[i] = desc;
	rings->events[i] = event_of[copy.event];
	return err;
}

static void set_period(void *arg, enum period_kind kind, uint64_t period)
{
	struct rings *rings = arg;
	unsigned int i;

	for (i = 0; i < rings->nr; i++)
		if (intake_kind(rings->events[i]) == kind)
			__atomic_store_n(&rings->descs[i]->period, period, __ATOMIC_RELAXED);
}

static const struct intake_ops intake_ops = { .set_period = set_period };

static void start(struct rings *rings)
{
	intake_start(rings->intake);
	__atomic_store_n(&rings->shared->pid, (uint32_t)rings->context.pid, __ATOMIC_RELAXED);
	__atomic_store_n(&rings->shared->enabled, 1, __ATOMIC_RELEASE);
	rings->is_started = true;
}

static void stop(struct rings *rings)
{
	unsigned int i;

	__atomic_store_n(&rings->shared->enabled, 0, __ATOMIC_RELEASE);
	for (i = 0; i < rings->nr; i++)
		__atomic_store_n(&rings->descs[i]->period, 0, __ATOMIC_RELAXED);
}

static void rings_close(void *state)
{
	struct rings *rings = state;

	if (!rings)
		return;
	if (rings->is_started)
		stop(rings);
	intake_free(rings->intake);
	if (rings->shared)
		munmap(rings->shared, rings->bytes);
	if (rings->fd >= 0)
		close(rings->fd);
	free(rings);
}

static int open_all(struct rings *rings)
{
	unsigned int i;
	int err = map_file(rings);

	if (!err)
		err = check_file(rings);
	if (!err)
		err = intake_new(&rings->context, &intake_ops, rings, &rings->intake);
	for (i = 0; !err && i < rings->nr; i++)
		err = open_ring(rings, i);
	return err;
}

static int rings_open(const struct sampler_context *context, void **ret_state)
{
	struct rings *rings = calloc(1, sizeof(*rings));
	int err;

	if (!rings)
		return -ENOMEM;
	rings->context = *context;
	rings->fd = -1;
	err = open_all(rings);
	if (err) {
		rings_close(rings);
		return err;
	}
	start(rings);
	*ret_state = rings;
	return 0;
}

static int rings_drain(void *state, uint64_t now_ns)
{
	return intake_drain(((struct rings *)state)->intake, now_ns);
}

static uint64_t rings_due_ns(const void *state)
{
	return intake_due_ns(((const struct rings *)state)->intake);
}

const struct sampler sampler_ring = {
	.name = "ring:PATH",
	.help = "rings of sampled accesses in a shared file, in perf's layout, as the meter makes them",
	.open = rings_open,
	.drain = rings_drain,
	.due_ns = rings_due_ns,
	.close = rings_close,
};
