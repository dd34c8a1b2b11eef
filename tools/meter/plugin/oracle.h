/* SPDX-License-Identifier: GPL-2.0 */
/*
 * oracle.h - the best that placing pages could do for the target, for each size of fast_bytes
 *
 * Its misses are counted by virtual page of 4 KiB.  Had the pages with the most of them been in
 * the fast tier, so many misses would have been fast ones.  "Static" is one placement for a
 * whole stay in a phase, "window" a new one for each window, known in advance and moved for
 * nothing.  Example: room for one page; in the first window A has 6 misses and B 4, in the
 * second A 1 and B 9.  Static: B, 13 of 20.  Window: 6 + 9 = 15 of 20.
 */
#ifndef METER_ORACLE_H
#define METER_ORACLE_H

#include <stdint.h>

/** oracle_count() - a miss of the target at @vaddr */
void oracle_count(uint64_t vaddr);

/** oracle_end_window() / oracle_close() - a window, a stay in a phase is over: add it up */
void oracle_end_window(void);
void oracle_close(void);

#endif /* METER_ORACLE_H */
