# SPDX-License-Identifier: BSD-3-Clause
"""The ways in which a device leaves a guest, and what each needs.

    sysfs   the kernel forgets it; the hardware stays where it is
    acpi    QEMU asks through ACPI, the kernel ejects        (ACPI boots)
    button  QEMU presses the attention button, pciehp obeys 5 s later
    yank    true surprise: it is gone, then the kernel learns of it
    silent  it is gone and the kernel never learns of it

remove() starts one and returns at once; Removal says how far it has come.
Called by the scenarios and devtools/demo.
"""
import time

from channel import Held

WAYS = ("sysfs", "acpi", "button", "yank", "silent")


def hotplug_for(way):
    """The kind of boot that a way needs."""
    return "acpi" if way == "acpi" else "pciehp"


class Removal:
    def __init__(self, guest, i, way):
        self.guest, self.i, self.way = guest, i, way
        self.bdf = guest.bdf(i)
        self.t_dark = self.t_deleted = None     # guest's clock; this machine's clock
        self.pending = None
        self.t_start = time.monotonic()
        if way == "sysfs":
            self.pending = guest.post(op="write", text="1",
                                      path="/sys/bus/pci/devices/%s/remove" % self.bdf)
        elif way in ("acpi", "button"):
            guest.cmd("device_del", id="nic%d" % i)
        else:
            self.slot_off(masked=way == "yank")

    def slot_off(self, masked):
        p = self.guest.runs
        cpus = p.pollers(self.bdf) if p and p.is_alive() else [1]
        is_halted = len(cpus) > 1 or p and p.is_alive() and p.is_used_by_many
        a = self.guest.ask(op="slot_off", port=self.guest.port(self.i), device=self.bdf,
                           masked=masked, cpus=cpus, halt=p.name if is_halted else None)
        if a["vendor"] != 0xffff:
            raise RuntimeError("slot power off, and %s still answers" % self.bdf)
        self.t_dark = a["t1"]
        self.guest.halted_s += a["halted_s"]

    def wait(self, timeout):
        """Until the kernel (sysfs) or QEMU (the others) is done with the device.

        False when it is still held after `timeout` seconds.
        """
        if self.way == "sysfs":
            if self.pending is not None and self.guest.answer(self.pending, timeout):
                self.pending = None
            return self.pending is None
        if self.t_deleted is None:
            self.t_deleted = self.guest.wait_deleted(self.i, timeout)
        return self.t_deleted is not None


def remove(guest, i, way):
    return Removal(guest, i, way)


def wait_out(guest, slots, way, timeout=60):
    """Until cards that left in this way could be put back: a slot that is empty is at rest."""
    for i in slots:
        if way != "sysfs":                      # there it stays where it is
            guest.wait_rest(i, timeout)


def put_back(guest, slots, way, timeout=60):
    """The cards that left in this way, the last one first; when the first one was back,
    on this machine's clock.  Held: after `timeout` seconds one of them has not left."""
    wait_out(guest, slots, way, timeout)
    times = [t for t in [guest.plug(i) for i in reversed(slots)] if t is not None]
    if not times:
        raise Held("the kernel keeps NIC %s" % ", ".join(map(str, slots)))
    return min(times)
