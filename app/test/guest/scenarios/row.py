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

# optional: the reason why this row is not run, or None; or what says so of the boot
Row = collections.namedtuple("Row", "name boot run args optional", defaults=(None,))

NICS = ("e1000e", "e1000", "virtio-net-pci", "vmxnet3")
PAIRS = tuple(n for n in NICS for _ in range(2))    # two of each in every guest
QUEUES = {"vmxnet3": 2, "igb": 2}       # with RSS: e1000e has none, virtio's netdev one queue
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

    def start(self, slots, driver, hot_plug=False, stock=False, extra=(), options=None, **shape):
        """testpmd forwarding on these slots; those in `extra` are only bound.

        options: the plugin's, as DPDK_HOTPLUG has them.
        shape: what differs from testpmd.Testpmd's.  With --hot-plug, and stock, nobody asks:
        testpmd then closes and detaches ports in EAL's interrupt thread beside those who
        type and ask, and may die of that without any of us.
        """
        self.guest.dmesg(clear=True)
        if driver == "vfio-pci":
            self.clear_lines()
        bdfs = [self.guest.ready(i, driver) for i in slots]
        for i in extra:
            self.guest.ready(i, driver)
        shape.setdefault("queues", min(QUEUES.get(self.guest.boot.nics[i - 1], 1) for i in slots))
        self.testpmd = Testpmd(self.guest, bdfs, None if stock else self.plugin, hot_plug,
                               options, **shape)
        self.wires.feed(*slots)
        self.testpmd.wait_forwarding(slots)
        if not hot_plug and not stock:
            self.testpmd.be_watched()
        return self.testpmd

    def clear_lines(self):
        """Take the NICs of former rows off uio.

        Stock's e1000 on vfio-pci raises its interrupt before anybody listens: if
        uio listens on that line for another NIC, the kernel finds that nobody
        cared, and says so.
        """
        self.guest.sh("cd /sys/bus/pci/drivers; for d in uio_pci_generic igb_uio; do "
                      "for f in $d/0000:*; do [ -e $f ] && echo ${f#*/} > $d/unbind; done; done")

    def watch(self, seconds):
        """Let time pass; until when it did."""
        time.sleep(max(0.0, seconds))
        return time.monotonic()

    def check_alive(self):
        check(self.testpmd.is_alive(), "testpmd died: " + self.testpmd.end())
        self.check_answers()

    def check_answers(self):
        """The telemetry client was answered, each time."""
        if self.testpmd.asker:
            wrong, self.figures["t_answers"] = self.testpmd.asker.report()
            check(wrong is None, "telemetry: %s" % wrong)

    def check_undamaged(self):
        """The kernel log is clean; nothing is mapped at address 0."""
        splats = self.guest.splats()
        check(not splats, "kernel log: " + " | ".join(splats[:3]))
        first = self.testpmd.maps().split("-")[0]
        check(int(first, 16) >= 0x10000, "something is mapped at 0x" + first)

    def check_quit(self):
        """The telemetry client leaves before: rte_eal_cleanup() takes away the memory that
        stock's commands read, and lets them go on."""
        self.check_answers()
        if self.testpmd.asker:
            self.testpmd.asker.kill()
        self.testpmd.type_on()              # what was typed before is still obeyed
        t = time.monotonic()
        s = self.testpmd.quit(150)
        self.figures["quit_s"] = time.monotonic() - t
        check(not s["alive"], "testpmd does not quit: " + self.testpmd.end())
        check(s["rc"] == 0, "testpmd quits with %s" % (s["signal"] or s["rc"]))


def check(is_true, otherwise):
    if not is_true:
        raise Failed(otherwise)
