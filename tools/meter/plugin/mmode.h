/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mmode.h - Memory Mode: what if the fast memory were a cache of the slow one, made by hardware?
 *
 * For each size of the option fast_bytes, a direct-mapped write-back cache of 64-byte lines
 * sees the same stream of lines that memory does.  All memory counts as slow then, whichever node
 * the guest has it in.  Its time is kept beside the real one: same instructions, same
 * last level cache, other memory.
 */
#ifndef METER_MMODE_H
#define METER_MMODE_H

#include "meter.h"

void mmode_init(void);

/** mmode_read() / mmode_write() - @vcpu's last level cache wants a line, or gives one up */
void mmode_read(struct vcpu *vcpu, uint64_t line, bool foreseen, bool is_store);
void mmode_write(struct vcpu *vcpu, uint64_t line);

/** mmode_begin_turn() / mmode_end_turn() - @vcpu is the one that runs, or no longer */
void mmode_begin_turn(const struct vcpu *vcpu);
void mmode_end_turn(const struct vcpu *vcpu);

/** mmode_close() - bring the present phase's times up to date */
void mmode_close(void);

/** mmode_reset() - the fast memory holds nothing */
void mmode_reset(void);

#endif /* METER_MMODE_H */
