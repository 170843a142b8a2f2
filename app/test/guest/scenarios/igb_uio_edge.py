# SPDX-License-Identifier: BSD-3-Clause
"""Our kernel module at its edges: bad input, other interrupts, other nodes,
races, failing allocations, virtual functions, PCI errors, lockdown.
"""
import errno
import re
import shlex
import time

import removal
import uio
from guest import Boot, Guest, LabError
from scenarios.igb_uio import check_clean
from scenarios.igb_uio_slot import ROOT, SwitchGuest
from scenarios.row import Row, boot, check

# What the kernel itself does when its allocations fail: ACPICA uses memory that
# it has freed; the driver core removes attributes that it could not create.
NOT_OURS = r"in acpi_|at sysfs_remove_group"
DEBUG = "needs the kernel of devtools/debug-kernel"


def rows(full):
    return [Row("igb_uio bad input", boot(), bad_input, {}),
            Row("igb_uio interrupts, msi and legacy", boot(), interrupt_modes, {}),
            Row("igb_uio its line is quiet", boot(), quiet_line,
                dict(ways=("close", "unbind", "sysfs") if full else ("close",))),
            Row("igb_uio another node, split and inherited mappings", boot(), other_maps, {}),
            Row("igb_uio storm", boot(), storm, dict(seconds=60 if full else 10)),
            Row("igb_uio virtual functions", boot(), virtual, {}),
            Row("igb_uio PCI error, recovered", Boot(nics=("e1000e",)), pci_error, {}),
            Row("igb_uio PCI error, after a reset in sysfs", Boot(nics=("e1000e",)), pci_error,
                dict(is_reset=True)),
            Row("igb_uio PCI error, a function beside it is not recovered",
                Boot(nics=("e1000e",)), no_recovery, {}),
            Row("igb_uio lockdown", Boot(nics=("e1000e",)), lockdown, {}),
            Row("igb_uio failing allocations", boot(), failing, {}, DEBUG),
            Row("igb_uio leaks", boot(), leaks, {}, DEBUG)]


def begin(lab, nic="e1000e", options=""):
    """The module loaded and a device bound to it."""
    lab.guest.dmesg(clear=True)
    module, slot = uio.Module(lab.guest), lab.slots(nic)[0]
    module.load(options)
    return module, slot, lab.guest.ready(slot, "igb_uio")


def finish(lab, module, users=()):
    for u in users:
        u.kill()
    check(module.unload(), "the module cannot be unloaded")
    check_clean(lab.guest)


def put(g, path, text):
    """Write to a file in the guest; what went wrong, or ""."""
    return g.ask(op="write", path=path, text=text)["failed"] or ""


def errors(g, bdf):
    """What each bad input is answered with: {name: errno or "ok"}."""
    out = g.sh("python3 %s/bad_input.py %s" % (shlex.quote(uio.HERE), bdf))
    found = dict(x.split("=") for x in out.split() if "=" in x)
    if "end" not in found:
        raise LabError("bad_input.py: " + out)
    return found


def bad_input(lab):
    g = lab.guest
    g.dmesg(clear=True)
    module = uio.Module(g)
    for bad in ("intr_mode=nonsense", "intr_mode=", "uio_mmap=nonsense", "reset=2"):
        g.sh("modprobe uio; insmod %s %s" % (shlex.quote(module.ko), bad))
        check(not module.is_loaded(), "the module loads with " + bad)
    module, slot, bdf = begin(lab)
    found = errors(g, bdf)
    wanted = dict(
        write_1="EINVAL", write_8="EINVAL", write_2="EINVAL", write_minus="EINVAL",
        read_1="EINVAL", read_8="EINVAL", map_index="EINVAL", map_beyond="EINVAL",
        map_private="EINVAL", max_vfs_word="EINVAL", max_vfs_minus="EINVAL",
        max_vfs_many="ERANGE", max_vfs_1="ENOSYS", write_0="ok", write_on="ok", map="ok",
        bind_bridge="ENODEV", state_write="EACCES", end="ok")
    wrong = {k: found.get(k) for k in wanted if found.get(k) != wanted[k]}
    check(not wrong, "answered wrongly: %s" % wrong)
    check(uio.attribute(g, bdf, "opens") == "0", "something is still open")
    finish(lab, module)


