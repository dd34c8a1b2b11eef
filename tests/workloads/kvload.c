// SPDX-License-Identifier: GPL-2.0
/*
 * kvload.c - a real key-value server under a zipfian load; see about[]
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <numa.h>

#include "bench.h"
#include "kvload.h"
#include "zipf.h"

static const char about[] =
"Starts redis-server or memcached, fills it with records and asks for them over a unix\n"
"socket, 16 requests under way: 95 of 100 read, 5 write, as YCSB's workload B (Cooper and\n"
"others, SoCC 2010) has it, records of 1000 bytes, keys zipfian with theta 0.99 and\n"
"scattered.  So heat is graded and hot records lie among cold ones, several on each\n"
"page: what real caches look like.  Every answer is compared with what key and version\n"
"say it has to be, byte by byte; at the end one record in eight is read once more.\n"
"bytes= is the server's resident memory.  This process is the client.\n";

#define BATCH		16	/* requests under way: they fit in a socket's buffer */
#define THETA		0.99
#define CHECK_EVERY	8	/* records */
#define START_MS	20000	/* for the server to listen */

enum verb { SET, GET };

struct client {
	const struct kvload_server *server;
	int fd;
	pid_t pid;			/* the server's */
	struct zipf zipf;
	uint32_t nr_keys, *versions;	/* by key: what is there now */
	uint64_t random, nr_gets, nr_sets;
	size_t request_bytes, answer_bytes;
	unsigned int nr;		/* requests in the batch */
	char requests[BATCH * KVLOAD_MESSAGE_BYTES], answers[BATCH * KVLOAD_MESSAGE_BYTES];
};

/* The server's folder, its socket, and what it says. */
static char dir[80], path[sizeof(dir) + 8], log_path[sizeof(dir) + 8];
static pid_t server_pid;

static void clean_up(void)
{
	if (server_pid > 0) {
		kill(server_pid, SIGKILL);
		waitpid(server_pid, NULL, 0);
	}
	if (!*path)
		return;
	unlink(path);
	unlink(log_path);
	rmdir(dir);
}

static void on_signal(int signal)
{
	(void)signal;
	exit(BENCH_USAGE);
}

static void value_of(char *value, uint32_t key, uint32_t version)
{
	uint64_t word, i;

	for (i = 0; i < KVLOAD_VALUE_BYTES / sizeof(word); i++) {
		word = ((uint64_t)key << 32 | version) + i * 0x9e3779b97f4a7c15;
		word = (word ^ word >> 29) * 0xbf58476d1ce4e5b9;
		memcpy(value + i * sizeof(word), &word, sizeof(word));
	}
}

/* All answers are known before they come.  A wrong one may be shorter: compare as it arrives. */
static void compare_answers(struct client *client)
{
	char got[4 * KVLOAD_MESSAGE_BYTES];
	size_t done = 0, left;
	ssize_t nr;

	while (done < client->answer_bytes) {
		left = client->answer_bytes - done;
		nr = read(client->fd, got, left < sizeof(got) ? left : sizeof(got));
		if (nr <= 0)
			bench_die(BENCH_WRONG, "the server gives no more answers: %s",
				  nr ? strerror(errno) : "it ended");
		if (memcmp(got, client->answers + done, (size_t)nr))
			bench_die(BENCH_WRONG, "an answer is wrong, after %" PRIu64 " gets and %"
				  PRIu64 " sets", client->nr_gets, client->nr_sets);
		done += (size_t)nr;
	}
}

static void flush(struct client *client)
{
	size_t done = 0;
	ssize_t nr;

	for (; done < client->request_bytes; done += (size_t)nr) {
		nr = write(client->fd, client->requests + done, client->request_bytes - done);
		if (nr <= 0)
			bench_die(BENCH_WRONG, "the server takes no more requests: %s",
				  strerror(errno));
	}
	compare_answers(client);
	client->request_bytes = client->answer_bytes = client->nr = 0;
}

