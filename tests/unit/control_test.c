// SPDX-License-Identifier: GPL-2.0
/*
 * control_test.c - one controller per target, and what remains of a killed one
 *
 * The target is this process or a child; other controllers are children.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "control.h"
#include "rundir.h"
#include "target.h"

static void path_of(char path[static 128], pid_t target, const char *tail)
{
	snprintf(path, 128, "%s/%d.%s", dir, target, tail);
}

static bool is_there(pid_t target, const char *tail)
{
	char path[128];

	path_of(path, target, tail);
	return !access(path, F_OK);
}

static uint64_t start_of(pid_t pid)
{
	struct target target;
	uint64_t start_ticks;

	assert_int_equal(target_open(pid, &target), 0);
	start_ticks = target.start_ticks;
	target_close(&target);
	return start_ticks;
}

/* Another controller: serves until it is told to detach or is killed. */

static bool has_to_end;

static json_t *status_of(void *arg)
{
	return json_pack("{ss}", "i am", (const char *)arg);
}

static void end(void *arg UNUSED)
{
	has_to_end = true;
}

static void serve(struct control *control)
{
	const struct control_handler handler = { .status = status_of, .detach = end, .arg = "the other one" };
	json_t *words = json_pack("{ss}", "last", "words");

	while (!has_to_end) {
		control_serve(control, &handler);
		usleep(1000);
	}
	control_free(control, words);
	json_decref(words);
}

static pid_t start_controller(pid_t target, uint64_t start_ticks)
{
	struct control_holder holder;
	struct control *control;
	int fds[2], err;
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		err = control_new(target, start_ticks, "dry", &control, &holder);
		if (write(fds[1], &err, sizeof(err)) != sizeof(err) || err)
			_exit(1);
		serve(control);
		_exit(0);
	}
	assert_int_equal(read(fds[0], &err, sizeof(err)), sizeof(err));
	assert_int_equal(err, 0);
	close(fds[0]);
	close(fds[1]);
	return child;
}

