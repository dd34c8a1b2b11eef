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
#include <linux/shrinker.h>
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
 * 6.12: what follows here, as far as it is later than 6.1.
 */
#define HEMEM_IS_KERNEL(major, minor)					\
	(LINUX_VERSION_CODE >= KERNEL_VERSION(major, minor, 0) &&	\
	 LINUX_VERSION_CODE < KERNEL_VERSION(major, minor + 1, 0))
#if (HEMEM_IS_KERNEL(6, 1) || HEMEM_IS_KERNEL(6, 12)) &&		\
    defined(CONFIG_MEMCG) && defined(CONFIG_NUMA) &&			\
    defined(CONFIG_TRANSPARENT_HUGEPAGE) && !defined(CONFIG_PREEMPT_RT)
#define HEMEM_SWAP
#endif

#ifdef HEMEM_SWAP

/*
 * v6.5: locking a table of base pages says NULL where there is none (any more), and is a
 * function that is not exported.  Before it what others may do under mmap_lock held for
 * reading, a split or a fault, is seen by the second look.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define HEMEM_LOCKS_TABLE_BY_CALL
#define hemem_lock_table(mm, pmd, ret_lock)				\
	ksym(__pte_offset_map_lock)(mm, pmd, 0, ret_lock)
#else
static inline pte_t *hemem_lock_table(struct mm_struct *mm, pmd_t *pmd,
				      spinlock_t **ret_lock)
{
	pmd_t was = READ_ONCE(*pmd);
	pte_t *pte;

	barrier();
	/* Bad is all that is no table: none, huge, a device's, one that is moved. */
	if (unlikely(pmd_bad(was)))
		return NULL;
	pte = pte_offset_map_lock(mm, pmd, 0, ret_lock);
	if (pmd_same(*pmd, was))
		return pte;
	pte_unmap_unlock(pte, *ret_lock);
	return NULL;
}
#endif

/*
 * v6.8: a huge page has one more count, of all its mappings; the functions that count one
 * are used.  They tell the statistics of the page's own memory cgroup and node.  Before
 * it, and where it is mapped once: one count, and those statistics.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define HEMEM_COUNTS_HUGE_BY_CALL
#define hemem_map_huge(folio, vma, addr)				\
	ksym(folio_add_anon_rmap_pmd)(folio, folio_page(folio, 0), vma, addr, RMAP_EXCLUSIVE)
#define hemem_unmap_huge(folio, vma)					\
	ksym(folio_remove_rmap_pmd)(folio, folio_page(folio, 0), vma)
#define hemem_huge_is_mapped_once(folio)				\
	(folio_entire_mapcount(folio) == 1 && folio_mapcount(folio) == 1)
#define hemem_page_mapcount(page)	folio_mapcount(page_folio(page))
#else
static inline void hemem_count_huge(struct folio *folio, int mapcount, int nr)
{
	atomic_set(folio_mapcount_ptr(folio), mapcount);
	__mod_lruvec_page_state(&folio->page, NR_ANON_THPS, nr);
	__mod_lruvec_page_state(&folio->page, NR_ANON_MAPPED, nr);
}
#define hemem_map_huge(folio, vma, addr) hemem_count_huge(folio, 0, HPAGE_PMD_NR)
#define hemem_unmap_huge(folio, vma)	hemem_count_huge(folio, -1, -HPAGE_PMD_NR)
#define hemem_huge_is_mapped_once(folio)				\
	(folio_entire_mapcount(folio) == 1 && !PageDoubleMap(&(folio)->page))
#define hemem_page_mapcount(page)	page_mapcount(page)
#endif

/*
 * v6.12: every huge page waits in the queue of those to be split, from its first fault on,
 * so that memory pressure finds the ones that are mostly zero; only a flag says whether a part of it is
 * unmapped.  It leaves the queue before it is charged elsewhere, with its references frozen,
 * which whoever works on the queue understands.  Before it only huge pages with an unmapped
 * part wait; these are left alone.
 */
#define hemem_is_in_split_queue(folio)	(!list_empty(hemem_split_link(folio)))
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define HEMEM_QUEUES_HUGE
bool __folio_unqueue_deferred_split(struct folio *folio);
#define hemem_split_link(folio)		(&(folio)->_deferred_list)
#define hemem_huge_must_split(folio)	folio_test_partially_mapped(folio)
#define hemem_leave_split_queue(folio, nr_refs)				\
({									\
	bool may_leave = folio_ref_freeze(folio, nr_refs);		\
									\
	if (may_leave) {						\
		ksym(__folio_unqueue_deferred_split)(folio);		\
		folio_ref_unfreeze(folio, nr_refs);			\
	}								\
	may_leave;							\
})
#else
#define hemem_split_link(folio)		page_deferred_list(&(folio)->page)
#define hemem_huge_must_split(folio)	hemem_is_in_split_queue(folio)
#define hemem_leave_split_queue(folio, nr_refs)	false
#endif

