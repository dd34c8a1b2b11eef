// SPDX-License-Identifier: GPL-2.0
/*
 * reason.c - why something failed, in words, beside its -errno
 */
#include <stdarg.h>
#include <stdio.h>

#include "reason.h"

int reason_set(struct reason *reason, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason->text, sizeof(reason->text), format, args);
	va_end(args);
	return err;
}
