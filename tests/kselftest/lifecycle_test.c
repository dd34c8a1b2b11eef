// SPDX-License-Identifier: GPL-2.0
/*
 * lifecycle_test.c - targets and controllers that end, at every stage; and the
 * module that comes and goes
 *
 * Whatever ends: the target is unharmed, the fd is detached, nothing is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev.h"
#include "file.h"
#include "harness.h"
#include "mem.h"
#include "module.h"
#include "need.h"
#include "node.h"
#include "proc.h"
#include "target.h"

#define REFCNT	"/sys/module/hemem_assist/refcnt"
#define STATS	"/sys/class/misc/hemem/stats/"
#define TRACING	"/sys/kernel/tracing/"

enum { PAGE = 4096, NR_PAGES = 512 };

static struct target target;
static struct hemem_assist_move moves[NR_PAGES];
static int fd = -1;

static int migrate_to(int nid)
{
	return dev_migrate(fd, moves, mem_moves(&target.mem, nid, moves), 0, NULL);
}

static int scan_all(__u32 flags)
{
	static struct hemem_assist_run runs[64];
	struct hemem_assist_scan scan = {
		.flags = flags,
		.start = (uintptr_t)target.mem.addr,
		.end = (uintptr_t)target.mem.addr + target.mem.bytes,
		.runs = (uintptr_t)runs, .max_runs = 64,
	};

	return dev_scan(fd, &scan);
}

static void start(size_t nr_pages)
{
	target_start_anon(&target, nr_pages, node_a());
	fd = dev_open_attached(target.pid);
	ASSERT_LE(0, fd);
}

static void expect_unharmed(void)
{
	EXPECT_EQ(0, target_tell(&target, TARGET_COUNT_BAD));
	EXPECT_EQ(target.mem.nr_units, target_count(&target, node_a()) +
		  target_count(&target, node_b()));
}

/* The target is free: another fd can have it. */
static void expect_detached(void)
{
	int other = dev_open_attached(target.pid);

	EXPECT_LE(0, other);
	close(other);
}

/* --- the target ends between calls ---------------------------------------------- */

TEST(target_exits, "see a target exit: ESRCH at the next calls, and the fd can be closed",
	 need_migrate, need_scan, need_two_nodes)
{
	start(32);
	ASSERT_EQ(0, migrate_to(node_b()));
	target_tell(&target, TARGET_EXIT);
	EXPECT_EQ(0, proc_wait(target.pid));
	EXPECT_EQ(-ESRCH, migrate_to(node_a()));
	EXPECT_EQ(-ESRCH, scan_all(0));
	EXPECT_EQ(-EBUSY, dev_attach(fd, getpid()));
	EXPECT_EQ(0, close(fd));
}

