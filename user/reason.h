/* SPDX-License-Identifier: GPL-2.0 */
/*
 * reason.h - why something failed, in words, beside its -errno
 */
#ifndef HEMEM_REASON_H
#define HEMEM_REASON_H

/** struct reason - the last one that was set */
struct reason {
	char text[512];
};

/**
 * reason_set() - keep a reason
 * @err: returned, so that a caller can say and fail in one line
 *
 * Return: @err
 */
int reason_set(struct reason *reason, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* HEMEM_REASON_H */
