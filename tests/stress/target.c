// SPDX-License-Identifier: GPL-2.0
/*
 * target.c - the process whose memory moves
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board.h"
#include "crew.h"
#include "memcg.h"
#include "plant.h"
#include "target.h"

enum { EXIT_CANNOT_BEGIN = 7 };

static void __attribute__((noreturn)) live(uint64_t chosen, uint64_t seed)
{
	static struct crew crew;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	atomic_store(&board->target, getpid());
	memcg_enter();
	if (crew_prepare(&crew, chosen, false, seed) || plant_start(&crew, seed) ||
	    crew_start(&crew))
		_exit(EXIT_CANNOT_BEGIN);
	atomic_store(&board->phase, BOARD_READY);
	board_wait(BOARD_STOP);
	crew_join(&crew);
	board_wait(BOARD_QUIET);
	crew_end(&crew);
	_exit(0);
}

pid_t target_start(uint64_t chosen, uint64_t seed)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		live(chosen, seed);
	while (atomic_load(&board->phase) < BOARD_READY) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return -ECHILD;
		usleep(10000);
	}
	return pid;
}

bool target_is_gone(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return !waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) &&
		info.si_pid == pid;
}

void target_wait(pid_t pid, unsigned int timeout_s)
{
	unsigned int tenths = timeout_s * 10;
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (!tenths--) {
			board_violate("target", "the target ends when it shall", NULL, 0,
				      (uint64_t)timeout_s);
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return;
		}
		usleep(100000);
	}
	if (status)
		board_violate("target", "the target ends by itself (wait status)", NULL, 0,
			      (uint64_t)status);
}
