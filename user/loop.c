// SPDX-License-Identifier: GPL-2.0
/*
 * loop.c - drain samples, look, plan, move, wait
 *
 * Owns the order of things, time, and the budget.  Each step belongs to somebody
 * else: what the target is and has to follow, samples to the sampler, decisions to the
 * policy, moves to the mover.
 *
 * The budget is a bucket: it fills with budget_bytes_per_s, a plan may take what
 * is in it, and it holds what one plan's time brings, but at least BUCKET_BYTES, or a
 * small budget could never move a huge page.
 *
 * A plan that takes long makes the next one late: planning takes at most a twentieth
 * of one CPU, as scanning and reading regions do.
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
#include <time.h>
#include <unistd.h>

#include "assist.h"
#include "follow.h"
#include "heat.h"
#include "loop.h"
#include "mover.h"
#include "options.h"
#include "plan.h"
#include "policy.h"
#include "sampler.h"
#include "stats.h"
#include "tier.h"

#define SECOND_NS	1000000000ULL
#define CPU_SHARE	20		/* planning takes one in so many ns, at most */
#define MIN_TICK_NS	1000000		/* a sampler in a hurry gets 1,000 ticks a second */
#define PLAN_EVERY_NS	SECOND_NS	/* without news: the watermark may be crossed */
#define MAX_MOVES	262144		/* of one plan: 1 GiB, half a second; 6 MiB of plan, if used */
#define BUCKET_BYTES	(4 * HEAT_HUGE_BYTES)	/* two huge pages there and two back */
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
 * @bucket_bytes: what may move now
 * @filled_ns: when the bucket was filled last
 * @plan_due_ns: earliest time of the next plan
 * @planned_ns: time of the last plan
 * @planned_scans: stats.scans then
 * @planned_moves: moves in it
 * @began_cpu_ns: CPU time of this process at loop_new()
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
	struct stats stats;
	uint64_t bucket_bytes;
	uint64_t filled_ns;
	uint64_t plan_due_ns;
	uint64_t planned_ns;
	uint64_t planned_scans;
	size_t planned_moves;
	uint64_t began_cpu_ns;
	int epoll_fd;
	int timer_fd;
	int stop_fd;
	struct loop_fd fds[MAX_FDS];
	bool has_ticked;
	bool has_ended;
	enum loop_end end;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

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
	uint64_t began_ns = now_ns();

	end_on(loop, follow_drain(&loop->follow, began_ns));
	loop->stats.drain_ns = now_ns() - began_ns;
}

/* ---- 2. look ---- */

static void look(struct loop *loop)
{
	uint64_t began_ns = now_ns();
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
	stats->look_ns = now_ns() - began_ns;
}

/* ---- 3. plan ---- */

static void fill_bucket(struct loop *loop, uint64_t now)
{
	uint64_t rate = loop->opts->budget_bytes_per_s, most;
	uint64_t passed_ns = now - loop->filled_ns;

	if (rate == OPTIONS_NO_BUDGET) {
		loop->bucket_bytes = UINT64_MAX;
		return;
	}
	if (passed_ns > 60 * SECOND_NS)
		passed_ns = 60 * SECOND_NS;	/* the machine slept; and no overflow */
	most = (double)rate * loop->opts->period_ms / 1000;
	if (most < BUCKET_BYTES)
		most = BUCKET_BYTES;
	loop->bucket_bytes += (double)rate * passed_ns / SECOND_NS;
	if (loop->bucket_bytes > most)
		loop->bucket_bytes = most;
	loop->filled_ns = now;
}

/* A plan is worth its time if there are news, or if the last one left work. */
static bool plan_is_due(const struct loop *loop, uint64_t now)
{
	if (!loop->follow.is_attached || now < loop->plan_due_ns)
		return false;
	return loop->stats.scans != loop->planned_scans || loop->planned_moves ||
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
}

