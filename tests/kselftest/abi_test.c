// SPDX-License-Identifier: GPL-2.0
/*
 * abi_test.c - what /dev/hemem takes, and what it refuses with which errno
 *
 * One test per line of the errno dictionary in hemem_assist.h (EPERM is in
 * rights_test.c, EOPNOTSUPP in missing_test.c, ENOMEM in fail_nth_test.c, EINTR
 * in lifecycle_test.c), and sweeps over sizes, flags, counts and pointers.
 * After every refusal it is proved that nothing changed: the struct and the
 * array are what they were, byte for byte, with outputs poisoned before, and
 * the page still lies where it lay.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* No holes and no tail: the same on every compiler, 32 bit or 64. */
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"
#include "../../include/uapi/hemem_assist.h"
#pragma GCC diagnostic pop

#include "dev.h"
#include "harness.h"
#include "mem.h"
#include "need.h"
#include "node.h"
#include "proc.h"

#define POISON		0xcc
#define KERNEL_ADDR	0xffff888000000000UL	/* the direct map of x86-64 */
#define NON_CANONICAL	(1UL << 60)		/* with 4 levels and with 5 */

#define SIZE_IS(type, bytes) \
	_Static_assert(sizeof(struct type) == (bytes), #type)
#define offsetofend(type, member) \
	(offsetof(type, member) + sizeof(((type *)NULL)->member))
#define AT(type, member, at) \
	_Static_assert(offsetof(struct type, member) == (at), #member)

SIZE_IS(hemem_assist_info, 48 + HEMEM_ASSIST_MAX_NODES / 8);
AT(hemem_assist_info, size, 0);
AT(hemem_assist_info, flags, 4);
AT(hemem_assist_info, out_abi, 8);
AT(hemem_assist_info, out_page_bytes, 12);
AT(hemem_assist_info, out_features, 16);
AT(hemem_assist_info, out_huge_page_bytes, 24);
AT(hemem_assist_info, out_max_batch, 32);
AT(hemem_assist_info, out_max_runs, 36);
AT(hemem_assist_info, out_nodes, 40);
AT(hemem_assist_info, out_no_swap, 168);
AT(hemem_assist_info, out_reserved, 172);

SIZE_IS(hemem_assist_attach, 16);
AT(hemem_assist_attach, pidfd, 8);
AT(hemem_assist_attach, out_holder, 12);

SIZE_IS(hemem_assist_move, 16);
AT(hemem_assist_move, node, 8);
AT(hemem_assist_move, out_status, 12);
AT(hemem_assist_move, out_order, 14);

SIZE_IS(hemem_assist_migrate, 128);
AT(hemem_assist_migrate, moves, 8);
AT(hemem_assist_migrate, nr_moves, 16);
AT(hemem_assist_migrate, reserved, 20);
AT(hemem_assist_migrate, out_nr, 24);
AT(hemem_assist_migrate, out_bytes_moved, 88);
AT(hemem_assist_migrate, out_total_ns, 120);

SIZE_IS(hemem_assist_run, 16);
AT(hemem_assist_run, nr_pages, 8);
AT(hemem_assist_run, node, 12);
AT(hemem_assist_run, flags, 14);

SIZE_IS(hemem_assist_region, 32);
AT(hemem_assist_region, bytes, 8);
AT(hemem_assist_region, reserve_bytes, 16);
AT(hemem_assist_region, fast_node, 24);
AT(hemem_assist_region, slow_node, 28);

SIZE_IS(hemem_assist_discard, 24);
AT(hemem_assist_discard, offset, 8);
AT(hemem_assist_discard, bytes, 16);

SIZE_IS(hemem_assist_scan, 72);
AT(hemem_assist_scan, start, 8);
AT(hemem_assist_scan, end, 16);
AT(hemem_assist_scan, runs, 24);
AT(hemem_assist_scan, max_runs, 32);
AT(hemem_assist_scan, out_nr_runs, 36);
AT(hemem_assist_scan, out_end, 40);
AT(hemem_assist_scan, out_nr_present, 48);
AT(hemem_assist_scan, out_nr_accessed, 56);
AT(hemem_assist_scan, out_total_ns, 64);

SIZE_IS(hemem_assist_wp_register, 32);
AT(hemem_assist_wp_register, start, 8);
AT(hemem_assist_wp_register, end, 16);
AT(hemem_assist_wp_register, uffd, 24);
AT(hemem_assist_wp_register, reserved, 28);

SIZE_IS(hemem_assist_wp_protect, 24);
AT(hemem_assist_wp_protect, start, 8);
AT(hemem_assist_wp_protect, end, 16);

/* --- a target, and a good call of each ioctl on it ---------------------- */

union request {
	struct hemem_assist_info info;
	struct hemem_assist_attach attach;
	struct hemem_assist_migrate migrate;
	struct hemem_assist_scan scan;
	struct hemem_assist_region region;
	struct hemem_assist_discard discard;
	__u32 size_and_flags[2];
	char bytes[512];
};

/* This process is its own target; one page of it lies on node a. */
static struct mem mem;
static int fd = -1;			/* attached, but for ATTACH itself */
static struct hemem_assist_move moves[HEMEM_ASSIST_MAX_BATCH + 1];
static struct hemem_assist_run runs[16];

static void good_info(union request *ret)
{
	memset(ret, POISON, sizeof(*ret));
	ret->info.size = sizeof(ret->info);
	ret->info.flags = 0;
}

static void good_attach(union request *ret)
{
	memset(ret, POISON, sizeof(*ret));
	close(fd);
	fd = dev_open();
	ret->attach.size = sizeof(ret->attach);
	ret->attach.flags = 0;
	ret->attach.pidfd = dev_pidfd(getpid());
}

static void good_migrate(union request *ret)
{
	memset(ret, POISON, sizeof(*ret));
	ret->migrate.size = sizeof(ret->migrate);
	ret->migrate.flags = 0;
	ret->migrate.moves = (uintptr_t)moves;
	ret->migrate.nr_moves = 1;
	ret->migrate.reserved = 0;
	memset(moves, POISON, sizeof(moves[0]));
	moves[0].addr = (uintptr_t)mem.addr;
	moves[0].node = (__u32)node_b();
}

static void good_scan(union request *ret)
{
	memset(ret, POISON, sizeof(*ret));
	memset(runs, POISON, sizeof(runs));
	ret->scan.size = sizeof(ret->scan);
	ret->scan.flags = 0;
	ret->scan.start = (uintptr_t)mem.addr;
	ret->scan.end = (uintptr_t)mem.addr + mem.bytes;
	ret->scan.runs = (uintptr_t)runs;
	ret->scan.max_runs = 16;
}

static void good_region(union request *ret)
{
	memset(ret, POISON, sizeof(*ret));
	close(fd);
	fd = dev_open();
	ret->region.size = sizeof(ret->region);
	ret->region.flags = 0;
	ret->region.bytes = 4096;
	ret->region.reserve_bytes = 0;
	ret->region.fast_node = (__u32)node_a();
	ret->region.slow_node = (__u32)node_b();
}

static void good_discard(union request *ret)
{
	good_region(ret);
	dev_ioctl(fd, HEMEM_ASSIST_REGION, ret);
	memset(ret, POISON, sizeof(*ret));
	ret->discard.size = sizeof(ret->discard);
	ret->discard.flags = 0;
	ret->discard.offset = 0;
	ret->discard.bytes = 4096;
}

struct op {
	const char *name;
	unsigned long request;
	size_t bytes;			/* of its struct */
	size_t first_bytes;		/* and as first released */
	__u32 flags;			/* all that it knows */
	void (*good)(union request *ret);
};

static const struct op ops[] = {
	{ "info", HEMEM_ASSIST_INFO, sizeof(struct hemem_assist_info),
	  offsetofend(struct hemem_assist_info, out_nodes), 0,
	  good_info },
	{ "attach", HEMEM_ASSIST_ATTACH, sizeof(struct hemem_assist_attach),
	  sizeof(struct hemem_assist_attach), 0,
	  good_attach },
	{ "migrate", HEMEM_ASSIST_MIGRATE, sizeof(struct hemem_assist_migrate),
	  sizeof(struct hemem_assist_migrate),
	  HEMEM_ASSIST_MIGRATE_SHARED | HEMEM_ASSIST_MIGRATE_MAKE_ROOM,
	  good_migrate },
	{ "scan", HEMEM_ASSIST_SCAN, sizeof(struct hemem_assist_scan),
	  sizeof(struct hemem_assist_scan),
	  HEMEM_ASSIST_SCAN_CLEAR_ACCESSED | HEMEM_ASSIST_SCAN_CLEAR_DIRTY,
	  good_scan },
	{ "region", HEMEM_ASSIST_REGION, sizeof(struct hemem_assist_region),
	  sizeof(struct hemem_assist_region), HEMEM_ASSIST_REGION_BASE, good_region },
	{ "discard", HEMEM_ASSIST_DISCARD, sizeof(struct hemem_assist_discard),
	  sizeof(struct hemem_assist_discard), 0, good_discard },
};

/* Nothing to write when they succeed, so read-only memory will do. */
static bool has_no_outputs(const struct op *op)
{
	return op->good == good_attach || op->good == good_region || op->good == good_discard;
}

static const char *op_name(int row)
{
	return ops[row].name;
}

static const struct rows op_rows = {
	.nr = sizeof(ops) / sizeof(ops[0]),
	.name = op_name,
};

static void set_up(void)
{
	mem_make_anon(&mem, 4, node_a());
	fd = dev_open_attached(getpid());
	ASSERT_LE(0, fd);
}

static void expect_nothing_changed(void)
{
	EXPECT_EQ(4, node_count(mem.addr, mem.bytes, node_a()));
	EXPECT_EQ(0, mem_count_bad(&mem));
}

/*
 * Sends @request and wants @err; struct, entry and runs must stay as they are.
 * For ATTACH it is proved as well that the fd is not attached afterwards.
 */
static void refused(const struct op *op, union request *request, int err)
{
	union request before = *request;
	struct hemem_assist_move move_before = moves[0];
	struct hemem_assist_run runs_before[16];

	memcpy(runs_before, runs, sizeof(runs));
	EXPECT_EQ(err, dev_ioctl(fd, op->request, request));
	EXPECT_EQ(0, memcmp(&before, request, sizeof(before)));
	EXPECT_EQ(0, memcmp(&move_before, &moves[0], sizeof(moves[0])));
	EXPECT_EQ(0, memcmp(runs_before, runs, sizeof(runs)));
	if (op->good == good_attach && err != -EBUSY) {
		EXPECT_EQ(0, dev_attach(fd, getpid()));
		close(request->attach.pidfd);
	}
	if (op->good == good_region)
		EXPECT(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED &&
		       errno == ENODEV);
	expect_nothing_changed();
}

static void refused_migrate(union request *request, int err)
{
	refused(&ops[2], request, err);
}

static void refused_scan(union request *request, int err)
{
	refused(&ops[3], request, err);
}

/* --- every ioctl --------------------------------------------------------- */

TEST_ROWS(good_call, "send each ioctl as it should be, so that the refusals below "
	  "are for the reason that they name", &op_rows,
	  need_migrate, need_scan, need_two_nodes)
{
	union request request;

	set_up();
	ops[row].good(&request);
	EXPECT_EQ(0, dev_ioctl(fd, ops[row].request, &request));
}

TEST_ROWS(size_too_small, "refuse a struct below the first released size",
	  &op_rows, need_migrate, need_scan, need_two_nodes)
{
	const size_t sizes[] = { 0, 1, 4, 7, ops[row].first_bytes - 8,
				 ops[row].first_bytes - 1 };
	union request request;
	size_t i;

	set_up();
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ops[row].good(&request);
		request.size_and_flags[0] = (__u32)sizes[i];
		refused(&ops[row], &request, -EINVAL);
	}
}

TEST_ROWS(size_first, "take the struct as first released, and leave alone what came later",
	  &op_rows, need_migrate, need_scan, need_two_nodes)
{
	const size_t bytes = ops[row].first_bytes;
	union request request, poison;

	set_up();
	ops[row].good(&request);
	memset(&poison, POISON, sizeof(poison));
	request.size_and_flags[0] = (__u32)bytes;
	EXPECT_EQ(0, dev_ioctl(fd, ops[row].request, &request));
	EXPECT_EQ(0, memcmp(request.bytes + bytes, poison.bytes + bytes,
			    sizeof(request) - bytes));
}

TEST_ROWS(size_larger, "take a longer struct if the rest is zero, and leave the "
	  "rest alone", &op_rows, need_migrate, need_scan, need_two_nodes)
{
	size_t bytes = ops[row].bytes, more;
	union request request;

	set_up();
	for (more = 1; more <= 64; more *= 2) {
		ops[row].good(&request);
		request.size_and_flags[0] = (__u32)(bytes + more);
		memset(request.bytes + bytes, 0, more);
		EXPECT_EQ(0, dev_ioctl(fd, ops[row].request, &request));
		EXPECT_EQ(0, request.bytes[bytes]);
		EXPECT_EQ(0, request.bytes[bytes + more - 1]);
		EXPECT_EQ((char)POISON, request.bytes[bytes + more]);
	}
}

TEST_ROWS(size_larger_with_rest, "refuse a longer struct if the rest is not zero",
	  &op_rows, need_migrate, need_scan, need_two_nodes)
{
	size_t bytes = ops[row].bytes, more;
	union request request;

	set_up();
	for (more = 1; more <= 64; more *= 2) {
		ops[row].good(&request);
		request.size_and_flags[0] = (__u32)(bytes + more);
		memset(request.bytes + bytes, 0, more);
		request.bytes[bytes + more - 1] = 1;
		refused(&ops[row], &request, -E2BIG);
	}
	ops[row].good(&request);
	request.size_and_flags[0] = ~0U;
	refused(&ops[row], &request, -E2BIG);
}

TEST_ROWS(unknown_flags, "refuse each flag bit that the header does not name",
	  &op_rows, need_migrate, need_scan, need_two_nodes)
{
	union request request;
	int bit;

	set_up();
	for (bit = 0; bit < 32; bit++) {
		if (ops[row].flags & 1U << bit)
			continue;
		ops[row].good(&request);
		request.size_and_flags[1] = 1U << bit | ops[row].flags;
		refused(&ops[row], &request, -EINVAL);
	}
	ops[row].good(&request);
	request.size_and_flags[1] = ~0U;
	refused(&ops[row], &request, -EINVAL);
}

TEST_ROWS(bad_struct_pointer, "refuse a struct that is not memory of the caller",
	  &op_rows, need_migrate, need_scan, need_two_nodes)
{
	char *unmapped = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			      -1, 0);
	const uintptr_t pointers[] = { 0, 1, 4096, (uintptr_t)unmapped,
				       KERNEL_ADDR, NON_CANONICAL, ~0UL,
				       ~0UL - 4095 };
	size_t i;

	set_up();
	for (i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++)
		EXPECT_EQ(-EFAULT, dev_ioctl(fd, ops[row].request,
					     (void *)pointers[i]));
	expect_nothing_changed();
}

