// SPDX-License-Identifier: GPL-2.0
/*
 * loop.c - drain samples, look, plan, move, wait
 *
 * Owns the order of things, and time.  Each step belongs to somebody else: what the target
 * is and has to follow, samples to the sampler, decisions to the policy, moves to the mover,
 * how much may move to the budget.
 *
 * A plan that takes long makes the next one late: planning takes at most a twentieth
 * of one CPU, as scanning and reading regions do, or an eighth while plans find something
 * to move: what lies on the wrong tier costs more.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <jansson.h>

#include "assist.h"
#include "budget.h"
#include "bytes.h"
#include "clock.h"
#include "explain.h"
#include "follow.h"
#include "heat.h"
#include "ledger.h"
#include "loop.h"
#include "mover.h"
#include "options.h"
#include "peer.h"
#include "plan.h"
#include "policy.h"
#include "record.h"
#include "sampler.h"
#include "stats.h"
#include "tier.h"
#include "trace.h"
#include "wear.h"

#define SECOND_NS	1000000000ULL
#define CPU_SHARE	20		/* planning takes one in so many ns, at most ... */
#define CPU_SHARE_BUSY	8		/* ... or so many, while there is something to move */
#define MIN_TICK_NS	1000000		/* a sampler in a hurry gets 1,000 ticks a second */
#define PLAN_EVERY_NS	SECOND_NS	/* without news: the watermark may be crossed */
#define MAX_MOVES	262144		/* of one plan: 1 GiB, half a second; 6 MiB of plan, if used */
#define MAX_FDS		40
#define MAX_REFUSED	(HEAT_NEVER - 1)
#define NO_ROOM_REFUSED	2		/* not the page's fault: never more than 8 ticks */

/** struct loop_fd - one fd that the wait step serves; fd is -1 in a free slot */
struct loop_fd {
	int fd;
	void (*ready)(void *arg);
	void *arg;
};

/**
 * struct loop - everything
 * @follow: the target
 * @record: what is written down; NULL: nothing, or the file could not take it any more
 * @ledger: what moves have cost and brought
 * @budget: what may move now
 * @wear: what demotions may write now
 * @peers: other targets, and our share
 * @plan_due_ns: earliest time of the next plan
 * @planned_ns: time of the last plan
 * @planned_news: stats.news then
 * @planned_moves: moves in it
 * @began_cpu_ns: CPU time of this process at loop_new()
 * @has_planned: there is a plan that was not written down
 * @has_ticked: the timer fired
 * @has_ended, @end: set by whoever finds that it is over
 */
struct loop {
	const struct options *opts;
	const struct policy *policy;
	const struct mover *mover;
	struct tier_set tiers;
	struct follow follow;
	struct plan *plan;
	struct record *record;
	struct ledger *ledger;
	struct stats stats;
	struct budget budget;
	struct wear wear;
	struct peers peers;
	uint64_t plan_due_ns;
	uint64_t planned_ns;
	uint64_t planned_news;
	size_t planned_moves;
	uint64_t began_cpu_ns;
	int epoll_fd;
	int timer_fd;
	int stop_fd;
	struct loop_fd fds[MAX_FDS];
	bool has_planned;
	bool has_ticked;
	bool has_ended;
	enum loop_end end;
};

static void end_with(struct loop *loop, enum loop_end end)
{
	if (!loop->has_ended)
		loop->end = end;
	loop->has_ended = true;
}

/* What follow answers: 0, -ESRCH: the target has ended, or what it complained about. */
static void end_on(struct loop *loop, int err)
{
	if (err)
		end_with(loop, err == -ESRCH ? LOOP_EXITED : LOOP_FAILED);
}

static void fail(struct loop *loop, const char *what, int err)
{
	fprintf(stderr, "hemem-ctl: %s: %s\n", what, strerror(-err));
	end_with(loop, LOOP_FAILED);
}

/* ---- 1. drain ---- */

static void drain_samples(struct loop *loop)
{
	uint64_t began_ns = clock_now_ns();

	end_on(loop, follow_drain(&loop->follow, began_ns));
	loop->stats.drain_ns = clock_now_ns() - began_ns;
}

