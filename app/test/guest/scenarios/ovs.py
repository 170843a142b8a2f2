# SPDX-License-Identifier: BSD-3-Clause
"""Open vSwitch with DPDK as doc/howto/ovs-dpdk.md says: unmodified, with the plugin.

Debian's packages, unpacked into the cache, in the guest.  One card is torn out and put
back, with and without options:dpdk-lsc-interrupt.

ovs     two cards are ports of a bridge that sends each port's packets back where they came
        from (a flow for each), so the wires tell what forwards, as with testpmd
bond    what comes in by a third card leaves by the active member of a bond of the two
"""
import fcntl
import os
import shutil
import tempfile
import time

import kernel
import removal
from scenarios.row import Row, boot, check
from testpmd import Failed

PACKAGES = ("openvswitch-common", "openvswitch-switch", "openvswitch-switch-dpdk")
LIBRARIES = ("libxdp1", "libbpf1", "libunwind8", "libunbound8")
RUN = "/tmp/ovs"
GAP_MS = 100.0
LOOK = 5.0              # seconds between two looks of Open vSwitch at its links
PATIENCE = 2 * LOOK     # a look that a busy machine delays must not fail


def rows(full):
    if not full:
        return []
    return [Row("ovs%s e1000e uio_pci_generic yank%s" % (kind, ", lsc" if lsc else ""), boot(), run,
                dict(nic="e1000e", driver="uio_pci_generic", lsc=lsc))
            for kind, run in (("", ovs), (" bond", bond)) for lsc in (False, True)]