static void kill_controller(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_controller_makes_its_files_and_takes_them_away(void **state UNUSED)
{
	struct control_holder holder;
	struct control *control;
	struct stat st;
	char path[128];

	POISON(holder);
	assert_int_equal(control_new(getpid(), start_of(getpid()), "dry", &control, &holder), 0);
	UNTOUCHED(holder);
	assert_true(is_there(getpid(), "lock"));
	path_of(path, getpid(), "sock");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	control_free(control, NULL);
	assert_false(is_there(getpid(), "lock"));
	assert_false(is_there(getpid(), "sock"));
}

static void a_second_controller_is_told_who_holds_the_target(void **state UNUSED)
{
	pid_t other = start_controller(getpid(), start_of(getpid()));
	struct control_holder holder;
	struct control *control;

	POISON(control);
	assert_int_equal(control_new(getpid(), start_of(getpid()), "numa", &control, &holder),
			 -EBUSY);
	UNTOUCHED(control);
	assert_int_equal(holder.pid, other);
	assert_int_equal(holder.target, getpid());
	assert_string_equal(holder.mover, "dry");
	assert_true(holder.since_s > 1600000000);
	assert_true(is_there(getpid(), "lock") && is_there(getpid(), "sock"));
	kill_controller(other);
}

static void what_a_killed_controller_left_is_taken_over(void **state UNUSED)
{
	struct control_holder holder;
	struct control *control;
	int i;

	for (i = 0; i < 20; i++) {
		kill_controller(start_controller(getpid(), start_of(getpid())));
		assert_true(is_there(getpid(), "lock") && is_there(getpid(), "sock"));
		POISON(holder);
		assert_int_equal(control_find(getpid(), &holder), -ENOENT);
		UNTOUCHED(holder);
	}
	assert_int_equal(control_new(getpid(), start_of(getpid()), "dry", &control, &holder), 0);
	control_free(control, NULL);
	assert_false(is_there(getpid(), "lock"));
}

static void rubbish_in_the_files_is_no_obstacle(void **state UNUSED)
{
	static const char *const rubbish[] = { "", "{", "[]", "{\"target\": \"x\"}", "\xff\xfe" };
	struct control_holder holder;
	struct control *control;
	char path[128];
	size_t i;
	FILE *file;

	for (i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
		path_of(path, getpid(), "lock");
		file = fopen(path, "w");
		fputs(rubbish[i], file);
		fclose(file);
		assert_int_equal(control_find(getpid(), &holder), -ENOENT);
		assert_int_equal(control_new(getpid(), start_of(getpid()), "dry", &control,
					     &holder), 0);
		control_free(control, NULL);
	}
}

/* The PID of a target that ended was given to another process. */
static void a_pid_that_was_used_again_is_another_target(void **state UNUSED)
{
	pid_t old = start_controller(getpid(), start_of(getpid()) - 1);
	struct control_holder holder;
	struct control *control;

	assert_int_equal(control_find(getpid(), &holder), -ENOENT);
	/* The old one ends within two seconds, as its target has ended. */
	if (!fork()) {
		usleep(300 * 1000);
		kill(old, SIGKILL);
		_exit(0);
	}
	assert_int_equal(control_new(getpid(), start_of(getpid()), "dry", &control, &holder), 0);
	control_free(control, NULL);
	while (wait(NULL) > 0)
		;
}

static void a_controller_answers_and_detaches(void **state UNUSED)
{
	pid_t other = start_controller(getpid(), start_of(getpid()));
	struct control_holder holder;
	json_t *json;

	assert_int_equal(control_find(getpid(), &holder), 0);
	assert_int_equal(holder.pid, other);
	assert_int_equal(control_ask(&holder, "status", 5000, &json), 0);
	assert_string_equal(json_string_value(json_object_get(json, "i am")), "the other one");
	json_decref(json);

	POISON(json);
	assert_int_equal(control_ask(&holder, "dance", 5000, &json), -EPERM);
	UNTOUCHED(json);
	assert_non_null(strstr(control_reason(), "unknown request"));

	/* The answer to detach comes when the target is free again. */
	assert_int_equal(control_ask(&holder, "detach", 5000, &json), 0);
	assert_string_equal(json_string_value(json_object_get(json, "last")), "words");
	json_decref(json);
	assert_int_equal(control_find(getpid(), &holder), -ENOENT);
	assert_false(is_there(getpid(), "sock"));
	assert_int_equal(waitpid(other, NULL, 0), other);
}

static void a_controller_that_hangs_is_not_waited_for(void **state UNUSED)
{
	pid_t other = start_controller(getpid(), start_of(getpid()));
	struct control_holder holder;
	json_t *json;

	assert_int_equal(control_find(getpid(), &holder), 0);
	kill(other, SIGSTOP);
	assert_int_equal(control_ask(&holder, "status", 200, &json), -ETIMEDOUT);
	kill(other, SIGCONT);
	assert_int_equal(control_ask(&holder, "status", 5000, &json), 0);
	json_decref(json);
	kill_controller(other);
	assert_int_equal(control_ask(&holder, "status", 200, &json), -ECONNREFUSED);
}

static void count(const struct control_holder *holder, void *arg)
{
	pid_t *targets = arg;

	assert_true(targets[0] < 3);
	targets[++targets[0]] = holder->target;
}

static void all_living_controllers_are_listed(void **state UNUSED)
{
	pid_t dead = start_controller(getpid(), start_of(getpid())), targets[4] = { 0 };
	pid_t other = start_controller(getppid(), start_of(getppid()));

	kill_controller(dead);
	control_list(count, targets);
	assert_int_equal(targets[0], 1);
	assert_int_equal(targets[1], getppid());
	kill_controller(other);
}

static void a_folder_that_others_can_write_is_refused(void **state UNUSED)
{
	struct control_holder holder;
	struct control *control;

	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(control_new(getpid(), start_of(getpid()), "dry", &control, &holder),
			 -EPERM);
	assert_non_null(strstr(control_reason(), "nobody else can write"));
	assert_false(is_there(getpid(), "lock"));
	chmod(dir, 0755);
}

static void a_path_that_is_too_long_is_refused(void **state UNUSED)
{
	struct control_holder holder;
	struct control *control;
	char deep[CONTROL_PATH_BYTES];

	snprintf(deep, sizeof(deep), "%s/%0*d", dir, (int)(sizeof(deep) - strlen(dir) - 8), 0);
	setenv("HEMEM_RUNDIR", deep, 1);
	assert_int_equal(control_new(getpid(), start_of(getpid()), "dry", &control, &holder),
			 -ENAMETOOLONG);
	setenv("HEMEM_RUNDIR", dir, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_controller_makes_its_files_and_takes_them_away, rundir_make, rundir_remove),
		cmocka_unit_test_setup_teardown(a_second_controller_is_told_who_holds_the_target, rundir_make, rundir_remove),
		cmocka_unit_test_setup_teardown(what_a_killed_controller_left_is_taken_over, rundir_make, rundir_remove),
		cmocka_unit_test_setup_teardown(rubbish_in_the_files_is_no_obstacle, rundir_make, rundir_remove),
		cmocka_unit_test_setup_teardown(a_pid_that_was_used_again_is_another_target, rundir_make, rundir_remove),
		cmocka_unit_test_setup_teardown(a_controller_answers_and_detaches, rundir_make, rundir_remove),
		cmocka_unit_test_setup_teardown(a_controller_that_hangs_is_not_waited_for, rundir_make, rundir_remove),
		cmocka_unit_test_setup_teardown(all_living_controllers_are_listed, rundir_make, rundir_remove),
		cmocka_unit_test_setup_teardown(a_folder_that_others_can_write_is_refused, rundir_make, rundir_remove),
		cmocka_unit_test_setup_teardown(a_path_that_is_too_long_is_refused, rundir_make, rundir_remove),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
