// SPDX-License-Identifier: GPL-2.0
/*
 * options.c - the one option table
 *
 * Owns how values are written, their ranges and defaults, and everything that
 * is said about them: errors, --help, man page, JSON.  Whether a value makes
 * sense on this machine (is there a node 7?) is for those who use it.
 *
 * Example: `--budget 64M/s` finds the row "budget", OPTIONS_BYTES_PER_S, and
 * stores 67108864; `--budget 64X` stores nothing and answers
 * "--budget: '64X' is not a number of bytes per second: write 4096, 64K, 2M/s,
 * 1G/s or unlimited".
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <numa.h>

#include "command.h"
#include "mover.h"
#include "options.h"
#include "pattern.h"
#include "policy.h"
#include "report.h"
#include "sampler.h"
#include "share.h"

#define MAX_ROWS	32	/* for arrays on the stack; the tests check it */
#define MAX_PIDS	1024	/* each gets a controller of its own */
#define OPTION_HELP	256	/* above every letter */
#define OPTION_ROW	257	/* + number of the row */

/* All choices begin with "auto"; the others are what is built in. */
#define CHOICES(noun, what_auto_is)					\
static const char *choice_##noun(unsigned int i, const char **ret_help)	\
{									\
	const struct noun *row;						\
									\
	if (!i) {							\
		*ret_help = what_auto_is;				\
		return "auto";						\
	}								\
	row = noun##_table[i - 1];					\
	if (!row)							\
		return NULL;						\
	*ret_help = row->help;						\
	return row->name;						\
}

CHOICES(sampler, "the best that this machine has")
CHOICES(policy, "gain")
CHOICES(mover, "assist if the module is loaded, else numa")

static const char *choice_pattern(unsigned int i, const char **ret_help)
{
	static const char *const help[PATTERN_NR] = {
		[PATTERN_HOT] = "nine in ten accesses go to a hot set that lies scattered",
		[PATTERN_MOVING] = "the same, and every now and then others are hot",
		[PATTERN_ZIPF] = "graded heat, the keys of a store",
		[PATTERN_UNIFORM] = "all are alike: there is nothing to gain",
		[PATTERN_SCAN] = "from the first to the last, again and again",
		[PATTERN_SCAN_HOT] = "half of the accesses a scan, half to the hot set",
		[PATTERN_PHASES] = "a hot set, uniform, a scan, another hot set, and again",
	};

	if (i >= PATTERN_NR)
		return NULL;
	*ret_help = help[i];
	return pattern_names[i];
}

#define FOR_TARGET	(COMMAND_ATTACH | COMMAND_RUN | COMMAND_RECORD)
#define FIELD(member)	.offset = offsetof(struct options, member)

