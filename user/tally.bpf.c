// SPDX-License-Identifier: GPL-2.0
/*
 * tally.bpf.c - counts samples of perf events by page, in the kernel
 *
 * Runs in place of the kernel's own writing of a sample: 0 drops it, 1 lets it be written into the
 * event's ring.  Nothing is lost here:
 *
 *   of another process                   counted, dropped
 *   of a page that has a counter         counted there, dropped
 *   there is no room for a counter       to the ring
 *   one load in 32                       to the ring: only there it tells what it waited
 *   of an event that needs more of the sample than its address      to the ring
 *
 * There are two buffers.  User space empties one while the other is filled, and turns them
 * round; what a program that was interrupted still adds to the first is found the next time.
 *
 * But the kernel drops a sample without asking us, and tells nobody, where a bpf() call on a map
 * was preempted on this CPU (bpf_prog_active): one in some thousands when others make
 * nothing but such calls.
 */
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <bpf/bpf_helpers.h>

#include "tally_page.h"

#define TO_RING		1
#define DROP		0
#define WHOLE_SHARE	32	/* a power of 2 */

/* The target; see pidns.h. */
const volatile __u32 target_tgid;
const volatile __u64 target_ns_dev;
const volatile __u64 target_ns_ino;

/* Which buffer is filled: 0 or 1.  User space's to write. */
volatile __u32 active;

/* Samples of other processes.  Only ever grows. */
__u64 nr_others;

struct buffer {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TALLY_MAX_PAGES);
	__type(key, __u64);
	__type(value, struct tally_page);
};

struct buffer even SEC(".maps");
struct buffer odd SEC(".maps");

static __always_inline int is_target(void)
{
	struct bpf_pidns_info info;

	if (bpf_get_ns_current_pid_tgid(target_ns_dev, target_ns_ino, &info, sizeof(info)))
		return 0;
	return info.tgid == target_tgid;
}

static __always_inline int add(void *buffer, __u64 page, int is_store)
{
	struct tally_page first = { !is_store, !!is_store }, *found;

	if (!bpf_map_lookup_elem(buffer, &page) &&
	    !bpf_map_update_elem(buffer, &page, &first, BPF_NOEXIST))
		return DROP;
	/* It was there, or another CPU has just made it, or there is no room. */
	found = bpf_map_lookup_elem(buffer, &page);
	if (!found)
		return TO_RING;
	__sync_fetch_and_add(is_store ? &found->stores : &found->loads, 1);
	return DROP;
}

static __always_inline int count(struct bpf_perf_event_data *ctx, int is_store)
{
	__u64 page = ctx->addr >> TALLY_PAGE_SHIFT;

	if (!is_target()) {
		__sync_fetch_and_add(&nr_others, 1);
		return DROP;
	}
	if (!is_store && !(bpf_get_prandom_u32() & (WHOLE_SHARE - 1)))
		return TO_RING;
	return active ? add(&odd, page, is_store) : add(&even, page, is_store);
}

SEC("perf_event")
int on_load(struct bpf_perf_event_data *ctx)
{
	return count(ctx, 0);
}

SEC("perf_event")
int on_store(struct bpf_perf_event_data *ctx)
{
	return count(ctx, 1);
}

/* What it was says the rest of the sample. */
SEC("perf_event")
int on_any(struct bpf_perf_event_data *ctx)
{
	if (is_target())
		return TO_RING;
	__sync_fetch_and_add(&nr_others, 1);
	return DROP;
}

/* Some of the helpers are offered to GPL programs only. */
char LICENSE[] SEC("license") = "GPL";
