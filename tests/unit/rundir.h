/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rundir.h - a run folder of its own for a test of controllers: include after unit.h
 */
#ifndef HEMEM_RUNDIR_H
#define HEMEM_RUNDIR_H

#include <stdio.h>
#include <stdlib.h>

static char dir[64];

static int rundir_make(void **state UNUSED)
{
	snprintf(dir, sizeof(dir), "/tmp/hemem-rundir-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	return setenv("HEMEM_RUNDIR", dir, 1);
}

static int rundir_remove(void **state UNUSED)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

#endif /* HEMEM_RUNDIR_H */
