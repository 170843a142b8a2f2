# SPDX-License-Identifier: BSD-3-Clause
"""May this card be taken away?  Nothing here changes anything.

In:  an address, sysfs, /proc.  Out: a Card, or NotFit with a sentence that names what is
in the way.  Called by devtools/field-test.
"""
import glob
import os
import re
import subprocess

METHODS = ("sysfs", "slot", "link")
USER_DRIVERS = ("vfio-pci", "igb_uio", "uio_pci_generic")
HUGEPAGES = 80                          # of 2 MiB: what testpmd is given
PCIE, SLOT_CONTROL, LINK_CONTROL = 0x10, 0x18, 0x10
ROOT_PORT, DOWNSTREAM_PORT = 4, 6


class NotFit(Exception):
    """A sentence."""


def read(*path):
    try:
        with open(os.path.join(*path)) as f:
            return f.read().strip()
    except OSError:
        return ""


class Card:
    def __init__(self, bdf, sysfs="/sys"):
        if not re.fullmatch(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]", bdf):
            raise NotFit("'%s' is no PCI address such as 0000:01:00.0" % bdf)
        self.bdf, self.sysfs = bdf, sysfs
        self.folder = os.path.join(sysfs, "bus/pci/devices", bdf)
        if not os.path.isdir(self.folder):
            raise NotFit("%s: no such device (lspci -D lists them)" % bdf)
        self.driver = self.driver_of(bdf)
        self.ids = "%s:%s" % tuple(read(self.folder, n)[2:] for n in ("vendor", "device"))
        if read(self.folder, "class")[2:4] == "06":
            raise NotFit("%s is a bridge: name the card behind it" % bdf)
        self.check_free()

    def driver_of(self, bdf):
        link = os.path.join(self.sysfs, "bus/pci/devices", bdf, "driver")
        return os.path.basename(os.readlink(link)) if os.path.islink(link) else None

    def check_free(self):
        if self.driver is None:
            raise NotFit("%s has no driver: bind it first (dpdk-devbind.py -b vfio-pci %s)"
                         % (self.bdf, self.bdf))
        if self.driver not in USER_DRIVERS:
            raise NotFit("%s is in use by the kernel: driver %s%s; bind it to one of %s first"
                         % (self.bdf, self.driver, self.networks(), ", ".join(USER_DRIVERS)))
        holders = self.holders()
        if holders:
            raise NotFit("%s is in use by %s" % (self.bdf, ", ".join(holders)))

    def networks(self):
        """", eth0 (up, has routes)": what of the machine's network stands on it."""
        found = glob.glob(os.path.join(self.folder, "net/*")) + \
            glob.glob(os.path.join(self.folder, "virtio*/net/*"))
        return "".join(", interface %s (%s)" % (os.path.basename(n), ", ".join(filter(None, (
            read(n, "operstate") or "unknown",
            "has routes" if has_routes(os.path.basename(n)) else "")))) for n in sorted(found))

    def nodes(self):
        """The /dev files through which a process has it."""
        found = ["/dev/" + os.path.basename(p)
                 for p in glob.glob(os.path.join(self.folder, "uio/uio*"))]
        group = os.path.join(self.folder, "iommu_group")
        if os.path.islink(group):
            found.append("/dev/vfio/" + os.path.basename(os.readlink(group)))
        return found

    def holders(self):
        """["testpmd (4711)"]: who has it open."""
        nodes, found = self.nodes(), set()
        for fd in glob.glob("/proc/[0-9]*/fd/*") if self.sysfs == "/sys" else []:
            try:
                if os.readlink(fd) in nodes:
                    pid = fd.split("/")[2]
                    found.add("%s (%s)" % (read("/proc", pid, "comm"), pid))
            except OSError:             # it has ended, or closed it
                pass
        return sorted(found)

    def others_in_slot(self):
        """The other functions that a slot or a link takes along."""
        base = self.bdf.rsplit(".", 1)[0]
        names = os.listdir(os.path.join(self.sysfs, "bus/pci/devices"))
        return sorted(n for n in names if n.startswith(base + ".") and n != self.bdf)

    def slot(self):
        """The folder of its slot, where that has a power switch; or None."""
        address = self.bdf.rsplit(".", 1)[0]
        for slot in glob.glob(os.path.join(self.sysfs, "bus/pci/slots/*")):
            if read(slot, "address") == address and os.path.exists(os.path.join(slot, "power")):
                return slot
        return None

    def port(self):
        """The folder of the PCIe port above it, or None."""
        above = os.path.dirname(os.path.realpath(self.folder))
        kind = pcie_port_type(os.path.join(above, "config"))
        return above if kind in (ROOT_PORT, DOWNSTREAM_PORT) else None


