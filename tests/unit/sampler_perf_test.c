// SPDX-License-Identifier: GPL-2.0
/*
 * sampler_perf_test.c - the kernel's perf events, on those that every machine has
 *
 * Page faults tell the address of the access, as loads do that a PMU samples; so all but the
 * encoding of an event is what it is with hardware.  The target is this program itself, or
 * a child that has no rights.  Where the kernel has no perf events the tests are skipped.
 */
#include "unit.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <grp.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assist.h"
#include "heat.h"
#include "intake.h"
#include "perf.h"
#include "region.h"
#include "ring.h"
#include "sampler.h"
#include "sampler_perf.h"
#include "stats.h"
#include "tally.h"
#include "tier.h"

#define PAGE		HEAT_BASE_BYTES
#define BYTES		(8UL << 20)
#define MS		1000000ULL
#define NOBODY		65534

static const struct event page_faults = {
	.name = "page-faults", .pmu = "software", .kind = EVENT_LOAD, .counts = "page faults",
	.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_PAGE_FAULTS,
};

static struct assist assist;
static struct region area;
static struct region_set regions;
static struct tier_set tiers;
static struct stats stats;
static struct heat *heat;
static unsigned char *memory;
static uint64_t now_ns;
static bool with_bpf;

int __wrap_assist_scan(struct assist *to, struct hemem_assist_scan *scan);

/* All pages are there, on the slow node. */
int __wrap_assist_scan(UNUSED struct assist *to, struct hemem_assist_scan *scan)
{
	struct hemem_assist_run *runs = (void *)(uintptr_t)scan->runs;

	runs[0] = (struct hemem_assist_run){
		.addr = scan->start, .nr_pages = (scan->end - scan->start) / PAGE, .node = 1,
	};
	scan->out_nr_runs = 1;
	scan->out_end = scan->end;
	return 0;
}

static int find_page_faults(const char *sysroot UNUSED, struct event ret[static EVENT_MAX],
			    size_t *ret_nr, struct reason *why UNUSED)
{
	ret[0] = page_faults;
	*ret_nr = 1;
	return 0;
}

static int find_cycles(const char *sysroot UNUSED, struct event ret[static EVENT_MAX],
		       size_t *ret_nr, struct reason *why UNUSED)
{
	ret[0] = (struct event){
		.name = "cpu-clock", .pmu = "software", .kind = EVENT_LOAD,
		.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK,
	};
	*ret_nr = 1;
	return 0;
}

static int find_nothing(const char *sysroot UNUSED, struct event ret[static EVENT_MAX] UNUSED,
			size_t *ret_nr UNUSED, struct reason *why)
{
	return reason_set(why, -ENODEV, "nothing");
}

static bool has_perf(void)
{
	struct perf *perf;

	if (perf_open(getpid(), &page_faults, 1, &perf)) {
		print_message("# no perf events here: %s\n", perf_reason());
		return false;
	}
	perf_close(perf);
	return true;
}

#define NEED_PERF() do { if (!has_perf()) skip(); } while (0)

static int set_up(void **state UNUSED)
{
	memset(&stats, 0, sizeof(stats));
	now_ns = 1000 * MS;
	memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(memory != MAP_FAILED);
	madvise(memory, BYTES, MADV_NOHUGEPAGE);
	assist.info = (struct hemem_assist_info){
		.out_features = HEMEM_ASSIST_FEAT_SCAN, .out_page_bytes = PAGE,
		.out_huge_page_bytes = HEAT_HUGE_BYTES, .out_max_runs = 1000,
	};
	area = (struct region){ .start = (uintptr_t)memory, .end = (uintptr_t)memory + BYTES };
	regions = (struct region_set){ &area, 1 };
	tiers = (struct tier_set){
		.nodes = { { .nid = 0, .level = TIER_FAST }, { .nid = 1, .level = TIER_SLOW } },
		.nr_nodes = 2,
	};
	return heat_new(&heat);
}

