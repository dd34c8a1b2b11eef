// SPDX-License-Identifier: GPL-2.0
/*
 * scan.c - SCAN: which pages are present, where, and touched since last time
 *
 * Works in batches: under mmap_lock a bounded number of entries is looked at,
 * their accessed and dirty bits are cleared if asked, and one TLB flush for the
 * batch makes sure that the next access sets them again; then the lock is
 * dropped and the runs are copied out.
 *
 * A run is neighbouring pages of one state.  Worked example, four base pages on
 * node 1 of which the third was written, then a hole, then a huge page:
 *
 *   addr 0x10000 nr 2 node 1 {ANON}
 *   addr 0x12000 nr 1 node 1 {ANON, ACCESSED, DIRTY}
 *   addr 0x13000 nr 1 node 1 {ANON}
 *   addr 0x200000 nr 1 node 1 {ANON, HUGE}
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "hemem.h"
#include "ksyms.h"
#include "trace.h"

static bool flush = true;
module_param(flush, bool, 0644);
MODULE_PARM_DESC(flush,
		 "Flush the TLB once per batch of cleared bits (default: Y); N is cheaper for the target and misses pages that stay in a TLB");

/*
 * Entries looked at per hold of mmap_lock: 4096 take some 0.2 ms, and one flush
 * for 16 MiB of base pages is little beside the visit itself.
 */
#define BATCH_ENTRIES	4096

/* Runs gathered before they are copied out: one page of memory. */
#define BATCH_RUNS	(PAGE_SIZE / sizeof(struct hemem_assist_run))

/**
 * struct scan - one SCAN
 * @arg: the struct, in and out
 * @mm: the target's
 * @runs: gathered since the last copy; the last one may still grow
 * @nr_runs: how many
 * @nr_copied: runs copied out before
 * @cleared_start: lowest address with a bit cleared in this batch
 * @cleared_end: end of the highest; 0: none
 */
struct scan {
	struct hemem_assist_scan *arg;
	struct mm_struct *mm;
	struct hemem_assist_run *runs;
	unsigned int nr_runs;
	unsigned int nr_copied;
	unsigned long cleared_start;
	unsigned long cleared_end;
};

/* The entry's bits, as the CPU sees them: base or huge, they are the same. */
static unsigned long *slot_bits(const struct hemem_slot *slot)
{
	return slot->pmd ? (unsigned long *)slot->pmd : (unsigned long *)slot->pte;
}

/*
 * May the dirty bit be cleared?  Not where it says something to a file system,
 * not on a shadow stack, where it says what the memory is, and not on a page
 * that MADV_FREE has given up unless written again.
 */
static bool may_clear_dirty(const struct hemem_slot *slot, struct folio *folio)
{
	return vma_is_anonymous(slot->vma) && folio_test_anon(folio) &&
	       folio_test_swapbacked(folio) &&
	       !(slot->vma->vm_flags & VM_SHADOW_STACK);
}

static u16 slot_flags(const struct hemem_slot *slot)
{
	unsigned long bits = READ_ONCE(*slot_bits(slot));
	u16 flags = slot->pmd ? HEMEM_ASSIST_PAGE_HUGE : 0;

	if (bits & _PAGE_ACCESSED)
		flags |= HEMEM_ASSIST_PAGE_ACCESSED;
	if (bits & (_PAGE_DIRTY | BIT(HEMEM_PAGE_BIT_SAVED_DIRTY)))
		flags |= HEMEM_ASSIST_PAGE_DIRTY;
	if (!slot->page)
		return flags | HEMEM_ASSIST_PAGE_ZERO;
	if (PageAnon(slot->page))
		flags |= HEMEM_ASSIST_PAGE_ANON;
	if (hemem_page_is_shared(slot->page))
		flags |= HEMEM_ASSIST_PAGE_SHARED;
	if (!hemem_slot_is_movable(slot))
		flags |= HEMEM_ASSIST_PAGE_NEVER;
	return flags;
}