/* ---- 2. look ---- */

/* A full disk ends the recording and not the tiering. */
static void check_record(struct loop *loop)
{
	int err = record_error(loop->record);

	if (!err)
		return;
	fprintf(stderr, "hemem-ctl: %s: %s: the recording ends here and is not whole\n",
		loop->opts->output, strerror(-err));
	record_free(loop->record);
	loop->record = NULL;
}

static void look(struct loop *loop)
{
	uint64_t began_ns = clock_now_ns();
	struct stats *stats = &loop->stats;
	int err;

	end_on(loop, follow_look(&loop->follow));
	err = tier_look(&loop->tiers);
	if (err)
		fail(loop, "cannot read the free memory of the nodes", err);
	stats->fast_free_bytes = tier_free_bytes(&loop->tiers, TIER_FAST);
	stats->slow_free_bytes = tier_free_bytes(&loop->tiers, TIER_SLOW);
	stats->fast_cache_bytes = tier_cache_bytes(&loop->tiers, TIER_FAST);
	stats->fast_room_bytes = tier_room_bytes(&loop->tiers, TIER_FAST);
	stats->fast_watermark_bytes = tier_watermark_bytes(&loop->tiers, TIER_FAST);
	if (loop->record)
		record_tick(loop->record, began_ns, &loop->tiers, &loop->follow.regions, stats);
	if (loop->record)
		check_record(loop);
	stats->look_ns = clock_now_ns() - began_ns;
}

/* ---- 3. plan ---- */

/* A plan is worth its time if there are news, or if the last one left work. */
static bool plan_is_due(const struct loop *loop, uint64_t now)
{
	if (!loop->follow.is_attached || now < loop->plan_due_ns)
		return false;
	return loop->stats.news != loop->planned_news || loop->planned_moves ||
	       now >= loop->planned_ns + PLAN_EVERY_NS;
}

static void show_plan(struct loop *loop)
{
	const struct plan *plan = loop->plan;
	struct stats *stats = &loop->stats;

	stats->target_fast_bytes = plan->tier_bytes[TIER_FAST];
	stats->target_slow_bytes = plan->tier_bytes[TIER_SLOW];
	stats->hot_fast_bytes = plan->hot_bytes[TIER_FAST];
	stats->hot_slow_bytes = plan->hot_bytes[TIER_SLOW];
	stats->backed_off_pages = plan->backed_off_pages;
	stats->bound_pages = plan->bound_pages;
}

static void keep_ledger(struct loop *loop, uint64_t now_ns)
{
	const struct stats *stats = &loop->stats;
	const uint64_t load_ns[TIER_NR] = { stats->fast_load_ns, stats->slow_load_ns };

	ledger_latency(loop->ledger, load_ns);
	ledger_tick(loop->ledger, now_ns, loop->follow.heat, &loop->tiers,
		    stats->sample_load_period);
	loop->stats.trust_bp = (uint64_t)(ledger_facts(loop->ledger)->trust * 10000);
}

static void keep_share(struct loop *loop, uint64_t now_ns)
{
	struct stats *stats = &loop->stats;

	if (!peer_look(&loop->peers, now_ns, loop->follow.heat, &loop->tiers,
		       ledger_facts(loop->ledger)))
		return;
	stats->fast_share_bytes = loop->peers.share.bytes;
	stats->fast_shared_bytes = loop->peers.nr ? loop->peers.fast_bytes : 0;
	stats->peers = loop->peers.nr;
}

/* Once each plan. */
static void write_plan(struct loop *loop)
{
	if (loop->record && loop->has_planned)
		record_plan(loop->record, loop->plan);
	loop->has_planned = false;
}

/* Nothing is moved; what would have come of it is seen later. */
static void try_plan(struct loop *loop)
{
	ledger_watch(loop->ledger, loop->follow.heat, loop->plan);
	loop->stats.trial_moves += loop->plan->nr;
	write_plan(loop);
	loop->plan->nr = 0;
}

