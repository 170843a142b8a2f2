# SPDX-License-Identifier: BSD-3-Clause
"""A card is torn out and put back, and nobody types anything: packets flow again.

The plugin alone, stock testpmd in io mode: the dead port is closed and detached,
the returned card bound, attached, configured and started under the same port id,
while the other port forwards on.
"""
import time

import removal
from scenarios import survive
from scenarios.row import NICS, Row, boot, check
from testpmd import Failed

AWAY = {"vfio-pci": 8.0}        # pciehp is still at it: the kernel waited for the release
HEALED_WITHIN = 40
STEADY = 15.0                   # five losses in a minute are flapping, and wait for calm


def rows(full):
    short = [("e1000e", "uio_pci_generic", "yank"), ("virtio-net-pci", "uio_pci_generic", "acpi"),
             ("vmxnet3", "vfio-pci", "sysfs")]
    product = [(n, d, w) for n in NICS for d in ("uio_pci_generic", "vfio-pci")
               for w in ("sysfs", "acpi", "button", "yank")]
    found = [Row("heal %s %s %s" % r, boot(removal.hotplug_for(r[2])), heal,
                 dict(nic=r[0], driver=r[1], way=r[2], cycles=20 if full else 3))
             for r in (product if full else short)]
    found.append(Row("heal e1000e igb_uio sysfs, uio_mmap=on", boot(), heal,
                     dict(nic="e1000e", driver="igb_uio", way="sysfs", cycles=3,
                          options="uio_mmap=on")))
    return found


def heal(lab, nic, driver, way, cycles, options=None):
    victim, bystander = lab.slots(nic)
    t = lab.start([victim, bystander], driver, options=options)
    if options == "uio_mmap=on":
        check("/dev/uio" in t.maps(), "no BAR is mapped through its uio device")
    flows, gaps = [], []
    for i in range(cycles):
        start = time.monotonic()
        gaps.append(lose(lab, victim, bystander, way))
        time.sleep(AWAY.get(driver, 2.0) if way == "yank" else 2.0)
        flows.append(bring_back(lab, victim, bystander, way))
        lab.check_alive()
        if 4 < cycles and i + 1 < cycles:
            time.sleep(max(0.0, start + STEADY - time.monotonic()))
    lab.figures.update(healed="%d of %d" % (len(flows), cycles),
                       flows_after_s=[round(s, 2) for s in flows],
                       gaps_ms=[round(g, 1) for g in gaps])
    check("not ready port" not in t.text(), "a poller met ethdev's own dummy")
    for line in ("show port info all", "show port stats all", "stop", "start"):
        t.type(line)
        lab.watch(0.5, stats=False)
    lab.check_alive()
    t.wait_forwarding([victim, bystander])
    lab.check_undamaged()
    lab.check_quit()


def lose(lab, victim, bystander, way):
    """The longest silence of the other port around the loss, in ms."""
    t_lost = lab.watch(survive.WINDOW)
    before = lab.guest.waited()
    check(removal.remove(lab.guest, victim, way).wait(40), "the removal blocks")
    t_end = lab.watch(1)
    after = lab.guest.waited()
    lab.figures["starved_ms"] = 1000 * max(after[k] - before.get(k, 0) for k in after)
    survive.check_forwarding(lab, bystander, t_lost, t_end, False)
    return lab.figures["gap_ms"]


def bring_back(lab, victim, bystander, way):
    """Seconds until packets came back from the returned card."""
    start = time.monotonic()
    if way == "sysfs":
        lab.guest.sh("echo 1 > /sys/bus/pci/rescan")
    else:
        lab.guest.plug(victim)
    back = time.monotonic()
    while not lab.wires[victim].count(start, time.monotonic()):
        if time.monotonic() - back > HEALED_WITHIN:
            raise Failed("no packet %d s after the card came back: %s"
                         % (HEALED_WITHIN, lab.testpmd.end()))
        time.sleep(0.05)
    lab.testpmd.wait_forwarding([victim, bystander], 20)
    return time.monotonic() - back
