/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mover.h - who carries a plan out
 */
#ifndef HEMEM_MOVER_H
#define HEMEM_MOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "plan.h"
#include "tier.h"

struct assist;

/**
 * struct mover_context - what a mover works with
 * @pid: the target
 * @assist: the attached module; NULL: there is none
 * @tiers: to turn node indexes into node numbers
 */
struct mover_context {
	pid_t pid;
	struct assist *assist;
	const struct tier_set *tiers;
};

/**
 * struct mover - one way to move pages
 * @name: for --mover
 * @help: one line
 * @needs_assist: it works through the module
 * @send: try every move of the plan, in its order, and set its status.
 *	Return: 0, however many were refused; -ESRCH: the target's memory is
 *	gone; or another -errno: the mover itself does not work.  Moves that
 *	were not tried are HEMEM_ASSIST_UNTRIED then.
 */
struct mover {
	const char *name;
	const char *help;
	bool needs_assist;
	int (*send)(const struct mover_context *context, struct plan *plan);
};

extern const struct mover mover_assist;
extern const struct mover mover_numa;
extern const struct mover mover_dry;

/** mover_table - all of them, NULL at the end */
extern const struct mover *const mover_table[];

/**
 * mover_find() - by name
 * @name: a name, or "auto": assist if there is a module, else numa
 * @has_assist: is there a module?
 *
 * Return: NULL: no such mover.
 */
const struct mover *mover_find(const char *name, bool has_assist);

#endif /* HEMEM_MOVER_H */
