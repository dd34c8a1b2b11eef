// SPDX-License-Identifier: GPL-2.0
/*
 * region.c - managed regions: how one is made, mapped, looked up, emptied and freed
 *
 * region.h says what a region is made of, region_fault.c how it fills, region_move.c how its
 * pages move.
 *
 * Lifetime: the struct file owns the region, each mapping has the file.  So memory stays while
 * anybody maps it or has the fd, as with memfd_create(2), and with the last of them it
 * goes.  Each region has an inode of its own: what maps the region is found by it, and
 * mappings of other regions are not.
 *
 * Example, a region of 5 MiB: spans 0 and 1 may have a huge page, span 2 has base pages,
 * as it is cut off in its middle.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include "region.h"

/* ---- inodes ---- */

#define REGION_MAGIC	0x48654d52	/* "HeMR" */

static int region_fs_init(struct fs_context *fc)
{
	return init_pseudo(fc, REGION_MAGIC) ? 0 : -ENOMEM;
}

static struct file_system_type region_fs = {
	.name		 = "hemem",
	.owner		 = THIS_MODULE,
	.init_fs_context = region_fs_init,
	.kill_sb	 = kill_anon_super,
};

/* Pinned while there is a region: a mount for good would keep the module from being unloaded. */
static struct vfsmount *region_mount;
static int region_nr_mounts;

static struct inode *inode_new(u64 bytes)
{
	struct inode *inode;
	int ret = simple_pin_fs(&region_fs, &region_mount, &region_nr_mounts);

	if (ret)
		return ERR_PTR(ret);
	inode = alloc_anon_inode(region_mount->mnt_sb);
	if (IS_ERR(inode)) {
		simple_release_fs(&region_mount, &region_nr_mounts);
		return inode;
	}
	inode->i_flags |= HEMEM_REGION_IFLAGS;
	i_size_write(inode, bytes);
	return inode;
}

static void inode_free(struct inode *inode)
{
	iput(inode);
	simple_release_fs(&region_mount, &region_nr_mounts);
}

/* ---- what the other region files ask ---- */

/**
 * hemem_region_cell() - the cell of a page
 * @region: gate held, or movers
 * @pgoff: base pages from its beginning
 * @ret_order: what the cell is for: 0, or SPAN_ORDER, also where the span has nothing yet
 *
 * Return: the cell, which may be empty
 */
unsigned long *hemem_region_cell(struct hemem_region *region, unsigned long pgoff,
				 unsigned int *ret_order)
{
	struct hemem_span *span = &region->spans[pgoff / SPAN_PAGES];
	unsigned long *parts = smp_load_acquire(&span->parts);

	*ret_order = parts ? 0 : SPAN_ORDER;
	return parts ? &parts[pgoff % SPAN_PAGES] : &span->whole;
}

/**
 * hemem_region_count() - a page comes or goes
 * @region: its
 * @page: where it lies counts
 * @order: 0 or SPAN_ORDER
 * @sign: 1 or -1
 */
void hemem_region_count(struct hemem_region *region, struct page *page,
			unsigned int order, int sign)
{
	atomic_long_add(sign * (1L << order), &region->resident[page_to_nid(page)]);
	if (order)
		atomic_long_add(sign, &region->nr_huge);
}

/**
 * hemem_region_unmap() - take away all page-table entries, in all processes, and flush
 * @region: gate not held
 * @pgoff: first base page
 * @nr: how many
 *
 * Flushes each process that has such entries once.
 */
void hemem_region_unmap(struct hemem_region *region, unsigned long pgoff,
			unsigned long nr)
{
	unmap_mapping_range(region->inode->i_mapping, (loff_t)pgoff << PAGE_SHIFT,
			    (loff_t)nr << PAGE_SHIFT, 1);
}

/**
 * hemem_region_step() - cells are open again: faults that wait look again
 * @region: movers held
 */
void hemem_region_step(struct hemem_region *region)
{
	smp_store_release(&region->steps, region->steps + 1);
	if (wq_has_sleeper(&region->waiters))
		wake_up_all(&region->waiters);
}

/* ---- freeing ---- */

static void free_cell(struct hemem_region *region, unsigned long cell,
		      unsigned int order)
{
	if (!cell)
		return;
	hemem_region_count(region, cell_page(cell), order, -1);
	hemem_region_pool_give(cell_page(cell), order);
}

static void free_parts(struct hemem_region *region, unsigned long *parts)
{
	unsigned long i;

	if (!parts)
		return;
	for (i = 0; i < SPAN_PAGES; i++)
		free_cell(region, parts[i], 0);
	free_page((unsigned long)parts);
}

static atomic_t nr_regions = ATOMIC_INIT(0);

/**
 * hemem_region_free() - the last reference to the file is gone, and so is every mapping
 * @region: or NULL
 */
void hemem_region_free(struct hemem_region *region)
{
	unsigned long i;

	if (!region)
		return;
	for (i = 0; i < DIV_ROUND_UP(region->nr_pages, SPAN_PAGES); i++) {
		free_cell(region, region->spans[i].whole, SPAN_ORDER);
		free_parts(region, region->spans[i].parts);
		cond_resched();
	}
	inode_free(region->inode);
	kvfree(region->spans);
	kfree(region->resident);
	kfree(region);
	if (atomic_dec_and_test(&nr_regions))
		hemem_region_pool_empty();
}

