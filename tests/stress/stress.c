// SPDX-License-Identifier: GPL-2.0
/*
 * stress - moves the memory of a process while everything else happens to it
 *
 *	stress --moves 1000000
 *
 *	this process:  movers, actors outside  -->  /dev/hemem, the kernel's knobs
 *	                  |        ^
 *	                  v        |  the board: phase, places, counts, violations
 *	the target:    actors, each with memory whose contents it knows
 *
 * The last line is "moves=N violations=M".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "actor.h"
#include "board.h"
#include "crew.h"
#include "file.h"
#include "gauge.h"
#include "memcg.h"
#include "mover.h"
#include "node.h"
#include "options.h"
#include "plant.h"
#include "report.h"
#include "target.h"

enum { EXIT_GOOD, EXIT_VIOLATION, EXIT_USAGE, EXIT_CANNOT, EXIT_SKIPPED };
enum { END_TIMEOUT_S = 300, STALL_S = 600 };

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int cannot(const char *what, int err)
{
	fprintf(stderr, "stress: %s: %s\n", what, strerror(-err));
	return EXIT_CANNOT;
}

static void choose(struct report *report)
{
	unsigned int i;

	report->chosen = report->options->actors;
	for (i = 0; i < actor_count(); i++) {
		if (!(report->chosen >> i & 1))
			continue;
		if (actors[i]->lacks)
			report->lacks[i] = actors[i]->lacks();
		if (report->lacks[i])
			report->chosen &= ~(1ULL << i);
		else if (actors[i]->prepare)
			actors[i]->prepare();
	}
}

/* Whether pages still move; asked again and again, it waits for long before it says no. */
static bool is_stalled(const struct options *options)
{
	static uint64_t moves;
	static double since;

	if (!since || atomic_load(&board->moves) != moves) {
		moves = atomic_load(&board->moves);
		since = now_s();
	}
	if (options->mover == MOVER_NONE || now_s() - since < STALL_S)
		return false;
	board_violate("mover", "pages go on to move (seconds without)", NULL, 0, STALL_S);
	return true;
}

/* Until a mover or the clock says stop, the target dies, or what was wanted is seen. */
static void wait_for_end(const struct options *options, pid_t target, double began)
{
	while (!board_is_over()) {
		usleep(50000);
		if ((options->seconds && now_s() - began >= (double)options->seconds) ||
		    (options->expect_violation && board->nr_violations) ||
		    target_is_gone(target) || is_stalled(options))
			atomic_store(&board->phase, BOARD_STOP);
	}
}

/* An actor that did nothing has tested nothing. */
static void check_steps(const struct report *report)
{
	unsigned int i;

	for (i = 0; i < actor_count(); i++)
		if (report->chosen >> i & 1 && !board->steps[i])
			board_violate(actors[i]->name, "an actor makes a step", NULL, 1, 0);
}

/* Does nobody but the movers change how much memory the target has, and of which size? */
static bool is_still(const struct report *report)
{
	unsigned int i;

	for (i = 0; i < actor_count(); i++)
		if (report->chosen >> i & 1 && !actors[i]->is_still)
			return false;
	return true;
}

static int run(struct report *report)
{
	const struct options *options = report->options;
	static struct crew crew;
	struct gauge before, made, moved, gone;
	double began;
	pid_t target;
	int err;

	gauge_read(0, &before);
	plant_leak();
	target = target_start(report->chosen, options->seed);
	if (target < 0)
		return cannot("the target cannot begin", target);
	err = crew_prepare(&crew, report->chosen, true, options->seed);
	if (!err)
		err = crew_start(&crew);
	if (!err)
		err = mover_start(options->mover, target, (unsigned int)options->movers,
				  options->moves, options->seed);
	if (err)
		return cannot("the movers cannot begin", err);
	gauge_read(target, &made);
	began = now_s();
	atomic_store(&board->phase, BOARD_RUN);
	wait_for_end(options, target, began);
	mover_end(&report->counts);
	report->seconds = now_s() - began;
	crew_join(&crew);
	gauge_read(target, &moved);
	atomic_store(&board->phase, BOARD_QUIET);
	target_wait(target, END_TIMEOUT_S);
	crew_end(&crew);
	gauge_read(0, &gone);
	if (is_still(report))
		gauge_compare_alive(&made, &moved);
	gauge_compare_gone(&before, &gone);
	gauge_print("before", &before);
	gauge_print("made", &made);
	gauge_print("moved", &moved);
	gauge_print("gone", &gone);
	/* That one is cut short when the other kind was wanted and seen. */
	if (!options->expect_violation)
		check_steps(report);
	return EXIT_GOOD;
}

int main(int argc, char **argv)
{
	struct options options;
	struct report report = { .options = &options };
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	options_parse(argc, argv, &options);
	if (geteuid() || (options.mover != MOVER_NONE && node_b() < 0)) {
		fprintf(stderr, "stress: needs root and two nodes with memory\n");
		return EXIT_CANNOT;
	}
	status = board_init();
	if (status)
		return cannot("no shared memory", status);
	board->mover = (int)options.mover;
	/* On by default, it hides pages from smaps; the actor "balance" turns it on. */
	file_set("/proc/sys/kernel/numa_balancing", "0");
	memcg_init();
	choose(&report);
	status = report.chosen ? run(&report) : EXIT_SKIPPED;
	memcg_exit();
	file_restore_all();
	if (status == EXIT_SKIPPED)
		report_print_skipped(&report);
	if (status)
		return status;
	report_print(&report);
	if (options.json && report_write_json(&report, options.json))
		return cannot(options.json, -EIO);
	return (board->nr_violations > 0) == options.expect_violation ? EXIT_GOOD :
									EXIT_VIOLATION;
}
