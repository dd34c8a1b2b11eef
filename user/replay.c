// SPDX-License-Identifier: GPL-2.0
/*
 * replay.c - what a policy would have done with a recording
 *
 * Owns a machine that is played: two nodes, their room, where each page lies, what accesses
 * and moves cost.  Events are told to a heat store as a sampler would tell them, and the
 * policy is asked at each tick of the recording.  No clock is read but to say how long the
 * policy took, so the same recording and policy give the same result.
 *
 * What the policy sees is samples, and that is also all that is known of what the program did:
 * a sample stands for as many accesses as its rate says.
 */
#include <errno.h>
#include <stdlib.h>

#include "../include/uapi/hemem_assist.h"
#include "budget.h"
#include "bytes.h"
#include "clock.h"
#include "heat.h"
#include "ledger.h"
#include "oracle.h"
#include "plan.h"
#include "policy.h"
#include "replay.h"
#include "share.h"
#include "trace.h"
#include "wear.h"

#define MS		1000000ULL	/* in ns */
#define FAST		0		/* index of the fast node */
#define SLOW		1
#define MAX_MOVES	262144		/* as the loop has */
#define DIVIDE_NS	(1000 * MS)
#define CONVERGED	10		/* windows */

/** struct replay - a recording whose best placements are known */
struct replay {
	struct trace_reader *reader;
	struct replay_spec spec;
	struct oracle *pages;	/* for the placement that stays */
	struct oracle *spans;	/* for those of windows: too few samples for base pages */
	double *best;		/* by window */
	size_t nr_best;
};

/**
 * struct machine - what targets that are played together have in common
 * @tiers: its nodes
 * @plays: @nr targets, each with its own controller
 */
struct machine {
	struct tier_set tiers;
	struct play *plays;
	size_t nr;
};

/**
 * struct play - one run over the recording
 * @is_survey: the oracles are told all accesses; else the best placements are known
 * @reader: of the recording
 * @has_ended: there is nothing left in it
 * @machine: where it is played
 * @used: bytes of the target on the machine's nodes
 * @claim, @rate, @divide_ns: its part in dividing the fast tier, and when that is done again
 * @levels: of the nodes of the recording
 * @sample_accesses: that a sample stands for
 * @load_period, @load_ns: as recorded
 * @nr_accesses: so far; odd ones are for judging
 * @now_ns: of the last tick
 * @window_end_ns: when this window ends
 * @room_is_stale: pages have gone since the room was counted
 */
struct play {
	struct replay *replay;
	const struct policy *policy;
	bool is_survey;
	struct heat *heat;
	struct plan *plan;
	struct ledger *ledger;
	struct budget budget;
	struct wear wear;
	struct trace_reader *reader;
	bool has_ended;
	struct machine *machine;
	uint64_t used[2];
	struct share_claim claim;
	struct share_rate rate;
	uint64_t divide_ns;
	enum tier_level levels[TIER_MAX_NODES];
	double sample_accesses;
	uint64_t load_period;
	uint64_t load_ns[TIER_NR];
	uint64_t nr_accesses;
	uint64_t now_ns;
	uint64_t window_end_ns;
	bool room_is_stale;
	struct replay_window window;
	struct replay_result result;
};

/* ---- room ---- */

static struct tier_node *node_of(struct play *play, enum tier_level level)
{
	return &play->machine->tiers.nodes[level == TIER_FAST ? FAST : SLOW];
}

/* @bytes of the target come to a node, or leave it again. */
static void use(struct play *play, unsigned int node, int64_t bytes)
{
	play->used[node] += (uint64_t)bytes;
	play->machine->tiers.nodes[node].free_bytes -= (uint64_t)bytes;
}

static void count_room(struct play *play)
{
	struct heat_page page;
	struct heat_walk walk = { 0 };

	use(play, FAST, -(int64_t)play->used[FAST]);
	use(play, SLOW, -(int64_t)play->used[SLOW]);
	while (heat_next(play->heat, &walk, &page))
		if (page.node < play->machine->tiers.nr_nodes)
			use(play, page.node, (int64_t)(page.nr * page.bytes));
	play->room_is_stale = false;
}

/* A page that was not there before: where the recording found it, if there is room. */
static unsigned int place_new(struct play *play, unsigned int node, uint64_t bytes)
{
	enum tier_level level = node < TIER_MAX_NODES ? play->levels[node] : TIER_SLOW;

	if (node_of(play, level)->free_bytes < bytes)
		level = TIER_SLOW;
	use(play, level == TIER_FAST ? FAST : SLOW, (int64_t)bytes);
	return level == TIER_FAST ? FAST : SLOW;
}

