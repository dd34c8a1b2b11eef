// SPDX-License-Identifier: GPL-2.0
/*
 * report.c - what a run has found, as text and as JSON
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "actor.h"
#include "board.h"
#include "report.h"

static unsigned int nr_told(void)
{
	uint64_t nr = board->nr_violations;

	return nr < BOARD_VIOLATIONS ? (unsigned int)nr : BOARD_VIOLATIONS;
}

static uint64_t moves_of(const struct mover_counts *counts)
{
	return counts->base_moves + counts->huge_moves;
}

void report_print_skipped(const struct report *report)
{
	unsigned int i;

	for (i = 0; i < actor_count(); i++)
		if (report->lacks[i])
			printf("skipped: %s: %s\n", actors[i]->name, report->lacks[i]);
}

static void print_actors(const struct report *report)
{
	unsigned int i;

	for (i = 0; i < actor_count(); i++) {
		if (!(report->chosen >> i & 1))
			continue;
		printf("%-10s steps=%" PRIu64 " checks=%" PRIu64 " cpu_ms=%" PRIu64,
		       actors[i]->name, board->steps[i], board->checks[i],
		       board->cpu_us[i] / 1000);
		if (actors[i]->extra)
			printf(" %s=%" PRIu64, actors[i]->extra, board->extra[i]);
		putchar('\n');
	}
}

static void print_answers(const struct mover_counts *counts)
{
	unsigned int i;

	printf("mover     ");
	for (i = 0; i < HEMEM_ASSIST_NR_STATUS; i++)
		if (counts->entries[i])
			printf(" %s=%" PRIu64, dev_status_name(i), counts->entries[i]);
	printf(" batches=%" PRIu64 " cpu_ms=%" PRIu64 "\n", counts->batches,
	       counts->cpu_us / 1000);
}

static void print_violations(void)
{
	unsigned int i;

	for (i = 0; i < nr_told(); i++) {
		const struct board_violation *violation = &board->violations[i];

		printf("violation: %s: not so: %s: addr=%#" PRIx64 " expected=%#" PRIx64
		       " seen=%#" PRIx64 " after moves=%" PRIu64 " tid=%d\n",
		       violation->actor, violation->check, violation->addr,
		       violation->expected, violation->seen, violation->moves,
		       violation->tid);
	}
	if (board->nr_violations > nr_told())
		printf("violation: and %" PRIu64 " more\n",
		       board->nr_violations - nr_told());
}

void report_print(const struct report *report)
{
	const struct mover_counts *counts = &report->counts;

	report_print_skipped(report);
	print_actors(report);
	print_answers(counts);
	print_violations();
	printf("base_moves=%" PRIu64 " huge_moves=%" PRIu64 " mib=%" PRIu64
	       " seconds=%.1f moves_per_s=%.0f seed=%" PRIu64 "\n",
	       counts->base_moves, counts->huge_moves, counts->bytes >> 20,
	       report->seconds,
	       (double)moves_of(counts) / report->seconds, report->options->seed);
	printf("moves=%" PRIu64 " violations=%" PRIu64 "\n", moves_of(counts),
	       board->nr_violations);
}

/* --- JSON ------------------------------------------------------------------ */

static json_t *json_of_actor(const struct report *report, unsigned int i)
{
	json_t *json = json_pack("{s:s, s:I, s:I, s:I}", "name", actors[i]->name,
				 "steps", (json_int_t)board->steps[i],
				 "checks", (json_int_t)board->checks[i],
				 "cpu_us", (json_int_t)board->cpu_us[i]);

	if (report->lacks[i])
		json_object_set_new(json, "skipped", json_string(report->lacks[i]));
	if (actors[i]->extra)
		json_object_set_new(json, actors[i]->extra,
				    json_integer((json_int_t)board->extra[i]));
	return json;
}

static json_t *json_of_violation(const struct board_violation *violation)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "actor", violation->actor,
			 "check", violation->check, "addr", (json_int_t)violation->addr,
			 "expected", (json_int_t)violation->expected, "seen",
			 (json_int_t)violation->seen, "moves",
			 (json_int_t)violation->moves);
}

int report_write_json(const struct report *report, const char *path)
{
	const struct mover_counts *counts = &report->counts;
	json_t *list = json_array(), *violations = json_array(), *answers = json_object();
	json_t *json;
	unsigned int i;
	int err;

	for (i = 0; i < actor_count(); i++)
		if (report->chosen >> i & 1 || report->lacks[i])
			json_array_append_new(list, json_of_actor(report, i));
	for (i = 0; i < nr_told(); i++)
		json_array_append_new(violations, json_of_violation(&board->violations[i]));
	for (i = 0; i < HEMEM_ASSIST_NR_STATUS; i++)
		json_object_set_new(answers, dev_status_name(i),
				    json_integer((json_int_t)counts->entries[i]));
	json = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:o, s:o, s:o}",
			 "moves", (json_int_t)moves_of(counts),
			 "base_moves", (json_int_t)counts->base_moves,
			 "huge_moves", (json_int_t)counts->huge_moves,
			 "bytes", (json_int_t)counts->bytes,
			 "batches", (json_int_t)counts->batches,
			 "cpu_us", (json_int_t)counts->cpu_us,
			 "seconds", report->seconds,
			 "seed", (json_int_t)report->options->seed,
			 "violations", (json_int_t)board->nr_violations,
			 "answers", answers, "actors", list, "told", violations);
	err = json && !json_dump_file(json, path, JSON_INDENT(1)) ? 0 : -EIO;
	json_decref(json);
	return err;
}
