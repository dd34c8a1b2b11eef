// SPDX-License-Identifier: GPL-2.0
/*
 * explain.c - why a page is where it is
 *
 * Owns the words for it.  Of a target that runs: the page's heat, where the policy's cuts are
 * now, and what follows.  Of a recording: its samples, each move with the heat that it had
 * then, and what that has brought.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "cost.h"
#include "explain.h"
#include "heat.h"
#include "ledger.h"
#include "pick.h"
#include "plan.h"
#include "policy.h"
#include "report.h"
#include "stats.h"
#include "tier.h"
#include "trace.h"

/* ---- a target that runs ---- */

static const char *verdict_of(const struct snapshot *snapshot, const struct policy *policy,
			      const struct heat_page *page, const struct pick *pick,
			      unsigned int rank)
{
	bool is_trial = policy == &policy_gain &&
			ledger_facts(snapshot->ledger)->trust < POLICY_MIN_TRUST;

	if (page->node >= snapshot->tiers->nr_nodes)
		return "it is left alone: nobody knows on which node it is";
	if (page->refused == HEAT_NEVER)
		return "it is left alone: the kernel never moves it";
	if (policy_is_bound(snapshot, page))
		return "it is left alone: the target has bound it to nodes of this tier";
	if (policy_backs_off(page, snapshot->turn))
		return "it is left alone for a while: moves of it were refused, or it went to and fro";
	if (!policy->cut)
		return "it stays: this policy moves nothing";
	if (snapshot->tiers->nodes[page->node].level == TIER_SLOW && rank < pick->first_hot)
		return "it stays on the slow tier: others are hotter, or its move would not pay";
	if (snapshot->tiers->nodes[page->node].level == TIER_SLOW)
		return is_trial ? "it would be promoted, but such moves have not paid of late" :
				  "it is hot enough to be promoted, when budget and room allow";
	if (rank < pick->end_cold)
		return "it stays on the fast tier until its place is needed: it is among the coldest there";
	return "it stays on the fast tier: it is worth its place";
}

struct json_t *explain_page(const struct snapshot *snapshot, const struct policy *policy,
			    uint64_t addr)
{
	const struct ledger_facts *facts = ledger_facts(snapshot->ledger);
	struct pick pick = { .rank = policy_rank };
	struct heat_page page;
	unsigned int rank;
	bool has_node;

	if (heat_find(snapshot->heat, addr, &page))
		return json_pack("{sb}", "known", 0);
	if (policy->cut)
		policy->cut(snapshot, &pick);
	rank = pick.rank(&page);
	has_node = page.node < snapshot->tiers->nr_nodes;
	return json_pack("{sb ss sI sI ss si si si si si si si sf sf sf ss}", "known", 1,
			 "policy", policy->name, "addr", (json_int_t)page.addr,
			 "bytes", (json_int_t)page.bytes,
			 "tier", has_node ? tier_name(snapshot->tiers->nodes[page.node].level) :
			 "unknown", "node", has_node ? snapshot->tiers->nodes[page.node].nid : -1,
			 "reads", page.reads, "writes", page.writes, "refused", page.refused,
			 "rank", (int)rank, "first_hot", (int)pick.first_hot,
			 "end_cold", (int)pick.end_cold, "sample_ns",
			 facts->access_per_sample * cost_saved(&facts->cost, false),
			 "move_ns", cost_of_move(&facts->cost, page.bytes),
			 "trust", facts->trust,
			 "verdict", verdict_of(snapshot, policy, &page, &pick, rank));
}

/* ---- a recording ---- */

/**
 * struct story - what is known of one page while a recording is read
 * @heat: of all pages, as the recorder's was
 * @moves: of the page; the last one is still being judged if @is_open
 * @later: samples since that one: loads, stores
 * @to_fast: it was a promotion
 */
struct story {
	uint64_t addr;
	struct heat *heat;
	struct tier_node nodes[TIER_MAX_NODES];
	double rate;
	uint64_t now_ns;
	uint64_t samples[2];
	uint64_t first_ns, last_ns;
	json_t *moves;
	bool is_open;
	bool to_fast;
	uint64_t later[2];
};

/* The last move has done what it could: the next one comes, or the end. */
static void close_move(struct story *story)
{
	json_t *move = json_array_get(story->moves, json_array_size(story->moves) - 1);
	double saved_ns;

	if (!story->is_open)
		return;
	saved_ns = story->rate * ((double)story->later[0] * cost_saved(&cost_default, false) +
				  (double)story->later[1] * cost_saved(&cost_default, true));
	json_object_set_new(move, "later_loads", json_integer((json_int_t)story->later[0]));
	json_object_set_new(move, "later_stores", json_integer((json_int_t)story->later[1]));
	json_object_set_new(move, "saved_ns", json_real(story->to_fast ? saved_ns : -saved_ns));
	story->is_open = false;
	memset(story->later, 0, sizeof(story->later));
}

