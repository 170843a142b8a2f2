# SPDX-License-Identifier: BSD-3-Clause
"""Several processes share a card: hotplug_mp, a primary and two secondaries.

cases   seed 004's cases with a real driver: attached and detached by any of them
lose    the card goes: all cut it off, then it is detached everywhere, also beside a
        secondary that is stopped or was killed
heal    testpmd forwards as the primary, hotplug_mp has its ports twice: the card goes
        and comes back, and all have it again; a stopped one keeps it waiting where the
        kernel does not cut off (uio_pci_generic), and only there
taken   processes of another file prefix have the card: refused, and said who has it
master  a secondary ends, or is killed: uio_pci_generic takes the card's bus mastering, and the
        primary gives it back; with igb_uio its ports go on
"""
import time

import removal
from console import Group
from scenarios.row import Row, boot, check

DRIVERS = ("igb_uio", "vfio-pci")
NICS = ("e1000e", "virtio-net-pci")
# attached by, detached by: every direction
DIRECTIONS = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
WAYS = ("sysfs", "yank")
VICTIMS = ("none", "stopped", "killed")
HEALS = [("virtio-net-pci", "vfio-pci", "sysfs", "none"), ("e1000e", "igb_uio", "sysfs", "none"),
         ("e1000e", "igb_uio", "yank", "stopped"),
         ("virtio-net-pci", "uio_pci_generic", "sysfs", "stopped")]


def rows(full):
    found = [Row("mp cases %s %s" % (n, d), boot(), cases, dict(nic=n, driver=d, rounds=2))
             for n in NICS for d in DRIVERS]
    found += [Row("mp lose %s %s %s, %s" % (n, d, w, v), boot(), lose,
                  dict(nic=n, driver=d, way=w, victim=v))
              for n in NICS for d in DRIVERS for w in WAYS for v in VICTIMS]
    heals = [Row("mp heal %s %s %s, %s" % r, boot(), heal,
                 dict(nic=r[0], driver=r[1], way=r[2], victim=r[3])) for r in HEALS]
    taken_rows = [Row("mp taken e1000e " + d, boot(), taken, dict(nic="e1000e", driver=d))
                  for d in DRIVERS]
    masters = [Row("mp master %s %s" % (n, d), boot(), master, dict(nic=n, driver=d))
               for n in NICS for d in ("uio_pci_generic", "igb_uio")]
    return heals + found + taken_rows + masters if full else heals[:1]


def begin(lab, nic, driver, options=None):
    g = lab.guest
    g.dmesg(clear=True)
    if driver == "vfio-pci":
        lab.clear_lines()
    slot = lab.slots(nic)[0]
    bdf = g.ready(slot, driver)
    lab.testpmd = group = Group(lab, driver, options)
    return group, slot, bdf


def end(lab, group):
    group.quit()
    splats = lab.guest.splats()
    check(not splats, "kernel log: " + " | ".join(splats[:3]))


def say(reason):
    check(reason is None, "%s" % reason)


