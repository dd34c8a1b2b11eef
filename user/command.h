/* SPDX-License-Identifier: GPL-2.0 */
/*
 * command.h - what a command of hemem-ctl is
 *
 * A new command is one file cmd_<name>.c with one struct command in it, a bit
 * here, and one row in hemem-ctl.c.
 */
#ifndef HEMEM_COMMAND_H
#define HEMEM_COMMAND_H

struct options;

/* Says in the option table which commands an option belongs to. */
enum command_bit {
	COMMAND_ATTACH	= 1 << 0,
	COMMAND_DETACH	= 1 << 1,
	COMMAND_STATUS	= 1 << 2,
	COMMAND_CHECK	= 1 << 3,
	COMMAND_RUN	= 1 << 4,
	COMMAND_RECORD	= 1 << 5,
	COMMAND_REPORT	= 1 << 6,
	COMMAND_REPLAY	= 1 << 7,
	COMMAND_EXPLAIN	= 1 << 8,
	COMMAND_GENERATE = 1 << 9,
	COMMAND_ALL	= (1 << 10) - 1,
};

/* What follows the options on the command line. */
enum command_operand {
	OPERAND_PID,		/* one process id */
	OPERAND_PIDS,		/* one or more */
	OPERAND_PID_OPTIONAL,	/* one or none */
	OPERAND_PROGRAM,	/* a program and its arguments */
	OPERAND_FILE,		/* one path */
	OPERAND_FILES,		/* one or more */
	OPERAND_FILE_ADDR,	/* one path or process id, one address */
	OPERAND_NONE,
};

/* Exit codes of hemem-ctl; `run` hands on those of its program instead. */
enum command_exit {
	EXIT_FINE	= 0,
	EXIT_FOUND	= 1,	/* ran, and found something or failed */
	EXIT_USAGE	= 2,	/* not understood; nothing was done */
};

/**
 * struct command - one command of hemem-ctl
 * @name: as typed
 * @args: what follows the options, for the usage line
 * @help: one line, begins with a verb, no full stop
 * @about: one paragraph for the man page
 * @bit: which of the command bits it is
 * @operand: what the parser expects after the options
 * @run: does it; returns enum command_exit, or the program's status for `run`
 */
struct command {
	const char *name, *args, *help, *about;
	enum command_bit bit;
	enum command_operand operand;
	int (*run)(const struct options *opts);
};

/* NULL-terminated, in the order of --help; defined in hemem-ctl.c. */
extern const struct command *const commands[];

extern const struct command cmd_attach, cmd_run, cmd_status, cmd_detach, cmd_check, cmd_record,
	cmd_report, cmd_replay, cmd_explain, cmd_generate;

#endif /* HEMEM_COMMAND_H */
