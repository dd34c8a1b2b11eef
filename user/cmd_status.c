// SPDX-License-Identifier: GPL-2.0
/*
 * cmd_status.c - hemem-ctl status [PID]
 */
#include <inttypes.h>
#include <stdio.h>

#include <jansson.h>

#include "command.h"
#include "control.h"
#include "options.h"
#include "report.h"
#include "stats.h"
#include "wear.h"

#define TIMEOUT_MS	10000	/* a tick may take a while; a second is usual */

/* As --help writes it: numbers with their unit, words as they are. */
static void print_option(const struct options_row *row, const json_t *value)
{
	uint64_t number = (uint64_t)json_integer_value(value);
	char text[REPORT_NUMBER_BYTES];

	if (row->type == OPTIONS_MS)
		report_number(text, number * 1000000, "ns");
	else if (row->type == OPTIONS_PERCENT)
		report_number(text, number, "bp");
	else
		report_number(text, number, "bytes");
	printf("%12s  --%s\n", json_is_integer(value) ? text :
	       json_is_string(value) ? json_string_value(value) :
	       json_is_true(value) ? "yes" : "-", row->name);
}

static void print_options(const json_t *options)
{
	const struct options_row *rows;
	const json_t *value;
	size_t nr, i;

	rows = options_rows(&nr);
	for (i = 0; i < nr; i++) {
		value = json_object_get(options, rows[i].name);
		if (value)
			print_option(&rows[i], value);
	}
}

/* "share of the fast tier: 1.0 GiB of 4.0 GiB, 0.9 GiB used, with 2 other targets: it has priority" */
static void print_share(const json_t *share)
{
	char bytes[REPORT_NUMBER_BYTES], of[REPORT_NUMBER_BYTES], used[REPORT_NUMBER_BYTES];
	const json_t *limit = json_object_get(share, "bytes");
	json_int_t used_bytes, of_bytes, peers;
	const char *why;

	if (json_unpack((json_t *)share, "{sI sI sI ss}", "used_bytes", &used_bytes, "of_bytes",
			&of_bytes, "peers", &peers, "why", &why))
		return;		/* an older controller has none */
	report_number(bytes, json_is_integer(limit) ? (uint64_t)json_integer_value(limit) :
						       UINT64_MAX, "bytes");
	report_number(used, (uint64_t)used_bytes, "bytes");
	if (peers)
		printf("share of the fast tier: %s of %s, %s used, with %d other%s: %s\n\n", bytes,
		       report_number(of, (uint64_t)of_bytes, "bytes"), used, (int)peers,
		       peers == 1 ? "" : "s", why);
	else
		printf("share of the fast tier: %s, %s used: %s\n\n", bytes, used, why);
}

/* "written to the slow tier: 1.0 GiB, 40 MiB more may be now, 96 GiB a day" */
static void print_wear(const struct stats *stats)
{
	char written[REPORT_NUMBER_BYTES], left[REPORT_NUMBER_BYTES], limit[REPORT_NUMBER_BYTES];

	if (stats->wear_limit_bytes != WEAR_NO_LIMIT && stats->wear_limit_bytes)
		printf("written to the slow tier: %s, %s more may be now, %s a day\n\n",
		       report_number(written, stats->wear_bytes, "bytes"),
		       report_number(left, stats->wear_left_bytes, "bytes"),
		       report_number(limit, stats->wear_limit_bytes, "bytes"));
}

