# SPDX-License-Identifier: BSD-3-Clause
"""Everything at once, on real drivers: cards lost and put back at random moments, beside
forwarding lcores, telemetry clients that never pause, and somebody who types at random.

Four cards of three models on three kernel drivers; one is lost while others heal, or
while it heals itself.  At each quiet point all cards are there, and then all ports forward
under the ids that they began with, no loss was told twice, each telemetry question was
answered.  It is repeatable but for the moments: the seed draws all the rest.

    run.py --all --only '^storm'                100 losses, seed 1; again with four lcores
    STORM=500 STORM_SEED=7 run.py --only '^storm'
"""
import os
import random
import re
import time

import removal
from scenarios.row import Row, boot, check
from testpmd import Failed, Testpmd

# what is lost; the first of a model, or the second; by their addresses
CARDS = (("e1000e", 0, "uio_pci_generic"), ("e1000e", 1, "igb_uio"),
         ("virtio-net-pci", 0, "igb_uio"), ("vmxnet3", 0, "vfio-pci"))
WAYS = ("sysfs", "yank")
CALM = 60               # seconds until all forward again
PAUSE = (0.0, 1.5)      # seconds between two deeds
MOST_AWAY = 2           # cards at a time
TYPED_EVERY = 0.1

ASKED = ("show port stats %d", "show port xstats %d", "show port info %d", "show port %d macs",
         "show port %d rxq 0 desc 0 status", "show port %d txq 0 desc 0 status",
         "show port %d rss-hash", "show port %d ptypes", "show port %d module_eeprom",
         "show port %d fec_mode", "show port %d flow_ctrl", "show port summary %d",
         "show rxq info %d 0", "show txq info %d 0", "show port %d tx_offload configuration")
SET = ("set promisc %d on", "set promisc %d off", "set allmulti %d on", "set allmulti %d off",
       "clear port stats %d", "clear port xstats %d", "mac_addr add %d 02:00:00:00:00:77",
       "mac_addr remove %d 02:00:00:00:00:77", "set link-up port %d")
# a person who stops a port starts it again
STOPS = ("stop", "port stop %d", "port config %d mtu 1500", "port start %d", "start")


def rows(full):
    n, seed = int(os.environ.get("STORM", "100")), int(os.environ.get("STORM_SEED", "1"))
    return [Row("storm %d losses, %d lcores, seed %d" % (n, cores, seed + i), boot(), storm,
                dict(cores=cores, losses=n, seed=seed + i))
            for i, cores in enumerate((2, 4)) if full or "STORM" in os.environ]


def storm(lab, cores, losses, seed):
    dice = random.Random(seed)
    slots = [lab.slots(nic)[n] for nic, n, _ in CARDS]
    t = begin(lab, slots, cores)
    told, n_lost, started = dict.fromkeys(slots, 0), 0, time.monotonic()
    while n_lost < losses:
        t.type_on(*typed(dice, len(slots)), every=TYPED_EVERY)
        n = min(losses - n_lost, 5)
        blow(lab, slots, dice, n, told)
        n_lost += n
        calm(lab, t, slots)
        check_told(lab, t, slots, told)
    lab.figures.update(losses=n_lost, answers=lab.figures["t_answers"],
                       healed=len(re.findall(r"healed: port \d works again", t.text())),
                       loss_every_s=(time.monotonic() - started) / n_lost)
    lab.check_undamaged()
    lab.check_quit()


def begin(lab, slots, cores):
    lab.guest.dmesg(clear=True)
    lab.clear_lines()
    bdfs = [lab.guest.ready(i, driver) for i, (_, _, driver) in zip(slots, CARDS)]
    t = lab.testpmd = Testpmd(lab.guest, bdfs, lab.plugin, options="flaps=0",
                              eal=["--iova-mode=pa"], cores=cores)
    lab.wires.feed(*slots)
    t.wait_forwarding(slots)
    t.be_asked("hard")
    t.is_used_by_many = True
    return t


def typed(dice, n_ports):
    """What somebody types."""
    lines = []
    for _ in range(100):
        port, kind = dice.randrange(n_ports), dice.random()
        if kind < 0.05:
            lines += [x.replace("%d", str(port)) for x in STOPS]
        else:
            lines.append(dice.choice(SET if kind < 0.3 else ASKED) % port)
    return lines


def blow(lab, slots, dice, n, told):
    """n losses, and each card back a while later; a pause before each deed."""
    away = []                                   # removals, the first that may return first
    while n > 0 or away:
        time.sleep(dice.uniform(*PAUSE))
        here = [i for i in slots if i not in [x.i for x in away] and lab.guest.bdf(i)]
        if n > 0 and here and (not away or len(away) < MOST_AWAY and dice.random() < 0.5):
            away.append(removal.remove(lab.guest, dice.choice(here), dice.choice(WAYS)))
            told[away[-1].i] += 1
            n -= 1
        else:
            loss = away.pop(0)
            check(loss.wait(40), "the removal blocks: %s" % loss.bdf)
            removal.wait_out(lab.guest, [loss.i], loss.way)
            lab.guest.plug(loss.i)              # a rescan for another has found it, perhaps


def calm(lab, t, slots):
    """Nobody types any more, all cards are there: the ports forward, as who they were."""
    t.type_on()
    start, end = len(t.text()), time.monotonic() + CALM
    while True:
        try:
            t.type("set promisc all on")        # what is fed is addressed to nobody
            t.type("port start all")            # the one that was lost between stop and start
            t.type("start")
            t.wait_forwarding(slots, 10)
            break
        except Failed:
            lab.check_alive()
            if time.monotonic() > end:
                raise
    lab.check_alive()
    t.type("show port info all")
    check(t.wait_output(r"Infos for port %d[\s\S]*Device name: \S+" % (len(slots) - 1), 20, start),
          "testpmd does not answer: " + t.end())
    ids = {}                                    # one may be cut short by a loss: the last counts
    for text in t.text()[start:].split("Infos for port ")[1:]:
        name = re.match(r"(\d+)[\s\S]*?Device name: (\S+)", text)
        if name:
            ids[int(name.group(1))] = name.group(2)
    check(ids == dict(enumerate(t.bdfs)), "the ports are %s" % ids)


def check_told(lab, t, slots, losses):
    for i, n in losses.items():
        bdf = t.bdfs[slots.index(i)]
        told = [e["what"] for e in t.events(bdf)]
        check(max(told.count("gone"), told.count("requested")) <= n,
              "%s was lost %d times, and told of: %s" % (bdf, n, told))
