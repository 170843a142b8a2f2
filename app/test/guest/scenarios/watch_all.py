# SPDX-License-Identifier: BSD-3-Clause
"""Eight NICs: false alarms first, then ways of removal, then all the others at once.

Our subscriber and EAL's own callback are stamped in the same process.  The cut-off
and the event must be the earlier, whatever the way.  A spoofed or synthetic `remove`
must not remove anything; EAL's callback is told of it nonetheless.
"""
import time

import removal
from eventer import Eventer
from guest import TooBusy
from scenarios.row import Row, boot, check

DRIVER = "uio_pci_generic"
# A message of the kernel's group that is no uevent, and one that claims a removal.
SPOOF = ("python3 -c \"import socket; s = socket.socket(16, 3, 15); s.bind((0, 0)); "
         "[s.sendto(m, (0, 1)) for m in (b'x', b'x' * 40, b'x' * 9000, "
         "b'remove@/devices/pci0000:00/%s\\0ACTION=remove\\0DEVPATH=/devices/pci0000:00/%s\\0"
         "SUBSYSTEM=pci\\0PCI_SLOT_NAME=%s\\0SEQNUM=99999999\\0')]\"")


def rows(full):
    ways = [("sysfs", "yank")]              # and then six at once
    if full:
        ways += [(), ("button",), ("acpi",)]
    return [Row("watch eight NICs, %s" % (" ".join(w) or "all at once"),
                boot(removal.hotplug_for((w or ("sysfs",))[0])), eight, dict(ways=w)) for w in ways]


def eight(lab, ways):
    g = lab.guest
    g.dmesg(clear=True)
    slots = list(g.slots)
    bdfs = [g.ready(i, DRIVER) for i in slots]
    e = Eventer(lab, bdfs, "ours", "stock")
    spoof(lab, e, bdfs)
    for way, slot in zip(ways, slots):
        latency(lab, e, slot, way)
    rest = bdfs[len(ways):]
    together(lab, e, rest)
    for bdf in bdfs:
        n = len(e.heard("ours", bdf, "gone"))
        check(n == 1, "%s was reported gone %d times" % (bdf, n))
    splats = g.splats()
    check(not splats, "kernel log: " + " | ".join(splats[:3]))


def spoof(lab, e, bdfs):
    """Nothing goes.  A look that takes longer than EAL's thread waits is no false alarm: the
    device is there again, and nobody has heard that it went."""
    for _ in range(5):
        before = len(e.heard("ours"))
        for bdf in bdfs:
            for action in ("remove", "unbind", "bind"):
                lab.guest.sh("echo %s > /sys/bus/pci/devices/%s/uevent" % (action, bdf))
        lab.guest.sh(SPOOF % ((bdfs[0],) * 3))
        time.sleep(1)
        false = e.heard("ours")[before:]
        if not false:
            break
        check(all(x["what"] == "restored" and x["sign"] == "eal" for x in false),
              "false alarms: %s" % false)
    else:
        raise TooBusy("this machine was too busy to tell: EAL's thread waits 28 ms for a look")
    lab.figures["stock_false_alarms"] = len(e.heard("eal"))
    check(e.stats()["monitor"] == 1, "a bad message ended the monitor")


def latency(lab, e, slot, way):
    """One removal, heard by both."""
    n_false = len(e.heard("eal", lab.guest.bdf(slot), "gone"))
    loss = removal.remove(lab.guest, slot, way)
    ours = e.wait(15, "ours", loss.bdf, "gone")
    check(ours, "%s (%s): nobody said so" % (loss.bdf, way))
    check(loss.wait(20), "%s does not end" % way)
    stock = e.wait(10, "eal", loss.bdf, "gone", n_false + 1)
    check(stock, "%s (%s): EAL's callback was not called" % (loss.bdf, way))
    t_cut = float(ours["t_cut"])
    lab.figures["%s_cut_earlier_ms" % way] = (stock["t"] - t_cut) * 1000
    lab.figures["%s_event_earlier_ms" % way] = (stock["t"] - ours["t"]) * 1000
    lab.figures["%s_sign" % way] = ours["sign"]
    check(t_cut < stock["t"], "%s: EAL's callback came before the cut-off" % way)
    check(ours["t"] < stock["t"], "%s: EAL's callback came before our event" % way)
    n = len(e.heard("eal", loss.bdf, "gone")) - n_false
    # doc/limits.md: an unbinding that becomes a removal later is told twice
    check(n == 1 or ours["cause"] == "UNBOUND",
          "%s (%s): EAL's callback was called %d times" % (loss.bdf, way, n))


def together(lab, e, bdfs):
    """All that are left, at the same moment."""
    lab.guest.sh("for b in %s; do echo 1 > /sys/bus/pci/devices/$b/remove & done; wait"
                 % " ".join(bdfs), 60)
    times = []
    for bdf in bdfs:
        gone = e.wait(10, "ours", bdf, "gone")
        check(gone, "%s is not reported" % bdf)
        times.append(gone["t"])
    lab.figures.update(together=len(times), spread_ms=(max(times) - min(times)) * 1000)