/* @tiers: of this @step */
static struct snapshot snapshot_of(const struct loop *loop, const struct tier_set *tiers,
				   unsigned int step)
{
	return (struct snapshot){
		.turn = loop->stats.plans / tier_nr_steps(&loop->tiers),
		.heat = loop->follow.heat,
		.tiers = tiers,
		.budget_bytes = loop->budget.bytes,
		.wear_bytes = loop->wear.bytes,
		.fast_limit_bytes = step ? UINT64_MAX :
				    bytes_min(loop->opts->fast_limit_bytes,
					      loop->peers.share.bytes),
		.fast_min_bytes = step ? 0 : loop->opts->fast_min_bytes,
		.lack_of_others = 1 - loop->peers.share.of_lack,
		.binds = &loop->follow.binds,
		.ledger = loop->ledger,
	};
}

static void do_not_cool(struct plan *plan)
{
	plan->cool = false;
	plan->cool_spans = 0;
}

/*
 * With more than two tiers each plan is a step of its own.  What is shown, and when heat cools, is
 * the first one's, in which all pages take part.
 */
static void plan_step(struct loop *loop, unsigned int step)
{
	struct tier_set tiers;
	struct snapshot snapshot;

	tier_step(&loop->tiers, step, &tiers);
	snapshot = snapshot_of(loop, &tiers, step);
	loop->policy->plan(&snapshot, loop->plan);
	if (!step)
		show_plan(loop);
	else
		do_not_cool(loop->plan);
}

static void make_plan(struct loop *loop)
{
	uint64_t began_ns = clock_now_ns();

	budget_fill(&loop->budget, began_ns);
	wear_fill(&loop->wear, began_ns);
	keep_ledger(loop, began_ns);
	keep_share(loop, began_ns);
	plan_clear(loop->plan);
	if (!plan_is_due(loop, began_ns))
		return;
	plan_step(loop, (unsigned int)(loop->stats.plans % tier_nr_steps(&loop->tiers)));
	ledger_cool(loop->ledger, loop->follow.heat, loop->plan);
	loop->stats.coolings += loop->plan->cool;
	heat_end_turn(loop->follow.heat);
	loop->has_planned = true;
	if (loop->plan->is_trial)
		try_plan(loop);
	loop->stats.plans++;
	loop->planned_ns = began_ns;
	loop->planned_news = loop->stats.news;
	loop->planned_moves = loop->plan->nr;
	loop->stats.plan_ns = clock_now_ns() - began_ns;
	loop->plan_due_ns = began_ns + loop->stats.plan_ns *
			    (loop->plan->nr ? CPU_SHARE_BUSY : CPU_SHARE);
}

/* ---- 4. move ---- */

static void refuse(struct heat *heat, const struct plan_move *move, unsigned int most)
{
	struct heat_page page;

	if (heat_find(heat, move->addr, &page) || page.refused >= most)
		return;
	heat_set_refused(heat, move->addr, page.refused + 1);
}

/* What the heat store learns from one move.  Who goes to and fro is left alone as if refused. */
static void learn(struct loop *loop, const struct plan_move *move)
{
	struct heat *heat = loop->follow.heat;
	unsigned int bounces;

	switch (move->status) {
	case HEMEM_ASSIST_MOVED:
	case HEMEM_ASSIST_THERE:
		heat_set_node(heat, move->addr, move->to);
		bounces = ledger_moved(loop->ledger, move);
		heat_set_refused(heat, move->addr, loop->policy->rests ? bounces : 0);
		break;
	case HEMEM_ASSIST_NO_PAGE:
	case HEMEM_ASSIST_ZERO:
		heat_forget(heat, move->addr);
		break;
	case HEMEM_ASSIST_NEVER:
		heat_set_refused(heat, move->addr, HEAT_NEVER);
		break;
	case HEMEM_ASSIST_NO_ROOM:
		refuse(heat, move, NO_ROOM_REFUSED);
		break;
	default:
		refuse(heat, move, MAX_REFUSED);
	}
}

