# SPDX-License-Identifier: BSD-3-Clause
"""The bug reports of doc/upstream that need a device to be removed: is it still so?

Each runs its program (doc/upstream/repro/) on stock kernels and modules, nothing of ours
loaded, and compares what it prints with the report.  The others run natively
(doc/upstream/repro/run).
"""
import os
import re
import shlex

import kernel
import uio
from guest import Boot
from scenarios.row import Row, check

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__))))))
REPORTS = os.path.join(TOP, "doc/upstream")
MAC_ADDRESS = 0x5400            # a register of e1000e that stays as it is
ONE = ("e1000e",)


def rows(full):
    if not full:
        return []
    found = [Row("upstream kernel-bar-revoke %s" % k, Boot(k, nics=ONE), revoke, dict(name=k),
                 unprepared(k)) for k in ("5.10", "6.1", "6.12", "sid")]
    return found + [Row("upstream igb-uio-two-openers", Boot(nics=ONE), two_openers, {})]


def unprepared(name):
    try:
        kernel.directory(name)
    except FileNotFoundError as e:
        return str(e)
    return None


def program(name):
    source = os.path.join(REPORTS, "repro", name + ".c")
    return os.path.join(kernel.built("programs", source, lambda out: uio.run(
        "cc", "-O1", "-Wall", "-Werror", "-static", "-o", out + "/" + name, source)), name)


def observed(report, heading):
    """The block of a report below a heading."""
    with open(os.path.join(REPORTS, report + ".md")) as f:
        text = f.read()
    m = re.search(r"^%s$\n+((?:    .*\n)+)" % re.escape(heading), text, re.M)
    return re.sub(r"^    ", "", m.group(1), flags=re.M).strip() if m else "(no such heading)"


def series(g):
    return ".".join(g.sh("uname -r").split(".")[:2])


def revoke(lab, name):
    g = lab.guest
    bdf = g.ready(1, "uio_pci_generic")     # so that no kernel driver claims the BAR
    said = g.sh("%s %s 0x%x 2>&1" % (shlex.quote(program("kernel-bar-revoke")), bdf,
                                     MAC_ADDRESS)).strip()
    g.sh("echo 1 > /sys/bus/pci/rescan")
    wanted = observed("kernel-bar-revoke", "Linux %s:" % series(g))
    check(said == wanted, "it says: %s" % said)


def two_openers(lab):
    g = lab.guest
    g.dmesg(clear=True)
    uio.Module(g, is_stock=True).load()
    bdf = g.ready(1, "igb_uio")
    said = g.sh("%s %s /dev/uio0 2>&1" % (shlex.quote(program("igb-uio-two-openers")), bdf)).strip()
    check(said == observed("igb-uio-two-openers", "Linux %s:" % series(g)),
          "it says: %s" % said)
    splats = g.splats()
    lab.figures["splats"] = len(splats)
    check(any("already-free IRQ" in s for s in splats), "kernel log: %s" % splats)