/* The struct ends where memory ends, and the size says that it goes on. */
TEST_ROWS(struct_at_the_edge, "read nothing beyond the size that the caller gave",
	  &op_rows, need_migrate, need_scan, need_two_nodes)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	union request request, *edge;

	set_up();
	munmap(page + 4096, 4096);
	ops[row].good(&request);
	edge = (void *)(page + 4096 - ops[row].bytes);
	memcpy(edge, &request, ops[row].bytes);
	edge->size_and_flags[0] += 8;
	EXPECT_EQ(-EFAULT, dev_ioctl(fd, ops[row].request, edge));
	expect_nothing_changed();
	edge->size_and_flags[0] -= 8;
	EXPECT_EQ(0, dev_ioctl(fd, ops[row].request, edge));
}

TEST_ROWS(read_only_struct, "fail if the outputs cannot be written", &op_rows,
	  need_migrate, need_scan, need_two_nodes)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	union request request;

	set_up();
	ops[row].good(&request);
	memcpy(page, &request, sizeof(request));
	mprotect(page, 4096, PROT_READ);
	EXPECT_EQ(has_no_outputs(&ops[row]) ? 0 : -EFAULT,
		  dev_ioctl(fd, ops[row].request, page));
	EXPECT_EQ(0, memcmp(page, &request, sizeof(request)));
	EXPECT_EQ(0, mem_count_bad(&mem));
}

