// SPDX-License-Identifier: GPL-2.0
/*
 * cmd_report.c - hemem-ctl report FILE
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "command.h"
#include "heat.h"
#include "import.h"
#include "options.h"
#include "plan.h"
#include "region.h"
#include "report.h"
#include "stats.h"
#include "trace.h"

/** struct tally - what is in a recording, by kind of event */
struct tally {
	struct trace_origin origin;
	uint64_t duration_ns;
	uint64_t ticks;
	uint64_t loads, stores;
	uint64_t rate[2];
	uint64_t latency[2];
	uint64_t pages[2];		/* seen: base, huge; each as often as it was */
	uint64_t gone_bytes;
	uint64_t passes;
	uint64_t plans;
	uint64_t coolings;
	uint64_t trials;
	uint64_t moves[PLAN_NR_REASONS][HEMEM_ASSIST_NR_STATUS];
	uint64_t bytes[PLAN_NR_REASONS][HEMEM_ASSIST_NR_STATUS];
	struct tier_node nodes[TIER_MAX_NODES];
	unsigned int nr_nodes;
};

static void take_move(struct tally *tally, const struct trace_event *event)
{
	unsigned int status = event->status;

	tally->trials += event->write;
	if (event->write)
		return;
	if (status >= HEMEM_ASSIST_NR_STATUS)
		status = HEMEM_ASSIST_BUSY;	/* as stats.c counts it */
	tally->moves[event->reason][status]++;
	tally->bytes[event->reason][status] += event->huge ? HEAT_HUGE_BYTES : HEAT_BASE_BYTES;
}

static void take(struct tally *tally, const struct trace_event *event)
{
	switch (event->kind) {
	case TRACE_TICK:
		tally->ticks++;
		tally->duration_ns = event->now_ns;
		break;
	case TRACE_SAMPLE:
		tally->stores += event->write;
		tally->loads += !event->write;
		break;
	case TRACE_PAGES:
		tally->pages[event->huge] += event->nr;
		tally->loads += event->nr * event->reads;
		tally->stores += event->nr * event->writes;
		break;
	case TRACE_GONE:
		tally->gone_bytes += event->nr * HEAT_BASE_BYTES;
		break;
	case TRACE_PASS:
		tally->passes += event->value;
		break;
	case TRACE_NODE:
		tally->nodes[event->node] = event->tier;
		if (event->node >= tally->nr_nodes)
			tally->nr_nodes = event->node + 1U;
		break;
	case TRACE_RATE:
		memcpy(tally->rate, event->rate, sizeof(tally->rate));
		break;
	case TRACE_LATENCY:
		memcpy(tally->latency, event->rate, sizeof(tally->latency));
		break;
	case TRACE_MOVE:
		take_move(tally, event);
		break;
	case TRACE_PLAN:
		tally->plans++;
		tally->coolings += event->nr;
		break;
	}
}

static int read_all(const char *path, struct tally *tally)
{
	struct trace_reader *reader;
	struct trace_event event;
	int more = import_open(path, &reader);

	memset(tally, 0, sizeof(*tally));
	if (more) {
		fprintf(stderr, "hemem-ctl: %s: %s\n", path, import_reason());
	} else {
		tally->origin = *trace_origin(reader);
		while ((more = trace_next(reader, &event)) > 0)
			take(tally, &event);
		if (more)
			fprintf(stderr, "hemem-ctl: %s: %s\n", path, trace_reason());
		trace_close(reader);
	}
	if (!more && import_note())
		fprintf(stderr, "hemem-ctl: %s\n", import_note());
	return more;
}

static json_t *moves_json(const struct tally *tally)
{
	json_t *array = json_array();
	unsigned int reason, status;

	for (reason = 0; reason < PLAN_NR_REASONS; reason++)
		for (status = 0; status < HEMEM_ASSIST_NR_STATUS; status++)
			if (tally->moves[reason][status])
				json_array_append_new(array, json_pack("{ss ss sI sI}",
					"reason", plan_reason_name(reason),
					"status", stats_status_name(status),
					"moves", (json_int_t)tally->moves[reason][status],
					"bytes", (json_int_t)tally->bytes[reason][status]));
	return array;
}

static json_t *nodes_json(const struct tally *tally)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < tally->nr_nodes; i++)
		json_array_append_new(array, json_pack("{si ss sI sI}",
			"nid", tally->nodes[i].nid, "tier", tier_name(tally->nodes[i].level),
			"total_bytes", (json_int_t)tally->nodes[i].total_bytes,
			"free_bytes", (json_int_t)tally->nodes[i].free_bytes));
	return array;
}

