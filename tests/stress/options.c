// SPDX-License-Identifier: GPL-2.0
/*
 * options.c - what was asked for
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor.h"
#include "options.h"
#include "plant.h"

enum { EXIT_USAGE = 2 };

static void help(void);
static void list(void);
static void controls(void);

/* One row an option: its word, its value in the help, what it does. */
static const struct row {
	const char *name, *value, *help;
	void (*print)(void);		/* instead of a run */
} rows[] = {
	{ "actors", "A,B,...", "only these; --list names them (default: all)", NULL },
	{ "without", "A,B,...", "not these", NULL },
	{ "seconds", "N", "end after N seconds (default: 30 where there is no --moves)", NULL },
	{ "moves", "N", "end after N page moves; a huge page counts once", NULL },
	{ "seed", "N", "of all dice (default: 1)", NULL },
	{ "movers", "N", "threads that move, 1 to 8 (default: 2)", NULL },
	{ "mover", "WHO", "hemem, move_pages or none (default: hemem)", NULL },
	{ "plant", "WHAT", "let something go wrong: flip:ACTOR, old:ACTOR, clean:dirty,\n"
	  "\t\t\t      open:uffd, leak, rss or split (plant.h says what they are)", NULL },
	{ "expect-violation", NULL, "exit 0 only if a violation was seen, and then at once", NULL },
	{ "json", "FILE", "the report as JSON, too", NULL },
	{ "list", NULL, "print each actor and the hazard it is for", list },
	{ "controls", NULL, "print options that must end in a violation, a line each", controls },
	{ "help", NULL, "this", help },
};
enum { NR_ROWS = sizeof(rows) / sizeof(rows[0]) };

static void help(void)
{
	unsigned int i;

	puts("usage: stress [OPTION...]\n\n"
	     "Moves the memory of a process between two nodes while its threads, the kernel and\n"
	     "other processes do everything to it that may be done, and checks what is in it.\n"
	     "Needs root. tests/stress/run prepares the machine for it.\n");
	for (i = 0; i < NR_ROWS; i++)
		printf("  --%-16s %-8s %s\n", rows[i].name, rows[i].value ?: "", rows[i].help);
	puts("\nExit status: 0 no violation; 1 violations, each told; 2 usage; 3 it could not run;\n"
	     "4 this kernel lacks what every actor needs.");
}

static void list(void)
{
	unsigned int i;

	for (i = 0; i < actor_count(); i++)
		printf("%-10s %s\n", actors[i]->name, actors[i]->hazard);
}

/* For every check one thing that goes wrong.  "traced" needs who writes its memory. */
static void controls(void)
{
	unsigned int i;

	for (i = 0; i < actor_count(); i++) {
		const char *name = actors[i]->name;
		const char *with = strcmp(name, "traced") ? "" : ",tracer";

		if (actors[i]->nr_base || !strncmp(name, "ex", 2))
			printf("--actors %s%s --plant flip:%s\n", name, with, name);
		if (actors[i]->nr_base)
			printf("--actors %s%s --plant old:%s\n", name, with, name);
	}
	puts("--actors dirty --plant clean:dirty\n"
	     "--actors uffd --plant open:uffd\n"
	     "--actors count --plant leak --seconds 2\n"
	     "--actors count --plant rss --seconds 2\n"
	     "--actors count --plant split --seconds 2");
}

static void __attribute__((noreturn)) wrong(const char *what, const char *value)
{
	fprintf(stderr, "stress: %s %s? See --help\n", what, value);
	exit(EXIT_USAGE);
}

static uint64_t parse_number(const char *text, uint64_t min, uint64_t max)
{
	char *end;
	uint64_t number = strtoull(text, &end, 10);

	if (end == text || *end || *text == '-' || number < min || number > max)
		wrong("what number is", text);
	return number;
}

static uint64_t parse_actors(const char *text)
{
	uint64_t set = 0;
	int number;

	while (*text) {
		size_t length = strcspn(text, ",");

		number = actor_find(text, length);
		if (number < 0)
			wrong("which actor is", text);
		set |= 1ULL << number;
		text += length + (text[length] == ',');
	}
	return set;
}

static enum mover_kind parse_mover(const char *text)
{
	static const char *const names[] = { "hemem", "move_pages", "none", NULL };
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(text, names[i]))
			return (enum mover_kind)i;
	wrong("who is mover", text);
}

static void set(struct options *options, const char *name, const char *value)
{
	if (!strcmp(name, "actors"))
		options->actors = parse_actors(value);
	else if (!strcmp(name, "without"))
		options->actors &= ~parse_actors(value);
	else if (!strcmp(name, "seconds"))
		options->seconds = parse_number(value, 1, 1000000);
	else if (!strcmp(name, "moves"))
		options->moves = parse_number(value, 1, 1ULL << 40);
	else if (!strcmp(name, "seed"))
		options->seed = parse_number(value, 0, UINT32_MAX);
	else if (!strcmp(name, "movers"))
		options->movers = parse_number(value, 1, 8);
	else if (!strcmp(name, "mover"))
		options->mover = parse_mover(value);
	else if (!strcmp(name, "plant"))
		options->plant = value;
	else if (!strcmp(name, "json"))
		options->json = value;
	else if (!strcmp(name, "expect-violation"))
		options->expect_violation = true;
}

void options_parse(int argc, char **argv, struct options *ret_options)
{
	struct option words[NR_ROWS + 1] = { 0 };
	int i, found;

	*ret_options = (struct options){ .actors = (1ULL << actor_count()) - 1,
					 .seed = 1, .movers = 2 };
	for (i = 0; i < NR_ROWS; i++)
		words[i] = (struct option){ .name = rows[i].name,
					    .has_arg = rows[i].value != NULL };
	while ((found = getopt_long(argc, argv, "", words, &i)) != -1) {
		if (found == '?')
			exit(EXIT_USAGE);
		if (rows[i].print) {
			rows[i].print();
			exit(0);
		}
		set(ret_options, words[i].name, optarg);
	}
	if (plant_set(ret_options->plant))
		wrong("which plant is", ret_options->plant);
	if (optind < argc)
		wrong("what is", argv[optind]);
	if (!ret_options->seconds && !ret_options->moves)
		ret_options->seconds = 30;
}
