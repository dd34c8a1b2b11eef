// SPDX-License-Identifier: GPL-2.0
/*
 * sampler_trace.c - samples of single accesses, out of a recording
 *
 * Plays the samples of a recording to a target that runs now, each as long after attach as
 * it came after the beginning of the recording.  For tests on machines that cannot sample:
 * the target must have its memory at the same addresses, as one that was mapped at fixed
 * ones has, or whose addresses are not random (setarch -R).
 *
 * Only samples are taken from the recording.  What pages there are is asked from the
 * kernel, as the samplers of single accesses do.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "census.h"
#include "sampler.h"
#include "stats.h"
#include "trace.h"

#define MS		1000000ULL	/* in ns */
#define MAX_SAMPLES	100000		/* of a turn: some ms */
#define REST_NS		(20 * MS)

/**
 * struct player - one sampler
 * @began_ns: when playing began; 0: it has not
 * @tick_ns: when the samples that are played now are due, since then
 * @due_ns: when to go on
 * @is_over: all was played
 */
struct player {
	struct sampler_context context;
	struct trace_reader *reader;
	struct census *census;
	uint64_t began_ns;
	uint64_t tick_ns;
	uint64_t due_ns;
	bool is_over;
};

static void player_close(void *state)
{
	struct player *player = state;

	if (!player)
		return;
	census_free(player->census);
	trace_close(player->reader);
	free(player);
}

static int player_open(const struct sampler_context *context, void **ret_state)
{
	struct player *player = calloc(1, sizeof(*player));
	const struct census_context census = {
		.assist = context->assist, .pid = context->pid, .regions = context->regions,
		.tiers = context->tiers, .heat = context->heat,
	};
	int err;

	if (!player)
		return -ENOMEM;
	player->context = *context;
	err = trace_open(context->arg, &player->reader);
	if (err)
		fprintf(stderr, "hemem-ctl: %s: %s\n", context->arg, trace_reason());
	else
		err = census_new(&census, &player->census);
	if (err) {
		player_close(player);
		return err;
	}
	*ret_state = player;
	return 0;
}

static int take(struct player *player, const struct trace_event *event, uint64_t now_ns)
{
	struct stats *stats = player->context.stats;

	switch (event->kind) {
	case TRACE_TICK:
		player->tick_ns = event->now_ns;
		return 0;
	case TRACE_RATE:
		stats->sample_load_period = event->rate[0];
		stats->sample_store_period = event->rate[1];
		return 0;
	case TRACE_SAMPLE:
		stats->samples_seen++;
		return census_sample(player->census, event->addr, event->write, now_ns, stats);
	}
	return 0;
}

/* Return: 0, -ESRCH, or -EBADMSG and the like, having said on stderr what is wrong. */
static int play(struct player *player, uint64_t now_ns)
{
	uint64_t seen = player->context.stats->samples_seen;
	struct trace_event event;
	int err = 0, more = 1;

	while (!err && player->began_ns + player->tick_ns <= now_ns &&
	       player->context.stats->samples_seen - seen < MAX_SAMPLES) {
		more = trace_next(player->reader, &event);
		if (more <= 0)
			break;
		err = take(player, &event, now_ns);
	}
	if (more < 0)
		fprintf(stderr, "hemem-ctl: %s: %s\n", player->context.arg, trace_reason());
	player->is_over = more <= 0;
	return more < 0 ? more : err;
}

static int player_drain(void *state, uint64_t now_ns)
{
	struct player *player = state;
	struct stats *stats = player->context.stats;
	uint64_t used = stats->samples_used;
	int err = 0;

	if (now_ns < player->due_ns)
		return 0;
	if (!player->began_ns)
		player->began_ns = now_ns;
	if (!player->is_over)
		err = play(player, now_ns);
	if (!err)
		err = census_run(player->census, now_ns);
	stats->news += stats->samples_used != used;
	player->due_ns = now_ns + REST_NS;
	return err;
}

static uint64_t player_due_ns(const void *state)
{
	return ((const struct player *)state)->due_ns;
}

const struct sampler sampler_trace = {
	.name = "trace:FILE",
	.help = "samples of a recording, for a target that has its memory at the same addresses",
	.open = player_open,
	.drain = player_drain,
	.due_ns = player_due_ns,
	.close = player_close,
};
