// SPDX-License-Identifier: GPL-2.0
/*
 * follow_test.c - a real process that changes, and what is known of it
 *
 * The target is a child of this program, so a region that is mapped before fork is at the
 * same addresses in it.  The sampler is played by the test, and there is no module: that
 * memory is gone after exec is told by the sampler, as SCAN tells it.
 */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "follow.h"
#include "heat.h"
#include "region.h"
#include "sampler.h"
#include "stats.h"
#include "tier.h"

#define PAGES	16
#define BYTES	(PAGES * HEAT_BASE_BYTES)

static struct {
	unsigned int nr_opens, nr_closes;
	int open_err, drain_err;
} fake;

static struct tier_set tiers;
static struct stats stats;
static struct follow follow;
static char *area;
static pid_t child;
static int commands, answers;

static int fake_open(UNUSED const struct sampler_context *context, void **ret_state)
{
	if (fake.open_err)
		return fake.open_err;
	fake.nr_opens++;
	*ret_state = &fake;
	return 0;
}

static int fake_drain(void *state, UNUSED uint64_t now_ns)
{
	assert_ptr_equal(state, &fake);
	return fake.drain_err;
}

static uint64_t fake_due_ns(UNUSED const void *state)
{
	return 5;
}

static void fake_close(UNUSED void *state)
{
	fake.nr_closes++;
}

static const struct sampler sampler = {
	.name = "fake", .open = fake_open, .drain = fake_drain, .due_ns = fake_due_ns,
	.close = fake_close,
};

/* u: unmap the upper half of the area; e: exec; x: exit */
static void run_child(int from, int to)
{
	char command;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(from, &command, 1) == 1) {
		if (command == 'u')
			munmap(area + BYTES / 2, BYTES / 2);
		if (command == 'e')
			execl("/bin/sleep", "sleep", "1000", NULL);
		if (command == 'x')
			_exit(0);
		if (write(to, "", 1) != 1)
			break;
	}
	_exit(1);
}

/* Is @name the program that the child runs? */
static bool child_runs(const char *name)
{
	struct target now;
	bool same;

	assert_int_equal(target_open(child, &now), 0);
	same = !strcmp(now.comm, name);
	target_close(&now);
	return same;
}

static void tell(char command)
{
	siginfo_t info;
	char byte;

	assert_int_equal(write(commands, &command, 1), 1);
	if (command == 'x')
		assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	while (command == 'e' && !child_runs("sleep"))
		usleep(1000);
	if (command == 'u')
		assert_int_equal(read(answers, &byte, 1), 1);
}

static int set_up(void **state UNUSED)
{
	int to[2], from[2];

	memset(&fake, 0, sizeof(fake));
	memset(&stats, 0, sizeof(stats));
	area = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED || pipe(to) || pipe(from))
		return -1;
	child = fork();
	if (!child)
		run_child(to[0], from[1]);
	close(to[0]);
	close(from[1]);
	commands = to[1];
	answers = from[0];
	return follow_init(&follow, &tiers, &stats);
}

static int tear_down(void **state UNUSED)
{
	follow_close(&follow);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(commands);
	close(answers);
	munmap(area, BYTES);
	assert_int_equal(fake.nr_opens, fake.nr_closes);
	return 0;
}

static uint64_t addr_of(unsigned int page)
{
	return (uintptr_t)area + page * HEAT_BASE_BYTES;
}

static void open_and_find_pages(void)
{
	unsigned int i;

	assert_int_equal(follow_open(&follow, child, &sampler, NULL, 100, false), 0);
	assert_int_equal(follow_look(&follow), 0);
	for (i = 0; i < PAGES; i++)
		heat_see(follow.heat, addr_of(i), false, 0, 1, 0);
}

static bool knows(unsigned int page)
{
	struct heat_page found;

	return !heat_find(follow.heat, addr_of(page), &found);
}

/* As if the watch had told it, or a second had passed. */
static int look_again(void)
{
	follow.has_changed = true;
	follow.maps_due_ns = 0;
	return follow_look(&follow);
}

static void the_first_look_reads_the_regions(void **state UNUSED)
{
	open_and_find_pages();
	assert_true(follow.is_attached);
	assert_int_equal(stats.maps_reads, 1);
	assert_true(stats.regions > 3);
	assert_true(stats.region_bytes >= BYTES);
	assert_non_null(region_find(&follow.regions, addr_of(0)));
	assert_int_equal(follow_due_ns(&follow), 5);
}

