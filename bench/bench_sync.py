#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Attach and detach in 2 to 17 processes: our hotplug_mp and DPDK's own, in one run.

usage: bench_sync.py HOTPLUG_MP STOCK_HOTPLUG_MP OUTPUT.json [SECONDARIES...]

In:  both consoles; how many secondaries (1 2 4 8 16).  Out: figures (figures.py): the
     milliseconds from the command to the next prompt, 20 times, asked by the primary and
     by a secondary; and what a secondary that was stopped or killed does to it.
"""
import json
import os
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TOP, "app/test"), os.path.join(TOP, "bench")]
import mp_console                                                       # noqa: E402
from figures import compared                                            # noqa: E402

mp_console.own_namespaces()
ROUNDS = 20
KINDS = (("net_null, by the primary", 0, "net_null0"),
         ("net_null, by a secondary", 1, "net_null0"),
         ("net_af_packet, by the primary", 0, "net_af_packet0,iface=veth0"))


def timed(console, command, seconds=60):
    """Milliseconds, and what went wrong."""
    begin = time.monotonic()
    text = console.run(command, seconds)
    return (time.monotonic() - begin) * 1e3, text if "failed" in text else None


def series(group, console, devargs):
    """Attach and detach by this console, in turn: {what: ms of each}."""
    times = {"attach": [], "detach": []}
    commands = "attach " + devargs, "detach " + devargs.split(",")[0]
    for _ in range(3):                  # stock's first request may fail: a secondary just starts
        if not any([timed(console, c)[1] for c in commands]):
            break
        time.sleep(1)
    for _ in range(ROUNDS):
        for command in commands:
            ms, wrong = timed(console, command)
            assert not wrong, wrong
            times[command.split()[0]].append(ms)
            time.sleep(0.01)
        group.agree([])
    return times


def scale(program, folder, n):
    with mp_console.Group(program, folder, n) as group:
        return {what: series(group, group.all[who], devargs) for what, who, devargs in KINDS}


def faults(program, folder):
    """Two secondaries, one of them stopped, then killed: times, or what became of it."""
    result = {}
    with mp_console.Group(program, folder, 2) as group:
        primary, victim = group.all[0], group.all[2]
        result["two live secondaries"] = series(group, primary, "net_null5")
        timed(primary, "attach net_null0")
        victim.stop()
        for what, command in (("attach again what is attached", "attach net_null0"),
                              ("attach another", "attach net_null1")):
            ms, wrong = timed(primary, command)
            result["one stopped: " + what] = "%.5g ms, %s, %s" % (
                ms, "refused" if wrong else "attached",
                "the first port stays" if "net_null0" in primary.ports()
                else "the first port is GONE")
        victim.kill()
        time.sleep(0.1)
        for name in primary.ports():
            timed(primary, "detach " + name)
        result["one was killed"] = series(group, primary, "net_null5")
    return result


def figures(ours, stock):
    """Of two results of the same form."""
    for what in ours:
        if isinstance(ours[what], str):
            yield compared(what, "", ours[what], stock[what])
        else:
            for verb in "attach", "detach":
                yield compared("%s, %s" % (verb, what), "ms", ours[what][verb], stock[what][verb])


def main():
    programs, output, counts = sys.argv[1:3], sys.argv[3], sys.argv[4:] or (1, 2, 4, 8, 16)
    result = []
    with mp_console.place() as folder:
        subprocess.run("ip link add veth0 type veth peer name veth1 && ip link set veth0 up && "
                       "ip link set veth1 up", shell=True, check=True)
        for n in map(int, counts):
            for f in figures(*(scale(p, folder, n) for p in programs)):
                result.append(dict(f, name="%s, secondaries: %d" % (f["name"], n)))
        if not sys.argv[4:]:
            result += figures(*(faults(p, folder) for p in programs))
    with open(output, "w", encoding="utf-8") as f:
        json.dump(result, f, indent=1)


main()
