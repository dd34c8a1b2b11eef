// SPDX-License-Identifier: GPL-2.0
/*
 * check.c - what the machine lacks or what is in the way, with the remedy
 *
 * One row per thing.  Probes read below a sysroot, so that tests can run them on
 * a recorded machine from which one thing was taken away.  Nothing is changed;
 * how the answers are shown is cmd_check.c's affair.
 *
 * Example: proc/sys/kernel/numa_balancing holds "1": row "numa-balancing"
 * answers CHECK_FOUND, "numa_balancing is 1".
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>
#include <numa.h>

#include "assist.h"
#include "check.h"
#include "control.h"
#include "event.h"
#include "perf.h"
#include "reason.h"

#define MAX_TEXT	4096	/* bytes that are read of one file */
#define MAX_NODES	1024
#define FIRST_VERSION	501	/* Linux 5.1: major * 100 + minor */

#define PROBE(name)							\
static enum check_answer probe_##name(const struct check_machine *machine, \
				      char detail[static CHECK_DETAIL_BYTES])

/* A detail and the answer in one. */
#define SAY(answer, ...) \
	(snprintf(detail, CHECK_DETAIL_BYTES, __VA_ARGS__), (answer))
#define IF_SO(condition, ...) SAY((condition) ? CHECK_FOUND : CHECK_FINE, __VA_ARGS__)

/*
 * Reading
 */

static void path_of(char path[static MAX_TEXT], const struct check_machine *machine,
		    const char *format, va_list args)
{
	int length = snprintf(path, MAX_TEXT, "%s/", machine->sysroot);

	vsnprintf(path + length, (size_t)(MAX_TEXT - length), format, args);
}

/* The whole of a small file, without the last newline.  false: there is none. */
__attribute__((format(printf, 3, 4)))
static bool read_text(const struct check_machine *machine, char text[static MAX_TEXT],
		      const char *format, ...)
{
	char path[MAX_TEXT];
	ssize_t length;
	va_list args;
	int fd;

	va_start(args, format);
	path_of(path, machine, format, args);
	va_end(args);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, text, MAX_TEXT - 1);
	close(fd);
	if (length < 0)
		return false;
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	text[length] = '\0';
	return true;
}

__attribute__((format(printf, 2, 3)))
static bool exists(const struct check_machine *machine, const char *format, ...)
{
	char path[MAX_TEXT];
	va_list args;

	va_start(args, format);
	path_of(path, machine, format, args);
	va_end(args);
	return !access(path, F_OK);
}

/* The first path that matches a pattern below the sysroot, cut off in front. */
static bool find_path(const struct check_machine *machine, const char *pattern,
		      bool (*is_it)(const struct check_machine *machine, const char *path),
		      char ret_path[static MAX_TEXT])
{
	const size_t skip = strlen(machine->sysroot) + 1;
	char whole[MAX_TEXT];
	bool found = false;
	glob_t paths;
	size_t i;

	snprintf(whole, sizeof(whole), "%s/%s", machine->sysroot, pattern);
	memset(&paths, 0, sizeof(paths));
	glob(whole, 0, NULL, &paths);
	for (i = 0; i < paths.gl_pathc && !found; i++) {
		found = !is_it || is_it(machine, paths.gl_pathv[i] + skip);
		if (found)
			snprintf(ret_path, MAX_TEXT, "%s", paths.gl_pathv[i] + skip);
	}
	globfree(&paths);
	return found;
}

/* "Name:\tvalue" of proc/PID/status; 0 is ourselves. */
static bool read_status(const struct check_machine *machine, pid_t pid, const char *name,
			char value[static 256])
{
	char text[MAX_TEXT], pattern[64], *line;

	if (!(pid ? read_text(machine, text, "proc/%d/status", pid) :
	      read_text(machine, text, "proc/self/status")))
		return false;
	snprintf(pattern, sizeof(pattern), "\n%s:", name);
	line = strstr(text, pattern);
	return line && sscanf(line + strlen(pattern), " %255[^\n]", value) == 1;
}

