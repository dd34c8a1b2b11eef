// SPDX-License-Identifier: GPL-2.0
/*
 * module.c - hemem_assist.ko, loaded and unloaded by a test
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "module.h"

int module_unload(void)
{
	return syscall(SYS_delete_module, "hemem_assist", O_NONBLOCK) ? -errno : 0;
}

int module_load(const char *args)
{
	int err = 0, file = open(getenv("HEMEM_KO"), O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return -errno;
	if (!args)
		args = getenv("HEMEM_KO_ARGS");
	if (syscall(SYS_finit_module, file, args ? args : "", 0))
		err = -errno;
	close(file);
	return err;
}
