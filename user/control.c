// SPDX-License-Identifier: GPL-2.0
/*
 * control.c - one controller per target, and how others talk to it
 *
 * Owns /run/hemem: PID.lock says who controls process PID and is locked as long
 * as that is so; PID.sock is where the controller can be asked.  What is asked
 * and answered, the caller decides.
 *
 * The lock is the truth, not the file: a controller that was killed leaves both
 * files behind and the kernel drops its lock, so the next one takes them over.
 * Open-file-description locks, because they can be looked at (F_OFD_GETLK)
 * without taking them; a look that takes the lock for a moment, as with flock(2),
 * would make someone else's attach fail.
 *
 * Behind the text lies the word of the controller to all others, which they look at when they
 * like, without asking it.  Nobody has to be there for that, and what a killed one said last
 * is not heard any more, because its lock is gone.
 *
 * Example: 4711 is controlled by 5000.
 *   /run/hemem/4711.lock   {"target": 4711, "pid": 5000, "mover": "assist", ...}
 *   /run/hemem/4711.sock   "status" -> {...}, "explain 0x7f0000000000" -> {...},
 *                          "detach" -> {...} when it is done
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#include <zlib.h>

#include "control.h"
#include "reason.h"
#include "target.h"

#define MAX_CLIENTS	16
#define MAX_REQUEST	64		/* bytes */
#define MAX_REPLY	(128 * 1024)	/* bytes; a status is about 8 KiB */
#define TRIES		40		/* 50 ms apart: 2 s */
#define WORD_OFFSET	4096		/* in the lock file, behind the text */

struct client {
	int fd;		/* -1: free */
	bool waits;	/* for the end of the controller */
};

struct control {
	int lock_fd, listen_fd, epoll_fd;
	bool bound;	/* the socket's path is ours to unlink */
	char lock_path[CONTROL_PATH_BYTES];
	struct sockaddr_un addr;
	struct client clients[MAX_CLIENTS];
};

static struct reason reason;