static bool has_cap(const struct check_machine *machine, unsigned int cap)
{
	unsigned long long caps;
	char value[256];

	return read_status(machine, 0, "CapEff", value) && sscanf(value, "%llx", &caps) == 1 &&
	       caps >> cap & 1;
}

/* "0,2-3" as the kernel writes it.  libnuma knows this machine only. */
static void parse_nodes(const char *text, bool nodes[static MAX_NODES])
{
	unsigned int first, last;
	int length;

	memset(nodes, 0, MAX_NODES * sizeof(*nodes));
	while (sscanf(text, "%u%n", &first, &length) == 1) {
		text += length;
		last = first;
		if (sscanf(text, "-%u%n", &last, &length) == 1)
			text += length;
		for (; first <= last && first < MAX_NODES; first++)
			nodes[first] = true;
		text += *text == ',';
	}
}

static void read_nodes(const struct check_machine *machine, const char *name,
		       bool nodes[static MAX_NODES])
{
	char text[MAX_TEXT] = "";

	read_text(machine, text, "sys/devices/system/node/%s", name);
	parse_nodes(text, nodes);
}

/* "Linux version 6.1" as 601; 0: unknown */
static unsigned int kernel_version(const struct check_machine *machine, char text[static MAX_TEXT])
{
	unsigned int major = 0, minor = 0;

	if (read_text(machine, text, "proc/sys/kernel/osrelease"))
		sscanf(text, "%u.%u", &major, &minor);
	return major * 100 + minor;
}

/*
 * The kernel and the module
 */

PROBE(kernel)
{
	char text[MAX_TEXT] = "unknown";
	unsigned int version = kernel_version(machine, text);

	return IF_SO(version < FIRST_VERSION, "this is Linux %.64s", text);
}

PROBE(module)
{
	struct hemem_assist_info info;
	int err = machine->assist(&info);

	if (err != -ENOENT && err != -ENODEV && err != -ENXIO)
		return SAY(CHECK_FINE, "%s is there", HEMEM_ASSIST_DEVICE);
	return SAY(CHECK_FOUND, exists(machine, "sys/module/hemem_assist") ?
		   "the module is loaded, but " HEMEM_ASSIST_DEVICE " is missing (no udev or devtmpfs here?)" :
		   "the module hemem_assist is not loaded");
}

PROBE(module_rights)
{
	struct hemem_assist_info info;
	int err = machine->assist(&info);

	if (err == -EACCES || err == -EPERM)
		return SAY(CHECK_FOUND, "%s may not be opened by this user", HEMEM_ASSIST_DEVICE);
	return err ? SAY(CHECK_NOT_ASKED, "%s is not there, or does not answer", HEMEM_ASSIST_DEVICE) :
		     SAY(CHECK_FINE, "%s can be opened", HEMEM_ASSIST_DEVICE);
}

PROBE(module_abi)
{
	struct hemem_assist_info info;
	int err = machine->assist(&info);

	if (!err)
		return SAY(CHECK_FINE, "the module speaks ABI %u", info.out_abi);
	if (err == -ENOENT || err == -ENODEV || err == -ENXIO || err == -EACCES || err == -EPERM)
		return SAY(CHECK_NOT_ASKED, "the module cannot be asked");
	return SAY(CHECK_FOUND, "the module does not speak ABI %d: %s", HEMEM_ASSIST_ABI,
		   strerror(-err));
}

static enum check_answer probe_feature(const struct check_machine *machine,
				       char detail[static CHECK_DETAIL_BYTES], uint64_t feature,
				       const char *what)
{
	struct hemem_assist_info info;

	if (machine->assist(&info))
		return SAY(CHECK_NOT_ASKED, "the module cannot be asked");
	return info.out_features & feature ?
		SAY(CHECK_FINE, "the module can %s", what) :
		SAY(CHECK_FOUND, "the module cannot %s on this kernel", what);
}

PROBE(migrate)
{
	return probe_feature(machine, detail, HEMEM_ASSIST_FEAT_MIGRATE, "move pages");
}

PROBE(scan)
{
	return probe_feature(machine, detail, HEMEM_ASSIST_FEAT_SCAN, "scan accessed bits");
}

