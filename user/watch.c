// SPDX-License-Identifier: GPL-2.0
/*
 * watch.c - loads watch.bpf.c and counts what it tells
 *
 * Owns the BPF objects and the sentence that says why there are none.  What to
 * do about a change is the caller's affair.
 *
 * Example: the target calls mmap twice and munmap once; watch_fd() becomes
 * readable and watch_read() gives nr_mmap 2, nr_munmap 1, everything else 0.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pidns.h"
#include "reason.h"
#include "watch.h"

static struct reason reason = { "nobody tried yet" };

const char *watch_reason(void)
{
	return reason.text;
}

#ifdef HEMEM_WITHOUT_BPF

int watch_open(pid_t pid, struct watch **ret)
{
	(void)pid;
	(void)ret;
	return reason_set(&reason, -EOPNOTSUPP,
			  "hemem-ctl was built without BPF: install clang, bpftool and libbpf-dev and build again");
}

int watch_fd(const struct watch *watch)
{
	(void)watch;
	return -EOPNOTSUPP;
}

int watch_read(struct watch *watch, struct watch_events *ret_events)
{
	(void)watch;
	(void)ret_events;
	return -EOPNOTSUPP;
}

void watch_close(struct watch *watch)
{
	(void)watch;
}

#else

#include <bpf/libbpf.h>

#include "watch_event.h"
#include "watch.skel.h"

struct watch {
	struct watch_bpf *skel;
	struct ring_buffer *ring;
	uint64_t nr[WATCH_NR_EVENTS];	/* since the last watch_read() */
	uint64_t nr_lost_told;		/* part of the program's nr_lost */
};

/*
 * libbpf prints a page for each failure.  It stays quiet unless HEMEM_DEBUG is
 * set; the reason for the user is made from the errno.
 */
static int print_libbpf(enum libbpf_print_level level, const char *format,
			va_list args)
{
	(void)level;
	if (!getenv("HEMEM_DEBUG"))
		return 0;
	return vfprintf(stderr, format, args);
}

static int on_record(void *ctx, void *record, size_t size_bytes)
{
	struct watch *watch = ctx;
	uint32_t kind;

	if (size_bytes < sizeof(kind))
		return 0;
	memcpy(&kind, record, sizeof(kind));
	if (kind < WATCH_NR_EVENTS)
		watch->nr[kind]++;
	return 0;
}

static int set_target(struct watch_bpf *skel, pid_t pid)
{
	struct pidns pidns;
	int err = pidns_read(pid, &pidns, &reason);

	if (err)
		return err;
	skel->rodata->target_tgid = pidns.tgid;
	skel->rodata->target_ns_dev = pidns.dev;
	skel->rodata->target_ns_ino = pidns.ino;
	return 0;
}

static int explain(int err, const char *what)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return reason_set(&reason, -EOPNOTSUPP,
				  "this kernel does not describe its types: it needs CONFIG_DEBUG_INFO_BTF (/sys/kernel/btf/vmlinux)");
	if (err == -EPERM || err == -EACCES)
		return reason_set(&reason, -EPERM,
				  "BPF is not allowed: it needs root, or CAP_BPF and CAP_PERFMON, and no lockdown=confidentiality");
	if (err == -EINVAL || err == -ENOTSUP || err == -ENOENT)
		return reason_set(&reason, -EOPNOTSUPP,
				  "%s: this kernel lacks what the program needs: Linux 5.8 with CONFIG_KPROBES and CONFIG_BPF_EVENTS (%s)",
				  what, strerror(-err));
	return reason_set(&reason, err, "%s: %s", what, strerror(-err));
}

static int start(struct watch *watch, pid_t pid)
{
	int err;

	watch->skel = watch_bpf__open();
	if (!watch->skel)
		return explain(-errno, "opening the BPF program");
	err = set_target(watch->skel, pid);
	if (err)
		return err;
	err = watch_bpf__load(watch->skel);
	if (err)
		return explain(err, "loading the BPF program");
	watch->ring = ring_buffer__new(bpf_map__fd(watch->skel->maps.events),
				       on_record, watch, NULL);
	if (!watch->ring)
		return explain(-errno, "mapping the ring");
	err = watch_bpf__attach(watch->skel);
	if (err)
		return explain(err, "attaching the BPF program");
	return 0;
}

int watch_open(pid_t pid, struct watch **ret)
{
	struct watch *watch;
	int err;

	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return reason_set(&reason, -ENOMEM, "no memory");
	libbpf_set_print(print_libbpf);
	err = start(watch, pid);
	if (err) {
		watch_close(watch);
		return err;
	}
	*ret = watch;
	return 0;
}

int watch_fd(const struct watch *watch)
{
	return ring_buffer__epoll_fd(watch->ring);
}

int watch_read(struct watch *watch, struct watch_events *ret_events)
{
	uint64_t nr_lost;
	int ret;

	ret = ring_buffer__consume(watch->ring);
	if (ret < 0)
		return ret;
	nr_lost = __atomic_load_n(&watch->skel->bss->nr_lost, __ATOMIC_RELAXED);
	*ret_events = (struct watch_events){
		.nr_mmap = watch->nr[WATCH_MMAP],
		.nr_munmap = watch->nr[WATCH_MUNMAP],
		.nr_mremap = watch->nr[WATCH_MREMAP],
		.nr_brk = watch->nr[WATCH_BRK],
		.nr_fork = watch->nr[WATCH_FORK],
		.nr_exec = watch->nr[WATCH_EXEC],
		/* Two last threads at once may both believe to be the last. */
		.nr_exit = !!watch->nr[WATCH_EXIT],
		.nr_lost = nr_lost - watch->nr_lost_told,
	};
	memset(watch->nr, 0, sizeof(watch->nr));
	watch->nr_lost_told = nr_lost;
	return 0;
}

void watch_close(struct watch *watch)
{
	if (!watch)
		return;
	ring_buffer__free(watch->ring);
	watch_bpf__destroy(watch->skel);
	free(watch);
}

#endif /* HEMEM_WITHOUT_BPF */