def interrupt_modes(lab):
    """A frame's interrupt reaches the reader in every mode.

    QEMU's e1000e forgets interrupts in its second life, with the stock module,
    too: each mode gets a new one.
    """
    g, slot = lab.guest, lab.slots("e1000e")[0]
    for mode, kinds in (("msix", {"msix"}), ("msi", {"msi"}), ("legacy", set())):
        check(removal.remove(g, slot, "yank").wait(20), "the removal blocks")
        g.plug(slot)
        module, slot, bdf = begin(lab, options="intr_mode=" + mode)
        user = uio.User(g, bdf, "-m sysfs -d -i")
        check(uio.interrupt_kinds(g, bdf) == kinds, "intr_mode=%s: %s"
              % (mode, uio.interrupt_kinds(g, bdf)))
        lab.wires.feed(slot)
        time.sleep(1)
        lab.figures[mode] = user.report()["interrupts"]
        lab.wires.feed()
        check(lab.figures[mode] > 2, "%d interrupts in a second: %s; %s" % (
            lab.figures[mode], user.report(), uio.interrupts(g)))
        finish(lab, module, [user])


def quiet_line(lab, ways):
    """A card that wants to interrupt, and is let go, does not raise its INTx line.

    Without MSI-X that is where its interrupts go; all other NICs' drivers listen on such
    lines.  The kernel says "nobody cared", and switches the line off.
    """
    g, slot = lab.guest, lab.slots("e1000e")[0]
    for way in ways:
        check(removal.remove(g, slot, "yank").wait(20), "the removal blocks")
        g.plug(slot)
        module, slot, bdf = begin(lab)
        for i in g.slots:
            if i != slot:
                g.ready(i, "uio_pci_generic")
        check(is_line_off(g, bdf), "bound, and its line is on")
        user = uio.User(g, bdf, "-m sysfs -d -i")
        lab.wires.feed(slot)
        time.sleep(0.5)
        check(user.report()["interrupts"] > 2, "it does not interrupt: nothing is proven")
        if way == "close":
            user.kill()
        elif way == "unbind":
            g.sh("echo %s > /sys/bus/pci/drivers/igb_uio/unbind" % bdf)
        else:
            check(removal.remove(g, slot, way).wait(20), "the removal blocks")
        lab.wires.feed()
        g.cmd("set_link", name="nic%d" % slot, up=False)        # one more cause
        time.sleep(2)
        g.cmd("set_link", name="nic%d" % slot, up=True)
        check("nobody cared" not in g.dmesg(), "%s: its line is raised" % way)
        if way == "sysfs":
            g.sh("echo 1 > /sys/bus/pci/rescan")
        finish(lab, module, [user])


def is_line_off(g, bdf):
    """INTx disabled, in its command register?"""
    return int(g.sh("setpci -s %s COMMAND" % bdf), 16) & 0x400 != 0


def other_maps(lab):
    g = lab.guest
    module, slot, bdf = begin(lab)
    how = "-r 0x5400 -m "
    users = [uio.User(g, bdf, how + m) for m in ("uio -n", "uio -f", "sysfs -f", "uio -n -f")]
    time.sleep(0.5)
    mac = g.nic(slot)["mac"].replace(":", "")
    words = int.from_bytes(bytes.fromhex(mac), "little")
    for u in users:
        see = u.report()["see"]
        check(len(see) == 1 and int(list(see)[0], 16) & 0xffffffffffff == words,
              "a mapping reads %s, not the MAC address" % see)
    check(removal.remove(g, slot, "sysfs").wait(20), "the removal blocks")
    before = [u.report() for u in users]
    time.sleep(0.3)
    for u, was in zip(users, before):
        now = u.report()
        check(now["sigbus"] > was["sigbus"] and now["see"] == was["see"],
              "a mapping is not cut off: %s" % now)
    finish(lab, module, users)