static const struct options_row rows[] = {
	{
		.name = "fast", .letter = 'f', .arg = "NODES", .type = OPTIONS_NODES,
		FIELD(fast), .initial = "auto", .commands = FOR_TARGET | COMMAND_CHECK,
		.help = "nodes of the fast tier, as 0 or 0,2-3; auto: those with CPUs",
	}, {
		.name = "slow", .letter = 's', .arg = "NODES", .type = OPTIONS_NODES,
		FIELD(slow), .initial = "auto", .commands = FOR_TARGET | COMMAND_CHECK,
		.help = "nodes of the slow tier; auto: those with memory and no CPU or, when --fast is given, all others with memory",
	}, {
		.name = "fast-limit", .letter = 'l', .arg = "BYTES", .type = OPTIONS_BYTES,
		FIELD(fast_limit_bytes), .min = 0, .max = 1ULL << 50,
		.word = "none", .word_value = OPTIONS_NO_LIMIT,
		.initial = "none", .commands = FOR_TARGET | COMMAND_REPLAY | COMMAND_GENERATE,
		.help = "most memory that the target may have on the fast tier; none: as much as fits; for a replay: as much as the fast nodes of the recording have",
	}, {
		.name = "min-fast", .letter = 'm', .arg = "BYTES", .type = OPTIONS_BYTES,
		FIELD(fast_min_bytes), .min = 0, .max = 1ULL << 50, .initial = "0",
		.commands = FOR_TARGET,
		.help = "so much of the fast tier the target gets before other targets, as far as it has use for it; root's to give",
	}, {
		.name = "weight", .letter = 'W', .arg = "NUMBER", .type = OPTIONS_NUMBER,
		FIELD(weight), .min = 1, .max = SHARE_MAX_WEIGHT,
		.word = "priority", .word_value = SHARE_PRIORITY,
		.initial = "100", .commands = FOR_TARGET,
		.help = "where several targets want the fast tier, a page goes to the one where it saves most time, times this; priority: before all others, and it keeps its pages whatever they do; above 100 root's to give",
	}, {
		/*
		 * At 2 us of kernel time for a page of 4 KiB, 512 MiB/s is a
		 * quarter of one CPU: an upper bound for the harm of a policy
		 * that moves the same pages to and fro.
		 */
		.name = "budget", .letter = 'b', .arg = "BYTES/s", .type = OPTIONS_BYTES_PER_S,
		FIELD(budget_bytes_per_s), .min = 1 << 20, .max = 1ULL << 40,
		.word = "unlimited", .word_value = OPTIONS_NO_BUDGET,
		.initial = "512M/s", .commands = FOR_TARGET | COMMAND_REPLAY,
		.help = "most bytes moved in a second, both directions together",
	}, {
		/* An hour's part is to be a huge page at least. */
		.name = "wear-limit", .letter = 'D', .arg = "BYTES/day",
		.type = OPTIONS_BYTES_PER_DAY,
		FIELD(wear_limit_bytes), .min = 64 << 20, .max = 1ULL << 50,
		.word = "none", .word_value = OPTIONS_NO_LIMIT,
		.initial = "none", .commands = FOR_TARGET | COMMAND_REPLAY,
		.help = "most bytes that demotions write to the slow tier in any 24 hours, spread over the day; promotions that need the place of what cannot be demoted wait",
	}, {
		.name = "period", .letter = 'p', .arg = "MS", .type = OPTIONS_MS,
		FIELD(period_ms), .min = 10, .max = 60 * 1000,
		.initial = "100ms", .commands = FOR_TARGET,
		.help = "time from one turn of the loop to the next",
	}, {
		.name = "sampler", .letter = 'S', .arg = "NAME", .type = OPTIONS_CHOICE,
		FIELD(sampler), .initial = "auto", .commands = FOR_TARGET, .choice = choice_sampler,
		.help = "where samples of the target's accesses come from",
	}, {
		/* On a machine of 100 CPUs, one in 10,000 of what they can do. */
		.name = "sample-cpu", .letter = 'u', .arg = "PERCENT", .type = OPTIONS_PERCENT,
		FIELD(sample_cpu_bp), .min = 100, .max = 10000,
		.initial = "1%", .commands = FOR_TARGET,
		.help = "most CPU time that reading single samples takes, of one CPU; how often accesses are sampled follows from it",
	}, {
		.name = "policy", .letter = 'P', .arg = "NAME", .type = OPTIONS_CHOICE,
		FIELD(policy), .initial = "auto", .commands = FOR_TARGET | COMMAND_REPLAY,
		.choice = choice_policy,
		.help = "who decides which pages move",
	}, {
		.name = "mover", .letter = 'M', .arg = "NAME", .type = OPTIONS_CHOICE,
		FIELD(mover), .initial = "auto", .commands = FOR_TARGET, .choice = choice_mover,
		.help = "who moves them",
	}, {
		.name = "report", .letter = 'r', .arg = "MS", .type = OPTIONS_MS,
		FIELD(report_ms), .min = 100, .max = 24 * 3600 * 1000,
		.word = "none", .word_value = 0,
		.initial = "1s", .commands = FOR_TARGET,
		.help = "time between two lines of progress on a terminal; elsewhere ten times as long",
	}, {
		.name = "daemon", .letter = 'd', .type = OPTIONS_FLAG,
		FIELD(daemon), .commands = COMMAND_ATTACH,
		.help = "go to the background once the target is attached",
	}, {
		.name = "log", .letter = 'L', .arg = "FILE", .type = OPTIONS_PATH,
		FIELD(log), .commands = COMMAND_ATTACH,
		.help = "with --daemon: append messages to this file instead of syslog",
	}, {
		.name = "output", .letter = 'o', .arg = "FILE", .type = OPTIONS_PATH,
		FIELD(output), .commands = COMMAND_RECORD | COMMAND_GENERATE,
		.help = "where to write the recording; what was there is replaced",
	}, {
		.name = "compare", .letter = 'c', .arg = "NAME,...", .type = OPTIONS_PATH,
		FIELD(compare), .commands = COMMAND_REPLAY,
		.help = "other policies to try on the same recording",
	}, {
		.name = "weights", .letter = 'A', .arg = "NUMBER,...", .type = OPTIONS_PATH,
		FIELD(weights), .commands = COMMAND_REPLAY,
		.help = "with several recordings: the --weight of each target, in their order; 100 where nothing is said",
	}, {
		.name = "window", .letter = 'w', .arg = "MS", .type = OPTIONS_MS,
		FIELD(window_ms), .min = 10, .max = 3600 * 1000, .initial = "100ms",
		.commands = COMMAND_REPLAY,
		.help = "length of a window, each of which has its own best placement",
	}, {
		.name = "curve", .letter = 'C', .type = OPTIONS_FLAG,
		FIELD(curve), .commands = COMMAND_REPLAY,
		.help = "show what fast tiers of other sizes would serve, at best and with the policy",
	}, {
		.name = "script", .letter = 'X', .type = OPTIONS_FLAG,
		FIELD(script), .commands = COMMAND_REPORT,
		.help = "print each sample, as perf script -F comm,pid,tid,time,period,event,addr does",
	}, {
		.name = "pattern", .letter = 'k', .arg = "NAME", .type = OPTIONS_CHOICE,
		FIELD(pattern), .initial = "hot", .commands = COMMAND_GENERATE,
		.choice = choice_pattern,
		.help = "how the accesses of the made-up target are spread",
	}, {
		.name = "bytes", .letter = 'B', .arg = "BYTES", .type = OPTIONS_BYTES,
		FIELD(bytes), .min = 4 << 20, .max = 16ULL << 40, .initial = "256M",
		.commands = COMMAND_GENERATE, .help = "memory of the made-up target",
	}, {
		.name = "hot-bytes", .letter = 'H', .arg = "BYTES", .type = OPTIONS_BYTES,
		FIELD(hot_bytes), .min = 2 << 20, .max = 16ULL << 40, .initial = "26M",
		.commands = COMMAND_GENERATE, .help = "size of its hot set",
	}, {
		.name = "time", .letter = 't', .arg = "MS", .type = OPTIONS_MS,
		FIELD(time_ms), .min = 100, .max = 24 * 3600 * 1000, .initial = "30s",
		.commands = COMMAND_GENERATE, .help = "how long it runs",
	}, {
		.name = "samples", .letter = 'n', .arg = "NUMBER", .type = OPTIONS_NUMBER,
		FIELD(samples_per_s), .min = 1, .max = 100 << 20, .initial = "10000",
		.commands = COMMAND_GENERATE, .help = "samples of its accesses in a second",
	}, {
		.name = "every", .letter = 'e', .arg = "MS", .type = OPTIONS_MS,
		FIELD(every_ms), .min = 100, .max = 24 * 3600 * 1000, .initial = "10s",
		.commands = COMMAND_GENERATE, .help = "time after which it does something else",
	}, {
		.name = "huge", .letter = 'T', .type = OPTIONS_FLAG,
		FIELD(huge), .commands = COMMAND_GENERATE, .help = "its pages are huge",
	}, {
		.name = "seed", .letter = 'x', .arg = "NUMBER", .type = OPTIONS_NUMBER,
		FIELD(seed), .min = 0, .max = UINT32_MAX, .initial = "1",
		.commands = COMMAND_GENERATE, .help = "another one makes other accesses",
	}, {
		.name = "json", .letter = 'j', .type = OPTIONS_FLAG,
		FIELD(json), .commands = COMMAND_ALL,
		.help = "print the result as one JSON document on standard output",
	}, {
		.name = "verbose", .letter = 'v', .type = OPTIONS_FLAG,
		FIELD(verbose), .commands = FOR_TARGET | COMMAND_CHECK,
		.help = "say more: when the target is attached; what is fine too",
	},
};

