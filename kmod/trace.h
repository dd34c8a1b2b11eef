/* SPDX-License-Identifier: GPL-2.0 */
/* trace.h - tracepoints: where a batch begins and ends; durations in ns */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM hemem

#if !defined(HEMEM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define HEMEM_TRACE_H

#include <linux/tracepoint.h>
#include <hemem_assist.h>
#include "hemem.h"

TRACE_EVENT(hemem_migrate_begin,
	TP_PROTO(pid_t pid, unsigned int nr_moves),
	TP_ARGS(pid, nr_moves),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(unsigned int, nr_moves)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->nr_moves = nr_moves;
	),
	TP_printk("target=%d moves=%u", __entry->pid, __entry->nr_moves)
);

TRACE_EVENT(hemem_migrate_end,
	TP_PROTO(pid_t pid, const struct hemem_assist_migrate *reply),
	TP_ARGS(pid, reply),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(unsigned int, nr_moves)
		__field(unsigned int, nr_moved)
		__field(unsigned int, nr_busy)
		__field(unsigned int, nr_no_room)
		__field(u64, bytes_moved)
		__field(u64, look_ns)
		__field(u64, alloc_ns)
		__field(u64, move_ns)
		__field(u64, total_ns)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->nr_moves = reply->nr_moves;
		__entry->nr_moved = reply->out_nr[HEMEM_ASSIST_MOVED];
		__entry->nr_busy = reply->out_nr[HEMEM_ASSIST_BUSY];
		__entry->nr_no_room = reply->out_nr[HEMEM_ASSIST_NO_ROOM];
		__entry->bytes_moved = reply->out_bytes_moved;
		__entry->look_ns = reply->out_look_ns;
		__entry->alloc_ns = reply->out_alloc_ns;
		__entry->move_ns = reply->out_move_ns;
		__entry->total_ns = reply->out_total_ns;
	),
	TP_printk("target=%d moves=%u moved=%u busy=%u no_room=%u bytes=%llu look_ns=%llu alloc_ns=%llu move_ns=%llu total_ns=%llu",
		  __entry->pid, __entry->nr_moves, __entry->nr_moved,
		  __entry->nr_busy, __entry->nr_no_room, __entry->bytes_moved,
		  __entry->look_ns, __entry->alloc_ns, __entry->move_ns,
		  __entry->total_ns)
);

TRACE_EVENT(hemem_swap,
	TP_PROTO(const struct hemem_swap_times *times),
	TP_ARGS(times),
	TP_STRUCT__entry(
		__field(unsigned int, nr)
		__field(u64, protect_ns)
		__field(u64, flush_ns)
		__field(u64, copy_ns)
		__field(u64, swap_ns)
		__field(u64, reopen_ns)
		__field(u64, release_ns)
	),
	TP_fast_assign(
		__entry->nr = times->nr;
		__entry->protect_ns = times->protect_ns;
		__entry->flush_ns = times->flush_ns;
		__entry->copy_ns = times->copy_ns;
		__entry->swap_ns = times->swap_ns;
		__entry->reopen_ns = times->reopen_ns;
		__entry->release_ns = times->release_ns;
	),
	TP_printk("pages=%u protect_ns=%llu flush_ns=%llu copy_ns=%llu swap_ns=%llu reopen_ns=%llu release_ns=%llu",
		  __entry->nr, __entry->protect_ns, __entry->flush_ns,
		  __entry->copy_ns, __entry->swap_ns, __entry->reopen_ns,
		  __entry->release_ns)
);

TRACE_EVENT(hemem_scan_begin,
	TP_PROTO(pid_t pid, u64 start, u64 end),
	TP_ARGS(pid, start, end),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(u64, start)
		__field(u64, end)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->start = start;
		__entry->end = end;
	),
	TP_printk("target=%d start=%llx end=%llx",
		  __entry->pid, __entry->start, __entry->end)
);

TRACE_EVENT(hemem_scan_end,
	TP_PROTO(pid_t pid, const struct hemem_assist_scan *reply),
	TP_ARGS(pid, reply),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(u64, end)
		__field(unsigned int, nr_runs)
		__field(u64, nr_present)
		__field(u64, nr_accessed)
		__field(u64, total_ns)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->end = reply->out_end;
		__entry->nr_runs = reply->out_nr_runs;
		__entry->nr_present = reply->out_nr_present;
		__entry->nr_accessed = reply->out_nr_accessed;
		__entry->total_ns = reply->out_total_ns;
	),
	TP_printk("target=%d end=%llx runs=%u present=%llu accessed=%llu total_ns=%llu",
		  __entry->pid, __entry->end, __entry->nr_runs,
		  __entry->nr_present, __entry->nr_accessed, __entry->total_ns)
);

#endif /* HEMEM_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