static void print_one(const json_t *json)
{
	char attached[REPORT_NUMBER_BYTES];
	json_int_t attached_ms = 0;
	const char *program = "?", *mover = "?", *sampler = "?", *why = "";
	int target = 0, controller = 0;
	struct stats stats;

	json_unpack((json_t *)json, "{si ss si sI ss ss ss}", "target", &target, "program",
		    &program, "controller", &controller, "attached_ms", &attached_ms,
		    "mover", &mover, "sampler", &sampler, "sampler_reason", &why);
	printf("process %d (%s), controlled by process %d for %s, mover %s\n\n", target, program,
	       controller, report_number(attached, (uint64_t)attached_ms * 1000000, "ns"), mover);
	printf("sampler %s (%s)\n\n", sampler, why);
	print_options(json_object_get(json, "options"));
	printf("\n");
	print_share(json_object_get(json, "share"));
	report_stats_from_json(json_object_get(json, "stats"), &stats);
	print_wear(&stats);
	if (stats_waiting(&stats))
		printf("hot pages wait on the slow tier: %s\n\n", stats_waiting(&stats));
	report_stats(stdout, &stats);
}

static int status_one(const struct options *opts)
{
	struct control_holder holder;
	json_t *json;

	if (control_find(opts->pid, &holder) ||
	    control_ask(&holder, "status", TIMEOUT_MS, &json)) {
		fprintf(stderr, "hemem-ctl: status: %s\n", control_reason());
		return EXIT_FOUND;
	}
	if (opts->json) {
		report_json(stdout, json);
		return EXIT_FINE;
	}
	print_one(json);
	json_decref(json);
	return EXIT_FINE;
}

struct all {
	json_t *array;
	int status;
};

/* A controller that does not answer is named, and the others are still asked. */
static void ask_each(const struct control_holder *holder, void *arg)
{
	struct all *all = arg;
	json_t *json;

	if (control_ask(holder, "status", TIMEOUT_MS, &json)) {
		fprintf(stderr, "hemem-ctl: status: process %d: %s\n", holder->target,
			control_reason());
		all->status = EXIT_FOUND;
		return;
	}
	json_array_append_new(all->array, json);
}

static void print_line(const json_t *json)
{
	char fast[REPORT_NUMBER_BYTES], hot[REPORT_NUMBER_BYTES], moved[REPORT_NUMBER_BYTES];
	char share[REPORT_NUMBER_BYTES], used[REPORT_NUMBER_BYTES];
	const char *program = "?";
	int target = 0, controller = 0;
	struct stats stats;

	json_unpack((json_t *)json, "{si ss si}", "target", &target, "program", &program,
		    "controller", &controller);
	report_stats_from_json(json_object_get(json, "stats"), &stats);
	printf("%8d %-15s %10d %10s of %10s %10s of %10s %10s\n", target, program, controller,
	       report_number(used, stats.target_fast_bytes, "bytes"),
	       report_number(share, stats.fast_share_bytes, "bytes"),
	       report_number(fast, stats.hot_fast_bytes, "bytes"),
	       report_number(hot, stats.hot_fast_bytes + stats.hot_slow_bytes, "bytes"),
	       report_number(moved, stats.bytes_moved, "bytes"));
}

static int status_all(const struct options *opts)
{
	struct all all = { .array = json_array(), .status = EXIT_FINE };
	json_t *json;
	size_t i;

	control_list(ask_each, &all);
	if (opts->json) {
		report_json(stdout, json_pack("{so}", "controllers", all.array));
		return all.status;
	}
	if (!json_array_size(all.array))
		printf("no process is controlled\n");
	else
		printf("%8s %-15s %10s %10s of %10s %10s of %10s %10s\n", "process", "program",
		       "controller", "fast", "share", "hot, fast", "hot", "moved");
	json_array_foreach(all.array, i, json)
		print_line(json);
	json_decref(all.array);
	return all.status;
}

static int run_status(const struct options *opts)
{
	return opts->pid ? status_one(opts) : status_all(opts);
}

const struct command cmd_status = {
	.name = "status",
	.args = "[PID]",
	.help = "show what a controller knows and did; without PID: all controllers",
	.about = "Asks the controller of process PID for its options and counters, or, without PID, every controller for a summary.",
	.bit = COMMAND_STATUS,
	.operand = OPERAND_PID_OPTIONAL,
	.run = run_status,
};
