// SPDX-License-Identifier: GPL-2.0
/*
 * intake.c - takes in what rings of samples hold, whoever fills them
 *
 * Owns whose turn is when and what becomes of each sample.  What a record means is ring.c's,
 * where pages lie census.c's, how often to sample period.c's; to whom the rings belong,
 * and how the producer is told, their owner knows.
 *
 * Each drain goes round all rings, some records of each in turn, until all are empty or 20
 * ms are over, so that no ring waits behind a busier one.  How long it rests then depends on how
 * full the fullest ring was: half full, it comes back twice as soon.
 *
 * Every sample has one fate:
 *
 *   of another process                                   other
 *   no access, or one that a cache answered              cached
 *   its page is known                                    used
 *   it is not, but the kernel finds it now               used
 *   no region that can be moved is there                 outside
 *   one is, but no page that can be moved                unmovable
 *   there was no time or memory to find out              dropped
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "census.h"
#include "clock.h"
#include "heat.h"
#include "intake.h"
#include "ring.h"
#include "sampler.h"
#include "stats.h"
#include "tier.h"

#define MS		1000000ULL	/* in ns */
#define SLICE_NS	(20 * MS)
#define TURN_RECORDS	256		/* of one ring before the next one's turn */
#define AHEAD		16		/* of them at a time; divides TURN_RECORDS */
#define FIRST_REST_NS	(20 * MS)
#define MIN_REST_NS	(5 * MS)
#define MAX_REST_NS	(80 * MS)
#define INTERVAL_NS	(100 * MS)	/* between two looks at the periods */

/** struct source - one ring; see intake_add() */
struct source {
	struct ring ring;
	enum intake_event event;
	double ns_per_unit;
};

/**
 * struct intake - all rings of one target
 * @context: where the samples go
 * @ops, @arg: whose rings these are
 * @census: where pages lie
 * @sources: @nr of them
 * @first: whose turn is first
 * @has: there is a ring of this kind
 * @steps: of the ladder, by enum period_kind
 * @seen: what came in this interval
 * @load_ns: what loads waited of late, by tier; 0: no sample told it
 * @cpu_ns: what taking that in took
 * @began_ns: when the interval began; 0: with the next drain
 * @rest_ns: from one drain to the next, as adapted
 * @due_ns: when to drain again
 */
struct intake {
	struct sampler_context context;
	const struct intake_ops *ops;
	void *arg;
	struct census *census;
	struct source *sources;
	size_t nr;
	size_t first;
	bool has[PERIOD_NR_KINDS];
	unsigned int steps[PERIOD_NR_KINDS];
	struct period_seen seen[PERIOD_NR_KINDS];
	double load_ns[TIER_NR];
	uint64_t cpu_ns;
	uint64_t began_ns;
	uint64_t rest_ns;
	uint64_t due_ns;
};

enum period_kind intake_kind(enum intake_event event)
{
	switch (event) {
	case INTAKE_STORE:
		return PERIOD_STORES;
	case INTAKE_ANY:
		return PERIOD_OPS;
	default:
		return PERIOD_LOADS;
	}
}

/* ---- rings ---- */

int intake_new(const struct sampler_context *context, const struct intake_ops *ops, void *arg,
	       struct intake **ret_intake)
{
	const struct census_context census = {
		.assist = context->assist, .pid = context->pid, .regions = context->regions,
		.tiers = context->tiers, .heat = context->heat,
	};
	struct intake *intake = calloc(1, sizeof(*intake));
	unsigned int i;
	int err;

	if (!intake)
		return -ENOMEM;
	intake->context = *context;
	intake->ops = ops;
	intake->arg = arg;
	intake->rest_ns = FIRST_REST_NS;
	for (i = 0; i < PERIOD_NR_KINDS; i++)
		intake->steps[i] = period_first(i);
	err = census_new(&census, &intake->census);
	if (err) {
		free(intake);
		return err;
	}
	*ret_intake = intake;
	return 0;
}

int intake_add(struct intake *intake, struct perf_event_mmap_page *page, uint64_t bytes,
	       uint64_t sample_type, enum intake_event event, double ns_per_unit)
{
	struct source *sources = realloc(intake->sources, (intake->nr + 1) * sizeof(*sources));
	int err;

	if (!sources)
		return -ENOMEM;
	intake->sources = sources;
	sources += intake->nr;
	*sources = (struct source){ .event = event, .ns_per_unit = ns_per_unit };
	err = ring_init(&sources->ring, page, bytes, sample_type);
	if (err)
		return err;
	intake->nr++;
	intake->has[intake_kind(event)] = true;
	return 0;
}

void intake_clear(struct intake *intake)
{
	free(intake->sources);
	intake->sources = NULL;
	intake->nr = 0;
	intake->first = 0;
	memset(intake->has, 0, sizeof(intake->has));
}

