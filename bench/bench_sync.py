#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Attach and detach in 2 to 31 processes: our hotplug_mp and DPDK's own, in turn.

usage: bench_sync.py HOTPLUG_MP STOCK_HOTPLUG_MP OUTPUT.json [SECONDARIES...]

In:  both consoles; how many secondaries (1 2 4 8 16 30).  Out: figures (figures.py): the
     milliseconds from the command to the next prompt, 100 times (20 where the secondaries are
     given), one round of ours and one of stock's in turn, asked by the primary and by a
     secondary; and what a secondary that was stopped or killed does to it.
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
ROUNDS = int(os.environ.get("ROUNDS", "20" if sys.argv[4:] else "100"))
KINDS = (("net_null, by the primary", 0, "net_null0"),
         ("net_null, by a secondary", 1, "net_null0"),
         ("net_af_packet, by the primary", 0, "net_af_packet0,iface=veth0"))


def timed(console, command, seconds=60):
    """Milliseconds, and what went wrong."""
    begin = time.monotonic()
    text = console.run(command, seconds)
    return (time.monotonic() - begin) * 1e3, text if "failed" in text else None


def warm_up(console, commands):
    """Stock's first request may fail: a secondary just starts."""
    for _ in range(3):
        if not any([timed(console, c)[1] for c in commands]):
            return
        time.sleep(1)


def series(groups, who, devargs):
    """Attach and detach by that process of each group, in turn: [{what: ms of each}]."""
    times = [{"attach": [], "detach": []} for _ in groups]
    commands = "attach " + devargs, "detach " + devargs.split(",")[0]
    for group in groups:
        warm_up(group.all[who], commands)
    for i in range(ROUNDS * len(groups)):
        k = (i + i // len(groups)) % len(groups)        # neither is always the first
        for command in commands:
            ms, wrong = timed(groups[k].all[who], command)
            assert not wrong, wrong
            times[k][command.split()[0]].append(ms)
            time.sleep(0.003)
        if i < 2 * len(groups):
            groups[k].agree([])
    return times


def scale(programs, folder, n):
    """[{what: {verb: ms of each}}], ours and stock's."""
    with mp_console.Group(programs[0], folder, n) as ours, \
            mp_console.Group(programs[1], folder, n) as stock:
        times = {what: series((ours, stock), who, devargs) for what, who, devargs in KINDS
                 if n < 30 or "af_packet" not in devargs}
    return [{what: times[what][k] for what in times} for k in (0, 1)]


def faults(program, folder):
    """Two secondaries, one of them stopped, then killed: times, or what became of it."""
    result = {}
    with mp_console.Group(program, folder, 2) as group:
        primary, victim = group.all[0], group.all[2]
        result["two live secondaries"] = series([group], 0, "net_null5")[0]
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
        result["one was killed"] = series([group], 0, "net_null5")[0]
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
    programs, output, counts = sys.argv[1:3], sys.argv[3], sys.argv[4:] or (1, 2, 4, 8, 16, 30)
    result = []
    with mp_console.place() as folder:
        subprocess.run("ip link add veth0 type veth peer name veth1 && ip link set veth0 up && "
                       "ip link set veth1 up", shell=True, check=True)
        for n in map(int, counts):
            for f in figures(*scale(programs, folder, n)):
                result.append(dict(f, name="%s, secondaries: %d" % (f["name"], n)))
        if not sys.argv[4:]:
            result += figures(*(faults(p, folder) for p in programs))
    with open(output, "w", encoding="utf-8") as f:
        json.dump(result, f, indent=1)


main()