TEST(unknown_ioctl, "answer ENOTTY to every number that the header does not name",
	 need_module)
{
	char arg[256] = { 0 };
	unsigned int nr;

	fd = dev_open();
	ASSERT_LE(0, fd);
	for (nr = 6; nr < 256; nr++)
		if (_IO(HEMEM_ASSIST_TYPE, nr) != HEMEM_ASSIST_WP_REGISTER &&
		    _IO(HEMEM_ASSIST_TYPE, nr) != HEMEM_ASSIST_WP_PROTECT)
			EXPECT_EQ(-ENOTTY, dev_ioctl(fd, _IO(HEMEM_ASSIST_TYPE, nr), arg));
	EXPECT_EQ(-ENOTTY, dev_ioctl(fd, _IO(0xAA, 0), arg));
	EXPECT_EQ(-ENOTTY, dev_ioctl(fd, _IOWR(HEMEM_ASSIST_TYPE, 0, arg), arg));
	EXPECT_EQ(-ENOTTY, dev_ioctl(fd, 0, arg));
	EXPECT_EQ(-ENOTTY, dev_ioctl(fd, 0xffffffff, arg));
}

/* --- INFO ---------------------------------------------------------------- */

TEST(info_is_true, "compare INFO with what the kernel says elsewhere", need_module)
{
	struct hemem_assist_info info;
	int nid;

	fd = dev_open();
	ASSERT_EQ(0, dev_info(fd, &info));
	EXPECT_EQ(sizeof(info), info.size);
	EXPECT_EQ(HEMEM_ASSIST_ABI, info.out_abi);
	EXPECT_EQ(getpagesize(), info.out_page_bytes);
	EXPECT_EQ(HEMEM_ASSIST_MAX_BATCH, info.out_max_batch);
	EXPECT_EQ(HEMEM_ASSIST_MAX_RUNS, info.out_max_runs);
	EXPECT_EQ(0, info.out_features & ~(2ULL * HEMEM_ASSIST_FEAT_REGION - 1) &
		  ~(__u64)HEMEM_ASSIST_FEAT_WP);
	EXPECT_EQ(info.out_no_swap == HEMEM_ASSIST_SWAPS,
		  !!(info.out_features & HEMEM_ASSIST_FEAT_SWAP));
	EXPECT_LE(info.out_no_swap, HEMEM_ASSIST_NO_SWAP_FAILED);
	EXPECT_EQ(0, info.out_reserved);
	EXPECT_EQ(need_thp() && access("/sys/kernel/mm/transparent_hugepage",
				       F_OK) ? 0 : HUGE_BYTES,
		  info.out_huge_page_bytes);
	for (nid = 0; nid < HEMEM_ASSIST_MAX_NODES; nid++)
		if (!EXPECT_EQ(node_has_memory(nid),
			       info.out_nodes[nid / 64] >> (nid % 64) & 1))
			NOTE("that was node %d", nid);
}

