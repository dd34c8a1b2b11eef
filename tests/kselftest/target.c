// SPDX-License-Identifier: GPL-2.0
/*
 * target.c - a target: a process of its own with memory of a kind
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "node.h"
#include "proc.h"
#include "target.h"

enum { PAGE = 4096, NOBODY = 65534 };

struct plan {
	struct target *target;
	const struct kind *kind;
	size_t nr_pages;
	int nid;
	void (*prepare)(void);
	int from_test, to_test;
};

static void wait_for_ever(void *arg __attribute__((unused)))
{
	for (;;)
		pause();
}

static long obey(const struct mem *mem, char command)
{
	switch (command) {
	case TARGET_COUNT_BAD:
		return (long)mem_count_bad(mem);
	case TARGET_WRITE:
		mem_fill(mem);
		return 0;
	case TARGET_FORK:
		return proc_start(wait_for_ever, NULL);
	case TARGET_EXEC:
		execlp("sleep", "sleep", "1000", NULL);
		_exit(1);
	case TARGET_EXIT:
		_exit(0);
	case TARGET_UNDUMPABLE:
		return prctl(PR_SET_DUMPABLE, 0);
	case TARGET_SET_UID:
		return setresuid(NOBODY, NOBODY, NOBODY);
	}
	return -1;
}

static void body(void *arg)
{
	const struct plan *plan = arg;
	struct mem mem;
	char command;
	long reply;

	if (plan->prepare)
		plan->prepare();
	if (plan->nr_pages)
		mem_make_anon(&mem, plan->nr_pages, plan->nid);
	else
		mem_make(&mem, plan->kind, plan->nid);
	ASSERT_EQ(sizeof(mem), write(plan->to_test, &mem, sizeof(mem)));
	while (read(plan->from_test, &command, 1) == 1) {
		reply = obey(&mem, command);
		ASSERT_EQ(sizeof(reply), write(plan->to_test, &reply, sizeof(reply)));
	}
}

static void start(struct plan *plan)
{
	struct target *target = plan->target;
	int to[2], from[2];

	ASSERT_EQ(0, pipe2(to, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(from, O_CLOEXEC));
	plan->from_test = to[0];
	plan->to_test = from[1];
	target->pid = proc_start(body, plan);
	close(to[0]);
	close(from[1]);
	target->to = to[1];
	target->from = from[0];
	if (read(target->from, &target->mem, sizeof(target->mem)) !=
	    sizeof(target->mem))
		SKIP("the target could not make its memory");
}

void target_start(struct target *ret_target, const struct kind *kind, int nid)
{
	struct plan plan = { .target = ret_target, .kind = kind, .nid = nid };

	start(&plan);
}

void target_start_anon(struct target *ret_target, size_t nr_pages, int nid)
{
	struct plan plan = { .target = ret_target, .nr_pages = nr_pages,
			     .nid = nid };

	start(&plan);
}

void target_start_as(struct target *ret_target, void (*prepare)(void), int nid)
{
	struct plan plan = { .target = ret_target, .nr_pages = 8, .nid = nid,
			     .prepare = prepare };

	start(&plan);
}

long target_tell(const struct target *target, enum target_command command)
{
	char byte = (char)command;
	long reply = 0;

	ASSERT_EQ(1, write(target->to, &byte, 1));
	if (command == TARGET_EXEC || command == TARGET_EXIT)
		return 0;
	ASSERT_EQ(sizeof(reply), read(target->from, &reply, sizeof(reply)));
	return reply;
}

size_t target_count(const struct target *target, int nid)
{
	size_t i, count = 0;

	for (i = 0; i < target->mem.bytes / PAGE; i++)
		count += node_of_pid(target->pid, target->mem.addr + i * PAGE) ==
			nid;
	return count;
}

void target_kill(struct target *target)
{
	proc_kill(target->pid);
	close(target->to);
	close(target->from);
}
