#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Does tools/bench make the right rows of what the meter and the guest said?  Prints TAP.

The example: a target with 100 misses in the run, for which the fast tier has a quarter of its
memory.  The best static placement would have answered 80 of them from the fast tier.
"""
import copy
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools", "bench"))
import page    # noqa: E402  pylint: disable=wrong-import-position
import plot    # noqa: E402  pylint: disable=wrong-import-position
import rows    # noqa: E402  pylint: disable=wrong-import-position

MIB = 1 << 20
PLAN = {
    "systems": {"fast": {"title": "all fast", "limit": True},
                "slow": {"title": "all slow", "limit": True},
                "first-touch": {"title": "no tiering"}, "memory-mode": {"title": "model"},
                "hemem": {"title": "hemem"}},
    "workloads": {"gups": {}}, "ratios": [4], "repeat": {"gups.hemem.never.4": 1},
    "expect": [{"workload": "gups", "system": "hemem", "figure": "slow_share_pct", "max": 30}],
}


def record(system, ratio, fast, slow, time_ms):
    """Ten windows of 100 ms, in which the slow share falls from all of `slow` to nothing."""
    return {
        "workload": "gups", "system": system, "thp": "never", "ratio": ratio, "again": False,
        "status": "ok", "reason": "", "kernel": "newest", "start": "touch",
        "total_bytes": 256 * MIB, "fast_bytes": 256 * MIB // ratio if ratio else 0,
        "host_s": 20,
        "said": ["fast_free_bytes 67108864", "controller 7", "done updates=1",
                 "vmstat pgmigrate_success 10", "vmstat pgmigrate_fail 3"],
        "meter": {
            "phases": [
                {"phase": 1},
                {"phase": 2, "time_ns": time_ms * 10 ** 6, "instructions_kernel": 5,
                 "nodes": [{"node": 0, "write_backs": 1}, {"node": 1, "write_backs": 3}],
                 "target": {"fast_misses": fast, "slow_misses": slow},
                 "oracle": [{"fast_bytes": 64 * MIB, "static_fast_misses": 80,
                             "window_fast_misses": 90, "misses": 100}],
                 "memory_mode": [{"fast_bytes": 64 * MIB, "hits": 60, "misses": 40,
                                  "write_backs_slow": 2, "time_ns": 9 * 10 ** 9}]}],
            "windows": [{"phase": 1, "time_ms": 0, "fast_misses": 1, "slow_misses": 1}] + [
                {"phase": 2, "time_ms": 500 + 100 * i, "fast_misses": fast,
                 "slow_misses": slow * (9 - i)} for i in range(10)],
            "processes": [{"pid": 6, "instructions_user": 99, "instructions_kernel": 99},
                          {"pid": 7, "instructions_user": 1, "instructions_kernel": 2}]},
    }


RECORDS = [record("fast", None, 100, 0, 6000), record("slow", None, 0, 100, 14000),
           record("first-touch", 4, 30, 70, 11000), record("hemem", 4, 75, 25, 7000)]


def made(system, records=None):
    return next(r for r in rows.table(PLAN, records or RECORDS) if r["system"] == system)


def test_figures_of_a_row():
    row = made("hemem")
    assert row["slow_share_pct"] == 25
    assert row["oracle_slow_share_pct"] == 20 and row["oracle_window_slow_share_pct"] == 10
    assert row["placement_quality_ratio"] == 0.9375
    assert row["moved_bytes"] == 40960 and row["slow_write_bytes"] == 192
    assert row["controller_instructions"] == 3 and row["kernel_instructions"] == 5


def test_settled_is_the_last_third():
    assert made("hemem")["settled_slow_share_pct"] == 25     # 3 windows: 50, 25 and 0 to 225


def test_times_are_compared_with_every_system_beside():
    row = made("hemem")
    assert row["time_vs_fast_ratio"] == 1.1667 and row["time_vs_slow_ratio"] == 0.5
    assert row["time_vs_first_touch_ratio"] == 0.6364
    assert row["time_vs_memory_mode_ratio"] == 0.7778


def test_memory_mode_is_made_of_the_all_slow_run():
    row = made("memory-mode")
    assert row["run_time_ms"] == 9000 and row["slow_share_pct"] == 40
    assert row["slow_write_bytes"] == 128 and row["total_to_fast_ratio"] == 4


def test_a_skipped_cell_keeps_its_reason_and_has_no_figure():
    skipped = dict(record("hemem", 4, 0, 0, 1), status="skipped", reason="no such kernel")
    row = made("hemem", RECORDS[:3] + [skipped])
    assert row["reason"] == "no such kernel" and "run_time_ms" not in row
    assert "skipped: no such kernel" in rows.text(PLAN, [row])


def test_every_row_stands_in_the_text():
    text = rows.text(PLAN, rows.table(PLAN, RECORDS))
    assert sum(line.startswith("gups ") for line in text.splitlines()) == 5


def test_the_page_has_a_figure_or_a_reason_for_each_cell():
    skipped = dict(record("hemem", 4, 0, 0, 1), status="skipped", reason="no such kernel")
    lines = page.page(PLAN, rows.table(PLAN, RECORDS)).splitlines()
    assert "| gups | never | 1:4 | 1.00 / 0.0 | 2.33 / 100.0 | 1.83 / 70.0 | 1.50 / - | " \
        "1.17 / 25.0 |" in lines
    lines = page.page(PLAN, rows.table(PLAN, RECORDS[:3] + [skipped])).splitlines()
    assert any(line.endswith(" | [a] |") for line in lines)
    assert "[a] skipped: no such kernel" in lines


def test_an_expectation_can_fail():
    assert [holds for _, holds in rows.expectations(PLAN, rows.table(PLAN, RECORDS))] == [True]
    worse = RECORDS[:3] + [record("hemem", 4, 60, 40, 7000)]
    assert [holds for _, holds in rows.expectations(PLAN, rows.table(PLAN, worse))] == [False]


def test_two_runs_agree_or_not():
    for time_ms, agree in ((7069, True), (7071, False)):
        again = copy.deepcopy(dict(RECORDS[3], again=True))
        again["meter"]["phases"][1]["time_ns"] = time_ms * 10 ** 6
        assert [holds for _, holds in rows.agreements(PLAN, RECORDS + [again])] == [agree]


def test_a_picture_has_a_line_for_each_system_with_a_ratio():
    panels = plot.panels_of(PLAN, RECORDS)[("gups", "never")]
    assert [title for title, _ in panels[4]] == ["no tiering", "hemem"]
    assert panels[4][1][1][0] == (0, 75.0) and panels[4][1][1][9] == (900, 0.0)
    assert plot.script("gups", panels).count("lines lw") == 2


def test_a_ratio_may_be_no_whole_number():
    script = plot.script("x", {3.4: [("one", [(0, 1.0)])]})
    made = plot.subprocess.run(["gnuplot"], input=script, text=True, check=False,
                               stdout=plot.subprocess.PIPE, stderr=plot.subprocess.PIPE)
    assert made.returncode == 0 and "1:3.4" in made.stdout, made.stderr


def test_a_title_with_an_apostrophe_is_one_word():
    lines = plot.script("x", {4: [("Tom's", [(0, 1.0)])]}).splitlines()
    assert any(line.endswith("title 'Tom''s'") for line in lines)


def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    failed = 0
    print(f"1..{len(tests)}")
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {name[5:].replace('_', ' ')}")
        except (AssertionError, KeyError, StopIteration) as error:
            failed += 1
            where = error.__traceback__.tb_next
            print(f"not ok {number} - {name[5:].replace('_', ' ')}")
            print(f"# line {where.tb_lineno if where else '?'}: {error!r}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
