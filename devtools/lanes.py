#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The lanes of the check: each has a budget in seconds and prints what it took.

A lane is a function that returns (passed, failed).  A required test that could not run
counts as failed, so does a lane that lacks what needs.py says; what is optional is
printed as `not run: reason` and not counted.  A lane over its budget is told as slow:
that says something of the machine, or of the lane, and nothing of what was tested.
Those that measure nothing run beside others (devtools/beside.py), and what one of them says is
printed when it has ended: BEHIND what comes after the build, on what that leaves of the
processors; the LAST ones, two at a time, when all others had their turns; at the end those that
run ALONE.  With --all each runs alone.
Add a lane: write its function, enter it in LANES and, with what it calls, in needs.py.

--all takes hours: what has passed in a run that was interrupted, or that failed, is not
run again on the same tree.  Its summary goes to out/check-all.md.

Called by devtools/check, which has set everything up.
"""
import argparse
import collections
import fcntl
import os
import re
import subprocess
import sys
import tempfile
import time

import beside
import children
import commands
from commands import TOP, compiled, meson_suite, one, quiet, rows, trust_checkout
import needs
import resume
import summary

sys.path[:0] = [os.path.join(TOP, folder) for folder in ("app/test", "app/test/guest")]
import hugepages                                                        # noqa: E402
import kernel                                                           # noqa: E402

N_HUGEPAGES = 512
STORM_S = 600               # of each build of the storm
LOSSES = 1000               # of an interface under three processes
# What --all writes itself is not what was tested.
GENERATED = ":!doc/matrix.md", ":!doc/benchmarks.md", ":!doc/pictures/bench-*", ":!bench/bench-*.json"


# --- the lanes ---------------------------------------------------------------------
def build(o):
    return one(compiled("build") and quiet("devtools/rooms", "build"))


# Its tests wait for half of their time: three of them keep two processors busy.
CROWDED = "--num-processes", str(os.cpu_count() + 1)


def fast(o):
    return meson_suite("build", "fast", *CROWDED)


def sanitize(o):
    """The fast tests again, built for ThreadSanitizer and AddressSanitizer; --all: and more
    of the parsers' made-up inputs."""
    suites = ["sanitize"] + (["long"] if o.all else [])
    return tuple(map(sum, zip(*(meson_suite("build", name, *CROWDED) for name in suites))))


def mp(o):
    """With hugepages of its own: another check's turn comes before or after."""
    pool = hugepages.Pool()
    with pool.turns(), pool.taken(N_HUGEPAGES) as enough:
        if enough is not True:
            commands.fails("FAILED suite mp: %s" % enough)
            return 0, 1
        passed, failed = meson_suite("build", "mp")
        if o.all:
            good = quiet(sys.executable, "app/test/mp_vdev.py", "build/lib/libdpdk-hotplug.so.0",
                         str(LOSSES))
            passed, failed = passed + good, failed + (not good)
        for program in ("storm", "storm_asan", "storm_tsan") if o.all else ():
            good = quiet("env", "ASAN_OPTIONS=detect_leaks=0:handle_sigbus=0",
                         "TSAN_OPTIONS=ignore_noninstrumented_modules=1",
                         "build/app/test/" + program, "--seconds", str(STORM_S))
            passed, failed = passed + good, failed + (not good)
        return passed, failed


# A handful of the module's rows; --all runs them all.  `arming` does what its row without does.
MODULE_ROWS = ("e1000, 2 open, sysfs|2 open, (yank|sysfs, arming)|ghost|swap e1000e|bad input|"
               "line is quiet|testpmd virtio-net-pci sysfs|opened while|forgets, ")


def guest(o):
    passed, failed = rows(sys.executable, "app/test/guest/run.py", *(["--all"] if o.all else []),
                          *(["--anew"] if o.all and o.begins else []))
    if o.all:                               # README shows it
        good = quiet(sys.executable, "app/test/guest/demo.py", "--both")
        passed, failed = passed + good, failed + (not good)
    return passed, failed


def module(o):
    """Our igb_uio, without the library."""
    good = style(o)
    passed, failed = rows(sys.executable, "app/test/guest/on_kernel.py", "6.1",
                          *(["--all"] if o.all else ["--only", MODULE_ROWS]))
    return passed + good, failed + (not good)


