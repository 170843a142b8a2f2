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


def run(*cmd, **kw):
    """A command with its output as it comes; True when it succeeded."""
    return subprocess.run(cmd, cwd=TOP, **kw).returncode == 0


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
def compiled(folder, *options):
    """Set up (again, when the options may have changed) and build."""
    setup = ["meson", "setup", folder, "-Dwerror=true", *options]
    if os.path.exists(os.path.join(TOP, folder, "build.ninja")):
        setup.append("--reconfigure")
    return quiet(*setup) and quiet("ninja", "-C", folder)


def tests(folder, suite):
    """Names of meson's tests in a suite."""
    p = subprocess.run(["meson", "introspect", "--tests", folder], cwd=TOP, text=True,
                       stdout=subprocess.PIPE, check=True)
    return [t["name"] for t in json.loads(p.stdout)
            if any(s.split(":")[-1] == suite for s in t["suite"])]


def meson_suite(folder, suite, required=True, **env):
    """Runs a suite; counts its test cases."""
    if not tests(folder, suite):
        print(("FAILED" if required else "not run:") + " suite %s has no tests" % suite)
        return (0, 1) if required else (0, 0)
    run("meson", "test", "-C", folder, "--suite", suite, "--no-rebuild",
        "--print-errorlogs", env=dict(os.environ, **env))
    return count(os.path.join(TOP, folder, "meson-logs/testlog.junit.xml"))


def count(junit):
    """(passed, failed) of a JUnit file; a test that was skipped has failed."""
    passed = failed = 0
    for case in xml.etree.ElementTree.parse(junit).iter("testcase"):
        bad = [x for x in ("failure", "error", "skipped") if case.find(x) is not None]
        if bad:
            print("FAILED %s (%s)" % (case.get("name"), bad[0]))
            failed += 1
        else:
            passed += 1
    return passed, failed


# --- the lanes ---------------------------------------------------------------------
def build(o):
    return one(compiled("build"))


def fast(o):
    return meson_suite("build", "fast")


def sanitize(o):
    """The fast suite again, under AddressSanitizer and UBSan."""
    if not compiled("build-asan", "-Db_sanitize=address,undefined", "-Db_lundef=false"):
        return 0, 1
    return meson_suite("build-asan", "fast", UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")


def mp(o):
    if not tests("build", "mp"):
        print("not run: suite mp has no tests yet")
        return 0, 0
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


def guest(o):
    """The guest scenarios print their own rows and their own last line."""
    cmd = [sys.executable, "app/test/guest/run.py"] + (["--all"] if o.all else [])
    p = subprocess.Popen(cmd, cwd=TOP, text=True, stdout=subprocess.PIPE)
    last = ""
    for line in p.stdout:
        print(line, end="", flush=True)
        last = line
    p.wait()
    m = re.fullmatch(r"(\d+) passed, (\d+) failed\n", last)
    if m is None:
        print("FAILED the guest scenarios did not come to their end")
        return 0, 1
    return int(m.group(1)), int(m.group(2))


def doc(o):
    """Spelling of every file in git, and the documents' own tests."""
    files = subprocess.run(["git", "ls-files"], cwd=TOP, text=True, check=True,
                           stdout=subprocess.PIPE).stdout.split()
    spelling = one(quiet("codespell", *[f for f in files if not f.endswith((".svg", ".png"))]))
    others = meson_suite("build", "doc", required=False)
    return spelling[0] + others[0], spelling[1] + others[1]


# function, budget in seconds (for --all: without)
LANES = {"build": (build, 90), "fast": (fast, 60), "sanitize": (sanitize, 120),
         "mp": (mp, 150), "guest": (guest, 600), "doc": (doc, 30)}


def main():
    ap = argparse.ArgumentParser(prog="devtools/check", description="builds and tests everything")
    ap.add_argument("--all", action="store_true", help="the full products")
    ap.add_argument("--lane", action="append", choices=LANES, help="only this one (repeatable)")
    o = ap.parse_args()
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
