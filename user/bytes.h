/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytes.h - arithmetic of amounts of memory
 */
#ifndef HEMEM_BYTES_H
#define HEMEM_BYTES_H

#include <stdint.h>

/** bytes_min() - the smaller amount */
static inline uint64_t bytes_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/** bytes_above() - by how much @bytes is above @mark; 0: it is not */
static inline uint64_t bytes_above(uint64_t bytes, uint64_t mark)
{
	return bytes > mark ? bytes - mark : 0;
}

#endif /* HEMEM_BYTES_H */
