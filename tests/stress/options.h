/* SPDX-License-Identifier: GPL-2.0 */
/*
 * options.h - what was asked for
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "mover.h"

/**
 * struct options - the command line
 * @actors: bit i: row i of the table
 * @seconds: the run ends after so many; 0: never
 * @moves: the run ends after so many page moves; 0: never
 * @seed: of all dice
 * @movers: threads that move
 * @mover: what moves
 * @plant: what goes wrong on purpose; NULL: nothing
 * @json: where the report goes as JSON; NULL: nowhere
 * @expect_violation: turns the exit status round
 */
struct options {
	uint64_t actors;
	uint64_t seconds, moves, seed, movers;
	enum mover_kind mover;
	const char *plant, *json;
	bool expect_violation;
};

/* Ends the program: --help, --list, and what is wrong. */
void options_parse(int argc, char **argv, struct options *ret_options);

#endif /* OPTIONS_H */
