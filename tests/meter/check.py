#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Is what the meter says true?  Boots two guests alike, judges them, writes TAP.

    tests/meter/check.py [KERNEL]       KERNEL as for tests/vm/run; default: 6.1

In the guest tests/meter/probe does things whose misses, times and samples are known
beforehand, each in a phase of its own.  Each check here compares the meter's numbers with them, and
has a control: the same numbers, wrong in the way that the check is for.  A check that accepts its
control has failed.
"""
import copy
import json
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
NODE_BYTES = 512 << 20
TIMEOUT_S = 400
MIB = 1 << 20
LINE = 64
LLC_BYTES = 2 * MIB
FLUSH_LINES = 8 * MIB // LINE   # what the probe reads to empty the caches
OPTIONS = "fast_bytes=8M:32M:64M,max_samples_per_tick=2000"
SETTLE_STORES = 10000           # that the probe makes when it has turned the rings off
CHASE_INSTRUCTIONS = 3          # a step's: load, decrement, branch


class Record:
    """What one guest said, and the meter of it: at its report, and at the end."""

    def __init__(self, said, meter, later):
        self.meter, self.later = meter, later
        self.meter["clock"] = later["clock"]
        self.experiments, self.phase_numbers = {}, {}
        for line in said.splitlines():
            if line.startswith("experiment "):
                _, phase, name, *pairs = line.split()
                self.phase_numbers[name] = int(phase)
                self.experiments[name] = {k: int(v) for k, v in (p.split("=") for p in pairs)}

    def phase(self, name):
        return next(p for p in self.meter["phases"] if p["phase"] == self.phase_numbers[name])

    def node(self, name, number):
        return next(n for n in self.phase(name)["nodes"] if n["node"] == number)

    def of_size(self, name, kind, mib):
        return next(e for e in self.phase(name)[kind] if e["fast_bytes"] == mib * MIB)


def near(what, value, expected, tolerance_pct=1.0, slack=0):
    """Nothing, or what is wrong."""
    if abs(value - expected) <= abs(expected) * tolerance_pct / 100 + slack:
        return []
    return [f"{what} is {value}, not {expected} within {tolerance_pct} %"]


def chase_misses(r):
    wrong = []
    for name, node, other in (("chase_fast", 0, 1), ("chase_slow", 1, 0)):
        steps = r.experiments[name]["steps"]
        wrong += near(f"{name}: misses", r.node(name, node)["load_misses_user"], steps, 0.1)
        wrong += near(f"{name}: elsewhere", r.node(name, other)["load_misses_user"], 0, 0, 500)
    return wrong


def nodes_are_the_kernels(r):
    wrong = []
    for name, node in (("chase_fast", "fast_pages"), ("chase_slow", "slow_pages")):
        e = r.experiments[name]
        lines = e[node] * 4096 // LINE
        here = r.node(name, int(node == "slow_pages"))["load_misses_user"]
        wrong += near(f"{name}: lines of the pages that numa_maps has there", here, lines, 0.1)
    return wrong


def latency(r):
    model, wrong = r.meter["model"], []
    instructions_ns = CHASE_INSTRUCTIONS * model["instruction_ps"] / 1000
    for name, latency_ns in (("chase_fast", model["fast_latency_ns"]),
                             ("chase_slow", model["slow_latency_ns"]),
                             ("chase_llc", model["llc_ns"]), ("chase_l1", 0)):
        e = r.experiments[name]
        wrong += near(f"{name}: ns a step by the guest's clock", e["took_ns"] / e["steps"],
                      latency_ns + instructions_ns, 1.0, 0.1)
    return wrong


def small_footprints(r):
    l1, llc = r.phase("chase_l1"), r.phase("chase_llc")
    steps = r.experiments["chase_llc"]["steps"]
    return near("16 KiB: looked for in the last level", l1["llc_lookups"], 0, 0, 1000) + \
        near("1 MiB: hits of the last level", llc["llc_hits"], steps, 0.5) + \
        near("1 MiB: misses", r.node("chase_llc", 0)["load_misses_user"], 0, 0, 500)


def copy_traffic(r):
    lines = r.experiments["copy"]["bytes"] // LINE
    fast, slow = r.node("copy", 0), r.node("copy", 1)
    return near("lines read from the fast node", fast["load_misses_user"], lines + FLUSH_LINES,
                0.1) + \
        near("lines fetched to be written", slow["store_misses_user"], lines, 0.1) + \
        near("lines written to the slow node", slow["write_backs"], lines, 0.1) + \
        near("lines written to the fast node", fast["write_backs"], 0, 0, 5000)


def sleeping(r):
    ns, phase = r.experiments["sleep"]["ns"], r.phase("sleep")
    wrong = near("idle", phase["idle_ns"], phase["time_ns"], 1)
    # idle guests wait in real time, and a busy host wakes them late
    if not 0.999 * ns <= phase["time_ns"] <= 1.5 * ns:
        wrong.append(f"sleeping for {ns} ns took {phase['time_ns']}")
    return wrong


def attribution(r):
    e = r.experiments["child"]
    child = [p for p in r.meter["processes"] if p["pid"] == e["pid"]]
    if not child:
        return [f"the meter knows no process {e['pid']}"]
    return near("the child's instructions", child[0]["instructions_user"], e["instructions"])


def oracle(r):
    pages = r.experiments["oracle"]["pages"]
    wrong, per_class = [], pages // 8       # page p has 64 * (p % 8 + 1) misses
    for mib in (8, 32, 64):
        room = mib * MIB // 4096 // per_class
        want = sum(64 * (8 - i) * per_class for i in range(room))
        made = r.of_size("oracle", "oracle", mib)
        wrong += near(f"{mib} MiB: best static", made["static_fast_misses"], want, 0.2)
        if not made["static_fast_misses"] <= made["window_fast_misses"] <= made["misses"]:
            wrong.append(f"{mib} MiB: static, window, all are not in order: {made}")
    return wrong


def memory_mode(r):
    e = r.experiments["mmode"]
    small, great = (r.of_size("mmode", "memory_mode", mib) for mib in (8, 64))
    wrong = near("8 MiB: misses", small["misses"], e["crowded_8m"], 0.5, 500)
    wrong += near("64 MiB: misses", great["misses"], e["crowded_64m"], 0.5, 1500)
    wrong += near("reads", small["hits"] + small["misses"], e["lines"], 0.5)
    # what is all in fast memory takes as long as there; a miss costs slow memory, too
    real_ns = r.phase("mmode")["time_ns"]
    wrong += near("64 MiB: time", great["time_ns"], real_ns +
                  great["misses"] * r.meter["model"]["slow_stream_ns"], 1)
    wrong += near("8 MiB: time", small["time_ns"], real_ns +
                  small["misses"] * r.meter["model"]["slow_stream_ns"], 5)
    return wrong


def bandwidth(r):
    model, e = r.meter["model"], r.experiments["two_writers"]
    line_ns = LINE * 1000 / model["slow_read_mbps"] + LINE * 1000 / model["slow_write_mbps"]
    wrong = near("two writers: ns a line", e["took_ns"] / e["lines"], line_ns, 3)
    if r.experiments["one_writer"]["took_ns"] * 1.3 > e["took_ns"]:
        wrong.append("two writers take no longer than one")
    return wrong


def samples(r):
    e, phase = r.experiments["sample"], r.phase("sample")
    wrong = []
    for key in ("lost", "wrong_page", "wrong_tier", "wrong_pid", "wrong_rest", "out_of_order",
                "others"):
        wrong += near(key, e[key], 0, 0)
    for event, node in ((0, 0), (1, 1)):
        misses = r.node("sample", node)["load_misses_user"]
        wrong += near(f"samples of loads from node {node}", phase["samples"][event],
                      misses / e["load_period"], 0.5, 2)
    wrong += near("samples of stores", phase["samples"][2],
                  (phase["stores_user"] - SETTLE_STORES) / e["store_period"], 0.5, 2)
    return wrong + near("samples read", e["samples"], sum(phase["samples"]), 0)


def other_process(r):
    e = r.experiments["other"]
    return near("samples of a process that was not asked for", e["of_other"], 0, 0)


def lost(r):
    e = r.experiments["lost"]
    misses = sum(n["load_misses_user"] for n in r.phase("lost")["nodes"])
    wrong = near("samples and lost ones", e["samples"] + e["lost"], misses / e["period"], 0.1, 2)
    return wrong + ([] if e["lost"] > 1000 else ["nothing was lost"])


def throttled(r):
    e, rings = r.experiments["throttle"], r.meter["rings"]
    misses = sum(n["load_misses_user"] for n in r.phase("throttle")["nodes"])
    wrong = near("samples, lost and throttled ones",
                 e["samples"] + e["lost"] + rings["throttled"], misses, 0.2, 30)
    return wrong + ([] if e["throttles"] and e["unthrottles"] else ["no throttling was said"])


def sums(r):
    wrong, meter = [], r.meter
    for p in meter["phases"]:
        misses = sum(v for n in p["nodes"] for k, v in n.items() if "misses" in k)
        wrong += near(f"phase {p['phase']}: lookups", p["llc_lookups"], p["llc_hits"] + misses, 0)
        for mode in ("user", "kernel"):
            of_all = sum(q[f"instructions_{mode}"] for process in meter["processes"]
                         for q in process["phases"] if q["phase"] == p["phase"])
            wrong += near(f"phase {p['phase']}: instructions_{mode}",
                          p[f"instructions_{mode}"], of_all, 0)
        if p["oracle"][0]["misses"] != sum(p["target"].values()):
            wrong.append(f"phase {p['phase']}: the oracle's misses are not the target's")
    written = sum(sum(p["samples"]) for p in meter["phases"])
    wrong += near("samples written", meter["rings"]["written"], written, 0)
    in_phase = r.phase_numbers["oracle"]
    in_windows = sum(w["fast_misses"] + w["slow_misses"] for w in meter["windows"]
                     if w["phase"] == in_phase)
    return wrong + near("target's misses in windows", in_windows,
                        sum(r.phase("oracle")["target"].values()), 0)


def clock(r):
    wrong = []
    for name in ("chase_fast", "chase_slow", "two_writers"):
        wrong += near(f"{name}: the guest's clock", r.experiments[name]["took_ns"],
                      r.phase(name)["time_ns"], 0.5, 40000)
    if r.meter["clock"]["max_debt_ns"] > 1000000:
        wrong.append(f"the clock was ahead by {r.meter['clock']['max_debt_ns']} ns")
    if abs(r.meter["clock"]["difference_ns"]) > 100000000:
        wrong.append(f"our clock and QEMU's differ by {r.meter['clock']['difference_ns']} ns")
    return wrong


def begins_anew(r):
    """After its report the guest only ended, with the model off."""
    wrong = []
    if len(r.later["phases"]) != 1 or r.later["windows"]:
        wrong.append("phases and windows from before the report")
    for key in ("loads_user", "stores_kernel", "llc_lookups", "stall_ns"):
        wrong += near(key, sum(p[key] for p in r.later["phases"]), 0)
    return wrong + near("records", r.later["rings"]["written"], 0)


def forget_report(r):
    r.later = r.meter


def agree(first, second):
    """The same twice, within 1 %.

    A phase counts whatever runs in the guest: the kernel's timers and threads come when they come,
    and a thread that waits for another one calls once or twice.
    """
    wrong = []
    for name in ("chase_fast", "chase_slow", "chase_llc", "copy", "oracle", "mmode",
                 "two_writers", "sample"):
        one, other = first.phase(name), second.phase(name)
        for key in ("instructions_user", "loads_user", "stores_user"):
            wrong += near(f"{name}: {key}", other[key], one[key], 1, 2000)
        for key in ("time_ns", "stall_ns"):
            wrong += near(f"{name}: {key}", other[key], one[key], 1, 100000)
        for number in (0, 1):
            for key in ("load_misses_user", "store_misses_user", "write_backs"):
                wrong += near(f"{name}: {key} of node {number}", second.node(name, number)[key],
                              first.node(name, number)[key], 1, 1000)
    return wrong


def swap_nodes(r):
    for p in r.meter["phases"]:
        for n in p["nodes"]:
            n["node"] = 1 - n["node"]


def swap_latencies(r):
    m = r.meter["model"]
    m["fast_latency_ns"], m["slow_latency_ns"] = m["slow_latency_ns"], m["fast_latency_ns"]


def scale(part, key, factor):
    """A control: a number that is wrong by a factor."""
    def spoil(r):
        where = part(r)
        where[key] = int(where[key] * factor) + (1 if where[key] == 0 else 0)
    return spoil


# what is checked; by what; how its control is spoiled
CHECKS = [
    ("a pointer chase misses once a line, on the node that has it", chase_misses,
     scale(lambda r: r.node("chase_slow", 1), "load_misses_user", 0.99)),
    ("a node is the node of the kernel's numa_maps", nodes_are_the_kernels, swap_nodes),
    ("memory takes its configured latency", latency, swap_latencies),
    ("what fits a cache does not miss it", small_footprints,
     scale(lambda r: r.phase("chase_llc"), "llc_hits", 0.9)),
    ("copying N bytes reads, fetches and writes back N bytes", copy_traffic,
     scale(lambda r: r.node("copy", 1), "write_backs", 0.99)),
    ("sleeping is idle time", sleeping, scale(lambda r: r.phase("sleep"), "idle_ns", 0.5)),
    ("a process has its own instructions", attribution,
     scale(lambda r: r.experiments["child"], "instructions", 1.1)),
    ("the oracle finds the best pages of a known distribution", oracle,
     scale(lambda r: r.of_size("oracle", "oracle", 32), "static_fast_misses", 0.99)),
    ("Memory Mode misses where pages share a place", memory_mode,
     scale(lambda r: r.of_size("mmode", "memory_mode", 8), "misses", 0.98)),
    ("who writes faster than memory can waits for it, and shares it", bandwidth,
     scale(lambda r: r.meter["model"], "slow_write_mbps", 0.9)),
    ("samples have the address, page, tier and process of the access", samples,
     scale(lambda r: r.experiments["sample"], "wrong_page", 1)),
    ("another process is not sampled", other_process,
     scale(lambda r: r.experiments["other"], "of_other", 1)),
    ("what a full ring loses is said", lost, scale(lambda r: r.experiments["lost"], "lost", 0.99)),
    ("what throttling drops is said", throttled,
     scale(lambda r: r.meter["rings"], "throttled", 0.99)),
    ("counters add up", sums, scale(lambda r: r.phase("copy"), "llc_hits", 2)),
    ("after a report everything is counted from nothing", begins_anew, forget_report),
    ("the guest's clock shows modelled time", clock,
     scale(lambda r: r.experiments["chase_fast"], "took_ns", 1.1)),
]


def refuses(kernel):
    """An option that the plugin does not know ends the emulator, in words."""
    with tempfile.TemporaryDirectory() as folder:
        meter_json, guest = boot(kernel, folder, 0, "llc_byte=1M")
        _, err = guest.communicate()
        if guest.returncode == 0 or os.path.exists(meter_json):
            return ["it was accepted"]
        return [] if 'there is no option "llc_byte"' in err else ["not in words", err[-500:]]


def boot(kernel, folder, number, options=OPTIONS):
    meter_json = os.path.join(folder, f"{number}.json")
    command = [os.path.join(TOP, "tests", "vm", "run"), "--kernel", kernel, "--topology", "meter",
               "--sizes", f"0={NODE_BYTES >> 20}M,1={NODE_BYTES >> 20}M",
               "--meter", meter_json, "--meter-options", options, "--timeout", str(TIMEOUT_S),
               "--", os.path.join(TOP, "tests", "meter", "guest"),
               os.path.join(TOP, "build", "tests", "meter", "probe"),
               os.path.join(TOP, "build", "meter"), str(NODE_BYTES)]
    return meter_json, subprocess.Popen(command, text=True, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def records(kernel):
    """Two guests alike, at the same time: what else the machine does must not matter."""
    with tempfile.TemporaryDirectory() as folder:
        guests = [boot(kernel, folder, number) for number in range(2)]
        for meter_json, guest in guests:
            said, err = guest.communicate()
            if guest.returncode:
                raise RuntimeError(f"{said[-1000:]}\n{err[-2000:]}")
            with open(meter_json + ".0") as report_file, open(meter_json) as file:
                yield Record(said, json.load(report_file), json.load(file))


def verdict(check, spoil, made):
    """What is wrong with a check's numbers, or with the check."""
    wrong = check(made)
    if not wrong:
        spoilt = copy.deepcopy(made)
        spoil(spoilt)
        if not check(spoilt):
            wrong = ["the control was accepted"]
    return wrong


def report(number, sentence, wrong):
    for line in wrong:
        print(f"# {line}")
    print(f"{'not ok' if wrong else 'ok'} {number} - {sentence}", flush=True)
    return bool(wrong)


def main(kernel="6.1"):
    subprocess.run(["make", "-s", "meter", "meter-tests"], cwd=TOP, check=True)
    print("TAP version 13")
    print(f"1..{len(CHECKS) + 2}", flush=True)
    try:
        first, second = records(kernel)
    except RuntimeError as error:
        print("Bail out! a guest failed")
        print(error, file=sys.stderr)
        return 1
    failed = 0
    for number, (sentence, check, spoil) in enumerate(CHECKS, 1):
        failed += report(number, sentence, verdict(check, spoil, first))
    wrong = agree(first, second)
    spoilt = copy.deepcopy(second)
    scale(lambda r: r.phase("chase_slow"), "time_ns", 1.02)(spoilt)
    if not wrong and not agree(first, spoilt):
        wrong = ["the control was accepted"]
    failed += report(len(CHECKS) + 1, "two runs agree within 1 %", wrong)
    failed += report(len(CHECKS) + 2, "an unknown option is refused in words", refuses(kernel))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
