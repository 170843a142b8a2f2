# SPDX-License-Identifier: BSD-3-Clause
"""A NIC leaves under traffic: testpmd lives and the other port forwards on.

The matrix: NIC x driver x way of removal x --hot-plug.  The check runs a list
in which every pair of values meets, but for the NIC and the way: by which sign the library
learns of a loss is a matter of the driver and the way.  --all runs the full product.
"""
import collections
import itertools
import time

import removal
from guest import TooBusy
from scenarios.row import NICS, Row, boot, check
from testpmd import Failed

NIC, WAY = 0, 2         # in a row's values
DRIVERS = ("uio_pci_generic", "vfio-pci")
BLINK = 4.5             # pciehp obeys the attention button 5 s after it was pressed
WINDOW = 2.0            # seconds watched before and after the loss


def rows(full):
    product = list(itertools.product(NICS, DRIVERS, removal.WAYS, (False, True)))
    if not full:
        product = pairwise(product, apart={NIC, WAY})
    return [row(*values) for values in product]


def row(nic, driver, way, hot_plug):
    name = "survive %s %s %s%s" % (nic, driver, way, " --hot-plug" if hot_plug else "")
    return Row(name, boot(removal.hotplug_for(way)), survive,
               dict(nic=nic, driver=driver, way=way, hot_plug=hot_plug))


def pairwise(product, apart):
    """Few rows of the product in which every two values still meet (greedy), but for those
    of the two columns `apart`.

    Among rows that are equally good the one with the rarest values is taken.
    """
    def pairs(r):
        return {(a, b) for a, b in itertools.combinations(enumerate(r), 2)
                if {a[0], b[0]} != apart}

    missing = set().union(*map(pairs, product))
    used, chosen = collections.Counter(), []
    while missing:
        best = max(product, key=lambda r: (len(pairs(r) & missing),
                                           -sum(used[v] for v in enumerate(r))))
        missing -= pairs(best)
        used.update(enumerate(best))
        chosen.append(best)
    return chosen


def survive(lab, nic, driver, way, hot_plug):
    victim, bystander = lab.slots(nic)
    t = lab.start([victim, bystander], driver, hot_plug)
    t_lost, loss = lose(lab, victim, way)
    before = lab.guest.waited()
    t_end = lab.watch(t_lost + WINDOW - time.monotonic())
    if hot_plug:                                        # stock halts all ports meanwhile
        t_end = t.wait_forwarding([bystander], 120)
    after = lab.guest.waited()
    lab.figures["starved_ms"] = 1000 * max(after[k] - before.get(k, 0) for k in after)
    loss.wait(10)
    lab.check_alive()
    check_event(lab, t, loss, driver)
    try:
        check_forwarding(lab, bystander, t_lost, t_end, hot_plug)
    except TooBusy:                                     # leave nothing pending
        t.kill()
        loss.wait(15)
        raise
    left = lab.wires[victim].count(time.monotonic() - 0.5, time.monotonic())
    check(left == 0, "the victim still forwards: %d packets in 0.5 s" % left)
    lab.check_undamaged()
    if (nic, way) != ("virtio-net-pci", "silent"):      # stock never ends there
        lab.check_quit()
    t.kill()
    check(loss.wait(15), "the kernel does not let go of the device after testpmd's exit")
    lab.guest.plug(victim)                              # for a later row


def lose(lab, victim, way):
    """Watch a quiet window, then lose the victim: when, and the Removal."""
    lab.guest.halted_s = 0.0
    if way == "button":
        loss = removal.remove(lab.guest, victim, way)
        t_lost = lab.watch(BLINK)
    else:
        t_lost = lab.watch(WINDOW + 0.2)
        t_lost = time.monotonic()
        loss = removal.remove(lab.guest, victim, way)
    lab.figures["t_lost"] = t_lost
    return t_lost, loss


def check_event(lab, t, loss, driver):
    what = "requested" if is_asked(driver, loss.way) else "gone"
    e = t.wait_event(loss.bdf, what, 3 if loss.way == "silent" else 10)
    if loss.way == "silent" and e is None:              # nobody is told; only survive
        return
    check(e, "no event `%s` for %s; testpmd: %s" % (what, loss.bdf, t.end()))
    allowed = causes(loss.way, driver)
    check(e["cause"] in allowed, "cause=%s, not one of %s" % (e["cause"], allowed))
    lab.figures.update(cause=e["cause"], sign=e["sign"],
                       event_us=(e["t_event"] - e["t_sign"]) * 1e6)
    if "t_cut" in e:
        lab.figures["cut_us"] = (e["t_cut"] - e["t_sign"]) * 1e6
    if "t_cut" in e and loss.t_dark:
        lab.figures["dark_to_cut_ms"] = (e["t_cut"] - loss.t_dark) * 1000


def is_asked(driver, way):
    """Does the kernel ask for a device that still works?"""
    return driver == "vfio-pci" and way in ("sysfs", "acpi", "button")


def causes(way, driver):
    """What the plugin may say.  A liveness look may come before any notice."""
    if way == "silent":
        return ("SILENT",)
    if way == "yank":
        return ("REMOVED", "SILENT", "REQUESTED" if driver == "vfio-pci" else "UNBOUND")
    return ("REQUESTED",) if driver == "vfio-pci" else ("REMOVED", "UNBOUND")


def check_forwarding(lab, bystander, t_lost, t_end, hot_plug):
    wire, length = lab.wires[bystander], t_end - t_lost
    gap, pause = wire.gap(t_lost, t_end), wire.sender_gap(t_lost, t_end)
    quiet = wire.gap(t_lost - min(length, BLINK), t_lost)
    limit = max(0.05, 2 * quiet) + lab.guest.halted_s       # which was the lab's doing
    lab.figures.update(gap_ms=gap * 1000, quiet_ms=quiet * 1000, sender_ms=pause * 1000,
                       halted_ms=lab.guest.halted_s * 1000)
    if hot_plug or gap <= limit:
        return
    said = "the other port was silent for %.0f ms (quiet window: %.0f ms)" % (
        gap * 1000, quiet * 1000)
    if max(pause * 1000, lab.figures["starved_ms"]) > gap * 1000 / 2:
        raise TooBusy("this machine was too busy to tell: " + said)
    raise Failed(said)
