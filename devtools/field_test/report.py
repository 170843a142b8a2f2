# SPDX-License-Identifier: BSD-3-Clause
"""The report: what was tried on what, and what was seen.  Text, for people.

Called by devtools/field-test.
"""
import json
import os
import platform
import re
import subprocess
import time


def said(*command):
    try:
        p = subprocess.run(command, text=True, timeout=20, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
        return p.stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as e:
        return "(%s)" % e


def distribution():
    try:
        with open("/etc/os-release") as f:
            return dict(line.rstrip().split("=", 1) for line in f if "=" in line).get(
                "PRETTY_NAME", "?").strip('"')
    except OSError:
        return "?"


def library(plugin):
    """Its file, whose name has the version; in a checkout, the commit, too."""
    commit = said("git", "-C", os.path.dirname(plugin), "describe", "--always", "--dirty")
    return os.path.basename(plugin) + (" of " + commit if re.fullmatch(r"\S+", commit) else "")


def table(cycles):
    rows = [("cycle", "asked for", "event", "port works again", "what was told")]
    rows += [(c["cycle"], "%s ms" % c.get("lost_ms", "-"), "%s ms" % c.get("event_ms", "never"),
              "%s ms" % c.get("healed_ms", "never"), c.get("event", "")) for c in cycles]
    return "\n".join("%-6s %-10s %-10s %-17s %s" % r for r in rows)


def spread(cycles, key):
    """"12 to 15 ms", of those that have it."""
    times = sorted(c[key] for c in cycles if key in c)
    return "%s to %s ms" % (times[0], times[-1]) if times else "never"


def verdict(card, o, result):
    """One line, to be pasted where somebody asks."""
    return "%s: %s (%s) by %s, %d of %d healed; told after %s, works again after %s; " \
        "kernel %s, DPDK %s, %s, %s" % (
            "PASSED" if result.is_good() else "FAILED", card.ids, card.driver, o.method,
            sum("healed_ms" in c for c in result.cycles), len(result.cycles),
            spread(result.cycles, "event_ms"), spread(result.cycles, "healed_ms"),
            platform.release(), said("pkg-config", "--modversion", "libdpdk"),
            library(o.plugin), o.options)


def write(card, o, result, folder):
    path = o.report or os.path.join(folder, "field-%s-%s-%s.txt" % (
        card.bdf.replace(":", "."), o.method, time.strftime("%Y%m%d-%H%M%S")))
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    parts = [
        ("field test", "%s by %s, %s" % (card.bdf, o.method, time.strftime("%Y-%m-%d %H:%M"))),
        ("verdict", verdict(card, o, result)),
        ("result", result.summary()),
        ("times", table(result.cycles)),
        ("machine", "kernel %s, %s, %s" % (platform.release(), platform.machine(),
                                           distribution())),
        ("software", "%s, DPDK %s, options %s" % (
            library(o.plugin), said("pkg-config", "--modversion", "libdpdk"), o.options)),
        ("card", "%s, driver %s\n%s" % (card.ids, card.driver,
                                        said("lspci", "-nnvs", card.bdf))),
        ("telemetry", json.dumps(result.telemetry, indent=1)),
        ("testpmd", result.output),
        ("kernel log, its end", "\n".join(said("dmesg").splitlines()[-60:])),
    ]
    with open(path, "w") as f:
        f.write("\n".join("== %s\n%s\n" % part for part in parts))
    return os.path.relpath(path)
