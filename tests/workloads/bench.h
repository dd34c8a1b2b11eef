/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench.h - what the workloads of a comparison have in common: options, memory,
 * phases, the lines they print
 *
 * A workload fills its memory (phase SETUP), works (RUN) and verifies its result
 * (CHECK).  It says, one line each, "name=value ...":
 *
 *	ready pid=71 bytes=268435456		memory is filled; pid2= of a second one
 *	done updates=16000000 updates_per_s=... run_ns=... checked=ok
 *
 * pid is the process whose memory it is.  With --hold it waits between the two
 * for a line on standard input.  The times are CLOCK_MONOTONIC's.
 *
 * Exit status: 0 right; 1 the result is wrong; 2 usage, or no memory; 4 a program
 * that is needed is not installed.
 *
 * The same options, so the same seed, give the same work, access by access.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define BENCH_WRONG 1
#define BENCH_USAGE 2
#define BENCH_SKIP 4
#define BENCH_HUGE_BYTES (2UL << 20)

enum bench_kind { BENCH_FLAG, BENCH_NUMBER, BENCH_CHOICE, BENCH_FILE };

/**
 * struct bench_option - a row of an option table; the last row has no name
 * @name: without the dashes
 * @help: what it means, with the unit
 * @kind: what @value points to: a bool, a uint64_t, an int that is the place in @choices,
 *	or the name of a file
 * @value: where it goes; holds the default
 * @min: smallest number
 * @max: largest number
 * @choices: words to choose from, ends with NULL
 */
struct bench_option {
	const char *name, *help;
	enum bench_kind kind;
	void *value;
	uint64_t min, max;
	const char *const *choices;
};

enum bench_thp { BENCH_THP_DEFAULT, BENCH_THP_ALWAYS, BENCH_THP_NEVER };

/**
 * struct bench - a workload and what it was asked for
 * @name: of the program
 * @about: what it does and where that is specified, for --help
 * @work_help: what @work counts
 * @options: its own options; may be NULL
 * @bytes: what it may have resident
 * @work: amount of work in the run phase
 * @seed: of all random numbers
 * @thp: huge pages, an enum bench_thp
 * @setup_node: memory is filled on this node; after that its policy is the default
 *	again.  -1 (as unsigned): where the kernel likes
 * @hold: wait between setup and run
 * @spoil: break something after setup, which the check must notice
 * @run_ns: how long the run phase took
 */
struct bench {
	const char *name, *about, *work_help;
	const struct bench_option *options;
	uint64_t bytes, work, seed;
	int thp;
	uint64_t setup_node;
	bool hold, spoil;
	uint64_t run_ns;
};

void bench_die(int status, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/** bench_parse() - read the command line; does not return on --help or nonsense */
void bench_parse(struct bench *bench, int argc, char **argv);

/** bench_setup() - begin the phase SETUP; new memory goes where --setup-node says */
void bench_setup(const struct bench *bench);

/** bench_unbind() - memory policy of this process is the default again */
void bench_unbind(void);

/** bench_map() - private anonymous memory, aligned for huge pages, as --thp says */
void *bench_map(const struct bench *bench, uint64_t bytes);

/**
 * bench_run() - begin the phase RUN: say that all is ready, wait if asked to
 * @bench: the workload
 * @pid: whose memory it is
 * @pid2: the second one's, or 0
 * @bytes: how much it is
 */
void bench_run(const struct bench *bench, pid_t pid, pid_t pid2, uint64_t bytes);

/** bench_check() - begin the phase CHECK; run_ns is known now */
void bench_check(struct bench *bench);

/** bench_per_s() - so many in the run phase, by the second */
double bench_per_s(const struct bench *bench, uint64_t nr);

/**
 * bench_done() - print the closing line
 * @bench: the workload
 * @is_right: the result is what it has to be
 * @format: more "name=value" for the line
 *
 * Return: exit status.
 */
int bench_done(const struct bench *bench, bool is_right, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

uint64_t bench_now_ns(void);

/** bench_mix() - spread a number over 64 bits; the finalizer of SplitMix64 */
static inline uint64_t bench_mix(uint64_t value)
{
	value += 0x9e3779b97f4a7c15;
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
	value = (value ^ value >> 27) * 0x94d049bb133111eb;
	return value ^ value >> 31;
}

/** bench_random() - xorshift64*; the state is not 0, and the upper bits are the good ones */
static inline uint64_t bench_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1d;
}

/** bench_below() - a number in [0, nr) from 32 random bits, nr at most 2^32 */
static inline uint64_t bench_below(uint64_t random32, uint64_t nr)
{
	return (random32 & 0xffffffff) * nr >> 32;
}

/** bench_between() - a random number in [min, max] */
static inline uint64_t bench_between(uint64_t *state, uint64_t min, uint64_t max)
{
	return min + bench_below(bench_random(state) >> 32, max - min + 1);
}

#endif /* BENCH_H */
