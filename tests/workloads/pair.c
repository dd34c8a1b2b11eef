// SPDX-License-Identifier: GPL-2.0
/*
 * pair.c - two programs compete for the fast tier; see about[]
 */
#include <errno.h>
#include <inttypes.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "updates.h"

static const char about[] =
"Two processes, each with half of the memory and a hot tenth of its own, as gups has it.\n"
"The first makes seven of eight updates.  They take turns, so that they compete for memory\n"
"and not for CPUs, and every run has the same order of accesses.  A fair share of the fast\n"
"tier for each is not the best: the hot set of the first is worth seven times that of the\n"
"second.  The first fills its memory last.  Checked as gups is, in each process.\n";

#define BURST		4096		/* updates in a row: a few pages' worth, below a ms */
#define BUSY_SHARE	7		/* of ... */
#define ALL_SHARES	8		/* ... bursts are the first's */

enum { BUSY, CALM, NR };

/* What the three processes share: who may go on, and what came out. */
struct shared {
	sem_t go[NR], done;
	bool is_right[NR];
};

static struct shared *shared_new(void)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED || sem_init(&shared->go[BUSY], 1, 0) ||
	    sem_init(&shared->go[CALM], 1, 0) || sem_init(&shared->done, 1, 0))
		bench_die(BENCH_USAGE, "no memory to share: %s", strerror(errno));
	return shared;
}

static void wait_for(sem_t *sem)
{
	while (sem_wait(sem))
		;
}

static void in_turn(struct shared *shared, int who)
{
	sem_post(&shared->go[who]);
	wait_for(&shared->done);
}

/* Fill; burst by burst as told; check.  Every step is one go and one done. */
static void child(const struct bench *bench, struct shared *shared, int who, uint64_t nr_bursts)
{
	struct updates updates = {
		.unit_bytes = BENCH_HUGE_BYTES, .hot_pct = 10, .hot_access_pct = 90,
	};
	uint64_t i;

	wait_for(&shared->go[who]);
	updates_new(&updates, bench, bench->bytes / NR, bench->seed * NR + (uint64_t)who);
	bench_unbind();
	if (bench->spoil && who == CALM)
		updates.words[0] ^= 1;
	sem_post(&shared->done);
	for (i = 0; i < nr_bursts; i++) {
		wait_for(&shared->go[who]);
		updates_do(&updates, BURST);
		sem_post(&shared->done);
	}
	wait_for(&shared->go[who]);
	shared->is_right[who] = updates_is_right(&updates);
	sem_post(&shared->done);
}

static pid_t child_new(const struct bench *bench, struct shared *shared, int who,
		       uint64_t nr_bursts)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		bench_die(BENCH_USAGE, "no process: %s", strerror(errno));
	if (pid)
		return pid;
	/* A child must not wait for a parent that is gone. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		child(bench, shared, who, nr_bursts);
	_exit(0);
}

/* So that it is not waited for in vain: a child ends before its time only by a signal. */
static void on_child(int signal)
{
	static const char text[] = "pair: a child ended before its time\n";

	(void)signal;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(BENCH_USAGE);
	_exit(BENCH_USAGE);
}

int main(int argc, char **argv)
{
	struct bench bench = {
		.name = "pair", .about = about, .work = 10000000,
		.work_help = "number of updates of both",
	};
	uint64_t nr_bursts, nr_calm, i;
	struct shared *shared;
	pid_t pids[NR];

	bench_parse(&bench, argc, argv);
	nr_bursts = (bench.work + BURST - 1) / BURST;
	nr_calm = nr_bursts / ALL_SHARES;
	shared = shared_new();
	signal(SIGCHLD, on_child);
	bench_setup(&bench);
	pids[CALM] = child_new(&bench, shared, CALM, nr_calm);
	pids[BUSY] = child_new(&bench, shared, BUSY, nr_bursts - nr_calm);
	in_turn(shared, CALM);
	in_turn(shared, BUSY);
	bench_run(&bench, pids[BUSY], pids[CALM],
		  bench.bytes / NR / BENCH_HUGE_BYTES * BENCH_HUGE_BYTES * NR);
	for (i = 0; i < nr_bursts; i++)
		in_turn(shared, i % ALL_SHARES == BUSY_SHARE ? CALM : BUSY);
	bench_check(&bench);
	signal(SIGCHLD, SIG_DFL);
	in_turn(shared, CALM);
	in_turn(shared, BUSY);
	while (wait(NULL) > 0)
		;
	return bench_done(&bench, shared->is_right[BUSY] && shared->is_right[CALM],
			  "updates=%" PRIu64 " updates2=%" PRIu64 " updates_per_s=%.0f",
			  (nr_bursts - nr_calm) * BURST, nr_calm * BURST,
			  bench_per_s(&bench, nr_bursts * BURST));
}
