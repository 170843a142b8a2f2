# SPDX-License-Identifier: BSD-3-Clause
"""What of this machine matters before anything runs.

In:  /sys, /proc, /dev, the dynamic linker's cache; a folder that stands for / in tests.
Out: checks, each with a level, a sentence and the one command that mends it.  Nothing is
changed, no device is opened.
"""
import collections
import glob
import os
import re
import resource
import socket
import stat
import subprocess

Check = collections.namedtuple("Check", "level name text todo")
INIT_USER_NS = 0xEFFFFFFD               # include/linux/proc_ns.h: fixed
MODULES = ("vfio-pci", "uio_pci_generic", "igb_uio")
NETLINK_KOBJECT_UEVENT, KERNEL_GROUP = 15, 1
SIGBUS = 7
MIN_MEMLOCK = 64 << 20
LIBRARY = "libdpdk-hotplug.so.0"


def ok(name, words):
    return Check("ok", name, words, "")


def warn(name, words, todo=""):
    return Check("warn", name, words, todo)


def bad(name, words, todo=""):
    return Check("bad", name, words, todo)


class Machine:
    def __init__(self, root="/"):
        self.root = root
        self.is_real = os.path.realpath(root) == "/"

    def path(self, *parts):
        return os.path.join(self.root, *(p.lstrip("/") for p in parts))

    def read(self, *parts):
        try:
            with open(self.path(*parts), encoding="utf-8", errors="replace") as f:
                return f.read().strip()
        except OSError:
            return ""

    def release(self):
        return self.read("proc/sys/kernel/osrelease")

    def has_module(self, name):
        """"loaded", "built in", "installed" or None."""
        own = name.replace("-", "_")
        if os.path.isdir(self.path("sys/module", own)):
            return "loaded"
        folder = "lib/modules/" + self.release()
        if re.search(r"/%s\.ko$" % re.escape(name), self.read(folder, "modules.builtin"), re.M):
            return "built in"
        word = re.sub("[-_]", "[-_]", re.escape(name).replace("\\-", "-"))
        return "installed" if re.search(r"/%s\.ko(\.\w+)?:" % word, self.read(folder, "modules.dep")) else None

    def has_iommu(self):
        return bool(glob.glob(self.path("sys/kernel/iommu_groups/*")))


def kernel(machine):
    release = machine.release()
    number = tuple(int(n) for n in re.findall(r"\d+", release)[:2])
    if number < (5, 12):
        return ok("kernel", "Linux %s: a lost device's registers end in SIGBUS, which the "
                  "library answers" % release)
    return ok("kernel", "Linux %s: it does not take a removed card's registers away from a "
              "process; the library cuts them off at the first sign" % release)


def modules(machine):
    there = {m: machine.has_module(m) for m in MODULES}
    words = ", ".join("%s %s" % (m, s) for m, s in there.items() if s)
    if there["igb_uio"] == "loaded" and machine.read("sys/module/igb_uio/version"):
        words += "; igb_uio is dpdk-hotplug's: it revokes registers in every process"
    if not words:
        return bad("modules", "neither %s" % ", ".join(MODULES).replace(", igb", " nor igb"),
                   "apt-get install linux-image-$(uname -r)")
    if "loaded" not in there.values() and "built in" not in there.values():
        name = next(m for m in MODULES if there[m])
        return warn("modules", words + ": none is loaded yet", "modprobe " + name)
    return ok("modules", words)


def iommu(machine):
    if machine.has_iommu():
        return ok("IOMMU", "on: vfio-pci can be used, and a card reaches no memory but its own")
    if machine.read("sys/module/vfio/parameters/enable_unsafe_noiommu_mode") == "Y":
        return warn("IOMMU", "off; vfio without one is switched on: a card can write to any memory")
    return warn("IOMMU", "off: vfio-pci needs one, or its noiommu mode",
                "add intel_iommu=on or amd_iommu=on to the kernel's command line; or "
                "echo Y > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode")


def hugepages(machine):
    total = free = 0
    for folder in glob.glob(machine.path("sys/kernel/mm/hugepages/hugepages-*kB")):
        size = int(re.search(r"(\d+)kB", folder).group(1)) << 10
        total += size * int(machine.read(folder[len(machine.root):], "nr_hugepages") or 0)
        free += size * int(machine.read(folder[len(machine.root):], "free_hugepages") or 0)
    mounted = " hugetlbfs " in machine.read("proc/mounts")
    if total == 0:
        return bad("hugepages", "none: most applications need them (--no-huge does without)",
                   "echo 512 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")
    words = "%d MiB, %d MiB free" % (total >> 20, free >> 20)
    if not mounted:
        return warn("hugepages", words + "; no hugetlbfs is mounted: several processes cannot "
                    "share them", "mount -t hugetlbfs none /dev/hugepages")
    if free == 0:
        return warn("hugepages", words, "raise nr_hugepages, or end who has them")
    return ok("hugepages", words)