PROBE(flush)
{
	return probe_feature(machine, detail, HEMEM_ASSIST_FEAT_FLUSH,
			     "flush the TLB after a scan");
}

PROBE(drain)
{
	return probe_feature(machine, detail, HEMEM_ASSIST_FEAT_DRAIN,
			     "move pages that were touched a moment ago");
}

/* The word in brackets is in effect: "none [integrity] confidentiality" */
static bool read_bracketed(const struct check_machine *machine, const char *path,
			   char word[static 64])
{
	char text[MAX_TEXT], *bracket;

	if (!read_text(machine, text, "%s", path))
		return false;
	bracket = strchr(text, '[');
	return bracket && sscanf(bracket, "[%63[^]]", word) == 1;
}

PROBE(lockdown)
{
	char word[64];

	if (!read_bracketed(machine, "sys/kernel/security/lockdown", word))
		return SAY(CHECK_NOT_ASKED, "this kernel has no lockdown, or securityfs is not mounted");
	if (exists(machine, "sys/module/hemem_assist") && strcmp(word, "confidentiality"))
		return SAY(CHECK_FINE, "lockdown is %s, but the module is loaded", word);
	return IF_SO(strcmp(word, "none"), "lockdown is %s", word);
}

PROBE(module_signature)
{
	char text[MAX_TEXT];

	if (!read_text(machine, text, "sys/module/module/parameters/sig_enforce"))
		return SAY(CHECK_NOT_ASKED, "this kernel does not check signatures");
	if (exists(machine, "sys/module/hemem_assist"))
		return SAY(CHECK_FINE, "the module is loaded");
	return IF_SO(*text == 'Y' || *text == '1', "module.sig_enforce is %.8s", text);
}

/*
 * Nodes and tiers
 */

/* Which nodes will be which tier, by the rules of tier.c. */
static void find_tiers(const struct check_machine *machine, bool fast[static MAX_NODES],
		       bool slow[static MAX_NODES])
{
	bool memory[MAX_NODES], cpu[MAX_NODES];
	unsigned int i;

	read_nodes(machine, "has_memory", memory);
	read_nodes(machine, "has_cpu", cpu);
	for (i = 0; i < MAX_NODES; i++) {
		fast[i] = machine->fast ? numa_bitmask_isbitset(machine->fast, i) :
					  memory[i] && cpu[i];
		if (machine->slow)
			slow[i] = numa_bitmask_isbitset(machine->slow, i);
		else
			slow[i] = memory[i] && !(machine->fast ? fast[i] : cpu[i]);
	}
	for (i = 0; i < MAX_NODES; i++)
		if (machine->slow && !machine->fast && slow[i])
			fast[i] = false;
}

static unsigned int count(const bool nodes[static MAX_NODES])
{
	unsigned int i, nr = 0;

	for (i = 0; i < MAX_NODES; i++)
		nr += nodes[i];
	return nr;
}

PROBE(nodes)
{
	bool memory[MAX_NODES];
	unsigned int nr;

	read_nodes(machine, "has_memory", memory);
	nr = count(memory);
	return IF_SO(nr < 2, nr == 1 ? "%u node has memory" : "%u nodes have memory", nr);
}

PROBE(tiers)
{
	bool memory[MAX_NODES], fast[MAX_NODES], slow[MAX_NODES];
	unsigned int i;

	read_nodes(machine, "has_memory", memory);
	if (count(memory) < 2)
		return SAY(CHECK_NOT_ASKED, "there is one node only");
	find_tiers(machine, fast, slow);
	for (i = 0; i < MAX_NODES; i++) {
		if ((fast[i] || slow[i]) && !memory[i])
			return SAY(CHECK_FOUND, "node %u has no memory or is not online", i);
		if (fast[i] && slow[i])
			return SAY(CHECK_FOUND, "node %u is in both tiers", i);
	}
	if (!count(fast))
		return SAY(CHECK_FOUND, "no node with memory has CPUs, so none is fast by itself");
	if (!count(slow))
		return SAY(CHECK_FOUND, "every node with memory has CPUs, so none is slow by itself");
	return SAY(CHECK_FINE, "%u fast, %u slow", count(fast), count(slow));
}

