// SPDX-License-Identifier: GPL-2.0
/*
 * event.c - which events of this CPU tell the addresses of loads and stores
 *
 * Owns the table of events and of the CPUs that have them.  Opening them is perf.c's.
 *
 * Names are encoded by libpfm4.  CPUs that are younger than the installed libpfm4, or a
 * build without it, get the code in the table; that the two agree is a test.
 *
 * Sources of the table: HeMem (SOSP '21) 3.1 for the choice of events; codes, and which of them
 * record an address, from Intel's event files (github.com/intel/perfmon, as in
 * tools/perf/pmu-events/arch/x86 of the kernel); models from mapfile.csv there.  Not in it:
 * MEM_LOAD_L3_MISS_RETIRED.REMOTE_PMM and REMOTE_CXL_MEM, which give no address on the newer
 * CPUs; more than four events, as some CPUs have four counters for them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef HEMEM_WITHOUT_PFM
#include <perfmon/pfmlib_perf_event.h>
#endif

#include "event.h"

#define DRAM	"loads that DRAM of this socket answered"
#define REMOTE	"loads that DRAM of another socket answered"
#define PMM	"loads that persistent memory of this socket answered"
#define CXL	"loads that CXL memory of this socket answered"
#define MISS	"loads that missed the last cache"
#define STORES	"stores"

static const struct event_row rows[] = {
	{ "Skylake", "cpu", "skl::MEM_LOAD_RETIRED:L3_MISS", EVENT_LOAD, 0x20d1, MISS },
	{ "Skylake", "cpu", "skl::MEM_INST_RETIRED:ALL_STORES", EVENT_STORE, 0x82d0, STORES },

	{ "Skylake-X", "cpu", "skx::MEM_LOAD_L3_MISS_RETIRED:LOCAL_DRAM", EVENT_FAST_LOAD,
	  0x01d3, DRAM },
	{ "Skylake-X", "cpu", "skx::MEM_LOAD_L3_MISS_RETIRED:REMOTE_DRAM", EVENT_SLOW_LOAD,
	  0x02d3, REMOTE },
	{ "Skylake-X", "cpu", "skx::MEM_INST_RETIRED:ALL_STORES", EVENT_STORE, 0x82d0, STORES },

	{ "Cascade Lake", "cpu", "clx::MEM_LOAD_L3_MISS_RETIRED:LOCAL_DRAM", EVENT_FAST_LOAD,
	  0x01d3, DRAM },
	{ "Cascade Lake", "cpu", "clx::MEM_LOAD_RETIRED:LOCAL_PMM", EVENT_SLOW_LOAD, 0x80d1, PMM },
	{ "Cascade Lake", "cpu", "clx::MEM_LOAD_L3_MISS_RETIRED:REMOTE_DRAM", EVENT_SLOW_LOAD,
	  0x02d3, REMOTE },
	{ "Cascade Lake", "cpu", "clx::MEM_INST_RETIRED:ALL_STORES", EVENT_STORE, 0x82d0, STORES },

	{ "Ice Lake", "cpu", "icl::MEM_LOAD_RETIRED:L3_MISS", EVENT_LOAD, 0x20d1, MISS },
	{ "Ice Lake", "cpu", "icl::MEM_INST_RETIRED:ALL_STORES", EVENT_STORE, 0x82d0, STORES },

	{ "Ice Lake-X", "cpu", "icx::MEM_LOAD_L3_MISS_RETIRED:LOCAL_DRAM", EVENT_FAST_LOAD,
	  0x01d3, DRAM },
	{ "Ice Lake-X", "cpu", "icx::MEM_LOAD_RETIRED:LOCAL_PMM", EVENT_SLOW_LOAD, 0x80d1, PMM },
	{ "Ice Lake-X", "cpu", "icx::MEM_LOAD_L3_MISS_RETIRED:REMOTE_DRAM", EVENT_SLOW_LOAD,
	  0x02d3, REMOTE },
	{ "Ice Lake-X", "cpu", "icx::MEM_INST_RETIRED:ALL_STORES", EVENT_STORE, 0x82d0, STORES },

	/* Which event counts CXL memory is not told; all of it missed the last cache. */
	{ "Sapphire Rapids", "cpu", "spr::MEM_LOAD_RETIRED:L3_MISS", EVENT_LOAD, 0x20d1, MISS },
	{ "Sapphire Rapids", "cpu", "spr::MEM_INST_RETIRED:ALL_STORES", EVENT_STORE,
	  0x82d0, STORES },
	{ "Emerald Rapids", "cpu", "emr::MEM_LOAD_RETIRED:L3_MISS", EVENT_LOAD, 0x20d1, MISS },
	{ "Emerald Rapids", "cpu", "emr::MEM_INST_RETIRED:ALL_STORES", EVENT_STORE,
	  0x82d0, STORES },

	{ "Granite Rapids", "cpu", "gnr::MEM_LOAD_L3_MISS_RETIRED:LOCAL_DRAM", EVENT_FAST_LOAD,
	  0x01d3, DRAM },
	{ "Granite Rapids", "cpu", "gnr::MEM_LOAD_RETIRED:LOCAL_CXL_MEM", EVENT_SLOW_LOAD,
	  0x80d1, CXL },
	{ "Granite Rapids", "cpu", "gnr::MEM_LOAD_L3_MISS_RETIRED:REMOTE_DRAM", EVENT_SLOW_LOAD,
	  0x02d3, REMOTE },
	{ "Granite Rapids", "cpu", "gnr::MEM_INST_RETIRED:ALL_STORES", EVENT_STORE,
	  0x82d0, STORES },

	/* Hybrid clients have a PMU for each kind of core. */
	{ "Alder Lake", "cpu_core", "adl_glc::MEM_LOAD_RETIRED:L3_MISS", EVENT_LOAD,
	  0x20d1, MISS },
	{ "Alder Lake", "cpu_core", "adl_glc::MEM_INST_RETIRED:ALL_STORES", EVENT_STORE,
	  0x82d0, STORES },
	{ "Alder Lake", "cpu_atom", "adl_grt::MEM_LOAD_UOPS_RETIRED:DRAM_HIT", EVENT_LOAD,
	  0x80d1, "loads that memory answered" },
	{ "Alder Lake", "cpu_atom", "adl_grt::MEM_UOPS_RETIRED:ALL_STORES", EVENT_STORE,
	  0x82d0, STORES },
};

