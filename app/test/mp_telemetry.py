#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What an operator reads of a primary and a secondary, with DPDK's own client.

usage: mp_telemetry.py HOTPLUG_MP

In:  the built console.  Out: TAP.  Each process has a socket of its own, and
dpdk-telemetry.py takes the number of one (-i); each speaks for itself.
"""
import json
import os
import subprocess
import sys

import mp_console

PROGRAM = os.path.abspath(sys.argv[1])
group = None


class Group(mp_console.Group):
    """With telemetry, which the console does without."""

    def start(self, name, *args, **more):
        return super().start(name, *args, telemetry=True, **more)


def ask(instance, question):
    """The answer of process number `instance` of the prefix; None: there is none."""
    p = subprocess.run(["dpdk-telemetry.py", "-f", group.prefix, "-i", str(instance)],
                       input=question + "\nquit\n", text=True, timeout=20,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return json.loads(p.stdout)[question.split(",")[0]] if p.stdout.startswith("{") else None


def the_stock_client_asks_each_process_by_its_number():
    pids = [ask(i, "/hotplug/health")["pid"] for i in range(3)]
    assert sorted(pids) == sorted(c.pid for c in group.all), (pids, [c.pid for c in group.all])
    assert pids[0] == group.all[0].pid, "number 0 is not the primary"


def each_is_enabled_and_has_its_own_handler():
    for i in range(3):
        health = ask(i, "/hotplug/health")
        assert health["enabled"] == 1 and health["has_handler"] == 1, health


def a_process_that_ends_takes_its_socket_along():
    last = [c for c in group.all if c.pid == ask(2, "/hotplug/health")["pid"]][0]
    assert last.quit() == 0
    assert ask(2, "/hotplug/health") is None
    assert ask(0, "/hotplug/health")["pid"] == group.all[0].pid
    assert ask(1, "/hotplug/health")["enabled"] == 1


def no_telemetry_means_none():
    before = sockets()
    quiet = mp_console.Group.start(group, "quiet")
    assert quiet.run("list") and sockets() == before, (before, sockets())
    loud = group.start("loud")
    assert len(sockets()) == len(before) + 1, (before, sockets())
    assert loud.quit() == 0 and quiet.quit() == 0


def sockets():
    return sorted(f for f in os.listdir("/var/run/dpdk/" + group.prefix)
                  if f.startswith("dpdk_telemetry.v2"))


def main():
    global group
    mp_console.own_namespaces()
    with mp_console.place() as folder, Group(PROGRAM, folder) as group:
        return mp_console.main([the_stock_client_asks_each_process_by_its_number,
                                each_is_enabled_and_has_its_own_handler,
                                a_process_that_ends_takes_its_socket_along,
                                no_telemetry_means_none])


if __name__ == "__main__":
    sys.exit(main())
