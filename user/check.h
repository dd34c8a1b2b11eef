/* SPDX-License-Identifier: GPL-2.0 */
/*
 * check.h - what the machine lacks or what is in the way, with the remedy
 */
#ifndef HEMEM_CHECK_H
#define HEMEM_CHECK_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct bitmask;			/* libnuma's */
struct event;
struct hemem_assist_info;
struct perf_trial;

#define CHECK_DETAIL_BYTES	512

/**
 * struct check_machine - the machine that is looked at
 * @sysroot: "" for this one, or a folder that holds proc/ and sys/ of another
 * @assist: asks the module who it is; 0 or -errno of assist_open()
 * @sample: opens an event and samples a loop; as perf_try()
 * @target: the process that is to be attached; 0: none in particular
 * @fast: nodes of the fast tier as the user gave them; NULL: not given
 * @slow: the same of the slow tier
 */
struct check_machine {
	const char *sysroot;
	int (*assist)(struct hemem_assist_info *ret_info);
	int (*sample)(const struct event *event, struct perf_trial *ret_trial);
	pid_t target;
	const struct bitmask *fast, *slow;
};

/**
 * enum check_severity - how bad it is when the row finds something
 * @CHECK_BLOCKS: attach cannot work
 * @CHECK_HARMS: it works, but worse than it could
 * @CHECK_NOTE: good to know; does not change the exit status
 */
enum check_severity {
	CHECK_BLOCKS,
	CHECK_HARMS,
	CHECK_NOTE,
	CHECK_NR_SEVERITIES,
};

/**
 * enum check_answer - what a probe says
 * @CHECK_FINE: nothing is wrong
 * @CHECK_FOUND: something is; see the detail
 * @CHECK_NOT_ASKED: the question makes no sense here: there is no such thing on
 *	this kernel, or another row has to be fine first
 */
enum check_answer {
	CHECK_FINE,
	CHECK_FOUND,
	CHECK_NOT_ASKED,
};

/**
 * struct check_row - one thing to look at
 * @id: its name, for scripts
 * @severity: how bad it is
 * @question: what is looked at, a noun phrase
 * @remedy: what to do about it
 * @probe: looks.  Writes what it saw, one sentence without full stop.
 */
struct check_row {
	const char *id;
	enum check_severity severity;
	const char *question;
	const char *remedy;
	enum check_answer (*probe)(const struct check_machine *machine,
				   char detail[static CHECK_DETAIL_BYTES]);
};

/** check_rows() - the table */
const struct check_row *check_rows(size_t *ret_nr);

/** check_find() - the row of that id, or NULL */
const struct check_row *check_find(const char *id);

/** check_severity_name() - "blocks", "harms" or "note" */
const char *check_severity_name(enum check_severity severity);

#endif /* HEMEM_CHECK_H */
