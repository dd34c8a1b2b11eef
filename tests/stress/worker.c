// SPDX-License-Identifier: GPL-2.0
/*
 * worker.c - one thread of an actor: its rounds, its checks
 */
#include <errno.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "actor.h"
#include "board.h"

void worker_count_check(struct worker *worker)
{
	worker->nr_checks++;
}

/* An atomic addition a step, not a check. */
void worker_report(struct worker *worker, unsigned int nr_steps)
{
	atomic_fetch_add_explicit(&board->steps[worker->number], nr_steps,
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&board->checks[worker->number], worker->nr_checks,
				  memory_order_relaxed);
	worker->nr_checks = 0;
}

void worker_count_extra(struct worker *worker, uint64_t nr)
{
	atomic_fetch_add_explicit(&board->extra[worker->number], nr,
				  memory_order_relaxed);
}

void worker_violate(struct worker *worker, const char *check, const void *addr,
		    uint64_t expected, uint64_t seen)
{
	board_violate(worker->actor->name, check, addr, expected, seen);
}

bool worker_check(struct worker *worker, bool holds, const char *check,
		  const void *addr, uint64_t expected, uint64_t seen)
{
	worker->nr_checks++;
	if (!holds)
		worker_violate(worker, check, addr, expected, seen);
	return holds;
}

bool worker_check_page(struct worker *worker, const void *page, uint64_t label,
		       const char *check)
{
	int word = page_find_bad(page, label);
	const uint64_t *at = (const uint64_t *)page + (word < 0 ? 0 : word);

	/* Seen again, it may be right: a stale TLB entry, told as the word it is. */
	return worker_check(worker, word < 0, check, at,
			    page_word(label, word < 0 ? 0 : (unsigned int)word), *at);
}

bool worker_call(struct worker *worker, const char *call, long want, long got)
{
	return worker_check(worker, want == got, call, NULL, (uint64_t)want,
			    got < 0 ? (uint64_t)-errno : (uint64_t)got);
}

void worker_rest(struct worker *worker, uint32_t max_us)
{
	dice_rest(&worker->dice, max_us);
}

void worker_use_cpus(enum worker_cpus which)
{
	long cpu, nr = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	CPU_ZERO(&set);
	for (cpu = 0; cpu < nr; cpu++)
		if (nr == 1 || which == WORKER_ALL || cpu % 2 == which)
			CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Threads of one CPU never race; nor do those that never meet. */
static void change_cpu(struct worker *worker)
{
	static const enum worker_cpus throws[] = {
		WORKER_EVEN, WORKER_ODD, WORKER_ALL, WORKER_ALL,
	};

	worker_use_cpus(throws[dice_below(&worker->dice, 4)]);
}

void *worker_run(void *arg)
{
	struct worker *worker = arg;
	struct timespec cpu;

	board_wait(BOARD_RUN);
	while (!board_is_over()) {
		worker->actor->step(worker);
		worker_report(worker, 1);
		if (!worker->actor->picks_cpus && dice_one_in(&worker->dice, 64))
			change_cpu(worker);
		worker_rest(worker, worker->actor->rest_us);
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	atomic_fetch_add(&board->cpu_us[worker->number],
			 (uint64_t)cpu.tv_sec * 1000000 + (uint64_t)cpu.tv_nsec / 1000);
	return NULL;
}
