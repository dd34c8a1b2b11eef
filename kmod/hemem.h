/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hemem.h - what the module's files know of each other
 *
 * One section a file, in the order in which main.c brings them up.  The words
 * are those of docs/design.md: a target is the process whose memory is placed, a
 * batch is what one MIGRATE carries.
 */
#ifndef HEMEM_H
#define HEMEM_H

#include <linux/jump_label.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/types.h>
#include <hemem_assist.h>

struct attribute_group;
struct file;
struct hemem_region;
struct mm_walk;
struct hemem_wp;
struct pid;
struct seq_file;
struct task_struct;

/* ---- stats.c: counters in /sys/class/misc/hemem/stats/, and what is true now beside it ---- */

/*
 * X(name): what became of an entry in one transaction of engine_swap.c; its counter is
 * swap_NAME, that of the first swapped.  All but the first leave the page as it was.
 *
 *  swapped	it moved
 *  written	the program wrote to it meanwhile; tried again
 *  pinned	somebody took a reference meanwhile; tried again
 *  gone	unmapped, or the entry changed by somebody else meanwhile; tried again
 *  locked	somebody has the page lock; tried again
 *  off_lru	in a per-CPU list, or isolated by somebody; tried again
 *  referenced	references beside the mapping's: I/O, a pipe, a debugger
 *  mapping	a mapping that is not anonymous, private and writable, or is mlocked, or
 *		write-protected by userfaultfd
 *  not_anon	zero page, device memory, poisoned, under NUMA hinting
 *  ksm		merged by KSM
 *  shared	mapped more than once, or a huge page that was since fork
 *  huge_part	a part of a huge page, or a huge page with a part that is unmapped
 *  swapcache	in the swap cache or under writeback
 *  lazyfree	given up by MADV_FREE
 *  locked_down	mlocked or unevictable
 *  notified	the target has MMU notifiers (a virtual machine, a device's page tables)
 *  large_part	a part of a large page that is not a huge one (mTHP)
 */
#define HEMEM_SWAP_OUTCOMES(X)						\
	X(swapped) X(written) X(pinned) X(gone) X(locked) X(off_lru)	\
	X(referenced) X(mapping) X(not_anon) X(ksm) X(shared)		\
	X(huge_part) X(swapcache) X(lazyfree) X(locked_down) X(notified)	\
	X(large_part)

enum hemem_swap_outcome {
#define HEMEM_SWAP_ENUM(name) HEMEM_SWAP_##name,
	HEMEM_SWAP_OUTCOMES(HEMEM_SWAP_ENUM)
	HEMEM_NR_SWAP_OUTCOMES
};

/* In the order of HEMEM_SWAP_OUTCOMES. */
#define HEMEM_STATS_OF_SWAPS(X)						\
	X(swapped) X(swap_written) X(swap_pinned) X(swap_gone)		\
	X(swap_locked) X(swap_off_lru) X(swap_referenced)		\
	X(swap_mapping) X(swap_not_anon) X(swap_ksm) X(swap_shared)	\
	X(swap_huge_part) X(swap_swapcache) X(swap_lazyfree)		\
	X(swap_locked_down) X(swap_notified) X(swap_large_part)

/*
 * X(name): only ever grow, until rmmod.  "pages" are entries, base or huge.
 *
 *  migrate_calls	MIGRATE calls that were tried
 *  moved .. untried	their entries by enum hemem_assist_status
 *  moved_bytes		bytes of the pages that moved
 *  migrate_ns		time in MIGRATE
 *  drains		times that per-CPU LRU lists were drained for a call
 *  recycled		new pages that came from the pool
 *  swapped .. swap_large_part	HEMEM_SWAP_OUTCOMES
 *  scan_calls		SCAN calls that were tried
 *  scan_present	base pages found present
 *  scan_accessed	base pages found accessed
 *  scan_flushes	TLB flushes, one per batch of cleared bits
 *  scan_ns		time in SCAN
 *  attaches		successful ATTACH calls
 *  region_waits	faults in managed regions that found a page closed by a move
 *  region_sigbus	faults that found no memory on either node
 *  region_written	pages that did not move because they were written meanwhile
 *  region_splits	huge pages that were split
 */
