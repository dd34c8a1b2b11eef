// SPDX-License-Identifier: GPL-2.0
/*
 * cmd_attach.c - hemem-ctl attach PID
 */
#include <stdio.h>
#include <string.h>
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

static int run_attach(const struct options *opts)
{
	struct ready ready = { .opts = opts, .fd = -1 };
	struct attach_plan plan = {
		.opts = opts, .command = &cmd_attach, .target = opts->pid, .out = stdout,
	};
	int err;

	if (opts->log && !opts->daemon) {
		fprintf(stderr, "hemem-ctl: attach: --log is for --daemon\n");
		return EXIT_USAGE;
	}
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

const struct command cmd_attach = {
	.name = "attach",
	.args = "PID",
	.help = "tier the memory of a running process",
	.about = "Finds out which memory of process PID is hot and moves it to the fast tier, and cold memory to the slow tier, until the process ends, someone calls `hemem-ctl detach PID`, or Ctrl-C is pressed. The process is not stopped, and after the end it is an ordinary process again. Prints a line of progress every second and a table at the end.",
	.bit = COMMAND_ATTACH,
	.operand = OPERAND_PID,
	.run = run_attach,
};
