// SPDX-License-Identifier: GPL-2.0
/*
 * cmd_replay.c - hemem-ctl replay FILE...
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "clock.h"
#include "command.h"
#include "cost.h"
#include "import.h"
#include "options.h"
#include "policy.h"
#include "replay.h"
#include "report.h"
#include "share.h"
#include "trace.h"

#define MAX_POLICIES	16
#define MAX_RECORDINGS	16
#define CURVE_STEPS	8	/* sizes of the curve: 1/128, 1/64, .. 1 of the memory */

/** struct trial - a policy, and what came of it */
struct trial {
	const struct policy *policy;
	struct replay_result result;
};

/** struct trials - `stay` is the last one, as what the others are compared with */
struct trials {
	const struct options *opts;
	struct trace_reader *reader;
	struct replay_spec spec;
	struct replay *replay;
	struct trial list[MAX_POLICIES];
	size_t nr;
};

static int complain_of(const char *path, int err)
{
	bool is_trace = err == -ENODATA || err == -EBADMSG;

	fprintf(stderr, "hemem-ctl: %s: %s\n", path, is_trace ? trace_reason() : strerror(-err));
	return err;
}

static int complain(const struct trials *trials, int err)
{
	return complain_of(trials->opts->path, err);
}

static int add_policy(struct trials *trials, const char *name)
{
	const struct policy *policy = policy_find(name);
	size_t i;

	if (!policy || trials->nr == MAX_POLICIES) {
		fprintf(stderr, "hemem-ctl: replay: there is no policy '%s', or that is too many\n",
			name);
		return -EINVAL;
	}
	for (i = 0; i < trials->nr; i++)
		if (trials->list[i].policy == policy)
			return 0;
	trials->list[trials->nr++].policy = policy;
	return 0;
}

static int add_policies(struct trials *trials)
{
	char *names = strdup(trials->opts->compare ? trials->opts->compare : ""), *name, *rest;
	int err = names ? add_policy(trials, trials->opts->policy) : -ENOMEM;

	for (name = names ? strtok_r(names, ",", &rest) : NULL; name && !err;
	     name = strtok_r(NULL, ",", &rest))
		err = add_policy(trials, name);
	free(names);
	return err ? err : add_policy(trials, "stay");
}

/* As much as the fast nodes of the recording had at first, but for what was asked for. */
static int find_fast_bytes(const struct options *opts, struct trace_reader *reader,
			   uint64_t *ret_bytes)
{
	struct trace_event event;
	uint64_t bytes = 0;
	int more;

	if (opts->fast_limit_bytes != OPTIONS_NO_LIMIT) {
		*ret_bytes = opts->fast_limit_bytes;
		return 0;
	}
	while ((more = trace_next(reader, &event)) > 0 && event.kind != TRACE_TICK)
		if (event.kind == TRACE_NODE && event.tier.level == TIER_FAST)
			bytes += event.tier.total_bytes;
	if (more < 0)
		return complain_of(opts->path, more);
	if (!bytes && import_note()) {
		fprintf(stderr, "hemem-ctl: %s: a file of perf does not say how large the fast tier is: give --fast-limit\n",
			opts->path);
		return -EINVAL;
	}
	*ret_bytes = bytes;
	return 0;
}

static struct replay_spec spec_of(const struct options *opts)
{
	return (struct replay_spec){
		.budget_bytes_per_s = opts->budget_bytes_per_s,
		.wear_limit_bytes = opts->wear_limit_bytes, .window_ms = opts->window_ms,
		.cost = cost_default,
	};
}

static int open_trials(struct trials *trials)
{
	const struct options *opts = trials->opts;
	int err = import_open(opts->path, &trials->reader);

	if (err) {
		fprintf(stderr, "hemem-ctl: %s: %s\n", opts->path, import_reason());
		return err;
	}
	if (import_note())
		fprintf(stderr, "hemem-ctl: %s\n", import_note());
	trials->spec = spec_of(opts);
	err = find_fast_bytes(opts, trials->reader, &trials->spec.fast_bytes);
	if (err)
		return err;
	err = replay_new(trials->reader, &trials->spec, &trials->replay);
	return err ? complain(trials, err) : 0;
}

