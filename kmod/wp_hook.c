// SPDX-License-Identifier: GPL-2.0
/*
 * wp_hook.c - what the kernel does differently while a page is protected
 *
 * Some functions of the kernel are watched from their first instruction, through ftrace:
 *
 *   do_wp_page              a write to a base page whose entry is read-only: if it is marked
 *   do_huge_pmd_wp_page     or to a huge page         we go to handle_userfault() instead
 *   do_swap_page            a write to a page that is swapped out would map it writable: if it is
 *                           marked, it is mapped as for a read, and the write comes again
 *   hugepage_vma_revalidate khugepaged would map what it has collapsed writable: where something
 *                           is marked it is told that there is no mapping any more
 *   change_protection       since 6.0 mprotect makes entries writable: not in what is registered
 *
 * Nothing else makes an entry writable on these kernels.
 *
 * ftrace and not a kprobe, as a fault has to sleep and must return what handle_userfault()
 * returns; a callback of ftrace may choose where to go on.  Nothing of ours remains on
 * the stack of who sleeps: it is as if the kernel's function had called handle_userfault() by
 * itself, so the module can go while threads sleep.  And a site costs nothing while nobody
 * uses the service: it is a no-op until the first registration.
 */
#include "hemem.h"

#ifdef HEMEM_WP

#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include "ksyms.h"

static DEFINE_MUTEX(hook_lock);		/* protects hook_users, and installing */
static unsigned int hook_users;

/* Who has marked the page that is written to, or NULL.  In an RCU read-side section. */
static struct hemem_wp *find_marked(const struct vm_fault *vmf)
{
	struct hemem_wp *wp;

	if (vmf->flags & HEMEM_FAULT_UNSHARE)
		return NULL;
	wp = hemem_wp_mark_find(vmf->vma->vm_mm);
	return wp && hemem_wp_mark_is_set(wp, vmf->address) ? wp : NULL;
}

#ifdef HEMEM_WP_STAND_IN
/* Who is in here is waited for when the hooks are removed. */
static vm_fault_t hook_fault_again(struct vm_fault *vmf)
{
	return VM_FAULT_NOPAGE;
}

/*
 * These kernels look before they sleep whether the entry is none, and do not sleep if it
 * is not.  Of hugetlbfs they ask whether it is read-only; where no huge page is mapped, the
 * answer is to sleep.  So they get to see a mapping of hugetlbfs, which is us; they look at
 * it for that decision, while mmap_lock is held, and no more.  That a page whose protection is
 * just being taken away makes somebody sleep cannot be: WP_PROTECT has mmap_lock for writing.
 *
 * A fault is retried once, and the second try must not ask for more.  A fault of the CPU's then
 * returns with nothing done, and comes again; other users get SIGBUS, as for missing
 * pages.  FAULT_FLAG_KILLABLE is set by faults of the CPU's alone.
 */
static unsigned long fault_place(struct vm_fault *vmf, struct hemem_wp *wp)
{
	const unsigned int again = FAULT_FLAG_TRIED | FAULT_FLAG_KILLABLE;

	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY) && (vmf->flags & again) == again)
		return (unsigned long)hook_fault_again;
	vmf->vma = &wp->stand_in;
	return kplace(handle_userfault);
}
#else
static unsigned long fault_place(struct vm_fault *vmf, struct hemem_wp *wp)
{
	return kplace(handle_userfault);
}
#endif

/* From here on as handle_userfault(@vmf, VM_UFFD_WP) */
static void go_to_userfault(struct pt_regs *regs, struct vm_fault *vmf, struct hemem_wp *wp)
{
	regs->ip = fault_place(vmf, wp);
	regs->si = VM_UFFD_WP;
}

/* do_wp_page(vmf): the page-table lock is held, and do_wp_page() would drop it. */
static void notrace hook_wp(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			    struct hemem_ftrace_regs *fregs)
{
	struct pt_regs *regs = hemem_ftrace_pt_regs(fregs);
	struct vm_fault *vmf = (void *)regs->di;
	struct hemem_wp *wp;

	if (likely(!(vmf->vma->vm_flags & VM_UFFD_WP)))
		return;
	rcu_read_lock();
	wp = find_marked(vmf);
	if (wp) {
		pte_unmap_unlock(vmf->pte, vmf->ptl);
		go_to_userfault(regs, vmf, wp);
	}
	rcu_read_unlock();
}

/* do_swap_page(vmf): the entry was seen without a lock, and is looked at again. */
static void notrace hook_swap(unsigned long ip, unsigned long parent_ip,
			      struct ftrace_ops *ops, struct hemem_ftrace_regs *fregs)
{
	struct vm_fault *vmf = (void *)hemem_ftrace_pt_regs(fregs)->di;