TEST(target_is_killed, "see a target killed, asked before and after it is reaped",
	 need_migrate, need_scan, need_two_nodes)
{
	siginfo_t info;

	start(32);
	kill(target.pid, SIGKILL);
	ASSERT_EQ(0, waitid(P_PID, (id_t)target.pid, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(-ESRCH, migrate_to(node_b()));
	EXPECT_EQ(-ESRCH, scan_all(0));
	proc_wait(target.pid);
	EXPECT_EQ(-ESRCH, migrate_to(node_b()));
	EXPECT_EQ(-ESRCH, scan_all(0));
}

static bool has_name(pid_t pid, const char *name)
{
	char path[40], text[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	return file_read(path, text, sizeof(text)) > 0 && !strncmp(text, name,
								   strlen(name));
}

TEST(target_execs, "see a target become another program: ESRCH, until it is attached anew",
	 need_migrate, need_scan, need_two_nodes)
{
	int tenths;

	start(32);
	target_tell(&target, TARGET_EXEC);
	for (tenths = 0; tenths < 100 && !has_name(target.pid, "sleep"); tenths++)
		usleep(100000);
	ASSERT_LT(tenths, 100);
	EXPECT_EQ(-ESRCH, migrate_to(node_b()));
	EXPECT_EQ(-ESRCH, scan_all(0));
	expect_detached();
}

TEST(target_forks, "see a target fork: the child is not attached, and both keep their bytes",
	 need_migrate, need_scan, need_two_nodes)
{
	unsigned int i;
	pid_t child;
	int other;

	start(32);
	child = (pid_t)target_tell(&target, TARGET_FORK);
	ASSERT_LT(0, child);
	other = dev_open_attached(child);
	EXPECT_LE(0, other);
	/* Shared by both until written. */
	EXPECT_EQ(0, migrate_to(node_b()));
	for (i = 0; i < 32; i++)
		EXPECT_EQ(HEMEM_ASSIST_SHARED, moves[i].out_status);
	EXPECT_EQ(0, target_tell(&target, TARGET_WRITE));
	EXPECT_EQ(0, migrate_to(node_b()));
	EXPECT_EQ(32, target_count(&target, node_b()));
	EXPECT_EQ(0, target_tell(&target, TARGET_COUNT_BAD));
	close(other);
	kill(child, SIGKILL);
}

TEST(target_is_stopped, "move and scan a target that is stopped, and let it go on",
	 need_migrate, need_scan, need_two_nodes)
{
	int status;

	start(64);
	kill(target.pid, SIGSTOP);
	ASSERT_EQ(target.pid, waitpid(target.pid, &status, WUNTRACED));
	EXPECT_EQ(0, migrate_to(node_b()));
	EXPECT_EQ(0, scan_all(HEMEM_ASSIST_SCAN_CLEAR_ACCESSED));
	EXPECT_EQ(64, target_count(&target, node_b()));
	kill(target.pid, SIGCONT);
	expect_unharmed();
	EXPECT_EQ(0, target_tell(&target, TARGET_WRITE));
	expect_unharmed();
}

TEST(target_is_gone_before, "ask to attach to targets that end at that very moment: attached or "
	 "ESRCH, nothing else", need_module)
{
	int rounds = harness_rounds("HEMEM_ROUNDS", 30, 1000), round, err;

	for (round = 0; round < rounds; round++) {
		target_start_anon(&target, 4, node_a());
		target_tell(&target, TARGET_EXIT);
		fd = dev_open();
		err = dev_attach(fd, target.pid);
		EXPECT(err == 0 || err == -ESRCH);
		close(fd);
		target_kill(&target);
	}
}

/* --- the target ends during calls -------------------------------------------------- */

static volatile bool must_stop;

/* Errors that a call may meet while the target ends under it. */
static bool is_end(int err)
{
	return err == -ESRCH || err == -EPERM;
}

static void *migrate_loop(void *arg __attribute__((unused)))
{
	int round, err = 0;

	for (round = 0; !err && !must_stop; round++)
		err = migrate_to(round % 2 ? node_a() : node_b());
	return (void *)(long)err;
}

static void *scan_loop(void *arg __attribute__((unused)))
{
	int err = 0;

	while (!err && !must_stop)
		err = scan_all(HEMEM_ASSIST_SCAN_CLEAR_ACCESSED |
			       HEMEM_ASSIST_SCAN_CLEAR_DIRTY);
	return (void *)(long)err;
}

/* Ends the target by @end while two threads migrate and scan it. */
static void end_during_calls(void (*end)(void))
{
	int rounds = harness_rounds("HEMEM_ROUNDS", 8, 200), round;
	pthread_t migrater, scanner;
	void *err;

	for (round = 0; round < rounds; round++) {
		start(NR_PAGES);
		pthread_create(&migrater, NULL, migrate_loop, NULL);
		pthread_create(&scanner, NULL, scan_loop, NULL);
		usleep((useconds_t)(1000 * (round % 16)));
		end();
		pthread_join(migrater, &err);
		EXPECT(is_end((int)(long)err));
		pthread_join(scanner, &err);
		EXPECT(is_end((int)(long)err));
		close(fd);
		target_kill(&target);
	}
}

static void kill_target(void)
{
	kill(target.pid, SIGKILL);
}

static void exit_target(void)
{
	target_tell(&target, TARGET_EXIT);
}

static void exec_target(void)
{
	target_tell(&target, TARGET_EXEC);
}

TEST(killed_during_calls, "kill the target while it is migrated and scanned", need_migrate,
	 need_scan, need_two_nodes, need_two_cpus)
{
	end_during_calls(kill_target);
}

TEST(exits_during_calls, "let the target exit while it is migrated and scanned", need_migrate,
	 need_scan, need_two_nodes, need_two_cpus)
{
	end_during_calls(exit_target);
}

TEST(execs_during_calls, "let the target exec while it is migrated and scanned", need_migrate,
	 need_scan, need_two_nodes, need_two_cpus)
{
	end_during_calls(exec_target);
}

TEST(stopped_and_forks_during_calls, "stop, continue and fork the target while it is migrated and "
	 "scanned", need_migrate, need_scan, need_two_nodes, need_two_cpus)
{
	pthread_t migrater, scanner;
	int round;
	void *err;

	start(NR_PAGES);
	pthread_create(&migrater, NULL, migrate_loop, NULL);
	pthread_create(&scanner, NULL, scan_loop, NULL);
	for (round = 0; round < 20; round++) {
		kill(target.pid, SIGSTOP);
		usleep(10000);
		kill(target.pid, SIGCONT);
		kill((pid_t)target_tell(&target, TARGET_FORK), SIGKILL);
		EXPECT_EQ(0, target_tell(&target, TARGET_WRITE));
		EXPECT_EQ(0, target_tell(&target, TARGET_COUNT_BAD));
	}
	must_stop = true;
	pthread_join(migrater, &err);
	EXPECT_EQ(0, (long)err);
	pthread_join(scanner, &err);
	EXPECT_EQ(0, (long)err);
	expect_unharmed();
}

/* --- the controller ends ------------------------------------------------------------ */

static void control_for_ever(void *arg)
{
	struct gate *gate = arg;
	int round;

	fd = dev_open_attached(target.pid);
	ASSERT_LE(0, fd);
	gate_open(gate);
	for (round = 0;; round++) {
		ASSERT_EQ(0, migrate_to(round % 2 ? node_a() : node_b()));
		ASSERT_EQ(0, scan_all(HEMEM_ASSIST_SCAN_CLEAR_ACCESSED));
	}
}

/* Starts a controller and kills it somewhat later, @times over. */
static void kill_controllers(int times)
{
	struct gate gate;
	pid_t pid;
	int i;

	gate_init(&gate);
	for (i = 0; i < times; i++) {
		pid = proc_start(control_for_ever, &gate);
		gate_wait(&gate);
		usleep((useconds_t)(i * 37 % 5000));
		EXPECT_EQ(128 + SIGKILL, proc_kill(pid));
		expect_detached();
		if (i % 16 == 0)
			expect_unharmed();
	}
}

/*
 * Killing processes fills slab caches, so memory is compared after a first
 * half: what leaks goes on leaking.  A batch that leaked would be 2 MiB a kill.
 * A debug kernel keeps freed memory back for some time.
 */
TEST(controller_is_killed, "kill -9 the controller in the middle of a batch, over and over: the "
	 "target is unharmed and free, and nothing leaks", need_migrate, need_scan,
	 need_two_nodes)
{
	int kills = harness_rounds("HEMEM_KILLS", 1000, 10000);
	size_t start, before, after, slack = need_kmemleak() ? 1UL << 20 : 8UL << 20;

	target_start_anon(&target, NR_PAGES, node_a());
	start = node_all_free_bytes();
	kill_controllers(kills / 2);
	before = node_all_free_bytes();
	kill_controllers(kills - kills / 2);
	after = node_all_free_bytes();
	expect_unharmed();
	EXPECT_EQ(0, target_tell(&target, TARGET_WRITE));
	expect_unharmed();
	NOTE("%d kills; free at first %zu KiB, half way %zu, in the end %zu", kills,
	     start / 1024, before / 1024, after / 1024);
	EXPECT_LE(before, after + slack);
	EXPECT_EQ(0, file_number(REFCNT));
}

/* --- who holds the fd ------------------------------------------------------------------ */

TEST(two_controllers, "attach a second controller: EBUSY and the first one's PID, until it closes",
	 need_module)
{
	uint32_t holder = 0;
	struct gate gate;
	pid_t pid;

	gate_init(&gate);
	target_start_anon(&target, NR_PAGES, node_a());
	pid = proc_start(control_for_ever, &gate);
	gate_wait(&gate);
	fd = dev_open();
	EXPECT_EQ(-EBUSY, dev_attach_or_holder(fd, target.pid, &holder));
	EXPECT_EQ(pid, holder);
	proc_kill(pid);
	EXPECT_EQ(0, dev_attach(fd, target.pid));
}

/* PID 1 of a new PID namespace, where the holder has no number. */
static void attach_in_pidns(void *arg __attribute__((unused)))
{
	struct hemem_assist_attach attach = {
		.size = sizeof(attach), .pidfd = *(int *)arg, .out_holder = 1 };

	EXPECT_EQ(-EBUSY, dev_ioctl(dev_open(), HEMEM_ASSIST_ATTACH, &attach));
	EXPECT_EQ(0, attach.out_holder);
}

TEST(holder_from_elsewhere, "ask for the holder from a PID namespace that it is not in: 0",
	 need_module)
{
	int pidfd;

	start(4);
	pidfd = dev_pidfd(target.pid);
	if (unshare(CLONE_NEWPID))
		SKIP("the kernel has no PID namespaces");
	/* proc_start() compares parents' PIDs, which are 0 from in there. */
	if (!fork()) {
		attach_in_pidns(&pidfd);
		harness_end();
	} else {
		int status;

		ASSERT_LT(0, wait(&status));
		EXPECT_EQ(0, status);
	}
}

static void use_inherited(void *arg __attribute__((unused)))
{
	EXPECT_EQ(0, migrate_to(node_b()));
	EXPECT_EQ(0, scan_all(0));
}

TEST(fd_is_inherited, "use the fd after fork and dup; the last close detaches", need_migrate,
	 need_scan, need_two_nodes)
{
	int copy;

	start(32);
	EXPECT_EQ(0, proc_wait(proc_start(use_inherited, NULL)));
	EXPECT_EQ(32, target_count(&target, node_b()));
	copy = dup(fd);
	close(fd);
	fd = dev_open();
	EXPECT_EQ(-EBUSY, dev_attach(fd, target.pid));
	close(copy);
	EXPECT_EQ(0, dev_attach(fd, target.pid));
}

/* An fd in flight in a socket is open: it holds the target still. */
TEST(fd_is_passed, "pass the fd through a socket and use what comes out", need_migrate,
	 need_two_nodes)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int sockets[2];

	start(32);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	ASSERT_EQ(1, sendmsg(sockets[0], &msg, 0));
	close(fd);
	fd = dev_open();
	EXPECT_EQ(-EBUSY, dev_attach(fd, target.pid));
	close(fd);
	ASSERT_EQ(1, recvmsg(sockets[1], &msg, 0));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	EXPECT_EQ(0, migrate_to(node_b()));
	EXPECT_EQ(32, target_count(&target, node_b()));
	close(fd);
	expect_detached();
}

TEST(closed_during_calls, "close the fd while another thread migrates by it", need_migrate,
	 need_two_nodes, need_two_cpus)
{
	int rounds = harness_rounds("HEMEM_ROUNDS", 20, 500), round;
	pthread_t migrater;
	void *err;

	target_start_anon(&target, NR_PAGES, node_a());
	for (round = 0; round < rounds; round++) {
		fd = dev_open_attached(target.pid);
		ASSERT_LE(0, fd);
		pthread_create(&migrater, NULL, migrate_loop, NULL);
		usleep((useconds_t)(round * 331 % 5000));
		close(fd);
		pthread_join(migrater, &err);
		EXPECT_EQ(-EBADF, (long)err);
		expect_detached();
	}
	expect_unharmed();
}

static void *attach_loop(void *arg)
{
	long won = 0;
	int i, own;

	for (i = 0; i < *(int *)arg; i++) {
		own = dev_open();
		won += dev_attach(own, target.pid) == 0;
		close(own);
	}
	return (void *)won;
}

TEST(attach_races, "attach from two threads at once: each wins sometimes, nothing is left behind",
	 need_module, need_two_cpus)
{
	int rounds = harness_rounds("HEMEM_ROUNDS", 300, 10000);
	void *won_a, *won_b;
	pthread_t a, b;

	target_start_anon(&target, 4, node_a());
	pthread_create(&a, NULL, attach_loop, &rounds);
	pthread_create(&b, NULL, attach_loop, &rounds);
	pthread_join(a, &won_a);
	pthread_join(b, &won_b);
	EXPECT_LT(0, (long)won_a);
	EXPECT_LT(0, (long)won_b);
	expect_detached();
	EXPECT_EQ(0, file_number(REFCNT));
}

/* One attached fd serves two threads: the batches do not disturb each other. */
TEST(one_fd_two_threads, "migrate to and fro from two threads by one fd", need_migrate,
	 need_two_nodes, need_two_cpus)
{
	pthread_t a, b;
	void *err;

	start(NR_PAGES);
	pthread_create(&a, NULL, scan_loop, NULL);
	pthread_create(&b, NULL, migrate_loop, NULL);
	sleep(1);
	must_stop = true;
	pthread_join(a, &err);
	EXPECT_EQ(0, (long)err);
	pthread_join(b, &err);
	EXPECT_EQ(0, (long)err);
	expect_unharmed();
}

/* --- the module ---------------------------------------------------------------------------- */

TEST(rmmod_is_refused, "be refused to unload the module while an fd is open, attached or not",
	 need_module, need_module_file)
{
	fd = dev_open();
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, file_number(REFCNT));
	EXPECT_EQ(-EAGAIN, module_unload());
	ASSERT_EQ(0, dev_attach(fd, getpid()));
	EXPECT_EQ(-EAGAIN, module_unload());
	close(fd);
	EXPECT_EQ(0, file_number(REFCNT));
	ASSERT_EQ(0, module_unload());
	EXPECT_EQ(-1, access(HEMEM_ASSIST_DEVICE, F_OK));
	ASSERT_EQ(0, module_load(NULL));
	EXPECT_EQ(0, access(HEMEM_ASSIST_DEVICE, R_OK | W_OK));
}

TEST(target_outlives_module, "unload the module and find a former target unharmed", need_migrate,
	 need_two_nodes, need_module_file)
{
	start(64);
	ASSERT_EQ(0, migrate_to(node_b()));
	ASSERT_EQ(0, scan_all(HEMEM_ASSIST_SCAN_CLEAR_ACCESSED |
			      HEMEM_ASSIST_SCAN_CLEAR_DIRTY));
	close(fd);
	ASSERT_EQ(0, module_unload());
	expect_unharmed();
	EXPECT_EQ(0, target_tell(&target, TARGET_WRITE));
	expect_unharmed();
	ASSERT_EQ(0, module_load(NULL));
}

TEST(load_and_unload, "load and unload the module many times, with work in between", need_migrate,
	 need_two_nodes, need_module_file)
{
	int rounds = harness_rounds("HEMEM_RELOADS", 20, 200), round;

	target_start_anon(&target, 32, node_a());
	for (round = 0; round < rounds; round++) {
		ASSERT_EQ(0, module_unload());
		ASSERT_EQ(0, module_load(NULL));
		fd = dev_open_attached(target.pid);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0, migrate_to(round % 2 ? node_a() : node_b()));
		close(fd);
	}
	expect_unharmed();
}