static void make_plan(struct loop *loop)
{
	uint64_t began_ns = now_ns();
	struct snapshot snapshot = {
		.turn = loop->stats.plans,
		.heat = loop->follow.heat,
		.tiers = &loop->tiers,
		.fast_limit_bytes = loop->opts->fast_limit_bytes,
	};

	fill_bucket(loop, began_ns);
	plan_clear(loop->plan);
	if (!plan_is_due(loop, began_ns))
		return;
	snapshot.budget_bytes = loop->bucket_bytes;
	loop->policy->plan(&snapshot, loop->plan);
	if (loop->plan->cool) {
		heat_cool(loop->follow.heat);
		loop->stats.coolings++;
	}
	show_plan(loop);
	loop->stats.plans++;
	loop->planned_ns = began_ns;
	loop->planned_scans = loop->stats.scans;
	loop->planned_moves = loop->plan->nr;
	loop->stats.plan_ns = now_ns() - began_ns;
	loop->plan_due_ns = began_ns + loop->stats.plan_ns * CPU_SHARE;
}

/* ---- 4. move ---- */

static void refuse(struct heat *heat, const struct plan_move *move, unsigned int most)
{
	struct heat_page page;

	if (heat_find(heat, move->addr, &page) || page.refused >= most)
		return;
	heat_set_refused(heat, move->addr, page.refused + 1);
}

/* What the heat store learns from one move. */
static void learn(struct heat *heat, const struct plan_move *move)
{
	switch (move->status) {
	case HEMEM_ASSIST_MOVED:
	case HEMEM_ASSIST_THERE:
		heat_set_node(heat, move->addr, move->to);
		heat_set_refused(heat, move->addr, 0);
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

static void take_results(struct loop *loop)
{
	const struct plan_move *move = loop->plan->moves, *end = move + loop->plan->nr;
	struct stats *stats = &loop->stats;
	uint64_t moved_before = stats->bytes_moved, moved;

	for (; move < end; move++) {
		stats_add_move(stats, move->status, move->bytes, plan_promotes(move));
		learn(loop->follow.heat, move);
	}
	moved = stats->bytes_moved - moved_before;
	if (loop->bucket_bytes != UINT64_MAX)
		loop->bucket_bytes -= moved < loop->bucket_bytes ? moved : loop->bucket_bytes;
}

static void move_pages_of_plan(struct loop *loop)
{
	struct follow *follow = &loop->follow;
	struct mover_context context = {
		.pid = follow->target.pid, .assist = &follow->assist, .tiers = &loop->tiers,
	};
	uint64_t began_ns = now_ns();
	int err;

	if (!loop->plan->nr || !follow->is_attached)
		return;
	err = loop->mover->send(&context, loop->plan);
	take_results(loop);
	if (err == -ESRCH)
		end_on(loop, follow_lose_memory(follow));
	else if (err)
		fail(loop, "moving pages failed", err);
	loop->stats.move_ns = now_ns() - began_ns;
}

/* ---- 5. wait ---- */

static void show_sizes(struct loop *loop)
{
	struct heat_sizes sizes;

	heat_sizes(loop->follow.heat, &sizes);
	loop->stats.pages = sizes.nr_pages;
	loop->stats.pages_huge = sizes.nr_huge;
	loop->stats.heat_store_bytes = sizes.store_bytes;
	loop->stats.budget_bytes = loop->bucket_bytes;
	loop->stats.cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - loop->began_cpu_ns;
	loop->stats.ticks++;
}

/* The next tick: a period from now, or when the sampler has work again. */
static void set_timer(struct loop *loop)
{
	uint64_t now = now_ns(), tick_ns = now + loop->opts->period_ms * 1000000ULL;
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
	return follow_open(&loop->follow, pid, sampler,
			   sampler->needs_assist || loop->mover->needs_assist);
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
	loop->filled_ns = now_ns();
	loop->began_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	loop->stats.fast_limit_bytes = opts->fast_limit_bytes;
	if (follow_init(&loop->follow, &loop->tiers, &loop->stats) ||
	    plan_new(MAX_MOVES, &loop->plan)) {
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
	if (!loop)
		return;
	follow_close(&loop->follow);
	plan_free(loop->plan);
	close_fd(loop->stop_fd);
	close_fd(loop->timer_fd);
	close_fd(loop->epoll_fd);
	free(loop);
}
