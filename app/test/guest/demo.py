#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tears a NIC out from under stock dpdk-testpmd, and shows what happens.

Boots a guest with two NICs, lets testpmd send back what arrives on both (io
mode), tears one out under traffic and, a little later, puts the card back,
though the kernel's own driver wants it.  Meanwhile port statistics are read
twice a second, as monitoring does.  Packets are counted outside the guest.
Prints a timeline in milliseconds and draws the packet rates: out/demo*.svg,
and .png when rsvg-convert is there.
With --native there is no guest: two veth interfaces in a network namespace of its own are
testpmd's ports, and one of them is deleted and made again; it is over in five seconds.

Called by devtools/demo, which has set up and built.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, HERE)

import demo_report as report                            # noqa: E402
import kernel                                           # noqa: E402
import native                                           # noqa: E402
from guest import QEMU, Boot, Guest, Held, LabError, has_model   # noqa: E402
from removal import hotplug_for, put_back, remove, WAYS # noqa: E402
from testpmd import Failed, Testpmd                     # noqa: E402

VICTIM, BYSTANDER = 1, 2
DRIVERS = ("uio_pci_generic", "igb_uio", "vfio-pci")


def main():
    o = options()
    if o.native:
        native.enter()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("demo: terminated"))
    os.makedirs(os.path.join(TOP, "out"), exist_ok=True)
    runs = [measured(o, stock) for stock in ((False, True) if o.both else (o.stock,))]
    for r in runs:
        report.tell(r, o.says)
    name = os.path.join(TOP, "out", o.says.file +
                        ("-both" if o.both else "-stock" if o.stock else ""))
    report.save(name, runs, o)
    sys.exit(0 if all(is_good(r) for r in runs if not r["stock"]) else 1)


def is_good(r):
    """Alive, and healed where it should be."""
    return r["alive"] and (r["hot_plug"] or r["way"] == "silent" or bool(r.get("t_flows")))


def options():
    ap = argparse.ArgumentParser(prog="devtools/demo", description=__doc__.split("\n\n")[0])
    ap.add_argument("--stock", action="store_true", help="without our plugin")
    ap.add_argument("--native", action="store_true",
                    help="without QEMU: an interface of this machine is deleted and made again")
    ap.add_argument("--both", action="store_true", help="with and without, in one picture")
    ap.add_argument("--hot-plug", action="store_true", help="give testpmd its --hot-plug")
    ap.add_argument("--nic", default="e1000e", help="QEMU's NIC model (%(default)s)")
    ap.add_argument("--driver", default="uio_pci_generic", choices=DRIVERS,
                    help="that the NIC is bound to (%(default)s)")
    ap.add_argument("--way", default="yank", choices=WAYS, help="of removal (%(default)s)")
    ap.add_argument("--kernel", default="6.1", choices=sorted(kernel.SUITES),
                    help="of the guest (%(default)s)")
    ap.add_argument("--pps", type=int, default=500, help="packets/s per port (%(default)s)")
    ap.add_argument("--plugin", default=os.path.join(TOP, "build/lib/libdpdk-hotplug.so"))
    ap.add_argument("--wants", action="store_true", help=argparse.SUPPRESS)
    o = ap.parse_args()
    o.says = report.Natives if o.native else report.Guests
    if o.native:
        return natively(ap, o)
    if shutil.which(QEMU) and not has_model(o.nic):
        ap.error("%s has no NIC model %r; DPDK and Linux drive e1000, e1000e, virtio-net-pci, "
                 "vmxnet3, and igb from QEMU 8 on" % (QEMU, o.nic))
    if not 0 < o.pps <= 20000:
        ap.error("--pps: 1 to 20000 packets/s, not %d" % o.pps)
    if o.wants:                             # devtools/demo asks what devtools/setup shall fetch
        print(*(["--headers"] if o.driver == "igb_uio" else []), o.kernel)
        sys.exit()
    if not shutil.which(QEMU):
        ap.error("there is no %s: devtools/setup --for demo installs it, or set QEMU" % QEMU)
    if not o.stock and not os.path.exists(o.plugin):
        ap.error("no plugin at %s: devtools/demo builds it" % o.plugin)
    return o


def natively(ap, o):
    """What is said of cards, guests and removals means nothing here."""
    for name in "hot_plug", "nic", "driver", "way", "kernel":
        if getattr(o, name) != ap.get_default(name):
            ap.error("--native goes without --%s" % name.replace("_", "-"))
    o.driver, o.way = "net_af_packet", "deletion"
    if not 0 < o.pps <= 2000:
        ap.error("--pps: 1 to 2000 packets/s with --native, not %d" % o.pps)
    if o.wants:                             # no kernel
        sys.exit()
    if not o.stock and not os.path.exists(o.plugin):
        ap.error("no plugin at %s: devtools/demo builds it" % o.plugin)
    return o


def say(text):
    print("demo: " + text, file=sys.stderr, flush=True)


# --- one run -------------------------------------------------------------------
def measured(o, stock):
    """A run; tried again when the lab itself fails, as QEMU does now and then."""
    if o.native:
        with native.Machine((VICTIM, BYSTANDER), o.pps) as g:
            return run(g, o, stock)
    for attempt in (1, 2, 3):
        try:
            boot = Boot(o.kernel, hotplug_for(o.way), (o.nic, o.nic), o.driver == "vfio-pci")
            with Guest(boot, pps=o.pps, progress=say) as g:
                return run(g, o, stock)
        except LabError as e:
            say("the lab failed (%s); attempt %d of 3" % (e, attempt))
    sys.exit("demo: no result, the lab failed three times")