/* Return: whether a bit was cleared. */
static bool slot_clear(const struct hemem_slot *slot, u16 flags, u32 asked)
{
	unsigned long *bits = slot_bits(slot);
	bool cleared = false;
	struct folio *folio;

	if (!slot->page || flags & HEMEM_ASSIST_PAGE_NEVER)
		return false;
	folio = page_folio(slot->page);
	if (asked & HEMEM_ASSIST_SCAN_CLEAR_DIRTY &&
	    flags & HEMEM_ASSIST_PAGE_DIRTY && may_clear_dirty(slot, folio)) {
		folio_mark_dirty(folio);
		clear_bit(_PAGE_BIT_DIRTY, bits);
		clear_bit(HEMEM_PAGE_BIT_SAVED_DIRTY, bits);
		cleared = true;
	}
	if (asked & HEMEM_ASSIST_SCAN_CLEAR_ACCESSED &&
	    flags & HEMEM_ASSIST_PAGE_ACCESSED) {
		clear_bit(_PAGE_BIT_ACCESSED, bits);
		hemem_folio_keep_young(folio);
		cleared = true;
	}
	return cleared;
}

/* Does a page with this state at @addr continue @run? */
static bool run_continues(const struct hemem_assist_run *run, unsigned long addr,
			  unsigned long bytes, u16 node, u16 flags)
{
	return run->node == node && run->flags == flags &&
	       run->addr + run->nr_pages * bytes == addr && run->nr_pages < U32_MAX;
}

static bool has_room(const struct scan *scan)
{
	return scan->nr_runs < BATCH_RUNS &&
	       scan->nr_copied + scan->nr_runs < scan->arg->max_runs;
}

static int scan_visit(const struct hemem_slot *slot, void *data)
{
	struct scan *scan = data;
	struct hemem_assist_run *last = &scan->runs[scan->nr_runs - 1];
	unsigned long bytes = slot->end - slot->addr;
	u16 flags, node;

	if (!hemem_slot_is_mapped(slot))
		return 0;
	flags = slot_flags(slot);
	node = slot->page ? page_to_nid(slot->page) : 0;
	if (scan->nr_runs && run_continues(last, slot->addr, bytes, node, flags)) {
		last->nr_pages++;
	} else {
		if (!has_room(scan))
			return 1;	/* before any bit of it is cleared */
		scan->runs[scan->nr_runs++] = (struct hemem_assist_run){
			.addr = slot->addr, .nr_pages = 1,
			.node = node, .flags = flags,
		};
	}

	scan->arg->out_nr_present += bytes >> PAGE_SHIFT;
	if (flags & HEMEM_ASSIST_PAGE_ACCESSED)
		scan->arg->out_nr_accessed += bytes >> PAGE_SHIFT;
	if (slot_clear(slot, flags, scan->arg->flags)) {
		if (!scan->cleared_end)
			scan->cleared_start = slot->addr;
		scan->cleared_end = slot->end;
	}
	return 0;
}

static void scan_flush(struct scan *scan)
{
	if (!scan->cleared_end || !flush ||
	    !(hemem_ksyms_features() & HEMEM_ASSIST_FEAT_FLUSH))
		return;
	ksym(flush_tlb_mm_range)(scan->mm, scan->cleared_start,
				 scan->cleared_end, PAGE_SHIFT, false);
	hemem_stats_add(HEMEM_STAT_scan_flushes, 1);
}

/* One hold of mmap_lock.  Return: 0 or -errno; arg->out_end moves on. */
static int scan_batch(struct scan *scan)
{
	struct hemem_assist_scan *arg = scan->arg;

	if (fatal_signal_pending(current) || mmap_read_lock_killable(scan->mm))
		return -EINTR;
	scan->cleared_end = 0;
	arg->out_end = hemem_walk(scan->mm, arg->out_end, arg->end,
				  BATCH_ENTRIES, scan_visit, scan);
	scan_flush(scan);
	mmap_read_unlock(scan->mm);
	return 0;
}

