# SPDX-License-Identifier: BSD-3-Clause
"""Ports in pairs: a card goes, traffic runs on the other, it returns, so does traffic.

DPDK's own fail-safe PMD, which owns its sub-devices and is told (INTR_RMV), and its
bonding PMD in active-backup mode, which goes by the link; both over an e1000e that
is torn out and a virtio card that stays.  Nobody types anything.  Frames are sent to
both; what comes back on a wire tells which card is in use.
"""
import time

import removal
from scenarios.row import Row, boot, check
from testpmd import Testpmd

NOBODY = "0000:ff:1f.7"     # allowed, so that EAL probes no other by itself


def rows(full):
    short = [("bonding", "uio_pci_generic", "yank"), ("fail-safe", "uio_pci_generic", "sysfs")]
    product = [(k, d, w) for k in ("fail-safe", "bonding")
               for d in ("uio_pci_generic", "vfio-pci") for w in ("sysfs", "acpi", "yank")]
    return [Row("%s e1000e + virtio %s %s" % r, boot(removal.hotplug_for(r[2])), pair,
                dict(kind=r[0], driver=r[1], way=r[2], cycles=5 if full else 2))
            for r in (product if full else short)]


def arguments(kind, driver, card, backup):
    if kind == "fail-safe":     # EAL sees no card, and chooses addresses that uio has not
        return dict(bdfs=[], eal=["-a", NOBODY, "--vdev",
                                  "net_failsafe0,dev(%s),dev(%s)" % (card, backup)]
                    + ([] if driver == "vfio-pci" else ["--iova-mode=pa"]))
    return dict(bdfs=[card, backup], args=["--portmask=0x4"], eal=[
        "--vdev", "net_bonding0,mode=1,slave=%s,slave=%s,primary=%s" % (card, backup, card)])


def pair(lab, kind, driver, way, cycles):
    victim, backup = lab.slots("e1000e")[0], lab.slots("virtio-net-pci")[0]
    lab.guest.dmesg(clear=True)
    if driver == "vfio-pci":
        lab.clear_lines()
    bdfs = [lab.guest.ready(i, driver) for i in (victim, backup)]
    t = lab.testpmd = Testpmd(lab.guest, plugin=lab.plugin, **arguments(kind, driver, *bdfs))
    lab.wires.feed(victim, backup)
    t.wait_forwarding([victim])
    t.be_watched()
    lab.watch(1)                            # a bond begins with the link that is up first
    over, back = [], []
    for _ in range(cycles):
        over.append(lose(lab, victim, backup, way))
        back.append(bring_back(lab, victim, driver, kind))
        lab.check_alive()
    lab.figures.update(over_after_s=[round(s, 2) for s in over],
                       back_after_s=[round(s, 2) for s in back])
    lab.check_undamaged()
    if kind == "bonding":       # stock's testpmd dies there, without any removal too
        t.kill()
        silence(lab, (victim, backup))
    else:
        lab.check_quit()


def silence(lab, slots):
    """Nobody has stopped these cards, and uio_pci_generic resets nothing: at the next
    probe they would be bus masters again, with the dead process's rings, and write what
    has come meanwhile into memory that is another process's by then.  QEMU resets them
    with their bus, not by their power state, which the kernel would choose."""
    lab.wires.feed()
    for i in slots:
        bdf = lab.guest.bdf(i)
        lab.guest.sh("cd /sys/bus/pci/devices/%s && echo bus > reset_method && "
                     "echo 1 > reset && echo %s > driver/unbind" % (bdf, bdf))


def lose(lab, victim, backup, way):
    """Seconds from the loss until the backup carries the traffic."""
    start = time.monotonic()
    check(not lab.wires[backup].count(start - 0.5, start), "the backup is in use already")
    loss = removal.remove(lab.guest, victim, way)
    check(loss.wait(40), "the removal blocks")
    lab.testpmd.wait_forwarding([backup], 20)
    first = lab.wires[backup].first(start)
    lab.watch(1)
    return first - start


def bring_back(lab, victim, driver, kind):
    """Seconds from the return until the card carries it again."""
    start = time.monotonic()
    if kind == "fail-safe":
        lab.guest.ready(victim, driver)     # fail-safe probes what is bound
    else:
        lab.guest.plug(victim)              # we bind it, as it was
        lab.guest.wait_bdf(victim)
    lab.testpmd.wait_forwarding([victim], 40)
    lab.watch(1)
    return lab.wires[victim].first(start) - start
