/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gauge.h - is anything left behind?
 *
 * Read before the target is made, when its memory is there, after the last move, and when
 * it has gone.
 */
#ifndef GAUGE_H
#define GAUGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct gauge - memory at one moment, in KiB; -1: cannot be told
 * @free: of all nodes, or page cache, or slab that can be reclaimed, or pooled
 * @pooled: what the module keeps for its next moves
 * @charged: anonymous memory of the target's control group
 * @charged_huge: of it, in huge pages
 * @rss: anonymous memory of the target
 * @huge: of it, in huge pages
 * @isolated: pages, not KiB, that somebody has taken off the LRU lists
 */
struct gauge {
	int64_t free, pooled, charged, charged_huge, rss, huge, isolated;
};

/* @target: 0: there is none */
void gauge_read(pid_t target, struct gauge *ret_gauge);

/* Around all moves, in a run in which nothing else changed the target's memory. */
void gauge_compare_alive(const struct gauge *before, const struct gauge *after);

/* Around the life of the target. */
void gauge_compare_gone(const struct gauge *before, const struct gauge *after);

void gauge_print(const char *when, const struct gauge *gauge);

#endif /* GAUGE_H */
