// SPDX-License-Identifier: GPL-2.0
/*
 * harness.c - runs the tests of one program and prints KTAP
 *
 *	abi_test		runs all
 *	abi_test NAME ...	runs those whose name begins so
 *	abi_test --list		prints every test as a sentence
 *
 * HEMEM_LONG=1 asks for the long form; HEMEM_TIMEOUT_S for another time limit
 * per test.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

enum { EXIT_PASS = 0, EXIT_FAIL = 1, EXIT_SKIP = 4 };

/*
 * Emulated guests are slow: this is to end a hang, not to measure.  It is
 * several times what the longest test takes there.
 */
#define TIMEOUT_S	180
#define TIMEOUT_LONG_S	600

static struct test *tests, **tests_end = &tests;

/* In the process of a test: */
static int nr_failed;		/* expectations that did not hold */
static int skip_fd = -1;	/* where the reason of a skip is told */
static pid_t test_pid;

void harness_add(struct test *test)
{
	*tests_end = test;
	tests_end = &test->next;
}

bool harness_is_long(void)
{
	const char *value = getenv("HEMEM_LONG");

	return value && *value && strcmp(value, "0");
}

int harness_rounds(const char *name, int in_short, int in_long)
{
	const char *value = getenv(name);

	if (value && atoi(value) > 0)
		return atoi(value);
	return harness_is_long() ? in_long : in_short;
}

void harness_note(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	/* One write, so that lines of several processes do not mix. */
	dprintf(STDOUT_FILENO, "# %s\n", line);
}

/* A process that the test has forked reports its failures by its exit code. */
static void end_if(bool fatal)
{
	__atomic_add_fetch(&nr_failed, 1, __ATOMIC_RELAXED);
	if (fatal)
		_exit(EXIT_FAIL);
}

static const char *errno_name(long long value)
{
	const char *name = NULL;

	if (value < 0 && value >= -4095)
		name = strerrorname_np((int)-value);
	return name ? name : "";
}

void harness_fail(const char *file, int line, bool fatal, const char *what,
		  long long a, long long b)
{
	harness_note("%s:%d: does not hold: %s", file, line, what);
	harness_note("    left %lld (%#llx) %s", a, (unsigned long long)a,
		     errno_name(a));
	harness_note("    right %lld (%#llx) %s", b, (unsigned long long)b,
		     errno_name(b));
	end_if(fatal);
}

void harness_fail_plain(const char *file, int line, bool fatal,
			const char *what)
{
	harness_note("%s:%d: does not hold: %s (errno is %s)", file, line, what,
		     errno ? strerrorname_np(errno) : "0");
	end_if(fatal);
}

void harness_skip(const char *format, ...)
{
	char reason[256];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	if (nr_failed)
		_exit(EXIT_FAIL);
	dprintf(skip_fd, "%s", reason);
	_exit(EXIT_SKIP);
}

void harness_end(void)
{
	_exit(nr_failed ? EXIT_FAIL : EXIT_PASS);
}

static const char *missing(const struct test *test, int row)
{
	const need_fn *need;
	const char *what;

	for (need = test->needs; *need; need++) {
		what = (*need)();
		if (what)
			return what;
	}
	if (test->rows && test->rows->lacks)
		return test->rows->lacks(row);
	return NULL;
}

static void __attribute__((noreturn)) run_body(const struct test *test, int row)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	test_pid = getpid();
	test->body(row);
	/* A forked process that returns from the body is a bug in the test. */
	if (getpid() != test_pid)
		nr_failed++;
	harness_end();
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Returns the wait status of @pid; on timeout that of a process killed. */
static int wait_or_kill(pid_t pid, bool *ret_timed_out)
{
	double limit = now_s() + harness_rounds("HEMEM_TIMEOUT_S", TIMEOUT_S,
						TIMEOUT_LONG_S);
	int status;

	*ret_timed_out = false;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_s() > limit) {
			*ret_timed_out = true;
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
		usleep(2000);
	}
	return status;
}

/* Runs one body in its own process; returns an exit code as above. */
static int run_one(const struct test *test, int row, char *ret_reason,
		   size_t reason_bytes)
{
	int status, reason_pipe[2];
	bool timed_out;
	ssize_t len;
	pid_t pid;

	if (pipe(reason_pipe)) {
		perror("# pipe");
		return EXIT_FAIL;
	}
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		perror("# fork");
		return EXIT_FAIL;
	}
	if (pid == 0) {
		close(reason_pipe[0]);
		skip_fd = reason_pipe[1];
		run_body(test, row);
	}
	setpgid(pid, pid);
	close(reason_pipe[1]);
	status = wait_or_kill(pid, &timed_out);
	kill(-pid, SIGKILL);
	len = status == EXIT_SKIP << 8 ?
		read(reason_pipe[0], ret_reason, reason_bytes - 1) : 0;
	ret_reason[len > 0 ? len : 0] = 0;
	close(reason_pipe[0]);

	if (timed_out)
		printf("# took too long and was killed\n");
	else if (WIFSIGNALED(status))
		printf("# ended by signal %d, %s\n", WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
	if (!WIFEXITED(status))
		return EXIT_FAIL;
	status = WEXITSTATUS(status);
	return status == EXIT_PASS || status == EXIT_SKIP ? status : EXIT_FAIL;
}

struct totals {
	int pass, fail, skip;
};

static void run_and_print(const struct test *test, int row, int number,
			  struct totals *totals)
{
	const char *lacks = missing(test, row);
	char name[128], reason[256] = "";
	double start = now_s();
	int result;

	snprintf(name, sizeof(name), "%s%s%s", test->name,
		 test->rows ? "." : "", test->rows ? test->rows->name(row) : "");
	printf("# This test will %s\n", test->sentence);
	if (lacks)
		snprintf(reason, sizeof(reason), "%s", lacks);
	result = lacks ? EXIT_SKIP : run_one(test, row, reason, sizeof(reason));

	if (result == EXIT_SKIP) {
		totals->skip++;
		printf("ok %d %s # SKIP %s\n", number, name, reason);
	} else if (result == EXIT_PASS) {
		totals->pass++;
		printf("ok %d %s # %.1f s\n", number, name, now_s() - start);
	} else {
		totals->fail++;
		printf("not ok %d %s\n", number, name);
	}
	fflush(stdout);
}

static bool is_wanted(const struct test *test, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strncmp(test->name, *names, strlen(*names)))
			return true;
	return false;
}

static int nr_rows(const struct test *test)
{
	return test->rows ? test->rows->nr : 1;
}

static int list(void)
{
	const struct test *test;

	for (test = tests; test; test = test->next)
		printf("%s: This test will %s%s.\n", test->name, test->sentence,
		       test->rows ? ", for each row of a table" : "");
	return EXIT_PASS;
}

int main(int argc, char **argv)
{
	struct totals totals = { 0 };
	const struct test *test;
	int plan = 0, number = 0, row;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && !strcmp(argv[1], "--list"))
		return list();
	for (test = tests; test; test = test->next)
		if (is_wanted(test, argv + 1))
			plan += nr_rows(test);
	printf("KTAP version 1\n1..%d\n", plan);
	for (test = tests; test; test = test->next)
		for (row = 0; is_wanted(test, argv + 1) && row < nr_rows(test); row++)
			run_and_print(test, row, ++number, &totals);
	printf("# Totals: pass:%d fail:%d xfail:0 xpass:0 skip:%d error:0\n",
	       totals.pass, totals.fail, totals.skip);
	if (totals.fail || !plan)
		return EXIT_FAIL;
	return totals.pass ? EXIT_PASS : EXIT_SKIP;
}