#define NR_ROWS	(sizeof(rows) / sizeof(rows[0]))

_Static_assert(NR_ROWS <= MAX_ROWS, "MAX_ROWS");

const struct options_row *options_rows(size_t *ret_nr)
{
	*ret_nr = NR_ROWS;
	return rows;
}

/* For messages only: when there is no memory for the words, there are none. */
static char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *text_of(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return text;
}

static void *member_of(struct options *opts, const struct options_row *row)
{
	return (char *)opts + row->offset;
}

static const void *value_of(const struct options *opts, const struct options_row *row)
{
	return (const char *)opts + row->offset;
}

/*
 * Numbers
 */

struct suffix {
	const char *text;
	uint64_t factor;
};

static const struct suffix byte_suffixes[] = {
	{ "", 1 }, { "B", 1 }, { "K", 1ULL << 10 }, { "M", 1ULL << 20 },
	{ "G", 1ULL << 30 }, { "T", 1ULL << 40 }, { }
};

static const struct suffix rate_suffixes[] = {
	{ "", 1 }, { "K", 1ULL << 10 }, { "M", 1ULL << 20 }, { "G", 1ULL << 30 },
	{ "T", 1ULL << 40 }, { "/s", 1 }, { "K/s", 1ULL << 10 },
	{ "M/s", 1ULL << 20 }, { "G/s", 1ULL << 30 }, { "T/s", 1ULL << 40 }, { }
};