/* --- ATTACH -------------------------------------------------------------- */

static void refused_pidfd(int pidfd, int err)
{
	union request request, before;

	good_attach(&request);
	close(request.attach.pidfd);
	request.attach.pidfd = pidfd;
	before = request;
	EXPECT_EQ(err, dev_ioctl(fd, HEMEM_ASSIST_ATTACH, &request));
	EXPECT_EQ(0, memcmp(&before, &request, sizeof(before)));
	EXPECT_EQ(0, dev_attach(fd, getpid()));
}

TEST(ebadf, "refuse with EBADF what is not a process file descriptor", need_module)
{
	int pipe_fds[2], regular = open("/proc/self/exe", O_RDONLY);

	ASSERT_EQ(0, pipe(pipe_fds));
	refused_pidfd(-1, -EBADF);
	refused_pidfd(-100, -EBADF);
	refused_pidfd(0x7fffffff, -EBADF);
	refused_pidfd((int)0x80000000, -EBADF);
	refused_pidfd(regular, -EBADF);
	refused_pidfd(pipe_fds[0], -EBADF);
	refused_pidfd(open("/proc/self", O_RDONLY | O_DIRECTORY), -EBADF);
	refused_pidfd(open("/proc/self", O_PATH), -EBADF);
	refused_pidfd(dev_open(), -EBADF);
	close(regular);
	refused_pidfd(regular, -EBADF);
}