static int run_trials(struct trials *trials)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < trials->nr; i++) {
		err = replay_run(trials->replay, trials->list[i].policy, &trials->list[i].result);
		if (err)
			complain(trials, err);
	}
	return err;
}

static void close_trials(struct trials *trials)
{
	size_t i;

	for (i = 0; i < trials->nr; i++)
		replay_exit(&trials->list[i].result);
	replay_free(trials->replay);
	trace_close(trials->reader);
}

/* ---- what is said ---- */

static double modelled_ns(const struct replay_result *result)
{
	return result->wait_ns + result->move_ns;
}

static double share(double part, double all)
{
	return all > 0 ? part / all : 0;
}

/* The last third, when a policy should have settled. */
static size_t settled(const struct replay_result *result)
{
	return result->nr_windows * 2 / 3;
}

static json_t *windows_json(const struct replay_result *result)
{
	const struct replay_window *window = result->windows;
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < result->nr_windows; i++, window++)
		json_array_append_new(array, json_pack("{sI sf sf sf sI}",
			"end_ms", (json_int_t)(window->end_ns / 1000000),
			"fast_share", share(window->fast_weight, window->weight),
			"static_share", share(window->static_weight, window->weight),
			"best_share", share(window->best_weight, window->weight),
			"moved_bytes", (json_int_t)window->moved_bytes));
	return array;
}

static json_t *trial_json(const struct trials *trials, const struct trial *trial)
{
	const struct replay_result *result = &trial->result;
	const struct replay_result *stay = &trials->list[trials->nr - 1].result;
	uint64_t converged_ns = replay_converged_ns(result);

	return json_pack("{ss sf sf sf sf sf sf so sI sI sf sf sf sI sI sI sI so}",
			 "policy", trial->policy->name,
			 "fast_share", replay_share(result, 0),
			 "static_share", share(result->static_weight, result->weight),
			 "best_share", share(result->best_weight, result->weight),
			 "quality", replay_quality(result, 0),
			 "settled_quality", replay_quality(result, settled(result)),
			 "window_quality", share(result->fast_weight, result->best_weight),
			 "converged_ms", converged_ns == UINT64_MAX ? json_null() :
			 json_integer((json_int_t)(converged_ns / 1000000)),
			 "promoted_bytes", (json_int_t)result->promoted_bytes,
			 "demoted_bytes", (json_int_t)result->demoted_bytes,
			 "wait_ns", result->wait_ns, "move_ns", result->move_ns,
			 "time_vs_stay", modelled_ns(stay) > 0 ?
			 modelled_ns(result) / modelled_ns(stay) : 1,
			 "samples", (json_int_t)result->samples,
			 "samples_unplaced", (json_int_t)result->unplaced,
			 "plans", (json_int_t)result->plans,
			 "store_bytes", (json_int_t)result->store_bytes,
			 "windows", windows_json(result));
}

/* Fast tiers of 1/128 of the memory, twice as much, .. all of it. */
static int curve(const struct trials *trials, uint64_t *sizes, double *best, double *policy)
{
	struct replay_spec spec = trials->spec;
	struct replay_result result;
	struct replay *replay;
	unsigned int i;
	int err = 0;

	for (i = 0; i < CURVE_STEPS; i++)
		sizes[i] = replay_bytes(trials->replay) >> (CURVE_STEPS - 1 - i);
	replay_curve(trials->replay, sizes, CURVE_STEPS, best);
	for (i = 0; !err && i < CURVE_STEPS; i++) {
		spec.fast_bytes = sizes[i];
		err = replay_new(trials->reader, &spec, &replay);
		if (err)
			break;
		err = replay_run(replay, trials->list[0].policy, &result);
		replay_free(replay);
		if (err)
			break;
		policy[i] = replay_share(&result, 0);
		replay_exit(&result);
	}
	return err ? complain(trials, err) : 0;
}

