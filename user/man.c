// SPDX-License-Identifier: GPL-2.0
/*
 * man.c - the man page
 *
 * Owns the prose around the tables: commands, options, counters and checks
 * describe themselves.
 */
#include "check.h"
#include "command.h"
#include "man.h"
#include "options.h"
#include "report.h"

static const char description[] =
	".SH DESCRIPTION\n"
	"hemem\\-ctl tiers the memory of running programs on machines that have fast and slow\n"
	"memory as NUMA nodes: it finds out which pages of a process, the\n"
	".IR target ,\n"
	"are hot, and moves them to the fast tier and others to the slow one.\n"
	"The program is not changed, restarted or stopped.\n"
	".PP\n"
	"The module\n"
	".I hemem_assist.ko\n"
	"reads the accessed bits and moves the pages; hemem\\-ctl decides.\n"
	"A tier is a set of nodes; those with CPUs are fast unless\n"
	".B \\-\\-fast\n"
	"says otherwise.\n"
	"One controller at a time may be attached to a target.\n";

static const char rest[] =
	".SH EXIT STATUS\n"
	".TP\n.B 0\nAll went well.\n"
	".TP\n.B 1\nThe command ran and found something, or failed; standard error says what.\n"
	".TP\n.B 2\nThe command line was not understood; nothing was done.\n"
	".PP\n"
	".B run\nexits as its program does, with 128 + the signal's number if a signal ended it,\n"
	"127 if there is no such program and 126 if it cannot be executed.\n"
	".SH SIGNALS\n"
	"SIGINT (Ctrl\\-C), SIGTERM and SIGHUP make\n.B attach\ndetach in good order.\n"
	"After SIGKILL the target is left just as well: the kernel closes /dev/hemem.\n"
	".B run\nhands signals on to its program.\n"
	".SH ENVIRONMENT\n"
	".TP\n.B HEMEM_RUNDIR\nFolder to use instead of /run/hemem.\n"
	".TP\n.B XDG_RUNTIME_DIR\nFor users other than root: the folder is hemem in there, or\n"
	"/tmp/hemem\\-UID where it is not set.\n"
	".TP\n.B HEMEM_DEBUG\nIf set, libbpf says on standard error what it does.\n"
	".SH FILES\n"
	".TP\n.I /dev/hemem\nThe module.\n"
	".TP\n.I /run/hemem/PID.lock\nWho controls process PID; locked as long as that is so.\n"
	".TP\n.I /run/hemem/PID.sock\nWhere that controller can be asked; only by its own user and root.\n"
	".TP\n.I /sys/class/misc/hemem/\nCounters of the module.\n"
	".SH EXAMPLES\n"
	"What does this machine lack?\n.PP\n.RS\n.EX\nhemem\\-ctl check\n.EE\n.RE\n.PP\n"
	"Tier a running redis, with at most 4 GiB of it on the fast tier:\n.PP\n.RS\n.EX\n"
	"hemem\\-ctl attach \\-\\-fast\\-limit 4G $(pidof redis\\-server)\n.EE\n.RE\n.PP\n"
	"The same in the background, and how it is doing:\n.PP\n.RS\n.EX\n"
	"hemem\\-ctl attach \\-\\-daemon $(pidof redis\\-server)\n"
	"hemem\\-ctl status $(pidof redis\\-server)\n"
	"hemem\\-ctl detach $(pidof redis\\-server)\n.EE\n.RE\n.PP\n"
	"Start a program on node 0 as the fast and node 2 as the slow tier:\n.PP\n.RS\n.EX\n"
	"hemem\\-ctl run \\-\\-fast 0 \\-\\-slow 2 \\-\\- ./program \\-\\-its\\-option\n.EE\n.RE\n.PP\n"
	"What would be moved? Nothing is:\n.PP\n.RS\n.EX\n"
	"hemem\\-ctl attach \\-\\-mover dry 4711\n.EE\n.RE\n"
	".SH SEE ALSO\n"
	".BR move_pages (2),\n.BR numactl (8),\n.BR numastat (8),\n.BR daxctl\\-reconfigure\\-device (1)\n";

static void print_commands(FILE *out, const struct command *const *commands)
{
	const struct command *const *command;

	fprintf(out, ".SH SYNOPSIS\n");
	for (command = commands; *command; command++) {
		fprintf(out, "%s.B hemem\\-ctl %s\n.RI [ OPTION ...]\n",
			command == commands ? "" : ".br\n", (*command)->name);
		report_roff(out, (*command)->args);
		fprintf(out, "\n");
	}
	fputs(description, out);
	fprintf(out, ".SH COMMANDS\n");
	for (command = commands; *command; command++) {
		fprintf(out, ".TP\n.B ");
		report_roff(out, (*command)->name);
		fprintf(out, " ");
		report_roff(out, (*command)->args);
		fprintf(out, "\n");
		report_roff(out, (*command)->about);
		fprintf(out, "\n");
	}
}

static void print_checks(FILE *out)
{
	const struct check_row *row;
	size_t nr, i;

	fprintf(out, ".SH CHECKS\nWhat\n.B check\nlooks at, how bad it is when it finds something, and the remedy.\n");
	row = check_rows(&nr);
	for (i = 0; i < nr; i++, row++) {
		fprintf(out, ".TP\n.B ");
		report_roff(out, row->id);
		fprintf(out, "\n");
		report_roff(out, row->question);
		fprintf(out, " (%s). ", check_severity_name(row->severity));
		report_roff(out, row->remedy);
		fprintf(out, ".\n");
	}
}

void man_print(FILE *out, const struct command *const *commands)
{
	fprintf(out, ".\\\" Made by hemem-ctl --help=man out of its own tables\n");
	fprintf(out, ".TH HEMEM\\-CTL 8 \"\" \"hemem %s\" \"System Administration\"\n", HEMEM_VERSION);
	fprintf(out, ".SH NAME\nhemem\\-ctl \\- move the hot memory of running programs to the fast tier\n");
	print_commands(out, commands);
	options_man(out, commands);
	fprintf(out, ".SH COUNTERS\nWhat\n.B status\nshows. With\n.B \\-\\-json\nthe names are the same; bytes without limit are null.\n");
	report_stats_roff(out);
	print_checks(out);
	fputs(rest, out);
}