#define HEMEM_STATS(X)							\
	HEMEM_STATS_OF_SWAPS(X)						\
	X(migrate_calls)						\
	X(untried) X(moved) X(there) X(busy) X(no_room) X(no_page)	\
	X(shared) X(zero) X(never) X(denied)				\
	X(moved_bytes) X(migrate_ns) X(drains) X(recycled)		\
	X(scan_calls) X(scan_present) X(scan_accessed)			\
	X(scan_flushes) X(scan_ns)					\
	X(attaches)							\
	X(region_waits) X(region_sigbus) X(region_written) X(region_splits)

enum hemem_stat {
#define HEMEM_STAT_ENUM(name) HEMEM_STAT_##name,
	HEMEM_STATS(HEMEM_STAT_ENUM)
	HEMEM_NR_STATS
};

void hemem_stats_add(enum hemem_stat stat, u64 n);
extern const struct attribute_group *hemem_stats_groups[];

/* ---- hist.c: histograms in /sys/class/misc/hemem/histograms/ ---- */

/*
 * X(name): how long something was so, in engine_swap.c, in ns; counted while the parameter
 * histograms is on.
 *
 *  unavailable	the entry of a page that was swapped did not allow reading: one for each page
 *  table_lock	a page-table lock was held
 *  mmap_lock	the target's mmap_lock was held for reading
 */
#define HEMEM_HISTS(X) X(unavailable) X(table_lock) X(mmap_lock)

enum hemem_hist {
#define HEMEM_HIST_ENUM(name) HEMEM_HIST_##name,
	HEMEM_HISTS(HEMEM_HIST_ENUM)
	HEMEM_NR_HISTS
};

DECLARE_STATIC_KEY_FALSE(hemem_hist_key);
void hemem_hist_add(enum hemem_hist hist, u64 ns);
extern const struct attribute_group hemem_hist_group;

/* What to give to hemem_hist_end(); 0: nobody wants to know, which costs a no-op. */
static inline u64 hemem_hist_begin(void)
{
	return static_branch_unlikely(&hemem_hist_key) ? ktime_get_ns() : 0;
}

static inline void hemem_hist_end(enum hemem_hist hist, u64 since_ns)
{
	if (static_branch_unlikely(&hemem_hist_key) && since_ns)
		hemem_hist_add(hist, ktime_get_ns() - since_ns);
}

/* ---- target.c: what an fd is attached to ---- */

/**
 * struct hemem_target - an open /dev/hemem, and after ATTACH one mm
 * @lock: serialises ATTACH on this fd
 * @mm: NULL until attached, then constant for the life of the fd.
 *	mmgrab()ed: the struct stays, the memory may go.  Batches take mm_users
 *	with hemem_target_enter() and never keep it across ioctls, so a target
 *	that exits is not held up.
 * @pid: the target's thread group, referenced while attached
 * @holder: who attached it, referenced while attached
 * @wp: what WP_REGISTER has bound this fd to, or NULL; set once, protected by @lock, freed with
 *	the fd
 * @scratch: memory of a move engine between calls, or NULL; taken and put back by exchange,
 *	so that calls at the same time do not meet
 * @region: the managed region that the fd is instead of being attached, or NULL; constant
 *	once set, under @lock
 * @node: in the list of attached targets, protected by that list's lock
 */
struct hemem_target {
	struct mutex lock;
	struct mm_struct *mm;
	struct pid *pid;
	struct pid *holder;
	struct hemem_wp *wp;
	void *scratch;
	struct hemem_region *region;
	struct list_head node;
};

struct hemem_target *hemem_target_new(void);
void hemem_target_free(struct hemem_target *target);
int hemem_target_attach(struct hemem_target *target,
			struct hemem_assist_attach *arg);
struct mm_struct *hemem_target_enter(struct hemem_target *target,
				     nodemask_t *ret_allowed);

/* ---- walk.c: visiting present entries of a page table ---- */

