// SPDX-License-Identifier: GPL-2.0
/*
 * peer_test.c - controllers that hear each other: shares of real processes, killed ones too
 *
 * Each controller is a child with a target of its own (itself), 64 huge pages, of which the
 * fast node has room for 64 in all.  Time is what the test says.
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

#include "control.h"
#include "heat.h"
#include "ledger.h"
#include "peer.h"
#include "rundir.h"
#include "target.h"

#define BASE		0x7f0000000000ULL
#define HUGE		HEAT_HUGE_BYTES
#define PAGES		64
#define SECOND_NS	1000000000ULL
#define ROOT		(geteuid() == 0)

/** struct other - a controller in a process of its own */
struct other {
	pid_t pid;
	int to, from;
};

static struct control *take_control(pid_t pid)
{
	struct control_holder holder;
	struct control *control;
	struct target target;

	if (target_open(pid, &target))
		return NULL;
	if (control_new(pid, target.start_ticks, "numa", &control, &holder))
		control = NULL;
	target_close(&target);
	return control;
}

/** struct world - a target, as its controller sees it */
struct world {
	struct peers peers;
	struct tier_set tiers;
	struct heat *heat;
	struct ledger *ledger;
	uint64_t now_ns;
};

/* @fast of the pages lie on the fast node; @heat times as often accessed as others'. */
static void begin(struct world *world, struct control *control, const struct share_claim *terms,
		  unsigned int fast)
{
	unsigned int i;

	*world = (struct world){ .now_ns = SECOND_NS };
	world->tiers = (struct tier_set){
		.nodes = { { .level = TIER_FAST, .total_bytes = PAGES * HUGE },
			   { .nid = 1, .level = TIER_SLOW, .total_bytes = 1000 * HUGE,
			     .free_bytes = 500 * HUGE } },
		.nr_nodes = 2,
	};
	if (heat_new(&world->heat) || ledger_new(&cost_default, &world->ledger))
		abort();
	for (i = 0; i < PAGES; i++)
		heat_see(world->heat, BASE + i * HUGE, true, i < fast ? 0 : 1, 0, 0);
	ledger_tick(world->ledger, world->now_ns, world->heat, &world->tiers, 401);
	peer_init(&world->peers, terms);
	peer_join(&world->peers, control);
}

static void end(struct world *world)
{
	heat_free(world->heat);
	ledger_free(world->ledger);
}

/*
 * Ten seconds, in each of which each page is sampled so many times.  A second would do, but where
 * this machine is slow others are heard less often.
 */
static bool turn(struct world *world, unsigned int samples)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		heat_see(world->heat, BASE + i * HUGE, true, HEAT_NO_NODE, 10 * samples, 0);
	world->now_ns += 10 * SECOND_NS;
	ledger_tick(world->ledger, world->now_ns, world->heat, &world->tiers, 401);
	return peer_look(&world->peers, world->now_ns, world->heat, &world->tiers,
			 ledger_facts(world->ledger));
}

/* Two turns each time it is asked; answers with its share. */
static void be_another(const struct share_claim *terms, unsigned int fast, unsigned int samples,
		       int in, int out)
{
	struct control *control = take_control(getpid());
	struct world world;
	char byte;

	if (!control)
		_exit(1);
	begin(&world, control, terms, fast);
	while (read(in, &byte, 1) == 1 && byte != 'q') {
		turn(&world, samples);
		turn(&world, samples);
		if (write(out, &world.peers.share, sizeof(world.peers.share)) < 0)
			break;
	}
	end(&world);
	control_free(control, NULL);
	_exit(0);
}

static struct other start(const struct share_claim *terms, unsigned int fast, unsigned int samples)
{
	int to[2], from[2];
	struct other other;