const char *control_reason(void)
{
	return reason.text;
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/*
 * The folder
 */

static void own_dir(char path[static CONTROL_PATH_BYTES])
{
	const char *given = getenv("HEMEM_RUNDIR"), *runtime = getenv("XDG_RUNTIME_DIR");

	if (given && *given)
		snprintf(path, CONTROL_PATH_BYTES, "%s", given);
	else if (!geteuid())
		snprintf(path, CONTROL_PATH_BYTES, "/run/hemem");
	else if (runtime && *runtime)
		snprintf(path, CONTROL_PATH_BYTES, "%s/hemem", runtime);
	else
		snprintf(path, CONTROL_PATH_BYTES, "/tmp/hemem-%u", geteuid());
}

/* Nobody else may be able to put files there, or to have made it before us. */
static int make_dir(char path[static CONTROL_PATH_BYTES])
{
	struct stat st;

	own_dir(path);
	if (mkdir(path, geteuid() ? 0700 : 0755) && errno != EEXIST)
		return reason_set(&reason, -errno, "cannot make the folder %s: %s", path,
				  strerror(errno));
	if (lstat(path, &st))
		return reason_set(&reason, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 022)
		return reason_set(&reason, -EPERM,
				  "%s must be a folder of user %u that nobody else can write", path,
				  geteuid());
	return 0;
}

/*
 * The lock
 */

static int write_holder(int fd, const struct control_holder *holder)
{
	json_t *json = json_pack("{si sI si sI ss}", "target", holder->target,
				 "target_start_ticks", (json_int_t)holder->target_start_ticks,
				 "pid", holder->pid, "since_s", (json_int_t)holder->since_s,
				 "mover", holder->mover);
	int err = 0;

	if (!json)
		return -ENOMEM;
	if (ftruncate(fd, 0))
		err = -errno;
	else if (json_dumpfd(json, fd, JSON_COMPACT))
		err = -EIO;
	json_decref(json);
	return err;
}

static int parse_holder(const char *text, struct control_holder *holder)
{
	json_int_t start_ticks, since_s;
	const char *mover;
	json_t *json = json_loads(text, 0, NULL);
	int err;

	err = json_unpack(json, "{si sI si sI ss}", "target", &holder->target,
			  "target_start_ticks", &start_ticks, "pid", &holder->pid,
			  "since_s", &since_s, "mover", &mover) ? -EINVAL : 0;
	if (!err) {
		holder->target_start_ticks = (uint64_t)start_ticks;
		holder->since_s = since_s;
		snprintf(holder->mover, sizeof(holder->mover), "%s", mover);
	}
	json_decref(json);
	return err;
}

static bool is_locked(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

/*
 * Who holds this lock?  -ENOENT: nobody.  -EAGAIN: someone who is just about to
 * write that down.
 */
static int read_lock(const char *path, struct control_holder *ret_holder)
{
	struct control_holder holder = { };
	char text[512];
	ssize_t length;
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -ENOENT;
	if (!is_locked(fd)) {
		close(fd);
		return -ENOENT;
	}
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length < 0)
		return -EIO;
	text[length] = '\0';
	err = parse_holder(text, &holder);
	if (err)
		return -EAGAIN;
	/* x.lock -> x.sock */
	snprintf(holder.socket, sizeof(holder.socket), "%.*ssock", (int)strlen(path) - 4, path);
	*ret_holder = holder;
	return 0;
}

/* A PID that was used again names another process than its controller means. */
static bool is_of_now(const struct control_holder *holder)
{
	struct target target = TARGET_NONE;
	bool same;

	if (target_open(holder->target, &target))
		return false;
	same = target.start_ticks == holder->target_start_ticks;
	target_close(&target);
	return same;
}

/* One try.  -EAGAIN: the file was unlinked between open and lock. */
static int try_lock(const char *path, int *ret_fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat ours, theirs;
	int fd, err = 0;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return reason_set(&reason, -errno, "%s: %s", path, strerror(errno));
	if (fcntl(fd, F_OFD_SETLK, &lock))
		err = errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
	else if (fstat(fd, &ours) || stat(path, &theirs) || ours.st_ino != theirs.st_ino)
		err = -EAGAIN;
	if (err) {
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

/*
 * A controller whose target is gone ends within a moment, and one that has the
 * lock writes down who it is: both are worth waiting for.
 */
static int take_lock(struct control *control, const struct control_holder *self,
		     struct control_holder *ret_holder)
{
	struct control_holder holder;
	int err = -EAGAIN, i;

	for (i = 0; i < TRIES; i++) {
		err = try_lock(control->lock_path, &control->lock_fd);
		if (!err)
			return write_holder(control->lock_fd, self);
		if (err != -EBUSY && err != -EAGAIN)
			return err;
		if (err == -EBUSY && !read_lock(control->lock_path, &holder) &&
		    holder.target_start_ticks == self->target_start_ticks) {
			*ret_holder = holder;
			return reason_set(&reason, -EBUSY,
					  "process %d is controlled by process %d already",
					  self->target, holder.pid);
		}
		sleep_ms(50);
	}
	return reason_set(&reason, err, "%s is held by someone who does not say who",
			  control->lock_path);
}

/*
 * The socket
 */

static int watch_fd(struct control *control, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(control->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int listen_here(struct control *control)
{
	mode_t mask;
	int err;

	control->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	control->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->epoll_fd < 0 || control->listen_fd < 0)
		return reason_set(&reason, -errno, "socket: %s", strerror(errno));
	/* We hold the lock: a socket that lies there belongs to a dead one. */
	unlink(control->addr.sun_path);
	mask = umask(0177);
	err = bind(control->listen_fd, (struct sockaddr *)&control->addr, sizeof(control->addr)) ?
		-errno : 0;
	umask(mask);
	if (err)
		return reason_set(&reason, err, "%s: %s", control->addr.sun_path, strerror(-err));
	control->bound = true;
	if (listen(control->listen_fd, MAX_CLIENTS))
		return reason_set(&reason, -errno, "%s: %s", control->addr.sun_path,
				  strerror(errno));
	return watch_fd(control, control->listen_fd);
}

static int make_paths(struct control *control, pid_t target)
{
	const size_t room = sizeof(control->addr.sun_path);
	char dir[CONTROL_PATH_BYTES];
	int err;

	err = make_dir(dir);
	if (err)
		return err;
	control->addr.sun_family = AF_UNIX;
	if (snprintf(control->addr.sun_path, room, "%s/%d.sock", dir, target) >= (int)room ||
	    snprintf(control->lock_path, room, "%s/%d.lock", dir, target) >= (int)room)
		return reason_set(&reason, -ENAMETOOLONG, "the path %s is too long for a socket",
				  dir);
	return 0;
}

int control_new(pid_t target, uint64_t start_ticks, const char *mover,
		struct control **ret_control, struct control_holder *ret_holder)
{
	struct control_holder self = {
		.target = target, .target_start_ticks = start_ticks,
		.pid = getpid(), .since_s = time(NULL),
	};
	struct control *control;
	int err, i;

	/* Those of other users have folders of their own. */
	if (!control_find(target, ret_holder))
		return reason_set(&reason, -EBUSY, "process %d is controlled by process %d already",
				  target, ret_holder->pid);
	control = calloc(1, sizeof(*control));
	if (!control)
		return reason_set(&reason, -ENOMEM, "no memory");
	control->lock_fd = control->listen_fd = control->epoll_fd = -1;
	for (i = 0; i < MAX_CLIENTS; i++)
		control->clients[i].fd = -1;
	snprintf(self.mover, sizeof(self.mover), "%s", mover);

	err = make_paths(control, target);
	if (!err)
		err = take_lock(control, &self, ret_holder);
	if (!err)
		err = listen_here(control);
	if (err) {
		control_free(control, NULL);
		return err;
	}
	*ret_control = control;
	return 0;
}

int control_fd(const struct control *control)
{
	return control->epoll_fd;
}

/* The asker may be gone or not read: that is its own affair. */
static void reply(int fd, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	if (text)
		send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	free(text);
}

static void reply_error(int fd, const char *error)
{
	json_t *json = json_pack("{ss}", "error", error);

	reply(fd, json);
	json_decref(json);
}

static void drop_client(struct client *client)
{
	close(client->fd);
	client->fd = -1;
	client->waits = false;
}

static void accept_client(struct control *control)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t length = sizeof(peer);
	int fd, i;

	fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) ||
	    (peer.uid && peer.uid != geteuid())) {
		reply_error(fd, "this controller belongs to another user");
		close(fd);
		return;
	}
	for (i = 0; i < MAX_CLIENTS && control->clients[i].fd >= 0; i++)
		;
	if (i == MAX_CLIENTS || watch_fd(control, fd)) {
		reply_error(fd, "too many ask at the same time: try again");
		close(fd);
		return;
	}
	control->clients[i].fd = fd;
}

static void serve_client(struct client *client, const struct control_handler *handler)
{
	char request[MAX_REQUEST];
	ssize_t length = recv(client->fd, request, sizeof(request) - 1, MSG_DONTWAIT);
	uint64_t addr;
	json_t *json;

	if (length <= 0) {
		if (length == 0 || errno != EAGAIN)
			drop_client(client);
		return;
	}
	request[length] = '\0';
	if (!strcmp(request, "status")) {
		json = handler->status(handler->arg);
		reply(client->fd, json);
		json_decref(json);
	} else if (sscanf(request, "explain 0x%" SCNx64, &addr) == 1) {
		json = handler->explain(handler->arg, addr);
		reply(client->fd, json);
		json_decref(json);
	} else if (!strcmp(request, "detach")) {
		client->waits = true;
		handler->detach(handler->arg);
	} else {
		reply_error(client->fd, "unknown request: use status, explain or detach");
	}
}

void control_serve(struct control *control, const struct control_handler *handler)
{
	struct epoll_event events[MAX_CLIENTS + 1];
	int nr, i, j;

	nr = epoll_wait(control->epoll_fd, events, MAX_CLIENTS + 1, 0);
	for (i = 0; i < nr; i++) {
		if (events[i].data.fd == control->listen_fd) {
			accept_client(control);
			continue;
		}
		for (j = 0; j < MAX_CLIENTS; j++)
			if (control->clients[j].fd == events[i].data.fd)
				serve_client(&control->clients[j], handler);
	}
}

void control_free(struct control *control, struct json_t *last_words)
{
	int i;

	if (!control)
		return;
	/* The files go first, so that who hears the last words can attach. */
	if (control->bound)
		unlink(control->addr.sun_path);
	if (control->lock_fd >= 0) {
		unlink(control->lock_path);
		close(control->lock_fd);
	}
	for (i = 0; i < MAX_CLIENTS; i++) {
		if (control->clients[i].fd < 0)
			continue;
		if (control->clients[i].waits && last_words)
			reply(control->clients[i].fd, last_words);
		drop_client(&control->clients[i]);
	}
	if (control->listen_fd >= 0)
		close(control->listen_fd);
	if (control->epoll_fd >= 0)
		close(control->epoll_fd);
	free(control);
}

/*
 * Words to all others
 */

/** struct word - as it lies in the file; the checksum tells of one that is half written */
struct word {
	uint32_t bytes;
	uint32_t crc;
	unsigned char text[CONTROL_WORD_BYTES];
};

static uint32_t crc_of(const struct word *word)
{
	return (uint32_t)crc32(0, word->text, word->bytes);
}

int control_tell(struct control *control, const void *text, size_t bytes)
{
	struct word word = { .bytes = (uint32_t)bytes };
	size_t length = offsetof(struct word, text) + bytes;
	ssize_t written;

	if (bytes > sizeof(word.text))
		return -EMSGSIZE;
	memcpy(word.text, text, bytes);
	word.crc = crc_of(&word);
	written = pwrite(control->lock_fd, &word, length, WORD_OFFSET);
	return written < 0 ? -errno : (size_t)written == length ? 0 : -ENOSPC;
}

/* One that is being written is heard the next time. */
static bool read_word(const char *path, size_t bytes, struct word *ret_word, bool *ret_by_root)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t length = 0;
	struct stat st;

	if (fd < 0)
		return false;
	if (is_locked(fd) && !fstat(fd, &st) && S_ISREG(st.st_mode))
		length = pread(fd, ret_word, sizeof(*ret_word), WORD_OFFSET);
	close(fd);
	*ret_by_root = length > 0 && !st.st_uid;
	return length >= (ssize_t)(offsetof(struct word, text) + bytes) &&
	       ret_word->bytes == bytes && crc_of(ret_word) == ret_word->crc;
}