/**
 * struct hemem_slot - one present entry that maps user memory
 * @addr: first address that it maps
 * @end: first address after it
 * @vma: the mapping
 * @page: the page; NULL: the zero page
 * @pte: the entry of a base page, or NULL
 * @pmd: the entry of a huge page, or NULL
 *
 * Neither @pte nor @pmd: [@addr, @end) is a mapping of a kind that never moves,
 * told as a whole and without a lock.  Otherwise the page-table lock is held
 * during the visit, so the page stays.
 */
struct hemem_slot {
	unsigned long addr;
	unsigned long end;
	struct vm_area_struct *vma;
	struct page *page;
	pte_t *pte;
	pmd_t *pmd;
};

static inline bool hemem_slot_is_mapped(const struct hemem_slot *slot)
{
	return slot->pte || slot->pmd;
}

bool hemem_slot_is_movable(const struct hemem_slot *slot);

/**
 * hemem_visit_t - called for each present entry, in address order
 * @slot: the entry
 * @arg: of hemem_walk()
 *
 * Must not sleep.
 * Return: 0 to go on, 1 to stop before this entry
 */
typedef int (*hemem_visit_t)(const struct hemem_slot *slot, void *arg);

unsigned long hemem_walk(struct mm_struct *mm, unsigned long start,
			 unsigned long end, unsigned long max_entries,
			 hemem_visit_t visit, void *arg);
pmd_t *hemem_walk_pmd(struct mm_struct *mm, unsigned long addr);

/* ---- migrate.c: MIGRATE, and the interface of a move engine ---- */

/**
 * struct hemem_batch - one MIGRATE
 * @mm: the target's, mm_users held
 * @moves: the entries, kernel copy; addresses and nodes are valid
 * @nr_moves: how many
 * @may_share: pages mapped by others may move too
 * @makes_room: a node short of free memory has its reclaim woken
 * @has_drained: the per-CPU LRU lists were drained for this batch already
 * @scratch: where an engine may leave memory for its next call, to be freed by kfree(), or
 *	NULL: nowhere
 * @reply: the out members, filled as the batch goes
 */
struct hemem_batch {
	struct mm_struct *mm;
	struct hemem_assist_move *moves;
	unsigned int nr_moves;
	bool may_share;
	bool makes_room;
	bool has_drained;
	void **scratch;
	struct hemem_assist_migrate *reply;
};

/**
 * struct hemem_engine - a way to move pages
 * @name: for the log
 * @move: try entries [@first, @first + @nr) of the batch, which all want the
 *	same node, and set their status.  Bounds its own work: returns how many
 *	it dealt with, at least one, or -errno if it could not begin.
 */
struct hemem_engine {
	const char *name;
	int (*move)(struct hemem_batch *batch, unsigned int first,
		    unsigned int nr);
};

void hemem_migrate_init(void);
enum hemem_assist_no_swap hemem_migrate_no_swap(void);
void hemem_migrate_drain(struct hemem_batch *batch);

/* A fatal signal for us; or nobody but us is left in there: the target is exiting. */
static inline bool hemem_batch_is_over(const struct hemem_batch *batch)
{
	return fatal_signal_pending(current) ||
	       atomic_read(&batch->mm->mm_users) == 1;
}

int hemem_migrate(struct hemem_target *target, struct hemem_assist_migrate *arg);

/* ---- engine_kernel.c ---- */

extern const struct hemem_engine hemem_engine_kernel;

gfp_t hemem_engine_kernel_gfp(const struct hemem_batch *batch);

/* ---- engine_swap.c, and pool.c that it takes new pages from ---- */

/**
 * struct hemem_swap_times - one transaction of base pages, for its tracepoint
 * @nr: pages
 * @protect_ns: finding, protecting and isolating them
 * @flush_ns: both TLB flushes
 * @copy_ns: with the flush before it, how long a write spoils a page's transaction
 * @swap_ns: new pages into the entries
 * @reopen_ns: permission and dirty bits back
 * @release_ns: the old pages into the pool, the spoilt ones back to the LRU
 */