static const struct suffix day_suffixes[] = {
	{ "", 1 }, { "K", 1ULL << 10 }, { "M", 1ULL << 20 }, { "G", 1ULL << 30 },
	{ "T", 1ULL << 40 }, { "/day", 1 }, { "K/day", 1ULL << 10 },
	{ "M/day", 1ULL << 20 }, { "G/day", 1ULL << 30 }, { "T/day", 1ULL << 40 }, { }
};

static const struct suffix ms_suffixes[] = {
	{ "", 1 }, { "ms", 1 }, { "s", 1000 }, { "min", 60 * 1000 }, { }
};

static const struct suffix percent_suffixes[] = { { "", 100 }, { "%", 100 }, { } };

static const struct suffix number_suffixes[] = {
	{ "", 1 }, { "K", 1000 }, { "M", 1000 * 1000 }, { }
};

static const struct {
	const struct suffix *suffixes;
	const char *what, *examples;
} notations[] = {
	[OPTIONS_BYTES] = { byte_suffixes, "number of bytes", "4096, 64K, 2M, 1G" },
	[OPTIONS_BYTES_PER_S] = { rate_suffixes, "number of bytes per second",
				  "4096, 64K, 2M/s, 1G/s" },
	[OPTIONS_BYTES_PER_DAY] = { day_suffixes, "number of bytes per day",
				    "64M, 100G/day, 1T/day" },
	[OPTIONS_MS] = { ms_suffixes, "time", "250, 250ms, 2s" },
	[OPTIONS_PERCENT] = { percent_suffixes, "percentage", "1, 5%" },
	[OPTIONS_NUMBER] = { number_suffixes, "number", "250, 20K, 1M" },
};

/* Digits and one suffix.  -EINVAL: neither; -ERANGE: does not fit 64 bits. */
static int parse_number(const char *text, const struct suffix *suffix, uint64_t *ret)
{
	uint64_t number;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;	/* strtoull would take blanks and signs */
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	while (suffix->text && strcasecmp(end, suffix->text))
		suffix++;
	if (!suffix->text)
		return -EINVAL;
	if (__builtin_mul_overflow(number, suffix->factor, &number))
		return -ERANGE;
	*ret = number;
	return 0;
}

/* 67108864 of bytes is "64M": the largest suffix that leaves no rest. */
static char *number_text(enum options_type type, uint64_t number)
{
	static const char *const units[] = { "", "K", "M", "G", "T" };
	const char *tail = type == OPTIONS_BYTES_PER_S ? "/s" :
			   type == OPTIONS_BYTES_PER_DAY ? "/day" : "";
	unsigned int i = 0;

	if (type == OPTIONS_MS && number && number % 1000 == 0)
		return text_of("%" PRIu64 "s", number / 1000);
	if (type == OPTIONS_MS)
		return text_of("%" PRIu64 "ms", number);
	if (type == OPTIONS_PERCENT)
		return text_of("%" PRIu64 "%%", number / 100);
	if (type == OPTIONS_NUMBER)
		return text_of("%" PRIu64, number);
	while (number && number % 1024 == 0 && i < 4) {
		number /= 1024;
		i++;
	}
	return text_of("%" PRIu64 "%s%s", number, units[i], tail);
}

/* "1M/s .. 1T/s, or unlimited" */
static char *range_text(const struct options_row *row)
{
	char *min = number_text(row->type, row->min);
	char *max = number_text(row->type, row->max);
	char *text = text_of("%s .. %s%s%s", min, max, row->word ? ", or " : "",
			     row->word ? row->word : "");

	free(min);
	free(max);
	return text;
}

static int set_number(const struct options_row *row, const char *text,
		      struct options *opts, char **ret_error)
{
	uint64_t *member = member_of(opts, row);
	uint64_t number;
	char *range;
	int err;