/*
 * The other side
 */

/* Folders to look in: our own; for root everybody's, for others root's too. */
static void glob_locks(const char *name, glob_t *locks)
{
	static const char *const for_root[] = { "/run/user/*/hemem", "/tmp/hemem-*", NULL };
	static const char *const for_users[] = { "/run/hemem", NULL };
	const char *const *more = geteuid() ? for_users : for_root;
	char pattern[CONTROL_PATH_BYTES + 32], dir[CONTROL_PATH_BYTES];

	own_dir(dir);
	snprintf(pattern, sizeof(pattern), "%s/%s.lock", dir, name);
	memset(locks, 0, sizeof(*locks));
	glob(pattern, 0, NULL, locks);
	for (; !getenv("HEMEM_RUNDIR") && *more; more++) {
		snprintf(pattern, sizeof(pattern), "%s/%s.lock", *more, name);
		glob(pattern, GLOB_APPEND, NULL, locks);
	}
}

/* The name must agree with what is in the file, which others may have written. */
static bool is_name_of(const char *path, const struct control_holder *holder)
{
	const char *slash = strrchr(path, '/');
	char name[32];

	snprintf(name, sizeof(name), "/%d.lock", holder->target);
	return slash && !strcmp(slash, name);
}

static int compare_targets(const void *a, const void *b)
{
	const struct control_holder *one = a, *two = b;

	return (one->target > two->target) - (one->target < two->target);
}