PROBE(dax)
{
	char path[MAX_TEXT];

	return find_path(machine, "sys/bus/dax/drivers/device_dax/dax*", NULL, path) ?
		SAY(CHECK_FOUND, "%.64s is not used as memory", strrchr(path, '/') + 1) :
		SAY(CHECK_FINE, "no memory device waits to be used");
}

/* Tiers that hold nodes with memory; text gets "memory_tier4: 0, ..." */
static unsigned int list_kernel_tiers(const struct check_machine *machine,
				      char text[static CHECK_DETAIL_BYTES])
{
	char pattern[MAX_TEXT], nodes[MAX_TEXT];
	const size_t skip = strlen(machine->sysroot) + 1;
	unsigned int nr = 0;
	int length = 0;
	glob_t paths;
	size_t i;

	snprintf(pattern, sizeof(pattern),
		 "%s/sys/devices/virtual/memory_tiering/memory_tier*/nodelist", machine->sysroot);
	memset(&paths, 0, sizeof(paths));
	glob(pattern, 0, NULL, &paths);
	for (i = 0; i < paths.gl_pathc && length < CHECK_DETAIL_BYTES - 64; i++) {
		if (!read_text(machine, nodes, "%s", paths.gl_pathv[i] + skip) || !*nodes)
			continue;
		length += snprintf(text + length, (size_t)(CHECK_DETAIL_BYTES - length),
				   "%snode %.32s", nr++ ? ", then " : "", nodes);
	}
	globfree(&paths);
	return nr;
}

PROBE(kernel_tiers)
{
	char text[CHECK_DETAIL_BYTES];
	bool memory[MAX_NODES];
	unsigned int nr = list_kernel_tiers(machine, text);

	read_nodes(machine, "has_memory", memory);
	if (!nr || count(memory) < 2)
		return SAY(CHECK_NOT_ASKED, "this kernel shows no memory tiers (Linux 6.1 does), or there is one node");
	return IF_SO(nr == 1, "the kernel's tiers, fastest first: %.400s", text);
}

/*
 * Rights
 */

PROBE(sys_nice)
{
	return has_cap(machine, CAP_SYS_NICE) ?
		SAY(CHECK_FINE, "we have CAP_SYS_NICE") :
		SAY(CHECK_FOUND, "without CAP_SYS_NICE pages that several processes map stay where they are");
}

PROBE(sys_ptrace)
{
	return has_cap(machine, CAP_SYS_PTRACE) ?
		SAY(CHECK_FINE, "we have CAP_SYS_PTRACE") :
		SAY(CHECK_FOUND, "without CAP_SYS_PTRACE only processes of the same user can be attached");
}

PROBE(yama)
{
	char text[MAX_TEXT];
	int scope;

	if (!read_text(machine, text, "proc/sys/kernel/yama/ptrace_scope") ||
	    sscanf(text, "%d", &scope) != 1)
		return SAY(CHECK_NOT_ASKED, "this kernel has no Yama");
	return IF_SO(scope == 3 || (scope == 2 && !has_cap(machine, CAP_SYS_PTRACE)),
		     "kernel.yama.ptrace_scope is %d", scope);
}

PROBE(perf_paranoid)
{
	char text[MAX_TEXT];
	int level;

	if (!read_text(machine, text, "proc/sys/kernel/perf_event_paranoid") ||
	    sscanf(text, "%d", &level) != 1)
		return SAY(CHECK_FOUND, "this kernel has no perf events");
	return IF_SO(level > 0 && !has_cap(machine, CAP_PERFMON) &&
		     !has_cap(machine, CAP_SYS_ADMIN),
		     "kernel.perf_event_paranoid is %d", level);
}

PROBE(pmu)
{
	static const char *const pmus[] = { "cpu", "cpu_core", "ibs_op", "armv8_pmuv3_0" };
	size_t i;

	for (i = 0; i < sizeof(pmus) / sizeof(pmus[0]); i++)
		if (exists(machine, "sys/bus/event_source/devices/%s", pmus[i]))
			return SAY(CHECK_FINE, "PMU %s", pmus[i]);
	return SAY(CHECK_FOUND, "no PMU, as in most virtual machines");
}

