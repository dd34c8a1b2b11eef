/* SPDX-License-Identifier: GPL-2.0 */
/*
 * region.h - the target's address ranges, as /proc/PID/maps tells them
 */
#ifndef HEMEM_REGION_H
#define HEMEM_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/**
 * enum region_kind - what kind of memory it is
 * @REGION_ANON: private, without a file: mmap, thread stacks
 * @REGION_HEAP: the brk heap
 * @REGION_STACK: the stack of the main thread
 * @REGION_FILE: a private mapping of a file
 * @REGION_SHARED: a shared mapping: shmem, memfd, a file
 * @REGION_SPECIAL: the kernel's own ([vdso], [vvar]) and devices: never moved
 */
enum region_kind {
	REGION_ANON,
	REGION_HEAP,
	REGION_STACK,
	REGION_FILE,
	REGION_SHARED,
	REGION_SPECIAL,
	REGION_NR_KINDS,
};

/**
 * struct region - addresses [@start, @end), page aligned
 * @kind: what is mapped
 * @inode: number of the file's inode; 0: no file
 */
struct region {
	uint64_t start;
	uint64_t end;
	uint64_t inode;
	enum region_kind kind;
};

/**
 * struct region_set - sorted regions that do not overlap
 * @list: @nr of them; NULL when there are none
 *
 * Neighbours that touch and are of one kind (and file) are one region: only
 * their permissions differ, which is none of our business.
 */
struct region_set {
	struct region *list;
	size_t nr;
};

/**
 * region_parse() - read regions in the format of /proc/PID/maps
 * @maps: the text; is read to its end
 * @ret_set: overwritten, its old list is not freed; untouched on failure
 *
 * Return: 0, -EBADMSG: a line is not of that format, -ENOMEM, or -errno of the
 * read (-ESRCH: the process has ended).
 */
int region_parse(FILE *maps, struct region_set *ret_set);

/** region_read() - region_parse() of /proc/@pid/maps */
int region_read(pid_t pid, struct region_set *ret_set);

/** region_free() - empty the set */
void region_free(struct region_set *set);

/** region_find() - the region that @addr lies in, or NULL */
const struct region *region_find(const struct region_set *set, uint64_t addr);

/** region_next() - the first region that ends above @addr, or NULL */
const struct region *region_next(const struct region_set *set, uint64_t addr);

/** region_movable() - can memory of this region move at all? */
bool region_movable(const struct region *region);

/** region_next_movable() - region_next() among those that can */
const struct region *region_next_movable(const struct region_set *set, uint64_t addr);

/**
 * region_diff() - what went away between two looks
 * @old: the earlier set
 * @now: the later set
 * @gone: called in address order for every range [start, end) that @old covers
 *	and @now does not, or where another kind of memory or another file lies
 *	now.  Neighbouring ranges may come in one or several calls.
 * @arg: for @gone
 *
 * Return: number of calls.
 */
size_t region_diff(const struct region_set *old, const struct region_set *now,
		   void (*gone)(void *arg, uint64_t start, uint64_t end), void *arg);

#endif /* HEMEM_REGION_H */