def unpacked():
    """The folder that has Open vSwitch."""
    base = kernel.cache()
    out = os.path.join(base, "ovs-" + kernel.debian_codename())
    os.makedirs(base, exist_ok=True)
    with open(out + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(out):
            with tempfile.TemporaryDirectory(dir=base) as d:
                kernel.Apt(kernel.debian_codename()).unpack(PACKAGES + LIBRARIES, d + "/new")
                shutil.move(d + "/new", out)
    return out


class Switch:
    """Its daemons, and a bridge without ports."""

    def __init__(self, lab, options=""):
        self.guest, self.root, self.n_ports = lab.guest, unpacked(), 0
        self.env = ("export OVS_RUNDIR={r} OVS_LOGDIR={r} OVS_DBDIR={r} OVS_SYSCONFDIR={r} "
                    "PATH='{o}/usr/bin':'{o}/usr/sbin':$PATH "
                    "LD_LIBRARY_PATH='{o}/usr/lib/x86_64-linux-gnu'; ").format(r=RUN, o=self.root)
        self.sh("modprobe tun; rm -rf {r}; mkdir -p {r}; ovsdb-tool create {r}/conf.db "
                "'{o}/usr/share/openvswitch/vswitch.ovsschema'; ovsdb-server {r}/conf.db "
                "--remote=punix:{r}/db.sock --pidfile={r}/db.pid --detach --no-chdir "
                "--log-file={r}/db.log".format(r=RUN, o=self.root))
        self.vsctl("--no-wait init")
        # a word for the shell, a string of the database, and words of dpdk-extra
        extra = r'-d \"%s\" --legacy-mem -m 240' % lab.plugin
        self.vsctl("--no-wait set Open_vSwitch . other_config:dpdk-extra='\"%s\"'" % extra)
        self.vsctl("--no-wait set Open_vSwitch . other_config:dpdk-init=true "
                   "other_config:per-port-memory=true")     # a guest has little
        self.sh("DPDK_HOTPLUG=%s '%s/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk' "
                "unix:%s/db.sock --pidfile=%s/ovs.pid --detach --no-chdir --log-file=%s/ovs.log"
                % (options, self.root, RUN, RUN, RUN), 90)
        self.vsctl("add-br br0 -- set bridge br0 datapath_type=netdev")
        check("hotplug: enabled:" in self.log(), "the plugin is not enabled: " + self.log()[-1500:])

    def interface(self, bdf, lsc):
        """The words that make the next interface one on this card."""
        n, self.n_ports = self.n_ports, self.n_ports + 1
        return ("set Interface dpdk%d type=dpdk options:dpdk-devargs=%s ofport_request=%d "
                "options:n_rxq_desc=256 options:n_txq_desc=256 options:dpdk-lsc-interrupt=%s"
                % (n, bdf, n + 1, str(lsc).lower()))

    def sh(self, command, timeout=60):
        return self.guest.sh(self.env + command + " 2>&1", timeout)

    def vsctl(self, command):
        return self.sh("ovs-vsctl --db=unix:%s/db.sock --timeout=40 %s" % (RUN, command)).strip()

    def log(self):
        return self.sh("cat %s/ovs.log" % RUN)

    def is_alive(self):
        return self.sh("kill -0 $(cat %s/ovs.pid) && echo alive" % RUN).strip() == "alive"

    def check_alive(self):
        check(self.is_alive(), "ovs-vswitchd died: " + self.log()[-1500:])

    def wait_link(self, name, state, seconds=PATIENCE):
        """Until it says so of an interface: how long that took."""
        start = time.monotonic()
        while (said := self.vsctl("get Interface %s link_state" % name)) != state:
            check(time.monotonic() < start + seconds, "link_state of %s is %s for %d s, not %s; "
                  "log: %s" % (name, said, seconds, state, self.log()[-1500:]))
            time.sleep(0.2)
        return round(time.monotonic() - start, 1)

    def end(self):
        self.sh("kill $(cat {r}/ovs.pid); while kill -0 $(cat {r}/ovs.pid); do sleep 0.1; done; "
                "kill $(cat {r}/db.pid)".format(r=RUN))


def wait_flow(lab, slots, seconds, switch):
    """Until packets come out of all of these: when they first did, of the last one."""
    start = time.monotonic()
    while not all(lab.wires[i].count(time.monotonic() - 0.5, time.monotonic()) for i in slots):
        silent = [i for i in slots if not lab.wires[i].count(time.monotonic() - 0.5,
                                                             time.monotonic())]
        if time.monotonic() > start + seconds:
            raise Failed("no packets on slots %s after %d s; log: %s" % (
                silent, seconds, switch.log()[-1500:]))
        time.sleep(0.2)


def ovs(lab, nic, driver, lsc):
    g, slots = lab.guest, lab.slots(nic)
    g.dmesg(clear=True)
    bdfs = [g.ready(i, driver) for i in slots]
    switch = Switch(lab)
    try:
        for n, bdf in enumerate(bdfs):
            switch.vsctl("add-port br0 dpdk%d -- %s" % (n, switch.interface(bdf, lsc)))
        switch.sh("ovs-ofctl del-flows br0; for i in 1 2; do "
                  "ovs-ofctl add-flow br0 in_port=$i,actions=in_port; done")
        lab.wires.feed(*slots)
        wait_flow(lab, slots, 60, switch)
        switch.wait_link("dpdk0", "up")
        lose(lab, switch, slots, bdfs[0])
        come_back(lab, switch, slots)
    finally:
        lab.wires.feed()
        switch.end()
    check(not g.splats(), "kernel log: %s" % g.splats()[:2])


def lose(lab, switch, slots, bdf):
    victim, bystander = slots
    time.sleep(3)
    quiet = lab.wires[bystander].gap(time.monotonic() - 3, time.monotonic()) * 1000
    start = time.monotonic()
    removal.remove(lab.guest, victim, "yank").wait(20)
    lab.figures["down_after_s"] = switch.wait_link("dpdk0", "down")
    gap = lab.wires[bystander].gap(start, time.monotonic()) * 1000
    lab.figures.update(gap_ms=gap, quiet_ms=quiet)
    switch.check_alive()
    check("hotplug: %s gone" % bdf in switch.log(), "no event: " + switch.log()[-1500:])
    check(gap <= max(GAP_MS, 2 * quiet), "the other port was silent for %.0f ms" % gap)


def come_back(lab, switch, slots):
    back = removal.put_back(lab.guest, slots[:1], "yank")
    wait_flow(lab, slots, 60, switch)
    lab.figures["flows_after_s"] = round(lab.wires[slots[0]].first(back) - back, 1)
    lab.figures["up_after_that_s"] = switch.wait_link("dpdk0", "up")
    switch.check_alive()


# --- a bond ------------------------------------------------------------------------------
def bond(lab, nic, driver, lsc):
    g, members, source = lab.guest, lab.slots(nic), lab.slots("virtio-net-pci")[0]
    g.dmesg(clear=True)
    bdfs = [g.ready(i, driver) for i in members]
    from_bdf = g.ready(source, driver)
    switch = Switch(lab)
    try:
        switch.vsctl("add-bond br0 bond0 dpdk0 dpdk1 bond_mode=active-backup "
                     "other_config:bond-primary=dpdk0 -- %s -- %s"
                     % tuple(switch.interface(bdf, lsc) for bdf in bdfs))
        switch.vsctl("add-port br0 dpdk2 -- " + switch.interface(from_bdf, False))
        lab.wires.feed(source)
        wait_flow(lab, members[:1], 60, switch)
        fail_over(lab, switch, members, bdfs[0])
    finally:
        lab.wires.feed()
        switch.end()
    check(not g.splats(), "kernel log: %s" % g.splats()[:2])


def fail_over(lab, switch, members, bdf, times=3):
    """The primary goes, the other carries what it carried; it returns, and has it again.
    ups: how often its link was said to be up again (doc/howto/ovs-dpdk.md: too often)."""
    over, back = [], []
    for _ in range(times):
        start = time.monotonic()
        check(removal.remove(lab.guest, members[0], "yank").wait(20), "the removal blocks")
        wait_flow(lab, members[1:], PATIENCE, switch)
        over.append(round(lab.wires[members[1]].first(start) - start, 1))
        start = removal.put_back(lab.guest, members[:1], "yank")
        wait_flow(lab, members[:1], 40 + PATIENCE, switch)
        back.append(round(lab.wires[members[0]].first(start) - start, 1))
        switch.check_alive()
    log = switch.log()
    lab.figures.update(over_after_s=over, back_after_s=back,
                       ups="%d of %d heals" % (log.count("dpdk0: link state up") - 1,
                                               log.count("hotplug: %s healed" % bdf)))