static void sleep_for_ever(void *arg __attribute__((unused)))
{
	for (;;)
		pause();
}

TEST(ebusy_same_fd, "refuse to attach an attached fd, to the same or another target",
	 need_module)
{
	pid_t other = proc_start(sleep_for_ever, NULL);
	union request request;

	fd = dev_open_attached(getpid());
	ASSERT_LE(0, fd);
	memset(&request, POISON, sizeof(request));
	request.attach = (struct hemem_assist_attach){
		.size = sizeof(request.attach),
		.pidfd = dev_pidfd(other),
		.out_holder = 0xcccccccc,
	};
	EXPECT_EQ(-EBUSY, dev_ioctl(fd, HEMEM_ASSIST_ATTACH, &request));
	EXPECT_EQ(getpid(), request.attach.out_holder);
	/* And the other one is free. */
	EXPECT_LE(0, dev_open_attached(other));
}

TEST(ebusy_holder, "say who holds the target", need_module)
{
	uint32_t holder = POISON;
	int second = dev_open();

	fd = dev_open_attached(getpid());
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, dev_attach_or_holder(second, getpid(), &holder));
	EXPECT_EQ(getpid(), holder);
	/* The fd that was refused is not attached, and free for another. */
	EXPECT_EQ(-ENOTCONN, dev_migrate(second, moves, 1, 0, NULL));
	EXPECT_EQ(0, dev_attach(second, proc_start(sleep_for_ever, NULL)));
}