	assert_int_equal(pipe2(to, O_CLOEXEC) | pipe2(from, O_CLOEXEC), 0);
	other = (struct other){ .pid = fork(), .to = to[1], .from = from[0] };
	if (!other.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(to[1]);
		be_another(terms, fast, samples, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	return other;
}

static struct share ask(const struct other *other)
{
	struct share share;

	assert_int_equal(write(other->to, "", 1), 1);
	assert_int_equal(read(other->from, &share, sizeof(share)), sizeof(share));
	return share;
}

static void finish(const struct other *other, bool with_kill)
{
	if (with_kill)
		kill(other->pid, SIGKILL);
	else
		assert_int_equal(write(other->to, "q", 1), 1);
	close(other->to);
	close(other->from);
	waitpid(other->pid, NULL, 0);
}

static const struct share_claim plain = { .weight = SHARE_WEIGHT, .limit_bytes = UINT64_MAX };

#define ABOUT(bytes, pages) \
	assert_true((bytes) >= (pages) * HUGE - HUGE && (bytes) <= (pages) * HUGE + HUGE)

static void two_controllers_divide_by_what_their_targets_save(void **state UNUSED)
{
	struct other hot = start(&plain, 0, 40), lukewarm = start(&plain, PAGES, 4);
	struct share share;

	ask(&hot);
	share = ask(&lukewarm);
	assert_true(share.bytes < HUGE);
	assert_int_equal(share.why, SHARE_OTHERS);
	share = ask(&hot);
	ABOUT(share.bytes, PAGES);
	finish(&hot, false);
	finish(&lukewarm, false);
}

static void equal_targets_get_halves_wherever_their_pages_lie(void **state UNUSED)
{
	struct other one = start(&plain, 0, 10), two = start(&plain, PAGES, 10);
	struct share share;

	ask(&one);
	ask(&two);
	share = ask(&one);
	ABOUT(share.bytes, PAGES / 2);
	share = ask(&two);
	ABOUT(share.bytes, PAGES / 2);
	finish(&one, false);
	finish(&two, false);
}

/* SIGKILL: its files lie there, its lock does not; and it never said that it ends. */
static void what_a_killed_controller_claimed_is_divided_again(void **state UNUSED)
{
	struct other one = start(&plain, 0, 40), two = start(&plain, PAGES, 4);
	struct share share;
	char path[128];

	ask(&one);
	share = ask(&two);
	assert_true(share.bytes < HUGE);
	finish(&one, true);
	snprintf(path, sizeof(path), "%s/%d.lock", dir, one.pid);
	assert_int_equal(access(path, F_OK), 0);
	share = ask(&two);
	assert_int_equal(share.why, SHARE_ALONE);
	assert_true(share.bytes == UINT64_MAX);
	finish(&two, false);
}

static void priority_and_minimums_are_roots_to_give(void **state UNUSED)
{
	const struct share_claim first = { .weight = SHARE_PRIORITY, .limit_bytes = UINT64_MAX };
	struct other one = start(&first, PAGES, 1), two = start(&plain, 0, 100);
	struct share share;

	ask(&one);
	ask(&two);
	share = ask(&one);
	if (ROOT) {
		ABOUT(share.bytes, PAGES);
		assert_int_equal(share.why, SHARE_FIRST);
	}
	share = ask(&two);
	if (ROOT)
		assert_true(share.bytes < HUGE);
	else
		ABOUT(share.bytes, PAGES);	/* the other one believes itself alone */
	finish(&one, false);
	finish(&two, false);
}

/* What lies in the folder and is no claim: half written, another version's, made up. */
static void what_is_no_claim_is_not_heard(void **state UNUSED)
{
	struct share_claim claim = plain;
	struct control *control = take_control(getpid());
	struct other other = start(&plain, PAGES, 10);
	struct world world;
	char path[128];
	int fd;

	assert_non_null(control);
	begin(&world, control, &claim, 0);
	ask(&other);
	assert_true(turn(&world, 10));
	assert_int_equal(world.peers.nr, 1);

	snprintf(path, sizeof(path), "%s/%d.lock", dir, other.pid);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "xxxx", 4, 4096 + 100), 4);
	assert_true(turn(&world, 10));
	assert_int_equal(world.peers.nr, 0);
	assert_int_equal(world.peers.share.why, SHARE_ALONE);

	ask(&other);
	assert_true(turn(&world, 10));
	assert_int_equal(world.peers.nr, 1);
	assert_int_equal(ftruncate(fd, 4096 + 50), 0);
	assert_true(turn(&world, 10));
	assert_int_equal(world.peers.nr, 0);
	close(fd);

	/* A weight that is none would be divided by. */
	claim.weight = 0;
	assert_int_equal(control_tell(control, &claim, sizeof(claim)), 0);
	assert_int_equal(ask(&other).why, SHARE_ALONE);
	assert_int_equal(control_tell(control, &claim, CONTROL_WORD_BYTES + 1), -EMSGSIZE);
	end(&world);
	control_free(control, NULL);
	finish(&other, false);
}

static void others_are_heard_once_a_second(void **state UNUSED)
{
	struct control *control = take_control(getpid());
	struct world world;

	assert_non_null(control);
	begin(&world, control, &plain, 0);
	assert_true(turn(&world, 1));
	world.now_ns += SECOND_NS / 2;
	assert_false(peer_look(&world.peers, world.now_ns, world.heat, &world.tiers,
			       ledger_facts(world.ledger)));
	assert_true(turn(&world, 1));
	/* Without a folder to hear them in there are none. */
	peer_join(&world.peers, NULL);
	assert_false(turn(&world, 1));
	end(&world);
	control_free(control, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rundir_make, rundir_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(two_controllers_divide_by_what_their_targets_save),
		TEST(equal_targets_get_halves_wherever_their_pages_lie),
		TEST(what_a_killed_controller_claimed_is_divided_again),
		TEST(priority_and_minimums_are_roots_to_give),
		TEST(what_is_no_claim_is_not_heard),
		TEST(others_are_heard_once_a_second),
	};

	return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
