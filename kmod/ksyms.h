/* SPDX-License-Identifier: GPL-2.0 */
/* ksyms.h - what the kernel does not export, callable after hemem_ksyms_init() */
#ifndef HEMEM_KSYMS_H
#define HEMEM_KSYMS_H

#include <linux/cpuset.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/migrate.h>
#include <linux/pagewalk.h>
#include <linux/pid.h>
#include <linux/rmap.h>
#include <linux/sched/mm.h>
#include <linux/security.h>
#include <linux/static_call.h>
#include <linux/swap.h>
#include <asm/tlbflush.h>

#ifdef HEMEM_NEEDS_PREP_TRANSHUGE
#define HEMEM_KSYMS_HUGE(X)	X(MIGRATE, prep_transhuge_page)
#else
#define HEMEM_KSYMS_HUGE(X)
#endif

/* Without these options the kernel's own headers have an inline that says yes. */
#ifdef CONFIG_SECURITY
#define HEMEM_KSYMS_SECURITY(X)	X(CORE, security_task_movememory)
#else
#define HEMEM_KSYMS_SECURITY(X)
#endif
#ifdef CONFIG_CPUSETS
#define HEMEM_KSYMS_CPUSETS(X)	X(CORE, cpuset_mems_allowed)
#else
#define HEMEM_KSYMS_CPUSETS(X)
#endif

/* What engine_swap.c needs, on the kernels that it is for. */
#ifdef HEMEM_LOCKS_TABLE_BY_CALL
#define HEMEM_KSYMS_TABLE(X)	X(SWAP, __pte_offset_map_lock)
#else
#define HEMEM_KSYMS_TABLE(X)
#endif
#ifdef HEMEM_COUNTS_HUGE_BY_CALL
#define HEMEM_KSYMS_COUNT(X)			\
	X(SWAP, folio_add_anon_rmap_pmd)	\
	X(SWAP, folio_remove_rmap_pmd)
#else
#define HEMEM_KSYMS_COUNT(X)
#endif
#ifdef HEMEM_QUEUES_HUGE
#define HEMEM_KSYMS_QUEUE(X)	X(SWAP, __folio_unqueue_deferred_split)
#else
#define HEMEM_KSYMS_QUEUE(X)
#endif
#ifdef HEMEM_SWAP
#define HEMEM_KSYMS_SWAP(X)			\
	X(SWAP, lru_add_drain)			\
	X(SWAP, __mod_lruvec_state)		\
	HEMEM_KSYMS_TABLE(X)			\
	HEMEM_KSYMS_COUNT(X)			\
	HEMEM_KSYMS_QUEUE(X)
#else
#define HEMEM_KSYMS_SWAP(X)
#endif

/* What wp.c needs, on the kernels that it is for. */
#ifdef HEMEM_NEEDS_TLB_GATHER
#define HEMEM_KSYMS_GATHER(X)			\
	X(WP, tlb_gather_mmu)			\
	X(WP, tlb_finish_mmu)
#else
#define HEMEM_KSYMS_GATHER(X)
#endif
#ifdef HEMEM_WP
#define HEMEM_KSYMS_WP(X)			\
	X(WP, split_vma)			\
	X(WP, change_protection)		\
	HEMEM_KSYMS_GATHER(X)
#else
#define HEMEM_KSYMS_WP(X)
#endif

/* Functions that wp_hook.c changes or jumps to; it never calls them. */
#ifdef HEMEM_WP
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
#define HEMEM_KPLACES_HUGE(X)			\
	X(do_huge_pmd_wp_page)			\
	X(hugepage_vma_revalidate)
#else
#define HEMEM_KPLACES_HUGE(X)
#endif
#ifdef HEMEM_MPROTECT_OPENS
#define HEMEM_KPLACES_MPROTECT(X)	X(change_protection)
#else
#define HEMEM_KPLACES_MPROTECT(X)
#endif
#define HEMEM_KPLACES(X)			\
	HEMEM_KPLACES_MPROTECT(X)		\
	X(handle_userfault)			\
	X(do_wp_page)				\
	X(do_swap_page)				\
	HEMEM_KPLACES_HUGE(X)
#else
#define HEMEM_KPLACES(X)
#endif

#define HEMEM_KPLACE_DECLARE(name) extern unsigned long hemem_kplace_##name;
HEMEM_KPLACES(HEMEM_KPLACE_DECLARE)

/*
 * X(feature, name): @name is looked up by that name; where it is missing, the
 * feature is off.  CORE is what every ioctl but INFO needs.  The types are those
 * of the kernel's own declarations, so a changed signature does not compile.
 */
#define HEMEM_KSYMS(X)				\
	X(CORE, pidfd_get_pid)			\
	X(CORE, mm_access)			\
	HEMEM_KSYMS_SECURITY(X)			\
	HEMEM_KSYMS_CPUSETS(X)			\
	X(CORE, walk_page_range)		\
	X(MIGRATE, migrate_pages)		\
	X(MIGRATE, putback_movable_pages)	\
	X(MIGRATE, HEMEM_ISOLATE)		\
	HEMEM_KSYMS_HUGE(X)			\
	X(FLUSH, flush_tlb_mm_range)		\
	X(DRAIN, lru_add_drain_all)		\
	HEMEM_KSYMS_SWAP(X)			\
	HEMEM_KSYMS_WP(X)

#define HEMEM_KSYM_DECLARE_(name)	DECLARE_STATIC_CALL(hemem_k_##name, name)
#define HEMEM_KSYM_DECLARE(feature, name) HEMEM_KSYM_DECLARE_(name);
HEMEM_KSYMS(HEMEM_KSYM_DECLARE)

/**
 * ksym() - call a function of HEMEM_KSYMS
 * @name: its name
 *
 * Only where the feature it belongs to is on.
 */
#define ksym(name)	ksym_(name)
#define ksym_(name)	static_call(hemem_k_##name)

/**
 * kplace() - the address of a function of HEMEM_KPLACES
 * @name: its name
 *
 * Only where HEMEM_ASSIST_FEAT_WP is on.
 */
#define kplace(name)	(hemem_kplace_##name)

static inline int hemem_task_movememory(struct task_struct *task)
{
#ifdef CONFIG_SECURITY
	return ksym(security_task_movememory)(task);
#else
	return security_task_movememory(task);
#endif
}

static inline nodemask_t hemem_mems_allowed(struct task_struct *task)
{
#ifdef CONFIG_CPUSETS
	return ksym(cpuset_mems_allowed)(task);
#else
	return cpuset_mems_allowed(task);
#endif
}

/**
 * hemem_ksyms_init() - look up all of HEMEM_KSYMS
 *
 * A missing function is reported once in the log and turns its feature off; it
 * never makes loading fail.
 */
void hemem_ksyms_init(void);

/**
 * hemem_ksyms_features() - what can be done with what was found
 *
 * Return: enum hemem_assist_features
 */
u64 hemem_ksyms_features(void);

/**
 * hemem_ksyms_missing() - the names that were not found
 * @buf: one page
 *
 * Return: length of the text, one name a line
 */
ssize_t hemem_ksyms_missing(char *buf);

#endif /* HEMEM_KSYMS_H */
