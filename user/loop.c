// SPDX-License-Identifier: GPL-2.0
/*
 * loop.c - drain samples, look, plan, move, wait
 *
 * Owns the order of things, time, and the budget.  Each step belongs to somebody
 * else: samples to the sampler, regions to region and watch, decisions to the
 * policy, moves to the mover.  What belongs to one target is in struct
 * loop_target, what belongs to the machine in struct loop.
 *
 * The budget is a bucket: it fills with budget_bytes_per_s, a plan may take what
 * is in it, and it holds what one plan's time brings, but at least BUCKET_BYTES, or a
 * small budget could never move a huge page.
 *
 * A step that takes long makes its own next turn late: reading regions and
 * planning take at most a twentieth of one CPU each, as scanning does.
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
#include "heat.h"
#include "loop.h"
#include "mover.h"
#include "options.h"
#include "plan.h"
#include "policy.h"
#include "region.h"
#include "sampler.h"
#include "stats.h"
#include "target.h"
#include "tier.h"
#include "watch.h"

#define SECOND_NS	1000000000ULL
#define CPU_SHARE	20		/* a step takes one in so many ns, at most */
#define MAPS_EVERY_NS	SECOND_NS	/* without watch: changes are seen this late */
#define MAPS_CHECK_NS	(5 * SECOND_NS)	/* with watch: for what it cannot see */
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
 * struct loop_target - what belongs to one target
 * @target: the process
 * @assist: the module, attached to it; closed when nothing needs it, or while the
 *	target has no memory (between two programs, in exit)
 * @regions: its regions when they were read last
 * @heat: its pages
 * @sampler_state: NULL with a sampler that keeps none
 * @watch: NULL: regions are read by the clock
 * @is_attached: the sampler is open
 * @has_changed: regions have to be read again
 * @maps_due_ns: earliest time to read regions because of a change
 * @maps_check_ns: latest time to read them in any case
 */
struct loop_target {
	struct target target;
	struct assist assist;
	struct region_set regions;
	struct heat *heat;
	void *sampler_state;
	struct watch *watch;
	bool is_attached;
	bool has_changed;
	uint64_t maps_due_ns;
	uint64_t maps_check_ns;
};

/**
 * struct loop - everything
 * @needs_assist: sampler or mover work through the module
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
	const struct sampler *sampler;
	const struct policy *policy;
	const struct mover *mover;
	bool needs_assist;
	struct tier_set tiers;
	struct loop_target target;
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

static void fail(struct loop *loop, const char *what, int err)
{
	fprintf(stderr, "hemem-ctl: %s: %s\n", what, strerror(-err));
	end_with(loop, LOOP_FAILED);
}

/* ---- attach and detach ---- */

static int complain_attach(const struct target *target, int err, pid_t holder)
{
	char pid[64];

	snprintf(pid, sizeof(pid), "process %d (%s)", (int)target->pid, target->comm);
	if (err == -EBUSY && holder)
		fprintf(stderr, "hemem-ctl: %s is held by process %d already: hemem-ctl detach %d "
			"first\n", pid, (int)holder, (int)target->pid);
	else if (err == -EBUSY)
		fprintf(stderr, "hemem-ctl: %s is held by a controller in another PID namespace "
			"already\n", pid);
	else if (err == -EPERM)
		fprintf(stderr, "hemem-ctl: no right to look into %s: run as its user or as root\n",
			pid);
	else
		fprintf(stderr, "hemem-ctl: cannot attach to %s: %s\n", pid, strerror(-err));
	return err;
}

static int open_assist(struct loop *loop)
{
	struct loop_target *t = &loop->target;
	pid_t holder = 0;
	int err;

	if (!loop->needs_assist)
		return 0;
	err = assist_open(&t->assist);
	if (err) {
		fprintf(stderr, "hemem-ctl: %s\n", assist_reason(err));
		return err;
	}
	err = assist_attach(&t->assist, t->target.pidfd, &holder);
	if (err == -ESRCH && target_alive(&t->target))
		err = -EAGAIN;	/* it is between two programs */
	else if (err)
		complain_attach(&t->target, err, holder);
	if (err)
		assist_close(&t->assist);
	return err;
}

/* Begin to sample the program that the target runs now. */
static int attach(struct loop *loop)
{
	struct loop_target *t = &loop->target;
	struct sampler_context context = {
		.assist = &t->assist, .regions = &t->regions, .tiers = &loop->tiers,
		.heat = t->heat, .stats = &loop->stats,
	};
	int err = open_assist(loop);

	if (err)
		return err;
	err = loop->sampler->open(&context, &t->sampler_state);
	if (err) {
		fprintf(stderr, "hemem-ctl: the sampler %s does not work here: %s\n",
			loop->sampler->name, strerror(-err));
		assist_close(&t->assist);
		return err;
	}
	t->is_attached = true;
	t->has_changed = true;
	t->maps_due_ns = 0;
	return 0;
}

