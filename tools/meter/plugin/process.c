// SPDX-License-Identifier: GPL-2.0
/*
 * process.c - the guest's processes, told apart by their page tables
 *
 * A program that is loaded with libmeter-mark.so tells its process id, and so does a forked
 * child.  A page table root belongs to who announced it last, as the kernel uses the page
 * again.  Kernel threads borrow the page tables of who ran before, and their work counts as
 * his.
 */
#include <stdlib.h>
#include <string.h>

#include "process.h"

#define NR_ROOTS 16384	/* a power of 2 */

static struct root {
	uint64_t cr3;
	struct process *process;
} roots[NR_ROOTS];
static unsigned int nr_roots;
static struct process others;
static struct process *last = &others;
static uint32_t target;

static struct root *find_root(uint64_t cr3)
{
	size_t i = cr3 >> METER_PAGE_SHIFT;

	while (roots[i &= NR_ROOTS - 1].cr3 && roots[i].cr3 != cr3)
		i++;
	return &roots[i];
}

struct process *process_find(uint64_t cr3)
{
	struct process *process = find_root(cr3)->process;

	return process ? process : &others;
}

static struct process *of_pid(uint32_t pid)
{
	struct process *process = &others;

	while (process && process->pid != pid)
		process = process->next;
	if (process)
		return process;
	process = calloc(1, sizeof(*process));
	if (!process)
		meter_die("no memory for another process");
	process->pid = pid;
	process->is_target = pid == target;
	last->next = process;
	last = process;
	return process;
}

void process_announce(uint64_t cr3, uint32_t pid)
{
	struct root *root = find_root(cr3);

	if (!root->cr3 && ++nr_roots > NR_ROOTS / 2)
		meter_die("more than %d page tables", NR_ROOTS / 2);
	root->cr3 = cr3;
	root->process = of_pid(pid);
}

void process_set_target(uint32_t pid)
{
	target = pid;
	for (struct process *process = &others; process; process = process->next)
		process->is_target = pid && process->pid == pid;
}

uint32_t process_target(void)
{
	return target;
}

const struct process *process_first(void)
{
	return &others;
}

bool process_has_run(const struct process *process)
{
	for (unsigned int i = 0; i < METER_NR_PHASES; i++) {
		if (process->instructions[i][0] || process->instructions[i][1])
			return true;
	}
	return false;
}

void process_reset(void)
{
	for (struct process *process = &others; process; process = process->next) {
		memset(process->instructions, 0, sizeof(process->instructions));
		memset(process->misses, 0, sizeof(process->misses));
	}
}