static bool is_ours(const struct story *story, uint64_t addr, uint64_t bytes)
{
	return story->addr >= addr && story->addr - addr < bytes;
}

static void take_access(struct story *story, bool write, uint64_t nr)
{
	if (!story->samples[0] && !story->samples[1])
		story->first_ns = story->now_ns;
	story->last_ns = story->now_ns;
	story->samples[write] += nr;
	story->later[write] += nr;
}

static void take_move(struct story *story, const struct trace_event *event)
{
	bool is_made = !event->write && event->status == HEMEM_ASSIST_MOVED;
	struct heat_page page = { 0 };

	if (is_made)
		heat_set_node(story->heat, event->addr, event->to);
	if (!is_ours(story, event->addr, event->huge ? HEAT_HUGE_BYTES : HEAT_BASE_BYTES))
		return;
	if (is_made)
		close_move(story);
	heat_find(story->heat, event->addr, &page);
	json_array_append_new(story->moves, json_pack("{sI si si ss ss sb si si}",
		"at_ms", (json_int_t)(story->now_ns / 1000000),
		"from", story->nodes[event->node].nid, "to", story->nodes[event->to].nid,
		"reason", plan_reason_name(event->reason),
		"status", stats_status_name(event->status), "is_trial", event->write,
		"reads", page.reads, "writes", page.writes));
	if (!is_made)
		return;
	story->is_open = true;
	story->to_fast = story->nodes[event->to].level == TIER_FAST;
	memset(story->later, 0, sizeof(story->later));
}

static int take_pages(struct story *story, const struct trace_event *event)
{
	uint64_t bytes = event->huge ? HEAT_HUGE_BYTES : HEAT_BASE_BYTES, i;
	int err = 0;

	for (i = 0; err != -ENOMEM && i < event->nr; i++)
		err = heat_see(story->heat, event->addr + i * bytes, event->huge, event->node,
			       event->reads, event->writes);
	if (is_ours(story, event->addr, event->nr * bytes) && event->reads + event->writes) {
		take_access(story, false, event->reads);
		take_access(story, true, event->writes);
	}
	return err == -ENOMEM ? err : 0;
}

static void take_plan(struct story *story, const struct trace_event *event)
{
	uint64_t i;

	for (i = 0; i < event->nr; i++)
		heat_cool(story->heat);
	for (i = 0; i < event->value; i++)
		heat_cool_spans(story->heat);
	heat_end_turn(story->heat);
}

static int take(struct story *story, const struct trace_event *event)
{
	struct heat_page page;

	switch (event->kind) {
	case TRACE_TICK:
		story->now_ns = event->now_ns;
		return 0;
	case TRACE_SAMPLE:
		heat_sample(story->heat, event->addr, event->write);
		if (!heat_locate(story->heat, event->addr, &page) &&
		    is_ours(story, page.addr, page.bytes))
			take_access(story, event->write, 1);
		return 0;
	case TRACE_PAGES:
		return take_pages(story, event);
	case TRACE_GONE:
		heat_forget_range(story->heat, event->addr,
				  event->addr + event->nr * HEAT_BASE_BYTES);
		return 0;
	case TRACE_PASS:
		if (event->value)
			heat_end_pass(story->heat);
		else
			heat_begin_pass(story->heat);
		return 0;
	case TRACE_NODE:
		story->nodes[event->node] = event->tier;
		return 0;
	case TRACE_RATE:
		story->rate = event->rate[0] ? (double)event->rate[0] : 64;
		return 0;
	case TRACE_PLAN:
		take_plan(story, event);
		return 0;
	case TRACE_MOVE:
		take_move(story, event);
		return 0;
	}
	return 0;
}

static json_t *story_json(struct story *story, const struct trace_origin *origin)
{
	struct heat_page page;

	close_move(story);
	if (heat_find(story->heat, story->addr, &page))
		return json_pack("{sb ss sI sI sO}", "known", 0, "policy", origin->policy,
				 "loads", (json_int_t)story->samples[0],
				 "stores", (json_int_t)story->samples[1], "moves", story->moves);
	return json_pack("{sb ss sI sI si si si sI sI sI sI sO}", "known", 1,
			 "policy", origin->policy, "addr", (json_int_t)page.addr,
			 "bytes", (json_int_t)page.bytes,
			 "node", page.node < TIER_MAX_NODES ? story->nodes[page.node].nid : -1,
			 "reads", page.reads, "writes", page.writes,
			 "loads", (json_int_t)story->samples[0],
			 "stores", (json_int_t)story->samples[1],
			 "first_ms", (json_int_t)(story->first_ns / 1000000),
			 "last_ms", (json_int_t)(story->last_ns / 1000000),
			 "moves", story->moves);
}