static int add_curve_json(const struct trials *trials, json_t *json)
{
	double best[CURVE_STEPS], policy[CURVE_STEPS];
	json_t *array = json_array();
	uint64_t sizes[CURVE_STEPS];
	unsigned int i;
	int err = curve(trials, sizes, best, policy);

	for (i = 0; !err && i < CURVE_STEPS; i++)
		json_array_append_new(array, json_pack("{sI sf sf}",
			"fast_bytes", (json_int_t)sizes[i], "static_miss_share", 1 - best[i],
			"policy_miss_share", 1 - policy[i]));
	json_object_set_new(json, "curve", array);
	return err;
}

static int print_json(const struct trials *trials)
{
	json_t *array = json_array(), *json;
	size_t i;
	int err = 0;

	for (i = 0; i < trials->nr; i++)
		json_array_append_new(array, trial_json(trials, &trials->list[i]));
	json = json_pack("{ss sI sI sI so}", "recording", trials->opts->path,
			 "fast_bytes", (json_int_t)trials->spec.fast_bytes,
			 "accessed_bytes", (json_int_t)replay_bytes(trials->replay),
			 "window_ms", (json_int_t)trials->spec.window_ms, "policies", array);
	if (trials->opts->curve)
		err = add_curve_json(trials, json);
	report_json(stdout, json);
	return err;
}

static void print_trial(const struct trials *trials, const struct trial *trial)
{
	const struct replay_result *result = &trial->result;
	const struct replay_result *stay = &trials->list[trials->nr - 1].result;
	uint64_t converged_ns = replay_converged_ns(result);
	char up[REPORT_NUMBER_BYTES], down[REPORT_NUMBER_BYTES], when[REPORT_NUMBER_BYTES];

	printf("%-8s %7.2f%% %8.3f %8.3f %8.3f  %9s %10s %10s %8.3f\n", trial->policy->name,
	       100 * replay_share(result, 0), replay_quality(result, 0),
	       replay_quality(result, settled(result)),
	       share(result->fast_weight, result->best_weight),
	       converged_ns == UINT64_MAX ? "never" : report_number(when, converged_ns, "ns"),
	       report_number(up, result->promoted_bytes, "bytes"),
	       report_number(down, result->demoted_bytes, "bytes"),
	       modelled_ns(stay) > 0 ? modelled_ns(result) / modelled_ns(stay) : 1);
}

static int print_curve(const struct trials *trials)
{
	double best[CURVE_STEPS], policy[CURVE_STEPS];
	char text[REPORT_NUMBER_BYTES];
	uint64_t sizes[CURVE_STEPS];
	unsigned int i;
	int err = curve(trials, sizes, best, policy);

	printf("\n%12s  %9s  %9s   share of the accesses that the slow tier serves\n",
	       "fast tier", "at best", trials->list[0].policy->name);
	for (i = 0; !err && i < CURVE_STEPS; i++)
		printf("%12s  %8.2f%%  %8.2f%%\n", report_number(text, sizes[i], "bytes"),
		       100 * (1 - best[i]), 100 * (1 - policy[i]));
	return err;
}

static int print_text(const struct trials *trials)
{
	const struct replay_result *result = &trials->list[0].result;
	char fast[REPORT_NUMBER_BYTES], all[REPORT_NUMBER_BYTES];
	size_t i;

	printf("%" PRIu64 " samples, %" PRIu64 " of them of unknown pages; %zu windows; fast tier %s, accessed memory %s\n",
	       result->samples, result->unplaced, result->nr_windows,
	       report_number(fast, trials->spec.fast_bytes, "bytes"),
	       report_number(all, replay_bytes(trials->replay), "bytes"));
	printf("at best the fast tier would have served %.2f%% with one placement, %.2f%% with one for each window\n\n",
	       100 * share(result->static_weight, result->weight),
	       100 * share(result->best_weight, result->weight));
	printf("%-8s %8s %8s %8s %8s  %9s %10s %10s %8s\n", "policy", "fast", "quality",
	       "settled", "windows", "converged", "to fast", "to slow", "time");
	for (i = 0; i < trials->nr; i++)
		print_trial(trials, &trials->list[i]);
	printf("(fast: share that the fast tier served; quality: of what the best placement would have, settled: in the last third, windows: of the best for each window; time: modelled, with moves, against not moving)\n");
	return trials->opts->curve ? print_curve(trials) : 0;
}

