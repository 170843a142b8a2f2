# SPDX-License-Identifier: BSD-3-Clause
"""igb_uio in a guest: the module, ours or stock, and processes that use it.

    m = Module(guest); m.load(); bdf = guest.ready(1, "igb_uio")
    users = [User(guest, bdf, "-m sysfs -r 0x5400") for _ in range(2)]

Called by the igb_uio scenarios.
"""
import glob
import os
import shlex
import shutil
import subprocess
import tempfile
import time

import kernel
from guest import LabError
from testpmd import Failed

HERE = os.path.dirname(os.path.abspath(__file__))
ATTRIBUTES = "/sys/bus/pci/devices/%s/igb_uio/%s"
REMOVED = "/sys/bus/pci/drivers/igb_uio/removed"


def run(*command, **options):
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       **options)
    if p.returncode:
        raise LabError("%s: %s" % (" ".join(command), p.stdout.strip()[-400:]))


# --- what is built on this machine ---------------------------------------------
def stock_module(name):
    """Debian's igb_uio, unmodified, for kernel `name`."""
    folder = kernel.directory(name)
    out = os.path.join(kernel.cache(), "igb_uio", kernel.release(folder), "stock")
    if not os.path.exists(out):
        os.makedirs(os.path.dirname(out), exist_ok=True)
        with tempfile.TemporaryDirectory(dir=os.path.dirname(out)) as d:
            run("apt-get", "-q", "download", "dpdk-kmods-dkms", cwd=d)
            run("dpkg", "-x", glob.glob(d + "/*.deb")[0], d)
            made = shutil.copytree(glob.glob(d + "/usr/src/dpdk-kmods-*")[0], d + "/made")
            run("make", "-s", "-C", os.path.join(folder, "build"), "M=" + made,
                "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules")
            shutil.rmtree(out, ignore_errors=True)
            os.rename(made, out)
    return os.path.join(out, "igb_uio.ko")


def user_program():
    source = os.path.join(HERE, "uio_user.c")
    return os.path.join(kernel.built("programs", source, lambda out: run(
        "cc", "-O2", "-Wall", "-Werror", "-pthread", "-o", out + "/uio_user", source)), "uio_user")


# --- in the guest ----------------------------------------------------------------
class Module:
    def __init__(self, guest, is_stock=False):
        self.guest, self.is_stock = guest, is_stock
        self.ko = (stock_module if is_stock else kernel.igb_uio)(guest.boot.kernel)

    def load(self, options=""):
        said = self.guest.sh("modprobe uio 2>&1; [ -d /sys/module/uio ] || echo there is no uio")
        if said:
            raise LabError("modprobe uio: " + said)
        out = self.guest.sh("insmod %s %s 2>&1" % (shlex.quote(self.ko), options))
        if not self.is_loaded():
            raise Failed("igb_uio does not load: " + out)

    def is_loaded(self):
        return self.guest.read("/sys/module/igb_uio/refcnt") != ""

    def unload(self):
        """True when it could be; while something is open it cannot."""
        self.guest.sh("rmmod igb_uio 2>&1")
        return not self.is_loaded()


class User:
    """A process that has the device open, and what it sees (uio_user.c)."""

    def __init__(self, guest, bdf, options=""):
        guest.seq += 1
        self.guest, self.name = guest, "user%d" % guest.seq
        self.n_lines = 0
        guest.spawn(self.name, user_program(), bdf, *options.split())
        if self.line() != "ready":
            raise Failed("a user does not start: " + self.text())

    def text(self):
        return self.guest.ask(op="log", name=self.name)["text"]

    def line(self):
        """The next line that it prints; "" when it ended instead."""
        for _ in range(200):
            log = self.guest.ask(op="log", name=self.name)
            lines = log["text"].split("\n")
            if len(lines) > self.n_lines + 1:
                self.n_lines += 1
                return lines[self.n_lines - 1].strip()
            if not log["alive"]:
                return ""
            time.sleep(0.05)
        raise LabError("a user is silent")

    def report(self):
        """Its counters; `see` is {value: times read}."""
        self.guest.ask(op="send", name=self.name, text="\n")
        line = self.line()
        if not line:
            raise Failed("a user died: %s" % self.guest.ask(op="status", name=self.name))
        found = {"see": {}}
        for key, value in (word.split("=") for word in line.split()):
            if key.startswith("see:"):
                found["see"][key[4:]] = int(value)
            else:
                found[key] = int(value)
        return found

    def pid(self):
        return self.guest.ask(op="status", name=self.name)["pid"]

    def kill(self):
        if self.guest.ask(op="status", name=self.name)["alive"]:
            self.guest.ask(op="kill", name=self.name)
        for _ in range(100):
            if not self.guest.ask(op="status", name=self.name)["alive"]:
                return
            time.sleep(0.05)
        raise LabError("a user cannot be killed")


def attribute(guest, bdf, name):
    return guest.read(ATTRIBUTES % (bdf, name)).strip()


def interrupts(guest):
    """Lines of /proc/interrupts that igb_uio holds."""
    return [x for x in guest.read("/proc/interrupts").splitlines() if "igb_uio" in x]


def interrupt_kinds(guest, bdf):
    """How the device signals: {"msix"}, {"msi"} or nothing (INTx, or none)."""
    return set(guest.read("/sys/bus/pci/devices/%s/msi_irqs/*" % bdf).split())


def removed(guest):
    """Devices that are removed and still open: [(bdf, state, opens, BARs cut off)]."""
    return [tuple(x.split()) for x in guest.read(REMOVED).splitlines()]


def left_over(guest, seconds=15):
    """removed(), once nobody has a device open any more: nothing, after a while.

    A kernel with DEBUG_KOBJECT_RELEASE puts off the release of each kobject of a
    removed device by up to 4 s, one after the other.
    """
    end = time.monotonic() + seconds
    while removed(guest) and time.monotonic() < end:
        time.sleep(0.5)
    return removed(guest)