static void request(struct client *client, enum verb verb, uint32_t key)
{
	const struct kvload_server *server = client->server;
	char *to = client->requests + client->request_bytes;
	char *answer = client->answers + client->answer_bytes;
	char value[KVLOAD_VALUE_BYTES];

	value_of(value, key, client->versions[key]);
	if (verb == SET) {
		client->request_bytes += server->set(to, key, value);
		client->answer_bytes += server->set_answer(answer);
		client->nr_sets++;
	} else {
		client->request_bytes += server->get(to, key);
		client->answer_bytes += server->get_answer(answer, key, value);
		client->nr_gets++;
	}
	if (++client->nr == BATCH)
		flush(client);
}

/* Ranks are scattered over the keys, as YCSB does: some keys have two, some have none. */
static uint32_t key_of(const struct client *client, uint64_t rank)
{
	return (uint32_t)(bench_mix(rank) % client->nr_keys);
}

static void load(struct client *client)
{
	uint32_t key;

	for (key = 0; key < client->nr_keys; key++)
		request(client, SET, key);
	flush(client);
}

static void work(struct client *client, uint64_t nr, uint64_t set_pct)
{
	uint64_t i, random;
	uint32_t key;

	for (i = 0; i < nr; i++) {
		random = bench_random(&client->random);
		key = key_of(client, zipf_rank(&client->zipf, random));
		if (bench_between(&client->random, 0, 99) < set_pct) {
			client->versions[key]++;
			request(client, SET, key);
		} else {
			request(client, GET, key);
		}
	}
	flush(client);
}

static void verify(struct client *client)
{
	uint32_t key;

	for (key = 0; key < client->nr_keys; key += CHECK_EVERY)
		request(client, GET, key);
	flush(client);
}

/* Write a value, and know nothing of it. */
static void spoil(struct client *client)
{
	uint32_t key = key_of(client, 0);

	client->versions[key]++;
	request(client, SET, key);
	flush(client);
	client->versions[key]--;
}

/* What a server calls itself is argv[0]; what is run may have another name. */
static void exec_server(const struct kvload_server *server, const char *const *argv)
{
	char own[400] = "", file[512];
	const char *const *program;

	if (readlink("/proc/self/exe", own, sizeof(own) - 1) < 0)
		return;
	for (program = server->programs; *program; program++) {
		if (strchr(*program, '/'))
			snprintf(file, sizeof(file), "%.*s%s", (int)(strrchr(own, '/') + 1 - own), own,
				 *program);
		else
			snprintf(file, sizeof(file), "%s", *program);
		execvp(file, (char *const *)argv);
		if (errno != ENOENT)
			return;
	}
}

