# SPDX-License-Identifier: BSD-3-Clause
"""What the lanes of the check run, and how they count it: (passed, failed).

In:  commands, in the checkout's folder; meson's suites; programs that print their own rows.
Out: their output where it matters, and counts.  What was skipped, or never came to an end,
     has failed.
Called by devtools/lanes.py, devtools/fresh and devtools/matrix.
"""
import json
import os
import re
import subprocess
import xml.etree.ElementTree

import children

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PIPED = dict(cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
# A test's timeout is for a machine like ours at work: a slow one is told, not failed (N6).
PATIENCE = 4


def trust_checkout():
    """git refuses the checkout of another user, which root may well check."""
    os.environ.update(GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory",
                      GIT_CONFIG_VALUE_0="*")


def quiet(*cmd):
    """A command whose output matters only when it fails."""
    status, said = children.run(*cmd, **PIPED)
    if status:
        print(said, end="")
        fails("FAILED %s" % " ".join(cmd))
        failures.extend("  " + line[:200] for line in said.splitlines()[-5:])
    return status == 0


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


failures = []           # what has failed, said once more at the end: the middle of a log gets lost


def fails(line):
    print(line)
    failures.append(line)


def meson_suite(folder, suite, *options):
    """Runs a suite; counts its test cases."""
    if not tests(folder, suite):
        print("FAILED suite %s has no tests" % suite)
        return 0, 1
    return meson_test(folder, "--suite", suite, *options)


def meson_test(folder, *which):
    """Runs tests; counts their cases.  Says which took longest."""
    logs = os.path.join(TOP, folder, "meson-logs/testlog")
    for kind in ".junit.xml", ".json":          # those of another run are not ours
        if os.path.exists(logs + kind):
            os.unlink(logs + kind)
    children.run("meson", "test", "-C", folder, *which, "--no-rebuild", "--print-errorlogs",
                 "--timeout-multiplier", str(PATIENCE), cwd=TOP)
    if not os.path.exists(logs + ".junit.xml"):
        print("FAILED meson test %s" % " ".join(which))
        return 0, 1
    print("longest: " + ", ".join("%s %.0f s" % x for x in longest(logs + ".json")), flush=True)
    counts = count(logs + ".junit.xml", dict(crashed(logs + ".json")))
    for name, line in last_words(logs + ".json"):
        fails("  %s: %s" % (name, line))
    return counts


def longest(log, n=4):
    with open(log) as f:
        tests = [(last(t["name"]), t["duration"]) for t in map(json.loads, f)]
    return sorted(tests, key=lambda t: -t[1])[:n]


def count(junit, bad_programs):
    """(passed, failed) of a run.  What was skipped, or never came to an end, has failed."""
    passed, failed, told = 0, 0, set()
    for suite in xml.etree.ElementTree.parse(junit).iter("testsuite"):
        for case in suite.iter("testcase"):
            bad = [x for x in ("failure", "error", "skipped") if case.find(x) is not None]
            if bad:
                fails("FAILED %s (%s)" % (case.get("name"), bad[0]))
                told |= {last(suite.get("name").split(".", 1)[-1]), last(case.get("name"))}
            passed += not bad and last(case.get("name")) not in bad_programs
            failed += len(bad)
    for name in bad_programs.keys() - told:     # it ended before its cases could fail
        fails("FAILED %s (%s)" % (name, bad_programs[name]))
        failed += 1
    return passed, failed


def crashed(log):
    """(name, result) of the programs that meson says did not succeed."""
    with open(log) as f:
        for line in f:
            test = json.loads(line)
            if test["result"] != "OK":
                yield last(test["name"]), test["result"]


def last_words(log, n=12):
    """(name, line) of what the programs that failed said last of why, since the log itself may
    be cut by whoever shows it."""
    with open(log) as f:
        for test in map(json.loads, f):
            if test["result"] != "OK":
                said = (test.get("stdout", "") + test.get("stderr", "")).splitlines()
                why = [x for x in said if x.startswith("#") or
                       re.search("FAILED|not ok|SUMMARY|Assert|error:", x)]
                yield from ((last(test["name"]), x[:200]) for x in why[-n:])


def last(name):
    """A test's own name, without those of its project and suite."""
    return name.split(" / ")[-1]


# --- programs with rows ---
def rows(*cmd):
    """A command that prints its own rows and its own last line."""
    p = subprocess.Popen(cmd, cwd=TOP, text=True, errors="replace", stdout=subprocess.PIPE)
    line = ""
    for line in p.stdout:
        print(line, end="", flush=True)
        if line.startswith("FAILED "):
            failures.append(line.rstrip()[:300])
    p.wait()
    m = re.fullmatch(r"(\d+) passed, (\d+) failed\n", line)
    if m is None:
        fails("FAILED %s did not come to its end" % " ".join(cmd))
        return 0, 1
    return int(m.group(1)), int(m.group(2))