/* --- what it tells of itself ---------------------------------------------------------------- */

/* In the order of enum hemem_assist_status. */
static const char *const status_counters[HEMEM_ASSIST_NR_STATUS] = {
	"untried", "moved", "there", "busy", "no_room", "no_page", "shared",
	"zero", "never", "denied",
};

static long counter(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), STATS "%s", name);
	return file_number(path);
}

TEST(counters_add_up, "find every call and every entry in the counters, and no more", need_migrate,
	 need_scan, need_two_nodes)
{
	long before[HEMEM_ASSIST_NR_STATUS], calls, scans, bytes, present, attaches;
	struct hemem_assist_migrate reply;
	unsigned int i, nr;

	calls = counter("migrate_calls");
	scans = counter("scan_calls");
	bytes = counter("moved_bytes");
	present = counter("scan_present");
	attaches = counter("attaches");
	ASSERT_LE(0, calls);
	for (i = 0; i < HEMEM_ASSIST_NR_STATUS; i++)
		before[i] = counter(status_counters[i]);

	start(64);
	nr = mem_moves(&target.mem, node_b(), moves);
	moves[0].node = (__u32)node_a();
	ASSERT_EQ(0, dev_migrate(fd, moves, nr, 0, &reply));
	ASSERT_EQ(0, scan_all(0));

	EXPECT_EQ(attaches + 1, counter("attaches"));
	EXPECT_EQ(calls + 1, counter("migrate_calls"));
	EXPECT_EQ(scans + 1, counter("scan_calls"));
	EXPECT_EQ(bytes + (long)reply.out_bytes_moved, counter("moved_bytes"));
	EXPECT_EQ(present + 64, counter("scan_present"));
	for (i = 0; i < HEMEM_ASSIST_NR_STATUS; i++)
		EXPECT_EQ(before[i] + reply.out_nr[i],
			  counter(status_counters[i]));

	/* A call that is refused is not counted. */
	moves[0].addr = 1;
	EXPECT_EQ(-EINVAL, dev_migrate(fd, moves, 1, 0, NULL));
	EXPECT_EQ(calls + 1, counter("migrate_calls"));
}

