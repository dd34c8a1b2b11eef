/* SPDX-License-Identifier: GPL-2.0 */
/*
 * report.h - what a run has found, as text and as JSON
 */
#ifndef REPORT_H
#define REPORT_H

#include "mover.h"
#include "options.h"

/**
 * struct report - a run
 * @options: what was asked for
 * @counts: of the movers
 * @chosen: the actors that took part
 * @lacks: by actor, why it did not; NULL: it did, or was not asked for
 * @seconds: from the start of the threads to the end
 */
struct report {
	const struct options *options;
	struct mover_counts counts;
	uint64_t chosen;
	const char *lacks[64];
	double seconds;
};

/* Only what did not take part, and why. */
void report_print_skipped(const struct report *report);

void report_print(const struct report *report);

/* 0 or -errno. */
int report_write_json(const struct report *report, const char *path);

#endif /* REPORT_H */
