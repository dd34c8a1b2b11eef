// SPDX-License-Identifier: GPL-2.0
/*
 * rights_test.c - who may attach to whom, and that it is asked at every call
 *
 * The rule is that of move_pages(2), so move_pages(2) is asked for the same
 * pair as well: where it refuses, /dev/hemem must.  The fd is opened before
 * rights are dropped, because what counts is who calls, not who opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <numaif.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev.h"
#include "harness.h"
#include "mem.h"
#include "need.h"
#include "node.h"
#include "proc.h"
#include "target.h"

enum { NOBODY = 65534, SOMEBODY = 65533 };

static struct hemem_assist_move moves[8];

/* --- what a process becomes ------------------------------------------------ */

static void stay_root(void)
{
}

static void become(uid_t uid)
{
	ASSERT_EQ(0, setresgid(uid, uid, uid));
	ASSERT_EQ(0, setresuid(uid, uid, uid));
	/* What changes its identity is not dumpable; programs started so are. */
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
}

static void become_nobody(void)
{
	become(NOBODY);
}

static void become_somebody(void)
{
	become(SOMEBODY);
}

static void become_undumpable_nobody(void)
{
	become(NOBODY);
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 0));
}

/* Somebody else with one capability and no other. */
static void keep_one_capability(uid_t uid, int capability)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	ASSERT_EQ(0, prctl(PR_SET_KEEPCAPS, 1));
	become(uid);
	data[capability / 32].permitted = 1U << capability % 32;
	data[capability / 32].effective = 1U << capability % 32;
	ASSERT_EQ(0, syscall(SYS_capset, &header, data));
}

static void become_tracer(void)
{
	keep_one_capability(SOMEBODY, CAP_SYS_PTRACE);
}

static void become_nice(void)
{
	keep_one_capability(SOMEBODY, CAP_SYS_NICE);
}

static void become_nobody_with_nice(void)
{
	keep_one_capability(NOBODY, CAP_SYS_NICE);
}

/* Only the user is the same: the group counts too. */
static void become_other_group(void)
{
	ASSERT_EQ(0, setresgid(SOMEBODY, SOMEBODY, SOMEBODY));
	ASSERT_EQ(0, setresuid(NOBODY, NOBODY, NOBODY));
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
}

static void enter_userns(void)
{
	ASSERT_EQ(0, unshare(CLONE_NEWUSER));
}

/* All capabilities, but in a user namespace of its own. */
static void enter_userns_as_nobody(void)
{
	become(NOBODY);
	ASSERT_EQ(0, unshare(CLONE_NEWUSER));
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
}

/* --- the table -------------------------------------------------------------- */

struct pair {
	const char *name;
	void (*target)(void);
	void (*caller)(void);
	int err;
};

static const struct pair pairs[] = {
	{ "root_to_root", stay_root, stay_root, 0 },
	{ "root_to_user", become_nobody, stay_root, 0 },
	{ "same_user", become_nobody, become_nobody, 0 },
	{ "user_to_root", stay_root, become_nobody, -EPERM },
	{ "other_user", become_nobody, become_somebody, -EPERM },
	{ "other_group", become_nobody, become_other_group, -EPERM },
	{ "undumpable", become_undumpable_nobody, become_nobody, -EPERM },
	{ "root_to_undumpable", become_undumpable_nobody, stay_root, 0 },
	{ "sys_ptrace_only", become_nobody, become_tracer, 0 },
	{ "sys_ptrace_to_root", stay_root, become_tracer, 0 },
	{ "sys_nice_only", become_nobody, become_nice, -EPERM },
	{ "from_userns_root", stay_root, enter_userns, -EPERM },
	{ "from_userns_nobody", become_nobody, enter_userns_as_nobody, -EPERM },
	{ "root_into_userns", enter_userns, stay_root, 0 },
	{ "user_into_own_userns", enter_userns_as_nobody, become_nobody, 0 },
	{ "other_into_userns", enter_userns_as_nobody, become_somebody, -EPERM },
};

static const char *pair_name(int row)
{
	return pairs[row].name;
}

static const struct rows pair_rows = {
	.nr = sizeof(pairs) / sizeof(pairs[0]),
	.name = pair_name,
};

static struct target target;
static int fd, pidfd;

static int attach(void)
{
	struct hemem_assist_attach attach = {
		.size = sizeof(attach), .pidfd = pidfd };

	return dev_ioctl(fd, HEMEM_ASSIST_ATTACH, &attach);
}

