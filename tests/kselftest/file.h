/* SPDX-License-Identifier: GPL-2.0 */
/*
 * file.h - files of /proc and /sys
 */
#ifndef FILE_H
#define FILE_H

#include <stddef.h>
#include <stdint.h>

/* As a string; its length or -errno. */
long file_read(const char *path, char *ret_text, size_t bytes);
int file_write(const char *path, const char *text);	/* 0 or -errno */

/* The number that begins the file; -errno where there is none. */
int64_t file_number(const char *path);

/* The number after the word @field that begins a line; -1 where there is none. */
int64_t file_field(const char *path, const char *field);

/* The sum of the numbers after @field, wherever in the file it is the first word. */
int64_t file_sum(const char *path, const char *field);

/* Writes until file_restore_all(), which puts back what was there. */
int file_set(const char *path, const char *text);
void file_restore_all(void);

#endif /* FILE_H */
