# SPDX-License-Identifier: BSD-3-Clause
"""A card is reset under stock testpmd, and stays where it is: noticed, healed in place.

Our igb_uio counts resets: one of the administrator's (sysfs) is known when it is over.  With
the other kernel drivers a reset shows where it has switched the card's registers off and
somebody looks meanwhile, or where they stay off.  The other port forwards on.
"""
import time

from guest import TooBusy
from scenarios import survive
from scenarios.row import Row, boot, check

QUIET = 1.3
TURNS = 3
OFF_S = 4               # no look misses that


def rows(full):
    short = [("e1000e", "igb_uio", "bus"), ("virtio-net-pci", "vfio-pci", "off")]
    product = [("virtio-net-pci", "igb_uio", "flr"), ("vmxnet3", "igb_uio", "bus"),
               ("e1000e", "igb_uio", "off"), ("e1000e", "uio_pci_generic", "off"),
               ("virtio-net-pci", "uio_pci_generic", "off"), ("e1000e", "vfio-pci", "off")]
    found = [Row("reset %s %s %s" % r, boot(), reset, dict(nic=r[0], driver=r[1], what=r[2]))
             for r in (short + product if full else short)]
    found.append(Row("reset e1000e igb_uio bus, policy=tell", boot(), told, dict(nic="e1000e")))
    return found


def do(g, bdf, what):
    """When it began and was over, on the guest's clock."""
    path = "/sys/bus/pci/devices/%s/" % bdf
    if what != "off":
        g.write(path + "reset_method", what)
        a = g.write(path + "reset", "1")
        check(a["failed"] is None, "it cannot be reset: %s" % a["failed"])
        return a["t0"], a["t1"]
    begin = g.ask(op="time")["time"]
    g.sh("setpci -s %s COMMAND=0:2" % bdf)
    time.sleep(OFF_S)
    g.sh("setpci -s %s COMMAND=2:2" % bdf)
    return begin, g.ask(op="time")["time"]


def reset(lab, nic, driver, what):
    g, (victim, bystander) = lab.guest, lab.slots(nic)
    t = lab.start([victim, bystander], driver, options="flaps=0")
    bdf = g.bdf(victim)
    noticed, healed, gaps = [], [], []
    for n in range(1, TURNS + 1):
        g.halted_s = 0.0
        t_lost, before = lab.watch(QUIET), g.waited()
        begin, over = do(g, bdf, what)
        g.sync()
        heal(lab, bdf, n)
        gone = [e for e in t.events(bdf) if e["what"] == "gone"][-1]
        check(gone["cause"] == "RESET", "lost for another cause: %s" % gone)
        noticed.append(round(1000 * (gone["t_event"] - begin)))
        t.wait_forwarding([victim, bystander], 20)
        gaps.append(gap(lab, bystander, t_lost, before))
        healed.append(round(1000 * (lab.wires[victim].first(g.to_host(over)) - g.to_host(over))))
    lab.figures.update(noticed_ms=noticed, healed_ms=healed, gaps_ms=gaps)
    if gaps.count(None) > TURNS // 2:
        raise TooBusy("this machine was too busy to tell")
    lab.check_alive()
    lab.check_undamaged()
    lab.check_quit()


def heal(lab, bdf, n):
    t, end = lab.testpmd, time.monotonic() + 30
    while t.text().count("hotplug: %s healed" % bdf) < n:
        check(time.monotonic() < end, "not healed: %s" % t.end())
        lab.check_alive()
        time.sleep(0.1)


def gap(lab, bystander, t_lost, before):
    """The longest silence of the other port in ms; None: nobody can tell."""
    after = lab.guest.waited()
    lab.figures["starved_ms"] = 1000 * max(after[k] - before.get(k, 0) for k in after)
    try:
        survive.check_forwarding(lab, bystander, t_lost, time.monotonic(), False)
    except TooBusy:
        return None
    finally:
        ms = lab.figures.pop("gap_ms")
    return round(ms, 1)


def told(lab, nic):
    """The application's own matter: its port is not lost, and works again when it has done
    what rte_ethdev.h asks for."""
    g, (victim, bystander) = lab.guest, lab.slots(nic)
    t = lab.start([victim, bystander], "igb_uio", options="policy=tell")
    bdf = g.bdf(victim)
    do(g, bdf, "bus")
    check(t.wait_event(bdf, "restored", 20), "not told: %s" % t.end())
    check(t.wait_output("device reset event|reset event", 10), "no INTR_RESET: %s" % t.end())
    check(not t.wait_event(bdf, "gone", 1), "lost, for all that")
    for line in ("stop", "port stop 0", "port start 0", "start"):
        t.type(line)
        time.sleep(1)
    t.wait_forwarding([victim, bystander], 30)
    lab.check_alive()
    lab.check_undamaged()
    lab.check_quit()
