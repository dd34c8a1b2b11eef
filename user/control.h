/* SPDX-License-Identifier: GPL-2.0 */
/*
 * control.h - one controller per target, and how others talk to it
 */
#ifndef HEMEM_CONTROL_H
#define HEMEM_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct control;
struct json_t;		/* jansson's */

#define CONTROL_PATH_BYTES	108	/* the longest path of a Unix socket */
#define CONTROL_WORD_BYTES	2048

/**
 * struct control_holder - who controls a target
 * @target: PID of the target
 * @target_start_ticks: start time of the target, in clock ticks since boot
 * @pid: PID of the controller
 * @since_s: when it attached, in seconds since 1970
 * @mover: name of its mover
 * @socket: where it can be asked
 */
struct control_holder {
	pid_t target;
	uint64_t target_start_ticks;
	pid_t pid;
	int64_t since_s;
	char mover[16];
	char socket[CONTROL_PATH_BYTES];
};

/**
 * struct control_handler - what the controller does when it is asked
 * @status: describe yourself; returns a new reference
 * @explain: say what is known of the page at @addr; returns a new reference
 * @detach: end soon; the asker gets its answer from control_free()
 * @arg: for all
 */
struct control_handler {
	struct json_t *(*status)(void *arg);
	struct json_t *(*explain)(void *arg, uint64_t addr);
	void (*detach)(void *arg);
	void *arg;
};

/**
 * control_new() - become the controller of a target
 * @target: PID of the target
 * @start_ticks: its start time
 * @mover: name of the mover, to tell others
 * @ret_control: for control_free(); untouched on failure
 * @ret_holder: on -EBUSY, who holds the target; else untouched
 *
 * What a controller left behind that was killed is taken over.
 *
 * Return: 0, -EBUSY: another controller holds the target, or another -errno;
 * control_reason() says it in words.
 */
int control_new(pid_t target, uint64_t start_ticks, const char *mover,
		struct control **ret_control, struct control_holder *ret_holder);

/** control_fd() - readable when control_serve() has work */
int control_fd(const struct control *control);

/** control_serve() - answer those who ask; does not wait */
void control_serve(struct control *control, const struct control_handler *handler);

/**
 * control_tell() - leave word for all other controllers
 * @word: @bytes of it, at most CONTROL_WORD_BYTES; what was said before is forgotten
 *
 * It is heard as long as this controller lives.  Return: 0 or -errno.
 */
int control_tell(struct control *control, const void *word, size_t bytes);

/**
 * control_hear() - what all other controllers that live have left
 * @control: whose own word is left out
 * @bytes: length of a word; others are from another version and not heard
 * @each: called for each; @by_root: root's controller says it
 * @arg: for @each
 *
 * Users hear their own and root's, root hears all.
 */
void control_hear(const struct control *control, size_t bytes,
		  void (*each)(const void *word, bool by_root, void *arg), void *arg);

/**
 * control_free() - be the controller no more
 * @control: NULL is allowed
 * @last_words: answer to everyone who asked to detach and waits until it is
 *	done; NULL: none.  Stays the caller's.
 */
void control_free(struct control *control, struct json_t *last_words);

/**
 * control_find() - who controls this target?
 * @target: PID of the target
 * @ret_holder: untouched on failure
 *
 * Return: 0, -ENOENT: nobody.
 */
int control_find(pid_t target, struct control_holder *ret_holder);

/**
 * control_list() - all controllers that this user may see
 * @each: called for each, by rising PID of the target in each folder
 * @arg: for @each
 */
void control_list(void (*each)(const struct control_holder *holder, void *arg), void *arg);

/**
 * control_ask() - ask a controller
 * @holder: which one
 * @request: "status", "explain 0xADDR" or "detach"
 * @timeout_ms: longest time to wait for the answer
 * @ret_reply: the answer, a new reference; untouched on failure
 *
 * Return: 0, -ETIMEDOUT, -ENOENT or -ECONNREFUSED: it is gone, -EACCES or -EPERM:
 * it belongs to someone else, or another -errno; control_reason() says it in
 * words.
 */
int control_ask(const struct control_holder *holder, const char *request, int timeout_ms,
		struct json_t **ret_reply);

/** control_reason() - what went wrong in the last call that failed; no full stop */
const char *control_reason(void);

#endif /* HEMEM_CONTROL_H */
