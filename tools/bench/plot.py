# SPDX-License-Identifier: GPL-2.0
"""Pictures of a comparison: the slow tier's share of the target's misses over modelled time.

One SVG for each workload and THP mode, a panel for each size of the fast tier, a line for each
system.  gnuplot draws.
"""
import os
import subprocess

import rows

PANEL = (480, 380)


def panels_of(plan, records):
    """{(workload, thp): {ratio: [(title, [(s, %)...])...]}}"""
    pictures = {}
    shown = [r for r in records if r["status"] == "ok" and r["ratio"]]
    for record in sorted(shown, key=lambda r: list(plan["systems"]).index(r["system"])):
        panels = pictures.setdefault((record["workload"], record["thp"]), {})
        panels.setdefault(record["ratio"], []).append(
            (plan["systems"][record["system"]]["title"], rows.series(record)))
    return pictures


def quoted(text):
    """As a string of gnuplot."""
    return "'" + text.replace("'", "''") + "'"


def script(name, panels):
    """gnuplot's, with the data in it."""
    out = [f"set terminal svg noenhanced size {PANEL[0] * len(panels)},{PANEL[1]} background 'white'",
           f"set multiplot layout 1,{len(panels)} title {quoted(name)}",
           "set xlabel 'modelled time, s'", "set ylabel 'slow share of misses, %'",
           "set yrange [0:100]", "set grid", "set key below font ',9'"]
    for panel, (ratio, lines) in enumerate(sorted(panels.items())):
        out.append(f"set title 'fast tier 1:{ratio} of all memory'")
        for number, (_, points) in enumerate(lines):
            out += [f"$line{panel}_{number} << EOD",
                    *(f"{ms / 1000:.3f} {pct}" for ms, pct in points), "EOD"]
        out.append("plot " + ", ".join(
            f"$line{panel}_{number} using 1:2 with lines lw 2 title {quoted(title)}"
            for number, (title, _) in enumerate(lines)))
    return "\n".join(out) + "\nunset multiplot\n"


def draw(plan, records, folder):
    """Draw all pictures into a folder; their paths."""
    paths = []
    for (workload, thp), panels in panels_of(plan, records).items():
        path = os.path.join(folder, f"{workload}.{thp}.svg")
        made = subprocess.run(["gnuplot"], input=script(f"{workload}, THP {thp}", panels),
                              text=True, check=True, stdout=subprocess.PIPE)
        with open(path, "w") as file:
            file.write(made.stdout)
        paths.append(path)
    return paths