/* ---- accesses ---- */

static int tell_oracles(struct replay *replay, const struct heat_page *page, double weight,
			bool is_judge)
{
	int err = oracle_add(replay->pages, page->addr, page->bytes, weight, is_judge);

	return err ? err : oracle_add(replay->spans, page->addr & ~(HEAT_HUGE_BYTES - 1),
				      HEAT_HUGE_BYTES, weight, is_judge);
}

static int take_access(struct play *play, uint64_t addr, bool write, unsigned int nr)
{
	const struct cost *cost = &play->replay->spec.cost;
	double weight = nr * (write ? cost->store_weight : 1);
	enum tier_level level;
	struct heat_page page;

	play->result.samples += nr;
	play->nr_accesses++;
	if (heat_locate(play->heat, addr, &page) || page.node >= play->machine->tiers.nr_nodes) {
		play->result.unplaced += nr;
		return 0;
	}
	level = play->machine->tiers.nodes[page.node].level;
	play->window.weight += weight;
	play->window.fast_weight += level == TIER_FAST ? weight : 0;
	play->result.wait_ns += nr * play->sample_accesses * cost_of_access(cost, level, write);
	if (play->is_survey)
		return tell_oracles(play->replay, &page, weight, play->nr_accesses & 1);
	if (play->replay->pages && play->nr_accesses & 1 &&
	    oracle_is_fast(play->replay->pages, page.addr))
		play->window.static_weight += 2 * weight;
	return 0;
}

static int take_sample(struct play *play, const struct trace_event *event)
{
	int err = take_access(play, event->addr, event->write, 1);

	heat_sample(play->heat, event->addr, event->write);
	return err;
}

static int take_page(struct play *play, const struct trace_event *event, uint64_t addr)
{
	uint64_t bytes = event->huge ? HEAT_HUGE_BYTES : HEAT_BASE_BYTES;
	unsigned int node = HEAT_NO_NODE;
	struct heat_page page;
	int err;

	if (heat_locate(play->heat, addr, &page)) {
		node = place_new(play, event->node, bytes);
	} else if (page.bytes != bytes) {
		node = page.node;	/* it became huge, or base pages, where it was */
		play->room_is_stale = true;
	}
	err = heat_see(play->heat, addr, event->huge, node, event->reads, event->writes);
	if (err < 0)
		return err == -ENOMEM ? err : 0;
	err = event->reads ? take_access(play, addr, false, event->reads) : 0;
	return !err && event->writes ? take_access(play, addr, true, event->writes) : err;
}

static int take_pages(struct play *play, const struct trace_event *event)
{
	uint64_t bytes = event->huge ? HEAT_HUGE_BYTES : HEAT_BASE_BYTES, i;
	int err = 0;

	for (i = 0; !err && i < event->nr; i++)
		err = take_page(play, event, event->addr + i * bytes);
	return err;
}

/* ---- windows ---- */

static int end_window(struct play *play)
{
	struct replay_result *result = &play->result;
	struct replay_window *longer, *window = &play->window;

	if (play->is_survey)
		oracle_end_window(play->replay->spans, play->replay->spec.fast_bytes,
				  &window->best_weight);
	else if (result->nr_windows < play->replay->nr_best)
		window->best_weight = play->replay->best[result->nr_windows];
	/* In steps of 2^n: when the number of windows is one, the array is full. */
	if (!(result->nr_windows & (result->nr_windows - 1)) || !result->windows) {
		longer = realloc(result->windows, (2 * result->nr_windows + 1) * sizeof(*longer));
		if (!longer)
			return -ENOMEM;
		result->windows = longer;
	}
	window->end_ns = play->window_end_ns;
	result->weight += window->weight;
	result->fast_weight += window->fast_weight;
	result->static_weight += window->static_weight;
	result->best_weight += window->best_weight;
	result->windows[result->nr_windows++] = *window;
	*window = (struct replay_window){ 0 };
	play->window_end_ns += play->replay->spec.window_ms * MS;
	return 0;
}

/* ---- plans ---- */

