// SPDX-License-Identifier: GPL-2.0
/*
 * target_test.c - who is the target, and is it still there?
 *
 * The targets are children of this program.  That a PID is used again cannot be waited for;
 * the PID that is written into a struct target is another one's instead.
 */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target.h"

static pid_t start_child(const char *name)
{
	int ready[2];
	pid_t child;
	char byte;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		if (write(ready[1], "r", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return child;
}

/* It has ended and is a zombie. */
static void kill_child(pid_t child)
{
	siginfo_t info;

	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
}

static void reap_child(pid_t child)
{
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void must_refuse(pid_t pid, int expected)
{
	struct target target;

	POISON(target);
	assert_int_equal(target_open(pid, &target), expected);
	UNTOUCHED(target);
}

static void a_name_with_blanks_and_brackets_is_read_whole(void **state UNUSED)
{
	static const char *const names[] = { "plain", "a b (c) d", ") R 1 (", "(", "x) S 2 3" };
	struct target target;
	unsigned int i;
	pid_t child;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		child = start_child(names[i]);
		assert_int_equal(target_open(child, &target), 0);
		assert_string_equal(target.comm, names[i]);
		assert_int_equal(target.pid, child);
		assert_true(target.start_ticks > 0);
		assert_true(target_alive(&target));
		target_close(&target);
		kill_child(child);
		reap_child(child);
	}
}

static void what_is_no_process_is_refused(void **state UNUSED)
{
	pid_t child = start_child("short");

	must_refuse(0, -EINVAL);
	must_refuse(-1, -EINVAL);
	must_refuse((1 << 22) + 1, -ESRCH);
	kill_child(child);
	must_refuse(child, -ESRCH);	/* a zombie */
	reap_child(child);
	must_refuse(child, -ESRCH);
}

static void a_kernel_thread_is_refused(void **state UNUSED)
{
	char name[32] = "";
	FILE *file = fopen("/proc/2/comm", "re");

	if (!file || !fgets(name, sizeof(name), file) || strcmp(name, "kthreadd\n")) {
		if (file)
			fclose(file);
		skip();		/* another PID namespace */
	}
	fclose(file);
	must_refuse(2, -EINVAL);
}

static void a_target_that_ends_is_not_alive(void **state UNUSED)
{
	pid_t child = start_child("ends");
	struct target target;

	assert_int_equal(target_open(child, &target), 0);
	assert_int_equal(target_refresh(&target), 0);
	kill_child(child);
	assert_false(target_alive(&target));
	assert_int_equal(target_refresh(&target), -ESRCH);
	reap_child(child);
	assert_false(target_alive(&target));
	target_close(&target);
	assert_false(target_alive(&target));
	target_close(&target);
}

/* The target has ended, and its PID is another process's now. */
static void a_pid_that_is_used_again_is_not_taken_for_the_target(void **state UNUSED)
{
	pid_t first = start_child("first"), second = start_child("second");
	struct target target;

	assert_int_equal(target_open(first, &target), 0);
	kill_child(first);
	reap_child(first);
	target.pid = second;
	assert_false(target_alive(&target));
	assert_int_equal(target_refresh(&target), -ESRCH);
	assert_string_equal(target.comm, "first");
	target_close(&target);
	/* The same process, opened as itself, is alive: it is the pidfd that tells. */
	assert_int_equal(target_open(second, &target), 0);
	assert_true(target_alive(&target));
	target_close(&target);
	kill_child(second);
	reap_child(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_with_blanks_and_brackets_is_read_whole),
		cmocka_unit_test(what_is_no_process_is_refused),
		cmocka_unit_test(a_kernel_thread_is_refused),
		cmocka_unit_test(a_target_that_ends_is_not_alive),
		cmocka_unit_test(a_pid_that_is_used_again_is_not_taken_for_the_target),
	};

	return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
