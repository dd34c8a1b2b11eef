// SPDX-License-Identifier: GPL-2.0
/*
 * watch_test.c - what a target does is told, and what others do is not
 *
 * Needs root and a kernel with BPF and kprobes, or is skipped with the reason; with
 * HEMEM_MUST_WATCH set, as in a guest, that is a failure.
 *
 * The target is a child that waits to be told each of its steps.
 */
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "watch.h"

#define NR_STORM	20000	/* calls; more than the ring has room for */
#define SIZE		(1 << 20)

enum step { CHANGE, FAIL, THREAD, FORK, STORM, EXEC };

struct child {
	pid_t pid;
	int go, done;
	struct watch *watch;
};

/* As system calls, so that nothing but what is written here happens. */
static void change_memory(void)
{
	char *a, *b, *end = (char *)syscall(SYS_brk, 0);

	a = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	b = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(b, SIZE);
	a = mremap(a, SIZE, 2 * SIZE, MREMAP_MAYMOVE);
	syscall(SYS_brk, end + 4096);
}

static void fail_to_change(void)
{
	mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap((void *)1, 4096);
	mremap((void *)1, 4096, 8192, 0);
}

static void *do_nothing(void *arg)
{
	return arg;
}

static void make_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, do_nothing, NULL);
	pthread_join(thread, NULL);
}

static void make_child(void)
{
	pid_t child = (pid_t)syscall(SYS_fork);

	if (!child)
		syscall(SYS_exit_group, 0);
	waitpid(child, NULL, 0);
}

static void storm(void)
{
	int i;

	for (i = 0; i < NR_STORM / 2; i++)
		munmap(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
}

static void be_target(int go, int done)
{
	enum step step;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(go, &step, sizeof(step)) == sizeof(step)) {
		switch (step) {
		case CHANGE:	change_memory(); break;
		case FAIL:	fail_to_change(); break;
		case THREAD:	make_thread(); break;
		case FORK:	make_child(); break;
		case STORM:	storm(); break;
		case EXEC:	execl("/bin/true", "true", NULL); _exit(1);
		}
		if (write(done, "", 1) != 1)
			break;
	}
	_exit(0);
}

static int set_up(void **state)
{
	struct child *child = calloc(1, sizeof(*child));
	int go[2], done[2], err;

	if (pipe(go) || pipe(done))
		return -1;
	child->pid = fork();
	if (!child->pid) {
		close(go[1]);
		close(done[0]);
		be_target(go[0], done[1]);
	}
	close(go[0]);
	close(done[1]);
	child->go = go[1];
	child->done = done[0];
	err = watch_open(child->pid, &child->watch);
	if (err && getenv("HEMEM_MUST_WATCH")) {
		print_error("watch_open: %s\n", watch_reason());
		return -1;
	}
	*state = child;
	return 0;
}

static int tear_down(void **state)
{
	struct child *child = *state;

	close(child->go);
	close(child->done);
	waitpid(child->pid, NULL, 0);
	watch_close(child->watch);
	free(child);
	return 0;
}

static struct child *need_watch(void **state)
{
	struct child *child = *state;

	if (!child->watch) {
		print_message("# skipped: %s\n", watch_reason());
		skip();
	}
	return child;
}

static void tell(struct child *child, enum step step)
{
	char done;

	assert_int_equal(write(child->go, &step, sizeof(step)), sizeof(step));
	if (step != EXEC)
		assert_int_equal(read(child->done, &done, 1), 1);
}

static bool is_readable(const struct child *child, int timeout_ms)
{
	struct pollfd fd = { .fd = watch_fd(child->watch), .events = POLLIN };

	return poll(&fd, 1, timeout_ms) == 1;
}

static struct watch_events events_of(struct child *child)
{
	struct watch_events events;

	POISON(events);
	assert_int_equal(watch_read(child->watch, &events), 0);
	return events;
}

static uint64_t sum(const struct watch_events *events)
{
	return events->nr_mmap + events->nr_munmap + events->nr_mremap + events->nr_brk +
	       events->nr_fork + events->nr_exec + events->nr_exit + events->nr_lost;
}

static void changes_of_the_memory_are_told_each(void **state)
{
	struct child *child = need_watch(state);
	struct watch_events events;

	assert_false(is_readable(child, 0));
	tell(child, CHANGE);
	assert_true(is_readable(child, 1000));
	events = events_of(child);
	assert_int_equal(events.nr_mmap, 2);
	assert_int_equal(events.nr_munmap, 1);
	assert_int_equal(events.nr_mremap, 1);
	assert_int_equal(events.nr_brk, 2);
	assert_int_equal(sum(&events), 6);
	/* And told once. */
	events = events_of(child);
	assert_int_equal(sum(&events), 0);
}

static void a_call_that_failed_is_not_told(void **state)
{
	struct child *child = need_watch(state);
	struct watch_events events;

	tell(child, FAIL);
	events = events_of(child);
	assert_int_equal(sum(&events), 0);
}

static void what_others_do_is_not_told(void **state)
{
	struct child *child = need_watch(state);
	struct watch_events events;

	change_memory();
	make_child();
	events = events_of(child);
	assert_int_equal(sum(&events), 0);
}

static void a_child_is_told_but_a_thread_is_not(void **state)
{
	struct child *child = need_watch(state);
	struct watch_events events;

	tell(child, THREAD);
	assert_int_equal(events_of(child).nr_fork, 0);
	tell(child, FORK);
	events = events_of(child);
	assert_int_equal(events.nr_fork, 1);
	/* The child's own end is not the target's. */
	assert_int_equal(events.nr_exit, 0);
}

static void exec_and_exit_are_told(void **state)
{
	struct child *child = need_watch(state);
	struct watch_events events;

	tell(child, EXEC);
	waitpid(child->pid, NULL, 0);
	events = events_of(child);
	assert_int_equal(events.nr_exec, 1);
	assert_int_equal(events.nr_exit, 1);
}

static void what_finds_no_room_is_counted_as_lost(void **state)
{
	struct child *child = need_watch(state);
	struct watch_events events;

	tell(child, STORM);
	events = events_of(child);
	assert_true(events.nr_lost > 0);
	assert_true(events.nr_mmap > 0 && events.nr_munmap > 0);
	assert_int_equal(sum(&events), NR_STORM);
	/* There is room again. */
	tell(child, CHANGE);
	events = events_of(child);
	assert_int_equal(sum(&events), 6);
}

static void no_process_no_watch(void **state UNUSED)
{
	struct watch *watch;
	int err;

	POISON(watch);
	err = watch_open(1 << 22, &watch);
	assert_true(err == -ESRCH || err == -EOPNOTSUPP || err == -EPERM);
	UNTOUCHED(watch);
	assert_true(strlen(watch_reason()) > 10);
}

static void without_rights_there_is_a_reason(void **state UNUSED)
{
	struct watch *watch = NULL;
	int err, status;
	pid_t child;

	if (getuid())
		skip();
	child = fork();
	if (!child) {
		if (setuid(65534))
			_exit(1);
		err = watch_open(getpid(), &watch);
		_exit(err < 0 && err != -EOPNOTSUPP ? !strstr(watch_reason(), "CAP_BPF") : err == 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(changes_of_the_memory_are_told_each, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_call_that_failed_is_not_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_others_do_is_not_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_child_is_told_but_a_thread_is_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(exec_and_exit_are_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_finds_no_room_is_counted_as_lost, set_up, tear_down),
		cmocka_unit_test(no_process_no_watch),
		cmocka_unit_test(without_rights_there_is_a_reason),
	};

	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
