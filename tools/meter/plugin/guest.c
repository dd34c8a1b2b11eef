// SPDX-License-Identifier: GPL-2.0
/*
 * guest.c - the emulated machine: everything that is private to this QEMU
 *
 * The plugin interface of QEMU 7.2 has no registers, no clock, and its physical address is that
 * of a RAM block, not the guest's.  So the plugin calls functions of the emulator itself.
 * What is not a function is found at start by looking for a known value, never by an offset
 * that was right somewhere; where the search has no single result, the emulator ends.
 */
#include <string.h>

#include "guest.h"
#include "options.h"

/* Registers by gdb's numbers, as x86_cpu_gdb_read_register() wants them. */
enum { REG_RAX = 0, REG_CR0 = 27, REG_CR2, REG_CR3, REG_CR4 };

#define CR3_ADDRESS 0x000ffffffffff000ULL
#define CPU_SEARCH_BYTES (32 << 10)
#define TIMERS_SEARCH_BYTES 96

struct guest_block guest_blocks[METER_MAX_NODES];
unsigned int nr_guest_blocks;

static GByteArray *register_bytes;
static const uint64_t *cr3_of[METER_MAX_VCPUS];
static int64_t *clock_bias_ns;

static uint64_t read_register(unsigned int vcpu, int reg)
{
	uint64_t value = 0;
	int len;

	g_byte_array_set_size(register_bytes, 0);
	len = x86_cpu_gdb_read_register(qemu_get_cpu(vcpu), register_bytes, reg);
	if (len <= 0 || len > (int)sizeof(value))
		meter_die("register %d has %d bytes", reg, len);
	memcpy(&value, register_bytes->data, len);
	return value;
}

/*
 * The clock is a bias and, after it, a count of instructions.  The bias is the first word of
 * timers_state whose change shows in the clock.
 */
static void find_clock(void)
{
	const int64_t probe_ns = 1LL << 40;

	for (size_t at = 0; at < TIMERS_SEARCH_BYTES; at += sizeof(int64_t)) {
		int64_t *word = (int64_t *)(timers_state + at);
		int64_t before, after, was = *word;

		/* a pointer or a lock may not be changed even for a moment; this early all
		 * words of interest are small */
		if (was < 0 || was > 1LL << 32)
			continue;
		before = icount_get();
		*word = was + probe_ns;
		after = icount_get();
		*word = was;
		if (after - before == probe_ns) {
			clock_bias_ns = word;
			return;
		}
	}
	meter_die("cannot find the clock of this QEMU");
}

void guest_init(const qemu_info_t *info)
{
	if (info->version.cur != QEMU_PLUGIN_API)
		meter_die("QEMU's plugin interface has version %d; the meter knows version %d, "
			  "that of QEMU 7.2", info->version.cur, QEMU_PLUGIN_API);
	if (!info->system_emulation || strcmp(info->target_name, "x86_64"))
		meter_die("the meter is for qemu-system-x86_64");
	if (!qemu_get_cpu || !x86_cpu_gdb_read_register || !qemu_ram_foreach_block ||
	    !qemu_ram_get_idstr || !qemu_ram_get_host_addr || !qemu_ram_get_used_length ||
	    !cpu_get_phys_page_debug || !cpu_exit || !qemu_plugin_disable_mem_helpers ||
	    !icount_get || !timers_state || !g_byte_array_new || !g_byte_array_set_size ||
	    !&use_icount)
		meter_die("this QEMU lacks a function that the meter needs; it knows Debian's 7.2");
	if (!use_icount)
		meter_die("QEMU must run with -icount shift=0,sleep=on");
	register_bytes = g_byte_array_new();
	find_clock();
}

