// SPDX-License-Identifier: GPL-2.0
/*
 * perf.c - events of perf_event_open(2), with rings for their samples
 *
 * Owns file descriptors and mappings, what the kernel grants, and the sentence that says why it
 * does not.  Which events there are is event.c's, what the rings hold ring.c's.
 *
 * What is asked for is found out by trying, as the kernel does not say what it minds: precise_ip
 * from 3 down, and each PERF_SAMPLE_* that is good to have by itself.  The physical
 * address is not asked for: the census knows nodes, and the kernel would walk the page
 * tables in each interrupt.
 *
 * Every CPU is sampled, and the reader drops samples of others, where that is allowed: the
 * fds are then few, and whoever starts a thread needs not be noticed.  Else each thread gets its
 * events, one for each CPU, as inherited events must have a CPU for a ring to be mapped; all
 * threads of a CPU share its ring.  Threads that start later inherit.  The ioctl that sets a
 * period does not reach what was inherited (kernel/events/core.c, _perf_event_period()).
 */
#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <numa.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "perf.h"
#include "ring.h"

#define MOST_PAGES	16		/* of data in a ring: some 2,000 samples */
#define LIST_BYTES	4096		/* of a list of CPUs in sysfs */
#define ANYBODY		((pid_t)-1)
#define ANY_CPU		(-1)

/** struct fds - of one event */
struct fds {
	int *list;
	size_t nr;
};

/**
 * struct perf - the open events of one target
 * @events: @nr_events of them
 * @attrs: what was granted for each
 * @fds: of each
 * @rings: @nr_rings
 * @cpus: where each ring's events count; as @rings
 * @outputs: the fd that each ring was mapped of; as @rings
 * @tids: threads that were opened; none: every CPU is sampled
 * @nr_cpus: CPUs that were opened
 * @data_pages: of each ring
 */
struct perf {
	pid_t pid;
	const struct event *events;
	size_t nr_events;
	struct perf_event_attr attrs[EVENT_MAX];
	struct fds fds[EVENT_MAX];
	struct perf_ring *rings;
	int *cpus;
	int *outputs;
	size_t nr_rings;
	pid_t *tids;
	size_t nr_tids;
	unsigned int nr_cpus;
	size_t data_pages;
	char how[64];
};

static _Thread_local struct reason reason = { "nobody tried yet" };

const char *perf_reason(void)
{
	return reason.text;
}

enum period_kind perf_kind(const struct event *event)
{
	switch (event->kind) {
	case EVENT_STORE:
		return PERIOD_STORES;
	case EVENT_ANY:
		return PERIOD_OPS;
	default:
		return PERIOD_LOADS;
	}
}

/* ---- what the kernel says ---- */

static int paranoid_level(void)
{
	FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
	int level = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%d", &level) != 1)
		level = 0;
	fclose(file);
	return level;
}

static int explain(const struct event *event, int err)
{
	switch (err) {
	case -EACCES:
	case -EPERM:
		return reason_set(&reason, -EACCES,
				  "%s may not be sampled: kernel.perf_event_paranoid is %d; run as root, give hemem-ctl CAP_PERFMON, or sysctl kernel.perf_event_paranoid=1",
				  event->name, paranoid_level());
	case -EINVAL:
	case -EOPNOTSUPP:
		return reason_set(&reason, -EOPNOTSUPP,
				  "the kernel does not sample addresses of %s: a virtual machine without PEBS, or a kernel that does not know this CPU",
				  event->name);
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		return reason_set(&reason, -ENODEV, "the kernel has no event %s here", event->name);
	case -ENOSYS:
		return reason_set(&reason, -ENODEV, "this kernel has no perf events");
	case -EMFILE:
	case -ENFILE:
		return reason_set(&reason, -EMFILE,
				  "too many open files for all threads and CPUs: raise ulimit -n, or run as root, which needs fewer");
	case -EBUSY:
		return reason_set(&reason, err,
				  "%s: somebody else holds this counter for himself: end that first",
				  event->name);
	}
	return reason_set(&reason, err, "%s: %s", event->name, strerror(-err));
}

