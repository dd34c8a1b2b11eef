/* SPDX-License-Identifier: GPL-2.0 */
/*
 * oracle.h - what the best placement would have been
 *
 * A placement that is chosen by some samples looks better on these than it is: where all
 * pages are alike, some have got more samples.  So every other access is for choosing, and
 * the rest, twice, for saying how good that was.
 */
#ifndef HEMEM_ORACLE_H
#define HEMEM_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oracle;

/** oracle_new() - of nothing yet.  Return: 0 or -ENOMEM. */
int oracle_new(struct oracle **ret_oracle);

/** oracle_free() - NULL is allowed */
void oracle_free(struct oracle *oracle);

/**
 * oracle_add() - a page was accessed
 * @addr: its first address
 * @bytes: its size
 * @weight: of the access
 * @is_judge: it is for judging; else for choosing
 *
 * Return: 0 or -ENOMEM.
 */
int oracle_add(struct oracle *oracle, uint64_t addr, uint64_t bytes, double weight,
	       bool is_judge);

/**
 * oracle_end_window() - begin a new window
 * @fast_bytes: size of the fast tier
 * @ret_best: weight that the fast tier would have served in the window that ends with the best
 *	placement for it
 */
void oracle_end_window(struct oracle *oracle, uint64_t fast_bytes, double *ret_best);

/**
 * oracle_settle() - find the best placement that stays as it is
 * @fast_bytes: size of the fast tier
 *
 * Pages in the order of their weight a byte, until one finds no room.  Of windows nothing
 * has to be known.
 */
void oracle_settle(struct oracle *oracle, uint64_t fast_bytes);

/** oracle_is_fast() - is this page on the fast tier in the placement of oracle_settle()? */
bool oracle_is_fast(const struct oracle *oracle, uint64_t page_addr);

/**
 * oracle_curve() - share of the weight that fast tiers of several sizes serve at best
 * @sizes: @nr sizes in bytes, rising
 * @ret_shares: as many shares, 0 .. 1
 */
void oracle_curve(struct oracle *oracle, const uint64_t *sizes, size_t nr, double *ret_shares);

/** oracle_bytes() - bytes of all pages that were accessed, each as large as at first */
uint64_t oracle_bytes(const struct oracle *oracle);

#endif /* HEMEM_ORACLE_H */