	if (row->word && !strcmp(text, row->word)) {
		*member = row->word_value;
		return 0;
	}
	err = parse_number(text, notations[row->type].suffixes, &number);
	if (err == -EINVAL) {
		*ret_error = text_of("--%s: '%s' is not a %s: write %s%s%s", row->name, text,
				     notations[row->type].what, notations[row->type].examples,
				     row->word ? " or " : "", row->word ? row->word : "");
		return err;
	}
	if (err || number < row->min || number > row->max) {
		range = range_text(row);
		*ret_error = text_of("--%s: %s is out of range: %s", row->name, text, range);
		free(range);
		return -ERANGE;
	}
	*member = number;
	return 0;
}

/*
 * Lists of nodes
 */

static int parse_node(const char **text, unsigned int *ret_nid)
{
	unsigned int nid = 0;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	for (; isdigit((unsigned char)**text); (*text)++) {
		nid = nid * 10 + (unsigned int)(**text - '0');
		if (nid >= OPTIONS_MAX_NODES)
			return -ERANGE;
	}
	*ret_nid = nid;
	return 0;
}

/*
 * libnuma's own parser refuses nodes that this machine lacks, and says so on
 * stderr; whether a node is there is told better by those who use it.
 */
static int parse_nodes(const char *text, struct bitmask *nodes)
{
	unsigned int first, last;
	int err;

	do {
		err = parse_node(&text, &first);
		if (err)
			return err;
		last = first;
		if (*text == '-') {
			text++;
			err = parse_node(&text, &last);
		}
		if (err || last < first)
			return err ? err : -EINVAL;
		for (; first <= last; first++)
			numa_bitmask_setbit(nodes, first);
	} while (*text++ == ',');
	return text[-1] ? -EINVAL : 0;
}

static int set_nodes(const struct options_row *row, const char *text,
		     struct options *opts, char **ret_error)
{
	struct bitmask **member = member_of(opts, row);
	struct bitmask *nodes = NULL;
	int err;

	if (strcmp(text, "auto")) {
		nodes = numa_bitmask_alloc(OPTIONS_MAX_NODES);
		err = parse_nodes(text, nodes);
		if (err) {
			numa_bitmask_free(nodes);
			*ret_error = text_of("--%s: '%s' is not a list of nodes: write 0, 0,2, 1-3 or auto; nodes are 0 .. %d",
					     row->name, text, OPTIONS_MAX_NODES - 1);
			return err;
		}
	}
	if (*member)
		numa_bitmask_free(*member);
	*member = nodes;
	return 0;
}

/* {0,2,3} is "0,2-3" */
static char *nodes_text(const struct bitmask *nodes)
{
	char text[4096] = "";
	size_t length = 0;
	unsigned int nid, last;

	if (!nodes)
		return text_of("auto");
	for (nid = 0; nid < nodes->size && length < sizeof(text) - 16; nid = last + 1) {
		last = nid;
		if (!numa_bitmask_isbitset(nodes, nid))
			continue;
		while (last + 1 < nodes->size && numa_bitmask_isbitset(nodes, last + 1))
			last++;
		length += (size_t)sprintf(text + length, "%s%u", length ? "," : "", nid);
		if (last > nid)
			length += (size_t)sprintf(text + length, "-%u", last);
	}
	return text_of("%s", text);
}

/*
 * Names out of a list
 */

/* "auto, scan or none" */
static char *choices_text(const struct options_row *row)
{
	const char *name, *help, *next;
	char *text = NULL, *longer;
	unsigned int i;

	for (i = 0; (name = row->choice(i, &help)); i++) {
		next = row->choice(i + 1, &help);
		longer = text_of("%s%s%s", text ? text : "",
				 !i ? "" : next ? ", " : " or ", name);
		free(text);
		text = longer;
	}
	return text;
}

/* "ring:PATH" is chosen by "ring:" and anything. */
static bool is_choice(const char *name, const char *text)
{
	size_t length = strcspn(name, ":");

	return name[length] ? !strncmp(text, name, length + 1) && text[length + 1] :
			      !strcmp(text, name);
}

static int set_choice(const struct options_row *row, const char *text,
		      struct options *opts, char **ret_error)
{
	const char **member = member_of(opts, row);
	const char *name, *help;
	unsigned int i;
	char *choices;

