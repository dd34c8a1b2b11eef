// SPDX-License-Identifier: GPL-2.0
/*
 * wp.c - WP_REGISTER and WP_PROTECT: write protection by userfaultfd, where the kernel has none
 *
 * Kernels since 4.3 carry what messages of it need: VM_UFFD_WP in a mapping's flags, and
 * handle_userfault(), which takes it as a reason and tells UFFD_PAGEFAULT_FLAG_WP.  What came
 * with 5.7 is done here: the flag is set by WP_REGISTER, pages are marked and made read-only by
 * WP_PROTECT (wp_mark.c), and write faults on them go to handle_userfault() (wp_hook.c).
 *
 * What is registered is written in the mappings alone, where the kernel's own code keeps it up
 * when they are split, moved, forked, unregistered, or when the userfaultfd is closed.
 */
#include "hemem.h"

#ifdef HEMEM_WP

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/userfaultfd_k.h>
#include "ksyms.h"

static int wp = 1;
module_param(wp, int, 0444);
MODULE_PARM_DESC(wp,
		 "Write protection by userfaultfd: 0 never, 1 where the kernel has none (default), 2 everywhere, for tests");

/**
 * hemem_wp_is_on() - whether WP_REGISTER and WP_PROTECT work
 */
bool hemem_wp_is_on(void)
{
	return wp >= (HEMEM_HAS_UFFD_WP ? 2 : 1) &&
	       hemem_ksyms_features() & HEMEM_ASSIST_FEAT_WP;
}

static int check_range(u64 start, u64 end)
{
	if (!PAGE_ALIGNED(start) || !PAGE_ALIGNED(end) || start >= end || end > TASK_SIZE_MAX)
		return -EINVAL;
	return 0;
}

/* Files on the kernel's own file system cannot be given a name by anybody else. */
static bool is_uffd(const struct file *file)
{
	return file_inode(file)->i_sb->s_magic == ANON_INODE_FS_MAGIC &&
	       !strcmp(file->f_path.dentry->d_name.name, "[userfaultfd]");
}

/*
 * Is @mm what the userfaultfd serves?  The kernel takes for granted that a mapping's
 * userfaultfd serves its process, so this must be certain.  Where it is written in @ctx
 * depends on the kernel and is in no header; but of all that is in there (wait queues, counts,
 * flags) nothing but that can be the address of an mm_struct.
 */
static bool is_served(const void *ctx, const struct mm_struct *mm)
{
	const unsigned long *word = ctx;
	size_t i, nr = ksize(ctx) / sizeof(*word);

	for (i = 0; i < nr; i++)
		if (READ_ONCE(word[i]) == (unsigned long)mm)
			return true;
	return false;
}

static struct hemem_wp *wp_new(void *ctx)
{
	struct hemem_wp *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!new)
		return ERR_PTR(-ENOMEM);
	new->mm = current->mm;
	new->ctx = ctx;
#ifdef HEMEM_WP_STAND_IN
	new->stand_in.vm_mm = new->mm;
	new->stand_in.vm_flags = VM_HUGETLB;
	new->stand_in.vm_userfaultfd_ctx.ctx = ctx;
#endif
	ret = hemem_wp_hook_get();
	if (ret)
		goto err_new;
	ret = hemem_wp_mark_init(new);
	if (ret)
		goto err_hook;
	return new;

err_hook:
	hemem_wp_hook_put();
err_new:
	kfree(new);
	return ERR_PTR(ret);
}

/**
 * hemem_wp_free() - take all protection away
 * @old: of an fd that is gone
 *
 * Entries stay read-only until they are written to: that is an ordinary fault.
 */
void hemem_wp_free(struct hemem_wp *old)
{
	struct mm_struct *mm = old->mm;

	mmgrab(mm);
	hemem_wp_mark_exit(old);
	hemem_wp_hook_put();
	/* Who is about to sleep may look at @old until it drops mmap_lock. */
	if (mmget_not_zero(mm)) {
		mmap_write_lock(mm);
		mmap_write_unlock(mm);
		mmput(mm);
	}
	mmdrop(mm);
	kfree(old);
}

