// SPDX-License-Identifier: GPL-2.0
/*
 * tier.c - nodes, their tiers, their free memory
 *
 * Owns what sysfs says of the machine's nodes.  Where a page lies is told by
 * whoever sampled it; what moves where is the policy's.
 *
 * Example: nodes 0 and 1 have CPUs and memory, node 2 has only memory.  Then the
 * fast tier is 0,1 and the slow tier 2.  With --fast 0 the slow tier is 1,2.
 *
 * The watermark of a fast node: the kernel gives a new page of the node to the
 * program only while more than its own "low" mark is free, and wakes its reclaim
 * below that; so its "high" mark is the least that must stay.  On top comes a
 * hundredth of what programs can have of the node, which is not the pool of hugetlb
 * pages, at least 16 MiB: that is what one program thread touches for the first time in
 * about 10 ms, enough for a few ticks of most programs, too little to miss.  Of a small
 * node (a test guest) it is a 64th at most, and an eighth with the mark.  Of a slow node only the "low" mark is left alone: on a machine whose
 * files fill its memory, what is free lies between the two marks for ever, and a
 * demotion needs room for the moment only, until the promotion that it is for.
 *
 * More than two tiers are several steps of two.  In step 0 pages come to the fast tier from all
 * others, and leave it for the next one that has room; in step 1 the next one is what the fast
 * tier was, and so on.  So hot pages rise at once, cold ones sink a tier at a time, and whoever
 * knows of two tiers decides each step.  Which slow node is in which tier the kernel says since
 * 6.1 (memory_tierN, a smaller N is faster):
 *
 *   memory_tier4 0, memory_tier22 2, memory_tier961 1
 *   step 0    0 fast, 2 and 1 slow
 *   step 1    2 fast, 1 slow
 *
 * Free memory is MemFree.  For new memory the kernel takes another node's free page
 * before it drops page cache of this one.  A move can have the cache of its node dropped:
 * it goes on below the low mark and wakes kswapd, which drops what is on the inactive list
 * until the high mark is free again.  So at any moment room in place of idle cache is
 * what is free above the min mark, and a plan later there is as much again.
 *
 * Example: free lies between low, 12 MiB, and high, 14 MiB, for ever, as files fill
 * node 0; min is 10 MiB, the watermark 30 MiB.  Of 400 MiB of idle cache, 13 - 10 = 3 MiB
 * are room.  With 18 MiB of it, the last, 13 + 18 - 30 = 1 MiB is room.
 */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <numa.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "tier.h"

#define MAX_NID		1024
#define NODE_DIR	"/sys/devices/system/node"
#define TIERS_DIR	"/sys/devices/virtual/memory_tiering"
#define ROOM_BYTES	(16ULL << 20)

/** struct nid_set - bit per node number */
struct nid_set {
	bool has[MAX_NID];
};

