// SPDX-License-Identifier: GPL-2.0
/*
 * cmd_explain.c - hemem-ctl explain PID ADDR, hemem-ctl explain FILE ADDR
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "command.h"
#include "control.h"
#include "explain.h"
#include "import.h"
#include "options.h"
#include "report.h"
#include "trace.h"

#define TIMEOUT_MS	10000

static int explain_live(const struct options *opts, json_t **ret_json)
{
	struct control_holder holder;
	char request[64];
	int err = control_find(opts->pid, &holder);

	snprintf(request, sizeof(request), "explain 0x%" PRIx64, opts->addr);
	if (!err)
		err = control_ask(&holder, request, TIMEOUT_MS, ret_json);
	if (err)
		fprintf(stderr, "hemem-ctl: explain: %s\n", control_reason());
	return err;
}

static int explain_file(const struct options *opts, json_t **ret_json)
{
	struct trace_reader *reader;
	int err = import_open(opts->path, &reader);

	if (err) {
		fprintf(stderr, "hemem-ctl: %s: %s\n", opts->path, import_reason());
		return err;
	}
	err = explain_trace(reader, opts->addr, ret_json);
	trace_close(reader);
	if (err)
		fprintf(stderr, "hemem-ctl: %s: %s\n", opts->path,
			err == -ENOMEM ? strerror(ENOMEM) : trace_reason());
	return err;
}

static int run_explain(const struct options *opts)
{
	json_t *json;

	if (opts->path ? explain_file(opts, &json) : explain_live(opts, &json))
		return EXIT_FOUND;
	if (opts->json) {
		report_json(stdout, json);
		return EXIT_FINE;
	}
	explain_print(stdout, json);
	json_decref(json);
	return EXIT_FINE;
}

const struct command cmd_explain = {
	.name = "explain",
	.args = "PID|FILE ADDR",
	.help = "say why a page is where it is, now or in a recording",
	.about = "Asks the controller of process PID what it knows of the page at ADDR: its heat, where the policy's cuts are, and what follows from that. Of a recording FILE: the page's samples, each move that was planned for it with its heat at that time, what became of the move, and what it has brought since.",
	.bit = COMMAND_EXPLAIN,
	.operand = OPERAND_FILE_ADDR,
	.run = run_explain,
};
