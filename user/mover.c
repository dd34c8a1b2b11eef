// SPDX-License-Identifier: GPL-2.0
/*
 * mover.c - the table of movers
 */
#include <string.h>

#include "mover.h"

const struct mover *const mover_table[] = {
	&mover_assist,
	&mover_numa,
	&mover_dry,
	NULL,
};

const struct mover *mover_find(const char *name, bool has_assist)
{
	const struct mover *const *mover;

	if (!strcmp(name, "auto"))
		return has_assist ? &mover_assist : &mover_numa;
	for (mover = mover_table; *mover; mover++)
		if (!strcmp(name, (*mover)->name))
			return *mover;
	return NULL;
}
