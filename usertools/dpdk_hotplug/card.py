# SPDX-License-Identifier: BSD-3-Clause
"""What the library will be able to do with one card, as it is bound now.

In:  a PCI address, or the name of a network interface.  Out: checks (machine.Check).
"""
import glob
import os
import re

from .machine import bad, ok, warn
from .processes import holders

PCI = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")
USER_DRIVERS = ("vfio-pci", "igb_uio", "uio_pci_generic")
BIFURCATED = ("mlx4_core", "mlx5_core")
BRIDGE, NETWORK = "0x06", "0x02"


class Card:
    def __init__(self, machine, name):
        self.machine, self.name = machine, name
        self.folder = "sys/bus/pci/devices/" + name
        self.driver = self.link("driver")
        self.group = self.link("iommu_group")

    def link(self, name):
        path = self.machine.path(self.folder, name)
        return os.path.basename(os.readlink(path)) if os.path.islink(path) else None

    def read(self, name):
        return self.machine.read(self.folder, name)

    def has(self, name):
        return os.path.exists(self.machine.path(self.folder, name))

    def interfaces(self):
        return sorted(os.path.basename(p) for pattern in ("net/*", "virtio*/net/*")
                      for p in glob.glob(self.machine.path(self.folder, pattern)))

    def ids(self):
        return "%s:%s" % (self.read("vendor")[2:], self.read("device")[2:])


def address_of(machine, name):
    """The PCI address of a name; a network interface may stand for its card."""
    short = re.fullmatch(r"[0-9a-f]{2}:[01][0-9a-f]\.[0-7]", name)
    if short:
        return "0000:" + name
    link = machine.path("sys/class/net", name, "device")
    if not PCI.fullmatch(name) and os.path.exists(link):
        base = os.path.basename(os.path.realpath(link))
        above = os.path.basename(os.path.dirname(os.path.realpath(link)))
        return base if PCI.fullmatch(base) else above
    return name


def on_interface(machine, name):
    """An interface of the kernel without a card: veth, tap."""
    up = machine.read("sys/class/net", name, "operstate") or "unknown"
    return [ok(name, "a network interface without a PCI card (%s): net_af_packet, net_af_xdp, "
               "net_pcap and net_tap's remote= on it are guarded and healed" % up)]


def kernel_driver(card):
    """It is the kernel's."""
    names = ", ".join("%s (%s)" % (n, card.machine.read(
        card.folder, "net/%s/operstate" % n) or "unknown") for n in card.interfaces())
    words = "driver %s%s: the kernel uses it, DPDK cannot" % (
        card.driver, ", interface " + names if names else "")
    return bad(card.name, words, "dpdk-devbind.py -b vfio-pci " + card.name)


def binding(card):
    if card.driver is None:
        return bad(card.name, "no driver is bound to it", "dpdk-devbind.py -b vfio-pci " + card.name)
    if card.driver in BIFURCATED:
        return ok(card.name, "driver %s: it stays with the kernel, whose driver takes the "
                  "registers away itself; ports on it are not healed by the library"
                  % card.driver)
    if card.driver not in USER_DRIVERS and not card.driver.startswith("vfio"):
        return kernel_driver(card)
    return ok(card.name, "driver %s, card %s" % (card.driver, card.ids()))


def what_it_can(card):
    """The first sign, the cut-off, and who else is protected."""
    if card.driver.startswith("vfio"):
        return ok(card.name, "the kernel asks before it takes the card, and waits: with policy "
                  "heal or survive it is given up at once")
    if card.driver == "igb_uio" and card.machine.read("sys/module/igb_uio/version"):
        return ok(card.name, "a loss shows at once by its descriptor, and the kernel revokes the "
                  "registers where uio_mmap=on maps them")
    return ok(card.name, "a loss shows at once by its descriptor; a process without the library "
              "is not protected")


def healing(card):
    node = None
    if card.driver.startswith("vfio") and card.group:
        node = "/dev/vfio/%s" % card.group
        if not os.path.exists(card.machine.path(node)):
            return bad(card.name, "%s is not there: vfio cannot open it" % node,
                       "modprobe vfio-pci; in a container: give it the folder /dev/vfio")
    if card.driver.startswith("vfio") and not card.group:
        return bad(card.name, "it is in no IOMMU group: vfio-pci cannot open it",
                   "switch the IOMMU on, or vfio's noiommu mode")
    for uio in glob.glob(card.machine.path(card.folder, "uio/uio*")):
        node = "/dev/" + os.path.basename(uio)
    if node and card.machine.is_real and not os.access(node, os.R_OK | os.W_OK):
        return warn(card.name, "%s may not be opened by uid %d" % (node, os.geteuid()),
                    "run it as root, or give its group the node by a udev rule")
    if not card.has("reset"):
        return warn(card.name, "the kernel cannot reset it: it heals, but a drill is refused")
    return ok(card.name, "it can be healed, and drills are possible")


def used_by(card):
    who = holders([card.name]).get(card.name, []) if card.machine.is_real else []
    if who:
        return [warn(card.name, "open in " + ", ".join("%s (%d)" % (n, p) for p, n in who))]
    return []


def checks(machine, name):
    address = address_of(machine, name)
    if not PCI.fullmatch(address):
        if os.path.isdir(machine.path("sys/class/net", name)):
            return on_interface(machine, name)
        return [bad(name, "neither a PCI address such as 0000:01:00.0 nor a network interface",
                    "lspci -D; ip link")]
    card = Card(machine, address)
    if not os.path.isdir(machine.path(card.folder)):
        return [bad(address, "no such device", "lspci -D")]
    if card.read("class").startswith(BRIDGE):
        return [bad(address, "it is a bridge: name the card behind it", "lspci -tD")]
    bound = binding(card)
    if bound.level != "ok" or card.driver in BIFURCATED:
        return [bound] + used_by(card)
    return [bound, what_it_can(card), healing(card)] + used_by(card)


def candidates(machine):
    """Network cards on drivers of user space."""
    found = []
    for path in sorted(glob.glob(machine.path("sys/bus/pci/devices/*"))):
        card = Card(machine, os.path.basename(path))
        if card.read("class").startswith(NETWORK) and card.driver in USER_DRIVERS:
            found.append(card.name)
    return found