/* Return: how many; 0: none, and @why is set. */
static size_t find_events(const struct check_machine *machine,
			  struct event events[static EVENT_MAX], struct reason *why)
{
	size_t nr = 0;

	if (event_pebs(machine->sysroot, events, &nr, why) == -ENODEV)
		event_ibs(machine->sysroot, events, &nr, why);
	return nr;
}

/* What type and config are, others can compare with their own tools. */
PROBE(events)
{
	struct event events[EVENT_MAX];
	char text[CHECK_DETAIL_BYTES];
	size_t nr, i, length = 0;
	struct reason why;

	nr = find_events(machine, events, &why);
	if (!nr)
		return !exists(machine, "sys/bus/event_source/devices/cpu") &&
		       !exists(machine, "sys/bus/event_source/devices/cpu_core") ?
		       SAY(CHECK_NOT_ASKED, "there is no PMU") :
		       SAY(CHECK_FOUND, "%.400s", why.text);
	for (i = 0; i < nr && length < sizeof(text); i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length,
					   "%s%s is %u/0x%" PRIx64 " (%s)", i ? ", " : "",
					   events[i].name, events[i].type, events[i].config,
					   events[i].by_library ? "libpfm4" : "table");
	return SAY(CHECK_FINE, "%s", text);
}

PROBE(addresses)
{
	struct event events[EVENT_MAX];
	char text[CHECK_DETAIL_BYTES];
	size_t nr, i, length = 0;
	struct perf_trial trial;
	uint64_t nr_addrs = 0;
	struct reason why;

	nr = find_events(machine, events, &why);
	if (!nr)
		return SAY(CHECK_NOT_ASKED, "there are no events to sample");
	for (i = 0; i < nr && length < sizeof(text); i++) {
		if (machine->sample(&events[i], &trial))
			return SAY(CHECK_FOUND, "%.500s", perf_reason());
		nr_addrs += trial.nr_addrs;
		length += (size_t)snprintf(text + length, sizeof(text) - length,
					   "%s%s: %" PRIu64 " of %" PRIu64
					   " samples have one, precise_ip %u", i ? ", " : "",
					   events[i].name, trial.nr_addrs, trial.nr_samples,
					   trial.precise);
	}
	return IF_SO(!nr_addrs, "%s", text);
}

/*
 * BPF
 */

PROBE(bpf_build)
{
	(void)machine;
#ifdef HEMEM_WITHOUT_BPF
	return SAY(CHECK_FOUND, "hemem-ctl was built without its BPF program");
#else
	return SAY(CHECK_FINE, "hemem-ctl has its BPF program");
#endif
}

PROBE(btf)
{
	return exists(machine, "sys/kernel/btf/vmlinux") ?
		SAY(CHECK_FINE, "the kernel describes its types") :
		SAY(CHECK_FOUND, "there is no /sys/kernel/btf/vmlinux");
}

PROBE(kprobes)
{
	return exists(machine, "sys/bus/event_source/devices/kprobe/type") ?
		SAY(CHECK_FINE, "the kernel has kprobes") :
		SAY(CHECK_FOUND, "the kernel was built without CONFIG_KPROBE_EVENTS");
}

PROBE(bpf_rights)
{
	bool allowed = has_cap(machine, CAP_SYS_ADMIN) ||
		       (has_cap(machine, CAP_BPF) && has_cap(machine, CAP_PERFMON));

	return allowed ? SAY(CHECK_FINE, "BPF programs may be loaded") :
			 SAY(CHECK_FOUND, "we have neither CAP_SYS_ADMIN nor CAP_BPF and CAP_PERFMON");
}

/*
 * Others who move the same memory
 */

PROBE(numa_balancing)
{
	char text[MAX_TEXT];

	if (!read_text(machine, text, "proc/sys/kernel/numa_balancing"))
		return SAY(CHECK_NOT_ASKED, "this kernel has no NUMA balancing");
	return IF_SO(strcmp(text, "0"), "numa_balancing is %.8s", text);
}

