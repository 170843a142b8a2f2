# SPDX-License-Identifier: BSD-3-Clause
"""Devices leave that testpmd does not hold, or no longer: nothing may be mapped.

A device that was never probed has no mapping, and a virtio port that was
closed has given its mapping back: laying pages "over" it would hit address 0
or somebody else's memory.
"""
import removal
from scenarios.row import Row, boot

DRIVER = "uio_pci_generic"


def rows(full):
    found = [Row("closed virtio-net-pci yank, unprobed e1000e yank", boot(), closed,
                 dict(hot_plug=False, unprobed="e1000e"))]
    if full:
        found += [Row("unprobed e1000e yank", boot(), unprobed,
                      dict(nic="e1000e", hot_plug=False)),
                  Row("unprobed e1000 yank --hot-plug", boot(), unprobed,
                      dict(nic="e1000", hot_plug=True)),
                  Row("closed virtio-net-pci yank --hot-plug", boot(), closed,
                      dict(hot_plug=True))]
    return found


def unprobed(lab, nic, hot_plug):
    victim, bystander = lab.slots(nic)
    t = lab.start([bystander], DRIVER, hot_plug, extra=[victim])
    leave(lab, [victim], bystander, t)


def closed(lab, hot_plug, unprobed=None):
    """unprobed: the model of a card that goes, too."""
    victim, bystander = lab.slots("virtio-net-pci")
    others = lab.slots(unprobed)[:1] if unprobed else []
    t = lab.start([victim, bystander], DRIVER, hot_plug, extra=others)
    for line in ("stop", "port stop 0", "port close 0", "start"):
        t.type(line)
    t.wait_forwarding([bystander])
    leave(lab, [victim] + others, bystander, t)


def leave(lab, victims, bystander, t):
    for victim in victims:
        removal.remove(lab.guest, victim, "yank").wait(10)
        lab.watch(2)
        lab.check_alive()
        t.wait_forwarding([bystander])
        lab.check_undamaged()
    lab.check_quit()
    for victim in victims:
        lab.guest.plug(victim)