static void carry_out(struct play *play)
{
	struct plan_move *move = play->plan->moves, *end = move + play->plan->nr;
	struct replay_result *result = &play->result;
	unsigned int bounces;

	for (; move < end && !play->plan->is_trial; move++) {
		heat_set_node(play->heat, move->addr, move->to);
		move->status = HEMEM_ASSIST_MOVED;
		bounces = ledger_moved(play->ledger, move);
		heat_set_refused(play->heat, move->addr, play->policy->rests ? bounces : 0);
		use(play, move->from, -(int64_t)move->bytes);
		use(play, move->to, (int64_t)move->bytes);
		if (plan_promotes(move))
			result->promoted_bytes += move->bytes;
		else
			result->demoted_bytes += move->bytes;
		wear_take(&play->wear, plan_promotes(move) ? 0 : move->bytes);
		result->move_ns += cost_of_move(&play->replay->spec.cost, move->bytes);
		play->window.moved_bytes += move->bytes;
		budget_take(&play->budget, move->bytes);
	}
	ledger_watch(play->ledger, play->heat, play->plan);
}

static void show_sizes(struct play *play)
{
	struct heat_sizes sizes;

	heat_sizes(play->heat, &sizes);
	if (sizes.store_bytes > play->result.store_bytes)
		play->result.store_bytes = sizes.store_bytes;
	if (sizes.nr_pages > play->result.nr_pages)
		play->result.nr_pages = sizes.nr_pages;
}

/* What controllers do each second: all claim, and each divides. */
static int divide(struct play *play)
{
	struct machine *machine = play->machine;
	struct share_claim *claims;
	struct share *shares;
	size_t i;

	share_rate_tick(&play->rate, play->now_ns, play->heat);
	share_measure(play->heat, &machine->tiers, ledger_facts(play->ledger), play->rate.per_s,
		      &play->claim);
	claims = calloc(machine->nr, sizeof(*claims));
	shares = calloc(machine->nr, sizeof(*shares));
	for (i = 0; claims && i < machine->nr; i++)
		claims[i] = machine->plays[i].claim;
	if (claims && shares) {
		share_out(claims, machine->nr,
			  (int64_t)tier_room_bytes(&machine->tiers, TIER_FAST), shares);
		play->result.share = shares[play - machine->plays];
	}
	free(claims);
	free(shares);
	return claims && shares ? 0 : -ENOMEM;
}

static int divide_if_due(struct play *play)
{
	if (play->machine->nr == 1 || play->now_ns < play->divide_ns)
		return 0;
	play->divide_ns = play->now_ns + DIVIDE_NS;
	return divide(play);
}

static void make_plan(struct play *play)
{
	struct snapshot snapshot = {
		.turn = play->result.plans, .heat = play->heat, .tiers = &play->machine->tiers,
		.fast_limit_bytes = play->result.share.bytes,
		.fast_min_bytes = play->claim.min_bytes,
		.lack_of_others = 1 - play->result.share.of_lack, .ledger = play->ledger,
	};
	uint64_t began_ns;

	if (play->room_is_stale)
		count_room(play);
	budget_fill(&play->budget, play->now_ns);
	wear_fill(&play->wear, play->now_ns);
	snapshot.wear_bytes = play->wear.bytes;
	ledger_latency(play->ledger, play->load_ns);
	ledger_tick(play->ledger, play->now_ns, play->heat, &play->machine->tiers, play->load_period);
	snapshot.budget_bytes = play->budget.bytes;
	plan_clear(play->plan);
	began_ns = clock_now_ns();
	play->policy->plan(&snapshot, play->plan);
	play->result.policy_ns += clock_now_ns() - began_ns;
	ledger_cool(play->ledger, play->heat, play->plan);
	heat_end_turn(play->heat);
	play->result.plans++;
	carry_out(play);
	show_sizes(play);
}

static int take_tick(struct play *play, const struct trace_event *event)
{
	int err = 0;

	play->now_ns = event->now_ns;
	if (!play->window_end_ns)
		play->window_end_ns = event->now_ns + play->replay->spec.window_ms * MS;
	while (!err && event->now_ns >= play->window_end_ns)
		err = end_window(play);
	if (!err && play->policy)
		err = divide_if_due(play);
	if (!err && play->policy)
		make_plan(play);
	return err;
}

/* ---- events ---- */

