// SPDX-License-Identifier: GPL-2.0
/*
 * sampler_test.c - which sampler "auto" is, on machines that the test plays
 *
 * What was found is kept as long as the program runs, so each case has a child of its own.
 */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sampler.h"
#include "sampler_perf.h"

static bool has_pebs, has_ibs;
static unsigned int nr_probes;

int __wrap_sampler_perf_probe(sampler_perf_finder *find, struct reason *why);

int __wrap_sampler_perf_probe(sampler_perf_finder *find, struct reason *why)
{
	bool works = find == event_pebs ? has_pebs : has_ibs;

	nr_probes++;
	return works ? reason_set(why, 0, "addresses come") :
		       reason_set(why, -ENODEV, "no such CPU");
}

#define MUST(condition) do { \
	if (!(condition)) { \
		print_message("# line %d: %s; %s\n", __LINE__, #condition, sampler_reason()); \
		_exit(1); \
	} \
} while (0)

static void in_child(const struct sampler *expected, const char *reason)
{
	pid_t child = fork();
	unsigned int nr;
	int status;

	if (!child) {
		MUST(sampler_find("auto") == expected);
		MUST(!strcmp(sampler_reason(), reason));
		nr = nr_probes;
		MUST(sampler_find("auto") == expected);
		MUST(nr_probes == nr);		/* once is enough */
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void auto_takes_the_best_that_works_and_says_why(void **state UNUSED)
{
	has_pebs = true;
	in_child(&sampler_pebs, "addresses come");
	has_ibs = true;
	in_child(&sampler_pebs, "addresses come");
	has_pebs = false;
	in_child(&sampler_ibs, "pebs: no such CPU");
	has_ibs = false;
	in_child(&sampler_scan, "pebs: no such CPU; ibs: no such CPU");
}

static void a_name_is_not_tried(void **state UNUSED)
{
	nr_probes = 0;
	assert_ptr_equal(sampler_find("pebs"), &sampler_pebs);
	assert_ptr_equal(sampler_find("ibs"), &sampler_ibs);
	assert_ptr_equal(sampler_find("bpf"), &sampler_bpf);
	assert_ptr_equal(sampler_find("scan"), &sampler_scan);
	assert_ptr_equal(sampler_find("ring:/x"), &sampler_ring);
	assert_null(sampler_find("pebs2"));
	assert_null(sampler_find("peb"));
	assert_int_equal(nr_probes, 0);
	assert_string_equal(sampler_reason(), "it was asked for");
}

/* What needs an argument, or samples nothing, is nobody's choice but the user's. */
static void auto_may_choose_only_what_says_whether_it_works(void **state UNUSED)
{
	const struct sampler *const *sampler;

	for (sampler = sampler_table; *sampler; sampler++)
		assert_int_equal(!!(*sampler)->probe, *sampler == &sampler_pebs ||
				 *sampler == &sampler_ibs || *sampler == &sampler_scan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(auto_takes_the_best_that_works_and_says_why),
		cmocka_unit_test(a_name_is_not_tried),
		cmocka_unit_test(auto_may_choose_only_what_says_whether_it_works),
	};

	return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
