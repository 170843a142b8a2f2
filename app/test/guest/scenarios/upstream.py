# SPDX-License-Identifier: BSD-3-Clause
"""The bug reports of doc/upstream that need a device to be removed: is it still so?

Each runs its program (doc/upstream/repro/) on stock kernels and modules, nothing of ours
loaded, and compares what it prints with the report.  The others run natively
(doc/upstream/repro/run).
"""
import os
import re
import shlex
import time

import kernel
import uio
from guest import Boot
from scenarios.igb_uio_slot import post_off, post_remove, wait_stack
from scenarios.row import Row, check
from testpmd import Testpmd

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
    return found + [Row("upstream igb-uio-two-openers", Boot(nics=ONE), two_openers, {}),
                    Row("upstream kernel-reset-order", Boot(nics=ONE * 2, iommu=True),
                        reset_order, {})]


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


def reset_order(lab):
    """The guest cannot be used for anything after it."""
    g = lab.guest
    bdf = g.ready(1, "uio_pci_generic")
    user = Testpmd(g, [g.ready(2, "vfio-pci")], None)
    path = "/sys/bus/pci/devices/%s/" % bdf
    g.write(path + "reset_method", "bus")
    asked = [("remove of the other card", post_remove(g, user.bdfs[0]))]
    wait_stack(g, "vfio_", "the removal does not wait for the vfio user")
    asked.append(("remove", post_remove(g, bdf)))
    wait_stack(g, "pci_stop_and_remove_bus_device_locked", "its removal does not wait", 2)
    asked.append(("slot off", post_off(g, 1)))
    wait_stack(g, "pciehp_unconfigure_device", "pciehp does not wait for the removal")
    asked.append(("reset", g.post(op="write", path=path + "reset", text="1")))
    time.sleep(2)                               # it is on its way
    user.kill()
    end = time.monotonic() + 30
    said = [(what, g.answer(number, max(0.1, end - time.monotonic()))) for what, number in asked]
    said.append(("rescan", g.answer(g.post(op="write", path="/sys/bus/pci/rescan", text="1"), 10)))
    found = "\n".join("%s: %s" % (what, "blocked" if a is None else a["failed"] or "done")
                      for what, a in said)
    report = observed("kernel-reset-order", "Linux %s:" % series(g))
    check(found == report, "it prints %r, the report has %r" % (found, report))
