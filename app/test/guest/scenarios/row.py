# SPDX-License-Identifier: BSD-3-Clause
"""What a scenario is made of: a Row, what it is given, how it judges.

A scenario module has rows(full) -> [Row].  run.py groups the rows by boot and
calls row.run(lab, **row.args) for each; the function returns when all is well,
raises Failed when what was tested is wrong and LabError when the lab is.
"""
import collections
import time

from guest import Boot
from testpmd import Failed, Testpmd

# optional: the reason why this row is not run, or None
Row = collections.namedtuple("Row", "name boot run args optional", defaults=(None,))

NICS = ("e1000e", "e1000", "virtio-net-pci", "vmxnet3")
PAIRS = tuple(n for n in NICS for _ in range(2))    # two of each in every guest
KERNEL_DRIVER = {"e1000": "e1000", "igb": "igb", "e1000e": "e1000e", "vmxnet3": "vmxnet3",
                 "virtio-net-pci": "virtio_net"}


def boot(hotplug="pciehp", kernel="6.1"):
    """uio and vfio rows share a guest: the IOMMU is in pass-through mode."""
    return Boot(kernel, hotplug, PAIRS, True)


class Lab:
    """What a row works with: a guest, the plugin, a place for its figures."""

    def __init__(self, guest, plugin):
        self.guest, self.plugin, self.wires = guest, plugin, guest.wires
        self.figures = {}
        self.testpmd = None

    def slots(self, nic):
        """The slots of the two NICs of a model."""
        return [i for i in self.guest.slots if self.guest.boot.nics[i - 1] == nic]

    def start(self, slots, driver, hot_plug=False, stock=False, extra=(), options=None):
        """testpmd forwarding on these slots; those in `extra` are only bound.

        options: the plugin's, as DPDK_HOTPLUG has them.
        """
        self.guest.dmesg(clear=True)
        if driver == "vfio-pci":
            self.clear_lines()
        bdfs = [self.guest.ready(i, driver) for i in slots]
        for i in extra:
            self.guest.ready(i, driver)
        self.testpmd = Testpmd(self.guest, bdfs, None if stock else self.plugin, hot_plug,
                               options)
        self.wires.feed(*slots)
        self.testpmd.wait_forwarding(slots)
        return self.testpmd

    def clear_lines(self):
        """Take the NICs of former rows off uio.

        Stock's e1000 on vfio-pci raises its interrupt before anybody listens: if
        uio listens on that line for another NIC, the kernel finds that nobody
        cared, and says so.
        """
        self.guest.sh("cd /sys/bus/pci/drivers; for d in uio_pci_generic igb_uio; do "
                      "for f in $d/0000:*; do [ -e $f ] && echo ${f#*/} > $d/unbind; done; done")

    def watch(self, seconds, stats=True):
        """Let time pass; read statistics meanwhile, as monitoring does."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if stats:
                self.testpmd.type("show port stats all")
            time.sleep(max(0.0, min(0.5, end - time.monotonic())))
        return time.monotonic()

    def check_alive(self):
        check(self.testpmd.is_alive(), "testpmd died: " + self.testpmd.end())

    def check_undamaged(self):
        """The kernel log is clean; nothing is mapped at address 0."""
        splats = self.guest.splats()
        check(not splats, "kernel log: " + " | ".join(splats[:3]))
        first = self.testpmd.maps().split("-")[0]
        check(int(first, 16) >= 0x10000, "something is mapped at 0x" + first)

    def check_quit(self):
        t = time.monotonic()
        s = self.testpmd.quit(150)
        self.figures["quit_s"] = time.monotonic() - t
        check(not s["alive"], "testpmd does not quit: " + self.testpmd.end())
        check(s["rc"] == 0, "testpmd quits with %s" % (s["signal"] or s["rc"]))


def check(is_true, otherwise):
    if not is_true:
        raise Failed(otherwise)
