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

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/types.h>
#include <hemem_assist.h>

struct attribute_group;
struct mm_walk;
struct pid;
struct task_struct;

/* ---- stats.c: counters in /sys/class/misc/hemem/ ---- */

/*
 * X(name): only ever grow, until rmmod.  "pages" are entries, base or huge.
 *
 *  migrate_calls	MIGRATE calls that were tried
 *  moved .. untried	their entries by enum hemem_assist_status
 *  moved_bytes		bytes of the pages that moved
 *  migrate_ns		time in MIGRATE
 *  drains		times that per-CPU LRU lists were drained for a call
 *  scan_calls		SCAN calls that were tried
 *  scan_present	base pages found present
 *  scan_accessed	base pages found accessed
 *  scan_flushes	TLB flushes, one per batch of cleared bits
 *  scan_ns		time in SCAN
 *  attaches		successful ATTACH calls
 */
#define HEMEM_STATS(X)							\
	X(migrate_calls)						\
	X(untried) X(moved) X(there) X(busy) X(no_room) X(no_page)	\
	X(shared) X(zero) X(never) X(denied)				\
	X(moved_bytes) X(migrate_ns) X(drains)				\
	X(scan_calls) X(scan_present) X(scan_accessed)			\
	X(scan_flushes) X(scan_ns)					\
	X(attaches)

enum hemem_stat {
#define HEMEM_STAT_ENUM(name) HEMEM_STAT_##name,
	HEMEM_STATS(HEMEM_STAT_ENUM)
	HEMEM_NR_STATS
};

void hemem_stats_add(enum hemem_stat stat, u64 n);
extern const struct attribute_group *hemem_stats_groups[];

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
 * @node: in the list of attached targets, protected by that list's lock
 */
struct hemem_target {
	struct mutex lock;
	struct mm_struct *mm;
	struct pid *pid;
	struct pid *holder;
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

/* ---- migrate.c: MIGRATE, and the interface of a move engine ---- */

/**
 * struct hemem_batch - one MIGRATE
 * @mm: the target's, mm_users held
 * @moves: the entries, kernel copy; addresses and nodes are valid
 * @nr_moves: how many
 * @may_share: pages mapped by others may move too
 * @makes_room: a node short of free memory has its reclaim woken
 * @has_drained: the per-CPU LRU lists were drained for this batch already
 * @reply: the out members, filled as the batch goes
 */
struct hemem_batch {
	struct mm_struct *mm;
	struct hemem_assist_move *moves;
	unsigned int nr_moves;
	bool may_share;
	bool makes_room;
	bool has_drained;
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

extern const struct hemem_engine hemem_engine_kernel;

int hemem_migrate(struct hemem_target *target, struct hemem_assist_migrate *arg);

/* ---- scan.c: SCAN ---- */

int hemem_scan(struct hemem_target *target, struct hemem_assist_scan *arg);

/* ---- chardev.c: /dev/hemem ---- */

int hemem_chardev_init(void);
void hemem_chardev_exit(void);

#endif /* HEMEM_H */
