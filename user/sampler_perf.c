// SPDX-License-Identifier: GPL-2.0
/*
 * sampler_perf.c - what samplers by events of perf have in common
 *
 * Brings some together that know nothing of each other: event.c has the events, perf.c opens
 * them and maps their rings, intake.c reads these, tally.c has the kernel count in their place.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "intake.h"
#include "perf.h"
#include "sampler.h"
#include "sampler_perf.h"
#include "tally.h"

/**
 * struct hardware - one sampler
 * @pid: the target
 * @events: @nr_events of them
 * @perf: open; NULL: not yet, or not any more
 * @tally: counts samples in the kernel; NULL: all come through rings
 * @is_stale: some threads have another period than we asked for
 */
struct hardware {
	pid_t pid;
	struct event events[EVENT_MAX];
	size_t nr_events;
	struct perf *perf;
	struct intake *intake;
	struct tally *tally;
	bool is_stale;
};

/* Which tier has answered a load is seen by its page: "local" is not always "fast". */
static enum intake_event event_of(const struct event *event)
{
	switch (event->kind) {
	case EVENT_STORE:
		return INTAKE_STORE;
	case EVENT_ANY:
		return INTAKE_ANY;
	default:
		return INTAKE_LOAD;
	}
}

static void set_period(void *arg, enum period_kind kind, uint64_t period)
{
	struct hardware *hardware = arg;

	if (perf_set_period(hardware->perf, kind, period) == -ESTALE)
		hardware->is_stale = true;
}

/** struct page_taker - for take_page() */
struct page_taker {
	struct intake *intake;
	uint64_t now_ns;
};

static int take_page(void *arg, uint64_t addr, uint32_t loads, uint32_t stores)
{
	const struct page_taker *taker = arg;
	int err = intake_take(taker->intake, addr, false, loads, taker->now_ns);

	return err | intake_take(taker->intake, addr, true, stores, taker->now_ns);
}

static int read_tally(void *arg, uint64_t now_ns)
{
	struct hardware *hardware = arg;
	struct page_taker taker = { .intake = hardware->intake, .now_ns = now_ns };
	uint64_t nr_others = 0;
	int err;

	if (!hardware->tally)
		return 0;
	err = tally_read(hardware->tally, take_page, &taker, &nr_others);
	intake_others(hardware->intake, nr_others);
	return err;
}

static const struct intake_ops intake_ops = { .set_period = set_period, .read = read_tally };

static int add_rings(struct hardware *hardware)
{
	const struct perf_ring *rings;
	size_t nr, i;
	int err = 0;

	rings = perf_rings(hardware->perf, &nr);
	for (i = 0; !err && i < nr; i++)
		err = intake_add(hardware->intake, rings[i].page, rings[i].bytes,
				 rings[i].sample_type,
				 event_of(&hardware->events[rings[i].event]),
				 rings[i].ns_per_unit);
	return err;
}

static int open_rings(struct hardware *hardware)
{
	int err = perf_open(hardware->pid, hardware->events, hardware->nr_events,
			    &hardware->perf);

	if (!err)
		err = add_rings(hardware);
	if (!err && hardware->tally)
		err = tally_attach(hardware->tally, hardware->perf, hardware->events,
				   hardware->nr_events);
	return err;
}

/* Rings serve as well, if at a higher cost. */
static void open_tally(struct hardware *hardware)
{
	int err = tally_open(hardware->pid, &hardware->tally);

	if (!err)
		err = tally_attach(hardware->tally, hardware->perf, hardware->events,
				   hardware->nr_events);
	if (!err)
		return;
	fprintf(stderr, "hemem-ctl: samples come through rings: %s\n", tally_reason());
	tally_close(hardware->tally);
	hardware->tally = NULL;
}

/* Threads that were started since are opened like the others, and so have our period. */
static int reopen(struct hardware *hardware, uint64_t now_ns)
{
	int err = intake_read(hardware->intake, now_ns);

	hardware->is_stale = false;
	if (err)
		return err;
	intake_clear(hardware->intake);
	perf_close(hardware->perf);
	hardware->perf = NULL;
	err = open_rings(hardware);
	if (err)
		return err;
	intake_set_periods(hardware->intake);
	perf_enable(hardware->perf);
	return 0;
}

static int open_all(struct hardware *hardware, const struct sampler_context *context,
		    sampler_perf_finder *find, bool with_bpf)
{
	struct reason why;
	int err = find("", hardware->events, &hardware->nr_events, &why);

	if (err) {
		fprintf(stderr, "hemem-ctl: %s\n", why.text);
		return err;
	}
	err = intake_new(context, &intake_ops, hardware, &hardware->intake);
	if (err)
		return err;
	err = open_rings(hardware);
	if (err)
		fprintf(stderr, "hemem-ctl: %s\n", perf_reason());
	if (!err && with_bpf)
		open_tally(hardware);
	return err;
}

int sampler_perf_open(const struct sampler_context *context, sampler_perf_finder *find,
		      bool with_bpf, void **ret_state)
{
	struct hardware *hardware = calloc(1, sizeof(*hardware));
	int err;

	if (!hardware)
		return -ENOMEM;
	hardware->pid = context->pid;
	err = open_all(hardware, context, find, with_bpf);
	if (err) {
		sampler_perf_close(hardware);
		return err;
	}
	intake_start(hardware->intake);
	perf_enable(hardware->perf);
	*ret_state = hardware;
	return 0;
}

int sampler_perf_drain(void *state, uint64_t now_ns)
{
	struct hardware *hardware = state;
	int err = intake_drain(hardware->intake, now_ns);

	return !err && hardware->is_stale ? reopen(hardware, now_ns) : err;
}

uint64_t sampler_perf_due_ns(const void *state)
{
	return intake_due_ns(((const struct hardware *)state)->intake);
}

void sampler_perf_close(void *state)
{
	struct hardware *hardware = state;

	if (!hardware)
		return;
	intake_free(hardware->intake);
	perf_close(hardware->perf);
	tally_close(hardware->tally);
	free(hardware);
}

int sampler_perf_probe(sampler_perf_finder *find, struct reason *why)
{
	struct event events[EVENT_MAX];
	struct perf_trial trial;
	uint64_t nr_addrs = 0;
	size_t nr, i;
	int err = find("", events, &nr, why);

	for (i = 0; !err && i < nr; i++) {
		err = perf_try(&events[i], &trial);
		if (err)
			reason_set(why, err, "%s", perf_reason());
		nr_addrs += trial.nr_addrs;
	}
	if (!err && !nr_addrs)
		err = reason_set(why, -EOPNOTSUPP, "the samples of %s have no addresses here",
				 events[0].name);
	if (!err)
		reason_set(why, 0, "%s and %zu more tell addresses here", events[0].name, nr - 1);
	return err;
}
