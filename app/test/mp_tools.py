#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""DPDK's own tools beside us, and processes that poll: attach and detach go on.

usage: mp_tools.py PLUGIN HOTPLUG_MP

In:  the plugin in unmodified dpdk-testpmd, primary and secondary, both of which forward on two
     ports; the console; dpdk-dumpcap, dpdk-pdump, dpdk-proc-info.  Out: TAP; times.
"""
import contextlib
import os
import statistics
import subprocess
import sys
import time

import mp_console

mp_console.own_namespaces()
PLUGIN, PROGRAM = map(os.path.abspath, sys.argv[1:3])
N = 20
PORTS = ["--vdev", "net_null0", "--vdev", "net_null1"]


class Testpmd(mp_console.Console):
    PROMPT = "testpmd> "


class Group(mp_console.Group):
    """Two testpmd that forward, each on queues of its own, and a console that asks."""

    def __init__(self):
        super().__init__("stdbuf", FOLDER, 1)
        for console in self.all:
            text = console.run("start")
            assert "io packet forwarding" in text, text
        self.program = PROGRAM
        self.console = self.start("console", "--proc-type=secondary")

    def start(self, name, *args, **more):
        if self.program == PROGRAM:
            return super().start(name, *args, **more)
        i = len(self.all)
        # its log is nobody's to read: who forwards must not wait for that
        more["log"] = subprocess.DEVNULL
        console = Testpmd(self, name, "-l", "0,1", "-d", PLUGIN, *args, *PORTS, "--", "-i",
                          "--num-procs=2", "--proc-id=%d" % i, "--rxq=2", "--txq=2",
                          "--total-num-mbufs=4096", "--no-mlockall",
                          wrap=["-o0", "dpdk-testpmd"], **more)
        self.all.append(console)
        return console


def attach_and_detach(group, name):
    """So often, by turns of who asks; milliseconds."""
    times = []
    for _ in range(N):
        for verb in group.console.attach, group.console.detach:
            begin = time.monotonic()
            reason = verb(name)
            times.append((time.monotonic() - begin) * 1e3)
            assert reason is None, reason
    print("# %d times: median %.1f ms, longest %.1f ms" % (
        2 * N, statistics.median(times), max(times)))
    assert statistics.median(times) < 100, times
    for console in group.all[:2]:
        assert console.process.poll() is None


def test_pollers_of_other_ports_delay_nobody():
    with Group() as group:
        attach_and_detach(group, "net_null5")


@contextlib.contextmanager
def tool(group, name, *args):
    process = subprocess.Popen([name, *args], text=True, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def wait_for(what, seconds=15):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def consoles():
    """Memory that does not grow: EAL asks every process for that, also one that is ending."""
    group = mp_console.Group(PROGRAM, FOLDER, 2, memory=("--socket-mem=192", "--socket-limit=192"))
    group.console = group.all[1]
    assert group.console.attach("net_null0") is None
    return group


def test_dumpcap_meanwhile():
    """Its request is never answered, which takes it 5 s; stock's attach waits for it too."""
    path = FOLDER + "/x.pcapng"
    with consoles() as group, tool(group, "dpdk-dumpcap", "--file-prefix", group.prefix,
                                   "-i", "net_null0", "-w", path) as process:
        wait_for(lambda: process.poll() is not None or os.path.exists(path))
        attach_and_detach(group, "net_null5")
        assert process.poll() is None, process.communicate()[0]
        text = group.all[0].run("list")
        wait_for(lambda: process.poll() is not None)
        attach_and_detach(group, "net_null5")
        assert "net_null0" in text


def test_pdump_meanwhile():
    path = FOLDER + "/y.pcap"
    with consoles() as group, tool(group, "dpdk-pdump", "--no-pci", "--file-prefix", group.prefix,
                                   "--", "--pdump", "port=0,queue=*,rx-dev=" + path) as process:
        wait_for(lambda: process.poll() is not None or os.path.exists(path))
        attach_and_detach(group, "net_null5")
        assert process.poll() is None, process.communicate()[0]


def test_proc_info_meanwhile():
    with consoles() as group:
        for _ in range(5):
            with tool(group, "dpdk-proc-info", "--no-pci", "--file-prefix", group.prefix, "--",
                      "--stats") as process:
                reason = group.console.attach("net_null5")
                assert reason is None, reason
                text = process.communicate(timeout=20)[0]
                assert process.returncode == 0, text
                assert group.console.detach("net_null5") is None


with mp_console.place() as FOLDER:
    sys.exit(mp_console.main([v for k, v in list(globals().items()) if k.startswith("test_") and
                              (len(sys.argv) < 4 or sys.argv[3] in k)]))
