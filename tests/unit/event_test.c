// SPDX-License-Identifier: GPL-2.0
/*
 * event_test.c - the table of events, on machines that the test makes up
 *
 * A machine is a folder with a proc/cpuinfo and the types of its PMUs.
 */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "event.h"

static char root[64];

static void run(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

static int set_up(void **state UNUSED)
{
	snprintf(root, sizeof(root), "/tmp/hemem-event-XXXXXX");
	assert_non_null(mkdtemp(root));
	run("mkdir -p %s/proc", root);
	return 0;
}

static int tear_down(void **state UNUSED)
{
	run("rm -rf %s", root);
	return 0;
}

/* The second CPU, of another stepping, is not asked. */
static void make_cpu(const char *vendor, unsigned int family, unsigned int model,
		     unsigned int stepping)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/cpuinfo", root);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n"
		"model name\t: A CPU @ 2.10GHz\nstepping\t: %u\nmicrocode\t: 0x1\n\n"
		"processor\t: 1\nstepping\t: 99\nmodel\t\t: 9999\n", vendor, family, model, stepping);
	fclose(file);
}

static void make_pmu(const char *name, unsigned int type)
{
	run("mkdir -p %s/sys/bus/event_source/devices/%s && "
	    "echo %u > %s/sys/bus/event_source/devices/%s/type", root, name, type, root, name);
}

static const struct event *find(const struct event *events, size_t nr, const char *name)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (strstr(events[i].name, name))
			return &events[i];
	fail_msg("no %s", name);
	return NULL;
}

/* Where libpfm4 knows a CPU, it and the table must agree. */
static void the_table_has_the_codes_of_libpfm4(void **state UNUSED)
{
	const struct event_row *rows;
	uint64_t config, config1;
	size_t nr, i, known = 0;

	rows = event_rows(&nr);
	for (i = 0; i < nr; i++) {
		if (event_encode(rows[i].name, &config, &config1))
			continue;
		known++;
		if (config != rows[i].code || config1)
			fail_msg("%s: %lx, table %lx", rows[i].name, (long)config,
				 (long)rows[i].code);
	}
	assert_int_equal(event_encode("clx::NO_SUCH_EVENT", &config, &config1), -ENOENT);
	if (event_encode("skx::MEM_INST_RETIRED:ALL_STORES", &config, &config1))
		skip();		/* built without libpfm4 */
	assert_true(known >= 17);	/* libpfm4 4.13 */
	/* The comparison can fail: another event has another code. */
	assert_int_equal(event_encode("skx::MEM_INST_RETIRED:ALL_LOADS", &config, &config1), 0);
	assert_int_not_equal(config, 0x82d0);
}

static const struct {
	unsigned int model, stepping;
	const char *names[5];
} machines[] = {
	{ 0x5e, 3, { "skl::MEM_LOAD_RETIRED:L3_MISS", "ALL_STORES" } },
	{ 0x55, 4, { "skx::MEM_LOAD_L3_MISS_RETIRED:LOCAL_DRAM", "REMOTE_DRAM", "ALL_STORES" } },
	{ 0x55, 7, { "clx::MEM_LOAD_L3_MISS_RETIRED:LOCAL_DRAM", "LOCAL_PMM", "REMOTE_DRAM",
		     "ALL_STORES" } },
	{ 0x55, 11, { "clx::MEM_LOAD_L3_MISS_RETIRED:LOCAL_DRAM", "LOCAL_PMM", "REMOTE_DRAM",
		      "ALL_STORES" } },
	{ 0x7e, 5, { "icl::MEM_LOAD_RETIRED:L3_MISS", "ALL_STORES" } },
	{ 0x6a, 6, { "icx::MEM_LOAD_L3_MISS_RETIRED:LOCAL_DRAM", "LOCAL_PMM", "REMOTE_DRAM",
		     "ALL_STORES" } },
	{ 0x8f, 8, { "spr::MEM_LOAD_RETIRED:L3_MISS", "ALL_STORES" } },
	{ 0xcf, 2, { "emr::MEM_LOAD_RETIRED:L3_MISS", "ALL_STORES" } },
	{ 0xad, 1, { "gnr::MEM_LOAD_L3_MISS_RETIRED:LOCAL_DRAM", "LOCAL_CXL_MEM", "REMOTE_DRAM",
		     "ALL_STORES" } },
};

static void each_cpu_has_its_events(void **state UNUSED)
{
	struct event events[EVENT_MAX];
	struct reason why;
	size_t nr, i, j;

	make_pmu("cpu", 4);
	for (i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		make_cpu("GenuineIntel", 6, machines[i].model, machines[i].stepping);
		assert_int_equal(event_pebs(root, events, &nr, &why), 0);
		for (j = 0; machines[i].names[j]; j++) {
			assert_true(j < nr);
			assert_non_null(strstr(events[j].name, machines[i].names[j]));
			assert_int_equal(events[j].type, 4);
			assert_int_equal(events[j].min_precise, 1);
			assert_true(events[j].config > 0xff);
			assert_int_equal(events[j].kind == EVENT_STORE,
					 !strcmp(machines[i].names[j], "ALL_STORES"));
		}
		assert_int_equal(nr, j);
	}
}

