// SPDX-License-Identifier: GPL-2.0
/*
 * gauge.c - is anything left behind?
 *
 * Tolerances.  Free memory: 4 MiB, as the kernel's own tables come and go; a page lost
 * in 1000 moves shows after a million.  Anonymous
 * memory of the target and its control group: 256 KiB, for stacks and buffers of the
 * C library, and the per-CPU remainders of the statistics.  Huge pages, isolated pages,
 * and what is charged when the target has gone: none at all.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "board.h"
#include "file.h"
#include "gauge.h"
#include "memcg.h"
#include "node.h"

enum { FREE_KIB = 4096, ANON_KIB = 256, NOTHING = 0, PATIENCE = 50, REST_US = 100000 };

static int64_t of_target(pid_t target, const char *file, const char *field)
{
	char path[64];

	if (!target)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/%s", target, file);
	return file_sum(path, field);
}

static int64_t charged_kib(const char *field)
{
	int64_t bytes = memcg_bytes(field);

	return bytes < 0 ? -1 : bytes / 1024;
}

/*
 * What is free, with what CPUs keep for themselves, and what the kernel gives up when
 * asked: files that are read meanwhile make the one less and the other more.
 */
static int64_t free_kib(void)
{
	static const char *const fields[] = {
		"nr_active_file", "nr_inactive_file", "nr_slab_reclaimable",
	};
	int64_t pages = (int64_t)(node_all_free_bytes() / 4096);
	unsigned int i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		pages += file_field("/proc/vmstat", fields[i]);
	return pages * 4;
}

/* Whoever detaches has the module give it back. */
static int64_t pooled_kib(void)
{
	int64_t bytes = file_number("/sys/class/misc/hemem/pooled_bytes");

	return bytes < 0 ? -1 : bytes / 1024;
}

static int64_t count_isolated(void)
{
	file_write("/proc/sys/vm/stat_refresh", "1");
	return file_field("/proc/vmstat", "nr_isolated_anon") +
		file_field("/proc/vmstat", "nr_isolated_file");
}

void gauge_read(pid_t target, struct gauge *ret_gauge)
{
	int tries = PATIENCE;

	/* Counts of processes that just ended, and reclaim that just runs. */
	do {
		ret_gauge->isolated = count_isolated();
		ret_gauge->charged = charged_kib("anon");
		if (!ret_gauge->isolated && (target || ret_gauge->charged <= 0))
			break;
		usleep(REST_US);
	} while (tries--);
	ret_gauge->charged_huge = charged_kib("anon_thp");
	ret_gauge->rss = of_target(target, "status", "RssAnon:");
	ret_gauge->huge = of_target(target, "smaps_rollup", "AnonHugePages:");
	ret_gauge->pooled = pooled_kib();
	ret_gauge->free = free_kib();
	if (ret_gauge->pooled > 0)
		ret_gauge->free += ret_gauge->pooled;
}

static void compare(const char *what, int64_t before, int64_t after, int64_t less,
		    int64_t more)
{
	if (before >= 0 && after >= 0 && (after < before - less || after > before + more))
		board_violate("gauge", what, NULL, (uint64_t)before, (uint64_t)after);
}

void gauge_compare_alive(const struct gauge *before, const struct gauge *after)
{
	compare("free memory is the same after all moves (KiB)", before->free, after->free,
		FREE_KIB, INT32_MAX);
	compare("the target has the same memory after all moves (KiB)", before->rss,
		after->rss, ANON_KIB, ANON_KIB);
	compare("and as much of it in huge pages (KiB)", before->huge, after->huge, NOTHING,
		NOTHING);
	compare("its control group is charged the same after all moves (KiB)",
		before->charged, after->charged, ANON_KIB, ANON_KIB);
	compare("and as much for huge pages (KiB)", before->charged_huge,
		after->charged_huge, NOTHING, NOTHING);
}

void gauge_compare_gone(const struct gauge *before, const struct gauge *after)
{
	compare("free memory is the same when the target has gone (KiB)", before->free,
		after->free, FREE_KIB, INT32_MAX);
	compare("nothing is charged when the target has gone (KiB)", 0, after->charged,
		NOTHING, NOTHING);
	compare("nothing is pooled when the target has gone (KiB)", 0, after->pooled,
		NOTHING, NOTHING);
	compare("no page stays off the LRU lists", 0, after->isolated, NOTHING, NOTHING);
}

void gauge_print(const char *when, const struct gauge *gauge)
{
	printf("gauge %-7s free_kib=%" PRId64 " pooled_kib=%" PRId64 " rss_kib=%" PRId64 " huge_kib=%" PRId64
	       " charged_kib=%" PRId64 " charged_huge_kib=%" PRId64 " isolated=%" PRId64 "\n",
	       when, gauge->free, gauge->pooled, gauge->rss, gauge->huge, gauge->charged,
	       gauge->charged_huge, gauge->isolated);
}