def storm(lab, seconds):
    """Processes open, arm, map and close while the device comes and goes."""
    g = lab.guest
    module, slot, bdf = begin(lab)
    users = [uio.User(g, bdf, "-s") for _ in range(3)]
    end, n = time.monotonic() + seconds, 0
    while time.monotonic() < end or n < 8:
        if n % 2:
            g.sh("echo 1 > /sys/bus/pci/devices/%s/remove; echo 1 > /sys/bus/pci/rescan" % bdf)
        else:
            g.sh("echo %s > /sys/bus/pci/drivers/igb_uio/unbind" % bdf)
        bdf = g.ready(slot, "igb_uio")
        time.sleep(0.3)
        n += 1
    lab.figures.update(removals=n, accesses=sum(
        sum(u.report()["see"].values()) for u in users))
    check(lab.figures["accesses"] > n, "the storm is none")
    for u in users:
        u.kill()
    left = uio.left_over(g)
    check(not left, "still there with nobody left: %s" % left)
    finish(lab, module)


# --- virtual functions: QEMU's nvme has them ---------------------------------------
class NvmeGuest(Guest):
    """A guest with an nvme of four virtual functions behind its second port."""

    def argv(self):
        return super().argv() + [
            "-device", "pcie-root-port,id=rp2,chassis=2,slot=2,addr=0x12",
            "-device", "nvme-subsys,id=subsys",
            "-device", "nvme,id=nic2,bus=rp2,serial=x,subsys=subsys,sriov_max_vfs=4,"
            "sriov_vq_flexible=8,sriov_vi_flexible=4,max_ioqpairs=10,msix_qsize=9"]


def n_functions(g, bdf):
    return len(g.sh("ls -d /sys/bus/pci/devices/%s/virtfn* 2>/dev/null" % bdf).split())


def virtual(lab):
    with NvmeGuest(lab.guest.boot._replace(nics=("e1000e",))) as g:
        module = uio.Module(g)
        module.load()
        bdf = g.bind(2, "igb_uio")
        path = "/sys/bus/pci/devices/%s/" % bdf
        put(g, path + "sriov_drivers_autoprobe", "0")
        take_away(g, bdf, path)
        put(g, path + "max_vfs", "2")
        check(n_functions(g, bdf) == 2, "max_vfs=2 gives %d" % n_functions(g, bdf))
        put(g, path + "remove", "1")
        left = g.sh("ls -d /sys/bus/pci/devices/%s* 2>/dev/null" % bdf[:-1]).strip()
        check(not left, "virtual functions outlive their physical one: " + left)
        check(module.unload(), "the module cannot be unloaded")
        check_clean(g)


def take_away(g, bdf, path):
    """A virtual function is in use, and sriov_numvfs=0."""
    put(g, path + "max_vfs", "3")
    check((n_functions(g, bdf), g.sh("cat %smax_vfs" % path).strip()) == (3, "3"),
          "max_vfs=3 gives %d functions" % n_functions(g, bdf))
    check("busy" in put(g, path + "max_vfs", "2"), "max_vfs is changed under its users")
    vf = g.sh("basename $(readlink %svirtfn0)" % path).strip()
    g.ask(op="bind", bdf=vf, driver="igb_uio")
    user = uio.User(g, vf, "-m sysfs -r 0")
    check(uio.attribute(g, vf, "state") == "opened", "the virtual function is not open")
    put(g, path + "sriov_numvfs", "0")
    check(n_functions(g, bdf) == 0, "sriov_numvfs=0 does not take them away")
    time.sleep(0.3)
    check(user.report()["sigbus"] > 0, "the virtual function's mapping is not cut off")
    check([x[:3] for x in uio.removed(g)] == [(vf, "removed", "1")],
          "removed: %s" % uio.removed(g))
    user.kill()


# --- a fatal error of the link, from which the kernel recovers ------------------------
class AerGuest(Guest):
    """A guest whose NIC reports PCI errors (QEMU's e1000e does not)."""

    def nic(self, i):
        return dict(super().nic(i), aer=True)


def let_errors_through(g, bdf):
    """What firmware does on real machines."""
    for device, register in ((g.port(1), "BRIDGE_CONTROL=2:2"), (g.port(1), "CAP_EXP+8.w=f:f"),
                             (g.port(1), "COMMAND=100:100"), (bdf, "CAP_EXP+8.w=f:f"),
                             (bdf, "COMMAND=100:100")):
        g.sh("setpci -s %s %s" % (device, register))


