// SPDX-License-Identifier: GPL-2.0
/*
 * share_test.c - the fast tier divided: claims in, shares out
 *
 * Sizes are in MiB.  A target is written as what it has, hottest first: {bucket, MiB on the
 * fast tier, MiB on the slow one}.
 */
#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include "heat.h"
#include "ledger.h"
#include "share.h"

#define MIB	(1ULL << 20)
#define MAX	4
#define NONE	UINT64_MAX
#define ANY	(-1.0)

struct have {
	unsigned int bucket, fast, slow;
};

struct target {
	uint64_t weight, min, limit;	/* 0: the default, none, none */
	bool is_fixed;
	struct have have[3];
	double share;			/* expected, MiB; ANY */
	enum share_reason why;
};

static const struct division {
	const char *name;
	int64_t free;
	struct target targets[MAX];
} divisions[] = {
	{ "who is alone has all", 10, {
		{ .have = { { 20, 50, 100 } }, .share = -2, .why = SHARE_ALONE },
	} },
	{ "but for its limit", 10, {
		{ .limit = 30, .have = { { 20, 50, 100 } }, .share = 30, .why = SHARE_LIMIT },
	} },
	{ "room for all: what is left is everybody's", 60, {
		{ .have = { { 20, 10, 20 } }, .share = 50, .why = SHARE_ENOUGH },
		{ .have = { { 30, 10, 20 } }, .share = 50, .why = SHARE_ENOUGH },
	} },
	{ "bytes that save nothing do not ask for room", 20, {
		{ .have = { { 20, 30, 0 }, { 0, 0, 1000 } }, .share = 30, .why = SHARE_ENOUGH },
		{ .have = { { 20, 0, 20 }, { 0, 0, 1000 } }, .share = 20, .why = SHARE_ENOUGH },
	} },
	{ "the next page goes where it saves most", 0, {
		{ .have = { { 40, 0, 30 }, { 10, 0, 70 } }, .share = 30, .why = SHARE_OTHERS },
		{ .have = { { 30, 60, 10 }, { 5, 20, 0 }, { 0, 20, 0 } }, .share = 70,
		  .why = SHARE_OTHERS },
	} },
	{ "few hot ones come before many that are lukewarm", 0, {
		{ .have = { { 40, 0, 2 } }, .share = 2, .why = SHARE_ENOUGH },
		{ .have = { { 30, 100, 900 } }, .share = 98, .why = SHARE_OTHERS },
	} },
	{ "alike: halves", 0, {
		{ .have = { { 20, 100, 0 } }, .share = 50, .why = SHARE_OTHERS },
		{ .have = { { 20, 0, 100 } }, .share = 50, .why = SHARE_OTHERS },
	} },
	{ "what may be chance is alike", 0, {
		{ .have = { { 21, 100, 0 } }, .share = 50, .why = SHARE_OTHERS },
		{ .have = { { 20, 0, 100 } }, .share = 50, .why = SHARE_OTHERS },
	} },
	{ "what is not, is not", 0, {
		{ .have = { { 20, 100, 0 } }, .share = 0, .why = SHARE_OTHERS },
		{ .have = { { 22, 0, 100 } }, .share = 100, .why = SHARE_ENOUGH },
	} },
	{ "alike by weight: what one does not want the others get", 0, {
		{ .weight = 60, .have = { { 20, 90, 0 } }, .share = 30, .why = SHARE_OTHERS },
		{ .weight = 60, .have = { { 20, 0, 100 } }, .share = 30, .why = SHARE_OTHERS },
		{ .weight = 70, .have = { { 20, 0, 30 } }, .share = 30, .why = SHARE_ENOUGH },
	} },
	{ "a weight is a factor to what is saved", 0, {
		{ .weight = 1000, .have = { { 20, 0, 80 } }, .share = 80, .why = SHARE_ENOUGH },
		{ .weight = 100, .have = { { 24, 100, 0 } }, .share = 20, .why = SHARE_OTHERS },
	} },
	{ "and below 1 as well", 0, {
		{ .weight = 10, .have = { { 24, 0, 80 } }, .share = 0, .why = SHARE_OTHERS },
		{ .weight = 100, .have = { { 20, 100, 0 } }, .share = 100, .why = SHARE_ENOUGH },
	} },
	{ "never below the minimum", 0, {
		{ .min = 40, .have = { { 5, 100, 0 } }, .share = 40, .why = SHARE_MIN },
		{ .have = { { 40, 0, 200 } }, .share = 60, .why = SHARE_OTHERS },
	} },
	{ "a minimum without use for it is lent, and stays the limit", 0, {
		{ .min = 40, .have = { { 5, 10, 0 }, { 0, 0, 500 } }, .share = 40,
		  .why = SHARE_ENOUGH },
		{ .have = { { 40, 90, 200 } }, .share = 90, .why = SHARE_OTHERS },
	} },
	{ "minimums that do not fit are cut alike", 0, {
		{ .min = 100, .have = { { 5, 75, 25 } }, .share = 100, .why = SHARE_MIN },
		{ .min = 200, .have = { { 40, 75, 125 } }, .share = 200, .why = SHARE_MIN },
	} },
	{ "priority: whatever others do", 0, {
		{ .weight = SHARE_PRIORITY, .have = { { 3, 40, 20 }, { 0, 10, 500 } }, .share = 70,
		  .why = SHARE_FIRST },
		{ .weight = 10000, .have = { { 60, 50, 500 } }, .share = 30, .why = SHARE_OTHERS },
	} },
	{ "the same without priority: the negative", 0, {
		{ .have = { { 3, 40, 20 }, { 0, 10, 500 } }, .share = 0, .why = SHARE_OTHERS },
		{ .weight = 10000, .have = { { 60, 50, 500 } }, .share = 100, .why = SHARE_OTHERS },
	} },
	{ "a minimum comes before priority", 0, {
		{ .weight = SHARE_PRIORITY, .have = { { 60, 100, 0 } }, .share = 75,
		  .why = SHARE_FIRST },
		{ .min = 25, .have = { { 5, 0, 100 } }, .share = 25, .why = SHARE_MIN },
	} },
	{ "a limit holds for priority, too", 0, {
		{ .weight = SHARE_PRIORITY, .limit = 60, .have = { { 60, 50, 50 } }, .share = 60,
		  .why = SHARE_LIMIT },
		{ .have = { { 5, 50, 100 } }, .share = 40, .why = SHARE_OTHERS },
	} },
	{ "who is not moved keeps what it has", 0, {
		{ .is_fixed = true, .have = { { 0, 30, 100 } }, .share = 30, .why = SHARE_FIXED },
		{ .have = { { 40, 70, 100 } }, .share = 70, .why = SHARE_OTHERS },
	} },
	{ "room that is not there yet is taken from those who save least", -20, {
		{ .have = { { 40, 50, 0 } }, .share = 50, .why = SHARE_ENOUGH },
		{ .have = { { 20, 50, 0 } }, .share = 30, .why = SHARE_OTHERS },
	} },
	{ "cold bytes stay while nobody needs the room", 0, {
		{ .have = { { 20, 30, 0 }, { 0, 20, 0 } }, .share = 50, .why = SHARE_ENOUGH },
		{ .have = { { 20, 30, 0 }, { 0, 20, 0 } }, .share = 50, .why = SHARE_ENOUGH },
	} },
	{ "and go first when somebody does", 0, {
		{ .have = { { 20, 30, 0 }, { 0, 20, 0 } }, .share = 35, .why = SHARE_OTHERS },
		{ .have = { { 20, 30, 30 }, { 0, 20, 0 } }, .share = 65, .why = SHARE_OTHERS },
	} },
	{ "no room at all", -500, {
		{ .have = { { 20, 10, 0 } }, .share = 0, .why = SHARE_OTHERS },
		{ .have = { { 30, 10, 0 } }, .share = 0, .why = SHARE_OTHERS },
	} },
};

