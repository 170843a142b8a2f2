#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Seed 004's cases on virtual devices: attached and detached by any process, seen by
all; repeated, it fails and changes nothing.

usage: mp_cases.py HOTPLUG_MP

In:  the console; a primary and two secondaries.  Out: TAP.
"""
import contextlib
import os
import shutil
import subprocess
import sys
import time

import mp_console

mp_console.own_namespaces()
PROGRAM = os.path.abspath(sys.argv[1])
ROUNDS = 2
# attached by, detached by: every direction
DIRECTIONS = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]


def every_direction(group, devargs):
    name = devargs.split(",")[0]
    for attacher, detacher in DIRECTIONS:
        for _ in range(ROUNDS):
            group.agree([])
            one_round(group, group.all[attacher], group.all[detacher], devargs, name)
    group.agree([])


def one_round(group, attacher, detacher, devargs, name):
    reason = attacher.attach(devargs)
    assert reason is None, reason
    there = group.agree([name])
    for console in group.all:
        assert console.attach(devargs).endswith("it is attached already")
    assert group.agree([name]) == there
    reason = detacher.detach(name)
    assert reason is None, reason
    group.agree([])
    for console in group.all:
        assert console.detach(name).endswith("it is not attached")


def test_net_null():
    every_direction(GROUP, "net_null0")


def test_net_null_with_options():
    every_direction(GROUP, "net_null0,size=128,copy=1")


def test_net_ring():
    every_direction(GROUP, "net_ring0")


def test_net_af_packet():
    subprocess.run("ip link add veth0 type veth peer name veth1 && ip link set veth0 up && "
                   "ip link set veth1 up", shell=True, check=True)
    every_direction(GROUP, "net_af_packet,iface=veth0")


def test_net_vhost():
    every_direction(GROUP, "net_vhost0,iface=%s/vhost-net,queues=1,client=0" % FOLDER)


@contextlib.contextmanager
def vhost_peer(path):
    """testpmd with a vhost port: net_vhost opens its socket when it is configured."""
    prefix = "hp-mp-peer-%d" % os.getpid()
    process = subprocess.Popen(
        ["dpdk-testpmd", "-l", "0,1", "--no-pci", "--no-telemetry", "--file-prefix", prefix,
         "--huge-dir", GROUP.huge, "-m", "64", "--vdev", "net_vhost0,iface=%s,queues=1" % path,
         "--", "-i", "--total-num-mbufs=2048", "--no-mlockall"], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if os.path.exists(path):
                break
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()
        shutil.rmtree("/var/run/dpdk/" + prefix, ignore_errors=True)


def test_net_virtio_user():
    """The plan's options."""
    path = FOLDER + "/peer"
    with vhost_peer(path):
        every_direction(GROUP, "net_virtio_user0,mac=00:01:02:03:04:05,path=%s,packed_vq=1,"
                        "mrg_rxbuf=1,in_order=0" % path)


def test_several_devices_at_once():
    names = ["net_null%d" % i for i in range(6)]
    for i, name in enumerate(names):
        assert GROUP.all[i % 3].attach(name) is None
    GROUP.agree(names)
    for i, name in enumerate(names):
        assert GROUP.all[(i + 1) % 3].detach(name) is None
    GROUP.agree([])


def test_long_devargs_arrive_whole():
    """Stock cuts them at 128 bytes in a message: what is wrong at the end is not seen."""
    devargs = "net_null0," + "size=64,copy=0,no-rx=0," * 8 + "no-rx=1"
    for console in GROUP.all:
        assert console.attach(devargs) is None
        GROUP.agree(["net_null0"])
        assert console.detach("net_null0") is None
        assert "failed" in console.attach(devargs.replace("no-rx=1", "nonsense=1"))
        GROUP.agree([])


def test_nonsense_is_refused():
    for console in GROUP.all:
        assert console.attach("no_such_driver0").endswith("no bus knows such a device")
        assert console.attach("net_null0,nonsense=1") is not None
        assert console.detach("no_such_driver0").endswith("no bus knows such a device")
    GROUP.agree([])


def test_state_and_events():
    """Who stands before it sees what happened."""
    primary, other = GROUP.all[:2]
    assert other.attach("net_null3") is None
    for console, role in (primary, "the primary"), (other, "a secondary"):
        text = console.run("state")
        assert "process %d, %s" % (console.pid, role) in text, text
        assert "\tnet_null3\tnot watched, link down" in text, text
    assert primary.detach("net_null3") is None
    for console in GROUP.all:
        text = console.run("events")
        lines = text.split("\n")[1:-1]
        assert lines[-2].endswith(" port 0 is there"), text
        assert lines[-1].endswith(" port 0 net_null3 is gone"), text
        assert "net_null3" not in console.run("state")


def test_options_that_are_none_are_named():
    result = subprocess.run(
        [PROGRAM, "--no-pci", "--no-huge", "--no-telemetry", "-m", "64"], text=True,
        capture_output=True, env=dict(os.environ, DPDK_HOTPLUG="policy=cure"), timeout=20)
    assert result.returncode != 0
    assert "DPDK_HOTPLUG: " in result.stderr and "cure" in result.stderr, result.stderr


def test_help_and_end():
    text = GROUP.all[0].run("help")
    for word in "attach <devargs>", "detach <devargs>", "list", "state", "events", "help", \
            "quit":
        assert "- " + word in text, text
    for console in reversed(GROUP.all):
        assert console.quit() == 0


with mp_console.place() as FOLDER, mp_console.Group(PROGRAM, FOLDER) as GROUP:
    sys.exit(mp_console.main([v for k, v in list(globals().items()) if k.startswith("test_")]))
