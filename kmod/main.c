// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - hemem_assist's table of contents
 *
 *   ksyms    what the kernel does not export, looked up once
 *   chardev  /dev/hemem; one open file is one target
 *   target   rights, and whose memory an fd is bound to
 *   walk     visiting page-table entries
 *   pool     pages that swaps have emptied, for the next swap
 *   region   memory that programs map from /dev/hemem: its faults, moves and pool
 *   migrate  MIGRATE, through an engine; the swap engine is tested before it is used
 *   scan     SCAN
 *   wp       write protection by userfaultfd, for kernels that have none
 *   stats    counters
 *   hist     histograms of what the target may feel
 *
 * The module decides nothing about the pages of an attached process and remembers nothing of
 * them: when its fd is closed, no trace is left there.  A region lives as long as anybody maps
 * it, and a range registered for write protection stays so, as any of userfaultfd.
 */
#include <linux/module.h>
#include "hemem.h"
#include "ksyms.h"

static int __init hemem_init(void)
{
	int ret;

	hemem_ksyms_init();
	ret = hemem_pool_init();
	if (ret)
		return ret;
	ret = hemem_region_pool_init();
	if (ret)
		goto err_pool;
	hemem_migrate_init();
	ret = hemem_chardev_init();
	if (ret)
		goto err_region_pool;
	return 0;

err_region_pool:
	hemem_region_pool_exit();
err_pool:
	hemem_pool_exit();
	return ret;
}
module_init(hemem_init);

static void __exit hemem_exit(void)
{
	hemem_chardev_exit();
	hemem_region_pool_exit();
	hemem_pool_exit();
}
module_exit(hemem_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Memory tiering: moves a process's pages between nodes in batches, scans accessed bits");
MODULE_VERSION("0.1");
