# SPDX-License-Identifier: BSD-3-Clause
"""What a run of the check tells at its end, and writes down.

In:  its lanes.  Out: the last lines on the terminal, an exit status and, of --all,
     out/check-all.md: day, tree, machine and a table of the lanes, as doc/matrix.md has it.
Called by devtools/lanes.py.
"""
import datetime
import os
import platform
import re
import subprocess

import commands
from commands import TOP

PAGE = os.path.join(TOP, "out/check-all.md")


class Lane:
    def __init__(self, name, passed, failed, seconds, cpu, budget):
        self.name, self.passed, self.failed = name, passed, failed
        self.seconds, self.cpu, self.budget = seconds, cpu, budget

    def figures(self):
        """What the constructor takes, without the name."""
        return self.passed, self.failed, self.seconds, self.cpu, self.budget

    def is_good(self):
        return not self.failed

    def slow(self):
        """A sentence if it is over its budget, or None."""
        if not self.budget or self.seconds <= self.budget:
            return None
        return "slow: lane %s took %.0f s, budget %d s" % (self.name, self.seconds, self.budget)

    def __str__(self):
        return "%s %.0f s, %.0f s of processors (%d passed, %d failed)" % (
            self.name, self.seconds, self.cpu, self.passed, self.failed)


def said(*cmd):
    try:
        p = subprocess.run(cmd, cwd=TOP, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return "?"
    return p.stdout.strip() or "?"


def first(pattern, path):
    try:
        with open(path) as f:
            return re.search(pattern, f.read(), re.M)[1].strip()
    except (OSError, TypeError):
        return "?"


def system():
    """What the results depend on, beside the tree."""
    qemu = re.match(r".*version ([\d.]+)", said("qemu-system-x86_64", "--version"))
    return "%s, gcc %s, DPDK %s, QEMU %s" % (
        first(r'^PRETTY_NAME="?(.*?)"?$', "/etc/os-release") + " "
        + first(r"(.*)", "/etc/debian_version"), said("gcc", "-dumpfullversion"),
        said("pkg-config", "--modversion", "libdpdk"), qemu[1] if qemu else "?")


def machine():
    gib = int(first(r"^MemTotal: *(\d+)", "/proc/meminfo")) / 2**20
    return "%d x %s, %.0f GiB, kernel %s" % (
        len(os.sched_getaffinity(0)), first(r"^model name\s*: (.*)", "/proc/cpuinfo"), gib,
        platform.release())


def page(lanes):
    yield "%s, tree %s: %d passed, %d failed, in %s.\n" % (
        datetime.date.today().isoformat(), said("git", "describe", "--always", "--dirty"),
        sum(x.passed for x in lanes), sum(x.failed for x in lanes),
        clock(sum(x.seconds for x in lanes)))
    yield "%s. %s.\n" % (system(), machine())
    yield "| lane | passed | failed | time | time of processors |\n|---|---|---|---|---|"
    for x in lanes:
        yield "| %s | %d | %d | %s | %s |" % (x.name, x.passed, x.failed, clock(x.seconds),
                                              clock(x.cpu))


def clock(seconds):
    minutes = int(seconds / 60 + 0.5)
    return "%.0f s" % seconds if seconds < 100 else "%d min" % minutes if minutes < 100 else \
        "%d h %d min" % divmod(minutes, 60)


def end(lanes, seconds, o):
    """Tells it; the exit status.  Some have run beside each other: seconds, of all of them."""
    passed, failed = sum(x.passed for x in lanes), sum(x.failed for x in lanes)
    if o.all:
        os.makedirs(os.path.dirname(PAGE), exist_ok=True)
        with open(PAGE, "w") as f:
            f.write("\n".join(page(lanes)) + "\n")
        print("\nsummary: " + os.path.relpath(PAGE, TOP))
    print("\nlanes: " + "; ".join(map(str, lanes)))
    print("in all %s" % clock(seconds))
    for line in commands.failures:
        print(line)
    for told in filter(None, (x.slow() for x in lanes)):
        print(told)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0
