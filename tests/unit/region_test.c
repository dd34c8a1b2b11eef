// SPDX-License-Identifier: GPL-2.0
/*
 * region_test.c - /proc/PID/maps into regions, and what went away
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "region.h"

static int parse(const char *text, struct region_set *ret_set)
{
	FILE *maps = fmemopen((void *)text, strlen(text), "r");
	int err;

	assert_non_null(maps);
	err = region_parse(maps, ret_set);
	fclose(maps);
	return err;
}

static struct region_set must_parse(const char *text)
{
	struct region_set set;

	assert_int_equal(parse(text, &set), 0);
	return set;
}

static void must_refuse(const char *text)
{
	struct region_set set;

	POISON(set);
	assert_int_equal(parse(text, &set), -EBADMSG);
	UNTOUCHED(set);
}

static void must_be(const struct region *region, uint64_t start, uint64_t end,
		    enum region_kind kind)
{
	assert_int_equal(region->start, start);
	assert_int_equal(region->end, end);
	assert_int_equal(region->kind, kind);
}

static void every_kind_of_line_gets_its_kind(UNUSED void **state)
{
	static const struct {
		const char *line;
		enum region_kind kind;
	} cases[] = {
		{ "1000-2000 rw-p 00000000 00:00 0 ", REGION_ANON },
		{ "1000-2000 rw-p 00000000 00:00 0", REGION_ANON },
		{ "1000-2000 rw-p 00000000 00:00 0    [heap]", REGION_HEAP },
		{ "1000-2000 rw-p 00000000 00:00 0    [stack]", REGION_STACK },
		{ "1000-2000 rw-p 00000000 00:00 0    [anon:my pool]", REGION_ANON },
		{ "1000-2000 rw-s 00000000 00:01 77   [anon_shmem:x]", REGION_SHARED },
		{ "1000-2000 r-xp 00001000 fe:01 12   /usr/lib/libc.so.6", REGION_FILE },
		{ "1000-2000 rw-p 00001000 fe:01 12   /tmp/a b (deleted)", REGION_FILE },
		{ "1000-2000 rw-s 00000000 00:01 9    /memfd:x (deleted)", REGION_SHARED },
		{ "1000-2000 rw-s 00000000 00:01 9    /dev/zero (deleted)", REGION_SHARED },
		{ "1000-2000 rw-s 00000000 00:01 9    /dev/shm/x", REGION_SHARED },
		{ "1000-2000 rw-s 00000000 00:06 9    /dev/dri/card0", REGION_SPECIAL },
		{ "1000-2000 rw-p 00000000 00:0f 9    /anon_hugepage (deleted)", REGION_SPECIAL },
		{ "1000-2000 rw-s 00000000 00:0d 9    anon_inode:[perf_event]", REGION_SPECIAL },
		{ "1000-2000 r--p 00000000 00:00 0    [vvar]", REGION_SPECIAL },
		{ "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]",
		  REGION_SPECIAL },
	};
	struct region_set set;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set = must_parse(cases[i].line);
		assert_int_equal(set.nr, 1);
		assert_int_equal(set.list[0].kind, cases[i].kind);
		assert_int_equal(region_movable(&set.list[0]), cases[i].kind != REGION_SPECIAL);
		region_free(&set);
	}
}

static void lines_of_another_format_are_refused(UNUSED void **state)
{
	must_refuse("hello\n");
	must_refuse("1000-2000 rw-p 0 00:00\n");
	must_refuse("2000-1000 rw-p 0 00:00 0\n");
	must_refuse("1000-1000 rw-p 0 00:00 0\n");
	must_refuse("1000-2000 rw 0 00:00 0\n");
	must_refuse("1000-2000 rw-p 0 00:00 0\n\n");
}

static void no_lines_are_no_regions(UNUSED void **state)
{
	struct region_set set;
	FILE *maps = fopen("/dev/null", "r");

	assert_int_equal(region_parse(maps, &set), 0);
	fclose(maps);
	assert_int_equal(set.nr, 0);
	assert_null(region_find(&set, 0x1000));
	region_free(&set);
}

static void neighbours_that_differ_in_rights_only_are_one_region(UNUSED void **state)
{
	struct region_set set = must_parse(
		"1000-2000 ---p 0 00:00 0\n"
		"2000-3000 rw-p 0 00:00 0\n"
		"3000-4000 rw-p 0 00:00 0 [heap]\n"
		"4000-5000 r--p 0 fe:00 7 /a\n"
		"5000-6000 r-xp 0 fe:00 7 /a\n"
		"6000-7000 r-xp 0 fe:00 8 /b\n"
		"8000-9000 r-xp 0 fe:00 8 /b\n");

	assert_int_equal(set.nr, 5);
	must_be(&set.list[0], 0x1000, 0x3000, REGION_ANON);
	must_be(&set.list[1], 0x3000, 0x4000, REGION_HEAP);
	must_be(&set.list[2], 0x4000, 0x6000, REGION_FILE);
	must_be(&set.list[4], 0x8000, 0x9000, REGION_FILE);
	region_free(&set);
}

/* As when the target maps memory between two reads of the file. */
static void lines_that_overlap_are_cut(UNUSED void **state)
{
	struct region_set set = must_parse(
		"1000-4000 rw-p 0 00:00 0\n"
		"3000-5000 rw-s 0 00:00 7 /memfd:x\n"
		"2000-5000 rw-p 0 00:00 0\n"
		"5000-6000 rw-p 0 00:00 0\n");

	assert_int_equal(set.nr, 3);
	must_be(&set.list[0], 0x1000, 0x4000, REGION_ANON);
	must_be(&set.list[1], 0x4000, 0x5000, REGION_SHARED);
	must_be(&set.list[2], 0x5000, 0x6000, REGION_ANON);
	region_free(&set);
}

