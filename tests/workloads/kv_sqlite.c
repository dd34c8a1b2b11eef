// SPDX-License-Identifier: GPL-2.0
/*
 * kv_sqlite.c - values in a table of SQLite's shell, over two pipes, in SQL
 *
 * The database is in memory.  The shell's output is line buffered (stdbuf), as
 * it would else keep answers for itself; every statement answers one line.  An
 * update by a value of the same size overwrites it where it lies.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kv.h"

static const char prepare[] =
	"PRAGMA journal_mode=OFF;\n"
	"CREATE TABLE t(k INTEGER PRIMARY KEY, v TEXT);\n";

/* Puts the end of a pipe that the child needs in its place. */
static void become(int from, int to)
{
	dup2(from, to);
	close(from);
}

static int swallow_line(int fd)
{
	char letter;

	do {
		if (read(fd, &letter, 1) != 1)
			return -EPIPE;
	} while (letter != '\n');
	return 0;
}

/* @where is a command line, as "numactl --preferred=1 stdbuf -oL sqlite3 :memory:" */
static int sqlite_open(const char *where, int *ret_in, int *ret_out, pid_t *ret_pid)
{
	int to[2], from[2];
	pid_t pid;

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		char command[512];

		become(to[0], STDIN_FILENO);
		become(from[1], STDOUT_FILENO);
		snprintf(command, sizeof(command), "exec %s", where);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	if (write(to[1], prepare, sizeof(prepare) - 1) != sizeof(prepare) - 1)
		return -EPIPE;
	if (swallow_line(from[0]))	/* "off": the journal's mode */
		return -EPIPE;
	*ret_in = to[1];
	*ret_out = from[0];
	*ret_pid = pid;
	return 0;
}

static size_t with_value(char *request, const char *head, const char *value, const char *tail)
{
	return (size_t)sprintf(request, "%s'%.*s'%s", head, KV_VALUE_BYTES, value, tail);
}

static size_t sqlite_store(char *request, uint32_t key, const char *value)
{
	char head[64];

	sprintf(head, "INSERT INTO t VALUES(%u,", key);
	return with_value(request, head, value, ") RETURNING k;\n");
}

static size_t sqlite_update(char *request, uint32_t key, const char *value)
{
	char tail[64];

	sprintf(tail, " WHERE k=%u RETURNING k;\n", key);
	return with_value(request, "UPDATE t SET v=", value, tail);
}

static size_t sqlite_load(char *request, uint32_t key)
{
	return (size_t)sprintf(request, "SELECT v FROM t WHERE k=%u;\n", key);
}

static size_t sqlite_done(char *answer, uint32_t key)
{
	return (size_t)sprintf(answer, "%u\n", key);
}

const struct kv_program kv_sqlite = {
	.name = "sqlite",
	.open = sqlite_open,
	.store = sqlite_store,
	.update = sqlite_update,
	.load = sqlite_load,
	.store_answer = sqlite_done,
	.update_answer = sqlite_done,
	.value_at = 0,
	.answer_bytes = KV_VALUE_BYTES + 1,
};