/*
 * v6.7: folio_migrate_flags() hands the charge over.  Before it the new page would be charged
 * too, and the limit be exceeded for a moment; it leaves alone what is charged already.
 */
static inline void hemem_hand_over_flags(struct folio *to, struct folio *from)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	folio_migrate_flags(to, from);
#else
	to->memcg_data = from->memcg_data;
	folio_migrate_flags(to, from);
	from->memcg_data = 0;
#endif
}

#endif /* HEMEM_SWAP */

#ifdef _PAGE_SAVED_DIRTY
#define HEMEM_PAGE_SAVED_DIRTY	_PAGE_SAVED_DIRTY
#else
#define HEMEM_PAGE_SAVED_DIRTY	0UL
#endif

#define hemem_alloc_pages_bulk(gfp, node, nr, pages)			\
	alloc_pages_bulk_array_node(gfp, node, nr, pages)

/* v6.7: a shrinker is allocated; v6.0: it has a name.  Drop with 6.6, 5.19. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
struct hemem_shrinker {
	struct shrinker *shrinker;
	unsigned long (*count)(struct shrinker *shrinker, struct shrink_control *sc);
	unsigned long (*scan)(struct shrinker *shrinker, struct shrink_control *sc);
};

#define HEMEM_SHRINKER(name, count_fn, scan_fn)				\
	static struct hemem_shrinker name = { .count = (count_fn), .scan = (scan_fn) }

static inline int hemem_shrinker_register(struct hemem_shrinker *own, const char *name)
{
	own->shrinker = shrinker_alloc(SHRINKER_NUMA_AWARE, "%s", name);
	if (!own->shrinker)
		return -ENOMEM;
	own->shrinker->count_objects = own->count;
	own->shrinker->scan_objects = own->scan;
	shrinker_register(own->shrinker);
	return 0;
}

static inline void hemem_shrinker_unregister(struct hemem_shrinker *own)
{
	shrinker_free(own->shrinker);
}
#else
#define HEMEM_SHRINKER(name, count, scan)				\
	static struct shrinker name = {					\
		.count_objects = (count), .scan_objects = (scan),	\
		.seeks = DEFAULT_SEEKS, .flags = SHRINKER_NUMA_AWARE,	\
	}
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 0, 0)
#define hemem_shrinker_register(shrinker, name) register_shrinker(shrinker, name)
#else
#define hemem_shrinker_register(shrinker, name) register_shrinker(shrinker)
#endif
#define hemem_shrinker_unregister(shrinker) unregister_shrinker(shrinker)
#endif

/* v6.3: the flags of a mapping are changed by functions.  Drop with 6.2. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define vm_flags_set(vma, flags)	((vma)->vm_flags |= (flags))
#endif

/* v6.4: a fault may come with the lock of its mapping alone.  Drop with 6.3. */
static inline void hemem_fault_unlock(struct vm_fault *vmf)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	release_fault_lock(vmf);
#else
	mmap_read_unlock(vmf->vma->vm_mm);
#endif
}

/* v7.1: zap_vma_ptes() has a new name.  Takes one base page's entry away, and flushes. */
static inline void hemem_zap_page(struct vm_area_struct *vma, unsigned long addr)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0)
	zap_special_vma_range(vma, addr, PAGE_SIZE);
#else
	zap_vma_ptes(vma, addr, PAGE_SIZE);
#endif
}

/* v6.6: a huge fault says its size as an order.  Drop with 6.5. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
typedef unsigned int hemem_huge_fault_t;
#define hemem_huge_fault_is_pmd(size)	((size) == PMD_SHIFT - PAGE_SHIFT)
#else
typedef enum page_entry_size hemem_huge_fault_t;
#define hemem_huge_fault_is_pmd(size)	((size) == PE_SIZE_PMD)
#endif

/*
 * Can a huge page be entered by number, so that get_user_pages() keeps off it?
 * v6.12: such an entry is special.  Before, one that says device memory has the same effect:
 * get_user_pages() looks for the device and finds none.  And the kernel asks
 * for huge pages in mappings of DAX inodes only.  Drop with 6.11.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define HEMEM_REGION_HUGE	IS_ENABLED(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP)
#define HEMEM_REGION_IFLAGS	0
#else
#define HEMEM_REGION_HUGE	(IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) && \
				 IS_ENABLED(CONFIG_ARCH_HAS_PTE_DEVMAP) && \
				 IS_ENABLED(CONFIG_FS_DAX))
#define HEMEM_REGION_IFLAGS	S_DAX
#endif

/* v6.16: a page's number is no struct.  Drop with 6.15. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
#include <linux/pfn_t.h>
#endif
static inline vm_fault_t hemem_insert_huge(struct vm_fault *vmf, struct page *page,
					   bool write)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
	return vmf_insert_pfn_pmd(vmf, page_to_pfn(page), write);
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	return vmf_insert_pfn_pmd(vmf, pfn_to_pfn_t(page_to_pfn(page)), write);
#else
	return vmf_insert_pfn_pmd(vmf, __pfn_to_pfn_t(page_to_pfn(page),
						      PFN_DEV | PFN_MAP), write);
#endif
}

/* v6.12: fork copies huge entries that are special. */
#define HEMEM_FORK_COPIES_HUGE	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0))

