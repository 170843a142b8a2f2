# SPDX-License-Identifier: BSD-3-Clause
"""A device is removed, found again and bound while the old process lives.

The old mappings and rings must not drive it.  Bus mastering is switched on for
the returned device, as igb_uio does: with it, stock testpmd forwards through
its stale mapping as if nothing had happened.
"""
import removal
from scenarios.row import Row, boot, check

DRIVER = "uio_pci_generic"
NICS = ("e1000", "e1000e", "vmxnet3", "virtio-net-pci")


def rows(full):
    found = [Row("ghost %s" % ", ".join(NICS), boot(), ghost,
                 dict(rounds=3 if full else 1))]
    if full:
        found.append(Row("ghost control: stock testpmd forwards through the old mapping",
                         boot(), control, {}))
    return found


def ghost(lab, rounds):
    n_seen = n_cycles = 0
    for _ in range(rounds):
        victims = [lab.slots(n)[0] for n in NICS]
        # nobody is to bring the port back: what forwards then is the old life
        t = lab.start(victims + [lab.slots("e1000e")[1]], DRIVER, options="policy=survive")
        for v in victims:
            bdf = flap(lab, v)
            n_cycles += 1
            n_seen += forwards(lab, v)
            lab.check_alive()
            for what in ("gone", "ready"):
                check(t.wait_event(bdf, what, 10), "no event `%s` for %s; told: %s; testpmd: %s" %
                      (what, bdf, [e["what"] for e in t.events(bdf)], t.end()))
        t.wait_forwarding([lab.slots("e1000e")[1]])
        lab.check_undamaged()
        lab.check_quit()
    lab.figures.update(ghosts="%d of %d" % (n_seen, n_cycles))
    check(n_seen == 0, "%d of %d returned devices were driven by the old process"
          % (n_seen, n_cycles))


def flap(lab, slot):
    """Remove, rescan, bind again, allow bus mastering; its address."""
    g = lab.guest
    check(removal.remove(g, slot, "sysfs").wait(20), "the removal blocks")
    bdf = g.ready(slot, DRIVER)
    g.sh("setpci -s %s COMMAND=6:6" % bdf)      # memory decoding, bus master
    return bdf


def forwards(lab, slot):
    """Do packets come back on the wire of a device that nobody may drive?"""
    start = lab.watch(0.3)
    n = lab.wires[slot].count(start, lab.watch(1.2))
    lab.figures["packets %d" % slot] = n
    return n > 0


def control(lab):
    """That ghost() can fail: the same with stock testpmd, one e1000.

    Linux before 5.12 takes the mapping away itself: there it must not forward.
    """
    victim = lab.slots("e1000")[0]
    lab.start([victim, lab.slots("e1000e")[1]], DRIVER, stock=True)
    flap(lab, victim)
    if lab.guest.boot.kernel == "5.10":
        return check(not forwards(lab, victim), "5.10 has not revoked the old mapping")
    check(forwards(lab, victim), "stock testpmd does not drive the returned device: "
          "the ghost rows prove nothing")
    lab.check_quit()
