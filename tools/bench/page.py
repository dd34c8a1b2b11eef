# SPDX-License-Identifier: GPL-2.0
"""The comparison as tables for a page of the documentation, in Markdown.

One line for each workload, THP mode and size of the fast tier, one column for each system.  A
cell that has no figures has a letter; below the table stands what it means.
"""
VIEWS = (
    ("modelled time over that of all fast / slow share of misses in the last third, %",
     (("time_vs_fast_ratio", 1, 2), ("settled_slow_share_pct", 1, 1))),
    ("placement quality / moved, MiB / written to the slow tier, MiB / by the controller, "
     "10^6 instructions",
     (("placement_quality_ratio", 1, 2), ("moved_bytes", 1 << 20, 0),
      ("slow_write_bytes", 1 << 20, 0), ("controller_instructions", 1e6, 0))),
)


def cell(made, figures, reasons):
    """The figures of one row, or the letter of the reason why it has none."""
    if made is None:
        return ""
    if made["status"] != "ok":
        why = f"{made['status']}: {made['reason']}"
        if why not in reasons:
            reasons.append(why)
        return f"[{chr(ord('a') + reasons.index(why))}]"
    values = [(made.get(name), scale, digits) for name, scale, digits in figures]
    return " / ".join("-" if value is None else f"{value / scale:.{digits}f}"
                      for value, scale, digits in values)


def view(plan, rows, title, figures):
    """The lines of one table and, below it, its reasons."""
    found = {(r["workload"], r["thp"], r["total_to_fast_ratio"], r["system"]): r for r in rows}
    systems = [name for name in plan["systems"] if any(r["system"] == name for r in rows)]
    lines = [title, "", "| workload | THP | fast | " +
             " | ".join(plan["systems"][name]["title"] for name in systems) + " |",
             "|---" * (3 + len(systems)) + "|"]
    reasons = []
    for workload, thp, nr in sorted(
            {(r["workload"], r["thp"], r["total_to_fast_ratio"]) for r in rows
             if r["total_to_fast_ratio"]},
            key=lambda k: (list(plan["workloads"]).index(k[0]), k[1], k[2])):
        cells = [cell(found.get((workload, thp, nr, name)) or found.get((workload, thp, None, name)),
                      figures, reasons) for name in systems]
        lines.append(f"| {workload} | {thp} | 1:{nr:g} | " + " | ".join(cells) + " |")
    return lines + [""] + [f"[{chr(ord('a') + i)}] {why}" for i, why in enumerate(reasons)]


def page(plan, rows):
    """All tables."""
    return "\n".join("\n".join(view(plan, rows, *about)) for about in VIEWS) + "\n"
