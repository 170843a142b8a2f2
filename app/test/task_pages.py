#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Each task page, followed word by word where the library is installed; and each mistake.

usage: task_pages.py BUILD [PART_OF_A_NAME]

In:  doc/howto/*.md: the blocks of commands, and the table of mistakes.  Out: TAP.  A page's
blocks are one shell's; what must be said is in SAYS.  Here the build is installed into a copy
of this machine; devtools/package-test follows the same pages in minimal Debian systems.
"""
import glob
import os
import re
import sys
import time

import installed

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGES = os.path.join(TOP, "doc/howto")
SAYS = {
    "protect": [r"^hotplug: guards 1 of 1 port\(s\): 0 \(net_af_packet0, heal\)$"],
    "see": [r"net_af_packet0 +guarded", r"^All is well: 1 device guarded\.$",
            r"net_af_packet0 +LOST", r"^the exit status is 1$", r"healed after [\d.]+ m?s \(",
            r"net_af_packet0 +healed after "],
    "turn-off": [r"net_af_packet, policy tell$"],
    "not-guarded": [r"^ok +lo: a network interface"],
    "report": [r"^## What did you do, and what did you expect\?$", r"^## Versions$"],
    "versions": [r"^dpdk-hotplug \d+\.\d+\.\d+$"],
    "tell": [r"^port 0: works\nport 0: lost, closed: 0\nport 0: works$"],
    "debian13": [r"^ok +kernel: "],
    "containers": [r"^ok +nic0: a network interface"],
    "driverctl": [r"^ok +lo: "],
    "systemd": [r"^ok +lo: "],
}
ELSEWHERE = {"uninstall"}               # devtools/package-test runs it
NIC = "ip link add nic0 type veth peer name wire0; ip link set nic0 up; ip link set wire0 up\n"
TESTPMD = "sleep 60 | %s dpdk-testpmd %s --no-pci --no-huge -m 256 -l 0,1 --vdev " \
    "net_af_packet0,iface=nic0,blocksz=4096,framesz=2048,framecnt=128 %s -- --no-mlockall " \
    "--total-num-mbufs=2048 %s > app.log 2>&1 &\nsleep 3.5\n"
CALL = """#include <errno.h>
#include <stdio.h>
#include <rte_eal.h>
#include <hotplug.h>
int main(int argc, char **argv)
{
	struct hotplug_config config = { 0 };
	if (%s == -EAGAIN)
		printf("-EAGAIN\\n");
	rte_eal_init(argc, argv);
	hotplug_enable(&config);
	return 0;
}
"""
LIBRARY = "$(ldconfig -p | sed -n 's/.*=> \\(.*libdpdk-hotplug.so.0\\)$/\\1/p' | head -1)"
# As a library is that was linked with another DPDK, and as an EAL of the next release.
FOR_ANOTHER = "mkdir -p other; sed 's/librte_eal\\.so\\.[0-9][0-9]/librte_eal.so.26/' " \
    + LIBRARY + " > other/libdpdk-hotplug.so.0\n"
NEXT_EAL = "cc -shared -fPIC eal.c -o eal.so\n"
NEXT_EAL_C = 'const char *rte_version(void) { return "DPDK 23.03.0"; }\n'
# The machine has what it has: what is read of it says none.
NO_HUGEPAGES = """cp -r /sys/kernel/mm/hugepages/hugepages-2048kB none
for pages in /sys/kernel/mm/hugepages/hugepages-* \\
		/sys/devices/system/node/node*/hugepages/hugepages-*; do
	echo 0 | tee none/nr_hugepages none/free_hugepages > none/resv_hugepages
	mount --bind none $pages
