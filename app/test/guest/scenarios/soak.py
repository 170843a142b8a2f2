# SPDX-License-Identifier: BSD-3-Clause
"""Two NICs are lost and come back, by random methods at random moments, under traffic.

Three processes have the cards: testpmd forwards on them as the primary, and heals them;
two secondaries have its ports twice.  After the last cycle nothing has leaked: each
process has the descriptors, mappings, threads and memory, the machine the hugepages and
interrupts, that they had after the first ones; what was counted is what was done.

    run.py --all --only soak        50 cycles, seed 1
    SOAK=1000 SOAK_SEED=7 run.py --all --only soak
"""
import os
import random
import re
import time

import removal
from console import Group
from scenarios.row import Row, boot, check
from testpmd import Failed

WARM_UP = 4                     # cycles: what is made once, at a first loss, is made then
HEALED_WITHIN = 90              # a card that comes and goes often waits for calm
PAUSE = (3.0, 9.0)              # seconds between two losses
WAYS = ("sysfs", "button", "yank")
# may differ for a moment, by a queue's or a log's: mappings, KiB
SLACK = {"maps": 6, "rss_kib": 2048}


def rows(full):
    cycles, seed = int(os.environ.get("SOAK", "50")), int(os.environ.get("SOAK_SEED", "1"))
    row = Row("soak %d cycles, seed %d" % (cycles, seed), boot(), soak,
              dict(nic="e1000e", driver="igb_uio", cycles=cycles, seed=seed))
    return [row] if full or "SOAK" in os.environ else []


def soak(lab, nic, driver, cycles, seed):
    dice = random.Random(seed)
    victims = lab.slots(nic)
    t = lab.start(victims, driver)
    group = Group(lab, driver, testpmd=t)
    try:
        ports = group.agree(group.all, t.bdfs)
        losses, before = dict.fromkeys(victims, 0), None
        for n in range(cycles + WARM_UP):
            if n == WARM_UP:
                before = held(lab, [t] + group.all)
            cycle(lab, t, victims, losses, dice)
            check(group.agree(group.all, t.bdfs, 20) == ports, "the ports have other ids")
        time.sleep(5)
        compare(lab, before, held(lab, [t] + group.all))
        check_counts(lab, t, losses)
        lab.figures.update(cycles=cycles, seed=seed)
        lab.check_undamaged()
        group.quit()
    finally:
        group.kill()
    lab.check_quit()


def cycle(lab, t, victims, losses, dice):
    """One of them, lost somehow; back after a while; both forward again."""
    victim, way = dice.choice(victims), dice.choice(WAYS)
    time.sleep(dice.uniform(*PAUSE))
    check(removal.remove(lab.guest, victim, way).wait(40), "the removal blocks: " + way)
    losses[victim] += 1
    removal.wait_out(lab.guest, [victim], way)
    time.sleep(dice.uniform(0.0, 2.0))
    removal.put_back(lab.guest, [victim], way)
    end = time.monotonic() + HEALED_WITHIN
    while True:
        try:
            return t.wait_forwarding(victims, 10)
        except Failed:
            lab.check_alive()
            if time.monotonic() > end:
                raise


def held(lab, processes):
    """What there is of everything that could leak."""
    found = {}
    for p in processes:
        pid = p.guest.ask(op="status", name=p.name)["pid"]
        text = lab.guest.sh("ls /proc/%d/fd | wc -l; wc -l < /proc/%d/maps; ls /proc/%d/task | wc -l; "
                            "awk '/VmRSS/ {print $2}' /proc/%d/status" % ((pid,) * 4))
        for name, n in zip(("fds", "maps", "threads", "rss_kib"), text.split()):
            found[p.name, name] = int(n)
    text = lab.guest.sh("awk '/HugePages_Free/ {print $2}' /proc/meminfo; "
                        "wc -l < /proc/interrupts; ls /dev/uio* | wc -l")
    for name, n in zip(("hugepages", "irqs", "uio nodes"), text.split()):
        found["machine", name] = int(n)
    return found


def compare(lab, before, after):
    lab.figures["held"] = {"%s %s" % k: "%d, %d" % (before[k], after[k]) for k in before}
    for key, n in before.items():
        check(abs(after[key] - n) <= SLACK.get(key[1], 0),
              "%s %s: %d after the first cycles, %d at the end" % (*key, n, after[key]))


def check_counts(lab, t, losses):
    """A loss is told once; each was healed."""
    for victim, n in losses.items():
        bdf = lab.guest.bdf(victim)
        gone = len([e for e in t.events(bdf) if e["what"] == "gone"])
        healed = len(re.findall(r"%s healed" % re.escape(bdf), t.text()))
        check((gone, healed) == (n, n), "%s: lost %d times, told %d, healed %d" % (bdf, n, gone, healed))
    lab.figures["losses"] = sum(losses.values())