struct hemem_swap_times {
	unsigned int nr;
	u64 protect_ns;
	u64 flush_ns;
	u64 copy_ns;
	u64 swap_ns;
	u64 reopen_ns;
	u64 release_ns;
};

/*
 * fault.c, for tests of the tests alone: steps of swaps, of moves of regions and of write
 * protection that can be left out, and places where a move stops until it is told to go on.  Not in an ordinary module: there these
 * are constants, and no code is left.
 */
enum hemem_fault {
	HEMEM_FAULT_PROTECT	= 1 << 0,	/* entries stay writable */
	HEMEM_FAULT_FLUSH	= 1 << 1,	/* no flush before the copy */
	HEMEM_FAULT_REFERENCES	= 1 << 2,	/* nobody looks for references */
	HEMEM_FAULT_VERIFY	= 1 << 3,	/* nor whether the page was written */
	HEMEM_FAULT_FLUSH_AGAIN	= 1 << 4,	/* no flush after the swap */
	HEMEM_FAULT_HUGE_STAYS	= 1 << 5,	/* a huge page's entry is none for a moment */
	HEMEM_FAULT_COPY	= 1 << 6,	/* nothing is copied */
	HEMEM_FAULT_WP_SWAP	= 1 << 7,	/* a page that is swapped out comes in writable */
	HEMEM_FAULT_WP_COLLAPSE	= 1 << 8,	/* khugepaged takes marked pages */
	HEMEM_FAULT_WP_GONE	= 1 << 9,	/* marks stay where pages went */
	HEMEM_FAULT_WP_MPROTECT	= 1 << 10,	/* mprotect makes entries writable */
	HEMEM_FAULT_REGION_UNMAP	= 1 << 11,	/* a region's old entries stay */
	HEMEM_FAULT_REGION_WRITTEN	= 1 << 12,	/* nobody looks whether it was written */
	HEMEM_FAULT_REGION_UNMAP_AGAIN	= 1 << 13,	/* readers keep the old page */
	HEMEM_FAULT_REGION_FULL		= 1 << 14,	/* no node has a page for a region */
};

enum hemem_fault_place {
	HEMEM_FAULT_NOWHERE,
	HEMEM_FAULT_COPIED,			/* after the copy, before the swap */
	HEMEM_FAULT_SWAPPED,			/* after the swap, before the flush */
	HEMEM_FAULT_CLEARED,			/* a huge page's entry is away, lock held */
	HEMEM_FAULT_REGION_BEGUN,		/* before the copy */
	HEMEM_FAULT_REGION_COPIED,		/* after the copy, before the switch */
	HEMEM_FAULT_REGION_SWITCHED,		/* after the switch, before the second unmap */
};

#ifdef HEMEM_FAULTS
bool hemem_fault_omits(enum hemem_fault fault);
void hemem_fault_stop(enum hemem_fault_place place);
void hemem_fault_spin(enum hemem_fault_place place);
u64 hemem_fault_clock(void);
void hemem_fault_was_clear(u64 since);
#else
static inline u64 hemem_fault_clock(void) { return 0; }
static inline void hemem_fault_was_clear(u64 since) { }
static inline bool hemem_fault_omits(enum hemem_fault fault) { return false; }
static inline void hemem_fault_stop(enum hemem_fault_place place) { }
static inline void hemem_fault_spin(enum hemem_fault_place place) { }
#endif

#ifdef HEMEM_SWAP
extern const struct hemem_engine hemem_engine_swap;

int hemem_engine_swap_try(struct hemem_batch *batch, u8 *ret_outcomes);
enum hemem_assist_no_swap hemem_selftest(void);

#define HEMEM_POOL_BATCH	32

int hemem_pool_init(void);
void hemem_pool_exit(void);
unsigned int hemem_pool_take(int node, struct page **ret_pages, unsigned int nr);
struct folio *hemem_pool_take_huge(int node);
void hemem_pool_give(struct page **pages, unsigned int nr);
void hemem_pool_give_huge(struct folio *folio);
void hemem_pool_empty(void);
u64 hemem_pool_bytes(void);
#else
static inline int hemem_pool_init(void) { return 0; }
static inline void hemem_pool_exit(void) { }
static inline void hemem_pool_empty(void) { }
static inline u64 hemem_pool_bytes(void) { return 0; }
#endif