def permissions(machine):
    if machine.is_real and os.geteuid() == 0:
        return ok("permissions", "root")
    lacking = [node for node in ("dev/vfio/vfio", "dev/hugepages")
               if os.path.exists(machine.path(node)) and
               not os.access(machine.path(node), os.R_OK | os.W_OK)]
    if lacking:
        return warn("permissions", "not root, and no access to %s"
                    % ", ".join("/" + n for n in lacking),
                    "run it as root, or give its group these nodes by a udev rule")
    return warn("permissions", "not root: to heal, the library binds the card to its driver "
                "again, which is root's to do", "run it as root")


def locked_memory(_machine):
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    if limit == resource.RLIM_INFINITY or os.geteuid() == 0:
        return ok("locked memory", "no limit that matters")
    if limit < MIN_MEMLOCK:
        return warn("locked memory", "ulimit -l is %d KiB: an application that locks its memory "
                    "leaves no room for the pages of a cut-off" % (limit >> 10),
                    "ulimit -l unlimited, or LimitMEMLOCK=infinity in its systemd unit")
    return ok("locked memory", "ulimit -l is %d MiB" % (limit >> 20))


def uevents(_machine):
    try:
        owner = os.stat("/proc/self/ns/user").st_ino
    except OSError:
        owner = INIT_USER_NS
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_KOBJECT_UEVENT) as s:
            s.bind((0, KERNEL_GROUP))
    except OSError as e:
        return bad("uevents", "no socket for them: %s; losses show later, returns within a second"
                   % e.strerror, "do not forbid netlink (seccomp, AppArmor)")
    if owner != INIT_USER_NS:
        return warn("uevents", "this is a user namespace: the kernel sends none into a network "
                    "namespace that it owns", "run it in the host's network namespace")
    return ok("uevents", "the kernel's announcements can be received")


def sigbus(machine):
    mask = re.search(r"^SigBlk:\s*([0-9a-f]+)", machine.read("proc/self/status"), re.M)
    if mask and int(mask.group(1), 16) >> (SIGBUS - 1) & 1:
        return bad("SIGBUS", "blocked here, and what is started from here inherits that: a fault "
                   "on a lost card would kill it", "start it from a shell that does not block it")
    return ok("SIGBUS", "not blocked")


def library_path():
    """Where the dynamic linker finds it, or None."""
    for program in "/sbin/ldconfig", "/usr/sbin/ldconfig":
        if os.path.exists(program):
            said = subprocess.run([program, "-p"], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, check=False).stdout
            found = re.search(r"^\s*%s \(.*=> (.*)$" % re.escape(LIBRARY), said, re.M)
            return found.group(1) if found else None
    return None


def library(_machine):
    path = library_path()
    if path is None:
        return bad("library", "%s is not where the dynamic linker looks" % LIBRARY,
                   "apt-get install ./libdpdk-hotplug0_*.deb")
    said = subprocess.run(["ldd", path], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False).stdout
    missing = re.findall(r"^\s*(\S+) => not found", said, re.M)
    if missing:
        return bad("library", "%s was built for another DPDK: no %s here" % (
            path, ", ".join(missing)), "install the package that was built for this DPDK")
    eal = re.search(r"librte_eal\.so\.(\d+)", said)
    return ok("library", path + (", for the DPDK of librte_eal.so.%s" % eal.group(1)
                                 if eal else ""))


def runtime(machine):
    folder = machine.path("var/run/dpdk")
    try:
        mode = os.stat(folder)
    except OSError:
        return ok("runtime folder", "/var/run/dpdk is made by the first process")
    if not stat.S_ISDIR(mode.st_mode):
        return bad("runtime folder", "/var/run/dpdk is no folder", "rm /var/run/dpdk")
    if not os.access(folder, os.W_OK):
        return warn("runtime folder", "/var/run/dpdk belongs to uid %d: a process of yours uses "
                    "$XDG_RUNTIME_DIR or /tmp" % mode.st_uid)
    return ok("runtime folder", "/var/run/dpdk")


OF_MACHINE = (kernel, modules, iommu, hugepages, runtime)
OF_PROCESS = (permissions, locked_memory, uevents, sigbus, library)


def checks(machine):
    found = [check(machine) for check in OF_MACHINE]
    if machine.is_real:
        found += [check(machine) for check in OF_PROCESS]
    return found
