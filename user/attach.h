/* SPDX-License-Identifier: GPL-2.0 */
/*
 * attach.h - one attachment, from the lock to the final report
 */
#ifndef HEMEM_ATTACH_H
#define HEMEM_ATTACH_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct command;
struct options;

/**
 * struct attach_plan - what differs between `attach` and `run`
 * @opts: what the user asked for
 * @command: whose options they are
 * @target: the process
 * @out: where progress and the final report go
 * @is_one_of_many: others write to @out, too: say of which process each line is
 * @ready: called once the target is attached and nothing can fail any more that
 *	the user should hear of at once; NULL: none.  Return: 0, or -errno to
 *	give up.
 * @on_signal: handler for SIGINT, SIGTERM and SIGHUP; NULL: they detach
 * @arg: for @ready
 */
struct attach_plan {
	const struct options *opts;
	const struct command *command;
	pid_t target;
	FILE *out;
	bool is_one_of_many;
	int (*ready)(void *arg);
	void (*on_signal)(int signal, siginfo_t *info, void *context);
	void *arg;
};

/**
 * attach_check() - can what the user asked for be had by him, of any target?
 *
 * Return: enum command_exit; what is wrong was written to stderr.
 */
int attach_check(const struct options *opts, const struct command *command);

/**
 * attach_run() - control a target until it ends or someone says to detach
 * @plan: see there
 *
 * Return: enum command_exit.  What went wrong was written to stderr.
 */
int attach_run(const struct attach_plan *plan);

#endif /* HEMEM_ATTACH_H */