TEST(esrch, "refuse with ESRCH a target that has exited", need_module)
{
	pid_t pid = proc_start(sleep_for_ever, NULL);
	int pidfd = dev_pidfd(pid);

	ASSERT_LE(0, pidfd);
	proc_kill(pid);
	refused_pidfd(pidfd, -ESRCH);
}

/* --- MIGRATE and SCAN ---------------------------------------------------- */

TEST(enotconn, "refuse MIGRATE and SCAN on an fd that is not attached",
	 need_migrate, need_scan, need_two_nodes)
{
	union request request;

	set_up();
	close(fd);
	fd = dev_open();
	good_migrate(&request);
	refused_migrate(&request, -ENOTCONN);
	good_scan(&request);
	refused_scan(&request, -ENOTCONN);
}

TEST(migrate_counts, "refuse batches of 0, MAX + 1 and ~0, take 1 and MAX",
	 need_migrate, need_two_nodes)
{
	static const __u32 bad[] = { 0, HEMEM_ASSIST_MAX_BATCH + 1, 0x7fffffff,
				     0x80000000, ~0U };
	struct hemem_assist_migrate reply;
	union request request;
	size_t i;

	set_up();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		good_migrate(&request);
		request.migrate.nr_moves = bad[i];
		refused_migrate(&request, -EINVAL);
	}
	for (i = 0; i < HEMEM_ASSIST_MAX_BATCH; i++)
		moves[i] = (struct hemem_assist_move){
			.addr = (uintptr_t)mem.addr, .node = (__u32)node_a() };
	EXPECT_EQ(0, dev_migrate(fd, moves, 1, 0, &reply));
	EXPECT_EQ(1, reply.out_nr[HEMEM_ASSIST_THERE]);
	EXPECT_EQ(0, dev_migrate(fd, moves, HEMEM_ASSIST_MAX_BATCH, 0, &reply));
	EXPECT_EQ(HEMEM_ASSIST_MAX_BATCH, reply.out_nr[HEMEM_ASSIST_THERE]);
}

