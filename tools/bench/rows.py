# SPDX-License-Identifier: GPL-2.0
"""From the records of tools/bench/run to rows, the table and its text.

A row has every figure with its unit in its name; what a figure is stands in FIGURES.  Figures
are of the run phase alone, of the target where they are misses, and modelled where they are
times.  A ratio of times below 1 is faster than what it is named for.
"""
import math

RUN = 2                         # enum meter_phase
LINE_BYTES = 64
PAGE_BYTES = 4096
SETTLED = 3                     # the last third of the run

FIGURES = {
    "run_time_ms": "modelled time of the run phase",
    "slow_share_pct": "of the target's cache misses, those that the slow tier answered",
    "settled_slow_share_pct": "the same, in the last third of the run",
    "oracle_slow_share_pct": "the same under the best placement that stays as it is, by this "
                             "run's own misses, in as much fast memory",
    "oracle_window_slow_share_pct": "the same under the best placement of each window",
    "placement_quality_ratio": "share of misses that the fast tier answered over the share it "
                               "would have answered under the best static placement",
    "moved_bytes": "what the kernel counted as migrated, in both directions",
    "slow_write_bytes": "written to the slow tier's memory, by whom ever: its wear",
    "controller_instructions": "that hemem-ctl executed, with what the kernel did in its calls",
    "kernel_instructions": "that the kernel executed, for whom ever",
}


def share_pct(part, rest):
    return round(100 * part / (part + rest), 2) if part + rest else None


def ratio(value, base):
    return round(value / base, 4) if value is not None and base else None


def key(record):
    return record["workload"], record["system"], record["thp"], record["ratio"]


def name_of(record):
    return ".".join(str(part or "all") for part in key(record))


def head(record, system):
    return {
        "workload": record["workload"], "system": system, "thp": record["thp"],
        "total_to_fast_ratio": record["ratio"], "status": record["status"],
        "reason": record["reason"], "kernel": record["kernel"], "start": record["start"],
        "total_bytes": record["total_bytes"],
    }


def lines(record, name):
    """What a cell said after a name, one entry a line."""
    return [line[len(name) + 1:] for line in record["said"] if line.startswith(name + " ")]


def vmstat(record, name):
    return sum(int(line.split()[1]) for line in lines(record, "vmstat")
               if line.split()[0] == name)


def phase_of(record):
    return next(p for p in record["meter"]["phases"] if p["phase"] == RUN)


def windows_of(record):
    return [w for w in record["meter"]["windows"] if w["phase"] == RUN]


def series(record):
    """(modelled ms since the run began, slow share in %) of each window with misses."""
    windows = windows_of(record)
    return [(w["time_ms"] - windows[0]["time_ms"],
             share_pct(w["slow_misses"], w["fast_misses"]))
            for w in windows if w["slow_misses"] + w["fast_misses"]]