/* The mapping at or above @addr if it begins below @end, else NULL. */
static struct vm_area_struct *vma_in(struct mm_struct *mm, unsigned long addr,
				     unsigned long end)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	return vma && vma->vm_start < end ? vma : NULL;
}

static bool can_register(const struct vm_area_struct *vma)
{
	return vma_is_anonymous((struct vm_area_struct *)vma) &&
	       !(vma->vm_flags & (VM_SHARED | VM_HUGETLB | VM_SPECIAL));
}

static int check_register(struct hemem_wp *bound, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma = vma_in(bound->mm, start, end);

	if (!vma)
		return -EINVAL;
	for (; vma; vma = vma_in(bound->mm, vma->vm_end, end)) {
		const void *ctx = vma->vm_userfaultfd_ctx.ctx;

		if (!can_register(vma))
			return -EINVAL;
		if (ctx && ctx != bound->ctx)
			return -EBUSY;
	}
	return 0;
}

/* Has a mapping begin or end at @addr, if one is there. */
static int split_at(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	if (!vma || vma->vm_start >= addr)
		return 0;
	return ksym(split_vma)(mm, vma, addr, 1);
}

static int register_locked(struct hemem_wp *bound, const struct hemem_assist_wp_register *arg)
{
	const unsigned long flags = arg->flags & HEMEM_ASSIST_WP_MISSING ?
		VM_UFFD_WP | VM_UFFD_MISSING : VM_UFFD_WP;
	struct mm_struct *mm = bound->mm;
	struct vm_area_struct *vma;
	int ret;

	ret = check_register(bound, arg->start, arg->end);
	if (ret)
		return ret;
	/* A mapping that is split and nothing else is as it was. */
	ret = split_at(mm, arg->start);
	if (ret)
		return ret;
	ret = split_at(mm, arg->end);
	if (ret)
		return ret;
	for (vma = vma_in(mm, arg->start, arg->end); vma;
	     vma = vma_in(mm, vma->vm_end, arg->end)) {
		/* Marks of another time, when it was registered, too. */
		if (!(vma->vm_flags & VM_UFFD_WP))
			hemem_wp_mark_clear(bound, vma->vm_start, vma->vm_end);
		vma->vm_flags &= ~(unsigned long)(VM_UFFD_WP | VM_UFFD_MISSING);
		vma->vm_flags |= flags;
		vma->vm_userfaultfd_ctx.ctx = bound->ctx;
	}
	return 0;
}

static int register_range(struct hemem_wp *bound, const struct hemem_assist_wp_register *arg)
{
	int ret;

	if (mmap_write_lock_killable(bound->mm))
		return -EINTR;
	ret = register_locked(bound, arg);
	mmap_write_unlock(bound->mm);
	return ret;
}

/* What the fd serves, or will from now on. */
static int register_bind(struct hemem_target *target, void *ctx,
			 const struct hemem_assist_wp_register *arg)
{
	struct hemem_wp *bound = target->wp;
	int ret;

	if (bound && bound->mm != current->mm)
		return -ESRCH;
	if (!is_served(ctx, current->mm))
		return -EINVAL;
	if (bound)
		return bound->ctx == ctx ? register_range(bound, arg) : -EBUSY;
	bound = wp_new(ctx);
	if (IS_ERR(bound))
		return PTR_ERR(bound);
	ret = register_range(bound, arg);
	if (ret)
		hemem_wp_free(bound);
	else
		target->wp = bound;
	return ret;
}

/**
 * hemem_wp_register() - HEMEM_ASSIST_WP_REGISTER
 * @target: the fd's
 * @arg: kernel copy of the struct
 *
 * Return: 0 or -errno as the uapi header promises; nothing changed on an error
 */
int hemem_wp_register(struct hemem_target *target, struct hemem_assist_wp_register *arg)
{
	struct file *file;
	int ret;

	if (arg->flags & ~HEMEM_ASSIST_WP_MISSING || arg->reserved)
		return -EINVAL;
	ret = check_range(arg->start, arg->end);
	if (ret)
		return ret;
	if (!hemem_wp_is_on())
		return -EOPNOTSUPP;
	/* As long as we have the file, it cannot be closed on us. */
	file = fget(arg->uffd);
	if (!file)
		return -EBADF;
	ret = -EINVAL;
	if (is_uffd(file)) {
		mutex_lock(&target->lock);
		ret = register_bind(target, file->private_data, arg);
		mutex_unlock(&target->lock);
	}
	fput(file);
	return ret;
}