static void print_json(const char *path, const struct tally *tally)
{
	report_json(stdout, json_pack(
		"{ss sI ss ss sI sI sI sI sI sI sI sI sI sI sI sI sI sI sI so so}",
		"recording", path, "target", (json_int_t)tally->origin.pid,
		"program", tally->origin.comm, "policy", tally->origin.policy,
		"duration_ms", (json_int_t)(tally->duration_ns / 1000000),
		"ticks", (json_int_t)tally->ticks, "loads", (json_int_t)tally->loads,
		"stores", (json_int_t)tally->stores,
		"load_period", (json_int_t)tally->rate[0],
		"store_period", (json_int_t)tally->rate[1],
		"fast_load_ns", (json_int_t)tally->latency[0],
		"slow_load_ns", (json_int_t)tally->latency[1],
		"base_pages_seen", (json_int_t)tally->pages[0],
		"huge_pages_seen", (json_int_t)tally->pages[1],
		"gone_bytes", (json_int_t)tally->gone_bytes,
		"passes", (json_int_t)tally->passes, "plans", (json_int_t)tally->plans,
		"coolings", (json_int_t)tally->coolings, "trials", (json_int_t)tally->trials,
		"nodes", nodes_json(tally), "moves", moves_json(tally)));
}

static void print_moves(const struct tally *tally)
{
	char text[REPORT_NUMBER_BYTES];
	unsigned int reason, status, nr = 0;

	printf("\n%12s  %10s  %-10s %s\n", "moves", "bytes", "reason", "what became of them");
	for (reason = 0; reason < PLAN_NR_REASONS; reason++)
		for (status = 0; status < HEMEM_ASSIST_NR_STATUS; status++) {
			if (!tally->moves[reason][status])
				continue;
			printf("%12" PRIu64 "  %10s  %-10s %s\n", tally->moves[reason][status],
			       report_number(text, tally->bytes[reason][status], "bytes"),
			       plan_reason_name(reason), stats_status_name(status));
			nr++;
		}
	if (!nr)
		printf("%12d  %10s  nothing was planned\n", 0, "0 B");
}

static void print_text(const struct tally *tally)
{
	char a[REPORT_NUMBER_BYTES], b[REPORT_NUMBER_BYTES];
	unsigned int i;

	if (tally->origin.pid)
		printf("process %" PRIu32 " (%s), policy %s, %s\n\n", tally->origin.pid,
		       tally->origin.comm, tally->origin.policy[0] ? tally->origin.policy : "none",
		       report_number(a, tally->duration_ns, "ns"));
	else
		printf("made up, %s\n\n", report_number(a, tally->duration_ns, "ns"));
	printf("%12" PRIu64 "  ticks\n", tally->ticks);
	printf("%12" PRIu64 "  sampled loads; at the end one in %" PRIu64 "\n", tally->loads,
	       tally->rate[0]);
	printf("%12" PRIu64 "  sampled stores; at the end one in %" PRIu64 "\n", tally->stores,
	       tally->rate[1]);
	printf("%12s  waited by sampled loads from the fast tier, from the slow tier %s\n",
	       tally->latency[0] ? report_number(a, tally->latency[0], "ns") : "-",
	       tally->latency[1] ? report_number(b, tally->latency[1], "ns") : "-");
	printf("%12" PRIu64 "  looks at all pages\n", tally->passes);
	printf("%12" PRIu64 "  times that a base page was seen, a huge one %" PRIu64 "\n",
	       tally->pages[0], tally->pages[1]);
	printf("%12s  unmapped or dropped\n", report_number(a, tally->gone_bytes, "bytes"));
	printf("%12" PRIu64 "  plans; heat was halved %" PRIu64 " times\n", tally->plans,
	       tally->coolings);
	printf("%12" PRIu64 "  moves that were tried and not made\n", tally->trials);
	for (i = 0; i < tally->nr_nodes; i++)
		printf("%12s  on node %d (%s), %s of it free at the end\n",
		       report_number(a, tally->nodes[i].total_bytes, "bytes"), tally->nodes[i].nid,
		       tier_name(tally->nodes[i].level),
		       report_number(b, tally->nodes[i].free_bytes, "bytes"));
	print_moves(tally);
}

static int print_script(const char *path)
{
	if (!import_script(path, stdout))
		return EXIT_FINE;
	fprintf(stderr, "hemem-ctl: %s: %s\n", path, import_reason());
	return EXIT_FOUND;
}

static int run_report(const struct options *opts)
{
	struct tally tally;

	if (opts->script)
		return print_script(opts->path);
	if (read_all(opts->path, &tally))
		return EXIT_FOUND;
	if (opts->json)
		print_json(opts->path, &tally);
	else
		print_text(&tally);
	return EXIT_FINE;
}

const struct command cmd_report = {
	.name = "report",
	.args = "FILE",
	.help = "show what is in a recording",
	.about = "Reads the recording FILE to its end, which checks it, and shows how much of what is in it: samples, pages, nodes, and the moves by reason and by what became of them. FILE may also be one that `perf mem record` or `perf record -d` wrote: the process with the most samples is the target then.",
	.bit = COMMAND_REPORT,
	.operand = OPERAND_FILE,
	.run = run_report,
};
