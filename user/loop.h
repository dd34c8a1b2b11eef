/* SPDX-License-Identifier: GPL-2.0 */
/*
 * loop.h - the loop: drain samples, look, plan, move, wait
 */
#ifndef HEMEM_LOOP_H
#define HEMEM_LOOP_H

#include <stdint.h>
#include <sys/types.h>

struct loop;
struct control;
struct json_t;		/* jansson's */
struct options;
struct stats;

/**
 * enum loop_end - why loop_run() returned
 * @LOOP_STOPPED: loop_stop() was called
 * @LOOP_EXITED: the target is gone
 * @LOOP_FAILED: something broke; stderr says what
 */
enum loop_end {
	LOOP_STOPPED,
	LOOP_EXITED,
	LOOP_FAILED,
};

/**
 * loop_new() - attach to a target and get everything ready for loop_run()
 * @opts: what the user asked for; must live as long as the loop
 * @pid: the target
 * @ret_loop: the loop, for loop_free(); untouched on failure
 *
 * Return: 0 or -errno; what is wrong, and the remedy, was then written to
 * stderr.
 */
int loop_new(const struct options *opts, pid_t pid, struct loop **ret_loop);

/** loop_join() - share the fast tier with those who are heard through @control, the caller's */
void loop_join(struct loop *loop, struct control *control);

/** loop_share_json() - the target's share and what it comes from; a new reference */
struct json_t *loop_share_json(const struct loop *loop);

/** loop_run() - tier the target until it ends or loop_stop() is called */
enum loop_end loop_run(struct loop *loop);

/**
 * loop_stop() - make loop_run() return soon
 * @loop: a loop, running or about to run
 *
 * May be called from a signal handler and from another thread.
 */
void loop_stop(struct loop *loop);

/** loop_stats() - every counter; valid until loop_free() */
const struct stats *loop_stats(const struct loop *loop);

/** loop_explain() - what is known of the page at @addr: see explain_page(); a new reference */
struct json_t *loop_explain(const struct loop *loop, uint64_t addr);

/**
 * loop_watch_fd() - call a function from the loop's wait when an fd is readable
 * @loop: the loop
 * @fd: file descriptor; stays the caller's.  At most 32 can be watched.
 * @ready: called with @arg, in the thread of loop_run()
 * @arg: for @ready
 *
 * Return: 0 or -errno.
 */
int loop_watch_fd(struct loop *loop, int fd, void (*ready)(void *arg), void *arg);

/** loop_unwatch_fd() - undo loop_watch_fd(), before the fd is closed */
void loop_unwatch_fd(struct loop *loop, int fd);

/** loop_free() - detach from the target and free everything; NULL is allowed */
void loop_free(struct loop *loop);

#endif /* HEMEM_LOOP_H */