/* A node's memory is the backend of that name: mem0 is node 0's. */
static int add_block(RAMBlock *ram, void *data)
{
	static const char prefix[] = "mem";
	const char *name = qemu_ram_get_idstr(ram), *slash = strrchr(name, '/');
	struct guest_block *block = &guest_blocks[nr_guest_blocks];

	(void)data;
	if (slash)
		name = slash + 1;
	if (strncmp(name, prefix, sizeof(prefix) - 1) || strlen(name) != sizeof(prefix))
		return 0;
	if (name[3] < '0' || name[3] >= '0' + METER_MAX_NODES)
		return 0;
	block->node = name[3] - '0';
	block->tier = options.slow_nodes >> block->node & 1 ? SLOW : FAST;
	block->begin = (uint64_t)qemu_ram_get_host_addr(ram);
	block->bytes = qemu_ram_get_used_length(ram);
	nr_guest_blocks++;
	return 0;
}

void guest_find_blocks(void)
{
	uint64_t line = 0;

	if (nr_guest_blocks)
		return;
	qemu_ram_foreach_block(add_block, NULL);
	if (!nr_guest_blocks)
		meter_die("no memory backend has the name of a node: mem0, mem1, ...");
	for (unsigned int i = 0; i < nr_guest_blocks; i++) {
		struct guest_block *block = &guest_blocks[i];

		block->line = line;
		line += block->bytes >> METER_LINE_SHIFT;
		meter_say("node %d, %s: %lu MiB", block->node,
			  options.memory_name[block->tier], block->bytes >> 20);
	}
	if (line >> 32)
		meter_die("more memory than a cache's tags can tell apart");
}

static size_t find_control_registers(unsigned int vcpu)
{
	const uint64_t *words = (const uint64_t *)qemu_get_cpu(vcpu);
	uint64_t cr0 = read_register(vcpu, REG_CR0), cr2 = read_register(vcpu, REG_CR2);
	uint64_t cr3 = read_register(vcpu, REG_CR3), cr4 = read_register(vcpu, REG_CR4);
	size_t found = 0;

	if (!cr3)
		meter_die("vCPU %u runs a program without page tables", vcpu);
	for (size_t i = 0; i < CPU_SEARCH_BYTES / sizeof(*words); i++) {
		if (words[i] != cr0 || words[i + 2] != cr2 || words[i + 3] != cr3 ||
		    words[i + 4] != cr4)
			continue;
		if (found)
			meter_die("the control registers seem to be in two places");
		found = i + 3;
	}
	if (!found)
		meter_die("cannot find the control registers in a vCPU");
	return found;
}

void guest_find_cr3(unsigned int vcpu)
{
	size_t at;

	if (cr3_of[vcpu])
		return;
	at = find_control_registers(vcpu);
	for (unsigned int i = 0; i < nr_vcpus; i++) {
		cr3_of[i] = (const uint64_t *)qemu_get_cpu(i) + at;
		if (*cr3_of[i] != read_register(i, REG_CR3))
			meter_die("vCPU %u keeps its control registers elsewhere", i);
	}
}

uint64_t guest_cr3(unsigned int vcpu)
{
	return cr3_of[vcpu] ? *cr3_of[vcpu] & CR3_ADDRESS : 0;
}

uint64_t guest_rax(unsigned int vcpu)
{
	return read_register(vcpu, REG_RAX);
}

uint64_t guest_phys(unsigned int vcpu, uint64_t vaddr)
{
	uint64_t offset = vaddr & ((1 << METER_PAGE_SHIFT) - 1);
	uint64_t page = cpu_get_phys_page_debug(qemu_get_cpu(vcpu), vaddr - offset);

	return page == ~0ULL ? page : page | offset;
}

void guest_yield(unsigned int vcpu)
{
	cpu_exit(qemu_get_cpu(vcpu));
}

void guest_forget_callbacks(void)
{
	for (unsigned int i = 0; i < nr_vcpus; i++)
		qemu_plugin_disable_mem_helpers(qemu_get_cpu(i));
}

int64_t guest_bias_ns(void)
{
	return __atomic_load_n(clock_bias_ns, __ATOMIC_RELAXED);
}

void guest_add_bias_ns(int64_t ns)
{
	__atomic_fetch_add(clock_bias_ns, ns, __ATOMIC_SEQ_CST);
}

int64_t guest_clock_ns(void)
{
	return icount_get();
}
