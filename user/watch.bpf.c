// SPDX-License-Identifier: GPL-2.0
/*
 * watch.bpf.c - tells user space that the target's regions changed
 *
 * Runs in the kernel.  Drops everything that is not the target's, and puts one
 * record per event into a ring.  What the change was, user space reads itself.
 *
 * System calls are seen through return probes on their own entry functions.
 * The syscalls:sys_exit_* tracepoints would do as well, but while one of them is
 * on, every system call of every process takes the kernel's slow path.
 *
 * The kernel types below name only the members that are read; libbpf finds
 * where they are on the running kernel (CO-RE), so no vmlinux.h is needed.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "watch_event.h"

#define CORE	__attribute__((preserve_access_index))

typedef struct { int counter; } CORE atomic_t;

struct signal_struct {
	atomic_t live;
} CORE;

struct task_struct {
	int tgid;
	struct signal_struct *signal;
} CORE;

/*
 * The target by its PID in its own PID namespace, and that namespace, so that
 * the program may run inside a container or outside of the target's.
 */
const volatile __u32 target_tgid;
const volatile __u64 target_ns_dev;
const volatile __u64 target_ns_ino;

/* Records that found the ring full.  Only ever grows. */
__u64 nr_lost;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);	/* 4096 records of 16 bytes */
} events SEC(".maps");

static __always_inline int is_target(void)
{
	struct bpf_pidns_info info;

	if (bpf_get_ns_current_pid_tgid(target_ns_dev, target_ns_ino, &info,
					sizeof(info)))
		return 0;
	return info.tgid == target_tgid;
}

static __always_inline int tell(enum watch_event kind)
{
	__u32 record = kind;

	if (bpf_ringbuf_output(&events, &record, sizeof(record), 0))
		__sync_fetch_and_add(&nr_lost, 1);
	return 0;
}

/* A failed call changed nothing. */
static __always_inline int tell_call(struct pt_regs *ctx, enum watch_event kind)
{
	long ret = PT_REGS_RC(ctx);

	if ((ret < 0 && ret >= -4095) || !is_target())
		return 0;
	return tell(kind);
}

#define CALL(name, kind)						\
SEC("kretsyscall/" #name)						\
int call_##name(struct pt_regs *ctx)					\
{									\
	return tell_call(ctx, kind);					\
}

CALL(mmap, WATCH_MMAP)
CALL(shmat, WATCH_MMAP)
CALL(munmap, WATCH_MUNMAP)
CALL(shmdt, WATCH_MUNMAP)
CALL(mremap, WATCH_MREMAP)
CALL(brk, WATCH_BRK)

/* Arguments: parent, child.  The parent runs. */
SEC("raw_tp/sched_process_fork")
int on_fork(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *parent = (void *)ctx->args[0];
	struct task_struct *child = (void *)ctx->args[1];

	if (!is_target())
		return 0;
	if (BPF_CORE_READ(parent, tgid) == BPF_CORE_READ(child, tgid))
		return 0;	/* a new thread */
	return tell(WATCH_FORK);
}

SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	if (!is_target())
		return 0;
	return tell(WATCH_EXEC);
}

/* Argument: the thread that exits.  signal->live has already counted it off. */
SEC("raw_tp/sched_process_exit")
int on_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[0];

	if (!is_target() || BPF_CORE_READ(task, signal, live.counter))
		return 0;
	return tell(WATCH_EXIT);
}

/* Some of the helpers are offered to GPL programs only. */
char LICENSE[] SEC("license") = "GPL";