static int take_event(struct play *play, const struct trace_event *event)
{
	switch (event->kind) {
	case TRACE_TICK:
		return take_tick(play, event);
	case TRACE_SAMPLE:
		return take_sample(play, event);
	case TRACE_PAGES:
		return take_pages(play, event);
	case TRACE_GONE:
		heat_forget_range(play->heat, event->addr,
				  event->addr + event->nr * HEAT_BASE_BYTES);
		play->room_is_stale = true;
		return 0;
	case TRACE_PASS:
		if (event->value)
			heat_end_pass(play->heat);
		else
			heat_begin_pass(play->heat);
		play->room_is_stale |= event->value;
		return 0;
	case TRACE_NODE:
		play->levels[event->node] = event->tier.level;
		return 0;
	case TRACE_RATE:
		play->load_period = event->rate[0];
		play->sample_accesses = event->rate[0] ? (double)event->rate[0] : COST_BIT_ACCESSES;
		return 0;
	case TRACE_LATENCY:
		play->load_ns[TIER_FAST] = event->rate[0];
		play->load_ns[TIER_SLOW] = event->rate[1];
		return 0;
	case TRACE_MOVE:
		if (event->status == HEMEM_ASSIST_NEVER)
			heat_set_refused(play->heat, event->addr, HEAT_NEVER);
		return 0;
	}
	return 0;
}

/* Up to the end of the next tick. */
static int play_on(struct play *play)
{
	struct trace_event event;
	int err = 0, more;

	while (!err && (more = trace_next(play->reader, &event))) {
		err = more < 0 ? more : take_event(play, &event);
		if (event.kind == TRACE_TICK)
			return err;
	}
	play->has_ended = true;
	return err;
}

/* Whose clock is the most behind is played on. */
static int play_all(struct machine *machine)
{
	struct play *next;
	size_t i;
	int err = 0;

	for (i = 0; i < machine->nr; i++)
		trace_rewind(machine->plays[i].reader);
	do {
		for (next = NULL, i = 0; i < machine->nr; i++)
			if (!machine->plays[i].has_ended &&
			    (!next || machine->plays[i].now_ns < next->now_ns))
				next = &machine->plays[i];
		err = next ? play_on(next) : 0;
	} while (next && !err);
	for (i = 0; i < machine->nr; i++)
		machine->plays[i].result.fast_bytes = machine->plays[i].used[FAST];
	return err;
}

static void machine_init(struct machine *machine, uint64_t fast_bytes, struct play *plays,
			 size_t nr)
{
	*machine = (struct machine){ .plays = plays, .nr = nr };
	machine->tiers = (struct tier_set){
		.nodes = {
			[FAST] = { .nid = 0, .level = TIER_FAST, .total_bytes = fast_bytes,
				   .free_bytes = fast_bytes },
			[SLOW] = { .nid = 1, .level = TIER_SLOW, .total_bytes = HEAT_MAX_ADDR,
				   .free_bytes = HEAT_MAX_ADDR },
		},
		.nr_nodes = 2,
	};
}

static int play_init(struct play *play, struct replay *replay, struct machine *machine,
		     const struct share_claim *terms, const struct policy *policy)
{
	unsigned int i;

	*play = (struct play){
		.replay = replay, .policy = policy, .sample_accesses = COST_BIT_ACCESSES, .machine = machine,
		.reader = replay->reader, .claim = *terms,
		.result.share = { .bytes = UINT64_MAX, .of_lack = 1 },
	};
	play->claim.is_fixed = policy && !policy->cut;
	for (i = 0; i < TIER_MAX_NODES; i++)
		play->levels[i] = TIER_SLOW;
	budget_init(&play->budget, replay->spec.budget_bytes_per_s, 100, 0);
	wear_init(&play->wear, replay->spec.wear_limit_bytes, 0);
	if (heat_new(&play->heat) || plan_new(MAX_MOVES, &play->plan) ||
	    ledger_new(&replay->spec.cost, &play->ledger))
		return -ENOMEM;
	heat_cool_by_hand(play->heat, policy && policy->cools_spans);
	return 0;
}

static void play_exit(struct play *play)
{
	heat_free(play->heat);
	plan_free(play->plan);
	ledger_free(play->ledger);
}

/* ---- public ---- */

static const struct share_claim alone = {
	.weight = SHARE_WEIGHT, .limit_bytes = UINT64_MAX,
};

