// SPDX-License-Identifier: GPL-2.0
/*
 * attach.c - one attachment, from the lock to the final report
 *
 * Brings up target, control and loop in this order and takes them down in
 * reverse.  While the loop runs it answers `status` and `detach` and prints
 * progress.  What is moved, and when, is the loop's affair.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "assist.h"
#include "attach.h"
#include "clock.h"
#include "command.h"
#include "control.h"
#include "loop.h"
#include "mover.h"
#include "options.h"
#include "report.h"
#include "sampler.h"
#include "share.h"
#include "stats.h"
#include "target.h"

#define TICK_MS		100	/* how soon the first hot page is noticed */
#define SLOWER		10	/* lines in a file come less often than on a terminal */

struct attachment {
	const struct attach_plan *plan;
	struct target target;
	const char *mover;	/* its name, "auto" resolved */
	const char *sampler;	/* the same */
	struct control *control;
	struct loop *loop;
	int timer_fd;
	uint64_t start_ns;	/* CLOCK_MONOTONIC */
	uint64_t told_ns;	/* time of the last line of progress */
	uint64_t first_ns;	/* time from start until the first hot page was known */
	bool has_first;
	struct stats first;	/* the counters then; until then, those at the start */
	struct stats told;	/* the counters at the last line of progress */
};

/*
 * The signal handler has no argument of ours.  A signal that comes before there is
 * a loop is kept until there is one, so that even then files are cleaned up.
 */
static struct loop *volatile signal_loop;
static volatile sig_atomic_t has_signal;

static void on_signal(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	has_signal = 1;
	if (signal_loop)
		loop_stop(signal_loop);
}

static void set_signals(const struct sigaction *action)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], action, NULL);
}

static void handle_signals(const struct attach_plan *plan)
{
	const struct sigaction action = {
		.sa_sigaction = plan->on_signal ? plan->on_signal : on_signal,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};

	set_signals(&action);
	/* A reader of our stdout that goes away must not end the attachment. */
	signal(SIGPIPE, SIG_IGN);
}

/* The loop is about to go, and with it what the handler would stop. */
static void ignore_signals(const struct attach_plan *plan)
{
	const struct sigaction action = { .sa_handler = SIG_IGN };

	if (!plan->on_signal)
		set_signals(&action);
}

static json_t *describe(void *arg)
{
	struct attachment *at = arg;
	const struct attach_plan *plan = at->plan;

	target_refresh(&at->target);
	return json_pack("{ss si ss si sI ss ss ss so so ss? so sI so}",
			 "version", HEMEM_VERSION,
			 "target", at->target.pid, "program", at->target.comm,
			 "controller", getpid(),
			 "attached_ms", (json_int_t)((clock_now_ns() - at->start_ns) / 1000000),
			 "mover", at->mover, "sampler", at->sampler,
			 "sampler_reason", sampler_reason(),
			 "options", options_json(plan->opts, plan->command),
			 "share", loop_share_json(at->loop),
			 "waiting", stats_waiting(loop_stats(at->loop)),
			 "stats", report_stats_json(loop_stats(at->loop)),
			 "first_hot_ms", (json_int_t)(at->first_ns / 1000000),
			 "first", at->has_first ? report_stats_json(&at->first) : json_null());
}

static json_t *explain(void *arg, uint64_t addr)
{
	struct attachment *at = arg;

	return loop_explain(at->loop, addr);
}

static void detach(void *arg)
{
	struct attachment *at = arg;

	loop_stop(at->loop);
}

static void on_control(void *arg)
{
	struct attachment *at = arg;
	const struct control_handler handler = {
		.status = describe, .explain = explain, .detach = detach, .arg = at,
	};

	control_serve(at->control, &handler);
}

/*
 * "Before" is when the first hot page was known: at the very start nobody knows
 * which pages are hot.
 */