void intake_set_periods(struct intake *intake)
{
	struct stats *stats = intake->context.stats;
	uint64_t period;
	unsigned int i;

	for (i = 0; i < PERIOD_NR_KINDS; i++) {
		if (!intake->has[i])
			continue;
		period = period_of(i, intake->steps[i]);
		intake->ops->set_period(intake->arg, i, period);
		if (i != PERIOD_STORES)
			stats->sample_load_period = period;
		if (i != PERIOD_LOADS)
			stats->sample_store_period = period;
	}
}

/* Samples of whoever read these rings before us are not ours. */
void intake_start(struct intake *intake)
{
	size_t i;

	for (i = 0; i < intake->nr; i++)
		ring_skip(&intake->sources[i].ring);
	intake_set_periods(intake);
}

void intake_free(struct intake *intake)
{
	if (!intake)
		return;
	intake_clear(intake);
	census_free(intake->census);
	free(intake);
}

/* ---- samples ---- */

static bool is_write(const struct source *source, const struct sample *sample)
{
	return source->event == INTAKE_STORE ||
	       (source->event == INTAKE_ANY && sample->op == SAMPLE_OP_STORE);
}

/* Of an event that counts all instructions, those that say nothing of memory. */
static bool is_cached(const struct source *source, const struct sample *sample)
{
	if (source->event != INTAKE_ANY)
		return false;
	return sample->op == SAMPLE_OP_NONE || sample->op == SAMPLE_OP_UNKNOWN ||
	       (sample->op == SAMPLE_OP_LOAD && sample->level == SAMPLE_LEVEL_CACHE);
}

/* TIER_NR: nobody knows. */
static unsigned int tier_of(const struct intake *intake, const struct source *source,
			    uint64_t addr)
{
	const struct tier_set *tiers = intake->context.tiers;
	struct heat_page page;

	if (source->event == INTAKE_FAST_LOAD)
		return TIER_FAST;
	if (source->event == INTAKE_SLOW_LOAD)
		return TIER_SLOW;
	if (heat_locate(intake->context.heat, addr, &page) || page.node >= tiers->nr_nodes)
		return TIER_NR;
	return tiers->nodes[page.node].level;
}

/* What loads waited of late: an average in which the last 64 samples have two thirds. */
static void take_latency(struct intake *intake, const struct source *source,
			 const struct sample *sample)
{
	uint64_t *const told[TIER_NR] = {
		[TIER_FAST] = &intake->context.stats->fast_load_ns,
		[TIER_SLOW] = &intake->context.stats->slow_load_ns,
	};
	double waited_ns = (double)sample->weight * source->ns_per_unit;
	unsigned int tier;

	if (waited_ns <= 0 || is_write(source, sample))
		return;
	tier = tier_of(intake, source, sample->addr);
	if (tier >= TIER_NR)
		return;
	intake->load_ns[tier] += (waited_ns - intake->load_ns[tier]) /
				 (intake->load_ns[tier] > 0 ? 64 : 1);
	*told[tier] = (uint64_t)(intake->load_ns[tier] + 0.5);
}

/* Return: 0, or -ESRCH: the target's memory is gone. */
static int take_sample(struct intake *intake, const struct source *source,
		       const struct sample *sample, uint64_t now_ns)
{
	struct stats *stats = intake->context.stats;
	int err;

	stats->samples_seen++;
	if (sample->pid && sample->pid != (uint32_t)intake->context.pid) {
		stats->samples_other++;
		return 0;
	}
	intake->seen[intake_kind(source->event)].nr_samples++;
	if (is_cached(source, sample)) {
		stats->samples_cached++;
		return 0;
	}
	err = census_sample(intake->census, sample->addr, is_write(source, sample), now_ns,
			    stats);
	take_latency(intake, source, sample);
	return err;
}

int intake_take(struct intake *intake, uint64_t addr, bool write, uint64_t nr, uint64_t now_ns)
{
	struct stats *stats = intake->context.stats;
	int err = 0;

	stats->samples_seen += nr;
	intake->seen[write ? PERIOD_STORES : PERIOD_LOADS].nr_samples += nr;
	for (; nr; nr--)
		err |= census_sample(intake->census, addr, write, now_ns, stats);
	return err;
}

void intake_others(struct intake *intake, uint64_t nr)
{
	intake->context.stats->samples_seen += nr;
	intake->context.stats->samples_other += nr;
}

static int take(struct intake *intake, const struct source *source,
		const struct ring_record *record, uint64_t now_ns)
{
	struct period_seen *seen = &intake->seen[intake_kind(source->event)];
	struct stats *stats = intake->context.stats;

	stats->records_seen++;
	switch (record->kind) {
	case RING_SAMPLE:
		stats->records_samples++;
		return take_sample(intake, source, &record->sample, now_ns);
	case RING_LOST:
		stats->records_lost++;
		stats->samples_seen += record->nr_lost;
		stats->samples_lost += record->nr_lost;
		seen->nr_lost += record->nr_lost;
		break;
	case RING_THROTTLE:
		stats->records_throttled++;
		seen->nr_throttled++;
		break;
	case RING_UNTHROTTLE:
		stats->records_unthrottled++;
		break;
	case RING_BROKEN:
		stats->records_broken++;
		break;
	default:
		stats->records_other++;
	}
	return 0;
}

