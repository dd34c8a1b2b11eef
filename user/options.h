/* SPDX-License-Identifier: GPL-2.0 */
/*
 * options.h - what the user asked for
 *
 * One table (in options.c) holds every option: name, unit, range, default,
 * help, and the commands it belongs to.  Parser, --help, the man page and the
 * values in `status --json` all come from its rows.
 */
#ifndef HEMEM_OPTIONS_H
#define HEMEM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct bitmask;		/* libnuma's */
struct command;
struct json_t;

#define OPTIONS_NO_LIMIT	UINT64_MAX	/* fast_limit_bytes: none */
#define OPTIONS_NO_BUDGET	0		/* budget_bytes_per_s: unlimited */

/**
 * struct options - the parsed command line of one command
 * @fast: nodes of the fast tier; NULL: tier.c finds them
 * @slow: nodes of the slow tier; NULL: tier.c finds them
 * @fast_limit_bytes: most bytes of the target that may lie on @fast;
 *	OPTIONS_NO_LIMIT: as much as fits
 * @budget_bytes_per_s: most bytes moved per second, promotions and demotions
 *	together; OPTIONS_NO_BUDGET: unlimited
 * @period_ms: time from one tick of the loop to the next
 * @report_s: time between two lines of progress when stdout is no terminal
 * @sampler: name of a row in sampler.h's table
 * @policy: name of a row in policy.h's table
 * @mover: name of a row in mover.h's table
 * @log: file that the daemon appends its messages to; NULL: syslog
 * @pid: the target; 0: none was given
 * @json: results as one JSON document on stdout
 * @daemon: attach in the background
 * @verbose: say more on stderr
 * @argv: `run`: the command to start, NULL-terminated; else NULL
 *
 * Strings point into argv or the table and need no free.
 */
struct options {
	struct bitmask *fast, *slow;
	uint64_t fast_limit_bytes;
	uint64_t budget_bytes_per_s;
	uint64_t period_ms;
	uint64_t report_s;
	const char *sampler, *policy, *mover;
	const char *log;
	pid_t pid;
	bool json, daemon, verbose;
	char **argv;
};

/**
 * options_init() - fill in the defaults of the table
 * @opts: is overwritten; give it to options_exit() at the end
 */
void options_init(struct options *opts);

/** options_exit() - free what @opts owns */
void options_exit(struct options *opts);

#endif /* HEMEM_OPTIONS_H */
