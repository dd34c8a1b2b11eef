// SPDX-License-Identifier: GPL-2.0
/*
 * leak.c - a module that loses memory, so that tests/vm/selftest can see whether a guest with
 * kmemleak notices
 */
#include <linux/module.h>
#include <linux/slab.h>

#define NR_LOST 100	/* a few may be found by chance, in a stale register or stack */

static int __init leak_init(void)
{
	void *volatile lost;
	int i;

	for (i = 0; i < NR_LOST; i++)
		lost = kmalloc(64, GFP_KERNEL);
	lost = NULL;
	return 0;
}

static void __exit leak_exit(void)
{
}

module_init(leak_init);
module_exit(leak_exit);
MODULE_DESCRIPTION("Loses memory on purpose");
MODULE_LICENSE("GPL");
