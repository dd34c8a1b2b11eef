// SPDX-License-Identifier: GPL-2.0
/*
 * cmd_detach.c - hemem-ctl detach PID
 */
#include <inttypes.h>
#include <stdio.h>

#include <jansson.h>

#include "command.h"
#include "control.h"
#include "options.h"
#include "report.h"
#include "stats.h"

#define TIMEOUT_MS	30000	/* the batch that is under way is finished first */

static int run_detach(const struct options *opts)
{
	char up[REPORT_NUMBER_BYTES], down[REPORT_NUMBER_BYTES];
	struct control_holder holder;
	struct stats stats;
	json_t *json;

	if (control_find(opts->pid, &holder) ||
	    control_ask(&holder, "detach", TIMEOUT_MS, &json)) {
		fprintf(stderr, "hemem-ctl: detach: %s\n", control_reason());
		return EXIT_FOUND;
	}
	if (opts->json) {
		report_json(stdout, json);
		return EXIT_FINE;
	}
	report_stats_from_json(json_object_get(json, "stats"), &stats);
	printf("detached from process %d: moved %s to the fast tier, %s to the slow tier\n",
	       opts->pid, report_number(up, stats.promoted_bytes, "bytes"),
	       report_number(down, stats.demoted_bytes, "bytes"));
	json_decref(json);
	return EXIT_FINE;
}

const struct command cmd_detach = {
	.name = "detach",
	.args = "PID",
	.help = "end the tiering of a process",
	.about = "Tells the controller of process PID to detach, and waits until it has. The process runs on; its memory stays where it is.",
	.bit = COMMAND_DETACH,
	.operand = OPERAND_PID,
	.run = run_detach,
};
