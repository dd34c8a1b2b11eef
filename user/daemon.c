// SPDX-License-Identifier: GPL-2.0
/*
 * daemon.c - to the background, but only when all is well
 *
 * Owns the double fork and where stdin, stdout and stderr go.  Whoever writes
 * to stderr need not know whether it is a terminal, a file or syslog.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "daemon.h"

/* Nothing arrives when the daemon ends before it is ready. */
static void wait_and_exit(pid_t child, int fd)
{
	char ready;
	ssize_t length;

	waitpid(child, NULL, 0);
	do
		length = read(fd, &ready, 1);
	while (length < 0 && errno == EINTR);
	_exit(length == 1 ? 0 : 1);
}

int daemon_fork(int *ret_ready_fd)
{
	int fds[2], err;
	pid_t child;

	fflush(NULL);
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	child = fork();
	if (child < 0) {
		err = -errno;
		close(fds[0]);
		close(fds[1]);
		return err;
	}
	if (child) {
		close(fds[1]);
		wait_and_exit(child, fds[0]);
	}
	close(fds[0]);
	setsid();
	/* The second fork: who is no session leader never gets a terminal again. */
	child = fork();
	if (child)
		_exit(child < 0);
	*ret_ready_fd = fds[1];
	return 0;
}

static ssize_t write_syslog(void *cookie, const char *text, size_t length)
{
	(void)cookie;
	syslog(LOG_NOTICE, "%.*s", (int)length, text);
	return (ssize_t)length;
}

static FILE *open_log(const char *log)
{
	const cookie_io_functions_t io = { .write = write_syslog };
	int fd;

	if (!log) {
		openlog("hemem-ctl", LOG_PID, LOG_DAEMON);
		return fopencookie(NULL, "w", io);
	}
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	return fd < 0 ? NULL : fdopen(fd, "w");
}

int daemon_ready(int ready_fd, const char *log)
{
	FILE *file = open_log(log);
	int null, err = -errno;

	if (!file)
		return err;
	setvbuf(file, NULL, _IOLBF, BUFSIZ);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0) {
		err = -errno;
		fclose(file);
		return err;
	}
	fflush(NULL);
	stderr = file;
	/* What a library writes straight to fd 2 reaches the file as well. */
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(log ? fileno(file) : null, STDERR_FILENO);
	close(null);
	if (chdir("/"))
		fprintf(stderr, "chdir to /: %m\n");
	if (write(ready_fd, "", 1) != 1)
		fprintf(stderr, "nobody waits for the daemon\n");
	close(ready_fd);
	return 0;
}