TEST(migrate_reserved, "refuse a reserved member that is not zero", need_migrate,
	 need_two_nodes)
{
	union request request;
	int bit;

	set_up();
	for (bit = 0; bit < 32; bit++) {
		good_migrate(&request);
		request.migrate.reserved = 1U << bit;
		refused_migrate(&request, -EINVAL);
	}
}

TEST(migrate_addresses, "refuse a batch with an address that is unaligned or not "
	 "the user's, even when it is the last entry", need_migrate, need_two_nodes)
{
	static const uintptr_t bad[] = { 1, 8, 4095, 0x1001, KERNEL_ADDR, ~0UL,
					 ~0UL - 4095, NON_CANONICAL,
					 1UL << 63 };
	union request request;
	size_t i;

	set_up();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		good_migrate(&request);
		moves[1] = moves[0];
		moves[1].addr = bad[i];
		request.migrate.nr_moves = 2;
		refused_migrate(&request, -EINVAL);
		EXPECT_EQ(0xcccc, moves[1].out_status);
	}
}

TEST(enodev, "refuse a batch with a node that is absent, even in the last entry",
	 need_migrate, need_two_nodes)
{
	const __u32 bad[] = { (__u32)node_absent(), HEMEM_ASSIST_MAX_NODES - 1,
			      HEMEM_ASSIST_MAX_NODES, 65536, 0x7fffffff,
			      0x80000000, ~0U };
	union request request;
	size_t i;

	set_up();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		good_migrate(&request);
		moves[1] = moves[0];
		moves[1].node = bad[i];
		request.migrate.nr_moves = 2;
		refused_migrate(&request, -ENODEV);
		EXPECT_EQ(0xcccc, moves[1].out_status);
	}
}

/* Pointers to an array that no process has there. */
static const __u64 bad_arrays[] = { 0, 16, KERNEL_ADDR, NON_CANONICAL, ~0ULL - 15,
				    1ULL << 63 };

TEST(migrate_array_pointer, "refuse an array of entries that is not the caller's",
	 need_migrate, need_two_nodes)
{
	union request request;
	size_t i;

	set_up();
	for (i = 0; i < sizeof(bad_arrays) / sizeof(bad_arrays[0]); i++) {
		good_migrate(&request);
		request.migrate.moves = bad_arrays[i];
		refused_migrate(&request, -EFAULT);
	}
}

