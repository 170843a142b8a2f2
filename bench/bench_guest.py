#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Real removals, in a QEMU guest: ours beside stock.

usage: bench_guest.py OUTPUT.json

In:  a finished build/, a kernel that devtools/setup has made.  Out: figures
     (figures.py): from the first sign to the cut-off, to our event and to EAL's callback,
     by way of removal; how long the other port was silent; when a returned card forwards;
     a burst of uevents.  Exit status 1: a row failed.
"""
import json
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TOP, "bench")]
from figures import WAYS, compared                                        # noqa: E402

NONE = "(has none)"


def run_rows():
    """{name: what it measured}"""
    subprocess.run([sys.executable, os.path.join(TOP, "app/test/guest/run.py"), "--all",
                    "--only", "^bench|^watch burst"], check=True)
    with open(os.path.join(TOP, "out/guest.json"), encoding="utf-8") as f:
        return {r["name"]: r for r in json.load(f)}


def by_way(rows, way):
    signs, heal, stock = (rows["bench %s %s" % (what, way)] for what in ("signs", "heal", "stock"))
    yield compared("sign to cut-off, " + way, "us", signs["cut_us"], NONE)
    yield compared("sign to callback, " + way, "ms", signs["event_ms"], signs["stock_ms"])
    yield compared("the other port is silent, " + way, "ms", heal["gaps_ms"],
                   [stock["gap_ms"]] if stock["alive"] else "the process is dead")
    yield compared("return to first packet, " + way, "s", heal["flows_after_s"],
                   [stock["returned_s"]] if stock.get("returned_s") else "never")


def burst(rows):
    ours = rows["watch burst of 20000 uevents"]
    deaf = rows["watch burst control: stock's monitor goes deaf"]
    yield compared("20,000 uevents, 1 KiB of buffer: sign to callback", "ms", ours["told_ms"],
                   "deaf for good" if deaf["heard_after"] == 0 else "heard")


def main():
    rows = run_rows()
    figures = [f for four in zip(*(by_way(rows, way) for way in WAYS)) for f in four]
    with open(sys.argv[1], "w", encoding="utf-8") as f:
        json.dump(figures + list(burst(rows)), f, indent=1)


main()
