#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tears a NIC out from under stock dpdk-testpmd, and shows what happens.

Boots a guest with two NICs, lets testpmd send back what arrives on both (io
mode), tears one out under traffic and, a little later, puts the card back,
though the kernel's own driver wants it.  Meanwhile port statistics are read
twice a second, as monitoring does.  Packets are counted outside the guest.
Prints a timeline in milliseconds and draws the packet rates: out/demo*.svg,
and .png when rsvg-convert is there.

Called by devtools/demo, which has set up and built.
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, HERE)

import kernel                                           # noqa: E402
import plot                                             # noqa: E402
from guest import QEMU, Boot, Guest, Held, LabError, has_model   # noqa: E402
from removal import hotplug_for, put_back, remove, WAYS # noqa: E402
from testpmd import Failed, Testpmd                     # noqa: E402

VICTIM, BYSTANDER = 1, 2
DRIVERS = ("uio_pci_generic", "igb_uio", "vfio-pci")
COLOURS = {"victim": "#c0392b", "bystander": "#1f6fb4"}
QUIET = 3.0             # seconds watched before the loss, and after it
LAST = 1.5              # seconds watched at the end


def main():
    o = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("demo: terminated"))
    os.makedirs(os.path.join(TOP, "out"), exist_ok=True)
    runs = [measured(o, stock) for stock in ((False, True) if o.both else (o.stock,))]
    for r in runs:
        tell(r)
    name = os.path.join(TOP, "out", "demo" + ("-both" if o.both else "-stock" if o.stock else ""))
    save(name, runs, o)
    sys.exit(0 if all(is_good(r) for r in runs if not r["stock"]) else 1)


def is_good(r):
    """Alive, and healed where it should be."""
    return r["alive"] and (r["hot_plug"] or r["way"] == "silent" or bool(r.get("t_flows")))


def options():
    ap = argparse.ArgumentParser(prog="devtools/demo", description=__doc__.split("\n\n")[0])
    ap.add_argument("--stock", action="store_true", help="without our plugin")
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


def say(text):
    print("demo: " + text, file=sys.stderr, flush=True)


# --- one run -------------------------------------------------------------------
def measured(o, stock):
    """A run; tried again when the lab itself fails, as QEMU does now and then."""
    for attempt in (1, 2, 3):
        try:
            boot = Boot(o.kernel, hotplug_for(o.way), (o.nic, o.nic), o.driver == "vfio-pci")
            with Guest(boot, pps=o.pps, progress=say) as g:
                return run(g, o, stock)
        except LabError as e:
            say("the lab failed (%s); attempt %d of 3" % (e, attempt))
    sys.exit("demo: no result, the lab failed three times")


def run(g, o, stock):
    bdfs = [g.ready(i, o.driver) for i in (VICTIM, BYSTANDER)]
    say("starting dpdk-testpmd %s our plugin on %s and %s (%s, %s)"
        % (("without" if stock else "with",) + tuple(bdfs) + (o.nic, o.driver)))
    with Testpmd(g, bdfs, None if stock else o.plugin, o.hot_plug) as t:
        g.wires.feed(VICTIM, BYSTANDER)
        t.wait_forwarding((VICTIM, BYSTANDER))
        say("both ports forward; watching %g s" % (QUIET + 0.5))
        watch(t, 0.5 + QUIET)
        near = g.sync()
        t_quiet = time.monotonic()
        say("tearing out %s (%s)" % (bdfs[0], o.way))
        removal = remove(g, VICTIM, o.way)
        watch(t, QUIET)
        t_watched = time.monotonic()
        removal.wait(10)
        near = max(near, g.sync())
        if o.hot_plug:
            say("waiting for the other port")
            t_watched = back(t, g)
        r = loss(g, t, removal, bdfs[0])
        r.update(stock=stock, near=near, hot_plug=o.hot_plug, way=o.way, t_watched=t_watched,
                 quiet_gap=g.wires[BYSTANDER].gap(t_quiet - QUIET, t_quiet))
        come_back(g, t, o, r)
        finish(g, t, r)
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
    own = {"e1000": "e1000", "e1000e": "e1000e", "vmxnet3": "vmxnet3"}.get(o.nic, "virtio_net")
    g.sh("modprobe " + own)
    say("putting the card back; the kernel's %s is loaded and wants it" % own)
    try:
        r["t_back"] = put_back(g, [VICTIM], o.way, 20)
    except Held as e:                           # stock, and vfio: until its end
        return say("it cannot be put back while testpmd has the old one: %s" % e)
    end = time.monotonic() + 30
    if r["stock"] or o.hot_plug:
        while g.look(VICTIM)[1] is None and time.monotonic() < end:
            watch(t, 0.1)
        r["claimed_by"] = g.look(VICTIM)[1]
        r["t_claimed"] = time.monotonic() if r["claimed_by"] else None
        return
    while not r.get("t_flows") and time.monotonic() < end:
        watch(t, 0.1)
        r["t_flows"] = g.wires[VICTIM].first(r["t_back"])
    watch(t, QUIET)


