/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hemem_uffd_wp.h - write protection by userfaultfd(2), by the kernel or by hemem_assist
 *
 * Kernels since 5.7 have it; on older ones the module does it, over /dev/hemem.  A program that
 * uses this header sees no difference: the messages that it reads are the same.
 *
 *	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
 *	struct hemem_uffd_wp wp;
 *
 *	hemem_uffd_wp_begin(&wp, uffd, 0, HEMEM_UFFD_WP_ANY);	in place of UFFDIO_API
 *	hemem_uffd_wp_register(&wp, addr, bytes, 0);
 *	hemem_uffd_wp_protect(&wp, addr, bytes);
 *	... read(uffd): UFFD_EVENT_PAGEFAULT with UFFD_PAGEFAULT_FLAG_WP ...
 *	hemem_uffd_wp_unprotect(&wp, addr, bytes);		and wake who sleeps there
 *	hemem_uffd_wp_end(&wp);
 *
 * All functions return 0 or -errno.  Addresses and sizes are multiples of a page.  Private
 * anonymous memory of the calling process alone; hemem_assist.h says what else is
 * different where the module does it.
 */
#ifndef HEMEM_UFFD_WP_H
#define HEMEM_UFFD_WP_H

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "uapi/hemem_assist.h"

/**
 * enum hemem_uffd_wp_by - who protects
 * @HEMEM_UFFD_WP_ANY: the kernel where it can, else the module
 * @HEMEM_UFFD_WP_KERNEL: the kernel or nobody
 * @HEMEM_UFFD_WP_MODULE: the module or nobody
 */
enum hemem_uffd_wp_by {
	HEMEM_UFFD_WP_ANY,
	HEMEM_UFFD_WP_KERNEL,
	HEMEM_UFFD_WP_MODULE,
};

/**
 * struct hemem_uffd_wp - a userfaultfd that can write-protect
 * @uffd: the caller's, and his to close
 * @assist: of /dev/hemem; -1: the kernel does it
 */
struct hemem_uffd_wp {
	int uffd;
	int assist;
};

static inline int hemem_uffd_wp_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) ? -errno : 0;
}

static inline int hemem_uffd_wp_api(int uffd, uint64_t features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };

	return hemem_uffd_wp_ioctl(uffd, UFFDIO_API, &api);
}