TEST(migrate_array_half, "move nothing when the array's second half is unmapped",
	 need_migrate, need_two_nodes)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	union request request;

	set_up();
	munmap(page + 4096, 4096);
	good_migrate(&request);
	memcpy(page + 4096 - sizeof(moves[0]), moves, sizeof(moves[0]));
	request.migrate.moves = (uintptr_t)page + 4096 - sizeof(moves[0]);
	request.migrate.nr_moves = 2;
	refused_migrate(&request, -EFAULT);
}

TEST(migrate_array_read_only, "say EFAULT for an array that takes no status, with "
	 "the page whole on one node or the other", need_migrate, need_two_nodes)
{
	struct hemem_assist_move *array =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	union request request;

	set_up();
	good_migrate(&request);
	array[0] = moves[0];
	mprotect(array, 4096, PROT_READ);
	request.migrate.moves = (uintptr_t)array;
	EXPECT_EQ(-EFAULT, dev_ioctl(fd, HEMEM_ASSIST_MIGRATE, &request));
	EXPECT_EQ(0, memcmp(array, moves, sizeof(moves[0])));
	EXPECT(node_of(mem.addr) == node_a() || node_of(mem.addr) == node_b());
	EXPECT_EQ(0, mem_count_bad(&mem));
}

TEST(scan_counts, "refuse room for 0, MAX + 1 and ~0 runs, take 1 and MAX",
	 need_scan, need_two_nodes)
{
	static const __u32 bad[] = { 0, HEMEM_ASSIST_MAX_RUNS + 1, 0x7fffffff,
				     0x80000000, ~0U };
	static struct hemem_assist_run many[HEMEM_ASSIST_MAX_RUNS];
	union request request;
	size_t i;

	set_up();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		good_scan(&request);
		request.scan.max_runs = bad[i];
		refused_scan(&request, -EINVAL);
	}
	good_scan(&request);
	request.scan.max_runs = 1;
	EXPECT_EQ(0, dev_scan(fd, &request.scan));
	EXPECT_EQ(1, request.scan.out_nr_runs);
	good_scan(&request);
	request.scan.runs = (uintptr_t)many;
	request.scan.max_runs = HEMEM_ASSIST_MAX_RUNS;
	EXPECT_EQ(0, dev_scan(fd, &request.scan));
	EXPECT_LE(1, request.scan.out_nr_runs);
}

TEST(scan_ranges, "refuse a region that is unaligned, empty, backwards or not the "
	 "user's", need_scan, need_two_nodes)
{
	static const struct { __u64 start, end; } bad[] = {
		{ 0, 0 }, { 4096, 4096 }, { 8192, 4096 }, { 1, 8192 },
		{ 4096, 8191 }, { 4095, 8191 }, { 0, ~0ULL },
		{ 0, ~0ULL - 4095 }, { 4096, KERNEL_ADDR },
		{ KERNEL_ADDR, KERNEL_ADDR + 4096 }, { ~0ULL - 4095, 0 },
		{ NON_CANONICAL, NON_CANONICAL + 4096 },
	};
	union request request;
	size_t i;

	set_up();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		good_scan(&request);
		request.scan.start = bad[i].start;
		request.scan.end = bad[i].end;
		refused_scan(&request, -EINVAL);
	}
}

TEST(scan_array_pointer, "refuse room for runs that is not the caller's",
	 need_scan, need_two_nodes)
{
	union request request;
	size_t i;

	set_up();
	for (i = 0; i < sizeof(bad_arrays) / sizeof(bad_arrays[0]); i++) {
		good_scan(&request);
		request.scan.runs = bad_arrays[i];
		refused_scan(&request, -EFAULT);
	}
}

TEST(other_file_calls, "find that read, write, mmap and lseek on the fd do no harm",
	 need_module)
{
	char byte = 0;

	fd = dev_open();
	EXPECT_EQ(-1, read(fd, &byte, 1));
	EXPECT_EQ(-1, write(fd, &byte, 1));
	EXPECT(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	EXPECT_EQ(0, close(fd));
}