def has_routes(interface):
    return any(line.split("\t")[0] == interface
               for line in read("/proc/net/route").splitlines()[1:]) or \
        any(line.split()[-1] == interface and not line.startswith("fe80")
            for line in read("/proc/net/ipv6_route").splitlines())


def capability(config):
    """Where the PCI Express capability is in a config space, or 0."""
    at = config[0x34] if len(config) >= 0x40 and config[6] & 0x10 else 0
    for _ in range(48):
        if at < 0x40 or at + 0x14 > len(config):
            return 0
        if config[at] == PCIE:
            return at
        at = config[at + 1]
    return 0


def pcie_port_type(path):
    try:
        with open(path, "rb") as f:
            config = f.read(256)
    except OSError:
        return None
    at = capability(config)
    return config[at + 2] >> 4 if at else None


def plugin(name):
    """The library's file; a name without a folder is one that the dynamic linker knows."""
    if "/" not in name:
        p = subprocess.run(["/sbin/ldconfig", "-p"], text=True, stdout=subprocess.PIPE)
        known = re.search(r"^\s*%s \(.*=> (.*)$" % re.escape(name), p.stdout, re.M)
        name = known[1] if known else name
    if not os.path.exists(name):
        raise NotFit("no plugin at %s: build or install it first, or --plugin FILE" % name)
    return os.path.realpath(name)


def machine(is_dry):
    """What has nothing to do with the card."""
    if is_dry:
        return
    if os.geteuid() != 0:
        raise NotFit("not root: taking a device away needs it")
    free = int((re.search(r"HugePages_Free:\s+(\d+)", read("/proc/meminfo")) or [0, 0])[1])
    if free < HUGEPAGES:
        raise NotFit("%d free hugepages, %d of 2 MiB are needed (echo %d > "
                     "/proc/sys/vm/nr_hugepages)" % (free, HUGEPAGES, HUGEPAGES))


def plan(card, method, away):
    """The steps, as sentences; NotFit where the method is not possible."""
    if method == "sysfs":
        lose = ["echo 1 > /sys/bus/pci/devices/%s/remove" % card.bdf,
                "after %g s: echo 1 > /sys/bus/pci/rescan" % away]
    else:
        lose = {"slot": plan_slot, "link": plan_link}[method](card, away)
    return ["dpdk-testpmd with the plugin, on this card alone (driver %s)" % card.driver,
            *lose, "wait until its port works again, at most 60 s"]


def check_others(card, method):
    for other in card.others_in_slot():
        driver = card.driver_of(other)
        if driver is not None and driver not in USER_DRIVERS:
            raise NotFit("%s takes %s along, which the kernel uses (driver %s)"
                         % (method, other, driver))


def plan_slot(card, away):
    slot = card.slot()
    if slot is None:
        raise NotFit("%s has no slot with a power switch (/sys/bus/pci/slots/*/power): "
                     "use --method sysfs or link" % card.bdf)
    check_others(card, "switching the slot off")
    power = "/sys/bus/pci/slots/%s/power" % os.path.basename(slot)
    return ["echo 0 > " + power, "after %g s: echo 1 > %s" % (away, power)]


def plan_link(card, away):
    port = card.port()
    if port is None:
        raise NotFit("%s has no PCIe port above it whose link could be disabled: "
                     "use --method sysfs" % card.bdf)
    check_others(card, "disabling the link")
    name = os.path.basename(port)
    return ["set Link Disable in Link Control of %s" % name,
            "after %g s: clear it; where the kernel did not see the card go: "
            "echo 1 > /sys/bus/pci/devices/%s/remove, echo 1 > /sys/bus/pci/rescan"
            % (away, card.bdf)]