static struct share_claim claim_of(const struct target *target)
{
	struct share_claim claim = {
		.weight = target->weight ? target->weight : SHARE_WEIGHT,
		.min_bytes = target->min * MIB,
		.limit_bytes = target->limit ? target->limit * MIB : NONE,
		.is_fixed = target->is_fixed,
	};
	unsigned int i;

	for (i = 0; i < 3; i++) {
		claim.bytes[TIER_FAST][target->have[i].bucket] += target->have[i].fast * MIB;
		claim.bytes[TIER_SLOW][target->have[i].bucket] += target->have[i].slow * MIB;
	}
	return claim;
}

static bool is_there(const struct target *target)
{
	return target->have[0].fast || target->have[0].slow;
}

static size_t claims_of(const struct division *division, struct share_claim *claims)
{
	size_t nr = 0;

	for (; nr < MAX && is_there(&division->targets[nr]); nr++)
		claims[nr] = claim_of(&division->targets[nr]);
	return nr;
}

/* To within a page and the rest of a division. */
static void must_be(const char *name, size_t i, const struct share *share,
		    const struct target *target)
{
	double mib = (double)share->bytes / MIB;

	if (target->share == -2 ? share->bytes != NONE :
	    mib < target->share - 0.1 || mib > target->share + 0.1)
		fail_msg("%s: target %zu has %.2f MiB and not %.0f", name, i, mib, target->share);
	if (share->why != target->why)
		fail_msg("%s: target %zu: '%s' and not '%s'", name, i,
			 share_reason_text(share->why), share_reason_text(target->why));
}

