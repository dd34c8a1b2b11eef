/* SPDX-License-Identifier: GPL-2.0 */
/*
 * peer.h - the other controllers of this machine, and the share that is left by them
 */
#ifndef HEMEM_PEER_H
#define HEMEM_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "share.h"

struct control;

/**
 * struct peers - what one controller knows of all
 * @control: where others are heard; NULL: there are none
 * @own: what is claimed for our own target
 * @share: what it may have
 * @nr: other targets that want the same fast tier, when they were heard last
 * @fast_bytes: what they and we divide
 * @due_ns: when they are to be heard again
 * @measure_ns: when our own pages are to be walked over again
 * @rate: of our own samples
 */
struct peers {
	struct control *control;
	struct share_claim own;
	struct share share;
	size_t nr;
	uint64_t fast_bytes;
	uint64_t due_ns;
	uint64_t measure_ns;
	struct share_rate rate;
};

/**
 * peer_init() - alone, so far
 * @terms: weight, minimum, limit and whether it is fixed; the rest is filled in later
 */
void peer_init(struct peers *peers, const struct share_claim *terms);

/** peer_join() - others are heard from now on through @control, the caller's */
void peer_join(struct peers *peers, struct control *control);

/**
 * peer_look() - say what our target claims, hear others, and divide
 * @now_ns: CLOCK_MONOTONIC
 * @heat, @tiers, @facts: our target's
 *
 * Once a second, or less often where there are so many others that it would take more than a
 * thousandth of one CPU.  Return: true: the share is new.
 */
bool peer_look(struct peers *peers, uint64_t now_ns, const struct heat *heat,
	       const struct tier_set *tiers, const struct ledger_facts *facts);

#endif /* HEMEM_PEER_H */