void control_list(void (*each)(const struct control_holder *holder, void *arg), void *arg)
{
	struct control_holder *holders;
	size_t nr = 0, i;
	glob_t locks;

	glob_locks("[0-9]*", &locks);
	holders = calloc(locks.gl_pathc + 1, sizeof(*holders));
	for (i = 0; holders && i < locks.gl_pathc; i++)
		if (!read_lock(locks.gl_pathv[i], &holders[nr]) &&
		    is_name_of(locks.gl_pathv[i], &holders[nr]))
			nr++;
	if (holders)
		qsort(holders, nr, sizeof(*holders), compare_targets);
	for (i = 0; i < nr; i++)
		each(&holders[i], arg);
	free(holders);
	globfree(&locks);
}

void control_hear(const struct control *control, size_t bytes,
		  void (*each)(const void *word, bool by_root, void *arg), void *arg)
{
	struct word word;
	glob_t locks;
	bool by_root;
	size_t i;

	glob_locks("[0-9]*", &locks);
	for (i = 0; i < locks.gl_pathc; i++)
		if (strcmp(locks.gl_pathv[i], control->lock_path) &&
		    read_word(locks.gl_pathv[i], bytes, &word, &by_root))
			each(word.text, by_root, arg);
	globfree(&locks);
}

int control_find(pid_t target, struct control_holder *ret_holder)
{
	struct control_holder holder;
	int err = -ENOENT;
	char name[16];
	glob_t locks;
	size_t i;

	snprintf(name, sizeof(name), "%d", target);
	glob_locks(name, &locks);
	for (i = 0; i < locks.gl_pathc && err; i++)
		if (!read_lock(locks.gl_pathv[i], &holder) &&
		    is_name_of(locks.gl_pathv[i], &holder) && is_of_now(&holder))
			err = 0;
	globfree(&locks);
	if (err)
		return reason_set(&reason, -ENOENT, "no controller is attached to process %d",
				  target);
	*ret_holder = holder;
	return 0;
}

