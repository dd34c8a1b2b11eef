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

static int load(const char *path, const char *args)
{
	int err = 0, file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return -errno;
	if (syscall(SYS_finit_module, file, args ? args : "", 0))
		err = -errno;
	close(file);
	return err;
}

int module_load(const char *args)
{
	return load(getenv("HEMEM_KO"), args ? args : getenv("HEMEM_KO_ARGS"));
}

int module_load_faulty(const char *args)
{
	return load(getenv("HEMEM_FAULTY_KO"), args);
}