def median_ms(seconds):
    return round(1000 * sorted(seconds)[len(seconds) // 2])


def cases(lab, nic, driver, rounds):
    group, _, bdf = begin(lab, nic, driver)
    attach_s, detach_s = [], []
    for a, d in DIRECTIONS:
        for _ in range(rounds):
            one_round(group, group.all[a], group.all[d], bdf, attach_s, detach_s)
    lab.figures.update(attach_ms=median_ms(attach_s), detach_ms=median_ms(detach_s))
    end(lab, group)


def one_round(group, attacher, detacher, bdf, attach_s, detach_s):
    group.agree(group.all, [])
    t = time.monotonic()
    say(attacher.attach(bdf))
    attach_s.append(time.monotonic() - t)
    there = group.agree(group.all, [bdf])
    for console in group.all:
        check(console.holds(bdf), "%s has nothing mapped of %s" % (console.name, bdf))
        check(str(console.attach(bdf)).endswith("it is attached already"),
              "a repeated attach does not fail")
    check(group.agree(group.all, [bdf]) == there, "a repeated attach changes something")
    t = time.monotonic()
    say(detacher.detach(bdf))
    detach_s.append(time.monotonic() - t)
    group.agree(group.all, [])
    for console in group.all:
        check(not console.holds(bdf), "%s still holds %s" % (console.name, console.holds(bdf)))
        check(str(console.detach(bdf)).endswith("it is not attached"),
              "a repeated detach does not fail")


def lose(lab, nic, driver, way, victim):
    group, slot, bdf = begin(lab, nic, driver)
    last, live = group.all[2], group.all if victim == "none" else group.all[:2]
    say(group.all[1].attach(bdf))
    group.agree(group.all, [bdf])
    if victim == "killed":
        last.kill()
    if victim == "stopped":
        last.stop()
    loss = removal.remove(lab.guest, slot, way)
    for console in live:
        wait_told(console, bdf)
    t = time.monotonic()
    say(group.all[1].detach(bdf))
    lab.figures["detach_ms"] = round(1000 * (time.monotonic() - t))
    group.agree(live, [], 20)
    for console in live:
        check(not console.holds(bdf), "%s still holds %s" % (console.name, console.holds(bdf)))
    if victim == "stopped":
        check_stopped(lab, group, last, bdf, driver, loss)
    check(loss.wait(20), "the removal blocks")
    come_back(lab, group, slot, driver)
    end(lab, group)


def wait_told(console, bdf):
    """It has seen it go, or being asked for."""
    end = time.monotonic() + 15
    while "hotplug: %s gone" % bdf not in console.text() and \
            "hotplug: %s requested" % bdf not in console.text():
        check(time.monotonic() < end, "%s has not seen it go: %s"
              % (console.name, console.text()[-300:]))
        time.sleep(0.05)


def check_stopped(lab, group, last, bdf, driver, loss):
    """What it holds keeps the kernel waiting with vfio, and nobody else; when it goes on
    it lets go at once."""
    if driver == "vfio-pci" and loss.way == "sysfs":     # QEMU itself waits for nobody
        check(not loss.wait(1), "the kernel did not wait for a stopped process that has it open")
    last.cont()
    t = time.monotonic()
    group.agree(group.all, [], 20)
    while last.holds(bdf):                      # the port is gone before its descriptors
        check(time.monotonic() < t + 10, "%s still holds %s" % (last.name, last.holds(bdf)))
    lab.figures["caught_up_ms"] = round(1000 * (time.monotonic() - t))


def come_back(lab, group, slot, driver):
    """It can be attached again, by all that live."""
    bdf = lab.guest.ready(slot, driver)
    live = [c for c in group.all if c.is_alive()]
    say(live[-1].attach(bdf))
    group.agree(live, [bdf])
    say(live[0].detach(bdf))
    group.agree(live, [])


def taken(lab, nic, driver):
    """Neither UIO nor EAL would refuse: both processes would drive the card."""
    holders, _, bdf = begin(lab, nic, driver)
    others = Group(lab, driver)
    try:
        say(holders.all[0].attach(bdf))
        held = holders.all[0].holds(bdf)
        for console in others.all:
            reason = console.attach(bdf)
            check(reason is not None, "attached what another process has")
            check("another process has it" in reason and str(holders.all[0].pid) in reason,
                  "it does not say who has it: " + reason)
            check(not console.holds(bdf), "%s holds it nevertheless" % console.name)
        holders.agree(holders.all, [bdf])
        check(holders.all[0].holds(bdf) == held, "the owner has lost something")
        say(holders.all[0].detach(bdf))
        say(others.all[0].attach(bdf))
        others.quit()
    finally:
        others.kill()
    end(lab, holders)


# --- bus mastering ---------------------------------------------------------------------
def master(lab, nic, driver):
    slots = list(lab.slots(nic))
    t = lab.start(slots, driver, options="policy=heal")
    for how in ("quits", "killed"):
        group = Group(lab, driver, testpmd=t)
        try:
            group.agree(group.all, t.bdfs)
            before, begin = len(t.text()), time.monotonic()
            if how == "quits":
                group.all[-1].send("quit")
            else:
                group.all[-1].kill()
            for bdf in t.bdfs if driver == "uio_pci_generic" else ():
                check(t.wait_output("%s: another process has closed it.* has it again" % bdf,
                                    20, before), "it does not say so: " + t.end())
                command = lab.guest.sh("od -An -tx1 -j4 -N1 /sys/bus/pci/devices/%s/config" % bdf)
                check(int(command, 16) & 4, "%s is no bus master: %s" % (bdf, command))
            if driver != "uio_pci_generic":     # an emulated card has lost its place in its rings
                t.wait_forwarding(slots, 20)
            lab.figures[how + "_s"] = round(time.monotonic() - begin, 2)
        finally:
            group.kill()
    lab.check_undamaged()
    lab.check_quit()


# --- heal ----------------------------------------------------------------------------
def heal(lab, nic, driver, way, victim):
    g = lab.guest
    lost, other = lab.slots(nic)
    t = lab.start([lost, other], driver, options="policy=heal")
    group = Group(lab, driver, testpmd=t)
    try:
        ids = group.agree(group.all, t.bdfs)
        before = {c: c.holds(t.bdfs[0]) for c in group.all}
        held = {c: len(what) for c, what in before.items()}
        if victim == "stopped":
            group.all[1].stop()
        go_and_come(lab, group, lost, way, held, victim == "stopped")
        if victim == "stopped":
            wait_or_not(lab, group, lost, driver)
        flows_again(lab, lost, other)
        check(group.agree(group.all, t.bdfs, 20) == ids, "the ports have other ids")
        for console, n in held.items():
            now = console.holds(t.bdfs[0])
            check(len(now) >= n, "%s has not as much of it as before: %s, and had %s"
                  % (console.name, now, before[console]))
        lab.check_undamaged()
        group.quit()
    finally:
        group.kill()
    lab.check_quit()


def go_and_come(lab, group, slot, way, held, is_one_stopped):
    t, g = lab.testpmd, lab.guest
    live = group.all[:1] if is_one_stopped else group.all
    loss = removal.remove(g, slot, way)
    start = time.monotonic()
    check(t.wait_output(t.bdfs[0] + " detached after", 30), "not detached: " + t.end())
    lab.figures["detached_s"] = round(time.monotonic() - start, 2)
    group.agree(live, t.bdfs[1:], 20)
    for console in live:
        now = console.holds(t.bdfs[0])
        check(len(now) < held[console], "%s still holds it: %s" % (console.name, now))
    check(loss.wait(20), "the removal blocks")
    lab.figures["t_back"] = removal.put_back(g, [slot], way)


def wait_or_not(lab, group, slot, driver):
    """The second one is still stopped."""
    t, stopped = lab.testpmd, group.all[1]
    waits = driver == "uio_pci_generic"
    said = "but not healed before" if waits else "and healed beside"
    check(t.wait_output("is back, %s process" % said, 40), "does not say so: " + t.end())
    if waits:
        time.sleep(3)
        left = lab.wires[slot].count(time.monotonic() - 2, time.monotonic())
        check(left == 0, "it is healed beside a stopped process: %d packets" % left)
    else:
        flows_again(lab, slot, slot)
    stopped.cont()


def flows_again(lab, slot, other):
    lab.testpmd.wait_forwarding([slot, other], 40)
    lab.figures.setdefault("flows_after_s",
                           round(time.monotonic() - lab.figures["t_back"], 2))
