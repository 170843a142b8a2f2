# SPDX-License-Identifier: BSD-3-Clause
"""Rx-interrupt mode: an lcore sleeps until its port has packets; the card goes and comes back.

app/test/guest/sleeper.c, which is like DPDK's l3fwd-power: it has no time-out, arms its
queues once, and knows nothing of hot-plug.  The card is lost while all sleep, and while
all are at work; each time its lcore is woken, forwards, and sleeps on its interrupt again.
It differs from other rows: the statistics are read by the application itself.
"""
import os
import re
import time

import removal
from scenarios.heal import HEALED_WITHIN
from scenarios.row import Row, boot, check
from testpmd import Failed, Process

PROGRAM = "../app/test/guest/guest_sleeper"     # as seen from the built library


def rows(full):
    short = [("virtio-net-pci", "vfio-pci", "sysfs")]
    product = [(n, "vfio-pci", w) for n in ("virtio-net-pci", "vmxnet3", "e1000e")
               for w in ("sysfs", "yank")]
    return [Row("interrupts %s %s %s" % r, boot(removal.hotplug_for(r[2])), interrupts,
                dict(nic=r[0], driver=r[1], way=r[2], cycles=10 if full else 1))
            for r in (product if full else short)]


class Sleeper(Process):
    def __init__(self, lab, bdfs):
        program = os.path.normpath(os.path.join(os.path.dirname(lab.plugin), PROGRAM))
        words = [word for bdf in bdfs for word in ("-a", bdf)]
        super().__init__(lab.guest, "sleeper", program, "-l", "0-2", "-n", "1",
                         "-d", lab.plugin, *words, options="policy=heal,flaps=0")
        lab.testpmd = self
        if not self.wait_output("forwards packets on", 60):
            raise Failed("the sleeper does not start: " + self.end())
        self.be_asked()

    def type_on(self, *lines):
        """Nobody types."""

    def slept(self):
        """How often each of its lcores has."""
        start = len(self.text())
        self.type("")
        m = self.wait_output(r"port=.*\n", 10, start)
        check(m, "the sleeper is silent: " + self.end())
        return [int(n) for n in re.findall(r"slept=(\d+)", m[0])]


def interrupts(lab, nic, driver, way, cycles):
    g, slots = lab.guest, lab.slots(nic)
    g.dmesg(clear=True)
    lab.clear_lines()
    p = Sleeper(lab, [g.ready(i, driver) for i in slots])
    lab.wires.feed(*slots)
    p.wait_forwarding(slots)
    flows = []
    for _ in range(cycles):
        for is_idle in (True, False):
            flows.append(lose_and_return(lab, p, slots, way, is_idle))
            lab.check_alive()
    lab.figures["flows_after_s"] = [round(s, 2) for s in flows]
    lab.check_undamaged()
    lab.check_quit()


def lose_and_return(lab, p, slots, way, is_idle):
    """Seconds until packets came back from the returned card, whose lcore sleeps again."""
    victim = slots[0]
    if is_idle:
        lab.wires.feed()
        check_sleeps(p)
    check(removal.remove(lab.guest, victim, way).wait(40), "the removal blocks")
    n_healed = p.text().count("healed: port 0 works again")
    start = removal.put_back(lab.guest, [victim], way)
    lab.wires.feed(*slots)
    back = time.monotonic()
    while not lab.wires[victim].first(start):
        check(time.monotonic() < back + HEALED_WITHIN,
              "no packet %d s after the card came back: %s" % (HEALED_WITHIN, p.end()))
        time.sleep(0.05)
    check(p.text().count("healed: port 0 works again") > n_healed or p.wait_output(
        "healed: port 0 works again", 10), "it is not said to be healed")
    p.wait_forwarding(slots)
    before = p.slept()
    lab.watch(0.5)
    check(all(a > b for a, b in zip(p.slept(), before)),
          "an lcore polls its healed port and sleeps no more")
    return max(0.0, lab.wires[victim].first(start) - back)


def check_sleeps(p):
    """Without packets nobody wakes."""
    time.sleep(0.5)
    before = p.slept()
    time.sleep(0.5)
    check(p.slept() == before, "an lcore does not sleep on: %s, %s" % (before, p.slept()))
