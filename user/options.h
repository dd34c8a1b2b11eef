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
struct json_t;		/* jansson's */

#define OPTIONS_NO_LIMIT	UINT64_MAX	/* fast_limit_bytes, wear_limit_bytes: none */
#define OPTIONS_NO_BUDGET	0		/* budget_bytes_per_s: unlimited */
#define OPTIONS_MAX_NODES	1024		/* node numbers are below this */

/**
 * struct options - the parsed command line of one command
 * @fast: nodes of the fast tier; NULL: tier.c finds them
 * @slow: nodes of the slow tier; NULL: tier.c finds them
 * @fast_limit_bytes: most bytes of the target that may lie on @fast;
 *	OPTIONS_NO_LIMIT: as much as fits
 * @fast_min_bytes: the target gets so much of @fast before other targets
 * @weight: of what the target saves, beside other targets; see share.h
 * @budget_bytes_per_s: most bytes moved per second, promotions and demotions
 *	together; OPTIONS_NO_BUDGET: unlimited
 * @wear_limit_bytes: most bytes written to the slow tier by demotions in a day;
 *	OPTIONS_NO_LIMIT: unlimited
 * @period_ms: time from one tick of the loop to the next
 * @sample_cpu_bp: CPU time that samples may take, in 1/10,000 of one CPU
 * @report_ms: time between two lines of progress; 0: none
 * @sampler: name of a row in sampler.h's table
 * @policy: name of a row in policy.h's table
 * @mover: name of a row in mover.h's table
 * @log: file that the daemon appends its messages to; NULL: syslog
 * @output: file to write; NULL: none
 * @compare: names of further policies, with commas between; NULL: none
 * @weights: of the targets of several recordings, with commas between; NULL: all alike
 * @window_ms: length of a window of a replay
 * @script: show samples as perf script does
 * @curve: show what fast tiers of other sizes would serve
 * @pattern, @bytes, @hot_bytes, @time_ms, @samples_per_s, @every_ms, @huge, @seed: of what
 *	`generate` makes up; see struct pattern
 * @pid: the target; 0: none was given
 * @pids: @nr_pids targets, the first of them is @pid, where several may be given
 * @path: a file; NULL: none was given
 * @addr: an address
 * @json: results as one JSON document on stdout
 * @daemon: attach in the background
 * @verbose: say more on stderr
 * @argv: `run`: the program to start and its arguments; `replay`: paths of recordings, the
 *	first of them is @path; NULL-terminated; else NULL
 *
 * Strings point into argv or the table and need no free; options_exit() frees the rest.
 */
struct options {
	struct bitmask *fast, *slow;
	uint64_t fast_limit_bytes;
	uint64_t fast_min_bytes;
	uint64_t weight;
	uint64_t budget_bytes_per_s;
	uint64_t wear_limit_bytes;
	uint64_t period_ms;
	uint64_t sample_cpu_bp;
	uint64_t report_ms;
	const char *sampler, *policy, *mover;
	const char *log;
	const char *output, *compare, *weights, *pattern;
	uint64_t window_ms;
	uint64_t bytes, hot_bytes, time_ms, samples_per_s, every_ms, seed;
	pid_t pid;
	pid_t *pids;
	size_t nr_pids;
	const char *path;
	uint64_t addr;
	bool json, daemon, verbose, script, curve, huge;
	char **argv;
};

enum options_type {
	OPTIONS_FLAG,		/* bool; takes no value */
	OPTIONS_BYTES,		/* uint64_t; 4096, 64K, 2M, 1G, 1T */
	OPTIONS_BYTES_PER_S,	/* uint64_t; the same, "/s" may follow */
	OPTIONS_BYTES_PER_DAY,	/* uint64_t; the same, "/day" may follow */
	OPTIONS_MS,		/* uint64_t; 500, 500ms, 2s */
	OPTIONS_PERCENT,	/* uint64_t, in 1/10,000; 1, 1% */
	OPTIONS_NUMBER,		/* uint64_t; 500, 20K, 1M */
	OPTIONS_NODES,		/* struct bitmask *; 0,2-3 or auto */
	OPTIONS_CHOICE,		/* const char *; a name out of a list */
	OPTIONS_PATH,		/* const char *; taken as it is */
};

/**
 * struct options_row - one option
 * @name: long name, without the dashes
 * @letter: short name; 0: none
 * @arg: what the value is called in the usage; NULL for flags
 * @type: how the value is written
 * @offset: which member of struct options it sets
 * @min: smallest number allowed
 * @max: largest number allowed
 * @word: a word that stands for @word_value; NULL: none
 * @word_value: what @word means, whatever the range
 * @initial: the default, as the user would write it; NULL: off, or none
 * @commands: bits of the commands that have this option
 * @choice: gives the i-th name and its help, NULL after the last
 * @help: a sentence without full stop; the default is added where it is shown
 */
struct options_row {
	const char *name;
	char letter;
	const char *arg;
	enum options_type type;
	size_t offset;
	uint64_t min, max;
	const char *word;
	uint64_t word_value;
	const char *initial;
	unsigned int commands;
	const char *(*choice)(unsigned int i, const char **ret_help);
	const char *help;
};

/**
 * options_rows() - the table, for whoever walks it
 * @ret_nr: number of rows
 */
const struct options_row *options_rows(size_t *ret_nr);

/**
 * options_init() - fill in the defaults of the table
 * @opts: is overwritten; give it to options_exit() at the end
 */
void options_init(struct options *opts);

/** options_exit() - free what @opts owns */
void options_exit(struct options *opts);

/**
 * options_set() - parse one value as the user wrote it
 * @row: which option
 * @text: the value; ignored for flags
 * @opts: gets the value; untouched on failure
 * @ret_error: on failure, a malloc()ed sentence that says what is allowed
 *
 * Return: 0, -EINVAL (not understood), -ERANGE (outside of the range).
 */
int options_set(const struct options_row *row, const char *text,
		struct options *opts, char **ret_error);

enum options_result {
	OPTIONS_RUN,		/* @opts is complete: run the command */
	OPTIONS_HELP,		/* --help was given */
	OPTIONS_BAD,		/* see the error */
};

/**
 * options_parse() - parse the command line of one command
 * @command: which one
 * @argc: number of words in @argv
 * @argv: the words; argv[0] is the command's name
 * @opts: initialised by options_init()
 * @ret_error: on OPTIONS_BAD, a malloc()ed sentence
 */
enum options_result options_parse(const struct command *command, int argc,
				  char **argv, struct options *opts,
				  char **ret_error);

/** options_help() - usage and options of @command */
void options_help(FILE *out, const struct command *command);

/** options_man() - the OPTIONS section of the man page, in roff */
void options_man(FILE *out, const struct command *const *commands);

/** options_json() - the values in effect for @command, as a new reference */
struct json_t *options_json(const struct options *opts,
			    const struct command *command);

#endif /* HEMEM_OPTIONS_H */
