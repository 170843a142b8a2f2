# SPDX-License-Identifier: BSD-3-Clause
"""Our kernel module: devices leave it while 1, 2 or 8 processes have them open.

After each: every process lives and is cut off, no interrupt is left behind,
the kernel log is clean; after the re-plug MSI-X is back; at the end the module
can be unloaded.  The control does the same to the stock module.
"""
import errno
import time

import removal
import uio
from guest import Boot
from scenarios.row import Row, boot, check

WAYS = ("sysfs", "acpi", "button", "yank", "unbind", "rmmod")
OPENERS = (1, 2, 8)
# BAR and offset of a word pair that tells a device by: its MAC address
REGISTERS = {"e1000e": (0, 0x5400), "e1000": (0, 0x5400), "virtio-net-pci": (4, 0x2000)}
KIND = {"e1000e": {"msix"}, "virtio-net-pci": {"msix"}, "e1000": set()}
# What a write() gets when the card has gone: the module's answer from the cut-off on, and
# the uio core's own from a moment later on, which differs from kernel to kernel.
ARMED = (errno.ENODEV, errno.EINVAL, errno.EIO)
HANDFUL = (("e1000e", 2, "sysfs"), ("e1000e", 8, "yank"), ("e1000e", 1, "unbind"),
           ("virtio-net-pci", 2, "yank"), ("virtio-net-pci", 8, "rmmod"),
           ("virtio-net-pci", 1, "sysfs"), ("e1000", 2, "sysfs"),
           ("e1000e", 2, "acpi"))


def rows(full):
    product = [(nic, n, way) for way in WAYS for nic in KIND for n in OPENERS]
    cycles = 3 if full else 2               # the second one finds what the first one left
    found = [life_row(*values, cycles) for values in (product if full else HANDFUL)]
    found += [life_row("e1000e", 2, way, cycles, True)
              for way in (("sysfs", "unbind", "yank") if full else ("sysfs",))]
    if full:
        found += [life_row("e1000e", 2, "yank", 200),
                  life_row("virtio-net-pci", 2, "sysfs", 200),
                  Row("igb_uio control: two openers damage the stock module",
                      Boot(nics=("e1000e",)), control, {})]
    return found


def life_row(nic, n_users, way, cycles, is_arming=False):
    return Row("igb_uio %s, %d open, %s%s, %d times"
               % (nic, n_users, way, ", arming" if is_arming else "", cycles),
               boot(removal.hotplug_for(way)), life,
               dict(nic=nic, n_users=n_users, way=way, cycles=cycles, is_arming=is_arming))


def life(lab, nic, n_users, way, cycles, is_arming):
    g, slot = lab.guest, lab.slots(nic)[0]
    g.dmesg(clear=True)
    module = uio.Module(g)
    module.load()
    t_start = time.monotonic()
    for _ in range(cycles):
        cycle(lab, module, slot, nic, n_users, way, is_arming)
        if not module.is_loaded():
            module.load()
    lab.figures["cycle_s"] = (time.monotonic() - t_start) / cycles
    check(not is_arming or lab.figures["told_gone"], "no write() came between the cut-off "
          "and the end: nothing is proven")
    g.plug(slot)                                    # for a later row
    check(module.unload(), "the module cannot be unloaded")
    check_clean(g)


def options(nic, index, is_arming):
    """The first process of an e1000e receives and waits for interrupts, the
    second maps through /dev/uioN, all read all the time."""
    how = "uio" if index == 1 else "sysfs"
    first = "" if index else " -i -d" if nic == "e1000e" else " -i"
    return "-m %s -b %d -r %d%s%s" % ((how,) + REGISTERS[nic]
                                      + (first, " -a" if is_arming else ""))


