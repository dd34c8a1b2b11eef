// SPDX-License-Identifier: GPL-2.0
/*
 * check_test.c - every row of `check`, on recorded machines
 *
 * Each step takes a recorded machine, changes one thing in it, and asks one row.
 * Every row is asked at least once for each of its answers that this can bring
 * about, and that no row is forgotten is a test of its own.
 */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <numa.h>

#include "assist.h"
#include "check.h"
#include "control.h"
#include "event.h"
#include "perf.h"
#include "target.h"

#define TARGET	100	/* the recorded process */
#define ALL	(HEMEM_ASSIST_FEAT_MIGRATE | HEMEM_ASSIST_FEAT_SCAN | \
		 HEMEM_ASSIST_FEAT_FLUSH | HEMEM_ASSIST_FEAT_DRAIN)

static char root[64];

static void make_folders(char *path)
{
	char *slash;

	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
}

static FILE *make_file(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	make_folders(path);
	return name[strlen(name) - 1] == '/' ? NULL : fopen(path, "w");
}

/* "== PATH" begins a file, "== PATH/" is a folder. */
static void unpack(const char *machine)
{
	char path[256], line[1024];
	FILE *in, *out = NULL;

	snprintf(root, sizeof(root), "/tmp/hemem-check-XXXXXX");
	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/machines/%s", DATA, machine);
	in = fopen(path, "r");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in)) {
		if (strncmp(line, "== ", 3)) {
			if (out)
				fputs(line, out);
			continue;
		}
		if (out)
			fclose(out);
		line[strcspn(line, "\n")] = '\0';
		out = make_file(line + 3);
	}
	if (out)
		fclose(out);
	fclose(in);
}

static void clean(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	assert_int_equal(system(command), 0);
}

/* NULL takes the file or folder away; else it is made with that content. */
static void change(const char *name, const char *content)
{
	char command[512];
	FILE *file;

	if (!content) {
		snprintf(command, sizeof(command), "rm -r %s/%s", root, name);
		assert_int_equal(system(command), 0);
		return;
	}
	file = make_file(name);
	if (!file)
		return;
	fputs(content, file);
	fclose(file);
}

/* The module, as the test wants it to be */

static int module_err;
static struct hemem_assist_info module_info;

static int ask_module(struct hemem_assist_info *ret_info)
{
	if (!module_err)
		*ret_info = module_info;
	return module_err;
}

/* What the kernel makes of events, as the test wants it to be */

static int sample_err;
static uint64_t sample_addrs;

static int try_event(const struct event *event, struct perf_trial *ret_trial)
{
	*ret_trial = (struct perf_trial){
		.err = sample_err, .precise = 3, .nr_samples = 130,
		.nr_addrs = event->kind == EVENT_STORE ? sample_addrs : 0,
	};
	return sample_err;
}

static struct check_machine the_machine(void)
{
	module_err = 0;
	module_info = (struct hemem_assist_info){ .out_abi = 1, .out_features = ALL };
	return (struct check_machine){
		.sysroot = root, .assist = ask_module, .sample = try_event, .target = TARGET,
	};
}

static enum check_answer ask(const struct check_machine *machine, const char *id,
			     char detail[static CHECK_DETAIL_BYTES])
{
	const struct check_row *row = check_find(id);

	if (!row)
		fail_msg("no row %s", id);
	detail[0] = '\0';
	return row->probe(machine, detail);
}

static void expect(const struct check_machine *machine, const char *id,
		   enum check_answer answer)
{
	char detail[CHECK_DETAIL_BYTES];
	enum check_answer is = ask(machine, id, detail);

	if (is != answer)
		fail_msg("%s answers %d, not %d: %s", id, is, answer, detail);
	assert_true(*detail);
	assert_true(detail[strlen(detail) - 1] != '.');
}

/*
 * One thing changed
 */

#define NO_CAPS(uid) "Name:\tx\nUid:\t" uid "\t" uid "\t" uid "\t" uid "\nCapEff:\t0000000000000000\n"
#define TARGET_STATUS(state, rest) "Name:\tx\nState:\t" state "\nUid:\t7\t7\t7\t7\n" rest
#define YES	CHECK_FOUND
#define FINE	CHECK_FINE
#define NA	CHECK_NOT_ASKED

