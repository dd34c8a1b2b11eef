// SPDX-License-Identifier: GPL-2.0
/*
 * tier_test.c - which node is in which tier, on recorded machines
 *
 * data/NAME holds the sys/ and proc/ of a machine:
 *   two-nodes            node 0 with CPUs and 4 GiB, node 1 with 16 GiB only
 *   four-nodes           0 and 1 with CPUs, 2 and 3 without, 1 GiB each
 *   two-sockets          0 and 1, both with CPUs
 *   one-node             0
 *   cpus-without-memory  CPUs in node 0, memory in node 1
 *   full-of-files        two-nodes, with page cache in nearly all of node 0
 *   three-tiers          four-nodes, of which the kernel says that 2 is slower than 3
 *   broken               has_cpu says "0-"
 */
#include "unit.h"

#include <errno.h>
#include <numa.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tier.h"

#define MIB	(1ULL << 20)
#define KIB	(1ULL << 10)

/* A mask of the nodes in @nids; -1 ends it. */
static struct bitmask *mask(const int *nids)
{
	struct bitmask *mask = numa_bitmask_alloc(128);

	for (; *nids >= 0; nids++)
		numa_bitmask_setbit(mask, *nids);
	return mask;
}

#define MASK(...) mask((const int[]){ __VA_ARGS__, -1 })

/* What the call said on stderr. */
static char said[512];

static int open_tiers(struct bitmask *fast, struct bitmask *slow, const char *machine,
		      struct tier_set *ret_set)
{
	int saved = dup(2), pipe_fds[2], err;
	ssize_t length;

	assert_int_equal(pipe(pipe_fds), 0);
	dup2(pipe_fds[1], 2);
	close(pipe_fds[1]);
	err = tier_open(fast, slow, machine, ret_set);
	dup2(saved, 2);
	close(saved);
	length = read(pipe_fds[0], said, sizeof(said) - 1);
	said[length > 0 ? length : 0] = '\0';
	close(pipe_fds[0]);
	if (fast)
		numa_bitmask_free(fast);
	if (slow)
		numa_bitmask_free(slow);
	return err;
}

/* The tiers as text: "0f 1s" */
static const char *levels(const struct tier_set *set)
{
	static char text[128];
	unsigned int i;

	text[0] = '\0';
	for (i = 0; i < set->nr_nodes; i++)
		sprintf(text + strlen(text), "%s%d%c", i ? " " : "", set->nodes[i].nid,
			tier_name(set->nodes[i].level)[0]);
	return text;
}

static void must_be(struct bitmask *fast, struct bitmask *slow, const char *machine,
		    const char *expected)
{
	struct tier_set set;

	assert_int_equal(open_tiers(fast, slow, machine, &set), 0);
	assert_string_equal(levels(&set), expected);
	assert_string_equal(said, "");
}

static void must_refuse(struct bitmask *fast, struct bitmask *slow, const char *machine,
			int expected, const char *words)
{
	struct tier_set set;

	POISON(set);
	assert_int_equal(open_tiers(fast, slow, machine, &set), expected);
	UNTOUCHED(set);
	assert_non_null(strstr(said, words));
}

static void nodes_with_cpus_are_fast_and_the_others_slow(UNUSED void **state)
{
	must_be(NULL, NULL, DATA "/two-nodes", "0f 1s");
	must_be(NULL, NULL, DATA "/four-nodes", "0f 1f 2s 3s");
}

static void what_is_asked_for_wins(UNUSED void **state)
{
	must_be(MASK(1), NULL, DATA "/two-nodes", "0s 1f");
	must_be(MASK(0), MASK(3), DATA "/four-nodes", "0f 3s");
	must_be(MASK(0), NULL, DATA "/four-nodes", "0f 1s 2s 3s");
	must_be(NULL, MASK(3), DATA "/four-nodes", "0f 1f 3s");
	must_be(NULL, MASK(1), DATA "/two-sockets", "0f 1s");
}

static void a_machine_without_two_tiers_is_told_what_to_do(UNUSED void **state)
{
	must_refuse(NULL, NULL, DATA "/one-node", -ENODEV, "numa=fake=2");
	must_refuse(NULL, NULL, DATA "/two-sockets", -ENODEV, "--slow");
	must_refuse(NULL, NULL, DATA "/cpus-without-memory", -ENODEV, "numa=fake=2");
	must_refuse(MASK(0, 1), NULL, DATA "/two-nodes", -ENODEV, "--slow");
	must_refuse(NULL, MASK(0, 1), DATA "/two-nodes", -ENODEV, "--fast");
}

