#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""dpdk-hotplug doctor on machines that are not as they should be, and its completion.

usage: doctor_test.py COMMAND

In:  folders that stand for /.  Out: TAP.  Nothing of this machine is changed.
"""
import json
import os
import re
import subprocess
import sys

import tap

COMMAND = os.path.abspath(sys.argv[1])
COMPLETION = os.path.join(os.path.dirname(COMMAND), "completion/dpdk-hotplug")
NIC, RELEASE = "0000:01:00.0", "6.1.0-test"


class Root:
    """A machine on which all is well: one card on vfio-pci, one on a kernel driver."""

    def __init__(self, folder):
        self.folder = folder
        self.write("proc/sys/kernel/osrelease", RELEASE)
        self.write("proc/mounts", "none /dev/hugepages hugetlbfs rw 0 0")
        self.write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "512")
        self.write("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "500")
        self.write("sys/kernel/iommu_groups/7/type", "DMA")
        self.write("sys/module/vfio_pci/uevent", "")
        self.write("var/run/dpdk/x", "")
        self.write("dev/vfio/7", "")
        self.card(NIC, "vfio-pci", group="7")

    def write(self, path, text):
        path = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)

    def remove(self, path):
        subprocess.run(["rm", "-r", os.path.join(self.folder, path)], check=True)

    def card(self, name, driver=None, group=None, interface=None, kind="0x020000"):
        base = "sys/bus/pci/devices/" + name
        for file, text in ("vendor", "0x8086"), ("device", "0x10d3"), ("class", kind), ("reset", ""):
            self.write(base + "/" + file, text)
        for link, to in ("driver", driver), ("iommu_group", group):
            if to:
                os.symlink("../x/" + to, os.path.join(self.folder, base, link))
        if interface:
            self.write("%s/net/%s/operstate" % (base, interface), "up")
            os.makedirs(os.path.join(self.folder, "sys/class/net", interface))
            os.symlink("../../../bus/pci/devices/" + name, os.path.join(
                self.folder, "sys/class/net", interface, "device"))

    def doctor(self, *words):
        p = subprocess.run([COMMAND, "doctor", "--root", self.folder, *words], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.folder,
                           env={**os.environ, "COLUMNS": "80"}, check=False)
        return p.returncode, p.stdout

    def says(self, status, *patterns, about=()):
        code, said = self.doctor(*about)
        flat = re.sub(r"\n +", " ", said)
        for pattern in patterns:
            assert re.search(pattern, flat, re.M), "no line like '%s' in:\n%s" % (pattern, said)
        assert code == status, "exit status %d:\n%s" % (code, said)
        assert all(len(line) <= 80 for line in said.splitlines()), said
        return said


def test_all_is_well(r):
    r.says(0, r"^ok +kernel: Linux 6\.1", r"^ok +hugepages: 1024 MiB, 1000 MiB free",
           r"^ok +0000:01:00\.0: driver vfio-pci, card 8086:10d3", r"the kernel asks before it takes",
           r"it can be healed, and drills are possible", r"^Ready\.$")


def test_json(r):
    code, said = r.doctor("--json")
    assert code == 0 and json.loads(said)["status"] == 0, said
    assert {c["level"] for c in json.loads(said)["checks"]} == {"ok"}, said


def test_before_5_12(r):
    r.write("proc/sys/kernel/osrelease", "5.10.0-9")
    r.says(0, r"Linux 5\.10\.0-9: a lost device's registers end in SIGBUS")


def test_no_module(r):
    r.remove("sys/module")
    r.says(1, r"^MISSING +modules: neither vfio-pci", r"-> apt-get install")


def test_module_not_loaded(r):
    r.remove("sys/module")
    r.write("lib/modules/%s/modules.dep" % RELEASE, "kernel/drivers/vfio/pci/vfio-pci.ko.xz:\n")
    r.says(0, r"^look +modules: vfio-pci installed: none is loaded yet", r"-> modprobe vfio-pci")


def test_no_hugepages(r):
    r.write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0")
    r.says(1, r"^MISSING +hugepages: none", r"-> echo 512 > /sys/kernel/mm/hugepages",
           r"^1 thing missing\.$")


def test_no_hugetlbfs(r):
    r.write("proc/mounts", "")
    r.says(0, r"no hugetlbfs is mounted", r"-> mount -t hugetlbfs")


def test_no_iommu(r):
    r.remove("sys/kernel/iommu_groups")
    r.says(0, r"^look +IOMMU: off", r"-> add intel_iommu=on")
    r.write("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y")
    r.says(0, r"vfio without one is switched on")


def test_kernel_uses_the_card(r):
    r.card("0000:02:00.0", "e1000e", interface="eth7")
    for name in "0000:02:00.0", "02:00.0", "eth7":
        r.says(1, r"^MISSING +0000:02:00\.0: driver e1000e, interface eth7 \(up\): the kernel uses it",
               r"-> dpdk-devbind\.py -b vfio-pci 0000:02:00\.0", about=[name])


def test_no_driver(r):
    r.card("10000:02:00.0")
    r.says(1, r"^MISSING +10000:02:00\.0: no driver is bound", about=["10000:02:00.0"])


def test_no_such_device(r):
    r.says(1, r"0000:0f:00\.0: no such device", r"-> lspci -D", about=["0000:0f:00.0"])
    r.says(1, r"nonsense: neither a PCI address", about=["nonsense"])


def test_bridge(r):
    r.card("0000:03:00.0", "pcieport", kind="0x060400")
    r.says(1, r"it is a bridge: name the card behind it", about=["0000:03:00.0"])


def test_bifurcated(r):
    r.card("0000:04:00.0", "mlx5_core", interface="mlx0")
    r.says(0, r"driver mlx5_core: it stays with the kernel", about=["mlx0"])


def test_no_group(r):
    r.card("0000:05:00.0", "vfio-pci")
    r.says(1, r"it is in no IOMMU group", about=["0000:05:00.0"])


def test_no_node(r):
    r.remove("dev/vfio/7")
    r.says(1, r"/dev/vfio/7 is not there", r"in a container: give it the folder /dev/vfio")


def test_no_reset(r):
    r.remove("sys/bus/pci/devices/%s/reset" % NIC)
    r.says(0, r"^look +0000:01:00\.0: the kernel cannot reset it: it heals, but a drill is refused")


def test_our_igb_uio(r):
    r.card("0000:06:00.0", "igb_uio")
    r.says(0, r"0000:06:00\.0: a loss shows at once by its descriptor; a process without",
           about=["0000:06:00.0"])
    r.write("sys/module/igb_uio/version", "0.1.0")
    r.says(0, r"igb_uio is dpdk-hotplug's", r"the kernel revokes the registers", about=["0000:06:00.0"])


def test_interface_without_card(r):
    os.makedirs(r.folder + "/sys/class/net/veth0")
    r.says(0, r"veth0: a network interface without a PCI card", about=["veth0"])


def test_report(r):
    code, said = r.doctor("--report", r.folder + "/report.txt")
    assert code == 0 and "report: %s/report.txt" % r.folder in said, said
    with open(r.folder + "/report.txt") as f:
        text = f.read()
    for title in "What did you do", "What happened instead", "Versions", "Doctor", "Status", \
            "Events", "Processes", "The kernel's log":
        assert "\n## " + title in text, "no '%s' in:\n%s" % (title, text)
    assert "Linux" in text and "ok      kernel" in text and "\033" not in text, text
    assert os.stat(r.folder + "/report.txt").st_mode & 0o777 == 0o600, "others may read it"


def test_completion(r):
    def completed(*words):
        p = subprocess.run(["bash", "-c", "source %s; COMP_WORDS=(%s); COMP_CWORD=%d; "
                            "_dpdk_hotplug; echo ${COMPREPLY[@]}" % (
                                COMPLETION, " ".join('"%s"' % w for w in words), len(words) - 1)],
                           text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
        return p.stdout.split()
    assert completed(COMMAND, "d") == ["drill", "doctor"], completed(COMMAND, "d")
    assert completed(COMMAND, "drill", "--f") == ["--for", "--file-prefix"]
    assert completed(COMMAND, "status", "--color", "n") == ["never"]
    for command in "status", "watch", "events", "drill", "doctor":
        said = subprocess.run([COMMAND, command, "--help"], text=True, check=True,
                              stdout=subprocess.PIPE).stdout
        wanted = set(re.findall(r"(?<![\w-])--[a-z-]+", said)) - {"--root"}
        assert wanted == set(completed(COMMAND, command, "--")), command


if __name__ == "__main__":
    sys.exit(tap.main(globals(), Root))
