/* SPDX-License-Identifier: GPL-2.0 */
/*
 * report.h - numbers and sentences as text, JSON and roff
 */
#ifndef HEMEM_REPORT_H
#define HEMEM_REPORT_H

#include <stdint.h>
#include <stdio.h>

struct json_t;		/* jansson's */
struct stats;

#define REPORT_NUMBER_BYTES	24	/* room for any report_number() */

/**
 * report_number() - a number for people
 * @text: gets it, e.g. "1.5 GiB", "12.0 ms", "12345 pages"
 * @number: the number
 * @unit: "bytes" and "ns" are scaled, 2^64-1 bytes is "no limit", "bp" becomes
 *	percent; others are left as they are
 *
 * Return: @text.
 */
const char *report_number(char text[static REPORT_NUMBER_BYTES], uint64_t number,
			  const char *unit);

/** report_stats() - every row of the stats table: value, name, definition */
void report_stats(FILE *out, const struct stats *stats);

/** report_stats_json() - { name: value, ... }, as a new reference */
struct json_t *report_stats_json(const struct stats *stats);

/**
 * report_stats_from_json() - the reverse of report_stats_json()
 * @json: may be NULL, or lack rows when it comes from another version
 * @ret_stats: overwritten; what @json lacks is 0
 */
void report_stats_from_json(const struct json_t *json, struct stats *ret_stats);

/** report_stats_roff() - the stats table as a section of the man page */
void report_stats_roff(FILE *out);

/**
 * report_progress() - one line: where the hot bytes are, what moved since, and if nothing
 * was promoted, why
 * @out: where to
 * @now: the counters
 * @before: the counters at the last line
 * @interval_ns: time between the two
 */
void report_progress(FILE *out, const struct stats *now, const struct stats *before,
		     uint64_t interval_ns);

/**
 * report_summary() - the table at the end of an attach
 * @out: where to
 * @first: the counters when the first hot page was known; NULL: none ever was
 * @first_ns: when that was, since attach
 * @last: the counters at the end
 * @mover: name of the mover in effect
 */
void report_summary(FILE *out, const struct stats *first, uint64_t first_ns,
		    const struct stats *last, const char *mover);

/** report_json() - print a document and a newline, and drop the reference */
void report_json(FILE *out, struct json_t *json);

/**
 * report_wrap() - a paragraph and a newline, broken at blanks
 * @text: the paragraph
 * @indent: column of the first letter; later lines are indented to it
 * @width: no line is longer, unless one word is
 */
void report_wrap(FILE *out, const char *text, int indent, int width);

/** report_roff() - text with what roff would take for its own escaped */
void report_roff(FILE *out, const char *text);

#endif /* HEMEM_REPORT_H */