static int run_alone(const struct options *opts)
{
	struct trials trials = { .opts = opts };
	int err = add_policies(&trials);

	if (err)
		return EXIT_USAGE;
	err = open_trials(&trials);
	if (!err)
		err = run_trials(&trials);
	if (!err)
		err = opts->json ? print_json(&trials) : print_text(&trials);
	close_trials(&trials);
	return err ? EXIT_FOUND : EXIT_FINE;
}

/* ---- several recordings ---- */

/**
 * struct group - recordings that are played together
 * @with, @stay: what came of it, and of moving nothing; @nr each
 */
struct group {
	const struct options *opts;
	const struct policy *policy;
	struct replay_spec spec;
	size_t nr;
	struct trace_reader *readers[MAX_RECORDINGS];
	struct share_claim terms[MAX_RECORDINGS];
	struct replay_result with[MAX_RECORDINGS], stay[MAX_RECORDINGS];
};

/* Each is written as a --weight is. */
static int set_weights(struct group *group)
{
	char *list = strdup(group->opts->weights ? group->opts->weights : ""), *word, *rest;
	const struct options_row *row;
	struct options opts;
	char *error = NULL;
	size_t nr, i = 0;

	for (row = options_rows(&nr); strcmp(row->name, "weight"); row++)
		;
	for (word = list ? strtok_r(list, ",", &rest) : NULL; word && !error;
	     word = strtok_r(NULL, ",", &rest), i++) {
		if (i == group->nr)
			error = strdup("--weights: more of them than recordings");
		else if (!options_set(row, word, &opts, &error))
			group->terms[i].weight = opts.weight;
	}
	if (error)
		fprintf(stderr, "hemem-ctl: replay: %s\n", error);
	i = !list || error;
	free(list);
	free(error);
	return i ? EXIT_USAGE : EXIT_FINE;
}

static int set_up(struct group *group)
{
	char *const *paths = group->opts->argv;

	if (group->opts->compare || group->opts->curve) {
		fprintf(stderr, "hemem-ctl: replay: --compare and --curve are for one recording\n");
		return EXIT_USAGE;
	}
	group->policy = policy_find(group->opts->policy);
	for (; paths[group->nr]; group->nr++) {
		if (group->nr == MAX_RECORDINGS) {
			fprintf(stderr, "hemem-ctl: replay: more than %d recordings\n",
				MAX_RECORDINGS);
			return EXIT_USAGE;
		}
		group->terms[group->nr] = (struct share_claim){
			.weight = SHARE_WEIGHT, .limit_bytes = UINT64_MAX,
		};
	}
	return set_weights(group);
}

static int open_group(struct group *group)
{
	size_t i;

	for (i = 0; i < group->nr; i++) {
		if (!import_open(group->opts->argv[i], &group->readers[i]))
			continue;
		fprintf(stderr, "hemem-ctl: %s: %s\n", group->opts->argv[i], import_reason());
		return EXIT_FOUND;
	}
	group->spec = spec_of(group->opts);
	return find_fast_bytes(group->opts, group->readers[0], &group->spec.fast_bytes) ?
	       EXIT_FOUND : EXIT_FINE;
}

static int run_group(struct group *group)
{
	int err = replay_together(group->readers, group->terms, group->nr, &group->spec,
				  group->policy, group->with);

	if (!err)
		err = replay_together(group->readers, group->terms, group->nr, &group->spec,
				      policy_find("stay"), group->stay);
	return err ? complain_of("recordings", err) : 0;
}

static double time_vs_stay(const struct group *group, size_t i)
{
	double stay = modelled_ns(&group->stay[i]);

	return stay > 0 ? modelled_ns(&group->with[i]) / stay : 1;
}

static json_t *bytes_json(uint64_t bytes)
{
	return bytes == UINT64_MAX ? json_null() : json_integer((json_int_t)bytes);
}

