/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tally.h - has the kernel count samples by page
 */
#ifndef HEMEM_TALLY_H
#define HEMEM_TALLY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct event;
struct perf;
struct tally;

/** tally_each - @addr: of the page; @loads, @stores: its samples.  Return: 0 or -errno. */
typedef int tally_each(void *arg, uint64_t addr, uint32_t loads, uint32_t stores);

/**
 * tally_open() - load the BPF program
 * @pid: the target
 * @ret_tally: for tally_close(); untouched on failure
 *
 * Return: 0; or, with tally_reason() saying why: -EOPNOTSUPP: this build or this kernel has no
 * BPF for it, -EPERM: no right to, -ESRCH, or another -errno.
 */
int tally_open(pid_t pid, struct tally **ret_tally);

/** tally_reason() - why the last call failed, with the remedy; one sentence, no full stop */
const char *tally_reason(void);

/**
 * tally_attach() - count samples of open events from now on
 * @perf: they end with it; the rings still get what cannot be counted
 * @events: as for perf_open()
 *
 * Return: 0 or -errno, with tally_reason() saying why.
 */
int tally_attach(struct tally *tally, const struct perf *perf, const struct event *events,
		 size_t nr_events);

/**
 * tally_read() - take out what was counted before the last call
 * @each: is called for each page with @arg; the first error is returned at the end
 * @ret_others: samples of other processes since the last call
 *
 * Return: 0, what @each returned, or another -errno.
 */
int tally_read(struct tally *tally, tally_each *each, void *arg, uint64_t *ret_others);

/** tally_close() - NULL is allowed; after perf_close() */
void tally_close(struct tally *tally);

#endif /* HEMEM_TALLY_H */