	for (i = 0; (name = row->choice(i, &help)); i++) {
		if (!is_choice(name, text))
			continue;
		*member = strchr(name, ':') ? text : name;
		return 0;
	}
	choices = choices_text(row);
	*ret_error = text_of("--%s: there is no %s '%s': use %s", row->name, row->name, text,
			     choices);
	free(choices);
	return -EINVAL;
}

int options_set(const struct options_row *row, const char *text,
		struct options *opts, char **ret_error)
{
	switch (row->type) {
	case OPTIONS_FLAG:
		*(bool *)member_of(opts, row) = true;
		return 0;
	case OPTIONS_BYTES:
	case OPTIONS_BYTES_PER_S:
	case OPTIONS_BYTES_PER_DAY:
	case OPTIONS_MS:
	case OPTIONS_PERCENT:
	case OPTIONS_NUMBER:
		return set_number(row, text, opts, ret_error);
	case OPTIONS_NODES:
		return set_nodes(row, text, opts, ret_error);
	case OPTIONS_CHOICE:
		return set_choice(row, text, opts, ret_error);
	case OPTIONS_PATH:
		if (!*text) {
			*ret_error = text_of("--%s: an empty path", row->name);
			return -EINVAL;
		}
		*(const char **)member_of(opts, row) = text;
		return 0;
	}
	return -EINVAL;
}

void options_init(struct options *opts)
{
	char *error = NULL;
	size_t i;

	memset(opts, 0, sizeof(*opts));
	for (i = 0; i < NR_ROWS; i++) {
		if (!rows[i].initial || !options_set(&rows[i], rows[i].initial, opts, &error))
			continue;
		fprintf(stderr, "hemem-ctl: bug in the option table: %s\n", error);
		abort();
	}
}

void options_exit(struct options *opts)
{
	if (opts->fast)
		numa_bitmask_free(opts->fast);
	if (opts->slow)
		numa_bitmask_free(opts->slow);
	free(opts->pids);
	opts->fast = NULL;
	opts->slow = NULL;
	opts->pids = NULL;
}

/*
 * The command line
 */

static void make_getopt(const struct command *command, struct option *longs, char *shorts)
{
	size_t i;

	/* '+': what follows the program is its own; a PID may stand among the options. */
	if (command->operand == OPERAND_PROGRAM)
		*shorts++ = '+';
	*shorts++ = ':';
	for (i = 0; i < NR_ROWS; i++) {
		if (!(rows[i].commands & command->bit))
			continue;
		*longs++ = (struct option){
			.name = rows[i].name,
			.has_arg = rows[i].type == OPTIONS_FLAG ? no_argument : required_argument,
			.val = OPTION_ROW + (int)i,
		};
		if (!rows[i].letter)
			continue;
		*shorts++ = rows[i].letter;
		if (rows[i].type != OPTIONS_FLAG)
			*shorts++ = ':';
	}
	*longs++ = (struct option){ .name = "help", .val = OPTION_HELP };
	*longs = (struct option){ };
	*shorts++ = 'h';
	*shorts = '\0';
}

static const struct options_row *row_of(int val)
{
	size_t i;

	if (val >= OPTION_ROW)
		return &rows[val - OPTION_ROW];
	for (i = 0; i < NR_ROWS; i++)
		if (rows[i].letter && rows[i].letter == val)
			return &rows[i];
	return NULL;
}

/* getopt's '?' and ':' in words */
static char *getopt_error(int val, char **argv)
{
	char letter[] = { '-', (char)optopt, '\0' };
	const char *word = optopt && optopt < OPTION_HELP ? letter : argv[optind - 1];

	if (val == ':')
		return text_of("%s needs a value", word);
	if (!strncmp(word, "--", 2) && strchr(word, '=') && optopt >= OPTION_HELP)
		return text_of("%s: takes no value", word);
	return text_of("%s has no option %s", argv[0], word);
}

static int parse_pid(const char *text, pid_t *ret_pid, char **ret_error)
{
	static const struct suffix none[] = { { "", 1 }, { } };
	uint64_t pid;

	/* 2^22 is the kernel's own limit, PID_MAX_LIMIT. */
	if (parse_number(text, none, &pid) || !pid || pid > 1 << 22) {
		*ret_error = text_of("'%s' is not a process id: 1 .. %d", text, 1 << 22);
		return -EINVAL;
	}
	*ret_pid = (pid_t)pid;
	return 0;
}