/*
 * Hidden from modules in <asm/tlbflush.h>, and the same since 4.20; so this is
 * the one prototype that the compiler cannot hold against the kernel's.
 */
void flush_tlb_mm_range(struct mm_struct *mm, unsigned long start,
			unsigned long end, unsigned int stride_shift,
			bool freed_tables);

/*
 * The kernels that wp.c is right on.  It is for those before 5.7, whose userfaultfd has no write
 * protection.  5.10, the oldest that the module is built for, and 6.1 are where it is tested
 * (parameter wp=2); on others it is not built.
 */
#if (LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0) ||			\
     (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0) &&			\
      LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0))) &&			\
    defined(CONFIG_USERFAULTFD) && defined(CONFIG_MMU_NOTIFIER) &&	\
    defined(CONFIG_HUGETLB_PAGE) &&					\
    defined(CONFIG_DYNAMIC_FTRACE_WITH_REGS) && !defined(CONFIG_PREEMPT_RT)
#define HEMEM_WP
#endif

#ifdef HEMEM_WP
#include <linux/ftrace.h>
#include <linux/mmu_notifier.h>
#include <asm/tlb.h>

/* v5.7: a kernel that can have write protection by userfaultfd says so. */
#define HEMEM_HAS_UFFD_WP	IS_ENABLED(CONFIG_HAVE_ARCH_USERFAULTFD_WP)

/* v5.11: an ftrace callback gets its registers wrapped.  Drop with 5.10. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 0)
#define hemem_ftrace_regs	ftrace_regs
#define hemem_ftrace_pt_regs(fregs) ftrace_get_regs(fregs)
#define HEMEM_FTRACE_NO_RECURSION 0
#else
#define hemem_ftrace_regs	pt_regs
#define hemem_ftrace_pt_regs(fregs) (fregs)
#define HEMEM_FTRACE_NO_RECURSION FTRACE_OPS_FL_RECURSION_SAFE
#endif

/*
 * v5.7: handle_userfault() looks whether an entry is read-only before it sleeps, and a fault
 * may be retried many times.  Before, it knows write protection of hugetlbfs alone,
 * and the second try must not ask to be retried.  What is done about that works on 5.10,
 * too, so it is tested there.  Drop with 5.10.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0)
#define HEMEM_WP_STAND_IN
#endif

/* v5.19: a fault that wants a page of its own to read it; no write.  Drop with 5.18. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 19, 0)
#define HEMEM_FAULT_UNSHARE	FAULT_FLAG_UNSHARE
#else
#define HEMEM_FAULT_UNSHARE	0
#endif

/* v6.0: change_protection() works in a TLB gather of its caller's.  Drop with 5.19. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 0, 0)
#define HEMEM_NEEDS_TLB_GATHER
#define hemem_change_protection(call, tlb, vma, start, end, prot)	\
	call(tlb, vma, start, end, prot, 0)
/* v5.7: flags in place of two numbers.  Drop with 5.6. */
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(5, 7, 0)
#define hemem_change_protection(call, tlb, vma, start, end, prot)	\
	call(vma, start, end, prot, 0)
#else
#define hemem_change_protection(call, tlb, vma, start, end, prot)	\
	call(vma, start, end, prot, 0, 0)
#endif

/*
 * v6.0: mprotect makes entries writable where it sees no reason for a fault; before, it
 * leaves that to the fault.  So on kernels without this flag there is nothing to hook.
 */
#ifdef MM_CP_TRY_CHANGE_WRITABLE
#define HEMEM_MPROTECT_OPENS	MM_CP_TRY_CHANGE_WRITABLE
#endif
#endif /* HEMEM_WP */

#endif /* HEMEM_COMPAT_H */
