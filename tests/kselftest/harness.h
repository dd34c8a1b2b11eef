/* SPDX-License-Identifier: GPL-2.0 */
/*
 * harness.h - a test is a sentence, a list of needs, and a short body
 *
 * Owns: which tests a program has, the process each one runs in, its time
 * limit, and the KTAP that is printed.  Leaves what is tested, and everything
 * about memory and /dev/hemem, to the files that include it.
 *
 *	TEST(hot_page_is_promoted, "move a page and find its bytes unchanged",
 *	     need_module, need_two_nodes)
 *	{
 *		...
 *		EXPECT_EQ(HEMEM_ASSIST_MOVED, moves[0].out_status);
 *	}
 *
 * reads, in the log and under --list, "This test will move a page and find its
 * bytes unchanged".  A test without a sentence does not compile.  The needs
 * are asked before the body starts; a need that is not met skips the test and
 * says why.  Each body runs in a process of its own, in a process group of its
 * own, so nothing that it starts outlives it.
 *
 * A program exits 0 (all passed, or passed and skipped), 1 (something failed)
 * or 4 (all skipped), as the kernel's selftests do.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdbool.h>
#include <stddef.h>

/** Asks for one thing; returns NULL if it is there, else what is missing. */
typedef const char *(*need_fn)(void);

/** A table that a test is run over, one process and one KTAP line per row. */
struct rows {
	int nr;
	const char *(*name)(int row);
	const char *(*lacks)(int row);	/* as need_fn, for that row; or NULL */
};

struct test {
	const char *name;
	const char *sentence;
	const need_fn *needs;		/* ends with NULL */
	const struct rows *rows;	/* NULL: once, with row 0 */
	void (*body)(int row);
	struct test *next;
};

void harness_add(struct test *test);

#define HARNESS_TEST(_name, _sentence, _rows, ...)				\
	_Static_assert(sizeof("" _sentence) > 10,				\
		       "a test says in a sentence what it will do");		\
	static void test_##_name(int row);					\
	static const need_fn needs_##_name[] = { __VA_ARGS__ __VA_OPT__(,) NULL };\
	static struct test entry_##_name = {					\
		.name = #_name,							\
		.sentence = _sentence,						\
		.needs = needs_##_name,						\
		.rows = _rows,							\
		.body = test_##_name,						\
	};									\
	__attribute__((constructor)) static void add_##_name(void)		\
	{									\
		harness_add(&entry_##_name);					\
	}									\
	static void test_##_name(int row __attribute__((unused)))

/* TEST(name, "sentence", needs ...) { body } */
#define TEST(_name, _sentence, ...)						\
	HARNESS_TEST(_name, _sentence, NULL, __VA_ARGS__)

/* TEST_ROWS(name, "sentence", &rows, needs ...) { body with int row } */
#define TEST_ROWS(_name, _sentence, _rows, ...)					\
	HARNESS_TEST(_name, _sentence, _rows, __VA_ARGS__)

/* Ends the test: what it wanted is not to be had here after all. */
#define SKIP(...)	harness_skip(__VA_ARGS__)

/* A line of explanation in the log. */
#define NOTE(...)	harness_note(__VA_ARGS__)

/*
 * EXPECT goes on after a failure, ASSERT ends the test.  The first argument is
 * what is wanted.  Values between -4095 and -1 are printed as errnos too.
 */
#define EXPECT_EQ(want, got)	HARNESS_COMPARE(want, ==, got, false)
#define EXPECT_NE(want, got)	HARNESS_COMPARE(want, !=, got, false)
#define EXPECT_LE(small, large)	HARNESS_COMPARE(small, <=, large, false)
#define EXPECT_LT(small, large)	HARNESS_COMPARE(small, <, large, false)
#define ASSERT_EQ(want, got)	HARNESS_COMPARE(want, ==, got, true)
#define ASSERT_NE(want, got)	HARNESS_COMPARE(want, !=, got, true)
#define ASSERT_LE(small, large)	HARNESS_COMPARE(small, <=, large, true)
#define ASSERT_LT(small, large)	HARNESS_COMPARE(small, <, large, true)

#define EXPECT(cond)		HARNESS_TRUE(cond, false)
#define ASSERT(cond)		HARNESS_TRUE(cond, true)

/* The values are compared as 64 bit signed numbers: -1 is not 4294967295. */
#define HARNESS_COMPARE(a, op, b, fatal) ({					\
	long long _a = (long long)(a), _b = (long long)(b);			\
	bool _holds = _a op _b;							\
	if (!_holds)								\
		harness_fail(__FILE__, __LINE__, fatal, #a " " #op " " #b,	\
			     _a, _b);						\
	_holds; })

#define HARNESS_TRUE(cond, fatal) ({						\
	bool _holds = !!(cond);							\
	if (!_holds)								\
		harness_fail_plain(__FILE__, __LINE__, fatal, #cond);		\
	_holds; })

void harness_fail(const char *file, int line, bool fatal, const char *what,
		  long long a, long long b);
void harness_fail_plain(const char *file, int line, bool fatal,
			const char *what);
void harness_skip(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));
void harness_note(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Ends a process that a test has forked; exit code 1 if an EXPECT failed. */
void harness_end(void) __attribute__((noreturn));

/* The long form: more rounds, for a machine and not for an emulated guest. */
bool harness_is_long(void);

/* The rounds of a loop: what the environment variable @name says, else this. */
int harness_rounds(const char *name, int in_short, int in_long);

#endif /* HARNESS_H */