static pid_t start_server(const struct bench *bench, const struct kvload_server *server)
{
	const char *argv[32];
	pid_t parent = getpid(), pid;

	snprintf(dir, sizeof(dir), "%s/kvload.XXXXXX", getenv("TMPDIR") ? : "/tmp");
	if (!mkdtemp(dir))
		bench_die(BENCH_USAGE, "%s: %s", dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/socket", dir);
	snprintf(log_path, sizeof(log_path), "%s/log", dir);
	server->argv(argv, path, bench->bytes);
	pid = fork();
	if (pid < 0)
		bench_die(BENCH_USAGE, "no process: %s", strerror(errno));
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Standard input and output are ours, not the server's. */
	if (getppid() != parent || chdir(dir) || !freopen("/dev/null", "r", stdin) ||
	    !freopen("log", "w", stdout) || dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
		_exit(BENCH_USAGE);
	exec_server(server, argv);
	_exit(errno == ENOENT ? BENCH_SKIP : BENCH_USAGE);
}

static void show_log(void)
{
	FILE *file = fopen(log_path, "r");
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		fputs(line, stderr);
	if (file)
		fclose(file);
}

/* Until the server listens, or has ended. */
static int connect_to(const struct kvload_server *server, pid_t pid)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timespec ms = { .tv_nsec = 1000000 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), status, i;

	strcpy(address.sun_path, path);
	for (i = 0; i < START_MS; i++) {
		if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
			return fd;
		if (waitpid(pid, &status, WNOHANG) == pid) {
			server_pid = 0;
			if (WIFEXITED(status) && WEXITSTATUS(status) == BENCH_SKIP)
				bench_die(BENCH_SKIP, "%s is not installed", server->name);
			show_log();
			bench_die(BENCH_USAGE, "%s ended at once", server->name);
		}
		nanosleep(&ms, NULL);
	}
	bench_die(BENCH_USAGE, "%s does not listen on %s", server->name, path);
}

static uint64_t resident_bytes(pid_t pid)
{
	char name[40];
	uint64_t pages = 0;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/statm", pid);
	file = fopen(name, "r");
	if (!file || fscanf(file, "%*u %" SCNu64, &pages) != 1)
		bench_die(BENCH_WRONG, "%s: %s", name, strerror(errno));
	fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* A policy would stay with the server for good; so its memory is moved when it is full. */
static void move_server(const struct bench *bench, pid_t pid)
{
	struct bitmask *to;

	if (bench->setup_node == UINT64_MAX)
		return;
	if (numa_available() < 0 || bench->setup_node > (uint64_t)numa_max_node())
		bench_die(BENCH_USAGE, "there is no node %" PRIu64, bench->setup_node);
	to = numa_allocate_nodemask();
	numa_bitmask_setbit(to, (unsigned int)bench->setup_node);
	if (numa_migrate_pages(pid, numa_all_nodes_ptr, to) < 0)
		bench_die(BENCH_USAGE, "cannot move the server's memory: %s", strerror(errno));
	numa_free_nodemask(to);
}

static void open_client(struct client *client, const struct bench *bench)
{
	client->nr_keys = (uint32_t)(bench->bytes / client->server->record_bytes);
	client->versions = calloc(client->nr_keys, sizeof(*client->versions));
	if (!client->versions)
		bench_die(BENCH_USAGE, "no memory");
	client->random = bench_mix(bench->seed) | 1;
	zipf_init(&client->zipf, client->nr_keys, THETA);
	atexit(clean_up);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	signal(SIGPIPE, SIG_IGN);
	server_pid = start_server(bench, client->server);
	client->pid = server_pid;
	client->fd = connect_to(client->server, client->pid);
}

int main(int argc, char **argv)
{
	static const struct kvload_server *const servers[] = { &kvload_redis, &kvload_memcached };
	static const char *const names[] = { "redis", "memcached", NULL };
	static struct client client;
	uint64_t set_pct = 5, nr_gets, nr_sets;
	int server = 0;
	const struct bench_option options[] = {
		{ "server", "whom to load", BENCH_CHOICE, &server, 0, 0, names },
		{ "set-pct", "percent of the requests that write", BENCH_NUMBER, &set_pct, 0, 100,
		  NULL },
		{ 0 },
	};
	struct bench bench = {
		.name = "kvload", .about = about, .work = 120000, .options = options,
		.work_help = "number of requests",
	};

	bench_parse(&bench, argc, argv);
	client.server = servers[server];
	open_client(&client, &bench);
	bench_setup(&bench);
	bench_unbind();
	load(&client);
	move_server(&bench, client.pid);
	bench_run(&bench, client.pid, 0, resident_bytes(client.pid));
	client.nr_gets = client.nr_sets = 0;
	if (bench.spoil)
		spoil(&client);
	work(&client, bench.work, set_pct);
	bench_check(&bench);
	nr_gets = client.nr_gets;
	nr_sets = client.nr_sets;
	verify(&client);
	return bench_done(&bench, true,
			  "gets=%" PRIu64 " sets=%" PRIu64 " keys=%u requests_per_s=%.0f resident_bytes=%" PRIu64,
			  nr_gets, nr_sets, client.nr_keys, bench_per_s(&bench, bench.work),
			  resident_bytes(client.pid));
}
