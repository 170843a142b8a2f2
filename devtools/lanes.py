#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The lanes of the check: each has a budget in seconds and prints what it took.

A lane is a function that returns (passed, failed).  A required test that could
not run counts as failed; what is optional is printed as `not run: reason` and
not counted.  A lane that takes more than twice its budget adds a failure.
Add a lane: write its function, enter it in LANES.

Called by devtools/check, which has set everything up.
"""
import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HUGEPAGES = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
N_HUGEPAGES = 512


def quiet(*cmd):
    """A command whose output matters only when it fails."""
    p = subprocess.run(cmd, cwd=TOP, text=True, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT)
    if p.returncode:
        print(p.stdout, end="")
        print("FAILED %s" % " ".join(cmd))
    return p.returncode == 0


def one(is_good):
    return (1, 0) if is_good else (0, 1)


# --- meson -----------------------------------------------------------------------
def compiled(folder):
    """Set up, or again, and build."""
    setup = ["meson", "setup", folder, "-Dwerror=true", "-Dtests=true"]
    if os.path.exists(os.path.join(TOP, folder, "build.ninja")):
        setup.append("--reconfigure")
    return quiet(*setup) and quiet("ninja", "-C", folder)


def tests(folder, suite):
    """Names of meson's tests in a suite."""
    p = subprocess.run(["meson", "introspect", "--tests", folder], cwd=TOP, text=True,
                       stdout=subprocess.PIPE, check=True)
    return [t["name"] for t in json.loads(p.stdout)
            if any(s.split(":")[-1] == suite for s in t["suite"])]


def meson_suite(folder, suite):
    """Runs a suite; counts its test cases."""
    if not tests(folder, suite):
        print("FAILED suite %s has no tests" % suite)
        return 0, 1
    subprocess.run(["meson", "test", "-C", folder, "--suite", suite, "--no-rebuild",
                    "--print-errorlogs"], cwd=TOP)
    logs = os.path.join(TOP, folder, "meson-logs/testlog")
    return count(logs + ".junit.xml", dict(crashed(logs + ".json")))


def count(junit, bad_programs):
    """(passed, failed) of a run.  What was skipped, or never came to an end, has failed."""
    passed, failed, told = 0, 0, set()
    for suite in xml.etree.ElementTree.parse(junit).iter("testsuite"):
        for case in suite.iter("testcase"):
            bad = [x for x in ("failure", "error", "skipped") if case.find(x) is not None]
            if bad:
                print("FAILED %s (%s)" % (case.get("name"), bad[0]))
                told |= {last(suite.get("name").split(".", 1)[-1]), last(case.get("name"))}
            passed += not bad and last(case.get("name")) not in bad_programs
            failed += len(bad)
    for name in bad_programs.keys() - told:     # it ended before its cases could fail
        print("FAILED %s (%s)" % (name, bad_programs[name]))
        failed += 1
    return passed, failed


def crashed(log):
    """(name, result) of the programs that meson says did not succeed."""
    with open(log) as f:
        for line in f:
            test = json.loads(line)
            if test["result"] != "OK":
                yield last(test["name"]), test["result"]


def last(name):
    """A test's own name, without those of its project and suite."""
    return name.split(" / ")[-1]


# --- the lanes ---------------------------------------------------------------------
def build(o):
    return one(compiled("build"))


def fast(o):
    return meson_suite("build", "fast")


def sanitize(o):
    """The fast tests again, built for ThreadSanitizer and AddressSanitizer."""
    return meson_suite("build", "sanitize")


def mp(o):
    with hugepages() as enough:
        if not enough:
            print("FAILED suite mp: no %d hugepages of 2 MiB" % N_HUGEPAGES)
            return 0, 1
        return meson_suite("build", "mp")


@contextlib.contextmanager
def hugepages():
    """Enough hugepages meanwhile (True if so); as many as before afterwards."""
    before = n_hugepages()
    if before < N_HUGEPAGES:
        n_hugepages(N_HUGEPAGES)
    try:
        yield n_hugepages() >= N_HUGEPAGES
    finally:
        n_hugepages(before)


