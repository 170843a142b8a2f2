#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The plugin in unmodified dpdk-testpmd, as a primary and as a late secondary, beside
the console: they attach and detach together.

usage: mp_plugin.py PLUGIN HOTPLUG_MP EARLY

In:  the built plugin and console, and early.c.  Out: TAP.
"""
import os
import re
import subprocess
import sys

import mp_console

mp_console.own_namespaces()
PLUGIN, PROGRAM, EARLY = map(os.path.abspath, sys.argv[1:4])
TESTPMD = ["-l", "0,1", "-d", PLUGIN]
APP = ["--", "-i", "--total-num-mbufs=2048", "--no-mlockall", "--num-procs=2"]


class Testpmd(mp_console.Console):
    PROMPT = "testpmd> "

    def ports(self):
        text = self.run("show port summary all")
        return {name: int(port) for port, name in
                re.findall(r"^(\d+)\s+[0-9A-F:]{17}\s+(\S+)", text, re.M)}

    def devargs(self, name):
        return re.search(r"Devargs: (.*?)\s*$", self.run("show device info " + name),
                         re.M).group(1)


class Group(mp_console.Group):
    """The primary is testpmd with the plugin."""

    def start(self, name, *args, **more):
        if name != "primary":
            return super().start(name, *args, **more)
        return self.start_testpmd(name, "-m", "64", app=["--proc-id=0"])

    def start_testpmd(self, name, *args, app=()):
        self.program, program = "stdbuf", self.program      # it prints into a pipe
        console = Testpmd(self, name, *TESTPMD, *args, *APP, *app, wrap=["-o0", "dpdk-testpmd"])
        self.program = program
        self.all.append(console)
        return console


def test_testpmd_as_primary_attaches_with_the_others():
    with Group(PROGRAM, FOLDER, 2) as group:
        assert group.all[1].attach("net_null0,size=128") is None
        group.agree(["net_null0"])
        assert group.all[0].devargs("net_null0") == "size=128"
        assert group.all[2].detach("net_null0") is None
        group.agree([])


def test_stock_attach_of_testpmd_and_our_detach():
    with Group(PROGRAM, FOLDER, 1) as group:
        assert "Port 0 is attached" in group.all[0].run("port attach net_null3")
        group.agree(["net_null3"])
        assert group.all[1].detach("net_null3") is None
        group.agree([])


def test_late_secondary_knows_the_devargs():
    with Group(PROGRAM, FOLDER, 1) as group:
        assert group.all[1].attach("net_null0,size=128,copy=1") is None
        for i in range(3):
            late = group.start_testpmd("late", app=["--proc-id=1"])
            group.agree(["net_null0"])
            assert late.devargs("net_null0") == "size=128,copy=1"
            late.kill()
        assert group.all[1].detach("net_null0") is None
        group.agree([])


def test_nobody_joins_the_others_in_the_first_probe():
    """Else it was done twice: two threads, and the first one's table was lost."""
    output = subprocess.run(
        [EARLY, "-l", "0", "--no-pci", "-m", "64", "--huge-dir", FOLDER + "/huge", "--file-prefix",
         f"hp-early-{os.getpid()}", "-d", PLUGIN, "--vdev", "hotplug_early0"],
        env={**os.environ, "PLUGIN": PLUGIN}, text=True, timeout=30,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    said = dict(line.split(" ", 1) for line in output.splitlines()
                if line.startswith(("early ", "later ")) and " threads " not in line)
    threads = re.findall(r"^(early|later) threads (\d+)$", output, re.M)
    assert said["early"].startswith("-107 dpdk-hotplug joins the other processes"), output
    assert said["later"].startswith("-19 "), output
    assert threads == [("early", "0"), ("later", "1")], output


with mp_console.place() as FOLDER:
    sys.exit(mp_console.main([v for k, v in list(globals().items()) if k.startswith("test_")]))