static void detach(struct loop *loop)
{
	struct loop_target *t = &loop->target;

	if (t->is_attached)
		loop->sampler->close(t->sampler_state);
	t->sampler_state = NULL;
	t->is_attached = false;
	assist_close(&t->assist);
}

/*
 * The memory that we knew is gone: the target has ended, or it has called exec and
 * is another program now, of which nothing is known.
 */
static void lose_memory(struct loop *loop)
{
	struct loop_target *t = &loop->target;

	detach(loop);
	heat_clear(t->heat);
	region_free(&t->regions);
	if (!target_alive(&t->target)) {
		end_with(loop, LOOP_EXITED);
		return;
	}
	loop->stats.events_exec++;
}

/* Attach again after exec; while that is not possible yet, in a later tick. */
static void attach_again(struct loop *loop)
{
	struct loop_target *t = &loop->target;
	int err = target_refresh(&t->target);

	if (!err)
		err = attach(loop);
	if (!err || err == -EAGAIN)
		return;
	end_with(loop, err == -ESRCH || !target_alive(&t->target) ? LOOP_EXITED : LOOP_FAILED);
}

/* ---- 1. drain ---- */

static void drain_samples(struct loop *loop)
{
	struct loop_target *t = &loop->target;
	uint64_t began_ns = now_ns();
	int err;

	if (!t->is_attached)
		return;
	err = loop->sampler->drain(t->sampler_state, began_ns);
	if (err == -ESRCH)
		lose_memory(loop);
	else if (err)
		fail(loop, "sampling failed", err);
	loop->stats.drain_ns = now_ns() - began_ns;
}

/* ---- 2. look ---- */

static void forget_range(void *arg, uint64_t start, uint64_t end)
{
	struct loop *loop = arg;

	heat_forget_range(loop->target.heat, start, end);
	loop->stats.regions_unmapped++;
}

static void count_regions(struct loop *loop)
{
	const struct region_set *set = &loop->target.regions;
	size_t i;

	loop->stats.regions = 0;
	loop->stats.region_bytes = 0;
	for (i = 0; i < set->nr; i++) {
		if (!region_movable(&set->list[i]))
			continue;
		loop->stats.regions++;
		loop->stats.region_bytes += set->list[i].end - set->list[i].start;
	}
}

static void read_events(struct loop *loop)
{
	struct loop_target *t = &loop->target;
	struct stats *stats = &loop->stats;
	struct watch_events events;

	if (!t->watch || watch_read(t->watch, &events))
		return;
	stats->events_mmap += events.nr_mmap;
	stats->events_munmap += events.nr_munmap;
	stats->events_mremap += events.nr_mremap;
	stats->events_brk += events.nr_brk;
	stats->events_fork += events.nr_fork;
	stats->events_lost += events.nr_lost;
	if (events.nr_mmap || events.nr_munmap || events.nr_mremap || events.nr_brk ||
	    events.nr_lost)
		t->has_changed = true;
	if (events.nr_exec && t->is_attached)
		lose_memory(loop);
}

static void read_regions(struct loop *loop)
{
	struct loop_target *t = &loop->target;
	uint64_t began_ns = now_ns();
	struct region_set now;
	int err;

	if (began_ns < t->maps_check_ns && !(t->has_changed && began_ns >= t->maps_due_ns))
		return;
	err = region_read(t->target.pid, &now);
	if (!target_alive(&t->target)) {
		if (!err)
			region_free(&now);
		lose_memory(loop);
		return;
	}
	if (err) {
		fail(loop, "cannot read the target's /proc/PID/maps", err);
		return;
	}
	region_diff(&t->regions, &now, forget_range, loop);
	region_free(&t->regions);
	t->regions = now;
	t->has_changed = false;
	t->maps_due_ns = began_ns + (now_ns() - began_ns) * CPU_SHARE;
	t->maps_check_ns = t->maps_due_ns + (t->watch ? MAPS_CHECK_NS : MAPS_EVERY_NS);
	loop->stats.maps_reads++;
	count_regions(loop);
}

static void look(struct loop *loop)
{
	uint64_t began_ns = now_ns();
	struct stats *stats = &loop->stats;
	int err;

	read_events(loop);
	if (!loop->has_ended && !loop->target.is_attached)
		attach_again(loop);
	if (!loop->has_ended && loop->target.is_attached)
		read_regions(loop);
	err = tier_look(&loop->tiers);
	if (err)
		fail(loop, "cannot read the free memory of the nodes", err);
	stats->fast_free_bytes = tier_free_bytes(&loop->tiers, TIER_FAST);
	stats->slow_free_bytes = tier_free_bytes(&loop->tiers, TIER_SLOW);
	stats->fast_cache_bytes = tier_cache_bytes(&loop->tiers, TIER_FAST);
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
	if (!loop->target.is_attached || now < loop->plan_due_ns)
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
		.heat = loop->target.heat,
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
		heat_cool(loop->target.heat);
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
		learn(loop->target.heat, move);
	}
	moved = stats->bytes_moved - moved_before;
	if (loop->bucket_bytes != UINT64_MAX)
		loop->bucket_bytes -= moved < loop->bucket_bytes ? moved : loop->bucket_bytes;
}

