#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A network interface deleted and made again, many times, under three dpdk-testpmd.

usage: mp_vdev.py PLUGIN [ROUNDS]

In:  the built plugin; a primary that forwards on net_af_packet, two secondaries that have
     the port as well (its driver gives them no bursts).  Out: TAP: each loss is told once in
     each process, each is healed in all, under the same id, and nothing is left: descriptors,
     threads, mbufs, EAL's heap, memory.
"""
import glob
import json
import os
import re
import socket
import subprocess
import sys
import time

import mp_console

mp_console.own_namespaces()
PLUGIN = os.path.abspath(sys.argv[1])
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 20
WARM = 5                # rounds after which nothing is to grow
DEVICE, IFACE = "net_af_packet0", "va"
ANON_KB = 2048          # what a process may grow by meanwhile: malloc's arenas come late
SECONDS = 30            # for one step, on a machine that does much else


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def make():
    ip("link", "add", IFACE, "type", "veth", "peer", "name", "vb")
    ip("link", "set", IFACE, "up")
    ip("link", "set", "vb", "up")


class Testpmd(mp_console.Console):
    """What the library says goes to a file."""
    PROMPT = "testpmd> "

    def __init__(self, group, name, number, *args, wait=True):
        self.path = os.path.join(group.folder, "log%d" % number)
        self.socket, self.prefix = None, group.prefix
        self.log = open(self.path, "w+", encoding="utf-8", errors="replace")
        super().__init__(group, name, "-l", "0,1", "-d", PLUGIN, *args,
                         "--", "-i", "--total-num-mbufs=2048", "--no-mlockall", "--num-procs=3",
                         "--proc-id=%d" % number, options="flaps=0", log=self.log, telemetry=True,
                         wrap=("-o0", "dpdk-testpmd"), wait=wait)

    def until_prompt(self, seconds=SECONDS):
        try:
            return super().until_prompt(max(seconds, SECONDS))
        except (TimeoutError, mp_console.Ended) as e:
            with open(self.path, encoding="utf-8", errors="replace") as f:
                raise AssertionError("%s\n%s" % (e, f.read()[-1500:])) from e

    def ask(self, question):
        """By telemetry: a log leaves out what comes too often."""
        if self.socket is None:
            self.socket = self.find_socket()
        self.socket.send(question.encode())
        return json.loads(self.socket.recv(65536)).get(question.split(",")[0]) or {}

    def find_socket(self):
        for path in glob.glob("/var/run/dpdk/%s/dpdk_telemetry.v2*" % self.prefix):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            sock.settimeout(SECONDS)
            sock.connect(path)
            if json.loads(sock.recv(65536))["pid"] == self.pid:
                return sock
            sock.close()
        raise AssertionError("%s has no telemetry" % self.name)

    def facts(self):
        return [self.ask(q) for q in ("/hotplug/info," + DEVICE, "/ethdev/link_status,0",
                                      "/ethdev/info,0")]

    def n_gone(self):
        return self.ask("/hotplug/stats").get("events_gone", 0)

    def is_in(self, state):
        return self.ask("/hotplug/info," + DEVICE).get("state_name", "").lower() == state

    def is_up(self):
        return self.ask("/ethdev/link_status,0").get("status") == "UP"

    def port(self):
        m = re.search(r"^(\d+)\s+[0-9A-F:]{17}\s+" + DEVICE, self.run("show port summary all"),
                      re.M)
        return int(m.group(1)) if m else None

    def mbufs(self):
        text = self.run("dump_mempool mb_pool_0")
        return sum(int(n) for n in re.findall(r"(?:cache_count\[\d+\]|common_pool_count)=(\d+)",
                                              text))

    def heap(self):
        """Megabytes that are allocated, to the byte."""
        return re.search(r"^Total.*? alloc: ([\d.]+)", self.run("dump_socket_mem"), re.M).group(1)

    def held(self):
        with open("/proc/%d/status" % self.pid) as f:
            anon = int(re.search(r"^RssAnon:\s+(\d+)", f.read(), re.M).group(1))
        return {"fds": len(os.listdir("/proc/%d/fd" % self.pid)),
                "threads": len(os.listdir("/proc/%d/task" % self.pid)), "anon_kb": anon}


class Group(mp_console.Group):
    def start(self, name, *args, **more):
        number = len(self.all)
        vdev = ["--vdev", "%s,iface=%s,blocksz=4096,framesz=2048,framecnt=256" % (DEVICE, IFACE)]
        console = Testpmd(self, name, number, *args, *([] if number else vdev), **more)
        self.all.append(console)
        return console


def wait_for(what, condition, group):
    end = time.monotonic() + SECONDS
    while not condition():
        for console in group.all:
            if console.process.poll() is not None:
                raise AssertionError("%s has ended, waiting for %s" % (console.name, what))
        if time.monotonic() > end:
            raise AssertionError("no %s in %d s:\n%s" % (what, SECONDS, "\n".join(
                "%s: %s\n%s" % (c.name, c.facts(), open(c.path).read()[-1500:])
                for c in group.all)))
        time.sleep(0.005)


def one_round(group, n):
    """The n-th loss, and its return."""
    primary = group.all[0]
    for console in group.all:
        console.process.stdout.read()   # testpmd tells of events, and waits on a full pipe
    ip("link", "del", IFACE)
    for console in group.all:
        wait_for("loss %d in %s" % (n, console.name), lambda c=console: c.n_gone() >= n, group)
    wait_for("teardown %d" % n, lambda: primary.is_in("absent"), group)
    make()
    for console in group.all:           # the primary's works when the others are asked
        wait_for("heal %d in %s" % (n, console.name), lambda c=console: c.is_in("attached"), group)
    wait_for("link %d" % n, primary.is_up, group)


def settle(group):
    """Forwarding is stopped, so that no mbuf is under way."""
    primary = group.all[0]
    primary.run("stop")
    taken = {"mbufs": primary.mbufs(), "heap": primary.heap()}
    held = [c.held() for c in group.all]
    primary.run("start")
    return taken, held


def is_like_before(before, now):
    same = before[0] == now[0]
    for was, held in zip(before[1], now[1]):
        same = same and held["fds"] == was["fds"] and held["threads"] == was["threads"] and \
            held["anon_kb"] <= was["anon_kb"] + ANON_KB
    return same


def test_each_loss_is_told_once_and_healed():
    make()
    with Group("stdbuf", FOLDER, 2) as group:
        primary = group.all[0]
        ports = [c.port() for c in group.all]
        assert ports == [0, 0, 0], "not everybody has port 0: %s" % ports
        primary.run("start")
        begin = time.monotonic()
        for n in range(1, ROUNDS + 1):
            one_round(group, n)
            if n == WARM:
                wait_for("secondaries", lambda: all(c.port() == 0 for c in group.all), group)
                before = settle(group)
        wait_for("secondaries", lambda: all(c.port() == 0 for c in group.all), group)
        took = time.monotonic() - begin
        counts = [c.n_gone() for c in group.all]
        assert counts == [ROUNDS] * 3, "%d losses, and told: %s" % (ROUNDS, counts)
        end = time.monotonic() + 10             # threads of the last teardown end
        while not is_like_before(before, settle(group)) and time.monotonic() < end:
            time.sleep(0.2)
        now = settle(group)
        print("# %d rounds in %.1f s; after %d and at the end: %s %s" % (
            ROUNDS, took, WARM, before, now))
        assert is_like_before(before, now), "left behind: %s, then %s" % (before, now)
        for console in reversed(group.all):
            assert console.quit() == 0, console.name


with mp_console.place() as FOLDER:
    sys.exit(mp_console.main([test_each_loss_is_told_once_and_healed]))