def settled_pct(record):
    windows = windows_of(record)
    last = windows[-max(1, len(windows) // SETTLED):]
    return share_pct(sum(w["slow_misses"] for w in last), sum(w["fast_misses"] for w in last))


def of_size(entries, fast_bytes):
    return next((e for e in entries if e["fast_bytes"] == fast_bytes), None)


def controller_instructions(record):
    pids = {int(pid) for pid in lines(record, "controller")}
    return sum(p["instructions_user"] + p["instructions_kernel"]
               for p in record["meter"]["processes"] if p["pid"] in pids)


def row(record):
    """The row of a record, but for the ratios to other rows."""
    made = head(record, record["system"])
    if record["status"] != "ok":
        return made
    phase = phase_of(record)
    fast, slow = phase["target"]["fast_misses"], phase["target"]["slow_misses"]
    made.update({
        "fast_bytes": int(lines(record, "fast_free_bytes")[0]),
        "run_time_ms": round(phase["time_ns"] / 1e6, 3),
        "slow_share_pct": share_pct(slow, fast),
        "settled_slow_share_pct": settled_pct(record),
        "moved_bytes": vmstat(record, "pgmigrate_success") * PAGE_BYTES,
        "slow_write_bytes": sum(n["write_backs"] for n in phase["nodes"] if n["node"]) *
                            LINE_BYTES,
        "controller_instructions": controller_instructions(record),
        "kernel_instructions": phase["instructions_kernel"],
        "workload_said": lines(record, "done")[0],
    })
    best = of_size(phase["oracle"], record["fast_bytes"])
    if best:
        static, window = best["static_fast_misses"], best["window_fast_misses"]
        made["oracle_slow_share_pct"] = share_pct(best["misses"] - static, static)
        made["oracle_window_slow_share_pct"] = share_pct(best["misses"] - window, window)
        made["placement_quality_ratio"] = ratio(fast / max(1, fast + slow),
                                                static / max(1, best["misses"]))
    return made


def memory_mode(record, nr_ratio):
    """The row of Memory Mode, which the meter models on the accesses of the all-slow run."""
    made = {**head(record, "memory-mode"), "total_to_fast_ratio": nr_ratio}
    if record["status"] != "ok":
        return made
    fast_bytes = int(record["total_bytes"] / nr_ratio)
    model = of_size(phase_of(record)["memory_mode"], fast_bytes)
    made.update({
        "fast_bytes": fast_bytes,
        "run_time_ms": round(model["time_ns"] / 1e6, 3),
        "slow_share_pct": share_pct(model["misses"], model["hits"]),
        "moved_bytes": (model["misses"] + model["write_backs_slow"]) * LINE_BYTES,
        "slow_write_bytes": model["write_backs_slow"] * LINE_BYTES,
    })
    return made


def compare(rows):
    """Add to each row its time as a ratio to that of every system beside it."""
    times = {(r["workload"], r["system"], r["thp"], r["total_to_fast_ratio"]): r["run_time_ms"]
             for r in rows if "run_time_ms" in r}
    systems = sorted({r["system"] for r in rows})
    for made in rows:
        if "run_time_ms" not in made:
            continue
        for system in systems:
            beside = [times.get((made["workload"], system, made["thp"], nr))
                      for nr in (made["total_to_fast_ratio"], None)]
            base = beside[0] or beside[1]
            if base:
                made[f"time_vs_{system.replace('-', '_')}_ratio"] = \
                    ratio(made["run_time_ms"], base)


def ratios_beside(record, records):
    """The sizes of the fast tier that other systems had with the same workload."""
    return sorted({r["ratio"] for r in records
                   if r["ratio"] and (r["workload"], r["thp"]) == (record["workload"], record["thp"])})


def table(plan, records):
    rows = [row(record) for record in records]
    for record in records:
        if record["system"] == "slow":
            rows += [memory_mode(record, nr) for nr in ratios_beside(record, records)]
    compare(rows)
    order = {name: i for i, name in enumerate(plan["workloads"])}, \
        {name: i for i, name in enumerate(plan["systems"])}
    rows.sort(key=lambda r: (order[0][r["workload"]], r["thp"], r["total_to_fast_ratio"] or 0,
                             order[1][r["system"]]))
    return rows


COLUMNS = (("time", "ms", "run_time_ms", 1), ("time", "x fast", "time_vs_fast_ratio", 1),
           ("time", "x touch", "time_vs_first_touch_ratio", 1),
           ("time", "x numab2", "time_vs_numab2_ratio", 1),
           ("slow", "%", "slow_share_pct", 1), ("settled", "%", "settled_slow_share_pct", 1),
           ("oracle", "%", "oracle_slow_share_pct", 1),
           ("quality", "x oracle", "placement_quality_ratio", 1),
           ("moved", "MiB", "moved_bytes", 1 << 20),
           ("slow wr.", "MiB", "slow_write_bytes", 1 << 20),
           ("ctl", "Minstr", "controller_instructions", 1e6))
DIGITS = {"ms": 0, "%": 1, "MiB": 0, "Minstr": 1}       # all others: 2


def figure(made, unit, name, scale):
    value = made.get(name)
    return "-" if value is None else f"{value / scale:.{DIGITS.get(unit, 2)}f}"


def text_row(made):
    nr = made["total_to_fast_ratio"]
    return (f"{made['workload']:13}{made['thp']:7}{'1:%g' % nr if nr else 'all':5}"
            f"{made['system']:12}" + (
                "".join(f"{figure(made, unit, name, scale):>9}"
                        for _, unit, name, scale in COLUMNS)
                if made["status"] == "ok" else f"  {made['status']}: {made['reason']}"))


def text(plan, rows):
    """The table for people."""
    out = [" " * 37 + "".join(f"{title:>9}" for title, _, _, _ in COLUMNS),
           f"{'workload':13}{'THP':7}{'fast':5}{'system':12}" +
           "".join(f"{unit:>9}" for _, unit, _, _ in COLUMNS)]
    out += [text_row(made) for made in rows]
    out += ["", *summary(plan, rows), ""]
    out += [f"{name}: {what}" for name, what in FIGURES.items()]
    return "\n".join(out) + "\n"


def expectations(plan, rows):
    """For each thing that plan.json expects: (sentence, does it hold).

    An expectation is for every row of its workload and system that was run; without one, nothing
    is said.
    """
    out = []
    for want in plan["expect"]:
        for made in rows:
            if made["status"] != "ok" or made["workload"] != want["workload"] or \
                    made["system"] != want["system"] or want["figure"] not in made:
                continue
            value = made[want["figure"]]
            holds = want.get("min", -math.inf) <= value <= want.get("max", math.inf)
            bounds = " ".join(f"{word} {want[word]}" for word in ("min", "max") if word in want)
            out.append((f"{made['workload']}.{made['system']}.{made['thp']}: {want['figure']} "
                        f"is {value}, {bounds}", holds))
    return out


def agreements(plan, records):
    """For each cell that was run twice: (sentence, do the runs agree within so many percent)."""
    first = {key(r): row(r) for r in records if not r["again"] and r["status"] == "ok"}
    out = []
    for record in records:
        if not record["again"] or record["status"] != "ok" or key(record) not in first:
            continue
        name = name_of(record)
        within_pct = plan["repeat"][name]
        one, other = first[key(record)]["run_time_ms"], row(record)["run_time_ms"]
        off_pct = 100 * abs(one - other) / one
        out.append((f"{name}: {one} and {other} ms agree within {within_pct} %",
                    off_pct <= within_pct))
    return out


def summary(plan, rows):
    """Over all workloads: the geometric mean of each system's time as a ratio to others."""
    out = []
    for system, about in plan["systems"].items():
        words = []
        for other in ("fast", "first_touch", "numab2"):
            ratios = [made[f"time_vs_{other}_ratio"] for made in rows
                      if made["system"] == system and made["total_to_fast_ratio"]
                      and made.get(f"time_vs_{other}_ratio")]
            if ratios:
                mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
                words.append(f"{mean:.3f} x {other.replace('_', ' ')} ({len(ratios)})")
        if words:
            out.append(f"{about['title']}: modelled time, geometric mean: {', '.join(words)}")
    return out


def line(record):
    """One record in one line, for progress."""
    name = name_of(record) + (".again" if record["again"] else "")
    if record["status"] != "ok":
        return f"{name}: {record['status']}: {record['reason']}"
    made = row(record)
    return (f"{name}: {made['run_time_ms']:.0f} ms, slow share {made['slow_share_pct']} %, "
            f"settled {made['settled_slow_share_pct']} %, {record['host_s']:.0f} s here")
