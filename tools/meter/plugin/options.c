// SPDX-License-Identifier: GPL-2.0
/*
 * options.c - the options of the plugin, in one table, and the kinds of memory it knows
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

/*
 * DRAM and Optane: Izraelevitz et al., "Basic Performance Measurements of the Intel Optane DC
 * Persistent Memory Module", arXiv:1903.05714 (also Yang et al., FAST '20): idle reads of
 * Optane take 305 ns at random and 169 ns in sequence, DRAM's 81 ns in sequence; one DIMM
 * reads 6.6 and writes 2.3 GB/s.
 * CXL: of the 140 to 410 ns that arXiv:2409.14317 reports of real expanders, one of the better;
 * one channel of DDR behind it, as in Sun et al., MICRO '23 (arXiv:2303.15375).
 * Remote: DRAM of another socket, at 1.7 times the local latency; a round number, no measurement.
 *
 * stream_ns is an eighth of the sequential latency (for CXL and remote, of the latency): with
 * eight lines under way at a time, a prefetcher makes a CPU wait that long for each.
 */
static const struct memory_kind {
	const char *name;
	struct memory_options memory;
} kinds[] = {
	{ "dram", { .latency_ns = 81, .stream_ns = 10, .read_mbps = 16000, .write_mbps = 16000 } },
	{ "optane", { .latency_ns = 305, .stream_ns = 21, .read_mbps = 6600, .write_mbps = 2300 } },
	{ "cxl", { .latency_ns = 214, .stream_ns = 27, .read_mbps = 16000, .write_mbps = 12000 } },
	{ "remote", { .latency_ns = 140, .stream_ns = 18, .read_mbps = 16000, .write_mbps = 14000 } },
};
#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct meter_options options;

#define AT(member) offsetof(struct meter_options, member)
#define MEMORY(name, tier) \
	{ name "_latency_ns", AT(memory[tier].latency_ns), 1, 100000, 0, \
		"of a line that no prefetcher foresaw" }, \
	{ name "_stream_ns", AT(memory[tier].stream_ns), 0, 100000, 0, "of one that it foresaw" }, \
	{ name "_read_mbps", AT(memory[tier].read_mbps), 10, 1000000, 0, "10^6 bytes a second" }, \
	{ name "_write_mbps", AT(memory[tier].write_mbps), 10, 1000000, 0, "10^6 bytes a second" }

/* The numbers.  Those of the memory have their standard from its kind. */
static const struct number_option {
	const char *name;
	size_t at;
	uint64_t min, max, standard;
	const char *what;
} numbers[] = {
	MEMORY("fast", FAST),
	MEMORY("slow", SLOW),
	{ "llc_bytes", AT(llc_bytes), 64 << 10, 1 << 30, 2 << 20, "last level cache; a power of 2" },
	{ "llc_ways", AT(llc_ways), 1, 16, 16, "its associativity" },
	{ "llc_ns", AT(llc_ns), 0, 1000, 15, "what a hit there costs" },
	{ "write_queue_ns", AT(write_queue_ns), 0, 1000000, 1000,
		"write-backs wait so long before the CPU has to" },
	{ "store_stall_pct", AT(store_stall_pct), 0, 100, 100,
		"part of the latency that a store which misses waits for" },
	{ "instruction_ps", AT(instruction_ps), 0, 1000000, 0, "0: 1000 for each vCPU" },
	{ "window_ms", AT(window_ms), 1, 100000, 100, "modelled time of a window" },
	{ "only_run", AT(only_run), 0, 1, 0,
		"1: the run phase turns the model on, all other phases turn it off" },
	{ "clock", AT(clock), 0, 1, 1, "1: modelled time moves the guest's clock" },
	{ "clock_step_ns", AT(clock_step_ns), 100, 1000000, 20000,
		"the clock moves by so much, and vCPUs differ by so much" },
	{ "turn", AT(turn), 100, 10000000, 20000, "instructions until another vCPU's turn" },
	/* Akiyama and Hirofuchi, ROSS '17: 200 to 300 ns for each that PEBS writes */
	{ "sample_ns", AT(sample_ns), 0, 100000, 250, "what a sample costs the CPU" },
	{ "tick_us", AT(tick_us), 100, 1000000, 4000, "of max_samples_per_tick; HZ=250" },
	{ "max_samples_per_tick", AT(max_samples_per_tick), 0, 1000000, 0,
		"a ring's samples in a tick before it is throttled; 0: no limit" },
};
#define NR_NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static uint64_t *number(const struct number_option *option)
{
	return (uint64_t *)((char *)&options + option->at);
}