static const struct {
	const char *id, *file, *content;
	enum check_answer answer;
} steps[] = {
	{ "kernel", "proc/sys/kernel/osrelease", "5.0.21\n", YES },
	{ "kernel", "proc/sys/kernel/osrelease", "5.1.0\n", FINE },
	{ "kernel", "proc/sys/kernel/osrelease", "4.19.0-27-amd64\n", YES },
	{ "kernel", "proc/sys/kernel/osrelease", NULL, YES },
	{ "kernel", "proc/sys/kernel/osrelease", "10.0\n", FINE },
	{ "lockdown", "sys/kernel/security/lockdown", "none integrity [confidentiality]\n", YES },
	{ "lockdown", "sys/kernel/security/lockdown", "none [integrity] confidentiality\n", FINE },
	{ "lockdown", "sys/kernel/security/lockdown", NULL, NA },
	{ "nodes", "sys/devices/system/node/has_memory", "0\n", YES },
	{ "nodes", "sys/devices/system/node/has_memory", "0-1\n", FINE },
	{ "nodes", "sys/devices/system/node/has_memory", NULL, YES },
	{ "tiers", "sys/devices/system/node/has_cpu", "0-1\n", YES },
	{ "tiers", "sys/devices/system/node/has_cpu", "\n", YES },
	{ "tiers", "sys/devices/system/node/has_memory", "0\n", NA },
	{ "tiers", "sys/devices/system/node/has_memory", "0,2-3\n", FINE },
	{ "dax", "sys/bus/dax/drivers/device_dax/dax0.0/", "", YES },
	{ "kernel-tiers", "sys/devices/virtual/memory_tiering/memory_tier961/nodelist", "1\n", FINE },
	{ "kernel-tiers", "sys/devices/virtual/memory_tiering", NULL, NA },
	{ "cap-sys-nice", "proc/self/status", NO_CAPS("0"), YES },
	{ "cap-sys-nice", "proc/self/status", "Name:\tx\nCapEff:\t0000000000800000\n", FINE },
	{ "cap-sys-ptrace", "proc/self/status", NO_CAPS("0"), YES },
	{ "cap-sys-ptrace", "proc/self/status", "Name:\tx\nCapEff:\t0000000000080000\n", FINE },
	{ "yama", "proc/sys/kernel/yama/ptrace_scope", "3\n", YES },
	{ "yama", "proc/sys/kernel/yama/ptrace_scope", "2\n", FINE },
	{ "yama", "proc/sys/kernel/yama/ptrace_scope", NULL, NA },
	{ "perf-event-paranoid", "proc/self/status", NO_CAPS("0"), YES },
	{ "perf-event-paranoid", "proc/sys/kernel/perf_event_paranoid", NULL, YES },
	{ "pmu", "sys/bus/event_source/devices/cpu/", "", FINE },
	{ "pmu", "sys/bus/event_source/devices/ibs_op/", "", FINE },
	{ "btf", "sys/kernel/btf/vmlinux", NULL, YES },
	{ "kprobes", "sys/bus/event_source/devices/kprobe", NULL, YES },
	{ "cap-bpf", "proc/self/status", NO_CAPS("0"), YES },
	{ "cap-bpf", "proc/self/status", "Name:\tx\nCapEff:\t0000008000000000\n", YES },
	{ "cap-bpf", "proc/self/status", "Name:\tx\nCapEff:\t000000c000000000\n", FINE },
	{ "numa-balancing", "proc/sys/kernel/numa_balancing", "0\n", FINE },
	{ "numa-balancing", "proc/sys/kernel/numa_balancing", "2\n", YES },
	{ "numa-balancing", "proc/sys/kernel/numa_balancing", NULL, NA },
	{ "numad", "proc/777/comm", "numad\n", YES },
	{ "numad", "proc/777/comm", "numadx\n", FINE },
	{ "damon", "proc/777/comm", "kdamond.0\n", YES },
	{ "damon", "proc/777/comm", "damond\n", FINE },
	{ "demotion", "sys/kernel/mm/numa/demotion_enabled", "true\n", YES },
	{ "demotion", "sys/kernel/mm/numa/demotion_enabled", "false\n", FINE },
	{ "demotion", "sys/kernel/mm/numa/demotion_enabled", NULL, NA },
	{ "zone-reclaim", "proc/sys/vm/zone_reclaim_mode", "1\n", YES },
	{ "zone-reclaim", "proc/sys/vm/zone_reclaim_mode", NULL, NA },
	{ "ksm", "sys/kernel/mm/ksm/run", "1\n", YES },
	{ "ksm", "sys/kernel/mm/ksm/run", NULL, NA },
	{ "thp", "sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n", YES },
	{ "thp", "sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n", FINE },
	{ "thp", "sys/kernel/mm/transparent_hugepage/enabled", NULL, YES },
	{ "target", "proc/100", NULL, YES },
	{ "target", "proc/100/status", TARGET_STATUS("Z (zombie)", ""), YES },
	{ "target", "proc/100/status", TARGET_STATUS("S (sleeping)", ""), YES },
	{ "target", "proc/100/status", TARGET_STATUS("S (sleeping)", "VmSize:\t8 kB\n"), FINE },
	{ "target-rights", "proc/self/status", NO_CAPS("1000"), YES },
	{ "target-rights", "proc/self/status", NO_CAPS("0"), FINE },
	{ "target-rights", "proc/100", NULL, NA },
	{ "target-cpuset", "proc/100/status", "Name:\tx\nMems_allowed_list:\t0\n", YES },
	{ "target-cpuset", "proc/100/status", "Name:\tx\nMems_allowed_list:\t0-1\n", FINE },
};

