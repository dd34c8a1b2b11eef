// SPDX-License-Identifier: GPL-2.0
/*
 * kvload_redis.c - redis-server, in RESP
 */
#include <stdio.h>
#include <string.h>

#include "kvload.h"

_Static_assert(KVLOAD_VALUE_BYTES == 1000, "the requests below say 1000");

/* Redis turns huge pages off for itself unless it is told that they may stay as they are. */
static void redis_argv(const char **argv, const char *socket, uint64_t bytes)
{
	static const char *const words[] = {
		"redis-server", "--port", "0", "--save", "", "--appendonly", "no",
		"--daemonize", "no", "--loglevel", "warning", "--disable-thp", "no",
		"--unixsocket",
	};

	(void)bytes;
	memcpy(argv, words, sizeof(words));
	argv += sizeof(words) / sizeof(*words);
	*argv++ = socket;
	*argv = NULL;
}

static size_t with_value(char *to, int head_bytes, const char *value)
{
	memcpy(to + head_bytes, value, KVLOAD_VALUE_BYTES);
	memcpy(to + head_bytes + KVLOAD_VALUE_BYTES, "\r\n", 2);
	return (size_t)head_bytes + KVLOAD_VALUE_BYTES + 2;
}

static size_t redis_set(char *to, uint32_t key, const char *value)
{
	return with_value(to, sprintf(to, "*3\r\n$3\r\nSET\r\n$12\r\nuser%08x\r\n$1000\r\n", key),
			  value);
}

static size_t redis_get(char *to, uint32_t key)
{
	return (size_t)sprintf(to, "*2\r\n$3\r\nGET\r\n$12\r\nuser%08x\r\n", key);
}

static size_t redis_set_answer(char *to)
{
	return (size_t)sprintf(to, "+OK\r\n");
}

static size_t redis_get_answer(char *to, uint32_t key, const char *value)
{
	(void)key;
	return with_value(to, sprintf(to, "$1000\r\n"), value);
}

const struct kvload_server kvload_redis = {
	.name = "redis-server",
	/* The same program is in redis-tools, which starts no service on the machine. */
	.programs = { "redis-server", "redis-check-rdb" },
	.record_bytes = 1200,
	.argv = redis_argv,
	.set = redis_set,
	.get = redis_get,
	.set_answer = redis_set_answer,
	.get_answer = redis_get_answer,
};
