/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dice.h - chance that can be repeated: the same seed, the same throws
 *
 * What the scheduler makes of them is another matter.
 */
#ifndef DICE_H
#define DICE_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

struct dice {
	uint64_t state;		/* never 0 */
};

static inline void dice_init(struct dice *dice, uint64_t seed)
{
	dice->state = (seed + 1) * 0x9e3779b97f4a7c15 | 1;
}

/* xorshift64*: Marsaglia 2003, Vigna 2014 */
static inline uint64_t dice_throw(struct dice *dice)
{
	dice->state ^= dice->state >> 12;
	dice->state ^= dice->state << 25;
	dice->state ^= dice->state >> 27;
	return dice->state * 0x2545f4914f6cdd1d;
}

/* 0 .. @sides - 1 */
static inline uint32_t dice_below(struct dice *dice, uint32_t sides)
{
	return (uint32_t)((dice_throw(dice) >> 32) * sides >> 32);
}

static inline bool dice_one_in(struct dice *dice, uint32_t sides)
{
	return dice_below(dice, sides) == 0;
}

/* 1 .. @max, every power of two as likely as the next */
static inline uint32_t dice_spread(struct dice *dice, uint32_t max)
{
	uint32_t bits = 32 - (uint32_t)__builtin_clz(max);
	uint32_t top = 1U << dice_below(dice, bits);
	uint32_t value = top + dice_below(dice, top);

	return value < max ? value : max;
}

/* Nothing, a word to the scheduler, or up to @max_us. */
static inline void dice_rest(struct dice *dice, uint32_t max_us)
{
	switch (dice_below(dice, 4)) {
	case 0:
		break;
	case 1:
		sched_yield();
		break;
	default:
		if (max_us)
			usleep(dice_spread(dice, max_us));
	}
}

#endif /* DICE_H */
