// SPDX-License-Identifier: GPL-2.0
/*
 * mark - make a mark for the meter
 *
 *   mark on|off                     the model runs, or instructions are counted only
 *   mark phase N                    from now on phase N (tools/meter/mark.h)
 *   mark target PID                 count the pages of this process for the oracle; 0: nobody's
 *   mark report N                   write what was counted to FILE.N, and count from 0 again
 *
 * A mark in a program is one line of C; this is for scripts.  Without the meter it does nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../mark.h"

static int usage(void)
{
	fputs("usage: mark on | off | phase N | target PID | report N\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	char *end = "";
	unsigned long number = argc > 2 ? strtoul(argv[2], &end, 10) : 0;

	if (argc > 3 || *end || (argc > 2 && !*argv[2]))
		return usage();
	if (argc == 2 && !strcmp(what, "on"))
		METER_MARK(METER_MARK_ON, 0);
	else if (argc == 2 && !strcmp(what, "off"))
		METER_MARK(METER_MARK_OFF, 0);
	else if (argc == 3 && !strcmp(what, "phase"))
		meter_mark_phase(number);
	else if (argc == 3 && !strcmp(what, "target"))
		METER_MARK(METER_MARK_TARGET, number);
	else if (argc == 3 && !strcmp(what, "report"))
		METER_MARK(METER_MARK_REPORT, number);
	else
		return usage();
	return 0;
}
