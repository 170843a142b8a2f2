#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Instructions of a burst, with the library enabled and not: equal to the last one, or it fails.

usage: bench/bench_count.py FILE.json

In:  build/bench/bench_count, run under callgrind, which counts what its thread does in
     counted(), and nothing else.  Out: a line for each port; the
     figures in FILE.json, as other programs here write them.
Exit status 1: they differ; or a callback that was put into the path has not shown, so
that equal figures would say nothing.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

PROGRAM = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                       "build/bench/bench_count")
PORTS = ("net_null", "net_ring", "guarded port")       # in turn
N_COUNTED = 1000                        # bursts in counted()


def totals():
    """Instructions of each call of counted(), in turn."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")
        try:
            p = subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no",
                                "--toggle-collect=counted", "--dump-after=counted",
                                "--callgrind-out-file=" + out, PROGRAM], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        except FileNotFoundError:
            sys.exit("bench_count: there is no valgrind; devtools/setup installs it")
        if p.returncode:
            sys.exit("bench_count: it failed under valgrind (%d):\n%s" %
                     (p.returncode, p.stdout))
        found = []
        while os.path.exists("%s.%d" % (out, len(found) + 1)):
            with open("%s.%d" % (out, len(found) + 1), encoding="utf-8") as f:
                found.append(int(re.search(r"^totals: (\d+)$", f.read(), re.M)[1]))
    return found


def main():
    found, figures, bad = totals(), [], 0
    if len(found) != 3 * len(PORTS):
        sys.exit("bench_count: callgrind has counted %d times, not %d" %
                 (len(found), 3 * len(PORTS)))
    for i, port in enumerate(PORTS):
        without, enabled, hooked = (n / N_COUNTED for n in found[3 * i:3 * i + 3])
        is_sound = without > 0 and hooked > enabled
        print("%s: %.3f instructions a burst, enabled %.3f: difference %.3f%s" % (
            port, without, enabled, enabled - without,
            "" if is_sound else "; NOT SOUND: with a callback %.3f" % hooked))
        bad += enabled != without or not is_sound
        for name, n in ("not enabled", without), ("enabled", enabled):
            figures.append(dict(name="%s, a burst, %s" % (port, name), unit="instructions",
                                median=n))
    with open(sys.argv[1], "w", encoding="utf-8") as f:
        json.dump(figures, f, indent=1)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