/* Decimal, or hexadecimal after 0x, as maps and our own messages write them. */
static int parse_addr(const char *text, uint64_t *ret_addr, char **ret_error)
{
	bool hex = !strncasecmp(text, "0x", 2);
	char *end;

	errno = 0;
	*ret_addr = strtoull(hex ? text + 2 : text, &end, hex ? 16 : 10);
	if (!errno && !*end && isxdigit((unsigned char)text[hex ? 2 : 0]))
		return 0;
	*ret_error = text_of("'%s' is not an address: write 0x7f0012345000", text);
	return -EINVAL;
}

/** struct operands - how many an operand takes, and what is said when there are not as many */
static const struct operands {
	int min, max;
	const char *none, *many;
} operands[] = {
	[OPERAND_PID] = { 1, 1, "which process?", "one process id at a time." },
	[OPERAND_PIDS] = { 1, MAX_PIDS, "which process?", "too many processes at a time." },
	[OPERAND_PID_OPTIONAL] = { 0, 1, NULL, "one process id at a time." },
	[OPERAND_PROGRAM] = { 1, INT_MAX, "which program?", NULL },
	[OPERAND_FILE] = { 1, 1, "which recording?", "one recording at a time." },
	[OPERAND_FILES] = { 1, INT_MAX, "which recording?", NULL },
	[OPERAND_FILE_ADDR] = { 2, 2, "which page of what?", "one page at a time." },
	[OPERAND_NONE] = { 0, 0, NULL, "nothing stands behind the options." },
};

/* A process twice would find itself held. */
static int parse_pids(int argc, char **argv, struct options *opts, char **ret_error)
{
	int i, k;

	opts->pids = calloc((size_t)argc, sizeof(*opts->pids));
	if (!opts->pids)
		return -ENOMEM;
	for (i = 0; i < argc; i++) {
		if (parse_pid(argv[i], &opts->pids[i], ret_error))
			return -EINVAL;
		for (k = 0; k < i; k++) {
			if (opts->pids[k] != opts->pids[i])
				continue;
			*ret_error = text_of("process %s stands there twice", argv[i]);
			return -EINVAL;
		}
	}
	opts->nr_pids = (size_t)argc;
	opts->pid = opts->pids[0];
	return 0;
}

static int parse_operands(const struct command *command, int argc, char **argv,
			  struct options *opts, char **ret_error)
{
	const struct operands *allowed = &operands[command->operand];

	if (argc < allowed->min || argc > allowed->max) {
		*ret_error = text_of("%s Usage: hemem-ctl %s %s",
				     argc < allowed->min ? allowed->none : allowed->many,
				     command->name, command->args);
		return -EINVAL;
	}
	if (!argc)
		return 0;
	switch (command->operand) {
	case OPERAND_PROGRAM:
		opts->argv = argv;
		return 0;
	case OPERAND_FILE_ADDR:
		if (parse_addr(argv[1], &opts->addr, ret_error))
			return -EINVAL;
		if (argv[0][strspn(argv[0], "0123456789")])
			opts->path = argv[0];
		else
			return parse_pid(argv[0], &opts->pid, ret_error);
		return 0;
	case OPERAND_FILES:
		opts->argv = argv;
		opts->path = argv[0];
		return 0;
	case OPERAND_FILE:
		opts->path = argv[0];
		return 0;
	case OPERAND_PIDS:
		return parse_pids(argc, argv, opts, ret_error);
	default:
		return parse_pid(argv[0], &opts->pid, ret_error);
	}
}