def pci_error(lab, is_reset=False):
    """is_reset: after that the PCI core has no configuration to restore."""
    with AerGuest(lab.guest.boot._replace(nics=("virtio-net-pci",))) as g:
        module = uio.Module(g)
        module.load()
        bdf = g.ready(1, "igb_uio")
        user = uio.User(g, bdf, "-m sysfs -b 4 -r 0x2000 -i")
        if is_reset:
            error = put(g, "/sys/bus/pci/devices/%s/reset" % bdf, "1")
            check(not error, "it cannot be reset: " + error)
            check(uio.attribute(g, bdf, "state") == "opened", "not open after a reset")
            check(user.report()["interrupts"] > 0, "the reader sleeps on")
        let_errors_through(g, bdf)
        before = user.report()
        g.cmd("human-monitor-command", **{"command-line": "pcie_aer_inject_error nic1 DLP"})
        check_recovery(g, bdf, user, before)
        resets = uio.attribute(g, bdf, "resets")
        check(resets == "%d" % (1 + is_reset), "resets that are counted: " + resets)
        user.kill()
        check(module.unload(), "the module cannot be unloaded")
        check_clean(g)


def check_recovery(g, bdf, user, before):
    for _ in range(100):
        if "opened, was failed" in g.dmesg():
            break
        time.sleep(0.2)
    log = g.dmesg()
    check("failed, was opened, open 1 times" in log, "no error is seen: " + log[-300:])
    check("opened, was failed, open 1 times" in log, "no recovery: " + log[-300:])
    time.sleep(0.5)
    now = user.report()
    check(now["interrupts"] > before["interrupts"], "the reader sleeps on")
    check(not now["read"] and now["write"] in (0, errno.EIO), "told wrongly: %s" % now)
    check(uio.attribute(g, bdf, "state") == "opened", "not open after recovery")
    check(now["sigbus"] == 0, "cut off, though it has recovered")
    value = list(before["see"])[0]
    check(user.report()["see"][value] > now["see"][value], "the BAR does not come back")
    check(int(g.sh("setpci -s %s COMMAND" % bdf), 16) & 6 == 6, "memory or bus master is off")


# --- a fatal error that ends without a word: the driver beside ours cannot recover -----
class AerSwitchGuest(SwitchGuest):
    def nic(self, i):
        p = super().nic(i)
        return dict(p, aer=True) if self.boot.nics[i - 1].startswith("virtio") else p


def no_recovery(lab):
    nics = ("virtio-net-pci", "e1000e", "e1000e")
    with AerSwitchGuest(lab.guest.boot._replace(nics=nics)) as g:
        module = uio.Module(g)
        module.load()
        bdf = g.ready(1, "igb_uio")
        g.ready(2, "uio_pci_generic")
        users = [uio.User(g, bdf, "-m %s -b 4 -r 0x2000 -i" % m) for m in ("sysfs", "uio")]
        before = [u.report() for u in users]
        for port in ("0000:00:%02x.0" % ROOT, g.up(), g.port(1)):
            for register in ("BRIDGE_CONTROL=2:2", "CAP_EXP+8.w=f:f", "COMMAND=100:100"):
                g.sh("setpci -s %s %s" % (port, register))
        g.cmd("human-monitor-command", **{"command-line": "pcie_aer_inject_error rp9 DLP"})
        t = time.monotonic()
        wait_for(lambda: "device recovery failed" in g.dmesg(), 30, "the kernel recovers")
        check(uio.attribute(g, bdf, "state") == "failed", "no error is told")
        said = g.sh(": < /dev/%s" % g.sh("ls /sys/bus/pci/devices/%s/uio" % bdf).strip())
        check("Input/output error" in said, "open of a failed function: " + said)
        wait_for(lambda: uio.attribute(g, bdf, "state") == "unplugged", 40, "it stays failed")
        lab.figures["ended_s"] = time.monotonic() - t
        check(uio.attribute(g, bdf, "revoked") != "none", "no BAR is cut off")
        time.sleep(0.5)
        for user, was in zip(users, before):
            now = user.report()
            check(now["sigbus"] > was["sigbus"], "a mapping is not cut off: %s" % now)
            check(now["interrupts"] > was["interrupts"], "the reader sleeps on")
            check(now["write"] == errno.ENODEV, "write() got errno %d" % now["write"])
            user.kill()
        check(module.unload(), "the module cannot be unloaded")
        check_clean(g)


