/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mark.h - how a program in the guest speaks to the meter
 *
 * A mark is a no-op with a displacement that no compiler makes, and its argument in RAX.
 * Nothing happens on a machine without the meter; no privilege and no device is needed.
 * The jump before it ends a translation block of the emulator, so RAX is in its place.
 */
#ifndef HEMEM_METER_MARK_H
#define HEMEM_METER_MARK_H

/* nopl METER_MARK_MAGIC + code(%rax): "HEM" and the code as its lowest byte */
#define METER_MARK_MAGIC 0x48454d00

/* codes */
#define METER_MARK_PHASE 0x01	/* from now on phase ARG, an enum meter_phase or more */
#define METER_MARK_ON 0x02	/* the model runs, its time moves the guest's clock */
#define METER_MARK_OFF 0x03	/* instructions are counted, nothing else */
#define METER_MARK_PROCESS 0x04	/* this process, whose page tables are in use now, has PID ARG */
#define METER_MARK_TARGET 0x05	/* count process ARG's pages for the oracle; 0: nobody's */
#define METER_MARK_REPORT 0x06	/* write what was counted to FILE.ARG, and count from 0 again */

/** enum meter_phase - whose counters things go to; workloads may use 4 to 63 as they like */
enum meter_phase {
	METER_PHASE_BEFORE,	/* until the first mark */
	METER_PHASE_SETUP,	/* the workload fills its memory */
	METER_PHASE_RUN,	/* what is measured */
	METER_PHASE_CHECK,	/* the workload verifies its result, and all after */
	METER_NR_PHASES = 64,
};

#define METER_MARK(code, arg) \
	__asm__ volatile("jmp 1f\n1:\t.byte 0x0f, 0x1f, 0x80\n\t.long %c0" \
			 : : "i"(METER_MARK_MAGIC | (code)), "a"((unsigned long)(arg)) : "memory")

static inline void meter_mark_phase(unsigned int phase)
{
	METER_MARK(METER_MARK_PHASE, phase);
}

#endif /* HEMEM_METER_MARK_H */