def start(g, o, bdfs, plugin):
    if o.native:
        return native.NativeTestpmd(g, (VICTIM, BYSTANDER), plugin)
    return Testpmd(g, bdfs, plugin, o.hot_plug)


def take_away(g, o, bdf):
    if o.native:
        say("deleting the interface of %s" % bdf)
        return native.Deletion(g, VICTIM)
    say("tearing out %s (%s)" % (bdf, o.way))
    return remove(g, VICTIM, o.way)


def run(g, o, stock):
    quiet = o.says.quiet
    bdfs = [g.ready(i, o.driver) for i in (VICTIM, BYSTANDER)]
    say("starting dpdk-testpmd %s our plugin on %s and %s%s" % (
        ("without" if stock else "with",) + tuple(bdfs) +
        ("" if o.native else " (%s, %s)" % (o.nic, o.driver),)))
    with start(g, o, bdfs, None if stock else o.plugin) as t:
        g.wires.feed(VICTIM, BYSTANDER)
        t.wait_forwarding((VICTIM, BYSTANDER))
        say("both ports forward; watching %g s" % (quiet + 0.5))
        watch(t, 0.5 + quiet)
        near = g.sync()
        t_quiet = time.monotonic()
        removal = take_away(g, o, bdfs[0])
        watch(t, quiet)
        t_watched = time.monotonic()
        removal.wait(10)
        near = max(near, g.sync())
        if o.hot_plug:
            say("waiting for the other port")
            t_watched = back(t, g)
        r = loss(g, t, removal, bdfs[0])
        r.update(stock=stock, near=near, hot_plug=o.hot_plug, way=o.way, t_watched=t_watched,
                 quiet_gap=g.wires[BYSTANDER].gap(t_quiet - quiet, t_quiet))
        come_back(g, t, o, r)
        finish(g, t, r, o.says.last)
    return r


def watch(t, seconds):
    """Let time pass; read the statistics meanwhile."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        t.type("show port stats all")
        time.sleep(min(0.5, max(0.0, end - time.monotonic())))


def back(t, g):
    """With --hot-plug testpmd itself halts every port: until it forwards again."""
    try:
        return t.wait_forwarding([BYSTANDER], 120) + 0.5
    except Failed as e:
        say(str(e))
        return time.monotonic()


def loss(g, t, removal, bdf):
    """What there is to know about the loss, on this machine's clock."""
    t0 = g.to_host(removal.t_dark) if removal.t_dark else removal.t_start
    r = {"bdf": bdf, "t0": t0, "dark": removal.t_dark is not None, "events": []}
    for e in t.events(bdf):
        if e["what"] == "gone":
            r.update(cause=e["cause"], sign=e["sign"])
            r["events"] = [(g.to_host(e[k]), label) for k, label in
                           (("t_sign", "first sign (%s)" % e["sign"]),
                            ("t_cut", "cut off"), ("t_event", "event delivered"))]
            break
    return r


def come_back(g, t, o, r):
    """The card is put back; the kernel's own driver for it is loaded and wants it.

    Stock loses it to that driver.  Ours takes it back, and packets flow again.
    """
    if o.way == "silent":
        return
    if o.native:
        say("making the interface again")
        r["t_back"] = g.put_back(VICTIM)
        return healed(g, t, o, r)
    own = {"e1000": "e1000", "e1000e": "e1000e", "vmxnet3": "vmxnet3"}.get(o.nic, "virtio_net")
    g.sh("modprobe " + own)
    say("putting the card back; the kernel's %s is loaded and wants it" % own)
    try:
        r["t_back"] = put_back(g, [VICTIM], o.way, 20)
    except Held as e:                           # stock, and vfio: until its end
        return say("it cannot be put back while testpmd has the old one: %s" % e)
    if r["stock"] or o.hot_plug:
        end = time.monotonic() + 30
        while g.look(VICTIM)[1] is None and time.monotonic() < end:
            watch(t, 0.1)
        r["claimed_by"] = g.look(VICTIM)[1]
        r["t_claimed"] = time.monotonic() if r["claimed_by"] else None
        return
    healed(g, t, o, r)


def healed(g, t, o, r):
    """Until packets flow again; stock's never do."""
    end = time.monotonic() + (o.says.quiet if r["stock"] else 30)
    while not r.get("t_flows") and time.monotonic() < end:
        watch(t, 0.1)
        r["t_flows"] = g.wires[VICTIM].first(r["t_back"])
    watch(t, o.says.quiet)


def finish(g, t, r, last):
    watch(t, last)
    g.sync()
    r["t_end"] = time.monotonic()
    s = t.state()
    r["splats"] = g.splats()
    if s["alive"]:
        say("asking testpmd to quit (a driver may poll its dead card for a while)")
        s = t.quit(150)
    r.update(alive=s["signal"] is None, signal=s["signal"],     # it ends a moment later
             t_died=g.wires[BYSTANDER].last() if s["signal"] else None)
    r["exit"] = s["signal"] or ("still running" if s["alive"] else "exit status %s" % s["rc"])
    victim, bystander = g.wires[VICTIM], g.wires[BYSTANDER]
    r["last"] = victim.last(r["t_watched"])
    r["gap"] = bystander.gap(r["t0"], r["t_watched"])
    r["gap_all"] = bystander.gap(r["t0"], r["t_end"])
    r["arrivals"] = {"victim": list(victim.arrived), "bystander": list(bystander.arrived)}


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("demo: interrupted")
    except native.NoNamespace as e:
        print("demo: %s" % e, file=sys.stderr)
        sys.exit(77)                            # a test is skipped then
    except (Failed, OSError, subprocess.CalledProcessError) as e:
        sys.exit("demo: %s" % e)
