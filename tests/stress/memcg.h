/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memcg.h - the memory control group of the target
 */
#ifndef MEMCG_H
#define MEMCG_H

#include <stdint.h>

/* NULL, or why there is none, in words. */
const char *memcg_init(void);
void memcg_exit(void);

/* The calling process, and what it allocates from now on; without a group nothing. */
void memcg_enter(void);

/* Makes the kernel reclaim so much of it; 0 or -errno. */
int memcg_reclaim(uint64_t bytes);

/* Of memory.stat, "anon"; "" is all of it (memory.current).  Bytes; -1: none. */
int64_t memcg_bytes(const char *field);

#endif /* MEMCG_H */