static void an_address_finds_its_region_at_both_ends(UNUSED void **state)
{
	struct region_set set = must_parse(
		"1000-2000 rw-p 0 00:00 0\n"
		"3000-5000 rw-p 0 00:00 0\n"
		"7000-9000 rw-p 0 00:00 0\n");

	assert_null(region_find(&set, 0xfff));
	assert_ptr_equal(region_find(&set, 0x1000), &set.list[0]);
	assert_ptr_equal(region_find(&set, 0x1fff), &set.list[0]);
	assert_null(region_find(&set, 0x2000));
	assert_ptr_equal(region_find(&set, 0x4fff), &set.list[1]);
	assert_ptr_equal(region_find(&set, 0x8fff), &set.list[2]);
	assert_null(region_find(&set, 0x9000));
	assert_ptr_equal(region_next(&set, 0), &set.list[0]);
	assert_ptr_equal(region_next(&set, 0x2000), &set.list[1]);
	assert_ptr_equal(region_next(&set, 0x5000), &set.list[2]);
	assert_null(region_next(&set, 0x9000));
	region_free(&set);
}

/* ---- what went away ---- */

/** struct gone - ranges that region_diff() reported, as "start-end " */
struct gone {
	char text[512];
};

static void note(void *arg, uint64_t start, uint64_t end)
{
	struct gone *gone = arg;
	size_t length = strlen(gone->text);

	snprintf(gone->text + length, sizeof(gone->text) - length, "%lx-%lx ",
		 (unsigned long)start, (unsigned long)end);
}

static void must_lose(const char *before, const char *now, const char *expected)
{
	struct region_set old = must_parse(before), new = must_parse(now);
	struct gone gone = { "" };

	region_diff(&old, &new, note, &gone);
	assert_string_equal(gone.text, expected);
	region_free(&old);
	region_free(&new);
}

#define ANON(range) range " rw-p 0 00:00 0\n"
#define HEAP(range) range " rw-p 0 00:00 0 [heap]\n"
#define FILE7(range) range " rw-p 0 fe:00 7 /a\n"
#define FILE8(range) range " rw-p 0 fe:00 8 /b\n"

