// SPDX-License-Identifier: GPL-2.0
/*
 * json.c - all that was counted, as JSON
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "guest.h"
#include "json.h"
#include "options.h"
#include "process.h"
#include "ring.h"
#include "stats.h"

#define ROUND 64	/* characters more than the file's name for the one it is first written as */

static void set(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer(value));
}

static void set_option(const char *name, uint64_t value, void *object)
{
	set(object, name, value);
}

static json_t *model(void)
{
	json_t *object = json_object(), *sizes = json_array(), *nodes = json_array();

	json_object_set_new(object, "fast", json_string(options.memory_name[FAST]));
	json_object_set_new(object, "slow", json_string(options.memory_name[SLOW]));
	options_for_each(set_option, object);
	for (unsigned int i = 0; i < options.nr_fast_bytes; i++)
		json_array_append_new(sizes, json_integer(options.fast_bytes[i]));
	json_object_set_new(object, "fast_bytes", sizes);
	for (unsigned int i = 0; i < nr_guest_blocks; i++) {
		const struct guest_block *block = &guest_blocks[i];
		json_t *node = json_object();

		set(node, "node", block->node);
		json_object_set_new(node, "tier",
				    json_string(block->tier == SLOW ? "slow" : "fast"));
		set(node, "bytes", block->bytes);
		json_array_append_new(nodes, node);
	}
	json_object_set_new(object, "nodes", nodes);
	set(object, "vcpus", nr_vcpus);
	set(object, "line_bytes", METER_LINE_BYTES);
	set(object, "l1_bytes", METER_FILTER_SETS * METER_FILTER_WAYS * METER_LINE_BYTES);
	return object;
}

static json_t *nodes_of(const struct stats_phase *s)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < nr_guest_blocks; i++) {
		int node = guest_blocks[i].node;
		json_t *object = json_object();

		set(object, "node", node);
		set(object, "load_misses_user", s->misses[node][0][0]);
		set(object, "load_misses_kernel", s->misses[node][1][0]);
		set(object, "store_misses_user", s->misses[node][0][1]);
		set(object, "store_misses_kernel", s->misses[node][1][1]);
		set(object, "write_backs", s->write_backs[node]);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *oracle_of(const struct stats_phase *s)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < options.nr_fast_bytes; i++) {
		json_t *object = json_object();

		set(object, "fast_bytes", options.fast_bytes[i]);
		set(object, "misses", s->oracle_misses);
		set(object, "static_fast_misses", s->oracle[i].static_fast);
		set(object, "window_fast_misses", s->oracle[i].window_fast);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *memory_mode_of(const struct stats_phase *s)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < options.nr_fast_bytes; i++) {
		const struct stats_mmode *m = &s->mmode[i];
		json_t *object = json_object();

		set(object, "fast_bytes", options.fast_bytes[i]);
		set(object, "hits", m->hits);
		set(object, "misses", m->misses);
		set(object, "write_hits", m->write_hits);
		set(object, "write_misses", m->write_misses);
		set(object, "write_backs_slow", m->write_backs_slow);
		set(object, "time_ns", m->time_ps / 1000 + s->idle_ns);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *phase(unsigned int nr)
{
	const struct stats_phase *s = &stats_phases[nr];
	json_t *object = json_object(), *samples = json_array(), *target = json_object();

	set(object, "phase", nr);
	set(object, "instructions_user", s->instructions[0]);
	set(object, "instructions_kernel", s->instructions[1]);
	set(object, "loads_user", s->accesses[0][0]);
	set(object, "loads_kernel", s->accesses[1][0]);
	set(object, "stores_user", s->accesses[0][1]);
	set(object, "stores_kernel", s->accesses[1][1]);
	set(object, "device_accesses", s->elsewhere);
	set(object, "llc_lookups", s->llc_lookups);
	set(object, "llc_hits", s->llc_hits);
	set(object, "stream_misses", s->stream_misses);
	set(object, "stall_ns", s->stall_ps / 1000);
	set(object, "queue_ns", s->queue_ps / 1000);
	set(object, "time_ns", s->time_ns);
	set(object, "idle_ns", s->idle_ns);
	set(object, "host_cpu_ns", s->host_cpu_ns);
	json_object_set_new(object, "nodes", nodes_of(s));
	for (int i = 0; i < HEMEM_RINGS_NR_EVENTS; i++)
		json_array_append_new(samples, json_integer(s->samples[i]));
	json_object_set_new(object, "samples", samples);
	set(target, "fast_misses", s->target[FAST]);
	set(target, "slow_misses", s->target[SLOW]);
	json_object_set_new(object, "target", target);
	json_object_set_new(object, "oracle", oracle_of(s));
	json_object_set_new(object, "memory_mode", memory_mode_of(s));
	return object;
}

static json_t *phases(void)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < METER_NR_PHASES; i++) {
		if (stats_phases[i].was_entered)
			json_array_append_new(array, phase(i));
	}
	return array;
}