static bool is_numad(const struct check_machine *machine, const char *path)
{
	char text[MAX_TEXT];

	return read_text(machine, text, "%s", path) && !strcmp(text, "numad");
}

PROBE(numad)
{
	char path[MAX_TEXT];
	int pid;

	if (!find_path(machine, "proc/[0-9]*/comm", is_numad, path))
		return SAY(CHECK_FINE, "numad does not run");
	return sscanf(path, "proc/%d", &pid) == 1 ?
		SAY(CHECK_FOUND, "numad runs as process %d", pid) : CHECK_NOT_ASKED;
}

static bool is_kdamond(const struct check_machine *machine, const char *path)
{
	char text[MAX_TEXT];

	return read_text(machine, text, "%s", path) && !strncmp(text, "kdamond", 7);
}

PROBE(damon)
{
	char path[MAX_TEXT];

	return find_path(machine, "proc/[0-9]*/comm", is_kdamond, path) ?
		SAY(CHECK_FOUND, "a DAMON thread runs: it clears accessed bits that we look at, and may move pages") :
		SAY(CHECK_FINE, "DAMON does not run");
}

PROBE(demotion)
{
	char text[MAX_TEXT];

	if (!read_text(machine, text, "sys/kernel/mm/numa/demotion_enabled"))
		return SAY(CHECK_NOT_ASKED, "this kernel does not demote");
	return IF_SO(strcmp(text, "false") && strcmp(text, "0"), "demotion_enabled is %.8s", text);
}

PROBE(zone_reclaim)
{
	char text[MAX_TEXT];

	if (!read_text(machine, text, "proc/sys/vm/zone_reclaim_mode"))
		return SAY(CHECK_NOT_ASKED, "this kernel has no zone_reclaim_mode");
	return IF_SO(strcmp(text, "0"), "zone_reclaim_mode is %.8s", text);
}

PROBE(ksm)
{
	char text[MAX_TEXT];

	if (!read_text(machine, text, "sys/kernel/mm/ksm/run"))
		return SAY(CHECK_NOT_ASKED, "this kernel has no KSM");
	return IF_SO(!strcmp(text, "1"), "ksm/run is %.8s", text);
}

PROBE(thp)
{
	char word[64];

	if (!read_bracketed(machine, "sys/kernel/mm/transparent_hugepage/enabled", word))
		return SAY(CHECK_FOUND, "this kernel has no transparent huge pages");
	return IF_SO(!strcmp(word, "never"), "transparent huge pages: %s", word);
}

/*
 * The target
 */

PROBE(target)
{
	char value[256];

	if (!machine->target)
		return SAY(CHECK_NOT_ASKED, "no process was named");
	if (!read_status(machine, machine->target, "State", value))
		return SAY(CHECK_FOUND, "there is no process %d", machine->target);
	if (*value == 'Z' || *value == 'X')
		return SAY(CHECK_FOUND, "process %d has ended", machine->target);
	return read_status(machine, machine->target, "VmSize", value) ?
		SAY(CHECK_FINE, "process %d has memory: %.32s", machine->target, value) :
		SAY(CHECK_FOUND, "process %d is a kernel thread", machine->target);
}

PROBE(target_rights)
{
	unsigned int ours[2], theirs[3];
	char value[256];

	if (!machine->target || !read_status(machine, machine->target, "Uid", value) ||
	    sscanf(value, "%u %u %u", &theirs[0], &theirs[1], &theirs[2]) != 3 ||
	    !read_status(machine, 0, "Uid", value) ||
	    sscanf(value, "%u %u", &ours[0], &ours[1]) != 2)
		return SAY(CHECK_NOT_ASKED, "no process was named");
	/* PTRACE_MODE_READ_REALCREDS: our real uid against all of theirs. */
	if (has_cap(machine, CAP_SYS_PTRACE) ||
	    (ours[0] == theirs[0] && ours[0] == theirs[1] && ours[0] == theirs[2]))
		return SAY(CHECK_FINE, "process %d may be looked at", machine->target);
	return SAY(CHECK_FOUND, "process %d belongs to user %u", machine->target, theirs[1]);
}