/* A page that is in use may have been copied before that was seen. */
static uint64_t written_bytes(const struct plan_move *move)
{
	bool is_written = move->status == HEMEM_ASSIST_MOVED || move->status == HEMEM_ASSIST_BUSY;

	return is_written && !plan_promotes(move) ? move->bytes : 0;
}

static void take_results(struct loop *loop)
{
	const struct plan_move *move = loop->plan->moves, *end = move + loop->plan->nr;
	struct stats *stats = &loop->stats;
	uint64_t moved_before = stats->bytes_moved, written = 0;

	for (; move < end; move++) {
		written += written_bytes(move);
		stats_add_move(stats, move->status, move->bytes, plan_promotes(move));
		learn(loop, move);
	}
	ledger_watch(loop->ledger, loop->follow.heat, loop->plan);
	budget_take(&loop->budget, stats->bytes_moved - moved_before);
	wear_take(&loop->wear, written);
	stats->wear_bytes += written;
}

/* 0: most were refused, which says nothing of what moves cost. */
static double expected_ns(const struct loop *loop)
{
	const struct plan_move *move = loop->plan->moves, *end = move + loop->plan->nr;
	size_t nr_moved = 0;
	double ns = 0;

	for (; move < end; move++) {
		if (move->status != HEMEM_ASSIST_MOVED)
			continue;
		ns += cost_of_move(&ledger_facts(loop->ledger)->cost, move->bytes);
		nr_moved++;
	}
	return nr_moved > loop->plan->nr / 2 ? ns : 0;
}

static void move_pages_of_plan(struct loop *loop)
{
	struct follow *follow = &loop->follow;
	struct mover_context context = {
		.pid = follow->target.pid, .assist = &follow->assist, .tiers = &loop->tiers,
	};
	uint64_t began_ns = clock_now_ns();
	int err;

	if (!loop->plan->nr || !follow->is_attached) {
		write_plan(loop);
		return;
	}
	err = loop->mover->send(&context, loop->plan);
	write_plan(loop);
	take_results(loop);
	if (err == -ESRCH)
		end_on(loop, follow_lose_memory(follow));
	else if (err)
		fail(loop, "moving pages failed", err);
	loop->stats.move_ns = clock_now_ns() - began_ns;
	ledger_took(loop->ledger, expected_ns(loop), loop->stats.move_ns);
}

/* ---- 5. wait ---- */

static void show_sizes(struct loop *loop)
{
	struct heat_sizes sizes;

	heat_sizes(loop->follow.heat, &sizes);
	loop->stats.pages = sizes.nr_pages;
	loop->stats.pages_huge = sizes.nr_huge;
	loop->stats.heat_store_bytes = sizes.store_bytes;
	loop->stats.sample_coolings = sizes.nr_coolings;
	loop->stats.budget_bytes = loop->budget.bytes;
	loop->stats.wear_left_bytes = loop->wear.bytes;
	loop->stats.cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - loop->began_cpu_ns;
	loop->stats.ticks++;
}

/* The next tick: a period from now, or when the sampler has work again. */
static void set_timer(struct loop *loop)
{
	uint64_t now = clock_now_ns(), tick_ns = now + loop->opts->period_ms * 1000000ULL;
	uint64_t due_ns = follow_due_ns(&loop->follow);
	struct itimerspec timer = { { 0, 0 }, { 0, 0 } };

	if (due_ns < now + MIN_TICK_NS)
		due_ns = now + MIN_TICK_NS;
	if (due_ns < tick_ns)
		tick_ns = due_ns;
	timer.it_value.tv_sec = tick_ns / SECOND_NS;
	timer.it_value.tv_nsec = tick_ns % SECOND_NS;
	if (timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL))
		fail(loop, "setting the timer failed", -errno);
}

/* One event at a time: a function that is called may unwatch other fds. */
static void wait_for_tick(struct loop *loop)
{
	struct epoll_event event;
	struct loop_fd *slot;

	show_sizes(loop);
	set_timer(loop);
	loop->has_ticked = false;
	while (!loop->has_ticked && !loop->has_ended) {
		if (epoll_wait(loop->epoll_fd, &event, 1, -1) < 1) {
			if (errno != EINTR)
				fail(loop, "waiting failed", -errno);
			continue;
		}
		slot = event.data.ptr;
		slot->ready(slot->arg);
	}
}