static void look_for_first(struct attachment *at)
{
	const struct stats *now = loop_stats(at->loop);

	if (at->has_first || !(now->hot_fast_bytes + now->hot_slow_bytes))
		return;
	at->first = *now;
	at->first_ns = clock_now_ns() - at->start_ns;
	at->has_first = true;
}

static void tell_progress(struct attachment *at)
{
	const struct options *opts = at->plan->opts;
	uint64_t interval_ms = opts->report_ms, since_ns = clock_now_ns() - at->told_ns;

	if (!isatty(fileno(at->plan->out)))
		interval_ms *= SLOWER;
	if (!interval_ms || opts->json || opts->daemon || since_ns < interval_ms * 1000000)
		return;
	if (at->plan->is_one_of_many)
		fprintf(at->plan->out, "%7d: ", at->plan->target);
	report_progress(at->plan->out, loop_stats(at->loop), &at->told, since_ns);
	at->told = *loop_stats(at->loop);
	at->told_ns += since_ns;
}

static void on_timer(void *arg)
{
	struct attachment *at = arg;
	uint64_t nr_expired;

	if (read(at->timer_fd, &nr_expired, sizeof(nr_expired)) < 0)
		return;
	look_for_first(at);
	tell_progress(at);
}

static int start_timer(struct attachment *at)
{
	const struct itimerspec every = {
		.it_value.tv_nsec = TICK_MS * 1000000, .it_interval.tv_nsec = TICK_MS * 1000000,
	};

	at->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (at->timer_fd < 0 || timerfd_settime(at->timer_fd, 0, &every, NULL))
		return -errno;
	return loop_watch_fd(at->loop, at->timer_fd, on_timer, at);
}

static void say_holder(const struct control_holder *holder)
{
	char since[32] = "";
	struct tm tm;

	if (localtime_r(&holder->since_s, &tm))
		strftime(since, sizeof(since), "%F %T", &tm);
	fprintf(stderr, "hemem-ctl: process %d is controlled by process %d since %s (mover %s): `hemem-ctl detach %d` ends that\n",
		holder->target, holder->pid, since, holder->mover, holder->target);
}

/* What "auto" means here, so that others are told a name. */
static const char *name_mover(const char *name)
{
	struct assist assist = ASSIST_NONE;
	bool has_assist = !assist_open(&assist);
	const struct mover *mover;

	assist_close(&assist);
	mover = mover_find(name, has_assist);
	return mover ? mover->name : name;
}

static const char *name_sampler(const char *name)
{
	const struct sampler *sampler = sampler_find(name);

	return sampler ? sampler->name : name;
}

/*
 * The rights that the loop and the module will ask for (PTRACE_MODE_READ), found
 * out before a daemon says that all is well.
 */
static int ask_for_rights(pid_t pid)
{
	char path[64];
	int fd, err = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err = -errno;
	else
		close(fd);
	if (err)
		fprintf(stderr, "hemem-ctl: process %d: %s: run as root, as its user, or with CAP_SYS_PTRACE\n",
			pid, strerror(-err));
	return err;
}

static int hold_target(struct attachment *at)
{
	const struct attach_plan *plan = at->plan;
	struct control_holder holder;
	int err;

	err = target_open(plan->target, &at->target);
	if (err) {
		fprintf(stderr, "hemem-ctl: process %d: %s\n", plan->target,
			err == -EINVAL ? "it is a kernel thread, which has no memory of its own" :
			strerror(-err));
		return err;
	}
	err = ask_for_rights(plan->target);
	if (err)
		return err;
	at->mover = name_mover(plan->opts->mover);
	at->sampler = name_sampler(plan->opts->sampler);
	err = control_new(plan->target, at->target.start_ticks, at->mover, &at->control, &holder);
	if (err == -EBUSY)
		say_holder(&holder);
	else if (err)
		fprintf(stderr, "hemem-ctl: %s\n", control_reason());
	return err;
}

