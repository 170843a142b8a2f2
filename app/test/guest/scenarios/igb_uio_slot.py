# SPDX-License-Identifier: BSD-3-Clause
"""Our kernel module beside whatever holds hot-plug's locks: an open never waits for one.

pciehp waits for the rescan lock with its reset_lock held, who removes a card waits for the
device's lock with the rescan lock held, and a reset through a slot waits for reset_lock with
the device's lock held.  An open must be none of these three: not where NIC 1 is removed and
its slot switched off, and both wait for the removal of NIC 2, which a vfio user holds; nor
where NIC 1 is opened all the time while that is done to it.
"""
import time

import uio
from guest import Guest
from scenarios.igb_uio import check_clean
from scenarios.row import Row, boot, check
from testpmd import Testpmd

ROOT = 0x1a                             # the root port above the switch
TIMES = 20


def rows(full):
    found = [Row("igb_uio opened while its removal and its slot wait for another", boot(),
                 beside_slot, dict(times=TIMES if full else 1))]
    if full:
        found.append(Row("igb_uio opened while it is removed and its slot is switched off",
                         boot(), beside_removal, dict(times=TIMES)))
    return found


class SwitchGuest(Guest):
    """A guest whose NICs 1 and 2 are in slots 21 and 22 of a switch."""

    def argv(self):
        a = super().argv()
        for i in (1, 2):
            at = a.index("pcie-root-port,id=rp%d,chassis=%d,slot=%d,addr=0x%x"
                         % (i, i, i, 0x10 + i))
            a[at] = "xio3130-downstream,id=rp%d,bus=up,chassis=%d,slot=%d" % (i, 20 + i, 20 + i)
        at = a.index("xio3130-downstream,id=rp1,bus=up,chassis=21,slot=21") - 1
        a[at:at] = ["-device", "pcie-root-port,id=rp9,chassis=9,slot=9,addr=0x%x" % ROOT,
                    "-device", "x3130-upstream,id=up,bus=rp9"]
        return a

    def up(self):
        """The switch's upstream port, or None when it is not there."""
        return self.below("0000:00:%02x.0" % ROOT)

    def below(self, port):
        return self.ask(op="look", port=port)["bdf"]

    def port(self, i):
        if i > 2:
            return super().port(i)
        bus = self.read("/sys/bus/pci/devices/%s/secondary_bus_number" % self.up()).strip()
        return "0000:%02x:%02x.0" % (int(bus), i - 1)


def node(g, bdf):
    return "/dev/" + g.sh("ls /sys/bus/pci/devices/%s/uio" % bdf).strip()


def begin(lab):
    g, (one, two) = lab.guest, lab.slots("e1000e")
    module = uio.Module(g)
    module.load()
    g.dmesg(clear=True)
    return g, one, two, module


def post_remove(g, bdf):
    return g.post(op="write", path="/sys/bus/pci/devices/%s/remove" % bdf, text="1")


def post_off(g, slot):
    return g.post(op="write", path="/sys/bus/pci/slots/%d/power" % slot, text="0")


def check_ends(g, pending):
    for what, number in pending.items():
        check(g.answer(number, 60) is not None, what + " hangs")


def beside_slot(lab, times):
    g, one, two, module = begin(lab)
    for _ in range(times):
        bdf = g.ready(one, "igb_uio")
        user = Testpmd(g, [g.ready(two, "vfio-pci")], None)
        pending = {"the other removal": post_remove(g, user.bdfs[0])}
        wait_stack(g, "vfio_", "the removal does not wait for the vfio user")
        pending["the removal"] = post_remove(g, bdf)
        wait_stack(g, "pci_stop_and_remove_bus_device_locked", "its removal does not wait", 2)
        pending["the slot"] = post_off(g, one)
        wait_stack(g, "pciehp_unconfigure_device", "pciehp does not wait for the removal")
        pending["open"] = g.post(op="run", cmd=": < %s" % node(g, bdf), limit=200)
        time.sleep(1)                   # it is on its way, or over
        user.kill()
        check_ends(g, pending)
        put_back(g, one, two)
    finish(g, module)


def put_back(g, *slots):
    for i in slots:
        g.plug(i)
        g.wait_bdf(i)


def finish(g, module):
    check(module.unload(), "the module cannot be unloaded")
    check_clean(g)


def beside_removal(lab, times):
    g, one, two, module = begin(lab)
    for _ in range(times):
        bdf = g.ready(one, "igb_uio")
        pending = {"open": g.post(op="run", limit=60,
                                  cmd="while : < %s; do :; done" % node(g, bdf))}
        time.sleep(0.4)
        pending["the removal"] = post_remove(g, bdf)
        time.sleep(0.05)
        pending["the slot"] = post_off(g, one)
        check_ends(g, pending)
        put_back(g, one, two)
    finish(g, module)


def wait_stack(g, function, otherwise, n=1):
    """Until so many threads wait in that function of the kernel."""
    end = time.monotonic() + 30
    look = "grep -l %s /proc/[0-9]*/task/*/stack 2>/dev/null; true" % function
    while len(g.sh(look).split()) < n:
        check(time.monotonic() < end, otherwise)
        time.sleep(0.2)
