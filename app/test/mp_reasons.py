#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Each failure says which process, and why, in words that somebody can act on: the same with
sync on and off, and nothing that cannot be looked at is taken for good.

usage: mp_reasons.py HOTPLUG_MP

In:  the console; made-up PCI functions (SYSFS_PCI_DEVICES), which nobody probes.  Out: TAP.
"""
import contextlib
import fcntl
import os
import re
import struct
import subprocess
import sys

import mp_console

mp_console.own_namespaces()
PROGRAM = os.path.abspath(sys.argv[1])
CARD = "0000:01:00.0"
BIND = "bind it to vfio-pci, igb_uio or uio_pci_generic"


def group(n=1, **more):
    return mp_console.Group(PROGRAM, FOLDER, n, **more)


def says(reason, console, *words):
    assert reason is not None and reason.startswith("process %d: " % console.pid), (
        reason, console.pid)
    for word in words:
        assert re.search(word, reason), (word, reason)


@contextlib.contextmanager
def card(driver, interface=None):
    """One function in a sysfs of ours."""
    devices = os.path.join(FOLDER, "devices")
    here = os.path.join(devices, CARD)
    os.makedirs(here)
    for name, value in ("vendor", "0x8086"), ("device", "0x10d3"), ("class", "0x020000"):
        with open(os.path.join(here, name), "w") as f:
            f.write(value + "\n")
    if driver:
        os.makedirs(os.path.join(FOLDER, "drivers", driver), exist_ok=True)
        os.symlink("../../drivers/" + driver, os.path.join(here, "driver"))
    if interface:
        os.makedirs(os.path.join(here, "net", interface))
    os.environ["SYSFS_PCI_DEVICES"] = devices
    try:
        yield
    finally:
        del os.environ["SYSFS_PCI_DEVICES"]
        subprocess.run(["rm", "-r", devices], check=True)


def reasons_of(devargs, verb="attach"):
    """What is said of it, with the console that it is about, by all that may be asked."""
    with group(1) as g:
        for console in g.all:
            yield getattr(console, verb)(devargs), g.all[0]
    for options in "sync=off", None:
        more = {} if options else {"memory": ("-m", "64", "--in-memory")}
        with group(0, options=options, **more) as g:
            yield getattr(g.all[0], verb)(devargs), g.all[0]


def test_no_such_device():
    with card(None):
        for reason, who in reasons_of("0000:02:00.0"):
            says(reason, who, "no such device$")


def test_no_kernel_driver():
    with card(None):
        for reason, who in reasons_of(CARD):
            says(reason, who, "no kernel driver is bound to it: " + BIND)


def test_the_kernels_driver():
    with card("e1000e"):
        for spelling in CARD, "01:00.0", "pci:" + CARD, "bus=pci,addr=" + CARD:
            for reason, who in reasons_of(spelling):
                says(reason, who, "it is bound to e1000e: " + BIND)


def test_the_kernels_interface_in_use():
    with card("e1000e", "lo"):
        for reason, who in reasons_of(CARD):
            says(reason, who, "it is in use by the kernel: lo has an address$")


def test_drivers_own_error():
    for devargs, words in (("net_af_packet0,iface=none0", "the driver says no more than -1$"),
                           ("net_null0,nonsense=1", "Invalid argument$|says no more than -1$"),
                           ("net_pcap0,iface=none0", "[A-Z]|says no more than -1$")):
        for reason, who in reasons_of(devargs):
            says(reason, who, "its driver's probe failed: .*(%s)" % words)


def test_no_bus():
    for devargs in "no_such_driver0", "bus=vdev", ",", "bus=", "net_null" + "9" * 60:
        with group(1) as g:
            for console in g.all:
                says(console.attach(devargs), console, "no bus knows such a device$")
                says(console.detach(devargs), console, "no bus knows such a device$")


def test_attached_and_not():
    with group(1) as g:
        assert g.all[1].attach("net_null0") is None
        for console in g.all:
            says(console.attach("net_null0"), g.all[0], "it is attached already$")
            says(console.detach("net_null1"), g.all[0], "it is not attached$")
    with group(0, options="sync=off") as g:
        assert g.all[0].attach("net_null0") is None
        says(g.all[0].attach("net_null0"), g.all[0], "it is attached already$")
        says(g.all[0].detach("net_null1"), g.all[0], "it is not attached$")


def test_each_spelling_names_the_same_device():
    spellings = ["net_null6", "vdev:net_null6", "bus=vdev,name=net_null6", "net_null6,size=128",
                 "net_null6,,", "bus=vdev,name=net_null6/class=eth",
                 "bus=vdev,name=net_null6/class=eth/driver=net_null,size=128"]
    with group(1) as g:
        for i, attached in enumerate(spellings):
            for detached in spellings:
                a, b = g.all[i % 2], g.all[(i + 1) % 2]
                assert "attached device" in a.run("attach " + attached), attached
                g.agree(["net_null6"])
                text = b.run("attach " + detached)
                assert "it is attached already" in text, text
                text = b.run("detach " + detached)
                assert "detached device" in text, text
                g.agree([])


@contextlib.contextmanager
def all_slots_taken(g):
    fd = os.open("/var/run/dpdk/%s/hotplug_life" % g.prefix, os.O_RDWR)
    try:
        for slot in range(1, 128):
            lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, slot, 1, 0)
            with contextlib.suppress(OSError):
                fcntl.fcntl(fd, 37, lock)               # F_OFD_SETLK
        yield
    finally:
        os.close(fd)


def test_fail_safe_is_for_one_process():
    """Its driver has pointers of one process in shared memory, and aborts at the detach."""
    devargs = "net_failsafe0,dev(net_null0)"
    with group(1) as g:
        for console in g.all:
            text = console.run("attach " + devargs)
            assert "its driver keeps pointers of one process in shared memory" in text, text
        g.agree([])
        assert g.all[1].quit() == 0
        g.all.pop()
        assert "attached device" in g.all[0].run("attach " + devargs)
        assert "net_failsafe0" in g.all[0].ports()
        assert "detached device" in g.all[0].run("detach net_failsafe0")
        assert "net_failsafe0" not in g.all[0].ports()


def test_no_free_slot():
    with group(0) as g:
        with all_slots_taken(g):
            late = g.start("late")
            says(late.attach("net_null0"), late, "no free slot: it has 128$")
        assert late.attach("net_null0") is None
        g.agree(["net_null0"])


def test_primary_without_the_library():
    with group(0, options="sync=off") as g:
        late = g.start("late", options="sync=on")
        says(late.attach("net_null0"), late, "the primary process has not enabled dpdk-hotplug$")


def test_no_file_of_locks():
    """As in a runtime directory that is full, or not ours to write."""
    with group(0, options="sync=off") as g:
        os.mkdir("/var/run/dpdk/%s/hotplug_life" % g.prefix)
        g.all[0].kill()
        g.all.clear()
        console = g.start("primary", "-m", "64", options="sync=on")
        says(console.attach("net_null0"), console, "cannot join the other processes: "
             ".*/hotplug_life: Is a directory$")
        os.rmdir("/var/run/dpdk/%s/hotplug_life" % g.prefix)
        assert console.attach("net_null0") is None


def limit(console, n):
    subprocess.run(["prlimit", "--pid", str(console.pid), "--nofile=%d:20000" % n], check=True)


def test_nobody_is_forgotten_without_descriptors():
    """A process without the library is there, and the primary cannot ask its socket."""
    with group(1, options="sync_deadline_ms=200") as g:
        stranger = g.start("stranger", options="sync=off")
        limit(g.all[0], 3)
        for console in g.all[:2]:
            reason = console.attach("net_null0")
            says(reason, g.all[0], "process %d has not enabled dpdk-hotplug" % stranger.pid)
        assert not g.all[0].ports() and not g.all[1].ports()
        limit(g.all[0], 20000)
        stranger.kill()
        g.all.remove(stranger)
        assert g.all[1].attach("net_null0") is None
        g.agree(["net_null0"])


def test_secondary_without_descriptors():
    with group(2) as g:
        limit(g.all[1], 3)
        reason = g.all[0].attach("net_tap0,iface=dt0")
        says(reason, g.all[1], "its driver's probe failed: ")
        g.agree([])
        limit(g.all[1], 20000)
        assert g.all[2].attach("net_null0") is None
        g.agree(["net_null0"])


with mp_console.place() as FOLDER:
    sys.exit(mp_console.main([v for k, v in list(globals().items()) if k.startswith("test_") and
                              (len(sys.argv) < 3 or sys.argv[2] in k)]))
