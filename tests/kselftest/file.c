// SPDX-License-Identifier: GPL-2.0
/*
 * file.c - files of /proc and /sys
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

enum { MAX_SET = 32 };

static struct {
	char path[128], text[256];
} before[MAX_SET];
static unsigned int nr_before;

long file_read(const char *path, char *ret_text, size_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	length = read(fd, ret_text, bytes - 1);
	if (length < 0)
		length = -errno;
	else
		ret_text[length] = 0;
	close(fd);
	return length;
}

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

int64_t file_number(const char *path)
{
	char text[64], *end;
	long length = file_read(path, text, sizeof(text));
	int64_t number;

	if (length < 0)
		return length;
	number = strtoll(text, &end, 10);
	return end == text ? -EINVAL : number;
}

static int64_t find(const char *path, const char *field, bool is_sum)
{
	FILE *file = fopen(path, "re");
	char line[512], word[64];
	long long number;
	int64_t found = -1;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %63s %lld", word, &number) != 2 || strcmp(word, field))
			continue;
		found = (is_sum && found > 0 ? found : 0) + number;
		if (!is_sum)
			break;
	}
	fclose(file);
	return found;
}

int64_t file_field(const char *path, const char *field)
{
	return find(path, field, false);
}

int64_t file_sum(const char *path, const char *field)
{
	return find(path, field, true);
}

/* "always [madvise] never": the word in brackets is what it is set to. */
static void keep(const char *path)
{
	char text[256], *begin, *end;

	if (nr_before == MAX_SET || file_read(path, text, sizeof(text)) <= 0)
		return;
	begin = strchr(text, '[');
	end = begin ? strchr(begin, ']') : NULL;
	if (end) {
		*end = 0;
		begin++;
	} else {
		begin = text;
	}
	begin[strcspn(begin, "\n")] = 0;
	snprintf(before[nr_before].path, sizeof(before[0].path), "%s", path);
	snprintf(before[nr_before].text, sizeof(before[0].text), "%s", begin);
	nr_before++;
}

int file_set(const char *path, const char *text)
{
	keep(path);
	return file_write(path, text);
}

void file_restore_all(void)
{
	while (nr_before--)
		file_write(before[nr_before].path, before[nr_before].text);
	nr_before = 0;
}