static void one_thing_taken_away_is_found_by_its_row(void **state UNUSED)
{
	struct check_machine machine;
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		unpack("guest-6.1.txt");
		machine = the_machine();
		change(steps[i].file, steps[i].content);
		expect(&machine, steps[i].id, steps[i].answer);
		clean();
	}
}

/* What these machines are known to have, and nothing else. */
static const struct {
	const char *machine;
	const char *found[8];
} machines[] = {
	{ "guest-6.1.txt", { "kernel-tiers", "pmu", "numa-balancing" } },
	{ "guest-5.10-one-node.txt", { "nodes", "pmu" } },
};

static bool is_listed(const char *const *list, const char *id)
{
	for (; *list; list++)
		if (!strcmp(*list, id))
			return true;
	return false;
}

static void a_recorded_machine_has_what_it_is_known_for(void **state UNUSED)
{
	char detail[CHECK_DETAIL_BYTES];
	const struct check_row *rows;
	struct check_machine machine;
	bool is_found;
	size_t nr, i, m;

	rows = check_rows(&nr);
	for (m = 0; m < sizeof(machines) / sizeof(machines[0]); m++) {
		unpack(machines[m].machine);
		machine = the_machine();
		for (i = 0; i < nr; i++) {
			is_found = ask(&machine, rows[i].id, detail) == CHECK_FOUND;
			if (is_found != is_listed(machines[m].found, rows[i].id))
				fail_msg("%s: %s: %s", machines[m].machine, rows[i].id, detail);
		}
		clean();
	}
}

/*
 * The module
 */

static const struct {
	const char *id;
	int err;
	uint64_t features;
	enum check_answer answer;
} modules[] = {
	{ "module", 0, ALL, FINE },
	{ "module", -ENOENT, 0, YES },
	{ "module", -ENODEV, 0, YES },
	{ "module", -EACCES, 0, FINE },
	{ "module-rights", 0, ALL, FINE },
	{ "module-rights", -EACCES, 0, YES },
	{ "module-rights", -EPERM, 0, YES },
	{ "module-rights", -ENOENT, 0, NA },
	{ "module-abi", 0, ALL, FINE },
	{ "module-abi", -EPROTO, 0, YES },
	{ "module-abi", -ENOENT, 0, NA },
	{ "module-abi", -EACCES, 0, NA },
	{ "module-migrate", 0, ALL, FINE },
	{ "module-migrate", 0, ALL & ~HEMEM_ASSIST_FEAT_MIGRATE, YES },
	{ "module-migrate", -ENOENT, 0, NA },
	{ "module-scan", 0, ALL, FINE },
	{ "module-scan", 0, ALL & ~HEMEM_ASSIST_FEAT_SCAN, YES },
	{ "module-flush", 0, ALL, FINE },
	{ "module-flush", 0, ALL & ~HEMEM_ASSIST_FEAT_FLUSH, YES },
	{ "module-drain", 0, ALL, FINE },
	{ "module-drain", 0, ALL & ~HEMEM_ASSIST_FEAT_DRAIN, YES },
};

