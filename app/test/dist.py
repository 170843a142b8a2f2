#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What `meson dist` makes, of the last commit, builds and passes its fast suite without git.

usage: dist.py BUILD SDK

In:  a build folder of a git checkout; the folder with DPDK's driver headers, which are
     DPDK's and not in there ("": they are installed).  Out: TAP.
"""
import glob
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile

BUILD, SDK = os.path.abspath(sys.argv[1]), sys.argv[2]


def run(*cmd, **options):
    """What it says, on both; raises when it fails."""
    p = subprocess.run(cmd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if p.returncode:
        raise AssertionError("exit status %d of %s:\n%s" % (p.returncode, " ".join(cmd),
                                                            p.stdout[-6000:]))
    return p.stdout


def test_it_is_made(folder):
    said = run("meson", "dist", "-C", BUILD, "--no-tests", "--allow-dirty", "--formats", "gztar")
    path = re.search(r"Created (\S+\.tar\.gz)", said).group(1)
    with tarfile.open(path) as tar:
        tar.extractall(folder)


def test_it_sets_up(folder):
    """Every source that the build names is there."""
    source, = glob.glob(folder + "/dpdk-hotplug-*")
    run("meson", "setup", folder + "/build", source, "-Dwerror=true",
        *(["-Ddriver_sdk=" + SDK] if SDK else []))


def test_its_fast_suite_is_built_and_passes(folder):
    run("meson", "test", "-C", folder + "/build", "--suite", "fast", "--print-errorlogs")
    with open(folder + "/build/meson-logs/testlog.json") as f:
        results = {t["name"]: t["result"] for t in map(json.loads, f)}
    bad = {name: result for name, result in results.items() if result != "OK"}
    if bad or not results:
        raise AssertionError("not passed: %s of %d" % (bad, len(results)))
    print("# %d tests" % len(results))


def main():
    tests = [test_it_is_made, test_it_sets_up, test_its_fast_suite_is_built_and_passes]
    print("1..%d" % len(tests), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for n, test in enumerate(tests, 1):
            try:
                test(folder)
            except AssertionError as e:
                print("not ok %d - %s" % (n, test.__name__))
                print("".join("# %s\n" % line for line in str(e).splitlines()), end="")
                return 1            # the next ones want what this one makes
            print("ok %d - %s" % (n, test.__name__), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
