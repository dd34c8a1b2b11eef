// SPDX-License-Identifier: GPL-2.0
/*
 * peer.c - the other controllers of this machine, and the share that is left by them
 *
 * Owns when others are heard and what is believed of what they say.  There is nobody above
 * the controllers: each leaves word of what its target claims (control.c), hears what the
 * others claim, and divides as they do (share.c).  A controller that ends or is killed is not
 * heard any more, and what its target had is divided by the others a second later.
 *
 * For a moment two may know different things; then both want the same room, and who comes
 * second finds none.  What is free is the kernel's to say, and no share is more than a limit.
 *
 * As with nice(2), only root may give a target more than it would have by default: of others a
 * weight counts up to SHARE_WEIGHT, and a minimum not at all.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "control.h"
#include "heat.h"
#include "peer.h"

#define SECOND_NS	1000000000ULL
#define LOOK_NS		SECOND_NS
#define CPU_SHARE	1000		/* hearing others takes one in so many ns */
#define MEASURE_SHARE	50		/* walking over our own pages, one in so many ... */
#define MEASURE_ALONE	500		/* ... and while nobody wants to know */

_Static_assert(sizeof(struct share_claim) <= CONTROL_WORD_BYTES, "CONTROL_WORD_BYTES");

/** struct heard - claims as they come in; the first one is our own */
struct heard {
	struct share_claim *claims;
	size_t nr;
	size_t room;
};

void peer_init(struct peers *peers, const struct share_claim *terms)
{
	*peers = (struct peers){
		.own = *terms, .share = { .bytes = terms->limit_bytes, .of_lack = 1 },
	};
}

void peer_join(struct peers *peers, struct control *control)
{
	peers->control = control;
}

/* ---- others ---- */

/* Whoever wrote it: what comes of it must be a claim. */
static bool is_claim(const struct share_claim *claim)
{
	return claim->is_fixed <= 1 && claim->weight >= 1 &&
	       (claim->weight <= SHARE_MAX_WEIGHT || claim->weight == SHARE_PRIORITY);
}

static void bound(struct share_claim *claim, bool by_root)
{
	unsigned int level, i;

	for (level = 0; level < TIER_NR; level++)
		for (i = 0; i < SHARE_NR_BUCKETS; i++)
			if (claim->bytes[level][i] > HEAT_MAX_ADDR)
				claim->bytes[level][i] = HEAT_MAX_ADDR;	/* sums do not overflow */
	if (by_root)
		return;
	if (claim->weight > SHARE_WEIGHT)
		claim->weight = SHARE_WEIGHT;
	claim->min_bytes = 0;
}

static void hear(const void *word, bool by_root, void *arg)
{
	struct share_claim claim, *longer;
	struct heard *heard = arg;

	memcpy(&claim, word, sizeof(claim));
	if (!is_claim(&claim) || claim.pool != heard->claims[0].pool)
		return;
	if (heard->nr == heard->room) {
		longer = reallocarray(heard->claims, 2 * heard->room, sizeof(claim));
		if (!longer)
			return;		/* it is not counted this time */
		heard->claims = longer;
		heard->room *= 2;
	}
	bound(&claim, by_root);
	heard->claims[heard->nr++] = claim;
}

static void divide(struct peers *peers, const struct heard *heard, const struct tier_set *tiers)
{
	struct share *shares = calloc(heard->nr, sizeof(*shares));
	int64_t free_bytes = (int64_t)tier_room_bytes(tiers, TIER_FAST) -
			     (int64_t)tier_lack_bytes(tiers, TIER_FAST);
	uint64_t all = 0;
	size_t i;

	if (!shares)
		return;		/* the share stays as it is */
	share_out(heard->claims, heard->nr, free_bytes, shares);
	for (i = 0; i < heard->nr; i++)
		all += share_on_fast(&heard->claims[i]);
	peers->share = shares[0];
	peers->nr = heard->nr - 1;
	peers->fast_bytes = all + (uint64_t)(free_bytes > 0 ? free_bytes : 0);
	free(shares);
}

/*
 * A walk over all our pages.  Nobody needs to know of a target that is alone but the first one
 * who comes, so it is taken then, and seldom before.
 */
static void measure(struct peers *peers, uint64_t now_ns, const struct heat *heat,
		    const struct tier_set *tiers, const struct ledger_facts *facts)
{
	uint64_t began_ns = clock_cpu_ns();

	share_rate_tick(&peers->rate, now_ns, heat);
	if (now_ns < peers->measure_ns)
		return;
	peers->own.pool = share_pool(tiers);
	share_measure(heat, tiers, facts, peers->rate.per_s, &peers->own);
	peers->measure_ns = now_ns + (clock_cpu_ns() - began_ns) *
				     (peers->nr ? MEASURE_SHARE : MEASURE_ALONE);
}

/* Return: false: there is no memory to hear them. */
static bool hear_all(struct peers *peers, const struct tier_set *tiers)
{
	struct heard heard = { .room = 16 };

	heard.claims = calloc(heard.room, sizeof(*heard.claims));
	if (!heard.claims)
		return false;
	heard.claims[heard.nr++] = peers->own;
	/* Where that cannot be written others divide without us, and nothing is lost but that. */
	control_tell(peers->control, &peers->own, sizeof(peers->own));
	control_hear(peers->control, sizeof(peers->own), hear, &heard);
	if (!peers->nr && heard.nr > 1)
		peers->measure_ns = 0;
	divide(peers, &heard, tiers);
	free(heard.claims);
	return true;
}

bool peer_look(struct peers *peers, uint64_t now_ns, const struct heat *heat,
	       const struct tier_set *tiers, const struct ledger_facts *facts)
{
	uint64_t began_ns, took_ns;
	bool is_new;

	if (!peers->control || now_ns < peers->due_ns)
		return false;
	measure(peers, now_ns, heat, tiers, facts);
	began_ns = clock_cpu_ns();
	is_new = hear_all(peers, tiers);
	took_ns = (clock_cpu_ns() - began_ns) * CPU_SHARE;
	peers->due_ns = now_ns + (took_ns > LOOK_NS ? took_ns : LOOK_NS);
	return is_new;
}
