# SPDX-License-Identifier: BSD-3-Clause
"""Cards are torn out and put back, and nobody types anything: packets flow again.

The plugin alone, stock testpmd in io mode: the dead port is closed and detached, the
returned card bound, attached, configured and started under the same port id, while
the other port forwards on.  Two that go at the same moment come back in the other
order.  Where both ports have one queue each has an lcore to itself; with two, both lcores
poll both; of three ports two share an lcore.
"""
import bisect
import re
import time

import removal
from guest import TooBusy, has_model
from scenarios import survive
from scenarios.row import Row, boot, check
from testpmd import Failed

NICS = ("e1000e", "virtio-net-pci", "vmxnet3")
HEALED_WITHIN = 40
QUIET = 1.3             # seconds watched before a loss, and about as long after


def rows(full):
    short = [("e1000e+virtio-net-pci", "uio_pci_generic", "yank"),
             ("virtio-net-pci", "uio_pci_generic", "acpi"), ("vmxnet3", "vfio-pci", "sysfs")]
    product = [(n, d, w) for n in NICS for d in ("igb_uio", "vfio-pci")
               for w in ("sysfs", "acpi", "button", "yank")]
    product += [("e1000e+virtio-net-pci", "igb_uio", "sysfs"),
                ("virtio-net-pci+vmxnet3", "vfio-pci", "yank")]
    found = [Row("heal %s %s %s" % r, boot(removal.hotplug_for(r[2])), heal,
                 dict(nic=r[0], driver=r[1], way=r[2], cycles=cycles(full, r[2])))
             for r in (product if full else short)]
    if full:
        found += [igb(d, w) for d in ("igb_uio", "vfio-pci") for w in ("sysfs", "yank")]
    found.append(Row("heal e1000e igb_uio sysfs, uio_mmap=on, a port per lcore", boot(), heal,
                     dict(nic="e1000e", driver="igb_uio", way="sysfs", cycles=3,
                          options="uio_mmap=on,flaps=0", apart=True)))
    found.append(Row("heal vmxnet3 vfio-pci yank, recycle_mbufs", boot(), heal,
                     dict(nic="vmxnet3", driver="vfio-pci", way="yank", cycles=3,
                          mode="recycle_mbufs"), has_no_recycling))
    return found


def has_no_recycling(boot):
    with open("%s%s/bin/dpdk-testpmd" % (boot.root, boot.dpdk or "/usr"), "rb") as f:
        return None if b"recycle_mbufs" in f.read() else \
            "this DPDK has none (23.11 is the first that has)"


def igb(driver, way):
    """A QEMU that has it can be named: QEMU=/path run.py ..."""
    return Row("heal igb %s %s" % (driver, way), boot()._replace(nics=("igb", "igb")), heal,
               dict(nic="igb", driver=driver, way=way, cycles=20),
               None if has_model("igb") else "no igb in this QEMU (8.0 has it)")


def cycles(full, way):
    return 2 if not full else 5 if way == "button" else 20      # it blinks for 5 s first


def heal(lab, nic, driver, way, cycles, options="flaps=0", apart=False, **shape):
    """apart: the card that goes and the one that stays are polled by different lcores."""
    models = nic.split("+")
    victims, bystander = [lab.slots(m)[0] for m in models], lab.slots(models[0])[1]
    t = lab.start(victims + [bystander], driver, options=options, **shape)
    bdfs = [lab.guest.bdf(i) for i in victims]
    lab.figures["lcores"] = lcores = [t.pollers(lab.guest.bdf(i)) for i in victims + [bystander]]
    check(not apart or not set(lcores[0]) & set(lcores[-1]), "the ports share lcores: %s" % lcores)
    if "uio_mmap=on" in options:
        check("/dev/uio" in t.maps(), "no BAR is mapped through its uio device")
    flows, gaps = [], []
    for _ in range(cycles):
        gaps.append(lose(lab, victims, bystander, way))
        removal.wait_out(lab.guest, victims, way)
        flows += bring_back(lab, victims, bystander, way)
        lab.check_alive()
    lab.figures.update(healed="%d of %d" % (len(flows), cycles * len(victims)),
                       flows_after_s=[round(s, 2) for s in flows],
                       gaps_ms=[g for g in gaps if g is not None],
                       detached_ms=[ms for b in bdfs for ms in detach_times(t, b)])
    if gaps.count(None) > cycles // 2:
        raise TooBusy("this machine was too busy to tell: %d of %d" % (gaps.count(None), cycles))
    check("not ready port" not in t.text(), "a poller met ethdev's own dummy")
    for line in ("show port info all", "show port stats all", "stop", "start"):
        t.type(line)
        lab.watch(0.5)
    lab.check_alive()
    t.wait_forwarding(victims + [bystander])
    lab.check_undamaged()
    lab.check_quit()


def lose(lab, victims, bystander, way):
    """All at the same moment; the other port must not notice: its longest silence in ms,
    or None when the machine was too busy to tell."""
    lab.guest.halted_s = 0.0
    if way == "button":                     # obeyed after 5 s
        losses = [removal.remove(lab.guest, i, way) for i in victims]
        t_lost = lab.watch(survive.BLINK)
    else:
        t_lost = lab.watch(QUIET)
        losses = [removal.remove(lab.guest, i, way) for i in victims]
    before = lab.guest.waited()
    check(all(x.wait(40) for x in losses), "the removal blocks")
    t_end = lab.watch(0.8)
    after = lab.guest.waited()
    lab.figures["starved_ms"] = 1000 * max(after[k] - before.get(k, 0) for k in after)
    try:
        survive.check_forwarding(lab, bystander, t_lost, t_end, False)
    except TooBusy:
        return None
    finally:
        gap = lab.figures.pop("gap_ms")
    return round(gap, 1)


def bring_back(lab, victims, bystander, way):
    """Seconds until packets came back from each returned card."""
    start = removal.put_back(lab.guest, victims, way)
    back = time.monotonic()
    while not all(lab.wires[i].first(start) for i in victims):
        if time.monotonic() - back > HEALED_WITHIN:
            raise Failed("no packet %d s after the card came back: %s"
                         % (HEALED_WITHIN, lab.testpmd.end()))
        time.sleep(0.05)
    lab.testpmd.wait_forwarding(victims + [bystander], 20)
    return [max(0.0, lab.wires[i].first(start) - back) for i in victims]


def detach_times(t, bdf):
    """Milliseconds from the first sign of each loss until the device was detached."""
    log, sign, times = t.log(), None, []
    offsets = [at for at, _ in log["marks"]]
    for m in re.finditer(r"hotplug: %s (?:\w+ cause=.* t_sign=([\d.]+)|detached after|ready)"
                         % re.escape(bdf), log["text"]):
        if m[1]:
            sign = sign or float(m[1])
        elif m[0].endswith("ready"):        # gone may be told of what was let go already
            sign = None
        elif sign:
            told = log["marks"][bisect.bisect(offsets, m.start()) - 1][1]
            times.append(round(1000 * (told - sign)))
            sign = None
    return times
