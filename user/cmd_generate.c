// SPDX-License-Identifier: GPL-2.0
/*
 * cmd_generate.c - hemem-ctl generate -o FILE
 */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "heat.h"
#include "options.h"
#include "pattern.h"
#include "trace.h"

#define FAST_SHARE	4	/* of the memory, where nothing else is asked for */

static struct pattern pattern_of(const struct options *opts)
{
	struct pattern pattern;

	pattern_init(&pattern, pattern_find(opts->pattern));
	pattern.bytes = opts->bytes - opts->bytes % HEAT_HUGE_BYTES;
	pattern.hot_bytes = opts->hot_bytes;
	pattern.samples_per_s = opts->samples_per_s;
	pattern.every_ms = opts->every_ms;
	pattern.huge = opts->huge;
	pattern.seed = opts->seed;
	return pattern;
}

static int run_generate(const struct options *opts)
{
	struct pattern pattern = pattern_of(opts);
	const struct trace_origin nobody = { 0 };
	struct trace_writer *writer;
	uint64_t fast_bytes = pattern.bytes / FAST_SHARE;
	int err;

	if (!opts->output) {
		fprintf(stderr, "hemem-ctl: generate: --output FILE is needed\n");
		return EXIT_USAGE;
	}
	if (pattern.hot_bytes > pattern.bytes) {
		fprintf(stderr, "hemem-ctl: generate: --hot-bytes is more than --bytes\n");
		return EXIT_USAGE;
	}
	if (opts->fast_limit_bytes != OPTIONS_NO_LIMIT)
		fast_bytes = opts->fast_limit_bytes;
	err = trace_create(opts->output, &nobody, &writer);
	if (!err) {
		pattern_record(&pattern, writer, opts->time_ms, fast_bytes);
		err = trace_finish(writer);
	}
	if (err)
		fprintf(stderr, "hemem-ctl: %s: %s\n", opts->output, strerror(-err));
	return err ? EXIT_FOUND : EXIT_FINE;
}

const struct command cmd_generate = {
	.name = "generate",
	.args = "-o FILE",
	.help = "write the recording of a target that is made up",
	.about = "Makes up a target whose hot memory is known and writes what a sampler would have told of it, for `replay`. The same options make the same file.",
	.bit = COMMAND_GENERATE,
	.operand = OPERAND_NONE,
	.run = run_generate,
};