static void shares_are_as_the_table_says(UNUSED void **state)
{
	struct share_claim claims[MAX];
	struct share shares[MAX];
	size_t d, i, nr;

	for (d = 0; d < sizeof(divisions) / sizeof(divisions[0]); d++) {
		nr = claims_of(&divisions[d], claims);
		POISON(shares);
		share_out(claims, nr, divisions[d].free * (int64_t)MIB, shares);
		for (i = 0; i < nr; i++)
			must_be(divisions[d].name, i, &shares[i], &divisions[d].targets[i]);
	}
}

/* Each controller puts its own claim first. */
static void shares_do_not_depend_on_the_order_of_claims(UNUSED void **state)
{
	struct share_claim claims[MAX], turned[MAX];
	struct share shares[MAX], others[MAX];
	size_t d, i, nr;

	for (d = 0; d < sizeof(divisions) / sizeof(divisions[0]); d++) {
		nr = claims_of(&divisions[d], claims);
		for (i = 0; i < nr; i++)
			turned[i] = claims[nr - 1 - i];
		share_out(claims, nr, divisions[d].free * (int64_t)MIB, shares);
		share_out(turned, nr, divisions[d].free * (int64_t)MIB, others);
		for (i = 0; i < nr; i++) {
			assert_true(shares[i].bytes / 8192 <= others[nr - 1 - i].bytes / 8192 + 1 &&
				    others[nr - 1 - i].bytes / 8192 <= shares[i].bytes / 8192 + 1);
			assert_int_equal(shares[i].why, others[nr - 1 - i].why);
		}
	}
}

static uint64_t random_state = 1;

static uint64_t below(uint64_t nr)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (random_state >> 33) % nr;
}

static struct share_claim random_claim(void)
{
	struct share_claim claim = {
		.weight = below(8) ? 1 + below(SHARE_MAX_WEIGHT) : SHARE_PRIORITY,
		.min_bytes = below(3) ? 0 : below(100) * MIB,
		.limit_bytes = below(3) ? NONE : 100 * MIB + below(100) * MIB,
		.is_fixed = !below(8),
	};
	unsigned int i;

	for (i = 0; i < 10; i++)
		claim.bytes[below(2)][below(SHARE_NR_BUCKETS)] += below(50) * MIB;
	return claim;
}

/* What is asked for, at most; used where there is somebody to use it. */
static uint64_t use_of(const struct share_claim *claim)
{
	uint64_t bytes = share_on_fast(claim);
	unsigned int i;

	for (i = 1; i < SHARE_NR_BUCKETS; i++)
		bytes += claim->bytes[TIER_SLOW][i];
	if (claim->is_fixed)
		return share_on_fast(claim);
	return bytes < claim->limit_bytes ? bytes : claim->limit_bytes;
}

/*
 * Whatever is claimed: no more is given than there is, none of it lies idle while somebody
 * could use it, and what has to leave leaves once.
 */