def style(o):
    """sparse and checkpatch; the latter is fetched for --all (139 MB)."""
    p = subprocess.run(["kernel/linux/check-style", kernel.directory("6.1") + "/build",
                        *(["--fetch"] if o.all else [])], cwd=TOP, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(p.stdout, end="", flush=True)
    if p.returncode not in (0, 77):
        commands.fails("FAILED kernel/linux/check-style")
    return p.returncode == 0 or p.returncode == 77 and not o.all


def analysis(o):
    """Without --all: the tools that are quick."""
    return rows(sys.executable, "devtools/analyse", *(["--all"] if o.all else []))


def bench(o):
    """The fast path is the driver's own; --all: and all that can be measured here."""
    return one(quiet(sys.executable, "bench/run", *([] if o.all else ["--short"])))


def doc(o):
    """Spelling of every file in git."""
    files = subprocess.run(["git", "ls-files"], cwd=TOP, text=True, check=True,
                           stdout=subprocess.PIPE).stdout.split()
    return one(quiet("codespell", *[f for f in files if not f.endswith((".svg", ".png"))]))


def abi(o):
    """The ABI of what was built is the recorded one, lib/hotplug.abi; --all: a change would be
    found."""
    good, bad = one(quiet("devtools/abi-check", "--built", "build"))
    if o.all:
        more = rows("devtools/abi-check", "--self-test")
        good, bad = good + more[0], bad + more[1]
    return good, bad


def fresh(o):
    """A clean Debian, a clone, devtools/setup, and everything begins to run; --all: the whole
    demo and the whole check in it, and a package struck from setup's list is missed."""
    return rows(sys.executable, "devtools/fresh", *(["--all"] if o.all else []),
                *(["--turn", o.turn] if o.turn else []))


def package(o):
    """README's install section in clean chroots; a tarball and a subproject build.  Suite
    fast has the short form of both."""
    if not o.all:
        print("not run: the packages, in clean chroots; suite builds (--all)")
        return 0, 0
    return tuple(map(sum, zip(rows("devtools/package-test"), meson_suite("build", "builds"))))


ROOT = "it needs root: "
BEHIND, ALONE, LAST = "behind", "alone", "last"
Lane = collections.namedtuple("Lane", "run budget root when", defaults=(None, None))
LANES = {"build": Lane(build, 140), "fast": Lane(fast, 90), "sanitize": Lane(sanitize, 60),
         "mp": Lane(mp, 250, ROOT + "its tests have mounts and networks of their own"),
         "guest": Lane(guest, 370), "bench": Lane(bench, 20, when=ALONE),
         "fresh": Lane(fresh, 1000, ROOT + "it makes a system of its own", BEHIND),
         "module": Lane(module, 250, when=LAST), "analysis": Lane(analysis, 400, when=BEHIND),
         "abi": Lane(abi, 60, when=BEHIND), "doc": Lane(doc, 30, when=BEHIND),
         "package": Lane(package, 5, when=LAST)}


def run(name, o):
    """(passed, failed) of a lane that may lack what it needs."""
    lane, missing = LANES[name], needs.missing(name, o.all)
    if missing:
        commands.fails("FAILED lane %s: there is no %s: devtools/setup installs it"
                       % (name, ", no ".join(missing)))
        return 0, 1
    if lane.root and os.geteuid() != 0:
        commands.fails("FAILED lane %s: %s" % (name, lane.root))
        return 0, 1
    try:
        return lane.run(o)
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as e:
        commands.fails("FAILED lane %s: %s" % (name, e))
        return 0, 1


def timed(name, o):
    """What summary.py keeps of a lane."""
    print("== " + name, flush=True)
    begin, cpu = time.monotonic(), children.seconds()
    good, bad = run(name, o)
    done = summary.Lane(name, good, bad, time.monotonic() - begin, children.seconds() - cpu,
                        0 if o.all else LANES[name].budget)
    print("== %s" % done, flush=True)
    return done


class Others:
    """Lanes that run beside others, and what has come of those that have ended."""

    def __init__(self, o):
        self.together, self.o = beside.Beside(self.do), o
        self.turns, self.path = tempfile.mkstemp()      # locked while the others have theirs
        fcntl.flock(self.turns, fcntl.LOCK_EX)

    def do(self, name):
        if LANES[name].when == BEHIND:
            beside.stand_back()
            self.o.turn = self.path
        return run(name, self.o)

    def begin(self, names):
        """They go on while other lanes run."""
        if names:
            print("== %s: behind the others" % ", ".join(names), flush=True)
        for name in names:
            self.together.begin(name)

    def end(self, names=()):
        """As timed(), of each that runs, and of these, which begin now."""
        fcntl.flock(self.turns, fcntl.LOCK_UN)
        if len(names) > 1:
            print("== %s: two at a time; each tells what it has to say at its end"
                  % ", ".join(names), flush=True)
        for name, said, counts, seconds, cpu in self.together.run(names):
            print("== %s\n%s" % (name, said), end="")
            commands.failures += [x for x in said.splitlines() if x.startswith("FAILED ")]
            if counts is None:
                commands.fails("FAILED lane %s did not come to its end" % name)
            done = summary.Lane(name, *(counts or (0, 1)), seconds, cpu, LANES[name].budget)
            print("== %s" % done, flush=True)
            yield done

    def tell_left(self):
        """When all is over."""
        os.close(self.turns)
        os.unlink(self.path)
        for name, said in self.together.left():
            print("== %s, until it was ended\n%s" % (name, said), flush=True)


def known(o):
    """What --all remembers of this tree on this system; else nothing is kept."""
    if not o.all:
        return None
    key = resume.key(resume.tree(TOP, *GENERATED), summary.system())
    return resume.Results(os.path.join(kernel.cache(), "results"), "check", key, fresh=o.anew)


def before(name, results):
    entry = results.passed(name) if results and name != "build" else None
    if entry is None:
        return None
    done = summary.Lane(name, *entry["lane"])
    print("== %s: passed on %s, not run again: %s" % (name, entry["when"], done), flush=True)
    return done


def chosen(o):
    for name in LANES:
        if name in o.without:
            print("not run: lane %s (--without)" % name)
        elif not o.lane or name in o.lane or name == "build":
            yield name


def placed(names, o):
    """(those that run one after the other, behind them, last, at the end)."""
    where = {n: None if o.all else LANES[n].when for n in names}
    turns, behind, last, end = ([n for n in names if where[n] == x]
                                for x in (None, BEHIND, LAST, ALONE))
    if len(last) == 1 and not behind:       # nothing is beside it
        turns, last = turns + last, []
    if turns == ["build"] and not last:     # or before it
        turns, behind = turns + behind, []
    return turns, behind, last, end


def in_turn(name, results, o):
    lane = before(name, results)
    if lane is None:
        lane = timed(name, o)
        if results:
            results.add(name, lane.is_good(), lane=lane.figures())
    return lane


def all_of(names, results, others, o):
    """What summary.py keeps of each lane, as it ends."""
    turns, behind, last, end = placed(names, o)
    for name in turns:
        lane = in_turn(name, results, o)
        yield lane
        if name == "build" and lane.failed:
            print("not run: all other lanes, there is nothing built")
            return
        if name == "build":
            others.begin(behind)
    yield from others.end(last)
    for name in end:
        yield in_turn(name, results, o)


def options():
    ap = argparse.ArgumentParser(prog="devtools/check", description="builds and tests everything")
    ap.add_argument("--all", action="store_true", help="the full products, for hours; goes on "
                    "where an earlier run of this tree was ended")
    ap.add_argument("--anew", action="store_true", help="--all: from the beginning")
    ap.add_argument("--lane", action="append", choices=LANES, help="only this one (repeatable)")
    ap.add_argument("--without", action="append", choices=LANES, default=[],
                    help="all but this one (repeatable)")
    ap.add_argument("--wants", action="store_true", help=argparse.SUPPRESS)
    ap.set_defaults(turn=None)
    return ap.parse_args()


def main():
    o = options()
    if o.wants:                             # devtools/check asks whether it is called rightly
        return 0
    children.adopt()
    children.end_by_signal("check")
    trust_checkout()
    if not o.all:                           # --all has no such bound
        print("budgets: " + ", ".join("%s %d s" % (n, x.budget) for n, x in LANES.items()))
    results, others = known(o), Others(o)
    o.begins = results is not None and not results.last         # and goes on with nothing
    begin, names = time.monotonic(), list(chosen(o))
    try:
        done = list(all_of(names, results, others, o))
    finally:
        others.tell_left()
    status = summary.end(done, time.monotonic() - begin, o)
    if status == 0 and {x.name for x in done} == set(LANES):
        known(argparse.Namespace(all=o.all, anew=True))         # the next one begins anew
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("check: interrupted")
    finally:
        children.end_all()