static int tear_down(void **state UNUSED)
{
	heat_free(heat);
	return munmap(memory, BYTES);
}

/* Faults at every page, so many times. */
static void fault(unsigned int times)
{
	size_t at;

	while (times--) {
		madvise(memory, BYTES, MADV_DONTNEED);
		for (at = 0; at < BYTES; at += PAGE)
			((volatile unsigned char *)memory)[at] = 1;
	}
}

static void *fault_in_thread(void *arg UNUSED)
{
	fault(10);
	return NULL;
}

static struct sampler_context context_for(pid_t pid)
{
	return (struct sampler_context){
		.pid = pid, .assist = &assist, .regions = &regions, .tiers = &tiers,
		.heat = heat, .cpu_budget_bp = 100, .stats = &stats,
	};
}

/* So long after the last time that what it cost is little. */
static void drain(void *sampler)
{
	now_ns += 10000 * MS;
	assert_int_equal(sampler_perf_drain(sampler, now_ns), 0);
	assert_true(stats_add_up(&stats));
}

/* ---- as we are ---- */

static void samples_of_page_faults_are_counted_for_their_pages(void **state UNUSED)
{
	struct sampler_context context = context_for(getpid());
	struct heat_sizes sizes;
	void *sampler;

	NEED_PERF();
	assert_int_equal(sampler_perf_open(&context, find_page_faults, with_bpf, &sampler), 0);
	fault(10);
	drain(sampler);
	/* 20,480 faults, one in 401 */
	assert_in_range(stats.samples_used, 40, 60);
	assert_int_equal(stats.records_seen, stats.records_samples);
	heat_sizes(heat, &sizes);
	assert_int_equal(sizes.nr_pages, BYTES / PAGE);
	drain(sampler);
	/* That cost little: the period is shorter now, and the kernel was told. */
	assert_int_equal(stats.sample_load_period, period_of(PERIOD_LOADS, 1));
	stats.samples_used = stats.samples_seen = 0;
	stats.samples_other = stats.samples_outside = 0;
	fault(10);
	drain(sampler);
	assert_in_range(stats.samples_used, 60, 85);		/* one in 281 */
	sampler_perf_close(sampler);
}

static void threads_that_come_late_are_sampled(void **state UNUSED)
{
	struct sampler_context context = context_for(getpid());
	pthread_t thread;
	void *sampler;

	NEED_PERF();
	assert_int_equal(sampler_perf_open(&context, find_page_faults, with_bpf, &sampler), 0);
	assert_int_equal(pthread_create(&thread, NULL, fault_in_thread, NULL), 0);
	pthread_join(thread, NULL);
	drain(sampler);
	assert_in_range(stats.samples_used, 40, 60);
	sampler_perf_close(sampler);
}

/* Negative control: nothing is sampled of a process that does nothing. */
static void another_process_is_other(void **state UNUSED)
{
	struct sampler_context context;
	pid_t idle = fork();
	void *sampler;

	if (!idle) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	context = context_for(idle);
	if (has_perf()) {
		assert_int_equal(sampler_perf_open(&context, find_page_faults, with_bpf, &sampler), 0);
		fault(10);
		drain(sampler);
		assert_int_equal(stats.samples_used, 0);
		assert_true(stats.samples_other > 40);
		sampler_perf_close(sampler);
	}
	kill(idle, SIGKILL);
	waitpid(idle, NULL, 0);
}

/* How many samples all rings hold, and how many they say were lost. */
static uint64_t count(struct perf *perf, uint64_t *ret_lost)
{
	struct ring_record record;
	const struct perf_ring *rings;
	uint64_t nr_samples = 0;
	struct ring ring;
	size_t nr, i;

	*ret_lost = 0;
	rings = perf_rings(perf, &nr);
	for (i = 0; i < nr; i++) {
		assert_int_equal(ring_init(&ring, rings[i].page, rings[i].bytes,
					   rings[i].sample_type), 0);
		ring_look(&ring);
		while (ring_next(&ring, &record)) {
			assert_true(record.kind == RING_SAMPLE || record.kind == RING_LOST);
			nr_samples += record.kind == RING_SAMPLE;
			*ret_lost += record.nr_lost;
		}
		ring_release(&ring);
	}
	return nr_samples;
}

