// SPDX-License-Identifier: GPL-2.0
/*
 * kvload_memcached.c - memcached, in its text protocol
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kvload.h"

_Static_assert(KVLOAD_VALUE_BYTES == 1000, "the requests below say 1000");

/* One thread, so that the order of accesses is the requests'; -M: never forget a key. */
static void memcached_argv(const char **argv, const char *socket, uint64_t bytes)
{
	static char room_mib[24];
	static const char *const words[] = {
		"memcached", "-u", "root", "-t", "1", "-M", "-a", "0600", "-m", room_mib, "-s",
	};

	snprintf(room_mib, sizeof(room_mib), "%" PRIu64, (bytes >> 20) * 5 / 4 + 64);
	memcpy(argv, words, sizeof(words));
	argv += sizeof(words) / sizeof(*words);
	*argv++ = socket;
	*argv = NULL;
}

static size_t with_value(char *to, int head_bytes, const char *value, const char *end)
{
	memcpy(to + head_bytes, value, KVLOAD_VALUE_BYTES);
	strcpy(to + head_bytes + KVLOAD_VALUE_BYTES, end);
	return (size_t)head_bytes + KVLOAD_VALUE_BYTES + strlen(end);
}

static size_t memcached_set(char *to, uint32_t key, const char *value)
{
	return with_value(to, sprintf(to, "set user%08x 0 0 1000\r\n", key), value, "\r\n");
}

static size_t memcached_get(char *to, uint32_t key)
{
	return (size_t)sprintf(to, "get user%08x\r\n", key);
}

static size_t memcached_set_answer(char *to)
{
	return (size_t)sprintf(to, "STORED\r\n");
}

static size_t memcached_get_answer(char *to, uint32_t key, const char *value)
{
	return with_value(to, sprintf(to, "VALUE user%08x 0 1000\r\n", key), value, "\r\nEND\r\n");
}

const struct kvload_server kvload_memcached = {
	.name = "memcached",
	/* tools/deps only unpacks it: the package would start a service on the machine. */
	.programs = { "memcached", "../../packages/usr/bin/memcached" },
	.record_bytes = 1220,
	.argv = memcached_argv,
	.set = memcached_set,
	.get = memcached_get,
	.set_answer = memcached_set_answer,
	.get_answer = memcached_get_answer,
};
