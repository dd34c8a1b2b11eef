/* SPDX-License-Identifier: GPL-2.0 */
/*
 * clock.h - times in ns, of the clocks that hemem-ctl uses
 */
#ifndef HEMEM_CLOCK_H
#define HEMEM_CLOCK_H

#include <stdint.h>
#include <time.h>

/** clock_ns() - what a clock shows: CLOCK_THREAD_CPUTIME_ID, ... */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/** clock_now_ns() - for distances in time; CLOCK_MONOTONIC */
static inline uint64_t clock_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/** clock_cpu_ns() - CPU time that this thread has had */
static inline uint64_t clock_cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/** clock_sleep_ns() - less than a second, or until a signal comes */
static inline void clock_sleep_ns(uint64_t ns)
{
	const struct timespec rest = { .tv_nsec = (long)ns };

	nanosleep(&rest, NULL);
}

#endif /* HEMEM_CLOCK_H */
