# SPDX-License-Identifier: BSD-3-Clause
"""One QEMU guest: its NICs, the commands run in it, its clock.

    with Guest(nics=["e1000e", "e1000e"]) as g:
        bdf = g.ready(1, "uio_pci_generic")
        print(g.sh("lspci"), g.dmesg())

Software emulation only: nothing here depends on KVM.  NIC i (from 1) sits
alone behind root port i, hot-pluggable, and has wire i to itself (wire.py).
The guest's root is this machine's "/", read-only below a tmpfs: what is
installed or built here can be run there, under the same path.

LabError means that the lab failed (QEMU died, the agent went silent), which
says nothing about what was tested.  Called by run.py and devtools/demo.
"""
import bisect
import collections
import ctypes
import functools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

import kernel
from channel import Channel, Held, LabError, TooBusy   # noqa: F401, for those who import us
from wire import Wires

HERE = os.path.dirname(os.path.abspath(__file__))
QEMU = os.environ.get("QEMU", "qemu-system-x86_64")
FIRST_PORT = 0x10       # root port i is device FIRST_PORT + i of bus 0
SPLAT = re.compile(r"WARNING:|BUG:|Oops|general protection|Call Trace|"
                   r"refcount_t|already-free IRQ|hung task|blocked for more than")

# A processor of the guest that QEMU does not run: none of our doing, but for our module's.
STALL = re.compile(r"rcu: INFO: [^\n]*stall.*?(?:</TASK>|\Z)", re.S)

# What distinguishes one boot from another; rows that agree in it share a guest.
# root: what the guest sees as its "/"; dpdk: a DPDK of its own in there, by its prefix;
# drivers: those that it loads of the root's DPDK, or None: all
Boot = collections.namedtuple(
    "Boot", "kernel hotplug nics iommu root dpdk drivers",
    defaults=("6.1", "pciehp", ("e1000e", "e1000e"), False, "/", None, None))
# What the rows drive.  All 128 of Debian's take 4 to 8 s at each start of a process.
DRIVERS = tuple("librte_" + name for name in (
    "bus_pci", "bus_vdev", "mempool_ring", "net_bond", "net_e1000", "net_failsafe", "net_tap",
    "net_virtio", "net_vmxnet3"))


@functools.lru_cache
def has_model(nic):
    """Does this QEMU emulate it?  igb: from 8.0 on.  Rows are listed without any, too."""
    if not shutil.which(QEMU):
        return False
    return 'name "%s"' % nic in subprocess.run([QEMU, "-device", "help"], text=True,
                                               stdout=subprocess.PIPE).stdout