static int complain(int err, const char *format, ...)
{
	va_list args;

	fputs("hemem-ctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return err;
}

static FILE *open_under(const char *sysroot, const char *path)
{
	char full[4096];

	if ((size_t)snprintf(full, sizeof(full), "%s%s", sysroot, path) >= sizeof(full)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return fopen(full, "re");
}

/* "0,2-3" as sysfs writes it; an empty line is an empty set. */
static int parse_list(const char *text, struct nid_set *ret_nids)
{
	struct nid_set nids = { { false } };
	unsigned long first, last;
	char *end;

	for (; *text && *text != '\n'; text = end + (*end == ',')) {
		first = last = strtoul(text, &end, 10);
		if (end != text && *end == '-')
			last = strtoul(text = end + 1, &end, 10);
		if (end == text || last < first || last >= MAX_NID)
			return -EBADMSG;
		for (; first <= last; first++)
			nids.has[first] = true;
	}
	*ret_nids = nids;
	return 0;
}

static int read_list(const char *sysroot, const char *path, struct nid_set *ret_nids)
{
	char line[4096];
	FILE *file = open_under(sysroot, path);
	bool ok;

	if (!file)
		return -errno;
	ok = fgets(line, sizeof(line), file);
	fclose(file);
	return ok ? parse_list(line, ret_nids) : -EBADMSG;
}

static bool asked_for(const struct bitmask *mask, int nid)
{
	return mask && (unsigned long)nid < mask->size && numa_bitmask_isbitset(mask, nid);
}

/* Shmem is not in the lists of file pages: it cannot be dropped, only swapped. */
static int read_meminfo(const char *sysroot, struct tier_node *node)
{
	uint64_t total_kib = 0, free_kib = 0, active_kib = 0, inactive_kib = 0;
	char path[80], line[256];
	int found = 0;
	FILE *file;

	snprintf(path, sizeof(path), NODE_DIR "/node%d/meminfo", node->nid);
	file = open_under(sysroot, path);
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		found += sscanf(line, "Node %*d MemTotal: %" SCNu64, &total_kib) == 1;
		found += sscanf(line, "Node %*d MemFree: %" SCNu64, &free_kib) == 1;
		sscanf(line, "Node %*d Active(file): %" SCNu64, &active_kib);
		sscanf(line, "Node %*d Inactive(file): %" SCNu64, &inactive_kib);
	}
	fclose(file);
	if (found < 2)
		return -EBADMSG;
	node->total_bytes = total_kib << 10;
	node->free_bytes = free_kib << 10;
	node->cache_bytes = (active_kib + inactive_kib) << 10;
	node->idle_cache_bytes = inactive_kib << 10;
	return 0;
}

/* Sum of one mark of a node's zones, "high", "low" or "min"; 0: zoneinfo cannot be read. */
static uint64_t kernel_mark_bytes(const char *sysroot, int nid, const char *mark)
{
	FILE *file = open_under(sysroot, "/proc/zoneinfo");
	uint64_t pages, sum = 0;
	char line[256], name[16];
	int current = -1;

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "Node %d, zone", &current);
		if (current == nid && sscanf(line, " %15s %" SCNu64, name, &pages) == 2 &&
		    !strcmp(name, mark))
			sum += pages;
	}
	fclose(file);
	return sum * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* A node's memory less its pools of huge pages for hugetlbfs: of these nothing is for others. */
static uint64_t usable_bytes(const char *sysroot, const struct tier_node *node)
{
	static const unsigned int sizes_kib[] = { 2048, 1048576 };
	uint64_t nr, pool_bytes = 0;
	char path[100];
	FILE *file;
	size_t i;

	for (i = 0; i < sizeof(sizes_kib) / sizeof(sizes_kib[0]); i++) {
		snprintf(path, sizeof(path), NODE_DIR "/node%d/hugepages/hugepages-%ukB/nr_hugepages",
			 node->nid, sizes_kib[i]);
		file = open_under(sysroot, path);
		if (!file)
			continue;
		if (fscanf(file, "%" SCNu64, &nr) == 1)
			pool_bytes += nr * sizes_kib[i] << 10;
		fclose(file);
	}
	return bytes_above(node->total_bytes, pool_bytes);
}

/* @is_last: nothing is below it: what is there has to stay. */
static void set_watermark(const char *sysroot, struct tier_node *node, bool is_last)
{
	uint64_t usable = usable_bytes(sysroot, node);
	uint64_t room = bytes_min(ROOM_BYTES, usable / 64);

	room = room > usable / 100 ? room : usable / 100;
	node->watermark_bytes = kernel_mark_bytes(sysroot, node->nid, is_last ? "low" : "high");
	if (!is_last)
		node->watermark_bytes += room;
	node->watermark_bytes = bytes_min(node->watermark_bytes, node->total_bytes / 8);
	node->min_bytes = bytes_min(kernel_mark_bytes(sysroot, node->nid, "min"),
				  node->watermark_bytes);
}

/* Every node that was asked for must be there, and in one tier only. */
static int check_asked(const struct bitmask *fast, const struct bitmask *slow,
		       const struct nid_set *has_memory)
{
	int nid;

	for (nid = 0; nid < MAX_NID; nid++) {
		if (!asked_for(fast, nid) && !asked_for(slow, nid))
			continue;
		if (asked_for(fast, nid) && asked_for(slow, nid))
			return complain(-EINVAL, "node %d is in both tiers: name it in --fast or "
					"in --slow, not in both", nid);
		if (!has_memory->has[nid])
			return complain(-EINVAL, "node %d is not online or has no memory: the nodes "
					"with memory are listed in " NODE_DIR "/has_memory", nid);
	}
	return 0;
}