static void the_tier_is_given_out_once_and_whole(UNUSED void **state)
{
	uint64_t room, given, uses, use, fixed, ensured;
	struct share_claim claims[40];
	struct share shares[40];
	size_t turn, i, nr;
	int64_t free_bytes;
	double lack;

	for (turn = 0; turn < 3000; turn++) {
		nr = 2 + below(39);
		room = given = uses = fixed = ensured = 0;
		for (i = 0; i < nr; i++) {
			claims[i] = random_claim();
			room += share_on_fast(&claims[i]);
			uses += use_of(&claims[i]);
			fixed += claims[i].is_fixed ? use_of(&claims[i]) : 0;
			ensured += claims[i].is_fixed ? 0 : claims[i].min_bytes;
		}
		free_bytes = (int64_t)(below(2000) * MIB) - (int64_t)(room / 4);
		room = (int64_t)room + free_bytes > 0 ? room + (uint64_t)free_bytes : 0;
		share_out(claims, nr, free_bytes, shares);
		for (i = 0, lack = 0; i < nr; i++) {
			use = use_of(&claims[i]);
			given += shares[i].bytes < use ? shares[i].bytes : use;
			lack += shares[i].of_lack;
			assert_true(shares[i].bytes <= claims[i].limit_bytes ||
				    claims[i].is_fixed || claims[i].min_bytes);
			assert_true(claims[i].is_fixed || claims[i].limit_bytes < claims[i].min_bytes ||
				    shares[i].bytes >= claims[i].min_bytes);
		}
		assert_true(lack > 0.999 && lack < 1.001);
		/* Fixed ones and minimums may be more than there is. */
		if (fixed + ensured <= room)
			assert_true(given <= room + nr * HEAT_BASE_BYTES);
		if (uses >= room)
			assert_true(given + (nr + 1) * HEAT_BASE_BYTES >= room);
		else
			assert_true(given + nr * HEAT_BASE_BYTES >= uses);
	}
}

static void what_must_leave_leaves_those_who_have_to_spare(UNUSED void **state)
{
	struct share_claim claims[3];
	struct share shares[3];

	memset(claims, 0, sizeof(claims));
	claims[0] = claim_of(&(struct target){ .min = 60, .have = { { 20, 100, 0 } } });
	claims[1] = claim_of(&(struct target){ .have = { { 20, 60, 0 } } });
	claims[2] = claim_of(&(struct target){ .weight = SHARE_PRIORITY, .have = { { 9, 90, 0 } } });
	share_out(claims, 3, -10 * (int64_t)MIB, shares);
	assert_true(shares[0].of_lack > 0.39 && shares[0].of_lack < 0.41);
	assert_true(shares[1].of_lack > 0.59 && shares[1].of_lack < 0.61);
	assert_true(shares[2].of_lack < 1e-9);
	/* When nobody has, all do. */
	share_out(&claims[2], 1, -10 * (int64_t)MIB, shares);
	assert_true(shares[0].of_lack > 0.999);
}

/* ---- what a target claims ---- */

#define BASE	0x7f0000000000ULL

static const struct tier_set tiers = {
	.nodes = { { .level = TIER_FAST }, { .nid = 1, .level = TIER_SLOW } }, .nr_nodes = 2,
};

static unsigned int bucket_with(const struct share_claim *claim, enum tier_level level)
{
	unsigned int i, found = 0, nr = 0;

	for (i = 0; i < SHARE_NR_BUCKETS; i++)
		if (claim->bytes[level][i]) {
			found = i;
			nr++;
		}
	assert_int_equal(nr, 1);
	return found;
}

