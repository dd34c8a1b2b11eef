/* SPDX-License-Identifier: GPL-2.0 */
/*
 * process.h - the guest's processes, told apart by their page tables
 */
#ifndef METER_PROCESS_H
#define METER_PROCESS_H

#include "../mark.h"
#include "meter.h"

/**
 * struct process - what a process did
 * @pid: as it said itself; 0: all that said nothing, the first in the list
 * @is_target: its pages are counted for the oracle
 * @instructions: by phase, in user mode and in the kernel
 * @misses: of its user mode, by phase and tier
 */
struct process {
	struct process *next;
	uint32_t pid;
	bool is_target;
	uint64_t instructions[METER_NR_PHASES][2];
	uint64_t misses[METER_NR_PHASES][NR_TIERS];
};

/** process_find() - whose page tables these are; never NULL */
struct process *process_find(uint64_t cr3);

/** process_announce() - from now on the page tables @cr3 are those of @pid */
void process_announce(uint64_t cr3, uint32_t pid);

/** process_set_target() - 0: nobody */
void process_set_target(uint32_t pid);

/** process_target() - the target's process id; 0: there is none */
uint32_t process_target(void);

const struct process *process_first(void);

/** process_has_run() - has it an instruction since the start, or since process_reset()? */
bool process_has_run(const struct process *process);

/** process_reset() - forget what was counted, but not whose page tables are whose */
void process_reset(void);

#endif /* METER_PROCESS_H */