static void move_pages_of_plan(struct loop *loop)
{
	struct loop_target *t = &loop->target;
	struct mover_context context = {
		.pid = t->target.pid, .assist = &t->assist, .tiers = &loop->tiers,
	};
	uint64_t began_ns = now_ns();
	int err;

	if (!loop->plan->nr || !t->is_attached)
		return;
	err = loop->mover->send(&context, loop->plan);
	take_results(loop);
	if (err == -ESRCH)
		lose_memory(loop);
	else if (err)
		fail(loop, "moving pages failed", err);
	loop->stats.move_ns = now_ns() - began_ns;
}

/* ---- 5. wait ---- */

static void show_sizes(struct loop *loop)
{
	struct heat_sizes sizes;

	heat_sizes(loop->target.heat, &sizes);
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
	uint64_t now = now_ns(), tick_ns = now + loop->opts->period_ms * 1000000ULL, due_ns;
	struct itimerspec timer = { { 0, 0 }, { 0, 0 } };

	if (loop->target.is_attached) {
		due_ns = loop->sampler->due_ns(loop->target.sampler_state);
		if (due_ns < now + MIN_TICK_NS)
			due_ns = now + MIN_TICK_NS;
		if (due_ns < tick_ns)
			tick_ns = due_ns;
	}
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

static int choose_parts(struct loop *loop)
{
	const struct options *opts = loop->opts;
	struct assist assist;
	bool has_assist;

	has_assist = !assist_open(&assist);
	if (has_assist)
		assist_close(&assist);
	loop->sampler = sampler_find(opts->sampler);
	loop->policy = policy_find(opts->policy);
	loop->mover = mover_find(opts->mover, has_assist);
	if (!loop->sampler || !loop->policy || !loop->mover) {
		fprintf(stderr, "hemem-ctl: no such %s: see hemem-ctl attach --help\n",
			!loop->sampler ? "sampler" : !loop->policy ? "policy" : "mover");
		return -EINVAL;
	}
	loop->needs_assist = loop->sampler->needs_assist || loop->mover->needs_assist;
	return 0;
}

static int open_target(struct loop *loop, pid_t pid)
{
	struct loop_target *t = &loop->target;
	int err = target_open(pid, &t->target);

	if (err == -ESRCH)
		fprintf(stderr, "hemem-ctl: there is no process %d\n", (int)pid);
	else if (err == -EINVAL)
		fprintf(stderr, "hemem-ctl: %d is a kernel thread or no PID: it has no memory to "
			"tier\n", (int)pid);
	else if (err == -ENOSYS)
		fprintf(stderr, "hemem-ctl: this kernel has no pidfd_open(2): Linux 5.3 or newer is "
			"needed\n");
	else if (err)
		fprintf(stderr, "hemem-ctl: cannot open process %d: %s\n", (int)pid, strerror(-err));
	if (err)
		return err;
	err = attach(loop);
	if (err == -EAGAIN)
		err = 0;	/* it calls exec right now: the first tick attaches */
	if (!err && watch_open(pid, &t->watch))
		fprintf(stderr, "hemem-ctl: reading the target's regions once a second: %s\n",
			watch_reason());
	return err;
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
		err = loop_watch_fd(loop, loop->target.target.pidfd, on_exit_of_target, loop);
	return err;
}

static struct loop *loop_blank(const struct options *opts)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	size_t i;

	if (!loop)
		return NULL;
	loop->opts = opts;
	loop->target.target = TARGET_NONE;
	loop->target.assist = ASSIST_NONE;
	loop->epoll_fd = loop->timer_fd = loop->stop_fd = -1;
	for (i = 0; i < MAX_FDS; i++)
		loop->fds[i].fd = -1;
	loop->filled_ns = now_ns();
	loop->began_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	loop->stats.fast_limit_bytes = opts->fast_limit_bytes;
	if (heat_new(&loop->target.heat) || plan_new(MAX_MOVES, &loop->plan)) {
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
	err = choose_parts(loop);
	if (!err)
		err = tier_open(opts->fast, opts->slow, "", &loop->tiers);
	if (!err)
		err = open_target(loop, pid);
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
	if (loop->sampler)
		detach(loop);
	watch_close(loop->target.watch);
	region_free(&loop->target.regions);
	heat_free(loop->target.heat);
	target_close(&loop->target.target);
	plan_free(loop->plan);
	close_fd(loop->stop_fd);
	close_fd(loop->timer_fd);
	close_fd(loop->epoll_fd);
	free(loop);
}