/* Which tier is node @nid in?  TIER_NR: it takes no part. */
static enum tier_level level_of(const struct bitmask *fast, const struct bitmask *slow,
				const struct nid_set *has_cpu, int nid)
{
	if (asked_for(fast, nid))
		return TIER_FAST;
	if (asked_for(slow, nid))
		return TIER_SLOW;
	if (fast)
		return slow ? TIER_NR : TIER_SLOW;
	if (has_cpu->has[nid])
		return TIER_FAST;
	return slow ? TIER_NR : TIER_SLOW;
}

static int add_node(struct tier_set *set, int nid, enum tier_level level)
{
	struct tier_node *node = &set->nodes[set->nr_nodes];
	int err;

	if (set->nr_nodes == TIER_MAX_NODES)
		return complain(-E2BIG, "more than %d nodes: name the ones to use with --fast and "
				"--slow", TIER_MAX_NODES);
	*node = (struct tier_node){ .nid = nid, .level = level };
	err = read_meminfo(set->sysroot, node);
	if (err)
		return complain(err, "cannot read the memory of node %d: %s", nid, strerror(-err));
	set->nr_nodes++;
	return 0;
}

static int check_two_tiers(const struct tier_set *set)
{
	unsigned int nr[TIER_NR] = { 0, 0 }, i;

	for (i = 0; i < set->nr_nodes; i++)
		nr[set->nodes[i].level]++;
	if (set->nr_nodes == 1)
		return complain(-ENODEV, "this machine has one node with memory, so there is nothing to "
				"tier: bring slow memory up as a node (daxctl reconfigure-device "
				"--mode=system-ram), or boot with numa=fake=2 to try things out");
	if (!nr[TIER_SLOW])
		return complain(-ENODEV, "no node without CPUs, so which memory is slow is not known: "
				"say it with --slow NODES");
	if (!nr[TIER_FAST])
		return complain(-ENODEV, "no node with CPUs and memory: name the fast nodes with "
				"--fast NODES");
	return 0;
}

/* ---- depth ---- */

/** struct kernel_tier - memory_tier@id has the nodes @nids */
struct kernel_tier {
	int id;
	struct nid_set nids;
};

static int compare_tiers(const void *a, const void *b)
{
	const struct kernel_tier *one = a, *two = b;

	return (one->id > two->id) - (one->id < two->id);
}

/* Fastest first; an older kernel has none.  Return: their number. */
static size_t read_tiers(const char *sysroot, struct kernel_tier **ret_tiers)
{
	struct kernel_tier *tiers;
	size_t nr = 0, i, root = strlen(sysroot);
	char pattern[4096];
	glob_t paths;

	*ret_tiers = NULL;
	if ((size_t)snprintf(pattern, sizeof(pattern), "%s" TIERS_DIR "/memory_tier*/nodelist",
			     sysroot) >= sizeof(pattern) ||
	    glob(pattern, 0, NULL, &paths))
		return 0;
	tiers = calloc(paths.gl_pathc, sizeof(*tiers));
	for (i = 0; tiers && i < paths.gl_pathc; i++)
		if (sscanf(paths.gl_pathv[i] + root, TIERS_DIR "/memory_tier%d",
			   &tiers[nr].id) == 1 &&
		    !read_list(sysroot, paths.gl_pathv[i] + root, &tiers[nr].nids))
			nr++;
	globfree(&paths);
	if (tiers)
		qsort(tiers, nr, sizeof(*tiers), compare_tiers);
	*ret_tiers = tiers;
	return nr;
}

/* Slow nodes of the kernel's first tier that has any are at depth 1, of its next one at 2. */
static unsigned int set_depths(struct tier_set *set, const struct kernel_tier *tiers, size_t nr)
{
	unsigned int depth = 1, i;
	size_t t;
	bool any;

	for (i = 0; i < set->nr_nodes; i++)
		set->nodes[i].depth = set->nodes[i].level == TIER_SLOW;
	for (t = 0; t < nr; t++) {
		any = false;
		for (i = 0; i < set->nr_nodes; i++) {
			if (set->nodes[i].level != TIER_SLOW || !tiers[t].nids.has[set->nodes[i].nid])
				continue;
			set->nodes[i].depth = depth;
			any = true;
		}
		depth += any;
	}
	return depth > 1 ? depth - 1 : 1;
}

static void find_depths(struct tier_set *set)
{
	struct kernel_tier *tiers;
	size_t nr = read_tiers(set->sysroot, &tiers);
	unsigned int last = set_depths(set, tiers, nr), i;

	for (i = 0; i < set->nr_nodes; i++)
		set_watermark(set->sysroot, &set->nodes[i], set->nodes[i].depth == last);
	free(tiers);
}

