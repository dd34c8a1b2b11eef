// SPDX-License-Identifier: GPL-2.0
/*
 * cmd_record.c - hemem-ctl record -o FILE PID
 */
#include <stdio.h>

#include "attach.h"
#include "command.h"
#include "options.h"

static int run_record(const struct options *opts)
{
	struct attach_plan plan = {
		.opts = opts, .command = &cmd_record, .target = opts->pid, .out = stdout,
	};

	if (!opts->output) {
		fprintf(stderr, "hemem-ctl: record: --output FILE is needed\n");
		return EXIT_USAGE;
	}
	return attach_check(opts, &cmd_record) ? EXIT_USAGE : attach_run(&plan);
}

const struct command cmd_record = {
	.name = "record",
	.args = "-o FILE PID",
	.help = "attach, and write down what is sampled and decided",
	.about = "Does what attach does, and writes samples, pages, regions and decisions to FILE until it is detached. With `--policy stay` nothing is moved. `report` shows what is in FILE, `replay` plays it to other policies.",
	.bit = COMMAND_RECORD,
	.operand = OPERAND_PID,
	.run = run_record,
};
