// SPDX-License-Identifier: GPL-2.0
/*
 * cmd_check.c - hemem-ctl check [PID]
 */
#include <stdio.h>

#include <jansson.h>

#include "assist.h"
#include "check.h"
#include "command.h"
#include "options.h"
#include "perf.h"
#include "report.h"

/* What one row found. */
struct finding {
	const struct check_row *row;
	enum check_answer answer;
	char detail[CHECK_DETAIL_BYTES];
};

static int ask_module(struct hemem_assist_info *ret_info)
{
	struct assist assist = ASSIST_NONE;
	int err = assist_open(&assist);

	if (!err)
		*ret_info = assist.info;
	assist_close(&assist);
	return err;
}

static const char *word_of(const struct finding *finding)
{
	switch (finding->answer) {
	case CHECK_FINE:
		return "fine";
	case CHECK_FOUND:
		return check_severity_name(finding->row->severity);
	case CHECK_NOT_ASKED:
		break;
	}
	return "-";
}

static void print_text(const struct finding *finding, bool verbose)
{
	if (finding->answer != CHECK_FOUND && !verbose)
		return;
	printf("%-7s %s: ", word_of(finding), finding->row->question);
	report_wrap(stdout, finding->detail, 8, 100);
	if (finding->answer != CHECK_FOUND)
		return;
	printf("        -> ");
	report_wrap(stdout, finding->row->remedy, 11, 100);
}

static json_t *json_of(const struct finding *finding)
{
	static const char *const answers[] = {
		[CHECK_FINE] = "fine", [CHECK_FOUND] = "found", [CHECK_NOT_ASKED] = "not asked",
	};

	return json_pack("{ss ss ss ss ss ss}", "id", finding->row->id, "question",
			 finding->row->question, "answer", answers[finding->answer], "severity",
			 check_severity_name(finding->row->severity), "detail", finding->detail,
			 "remedy", finding->row->remedy);
}

static void print_sum(const unsigned int nr_found[static CHECK_NR_SEVERITIES])
{
	if (nr_found[CHECK_BLOCKS])
		printf("\nhemem-ctl cannot tier here: see what blocks, above\n");
	else if (nr_found[CHECK_HARMS])
		printf("\nhemem-ctl can tier here, but not at its best\n");
	else
		printf("all is well: hemem-ctl can tier here\n");
}

static int run_check(const struct options *opts)
{
	const struct check_machine machine = {
		.sysroot = "", .assist = ask_module, .sample = perf_try, .target = opts->pid,
		.fast = opts->fast, .slow = opts->slow,
	};
	unsigned int nr_found[CHECK_NR_SEVERITIES] = { 0 };
	json_t *array = json_array();
	struct finding finding;
	size_t nr, i;

	finding.row = check_rows(&nr);
	for (i = 0; i < nr; i++, finding.row++) {
		finding.detail[0] = '\0';
		finding.answer = finding.row->probe(&machine, finding.detail);
		nr_found[finding.row->severity] += finding.answer == CHECK_FOUND;
		json_array_append_new(array, json_of(&finding));
		if (!opts->json)
			print_text(&finding, opts->verbose);
	}
	if (opts->json)
		report_json(stdout, json_pack("{sb sb sO}", "can_tier", !nr_found[CHECK_BLOCKS],
					      "fine", !nr_found[CHECK_BLOCKS] && !nr_found[CHECK_HARMS],
					      "checks", array));
	else
		print_sum(nr_found);
	json_decref(array);
	return nr_found[CHECK_BLOCKS] || nr_found[CHECK_HARMS] ? EXIT_FOUND : EXIT_FINE;
}

const struct command cmd_check = {
	.name = "check",
	.args = "[PID]",
	.help = "say what this machine lacks or what is in the way, with the remedy",
	.about = "Looks at kernel, module, nodes, rights and at others who move memory, and, if PID is given, at that process. What blocks makes attach fail, what harms makes it work worse, a note is good to know. Changes nothing. --verbose shows what is fine too.",
	.bit = COMMAND_CHECK,
	.operand = OPERAND_PID_OPTIONAL,
	.run = run_check,
};
