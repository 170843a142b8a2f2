# SPDX-License-Identifier: BSD-3-Clause
"""Stock testpmd, without our library, on our kernel module.

It starts, forwards, gets link interrupts, survives a removal with --hot-plug
(the cut-off raises SIGBUS again, which its own handler knows), takes the card
back and quits.  Without --hot-plug it dies of that SIGBUS, and only it.
"""
import re
import time

import removal
import uio
from scenarios.igb_uio import check_clean, settle
from scenarios.row import NICS, Row, boot, check
from testpmd import Testpmd


# The e1000 PMD knows no MSI-X vectors: with them its link interrupts never come.
OPTIONS = {"e1000e": "intr_mode=legacy"}


def rows(full):
    some = (("e1000e", "yank"), ("virtio-net-pci", "sysfs"))
    # not vmxnet3: its PMD crashes in the second attach, on any module
    product = [(nic, way) for nic in NICS if nic != "vmxnet3" for way in ("sysfs", "yank", "button")]
    return [Row("igb_uio stock testpmd %s %s --hot-plug" % (nic, way), boot(), hot_plug,
                dict(nic=nic, way=way))
            for nic, way in (product if full else some)] + [
                Row("igb_uio stock testpmd e1000e unbind", boot(), dies, {})]


def begin(lab, nic, with_hot_plug):
    g = lab.guest
    module = uio.Module(g)
    module.load(OPTIONS.get(nic, ""))
    g.dmesg(clear=True)
    slots = lab.slots(nic)
    t = lab.start(slots, "igb_uio", hot_plug=with_hot_plug, stock=True)
    return module, slots, t


def set_link(g, slot, up):
    """(Guest.cmd() has a `name` of its own.)"""
    g.qmp.send({"execute": "set_link", "arguments": {"name": "n%d" % slot, "up": up}})
    while "return" not in (g.qmp.receive(30) or {"return": None}):
        pass


def check_link(lab, slot, t):
    """The cable is pulled: the PMD's interrupt says so."""
    start = len(t.text())
    for up in (False, True):
        set_link(lab.guest, slot, up)
        time.sleep(1)
    n = len(re.findall("link state change event", t.text()[start:]))
    lab.figures["link_events"] = n
    check(n >= 2, "%d link interrupts, not 2" % n)


def hot_plug(lab, nic, way):
    g = lab.guest
    module, (victim, bystander), t = begin(lab, nic, True)
    bdf = t.bdfs[0]
    check_link(lab, bystander, t)
    t.wait_forwarding([victim, bystander])
    check(removal.remove(g, victim, way).wait(20), "the removal blocks")
    settle(g, victim)
    lab.check_alive()
    t_gone = time.monotonic()
    check(t.wait_output("Now total ports is 1", 150), "not detached: " + t.end())
    t.wait_forwarding([bystander])                  # stock has halted all ports meanwhile
    lab.figures["halted_s"] = time.monotonic() - t_gone
    check(not uio.removed(g) or uio.removed(g)[0][0] == bdf, "removed: %s" % uio.removed(g))
    time.sleep(2)
    g.ready(victim, "igb_uio")
    for line in ("stop", "port attach " + bdf, "port start all", "start"):
        t.type(line)
        time.sleep(1)
    t.wait_forwarding([victim, bystander], 60)
    lab.check_quit()
    check(uio.attribute(g, g.bdf(victim), "state") == "released", "not released after quit")
    check(module.unload(), "the module cannot be unloaded")
    check_clean(g)


def dies(lab):
    """Cut off in the middle of its work, and with nobody to catch the signal."""
    module, (victim, bystander), t = begin(lab, "e1000e", False)
    bdf = t.bdfs[0]
    t.wait_forwarding([victim, bystander])
    lab.guest.ask(op="write", path="/sys/bus/pci/drivers/igb_uio/unbind", text=bdf)
    t.type("show port stats all")               # these are in registers
    end = time.monotonic() + 10
    while t.state()["signal"] != "SIGBUS" and time.monotonic() < end:
        time.sleep(0.2)
    check(t.state()["signal"] == "SIGBUS", "not cut off: %s" % t.end())
    check(not uio.removed(lab.guest), "removed: %s" % uio.removed(lab.guest))
    check(uio.attribute(lab.guest, t.bdfs[1], "state") == "released", "the other is not released")
    check(module.unload(), "the module cannot be unloaded")
    check_clean(lab.guest)