static void the_module_is_asked_what_it_can(void **state UNUSED)
{
	struct check_machine machine;
	size_t i;

	unpack("guest-6.1.txt");
	for (i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		machine = the_machine();
		module_err = modules[i].err;
		module_info.out_features = modules[i].features;
		expect(&machine, modules[i].id, modules[i].answer);
	}
	clean();
}

static void what_keeps_a_module_out_is_found_while_it_is_out(void **state UNUSED)
{
	struct check_machine machine;

	unpack("guest-6.1.txt");
	machine = the_machine();
	change("sys/module/module/parameters/sig_enforce", "Y\n");
	change("sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	expect(&machine, "module-signature", CHECK_FINE);
	expect(&machine, "lockdown", CHECK_FINE);
	change("sys/module/hemem_assist", NULL);
	expect(&machine, "module-signature", CHECK_FOUND);
	expect(&machine, "lockdown", CHECK_FOUND);
	change("sys/module/module/parameters/sig_enforce", "N\n");
	change("sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	expect(&machine, "module-signature", CHECK_FINE);
	expect(&machine, "lockdown", CHECK_FINE);
	change("sys/module/module/parameters/sig_enforce", NULL);
	expect(&machine, "module-signature", CHECK_NOT_ASKED);
	clean();
}

/*
 * What takes more than one change
 */

static void nodes_that_the_user_names_are_looked_at(void **state UNUSED)
{
	struct bitmask *one = numa_bitmask_alloc(8), *seven = numa_bitmask_alloc(8);
	struct check_machine machine;

	numa_bitmask_setbit(one, 1);
	numa_bitmask_setbit(seven, 7);
	unpack("guest-6.1.txt");
	machine = the_machine();
	machine.slow = one;
	expect(&machine, "tiers", CHECK_FINE);
	machine.fast = one;
	expect(&machine, "tiers", CHECK_FOUND);		/* in both tiers */
	machine.slow = NULL;
	expect(&machine, "tiers", CHECK_FINE);		/* node 0 is slow then */
	machine.slow = seven;
	expect(&machine, "tiers", CHECK_FOUND);		/* there is no node 7 */
	/* Without CPU-less nodes the tiers have to be named, and then are fine. */
	change("sys/devices/system/node/has_cpu", "0-1\n");
	machine.slow = machine.fast = NULL;
	expect(&machine, "tiers", CHECK_FOUND);
	machine.fast = one;
	expect(&machine, "tiers", CHECK_FINE);
	clean();
	numa_bitmask_free(one);
	numa_bitmask_free(seven);
}

static void rights_without_capabilities_count_too(void **state UNUSED)
{
	struct check_machine machine;

	unpack("guest-6.1.txt");
	machine = the_machine();
	change("proc/self/status", NO_CAPS("1000"));
	change("proc/sys/kernel/yama/ptrace_scope", "2\n");
	expect(&machine, "yama", CHECK_FOUND);
	change("proc/sys/kernel/yama/ptrace_scope", "1\n");
	expect(&machine, "yama", CHECK_FINE);
	change("proc/sys/kernel/perf_event_paranoid", "0\n");
	expect(&machine, "perf-event-paranoid", CHECK_FINE);
	/* A set-uid program is not ours, whoever started it. */
	change("proc/100/status", "Name:\tx\nUid:\t1000\t0\t1000\t1000\n");
	expect(&machine, "target-rights", CHECK_FOUND);
	change("proc/100/status", "Name:\tx\nUid:\t1000\t1000\t1000\t1000\n");
	expect(&machine, "target-rights", CHECK_FINE);
	clean();
}

static void nothing_is_asked_of_a_process_that_was_not_named(void **state UNUSED)
{
	struct check_machine machine;

	unpack("guest-6.1.txt");
	machine = the_machine();
	machine.target = 0;
	expect(&machine, "target", CHECK_NOT_ASKED);
	expect(&machine, "target-rights", CHECK_NOT_ASKED);
	expect(&machine, "target-cpuset", CHECK_NOT_ASKED);
	expect(&machine, "target-free", CHECK_NOT_ASKED);
	clean();
}

static void must_say(const struct check_machine *machine, const char *id, const char *words)
{
	char detail[CHECK_DETAIL_BYTES];

	ask(machine, id, detail);
	if (!strstr(detail, words))
		fail_msg("%s: '%s' does not say '%s'", id, detail, words);
}

#define CPU(vendor, model) \
	"vendor_id\t: " vendor "\ncpu family\t: 6\nmodel\t\t: " model "\nstepping\t: 7\n"

static void events_are_listed_and_tried(void **state UNUSED)
{
	struct check_machine machine;

	unpack("guest-6.1.txt");
	machine = the_machine();
	sample_err = 0;
	sample_addrs = 120;
	expect(&machine, "events", CHECK_NOT_ASKED);	/* no PMU */
	expect(&machine, "addresses", CHECK_NOT_ASKED);
	change("sys/bus/event_source/devices/cpu/type", "4\n");
	change("proc/cpuinfo", CPU("GenuineIntel", "85"));
	expect(&machine, "events", CHECK_FINE);
	must_say(&machine, "events", "clx::MEM_LOAD_RETIRED:LOCAL_PMM is 4/0x80d1");
	expect(&machine, "addresses", CHECK_FINE);
	must_say(&machine, "addresses",
		 "clx::MEM_INST_RETIRED:ALL_STORES: 120 of 130 samples have one, precise_ip 3");
	sample_addrs = 0;
	expect(&machine, "addresses", CHECK_FOUND);
	sample_addrs = 120;
	sample_err = -EACCES;
	expect(&machine, "addresses", CHECK_FOUND);
	sample_err = 0;
	change("proc/cpuinfo", CPU("GenuineIntel", "1"));
	expect(&machine, "events", CHECK_FOUND);
	expect(&machine, "addresses", CHECK_NOT_ASKED);
	change("proc/cpuinfo", CPU("AuthenticAMD", "1"));
	expect(&machine, "events", CHECK_FOUND);
	change("sys/bus/event_source/devices/ibs_op/type", "11\n");
	expect(&machine, "events", CHECK_FINE);
	must_say(&machine, "events", "ibs_op/cnt_ctl=1/ is 11/0x80000");
	clean();
}

static void another_controller_is_found(void **state UNUSED)
{
	struct check_machine machine;
	struct control_holder holder;
	struct control *control;
	struct target target;

	unpack("guest-6.1.txt");
	machine = the_machine();
	machine.target = getpid();
	setenv("HEMEM_RUNDIR", root, 1);
	expect(&machine, "target-free", CHECK_FINE);
	assert_int_equal(target_open(getpid(), &target), 0);
	assert_int_equal(control_new(getpid(), target.start_ticks, "dry", &control, &holder), 0);
	expect(&machine, "target-free", CHECK_FOUND);
	control_free(control, NULL);
	expect(&machine, "target-free", CHECK_FINE);
	target_close(&target);
	clean();
}

static bool has_a_step(const char *id)
{
	/* Asked in tests of their own, or of this build: bpf-build. */
	static const char *const elsewhere[] = {
		"module-signature", "target-free", "bpf-build", "events", "addresses", NULL
	};
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (!strcmp(steps[i].id, id))
			return true;
	for (i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		if (!strcmp(modules[i].id, id))
			return true;
	return is_listed(elsewhere, id);
}

static void no_row_is_without_a_test_a_remedy_or_a_name_of_its_own(void **state UNUSED)
{
	const struct check_row *rows;
	size_t nr, i;

	rows = check_rows(&nr);
	for (i = 0; i < nr; i++) {
		if (!has_a_step(rows[i].id))
			fail_msg("no test takes away what %s looks for", rows[i].id);
		assert_ptr_equal(check_find(rows[i].id), &rows[i]);
		assert_true(strlen(rows[i].remedy) > 10);
		assert_true(rows[i].severity < CHECK_NR_SEVERITIES);
	}
	assert_null(check_find("no-such-row"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_thing_taken_away_is_found_by_its_row),
		cmocka_unit_test(a_recorded_machine_has_what_it_is_known_for),
		cmocka_unit_test(the_module_is_asked_what_it_can),
		cmocka_unit_test(what_keeps_a_module_out_is_found_while_it_is_out),
		cmocka_unit_test(nodes_that_the_user_names_are_looked_at),
		cmocka_unit_test(rights_without_capabilities_count_too),
		cmocka_unit_test(nothing_is_asked_of_a_process_that_was_not_named),
		cmocka_unit_test(events_are_listed_and_tried),
		cmocka_unit_test(another_controller_is_found),
		cmocka_unit_test(no_row_is_without_a_test_a_remedy_or_a_name_of_its_own),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
