# SPDX-License-Identifier: BSD-3-Clause
"""Thousands of uevents in a burst, a tiny buffer for them, and two NICs leave.

Somebody writes `change` to a uevent file 20,000 times.  Both losses must be
reported, once each, and the monitor must hear what comes afterwards.  The
control shows that EAL's own monitor goes deaf for good.
"""
import time

import removal
from eventer import Eventer
from scenarios.row import Row, boot, check

DRIVER = "uio_pci_generic"
N_EVENTS = 20000
BURST = ("python3 -c \"import os; f = os.open('%s', os.O_WRONLY); "
         "[os.write(f, b'change') for _ in range(%d)]\"")
FILES = ("/sys/devices/virtual/mem/null/uevent", "/sys/bus/pci/devices/0000:00:00.0/uevent")


def rows(full):
    found = [Row("watch burst of %d uevents" % N_EVENTS, boot(), burst, {})]
    if full:
        found.append(Row("watch burst control: stock's monitor goes deaf", boot(), control, {}))
    return found


def prepare(lab, *words):
    """eventer on three NICs of different models."""
    slots = [lab.slots(n)[0] for n in ("e1000e", "e1000", "vmxnet3")]
    lab.guest.dmesg(clear=True)
    bdfs = [lab.guest.ready(i, DRIVER) for i in slots]
    return slots, bdfs, Eventer(lab, bdfs, *words)


def shower(lab):
    """Both halves of the burst, at the same time; wait with lab.guest.answer()."""
    return [lab.guest.post(op="run", cmd=BURST % (f, N_EVENTS // 2), limit=120) for f in FILES]


def burst(lab):
    slots, bdfs, e = prepare(lab, "ours", "options=uevent_buffer_kb=1")
    before = e.stats()
    pending = shower(lab)
    time.sleep(0.5)
    losses = [removal.remove(lab.guest, slots[0], "yank"),
              removal.remove(lab.guest, slots[1], "sysfs")]
    during = [lab.guest.answer(p, 120) for p in pending]
    check(all(a is not None for a in during), "the burst does not end")
    told = []
    for loss in losses:
        gone = e.wait(10, "ours", loss.bdf, "gone")
        check(gone, "%s was lost, and nobody said so" % loss.bdf)
        told.append((gone["t"] - float(gone["t_sign"])) * 1e3)
        loss.wait(20)
    after = e.stats()
    lab.figures.update(uevents=after["uevents"] - before["uevents"],
                       overruns=after["losses"] - before["losses"],
                       lost_removals=0, told_ms=told)
    check(after["losses"] > before["losses"], "no uevent was lost: nothing is proven")
    check(after["monitor"] == 1, "the monitor is gone")
    hears(lab, e, slots[2])
    for bdf in bdfs:
        n = len(e.heard("ours", bdf, "gone"))
        check(n == 1, "%s was reported gone %d times" % (bdf, n))
    numbers = [int(x["n"]) for x in e.heard("ours")]
    check(numbers == sorted(set(numbers)), "events out of order: %s" % numbers)


def hears(lab, e, slot):
    """A removal and a return after the burst: `ready` comes by a uevent only."""
    loss = removal.remove(lab.guest, slot, "sysfs")
    check(loss.wait(20), "the removal blocks")
    check(e.wait(10, "ours", loss.bdf, "gone"), "a later removal is not seen")
    lab.guest.ready(slot, DRIVER)
    check(e.wait(10, "ours", loss.bdf, "ready"), "a later return is not seen: deaf")


def control(lab):
    """The same with EAL's monitor: not one event after the burst."""
    slots, bdfs, e = prepare(lab, "stock")
    for p in shower(lab):
        lab.guest.answer(p, 120)
    time.sleep(2)
    loss = removal.remove(lab.guest, slots[2], "sysfs")
    check(loss.wait(20), "the removal blocks")
    lab.figures["heard_after"] = len(e.heard("eal", bdfs[2]))
    check(e.wait(5, "eal", bdfs[2], "gone") is None,
          "EAL's monitor survives the burst: the burst proves nothing")
