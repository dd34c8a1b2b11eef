// SPDX-License-Identifier: GPL-2.0
/*
 * proc.c - memory of this process, clocks, and processes that a test starts
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "proc.h"

/* The number after @field in the lines of @file up to the next "xxx-xxx ". */
static long find_field(FILE *file, const char *field)
{
	unsigned long start, end;
	char line[512];

	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, field, strlen(field)))
			return atol(line + strlen(field));
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			break;
	}
	return -ENOENT;
}

long proc_smaps_kib(const void *addr, const char *field)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long start, end;
	char line[512];
	long kib = -ENOENT;

	if (!file)
		return -errno;
	while (kib < 0 && fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2 &&
		    start <= (uintptr_t)addr && (uintptr_t)addr < end)
			kib = find_field(file, field);
	fclose(file);
	return kib;
}

uint64_t proc_pagemap(const void *addr)
{
	off_t offset = (off_t)((uintptr_t)addr / (size_t)getpagesize() * 8);
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	ASSERT(fd >= 0);
	ASSERT_EQ(sizeof(entry), pread(fd, &entry, sizeof(entry), offset));
	close(fd);
	return entry;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t proc_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t proc_cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* Exits 1 if an expectation in this process did not hold. */
pid_t proc_start(void (*body)(void *arg), void *arg)
{
	pid_t parent = getpid(), pid = fork();

	ASSERT_LE(0, pid);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	body(arg);
	harness_end();
}

int proc_wait(pid_t pid)
{
	int status;

	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

int proc_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	return proc_wait(pid);
}

void gate_init(struct gate *gate)
{
	ASSERT_EQ(0, pipe2(gate->fds, O_CLOEXEC));
}

void gate_open(struct gate *gate)
{
	ASSERT_EQ(1, write(gate->fds[1], "", 1));
}

void gate_wait(struct gate *gate)
{
	char byte;

	if (read(gate->fds[0], &byte, 1) != 1)
		_exit(1);
}