unsigned int tier_nr_steps(const struct tier_set *set)
{
	unsigned int nr = 1, i;

	for (i = 0; i < set->nr_nodes; i++)
		nr = set->nodes[i].depth > nr ? set->nodes[i].depth : nr;
	return nr;
}

void tier_step(const struct tier_set *set, unsigned int step, struct tier_set *ret_set)
{
	struct tier_node *node;

	*ret_set = *set;
	for (node = ret_set->nodes; step && node < ret_set->nodes + set->nr_nodes; node++)
		node->level = node->depth < step ? TIER_NR :
			      node->depth == step ? TIER_FAST : TIER_SLOW;
}

/* ---- public ---- */

int tier_open(const struct bitmask *fast, const struct bitmask *slow, const char *sysroot,
	      struct tier_set *ret_set)
{
	struct tier_set set = { .sysroot = sysroot };
	struct nid_set has_memory, has_cpu;
	enum tier_level level;
	int nid, err;

	err = read_list(sysroot, NODE_DIR "/has_memory", &has_memory);
	if (!err)
		err = read_list(sysroot, NODE_DIR "/has_cpu", &has_cpu);
	if (err)
		return complain(err, "cannot read " NODE_DIR ": %s; this needs a kernel with "
				"CONFIG_NUMA and a mounted /sys", strerror(-err));
	err = check_asked(fast, slow, &has_memory);
	for (nid = 0; !err && nid < MAX_NID; nid++) {
		level = level_of(fast, slow, &has_cpu, nid);
		if (has_memory.has[nid] && level != TIER_NR)
			err = add_node(&set, nid, level);
	}
	if (!err)
		err = check_two_tiers(&set);
	if (err)
		return err;
	find_depths(&set);
	*ret_set = set;
	return 0;
}

int tier_look(struct tier_set *set)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < set->nr_nodes && !err; i++)
		err = read_meminfo(set->sysroot, &set->nodes[i]);
	return err;
}

unsigned int tier_index(const struct tier_set *set, int nid)
{
	unsigned int i;

	for (i = 0; i < set->nr_nodes; i++)
		if (set->nodes[i].nid == nid)
			return i;
	return TIER_NO_NODE;
}

uint64_t tier_node_free_room(const struct tier_node *node)
{
	return bytes_above(node->free_bytes, node->watermark_bytes);
}

uint64_t tier_node_room(const struct tier_node *node)
{
	return bytes_min(bytes_above(node->free_bytes + node->idle_cache_bytes, node->watermark_bytes),
		       bytes_above(node->free_bytes, node->min_bytes));
}

uint64_t tier_room_bytes(const struct tier_set *set, enum tier_level level)
{
	uint64_t room = 0;
	unsigned int i;

	for (i = 0; i < set->nr_nodes; i++)
		if (set->nodes[i].level == level)
			room += tier_node_room(&set->nodes[i]);
	return room;
}

uint64_t tier_lack_bytes(const struct tier_set *set, enum tier_level level)
{
	uint64_t lack = 0;
	unsigned int i;

	for (i = 0; i < set->nr_nodes; i++)
		if (set->nodes[i].level == level)
			lack += bytes_above(set->nodes[i].watermark_bytes, set->nodes[i].free_bytes);
	return lack;
}

/* @member: offset of a uint64_t in struct tier_node, to be summed over one tier */
static uint64_t tier_sum(const struct tier_set *set, enum tier_level level, size_t member)
{
	uint64_t bytes = 0;
	unsigned int i;

	for (i = 0; i < set->nr_nodes; i++)
		if (set->nodes[i].level == level)
			bytes += *(const uint64_t *)((const char *)&set->nodes[i] + member);
	return bytes;
}

uint64_t tier_free_bytes(const struct tier_set *set, enum tier_level level)
{
	return tier_sum(set, level, offsetof(struct tier_node, free_bytes));
}

uint64_t tier_cache_bytes(const struct tier_set *set, enum tier_level level)
{
	return tier_sum(set, level, offsetof(struct tier_node, cache_bytes));
}

uint64_t tier_watermark_bytes(const struct tier_set *set, enum tier_level level)
{
	return tier_sum(set, level, offsetof(struct tier_node, watermark_bytes));
}

const char *tier_name(enum tier_level level)
{
	return level == TIER_FAST ? "fast" : "slow";
}