/* Without a policy, only to learn what the best placements are. */
static int survey(struct replay *replay)
{
	struct machine machine;
	struct play play;
	size_t i;
	int err;

	machine_init(&machine, replay->spec.fast_bytes, &play, 1);
	err = play_init(&play, replay, &machine, &alone, NULL);
	if (!err)
		err = oracle_new(&replay->pages);
	if (!err)
		err = oracle_new(&replay->spans);
	play.is_survey = true;
	if (!err)
		err = play_all(&machine);
	if (!err) {
		oracle_settle(replay->pages, replay->spec.fast_bytes);
		replay->nr_best = play.result.nr_windows;
		replay->best = calloc(replay->nr_best + 1, sizeof(*replay->best));
		err = replay->best ? 0 : -ENOMEM;
	}
	for (i = 0; !err && i < replay->nr_best; i++)
		replay->best[i] = play.result.windows[i].best_weight;
	play_exit(&play);
	replay_exit(&play.result);
	return err;
}

int replay_new(struct trace_reader *reader, const struct replay_spec *spec,
	       struct replay **ret_replay)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	int err;

	if (!replay)
		return -ENOMEM;
	replay->reader = reader;
	replay->spec = *spec;
	err = survey(replay);
	if (err) {
		replay_free(replay);
		return err;
	}
	*ret_replay = replay;
	return 0;
}

int replay_run(struct replay *replay, const struct policy *policy,
	       struct replay_result *ret_result)
{
	struct machine machine;
	struct play play;
	int err;

	machine_init(&machine, replay->spec.fast_bytes, &play, 1);
	err = play_init(&play, replay, &machine, &alone, policy);
	if (!err)
		err = play_all(&machine);
	play_exit(&play);
	if (err)
		replay_exit(&play.result);
	else
		*ret_result = play.result;
	return err;
}

int replay_together(struct trace_reader *const *readers, const struct share_claim *terms,
		    size_t nr, const struct replay_spec *spec, const struct policy *policy,
		    struct replay_result *ret_results)
{
	struct replay *replays = calloc(nr, sizeof(*replays));
	struct play *plays = calloc(nr, sizeof(*plays));
	struct machine machine;
	int err = replays && plays ? 0 : -ENOMEM;
	size_t i;

	machine_init(&machine, spec->fast_bytes, plays, nr);
	for (i = 0; !err && i < nr; i++) {
		replays[i] = (struct replay){ .reader = readers[i], .spec = *spec };
		err = play_init(&plays[i], &replays[i], &machine, &terms[i], policy);
	}
	if (!err)
		err = play_all(&machine);
	for (i = 0; plays && i < nr; i++) {
		play_exit(&plays[i]);
		if (err)
			replay_exit(&plays[i].result);
		else
			ret_results[i] = plays[i].result;
	}
	free(plays);
	free(replays);
	return err;
}

void replay_curve(struct replay *replay, const uint64_t *sizes, size_t nr, double *ret_shares)
{
	oracle_curve(replay->pages, sizes, nr, ret_shares);
}

uint64_t replay_bytes(const struct replay *replay)
{
	return oracle_bytes(replay->pages);
}

void replay_free(struct replay *replay)
{
	if (!replay)
		return;
	oracle_free(replay->pages);
	oracle_free(replay->spans);
	free(replay->best);
	free(replay);
}

void replay_exit(struct replay_result *result)
{
	free(result->windows);
	*result = (struct replay_result){ 0 };
}

/* Sums of the windows [first, end). */
static struct replay_window sum(const struct replay_result *result, size_t first, size_t end)
{
	struct replay_window sum = { 0 };

	for (; first < end; first++) {
		sum.weight += result->windows[first].weight;
		sum.fast_weight += result->windows[first].fast_weight;
		sum.static_weight += result->windows[first].static_weight;
	}
	return sum;
}

double replay_share(const struct replay_result *result, size_t first)
{
	struct replay_window all = sum(result, first, result->nr_windows);

	return all.weight > 0 ? all.fast_weight / all.weight : 0;
}

double replay_quality(const struct replay_result *result, size_t first)
{
	struct replay_window all = sum(result, first, result->nr_windows);

	return all.static_weight > 0 ? all.fast_weight / all.static_weight : 1;
}

uint64_t replay_converged_ns(const struct replay_result *result)
{
	struct replay_window ten;
	size_t end;

	for (end = CONVERGED; end <= result->nr_windows; end++) {
		ten = sum(result, end - CONVERGED, end);
		if (ten.weight > 0 && ten.fast_weight >= 0.95 * ten.static_weight)
			return result->windows[end - 1].end_ns;
	}
	return UINT64_MAX;
}