static void print_group_json(const struct group *group)
{
	const struct replay_result *result;
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < group->nr; i++) {
		result = &group->with[i];
		json_array_append_new(array, json_pack("{ss so sf sf sI so ss sI sI sf}",
			"recording", group->opts->argv[i], "weight",
			group->terms[i].weight == SHARE_PRIORITY ? json_string("priority") :
			json_integer((json_int_t)group->terms[i].weight),
			"fast_share", replay_share(result, 0),
			"settled_share", replay_share(result, settled(result)),
			"fast_bytes", (json_int_t)result->fast_bytes,
			"share_bytes", bytes_json(result->share.bytes),
			"why", share_reason_text(result->share.why),
			"promoted_bytes", (json_int_t)result->promoted_bytes,
			"demoted_bytes", (json_int_t)result->demoted_bytes,
			"time_vs_stay", time_vs_stay(group, i)));
	}
	report_json(stdout, json_pack("{sI ss so}", "fast_bytes",
				      (json_int_t)group->spec.fast_bytes, "policy",
				      group->policy->name, "targets", array));
}

static void print_group(const struct group *group)
{
	char fast[REPORT_NUMBER_BYTES], share[REPORT_NUMBER_BYTES], up[REPORT_NUMBER_BYTES],
	     down[REPORT_NUMBER_BYTES];
	const struct replay_result *result;
	size_t i;

	printf("%zu targets on a fast tier of %s, policy %s\n\n", group->nr,
	       report_number(fast, group->spec.fast_bytes, "bytes"), group->policy->name);
	printf("%8s %8s %10s %10s %10s %10s %8s  %s\n", "fast", "settled", "on fast", "share",
	       "to fast", "to slow", "time", "recording: why");
	for (i = 0; i < group->nr; i++) {
		result = &group->with[i];
		printf("%7.2f%% %7.2f%% %10s %10s %10s %10s %8.3f  %s: %s\n",
		       100 * replay_share(result, 0), 100 * replay_share(result, settled(result)),
		       report_number(fast, result->fast_bytes, "bytes"),
		       report_number(share, result->share.bytes, "bytes"),
		       report_number(up, result->promoted_bytes, "bytes"),
		       report_number(down, result->demoted_bytes, "bytes"),
		       time_vs_stay(group, i), group->opts->argv[i],
		       share_reason_text(result->share.why));
	}
	printf("(fast: share that the fast tier served, settled: in the last third; on fast, share: of the tier, at the end; time: modelled, with moves, against not moving)\n");
}

static int run_together(const struct options *opts)
{
	struct group *group = calloc(1, sizeof(*group));
	int status = EXIT_FOUND;
	size_t i;

	if (!group)
		return EXIT_FOUND;
	group->opts = opts;
	status = set_up(group);
	if (!status)
		status = open_group(group);
	if (!status && run_group(group))
		status = EXIT_FOUND;
	if (!status && opts->json)
		print_group_json(group);
	else if (!status)
		print_group(group);
	for (i = 0; i < MAX_RECORDINGS; i++) {
		replay_exit(&group->with[i]);
		replay_exit(&group->stay[i]);
		trace_close(group->readers[i]);
	}
	free(group);
	return status;
}

static int run_replay(const struct options *opts)
{
	if (opts->argv[1])
		return run_together(opts);
	if (!opts->weights)
		return run_alone(opts);
	fprintf(stderr, "hemem-ctl: replay: --weights are for several recordings\n");
	return EXIT_USAGE;
}

const struct command cmd_replay = {
	.name = "replay",
	.args = "FILE...",
	.help = "show what a policy would have done with a recording",
	.about = "Plays the recording FILE to the policy, with a fast tier of the size that --fast-limit says, and shows how much of the accesses that tier would have served, beside the best placements there are, and what moving would have cost. The same recording gives the same result. Several recordings are played side by side, as targets that share the fast tier. FILE may also be one that `perf mem record` or `perf record -d` wrote.",
	.bit = COMMAND_REPLAY,
	.operand = OPERAND_FILES,
	.run = run_replay,
};