def n_hugepages(wanted=None):
    """How many there are; first asks for `wanted`."""
    try:
        if wanted is not None:
            with open(HUGEPAGES, "w") as f:
                f.write(str(wanted))
        with open(HUGEPAGES) as f:
            return int(f.read())
    except OSError as e:
        print("hugepages: %s" % e)
        return 0


# A handful of the module's rows; --all runs them all.
MODULE_ROWS = "2 open, (sysfs|yank)|ghost|swap e1000e|bad input|line is quiet|testpmd e1000e yank"


def guest(o):
    passed, failed = rows(sys.executable, "app/test/guest/run.py", *(["--all"] if o.all else []))
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
    sys.path.insert(0, os.path.join(TOP, "app/test/guest"))
    import kernel
    p = subprocess.run(["kernel/linux/check-style", kernel.directory("6.1") + "/build",
                        *(["--fetch"] if o.all else [])], cwd=TOP, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(p.stdout, end="", flush=True)
    if p.returncode not in (0, 77):
        print("FAILED kernel/linux/check-style")
    return p.returncode == 0 or p.returncode == 77 and not o.all


def rows(*cmd):
    """A command that prints its own rows and its own last line."""
    p = subprocess.Popen(cmd, cwd=TOP, text=True, stdout=subprocess.PIPE)
    line = ""
    try:
        for line in p.stdout:
            print(line, end="", flush=True)
    finally:
        p.terminate()                       # it has ended, unless we are told to
        p.wait()
    m = re.fullmatch(r"(\d+) passed, (\d+) failed\n", line)
    if m is None:
        print("FAILED %s did not come to its end" % " ".join(cmd))
        return 0, 1
    return int(m.group(1)), int(m.group(2))


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
    """The ABI is the recorded one, lib/hotplug.abi; --all: a change would be found."""
    good, bad = one(quiet("devtools/abi-check"))
    if o.all:
        more = rows("devtools/abi-check", "--self-test")
        good, bad = good + more[0], bad + more[1]
    return good, bad


def package(o):
    """README's install section in clean chroots; fast has its short form."""
    if o.all:
        return rows("devtools/package-test")
    print("not run: the packages, in clean chroots (--all)")
    return 0, 0


# function, budget in seconds (for --all: without)
LANES = {"build": (build, 90), "fast": (fast, 60), "sanitize": (sanitize, 120),
         "mp": (mp, 150), "guest": (guest, 600),
         "module": (module, 150), "analysis": (analysis, 60), "bench": (bench, 30),
         "doc": (doc, 30), "abi": (abi, 60), "package": (package, 5)}


def main():
    ap = argparse.ArgumentParser(prog="devtools/check", description="builds and tests everything")
    ap.add_argument("--all", action="store_true", help="the full products")
    ap.add_argument("--lane", action="append", choices=LANES, help="only this one (repeatable)")
    ap.add_argument("--wants", action="store_true", help=argparse.SUPPRESS)
    o = ap.parse_args()
    if o.wants:                             # devtools/check asks whether the arguments are good
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("check: terminated"))
    if not o.all:                           # --all has no such bound
        print("budgets: " + ", ".join("%s %d s" % (n, b) for n, (_, b) in LANES.items()))
    done, passed, failed = [], 0, 0
    for name, (lane, budget) in LANES.items():
        if o.lane and name not in o.lane and name != "build":
            continue
        print("== " + name, flush=True)
        t = time.monotonic()
        good, bad = lane(o)
        seconds = time.monotonic() - t
        if seconds > 2 * budget and not o.all:
            print("FAILED lane %s took %.0f s, more than twice its budget" % (name, seconds))
            bad += 1
        done.append("%s %.0f s (%d passed, %d failed)" % (name, seconds, good, bad))
        passed, failed = passed + good, failed + bad
        print("== %s" % done[-1], flush=True)
        if name == "build" and bad:
            break                           # nothing else can run
    print("\nlanes: " + "; ".join(done))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("check: interrupted")