static int receive(int fd, int timeout_ms, json_t **ret_reply)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	char *text;
	json_t *json;
	ssize_t length;

	if (poll(&poll_fd, 1, timeout_ms) <= 0)
		return reason_set(&reason, -ETIMEDOUT, "the controller does not answer");
	text = malloc(MAX_REPLY);
	if (!text)
		return reason_set(&reason, -ENOMEM, "no memory");
	length = recv(fd, text, MAX_REPLY, 0);
	json = length > 0 ? json_loadb(text, (size_t)length, 0, NULL) : NULL;
	free(text);
	if (!json)
		return reason_set(&reason, -ECONNRESET, "the controller ended without an answer");
	*ret_reply = json;
	return 0;
}

int control_ask(const struct control_holder *holder, const char *request, int timeout_ms,
		struct json_t **ret_reply)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	json_t *json = NULL;
	const char *error;
	int fd, err;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", holder->socket);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return reason_set(&reason, -errno, "socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		err = reason_set(&reason, -errno, "the controller, process %d, cannot be asked: %s",
				 holder->pid, strerror(errno));
	else
		err = receive(fd, timeout_ms, &json);
	close(fd);
	if (err)
		return err;
	if (!json_unpack(json, "{ss}", "error", &error)) {
		err = reason_set(&reason, -EPERM, "%s", error);
		json_decref(json);
		return err;
	}
	*ret_reply = json;
	return 0;
}
