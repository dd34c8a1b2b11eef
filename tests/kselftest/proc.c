// SPDX-License-Identifier: GPL-2.0
/*
 * proc.c - files of /proc and /sys, clocks, and processes that a test starts
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

long proc_read(const char *path, char *ret_text, size_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, ret_text, bytes - 1);
	if (len < 0)
		len = -errno;
	else
		ret_text[len] = 0;
	close(fd);
	return len;
}

int proc_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

long proc_read_number(const char *path)
{
	char text[64], *end;
	long number, len = proc_read(path, text, sizeof(text));

	if (len < 0)
		return len;
	number = strtol(text, &end, 10);
	return end == text ? -EINVAL : number;
}

/* The number after @field in the lines of @file up to the next "xxx-xxx ". */
static long find_field(FILE *file, const char *field, bool in_one_mapping)
{
	unsigned long start, end;
	char line[512];

	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, field, strlen(field)))
			return atol(line + strlen(field));
		if (in_one_mapping && sscanf(line, "%lx-%lx ", &start, &end) == 2)
			break;
	}
	return -ENOENT;
}

long proc_meminfo_kib(const char *field)
{
	FILE *file = fopen("/proc/meminfo", "r");
	long kib;

	if (!file)
		return -errno;
	kib = find_field(file, field, false);
	fclose(file);
	return kib;
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
			kib = find_field(file, field, true);
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