/* Every page of the range is registered with us. */
static int check_protect(struct hemem_wp *bound, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma;
	unsigned long addr;

	for (addr = start; addr < end; addr = vma->vm_end) {
		vma = find_vma(bound->mm, addr);
		if (!vma || vma->vm_start > addr || !(vma->vm_flags & VM_UFFD_WP) ||
		    vma->vm_userfaultfd_ctx.ctx != bound->ctx)
			return -ENOENT;
	}
	return 0;
}

/*
 * Makes entries read-only and flushes; huge pages that are in the range in part are split.  The
 * permissions of a private mapping's entries do not include writing to begin with.
 */
static void make_read_only(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
#ifdef HEMEM_NEEDS_TLB_GATHER
	struct mmu_gather tlb;

	ksym(tlb_gather_mmu)(&tlb, vma->vm_mm);
	hemem_change_protection(ksym(change_protection), &tlb, vma, start, end,
				vma->vm_page_prot);
	ksym(tlb_finish_mmu)(&tlb);
#else
	hemem_change_protection(ksym(change_protection), NULL, vma, start, end,
				vma->vm_page_prot);
#endif
}

/*
 * A huge page has one entry, and all of its pages are marked or none: where a range ends
 * within it, it is split, by protecting a page that borders on the end.
 */
static void split_huge_at(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	/* Else it begins here, or not at all, and may be anybody's. */
	if (!IS_ALIGNED(addr, PMD_SIZE) && vma && vma->vm_start < addr)
		make_read_only(vma, addr, addr + PAGE_SIZE);
}

static int protect_locked(struct hemem_wp *bound, const struct hemem_assist_wp_protect *arg)
{
	struct vm_area_struct *vma;
	int ret;

	ret = check_protect(bound, arg->start, arg->end);
	if (ret)
		return ret;
	if (!(arg->flags & HEMEM_ASSIST_WP_ON)) {
		split_huge_at(bound->mm, arg->start);
		split_huge_at(bound->mm, arg->end);
		hemem_wp_mark_clear(bound, arg->start, arg->end);
		return 0;
	}
	ret = hemem_wp_mark_reserve(bound, arg->start, arg->end);
	if (ret)
		return ret;
	for (vma = vma_in(bound->mm, arg->start, arg->end); vma;
	     vma = vma_in(bound->mm, vma->vm_end, arg->end))
		make_read_only(vma, max_t(unsigned long, vma->vm_start, arg->start),
			       min_t(unsigned long, vma->vm_end, arg->end));
	hemem_wp_mark_set(bound, arg->start, arg->end);
	return 0;
}

/**
 * hemem_wp_protect() - HEMEM_ASSIST_WP_PROTECT
 * @target: the fd's
 * @arg: kernel copy of the struct
 *
 * Marks change with mmap_lock held for writing: who saw one in a fault has come to sleep, and
 * will hear the next UFFDIO_WAKE.
 *
 * Return: 0 or -errno as the uapi header promises; nothing changed on an error
 */
int hemem_wp_protect(struct hemem_target *target, const struct hemem_assist_wp_protect *arg)
{
	struct hemem_wp *bound;
	int ret;

	if (arg->flags & ~HEMEM_ASSIST_WP_ON)
		return -EINVAL;
	ret = check_range(arg->start, arg->end);
	if (ret)
		return ret;
	if (!hemem_wp_is_on())
		return -EOPNOTSUPP;
	mutex_lock(&target->lock);
	bound = target->wp;
	if (!bound)
		ret = -ENOTCONN;
	else if (bound->mm != current->mm)
		ret = -ESRCH;
	else if (mmap_write_lock_killable(bound->mm))
		ret = -EINTR;
	else {
		ret = protect_locked(bound, arg);
		mmap_write_unlock(bound->mm);
	}
	mutex_unlock(&target->lock);
	return ret;
}

#endif /* HEMEM_WP */
