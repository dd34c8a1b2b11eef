// SPDX-License-Identifier: GPL-2.0
/*
 * tally.c - loads tally.bpf.c and takes out what it counts
 *
 * Owns the BPF objects and which buffer is whose turn.  What the counts are good for, the
 * sampler knows.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "perf.h"
#include "pidns.h"
#include "reason.h"
#include "tally.h"

static struct reason reason = { "nobody tried yet" };

const char *tally_reason(void)
{
	return reason.text;
}

#ifdef HEMEM_WITHOUT_BPF

int tally_open(pid_t pid, struct tally **ret_tally)
{
	(void)pid;
	(void)ret_tally;
	return reason_set(&reason, -EOPNOTSUPP,
			  "hemem-ctl was built without BPF: install clang, bpftool and libbpf-dev and build again");
}

int tally_attach(struct tally *tally, const struct perf *perf, const struct event *events,
		 size_t nr_events)
{
	(void)tally;
	(void)perf;
	(void)events;
	(void)nr_events;
	return -EOPNOTSUPP;
}

int tally_read(struct tally *tally, tally_each *each, void *arg, uint64_t *ret_others)
{
	(void)tally;
	(void)each;
	(void)arg;
	(void)ret_others;
	return -EOPNOTSUPP;
}

void tally_close(struct tally *tally)
{
	(void)tally;
}

#else

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tally_page.h"
#include "tally.skel.h"

#define BATCH	1024

/**
 * struct tally - the loaded programs
 * @active: the buffer that is filled now
 * @nr_others: as told so far
 * @has_no_batch: this kernel takes out one page at a time (before 5.6)
 * @keys, @pages: a batch
 */
struct tally {
	struct tally_bpf *skel;
	unsigned int active;
	uint64_t nr_others;
	bool has_no_batch;
	uint64_t keys[BATCH];
	struct tally_page pages[BATCH];
};

static int explain(int err, const char *what)
{
	if (err == -EPERM || err == -EACCES)
		return reason_set(&reason, -EPERM,
				  "%s is not allowed: it needs root, or CAP_BPF and CAP_PERFMON, and no lockdown=confidentiality",
				  what);
	if (err == -EINVAL || err == -ENOTSUP)
		return reason_set(&reason, -EOPNOTSUPP,
				  "%s: this kernel lacks what it needs: Linux 5.7 with CONFIG_BPF_EVENTS (%s)",
				  what, strerror(-err));
	return reason_set(&reason, err, "%s: %s", what, strerror(-err));
}

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	return getenv("HEMEM_DEBUG") ? vfprintf(stderr, format, args) : 0;
}

static int load(struct tally *tally, pid_t pid)
{
	struct pidns pidns;
	int err;

	tally->skel = tally_bpf__open();
	if (!tally->skel)
		return explain(-errno, "opening the BPF program");
	err = pidns_read(pid, &pidns, &reason);
	if (err)
		return err;
	tally->skel->rodata->target_tgid = pidns.tgid;
	tally->skel->rodata->target_ns_dev = pidns.dev;
	tally->skel->rodata->target_ns_ino = pidns.ino;
	err = tally_bpf__load(tally->skel);
	return err ? explain(err, "loading the BPF program") : 0;
}

int tally_open(pid_t pid, struct tally **ret_tally)
{
	struct tally *tally = calloc(1, sizeof(*tally));
	int err;

	if (!tally)
		return reason_set(&reason, -ENOMEM, "no memory");
	libbpf_set_print(print_libbpf);
	err = load(tally, pid);
	if (err) {
		tally_close(tally);
		return err;
	}
	*ret_tally = tally;
	return 0;
}

static const struct bpf_program *program_of(const struct tally *tally, const struct event *event)
{
	switch (event->kind) {
	case EVENT_STORE:
		return tally->skel->progs.on_store;
	case EVENT_ANY:
		return tally->skel->progs.on_any;
	default:
		return tally->skel->progs.on_load;
	}
}

/* By ioctl, as libbpf's links would close the fds, which are not theirs. */
int tally_attach(struct tally *tally, const struct perf *perf, const struct event *events,
		 size_t nr_events)
{
	size_t event, nr, i;
	const int *fds;
	int prog;

	for (event = 0; event < nr_events; event++) {
		prog = bpf_program__fd(program_of(tally, &events[event]));
		fds = perf_fds(perf, event, &nr);
		for (i = 0; i < nr; i++)
			if (ioctl(fds[i], PERF_EVENT_IOC_SET_BPF, prog))
				return explain(-errno, "attaching the BPF program");
	}
	return 0;
}

/* ---- taking out ---- */

static int hand_out(struct tally *tally, unsigned int nr, tally_each *each, void *arg)
{
	unsigned int i;
	int err, first = 0;

	for (i = 0; i < nr; i++) {
		err = each(arg, tally->keys[i] << TALLY_PAGE_SHIFT, tally->pages[i].loads,
			   tally->pages[i].stores);
		first = first ? first : err;
	}
	return first;
}

/* Return: 0; -EINVAL or -ENOTSUP at the first call: this kernel cannot; or another -errno. */
static int empty_in_batches(struct tally *tally, int map, tally_each *each, void *arg)
{
	uint32_t in, out, nr;
	void *from = NULL;
	int err, told = 0, ret;

	do {
		nr = BATCH;
		err = bpf_map_lookup_and_delete_batch(map, from, &out, tally->keys, tally->pages,
						      &nr, NULL);
		if (err && err != -ENOENT)
			return err;
		ret = hand_out(tally, nr, each, arg);
		told = told ? told : ret;
		in = out;
		from = &in;
	} while (!err);
	return told;
}

static int empty_one_by_one(struct tally *tally, int map, tally_each *each, void *arg)
{
	int told = 0, ret;

	while (!bpf_map_get_next_key(map, NULL, &tally->keys[0])) {
		if (bpf_map_lookup_elem(map, &tally->keys[0], &tally->pages[0]))
			return -errno;
		if (bpf_map_delete_elem(map, &tally->keys[0]))
			return -errno;
		ret = hand_out(tally, 1, each, arg);
		told = told ? told : ret;
	}
	return told;
}

static int empty(struct tally *tally, int map, tally_each *each, void *arg)
{
	int err = tally->has_no_batch ? -EINVAL : empty_in_batches(tally, map, each, arg);

	if (err != -EINVAL && err != -ENOTSUP)
		return err;
	tally->has_no_batch = true;
	return empty_one_by_one(tally, map, each, arg);
}

int tally_read(struct tally *tally, tally_each *each, void *arg, uint64_t *ret_others)
{
	struct tally_bpf *skel = tally->skel;
	const struct bpf_map *resting = tally->active ? skel->maps.even : skel->maps.odd;
	uint64_t nr_others = __atomic_load_n(&skel->bss->nr_others, __ATOMIC_RELAXED);
	int err = empty(tally, bpf_map__fd(resting), each, arg);

	*ret_others = nr_others - tally->nr_others;
	tally->nr_others = nr_others;
	tally->active = !tally->active;
	__atomic_store_n(&skel->bss->active, tally->active, __ATOMIC_RELEASE);
	return err;
}

void tally_close(struct tally *tally)
{
	if (!tally)
		return;
	tally_bpf__destroy(tally->skel);
	free(tally);
}

#endif /* HEMEM_WITHOUT_BPF */
