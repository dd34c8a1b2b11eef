// SPDX-License-Identifier: GPL-2.0
/*
 * rings - find the meter's file of sample rings in the guest
 *
 * It is the memory of a PCI device, ivshmem.  Enables the device and prints the path that
 * `hemem-ctl --sampler ring:PATH` maps.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../include/hemem_rings.h"

#define DEVICES "/sys/bus/pci/devices/*"
#define IVSHMEM_VENDOR 0x1af4
#define IVSHMEM_DEVICE 0x1110

/* The number in DIR/NAME; 0 when there is none. */
static unsigned int number_in(const char *dir, const char *name)
{
	char path[256];
	unsigned int value = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fscanf(file, "%x", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

static int enable(const char *dir)
{
	char path[256];
	int fd, failed;

	snprintf(path, sizeof(path), "%s/enable", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	failed = write(fd, "1", 1) == 1 ? 0 : -errno;
	close(fd);
	return failed;
}

/* Has the device's memory rings in it? */
static int has_rings(const char *path)
{
	const struct hemem_rings *rings;
	int fd = open(path, O_RDWR | O_CLOEXEC), found;

	if (fd < 0)
		return 0;
	rings = mmap(NULL, sizeof(*rings), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (rings == MAP_FAILED)
		return 0;
	found = rings->magic == HEMEM_RINGS_MAGIC;
	munmap((void *)rings, sizeof(*rings));
	return found;
}

static int show(const char *dir)
{
	char path[256];
	int failed = enable(dir);

	if (failed) {
		fprintf(stderr, "rings: cannot enable %s: %s\n", dir, strerror(-failed));
		return 1;
	}
	snprintf(path, sizeof(path), "%s/resource2", dir);
	if (!has_rings(path)) {
		fprintf(stderr, "rings: %s has no rings: is the meter there?\n", path);
		return 1;
	}
	puts(path);
	return 0;
}

int main(void)
{
	glob_t found;

	if (glob(DEVICES, 0, NULL, &found)) {
		fputs("rings: no PCI devices here\n", stderr);
		return 1;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *dir = found.gl_pathv[i];

		if (number_in(dir, "vendor") == IVSHMEM_VENDOR &&
		    number_in(dir, "device") == IVSHMEM_DEVICE)
			return show(dir);
	}
	fputs("rings: no ivshmem device here: boot with tests/vm/run --meter\n", stderr);
	return 1;
}