static void on_timer(void *arg)
{
	struct loop *loop = arg;
	uint64_t expirations;

	if (read(loop->timer_fd, &expirations, sizeof(expirations)) == sizeof(expirations))
		loop->has_ticked = true;
}

static void on_stop(void *arg)
{
	end_with(arg, LOOP_STOPPED);
}

static void on_exit_of_target(void *arg)
{
	end_with(arg, LOOP_EXITED);
}

/* ---- public ---- */

enum loop_end loop_run(struct loop *loop)
{
	while (!loop->has_ended) {
		drain_samples(loop);		/* 1. what was accessed? */
		look(loop);			/* 2. what is mapped, what is free? */
		make_plan(loop);		/* 3. what should be elsewhere? */
		move_pages_of_plan(loop);	/* 4. try that, and learn from it */
		wait_for_tick(loop);		/* 5. serve others until the next tick */
	}
	return loop->end;
}

void loop_stop(struct loop *loop)
{
	int saved_errno = errno;
	uint64_t one = 1;

	/* It cannot fail before 2^64 - 1 calls; there is nobody to tell anyway. */
	if (write(loop->stop_fd, &one, sizeof(one)) < 0)
		errno = saved_errno;
}

const struct stats *loop_stats(const struct loop *loop)
{
	return &loop->stats;
}

void loop_join(struct loop *loop, struct control *control)
{
	peer_join(&loop->peers, control);
}

struct json_t *loop_share_json(const struct loop *loop)
{
	const struct peers *peers = &loop->peers;
	uint64_t bytes = peers->share.bytes;

	return json_pack("{so sI sI sI ss}", "bytes",
			 bytes == UINT64_MAX ? json_null() : json_integer((json_int_t)bytes),
			 "used_bytes", (json_int_t)loop->stats.target_fast_bytes,
			 "of_bytes", (json_int_t)loop->stats.fast_shared_bytes,
			 "peers", (json_int_t)peers->nr,
			 "why", share_reason_text(peers->share.why));
}

struct json_t *loop_explain(const struct loop *loop, uint64_t addr)
{
	struct snapshot snapshot = snapshot_of(loop, &loop->tiers, 0);

	return explain_page(&snapshot, loop->policy, addr);
}

int loop_watch_fd(struct loop *loop, int fd, void (*ready)(void *arg), void *arg)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct loop_fd *slot = loop->fds, *end = slot + MAX_FDS;

	while (slot < end && slot->fd >= 0)
		slot++;
	if (slot == end)
		return -ENOSPC;
	event.data.ptr = slot;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	*slot = (struct loop_fd){ .fd = fd, .ready = ready, .arg = arg };
	return 0;
}

void loop_unwatch_fd(struct loop *loop, int fd)
{
	struct loop_fd *slot;

	for (slot = loop->fds; slot < loop->fds + MAX_FDS; slot++) {
		if (slot->fd != fd)
			continue;
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		slot->fd = -1;
	}
}

static void init_peers(struct loop *loop)
{
	const struct options *opts = loop->opts;
	struct share_claim terms = {
		.weight = opts->weight, .min_bytes = opts->fast_min_bytes,
		.limit_bytes = opts->fast_limit_bytes,
		.is_fixed = !loop->policy->cut || loop->mover == &mover_dry,
	};

	peer_init(&loop->peers, &terms);
}

static int open_parts(struct loop *loop, pid_t pid)
{
	const struct options *opts = loop->opts;
	const struct sampler *sampler = sampler_find(opts->sampler);
	struct assist assist;
	bool has_assist;

	has_assist = !assist_open(&assist);
	if (has_assist)
		assist_close(&assist);
	loop->policy = policy_find(opts->policy);
	loop->mover = mover_find(opts->mover, has_assist);
	if (!sampler || !loop->policy || !loop->mover) {
		fprintf(stderr, "hemem-ctl: no such %s: see hemem-ctl attach --help\n",
			!sampler ? "sampler" : !loop->policy ? "policy" : "mover");
		return -EINVAL;
	}
	init_peers(loop);
	heat_cool_by_hand(loop->follow.heat, loop->policy->cools_spans);
	return follow_open(&loop->follow, pid, sampler, sampler_arg(opts->sampler),
			   opts->sample_cpu_bp, sampler->needs_assist || loop->mover->needs_assist);
}