static void what_is_unmapped_is_forgotten_and_the_rest_is_not(void **state UNUSED)
{
	uint64_t bytes;

	open_and_find_pages();
	bytes = stats.region_bytes;
	tell('u');
	assert_int_equal(look_again(), 0);
	assert_true(knows(0) && knows(PAGES / 2 - 1));
	assert_false(knows(PAGES / 2) || knows(PAGES - 1));
	assert_int_equal(stats.regions_unmapped, 1);
	assert_int_equal(stats.region_bytes, bytes - BYTES / 2);
	assert_int_equal(stats.events_exec, 0);
}

static void without_a_change_the_regions_are_not_read_again(void **state UNUSED)
{
	open_and_find_pages();
	assert_int_equal(follow_look(&follow), 0);
	assert_int_equal(follow_look(&follow), 0);
	assert_int_equal(stats.maps_reads, 1);
}

static void after_exec_nothing_is_known_and_the_new_program_is_attached(void **state UNUSED)
{
	open_and_find_pages();
	tell('e');
	fake.drain_err = -ESRCH;
	assert_int_equal(follow_drain(&follow, 0), 0);
	assert_false(follow.is_attached || knows(0));
	assert_int_equal(follow.regions.nr, 0);
	assert_int_equal(follow_due_ns(&follow), UINT64_MAX);
	assert_int_equal(stats.events_exec, 1);
	fake.drain_err = 0;
	assert_int_equal(follow_look(&follow), 0);
	assert_true(follow.is_attached);
	assert_int_equal(fake.nr_opens, 2);
	assert_string_equal(follow.target.comm, "sleep");
	assert_true(follow.regions.nr > 0);
}

/* Between two programs the module says ESRCH, which is made EAGAIN. */
static void a_program_that_cannot_be_attached_yet_is_tried_again(void **state UNUSED)
{
	open_and_find_pages();
	fake.drain_err = -ESRCH;
	assert_int_equal(follow_drain(&follow, 0), 0);
	fake.open_err = -EAGAIN;
	assert_int_equal(follow_look(&follow), 0);
	assert_false(follow.is_attached);
	assert_int_equal(follow_drain(&follow, 0), 0);
	fake.open_err = 0;
	fake.drain_err = 0;
	assert_int_equal(follow_look(&follow), 0);
	assert_true(follow.is_attached);
}

static void the_end_is_told_by_whoever_sees_it_first(void **state UNUSED)
{
	open_and_find_pages();
	tell('x');
	fake.drain_err = -ESRCH;
	assert_int_equal(follow_drain(&follow, 0), -ESRCH);
	assert_int_equal(follow_look(&follow), -ESRCH);
	assert_int_equal(stats.events_exec, 0);
}

static void the_end_is_seen_when_regions_are_read(void **state UNUSED)
{
	open_and_find_pages();
	tell('x');
	assert_int_equal(look_again(), -ESRCH);
}

static void other_errors_are_handed_on(void **state UNUSED)
{
	open_and_find_pages();
	fake.drain_err = -EIO;
	assert_int_equal(follow_drain(&follow, 0), -EIO);
	assert_true(follow.is_attached);
}

static void what_cannot_be_opened_can_be_closed(void **state UNUSED)
{
	fake.open_err = -EOPNOTSUPP;
	assert_int_equal(follow_open(&follow, child, &sampler, NULL, 100, false), -EOPNOTSUPP);
	assert_false(follow.is_attached);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_look_reads_the_regions),
		TEST(what_is_unmapped_is_forgotten_and_the_rest_is_not),
		TEST(without_a_change_the_regions_are_not_read_again),
		TEST(after_exec_nothing_is_known_and_the_new_program_is_attached),
		TEST(a_program_that_cannot_be_attached_yet_is_tried_again),
		TEST(the_end_is_told_by_whoever_sees_it_first),
		TEST(the_end_is_seen_when_regions_are_read),
		TEST(other_errors_are_handed_on),
		TEST(what_cannot_be_opened_can_be_closed),
	};

	return cmocka_run_group_tests_name("follow", tests, NULL, NULL);
}
