#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the guest scenarios: a line per row, then `N passed, N failed`.

    run.py [--all [--anew]] [--only REGEX] [--repeat N] [--kernel NAME] [--root DIR]
           [--dpdk PREFIX] [--plugin FILE] [--list]

Rows that can share a guest do.  When the lab itself fails (QEMU dies, the
guest goes silent) the row is tried again on a new guest; a row that never got
a result counts as failed.  What was measured goes to out/guest.json, the
output of rows that failed to out/guest/.

--all takes hours: a row that has passed with this tree, plugin, kernel, DPDK and
QEMU is not run again (devtools/resume.py), whatever ended the run; --anew forgets
that.  Rows that --only or --repeat asks for are always run.

Called by devtools/check (lane `guest`), and by hand.
"""
import argparse
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
OUT = os.path.join(TOP, "out")
sys.path[:0] = [HERE, os.path.join(TOP, "devtools")]

import kernel                                   # noqa: E402
import resume                                   # noqa: E402
import traces                                   # noqa: E402
from guest import DRIVERS, QEMU, Guest, LabError, TooBusy    # noqa: E402
from scenarios.row import Lab                   # noqa: E402
from testpmd import Failed                      # noqa: E402

MODULES = ("survive", "heal", "reset", "ghost", "claim", "suspend", "netdev", "foreign", "bystand",
           "watch_burst", "failsafe", "procedure", "watch_all", "watch_held", "mp", "interrupts",
           "storm", "old_kernel", "upstream", "field", "ovs", "bench", "soak")
ATTEMPTS = 5            # the users' shape keeps two processors busy
STARVED = 0.5           # of a failed row's time: this machine was too busy to tell
# No row reads these.
UNREAD = (":(exclude,glob)*.md", ":(exclude,glob)doc/*.md", ":!doc/howto", ":!doc/man",
          ":!doc/pictures", ":!debian", ":!bench", ":(exclude,glob)app/test/test_[!v]*.c",
          ":!app/test/fuzz")


class Runner:
    """known: what earlier runs have left, and this one adds to; it takes over what has
    passed if `goes_on`."""

    def __init__(self, plugin, known, goes_on):
        self.plugin, self.known, self.goes_on = plugin, known, goes_on
        self.guest, self.results = None, []

    def run(self, rows):
        for boot in dict.fromkeys(r.boot for r in rows):
            for row in [r for r in rows if r.boot == boot and not self.take_over(r)]:
                self.one(row)
            self.shut_down()

    def take_over(self, row):
        """True if it is known to pass."""
        entry = self.known.passed(part(row)) if self.goes_on and not row.optional else None
        if entry:
            self.note(dict(entry["result"], earlier=entry["when"]))
        return entry is not None

    def note(self, result):
        self.results.append(result)
        path = os.path.join(OUT, "guest.json")
        with open(path + ".new", "w") as f:
            json.dump(self.results, f, indent=1)
        os.replace(path + ".new", path)

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
        result = dict(name=row.name, passed=error is None, seconds=seconds,
                      attempts=attempt, error=error and told(error), **figures)
        self.known.add(part(row), error is None, result=result)
        self.note(result)
        print("%s %s (%s%.0f s)%s" % ("FAILED" if error else "ok    ", row.name,
                                      brief(figures), seconds,
                                      ": %s" % told(error) if error else ""), flush=True)

    def attempt(self, row):
        """(None or the exception that ended the row, its figures)."""
        lab = None
        try:
            if self.guest is None:
                self.guest = Guest(row.boot)
                print("# guest with kernel %s, hot-plug by %s, up in %.0f s"
                      % (row.boot.kernel, row.boot.hotplug, self.guest.boot_s), flush=True)
            lab = Lab(self.guest, self.plugin)
            self.begun, ran = (time.monotonic(), self.guest.waited()), self.guest.ran()
            row.run(lab, **row.args)
            lab.figures["t_processor_s"] = self.guest.ran() - ran
            self.tidy(lab)
            return None, lab.figures
        except TooBusy as e:
            self.tidy(lab)
            return e, lab.figures
        except Exception as e:                  # also one that nobody thought of: the next row
            if isinstance(e, Failed) and (excuse := self.excuse()):
                e = LabError("%s: %s" % (excuse, e))
            traces.keep(os.path.join(OUT, "guest"), row, self.guest, lab, e)
            self.shut_down()                    # the next row starts from a clean state
            return e, lab.figures if lab else {}

    def excuse(self):
        """Why a row may have failed that says nothing of what it tests, or None."""
        begun, before = self.begun
        try:
            if self.guest.is_stalled():
                return "a processor of the guest stood still"
            after = self.guest.waited()
        except (LabError, RuntimeError, OSError) as e:
            return "the guest ended (%s)" % e
        seconds = time.monotonic() - begun
        waited = max(after[k] - before.get(k, 0) for k in after)
        return "a processor of the guest waited %.0f of %.0f s for one of this machine" % (
            waited, seconds) if waited > STARVED * seconds else None

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


def told(error):
    expected = isinstance(error, (Failed, LabError, RuntimeError))
    return str(error) if expected else "%s: %s" % (type(error).__name__, error)


def brief(figures):
    """The figures in a line; t_... (times of day, processor time) are for the file only."""
    return "".join("%s %s, " % (k, "%.1f" % v if isinstance(v, float) else v)
                   for k, v in figures.items() if not k.startswith("t_"))


def part(row):
    """The name of a row among results: with the guest in which it is run."""
    b = row.boot                            # the short list has rows of the same name, but shorter
    return "%s %s [%s%s]" % (row.name, json.dumps(row.args, sort_keys=True),
                             os.path.basename(kernel.directory(b.kernel)),
                             "".join(" " + x for x in (b.root, b.dpdk) if x not in ("/", None)))


def known(o):
    """What earlier runs have left of the same tree, plugin, DPDK and QEMU."""
    dpdk = subprocess.run(["pkg-config", "--modversion", "libdpdk"], stdout=subprocess.PIPE)
    qemu = subprocess.run([QEMU, "--version"], stdout=subprocess.PIPE)
    key = resume.key(resume.tree(TOP, *UNREAD), resume.program(o.plugin),
                     dpdk.stdout.decode(), qemu.stdout.decode())
    return resume.Results(os.path.join(kernel.cache(), "results"), "rows", key, fresh=o.anew)


def is_whole(o):
    return o.all and not o.only.pattern and o.repeat == 1


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
    rows = chosen(o)
    if o.list:
        print("\n".join(r.name for r in rows))
        return 0
    refuse(o, rows)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda n, _: sys.exit("run.py: " + signal.Signals(n).name))
    os.makedirs(OUT, exist_ok=True)
    o.plugin = os.path.abspath(o.plugin)
    runner = Runner(o.plugin, known(o), is_whole(o))
    try:
        runner.run(rows)
    except BaseException:
        print("# ended after %s; what has passed is kept" % counted(runner.results), flush=True)
        raise
    finally:
        runner.shut_down()
    earlier = sum("earlier" in r for r in runner.results)
    if earlier:
        print("# %d of them passed in earlier runs of the same tree; --anew runs them again"
              % earlier)
    print(counted(runner.results))
    return 0 if runner.results and all(r["passed"] for r in runner.results) else 1


def counted(results):
    passed = sum(r["passed"] for r in results)
    return "%d passed, %d failed" % (passed, len(results) - passed)


def chosen(o):
    rows = [r for m in MODULES
            for r in importlib.import_module("scenarios." + m).rows(o.all)]
    rows = [r for r in rows if o.only.search(r.name)]
    given = {k: v for k, v in (("kernel", o.kernel), ("root", o.root), ("dpdk", o.dpdk)) if v}
    if not (o.all or o.root or o.dpdk):
        given["drivers"] = DRIVERS
    rows = [r._replace(boot=r.boot._replace(**given)) for r in rows]
    rows = [r._replace(optional=r.optional(r.boot)) if callable(r.optional) else r for r in rows]
    return interleave(rows * o.repeat)


def refuse(o, rows):
    """What cannot be run is said before anything boots."""
    if not rows:
        sys.exit("run.py: no row%s matches %s; --list names them"
                 % ("" if o.all else " of the short list", o.only.pattern))
    for name in sorted({r.boot.kernel for r in rows if not r.optional}):
        try:
            kernel.directory(name)
        except FileNotFoundError as e:
            sys.exit("run.py: %s" % (
                e if name in kernel.SUITES else "kernel debug is not there: devtools/debug-kernel"
                if name == "debug" else "there is no kernel %s, but %s and debug"
                % (name, ", ".join(kernel.SUITES))))
    if not shutil.which(QEMU):
        sys.exit("run.py: there is no %s: devtools/setup installs it" % QEMU)
    plugin = (o.root or "") + os.path.abspath(o.plugin)
    for path, what in ((o.root, "root"), ((o.root or "") + o.dpdk if o.dpdk else None, "DPDK"),
                       (plugin, "plugin")):
        if path and not os.path.exists(path):
            sys.exit("run.py: no %s at %s%s" % (what, path, ": build it first"
                                                if what == "plugin" else ""))


def pattern(text):
    try:
        return re.compile(text)
    except re.error as e:
        raise argparse.ArgumentTypeError("%r is no regular expression: %s" % (text, e))


def number(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("%r is no number of times" % text)
    return int(text)


def options():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("--all", action="store_true", help="the full products")
    ap.add_argument("--anew", action="store_true", help="--all: also what has passed before")
    ap.add_argument("--only", default="", type=pattern, metavar="REGEX",
                    help="rows whose name matches")
    ap.add_argument("--repeat", type=number, default=1, metavar="N", help="each row N times")
    ap.add_argument("--kernel", metavar="NAME", help="all rows on this one (kernel.py's name)")
    ap.add_argument("--root", metavar="DIR", help="another Debian as the guest's root "
                    "(default: this machine's); the plugin is in there")
    ap.add_argument("--dpdk", metavar="PREFIX", help="a DPDK that was installed there")
    ap.add_argument("--list", action="store_true", help="print the rows' names")
    ap.add_argument("--plugin", default=os.path.join(TOP, "build/lib/libdpdk-hotplug.so"))
    o = ap.parse_args()
    if o.anew and not is_whole(o):
        ap.error("--anew goes with --all, and without --only and --repeat, which run all anyway")
    return o


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("run.py: interrupted")
