# SPDX-License-Identifier: BSD-3-Clause
"""What the demo says and draws of its runs.

In:  what demo.py has measured.  Out: the timeline, out/demo*.svg, .png, .json.
"""
import json
import os
import subprocess

import plot

COLOURS = {"victim": "#c0392b", "bystander": "#1f6fb4"}


class Guests:
    """How the demo goes, and what it says, in a guest: of cards."""
    what, lost, asked, back = "NIC", "torn out", "removal asked for", "card put back"
    how, victim = "%(way)s removal", "card is torn out"
    quiet = 3.0         # seconds watched before the loss, and after it
    last = 1.5          # seconds watched at the end
    file = "demo"
    is_native = False

    @staticmethod
    def subtitle(o):
        return "%s on %s, kernel %s, %d packets/s per port, counted outside the guest" % (
            o.nic, o.driver, o.kernel, o.pps)


class Natives(Guests):
    """The same on this machine, of network interfaces."""
    what, lost, asked, back = "interface", "deleted", "interface deleted", "interface made again"
    how, victim = "an interface deleted", "interface is deleted"
    quiet, last = 1.0, 0.2
    file = "demo-native"
    is_native = True

    @staticmethod
    def subtitle(o):
        return "net_af_packet on veth, Linux %s, %d packets/s per port, counted at their ends" % (
            os.uname().release.split("-")[0], o.pps)


def ms(t, r):
    return "%+9.1f ms" % ((t - r["t0"]) * 1000)


def tell(r, says):
    print("\n%s, %s%s" % ("stock testpmd" if r["stock"] else "testpmd with libdpdk-hotplug",
                          says.how % r, ", --hot-plug" if r["hot_plug"] else ""))
    rows = [("device dark" if r["dark"] else says.asked,
             ms(r["t0"], r) + "   (clocks agree within %.1f ms)" % (r["near"] * 1000))]
    rows += [(label, ms(t, r)) for t, label in r["events"]]
    if not r["events"]:
        rows.append(("sign, cut off, event", "    never"))
    rows.append(("victim silent", ms(r["last"], r) + "   (its last packet)"))
    if r.get("t_back"):
        rows.append((says.back, ms(r["t_back"], r)))
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


def panel(r, says):
    t0 = r["t0"]
    series = [(n, COLOURS[n], [t - t0 for t in r["arrivals"][n]]) for n in ("victim", "bystander")]
    marked = [(0.0, "card torn out" if r["dark"] else says.asked)]
    if r.get("t_back") and (says.is_native or r.get("t_flows")):
        marked.append((r["t_back"] - t0, says.back))
    if r.get("t_flows"):
        marked.append((r["t_flows"] - t0, "healed"))
    if r.get("t_claimed"):
        marked.append((r["t_claimed"] - t0,
                       "card back: the kernel's %s takes it" % r["claimed_by"]))
    if r["t_died"]:
        marked.append((r["t_died"] - t0, "testpmd killed by %s" % r["signal"]))
    near = [(t - t0, "%s %+.1f ms" % (label, (t - t0) * 1000)) for t, label in r["events"]]
    if near:
        near.insert(0, (0.0, "device dark" if r["dark"] else says.asked))
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
        title(runs, o.says), o.says.subtitle(o) + " in bins of 20 ms",
        [panel(r, o.says) for r in runs], -1.0, max(r["t_end"] - r["t0"] for r in runs), 0.02,
        o.pps, o.says.victim)
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


def title(runs, says):
    loss = "%s %s is %s under traffic" % ("An" if says.is_native else "A", says.what, says.lost)
    ours = [r for r in runs if not r["stock"]]
    if len(runs) == 2:
        return loss + ": with libdpdk-hotplug, and without"
    if not ours:
        return loss + ": stock testpmd"
    return loss + ", the other port goes on, and the %s heals" % (
        "port" if says.is_native else "card")
