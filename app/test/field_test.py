#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""devtools/field-test where it must say no, and its dry run, on a sysfs of files.

usage: field_test.py FIELD_TEST PLUGIN

In:  the program; a tree of files that stands for /sys.  Out: TAP.  Nothing is taken away
from anybody here; the real thing is in the guest (rows `field test`).
"""
import os
import subprocess
import sys
import types

import tap

FIELD_TEST, PLUGIN = map(os.path.abspath, sys.argv[1:])
CARD, TWIN = "0000:01:00.0", "0000:01:00.1"


class Tree:
    """A root port (PCIe, or not) with a card of one or two functions below."""

    def __init__(self, root):
        self.root = root
        self.port = os.path.join(root, "devices/pci0000:00/0000:00:01.0")
        os.makedirs(os.path.join(root, "bus/pci/devices"))

    def put(self, folder, name, data):
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())

    def function(self, bdf, driver="uio_pci_generic", above=None, kind="0x020000"):
        folder = os.path.join(above or self.port, bdf)
        for name, text in (("vendor", "0x8086\n"), ("device", "0x10d3\n"), ("class", kind + "\n")):
            self.put(folder, name, text)
        if driver:
            os.symlink("../../../bus/pci/drivers/" + driver, os.path.join(folder, "driver"))
        os.symlink(folder, os.path.join(self.root, "bus/pci/devices", bdf))
        return folder

    def slot(self, address, has_power=True):
        folder = os.path.join(self.root, "bus/pci/slots/5")
        self.put(folder, "address", address + "\n")
        if has_power:
            self.put(folder, "power", "1\n")

    def pcie(self, port_type):
        config = bytearray(256)
        config[6], config[0x34] = 0x10, 0x40
        config[0x40], config[0x42] = 0x10, port_type << 4 | 2
        self.put(self.port, "config", bytes(config))


def run(tree, *args, bdf=CARD, typed=""):
    p = subprocess.run([FIELD_TEST, "--dry-run", "--plugin", PLUGIN, "--sysfs", tree.root, *args,
                        bdf], input=typed, text=True, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=20)
    return p.returncode, p.stdout


def refused(tree, words, *args, **more):
    status, said = run(tree, *args, **more)
    assert status == 1 and words in said and said.startswith("field-test: ") and \
        said.count("\n") == 1, (status, said)


def planned(tree, words, *args):
    status, said = run(tree, *args)
    assert status == 0 and words in said and said.endswith("dry run: nothing was done\n"), \
        (status, said)


def test_no_address(tree):
    refused(tree, "'eth0' is no PCI address", bdf="eth0")
    refused(tree, "'01:00.0' is no PCI address", bdf="01:00.0")


def test_no_such_device(tree):
    refused(tree, "0000:01:00.0: no such device")


def test_a_bridge(tree):
    tree.function(CARD, "pcieport", kind="0x060400")
    refused(tree, "is a bridge")


def test_no_driver(tree):
    tree.function(CARD, None)
    refused(tree, "has no driver: bind it first")


def test_the_kernel_uses_it(tree):
    folder = tree.function(CARD, "ixgbe")
    tree.put(os.path.join(folder, "net/lo"), "operstate", "up\n")
    refused(tree, "in use by the kernel: driver ixgbe, interface lo (up")


def test_no_plugin(tree):
    tree.function(CARD)
    refused(tree, "no plugin at /nowhere.so", "--plugin", "/nowhere.so")


def test_sysfs_is_possible_for_any(tree):
    tree.function(CARD, "vfio-pci")
    planned(tree, "echo 1 > /sys/bus/pci/devices/0000:01:00.0/remove")


def test_a_domain_of_five_digits(tree):
    """VMD's."""
    tree.function("10000:01:00.0", "vfio-pci")
    status, said = run(tree, bdf="10000:01:00.0")
    assert status == 0 and "echo 1 > /sys/bus/pci/devices/10000:01:00.0/remove" in said, said


def test_the_verdict_can_be_pasted(tree):
    sys.path.insert(0, os.path.dirname(FIELD_TEST))
    from field_test import checks, report, trial
    tree.function(CARD, "vfio-pci")
    o = types.SimpleNamespace(method="link", options="policy=heal", plugin=PLUGIN)
    result = trial.Result()
    result.cycles = [{"event_ms": 12, "healed_ms": 300}, {"event_ms": 9, "healed_ms": 280}]
    said = report.verdict(checks.Card(CARD, tree.root), o, result)
    assert said.startswith("PASSED: 8086:10d3 (vfio-pci) by link, 2 of 2 healed; told after 9 to "
                           "12 ms, works again after 280 to 300 ms; kernel "), said
    assert "\n" not in said, said
    result.cycles.append({"event_ms": 9})
    result.problems.append("cycle 3: its port does not work again")
    said = report.verdict(checks.Card(CARD, tree.root), o, result)
    assert said.startswith("FAILED: ") and "2 of 3 healed" in said, said


def test_slot(tree):
    tree.function(CARD)
    refused(tree, "has no slot with a power switch", "--method", "slot")
    tree.slot("0000:01:00", has_power=False)
    refused(tree, "has no slot with a power switch", "--method", "slot")
    tree.slot("0000:01:00")
    planned(tree, "echo 0 > /sys/bus/pci/slots/5/power", "--method", "slot")


def test_link(tree):
    tree.function(CARD)
    refused(tree, "no PCIe port above it", "--method", "link")
    tree.pcie(1)                # an endpoint above it makes no sense
    refused(tree, "no PCIe port above it", "--method", "link")
    tree.pcie(4)
    planned(tree, "Link Disable in Link Control of 0000:00:01.0", "--method", "link")


def test_the_other_function_is_the_kernels(tree):
    tree.function(CARD)
    tree.function(TWIN, "ixgbe")
    tree.slot("0000:01:00")
    tree.pcie(4)
    refused(tree, "takes 0000:01:00.1 along, which the kernel uses (driver ixgbe)",
            "--method", "slot")
    refused(tree, "takes 0000:01:00.1 along", "--method", "link")
    planned(tree, "/remove")            # sysfs takes one function only


def test_another_sysfs_is_for_the_dry_run(tree):
    tree.function(CARD)
    p = subprocess.run([FIELD_TEST, "--plugin", PLUGIN, "--sysfs", tree.root, CARD], text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)
    assert p.returncode == 1 and "--sysfs is for --dry-run" in p.stdout, p.stdout


def main():
    return tap.main(globals(), Tree)


if __name__ == "__main__":
    sys.exit(main())