def die_with_parent():
    """In the child: QEMU must not outlive us, whatever ends us."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)      # PR_SET_PDEATHSIG


# A report of lockdep's, with the stack at its end.
REPORT = re.compile(r"^[^\n]*WARNING: possible circular locking.*?</TASK>", re.M | re.S)


def is_pciehps_own(report):
    """6.1's pciehp takes its reset_lock under the rescan lock and the other way round,
    at any removal on a kernel with lockdep, whatever driver the card has."""
    return re.search("reset_lock.*pci_rescan_remove_lock", report, re.S) and \
        "igb_uio" not in report.split("existing dependency chain")[-1]


class Guest:
    def __init__(self, boot=Boot(), pps=200, progress=lambda text: None):
        self.boot, self.pps, self.progress = boot, pps, progress
        self.slots = range(1, len(boot.nics) + 1)
        self.wires = Wires(self.slots, pps)
        self.dir = tempfile.mkdtemp(prefix="hotplug-guest-")
        self.console = os.path.join(self.dir, "console")
        self.seq, self.answers, self.events, self.syncs = 0, {}, [], []
        self.p = self.runs = None                   # QEMU; what forwards, the last one
        self.halted_s = 0.0                         # for so long a removal had it stopped
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self):
        t = time.monotonic()
        self.progress("booting kernel %s in a guest" % self.boot.kernel)
        with open(os.path.join(self.dir, "qemu"), "w") as err:
            self.p = subprocess.Popen(self.argv(), stdin=subprocess.DEVNULL,
                                      stdout=err, stderr=err, start_new_session=True,
                                      preexec_fn=die_with_parent)
        self.wires.start()
        self.qmp = Channel(os.path.join(self.dir, "qmp"), self.is_alive)
        self.agent = Channel(os.path.join(self.dir, "agent"), self.is_alive)
        self.qmp.receive(30)                        # greeting
        self.cmd("qmp_capabilities")
        self.wires.hand_over()
        if self.answer(0, 180) is None:
            raise LabError("the guest does not boot; its console ends: "
                           + self.console_end())
        if self.boot.dpdk:
            self.ask(op="use_dpdk", prefix=self.boot.dpdk)
        if self.boot.drivers:
            self.ask(op="few_drivers", drivers=self.boot.drivers)
        self.boot_s = time.monotonic() - t
        self.progress("the guest is up after %.0f s" % self.boot_s)

    def argv(self):
        k, b = kernel.directory(self.boot.kernel), self.boot
        a = [QEMU, "-nodefaults", "-no-user-config", "-display", "none",
             "-M", "q35,kernel-irqchip=split", "-accel", "tcg,thread=multi",
             "-cpu", "max", "-smp", "3", "-m", "1536"]
        if b.iommu:
            a += ["-device", "intel-iommu,intremap=on"]
        a += ["-kernel", k + "/vmlinuz", "-initrd", kernel.initramfs(k), "-append",
              "console=ttyS0 quiet loglevel=5 panic=-1 printk.time=1 hugepages=128 "
              "mitigations=off nokaslr tsc=reliable no_timer_check "
              + ("intel_iommu=on iommu=pt" if b.iommu else ""),
              "-serial", "file:" + self.console,
              "-qmp", "unix:%s/qmp,server=on,wait=off" % self.dir,
              "-chardev", "socket,id=agent,path=%s/agent,server=on,wait=off" % self.dir,
              "-device", "virtio-serial-pci",
              "-device", "virtserialport,chardev=agent,name=lab.agent"]
        for tag, path in (("root", b.root), ("lab", HERE), ("kernel", k)):
            a += ["-fsdev", "local,id=f%s,path=%s,security_model=none,readonly=on,"
                  "multidevs=remap" % (tag, path),
                  "-device", "virtio-9p-pci,fsdev=f%s,mount_tag=%s" % (tag, tag)]
        # Either ACPI handles hot-plug or the root ports do: one per boot.
        a += ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support="
              + ("on" if b.hotplug == "acpi" else "off")]
        for i in self.slots:
            a += ["-device", "pcie-root-port,id=rp%d,chassis=%d,slot=%d,addr=0x%x"
                  % (i, i, i, FIRST_PORT + i),
                  "-netdev", self.wires[i].netdev("n%d" % i), "-device",
                  json.dumps(dict(self.nic(i), driver=b.nics[i - 1]))]
        return a

    def nic(self, i):
        """The properties of NIC i."""
        p = {"id": "nic%d" % i, "bus": "rp%d" % i, "netdev": "n%d" % i,
             "mac": "52:54:00:00:00:%02x" % i}
        if self.boot.iommu and self.boot.nics[i - 1].startswith("virtio"):
            p["iommu_platform"] = True              # else its DMA bypasses the IOMMU
        return p

    def is_alive(self):
        return self.p.poll() is None

    def ran(self):
        """Seconds of processor time that QEMU has had, on however busy a machine."""
        with open("/proc/%d/stat" % self.p.pid) as f:
            user, system = f.read().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def waited(self):
        """Seconds that each of QEMU's threads has waited for a processor so far."""
        task, waited = "/proc/%d/task" % self.p.pid, {}
        for tid in os.listdir(task):
            try:
                with open("%s/%s/schedstat" % (task, tid)) as f:
                    waited[tid] = int(f.read().split()[1]) / 1e9
            except OSError:                         # that thread has just ended
                pass
        return waited

    def console_end(self, n=800):
        try:
            with open(self.console, errors="replace") as f:
                return f.read()[-n:]
        except OSError:
            return "(empty)"

    # --- QEMU ---------------------------------------------------------------
    def cmd(self, name, /, **arguments):
        """A QMP command; events met on the way are kept."""
        self.qmp.send({"execute": name, "arguments": arguments})
        while True:
            r = self.qmp.receive(60)
            if r is None:
                raise LabError("QEMU does not answer to " + name)
            if "error" in r:
                raise RuntimeError("%s: %s" % (name, r["error"]["desc"]))
            if "return" in r:
                return r["return"]
            self.events.append(r)

    def wait_deleted(self, i, timeout):
        """Until QEMU reports NIC i gone: when, on this machine's clock, or None."""
        end = time.monotonic() + timeout
        while True:
            for e in self.events:
                if (e["event"], e.get("data", {}).get("device")) == (
                        "DEVICE_DELETED", "nic%d" % i):
                    self.events.remove(e)
                    s = e["timestamp"]
                    return (s["seconds"] + s["microseconds"] / 1e6
                            - time.time() + time.monotonic())
            r = self.qmp.receive(max(0.0, end - time.monotonic()))
            if r is None:
                return None
            self.events.append(r)

    # --- the agent -------------------------------------------------------------
    def post(self, **q):
        """Ask the agent for something without waiting; a number for answer()."""
        self.seq += 1
        self.agent.send(dict(q, id=self.seq))
        return self.seq

    def answer(self, ident, timeout):
        """The answer to a request, or None when it is not there in time."""
        end = time.monotonic() + timeout
        while ident not in self.answers:
            a = self.agent.receive(max(0.0, end - time.monotonic()))
            if a is None:
                return None
            self.answers[a["id"]] = a
        a = self.answers.pop(ident)
        if "error" in a:
            raise LabError("agent: " + a["error"])
        return a

    def ask(self, timeout=60, **q):
        a = self.answer(self.post(**q), timeout)
        if a is None:
            raise LabError("the agent is silent after %s" % q["op"])
        return a

    def spawn(self, name, *argv, **environment):
        """Start a program in the background, under a name; its state."""
        words = ["env"] + ["%s=%s" % v for v in environment.items()] + list(argv)
        return self.ask(op="spawn", name=name, cmd=shlex.join(words))

    def sh(self, cmd, timeout=60):
        """Run a shell command in the guest; its output."""
        return self.ask(timeout + 15, op="run", cmd=cmd, limit=timeout)["out"]

    def dmesg(self, clear=False):
        return self.ask(op="dmesg", clear=clear)["text"]

    def read(self, path):
        """What is in a file of the guest's, or in those that match; no program is started,
        which takes up to a second beside busy lcores."""
        return self.ask(op="read", path=path)["text"]

    def write(self, path, text):
        """As `echo`, but that an error is told of by nobody."""
        return self.ask(op="write", path=path, text=text)

    def is_stalled(self):
        """Has one of its processors stood still for 21 s?"""
        return any("igb_uio" not in m.group() for m in STALL.finditer(self.dmesg()))

    def splats(self):
        """Lines of the kernel log that tell of damage."""
        text = REPORT.sub(lambda m: "" if is_pciehps_own(m.group()) else m.group(), self.dmesg())
        return [line for line in text.splitlines() if SPLAT.search(line)]

    # --- the guest's clock --------------------------------------------------------
    def sync(self, rounds=12):
        """Note how far the guest's clock is from ours, now."""
        best = None
        for _ in range(rounds):
            a = time.monotonic()
            t = self.ask(op="time")["time"]
            b = time.monotonic()
            if best is None or b - a < best[0]:
                best = (b - a, t, (a + b) / 2 - t)
        self.syncs.append(best)
        return best[0] / 2                          # it cannot be further off

    def to_host(self, t):
        """A time of the guest's CLOCK_MONOTONIC on our time.monotonic()."""
        known = sorted((guest, offset) for _, guest, offset in self.syncs)
        n = bisect.bisect(known, (t, 0.0))
        if n == 0 or n == len(known):
            return t + known[min(n, len(known) - 1)][1]
        (t0, o0), (t1, o1) = known[n - 1], known[n]
        return t + o0 + (o1 - o0) * (t - t0) / (t1 - t0)

    # --- the NICs --------------------------------------------------------------------
    def port(self, i):
        """Address of root port i."""
        return "0000:00:%02x.0" % (FIRST_PORT + i)

    def look(self, i):
        """What the kernel has behind root port i: its address and driver, or None."""
        a = self.ask(op="look", port=self.port(i))
        return a["bdf"], a["driver"]

    def bdf(self, i):
        return self.look(i)[0]

    def is_plugged(self, i):
        there = self.cmd("qom-list", path="/machine/peripheral")
        return any(d["name"] == "nic%d" % i for d in there)

    def bind(self, i, driver):
        """Bind NIC i to a driver; its address."""
        bdf, now = self.look(i)
        if driver == "igb_uio" and not self.read("/sys/module/igb_uio/refcnt"):
            self.insmod(kernel.igb_uio(self.boot.kernel), needs="uio")
        if now != driver:
            self.ask(op="bind", bdf=bdf, driver=driver)
        return bdf

    def insmod(self, ko, parameters="", needs=""):
        """Load a module that was built for this guest's kernel."""
        out = self.sh("for m in %s; do modprobe $m; done; insmod %s %s"
                      % (needs, shlex.quote(ko), parameters))
        if out:
            raise LabError("insmod %s: %s" % (os.path.basename(ko), out))

    def plug(self, i):
        """Put NIC i back, whatever took it away; does not wait for the kernel to see it.

        When that was, on this machine's clock; None if it was there already.
        """
        if self.is_plugged(i):
            if self.bdf(i):
                return None
            t = time.monotonic()
            self.write("/sys/bus/pci/rescan", "1")      # forgotten, and still there
            return t
        self.wait_rest(i)
        if self.bdf(i):                             # a zombie: nobody told the kernel
            self.write("/sys/bus/pci/devices/%s/remove" % self.bdf(i), "1")
        t = time.monotonic()
        self.cmd("device_add", driver=self.boot.nics[i - 1], **self.nic(i))
        return t

    def wait_rest(self, i, timeout=60):
        """Until slot i is at rest, whose NIC is gone: what is put in now is seen, and stays.

        pciehp takes the driver off, switches the power off, waits a second, forgets what
        it has been told meanwhile, and switches the indicator off; QEMU then ejects what is
        in the slot.  At last pciehp looks whether there is a card, and sleeps.
        """
        end = time.monotonic() + timeout
        while self.is_plugged(i):
            self.expect(end, "QEMU keeps NIC %d" % i, Held)
        while self.boot.hotplug == "pciehp":
            slot = self.ask(op="slot", port=self.port(i))
            if slot["is_off"] and slot["is_idle"]:
                return
            self.expect(end, "slot %d does not come to rest: Slot Control 0x%x, pciehp %s"
                        % (i, slot["control"], slot["states"]), Held)
        while self.bdf(i):                          # ACPI: the kernel ejects at the end
            self.expect(end, "the kernel keeps NIC %d" % i, Held)

    def wait_bdf(self, i, timeout=30):
        """Until the kernel sees NIC i, which was put back; its address."""
        end = time.monotonic() + timeout
        while self.bdf(i) is None:
            self.expect(end, "NIC %d does not come back" % i)
        return self.bdf(i)

    def expect(self, end, what, error=LabError):
        """A moment between two looks; after `end` the lab has failed."""
        if time.monotonic() > end:
            raise error(what)
        time.sleep(0.05)

    def ready(self, i, driver):
        """NIC i plugged, seen and bound to `driver`; its address."""
        self.plug(i)
        self.wait_bdf(i)
        return self.bind(i, driver)

    # --- its end ------------------------------------------------------------------------
    def close(self):
        self.wires.close()
        if self.p is not None:
            self.p.kill()
            self.p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
