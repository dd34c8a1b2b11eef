// SPDX-License-Identifier: GPL-2.0
/*
 * chardev.c - /dev/hemem: one table row per ioctl
 *
 * The dispatcher copies the argument in, checks its size by the rules of the
 * uapi header, calls the handler with kernel memory, and copies the answer out.
 * A new ioctl is one row; a struct that grows keeps its row and its minimum.
 */
#include <linux/fs.h>
#include <linux/huge_mm.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "hemem.h"
#include "ksyms.h"

static int chardev_info(struct file *file, void *data)
{
	struct hemem_assist_info *info = data;
	int nid;

	if (info->flags)
		return -EINVAL;
	info->out_abi = HEMEM_ASSIST_ABI;
	info->out_page_bytes = PAGE_SIZE;
	info->out_features = hemem_ksyms_features() | HEMEM_ASSIST_FEAT_REGION;
	if (!hemem_wp_is_on())
		info->out_features &= ~(u64)HEMEM_ASSIST_FEAT_WP;
	info->out_no_swap = hemem_migrate_no_swap();
	if (info->out_no_swap)
		info->out_features &= ~HEMEM_ASSIST_FEAT_SWAP;
	info->out_reserved = 0;
	info->out_huge_page_bytes =
		IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) ? HPAGE_PMD_SIZE : 0;
	info->out_max_batch = HEMEM_ASSIST_MAX_BATCH;
	info->out_max_runs = HEMEM_ASSIST_MAX_RUNS;
	memset(info->out_nodes, 0, sizeof(info->out_nodes));
	for_each_node_state(nid, N_MEMORY)
		if (nid < HEMEM_ASSIST_MAX_NODES)
			info->out_nodes[nid / 64] |= 1ULL << (nid % 64);
	return 0;
}

static int chardev_attach(struct file *file, void *data)
{
	return hemem_target_attach(file->private_data, data);
}

static int chardev_migrate(struct file *file, void *data)
{
	return hemem_migrate(file->private_data, data);
}

static int chardev_scan(struct file *file, void *data)
{
	return hemem_scan(file->private_data, data);
}

static int chardev_region(struct file *file, void *data)
{
	return hemem_region_make(file->private_data, file, data);
}

static int chardev_discard(struct file *file, void *data)
{
	return file->f_mode & FMODE_WRITE ? hemem_region_discard(file->private_data, data) :
					    -EPERM;
}

static int chardev_wp_register(struct file *file, void *data)
{
	return hemem_wp_register(file->private_data, data);
}

static int chardev_wp_protect(struct file *file, void *data)
{
	return hemem_wp_protect(file->private_data, data);
}

/**
 * struct chardev_op - an ioctl
 * @cmd: its number
 * @size: of its struct as this module knows it
 * @min_size: of its struct as first released
 * @run: gets a kernel copy of the struct
 * @answers: what @run leaves in the copy is the caller's when it returns this
 */
struct chardev_op {
	unsigned int cmd;
	size_t size;
	size_t min_size;
	int (*run)(struct file *file, void *data);
	int answers;
};

#define NO_ANSWER	1		/* what no handler returns: there are no outputs */

#define OP(number, handler, type, last, ret) {			\
	.cmd = (number),					\
	.size = sizeof(type),					\
	.min_size = offsetofend(type, last),			\
	.run = (handler),					\
	.answers = (ret),					\
}

static const struct chardev_op chardev_ops[] = {
	OP(HEMEM_ASSIST_INFO, chardev_info,
	   struct hemem_assist_info, out_nodes, 0),
	OP(HEMEM_ASSIST_ATTACH, chardev_attach,
	   struct hemem_assist_attach, out_holder, -EBUSY),
	OP(HEMEM_ASSIST_MIGRATE, chardev_migrate,
	   struct hemem_assist_migrate, out_total_ns, 0),
	OP(HEMEM_ASSIST_SCAN, chardev_scan,
	   struct hemem_assist_scan, out_total_ns, 0),
	OP(HEMEM_ASSIST_REGION, chardev_region,
	   struct hemem_assist_region, slow_node, NO_ANSWER),
	OP(HEMEM_ASSIST_DISCARD, chardev_discard,
	   struct hemem_assist_discard, bytes, NO_ANSWER),
	OP(HEMEM_ASSIST_WP_REGISTER, chardev_wp_register,
	   struct hemem_assist_wp_register, reserved, NO_ANSWER),
	OP(HEMEM_ASSIST_WP_PROTECT, chardev_wp_protect,
	   struct hemem_assist_wp_protect, end, NO_ANSWER),
};

union chardev_buffer {
	struct hemem_assist_info info;
	struct hemem_assist_attach attach;
	struct hemem_assist_migrate migrate;
	struct hemem_assist_scan scan;
	struct hemem_assist_region region;
	struct hemem_assist_discard discard;
	struct hemem_assist_wp_register wp_register;
	struct hemem_assist_wp_protect wp_protect;
};

static const struct chardev_op *chardev_op_find(unsigned int cmd)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(chardev_ops); i++)
		if (chardev_ops[i].cmd == cmd)
			return &chardev_ops[i];
	return NULL;
}

static long chardev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct chardev_op *op = chardev_op_find(cmd);
	void __user *user = (void __user *)arg;
	union chardev_buffer buffer;
	u32 size;
	int ret;

	if (!op)
		return -ENOTTY;
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < op->min_size)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(&buffer, op->size, user, size);
	if (ret)
		return ret;

	ret = op->run(file, &buffer);
	if (ret != op->answers)
		return ret;
	if (copy_to_user(user, &buffer, min_t(size_t, size, op->size)))
		return -EFAULT;
	return ret;
}

static int chardev_open(struct inode *inode, struct file *file)
{
	file->private_data = hemem_target_new();
	return file->private_data ? 0 : -ENOMEM;
}

static int chardev_release(struct inode *inode, struct file *file)
{
	hemem_target_free(file->private_data);
	return 0;
}

static int chardev_mmap(struct file *file, struct vm_area_struct *vma)
{
	return hemem_region_mmap(file->private_data, vma);
}

static void chardev_show_fdinfo(struct seq_file *m, struct file *file)
{
	hemem_region_show(m, file->private_data);
}

static const struct file_operations chardev_fops = {
	.owner		= THIS_MODULE,
	.open		= chardev_open,
	.release	= chardev_release,
	.unlocked_ioctl	= chardev_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.mmap		= chardev_mmap,
	/* addresses and offsets aligned alike, so that huge pages fit */
	.get_unmapped_area = thp_get_unmapped_area,
	.show_fdinfo	= chardev_show_fdinfo,
};

static struct miscdevice chardev_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "hemem",
	.fops	= &chardev_fops,
	.groups	= hemem_stats_groups,
	.mode	= 0600,
};

int hemem_chardev_init(void)
{
	return misc_register(&chardev_misc);
}

void hemem_chardev_exit(void)
{
	misc_deregister(&chardev_misc);
}
