# SPDX-License-Identifier: BSD-3-Clause
"""What bench/run measures in a guest: ours beside stock, for each way of removal.

    bench signs     two processes hear of the same removal: the one that has the card,
                    with our library, and one with EAL's monitor alone
    bench heal      testpmd and our plugin: the other port's gap, packets after the return
    bench stock     stock's testpmd --hot-plug, the same removal
"""
import time

import removal
from eventer import Eventer
from scenarios import heal, survive
from scenarios.row import Row, boot, check
from testpmd import Failed

WAYS = ("sysfs", "yank", "button", "acpi")
NIC, DRIVER = "e1000e", "uio_pci_generic"
PATIENCE = 90           # seconds that stock gets to forward on the other port again
RETURN = 20             # and to forward on a card that is back


def rows(full):
    if not full:
        return []                           # `watch eight NICs` compares the same times
    found = []
    for way in WAYS:
        b = boot(removal.hotplug_for(way))
        found += [Row("bench signs " + way, b, signs, dict(way=way, n=8)),
                  Row("bench heal " + way, b, heal.heal,
                      dict(nic=NIC, driver=DRIVER, way=way, cycles=5)),
                  Row("bench stock " + way, b, stock, dict(way=way))]
    return found


def signs(lab, way, n):
    """One after the other leaves; times are from our first sign, on the guest's clock."""
    g = lab.guest
    g.dmesg(clear=True)
    slots = list(g.slots)[:n]
    bdfs = [g.ready(i, DRIVER) for i in slots]
    ours = Eventer(lab, bdfs, "ours")
    other = Eventer(lab, [], "stock")
    try:
        figures = {"cut_us": [], "event_ms": [], "stock_ms": []}
        for slot, bdf in zip(slots, bdfs):
            loss = removal.remove(g, slot, way)
            e = ours.wait(15, "ours", bdf, "gone")
            check(e, "%s (%s): nobody said so" % (bdf, way))
            check(loss.wait(20), "%s does not end" % way)
            stock_e = other.wait(5, "eal", bdf, "gone")
            check(stock_e, "%s (%s): EAL's callback was not called" % (bdf, way))
            t_sign, t_cut = float(e["t_sign"]), float(e["t_cut"])
            check(0 < t_sign <= t_cut <= e["t"], "times out of order: %s" % e)
            figures["cut_us"].append((t_cut - t_sign) * 1e6)
            figures["event_ms"].append((e["t"] - t_sign) * 1e3)
            figures["stock_ms"].append((stock_e["t"] - t_sign) * 1e3)
    finally:
        ours.kill()
    lab.figures.update(figures)


def stock(lab, way):
    """Its gap is no failure of ours: it is written down."""
    victim, bystander = lab.slots(NIC)
    t = lab.start([victim, bystander], DRIVER, hot_plug=True, stock=True)
    t_lost, loss = survive.lose(lab, victim, way)
    t_end = lab.watch(survive.WINDOW)
    try:
        t_end = t.wait_forwarding([bystander], PATIENCE)
    except Failed:
        t_end = time.monotonic()
    lab.figures.update(alive=t.is_alive(), gap_ms=lab.wires[bystander].gap(t_lost, t_end) * 1e3)
    loss.wait(30)
    if lab.figures["alive"]:
        start = removal.put_back(lab.guest, [victim], way)
        time.sleep(RETURN)
        first = lab.wires[victim].first(start)
        lab.figures["returned_s"] = first - start if first else None
    t.kill()