static void nodes_that_cannot_be_are_named(UNUSED void **state)
{
	must_refuse(MASK(0), MASK(0), DATA "/two-nodes", -EINVAL, "node 0 is in both tiers");
	must_refuse(MASK(5), NULL, DATA "/two-nodes", -EINVAL, "node 5 is not online");
	must_refuse(NULL, MASK(0), DATA "/cpus-without-memory", -EINVAL, "node 0 is not online");
	must_refuse(NULL, NULL, DATA "/broken", -EBADMSG, "cannot read");
	must_refuse(NULL, NULL, DATA "/nowhere", -ENOENT, "CONFIG_NUMA");
}

/* Kernel's "high" marks of node 0: 30 + 3000 pages; "low" ones of node 1: 20 + 20. */
static void watermarks_are_the_kernels_and_a_hundredth_of_a_fast_node(UNUSED void **state)
{
	struct tier_set set;

	assert_int_equal(open_tiers(NULL, NULL, DATA "/two-nodes", &set), 0);
	assert_int_equal(set.nodes[0].watermark_bytes, 3030 * 4 * KIB + 4096 * MIB / 100);
	assert_int_equal(set.nodes[1].watermark_bytes, 40 * 4 * KIB);
	assert_int_equal(tier_watermark_bytes(&set, TIER_FAST), set.nodes[0].watermark_bytes);
	assert_int_equal(tier_free_bytes(&set, TIER_FAST), 1024 * MIB);
	assert_int_equal(tier_free_bytes(&set, TIER_SLOW), 8192 * MIB);
}

static void a_small_fast_node_keeps_16_mib_or_a_64th_of_what_programs_can_have(UNUSED void **state)
{
	struct tier_set set;

	assert_int_equal(open_tiers(NULL, NULL, DATA "/four-nodes", &set), 0);
	assert_int_equal(set.nodes[0].watermark_bytes, 100 * 4 * KIB + 16 * MIB);
	assert_int_equal(set.nodes[1].level, TIER_FAST);
	/* 256 huge pages of its 1 GiB are hugetlbfs's. */
	assert_int_equal(set.nodes[1].watermark_bytes, 100 * 4 * KIB + 8 * MIB);
	assert_int_equal(set.nodes[2].watermark_bytes, 20 * 4 * KIB);
}

static void free_memory_is_read_again_at_each_look(UNUSED void **state)
{
	struct tier_set set;

	assert_int_equal(open_tiers(NULL, NULL, DATA "/two-nodes", &set), 0);
	set.nodes[0].free_bytes = set.nodes[1].free_bytes = 1;
	assert_int_equal(tier_look(&set), 0);
	assert_int_equal(set.nodes[0].free_bytes, 1024 * MIB);
	assert_int_equal(set.nodes[1].free_bytes, 8192 * MIB);
	set.sysroot = DATA "/nowhere";
	assert_int_equal(tier_look(&set), -ENOENT);
}

/* 3 GiB of file pages; 128 MiB of shmem are in FilePages, too, but no page cache. */
static void page_cache_is_told_and_is_not_free(UNUSED void **state)
{
	struct tier_set set;

	assert_int_equal(open_tiers(NULL, NULL, DATA "/full-of-files", &set), 0);
	assert_int_equal(tier_free_bytes(&set, TIER_FAST), 20 * MIB);
	assert_int_equal(tier_cache_bytes(&set, TIER_FAST), 3072 * MIB);
	assert_int_equal(tier_cache_bytes(&set, TIER_SLOW), 3 * MIB);
	set.nodes[0].cache_bytes = 0;
	assert_int_equal(tier_look(&set), 0);
	assert_int_equal(tier_cache_bytes(&set, TIER_FAST), 3072 * MIB);
	/* A kernel that does not tell. */
	assert_int_equal(open_tiers(NULL, NULL, DATA "/two-nodes", &set), 0);
	assert_int_equal(tier_cache_bytes(&set, TIER_FAST), 0);
}

/*
 * The kernel's min marks of node 0 are 20 pages, the watermark is 3,030 pages and a
 * hundredth of 4 GiB: there are 20 MiB free, and no room.
 */