static int migrate(int nid, __u32 flags)
{
	return dev_migrate(fd, moves, mem_moves(&target.mem, nid, moves), flags,
			   NULL);
}

static int scan(void)
{
	struct hemem_assist_run run;
	struct hemem_assist_scan scan = {
		.start = (uintptr_t)target.mem.addr,
		.end = (uintptr_t)target.mem.addr + target.mem.bytes,
		.runs = (uintptr_t)&run, .max_runs = 1,
	};

	return dev_scan(fd, &scan);
}

/* What move_pages(2) says; it only asks where the page is. */
static int move_pages_says(void)
{
	int nid = node_of_pid(target.pid, target.mem.addr);

	return nid < 0 ? nid : 0;
}

/* The fd and the pidfd are opened here, by root, before rights are dropped. */
static void start_target(void (*prepare)(void))
{
	target_start_as(&target, prepare, node_a());
	fd = dev_open();
	ASSERT_LE(0, fd);
	pidfd = dev_pidfd(target.pid);
	ASSERT_LE(0, pidfd);
}

static void compare_with_move_pages(void *arg)
{
	const struct pair *pair = arg;
	int says;

	pair->caller();
	says = move_pages_says();
	EXPECT_EQ(pair->err, says);
	EXPECT_EQ(pair->err, attach());
	if (pair->err) {
		EXPECT_EQ(-ENOTCONN, migrate(node_b(), 0));
		EXPECT_EQ(-ENOTCONN, scan());
	} else {
		EXPECT_EQ(0, migrate(node_b(), 0));
		EXPECT_EQ(0, scan());
	}
}

TEST_ROWS(pair, "attach with some rights to a target with others, and get the verdict that "
	  "move_pages(2) gives for the same pair", &pair_rows, need_migrate, need_scan,
	  need_two_nodes, need_userns)
{
	start_target(pairs[row].target);
	EXPECT_EQ(0, proc_wait(proc_start(compare_with_move_pages,
					  (void *)&pairs[row])));
	EXPECT_EQ(target.mem.nr_units,
		  target_count(&target, pairs[row].err ? node_a() : node_b()));
	EXPECT_EQ(0, target_tell(&target, TARGET_COUNT_BAD));
}

/* --- rights are asked at every call ------------------------------------------- */

/* Attached with rights; then the caller or the target loses them. */
static void expect_lost(void)
{
	EXPECT_EQ(-EPERM, move_pages_says());
	EXPECT_EQ(-EPERM, migrate(node_b(), 0));
	EXPECT_EQ(-EPERM, scan());
}

static void caller_loses(void *arg __attribute__((unused)))
{
	ASSERT_EQ(0, attach());
	ASSERT_EQ(0, migrate(node_a(), 0));
	become_somebody();
	expect_lost();
}

TEST(caller_drops_root, "attach as root, become somebody else, and be refused at the next call",
	 need_migrate, need_scan, need_two_nodes)
{
	start_target(become_nobody);
	EXPECT_EQ(0, proc_wait(proc_start(caller_loses, NULL)));
	EXPECT_EQ(target.mem.nr_units, target_count(&target, node_a()));
}

static void target_hides(void *arg)
{
	become_nobody();
	ASSERT_EQ(0, attach());
	ASSERT_EQ(0, migrate(node_a(), 0));
	ASSERT_EQ(0, target_tell(&target, *(enum target_command *)arg));
	expect_lost();
}

TEST(target_becomes_undumpable, "attach as its user, see the target become undumpable, and be "
	 "refused at the next call", need_migrate, need_scan, need_two_nodes)
{
	enum target_command command = TARGET_UNDUMPABLE;

	start_target(become_nobody);
	EXPECT_EQ(0, proc_wait(proc_start(target_hides, &command)));
	EXPECT_EQ(target.mem.nr_units, target_count(&target, node_a()));
}

static void use_fd(void *arg __attribute__((unused)))
{
	become_somebody();
	expect_lost();
}

TEST(fd_in_other_hands, "hand an attached fd to a process without rights, and see it refused",
	 need_migrate, need_scan, need_two_nodes)
{
	start_target(become_nobody);
	ASSERT_EQ(0, attach());
	EXPECT_EQ(0, proc_wait(proc_start(use_fd, NULL)));
	EXPECT_EQ(0, migrate(node_a(), 0));
	EXPECT_EQ(target.mem.nr_units, target_count(&target, node_a()));
}