static void a_hybrid_cpu_has_those_of_both_kinds_of_core(void **state UNUSED)
{
	struct event events[EVENT_MAX];
	const struct event *event;
	struct reason why;
	size_t nr;

	make_cpu("GenuineIntel", 6, 0x97, 2);
	make_pmu("cpu_core", 4);
	make_pmu("cpu_atom", 10);
	assert_int_equal(event_pebs(root, events, &nr, &why), 0);
	assert_int_equal(nr, 4);
	event = find(events, nr, "adl_glc::MEM_LOAD_RETIRED:L3_MISS");
	assert_true(event->type == 4 && event->config == 0x20d1 && event->kind == EVENT_LOAD);
	event = find(events, nr, "adl_grt::MEM_LOAD_UOPS_RETIRED:DRAM_HIT");
	assert_true(event->type == 10 && event->config == 0x80d1);
	assert_string_equal(event->pmu, "cpu_atom");
	event = find(events, nr, "adl_grt::MEM_UOPS_RETIRED:ALL_STORES");
	assert_true(event->type == 10 && event->kind == EVENT_STORE);
	/* The small cores may be turned off. */
	run("rm -r %s/sys/bus/event_source/devices/cpu_atom", root);
	assert_int_equal(event_pebs(root, events, &nr, &why), 0);
	assert_int_equal(nr, 2);
}

static void must_fail(int err, const char *words)
{
	struct event events[EVENT_MAX];
	struct reason why;
	size_t nr;

	POISON(events);
	POISON(nr);
	assert_int_equal(event_pebs(root, events, &nr, &why), err);
	UNTOUCHED(events);
	UNTOUCHED(nr);
	if (!strstr(why.text, words))
		fail_msg("'%s' does not say '%s'", why.text, words);
}

static void what_is_missing_is_told(void **state UNUSED)
{
	must_fail(-ENODEV, "no CPU of Intel");		/* no cpuinfo */
	make_cpu("AuthenticAMD", 25, 1, 1);
	make_pmu("cpu", 4);
	must_fail(-ENODEV, "no CPU of Intel");
	make_cpu("GenuineIntel", 6, 0x55, 7);
	run("rm -r %s/sys", root);
	must_fail(-ENODEV, "no PMU");
	make_pmu("cpu", 4);
	make_cpu("GenuineIntel", 6, 0x0f, 1);
	must_fail(-ENOENT, "family 6, model 15");
	make_cpu("GenuineIntel", 15, 0x55, 7);
	must_fail(-ENOENT, "family 15");
	make_cpu("GenuineIntel", 6, 0x97, 7);		/* hybrid, but the PMU of another */
	must_fail(-ENODEV, "Alder Lake");
}

static void ibs_is_found_by_its_pmu(void **state UNUSED)
{
	struct event events[EVENT_MAX];
	struct reason why;
	size_t nr;

	POISON(nr);
	assert_int_equal(event_ibs(root, events, &nr, &why), -ENODEV);
	UNTOUCHED(nr);
	assert_non_null(strstr(why.text, "ibs_op"));
	make_pmu("ibs_op", 11);
	assert_int_equal(event_ibs(root, events, &nr, &why), 0);
	assert_int_equal(nr, 1);
	assert_true(events[0].type == 11 && events[0].config == 1 << 19);
	assert_true(events[0].kind == EVENT_ANY && events[0].wants_raw);
}

/* Four counters take addresses on the older ones, and more events would share them. */
static void no_cpu_has_more_events_than_counters(void **state UNUSED)
{
	const struct event_row *rows;
	size_t nr, i, j, same;

	rows = event_rows(&nr);
	for (i = 0; i < nr; i++) {
		for (j = 0, same = 0; j < nr; j++) {
			same += !strcmp(rows[i].cpu, rows[j].cpu) &&
				!strcmp(rows[i].pmu, rows[j].pmu);
			assert_true(i == j || strcmp(rows[i].name, rows[j].name));
		}
		assert_in_range(same, 2, 4);
		assert_true(rows[i].code > 0xff && rows[i].code < 0x10000);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_table_has_the_codes_of_libpfm4),
		TEST(each_cpu_has_its_events),
		TEST(a_hybrid_cpu_has_those_of_both_kinds_of_core),
		TEST(what_is_missing_is_told),
		TEST(ibs_is_found_by_its_pmu),
		TEST(no_cpu_has_more_events_than_counters),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
