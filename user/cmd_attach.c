// SPDX-License-Identifier: GPL-2.0
/*
 * cmd_attach.c - hemem-ctl attach PID...
 *
 * Several targets are as many controllers, each in a process of its own, that share the fast tier
 * as any others do (peer.c): one that fails takes none with it, and each can be detached by itself.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "attach.h"
#include "command.h"
#include "daemon.h"
#include "options.h"
#include "report.h"

struct ready {
	const struct options *opts;
	int fd;
};

static int leave_terminal(void *arg)
{
	const struct ready *ready = arg;

	if (ready->opts->json)
		report_json(stdout, json_pack("{si si}", "target", ready->opts->pid,
					      "controller", getpid()));
	else
		printf("attached to process %d: see `hemem-ctl status %d`, end it with `hemem-ctl detach %d`\n",
		       ready->opts->pid, ready->opts->pid, ready->opts->pid);
	return daemon_ready(ready->fd, ready->opts->log);
}

static int attach_one(const struct options *opts)
{
	struct ready ready = { .opts = opts, .fd = -1 };
	struct attach_plan plan = {
		.opts = opts, .command = &cmd_attach, .target = opts->pid, .out = stdout,
		.is_one_of_many = opts->nr_pids > 1,
	};
	int err;

	if (opts->daemon) {
		err = daemon_fork(&ready.fd);
		if (err) {
			fprintf(stderr, "hemem-ctl: cannot go to the background: %s\n",
				strerror(-err));
			return EXIT_FOUND;
		}
		plan.ready = leave_terminal;
		plan.arg = &ready;
	}
	return attach_run(&plan);
}

/** struct child - the controller of one of several targets; @json is what it prints */
struct child {
	pid_t pid;
	FILE *json;
};

static struct child *children;
static size_t nr_children;

/* What is typed at the terminal reaches all of us: the kernel itself (si_code > 0) sees to it. */
static void forward(int signal, siginfo_t *info, void *context)
{
	int saved_errno = errno;
	size_t i;

	(void)context;
	for (i = 0; info->si_code <= 0 && i < nr_children; i++)
		if (children[i].pid > 0)
			kill(children[i].pid, signal);
	errno = saved_errno;
}

static int be_child(const struct options *opts, pid_t target, FILE *json, pid_t parent)
{
	struct options own = *opts;

	own.pid = target;
	/* A single controller that is killed ends as well. */
	if (!opts->daemon)
		prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		return EXIT_FOUND;
	if (json)
		dup2(fileno(json), STDOUT_FILENO);
	return attach_one(&own);
}

static void start_children(const struct options *opts)
{
	pid_t parent = getpid(), pid;
	struct child *child;
	size_t i;

	for (i = 0; i < opts->nr_pids; i++) {
		child = &children[i];
		child->json = opts->json ? tmpfile() : NULL;
		fflush(NULL);
		pid = opts->json && !child->json ? -1 : fork();
		if (!pid)
			exit(be_child(opts, opts->pids[i], child->json, parent));
		if (pid < 0)
			fprintf(stderr, "hemem-ctl: attach: process %d: %s\n", opts->pids[i],
				strerror(errno));
		child->pid = pid;
		nr_children++;
	}
}

/* Return: true: it ended well.  A signal that is handed on interrupts the wait. */
static bool has_ended_well(const struct child *child)
{
	int status;

	if (child->pid < 0)
		return false;
	while (waitpid(child->pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FINE;
}

static void add_json(json_t *array, FILE *file)
{
	json_t *json;

	if (!file)
		return;
	rewind(file);
	json = json_loadf(file, 0, NULL);	/* one that failed prints nothing */
	if (json)
		json_array_append_new(array, json);
	fclose(file);
}

static int attach_each(const struct options *opts)
{
	const struct sigaction action = { .sa_sigaction = forward, .sa_flags = SA_SIGINFO };
	json_t *array = json_array();
	int status = EXIT_FINE;
	size_t i;

	children = calloc(opts->nr_pids, sizeof(*children));
	if (!children || !array)
		return EXIT_FOUND;
	start_children(opts);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	for (i = 0; i < nr_children; i++) {
		if (!has_ended_well(&children[i]))
			status = EXIT_FOUND;
		children[i].pid = -1;
		add_json(array, children[i].json);
	}
	if (opts->json)
		report_json(stdout, json_pack("{sO}", "controllers", array));
	json_decref(array);
	free(children);
	return status;
}

static int run_attach(const struct options *opts)
{
	if (opts->log && !opts->daemon) {
		fprintf(stderr, "hemem-ctl: attach: --log is for --daemon\n");
		return EXIT_USAGE;
	}
	if (attach_check(opts, &cmd_attach))
		return EXIT_USAGE;
	return opts->nr_pids > 1 ? attach_each(opts) : attach_one(opts);
}

const struct command cmd_attach = {
	.name = "attach",
	.args = "PID...",
	.help = "tier the memory of running processes",
	.about = "Finds out which memory of process PID is hot and moves it to the fast tier, and cold memory to the slow tier, until the process ends, someone calls `hemem-ctl detach PID`, or Ctrl-C is pressed. The process is not stopped, and after the end it is an ordinary process again. Prints a line of progress every second and a table at the end. With several processes each gets a controller of its own; options, limits too, are for each of them. Targets share the fast tier however they were attached: a page goes where it saves most time (--weight, --min-fast, --fast-limit).",
	.bit = COMMAND_ATTACH,
	.operand = OPERAND_PIDS,
	.run = run_attach,
};