def cycle(lab, module, slot, nic, n_users, way, is_arming):
    g = lab.guest
    bdf = g.ready(slot, "igb_uio")
    users = [uio.User(g, bdf, options(nic, i, is_arming)) for i in range(n_users)]
    lab.wires.feed(slot)
    check_open(g, bdf, nic, n_users)
    leave(g, module, slot, way, users)
    lab.wires.feed()
    if way != "rmmod":
        check_cut_off(g, bdf, users, way)
        check_told(lab, users)
    check_clean(g)
    for u in users:
        u.kill()
    if module.is_loaded():
        left = uio.left_over(g)
        check(not left, "still there with nobody left: %s" % left)


def check_open(g, bdf, nic, n_users):
    found = [uio.attribute(g, bdf, a) for a in ("state", "opens", "revoked")]
    check(found == ["opened", str(n_users), "none"], "state, opens, revoked: %s" % found)
    check(len(uio.interrupts(g)) == 1, "interrupts: %s" % uio.interrupts(g))
    kinds = uio.interrupt_kinds(g, bdf)
    check(kinds == KIND[nic], "%s signals by %s" % (nic, kinds))


def leave(g, module, slot, way, users):
    bdf = g.bdf(slot)
    if way == "unbind":
        g.sh("echo %s > /sys/bus/pci/drivers/igb_uio/unbind" % bdf)
    elif way == "rmmod":
        check(not module.unload(), "the module goes while a device is open")
        for u in users:
            u.report()                              # and they are none the worse
            u.kill()
        check(module.unload(), "the module does not go when nothing is open")
    else:
        gone = removal.remove(g, slot, way)
        check(gone.wait(20), "the removal by %s blocks" % way)
        settle(g, slot)


def settle(g, slot):
    """QEMU's word that a device is gone may come before the kernel's."""
    for _ in range(300):
        if g.look(slot)[1] != "igb_uio":
            return
        time.sleep(0.1)
    check(False, "the kernel keeps the device")


def check_cut_off(g, bdf, users, way):
    state = "unplugged" if way == "yank" else "removed"
    end = time.monotonic() + 20
    while not uio.removed(g) and time.monotonic() < end:    # at the end of its remove()
        time.sleep(0.05)
    graves = uio.removed(g)
    check([x[:3] for x in graves] == [(bdf, state, str(len(users)))],
          "removed devices: %s" % graves)
    before = [u.report() for u in users]
    time.sleep(0.2)
    for u, was in zip(users, before):
        now = u.report()
        check(now["sigbus"] > was["sigbus"], "a mapping is not cut off: %s" % now)
        check(now["see"] == was["see"], "a mapping still reads: %s" % now)


def check_told(lab, users):
    """The reader wakes with EIO.  A write() that came in after the cut-off says so, too."""
    end = time.monotonic() + 10
    while not users[0].report()["read"] and time.monotonic() < end:
        time.sleep(0.05)
    now = users[0].report()
    check(now["read"] == errno.EIO, "the reader got errno %d, not EIO" % now["read"])
    check(not now["write"] or now["write"] in ARMED, "write() got errno %d" % now["write"])
    told = sum(u.report()["gone"] for u in users)
    lab.figures["told_gone"] = lab.figures.get("told_gone", 0) + told


def check_clean(g):
    check(not uio.interrupts(g), "left in /proc/interrupts: %s" % uio.interrupts(g))
    check(not g.splats(), "kernel log: " + " | ".join(g.splats()[:3]))


def control(lab):
    """That life() can fail: the stock module, two openers."""
    g = lab.guest
    g.dmesg(clear=True)
    uio.Module(g, is_stock=True).load()
    bdf = g.ready(1, "igb_uio")
    users = [uio.User(g, bdf, "-m sysfs -r 0x5400") for _ in range(2)]
    removal.remove(g, 1, "sysfs").wait(20)
    time.sleep(0.5)
    splats, left = g.splats(), uio.interrupts(g)
    lab.figures.update(splats=len(splats), interrupts_left=len(left),
                       sigbus=sum(u.report()["sigbus"] for u in users))
    check(splats and left, "the stock module is not damaged: the rows prove nothing")