/* --- MIGRATE_SHARED ------------------------------------------------------------- */

static void ask_shared(void *arg)
{
	int err = *(int *)arg;

	if (err)
		become_nobody();
	else
		become_nobody_with_nice();
	ASSERT_EQ(0, attach());
	EXPECT_EQ(err, migrate(node_b(), HEMEM_ASSIST_MIGRATE_SHARED));
}

TEST(shared_needs_nice, "ask for MIGRATE_SHARED without CAP_SYS_NICE and be refused, nothing moved",
	 need_migrate, need_two_nodes)
{
	int err = -EPERM;

	start_target(become_nobody);
	EXPECT_EQ(0, proc_wait(proc_start(ask_shared, &err)));
	EXPECT_EQ(target.mem.nr_units, target_count(&target, node_a()));
}

TEST(shared_with_nice, "ask for MIGRATE_SHARED with CAP_SYS_NICE alone and be served",
	 need_migrate, need_two_nodes)
{
	int err = 0;

	start_target(become_nobody);
	EXPECT_EQ(0, proc_wait(proc_start(ask_shared, &err)));
	EXPECT_EQ(target.mem.nr_units, target_count(&target, node_b()));
}

static void ask_shared_in_userns(void *arg __attribute__((unused)))
{
	enter_userns_as_nobody();
	EXPECT_EQ(-EPERM, migrate(node_b(), HEMEM_ASSIST_MIGRATE_SHARED));
}

TEST(shared_in_userns, "ask for MIGRATE_SHARED with CAP_SYS_NICE in a user namespace only, and be "
	 "refused", need_migrate, need_two_nodes, need_userns)
{
	start_target(become_nobody);
	ASSERT_EQ(0, attach());
	EXPECT_EQ(0, proc_wait(proc_start(ask_shared_in_userns, NULL)));
	EXPECT_EQ(target.mem.nr_units, target_count(&target, node_a()));
}

/* --- targets without memory ------------------------------------------------------- */

TEST(kernel_thread, "refuse a kernel thread with ESRCH", need_module)
{
	fd = dev_open();
	EXPECT_EQ(-ESRCH, dev_attach(fd, 2));
	EXPECT_EQ(0, dev_attach(fd, getpid()));
}

static void end_at_once(void *arg __attribute__((unused)))
{
}

TEST(zombie, "refuse a process that has ended and is not reaped, with ESRCH", need_module)
{
	pid_t pid = proc_start(end_at_once, NULL);
	siginfo_t info;

	ASSERT_EQ(0, waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	fd = dev_open();
	EXPECT_EQ(-ESRCH, dev_attach(fd, pid));
	EXPECT_EQ(0, dev_attach(fd, getpid()));
	EXPECT_EQ(0, proc_wait(pid));
}

/* --- the device node ---------------------------------------------------------------- */

static void open_as_nobody(void *arg)
{
	become_nobody();
	EXPECT_EQ(*(int *)arg, dev_open() < 0 ? -EACCES : 0);
}

TEST(node_is_roots, "find that only root may open the device as it comes", need_module)
{
	struct stat stat_buf;
	int err = -EACCES;

	ASSERT_EQ(0, stat(HEMEM_ASSIST_DEVICE, &stat_buf));
	if ((stat_buf.st_mode & 0777) != 0600)
		SKIP("the administrator has changed the rights of the device");
	EXPECT_EQ(0, proc_wait(proc_start(open_as_nobody, &err)));
}

static void attach_from_scratch(void *arg __attribute__((unused)))
{
	become_nobody();
	fd = dev_open();
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, dev_attach(fd, target.pid));
	EXPECT_EQ(0, migrate(node_b(), 0));
}

TEST(node_opened_up, "give the device to everyone, and serve a user with a process of that user",
	 need_migrate, need_two_nodes)
{
	struct stat stat_buf;

	target_start_as(&target, become_nobody, node_a());
	ASSERT_EQ(0, stat(HEMEM_ASSIST_DEVICE, &stat_buf));
	ASSERT_EQ(0, chmod(HEMEM_ASSIST_DEVICE, 0666));
	EXPECT_EQ(0, proc_wait(proc_start(attach_from_scratch, NULL)));
	EXPECT_EQ(0, chmod(HEMEM_ASSIST_DEVICE, stat_buf.st_mode & 0777));
	EXPECT_EQ(target.mem.nr_units, target_count(&target, node_b()));
}
