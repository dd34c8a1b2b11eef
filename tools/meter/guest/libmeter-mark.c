// SPDX-License-Identifier: GPL-2.0
/*
 * libmeter-mark - preloaded into every program of a metered guest, it says who that is
 *
 * The meter sees page tables, not processes.  A program tells its process id when it has been
 * loaded, and so does the child of a fork.  What vfork() or posix_spawn() start still has its
 * parent's page tables, until it is a program of its own.
 */
#include <pthread.h>
#include <unistd.h>

#include "../mark.h"

static void say_pid(void)
{
	METER_MARK(METER_MARK_PROCESS, getpid());
}

static __attribute__((constructor)) void begin(void)
{
	say_pid();
	pthread_atfork(NULL, NULL, say_pid);
}
