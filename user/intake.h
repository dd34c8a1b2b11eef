/* SPDX-License-Identifier: GPL-2.0 */
/*
 * intake.h - takes in what rings of samples hold, whoever fills them
 */
#ifndef HEMEM_INTAKE_H
#define HEMEM_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "period.h"

struct intake;
struct perf_event_mmap_page;
struct sampler_context;

/** enum intake_event - what the samples of a ring are */
enum intake_event {
	INTAKE_FAST_LOAD,	/* loads that the fast tier's memory answered */
	INTAKE_SLOW_LOAD,	/* loads that the slow tier's memory answered */
	INTAKE_STORE,		/* stores, wherever they went */
	INTAKE_LOAD,		/* loads that memory answered; which, says the page */
	INTAKE_ANY,		/* instructions; each sample says what it is */
	INTAKE_NR_EVENTS,
};

/** intake_kind() - whose ladder of periods an event is on */
enum period_kind intake_kind(enum intake_event event);

/**
 * struct intake_ops - what the owner of the rings is asked for
 * @set_period: from now on, events of this kind to a sample
 * @read: hand over samples that are in no ring, with intake_take() and intake_others(); NULL:
 *	there are none.  Return: 0 or -errno, as intake_take().
 */
struct intake_ops {
	void (*set_period)(void *arg, enum period_kind kind, uint64_t period);
	int (*read)(void *arg, uint64_t now_ns);
};

/**
 * intake_new() - get ready for intake_add()
 * @context: where samples go; copied
 * @ops: is called with @arg; stays the caller's
 * @ret_intake: for intake_free(); untouched on failure
 *
 * Return: 0, -ENOMEM, or as census_new().
 */
int intake_new(const struct sampler_context *context, const struct intake_ops *ops, void *arg,
	       struct intake **ret_intake);

/**
 * intake_add() - read one more ring
 * @page: as for ring_init(); must stay mapped until intake_clear() or intake_free()
 * @bytes, @sample_type: as for ring_init()
 * @event: what its samples are
 * @ns_per_unit: of PERF_SAMPLE_WEIGHT; 0: not known, weights say nothing
 *
 * Return: as ring_init(), or -ENOMEM.
 */
int intake_add(struct intake *intake, struct perf_event_mmap_page *page, uint64_t bytes,
	       uint64_t sample_type, enum intake_event event, double ns_per_unit);

/** intake_clear() - read no ring any more; counts and periods stay */
void intake_clear(struct intake *intake);

/** intake_start() - pass over what is in the rings, and set the first periods */
void intake_start(struct intake *intake);

/** intake_set_periods() - tell the periods again, to rings that were added since */
void intake_set_periods(struct intake *intake);

/**
 * intake_take() - take in samples of one page that were counted elsewhere
 * @addr: somewhere in the page
 * @write: they were stores
 * @nr: how many
 *
 * Return: 0, or -ESRCH: the target's memory is gone.
 */
int intake_take(struct intake *intake, uint64_t addr, bool write, uint64_t nr, uint64_t now_ns);

/** intake_others() - count samples of other processes */
void intake_others(struct intake *intake, uint64_t nr);

/** intake_read() - take in what the rings hold, whether that is due or not; as intake_drain() */
int intake_read(struct intake *intake, uint64_t now_ns);

/**
 * intake_drain() - take in what the rings hold and adapt periods, when that is due
 *
 * Takes a bounded time, some tens of ms.  Return: 0, -ESRCH: the target's memory is gone, or
 * another -errno.
 */
int intake_drain(struct intake *intake, uint64_t now_ns);

/** intake_due_ns() - CLOCK_MONOTONIC at which intake_drain() has work again */
uint64_t intake_due_ns(const struct intake *intake);

/** intake_free() - NULL is allowed */
void intake_free(struct intake *intake);

#endif /* HEMEM_INTAKE_H */
