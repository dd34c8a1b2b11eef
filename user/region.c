// SPDX-License-Identifier: GPL-2.0
/*
 * region.c - the target's regions
 *
 * Owns the text format of /proc/PID/maps and the comparison of two looks at it.
 * Does not know when to look again (watch, loop) nor what lies inside a region
 * (sampler).
 *
 * Example, as /proc/PID/maps has it:
 *
 *   before: 10000-30000 rw-p       now: 10000-18000 rw-p
 *           40000-50000 [heap]          20000-30000 rw-p
 *                                       40000-48000 [heap]
 *                                       60000-70000 rw-p
 *
 * [18000, 20000) and [48000, 50000) have gone: their heat is to be dropped.  What
 * is new at 60000 needs no word: its pages are found when they are sampled.
 * mremap of a region is that same thing, one range gone and another one new.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "region.h"

#define GROW_BY		64	/* regions; most programs have fewer than 200 */

static bool begins_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

/* Device memory has a path under /dev, but so have shmem files and /dev/zero. */
static bool path_is_memory(const char *path)
{
	if (begins_with(path, "/dev/"))
		return begins_with(path, "/dev/shm/") || begins_with(path, "/dev/zero");
	return path[0] == '/' && !begins_with(path, "/anon_hugepage");
}

static enum region_kind kind_of(const char *permissions, const char *path)
{
	if (begins_with(path, "[heap]"))
		return REGION_HEAP;
	if (begins_with(path, "[stack]"))
		return REGION_STACK;
	if (begins_with(path, "[anon"))		/* named by prctl(PR_SET_VMA) */
		return permissions[3] == 's' ? REGION_SHARED : REGION_ANON;
	if (path[0] && !path_is_memory(path))
		return REGION_SPECIAL;
	if (permissions[3] == 's')
		return REGION_SHARED;
	return path[0] ? REGION_FILE : REGION_ANON;
}

static int parse_line(const char *line, struct region *ret_region)
{
	struct region region;
	char permissions[5];
	int path_at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*x:%*x %" SCNu64 " %n", &region.start,
		   &region.end, permissions, &region.inode, &path_at) != 4 || !path_at)
		return -EBADMSG;
	if (strlen(permissions) != 4 || region.start >= region.end)
		return -EBADMSG;
	region.kind = kind_of(permissions, line + path_at);
	*ret_region = region;
	return 0;
}

static bool same_memory(const struct region *a, const struct region *b)
{
	return a->kind == b->kind && a->inode == b->inode;
}

/*
 * The kernel gives the text out by the page, and the target may change its
 * regions between two of them: a later line may then overlap an earlier one.
 */
static int append(struct region_set *set, struct region region)
{
	struct region *last = set->nr ? &set->list[set->nr - 1] : NULL, *list;

	if (last && region.start < last->end)
		region.start = last->end;
	if (region.start >= region.end)
		return 0;
	if (last && region.start == last->end && same_memory(last, &region)) {
		last->end = region.end;
		return 0;
	}
	if (set->nr % GROW_BY == 0) {
		list = reallocarray(set->list, set->nr + GROW_BY, sizeof(*list));
		if (!list)
			return -ENOMEM;
		set->list = list;
	}
	set->list[set->nr++] = region;
	return 0;
}

int region_parse(FILE *maps, struct region_set *ret_set)
{
	struct region_set set = { NULL, 0 };
	struct region region;
	size_t room = 0;
	char *line = NULL;
	int err = 0;

	errno = 0;
	while (!err && getline(&line, &room, maps) > 0) {
		line[strcspn(line, "\n")] = '\0';
		err = parse_line(line, &region);
		if (!err)
			err = append(&set, region);
	}
	if (!err && ferror(maps))
		err = errno ? -errno : -EIO;
	free(line);
	if (err) {
		region_free(&set);
		return err;
	}
	*ret_set = set;
	return 0;
}

int region_read(pid_t pid, struct region_set *ret_set)
{
	char path[32];
	FILE *maps;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	if (!maps)
		return errno == ENOENT ? -ESRCH : -errno;
	err = region_parse(maps, ret_set);
	fclose(maps);
	return err;
}

void region_free(struct region_set *set)
{
	free(set->list);
	*set = (struct region_set){ NULL, 0 };
}

const struct region *region_next(const struct region_set *set, uint64_t addr)
{
	size_t low = 0, high = set->nr, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (addr >= set->list[mid].end)
			low = mid + 1;
		else
			high = mid;
	}
	return low < set->nr ? &set->list[low] : NULL;
}

const struct region *region_find(const struct region_set *set, uint64_t addr)
{
	const struct region *region = region_next(set, addr);

	return region && addr >= region->start ? region : NULL;
}

bool region_movable(const struct region *region)
{
	return region->kind != REGION_SPECIAL;
}

const struct region *region_next_movable(const struct region_set *set, uint64_t addr)
{
	const struct region *region = region_next(set, addr);

	while (region && !region_movable(region))
		region = region_next(set, region->end);
	return region;
}

size_t region_diff(const struct region_set *old, const struct region_set *now,
		   void (*gone)(void *arg, uint64_t start, uint64_t end), void *arg)
{
	const struct region *was, *is;
	size_t i, j, first = 0, calls = 0;
	uint64_t pos;

	for (i = 0; i < old->nr; i++) {
		was = &old->list[i];
		pos = was->start;
		while (first < now->nr && now->list[first].end <= pos)
			first++;
		for (j = first; j < now->nr && now->list[j].start < was->end; j++) {
			is = &now->list[j];
			if (!same_memory(was, is))
				continue;
			if (is->start > pos) {
				gone(arg, pos, is->start);
				calls++;
			}
			pos = is->end;
		}
		if (pos < was->end) {
			gone(arg, pos, was->end);
			calls++;
		}
	}
	return calls;
}
