// SPDX-License-Identifier: GPL-2.0
/*
 * plugin.c - the meter as QEMU sees it: what is watched, and when
 *
 * Until a program in the guest says METER_MARK_ON only instructions are counted, so the guest boots
 * at nearly full speed.  Then every translated block is thrown away and made anew with a
 * callback at each load and store.  An access goes this way:
 *
 *   cache_filter() -> which line of which node -> cache_access() -> memory_read() -> clock_stall()
 *                                                       |-> memory_write() of the line it replaced
 *                                                       |-> mmode, oracle, ring, window
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../mark.h"
#include "cache.h"
#include "clock.h"
#include "guest.h"
#include "json.h"
#include "memory.h"
#include "mmode.h"
#include "options.h"
#include "oracle.h"
#include "process.h"
#include "ring.h"
#include "stats.h"

#define EXPORT __attribute__((visibility("default")))
#define FLUSH_INSTRUCTIONS 2000	/* time is counted at least so often */
#define MARK_BYTES 7
#define PAUSE_AT_BOOT_NS 1000

EXPORT int qemu_plugin_version = QEMU_PLUGIN_API;

struct vcpu vcpus[METER_MAX_VCPUS];
unsigned int nr_vcpus;

static qemu_plugin_id_t plugin_id;
static bool is_on, is_resetting;

