// SPDX-License-Identifier: GPL-2.0
/*
 * stats.c - counters, one sysfs file each, in /sys/class/misc/hemem/
 *
 * They are added to once or a few times per ioctl, never per page, so a plain
 * atomic each is enough.  hemem.h says what each one counts.  pooled_bytes is no counter:
 * what waits in pool.c now;
 * region_pooled_bytes: in region_pool.c.
 */
#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/sysfs.h>
#include "hemem.h"
#include "ksyms.h"

static atomic64_t stats[HEMEM_NR_STATS];

void hemem_stats_add(enum hemem_stat stat, u64 n)
{
	atomic64_add(n, &stats[stat]);
}

#define HEMEM_STAT_SHOW(name)						\
static ssize_t name##_show(struct device *dev,				\
			   struct device_attribute *attr, char *buf)	\
{									\
	return sysfs_emit(buf, "%llu\n",				\
		(unsigned long long)atomic64_read(&stats[HEMEM_STAT_##name])); \
}									\
static DEVICE_ATTR_RO(name);
HEMEM_STATS(HEMEM_STAT_SHOW)

static ssize_t missing_symbols_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	return hemem_ksyms_missing(buf);
}
static DEVICE_ATTR_RO(missing_symbols);

static ssize_t pooled_bytes_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", (unsigned long long)hemem_pool_bytes());
}
static DEVICE_ATTR_RO(pooled_bytes);

static ssize_t region_pooled_bytes_show(struct device *dev,
					struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", (unsigned long long)hemem_region_pool_bytes());
}
static DEVICE_ATTR_RO(region_pooled_bytes);

static struct attribute *stats_attrs[] = {
#define HEMEM_STAT_ATTR(name) &dev_attr_##name.attr,
	HEMEM_STATS(HEMEM_STAT_ATTR)
	NULL
};

static const struct attribute_group stats_group = {
	.name = "stats",
	.attrs = stats_attrs,
};

static struct attribute *device_attrs[] = {
	&dev_attr_missing_symbols.attr,
	&dev_attr_pooled_bytes.attr,
	&dev_attr_region_pooled_bytes.attr,
	NULL
};

static const struct attribute_group device_group = {
	.attrs = device_attrs,
};

const struct attribute_group *hemem_stats_groups[] = {
	&device_group,
	&stats_group,
	&hemem_hist_group,
	NULL
};
