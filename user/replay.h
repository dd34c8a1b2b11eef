/* SPDX-License-Identifier: GPL-2.0 */
/*
 * replay.h - what a policy would have done with a recording
 */
#ifndef HEMEM_REPLAY_H
#define HEMEM_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "cost.h"
#include "share.h"
#include "tier.h"

struct policy;
struct trace_reader;

/**
 * struct replay_spec - what to try
 * @fast_bytes: size of the fast tier
 * @budget_bytes_per_s: as for attach
 * @wear_limit_bytes: as for attach; WEAR_NO_LIMIT: none
 * @window_ms: length of a window
 * @cost: the machine
 */
struct replay_spec {
	uint64_t fast_bytes;
	uint64_t budget_bytes_per_s;
	uint64_t wear_limit_bytes;
	uint64_t window_ms;
	struct cost cost;
};

/**
 * struct replay_window - one window; weights are of samples, a store is worth more (cost.h)
 * @end_ns: when it ended, since the recording began
 * @weight: of all
 * @fast_weight: of those that the fast tier served
 * @static_weight: those that it would have with the best placement that stays as it is
 * @best_weight: those that it would have with the best placement for this window
 * @moved_bytes: moved in it
 */
struct replay_window {
	uint64_t end_ns;
	double weight, fast_weight, static_weight, best_weight;
	uint64_t moved_bytes;
};

/**
 * struct replay_result - what came of it
 * @windows: @nr_windows of them
 * @weight, @fast_weight, @static_weight, @best_weight: sums of the windows'
 * @samples, @unplaced: samples; those of them whose page was not known
 * @plans: times that the policy was asked
 * @promoted_bytes, @demoted_bytes: moved
 * @wait_ns, @move_ns: modelled time, of accesses and of moves
 * @store_bytes: largest size of the heat store
 * @nr_pages: largest number of pages in it
 * @fast_bytes: of the target on the fast tier, at the end
 * @share: its share of it then, where several were played together
 * @policy_ns: real time that the policy took; the only member that does not repeat
 */
struct replay_result {
	struct replay_window *windows;
	size_t nr_windows;
	double weight, fast_weight, static_weight, best_weight;
	uint64_t samples, unplaced;
	uint64_t plans;
	uint64_t promoted_bytes, demoted_bytes;
	double wait_ns, move_ns;
	uint64_t fast_bytes;
	struct share share;
	uint64_t store_bytes;
	uint64_t nr_pages;
	uint64_t policy_ns;
};

struct replay;

/**
 * replay_new() - read a recording and find the best placements
 * @reader: stays the caller's, who must not use it until replay_free()
 * @spec: sizes, window and cost; copied
 * @ret_replay: for replay_free(); untouched on failure
 *
 * Return: 0; -ENOMEM; -ENODATA or -EBADMSG: see trace_next(), trace_reason() says it.
 */
int replay_new(struct trace_reader *reader, const struct replay_spec *spec,
	       struct replay **ret_replay);

/**
 * replay_run() - the same, with a policy that moves pages
 * @ret_result: for replay_exit(); untouched on failure
 *
 * Pages begin where the recording found them, as far as the fast tier has room.  Each plan
 * is carried out at once and whole.  Return: as replay_new().
 */
int replay_run(struct replay *replay, const struct policy *policy,
	       struct replay_result *ret_result);

/**
 * replay_together() - several recordings on one machine, side by side
 * @readers: @nr of them; stay the caller's
 * @terms: of each: weight, minimum and limit
 * @spec: sizes, window and cost
 * @policy: for all of them
 * @ret_results: @nr of them, for replay_exit(); untouched on failure.  Nothing is known of best
 *	placements.
 *
 * All begin at once.  Shares are divided each second, as controllers do.  Return: as
 * replay_new().
 */
int replay_together(struct trace_reader *const *readers, const struct share_claim *terms,
		    size_t nr, const struct replay_spec *spec, const struct policy *policy,
		    struct replay_result *ret_results);

/**
 * replay_curve() - share of the weight that the best placement serves fast, by size
 * @sizes: @nr sizes in bytes, rising
 * @ret_shares: 0 .. 1
 */
void replay_curve(struct replay *replay, const uint64_t *sizes, size_t nr, double *ret_shares);

/** replay_bytes() - bytes of all pages that were accessed */
uint64_t replay_bytes(const struct replay *replay);

/** replay_free() - NULL is allowed */
void replay_free(struct replay *replay);

/** replay_exit() - free what a result owns */
void replay_exit(struct replay_result *result);

/** replay_share() - share that the fast tier served, in the windows from @first on */
double replay_share(const struct replay_result *result, size_t first);

/** replay_quality() - that share over that of the best static placement */
double replay_quality(const struct replay_result *result, size_t first);

/**
 * replay_converged_ns() - when the fast tier first served 95 in 100 of what the best static
 * placement does, over ten windows
 *
 * Return: the end of these windows; UINT64_MAX: it never did.
 */
uint64_t replay_converged_ns(const struct replay_result *result);

#endif /* HEMEM_REPLAY_H */