/* Two huge pages with the same heat; 1,000 samples a second, of 401 loads, of 224 ns. */
static void a_claim_says_what_a_byte_saves(UNUSED void **state)
{
	const struct ledger_facts facts = { .cost = cost_default, .access_per_sample = 401 };
	struct share_claim claim, twice;
	struct heat *heat;
	unsigned int i;

	assert_int_equal(heat_new(&heat), 0);
	for (i = 0; i < 2; i++)
		heat_see(heat, BASE + i * HEAT_HUGE_BYTES, true, i, 10, 0);
	share_measure(heat, &tiers, &facts, 1000, &claim);
	/* 500 * 401 * 224 / 2^21 = 21.4 ns per second and byte: log2 is 4.42, 28.8 halves above -10. */
	assert_int_equal(bucket_with(&claim, TIER_FAST), 29);
	/* Less 1.16 / 10 for two moves: nearly the same. */
	assert_int_equal(bucket_with(&claim, TIER_SLOW), 29);
	share_measure(heat, &tiers, &facts, 2000, &twice);
	assert_int_equal(bucket_with(&twice, TIER_FAST), 31);
	/* Samples that are not worth a move: what is there may stay. */
	share_measure(heat, &tiers, &facts, 5, &claim);
	assert_true(bucket_with(&claim, TIER_FAST) > 0);
	assert_int_equal(bucket_with(&claim, TIER_SLOW), 0);
	/* Without samples nothing is known to save anything. */
	share_measure(heat, &tiers, &facts, 0, &claim);
	assert_int_equal(bucket_with(&claim, TIER_FAST), 0);
	assert_int_equal(claim.bytes[TIER_FAST][0], HEAT_HUGE_BYTES);
	heat_free(heat);
}

/* The same accesses on base pages of one span, or on the huge page it could be. */
static void base_and_huge_pages_claim_alike_by_span(UNUSED void **state)
{
	const struct ledger_facts facts = { .cost = cost_default, .access_per_sample = 401 };
	struct share_claim claims[2];
	struct heat *heat;
	unsigned int i, k;

	for (k = 0; k < 2; k++) {
		assert_int_equal(heat_new(&heat), 0);
		heat_cool_by_hand(heat, true);
		for (i = 0; i < 512; i += k ? 512 : 1)
			heat_see(heat, BASE + i * HEAT_BASE_BYTES, k, 1, 0, 0);
		for (i = 0; i < 16; i++)
			heat_sample(heat, BASE + i * 32 * HEAT_BASE_BYTES, false);
		share_measure(heat, &tiers, &facts, 1000, &claims[k]);
		heat_free(heat);
	}
	assert_int_equal(bucket_with(&claims[1], TIER_SLOW), 31);
	/* Pages that were hit themselves count for a little more. */
	assert_true(claims[0].bytes[TIER_SLOW][31] + claims[0].bytes[TIER_SLOW][30] >
		    500 * HEAT_BASE_BYTES);
}

static void a_fast_tier_that_saves_nothing_is_not_asked_for(UNUSED void **state)
{
	struct ledger_facts facts = { .cost = cost_default, .access_per_sample = 401 };
	struct share_claim claim;
	struct heat *heat;

	facts.cost.load_ns[TIER_FAST] = 400;
	assert_int_equal(heat_new(&heat), 0);
	heat_see(heat, BASE, true, 1, 10, 0);
	share_measure(heat, &tiers, &facts, 1e6, &claim);
	assert_int_equal(bucket_with(&claim, TIER_SLOW), 0);
	heat_free(heat);
}

static void targets_of_other_fast_nodes_are_in_another_pool(UNUSED void **state)
{
	struct tier_set other = tiers;

	assert_int_equal(share_pool(&tiers), share_pool(&other));
	other.nodes[1].nid = 7;
	assert_int_equal(share_pool(&tiers), share_pool(&other));
	other.nodes[0].nid = 2;
	assert_int_not_equal(share_pool(&tiers), share_pool(&other));
	other = tiers;
	other.nodes[1].level = TIER_FAST;
	assert_int_not_equal(share_pool(&tiers), share_pool(&other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_are_as_the_table_says),
		cmocka_unit_test(shares_do_not_depend_on_the_order_of_claims),
		cmocka_unit_test(the_tier_is_given_out_once_and_whole),
		cmocka_unit_test(what_must_leave_leaves_those_who_have_to_spare),
		cmocka_unit_test(a_claim_says_what_a_byte_saves),
		cmocka_unit_test(base_and_huge_pages_claim_alike_by_span),
		cmocka_unit_test(a_fast_tier_that_saves_nothing_is_not_asked_for),
		cmocka_unit_test(targets_of_other_fast_nodes_are_in_another_pool),
	};

	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
