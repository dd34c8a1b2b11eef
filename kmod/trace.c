// SPDX-License-Identifier: GPL-2.0
/* trace.c - the one place where the tracepoints of trace.h become code */
#include <linux/types.h>

#define CREATE_TRACE_POINTS
#include "trace.h"