/* ---- region*.c: memory that programs map from /dev/hemem; region.h is theirs alone ---- */

int hemem_region_pool_init(void);
void hemem_region_pool_exit(void);
u64 hemem_region_pool_bytes(void);

int hemem_region_make(struct hemem_target *target, struct file *file,
		      const struct hemem_assist_region *arg);
void hemem_region_free(struct hemem_region *region);
int hemem_region_mmap(struct hemem_target *target, struct vm_area_struct *vma);
void hemem_region_show(struct seq_file *m, struct hemem_target *target);
unsigned long hemem_region_pages(const struct hemem_region *region);
int hemem_region_move(struct hemem_region *region, struct hemem_batch *batch, u32 flags);
int hemem_region_discard(struct hemem_target *target,
			 const struct hemem_assist_discard *arg);

/* ---- scan.c: SCAN ---- */

int hemem_scan(struct hemem_target *target, struct hemem_assist_scan *arg);

/* ---- wp.c: WP_REGISTER and WP_PROTECT; wp_mark.c, wp_hook.c beneath it ---- */

#ifdef HEMEM_WP
/**
 * struct hemem_wp - write protection of one process's memory, by one userfaultfd
 * @mm: the process's; mmgrab()ed by @notifier
 * @ctx: the userfaultfd's, to be compared and never looked into: the file may be gone
 * @blocks: pages that are protected: a bitmap for each 2 MiB, by address / 2 MiB
 * @notifier: tells of pages that went away
 * @stand_in: what old kernels get to see in place of the mapping; wp_hook.c says why
 * @node: in the list of all, for readers under RCU
 */
struct hemem_wp {
	struct mm_struct *mm;
	void *ctx;
	struct xarray blocks;
	struct mmu_notifier notifier;
#ifdef HEMEM_WP_STAND_IN
	struct vm_area_struct stand_in;
#endif
	struct list_head node;
};

bool hemem_wp_is_on(void);
int hemem_wp_register(struct hemem_target *target,
		      struct hemem_assist_wp_register *arg);
int hemem_wp_protect(struct hemem_target *target,
		     const struct hemem_assist_wp_protect *arg);
void hemem_wp_free(struct hemem_wp *wp);

/* wp_mark.c: which pages are protected */
int hemem_wp_mark_init(struct hemem_wp *wp);
void hemem_wp_mark_exit(struct hemem_wp *wp);
int hemem_wp_mark_reserve(struct hemem_wp *wp, unsigned long start,
			  unsigned long end);
void hemem_wp_mark_set(struct hemem_wp *wp, unsigned long start, unsigned long end);
void hemem_wp_mark_clear(struct hemem_wp *wp, unsigned long start, unsigned long end);
struct hemem_wp *hemem_wp_mark_find(struct mm_struct *mm);
bool hemem_wp_mark_is_set(struct hemem_wp *wp, unsigned long addr);
bool hemem_wp_mark_is_any_set(struct hemem_wp *wp, unsigned long addr);

/* wp_hook.c: what the kernel does differently while there is any */
int hemem_wp_hook_get(void);
void hemem_wp_hook_put(void);
#else
static inline bool hemem_wp_is_on(void) { return false; }

static inline int hemem_wp_register(struct hemem_target *target,
				    struct hemem_assist_wp_register *arg)
{
	return -EOPNOTSUPP;
}

static inline int hemem_wp_protect(struct hemem_target *target,
				   const struct hemem_assist_wp_protect *arg)
{
	return -EOPNOTSUPP;
}

static inline void hemem_wp_free(struct hemem_wp *wp) { }
#endif

/* ---- chardev.c: /dev/hemem ---- */

int hemem_chardev_init(void);
void hemem_chardev_exit(void);

#endif /* HEMEM_H */