/* One CPU, as each has its ring.  Others fault, too: at least ours are there. */
static void a_full_ring_says_what_it_lost(void **state UNUSED)
{
	uint64_t nr_samples, nr_lost, lost_before;
	cpu_set_t all, one;
	struct perf *perf;

	NEED_PERF();
	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(perf_open(getpid(), &page_faults, 1, &perf), 0);
	assert_int_equal(perf_set_period(perf, PERIOD_LOADS, 1), 0);
	perf_enable(perf);
	fault(6);		/* 12,288 samples; a ring holds some 2,000 */
	nr_samples = count(perf, &lost_before);
	/* With the next sample the kernel tells. */
	memset(mmap(NULL, 9 * PAGE, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, 9 * PAGE);
	nr_samples += count(perf, &nr_lost);
	nr_lost += lost_before;
	assert_true(nr_samples + nr_lost >= 6 * BYTES / PAGE);
	assert_true(nr_lost > BYTES / PAGE);
	perf_close(perf);
	sched_setaffinity(0, sizeof(all), &all);
}

static void what_works_here_is_found_by_trying(void **state UNUSED)
{
	struct perf_trial trial;
	struct reason why;

	NEED_PERF();
	assert_int_equal(perf_try(&page_faults, &trial), 0);
	assert_true(trial.nr_samples >= 4 && trial.nr_addrs == trial.nr_samples);
	assert_int_equal(trial.sample_type & PERF_SAMPLE_ADDR, PERF_SAMPLE_ADDR);
	assert_int_equal(sampler_perf_probe(find_page_faults, &why), 0);
	assert_non_null(strstr(why.text, "page-faults"));
	/* The clock can be opened, but has no addresses. */
	assert_int_equal(sampler_perf_probe(find_cycles, &why), -EOPNOTSUPP);
	assert_non_null(strstr(why.text, "no addresses"));
	assert_int_equal(sampler_perf_probe(find_nothing, &why), -ENODEV);
	assert_string_equal(why.text, "nothing");
}

static void what_cannot_be_opened_is_explained(void **state UNUSED)
{
	struct event event = page_faults;
	struct perf *perf;

	NEED_PERF();
	POISON(perf);
	event.type = 0x7fffffff;
	assert_int_equal(perf_open(getpid(), &event, 1, &perf), -ENODEV);
	UNTOUCHED(perf);
	assert_non_null(strstr(perf_reason(), "page-faults"));
	event = page_faults;
	event.min_precise = 1;		/* software has no PEBS */
	event.type = PERF_TYPE_BREAKPOINT;
	assert_true(perf_open(getpid(), &event, 1, &perf) < 0);
	UNTOUCHED(perf);
}

/* ---- counted in the kernel ---- */

static bool no_batches;

/* Weak, as a build without libbpf has none. */
__attribute__((weak))
int __real_bpf_map_lookup_and_delete_batch(int fd, void *in, void *out, void *keys, void *values,
					   uint32_t *count, const void *opts);
int __wrap_bpf_map_lookup_and_delete_batch(int fd, void *in, void *out, void *keys, void *values,
					   uint32_t *count, const void *opts);

/* Kernels before 5.6 do not know it. */
int __wrap_bpf_map_lookup_and_delete_batch(int fd, void *in, void *out, void *keys, void *values,
					   uint32_t *count, const void *opts)
{
	return no_batches ? -EINVAL :
	       __real_bpf_map_lookup_and_delete_batch(fd, in, out, keys, values, count, opts);
}

static bool has_bpf(void)
{
	struct tally *tally;

	if (!has_perf())
		return false;
	if (tally_open(getpid(), &tally)) {
		print_message("# no BPF here: %s\n", tally_reason());
		return false;
	}
	tally_close(tally);
	return true;
}

#define NEED_BPF() do { if (!has_bpf()) skip(); } while (0)

/** struct counted - what a tally has told */
struct counted {
	uint64_t loads, stores, pages, here;
};

static int take_counts(void *arg, uint64_t addr, uint32_t loads, uint32_t stores)
{
	struct counted *counted = arg;

	counted->loads += loads;
	counted->stores += stores;
	counted->pages++;
	if (addr >= (uintptr_t)memory && addr < (uintptr_t)memory + BYTES)
		counted->here += loads + stores;
	return addr % PAGE ? -EINVAL : 0;
}

/* Events that the kernel has counted, of everybody. */
static uint64_t stop_and_read(struct perf *perf)
{
	uint64_t nr_events = 0, count;
	const int *fds;
	size_t nr, i;

	fds = perf_fds(perf, 0, &nr);
	for (i = 0; i < nr; i++)
		assert_int_equal(ioctl(fds[i], PERF_EVENT_IOC_DISABLE, 0), 0);
	for (i = 0; i < nr; i++) {
		assert_int_equal(read(fds[i], &count, sizeof(count)), sizeof(count));
		nr_events += count;
	}
	return nr_events;
}

/* How often the kernel has run programs that this process holds; it counts while asked to. */
static uint64_t program_runs(void)
{
	struct bpf_prog_info info;
	uint32_t size;
	uint64_t nr = 0;
	char path[32], what[32];
	ssize_t length;
	int fd;

	for (fd = 0; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		length = readlink(path, what, sizeof(what) - 1);
		what[length < 0 ? 0 : length] = '\0';
		if (strcmp(what, "anon_inode:bpf-prog"))
			continue;
		memset(&info, 0, sizeof(info));
		size = sizeof(info);
		assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
		nr += info.run_cnt;
	}
	return nr;
}

/*
 * Each sample that the program is asked about is found: counted, of others, or in a ring.  It is
 * asked about each event but the few for which the kernel does not run it, see tally.bpf.c: up to
 * one in 1,000, if others are busy with maps of theirs.
 */
static void count_events(enum event_kind kind)
{
	struct counted counted = { 0 };
	uint64_t nr_events, nr_ring, nr_lost, nr_runs, others[3];
	struct event event = page_faults;
	struct tally *tally;
	struct perf *perf;
	int counts_runs = bpf_enable_stats(BPF_STATS_RUN_TIME);
	unsigned int i;

	assert_true(counts_runs >= 0);
	event.kind = kind;
	assert_int_equal(tally_open(getpid(), &tally), 0);
	assert_int_equal(perf_open(getpid(), &event, 1, &perf), 0);
	assert_int_equal(perf_set_period(perf, perf_kind(&event), 1), 0);
	assert_int_equal(tally_attach(tally, perf, &event, 1), 0);
	perf_enable(perf);
	fault(kind == EVENT_ANY ? 0 : 3);	/* all of these go to the ring */
	madvise(memory, BYTES, MADV_DONTNEED);
	for (i = 0; i < 9; i++)
		memory[i * PAGE] = 1;
	nr_events = stop_and_read(perf);
	for (i = 0; i < 3; i++)
		assert_int_equal(tally_read(tally, take_counts, &counted, &others[i]), 0);
	nr_ring = count(perf, &nr_lost);
	nr_runs = program_runs();
	assert_int_equal(counted.loads + counted.stores + others[0] + others[1] + others[2] +
			 nr_ring + nr_lost, nr_runs);
	assert_in_range(nr_runs, nr_events - nr_events / 1000, nr_events);
	assert_int_equal(nr_lost, 0);
	assert_int_equal(others[1] + others[2], 0);
	if (kind == EVENT_ANY) {
		assert_int_equal(counted.pages, 0);
		assert_true(nr_ring >= 9);
	} else {
		assert_in_range(counted.here, 5500, 3 * BYTES / PAGE + 9);
		assert_in_range(counted.pages, BYTES / PAGE - 100, BYTES / PAGE + 500);
		assert_int_equal(kind == EVENT_STORE ? counted.loads : counted.stores, 0);
	}
	perf_close(perf);
	tally_close(tally);
	close(counts_runs);
}

static void every_sample_is_counted_or_in_a_ring(void **state UNUSED)
{
	NEED_BPF();
	count_events(EVENT_LOAD);
	count_events(EVENT_STORE);
	count_events(EVENT_ANY);
}

static void kernels_without_batches_count_the_same(void **state UNUSED)
{
	NEED_BPF();
	no_batches = true;
	count_events(EVENT_LOAD);
	no_batches = false;
}

static void counted_samples_make_the_same_heat(void **state UNUSED)
{
	struct sampler_context context = context_for(getpid());
	struct heat_sizes sizes;
	void *sampler;

	NEED_BPF();
	assert_int_equal(sampler_perf_open(&context, find_page_faults, true, &sampler), 0);
	fault(10);
	drain(sampler);		/* what is counted now is told the next time */
	drain(sampler);
	assert_in_range(stats.samples_used, 40, 60);
	assert_in_range(stats.records_seen, 0, 15);	/* one in 32, and of others none */
	heat_sizes(heat, &sizes);
	assert_int_equal(sizes.nr_pages, BYTES / PAGE);
	/* Negative control: nothing more comes when nothing is done. */
	memset(&stats, 0, sizeof(stats));
	drain(sampler);
	drain(sampler);
	assert_in_range(stats.samples_used, 0, 3);
	sampler_perf_close(sampler);
}

/* ---- without rights ---- */

/* In a child: 0 is a pass, 77 a skip. */
static void as_nobody(int (*run)(void))
{
	pid_t child = fork();
	int status;

	if (!child) {
		if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
			_exit(77);
		_exit(run());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define MUST(condition) do { \
	if (!(condition)) { \
		print_message("# line %d: %s\n", __LINE__, #condition); \
		return 1; \
	} \
} while (0)

static int sample_threads(void)
{
	struct sampler_context context = context_for(getpid());
	void *sampler;
	pthread_t thread;

	if (!has_perf())
		return 77;
	MUST(!sampler_perf_open(&context, find_page_faults, with_bpf, &sampler));
	pthread_create(&thread, NULL, fault_in_thread, NULL);
	pthread_join(thread, NULL);
	drain(sampler);
	MUST(stats.samples_used > 40 && stats.samples_used < 60);
	MUST(!stats.samples_other);	/* nobody else is sampled */
	sampler_perf_close(sampler);
	return 0;
}

static void without_rights_threads_are_sampled_and_late_ones_too(void **state UNUSED)
{
	as_nobody(sample_threads);
}

static int sample_threads_with_bpf(void)
{
	with_bpf = true;
	return sample_threads();
}

static void without_the_right_to_bpf_rings_serve(void **state UNUSED)
{
	as_nobody(sample_threads_with_bpf);
}

static pthread_barrier_t barrier;

static void *wait_and_fault(void *arg UNUSED)
{
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	fault(10);
	return NULL;
}

/* The kernel does not tell those that inherited; the events are opened again. */
static int change_period(void)
{
	struct sampler_context context = context_for(getpid());
	struct perf *perf;
	pthread_t thread;
	void *sampler;

	if (!has_perf())
		return 77;
	pthread_barrier_init(&barrier, NULL, 2);
	MUST(!perf_open(getpid(), &page_faults, 1, &perf));
	MUST(strstr(perf_how(perf), "1 thread on "));
	MUST(!perf_set_period(perf, PERIOD_LOADS, 1009));
	MUST(!sampler_perf_open(&context, find_page_faults, with_bpf, &sampler));
	pthread_create(&thread, NULL, wait_and_fault, NULL);
	pthread_barrier_wait(&barrier);
	MUST(!perf_set_period(perf, PERIOD_LOADS, 1009));	/* the same as before */
	MUST(!perf_set_period(perf, PERIOD_STORES, 1427));	/* of nobody */
	MUST(perf_set_period(perf, PERIOD_LOADS, 1427) == -ESTALE);
	perf_close(perf);
	MUST(!perf_open(getpid(), &page_faults, 1, &perf));
	MUST(strstr(perf_how(perf), "2 threads on "));
	MUST(!perf_set_period(perf, PERIOD_LOADS, 1427));
	perf_close(perf);
	/* The sampler does that by itself: the thread has the new period. */
	drain(sampler);
	drain(sampler);
	MUST(stats.sample_load_period == period_of(PERIOD_LOADS, 1));
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	drain(sampler);
	MUST(stats.samples_used > 60 && stats.samples_used < 85);
	sampler_perf_close(sampler);
	return 0;
}

static void a_new_period_reaches_threads_that_came_late(void **state UNUSED)
{
	as_nobody(change_period);
}

static int use_little_memory(void)
{
	struct rlimit none = { 0, 0 };
	struct event events[EVENT_MAX];
	const struct perf_ring *rings;
	struct perf *perf;
	size_t nr, i;

	if (!has_perf())
		return 77;
	setrlimit(RLIMIT_MEMLOCK, &none);
	for (i = 0; i < EVENT_MAX; i++)
		events[i] = page_faults;
	MUST(!perf_open(getpid(), events, EVENT_MAX, &perf));
	rings = perf_rings(perf, &nr);
	MUST(nr && nr % EVENT_MAX == 0);
	MUST(rings[0].bytes < 17 * 4096);
	for (i = 1; i < nr; i++)
		MUST(rings[i].bytes == rings[0].bytes);
	perf_close(perf);
	return 0;
}

static void rings_are_as_large_as_the_limit_for_locked_memory_allows(void **state UNUSED)
{
	as_nobody(use_little_memory);
}

static int use_few_files(void)
{
	struct rlimit few = { 4, 4 };
	struct perf *perf = NULL;

	if (!has_perf())
		return 77;
	setrlimit(RLIMIT_NOFILE, &few);
	MUST(perf_open(getpid(), &page_faults, 1, &perf) < 0);
	MUST(!perf);
	return 0;
}

static void too_few_files_leave_nothing_open(void **state UNUSED)
{
	as_nobody(use_few_files);
}

/* Another user's process: no right, and the remedy is told. */
static int sample_init(void)
{
	struct perf *perf = NULL;

	if (!has_perf())
		return 77;
	MUST(perf_open(1, &page_faults, 1, &perf) == -EACCES);
	MUST(!perf);
	MUST(strstr(perf_reason(), "perf_event_paranoid") && strstr(perf_reason(), "CAP_PERFMON"));
	return 0;
}

static void no_right_is_explained_with_the_remedy(void **state UNUSED)
{
	as_nobody(sample_init);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(samples_of_page_faults_are_counted_for_their_pages),
		TEST(threads_that_come_late_are_sampled),
		TEST(another_process_is_other),
		TEST(a_full_ring_says_what_it_lost),
		TEST(what_works_here_is_found_by_trying),
		TEST(what_cannot_be_opened_is_explained),
		TEST(every_sample_is_counted_or_in_a_ring),
		TEST(kernels_without_batches_count_the_same),
		TEST(counted_samples_make_the_same_heat),
		TEST(without_the_right_to_bpf_rings_serve),
		TEST(without_rights_threads_are_sampled_and_late_ones_too),
		TEST(a_new_period_reaches_threads_that_came_late),
		TEST(rings_are_as_large_as_the_limit_for_locked_memory_allows),
		TEST(too_few_files_leave_nothing_open),
		TEST(no_right_is_explained_with_the_remedy),
	};

	return cmocka_run_group_tests_name("sampler_perf", tests, NULL, NULL);
}