enum options_result options_parse(const struct command *command, int argc,
				  char **argv, struct options *opts,
				  char **ret_error)
{
	struct option longs[MAX_ROWS + 2];
	char shorts[2 * MAX_ROWS + 4];
	int val;

	make_getopt(command, longs, shorts);
	opterr = 0;
	optind = 0;	/* glibc: begin anew */
	while ((val = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (val == 'h' || val == OPTION_HELP)
			return OPTIONS_HELP;
		if (val == '?' || val == ':') {
			*ret_error = getopt_error(val, argv);
			return OPTIONS_BAD;
		}
		if (options_set(row_of(val), optarg, opts, ret_error))
			return OPTIONS_BAD;
	}
	if (parse_operands(command, argc - optind, argv + optind, opts, ret_error))
		return OPTIONS_BAD;
	return OPTIONS_RUN;
}

/*
 * What is said about the options
 */

static bool has_range(const struct options_row *row)
{
	return row->type == OPTIONS_BYTES || row->type == OPTIONS_BYTES_PER_S ||
	       row->type == OPTIONS_BYTES_PER_DAY || row->type == OPTIONS_MS ||
	       row->type == OPTIONS_PERCENT || row->type == OPTIONS_NUMBER;
}

/* "  -b, --budget BYTES/s" */
static char *usage_of(const struct options_row *row)
{
	return text_of("-%c, --%s%s%s", row->letter, row->name, row->arg ? " " : "",
		       row->arg ? row->arg : "");
}

/* Help, range and default of a row as one sentence. */
static char *sentence_of(const struct options_row *row)
{
	char *range = has_range(row) ? range_text(row) : NULL;
	char *text = text_of("%s%s%s%s%s%s", row->help, range ? "; " : "", range ? range : "",
			     row->initial ? " (default: " : "", row->initial ? row->initial : "",
			     row->initial ? ")" : "");

	free(range);
	return text;
}

static void help_row(FILE *out, const struct options_row *row)
{
	char *usage = usage_of(row), *sentence = sentence_of(row);
	const char *name, *help;
	unsigned int i;

	fprintf(out, "  %-25s ", usage);
	report_wrap(out, sentence, 28, 80);
	for (i = 0; row->choice && (name = row->choice(i, &help)); i++) {
		fprintf(out, "%28s  %-9s ", "", name);
		report_wrap(out, help, 40, 80);
	}
	free(usage);
	free(sentence);
}

void options_help(FILE *out, const struct command *command)
{
	size_t i;

	fprintf(out, "usage: hemem-ctl %s [OPTION...] %s\n\n", command->name, command->args);
	report_wrap(out, command->about, 0, 80);
	fprintf(out, "\n");
	for (i = 0; i < NR_ROWS; i++)
		if (rows[i].commands & command->bit)
			help_row(out, &rows[i]);
	fprintf(out, "  %-25s this text\n", "-h, --help");
}

static void man_row(FILE *out, const struct options_row *row,
		    const struct command *const *commands)
{
	char *sentence = sentence_of(row);
	const char *name, *help, *between = "";
	unsigned int i;

	fprintf(out, ".TP\n");
	fprintf(out, row->arg ? ".BR \\-%c \", \" \\-\\-%s \" \\fI%s\\fR\"\n" :
		".BR \\-%c \", \" \\-\\-%s\n", row->letter, row->name, row->arg);
	report_roff(out, sentence);
	fprintf(out, ".\nFor ");
	for (; *commands; commands++) {
		if (!((*commands)->bit & row->commands))
			continue;
		fprintf(out, "%s%s", between, (*commands)->name);
		between = ", ";
	}
	fprintf(out, ".\n");
	if (row->choice)
		fprintf(out, ".RS\n");
	for (i = 0; row->choice && (name = row->choice(i, &help)); i++) {
		fprintf(out, ".TP\n.B %s\n", name);
		report_roff(out, help);
		fprintf(out, "\n");
	}
	if (row->choice)
		fprintf(out, ".RE\n");
	free(sentence);
}

void options_man(FILE *out, const struct command *const *commands)
{
	size_t i;

	fprintf(out, ".SH OPTIONS\n");
	for (i = 0; i < NR_ROWS; i++)
		man_row(out, &rows[i], commands);
}

static json_t *json_of(const struct options *opts, const struct options_row *row)
{
	const void *value = value_of(opts, row);
	uint64_t number;
	json_t *json;
	char *text;

	switch (row->type) {
	case OPTIONS_FLAG:
		return json_boolean(*(const bool *)value);
	case OPTIONS_BYTES:
	case OPTIONS_BYTES_PER_S:
	case OPTIONS_BYTES_PER_DAY:
	case OPTIONS_MS:
	case OPTIONS_PERCENT:
	case OPTIONS_NUMBER:
		number = *(const uint64_t *)value;
		if (row->word && number == row->word_value)
			return json_string(row->word);
		return json_integer((json_int_t)number);
	case OPTIONS_NODES:
		text = nodes_text(*(struct bitmask *const *)value);
		json = json_string(text);
		free(text);
		return json;
	case OPTIONS_CHOICE:
	case OPTIONS_PATH:
		text = *(char *const *)value;
		return text ? json_string(text) : json_null();
	}
	return NULL;
}

struct json_t *options_json(const struct options *opts, const struct command *command)
{
	json_t *json = json_object();
	size_t i;

	for (i = 0; i < NR_ROWS; i++)
		if (rows[i].commands & command->bit)
			json_object_set_new(json, rows[i].name, json_of(opts, &rows[i]));
	return json;
}