static void need_tracefs_mounted(void)
{
	if (access(TRACING "trace", F_OK))
		mount("tracefs", TRACING, "tracefs", 0, NULL);
	if (access(TRACING "trace", F_OK))
		SKIP("no tracefs can be mounted");
}

TEST(tracepoints_fire, "switch the tracepoints on and see the begin and end of each batch",
	 need_migrate, need_scan, need_two_nodes, need_tracefs)
{
	static const char *const events[] = {
		"hemem_migrate_begin", "hemem_migrate_end", "hemem_scan_begin",
		"hemem_scan_end" };
	static char trace[1 << 16];
	char wanted[64];
	unsigned int i;

	need_tracefs_mounted();
	start(64);
	file_write(TRACING "trace", "");
	ASSERT_EQ(0, file_write(TRACING "events/hemem/enable", "1"));
	EXPECT_EQ(0, migrate_to(node_b()));
	EXPECT_EQ(0, scan_all(0));
	EXPECT_EQ(0, file_write(TRACING "events/hemem/enable", "0"));
	ASSERT_LT(0, file_read(TRACING "trace", trace, sizeof(trace)));
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (!EXPECT(strstr(trace, events[i])))
			NOTE("no event %s", events[i]);
	snprintf(wanted, sizeof(wanted), "target=%d moves=64 moved=", target.pid);
	EXPECT(strstr(trace, wanted));
}