/* An fd of /dev/hemem whose module can do it, or -errno. */
static inline int hemem_uffd_wp_open_module(void)
{
	struct hemem_assist_info info = { .size = sizeof(info) };
	int err, fd = open(HEMEM_ASSIST_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	err = hemem_uffd_wp_ioctl(fd, HEMEM_ASSIST_INFO, &info);
	if (!err && !(info.out_features & HEMEM_ASSIST_FEAT_WP))
		err = -EOPNOTSUPP;
	if (err)
		close(fd);
	return err ? err : fd;
}

/**
 * hemem_uffd_wp_begin() - UFFDIO_API, and see who can protect
 * @ret_wp: to be given to the other functions, and to hemem_uffd_wp_end()
 * @uffd: new from userfaultfd(2), before UFFDIO_API
 * @features: UFFD_FEATURE_* that the caller wants beside
 * @by: who may
 *
 * Return: 0, -EOPNOTSUPP: nobody can, or another -errno
 */
static inline int hemem_uffd_wp_begin(struct hemem_uffd_wp *ret_wp, int uffd,
				      uint64_t features, enum hemem_uffd_wp_by by)
{
	int err, assist;

	*ret_wp = (struct hemem_uffd_wp){ .uffd = uffd, .assist = -1 };
#ifdef UFFDIO_WRITEPROTECT
	if (by != HEMEM_UFFD_WP_MODULE) {
		/* A kernel that cannot refuses, and can be asked again. */
		err = hemem_uffd_wp_api(uffd, features | UFFD_FEATURE_PAGEFAULT_FLAG_WP);
		if (err != -EINVAL)
			return err;
	}
#endif
	if (by == HEMEM_UFFD_WP_KERNEL)
		return -EOPNOTSUPP;
	assist = hemem_uffd_wp_open_module();
	if (assist < 0)
		return assist;
	err = hemem_uffd_wp_api(uffd, features);
	if (err)
		close(assist);
	else
		ret_wp->assist = assist;
	return err;
}

/** hemem_uffd_wp_end() - the module protects nothing any more; @uffd stays open */
static inline void hemem_uffd_wp_end(struct hemem_uffd_wp *wp)
{
	if (wp->assist >= 0)
		close(wp->assist);
	wp->assist = -1;
}

/**
 * hemem_uffd_wp_register() - UFFDIO_REGISTER with UFFDIO_REGISTER_MODE_WP
 * @wp: begun
 * @addr: where the range begins
 * @bytes: its size
 * @missing: not 0: UFFDIO_REGISTER_MODE_MISSING, too
 */
static inline int hemem_uffd_wp_register(const struct hemem_uffd_wp *wp, void *addr,
					 size_t bytes, int missing)
{
	struct hemem_assist_wp_register by_module = {
		.size = sizeof(by_module),
		.flags = missing ? HEMEM_ASSIST_WP_MISSING : 0,
		.start = (uintptr_t)addr, .end = (uintptr_t)addr + bytes, .uffd = wp->uffd,
	};
	struct uffdio_register by_kernel = {
		.range = { (uintptr_t)addr, bytes },
		.mode = UFFDIO_REGISTER_MODE_WP | (missing ? UFFDIO_REGISTER_MODE_MISSING : 0),
	};

	if (wp->assist >= 0)
		return hemem_uffd_wp_ioctl(wp->assist, HEMEM_ASSIST_WP_REGISTER, &by_module);
	return hemem_uffd_wp_ioctl(wp->uffd, UFFDIO_REGISTER, &by_kernel);
}

/** hemem_uffd_wp_wake() - UFFDIO_WAKE */
static inline int hemem_uffd_wp_wake(const struct hemem_uffd_wp *wp, void *addr, size_t bytes)
{
	struct uffdio_range range = { (uintptr_t)addr, bytes };

	return hemem_uffd_wp_ioctl(wp->uffd, UFFDIO_WAKE, &range);
}

/** hemem_uffd_wp_unregister() - UFFDIO_UNREGISTER, and wake who sleeps there */
static inline int hemem_uffd_wp_unregister(const struct hemem_uffd_wp *wp, void *addr,
					   size_t bytes)
{
	struct uffdio_range range = { (uintptr_t)addr, bytes };
	int err = hemem_uffd_wp_ioctl(wp->uffd, UFFDIO_UNREGISTER, &range);

	/* The kernel itself wakes those alone who wait for missing pages. */
	return err ? err : hemem_uffd_wp_wake(wp, addr, bytes);
}

static inline int hemem_uffd_wp_change(const struct hemem_uffd_wp *wp, void *addr,
				       size_t bytes, int is_on)
{
	struct hemem_assist_wp_protect by_module = {
		.size = sizeof(by_module), .flags = is_on ? HEMEM_ASSIST_WP_ON : 0,
		.start = (uintptr_t)addr, .end = (uintptr_t)addr + bytes,
	};

	if (wp->assist >= 0)
		return hemem_uffd_wp_ioctl(wp->assist, HEMEM_ASSIST_WP_PROTECT, &by_module);
#ifdef UFFDIO_WRITEPROTECT
	struct uffdio_writeprotect by_kernel = {
		.range = { (uintptr_t)addr, bytes },
		.mode = is_on ? UFFDIO_WRITEPROTECT_MODE_WP : UFFDIO_WRITEPROTECT_MODE_DONTWAKE,
	};

	return hemem_uffd_wp_ioctl(wp->uffd, UFFDIO_WRITEPROTECT, &by_kernel);
#else
	return -EOPNOTSUPP;
#endif
}

/** hemem_uffd_wp_protect() - UFFDIO_WRITEPROTECT with UFFDIO_WRITEPROTECT_MODE_WP */
static inline int hemem_uffd_wp_protect(const struct hemem_uffd_wp *wp, void *addr,
					size_t bytes)
{
	return hemem_uffd_wp_change(wp, addr, bytes, 1);
}

/** hemem_uffd_wp_unprotect() - UFFDIO_WRITEPROTECT without it, and wake who sleeps there */
static inline int hemem_uffd_wp_unprotect(const struct hemem_uffd_wp *wp, void *addr,
					  size_t bytes)
{
	int err = hemem_uffd_wp_change(wp, addr, bytes, 0);

	return err ? err : hemem_uffd_wp_wake(wp, addr, bytes);
}

#endif /* HEMEM_UFFD_WP_H */
