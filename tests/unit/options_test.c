// SPDX-License-Identifier: GPL-2.0
/*
 * options_test.c - the option table and everything that is made of it
 */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <numa.h>

#include "command.h"
#include "options.h"
#include "sampler.h"
#include "share.h"

static const struct command attach = {
	.name = "attach", .args = "PID", .help = "h", .about = "about it",
	.bit = COMMAND_ATTACH, .operand = OPERAND_PIDS,
};
static const struct command record = {
	.name = "record", .args = "PID", .help = "h", .about = "about it",
	.bit = COMMAND_RECORD, .operand = OPERAND_PID,
};
static const struct command status = {
	.name = "status", .args = "[PID]", .help = "h", .about = "about it",
	.bit = COMMAND_STATUS, .operand = OPERAND_PID_OPTIONAL,
};
static const struct command run = {
	.name = "run", .args = "PROGRAM", .help = "h", .about = "about it",
	.bit = COMMAND_RUN, .operand = OPERAND_PROGRAM,
};
static const struct command *const all[] = { &attach, &status, &run, NULL };

static const struct options_row *row_of(const char *name)
{
	const struct options_row *rows;
	size_t nr, i;

	rows = options_rows(&nr);
	for (i = 0; i < nr; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	fail_msg("no option --%s", name);
	return NULL;
}

/* Good values */

static const struct {
	const char *option, *text;
	size_t offset;
	uint64_t value;
} good_numbers[] = {
#define N(option, text, member, value) { option, text, offsetof(struct options, member), value }
	N("fast-limit", "0", fast_limit_bytes, 0),
	N("fast-limit", "4096", fast_limit_bytes, 4096),
	N("fast-limit", "4096B", fast_limit_bytes, 4096),
	N("fast-limit", "64K", fast_limit_bytes, 64 << 10),
	N("fast-limit", "2m", fast_limit_bytes, 2 << 20),
	N("fast-limit", "3G", fast_limit_bytes, 3ULL << 30),
	N("fast-limit", "1024T", fast_limit_bytes, 1ULL << 50),
	N("fast-limit", "none", fast_limit_bytes, OPTIONS_NO_LIMIT),
	N("min-fast", "1G", fast_min_bytes, 1 << 30),
	N("weight", "1", weight, 1),
	N("weight", "10000", weight, 10000),
	N("weight", "priority", weight, SHARE_PRIORITY),
	N("budget", "1M", budget_bytes_per_s, 1 << 20),
	N("budget", "64M/s", budget_bytes_per_s, 64 << 20),
	N("budget", "1048576/s", budget_bytes_per_s, 1 << 20),
	N("budget", "1T/s", budget_bytes_per_s, 1ULL << 40),
	N("budget", "unlimited", budget_bytes_per_s, OPTIONS_NO_BUDGET),
	N("wear-limit", "64M", wear_limit_bytes, 64 << 20),
	N("wear-limit", "100G/day", wear_limit_bytes, 100ULL << 30),
	N("wear-limit", "none", wear_limit_bytes, OPTIONS_NO_LIMIT),
	N("period", "10", period_ms, 10),
	N("period", "250ms", period_ms, 250),
	N("period", "2s", period_ms, 2000),
	N("period", "1min", period_ms, 60000),
	N("report", "none", report_ms, 0),
	N("report", "100", report_ms, 100),
#undef N
};

static void a_number_is_read_with_its_suffix(void **state UNUSED)
{
	struct options opts;
	char *error = NULL;
	size_t i;

	for (i = 0; i < sizeof(good_numbers) / sizeof(good_numbers[0]); i++) {
		options_init(&opts);
		if (options_set(row_of(good_numbers[i].option), good_numbers[i].text, &opts, &error))
			fail_msg("%s", error);
		assert_int_equal(*(uint64_t *)((char *)&opts + good_numbers[i].offset),
				 good_numbers[i].value);
		options_exit(&opts);
	}
}

/* Bad values: the error names the option and contains what is allowed. */

static const struct {
	const char *option, *text;
	int err;
	const char *says;
} bad_values[] = {
	{ "wear-limit", "1M/day", -ERANGE, "64M/day .. 1024T/day, or none" },
	{ "wear-limit", "1G/s", -EINVAL, "number of bytes per day" },
	{ "weight", "0", -ERANGE, "1 .. 10000, or priority" },
	{ "weight", "10001", -ERANGE, "1 .. 10000, or priority" },
	{ "weight", "first", -EINVAL, "or priority" },
	{ "min-fast", "none", -EINVAL, "number of bytes" },
	{ "fast-limit", "", -EINVAL, "4096, 64K" },
	{ "fast-limit", "x", -EINVAL, "or none" },
	{ "fast-limit", "-1", -EINVAL, "number of bytes" },
	{ "fast-limit", " 1", -EINVAL, "number of bytes" },
	{ "fast-limit", "+1", -EINVAL, "number of bytes" },
	{ "fast-limit", "1 K", -EINVAL, "number of bytes" },
	{ "fast-limit", "1KK", -EINVAL, "number of bytes" },
	{ "fast-limit", "0x10", -EINVAL, "number of bytes" },
	{ "fast-limit", "1.5G", -EINVAL, "number of bytes" },
	{ "fast-limit", "1025T", -ERANGE, "0 .. 1024T" },
	{ "fast-limit", "18446744073709551615", -ERANGE, "0 .. 1024T" },
	{ "fast-limit", "18446744073709551616", -ERANGE, "0 .. 1024T" },
	{ "fast-limit", "18014398509481984K", -ERANGE, "0 .. 1024T" },
	{ "fast-limit", "None", -EINVAL, "none" },
	{ "fast-limit", "1M/s", -EINVAL, "number of bytes" },
	{ "budget", "0", -ERANGE, "1M/s .. 1T/s, or unlimited" },
	{ "budget", "1023K", -ERANGE, "1M/s .. 1T/s, or unlimited" },
	{ "budget", "2T/s", -ERANGE, "1M/s .. 1T/s, or unlimited" },
	{ "budget", "64X", -EINVAL, "or unlimited" },
	{ "budget", "64M/min", -EINVAL, "per second" },
	{ "sample-cpu", "0", -ERANGE, "1% .. 100%" },
	{ "sample-cpu", "101%", -ERANGE, "1% .. 100%" },
	{ "sample-cpu", "0.5", -EINVAL, "percentage" },
	{ "period", "9", -ERANGE, "10ms .. 60s" },
	{ "period", "60001", -ERANGE, "10ms .. 60s" },
	{ "period", "2h", -EINVAL, "250ms" },
	{ "fast", "", -EINVAL, "list of nodes" },
	{ "fast", "a", -EINVAL, "list of nodes" },
	{ "fast", "0,", -EINVAL, "list of nodes" },
	{ "fast", ",0", -EINVAL, "list of nodes" },
	{ "fast", "0-", -EINVAL, "list of nodes" },
	{ "fast", "2-1", -EINVAL, "list of nodes" },
	{ "fast", "0 1", -EINVAL, "list of nodes" },
	{ "fast", "-1", -EINVAL, "list of nodes" },
	{ "slow", "1024", -ERANGE, "0 .. 1023" },
	{ "slow", "4294967296", -ERANGE, "0 .. 1023" },
	{ "slow", "all", -EINVAL, "auto" },
	{ "mover", "teleport", -EINVAL, "auto, assist, numa or dry" },
	{ "mover", "", -EINVAL, "auto, assist, numa or dry" },
	{ "policy", "Hemem", -EINVAL, "hemem" },
	{ "sampler", "pebs2000", -EINVAL, "auto, pebs, ibs, bpf, scan, ring:PATH, trace:FILE or none" },
	{ "sampler", "ring", -EINVAL, "ring:PATH" },
	{ "sampler", "ring:", -EINVAL, "ring:PATH" },
	{ "sampler", "rings:/x", -EINVAL, "ring:PATH" },
	{ "sampler", "scan:/x", -EINVAL, "ring:PATH" },
	{ "log", "", -EINVAL, "empty" },
};

static void a_bad_value_is_refused_with_what_is_allowed(void **state UNUSED)
{
	struct options opts, before;
	char *error, option[32];
	size_t i;
	int err;

	options_init(&opts);
	for (i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++) {
		before = opts;
		error = NULL;
		err = options_set(row_of(bad_values[i].option), bad_values[i].text, &opts, &error);
		if (err != bad_values[i].err)
			fail_msg("--%s '%s' gives %d, not %d", bad_values[i].option,
				 bad_values[i].text, err, bad_values[i].err);
		assert_memory_equal(&before, &opts, sizeof(opts));
		assert_non_null(error);
		snprintf(option, sizeof(option), "--%s", bad_values[i].option);
		assert_ptr_equal(strstr(error, option), error);
		if (!strstr(error, bad_values[i].says))
			fail_msg("'%s' does not say '%s'", error, bad_values[i].says);
		free(error);
	}
	options_exit(&opts);
}

static void a_sampler_may_have_an_argument(void **state UNUSED)
{
	struct options opts;
	char *error = NULL;

	options_init(&opts);
	assert_null(sampler_arg(opts.sampler));
	assert_int_equal(options_set(row_of("sampler"), "ring:/dev/shm/a:b", &opts, &error), 0);
	assert_ptr_equal(sampler_find(opts.sampler), &sampler_ring);
	assert_string_equal(sampler_arg(opts.sampler), "/dev/shm/a:b");
	assert_int_equal(options_set(row_of("sampler"), "none", &opts, &error), 0);
	assert_ptr_equal(sampler_find(opts.sampler), &sampler_none);
	assert_null(sampler_arg(opts.sampler));
	assert_null(sampler_find("ring2:/x"));
	options_exit(&opts);
}

static void nodes_are_read_as_the_kernel_writes_them(void **state UNUSED)
{
	struct options opts;
	char *error = NULL;

	options_init(&opts);
	assert_null(opts.fast);
	assert_int_equal(options_set(row_of("fast"), "0,2-3,1023", &opts, &error), 0);
	assert_int_equal(numa_bitmask_weight(opts.fast), 4);
	assert_true(numa_bitmask_isbitset(opts.fast, 0));
	assert_false(numa_bitmask_isbitset(opts.fast, 1));
	assert_true(numa_bitmask_isbitset(opts.fast, 2));
	assert_true(numa_bitmask_isbitset(opts.fast, 3));
	assert_true(numa_bitmask_isbitset(opts.fast, 1023));
	assert_int_equal(options_set(row_of("fast"), "auto", &opts, &error), 0);
	assert_null(opts.fast);
	options_exit(&opts);
}

/* The command line */

static enum options_result parse(const struct command *command, const char *line,
				 struct options *opts, char **error)
{
	static char copy[256];
	char *argv[32], *word;
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s %s", command->name, line);
	for (word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	*error = NULL;
	options_init(opts);
	return options_parse(command, argc, argv, opts, error);
}

static void a_command_line_is_read_whole(void **state UNUSED)
{
	struct options opts;
	char *error;

	assert_int_equal(parse(&attach, "--budget=2G -l 1G --json --policy stay 4711", &opts,
			       &error), OPTIONS_RUN);
	assert_int_equal(opts.budget_bytes_per_s, 2ULL << 30);
	assert_int_equal(opts.fast_limit_bytes, 1ULL << 30);
	assert_true(opts.json);
	assert_false(opts.daemon);
	assert_string_equal(opts.policy, "stay");
	assert_string_equal(opts.mover, "auto");
	assert_int_equal(opts.pid, 4711);
	options_exit(&opts);
	assert_int_equal(parse(&status, "", &opts, &error), OPTIONS_RUN);
	assert_int_equal(opts.pid, 0);
	assert_int_equal(parse(&attach, "--help --nonsense", &opts, &error), OPTIONS_HELP);
}

static void options_may_follow_the_process_id(void **state UNUSED)
{
	struct options opts;
	char *error;

	assert_int_equal(parse(&attach, "4711 --json -l 1G", &opts, &error), OPTIONS_RUN);
	assert_int_equal(opts.pid, 4711);
	assert_true(opts.json);
	assert_int_equal(opts.fast_limit_bytes, 1ULL << 30);
	options_exit(&opts);
	assert_int_equal(parse(&attach, "--json 4711 --policy stay", &opts, &error), OPTIONS_RUN);
	assert_int_equal(opts.pid, 4711);
	assert_string_equal(opts.policy, "stay");
	options_exit(&opts);
	assert_int_equal(parse(&status, "4711 --json", &opts, &error), OPTIONS_RUN);
	assert_int_equal(opts.pid, 4711);
	assert_int_equal(parse(&attach, "-- 4711", &opts, &error), OPTIONS_RUN);
	assert_int_equal(opts.pid, 4711);
	options_exit(&opts);
}

static void what_follows_the_program_is_its_own(void **state UNUSED)
{
	struct options opts;
	char *error;

	assert_int_equal(parse(&run, "--json -- prog --json --nonsense", &opts, &error),
			 OPTIONS_RUN);
	assert_string_equal(opts.argv[0], "prog");
	assert_string_equal(opts.argv[1], "--json");
	assert_string_equal(opts.argv[2], "--nonsense");
	assert_null(opts.argv[3]);
	assert_int_equal(parse(&run, "prog -v --help", &opts, &error), OPTIONS_RUN);
	assert_string_equal(opts.argv[2], "--help");
	assert_false(opts.verbose);
	assert_int_equal(parse(&run, "-j prog -j -- --budget", &opts, &error), OPTIONS_RUN);
	assert_string_equal(opts.argv[0], "prog");
	assert_string_equal(opts.argv[2], "--");
	assert_string_equal(opts.argv[3], "--budget");
}

static void several_processes_can_be_named(void **state UNUSED)
{
	struct options opts;
	char *error;

	assert_int_equal(parse(&attach, "11 --json 12 -l 1G 13", &opts, &error), OPTIONS_RUN);
	assert_int_equal(opts.nr_pids, 3);
	assert_int_equal(opts.pid, 11);
	assert_int_equal(opts.pids[1], 12);
	assert_int_equal(opts.pids[2], 13);
	options_exit(&opts);
	assert_null(opts.pids);
}

static const struct {
	const struct command *command;
	const char *line, *says;
} bad_lines[] = {
	{ &attach, "", "which process?" },
	{ &record, "1 2", "one process id" },
	{ &attach, "1 2 0", "'0' is not a process id" },
	{ &attach, "7 8 7", "process 7 stands there twice" },
	{ &attach, "0", "not a process id" },
	{ &attach, "-- -1", "not a process id" },
	{ &attach, "4194305", "not a process id" },
	{ &attach, "12x", "not a process id" },
	{ &attach, "99999999999999999999", "not a process id" },
	{ &attach, "--nonsense 1", "attach has no option --nonsense" },
	{ &attach, "-x 1", "attach has no option -x" },
	{ &attach, "--budget", "--budget needs a value" },
	{ &attach, "-b", "-b needs a value" },
	{ &attach, "--json=yes 1", "takes no value" },
	{ &attach, "1 --nonsense", "attach has no option --nonsense" },
	{ &attach, "1 -x", "attach has no option -x" },
	{ &attach, "1 --budget", "--budget needs a value" },
	{ &record, "1 --json 2", "one process id" },
	{ &attach, "--budget 64X 1", "--budget: '64X'" },
	{ &status, "--budget 64M 1", "status has no option --budget" },
	{ &run, "--daemon prog", "run has no option --daemon" },
	{ &run, "--json --", "which program?" },
};

static void a_bad_command_line_is_refused_with_the_reason(void **state UNUSED)
{
	struct options opts;
	char *error;
	size_t i;

	for (i = 0; i < sizeof(bad_lines) / sizeof(bad_lines[0]); i++) {
		if (parse(bad_lines[i].command, bad_lines[i].line, &opts, &error) != OPTIONS_BAD)
			fail_msg("'%s' is not refused", bad_lines[i].line);
		assert_non_null(error);
		if (!strstr(error, bad_lines[i].says))
			fail_msg("'%s' does not say '%s'", error, bad_lines[i].says);
		free(error);
		options_exit(&opts);
	}
}

/* The table and what is said about it */

static void names_and_letters_are_used_once(void **state UNUSED)
{
	const struct options_row *rows;
	size_t nr, i, j;

	rows = options_rows(&nr);
	for (i = 0; i < nr; i++) {
		assert_true(rows[i].commands);
		assert_true(rows[i].letter && rows[i].letter != 'h');
		assert_true(rows[i].min <= rows[i].max);
		assert_int_equal(rows[i].type == OPTIONS_CHOICE, !!rows[i].choice);
		assert_int_equal(rows[i].type == OPTIONS_FLAG, !rows[i].arg);
		for (j = 0; j < i; j++) {
			assert_string_not_equal(rows[i].name, rows[j].name);
			assert_int_not_equal(rows[i].letter, rows[j].letter);
			assert_int_not_equal(rows[i].offset, rows[j].offset);
		}
	}
}

static char *text_of_help(void (*print)(FILE *out, const void *arg), const void *arg)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	print(out, arg);
	fclose(out);
	return text;
}

static void print_help(FILE *out, const void *command)
{
	options_help(out, command);
}

static void print_man(FILE *out, const void *commands)
{
	options_man(out, commands);
}

/* --help wraps lines, roff has other dashes: compare without both. */
static void squeeze(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (*text != ' ' && *text != '\n' && *text != '\\')
			*to++ = *text;
	*to = '\0';
}

static bool says(const char *squeezed, const char *what)
{
	char copy[512];

	snprintf(copy, sizeof(copy), "%s", what);
	squeeze(copy);
	return strstr(squeezed, copy);
}

static void help_and_man_page_say_what_the_table_says(void **state UNUSED)
{
	char *help = text_of_help(print_help, &attach), *man = text_of_help(print_man, all);
	char option[64], initial[64], letter[16];
	const struct options_row *rows;
	size_t nr, i;

	squeeze(help);
	squeeze(man);
	rows = options_rows(&nr);
	for (i = 0; i < nr; i++) {
		snprintf(option, sizeof(option), "--%s", rows[i].name);
		snprintf(letter, sizeof(letter), "-%c", rows[i].letter);
		snprintf(initial, sizeof(initial), "(default: %s)", rows[i].initial);
		assert_true(says(man, option) && says(man, letter) && says(man, rows[i].help));
		assert_true(!rows[i].initial || says(man, initial));
		assert_int_equal(says(help, rows[i].help), !!(rows[i].commands & COMMAND_ATTACH));
	}
	free(help);
	free(man);
}

static void help_is_at_most_80_columns_wide(void **state UNUSED)
{
	char *help = text_of_help(print_help, &attach), *line;

	for (line = strtok(help, "\n"); line; line = strtok(NULL, "\n"))
		if (strlen(line) > 80)
			fail_msg("%zu columns: %s", strlen(line), line);
	free(help);
}

/* What is shown can be given back, and is the same then. */
static void the_json_has_the_values_in_effect(void **state UNUSED)
{
	struct options opts;
	json_t *json;
	char *error;

	assert_int_equal(parse(&attach, "--budget 2M --fast 0,2-3 --daemon 1", &opts, &error),
			 OPTIONS_RUN);
	json = options_json(&opts, &attach);
	assert_int_equal(json_integer_value(json_object_get(json, "budget")), 2 << 20);
	assert_string_equal(json_string_value(json_object_get(json, "fast")), "0,2-3");
	assert_string_equal(json_string_value(json_object_get(json, "slow")), "auto");
	assert_string_equal(json_string_value(json_object_get(json, "fast-limit")), "none");
	assert_string_equal(json_string_value(json_object_get(json, "mover")), "auto");
	assert_true(json_is_true(json_object_get(json, "daemon")));
	assert_true(json_is_false(json_object_get(json, "json")));
	assert_true(json_is_null(json_object_get(json, "log")));
	json_decref(json);
	json = options_json(&opts, &status);
	assert_null(json_object_get(json, "budget"));
	json_decref(json);
	options_exit(&opts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_read_with_its_suffix),
		cmocka_unit_test(a_bad_value_is_refused_with_what_is_allowed),
		cmocka_unit_test(a_sampler_may_have_an_argument),
		cmocka_unit_test(nodes_are_read_as_the_kernel_writes_them),
		cmocka_unit_test(a_command_line_is_read_whole),
		cmocka_unit_test(options_may_follow_the_process_id),
		cmocka_unit_test(what_follows_the_program_is_its_own),
		cmocka_unit_test(several_processes_can_be_named),
		cmocka_unit_test(a_bad_command_line_is_refused_with_the_reason),
		cmocka_unit_test(names_and_letters_are_used_once),
		cmocka_unit_test(help_and_man_page_say_what_the_table_says),
		cmocka_unit_test(help_is_at_most_80_columns_wide),
		cmocka_unit_test(the_json_has_the_values_in_effect),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
