// SPDX-License-Identifier: GPL-2.0
/*
 * life.c - the actors "exit" and "exec": targets that go away in the midst of a batch
 *
 * Each step makes a small target, moves its memory to and fro, and meanwhile it exits, is
 * killed, or becomes another program.  MIGRATE may then say ESRCH, and nothing else.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actor.h"
#include "mover.h"
#include "node.h"
#include "plant.h"

enum { NR_BASE = 512, NR_HUGE = 1, NR_PAGES = NR_BASE + NR_HUGE * HUGE_PAGES };
enum { MAX_LIFE_US = 30000, MAX_BATCHES = 1000 };

struct life {
	char *addr;			/* the same in every target */
	struct hemem_assist_move moves[NR_BASE + NR_HUGE];
};

static int begin_thread(struct worker *worker)
{
	static struct life lives[2];
	static unsigned int nr;
	struct life *life = &lives[nr++];

	life->addr = arena_reserve(NR_PAGES * PAGE_BYTES);
	worker->state = life;
	return life->addr ? 0 : -ENOMEM;
}

/* In the target: memory, a word to the mover, a short life. */
static void __attribute__((noreturn)) live(struct worker *worker, int ready)
{
	struct life *life = worker->state;
	size_t base_bytes = NR_BASE * PAGE_BYTES, bytes = NR_PAGES * PAGE_BYTES;
	uint32_t page;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mmap(life->addr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
		 MAP_FIXED, -1, 0) == MAP_FAILED)
		_exit(1);
	madvise(life->addr, base_bytes, MADV_NOHUGEPAGE);
	madvise(life->addr + base_bytes, bytes - base_bytes, MADV_HUGEPAGE);
	for (page = 0; page < NR_PAGES; page++)
		page_fill(life->addr + page * PAGE_BYTES, page + 1);
	if (write(ready, "", 1) != 1)
		_exit(1);
	usleep(dice_spread(&worker->dice, MAX_LIFE_US));
	plant_flip_word(worker, life->addr);
	for (page = 0; page < NR_PAGES; page += 16)
		worker_check_page(worker, life->addr + page * PAGE_BYTES, page + 1,
				  "a page of a target with a short life is the same");
	worker_report(worker, 0);
	if (!strcmp(worker->actor->name, "exec"))
		execl("/bin/true", "true", NULL);
	if (dice_one_in(&worker->dice, 2))
		kill(getpid(), SIGKILL);
	_exit(0);
}

static unsigned int fill(struct life *life, int node)
{
	unsigned int nr;

	for (nr = 0; nr < NR_BASE + NR_HUGE; nr++)
		life->moves[nr] = (struct hemem_assist_move){
			.addr = (uintptr_t)life->addr + nr * PAGE_BYTES,
			.node = (uint32_t)node,
		};
	return nr;
}

static struct mover_way move(struct worker *worker, pid_t target)
{
	struct mover_way way;
	int i, err = mover_open((enum mover_kind)board->mover, target, &way);
	struct life *life = worker->state;
	unsigned int nr, entry;

	for (i = 0; !err && i < MAX_BATCHES; i++) {
		nr = fill(life, i % 2 ? node_a() : node_b());
		err = mover_ask(&way, life->moves, nr);
		for (entry = 0; !err && entry < nr; entry++)
			worker_count_extra(worker, life->moves[entry].out_status ==
					   HEMEM_ASSIST_MOVED);
	}
	worker_check(worker, err == 0 || err == -ESRCH,
		     "MIGRATE of a target that goes says ESRCH (errno)", NULL, ESRCH,
		     (uint64_t)-err);
	return way;
}

static void step(struct worker *worker)
{
	struct life *life = worker->state;
	struct mover_way way;
	int ready[2], status, err;
	char byte;
	pid_t target;

	if (!worker_call(worker, "pipe", 0, pipe(ready)))
		return;
	dice_throw(&worker->dice);
	target = fork();
	if (target == 0)
		live(worker, ready[1]);
	close(ready[1]);
	if (worker_check(worker, target > 0, "fork", NULL, 1, (uint64_t)target)) {
		worker_call(worker, "a short life begins", 1, read(ready[0], &byte, 1));
		way = move(worker, target);
		waitpid(target, &status, 0);
		/* Attached or not, there is nobody any more. */
		err = mover_ask(&way, life->moves, 1);
		worker_check(worker, err == -ESRCH || err == -ENOTCONN || err == -EBADF,
			     "MIGRATE of a target that has gone says ESRCH (errno)", NULL,
			     ESRCH, (uint64_t)-err);
		mover_close(&way);
	}
	close(ready[0]);
}

const struct actor exit_actor = {
	.name = "exit",
	.hazard = "targets that exit or are killed in the midst of a batch: tables and pages go "
		  "while a move has them",
	.extra = "entries_moved",
	.nr_threads = 1,
	.rest_us = 400000,
	.is_outside = true,
	.begin_thread = begin_thread,
	.step = step,
};

const struct actor exec_actor = {
	.name = "exec",
	.hazard = "targets that become another program in the midst of a batch: the new memory is "
		  "not touched",
	.extra = "entries_moved",
	.nr_threads = 1,
	.rest_us = 400000,
	.is_outside = true,
	.begin_thread = begin_thread,
	.step = step,
};