static int explain_memory(int err)
{
	return reason_set(&reason, err == -EPERM ? -ENOMEM : err,
			  "no memory for rings of samples: raise ulimit -l or kernel.perf_event_mlock_kb, or give hemem-ctl CAP_IPC_LOCK (%s)",
			  strerror(-err));
}

/* Return: fd or -errno. */
static int open_fd(struct perf_event_attr *attr, pid_t pid, int cpu)
{
	long fd = syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

static bool is_granted(struct perf_event_attr *attr, pid_t pid, int cpu, int *ret_err)
{
	int fd = open_fd(attr, pid, cpu);

	*ret_err = fd < 0 ? fd : 0;
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* The highest precise_ip, and no samples of the kernel's own accesses if it can do without. */
static int find_precise(const struct event *event, struct perf_event_attr *attr, pid_t pid,
			int cpu)
{
	int err = 0, precise, with_kernel;

	for (with_kernel = 0; with_kernel < 2; with_kernel++) {
		attr->exclude_kernel = attr->exclude_hv = !with_kernel;
		for (precise = 3; precise >= (int)event->min_precise; precise--) {
			attr->precise_ip = (unsigned int)precise & 3;
			if (is_granted(attr, pid, cpu, &err))
				return 0;
			if (err != -EINVAL && err != -EOPNOTSUPP)
				return err;
		}
	}
	return err;
}

/* Fill in what the kernel grants.  Return: 0 or -errno. */
static int find_attr(const struct event *event, pid_t pid, int cpu, bool inherit,
		     struct perf_event_attr *attr)
{
	const uint64_t good[] = {
		PERF_SAMPLE_WEIGHT, PERF_SAMPLE_DATA_SRC, event->wants_raw ? PERF_SAMPLE_RAW : 0,
	};
	int err;
	size_t i;

	*attr = (struct perf_event_attr){
		.size = sizeof(*attr), .type = event->type, .config = event->config,
		.config1 = event->config1, .sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_ADDR,
		.sample_period = period_of(perf_kind(event), period_first(perf_kind(event))),
		.disabled = 1, .inherit = inherit, .watermark = 1,
		.wakeup_watermark = 1U << 30,	/* nobody waits for it */
	};
	err = find_precise(event, attr, pid, cpu);
	if (err)
		return err;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		attr->sample_type |= good[i];
		if (good[i] && !is_granted(attr, pid, cpu, &err))
			attr->sample_type &= ~good[i];
	}
	/* Since 5.13: threads alone inherit, and not children, whose memory is not the target's. */
	attr->inherit_thread = inherit;
	if (inherit && !is_granted(attr, pid, cpu, &err))
		attr->inherit_thread = 0;
	return 0;
}

/* ---- one fd ---- */

static int keep_fd(struct fds *fds, int fd)
{
	int *list = realloc(fds->list, (fds->nr + 1) * sizeof(*list));

	if (!list) {
		close(fd);
		return -ENOMEM;
	}
	fds->list = list;
	fds->list[fds->nr++] = fd;
	return 0;
}

/* Weights are in cycles; the clock's rate is what the kernel tells of them. */
static double ns_per_cycle(const struct perf_event_mmap_page *page)
{
	return page->cap_user_time ? (double)page->time_mult /
				     (double)(1ULL << (page->time_shift & 63)) : 0;
}

static int map_ring(struct perf *perf, size_t event, int cpu, int fd)
{
	struct perf_ring *rings = realloc(perf->rings, (perf->nr_rings + 1) * sizeof(*rings));
	int *cpus = realloc(perf->cpus, (perf->nr_rings + 1) * sizeof(*cpus));
	int *outputs = realloc(perf->outputs, (perf->nr_rings + 1) * sizeof(*outputs));
	size_t bytes = (perf->data_pages + 1) * (size_t)sysconf(_SC_PAGESIZE);
	void *page;

	perf->rings = rings ? rings : perf->rings;
	perf->cpus = cpus ? cpus : perf->cpus;
	perf->outputs = outputs ? outputs : perf->outputs;
	if (!rings || !cpus || !outputs)
		return -ENOMEM;
	page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	rings[perf->nr_rings] = (struct perf_ring){
		.event = event, .page = page, .bytes = bytes,
		.sample_type = perf->attrs[event].sample_type, .ns_per_unit = ns_per_cycle(page),
	};
	cpus[perf->nr_rings] = cpu;
	outputs[perf->nr_rings++] = fd;
	return 0;
}

/* Its samples go to the ring of this event and CPU, which is made with the first. */
static int give_ring(struct perf *perf, size_t event, int cpu, int fd)
{
	size_t i;

	for (i = 0; i < perf->nr_rings; i++)
		if (perf->rings[i].event == event && perf->cpus[i] == cpu)
			return ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, perf->outputs[i]) ? -errno : 0;
	return map_ring(perf, event, cpu, fd);
}