int explain_trace(struct trace_reader *reader, uint64_t addr, struct json_t **ret_json)
{
	const struct policy *policy = policy_find(trace_origin(reader)->policy);
	struct story story = { .addr = addr, .rate = 64, .moves = json_array() };
	struct trace_event event;
	int err = heat_new(&story.heat), more;

	if (!err)
		heat_cool_by_hand(story.heat, policy && policy->cools_spans);
	while (!err && (more = trace_next(reader, &event)))
		err = more < 0 ? more : take(&story, &event);
	if (!err)
		*ret_json = story_json(&story, trace_origin(reader));
	heat_free(story.heat);
	json_decref(story.moves);
	return err;
}

/* ---- for people ---- */

static json_int_t number(const json_t *json, const char *key)
{
	return json_integer_value(json_object_get(json, key));
}

static const char *word(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "?";
}

static void print_move(FILE *out, const json_t *move)
{
	double saved_ns = json_number_value(json_object_get(move, "saved_ns"));
	char saved[REPORT_NUMBER_BYTES];

	fprintf(out, "  at %" JSON_INTEGER_FORMAT " ms from node %" JSON_INTEGER_FORMAT
		" to node %" JSON_INTEGER_FORMAT ": %s; heat %" JSON_INTEGER_FORMAT " reads, %"
		JSON_INTEGER_FORMAT " writes; ", number(move, "at_ms"), number(move, "from"),
		number(move, "to"), word(move, "reason"), number(move, "reads"),
		number(move, "writes"));
	if (json_is_true(json_object_get(move, "is_trial")))
		fprintf(out, "a trial, not made\n");
	else if (!json_object_get(move, "saved_ns"))
		fprintf(out, "%s\n", word(move, "status"));
	else
		fprintf(out, "moved; %" JSON_INTEGER_FORMAT " loads and %" JSON_INTEGER_FORMAT
			" stores sampled since: %s %s\n", number(move, "later_loads"),
			number(move, "later_stores"), saved_ns < 0 ? "lost" : "saved",
			report_number(saved, (uint64_t)(saved_ns < 0 ? -saved_ns : saved_ns), "ns"));
}

static void print_story(FILE *out, const json_t *json)
{
	const json_t *moves = json_object_get(json, "moves"), *move;
	size_t i;

	fprintf(out, "sampled: %" JSON_INTEGER_FORMAT " loads, %" JSON_INTEGER_FORMAT " stores",
		number(json, "loads"), number(json, "stores"));
	if (number(json, "loads") + number(json, "stores"))
		fprintf(out, ", from %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT " ms",
			number(json, "first_ms"), number(json, "last_ms"));
	fprintf(out, "\n");
	json_array_foreach(moves, i, move)
		print_move(out, move);
	if (!json_array_size(moves))
		fprintf(out, "no move of it was planned\n");
}

static void print_page(FILE *out, const json_t *json)
{
	char sample[REPORT_NUMBER_BYTES], move[REPORT_NUMBER_BYTES];

	fprintf(out, "rank %" JSON_INTEGER_FORMAT "; promoted from %" JSON_INTEGER_FORMAT
		" on, makes room below %" JSON_INTEGER_FORMAT "\n", number(json, "rank"),
		number(json, "first_hot"), number(json, "end_cold"));
	fprintf(out, "a sample stands for %s saved on the fast tier; a move of it costs %s; %.0f%% of what moves promised came true\n",
		report_number(sample, (uint64_t)json_number_value(json_object_get(json, "sample_ns")),
			      "ns"),
		report_number(move, (uint64_t)json_number_value(json_object_get(json, "move_ns")), "ns"),
		100 * json_number_value(json_object_get(json, "trust")));
	fprintf(out, "%s\n", word(json, "verdict"));
}

void explain_print(FILE *out, const struct json_t *json)
{
	if (json_is_true(json_object_get(json, "known")))
		fprintf(out, "page 0x%" PRIx64 ", %" JSON_INTEGER_FORMAT " KiB, on node %"
			JSON_INTEGER_FORMAT ", policy %s; heat: %" JSON_INTEGER_FORMAT
			" reads, %" JSON_INTEGER_FORMAT " writes\n", (uint64_t)number(json, "addr"),
			number(json, "bytes") >> 10, number(json, "node"), word(json, "policy"),
			number(json, "reads"), number(json, "writes"));
	else
		fprintf(out, "no page is known there%s\n",
			json_object_get(json, "moves") ? " at the end of the recording" : "");
	if (json_object_get(json, "moves"))
		print_story(out, json);
	else if (json_object_get(json, "verdict"))
		print_page(out, json);
}
