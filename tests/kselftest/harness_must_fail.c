// SPDX-License-Identifier: GPL-2.0
/*
 * harness_must_fail.c - every test in here fails
 *
 * The runner turns the verdict round: if even one of these passes, the harness
 * no longer sees failures and no other result can be believed.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

/* Nobody shall wait a minute for the test that hangs. */
__attribute__((constructor)) static void be_impatient(void)
{
	setenv("HEMEM_TIMEOUT_S", "2", 1);
}

TEST(expect_is_seen, "expect 1 to be 2 and go on, and must fail")
{
	EXPECT_EQ(1, 2);
}

TEST(assert_ends_the_test, "assert 1 to be 2, and must fail")
{
	ASSERT_EQ(1, 2);
	_exit(0);
}

TEST(wide_values_differ, "compare -1 with its 32 bit pattern, and must fail")
{
	EXPECT_EQ(-1, 0xffffffffU);
}

TEST(crash_is_seen, "end by a signal, and must fail")
{
	raise(SIGSEGV);
}

TEST(exit_code_is_seen, "leave with an unknown exit code, and must fail")
{
	_exit(77);
}

TEST(skip_hides_no_failure, "skip after a failure, and must fail")
{
	EXPECT_EQ(1, 2);
	SKIP("this reason must not be read");
}

TEST(hang_is_seen, "wait for ever and be killed, and must fail")
{
	pause();
}

TEST(stray_return_is_seen, "return from the body in a child, and must fail")
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		return;
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}