static int open_attachment(struct attachment *at)
{
	int err;

	err = hold_target(at);
	if (err)
		return err;
	err = loop_new(at->plan->opts, at->plan->target, &at->loop);
	if (err)
		return err;	/* it has said why */
	loop_join(at->loop, at->control);
	err = loop_watch_fd(at->loop, control_fd(at->control), on_control, at);
	if (!err)
		err = start_timer(at);
	if (!err && at->plan->ready)
		err = at->plan->ready(at->plan->arg);
	if (err)
		fprintf(stderr, "hemem-ctl: cannot begin: %s\n", strerror(-err));
	return err;
}

static void report_end(struct attachment *at, json_t *end)
{
	const struct attach_plan *plan = at->plan;
	char up[REPORT_NUMBER_BYTES], down[REPORT_NUMBER_BYTES];
	const struct stats *last = loop_stats(at->loop);

	if (plan->opts->daemon)
		fprintf(stderr, "hemem-ctl: detached from process %d: moved %s to the fast tier, %s to the slow tier\n",
			plan->target, report_number(up, last->promoted_bytes, "bytes"),
			report_number(down, last->demoted_bytes, "bytes"));
	else if (plan->opts->json)
		report_json(plan->out, json_incref(end));
	else if (plan->is_one_of_many)
		fprintf(plan->out, "\nprocess %d (%s):\n", plan->target, at->target.comm);
	if (!plan->opts->daemon && !plan->opts->json)
		report_summary(plan->out, at->has_first ? &at->first : NULL, at->first_ns, last,
			       at->mover);
}

static int run_attachment(struct attachment *at, json_t **ret_end)
{
	static const char *const ends[] = {
		[LOOP_STOPPED] = "detached", [LOOP_EXITED] = "exited", [LOOP_FAILED] = "failed",
	};
	enum loop_end end;

	at->start_ns = at->told_ns = clock_now_ns();
	if (at->plan->opts->verbose)
		fprintf(stderr, "hemem-ctl: attached to process %d (%s), mover %s\n",
			at->target.pid, at->target.comm, at->mover);
	if (!strcmp(at->plan->opts->sampler, "auto"))
		fprintf(stderr, "hemem-ctl: sampler %s (%s)\n", at->sampler, sampler_reason());
	end = loop_run(at->loop);
	if (end == LOOP_EXITED && !at->plan->opts->json)
		fprintf(stderr, "hemem-ctl: process %d (%s) has ended\n", at->target.pid,
			at->target.comm);
	look_for_first(at);
	*ret_end = describe(at);
	json_object_set_new(*ret_end, "end", json_string(ends[end]));
	report_end(at, *ret_end);
	return end == LOOP_FAILED ? EXIT_FOUND : EXIT_FINE;
}

int attach_check(const struct options *opts, const struct command *command)
{
	bool is_more = opts->fast_min_bytes || opts->weight > SHARE_WEIGHT;

	if (opts->fast_min_bytes > opts->fast_limit_bytes) {
		fprintf(stderr, "hemem-ctl: %s: --min-fast is more than --fast-limit\n",
			command->name);
		return EXIT_USAGE;
	}
	/* As with nice(2). */
	if (geteuid() && is_more) {
		fprintf(stderr, "hemem-ctl: %s: --min-fast, and a --weight above %d, are root's to give\n",
			command->name, SHARE_WEIGHT);
		return EXIT_USAGE;
	}
	return EXIT_FINE;
}

int attach_run(const struct attach_plan *plan)
{
	struct attachment at = { .plan = plan, .target = TARGET_NONE, .timer_fd = -1 };
	int status = EXIT_FOUND;
	json_t *end = NULL;

	handle_signals(plan);
	if (!open_attachment(&at)) {
		signal_loop = at.loop;
		if (has_signal)
			loop_stop(at.loop);
		status = run_attachment(&at, &end);
	}
	ignore_signals(plan);
	loop_free(at.loop);
	control_free(at.control, end);
	target_close(&at.target);
	if (at.timer_fd >= 0)
		close(at.timer_fd);
	json_decref(end);
	return status;
}
