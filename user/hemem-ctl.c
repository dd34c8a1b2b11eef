// SPDX-License-Identifier: GPL-2.0
/*
 * hemem-ctl.c - the list of commands
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "man.h"
#include "options.h"

const struct command *const commands[] = {
	&cmd_attach,
	&cmd_run,
	&cmd_status,
	&cmd_detach,
	&cmd_check,
	&cmd_record,
	&cmd_report,
	&cmd_replay,
	&cmd_explain,
	&cmd_generate,
	NULL
};

static int help(FILE *out, int status)
{
	const struct command *const *command;

	fprintf(out, "usage: hemem-ctl COMMAND [OPTION...] [ARGUMENT...]\n\n");
	for (command = commands; *command; command++)
		fprintf(out, "  %-8s %-26s %s\n", (*command)->name, (*command)->args,
			(*command)->help);
	fprintf(out, "\nhemem-ctl COMMAND --help lists the options, hemem-ctl(8) says more.\n");
	return status;
}

static int bad(const char *error)
{
	fprintf(stderr, "hemem-ctl: %s\n", error ? error : "no memory");
	return EXIT_USAGE;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct options opts;
	char *error = NULL;
	int status = EXIT_FINE;

	options_init(&opts);
	switch (options_parse(command, argc, argv, &opts, &error)) {
	case OPTIONS_RUN:
		status = command->run(&opts);
		break;
	case OPTIONS_HELP:
		options_help(stdout, command);
		break;
	case OPTIONS_BAD:
		status = bad(error);
		break;
	}
	free(error);
	options_exit(&opts);
	return status;
}

int main(int argc, char **argv)
{
	const struct command *const *command;
	const char *word = argc > 1 ? argv[1] : "";

	if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help"))
		return help(stdout, EXIT_FINE);
	if (!strcmp(word, "--help=man")) {
		man_print(stdout, commands);
		return EXIT_FINE;
	}
	if (!strcmp(word, "--version")) {
		printf("hemem-ctl %s\n", HEMEM_VERSION);
		return EXIT_FINE;
	}
	for (command = commands; *command; command++)
		if (!strcmp(word, (*command)->name))
			return run(*command, argc - 1, argv + 1);
	if (argc > 1)
		fprintf(stderr, "hemem-ctl: there is no command '%s'\n", word);
	return help(stderr, EXIT_USAGE);
}