static void say(const char *format, va_list args)
{
	fputs("meter: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void meter_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void meter_die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	/* no atexit handlers: numbers that are known to be wrong are not written */
	_Exit(EXIT_FAILURE);
}

static inline bool is_kernel(uint64_t vaddr)
{
	return vaddr >> 63;
}

/* The vCPU that has called back.  Cheap when it is the one that did last. */
static inline struct vcpu *running(unsigned int index)
{
	struct vcpu *vcpu = &vcpus[index];

	if (unlikely(vcpu != clock_state.runs))
		clock_run(vcpu);
	return vcpu;
}

/* The target's misses are counted by tier, in a window, for the oracle. */
static void count_user_miss(struct vcpu *vcpu, enum meter_tier tier, uint64_t vaddr)
{
	struct process *process = vcpu->process;

	process->misses[stats_phase()][tier]++;
	if (process->is_target) {
		stats->target[tier]++;
		oracle_count(vaddr);
	}
	if (process->is_target || !process_target())
		stats_window.misses[tier]++;
}

static void sample(struct vcpu *vcpu, enum hemem_rings_event event, uint64_t ip, uint64_t vaddr,
		   enum meter_tier tier, uint64_t stall_ps)
{
	struct ring_sample s = {
		.ip = ip,
		.vaddr = vaddr,
		.pid = vcpu->process->pid,
		.weight_ns = stall_ps / 1000,
		.tier = tier,
	};

	ring_write(vcpu, event, &s);
}

static void write_back(struct vcpu *vcpu, uint64_t line)
{
	const struct guest_block *block = guest_block_of_line(line);

	stats->write_backs[block->node]++;
	stats_window.write_backs[block->tier]++;
	clock_stall(vcpu, memory_write(vcpu, block));
	mmode_write(vcpu, line);
}

/* One line from memory; how long the vCPU waited for it. */
static uint64_t miss(struct vcpu *vcpu, const struct guest_block *block, uint64_t line,
		     bool is_store, bool kernel)
{
	bool foreseen = memory_foresees(vcpu, line);
	uint64_t ps;

	clock_flush();
	stats->misses[block->node][kernel][is_store]++;
	stats->stream_misses += foreseen;
	ps = memory_read(vcpu, block, foreseen, is_store);
	mmode_read(vcpu, line, foreseen, is_store);
	clock_stall(vcpu, ps);
	return ps;
}

/* An access that the first level cache could not serve, or a store that a sample is due of. */
static __attribute__((noinline)) void
look_further(struct vcpu *vcpu, enum cache_filter level1, qemu_plugin_meminfo_t info,
	     uint64_t vaddr, uint64_t ip, bool kernel, bool is_due)
{
	struct qemu_plugin_hwaddr *where = qemu_plugin_get_hwaddr(info, vaddr);
	bool is_store = qemu_plugin_mem_is_store(info);
	const struct guest_block *block = NULL;
	struct cache_result llc = { .hit = true };
	uint64_t line, ps = 0;

	if (where && !where->is_io)
		block = guest_block_of((uint64_t)where->ram.host);
	if (!block) {
		stats->elsewhere++;
		return;
	}
	line = block->line + (((uint64_t)where->ram.host - block->begin) >> METER_LINE_SHIFT);
	if (level1 != CACHE_HIT)
		llc = cache_access(line, is_store);
	if (level1 == CACHE_MISS || !llc.hit)
		stats->llc_lookups++;
	if (!llc.hit) {
		ps = miss(vcpu, block, line, is_store, kernel);
		if (llc.wrote_back)
			write_back(vcpu, llc.old_line);
		if (!kernel)
			count_user_miss(vcpu, block->tier, vaddr);
		if (!kernel && !is_store && vcpu->is_watched &&
		    ring_is_due(vcpu, block->tier == SLOW ? HEMEM_RINGS_SLOW_LOAD :
				HEMEM_RINGS_FAST_LOAD))
			sample(vcpu, block->tier == SLOW ? HEMEM_RINGS_SLOW_LOAD :
			       HEMEM_RINGS_FAST_LOAD, ip, vaddr, block->tier, ps);
	} else if (level1 == CACHE_MISS) {
		stats->llc_hits++;
		ps = options.llc_ns * 1000;
		clock_stall(vcpu, ps);
	}
	if (is_due) {
		clock_flush();
		sample(vcpu, HEMEM_RINGS_STORE, ip, vaddr, block->tier, ps);
	}
}

static inline void access(unsigned int index, qemu_plugin_meminfo_t info, uint64_t vaddr,
			  uint64_t ip, bool kernel)
{
	struct vcpu *vcpu = running(index);
	bool is_store = qemu_plugin_mem_is_store(info), is_due = false;
	enum cache_filter level1;

	if (unlikely(clock_state.instructions > FLUSH_INSTRUCTIONS))
		clock_flush();
	stats->accesses[kernel][is_store]++;
	if (!kernel && is_store && vcpu->is_watched)
		is_due = ring_is_due(vcpu, HEMEM_RINGS_STORE);
	level1 = cache_filter(vcpu, vaddr, is_store);
	if (likely(level1 == CACHE_HIT && !is_due))
		return;
	look_further(vcpu, level1, info, vaddr, ip, kernel, is_due);
}

/*
 * Where a user's instruction is interrupted half-way the emulator pushes to the kernel's stack in
 * its name.
 */
static void on_user_access(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *ip)
{
	access(vcpu, info, vaddr, (uint64_t)ip, is_kernel(vaddr));
}

static void on_kernel_access(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t vaddr,
			     void *ip)
{
	access(vcpu, info, vaddr, (uint64_t)ip, true);
}

static void on_halt(unsigned int vcpu, void *data)
{
	(void)data;
	clock_halt(&vcpus[vcpu]);
}

/* The kernel is about to load other page tables: what was done so far was their last user's. */
static void on_page_tables(unsigned int index, void *data)
{
	struct vcpu *vcpu = running(index);

	(void)data;
	clock_flush();
	vcpu->process = NULL;
	cache_forget(vcpu);
}

/* While only instructions are counted nothing else would tell which vCPU runs, and end its turn. */
static void on_kernel_loop(unsigned int vcpu, void *data)
{
	(void)data;
	running(vcpu);
	if (clock_state.instructions > FLUSH_INSTRUCTIONS)
		clock_flush();
}

/*
 * A kernel that starts waits for time to pass, in loops of pauses, to see how fast its timers are.
 * The emulator needs 8 us for each pause, the guest's clock sees 10 ns: half a minute in all.
 * So a pause takes longer while the model is off.  All clocks of the guest agree on that.
 */
static void on_pause_at_boot(unsigned int vcpu, void *data)
{
	(void)data;
	running(vcpu);
	clock_skip(PAUSE_AT_BOOT_NS);
}

static void begin(qemu_plugin_id_t id);

static void turn(bool on)
{
	if (on == is_on || is_resetting)
		return;
	is_on = on;
	is_resetting = true;
	if (!on)
		clock_stop();
	qemu_plugin_reset(plugin_id, begin);
}

/* What was counted until now is written; what follows has nothing of it but warm caches. */
static void report(uint64_t nr)
{
	stats_close();
	if (options.json)
		json_write(nr);
	stats_reset();
	process_reset();
	mmode_reset();
	ring_reset();
}

static void on_mark(unsigned int index, void *data)
{
	struct vcpu *vcpu = running(index);
	uint64_t argument = guest_rax(index);

	guest_find_blocks();
	guest_find_cr3(index);
	clock_flush();
	switch ((uintptr_t)data) {
	case METER_MARK_PHASE:
		stats_set_phase(argument);
		if (options.only_run)
			turn(argument == METER_PHASE_RUN);
		break;
	case METER_MARK_ON:
		turn(true);
		break;
	case METER_MARK_OFF:
		turn(false);
		break;
	case METER_MARK_PROCESS:
		process_announce(guest_cr3(index), argument);
		break;
	case METER_MARK_TARGET:
		process_set_target(argument);
		break;
	case METER_MARK_REPORT:
		report(argument);
		break;
	default:
		meter_say("there is no mark %#lx", (uintptr_t)data);
	}
	vcpu->process = NULL;
}

static bool is_mark(const uint8_t *code, size_t size)
{
	return size == MARK_BYTES && code[0] == 0x0f && code[1] == 0x1f && code[2] == 0x80 &&
		code[4] == (METER_MARK_MAGIC >> 8 & 0xff) &&
		code[5] == (METER_MARK_MAGIC >> 16 & 0xff) && code[6] == METER_MARK_MAGIC >> 24;
}

/* hlt, mwait */
static bool is_halt(const uint8_t *code, size_t size)
{
	return (size == 1 && code[0] == 0xf4) ||
		(size == 3 && code[0] == 0x0f && code[1] == 0x01 && code[2] == 0xc9);
}

/* mov %reg, %cr3, with or without a prefix for the upper registers */
static bool is_page_tables(const uint8_t *code, size_t size)
{
	if (size == 4 && (code[0] & 0xf0) == 0x40) {
		code++;
		size--;
	}
	return size == 3 && code[0] == 0x0f && code[1] == 0x22 && (code[2] & 0xf8) == 0xd8;
}

static bool is_pause(const uint8_t *code, size_t size)
{
	return size == 2 && code[0] == 0xf3 && code[1] == 0x90;
}

/* A branch backwards: every loop has one. */
static bool is_loop(const uint8_t *code, size_t size)
{
	if (size == 2)
		return ((code[0] & 0xf0) == 0x70 || code[0] == 0xeb) && code[1] >> 7;
	if (size == 6)
		return code[0] == 0x0f && (code[1] & 0xf0) == 0x80 && code[5] >> 7;
	return size == 5 && code[0] == 0xe9 && code[4] >> 7;
}

static void watch_access(struct qemu_plugin_insn *insn, bool kernel)
{
	qemu_plugin_register_vcpu_mem_cb(insn, kernel ? on_kernel_access : on_user_access,
					 QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
					 (void *)qemu_plugin_insn_vaddr(insn));
}

static void watch_instruction(struct qemu_plugin_insn *insn, bool kernel)
{
	const uint8_t *code = qemu_plugin_insn_data(insn);
	size_t size = qemu_plugin_insn_size(insn);
	qemu_plugin_vcpu_udata_cb_t callback = NULL;
	uintptr_t data = 0;

	if (!kernel && is_mark(code, size)) {
		callback = on_mark;
		data = code[3];
	} else if (kernel && is_halt(code, size)) {
		callback = on_halt;
	} else if (kernel && is_page_tables(code, size)) {
		callback = on_page_tables;
	} else if (kernel && !is_on && is_pause(code, size)) {
		callback = on_pause_at_boot;
	} else if (kernel && !is_on && is_loop(code, size)) {
		callback = on_kernel_loop;
	}
	if (callback)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, callback, QEMU_PLUGIN_CB_NO_REGS,
						       (void *)data);
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t nr = qemu_plugin_tb_n_insns(tb);
	bool kernel = is_kernel(qemu_plugin_tb_vaddr(tb));

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
						 &clock_state.instructions, nr);
	if (kernel)
		qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
							 &clock_state.kernel_instructions, nr);
	for (size_t i = 0; i < nr; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		watch_instruction(insn, kernel);
		if (is_on)
			watch_access(insn, kernel);
	}
}

static void on_flush(qemu_plugin_id_t id)
{
	(void)id;
	guest_forget_callbacks();
}

static void on_exit_of_guest(qemu_plugin_id_t id, void *data)
{
	(void)id;
	(void)data;
	clock_flush();
	stats_close();
	if (options.json)
		json_write(METER_WHOLE);
}

/* Called at start, and once everything that was translated the other way is gone. */
static void begin(qemu_plugin_id_t id)
{
	is_resetting = false;
	if (is_on)
		clock_start();
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	qemu_plugin_register_flush_cb(id, on_flush);
	qemu_plugin_register_atexit_cb(id, on_exit_of_guest, NULL);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	plugin_id = id;
	nr_vcpus = info->system.smp_vcpus;
	if (nr_vcpus < 1 || nr_vcpus > METER_MAX_VCPUS)
		meter_die("%u vCPUs; 1 to %d are possible", nr_vcpus, METER_MAX_VCPUS);
	for (unsigned int i = 0; i < nr_vcpus; i++)
		vcpus[i].index = i;
	guest_init(info);
	options_parse(argc, argv);
	cache_init();
	memory_init();
	mmode_init();
	ring_init();
	clock_init();
	begin(id);
	return 0;
}