/* --- EINTR, which nobody lives to read ------------------------------------------------------- */

#define SYS_EXIT	TRACING "events/raw_syscalls/sys_exit/"

/* Of a target that forks all the time, and of the controller that waits for it. */
static struct waiting {
	struct mem page;		/* that shall move */
	int nid;			/* where it lies, as far as has been said */
	int forker;
	struct gate gate;
} *waiting;

/* Each fork holds the memory's lock for as long as it takes to copy 64 MiB of map. */
static void fork_for_ever(void *arg __attribute__((unused)))
{
	size_t bytes = 64UL << 20;
	char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	ASSERT(map != MAP_FAILED);
	madvise(map, bytes, MADV_NOHUGEPAGE);
	memset(map, 1, bytes);
	mem_make_anon(&waiting->page, 1, node_a());
	madvise(waiting->page.addr, PAGE, MADV_DONTFORK);
	gate_open(&waiting->gate);
	for (;;) {
		pid = fork();
		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
}

static void migrate_for_ever(void *arg __attribute__((unused)))
{
	struct hemem_assist_move move = { .addr = (uintptr_t)waiting->page.addr };

	fd = dev_open_attached(waiting->forker);
	ASSERT_LE(0, fd);
	gate_open(&waiting->gate);
	for (;;) {
		move.node = (__u32)(waiting->nid == node_a() ? node_b() : node_a());
		ASSERT_EQ(0, dev_migrate(fd, &move, 1, 0, NULL));
		if (move.out_status == HEMEM_ASSIST_MOVED)
			waiting->nid = (int)move.node;
	}
}

/* Did the last ioctl of @pid, which is dead, end with EINTR? */
static bool ended_with_eintr(pid_t pid)
{
	static char trace[1 << 16];
	char wanted[32];

	snprintf(wanted, sizeof(wanted), "-%d ", pid);
	ASSERT_LE(0, file_read(TRACING "trace", trace, sizeof(trace)));
	return strstr(trace, wanted);
}

/* The signal that ends a call early ends its caller, too; a tracepoint still sees it. */
TEST(eintr, "kill a controller that waits for the target's memory: its call ends with EINTR, and "
	 "has done nothing", need_migrate, need_two_nodes, need_two_cpus, need_tracefs)
{
	int kills, nr_eintr = 0;
	pid_t controller;

	need_tracefs_mounted();
	if (access(SYS_EXIT, F_OK))
		SKIP("the kernel cannot trace system calls");
	waiting = mmap(NULL, sizeof(*waiting), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(waiting != MAP_FAILED);
	waiting->nid = node_a();
	gate_init(&waiting->gate);
	waiting->forker = proc_start(fork_for_ever, NULL);
	gate_wait(&waiting->gate);
	/* ioctl is 16 */
	ASSERT_EQ(0, file_write(SYS_EXIT "filter", "id == 16 && ret == -4"));
	ASSERT_EQ(0, file_write(SYS_EXIT "enable", "1"));
	for (kills = 0; kills < 100 && nr_eintr < 5; kills++) {
		controller = proc_start(migrate_for_ever, NULL);
		gate_wait(&waiting->gate);
		usleep((useconds_t)(1000 * (kills % 8)));
		EXPECT_EQ(128 + SIGKILL, proc_kill(controller));
		if (!ended_with_eintr(controller)) {
			waiting->nid = node_of_pid(waiting->forker, waiting->page.addr);
			continue;
		}
		nr_eintr++;
		EXPECT_EQ(waiting->nid, node_of_pid(waiting->forker, waiting->page.addr));
	}
	file_write(SYS_EXIT "enable", "0");
	file_write(SYS_EXIT "filter", "0");
	NOTE("%d of %d calls ended with EINTR", nr_eintr, kills);
	EXPECT_LT(0, nr_eintr);
	proc_kill(waiting->forker);
}

TEST(parameters_are_explained, "find a description for every module parameter",
	 need_module, need_module_file)
{
	char command[512], line[256] = "";
	FILE *output;

	snprintf(command, sizeof(command),
		 "for p in /sys/module/hemem_assist/parameters/*; do "
		 "[ -e $p ] || continue; p=${p##*/}; modinfo -F parm '%s' | "
		 "grep -q \"^$p:..\" || echo $p; done", getenv("HEMEM_KO"));
	output = popen(command, "r");
	ASSERT(output);
	if (fgets(line, sizeof(line), output))
		NOTE("without a description: %s", line);
	EXPECT_EQ(0, line[0]);
	pclose(output);
}