/* Return: 0; 1: that thread or CPU is not there any more; or -errno, explained. */
static int open_one(struct perf *perf, size_t event, pid_t pid, int cpu)
{
	int fd = open_fd(&perf->attrs[event], pid, cpu), err;

	if (fd == -ESRCH || (fd == -ENODEV && pid == ANYBODY))
		return 1;
	if (fd < 0)
		return explain(&perf->events[event], fd);
	err = keep_fd(&perf->fds[event], fd);
	if (!err)
		err = give_ring(perf, event, cpu, fd);
	return err ? explain_memory(err) : 0;
}

/* ---- CPUs and threads ---- */

static bool read_list(const char *path, char list[static LIST_BYTES])
{
	FILE *file = fopen(path, "re");
	bool is_read;

	if (!file)
		return false;
	is_read = fgets(list, LIST_BYTES, file);
	fclose(file);
	return is_read;
}

/* The CPUs that have this event.  Return: to be freed, or NULL. */
static struct bitmask *cpus_of(const struct event *event)
{
	char path[256], list[LIST_BYTES];

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/cpus", event->pmu);
	if (!read_list(path, list) && !read_list("/sys/devices/system/cpu/online", list))
		return NULL;
	list[strcspn(list, "\n")] = '\0';
	return numa_parse_cpustring_all(list);
}

/* On every CPU that has the event. */
static int open_on_cpus(struct perf *perf, size_t event, pid_t pid)
{
	struct bitmask *cpus = cpus_of(&perf->events[event]);
	unsigned int cpu, nr = 0;
	int err = 0;

	if (!cpus)
		return reason_set(&reason, -ENOENT, "cannot read which CPUs are online");
	for (cpu = 0; err >= 0 && cpu < cpus->size; cpu++) {
		if (!numa_bitmask_isbitset(cpus, cpu))
			continue;
		err = open_one(perf, event, pid, (int)cpu);
		nr += !err;
	}
	numa_bitmask_free(cpus);
	perf->nr_cpus = nr > perf->nr_cpus ? nr : perf->nr_cpus;
	return err < 0 ? err : 0;
}

static int first_cpu_of(const struct event *event)
{
	struct bitmask *cpus = cpus_of(event);
	unsigned int cpu = 0;

	while (cpus && cpu < cpus->size && !numa_bitmask_isbitset(cpus, cpu))
		cpu++;
	if (!cpus || cpu == cpus->size)
		cpu = 0;
	if (cpus)
		numa_bitmask_free(cpus);
	return (int)cpu;
}

static bool is_known(const struct perf *perf, pid_t tid)
{
	size_t i;

	for (i = 0; i < perf->nr_tids; i++)
		if (perf->tids[i] == tid)
			return true;
	return false;
}

static int open_thread(struct perf *perf, pid_t tid)
{
	pid_t *tids = realloc(perf->tids, (perf->nr_tids + 1) * sizeof(*tids));
	size_t event;
	int err = 0;

	if (!tids)
		return explain_memory(-ENOMEM);
	perf->tids = tids;
	perf->tids[perf->nr_tids++] = tid;
	for (event = 0; !err && event < perf->nr_events; event++)
		err = open_on_cpus(perf, event, tid);
	return err;
}