static json_t *windows(void)
{
	json_t *array = json_array();
	size_t nr;
	const struct stats_window *window = stats_windows(&nr);

	for (; nr; nr--, window++) {
		json_t *object = json_object();

		json_object_set_new(object, "time_ms", json_real(window->end_ns / 1e6));
		set(object, "phase", window->phase);
		set(object, "fast_misses", window->misses[FAST]);
		set(object, "slow_misses", window->misses[SLOW]);
		set(object, "fast_write_backs", window->write_backs[FAST]);
		set(object, "slow_write_backs", window->write_backs[SLOW]);
		json_array_append_new(array, object);
	}
	return array;
}

static void set_work(json_t *object, const uint64_t *instructions, const uint64_t *misses)
{
	set(object, "instructions_user", instructions[0]);
	set(object, "instructions_kernel", instructions[1]);
	set(object, "fast_misses", misses[FAST]);
	set(object, "slow_misses", misses[SLOW]);
}

static json_t *process(const struct process *p)
{
	json_t *object = json_object(), *array = json_array();
	uint64_t instructions[2] = { 0 }, misses[NR_TIERS] = { 0 };

	set(object, "pid", p->pid);
	for (unsigned int i = 0; i < METER_NR_PHASES; i++) {
		json_t *in_phase;

		if (!p->instructions[i][0] && !p->instructions[i][1])
			continue;
		for (int k = 0; k < 2; k++) {
			instructions[k] += p->instructions[i][k];
			misses[k] += p->misses[i][k];
		}
		in_phase = json_object();
		set(in_phase, "phase", i);
		set_work(in_phase, p->instructions[i], p->misses[i]);
		json_array_append_new(array, in_phase);
	}
	set_work(object, instructions, misses);
	json_object_set_new(object, "phases", array);
	return object;
}

static json_t *processes(void)
{
	json_t *array = json_array();

	for (const struct process *p = process_first(); p; p = p->next) {
		if (p->pid && !process_has_run(p))
			continue;
		json_array_append_new(array, process(p));
	}
	return array;
}

/* @at_end: the emulator can be asked for its time only when no vCPU runs */
static json_t *clock_object(bool at_end)
{
	json_t *object = json_object();

	set(object, "stepped_ns", clock_state.stepped_ns);
	set(object, "steps", clock_state.nr_steps);
	set(object, "yields", clock_state.nr_yields);
	set(object, "max_debt_ns", clock_state.max_debt_ps / 1000);
	/* what the plugin counted beside what the emulator did */
	if (at_end)
		json_object_set_new(object, "difference_ns",
				    json_integer((int64_t)clock_now_ns() - guest_clock_ns()));
	return object;
}

static json_t *rings_object(void)
{
	struct ring_totals totals = ring_totals();
	json_t *object = json_object();

	set(object, "written", totals.written);
	set(object, "lost", totals.lost);
	set(object, "throttled", totals.throttled);
	set(object, "throttles", totals.nr_throttles);
	set(object, "unread_bytes", totals.unread_bytes);
	return object;
}

void json_write(uint64_t nr)
{
	json_t *root = json_object();
	char name[strlen(options.json) + ROUND], made[sizeof(name) + ROUND];

	json_object_set_new(root, "model", model());
	json_object_set_new(root, "phases", phases());
	json_object_set_new(root, "windows", windows());
	json_object_set_new(root, "processes", processes());
	set(root, "target_pid", process_target());
	json_object_set_new(root, "clock", clock_object(nr == METER_WHOLE));
	json_object_set_new(root, "rings", rings_object());
	/* whoever sees the file sees all of it */
	if (nr == METER_WHOLE)
		snprintf(name, sizeof(name), "%s", options.json);
	else
		snprintf(name, sizeof(name), "%s.%lu", options.json, nr);
	snprintf(made, sizeof(made), "%s.new", name);
	if (json_dump_file(root, made, JSON_INDENT(1)) || rename(made, name))
		meter_say("cannot write %s", name);
	json_decref(root);
}