done
"""
# A card in a sysfs of ours, and no other.
A_CARD = """mkdir -p pci/devices/0000:01:00.0 pci/drivers/e1000e
cd pci/devices/0000:01:00.0
echo 0x8086 > vendor; echo 0x10d3 > device; echo 0x020000 > class
ln -s ../../drivers/e1000e driver
export SYSFS_PCI_DEVICES=/root/pci/devices
"""
COMPILE = "cc app.c $(pkg-config --cflags %s --libs libdpdk-hotplug) -o app\n"
RUN = "./app --no-pci --no-huge -m 64 -l 0 %s 2>&1\n"


IDLE = """#include <unistd.h>
#include <rte_eal.h>
#include <hotplug.h>
int main(int argc, char **argv)
{
	return rte_eal_init(argc, argv) < 0 || hotplug_enable(NULL) < 0 || pause();
}
"""


def blocks(page, kind):
    with open(os.path.join(PAGES, page + ".md")) as f:
        return re.findall(r"^```%s\n(.*?)^```" % kind, f.read(), re.M | re.S)


def numberless(text):
    """Numbers, the month and the first sign differ from run to run."""
    text = re.sub(r"lost \w+ ", "lost ", re.sub(r"seen by .*", "seen", text))
    return re.sub(r"\d[\d.]*", "N", text).replace("N ms", "N s")


def follow(machine, page):
    files = [("app.c", text) for text in blocks(page, "c")[:1]]
    status, said = machine.run("set -e\n" + "".join(blocks(page, "sh")), files)
    assert status == 0, "exit status %d:\n%s" % (status, said)
    for pattern in SAYS[page]:
        assert re.search(pattern, said, re.M), "no '%s' in:\n%s" % (pattern, said)
    for shown in blocks(page, "text"):
        assert numberless(shown) in numberless(said), "%s\nis not in\n%s" % (shown, said)
    if page == "protect":               # the line that it shows is the log's
        assert said.strip().splitlines()[-1] in open(os.path.join(PAGES, "protect.md")).read()


def mistakes():
    """[(what was typed, who says it, what is said)]"""
    with open(os.path.join(PAGES, "mistakes.md")) as f:
        return re.findall(r"^\| (.+?) \| (log|terminal|return value|dpdk-hotplug(?:, after the "
                          r"loss)?) \| `([^|]+)` \| ", f.read(), re.M)


def script_of(typed, who):
    """The shell's commands for it, and files."""
    code = re.search(r"`([^`]+)`", typed)
    code = code.group(1) if code else ""
    tail = {"log": "cat app.log", "terminal": "", "return value": "",
            "dpdk-hotplug": "dpdk-hotplug", "dpdk-hotplug, after the loss":
            "ip link del nic0; sleep 2; dpdk-hotplug"}[who]
    plugin = "-d libdpdk-hotplug.so.0"
    if "for DPDK 25.11" in typed:
        return FOR_ANOTHER + NIC + TESTPMD % ("", "-d /root/other/libdpdk-hotplug.so.0", "", "") + \
            tail, []
    if "in DPDK 23.03" in typed:
        return NEXT_EAL + NIC + TESTPMD % ("env LD_PRELOAD=./eal.so", plugin, "", "") + tail, \
            [("eal.c", NEXT_EAL_C)]
    if typed.startswith("no `--no-huge`"):
        return NO_HUGEPAGES + NIC + TESTPMD.replace("--no-huge ", "") % ("", plugin, "", "") + \
            tail, []
    if "as another user" in typed:
        return NIC + TESTPMD % ("", plugin, "", "") + "setpriv --reuid 65534 --regid 65534 " \
            "--clear-groups %s 2>&1" % code, []
    if "kernel's driver" in typed:
        return A_CARD + "echo %s | hotplug_mp --no-huge -m 64 -l 0 2>&1" % code, []
    if "and no hugepages" in typed:
        return NO_HUGEPAGES + code + " 2>&1", []
    if "static program" in typed:
        return COMPILE.replace("%s", "--static") + RUN % plugin, [("app.c", CALL % "0")]
    if "no code for a loss" in typed:
        return COMPILE % "" + NIC + RUN.replace("\n", " &\nsleep 3\n") % \
            "--vdev net_af_packet0,iface=nic0" + tail, [("app.c", IDLE)]
    if code.startswith("hotplug_enable"):
        return COMPILE % "" + RUN % "", [("app.c", CALL % (code if "NULL" in code else "0"))]
    if " hotplug_mp " in code:
        return code + " 2>&1", []
    if code.startswith("DPDK_HOTPLUG="):
        return NIC + TESTPMD % ("env '%s'" % code, plugin, "", "") + tail, []
    if typed.startswith("no `-d`"):
        return NIC + TESTPMD % ("", "", "", "") + tail, []
    if code.startswith("-- "):
        return NIC + TESTPMD % ("", plugin, "", code[3:]) + tail, []
    if code.startswith("-d"):
        copy = "cp %s /tmp\n" % LIBRARY
        return copy + NIC + TESTPMD % ("", code, "", "") + tail, []
    if code.startswith("--"):
        return NIC + TESTPMD % ("", plugin, code, "") + tail, []
    return code + " 2>&1", [("app.c", CALL % "0")]


def make(machine, typed, who, said):
    script, files = script_of(typed, who)
    out = machine.run(script, files)[1]
    flat = re.sub(r"\s+", " ", out)
    assert said in flat, "typed %s, and '%s' is not in:\n%s" % (typed, said, out[-3000:])


def every_page_is_followed(_machine):
    pages = {os.path.basename(p)[:-3] for p in glob.glob(PAGES + "/*.md")}
    with_blocks = {p for p in pages if blocks(p, "sh")}
    assert with_blocks == set(SAYS) | ELSEWHERE, with_blocks ^ (set(SAYS) | ELSEWHERE)
    assert len(mistakes()) >= 20, "only %d mistakes" % len(mistakes())


def cases():
    """[(name, function of a machine)]"""
    return [("every_page_is_followed", every_page_is_followed)] + \
        [(p, lambda m, p=p: follow(m, p)) for p in SAYS] + \
        [("mistake: %s" % t[0].replace("#", ""), lambda m, t=t: make(m, *t)) for t in mistakes()]


def main():
    installed.own_mounts()
    chosen = [c for c in cases() if len(sys.argv) < 3 or sys.argv[2] in c[0]]
    print("1..%d" % len(chosen))
    failed = 0
    with installed.machine(os.path.abspath(sys.argv[1])) as machine:
        for number, (name, case) in enumerate(chosen, 1):
            start, verdict = time.monotonic(), "ok"
            try:
                case(machine)
            except Exception as error:  # whatever it is, it is a failure
                verdict = "not ok"
                failed += 1
                print("\n".join("# " + line for line in str(error).splitlines()))
            print("%s %d - %s # %.1f s" % (verdict, number, name, time.monotonic() - start),
                  flush=True)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