/* Those that are not known yet.  Return: how many, or -errno. */
static int each_thread(struct perf *perf, int (*each)(struct perf *perf, pid_t tid))
{
	char path[64];
	struct dirent *entry;
	int tid, nr = 0, err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)perf->pid);
	dir = opendir(path);
	if (!dir)
		return reason_set(&reason, -ESRCH, "process %d has ended", (int)perf->pid);
	while (!err && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, "%d", &tid) != 1 || is_known(perf, tid))
			continue;
		if (each)
			err = each(perf, tid);
		nr++;
	}
	closedir(dir);
	return err ? err : nr;
}

/* What a thread starts while the list is read is not in it, or inherits: read it again. */
static int open_threads(struct perf *perf)
{
	int nr;

	do {
		nr = each_thread(perf, open_thread);
	} while (nr > 0);
	return nr;
}

/* ---- all of it ---- */

static int find_attrs(struct perf *perf, bool inherit)
{
	pid_t pid = inherit ? perf->pid : ANYBODY;
	size_t i;
	int err;

	for (i = 0; i < perf->nr_events; i++) {
		err = find_attr(&perf->events[i], pid, first_cpu_of(&perf->events[i]), inherit,
				&perf->attrs[i]);
		if (err)
			return explain(&perf->events[i], err);
	}
	return 0;
}

static void close_all(struct perf *perf)
{
	size_t i, j;

	for (i = 0; i < perf->nr_rings; i++)
		munmap(perf->rings[i].page, perf->rings[i].bytes);
	for (i = 0; i < perf->nr_events; i++) {
		for (j = 0; j < perf->fds[i].nr; j++)
			close(perf->fds[i].list[j]);
		free(perf->fds[i].list);
		perf->fds[i] = (struct fds){ 0 };
	}
	free(perf->rings);
	free(perf->cpus);
	free(perf->outputs);
	free(perf->tids);
	perf->rings = NULL;
	perf->cpus = perf->outputs = NULL;
	perf->tids = NULL;
	perf->nr_rings = perf->nr_tids = 0;
}

static int open_all(struct perf *perf, bool per_thread)
{
	size_t event;
	int err = 0;

	if (per_thread)
		return open_threads(perf);
	for (event = 0; !err && event < perf->nr_events; event++)
		err = open_on_cpus(perf, event, ANYBODY);
	return err;
}

/* Rings as large as the limit for locked memory allows. */
static int open_as_large_as_allowed(struct perf *perf, bool per_thread)
{
	int err = -ENOMEM;

	for (perf->data_pages = MOST_PAGES; err == -ENOMEM && perf->data_pages;
	     perf->data_pages /= 2) {
		close_all(perf);
		err = open_all(perf, per_thread);
		if (!err)
			break;
	}
	return err;
}

static void raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int perf_open(pid_t pid, const struct event *events, size_t nr_events, struct perf **ret_perf)
{
	struct perf *perf = calloc(1, sizeof(*perf));
	bool per_thread;
	int err;

	if (!perf)
		return explain_memory(-ENOMEM);
	perf->pid = pid;
	perf->events = events;
	perf->nr_events = nr_events < EVENT_MAX ? nr_events : EVENT_MAX;
	raise_fd_limit();
	err = find_attrs(perf, false);
	per_thread = err == -EACCES;
	if (per_thread)
		err = find_attrs(perf, true);
	if (!err)
		err = open_as_large_as_allowed(perf, per_thread);
	if (err) {
		perf_close(perf);
		return err;
	}
	if (per_thread)
		snprintf(perf->how, sizeof(perf->how), "%zu thread%s on %u CPU%s", perf->nr_tids,
			 perf->nr_tids == 1 ? "" : "s", perf->nr_cpus, perf->nr_cpus == 1 ? "" : "s");
	else
		snprintf(perf->how, sizeof(perf->how), "%u CPU%s", perf->nr_cpus,
			 perf->nr_cpus == 1 ? "" : "s");
	*ret_perf = perf;
	return 0;
}

const struct perf_ring *perf_rings(const struct perf *perf, size_t *ret_nr)
{
	*ret_nr = perf->nr_rings;
	return perf->rings;
}

const char *perf_how(const struct perf *perf)
{
	return perf->how;
}

