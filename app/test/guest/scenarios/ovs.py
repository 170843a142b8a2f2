# SPDX-License-Identifier: BSD-3-Clause
"""Open vSwitch with DPDK as doc/howto/ovs-dpdk.md says: unmodified, with the plugin.

Debian's packages, unpacked into the cache, in the guest.  Two cards are ports of a bridge
that sends each port's packets back where they came from (a flow for each), so the wires
tell what forwards, as with testpmd.  One card is torn out and put back.
"""
import os
import time

import kernel
import removal
from scenarios.row import Row, boot, check
from testpmd import Failed

PACKAGES = ("openvswitch-common", "openvswitch-switch", "openvswitch-switch-dpdk")
LIBRARIES = ("libxdp1", "libbpf1", "libunwind8", "libunbound8")
RUN = "/tmp/ovs"
GAP_MS = 100.0


def rows(full):
    if not full:
        return []
    return [Row("ovs e1000e uio_pci_generic yank", boot(), ovs,
                dict(nic="e1000e", driver="uio_pci_generic"))]


def unpacked():
    """The folder that has Open vSwitch."""
    out = os.path.join(kernel.cache(), "ovs")
    if not os.path.exists(out + "/complete"):
        kernel.Apt(kernel.debian_codename()).unpack(PACKAGES + LIBRARIES, out)
        open(out + "/complete", "w").close()
    return out


class Switch:
    def __init__(self, lab, bdfs, options=""):
        self.guest, self.root = lab.guest, unpacked()
        self.env = ("export OVS_RUNDIR={r} OVS_LOGDIR={r} OVS_DBDIR={r} OVS_SYSCONFDIR={r} "
                    "PATH={o}/usr/bin:{o}/usr/sbin:$PATH "
                    "LD_LIBRARY_PATH={o}/usr/lib/x86_64-linux-gnu; ").format(r=RUN, o=self.root)
        self.sh("modprobe tun; rm -rf {r}; mkdir -p {r}; ovsdb-tool create {r}/conf.db "
                "{o}/usr/share/openvswitch/vswitch.ovsschema; ovsdb-server {r}/conf.db "
                "--remote=punix:{r}/db.sock --pidfile={r}/db.pid --detach --no-chdir "
                "--log-file={r}/db.log".format(r=RUN, o=self.root))
        self.vsctl("--no-wait init")
        extra = "-d %s --legacy-mem -m 240" % lab.plugin
        self.vsctl("--no-wait set Open_vSwitch . other_config:dpdk-extra='\"%s\"'" % extra)
        self.vsctl("--no-wait set Open_vSwitch . other_config:dpdk-init=true "
                   "other_config:per-port-memory=true")     # a guest has little
        self.sh("DPDK_HOTPLUG=%s %s/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk "
                "unix:%s/db.sock --pidfile=%s/ovs.pid --detach --no-chdir --log-file=%s/ovs.log"
                % (options, self.root, RUN, RUN, RUN), 90)
        self.vsctl("add-br br0 -- set bridge br0 datapath_type=netdev")
        for n, bdf in enumerate(bdfs):
            self.vsctl("add-port br0 dpdk%d -- set Interface dpdk%d type=dpdk "
                       "options:dpdk-devargs=%s ofport_request=%d options:n_rxq_desc=256 "
                       "options:n_txq_desc=256" % (n, n, bdf, n + 1))
        self.sh("ovs-ofctl del-flows br0; for i in %s; do "
                "ovs-ofctl add-flow br0 in_port=$i,actions=in_port; done"
                % " ".join(str(n + 1) for n in range(len(bdfs))))

    def sh(self, command, timeout=60):
        return self.guest.sh(self.env + command + " 2>&1", timeout)

    def vsctl(self, command):
        return self.sh("ovs-vsctl --db=unix:%s/db.sock --timeout=40 %s" % (RUN, command)).strip()

    def log(self):
        return self.sh("cat %s/ovs.log" % RUN)

    def is_alive(self):
        return self.sh("kill -0 $(cat %s/ovs.pid) && echo alive" % RUN).strip() == "alive"

    def end(self):
        self.sh("kill $(cat {r}/ovs.pid); sleep 2; kill $(cat {r}/db.pid)".format(r=RUN))


def wait_flow(lab, slots, seconds, switch):
    end = time.monotonic() + seconds
    while any(not lab.wires[i].count(time.monotonic() - 0.5, time.monotonic()) for i in slots):
        if time.monotonic() > end:
            raise Failed("no packets on slots %s after %d s; log: %s" % (
                [i for i in slots if not lab.wires[i].count(time.monotonic() - 0.5,
                                                            time.monotonic())],
                seconds, switch.log()[-1500:]))
        time.sleep(0.2)


def ovs(lab, nic, driver):
    g, slots = lab.guest, lab.slots(nic)
    victim, bystander = slots
    g.dmesg(clear=True)
    bdfs = [g.ready(i, driver) for i in slots]
    switch = Switch(lab, bdfs)
    try:
        check("hotplug: enabled:" in switch.log(), "the plugin is not enabled: " +
              switch.log()[-1500:])
        lab.wires.feed(*slots)
        wait_flow(lab, slots, 60, switch)
        lose_and_return(lab, switch, victim, bystander, bdfs[0])
    finally:
        lab.wires.feed()
        switch.end()
    check(not g.splats(), "kernel log: %s" % g.splats()[:2])


def lose_and_return(lab, switch, victim, bystander, bdf):
    g = lab.guest
    time.sleep(3)
    quiet = lab.wires[bystander].gap(time.monotonic() - 3, time.monotonic()) * 1000
    start = time.monotonic()
    removal.remove(g, victim, "yank").wait(20)
    time.sleep(3)
    gap = lab.wires[bystander].gap(start, time.monotonic()) * 1000
    lab.figures.update(gap_ms=gap, quiet_ms=quiet)
    check(switch.is_alive(), "ovs-vswitchd died: " + switch.log()[-1500:])
    check("hotplug: %s gone" % bdf in switch.log(), "no event: " + switch.log()[-1500:])
    state = switch.vsctl("get Interface dpdk0 link_state")
    check(state == "down", "the dead port's link_state is " + state)
    check(gap <= max(GAP_MS, 2 * quiet), "the other port was silent for %.0f ms" % gap)
    g.plug(victim)
    back = time.monotonic()
    wait_flow(lab, (victim, bystander), 60, switch)
    lab.figures["flows_after_s"] = round(time.monotonic() - back, 1)
    check(switch.is_alive(), "ovs-vswitchd died: " + switch.log()[-1500:])
    check(switch.vsctl("get Interface dpdk0 link_state") == "up", "link_state is not up again")