PROBE(target_cpuset)
{
	bool allowed[MAX_NODES], fast[MAX_NODES], slow[MAX_NODES];
	char value[256];
	unsigned int i;

	if (!machine->target ||
	    !read_status(machine, machine->target, "Mems_allowed_list", value))
		return SAY(CHECK_NOT_ASKED, "no process was named");
	parse_nodes(value, allowed);
	find_tiers(machine, fast, slow);
	for (i = 0; i < MAX_NODES; i++)
		if ((fast[i] || slow[i]) && !allowed[i])
			return SAY(CHECK_FOUND, "process %d may use the nodes %.32s only, not %u",
				   machine->target, value, i);
	return SAY(CHECK_FINE, "process %d may use all nodes", machine->target);
}

PROBE(target_free)
{
	struct control_holder holder;

	if (!machine->target)
		return SAY(CHECK_NOT_ASKED, "no process was named");
	if (control_find(machine->target, &holder))
		return SAY(CHECK_FINE, "nobody controls process %d", machine->target);
	return SAY(CHECK_FOUND, "process %d is controlled by process %d already", machine->target,
		   holder.pid);
}

static const struct check_row rows[] = {
	{ "kernel", CHECK_BLOCKS, "kernel version",
	  "boot Linux 5.1 or newer", probe_kernel },
	{ "module", CHECK_BLOCKS, "module hemem_assist",
	  "build it with `make` and load it with `insmod hemem_assist.ko`; without it --mover numa can move pages, but nothing says which are hot",
	  probe_module },
	{ "module-rights", CHECK_BLOCKS, "access to /dev/hemem",
	  "run as root, or give this user access to /dev/hemem", probe_module_rights },
	{ "module-abi", CHECK_BLOCKS, "ABI of the module",
	  "build hemem-ctl and hemem_assist.ko from the same source, then rmmod and insmod",
	  probe_module_abi },
	{ "module-migrate", CHECK_HARMS, "module: MIGRATE",
	  "dmesg says what the module misses; --mover numa moves pages without it", probe_migrate },
	{ "module-scan", CHECK_BLOCKS, "module: SCAN",
	  "dmesg says what the module misses", probe_scan },
	{ "module-flush", CHECK_NOTE, "module: TLB flush",
	  "none needed: heat is less exact for pages that stay in a TLB", probe_flush },
	{ "module-drain", CHECK_NOTE, "module: LRU drain",
	  "none needed: new pages are moved a little later", probe_drain },
	{ "lockdown", CHECK_HARMS, "kernel lockdown",
	  "sign the module with a key that the kernel trusts, or turn Secure Boot off",
	  probe_lockdown },
	{ "module-signature", CHECK_HARMS, "module signatures",
	  "sign the module with a key that the kernel trusts, or boot without module.sig_enforce=1",
	  probe_module_signature },
	{ "nodes", CHECK_BLOCKS, "a second node with memory",
	  "bring slow memory online as a node (daxctl reconfigure-device --mode=system-ram dax0.0); to try without such memory, use tests/vm or boot with numa=fake=2",
	  probe_nodes },
	{ "tiers", CHECK_BLOCKS, "which node is fast, which is slow",
	  "say which with --fast NODES --slow NODES", probe_tiers },
	{ "dax", CHECK_NOTE, "memory devices that are not used as memory",
	  "daxctl reconfigure-device --mode=system-ram makes a node of it", probe_dax },
	{ "kernel-tiers", CHECK_NOTE, "tiers as the kernel sees them",
	  "none needed: the kernel takes all nodes for equally fast, hemem-ctl goes by CPUs or by --fast and --slow",
	  probe_kernel_tiers },
	{ "cap-sys-nice", CHECK_HARMS, "CAP_SYS_NICE",
	  "run as root, or `setcap cap_sys_nice,cap_sys_ptrace+ep hemem-ctl`", probe_sys_nice },
	{ "cap-sys-ptrace", CHECK_HARMS, "CAP_SYS_PTRACE",
	  "run as root, or `setcap cap_sys_nice,cap_sys_ptrace+ep hemem-ctl`", probe_sys_ptrace },
	{ "yama", CHECK_HARMS, "Yama",
	  "`hemem-ctl run` cannot hold a program at its start: start it and attach, or sysctl kernel.yama.ptrace_scope=1",
	  probe_yama },
	{ "perf-event-paranoid", CHECK_NOTE, "perf events",
	  "sysctl kernel.perf_event_paranoid=0, or CAP_PERFMON: hardware samplers need it",
	  probe_perf_paranoid },
	{ "pmu", CHECK_NOTE, "hardware sampling",
	  "none needed: accessed bits are scanned instead", probe_pmu },
	{ "events", CHECK_NOTE, "events that tell addresses of loads and stores",
	  "none needed: accessed bits are scanned instead", probe_events },
	{ "addresses", CHECK_NOTE, "addresses in samples",
	  "a virtual machine needs a host that passes PEBS on; else accessed bits are scanned instead",
	  probe_addresses },
	{ "bpf-build", CHECK_NOTE, "BPF program",
	  "install clang, bpftool and libbpf-dev and build again; until then /proc/PID/maps is read instead",
	  probe_bpf_build },
	{ "btf", CHECK_NOTE, "BTF",
	  "boot a kernel with CONFIG_DEBUG_INFO_BTF; until then /proc/PID/maps is read instead",
	  probe_btf },
	{ "kprobes", CHECK_NOTE, "kprobes",
	  "boot a kernel with CONFIG_KPROBE_EVENTS; until then /proc/PID/maps is read instead",
	  probe_kprobes },
	{ "cap-bpf", CHECK_NOTE, "right to load BPF programs",
	  "run as root, or with CAP_BPF and CAP_PERFMON; until then /proc/PID/maps is read instead",
	  probe_bpf_rights },
	{ "numa-balancing", CHECK_HARMS, "NUMA balancing",
	  "sysctl kernel.numa_balancing=0: it moves the same pages by other rules",
	  probe_numa_balancing },
	{ "numad", CHECK_HARMS, "numad",
	  "systemctl stop numad: it moves the same pages by other rules", probe_numad },
	{ "damon", CHECK_HARMS, "DAMON",
	  "stop it: damo stop, or write off to /sys/kernel/mm/damon/admin/kdamonds/*/state",
	  probe_damon },
	{ "demotion", CHECK_HARMS, "demotion by the kernel",
	  "echo 0 > /sys/kernel/mm/numa/demotion_enabled: it demotes by other rules",
	  probe_demotion },
	{ "zone-reclaim", CHECK_HARMS, "zone reclaim",
	  "sysctl vm.zone_reclaim_mode=0: it reclaims on the fast node before the slow one is used",
	  probe_zone_reclaim },
	{ "ksm", CHECK_NOTE, "KSM",
	  "echo 0 > /sys/kernel/mm/ksm/run: pages that it merged are shared and are not moved",
	  probe_ksm },
	{ "thp", CHECK_NOTE, "transparent huge pages",
	  "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled: huge pages are cheaper to track and to move",
	  probe_thp },
	{ "target", CHECK_BLOCKS, "the process",
	  "name a running process: pgrep NAME finds it", probe_target },
	{ "target-rights", CHECK_BLOCKS, "rights over the process",
	  "run as root, as its user, or with CAP_SYS_PTRACE", probe_target_rights },
	{ "target-cpuset", CHECK_HARMS, "nodes that the process may use",
	  "add them to cpuset.mems of its cgroup, or leave them out with --fast and --slow",
	  probe_target_cpuset },
	{ "target-free", CHECK_BLOCKS, "other controllers of the process",
	  "`hemem-ctl detach PID` ends the other one", probe_target_free },
};

const struct check_row *check_rows(size_t *ret_nr)
{
	*ret_nr = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

const struct check_row *check_find(const char *id)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].id, id))
			return &rows[i];
	return NULL;
}

const char *check_severity_name(enum check_severity severity)
{
	static const char *const names[] = {
		[CHECK_BLOCKS] = "blocks", [CHECK_HARMS] = "harms", [CHECK_NOTE] = "note",
	};

	return names[severity];
}
