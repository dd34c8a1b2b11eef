/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compat.h - every difference between kernel versions, and nothing else
 *
 * The module is written as if only the newest kernel existed; this file, which
 * Kbuild includes before every source file, makes that true on older ones.  An
 * entry says since when the newest form exists and when the entry may go.
 */
#ifndef HEMEM_COMPAT_H
#define HEMEM_COMPAT_H

/* Here because this file comes before every other and brings printk in. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 10, 0)
#error "hemem_assist needs Linux 5.10 or newer"
#endif
#ifndef CONFIG_X86_64
#error "hemem_assist knows the page tables of x86-64 only"
#endif

#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/migrate.h>
#include <linux/page_idle.h>
#include <linux/pagemap.h>
#include <linux/swap.h>

/*
 * v5.16: struct folio.  Before it a folio is the head page.
 * Drop with 5.15.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0)
#define folio			page
#define page_folio(p)		compound_head(p)
#define folio_page(f, n)	((f) + (n))
#define folio_nid(f)		page_to_nid(f)
#define folio_nr_pages(f)	compound_nr(f)
#define folio_order(f)		compound_order(f)
#define folio_get(f)		get_page(f)
#define folio_put(f)		put_page(f)
#define folio_ref_count(f)	page_ref_count(f)
#define folio_test_anon(f)	PageAnon(f)
#define folio_test_lru(f)	PageLRU(f)
#define folio_test_swapcache(f)	PageSwapCache(f)
#define folio_test_swapbacked(f) PageSwapBacked(f)
#define folio_is_file_lru(f)	page_is_file_lru(f)
#define folio_mark_dirty(f)	set_page_dirty(f)
#define folio_mark_accessed(f)	mark_page_accessed(f)
#define folio_set_young(f)	set_page_young(f)
#define folio_maybe_dma_pinned(f) page_maybe_dma_pinned(f)
#endif

/*
 * v5.17: a huge page from __folio_alloc_node() comes with its deferred-split
 * list ready.  Before it the caller calls prep_transhuge_page(), which is not
 * exported: ksyms.c looks it up.  Drop with 5.16.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 17, 0)
#define HEMEM_NEEDS_PREP_TRANSHUGE
#endif

/* v6.3: folio_isolate_lru() says true for success.  Not in a public header. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
bool folio_isolate_lru(struct folio *folio);
#define HEMEM_ISOLATE		folio_isolate_lru
#define HEMEM_ISOLATED(ret)	(ret)
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(5, 16, 0)
int folio_isolate_lru(struct folio *folio);
#define HEMEM_ISOLATE		folio_isolate_lru
#define HEMEM_ISOLATED(ret)	((ret) == 0)
#else
int isolate_lru_page(struct page *page);
#define HEMEM_ISOLATE		isolate_lru_page
#define HEMEM_ISOLATED(ret)	((ret) == 0)
#endif

/* v6.5: migrate_pages() hands folios to its callbacks.  Drop with 6.4. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
typedef struct folio hemem_migrate_page_t;
#define hemem_folio_of(src)	(src)
#define hemem_folio_to(folio)	(folio)
#else
typedef struct page hemem_migrate_page_t;
#define hemem_folio_of(src)	page_folio(src)
#define hemem_folio_to(folio)	((folio) ? folio_page(folio, 0) : NULL)
#endif

/* v5.16: migrate_pages() reports how many it moved.  Drop with 5.15. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 16, 0)
#define HEMEM_MIGRATE_ARGS	, NULL
#else
#define HEMEM_MIGRATE_ARGS
#endif

/*
 * v6.15: folio_maybe_mapped_shared(), v6.9: folio_likely_mapped_shared().
 * Before them the exact count of the one page is at hand.
 */
static inline bool hemem_page_is_shared(struct page *page)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
	return folio_maybe_mapped_shared(page_folio(page));
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
	return folio_likely_mapped_shared(page_folio(page));
#else
	return page_mapcount(page) > 1;
#endif
}

/*
 * Clearing an accessed bit takes a hint away from the kernel's reclaim; this
 * hands it back.  With PAGE_IDLE_FLAG there is a flag just for that (DAMON uses
 * it the same way); without, the page is marked as a read() would mark it.
 */
static inline void hemem_folio_keep_young(struct folio *folio)
{
	if (IS_ENABLED(CONFIG_PAGE_IDLE_FLAG) ||
	    IS_ENABLED(CONFIG_IDLE_PAGE_TRACKING))
		folio_set_young(folio);
	else
		folio_mark_accessed(folio);
}

/* v6.6: a dirty read-only entry keeps its dirty bit in a second place. */
#ifdef _PAGE_BIT_SAVED_DIRTY
#define HEMEM_PAGE_BIT_SAVED_DIRTY	_PAGE_BIT_SAVED_DIRTY
#else
#define HEMEM_PAGE_BIT_SAVED_DIRTY	_PAGE_BIT_DIRTY
#endif

/* v6.6: user shadow stacks, where a dirty read-only entry is what they are. */
#ifndef VM_SHADOW_STACK
#define VM_SHADOW_STACK		VM_NONE
#endif

/*
 * The kernels that engine_swap.c is right on; it depends on what a struct page means.
 * 6.1: PG_anon_exclusive (5.19), LRU isolation by PG_lru (5.11), struct folio.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0) &&			\
    LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0) &&			\
    defined(CONFIG_MEMCG) && defined(CONFIG_NUMA) &&			\
    defined(CONFIG_TRANSPARENT_HUGEPAGE) && !defined(CONFIG_PREEMPT_RT)
#define HEMEM_SWAP
#endif

#ifdef _PAGE_SAVED_DIRTY
#define HEMEM_PAGE_SAVED_DIRTY	_PAGE_SAVED_DIRTY
#else
#define HEMEM_PAGE_SAVED_DIRTY	0UL
#endif

#define hemem_alloc_pages_bulk(gfp, node, nr, pages)			\
	alloc_pages_bulk_array_node(gfp, node, nr, pages)

/* v6.7: a shrinker is allocated; not before. */
#define HEMEM_SHRINKER(name, count, scan)				\
	static struct shrinker name = {					\
		.count_objects = (count), .scan_objects = (scan),	\
		.seeks = DEFAULT_SEEKS, .flags = SHRINKER_NUMA_AWARE,	\
	}
#define hemem_shrinker_register(shrinker, name) register_shrinker(shrinker, name)
#define hemem_shrinker_unregister(shrinker) unregister_shrinker(shrinker)

/*
 * Hidden from modules in <asm/tlbflush.h>, and the same since 4.20; so this is
 * the one prototype that the compiler cannot hold against the kernel's.
 */
void flush_tlb_mm_range(struct mm_struct *mm, unsigned long start,
			unsigned long end, unsigned int stride_shift,
			bool freed_tables);

#endif /* HEMEM_COMPAT_H */
