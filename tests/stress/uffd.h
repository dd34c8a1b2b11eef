/* SPDX-License-Identifier: GPL-2.0 */
/*
 * uffd.h - userfaultfd, one function per thing that is wanted of it
 */
#ifndef UFFD_H
#define UFFD_H

#include <linux/userfaultfd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A non-blocking one with @features, or -errno. */
int uffd_open(uint64_t features);

/* @mode: UFFDIO_REGISTER_MODE_*; 0 or -errno. */
int uffd_register(int fd, void *addr, size_t bytes, uint64_t mode);

/* Waits @timeout_ms at most for a fault; false: there was none. */
bool uffd_wait(int fd, int timeout_ms, struct uffd_msg *ret_msg);

/* Each 0 or -errno. */
int uffd_copy(int fd, void *to, const void *page);
int uffd_protect(int fd, void *addr, size_t bytes, bool is_protected);

/* Takes the protection off a page of the actor "uffd", on purpose (plant.c). */
void uffd_open_page(void *page);

/* Why it cannot be used with these features, in words; NULL: it can. */
const char *uffd_lacks(uint64_t features);

#endif /* UFFD_H */
