/* SPDX-License-Identifier: GPL-2.0 */
/*
 * qemu.h - what the meter uses of QEMU 7.2, declared by ourselves
 *
 * Debian's packages have no header for plugins.  The first half is the plugin interface as
 * QEMU documents it (docs/devel/tcg-plugins), version 1.  The second half is not for plugins:
 * functions and data that the emulator exports for its own loadable modules.  Only guest.c
 * uses these, and they are weak, so that their absence can be said in words.
 */
#ifndef METER_QEMU_H
#define METER_QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QEMU_PLUGIN_API 1

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;

typedef struct {
	const char *target_name;
	struct {
		int min;
		int cur;
	} version;
	bool system_emulation;
	union {
		struct {
			int smp_vcpus;
			int max_vcpus;
		} system;
	};
} qemu_info_t;

struct qemu_plugin_tb;
struct qemu_plugin_insn;

/* The beginning of a private structure; guest_init() refuses a QEMU where it may differ. */
struct qemu_plugin_hwaddr {
	bool is_io;
	bool is_store;
	union {
		struct {
			void *section;
			uint64_t offset;
		} io;
		struct {
			void *host;
		} ram;
	};
};

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_R = 1, QEMU_PLUGIN_MEM_W, QEMU_PLUGIN_MEM_RW };
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

typedef void (*qemu_plugin_simple_cb_t)(qemu_plugin_id_t id);
typedef void (*qemu_plugin_udata_cb_t)(qemu_plugin_id_t id, void *data);
typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*qemu_plugin_vcpu_udata_cb_t)(unsigned int vcpu, void *data);
typedef void (*qemu_plugin_vcpu_mem_cb_t)(unsigned int vcpu, qemu_plugin_meminfo_t info,
					  uint64_t vaddr, void *data);

void qemu_plugin_reset(qemu_plugin_id_t id, qemu_plugin_simple_cb_t cb);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, qemu_plugin_udata_cb_t cb, void *data);
void qemu_plugin_register_flush_cb(qemu_plugin_id_t id, qemu_plugin_simple_cb_t cb);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   qemu_plugin_vcpu_tb_trans_cb_t cb);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  qemu_plugin_vcpu_udata_cb_t cb,
					  enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, enum qemu_plugin_op op,
					      void *ptr, uint64_t add);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    qemu_plugin_vcpu_udata_cb_t cb,
					    enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
				      qemu_plugin_vcpu_mem_cb_t cb,
				      enum qemu_plugin_cb_flags flags,
				      enum qemu_plugin_mem_rw rw, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t info, uint64_t vaddr);

/* Not for plugins. */
typedef struct {
	uint8_t *data;
	unsigned int len;
} GByteArray;
typedef struct CPUState CPUState;
typedef struct RAMBlock RAMBlock;

#define QEMU_WEAK __attribute__((weak))
QEMU_WEAK GByteArray *g_byte_array_new(void);
QEMU_WEAK GByteArray *g_byte_array_set_size(GByteArray *array, unsigned int len);
QEMU_WEAK CPUState *qemu_get_cpu(int index);
QEMU_WEAK int x86_cpu_gdb_read_register(CPUState *cpu, GByteArray *to, int reg);
QEMU_WEAK int qemu_ram_foreach_block(int (*cb)(RAMBlock *block, void *data), void *data);
QEMU_WEAK const char *qemu_ram_get_idstr(RAMBlock *block);
QEMU_WEAK void *qemu_ram_get_host_addr(RAMBlock *block);
QEMU_WEAK uint64_t qemu_ram_get_used_length(RAMBlock *block);
QEMU_WEAK uint64_t cpu_get_phys_page_debug(CPUState *cpu, uint64_t vaddr);
QEMU_WEAK void cpu_exit(CPUState *cpu);
QEMU_WEAK void qemu_plugin_disable_mem_helpers(CPUState *cpu);
QEMU_WEAK int64_t icount_get(void);
extern QEMU_WEAK char timers_state[];
extern QEMU_WEAK int use_icount;

#endif /* METER_QEMU_H */
