#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Print the meter's JSON as a table, a column a phase.

    tools/meter/table.py FILE
"""
import json
import sys

NAMES = {0: "before", 1: "setup", 2: "run", 3: "check"}
LINE_BYTES = 64


def user_misses(phase, node):
    return sum(n["load_misses_user"] + n["store_misses_user"]
               for n in phase["nodes"] if n["node"] == node)


def share(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def rows(model, phase):
    """(name, text) of a phase."""
    yield "modelled time", f"{phase['time_ns'] / 1e6:.1f} ms"
    yield "  of it all vCPUs idle", f"{phase['idle_ns'] / 1e6:.1f} ms"
    yield "  waiting for memory", f"{phase['stall_ns'] / 1e6:.1f} ms"
    yield "  of that for bandwidth", f"{phase['queue_ns'] / 1e6:.1f} ms"
    for mode in ("user", "kernel"):
        yield f"instructions, {mode}", f"{phase[f'instructions_{mode}'] / 1e6:.2f} M"
    for mode in ("user", "kernel"):
        yield f"loads and stores, {mode}", \
            f"{(phase[f'loads_{mode}'] + phase[f'stores_{mode}']) / 1e6:.2f} M"
    yield "hits of the last cache", f"{phase['llc_hits'] / 1e6:.2f} M"
    for node in model["nodes"]:
        number = node["node"]
        yield f"user misses, node {number} ({node['tier']})", \
            f"{user_misses(phase, number) / 1e6:.3f} M"
    for node in phase["nodes"]:
        yield f"written back to node {node['node']}", \
            f"{node['write_backs'] * LINE_BYTES / 1e6:.1f} MB"
    target = phase["target"]
    yield "target's slow share", share(target["slow_misses"], sum(target.values()))
    for best in phase["oracle"]:
        size = f"{best['fast_bytes'] >> 20} MiB"
        yield f"  best static, {size} fast", \
            share(best["misses"] - best["static_fast_misses"], best["misses"])
    for mode in phase["memory_mode"]:
        size = f"{mode['fast_bytes'] >> 20} MiB"
        yield f"Memory Mode, {size}: time", f"{mode['time_ns'] / 1e6:.1f} ms"
        yield "  written to slow memory", f"{mode['write_backs_slow'] * LINE_BYTES / 1e6:.1f} MB"


def main(path):
    with open(path) as file:
        made = json.load(file)
    phases = [p for p in made["phases"]
              if p["phase"] and p["instructions_user"] + p["instructions_kernel"]]
    columns = [list(rows(made["model"], p)) for p in phases]
    print(f"{made['model']['fast']} and {made['model']['slow']}, modelled; "
          f"{made['model']['vcpus']} vCPUs")
    names = [NAMES.get(p["phase"], str(p["phase"])) for p in phases]
    print(f"{'':32}" + "".join(f"{name:>14}" for name in names))
    for line in zip(*columns):
        print(f"{line[0][0]:32}" + "".join(f"{text:>14}" for _, text in line))


if __name__ == "__main__":
    main(sys.argv[1])