static void idle_page_cache_is_room_down_to_the_kernels_min_mark(UNUSED void **state)
{
	struct tier_set set;
	struct tier_node *node = &set.nodes[0];

	assert_int_equal(open_tiers(NULL, NULL, DATA "/full-of-files", &set), 0);
	assert_int_equal(node->idle_cache_bytes, 2048 * MIB);
	assert_int_equal(node->min_bytes, 20 * 4 * KIB);
	assert_int_equal(tier_node_free_room(node), 0);
	assert_int_equal(tier_node_room(node), 20 * MIB - 20 * 4 * KIB);
	assert_int_equal(tier_room_bytes(&set, TIER_FAST), tier_node_room(node));

	/* Never more than would leave the watermark, had the cache been dropped. */
	node->idle_cache_bytes = node->watermark_bytes - 15 * MIB;
	assert_int_equal(tier_node_room(node), 5 * MIB);
	node->idle_cache_bytes = node->watermark_bytes - 20 * MIB;
	assert_int_equal(tier_node_room(node), 0);
	node->free_bytes = node->watermark_bytes + 7 * MIB;
	node->idle_cache_bytes = 0;
	assert_int_equal(tier_node_free_room(node), 7 * MIB);
	assert_int_equal(tier_node_room(node), 7 * MIB);
	node->free_bytes = node->min_bytes - KIB;
	node->idle_cache_bytes = 2048 * MIB;
	assert_int_equal(tier_node_room(node), 0);
}

/* The levels of a step as text: "0- 1- 2s 3f"; -: takes no part. */
static void step_must_be(const struct tier_set *set, unsigned int step, const char *expected)
{
	char text[64] = "";
	struct tier_set view;
	unsigned int i;

	tier_step(set, step, &view);
	for (i = 0; i < view.nr_nodes; i++)
		sprintf(text + strlen(text), "%s%d%c", i ? " " : "", view.nodes[i].nid,
			view.nodes[i].level == TIER_NR ? '-' :
			tier_name(view.nodes[i].level)[0]);
	assert_string_equal(text, expected);
}

static void three_tiers_are_two_steps_of_two(UNUSED void **state)
{
	struct tier_set set;

	assert_int_equal(open_tiers(NULL, NULL, DATA "/three-tiers", &set), 0);
	assert_string_equal(levels(&set), "0f 1f 2s 3s");
	assert_int_equal(tier_nr_steps(&set), 2);
	step_must_be(&set, 0, "0f 1f 2s 3s");
	step_must_be(&set, 1, "0- 1- 2s 3f");
	assert_int_equal(set.nodes[2].depth, 2);
	assert_int_equal(set.nodes[3].depth, 1);
	/* What has a tier below it keeps room for what comes from above. */
	assert_int_equal(set.nodes[3].watermark_bytes, 100 * 4 * KIB + 16 * MIB);
	assert_int_equal(set.nodes[2].watermark_bytes, 20 * 4 * KIB);
}

static void a_node_that_takes_no_part_is_no_tier(UNUSED void **state)
{
	struct tier_set set;

	assert_int_equal(open_tiers(NULL, MASK(2), DATA "/three-tiers", &set), 0);
	assert_int_equal(tier_nr_steps(&set), 1);
	assert_int_equal(set.nodes[2].depth, 1);
	assert_int_equal(open_tiers(MASK(0), NULL, DATA "/three-tiers", &set), 0);
	assert_int_equal(tier_nr_steps(&set), 3);
	step_must_be(&set, 1, "0- 1f 2s 3s");
	step_must_be(&set, 2, "0- 1- 2s 3f");
	/* A kernel that does not tell: all that is slow is one tier. */
	assert_int_equal(open_tiers(NULL, NULL, DATA "/four-nodes", &set), 0);
	assert_int_equal(tier_nr_steps(&set), 1);
	step_must_be(&set, 0, "0f 1f 2s 3s");
}

static void a_node_number_finds_its_index(UNUSED void **state)
{
	struct tier_set set;

	assert_int_equal(open_tiers(MASK(0), MASK(3), DATA "/four-nodes", &set), 0);
	assert_int_equal(tier_index(&set, 0), 0);
	assert_int_equal(tier_index(&set, 3), 1);
	assert_int_equal(tier_index(&set, 1), TIER_NO_NODE);
	assert_int_equal(tier_index(&set, -1), TIER_NO_NODE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_with_cpus_are_fast_and_the_others_slow),
		cmocka_unit_test(what_is_asked_for_wins),
		cmocka_unit_test(a_machine_without_two_tiers_is_told_what_to_do),
		cmocka_unit_test(nodes_that_cannot_be_are_named),
		cmocka_unit_test(watermarks_are_the_kernels_and_a_hundredth_of_a_fast_node),
		cmocka_unit_test(a_small_fast_node_keeps_16_mib_or_a_64th_of_what_programs_can_have),
		cmocka_unit_test(free_memory_is_read_again_at_each_look),
		cmocka_unit_test(page_cache_is_told_and_is_not_free),
		cmocka_unit_test(idle_page_cache_is_room_down_to_the_kernels_min_mark),
		cmocka_unit_test(three_tiers_are_two_steps_of_two),
		cmocka_unit_test(a_node_that_takes_no_part_is_no_tier),
		cmocka_unit_test(a_node_number_finds_its_index),
	};

	return cmocka_run_group_tests_name("tier", tests, NULL, NULL);
}
