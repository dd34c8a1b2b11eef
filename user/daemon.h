/* SPDX-License-Identifier: GPL-2.0 */
/*
 * daemon.h - to the background, but only when all is well
 */
#ifndef HEMEM_DAEMON_H
#define HEMEM_DAEMON_H

/**
 * daemon_fork() - go on in a new session, while the caller's process waits
 * @ret_ready_fd: for daemon_ready(); untouched on failure
 *
 * Returns in the daemon.  The caller's process never returns: it exits with 0
 * when the daemon calls daemon_ready(), and with 1 when the daemon ends before.
 * Until then both have the same stdout and stderr.
 *
 * Return: 0, or -errno in the caller's process: nothing was started.
 */
int daemon_fork(int *ret_ready_fd);

/**
 * daemon_ready() - let the caller's process exit, and leave its terminal
 * @ready_fd: from daemon_fork(); is closed
 * @log: file to which stderr is appended from now on; NULL: syslog
 *
 * Return: 0, or -errno: the file cannot be opened, and nothing has changed.
 */
int daemon_ready(int ready_fd, const char *log);

#endif /* HEMEM_DAEMON_H */
