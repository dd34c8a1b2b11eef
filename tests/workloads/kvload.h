/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvload.h - the servers that kvload speaks to
 */
#ifndef KVLOAD_H
#define KVLOAD_H

#include <stddef.h>
#include <stdint.h>

#define KVLOAD_VALUE_BYTES 1000		/* YCSB's default record: ten fields of 100 bytes */
#define KVLOAD_MESSAGE_BYTES (KVLOAD_VALUE_BYTES + 256)

/**
 * struct kvload_server - a server and its protocol
 * @name: of the package's program
 * @programs: where it may be, tried in this order; ends with NULL.  One with a slash is
 *	relative to our own program
 * @record_bytes: its resident memory by records, measured at 256 MiB
 * @argv: write its command line, at most 31 words that live on; it is to listen on
 *	@socket only, keep all in memory, and have room for @bytes
 * @set: write a request that gives a key a value; return its bytes, as all do
 * @get: write a request that reads one
 * @set_answer: write what a set has to be answered
 * @get_answer: write what a get has to be answered
 */
struct kvload_server {
	const char *name, *programs[3];
	uint64_t record_bytes;
	void (*argv)(const char **argv, const char *socket, uint64_t bytes);
	size_t (*set)(char *to, uint32_t key, const char *value);
	size_t (*get)(char *to, uint32_t key);
	size_t (*set_answer)(char *to);
	size_t (*get_answer)(char *to, uint32_t key, const char *value);
};

extern const struct kvload_server kvload_redis, kvload_memcached;

#endif /* KVLOAD_H */
