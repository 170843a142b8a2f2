#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the guest scenarios: a line per row, then `N passed, N failed`.

    run.py [--all] [--only REGEX] [--repeat N] [--kernel NAME] [--root DIR] [--dpdk PREFIX]
           [--plugin FILE] [--list]

Rows that can share a guest do.  When the lab itself fails (QEMU dies, the
guest goes silent) the row is tried again on a new guest; a row that never got
a result counts as failed.  What was measured goes to out/guest.json, the
output of rows that failed to out/guest/.

Called by devtools/check (lane `guest`), and by hand.
"""
import argparse
import importlib
import json
import os
import re
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
OUT = os.path.join(TOP, "out")
sys.path.insert(0, HERE)

from guest import Guest, LabError, TooBusy      # noqa: E402
from scenarios.row import Lab                   # noqa: E402
from testpmd import Failed, Testpmd             # noqa: E402

MODULES = ("survive", "heal", "ghost", "claim", "suspend", "foreign", "bystand", "watch_burst",
           "failsafe", "procedure", "watch_all", "watch_held", "mp", "old_kernel", "upstream",
           "field", "ovs", "bench", "soak")
ATTEMPTS = 3
N_LINES = 8             # of a failed row's log that are printed
# who drives each card, its power state, and the start of its configuration space
CARDS = ("cd /sys/bus/pci/devices; for d in *; do echo $d $(basename $(readlink -f $d/driver)) "
         "$(cat $d/power_state); od -An -tx1 -N64 $d/config; done")


class Runner:
    def __init__(self, plugin):
        self.plugin, self.guest, self.results = plugin, None, []

    def run(self, rows):
        for boot in dict.fromkeys(r.boot for r in rows):
            for row in [r for r in rows if r.boot == boot]:
                self.one(row)
            self.shut_down()

    def one(self, row):
        if row.optional:
            print("not run: %s: %s" % (row.name, row.optional), flush=True)
            return
        t = time.monotonic()
        for attempt in range(1, ATTEMPTS + 1):
            error, figures = self.attempt(row)
            if not isinstance(error, LabError):
                break
            print("lab error, attempt %d of %d: %s: %s"
                  % (attempt, ATTEMPTS, row.name, error), flush=True)
        seconds = time.monotonic() - t
        self.results.append(dict(name=row.name, passed=error is None, seconds=seconds,
                                 attempts=attempt, error=error and str(error), **figures))
        print("%s %s (%s%.0f s)%s" % ("FAILED" if error else "ok    ", row.name,
                                      brief(figures), seconds,
                                      ": %s" % error if error else ""), flush=True)

    def attempt(self, row):
        """(None or the exception that ended the row, its figures)."""
        lab = None
        try:
            if self.guest is None:
                self.guest = Guest(row.boot)
                print("# guest with kernel %s, hot-plug by %s, up in %.0f s"
                      % (row.boot.kernel, row.boot.hotplug, self.guest.boot_s), flush=True)
            lab = Lab(self.guest, self.plugin)
            row.run(lab, **row.args)
            self.tidy(lab)
            return None, lab.figures
        except TooBusy as e:
            self.tidy(lab)
            return e, lab.figures
        except (LabError, Failed, RuntimeError) as e:
            if isinstance(e, Failed) and self.is_stalled():
                e = LabError("a processor of the guest stood still: %s" % e)
            keep(row, self.guest, lab, e)
            self.shut_down()                    # the next row starts from a clean state
            return e, lab.figures if lab else {}

    def is_stalled(self):
        try:
            return self.guest.is_stalled()
        except (LabError, RuntimeError):
            return True

    def tidy(self, lab):
        """The guest can be used again, once its testpmd is gone."""
        try:
            if lab.testpmd:
                lab.testpmd.kill()
            self.guest.wires.feed()
        except LabError:
            self.shut_down()

    def shut_down(self):
        if self.guest is not None:
            self.guest.close()
            self.guest = None


def brief(figures):
    """The figures in a line; times of day are for the file only."""
    return "".join("%s %s, " % (k, "%.1f" % v if isinstance(v, float) else v)
                   for k, v in figures.items() if not k.startswith("t_"))


def ask(testpmd):
    """How its ports are, where it can still tell; the last answers of two."""
    for line in ("show port info all", "show port stats all", "show port xstats all",
                 "show port stats all", "show fwd stats all"):
        testpmd.type(line)
        time.sleep(0.5)


def keep(row, guest, lab, error):
    """Leave what helps to understand a failed row in out/guest/."""
    folder = os.path.join(OUT, "guest", re.sub(r"\W+", "-", row.name))
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "log"), "w") as f:
        f.write("%s: %s\n" % (type(error).__name__, error))
        try:
            if lab and lab.testpmd:
                if isinstance(lab.testpmd, Testpmd):
                    ask(lab.testpmd)
                f.write("\n--- testpmd\n" + lab.testpmd.text())
            f.write("\n--- cards\n" + guest.sh(CARDS))
            f.write("\n--- kernel log\n" + guest.dmesg())
        except (LabError, AttributeError) as e:
            f.write("\n(nothing more: %s)\n" % e)
        if guest:
            f.write("\n--- console\n" + guest.console_end())
    print("# see %s; our last lines in it:" % os.path.relpath(folder))
    with open(os.path.join(folder, "log"), errors="replace") as f:
        ours = re.findall(r"hotplug: .*|.*(?:DMAR|Oops|segfault).*", f.read())
    print("".join("#   %s\n" % line[:160] for line in ours[-N_LINES:]), end="", flush=True)


def interleave(rows):
    """In each boot let another NIC model come next: the last one is put back meanwhile."""
    groups = {}
    for r in rows:
        groups.setdefault((r.boot, r.args.get("nic")), []).append(r)
    mixed = []
    while any(groups.values()):
        mixed += [g.pop(0) for g in groups.values() if g]
    return mixed


def main():
    o = options()
    rows = [r for m in MODULES
            for r in importlib.import_module("scenarios." + m).rows(o.all)]
    rows = [r for r in rows if re.search(o.only, r.name)]
    given = {k: v for k, v in (("kernel", o.kernel), ("root", o.root), ("dpdk", o.dpdk)) if v}
    rows = [r._replace(boot=r.boot._replace(**given)) for r in rows]
    rows = interleave(rows * o.repeat)
    if o.list:
        print("\n".join(r.name for r in rows))
        return 0
    plugin = (o.root or "") + os.path.abspath(o.plugin)
    if not os.path.exists(plugin):
        sys.exit("run.py: no plugin at %s: build it first" % os.path.relpath(plugin))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("run.py: terminated"))
    os.makedirs(OUT, exist_ok=True)
    runner = Runner(os.path.abspath(o.plugin))
    try:
        runner.run(rows)
    finally:
        runner.shut_down()
        with open(os.path.join(OUT, "guest.json"), "w") as f:
            json.dump(runner.results, f, indent=1)
    passed = sum(r["passed"] for r in runner.results)
    failed = len(runner.results) - passed
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


def options():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("--all", action="store_true", help="the full products")
    ap.add_argument("--only", default="", metavar="REGEX", help="rows whose name matches")
    ap.add_argument("--repeat", type=int, default=1, metavar="N", help="each row N times")
    ap.add_argument("--kernel", metavar="NAME", help="all rows on this one (kernel.py's name)")
    ap.add_argument("--root", metavar="DIR", help="another Debian as the guest's root "
                    "(default: this machine's); the plugin is in there")
    ap.add_argument("--dpdk", metavar="PREFIX", help="a DPDK that was installed there")
    ap.add_argument("--list", action="store_true", help="print the rows' names")
    ap.add_argument("--plugin", default=os.path.join(TOP, "build/lib/libdpdk-hotplug.so"))
    return ap.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("run.py: interrupted")
