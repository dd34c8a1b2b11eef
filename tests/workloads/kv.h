/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kv.h - keys, values and the programs that hold them
 */
#ifndef KV_H
#define KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A value is KV_LINES lines of KV_LINE_BYTES, and every line names its key, its
 * place in the value and the value's version:
 *
 *	"#k00012345 l07 v00000002 " and 38 hex digits made from the three
 *
 * So a value is known by formula, and whoever finds one line of it in a
 * program's memory knows what it is a part of.  A value fits in one page with
 * what redis and SQLite put around it.
 */
#define KV_LINE_BYTES	64
#define KV_LINES	63
#define KV_VALUE_BYTES	(KV_LINE_BYTES * KV_LINES)
#define KV_REQUEST_BYTES (KV_VALUE_BYTES + 256)	/* room for any request */

/** kv_value() - the value of a key; no NUL at the end */
void kv_value(char value[static KV_VALUE_BYTES], uint32_t key, uint32_t version);

/**
 * struct kv_program - a program that holds values
 * @name: for the command line
 * @open: get in touch.  @where is a socket or a program's command line, as the
 *	program needs it.  *ret_in takes requests, *ret_out gives answers.
 *	Return: 0 or -errno; ret_* are untouched on failure.
 * @store: write a request that makes a new key
 * @update: write a request that changes a value where it lies
 * @load: write a request that reads one.  All three return its bytes.
 * @store_answer: write what store has to be answered
 * @update_answer: the same for update; both return its bytes
 * @value_at: where in the answer to a load the value begins
 * @answer_bytes: bytes of the answer to a load
 */
struct kv_program {
	const char *name;
	int (*open)(const char *where, int *ret_in, int *ret_out, pid_t *ret_pid);
	size_t (*store)(char *request, uint32_t key, const char *value);
	size_t (*update)(char *request, uint32_t key, const char *value);
	size_t (*load)(char *request, uint32_t key);
	size_t (*store_answer)(char *answer, uint32_t key);
	size_t (*update_answer)(char *answer, uint32_t key);
	size_t value_at, answer_bytes;
};

extern const struct kv_program kv_redis;
extern const struct kv_program kv_sqlite;

/**
 * kv_find() - the pages of a process that hold values of some keys
 * @pid: the process; its memory must be readable to us
 * @wanted: does this key count?
 * @arg: for @wanted
 * @found: called for each page, in address order, with its address
 *
 * Reads all private writable memory and looks for lines of values.  Where the
 * program has put them is the program's business; nothing here knows it.
 *
 * Return: number of pages, or -errno.
 */
long kv_find(pid_t pid, bool (*wanted)(uint32_t key, void *arg), void *arg,
	     void (*found)(uint64_t addr, void *arg));

#endif /* KV_H */