static int start_clock(struct loop *loop)
{
	int err;

	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	loop->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->epoll_fd < 0 || loop->timer_fd < 0 || loop->stop_fd < 0) {
		err = -errno;
		fprintf(stderr, "hemem-ctl: cannot make a timer: %s\n", strerror(-err));
		return err;
	}
	err = loop_watch_fd(loop, loop->timer_fd, on_timer, loop);
	if (!err)
		err = loop_watch_fd(loop, loop->stop_fd, on_stop, loop);
	if (!err)
		err = loop_watch_fd(loop, loop->follow.target.pidfd, on_exit_of_target, loop);
	return err;
}

/* Before the first sample, so that it is whole. */
static int start_record(struct loop *loop, pid_t pid)
{
	struct trace_origin origin = { .pid = (uint32_t)pid };
	struct target target;
	int err;

	if (!loop->opts->output)
		return 0;
	err = target_open(pid, &target);
	if (err)
		return 0;	/* who opens it next says what is wrong */
	memcpy(origin.comm, target.comm, sizeof(origin.comm));
	strncpy(origin.policy, policy_find(loop->opts->policy)->name, sizeof(origin.policy) - 1);
	target_close(&target);
	err = record_new(loop->opts->output, &origin, loop->follow.heat, clock_now_ns(),
			 &loop->record);
	if (err)
		fprintf(stderr, "hemem-ctl: %s: %s\n", loop->opts->output, strerror(-err));
	return err;
}

static struct loop *loop_blank(const struct options *opts)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	size_t i;

	if (!loop)
		return NULL;
	loop->opts = opts;
	loop->epoll_fd = loop->timer_fd = loop->stop_fd = -1;
	for (i = 0; i < MAX_FDS; i++)
		loop->fds[i].fd = -1;
	budget_init(&loop->budget, opts->budget_bytes_per_s, opts->period_ms, clock_now_ns());
	wear_init(&loop->wear, opts->wear_limit_bytes, clock_now_ns());
	loop->stats.wear_limit_bytes = opts->wear_limit_bytes;
	loop->began_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	loop->stats.fast_limit_bytes = loop->stats.fast_share_bytes = opts->fast_limit_bytes;
	if (follow_init(&loop->follow, &loop->tiers, &loop->stats) ||
	    ledger_new(&cost_default, &loop->ledger) || plan_new(MAX_MOVES, &loop->plan)) {
		loop_free(loop);
		return NULL;
	}
	return loop;
}

int loop_new(const struct options *opts, pid_t pid, struct loop **ret_loop)
{
	struct loop *loop = loop_blank(opts);
	int err;

	if (!loop) {
		fprintf(stderr, "hemem-ctl: out of memory\n");
		return -ENOMEM;
	}
	err = tier_open(opts->fast, opts->slow, "", &loop->tiers);
	if (!err)
		err = start_record(loop, pid);
	if (!err)
		err = open_parts(loop, pid);
	if (!err)
		err = start_clock(loop);
	if (err) {
		loop_free(loop);
		return err;
	}
	*ret_loop = loop;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void loop_free(struct loop *loop)
{
	int err;

	if (!loop)
		return;
	err = record_free(loop->record);
	if (err)
		fprintf(stderr, "hemem-ctl: %s: %s: the recording is not whole\n",
			loop->opts->output, strerror(-err));
	follow_close(&loop->follow);
	plan_free(loop->plan);
	ledger_free(loop->ledger);
	close_fd(loop->stop_fd);
	close_fd(loop->timer_fd);
	close_fd(loop->epoll_fd);
	free(loop);
}
