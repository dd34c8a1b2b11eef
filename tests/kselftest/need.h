/* SPDX-License-Identifier: GPL-2.0 */
/*
 * need.h - what a test may ask for before it starts
 *
 * Each returns NULL if it is there, else a sentence that says what is missing.
 * None changes anything.
 */
#ifndef NEED_H
#define NEED_H

const char *need_module(void);		/* root, /dev/hemem, and it answers */
const char *need_region(void);		/* need_module, two nodes, and INFO has REGION */
const char *need_migrate(void);		/* need_module, and INFO has MIGRATE */
const char *need_swaps(void);		/* need_module, and INFO has SWAP */
const char *need_scan(void);		/* need_module, and INFO has SCAN */
const char *need_flush(void);		/* need_scan, and INFO has FLUSH */
const char *need_root(void);
const char *need_two_nodes(void);	/* and nobody else who moves pages */
const char *need_two_cpus(void);
const char *need_thp(void);
const char *need_swap(void);		/* the runner turns swap on, not a test */
const char *need_ksm(void);
const char *need_hugetlb(void);
const char *need_userns(void);
const char *need_cpuset(void);
const char *need_tracefs(void);
const char *need_module_file(void);	/* HEMEM_KO names hemem_assist.ko */
const char *need_faulty_module(void);	/* HEMEM_FAULTY_KO: one with kmod/fault.c */
const char *need_kmemleak(void);

#endif /* NEED_H */
