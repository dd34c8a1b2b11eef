// SPDX-License-Identifier: GPL-2.0
/*
 * cmd_run.c - hemem-ctl run -- PROGRAM ARGUMENTS
 *
 * The program is stopped at its first instruction until it is attached, so
 * either all of its life is tiered or it never ran.  Then it is like a program
 * started by hand: it has our stdin, stdout, stderr and terminal, gets the
 * signals that we get, and we exit as it did.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach.h"
#include "command.h"
#include "options.h"

#define EXIT_NO_PROGRAM		127	/* as shells say it */
#define EXIT_NOT_EXECUTABLE	126
#define EXIT_SIGNAL		128	/* + number of the signal */

static pid_t child;
static bool was_let_go;

/*
 * What is typed at the terminal reaches the program without us, because it is
 * in our process group: the kernel itself (si_code > 0) sends it to both.
 */
static void forward(int signal, siginfo_t *info, void *context)
{
	int saved_errno = errno;

	(void)context;
	if (info->si_code <= 0)
		kill(child, signal);
	errno = saved_errno;
}

static void forward_signals(void)
{
	static const int signals[] = {
		SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT, SIGALRM,
	};
	struct sigaction action = { .sa_sigaction = forward, .sa_flags = SA_SIGINFO | SA_RESTART };
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

static void exec_program(char **argv)
{
	int err;

	if (!ptrace(PTRACE_TRACEME, 0, NULL, NULL)) {
		execvp(argv[0], argv);
		err = errno;
		fprintf(stderr, "hemem-ctl: run: %s: %s\n", argv[0], strerror(err));
	} else {
		err = errno;
		fprintf(stderr, "hemem-ctl: run: cannot hold the program at its start: ptrace: %s\n",
			strerror(err));
	}
	_exit(err == ENOENT ? EXIT_NO_PROGRAM : EXIT_NOT_EXECUTABLE);
}

static int status_of(int wait_status)
{
	return WIFSIGNALED(wait_status) ? EXIT_SIGNAL + WTERMSIG(wait_status) :
					  WEXITSTATUS(wait_status);
}

static int wait_for_end(void)
{
	int wait_status;

	while (waitpid(child, &wait_status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FOUND;
	return status_of(wait_status);
}

static int let_go(void *arg)
{
	(void)arg;
	if (ptrace(PTRACE_DETACH, child, NULL, NULL))
		return -errno;
	was_let_go = true;
	return 0;
}

/* Return: 0: it is stopped at its first instruction; else what to exit with. */
static int start_program(char **argv)
{
	int wait_status;

	fflush(NULL);
	child = fork();
	if (child < 0) {
		fprintf(stderr, "hemem-ctl: run: fork: %s\n", strerror(errno));
		return EXIT_FOUND;
	}
	if (!child)
		exec_program(argv);
	while (waitpid(child, &wait_status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FOUND;
	return WIFSTOPPED(wait_status) ? 0 : status_of(wait_status);
}

static int run_run(const struct options *opts)
{
	struct attach_plan plan = {
		.opts = opts, .command = &cmd_run, .out = stderr, .ready = let_go,
		.on_signal = forward,
	};
	int status = attach_check(opts, &cmd_run);

	if (!status)
		status = start_program(opts->argv);
	if (status)
		return status;
	/* If we die before it is let go, it dies too: it never ran. */
	ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_EXITKILL);
	forward_signals();
	plan.target = child;
	status = attach_run(&plan);
	if (!was_let_go) {
		fprintf(stderr, "hemem-ctl: run: %s was not started\n", opts->argv[0]);
		kill(child, SIGKILL);
		wait_for_end();
		return status;
	}
	/* After a detach from outside the program runs on, without tiering. */
	return wait_for_end();
}

const struct command cmd_run = {
	.name = "run",
	.args = "[--] PROGRAM [ARGUMENT...]",
	.help = "start a program and tier its memory",
	.about = "Starts PROGRAM, attaches to it before its first instruction, and exits as it does. Signals are handed on to it. Progress and the table at the end go to standard error. A child that the program forks is not followed.",
	.bit = COMMAND_RUN,
	.operand = OPERAND_PROGRAM,
	.run = run_run,
};
