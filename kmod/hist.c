// SPDX-License-Identifier: GPL-2.0
/*
 * hist.c - histograms, one sysfs file each, in /sys/class/misc/hemem/histograms/
 *
 * Off until the parameter histograms is written: 1 turns them on, 0 off, either begins anew.
 * A bucket holds the times from a power of two to the next.  A file has a line for each that
 * has any: where it begins, in ns, and how many.
 *
 * Example: 90, 100 and 130 ns are
 *
 *	64 2
 *	128 1
 */
#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sysfs.h>
#include "hemem.h"

#define NR_BUCKETS	40		/* the last from 9 minutes on */

static atomic64_t hists[HEMEM_NR_HISTS][NR_BUCKETS];

DEFINE_STATIC_KEY_FALSE(hemem_hist_key);

static void clear_all(void)
{
	unsigned int hist, i;

	for (hist = 0; hist < HEMEM_NR_HISTS; hist++)
		for (i = 0; i < NR_BUCKETS; i++)
			atomic64_set(&hists[hist][i], 0);
}

/* Parameters are written one at a time. */
static int hist_set(const char *text, const struct kernel_param *param)
{
	bool is_on;
	int ret = kstrtobool(text, &is_on);

	if (ret)
		return ret;
	clear_all();
	if (is_on)
		static_branch_enable(&hemem_hist_key);
	else
		static_branch_disable(&hemem_hist_key);
	return 0;
}

static int hist_get(char *buf, const struct kernel_param *param)
{
	return sysfs_emit(buf, "%c\n", static_key_enabled(&hemem_hist_key) ? 'Y' : 'N');
}

static const struct kernel_param_ops hist_ops = { .set = hist_set, .get = hist_get };
module_param_cb(histograms, &hist_ops, NULL, 0644);
MODULE_PARM_DESC(histograms,
		 "Count in /sys/class/misc/hemem/histograms/ how long locks are held and pages away (default: N)");

/**
 * hemem_hist_add() - count one
 * @hist: of which
 * @ns: how long it was
 */
void hemem_hist_add(enum hemem_hist hist, u64 ns)
{
	unsigned int bucket = ns ? ilog2(ns) : 0;

	atomic64_inc(&hists[hist][min_t(unsigned int, bucket, NR_BUCKETS - 1)]);
}

static ssize_t hist_show(enum hemem_hist hist, char *buf)
{
	ssize_t len = 0;
	unsigned int i;
	s64 nr;

	for (i = 0; i < NR_BUCKETS; i++) {
		nr = atomic64_read(&hists[hist][i]);
		if (nr)
			len += sysfs_emit_at(buf, len, "%llu %lld\n",
					     i ? 1ULL << i : 0, nr);
	}
	return len;
}

#define HEMEM_HIST_SHOW(name)						\
static ssize_t name##_ns_show(struct device *dev,			\
			      struct device_attribute *attr, char *buf)	\
{									\
	return hist_show(HEMEM_HIST_##name, buf);			\
}									\
static DEVICE_ATTR_RO(name##_ns);
HEMEM_HISTS(HEMEM_HIST_SHOW)

static struct attribute *hist_attrs[] = {
#define HEMEM_HIST_ATTR(name) &dev_attr_##name##_ns.attr,
	HEMEM_HISTS(HEMEM_HIST_ATTR)
	NULL
};

const struct attribute_group hemem_hist_group = {
	.name = "histograms",
	.attrs = hist_attrs,
};
