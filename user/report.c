// SPDX-License-Identifier: GPL-2.0
/*
 * report.c - numbers and sentences as text, JSON and roff
 *
 * Owns how things look.  Every counter comes out of the one walk over
 * stats_rows, so a new row shows up in text, JSON and man page by itself.
 *
 * Example: 1610612736 "bytes" is shown as "1.50 GiB", 12345678 "ns" as
 * "12.3 ms", 9731 "bp" as "97.3%".
 */
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "report.h"
#include "stats.h"

static const char *scaled(char text[static REPORT_NUMBER_BYTES], uint64_t number,
			  unsigned int step, const char *const *units)
{
	double value = (double)number;

	/* 1023.96 would be printed as 1024 of the smaller unit. */
	while (units[1] && value >= step - 0.5) {
		value /= step;
		units++;
	}
	snprintf(text, REPORT_NUMBER_BYTES, "%.*f %s",
		 value == (double)number ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0, value, *units);
	return text;
}

const char *report_number(char text[static REPORT_NUMBER_BYTES], uint64_t number,
			  const char *unit)
{
	static const char *const bytes[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", NULL };
	static const char *const ns[] = { "ns", "us", "ms", "s", NULL };

	if (!strcmp(unit, "bytes") && number == UINT64_MAX)
		return strcpy(text, "no limit");
	if (!strcmp(unit, "bytes"))
		return scaled(text, number, 1024, bytes);
	if (!strcmp(unit, "ns"))
		return scaled(text, number, 1000, ns);
	if (!strcmp(unit, "bp"))
		snprintf(text, REPORT_NUMBER_BYTES, "%.1f%%", (double)number / 100);
	else
		snprintf(text, REPORT_NUMBER_BYTES, "%" PRIu64, number);
	return text;
}

void report_stats(FILE *out, const struct stats *stats)
{
	char text[REPORT_NUMBER_BYTES];
	size_t i;

	for (i = 0; i < stats_nr_rows; i++) {
		fprintf(out, "%12s  %-21s ",
			report_number(text, stats_get(stats, &stats_rows[i]), stats_rows[i].unit),
			stats_rows[i].name);
		report_wrap(out, stats_rows[i].definition, 36, 100);
	}
}

/* JSON has no unsigned 64-bit numbers; "no limit" is null. */
static json_t *json_of(uint64_t number)
{
	return number > INT64_MAX ? json_null() : json_integer((json_int_t)number);
}

struct json_t *report_stats_json(const struct stats *stats)
{
	json_t *json = json_object();
	size_t i;

	for (i = 0; i < stats_nr_rows; i++)
		json_object_set_new(json, stats_rows[i].name,
				    json_of(stats_get(stats, &stats_rows[i])));
	return json;
}

void report_stats_from_json(const struct json_t *json, struct stats *ret_stats)
{
	const json_t *value;
	size_t i;

	memset(ret_stats, 0, sizeof(*ret_stats));
	for (i = 0; i < stats_nr_rows; i++) {
		value = json_object_get(json, stats_rows[i].name);
		*(uint64_t *)((char *)ret_stats + stats_rows[i].offset) =
			json_is_null(value) ? UINT64_MAX : (uint64_t)json_integer_value(value);
	}
}

void report_stats_roff(FILE *out)
{
	size_t i;

	for (i = 0; i < stats_nr_rows; i++) {
		fprintf(out, ".TP\n.BR %s \" (%s, %s)\"\n", stats_rows[i].name,
			stats_rows[i].unit,
			stats_rows[i].kind == STATS_COUNT ? "since attach" : "now");
		report_roff(out, stats_rows[i].definition);
		fprintf(out, "\n");
	}
}

static uint64_t share_bp(uint64_t part, uint64_t rest)
{
	/* In floating point, so that nothing overflows; 0.01% is all we show. */
	return part + rest ? (uint64_t)(1e4 * (double)part / (double)(part + rest)) : 0;
}

void report_progress(FILE *out, const struct stats *now, const struct stats *before,
		     uint64_t interval_ns)
{
	char hot[REPORT_NUMBER_BYTES], fast[REPORT_NUMBER_BYTES], share[REPORT_NUMBER_BYTES];
	char up[REPORT_NUMBER_BYTES], down[REPORT_NUMBER_BYTES], all[REPORT_NUMBER_BYTES];
	double per_s = interval_ns ? 1e9 / (double)interval_ns : 0;
	uint64_t hot_bytes = now->hot_fast_bytes + now->hot_slow_bytes;
	const char *waiting = NULL;

	if (now->promoted_bytes == before->promoted_bytes)
		waiting = stats_waiting(now);
	fprintf(out, "hot %9s, %6s of it fast | fast %9s of %9s | to fast %9s/s, to slow %9s/s%s%s\n",
		report_number(hot, hot_bytes, "bytes"),
		hot_bytes ? report_number(share, share_bp(now->hot_fast_bytes, now->hot_slow_bytes),
					  "bp") : "-",
		report_number(fast, now->target_fast_bytes, "bytes"),
		report_number(all, now->target_fast_bytes + now->target_slow_bytes, "bytes"),
		report_number(up, (uint64_t)(per_s * (double)(now->promoted_bytes -
							     before->promoted_bytes)), "bytes"),
		report_number(down, (uint64_t)(per_s * (double)(now->demoted_bytes -
							       before->demoted_bytes)), "bytes"),
		waiting ? " | waits: " : "", waiting ? waiting : "");
	fflush(out);
}

static void summary_row(FILE *out, const char *what, uint64_t first_fast, uint64_t first_slow,
			uint64_t last_fast, uint64_t last_slow)
{
	char a[REPORT_NUMBER_BYTES], b[REPORT_NUMBER_BYTES], c[REPORT_NUMBER_BYTES];
	char d[REPORT_NUMBER_BYTES], e[REPORT_NUMBER_BYTES], f[REPORT_NUMBER_BYTES];

	fprintf(out, "%-12s %10s of %10s %7s  %10s of %10s %7s\n", what,
		report_number(a, first_fast, "bytes"),
		report_number(b, first_fast + first_slow, "bytes"),
		report_number(c, share_bp(first_fast, first_slow), "bp"),
		report_number(d, last_fast, "bytes"),
		report_number(e, last_fast + last_slow, "bytes"),
		report_number(f, share_bp(last_fast, last_slow), "bp"));
}

/* moves_<status> and bytes_<status> of the table, where there were any. */
static void summary_moves(FILE *out, const struct stats *last)
{
	char text[REPORT_NUMBER_BYTES];
	const char *status;
	size_t i, bytes;

	for (i = 0; i < stats_nr_rows; i++) {
		if (strncmp(stats_rows[i].name, "moves_", 6) ||
		    !stats_get(last, &stats_rows[i]))
			continue;
		status = stats_rows[i].name + 6;
		for (bytes = 0; bytes < stats_nr_rows; bytes++)
			if (!strncmp(stats_rows[bytes].name, "bytes_", 6) &&
			    !strcmp(stats_rows[bytes].name + 6, status))
				break;
		fprintf(out, "%12" PRIu64 "  %10s  %-10s ", stats_get(last, &stats_rows[i]),
			bytes < stats_nr_rows ?
			report_number(text, stats_get(last, &stats_rows[bytes]), "bytes") : "",
			status);
		report_wrap(out, stats_rows[i].definition, 37, 100);
	}
}

/*
 * Which pages are hot is not known at attach, so "before" is the moment when the
 * first hot page was known, and what had moved by then is said.
 */
static void summary_tiers(FILE *out, const struct stats *first, uint64_t first_ns,
			  const struct stats *last)
{
	char when[REPORT_NUMBER_BYTES], moved[REPORT_NUMBER_BYTES];

	fprintf(out, "\n%-12s %-34s %s\n", "on the fast tier", "before", "at the end");
	summary_row(out, "hot bytes", first->hot_fast_bytes, first->hot_slow_bytes,
		    last->hot_fast_bytes, last->hot_slow_bytes);
	summary_row(out, "all bytes", first->target_fast_bytes, first->target_slow_bytes,
		    last->target_fast_bytes, last->target_slow_bytes);
	fprintf(out, "(before: %s after attach, when the first hot page was known; %s had moved by then)\n",
		report_number(when, first_ns, "ns"),
		report_number(moved, first->bytes_moved, "bytes"));
}

void report_summary(FILE *out, const struct stats *first, uint64_t first_ns,
		    const struct stats *last, const char *mover)
{
	char up[REPORT_NUMBER_BYTES], down[REPORT_NUMBER_BYTES];

	if (first)
		summary_tiers(out, first, first_ns, last);
	else
		fprintf(out, "\nno page was found hot\n");
	fprintf(out, "moved to the fast tier: %s, to the slow tier: %s; mover: %s\n",
		report_number(up, last->promoted_bytes, "bytes"),
		report_number(down, last->demoted_bytes, "bytes"), mover);
	fprintf(out, "\n%12s  %10s  what became of them\n", "moves", "bytes");
	summary_moves(out, last);
	if (!last->moves_planned)
		fprintf(out, "%12d  %10s  nothing was planned\n", 0, "0 B");
	if (!stats_add_up(last))
		fprintf(out, "BUG: these counts do not add up\n");
	fflush(out);
}

void report_json(FILE *out, struct json_t *json)
{
	json_dumpf(json, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	fputc('\n', out);
	fflush(out);
	json_decref(json);
}

void report_wrap(FILE *out, const char *text, int indent, int width)
{
	int column = indent;
	size_t length;

	while (*text) {
		length = strcspn(text, " ");
		if (column > indent && column + 1 + (int)length > width) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, length, out);
		column += (int)length;
		text += length;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

void report_roff(FILE *out, const char *text)
{
	/* A dot or quote is only a request at the beginning of a line. */
	if (*text == '.' || *text == '\'')
		fputs("\\&", out);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
	}
}