#define NR_ROWS	(sizeof(rows) / sizeof(rows[0]))

/** struct cpu - a model of family 6, and what it is */
struct cpu {
	unsigned int model;
	unsigned int first_stepping, last_stepping;
	const char *name;
};

#define ANY_STEPPING	0, 15

static const struct cpu cpus[] = {
	{ 0x4e, ANY_STEPPING, "Skylake" }, { 0x5e, ANY_STEPPING, "Skylake" },
	{ 0x8e, ANY_STEPPING, "Skylake" }, { 0x9e, ANY_STEPPING, "Skylake" },
	{ 0xa5, ANY_STEPPING, "Skylake" }, { 0xa6, ANY_STEPPING, "Skylake" },
	{ 0x55, 0, 4, "Skylake-X" }, { 0x55, 5, 15, "Cascade Lake" },
	{ 0x7d, ANY_STEPPING, "Ice Lake" }, { 0x7e, ANY_STEPPING, "Ice Lake" },
	{ 0x8c, ANY_STEPPING, "Ice Lake" }, { 0x8d, ANY_STEPPING, "Ice Lake" },
	{ 0xa7, ANY_STEPPING, "Ice Lake" },
	{ 0x6a, ANY_STEPPING, "Ice Lake-X" }, { 0x6c, ANY_STEPPING, "Ice Lake-X" },
	{ 0x8f, ANY_STEPPING, "Sapphire Rapids" }, { 0xcf, ANY_STEPPING, "Emerald Rapids" },
	{ 0xad, ANY_STEPPING, "Granite Rapids" }, { 0xae, ANY_STEPPING, "Granite Rapids" },
	{ 0x97, ANY_STEPPING, "Alder Lake" }, { 0x9a, ANY_STEPPING, "Alder Lake" },
	{ 0xb7, ANY_STEPPING, "Alder Lake" }, { 0xba, ANY_STEPPING, "Alder Lake" },
	{ 0xbf, ANY_STEPPING, "Alder Lake" },
};

const struct event_row *event_rows(size_t *ret_nr)
{
	*ret_nr = NR_ROWS;
	return rows;
}

const char *event_kind_name(enum event_kind kind)
{
	static const char *const names[EVENT_NR_KINDS] = {
		[EVENT_FAST_LOAD] = "fast loads", [EVENT_SLOW_LOAD] = "slow loads",
		[EVENT_LOAD] = "loads", [EVENT_STORE] = "stores", [EVENT_ANY] = "instructions",
	};

	return names[kind];
}

/* ---- libpfm4 ---- */

#ifdef HEMEM_WITHOUT_PFM

int event_encode(const char *name, uint64_t *ret_config, uint64_t *ret_config1)
{
	(void)name;
	(void)ret_config;
	(void)ret_config1;
	return -ENOENT;
}

#else

/* The CPU is told by its name: it may be that of a recorded machine. */
static bool is_initialized(void)
{
	static int state;

	if (!state) {
		setenv("LIBPFM_ENCODE_INACTIVE", "1", 1);
		state = pfm_initialize() == PFM_SUCCESS ? 1 : -1;
	}
	return state > 0;
}