def finish(g, t, r):
    watch(t, LAST)
    g.sync()
    r["t_end"] = time.monotonic()
    s = t.state()
    r["splats"] = g.splats()
    if s["alive"]:
        say("asking testpmd to quit (its driver may poll the dead card for a while)")
        s = t.quit(150)
    r.update(alive=s["signal"] is None, signal=s["signal"],     # it ends a moment later
             t_died=g.wires[BYSTANDER].last() if s["signal"] else None)
    r["exit"] = s["signal"] or ("still running" if s["alive"] else "exit status %s" % s["rc"])
    victim, bystander = g.wires[VICTIM], g.wires[BYSTANDER]
    r["last"] = victim.last(r["t_watched"])
    r["gap"] = bystander.gap(r["t0"], r["t_watched"])
    r["gap_all"] = bystander.gap(r["t0"], r["t_end"])
    r["arrivals"] = {"victim": list(victim.arrived), "bystander": list(bystander.arrived)}


# --- the report ------------------------------------------------------------------
def ms(t, r):
    return "%+9.1f ms" % ((t - r["t0"]) * 1000)


def tell(r):
    print("\n%s, %s removal%s" % ("stock testpmd" if r["stock"] else
                                  "testpmd with libdpdk-hotplug", r["way"],
                                  ", --hot-plug" if r["hot_plug"] else ""))
    rows = [("device dark" if r["dark"] else "removal asked for",
             ms(r["t0"], r) + "   (clocks agree within %.1f ms)" % (r["near"] * 1000))]
    rows += [(label, ms(t, r)) for t, label in r["events"]]
    if not r["events"]:
        rows.append(("sign, cut off, event", "    never"))
    rows.append(("victim silent", ms(r["last"], r) + "   (its last packet)"))
    if r.get("t_back"):
        rows.append(("card put back", ms(r["t_back"], r)))
    if r.get("t_claimed"):
        rows.append(("card claimed by " + r["claimed_by"], ms(r["t_claimed"], r)))
    if r.get("t_flows"):
        rows.append(("packets flow again", ms(r["t_flows"], r) + "   (%.1f s after it)"
                     % (r["t_flows"] - r["t_back"])))
    if r["t_died"]:
        rows.append(("testpmd killed by %s" % r["signal"], ms(r["t_died"], r)
                     + "   (the other port's last packet)"))
    rows.append(("bystander's longest gap", "%9.1f ms   (%.1f ms in a quiet window before)"
                 % (r["gap"] * 1000, r["quiet_gap"] * 1000)))
    rows.append(("  until the end", "%9.1f ms" % (r["gap_all"] * 1000)))
    rows.append(("testpmd", ("lived; " if r["alive"] else "died; ") + r["exit"]))
    rows.append(("kernel log", "; ".join(r["splats"]) or "clean"))
    for label, value in rows:
        print("  %-28s %s" % (label, value))


def panel(r):
    t0 = r["t0"]
    series = [(n, COLOURS[n], [t - t0 for t in r["arrivals"][n]]) for n in ("victim", "bystander")]
    marked = [(0.0, "card torn out" if r["dark"] else "removal asked for")]
    if r.get("t_flows"):
        marked.append((r["t_back"] - t0, "card put back"))
        marked.append((r["t_flows"] - t0, "healed"))
    if r.get("t_claimed"):
        marked.append((r["t_claimed"] - t0,
                       "card back: the kernel's %s takes it" % r["claimed_by"]))
    if r["t_died"]:
        marked.append((r["t_died"] - t0, "testpmd killed by %s" % r["signal"]))
    near = [(t - t0, "%s %+.1f ms" % (label, (t - t0) * 1000)) for t, label in r["events"]]
    if near:
        near.insert(0, (0.0, "device dark"))
    heading = "stock dpdk-testpmd" if r["stock"] else "dpdk-testpmd with libdpdk-hotplug"
    if r["alive"]:
        note = "the process lives; the other port's longest gap: " + long(r["gap_all"])
    else:
        note = ("the process is killed by %s %s after the loss, and the other port with it"
                % (r["signal"], long(r["t_died"] - t0)))
    heading += " --hot-plug" if r["hot_plug"] else ""
    return plot.Panel(heading, note, series, marked, near)


def long(s):
    return "%.0f ms" % (s * 1000) if s < 1 else "%.1f s" % s


def save(name, runs, o):
    picture = plot.Picture(
        title(runs), "%s on %s, kernel %s, %d packets/s per port, counted outside the guest in "
        "bins of 20 ms" % (o.nic, o.driver, o.kernel, o.pps),
        [panel(r) for r in runs], -1.0, max(r["t_end"] - r["t0"] for r in runs), 0.02, o.pps)
    with open(name + ".svg", "w") as f:
        f.write(plot.draw(picture))
    with open(name + ".json", "w") as f:
        json.dump(runs, f)
    print("\npicture: " + os.path.relpath(name + ".svg"))
    try:
        subprocess.run(["rsvg-convert", "-o", name + ".png", name + ".svg"], check=True)
        print("picture: " + os.path.relpath(name + ".png"))
    except FileNotFoundError:
        pass


def title(runs):
    ours = [r for r in runs if not r["stock"]]
    if len(runs) == 2:
        return "A NIC is torn out under traffic: with libdpdk-hotplug, and without"
    if not ours:
        return "A NIC is torn out under traffic: stock testpmd"
    return "A NIC is torn out under traffic, the other port goes on, and the card heals"


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("demo: interrupted")
    except (Failed, OSError, subprocess.CalledProcessError) as e:
        sys.exit("demo: %s" % e)
