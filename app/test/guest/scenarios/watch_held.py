# SPDX-License-Identifier: BSD-3-Clause
"""The kernel waits for a vfio device; another NIC dies without a word meanwhile.

REQUESTED is said once though the kernel repeats it, HELD names who holds the
device, and the other one is not forgotten: SILENT, and a zombie, since the
pending removal keeps the kernel from taking it away.
"""
import re
import time

import removal
from eventer import Eventer
from scenarios.row import Row, boot, check

DEADLINE_MS = 2000


def rows(full):
    found = [Row("watch held e1000e vfio-pci, silent e1000", boot(), held,
                 dict(repeat=full))]
    if full:
        found.append(Row("watch removal during probe", boot(), during_probe, dict(rounds=10)))
    return found


def held(lab, repeat):
    g = lab.guest
    g.dmesg(clear=True)
    vfio, mute = lab.slots("e1000e")[0], lab.slots("e1000")[0]
    bdf, dark = g.ready(vfio, "vfio-pci"), g.ready(mute, "uio_pci_generic")
    e = Eventer(lab, [bdf, dark], "ours", "options=deadline_ms=%d" % DEADLINE_MS)
    loss = removal.remove(g, vfio, "sysfs")
    asked = e.wait(10, "ours", bdf, "requested")
    check(asked and asked["sign"] in ("vfio", "liveness"), "the request is not told: %s" % asked)
    silent(lab, e, mute, dark)
    kept = e.wait(10, "ours", bdf, "held")
    check(kept, "nobody says that %s is held" % bdf)
    lab.figures["held_ms"] = (kept["t"] - asked["t"]) * 1000
    check(kept["t"] - asked["t"] >= DEADLINE_MS / 1000, "held before the deadline")
    pid = g.ask(op="status", name=e.name)["pid"]
    check(e.wait_output(r"still held by pid %d \(" % pid, 5), "the log does not name pid %d" % pid)
    if repeat:
        time.sleep(12)                          # the kernel asks again after 10 s
    check(not loss.wait(0), "the kernel did not wait")
    check(len(e.heard("ours", bdf, "requested")) == 1, "requested was said twice")
    e.type("detach " + bdf)
    check(loss.wait(20), "the kernel does not let go after the detach")
    check(len(e.heard("ours", bdf, "gone")) == 0, "what was handed over is not lost")


def silent(lab, e, slot, bdf):
    """It dies; no event of any kind."""
    start = lab.guest.ask(op="time")["time"]
    removal.remove(lab.guest, slot, "silent")
    gone = e.wait(10, "ours", bdf, "gone")
    check(gone and gone["cause"] == "SILENT", "silent death is not found: %s" % gone)
    lab.figures["silent_s"] = gone["t"] - start
    stats = e.stats()
    check(stats["zombies"] == 1, "%d zombies" % stats["zombies"])


def during_probe(lab, rounds):
    """It is removed while eventer attaches and detaches it in a loop."""
    g = lab.guest
    slot = lab.slots("e1000")[0]
    bdf = g.ready(slot, "uio_pci_generic")
    g.dmesg(clear=True)
    e = Eventer(lab, [bdf], "ours")
    e.type("loop " + bdf)
    for i in range(rounds):
        time.sleep(0.3 + 0.07 * i)
        check(removal.remove(g, slot, "sysfs").wait(60), "the removal blocks")
        check(e.is_alive(), "eventer died in round %d: %s" % (i, e.text()[-500:]))
        g.ready(slot, "uio_pci_generic")
    e.type("loop " + bdf)
    check(e.wait_output("^loop over", 60), "the loop does not end: " + e.text()[-500:])
    answers = re.findall(r"^attach \S+ (-?\d+)", e.text(), re.M)
    lab.figures.update(rounds=rounds, attached=answers.count("0"), tries=len(answers))
    check(answers.count("0") > 0, "it was never attached: %s" % answers[:20])
    splats = g.splats()
    check(not splats, "kernel log: " + " | ".join(splats[:3]))