/* parse_number() - decimal, with K, M or G for powers of 1024; ends at *@end */
static uint64_t parse_number(const char *name, const char *text, char **end)
{
	static const char units[] = "KMG";
	const char *unit;
	uint64_t value;

	errno = 0;
	value = strtoull(text, end, 10);
	if (errno || *end == text || *text == '-')
		meter_die("option %s: %s is not a number", name, text);
	unit = **end ? strchr(units, **end) : NULL;
	if (unit) {
		value <<= 10 * (unit - units + 1);
		(*end)++;
	}
	return value;
}

static void set_kind(enum meter_tier tier, const char *name)
{
	for (size_t i = 0; i < NR_KINDS; i++) {
		if (!strcmp(kinds[i].name, name)) {
			options.memory_name[tier] = kinds[i].name;
			options.memory[tier] = kinds[i].memory;
			return;
		}
	}
	meter_die("there is no memory \"%s\"; dram, optane, cxl and remote are known", name);
}

/* "1:3": nodes 1 and 3 */
static void set_slow_nodes(const char *text)
{
	char *end;
	uint64_t node;

	options.slow_nodes = 0;
	do {
		node = parse_number("slow_nodes", text, &end);
		if (node >= METER_MAX_NODES || (*end && *end != ':'))
			meter_die("option slow_nodes: node numbers below %d, with : between them",
				  METER_MAX_NODES);
		options.slow_nodes |= 1u << node;
		text = end + 1;
	} while (*end);
}

/* "32M:64M" */
static void set_fast_bytes(const char *text)
{
	char *end;
	uint64_t bytes;

	options.nr_fast_bytes = 0;
	do {
		bytes = parse_number("fast_bytes", text, &end);
		if (bytes < 1 << 20 || (*end && *end != ':'))
			meter_die("option fast_bytes: sizes of at least 1M, with : between them");
		if (options.nr_fast_bytes == METER_MAX_SIZES)
			meter_die("option fast_bytes: at most %d sizes", METER_MAX_SIZES);
		options.fast_bytes[options.nr_fast_bytes++] = bytes;
		text = end + 1;
	} while (*end);
}

static noreturn void refuse(const char *name)
{
	for (size_t i = 0; i < NR_NUMBERS; i++)
		meter_say("%s=%lu...%lu  %s", numbers[i].name, numbers[i].min, numbers[i].max,
			  numbers[i].what);
	meter_die("there is no option \"%s\"; there are these, and json, ring, fast, slow, "
		  "slow_nodes, fast_bytes", name);
}

static void set_number(const char *name, const char *text)
{
	const struct number_option *option = numbers;
	char *end;
	uint64_t value;

	while (strcmp(option->name, name)) {
		if (++option == numbers + NR_NUMBERS)
			refuse(name);
	}
	value = parse_number(name, text, &end);
	if (*end || value < option->min || value > option->max)
		meter_die("option %s: a number from %lu to %lu", name, option->min, option->max);
	*number(option) = value;
}

static void set_option(const char *name, const char *value)
{
	if (!strcmp(name, "json"))
		options.json = value;
	else if (!strcmp(name, "ring"))
		options.ring = value;
	else if (!strcmp(name, "fast_bytes"))
		set_fast_bytes(value);
	else if (!strcmp(name, "slow_nodes"))
		set_slow_nodes(value);
	else
		set_number(name, value);
}

static void set_standards(void)
{
	set_kind(FAST, "dram");
	set_kind(SLOW, "optane");
	options.slow_nodes = 1u << 1;
	for (size_t i = 0; i < NR_NUMBERS; i++) {
		if (numbers[i].standard)
			*number(&numbers[i]) = numbers[i].standard;
	}
}

void options_parse(int argc, char **argv)
{
	set_standards();
	/* kinds of memory first, so that single values can be changed in any order */
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < argc; i++) {
			/* QEMU keeps these strings; the names and values point into copies */
			char *name = strdup(argv[i]), *value = strchr(name, '=');
			bool is_kind;

			if (!value)
				meter_die("option %s has no value", name);
			*value++ = '\0';
			is_kind = !strcmp(name, "fast") || !strcmp(name, "slow");
			if (pass == 0 && is_kind)
				set_kind(*name == 'f' ? FAST : SLOW, value);
			else if (pass == 1 && !is_kind)
				set_option(name, value);
		}
	}
	if (!options.instruction_ps)
		options.instruction_ps = 1000 * nr_vcpus;
}

void options_for_each(void (*see)(const char *name, uint64_t value, void *data), void *data)
{
	for (size_t i = 0; i < NR_NUMBERS; i++)
		see(numbers[i].name, *number(&numbers[i]), data);
}