def wait_for(is_so, seconds, otherwise):
    end = time.monotonic() + seconds
    while not is_so():
        check(time.monotonic() < end, otherwise)
        time.sleep(0.2)


# --- lockdown: cannot be lifted again, so in a guest of its own ----------------------
LOCK_DOWN = """
import errno, mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
open("/sys/kernel/security/lockdown", "w").write("integrity")
for name, f in (("map", lambda: mmap.mmap(fd, 4096)),
                ("open", lambda: os.open(sys.argv[1], os.O_RDWR))):
    try:
        f()
        print(name + "=ok")
    except OSError as e:
        print("%s=%s" % (name, errno.errorcode[e.errno]))
"""


def lockdown(lab):
    """It is bound and open first; what is open stays so, and gets nothing more."""
    g = lab.guest
    g.dmesg(clear=True)
    uio.Module(g).load()
    bdf = g.ready(1, "igb_uio")
    g.sh("mount -t securityfs securityfs /sys/kernel/security")
    said = g.sh("python3 -c %s /dev/%s" % (
        shlex.quote(LOCK_DOWN), g.sh("ls /sys/bus/pci/devices/%s/uio" % bdf).strip())).split()
    if "[integrity]" not in g.sh("cat /sys/kernel/security/lockdown"):
        raise LabError("the kernel does not lock itself down")
    check(said == ["map=EPERM", "open=EPERM"], "a locked down kernel says %s" % said)
    g.sh("echo %s > /sys/bus/pci/drivers/igb_uio/unbind" % bdf)
    g.sh("echo igb_uio > /sys/bus/pci/devices/%s/driver_override" % bdf)
    error = put(g, "/sys/bus/pci/drivers/igb_uio/bind", bdf)
    check("not permitted" in error, "a locked down kernel binds: " + error)
    check("the kernel is locked down" in g.dmesg(), "it does not say why")


# --- with the debug kernel ------------------------------------------------------------
def failing(lab):
    """The nth allocation of bind, open and mmap fails, for every n that there is."""
    g = lab.guest
    module, slot, bdf = begin(lab)
    for step in ("bind", "open", "mmap", "unbind"):
        out = g.sh("python3 %s/fail_nth.py %s %s" % (shlex.quote(uio.HERE), bdf, step), 300)
        check("end" in out, "%s: %s" % (step, out[-300:]))
        lab.figures[step] = int(out.split("failed=")[1].split()[0])
        check(lab.figures[step] > 0 or step == "unbind", "%s: nothing failed" % step)
    check(uio.attribute(g, g.bdf(slot), "opens") == "0", "something is still open")
    check(module.unload(), "the module cannot be unloaded")
    check(not uio.interrupts(g), "left in /proc/interrupts: %s" % uio.interrupts(g))
    bad = [x for x in g.splats() if re.search("BUG:|WARNING:", x)
           and not re.search(NOT_OURS, x)]
    check(not bad, "kernel log: " + " | ".join(bad[:3]))


def leaks(lab):
    """kmemleak after removals with the device open, and after failed probes."""
    g = lab.guest
    g.sh("mount -t debugfs debugfs /sys/kernel/debug; echo clear > /sys/kernel/debug/kmemleak")
    module, slot, bdf = begin(lab)
    for _ in range(3):
        bdf = g.ready(slot, "igb_uio")
        users = [uio.User(g, bdf, "-m %s -r 0x5400" % m) for m in ("sysfs", "uio")]
        removal.remove(g, slot, "sysfs").wait(20)
        for u in users:
            u.kill()
    g.ready(slot, "igb_uio")
    finish(lab, module)
    time.sleep(6)
    found = g.sh("for i in 1 2; do echo scan > /sys/kernel/debug/kmemleak; sleep 6; done; "
                 "cat /sys/kernel/debug/kmemleak", 120)
    check("igb_uio" not in found, "kmemleak: " + found[:600])
    lab.figures["unreferenced"] = found.count("unreferenced object")