/* Copies all runs but the last @keep, which is the one that may still grow. */
static int scan_copy_out(struct scan *scan, unsigned int keep)
{
	struct hemem_assist_run __user *to =
		u64_to_user_ptr(scan->arg->runs);
	unsigned int nr = scan->nr_runs > keep ? scan->nr_runs - keep : 0;

	if (copy_to_user(to + scan->nr_copied, scan->runs,
			 nr * sizeof(*scan->runs)))
		return -EFAULT;
	memmove(scan->runs, scan->runs + nr,
		(scan->nr_runs - nr) * sizeof(*scan->runs));
	scan->nr_runs -= nr;
	scan->nr_copied += nr;
	return 0;
}

static int scan_run(struct scan *scan)
{
	struct hemem_assist_scan *arg = scan->arg;
	u64 before;
	int ret;

	while (arg->out_end < arg->end) {
		before = arg->out_end;
		ret = scan_batch(scan);
		if (ret && arg->out_end == arg->start)
			return ret;
		if (ret)
			break;		/* what was cleared has to be told */
		ret = scan_copy_out(scan, 1);
		if (ret)
			return ret;
		if (arg->out_end == before && !has_room(scan))
			break;
		cond_resched();
	}
	return scan_copy_out(scan, 0);
}

static int check_arg(const struct hemem_assist_scan *arg)
{
	const u32 known = HEMEM_ASSIST_SCAN_CLEAR_ACCESSED |
			  HEMEM_ASSIST_SCAN_CLEAR_DIRTY;

	if (arg->flags & ~known)
		return -EINVAL;
	if (!arg->max_runs || arg->max_runs > HEMEM_ASSIST_MAX_RUNS)
		return -EINVAL;
	if (!PAGE_ALIGNED(arg->start) || !PAGE_ALIGNED(arg->end))
		return -EINVAL;
	if (arg->start >= arg->end || arg->end > TASK_SIZE_MAX)
		return -EINVAL;
	if (!(hemem_ksyms_features() & HEMEM_ASSIST_FEAT_SCAN))
		return -EOPNOTSUPP;
	return 0;
}

static void scan_count(const struct hemem_assist_scan *arg)
{
	hemem_stats_add(HEMEM_STAT_scan_calls, 1);
	hemem_stats_add(HEMEM_STAT_scan_present, arg->out_nr_present);
	hemem_stats_add(HEMEM_STAT_scan_accessed, arg->out_nr_accessed);
	hemem_stats_add(HEMEM_STAT_scan_ns, arg->out_total_ns);
}

/**
 * hemem_scan() - HEMEM_ASSIST_SCAN
 * @target: the fd's
 * @arg: kernel copy of the struct; the array it points to is the caller's
 *
 * Return: 0, or -errno as the uapi header promises
 */
int hemem_scan(struct hemem_target *target, struct hemem_assist_scan *arg)
{
	struct scan scan = { .arg = arg };
	const u64 start_ns = ktime_get_ns();
	int ret;

	ret = check_arg(arg);
	if (ret)
		return ret;
	scan.mm = hemem_target_enter(target, NULL);
	if (IS_ERR(scan.mm))
		return PTR_ERR(scan.mm);
	ret = -ENOMEM;
	scan.runs = kmalloc_array(BATCH_RUNS, sizeof(*scan.runs), GFP_KERNEL);
	if (!scan.runs)
		goto err_mm;

	trace_hemem_scan_begin(pid_nr(target->pid), arg->start, arg->end);
	arg->out_end = arg->start;
	arg->out_nr_present = 0;
	arg->out_nr_accessed = 0;
	ret = scan_run(&scan);
	arg->out_nr_runs = scan.nr_copied;
	arg->out_total_ns = ktime_get_ns() - start_ns;
	scan_count(arg);
	trace_hemem_scan_end(pid_nr(target->pid), arg);
	kfree(scan.runs);
err_mm:
	mmput(scan.mm);
	return ret;
}
