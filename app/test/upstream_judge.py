#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How doc/upstream/repro/run judges: a report's ranges, a DPDK, what its program did there.

usage: upstream_judge.py RUN

In:  the program's own functions, on made-up runs; and the reports, as they are.  Out: TAP.
"""
import importlib.machinery
import importlib.util
import os
import re
import sys

RUN = os.path.abspath(sys.argv[1])
REPORTS = os.path.dirname(os.path.dirname(RUN))

REPORT = """## Observed

DPDK 22.11 to 22.11.12 (seen on 22.11.11, 22.11.12):

    deaf
    for good

DPDK 24.11 to 25.11 (seen on 24.11.4):

    deaf

DPDK 26.03 and later (seen on 26.07.0):

    deaf, too
"""
# version, exit status, what is printed: is it good, a word of the remark
RUNS = (
    ("22.11.11", 1, "deaf\nfor good\n", True, "^$"),
    ("22.11.11", 1, "deaf\n", False, "looks otherwise"),        # the page is wrong
    ("22.11.11", 0, "", False, "has seen it"),                  # the program is wrong
    ("22.11.5", 1, "deaf\nfor good\n", True, "^$"),             # nobody has tried it
    ("22.11.5", 1, "deaf\n", True, "looks otherwise"),
    ("22.11.13", 0, "", True, "not in DPDK 22.11.13, as the report says"),
    ("22.11.13", 1, "deaf\nfor good\n", False, "no range"),     # the range's end is wrong
    ("24.11.5", 1, "deaf\n", True, "^$"),                       # Debian's next one
    ("24.11.5", 0, "", True, "gone in DPDK 24.11.5.* 24.11 to 25.11: end that range"),
    ("25.11.3", 1, "deaf\n", True, "^$"),                       # 25.11 is all of 25.11.x
    ("25.12", 1, "deaf\n", False, "no range"),
    ("26.07.0", 1, "deaf, too\n", True, "^$"),
    ("26.11.0-rc1", 1, "deaf, too\n", True, "^$"),              # newer than all: still true
    ("27.03.0", 0, "", True, "gone in DPDK 27.03.0.* 26.03 and later"),
    ("21.11.9", 1, "deaf\n", False, "no range"),
    ("22.11.11", 2, "", False, "could not tell: exit status 2"),
    ("24.11.5", 245, "", False, "could not tell"),
)


def load():
    """The program as a module; it has no .py in its name."""
    loader = importlib.machinery.SourceFileLoader("upstream_run", RUN)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("upstream_run", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


def check_runs(run):
    said = run.ranges(REPORT)
    for version, status, text, good, remark in RUNS:
        found = run.verdict(said, version, status, text)
        yield (f"DPDK {version}, exit status {status}, {text!r}", found[0] == good and
               re.search(remark, found[1]) is not None, found)


def check_bad_headings(run):
    """One that is not understood would otherwise be a range that nobody misses."""
    for heading in "DPDK 22.11.11, 24.11.4:", "DPDK 22.11 till 24.11 (seen on 22.11.11):", "Linux 6.1:":
        try:
            found = run.ranges(f"## Observed\n\n{heading}\n\n    deaf\n")
        except ValueError as e:
            found = e
        yield heading, isinstance(found, ValueError), found


def check_reports(run):
    """Each can be read, has what it was seen on in its ranges, and README's table agrees."""
    with open(os.path.join(REPORTS, "README.md")) as f:
        readme = f.read()
    for name in run.NAMES:
        said = run.reported(name)
        seen = [v for r in said for v in r.seen]
        outside = [v for r in said for v in r.seen if not run.has(r, v)]
        row = re.search(rf"^\| \[{name}\]\(.*\| (.*) \| test `upstream` \|$", readme, re.M)
        yield (f"the report {name}", not outside and row is not None and row.group(1) == ", ".join(seen),
               (seen, outside, row))


def main():
    run = load()
    results = [*check_runs(run), *check_bad_headings(run), *check_reports(run)]
    print(f"1..{len(results)}")
    for n, (name, good, found) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {n} - {name}")
        if not good:
            print(f"# {found}")
    return any(not good for _, good, _ in results)


if __name__ == "__main__":
    sys.exit(main())
