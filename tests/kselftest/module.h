/* SPDX-License-Identifier: GPL-2.0 */
/*
 * module.h - hemem_assist.ko, loaded and unloaded by a test
 *
 * Only for tests that need_module_file(); whoever unloads it loads it again.
 */
#ifndef MODULE_H
#define MODULE_H

/* All 0 or -errno. */
int module_unload(void);
int module_load(const char *args);	/* NULL: those of the runner */
int module_load_faulty(const char *args);	/* the one with kmod/fault.c */

#endif /* MODULE_H */
