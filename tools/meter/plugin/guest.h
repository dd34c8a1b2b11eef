/* SPDX-License-Identifier: GPL-2.0 */
/*
 * guest.h - the emulated machine: everything that is private to this QEMU
 */
#ifndef METER_GUEST_H
#define METER_GUEST_H

#include "meter.h"
#include "qemu.h"

/**
 * struct guest_block - the memory of a node
 * @begin: where QEMU keeps it; [@begin, @begin + @bytes)
 * @line: number of its first line, in a numbering of all nodes' lines without gaps
 */
struct guest_block {
	uint64_t begin;
	uint64_t bytes;
	uint64_t line;
	int node;
	enum meter_tier tier;
};

extern struct guest_block guest_blocks[METER_MAX_NODES];
extern unsigned int nr_guest_blocks;

/** guest_init() - check that this QEMU is the one we know; ends the emulator if not */
void guest_init(const qemu_info_t *info);

/** guest_find_blocks() - the nodes' memory; called once the machine has been made */
void guest_find_blocks(void);

/** guest_find_cr3() - learn where vCPUs keep CR3; from a callback of vCPU @vcpu */
void guest_find_cr3(unsigned int vcpu);

/** guest_cr3() - page table root of a vCPU, without its low bits; 0 before it was found */
uint64_t guest_cr3(unsigned int vcpu);

/** guest_rax() - of the vCPU that runs, at the start of a translation block */
uint64_t guest_rax(unsigned int vcpu);

/** guest_phys() - guest-physical address of a virtual one; ~0 when it is not mapped */
uint64_t guest_phys(unsigned int vcpu, uint64_t vaddr);

/** guest_yield() - have the vCPU that runs leave at the end of its translation block */
void guest_yield(unsigned int vcpu);

/**
 * guest_forget_callbacks() - have no vCPU call what was translated before
 *
 * QEMU 7.2 leaves a vCPU with the callbacks of its last instruction where that left the
 * translation block in the middle (iret, sysret), and calls them when it pushes an interrupt's
 * frame.  With the translations the callbacks are freed.
 */
void guest_forget_callbacks(void);

/** guest_bias_ns() - what the guest's clock shows more than it has run instructions */
int64_t guest_bias_ns(void);

/** guest_add_bias_ns() - set the guest's clock forward */
void guest_add_bias_ns(int64_t ns);

/** guest_clock_ns() - the guest's clock; not from a vCPU's callback */
int64_t guest_clock_ns(void);

/** guest_block_of() - the node's memory that a host address is in; NULL: a device's */
static inline const struct guest_block *guest_block_of(uint64_t host)
{
	for (unsigned int i = 0; i < nr_guest_blocks; i++) {
		if (host - guest_blocks[i].begin < guest_blocks[i].bytes)
			return &guest_blocks[i];
	}
	return NULL;
}

/** guest_block_of_line() - the memory that a line is in */
static inline const struct guest_block *guest_block_of_line(uint64_t line)
{
	const struct guest_block *block = guest_blocks;

	while (block + 1 < guest_blocks + nr_guest_blocks && line >= block[1].line)
		block++;
	return block;
}

#endif /* METER_GUEST_H */