	if (likely(!(vmf->vma->vm_flags & VM_UFFD_WP)))
		return;
	if (hemem_fault_omits(HEMEM_FAULT_WP_SWAP))
		return;
	rcu_read_lock();
	if (find_marked(vmf))
		vmf->flags &= ~FAULT_FLAG_WRITE;
	rcu_read_unlock();
}

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
/* do_huge_pmd_wp_page(vmf, ...): no lock but mmap_lock is held. */
static void notrace hook_wp_huge(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *ops, struct hemem_ftrace_regs *fregs)
{
	struct pt_regs *regs = hemem_ftrace_pt_regs(fregs);
	struct vm_fault *vmf = (void *)regs->di;
	struct hemem_wp *wp;

	if (likely(!(vmf->vma->vm_flags & VM_UFFD_WP)))
		return;
	rcu_read_lock();
	wp = find_marked(vmf);
	if (wp)
		go_to_userfault(regs, vmf, wp);
	rcu_read_unlock();
}

/*
 * hugepage_vma_revalidate(mm, address, ...): mmap_lock is held, in the end for writing.  No mapping
 * ends above the last address, and that is what it then finds on every kernel.
 */
static void notrace hook_collapse(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops, struct hemem_ftrace_regs *fregs)
{
	struct pt_regs *regs = hemem_ftrace_pt_regs(fregs);
	struct hemem_wp *wp;

	if (hemem_fault_omits(HEMEM_FAULT_WP_COLLAPSE))
		return;
	rcu_read_lock();
	wp = hemem_wp_mark_find((struct mm_struct *)regs->di);
	if (wp && hemem_wp_mark_is_any_set(wp, regs->si))
		regs->si = HPAGE_PMD_MASK;
	rcu_read_unlock();
}
#endif

#ifdef HEMEM_MPROTECT_OPENS
/* change_protection(tlb, vma, start, end, newprot, flags) */
static void notrace hook_mprotect(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops, struct hemem_ftrace_regs *fregs)
{
	struct pt_regs *regs = hemem_ftrace_pt_regs(fregs);
	struct vm_area_struct *vma = (void *)regs->si;

	if (vma->vm_flags & VM_UFFD_WP && !hemem_fault_omits(HEMEM_FAULT_WP_MPROTECT))
		regs->r9 &= ~(unsigned long)HEMEM_MPROTECT_OPENS;
}
#endif

#define HOOK_FLAGS (FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY | HEMEM_FTRACE_NO_RECURSION)

/* The callbacks call nothing that is watched, so there is no recursion. */
#define HOOK(name, callback) {						\
	.place = &kplace(name),						\
	.ops = { .func = (callback), .flags = HOOK_FLAGS },		\
}

static struct hook {
	unsigned long *place;
	struct ftrace_ops ops;
} hooks[] = {
	HOOK(do_wp_page, hook_wp),
	HOOK(do_swap_page, hook_swap),
#ifdef HEMEM_MPROTECT_OPENS
	HOOK(change_protection, hook_mprotect),
#endif
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	HOOK(do_huge_pmd_wp_page, hook_wp_huge),
	HOOK(hugepage_vma_revalidate, hook_collapse),
#endif
};

static int hook_install(struct hook *hook)
{
	int ret = ftrace_set_filter_ip(&hook->ops, *hook->place, 0, 0);

	if (ret)
		return ret;
	ret = register_ftrace_function(&hook->ops);
	if (ret)
		ftrace_set_filter_ip(&hook->ops, *hook->place, 1, 0);
	return ret;
}

/* Returns when no CPU is in a callback of ours. */
static void hook_remove(struct hook *hook)
{
	unregister_ftrace_function(&hook->ops);
	ftrace_set_filter_ip(&hook->ops, *hook->place, 1, 0);
}

static int hook_install_all(void)
{
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		ret = hook_install(&hooks[i]);
		if (ret)
			goto err_installed;
	}
	return 0;

err_installed:
	pr_warn("cannot watch the kernel's write faults (%d): traced by somebody who changes them, too?\n",
		ret);
	while (i--)
		hook_remove(&hooks[i]);
	return -EOPNOTSUPP;
}

/**
 * hemem_wp_hook_get() - have marks respected from now on
 *
 * Return: 0 or -EOPNOTSUPP
 */
int hemem_wp_hook_get(void)
{
	int ret = 0;

	mutex_lock(&hook_lock);
	if (!hook_users)
		ret = hook_install_all();
	if (!ret)
		hook_users++;
	mutex_unlock(&hook_lock);
	return ret;
}

/**
 * hemem_wp_hook_put() - one user less; without any the kernel is as it was
 */
void hemem_wp_hook_put(void)
{
	size_t i;

	mutex_lock(&hook_lock);
	if (!--hook_users)
		for (i = 0; i < ARRAY_SIZE(hooks); i++)
			hook_remove(&hooks[i]);
	mutex_unlock(&hook_lock);
}

#endif /* HEMEM_WP */