/*
 * The next records of a ring, at most AHEAD.  What the heat store has of their pages is on its way to
 * the caches while those before it are taken in: of a large target it lies in memory.
 */
static unsigned int look_ahead(const struct intake *intake, struct ring *ring,
			       struct ring_record records[AHEAD])
{
	unsigned int nr;

	for (nr = 0; nr < AHEAD && ring_next(ring, &records[nr]); nr++)
		if (records[nr].kind == RING_SAMPLE)
			heat_prefetch(intake->context.heat, records[nr].sample.addr);
	return nr;
}

/* At most TURN_RECORDS of one ring.  Return: as take(); *ret_more: it has more. */
static int take_turn(struct intake *intake, struct source *source, uint64_t now_ns,
		     bool *ret_more)
{
	struct ring_record records[AHEAD];
	unsigned int left = TURN_RECORDS, nr, i;
	int err = 0;

	if (!ring_look(&source->ring))
		return 0;
	do {
		nr = look_ahead(intake, &source->ring, records);
		for (i = 0; !err && i < nr; i++)
			err = take(intake, source, &records[i], now_ns);
		left -= nr;
	} while (!err && left && nr == AHEAD);
	ring_release(&source->ring);
	*ret_more |= !left;
	return err;
}

int intake_read(struct intake *intake, uint64_t now_ns)
{
	uint64_t began_ns = clock_cpu_ns(), looked_ns = census_look_ns(intake->census);
	bool more = intake->nr > 0;
	size_t i;
	int err = intake->ops->read ? intake->ops->read(intake->arg, now_ns) : 0;

	while (!err && more && clock_cpu_ns() - began_ns < SLICE_NS) {
		more = false;
		for (i = 0; !err && i < intake->nr; i++)
			err = take_turn(intake, &intake->sources[(intake->first + i) % intake->nr],
					now_ns, &more);
	}
	if (intake->nr)
		intake->first = (intake->first + 1) % intake->nr;
	/* A longer period would not make unknown pages fewer; the census has its own limit. */
	intake->cpu_ns += clock_cpu_ns() - began_ns -
			  (census_look_ns(intake->census) - looked_ns);
	return err;
}

/* ---- time ---- */

/* The fullest ring, in 1/10,000. */
static uint64_t fill_bp(struct intake *intake)
{
	uint64_t most = 0, bp;
	struct ring *ring;
	size_t i;

	for (i = 0; i < intake->nr; i++) {
		ring = &intake->sources[i].ring;
		bp = ring_look(ring) * 10000 / ring->data_bytes;
		most = bp > most ? bp : most;
	}
	return most;
}

static void adapt_rest(struct intake *intake, uint64_t most_bp)
{
	if (most_bp > 5000 && intake->rest_ns > MIN_REST_NS)
		intake->rest_ns /= 2;
	else if (most_bp < 1250 && intake->rest_ns < MAX_REST_NS)
		intake->rest_ns *= 2;
}

static void adapt_periods(struct intake *intake, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns - intake->began_ns, cpu_bp;
	unsigned int i;

	if (!intake->began_ns)
		intake->began_ns = now_ns;
	if (intake->began_ns == now_ns || passed_ns < INTERVAL_NS)
		return;
	cpu_bp = intake->cpu_ns * 10000 / passed_ns;
	for (i = 0; i < PERIOD_NR_KINDS; i++) {
		intake->seen[i].cpu_bp = cpu_bp;
		intake->steps[i] = period_next(intake->steps[i], &intake->seen[i],
					       intake->context.cpu_budget_bp);
	}
	intake_set_periods(intake);
	intake->context.stats->sample_cpu_bp = cpu_bp;
	memset(intake->seen, 0, sizeof(intake->seen));
	intake->cpu_ns = 0;
	intake->began_ns = now_ns;
}

int intake_drain(struct intake *intake, uint64_t now_ns)
{
	struct stats *stats = intake->context.stats;
	uint64_t used = stats->samples_used;
	int err;

	if (now_ns < intake->due_ns)
		return 0;
	adapt_rest(intake, fill_bp(intake));
	err = intake_read(intake, now_ns);
	if (!err)
		err = census_run(intake->census, now_ns);
	stats->news += stats->samples_used != used;
	adapt_periods(intake, now_ns);
	intake->due_ns = now_ns + intake->rest_ns;
	return err;
}

uint64_t intake_due_ns(const struct intake *intake)
{
	return intake->due_ns;
}
