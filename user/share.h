/* SPDX-License-Identifier: GPL-2.0 */
/*
 * share.h - how much of the fast tier each of several targets may have
 */
#ifndef HEMEM_SHARE_H
#define HEMEM_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger.h"
#include "tier.h"

struct heat;

#define SHARE_NR_BUCKETS	64
#define SHARE_WEIGHT		100		/* the default */
#define SHARE_MAX_WEIGHT	10000
#define SHARE_PRIORITY		UINT64_MAX	/* a weight: above all others */

/**
 * struct share_claim - what one target asks for, and why
 * @pool: share_pool() of its fast nodes: targets with other fast nodes do not compete
 * @weight: so much more are its ns worth, in hundredths: 1 .. SHARE_MAX_WEIGHT, or SHARE_PRIORITY
 * @min_bytes: it gets so much before all others, if it has use for that
 * @limit_bytes: it takes no more than that; UINT64_MAX: no limit
 * @is_fixed: nothing of it is moved: what it has on the fast tier it keeps
 * @bytes: its bytes, by tier and by what they save, or would, on the fast tier: bucket 0
 *	nothing, each of the others 1.41 times as many ns per second and byte as the one before
 */
struct share_claim {
	uint64_t pool;
	uint64_t weight;
	uint64_t min_bytes;
	uint64_t limit_bytes;
	uint64_t is_fixed;
	uint64_t bytes[TIER_NR][SHARE_NR_BUCKETS];
};

/**
 * enum share_reason - what a share comes from
 * @SHARE_ALONE: nobody else wants the fast tier
 * @SHARE_ENOUGH: there is place for all that it uses
 * @SHARE_LIMIT: its own limit
 * @SHARE_FIXED: nothing of it is moved
 * @SHARE_MIN: its minimum; by what it saves it would have less
 * @SHARE_FIRST: it has priority
 * @SHARE_OTHERS: what it does not have saves more elsewhere, as weighted
 */
enum share_reason {
	SHARE_ALONE,
	SHARE_ENOUGH,
	SHARE_LIMIT,
	SHARE_FIXED,
	SHARE_MIN,
	SHARE_FIRST,
	SHARE_OTHERS,
	SHARE_NR_REASONS,
};

/**
 * struct share - one target's
 * @bytes: most that it may have on the fast tier; UINT64_MAX: no limit
 * @of_lack: 0 .. 1; so much of what has to leave the tier for new memory leaves from here
 * @why: enum share_reason
 */
struct share {
	uint64_t bytes;
	double of_lack;
	enum share_reason why;
};

/**
 * struct share_rate - samples of a target, of late
 * @now_ns: when they were counted last; 0: never
 * @seen: all samples up to then
 * @per_s: an average over some seconds
 */
struct share_rate {
	uint64_t now_ns;
	uint64_t seen;
	double per_s;
};

/** share_rate_tick() - count them again */
void share_rate_tick(struct share_rate *rate, uint64_t now_ns, const struct heat *heat);

/** share_pool() - a name for the fast nodes of @tiers */
uint64_t share_pool(const struct tier_set *tiers);

/**
 * share_measure() - fill in the bytes of a claim
 * @heat, @tiers, @facts: the target's
 * @samples_per_s: of the target, of late, a store as cost.h weighs it
 * @claim: gets @bytes
 */
void share_measure(const struct heat *heat, const struct tier_set *tiers,
		   const struct ledger_facts *facts, double samples_per_s,
		   struct share_claim *claim);

/** share_on_fast() - bytes that a claim has on the fast tier */
uint64_t share_on_fast(const struct share_claim *claim);

/**
 * share_out() - divide the fast tier
 * @claims: @nr of one pool
 * @free_bytes: room on the tier beyond what the claims have there; below 0: so much is to be
 *	made free
 * @ret_shares: @nr of them
 *
 * Everybody who knows the same claims comes to the same shares.
 */
void share_out(const struct share_claim *claims, size_t nr, int64_t free_bytes,
	       struct share *ret_shares);

/** share_reason_text() - a few words */
const char *share_reason_text(enum share_reason why);

#endif /* HEMEM_SHARE_H */
