// SPDX-License-Identifier: GPL-2.0
/*
 * kv_redis.c - values in redis-server, over its unix socket, in RESP
 *
 * Updates are SETRANGE, which overwrites the string where it lies; SET would
 * make a new one and free the old.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kv.h"

#define AS_TEXT(number)	AS_TEXT_(number)
#define AS_TEXT_(number) #number
#define VALUE_BYTES	AS_TEXT(4032)
#define HEAD_BYTES	7	/* "$4032\r\n" */

_Static_assert(KV_VALUE_BYTES == 4032, "VALUE_BYTES");

static int redis_open(const char *where, int *ret_in, int *ret_out, pid_t *ret_pid)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ucred peer;
	socklen_t bytes = sizeof(peer);
	int fd;

	if (strlen(where) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, where);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes)) {
		int error = -errno;

		close(fd);
		return error;
	}
	*ret_in = *ret_out = fd;
	*ret_pid = peer.pid;
	return 0;
}

static size_t with_value(char *request, int head_bytes, const char *value)
{
	memcpy(request + head_bytes, value, KV_VALUE_BYTES);
	memcpy(request + head_bytes + KV_VALUE_BYTES, "\r\n", 2);
	return (size_t)head_bytes + KV_VALUE_BYTES + 2;
}

static size_t redis_store(char *request, uint32_t key, const char *value)
{
	return with_value(request, sprintf(request, "*3\r\n$3\r\nSET\r\n$10\r\nk:%08x\r\n$"
					   VALUE_BYTES "\r\n", key), value);
}

static size_t redis_update(char *request, uint32_t key, const char *value)
{
	return with_value(request, sprintf(request, "*4\r\n$8\r\nSETRANGE\r\n$10\r\nk:%08x\r\n"
					   "$1\r\n0\r\n$" VALUE_BYTES "\r\n", key), value);
}

static size_t redis_load(char *request, uint32_t key)
{
	return (size_t)sprintf(request, "*2\r\n$3\r\nGET\r\n$10\r\nk:%08x\r\n", key);
}

static size_t redis_stored(char *answer, uint32_t key)
{
	(void)key;
	return (size_t)sprintf(answer, "+OK\r\n");
}

static size_t redis_updated(char *answer, uint32_t key)
{
	(void)key;
	return (size_t)sprintf(answer, ":" VALUE_BYTES "\r\n");
}

const struct kv_program kv_redis = {
	.name = "redis",
	.open = redis_open,
	.store = redis_store,
	.update = redis_update,
	.load = redis_load,
	.store_answer = redis_stored,
	.update_answer = redis_updated,
	.value_at = HEAD_BYTES,
	.answer_bytes = HEAD_BYTES + KV_VALUE_BYTES + 2,
};
