#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Attach and detach in 2 to 17 processes: our hotplug_mp and DPDK's own, in one run.

usage: bench_sync.py HOTPLUG_MP STOCK_HOTPLUG_MP OUTPUT.json

In:  both consoles.  Out: milliseconds from the command to the next prompt, median and
     largest of 10, for 1 to 16 secondaries, from the primary and from a secondary; and
     once what a stopped secondary does to it.
"""
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../app/test"))
import mp_console                                                       # noqa: E402

mp_console.own_namespaces()
ROUNDS = 10


def timed(console, command, seconds=60):
    begin = time.monotonic()
    text = console.run(command, seconds)
    return (time.monotonic() - begin) * 1e3, "failed" not in text


def series(group, console, devargs):
    """Attach and detach by this console, in turn."""
    attach, detach = [], []
    for _ in range(ROUNDS):
        for command, times in ("attach " + devargs, attach), ("detach " +
                                                              devargs.split(",")[0], detach):
            ms, is_good = timed(console, command)
            assert is_good, command
            times.append(ms)
            time.sleep(0.01)
        group.agree([])
    return {name: {"median": round(statistics.median(times), 2), "max": round(max(times), 2)}
            for name, times in (("attach", attach), ("detach", detach))}


def scale(program, folder, n):
    with mp_console.Group(program, folder, n) as group:
        return {"net_null, by the primary": series(group, group.all[0], "net_null0"),
                "net_null, by a secondary": series(group, group.all[1], "net_null0"),
                "net_af_packet, by the primary":
                series(group, group.all[0], "net_af_packet0,iface=veth0")}


def faults(program, folder):
    """Two secondaries, one of them stopped, then killed."""
    result = {}
    with mp_console.Group(program, folder, 2) as group:
        primary, victim = group.all[0], group.all[2]
        result["before: two live"] = series(group, primary, "net_null5")
        timed(primary, "attach net_null0")
        victim.stop()
        for what, command in (("repeated attach of a port that is there", "attach net_null0"),
                              ("attach of another", "attach net_null1")):
            ms, is_good = timed(primary, command)
            result["stopped: " + what] = {
                "ms": round(ms, 1), "said": "attached" if is_good else "failed",
                "ports afterwards": sorted(primary.ports())}
        victim.kill()
        time.sleep(0.1)
        for name in primary.ports():
            timed(primary, "detach " + name)
        result["one was killed"] = series(group, primary, "net_null5")
    return result


def main():
    ours, stock, output = sys.argv[1:]
    figures = {"what": "attach and detach, command to prompt, ms; ours beside DPDK's own example",
               "date": datetime.date.today().isoformat(), "made_by": "bench/bench_sync.py",
               "kernel": platform.release(), "processors": os.cpu_count()}
    with mp_console.place() as folder:
        subprocess.run("ip link add veth0 type veth peer name veth1 && ip link set veth0 up && "
                       "ip link set veth1 up", shell=True, check=True)
        for n in 1, 2, 4, 8, 16:
            figures["%d secondaries" % n] = {name: scale(program, folder, n) for name, program
                                             in (("ours", ours), ("stock", stock))}
        for name, program in ("ours", ours), ("stock", stock):
            figures["faults, " + name] = faults(program, folder)
    with open(output, "w") as f:
        json.dump(figures, f, indent=1)
        f.write("\n")


main()