static void the_example_of_region_c_loses_18000_20000_and_48000_50000(UNUSED void **state)
{
	must_lose(ANON("10000-30000") HEAP("40000-50000"),
		  ANON("10000-18000") ANON("20000-30000") HEAP("40000-48000") ANON("60000-70000"),
		  "18000-20000 48000-50000 ");
}

static void growing_and_appearing_lose_nothing(UNUSED void **state)
{
	must_lose(ANON("10000-20000") HEAP("40000-50000"),
		  ANON("8000-28000") HEAP("40000-60000") FILE7("70000-80000"), "");
	must_lose(ANON("10000-20000"), ANON("10000-20000"), "");
}

static void a_region_that_moved_is_lost_at_its_old_place(UNUSED void **state)
{
	must_lose(ANON("10000-20000") ANON("50000-60000"),
		  ANON("30000-40000") ANON("50000-60000"), "10000-20000 ");
	must_lose(ANON("10000-20000"), ANON("18000-28000"), "10000-18000 ");
}

static void another_kind_or_file_at_the_same_place_is_a_loss(UNUSED void **state)
{
	must_lose(ANON("10000-20000"), FILE7("10000-20000"), "10000-20000 ");
	must_lose(FILE7("10000-20000"), FILE8("10000-20000"), "10000-20000 ");
	must_lose(ANON("10000-40000"), ANON("10000-20000") FILE7("20000-30000")
		  ANON("30000-40000"), "20000-30000 ");
}

static void everything_can_go(UNUSED void **state)
{
	struct region_set old = must_parse(ANON("10000-20000") HEAP("30000-40000"));
	struct region_set none = { NULL, 0 };
	struct gone gone = { "" };

	assert_int_equal(region_diff(&old, &none, note, &gone), 2);
	assert_string_equal(gone.text, "10000-20000 30000-40000 ");
	assert_int_equal(region_diff(&none, &old, note, &gone), 0);
	region_free(&old);
}

/* ---- a real process: this one ---- */

static void our_own_mapping_appears_and_goes(UNUSED void **state)
{
	size_t bytes = 64 << 12;
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	uint64_t addr = (uintptr_t)memory;
	struct region_set before, after;
	struct gone gone = { "" };
	char expected[64];

	assert_int_equal(region_read(getpid(), &before), 0);
	assert_non_null(region_find(&before, addr));
	assert_int_equal(region_find(&before, addr)->kind, REGION_ANON);
	munmap(memory, bytes);
	assert_int_equal(region_read(getpid(), &after), 0);
	assert_null(region_find(&after, addr));
	region_diff(&before, &after, note, &gone);
	snprintf(expected, sizeof(expected), "%lx-%lx ", addr, addr + bytes);
	assert_non_null(strstr(gone.text, expected));
	region_free(&before);
	region_free(&after);
}

static void a_process_that_is_not_there_is_ESRCH(UNUSED void **state)
{
	struct region_set set;

	POISON(set);
	assert_int_equal(region_read(0x7ffffffe, &set), -ESRCH);
	UNTOUCHED(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_line_gets_its_kind),
		cmocka_unit_test(lines_of_another_format_are_refused),
		cmocka_unit_test(no_lines_are_no_regions),
		cmocka_unit_test(neighbours_that_differ_in_rights_only_are_one_region),
		cmocka_unit_test(lines_that_overlap_are_cut),
		cmocka_unit_test(an_address_finds_its_region_at_both_ends),
		cmocka_unit_test(the_example_of_region_c_loses_18000_20000_and_48000_50000),
		cmocka_unit_test(growing_and_appearing_lose_nothing),
		cmocka_unit_test(a_region_that_moved_is_lost_at_its_old_place),
		cmocka_unit_test(another_kind_or_file_at_the_same_place_is_a_loss),
		cmocka_unit_test(everything_can_go),
		cmocka_unit_test(our_own_mapping_appears_and_goes),
		cmocka_unit_test(a_process_that_is_not_there_is_ESRCH),
	};

	return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}