const int *perf_fds(const struct perf *perf, size_t event, size_t *ret_nr)
{
	*ret_nr = perf->fds[event].nr;
	return perf->fds[event].list;
}

void perf_enable(struct perf *perf)
{
	size_t i, j;

	for (i = 0; i < perf->nr_events; i++)
		for (j = 0; j < perf->fds[i].nr; j++)
			ioctl(perf->fds[i].list[j], PERF_EVENT_IOC_ENABLE, 0);
}

int perf_set_period(struct perf *perf, enum period_kind kind, uint64_t period)
{
	bool is_changed = false;
	size_t i, j;

	for (i = 0; i < perf->nr_events; i++) {
		if (perf_kind(&perf->events[i]) != kind || perf->attrs[i].sample_period == period)
			continue;
		perf->attrs[i].sample_period = period;
		is_changed = true;
		for (j = 0; j < perf->fds[i].nr; j++)
			ioctl(perf->fds[i].list[j], PERF_EVENT_IOC_PERIOD, &period);
	}
	return is_changed && perf->nr_tids && each_thread(perf, NULL) > 0 ? -ESTALE : 0;
}

void perf_close(struct perf *perf)
{
	if (!perf)
		return;
	close_all(perf);
	free(perf);
}

/* ---- a trial ---- */

#define TRIAL_BYTES	(4UL << 20)
#define TRIAL_ACCESSES	200000
#define LINE_BYTES	64

/* Loads that miss the caches where they can be made to, stores, and page faults. */
static void access_memory(unsigned char *memory, size_t bytes)
{
	uint64_t at = 0;
	unsigned int i;

	for (at = 0; at < bytes; at += 4096)
		memory[at] = 1;
	for (i = 0; i < TRIAL_ACCESSES; i++) {
		at = (at * 6364136223846793005ULL + 1442695040888963407ULL);
		memory[(at >> 32) % bytes]++;
#ifdef __x86_64__
		__builtin_ia32_clflush(memory + (at >> 32) % bytes);
#endif
	}
}

static void count_samples(struct ring *ring, struct perf_trial *trial)
{
	struct ring_record record;

	ring_look(ring);
	while (ring_next(ring, &record)) {
		trial->nr_samples += record.kind == RING_SAMPLE;
		trial->nr_addrs += record.kind == RING_SAMPLE && record.sample.addr;
	}
	ring_release(ring);
}

static int sample_ourselves(struct perf_event_attr *attr, void *ring_page, size_t ring_bytes,
			    int fd, struct perf_trial *trial)
{
	unsigned char *memory = mmap(NULL, TRIAL_BYTES, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ring ring;
	int err = ring_init(&ring, ring_page, ring_bytes, attr->sample_type);

	if (memory == MAP_FAILED)
		return -ENOMEM;
	madvise(memory, TRIAL_BYTES, MADV_NOHUGEPAGE);
	if (!err) {
		ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
		access_memory(memory, TRIAL_BYTES);
		ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
		count_samples(&ring, trial);
	}
	munmap(memory, TRIAL_BYTES);
	return err;
}

int perf_try(const struct event *event, struct perf_trial *ret_trial)
{
	size_t bytes = (MOST_PAGES + 1) * (size_t)sysconf(_SC_PAGESIZE);
	struct perf_event_attr attr;
	void *page = MAP_FAILED;
	int fd = -1, err;

	*ret_trial = (struct perf_trial){ 0 };
	err = find_attr(event, 0, ANY_CPU, false, &attr);
	attr.sample_period = period_of(perf_kind(event), 0);
	if (!err) {
		ret_trial->precise = attr.precise_ip;
		ret_trial->sample_type = attr.sample_type;
		fd = open_fd(&attr, 0, ANY_CPU);
		err = fd < 0 ? fd : 0;
	}
	if (!err) {
		page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		err = page == MAP_FAILED ? -errno : sample_ourselves(&attr, page, bytes, fd,
								     ret_trial);
		if (err)
			explain_memory(err);
	} else {
		err = explain(event, err);
	}
	if (page != MAP_FAILED)
		munmap(page, bytes);
	if (fd >= 0)
		close(fd);
	ret_trial->err = err;
	return err;
}