/* ---- making ---- */

static int check_region(const struct hemem_assist_region *arg)
{
	if (arg->flags & ~HEMEM_ASSIST_REGION_BASE)
		return -EINVAL;
	if (!arg->bytes || !PAGE_ALIGNED(arg->bytes) ||
	    arg->bytes > HEMEM_ASSIST_MAX_REGION_BYTES)
		return -EINVAL;
	if (arg->fast_node >= MAX_NUMNODES || arg->slow_node >= MAX_NUMNODES ||
	    !node_state(arg->fast_node, N_MEMORY) ||
	    !node_state(arg->slow_node, N_MEMORY))
		return -ENODEV;
	return 0;
}

static struct hemem_region *region_new(const struct hemem_assist_region *arg)
{
	struct hemem_region *region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);

	if (!region)
		return ERR_PTR(-ENOMEM);
	region->nr_pages = arg->bytes >> PAGE_SHIFT;
	region->fast = arg->fast_node;
	region->slow = arg->slow_node;
	region->reserve_pages = arg->reserve_bytes >> PAGE_SHIFT;
	region->is_huge = HEMEM_REGION_HUGE && !(arg->flags & HEMEM_ASSIST_REGION_BASE);
	init_rwsem(&region->gate);
	mutex_init(&region->movers);
	spin_lock_init(&region->lock);
	init_waitqueue_head(&region->waiters);
	region->resident = kcalloc(nr_node_ids, sizeof(*region->resident),
				   GFP_KERNEL_ACCOUNT);
	region->spans = kvcalloc(DIV_ROUND_UP(region->nr_pages, SPAN_PAGES),
				 sizeof(*region->spans), GFP_KERNEL_ACCOUNT);
	region->inode = ERR_PTR(-ENOMEM);
	if (region->resident && region->spans)
		region->inode = inode_new(arg->bytes);
	if (IS_ERR(region->inode)) {
		struct inode *err = region->inode;

		kvfree(region->spans);
		kfree(region->resident);
		kfree(region);
		return ERR_CAST(err);
	}
	atomic_inc(&nr_regions);
	return region;
}

/**
 * hemem_region_make() - HEMEM_ASSIST_REGION
 * @target: the fd's; neither attached nor a region
 * @file: the fd's
 * @arg: kernel copy of the struct
 *
 * Return: 0 or -errno as the uapi header promises; nothing changed on an error
 */
int hemem_region_make(struct hemem_target *target, struct file *file,
		      const struct hemem_assist_region *arg)
{
	struct hemem_region *region;
	int ret = check_region(arg);

	if (ret)
		return ret;
	mutex_lock(&target->lock);
	ret = -EBUSY;
	if (target->mm || target->region)
		goto err_lock;
	region = region_new(arg);
	ret = PTR_ERR_OR_ZERO(region);
	if (ret)
		goto err_lock;
	file->f_mapping = region->inode->i_mapping;
	/* Complete before mmap, which takes no lock of ours, can see it. */
	smp_store_release(&target->region, region);

err_lock:
	mutex_unlock(&target->lock);
	return ret;
}

/**
 * hemem_region_pages() - how long a region is
 * @region: the region
 *
 * Return: base pages
 */
unsigned long hemem_region_pages(const struct hemem_region *region)
{
	return region->nr_pages;
}

/**
 * hemem_region_mmap() - mmap of /dev/hemem
 * @target: the fd's
 * @vma: the mapping
 *
 * Return: 0; -ENODEV: the fd is no region; -EINVAL: not MAP_SHARED, or beyond its end
 */
int hemem_region_mmap(struct hemem_target *target, struct vm_area_struct *vma)
{
	struct hemem_region *region = smp_load_acquire(&target->region);

	if (!region)
		return -ENODEV;
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff >= region->nr_pages ||
	    vma_pages(vma) > region->nr_pages - vma->vm_pgoff)
		return -EINVAL;
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP |
		     (region->is_huge ? VM_HUGEPAGE : 0));
	vma->vm_private_data = region;
	vma->vm_ops = &hemem_region_fault_ops;
	return 0;
}

/**
 * hemem_region_show() - what /proc/PID/fdinfo/FD says of a region
 * @m: the file
 * @target: the fd's; may be no region
 */
void hemem_region_show(struct seq_file *m, struct hemem_target *target)
{
	struct hemem_region *region = smp_load_acquire(&target->region);
	int nid;

	if (!region)
		return;
	seq_printf(m, "region_kib:\t%lu\n", region->nr_pages << (PAGE_SHIFT - 10));
	for_each_node_state(nid, N_MEMORY)
		seq_printf(m, "resident_kib_node%d:\t%ld\n", nid,
			   atomic_long_read(&region->resident[nid]) << (PAGE_SHIFT - 10));
	seq_printf(m, "huge_pages:\t%ld\n", atomic_long_read(&region->nr_huge));
}
