// SPDX-License-Identifier: GPL-2.0
/*
 * need.c - what a test may ask for before it starts
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dev.h"
#include "file.h"
#include "mem.h"
#include "need.h"
#include "node.h"

const char *need_root(void)
{
	return geteuid() ? "not root" : NULL;
}

static const char *info_of_module(struct hemem_assist_info *ret_info)
{
	int fd, err;

	if (geteuid())
		return "not root";
	fd = dev_open();
	if (fd < 0)
		return "no " HEMEM_ASSIST_DEVICE ": insmod hemem_assist.ko first";
	err = dev_info(fd, ret_info);
	close(fd);
	return err ? HEMEM_ASSIST_DEVICE " does not answer INFO" : NULL;
}

static const char *need_feature(uint64_t feature, const char *otherwise)
{
	struct hemem_assist_info info;
	const char *lacks = info_of_module(&info);

	if (lacks)
		return lacks;
	return info.out_features & feature ? NULL : otherwise;
}

const char *need_region(void)
{
	const char *lacks = need_feature(HEMEM_ASSIST_FEAT_REGION,
					 "the module has no managed regions");

	return lacks ? lacks : need_two_nodes();
}

const char *need_module(void)
{
	return need_feature(~(uint64_t)HEMEM_ASSIST_FEAT_REGION, "the module has no feature on this kernel");
}

const char *need_migrate(void)
{
	return need_feature(HEMEM_ASSIST_FEAT_MIGRATE,
			    "the module has no MIGRATE on this kernel");
}

const char *need_swaps(void)
{
	return need_feature(HEMEM_ASSIST_FEAT_SWAP,
			    "the module does not swap pages on this kernel");
}

const char *need_scan(void)
{
	return need_feature(HEMEM_ASSIST_FEAT_SCAN,
			    "the module has no SCAN on this kernel");
}

const char *need_flush(void)
{
	return need_feature(HEMEM_ASSIST_FEAT_FLUSH,
			    "the module cannot flush the TLB on this kernel");
}

const char *need_two_nodes(void)
{
	if (node_b() < 0)
		return "one node only: boot with numa=fake=2";
	/* It moves pages too, and hides them from move_pages(2) on old kernels. */
	if (file_number("/proc/sys/kernel/numa_balancing") > 0)
		return "NUMA balancing is on: echo 0 >/proc/sys/kernel/numa_balancing";
	return NULL;
}

const char *need_two_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) < 2 ? "one CPU only" : NULL;
}

const char *need_thp(void)
{
	char mode[64];

	if (file_read("/sys/kernel/mm/transparent_hugepage/enabled", mode,
		      sizeof(mode)) < 0)
		return "the kernel has no transparent huge pages";
	return strstr(mode, "[never]") ?
		"transparent huge pages are set to never" : NULL;
}

const char *need_swap(void)
{
	return file_field("/proc/meminfo", "SwapFree:") < 4096 ? "no swap is on" : NULL;
}

const char *need_ksm(void)
{
	return access("/sys/kernel/mm/ksm/run", W_OK) ?
		"the kernel has no same-page merging" : NULL;
}

const char *need_hugetlb(void)
{
	return access("/sys/kernel/mm/hugepages/hugepages-2048kB", F_OK) ?
		"the kernel has no 2 MiB hugetlbfs pages" : NULL;
}

const char *need_userns(void)
{
	return access("/proc/self/ns/user", F_OK) ?
		"the kernel has no user namespaces" : NULL;
}

const char *need_cpuset(void)
{
	/* Version 2 names it where it is mounted, version 1 in the other file. */
	static const char *const files[] = {
		"/sys/fs/cgroup/cgroup.controllers", "/proc/cgroups" };
	char groups[4096];
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (file_read(files[i], groups, sizeof(groups)) > 0 &&
		    strstr(groups, "cpuset"))
			return NULL;
	return "the kernel has no cpusets";
}

const char *need_tracefs(void)
{
	return access("/sys/kernel/tracing", F_OK) ?
		"the kernel has no tracefs" : NULL;
}

const char *need_module_file(void)
{
	const char *path = getenv("HEMEM_KO");

	return !path || access(path, R_OK) ?
		"HEMEM_KO does not name hemem_assist.ko" : NULL;
}

const char *need_faulty_module(void)
{
	const char *path = getenv("HEMEM_FAULTY_KO");

	return !path || access(path, R_OK) ?
		"HEMEM_FAULTY_KO names no module built with HEMEM_FAULTS=y" : NULL;
}

const char *need_kmemleak(void)
{
	return access("/sys/kernel/debug/kmemleak", W_OK) ?
		"the kernel has no kmemleak" : NULL;
}