int event_encode(const char *name, uint64_t *ret_config, uint64_t *ret_config1)
{
	struct perf_event_attr attr = { .size = sizeof(attr) };
	pfm_perf_encode_arg_t arg = { .attr = &attr, .size = sizeof(arg) };

	if (!is_initialized() || pfm_get_os_event_encoding(name, PFM_PLM3, PFM_OS_PERF_EVENT_EXT,
							   &arg) != PFM_SUCCESS)
		return -ENOENT;
	*ret_config = attr.config;
	*ret_config1 = attr.config1;
	return 0;
}

#endif /* HEMEM_WITHOUT_PFM */

/* ---- this machine ---- */

/** struct identity - of the first CPU */
struct identity {
	char vendor[32];
	unsigned int family, model, stepping;
};

static int read_identity(const char *sysroot, struct identity *ret)
{
	char path[4096], line[1024];
	FILE *file;

	*ret = (struct identity){ 0 };
	snprintf(path, sizeof(path), "%s/proc/cpuinfo", sysroot);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	/* The first CPU ends with an empty line. */
	while (fgets(line, sizeof(line), file) && line[0] != '\n') {
		sscanf(line, "vendor_id : %31s", ret->vendor);
		sscanf(line, "cpu family : %u", &ret->family);
		sscanf(line, "model : %u", &ret->model);
		sscanf(line, "stepping : %u", &ret->stepping);
	}
	fclose(file);
	return 0;
}

/* The number that stands for a PMU; false: this machine does not have it. */
static bool read_type(const char *sysroot, const char *pmu, uint32_t *ret_type)
{
	char path[4096];
	FILE *file;
	int nr;

	snprintf(path, sizeof(path), "%s/sys/bus/event_source/devices/%s/type", sysroot, pmu);
	file = fopen(path, "re");
	if (!file)
		return false;
	nr = fscanf(file, "%u", ret_type);
	fclose(file);
	return nr == 1;
}

static const struct cpu *find_cpu(const struct identity *identity)
{
	const struct cpu *cpu = cpus, *end = cpus + sizeof(cpus) / sizeof(cpus[0]);

	for (; cpu < end && identity->family == 6; cpu++)
		if (cpu->model == identity->model && cpu->first_stepping <= identity->stepping &&
		    identity->stepping <= cpu->last_stepping)
			return cpu;
	return NULL;
}

/* precise_ip 1 and above is PEBS; less gives no address. */
static struct event event_of(const struct event_row *row, uint32_t type)
{
	struct event event = {
		.name = row->name, .pmu = row->pmu, .counts = row->counts, .kind = row->kind,
		.type = type, .config = row->code, .min_precise = 1,
	};

	event.by_library = !event_encode(row->name, &event.config, &event.config1);
	return event;
}

int event_pebs(const char *sysroot, struct event ret_events[static EVENT_MAX], size_t *ret_nr,
	       struct reason *why)
{
	struct identity identity;
	const struct cpu *cpu;
	size_t i, nr = 0;
	uint32_t type;

	if (read_identity(sysroot, &identity) || strcmp(identity.vendor, "GenuineIntel"))
		return reason_set(why, -ENODEV, "this is no CPU of Intel");
	if (!read_type(sysroot, "cpu", &type) && !read_type(sysroot, "cpu_core", &type))
		return reason_set(why, -ENODEV,
				  "the CPU has no PMU, as in most virtual machines");
	cpu = find_cpu(&identity);
	if (!cpu)
		return reason_set(why, -ENOENT,
				  "no events are known for CPUs of family %u, model %u, stepping %u",
				  identity.family, identity.model, identity.stepping);
	for (i = 0; i < NR_ROWS && nr < EVENT_MAX; i++)
		if (!strcmp(rows[i].cpu, cpu->name) && read_type(sysroot, rows[i].pmu, &type))
			ret_events[nr++] = event_of(&rows[i], type);
	if (!nr)
		return reason_set(why, -ENODEV, "%s without the PMU that it should have",
				  cpu->name);
	*ret_nr = nr;
	return 0;
}

/*
 * Bit 19 makes it count what instructions are made of, and not cycles (AMD64 Architecture
 * Programmer's Manual 2, 13.3.2): slow instructions are not sampled more often.  The filter for
 * loads that missed (since Zen 4) is not used, as it would take the stores away.
 */
int event_ibs(const char *sysroot, struct event ret_events[static EVENT_MAX], size_t *ret_nr,
	      struct reason *why)
{
	uint32_t type;

	if (!read_type(sysroot, "ibs_op", &type))
		return reason_set(why, -ENODEV,
				  "there is no ibs_op: no CPU of AMD, or a virtual machine");
	ret_events[0] = (struct event){
		.name = "ibs_op/cnt_ctl=1/", .pmu = "ibs_op", .kind = EVENT_ANY, .type = type,
		.config = 1 << 19, .wants_raw = true,
		.counts = "instructions, of which loads that missed and stores are used",
	};
	*ret_nr = 1;
	return 0;
}
