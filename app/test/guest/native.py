# SPDX-License-Identifier: BSD-3-Clause
"""What a guest is to the demo and to tests, without one: interfaces of this machine.

A network namespace of the caller's own, in which each "slot" is a veth pair: one end is a
DPDK port's, by net_af_packet, the other one is the wire.  Its interface is deleted and made
again, as a pod's is.  Processes are run by agent.py's own functions, here.
Nothing outside of that namespace is touched.  Called by demo.py and vdev_rounds.py.
"""
import os
import shlex
import socket
import struct
import subprocess
import sys
import time

import agent
from testpmd import Testpmd
from wire import FRAME, SO_TIMESTAMPNS, Wire, Wires

INSIDE = "HOTPLUG_NATIVE"       # in the environment: we are in that namespace
OUR_TYPE = 0x88b5               # FRAME's


class NoNamespace(Exception):
    """The machine gives none."""


def enter():
    """Starts this program anew in a network namespace; who is not root, in a user namespace."""
    if os.environ.get(INSIDE):
        return
    words = ["unshare", "--net"] + ([] if os.getuid() == 0 else ["--user", "--map-root-user"])
    why = subprocess.run(words + ["true"], capture_output=True, text=True)
    if why.returncode != 0:
        raise NoNamespace("no network namespace of its own: " + why.stderr.strip())
    os.environ[INSIDE] = "1" if os.getuid() == 0 else "user"
    os.execvp("unshare", words + [sys.executable] + sys.argv)


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class NetWire(Wire):
    """The other end of a veth pair; it is gone and comes anew with the pair."""

    def __init__(self, i):
        self.iface, self.peer, self.sock = "va%d" % i, "vb%d" % i, None
        self.active, self.sent, self.arrived = False, [], []

    def plug(self):
        ip("link", "add", self.iface, "type", "veth", "peer", "name", self.peer)
        ip("link", "set", self.iface, "up")
        ip("link", "set", self.peer, "up")
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(OUR_TYPE))
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.bind((self.peer, OUR_TYPE))
        sock.setblocking(False)
        self.sock = sock

    def send(self):
        try:
            self.sock.send(FRAME)
            self.sent.append(time.monotonic())
        except OSError:                             # there is no interface now
            pass

    def receive(self):
        """Takes all that has arrived; in two tries, since a dead interface is an error first."""
        behind = time.time() - time.monotonic()
        for _ in range(2):
            try:
                while True:
                    _, anc, _, _ = self.sock.recvmsg(2048, 64)
                    stamp = struct.unpack("qq", anc[0][2][:16])
                    self.arrived.append(stamp[0] + stamp[1] / 1e9 - behind)
            except OSError:
                pass

    def hand_over(self):
        pass

    def close(self):
        if self.sock:
            self.sock.close()


class NetWires(Wires):
    """Read when frames are due: what has come has the kernel's own time."""

    def __init__(self, numbers, pps):
        super().__init__((), pps)
        self.wires = {i: NetWire(i) for i in numbers}

    def run(self):
        try:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
        except OSError:
            pass
        due = time.monotonic()
        while not self.stopped:
            time.sleep(max(0.0, due - time.monotonic()))
            for w in self.wires.values():
                w.receive()
                if w.active:
                    w.send()
            due = max(due + 1 / self.pps, time.monotonic() - 0.1)

    def close(self):
        self.stopped = True
        if self.is_alive():
            self.join()
        for w in self.wires.values():
            w.close()


class Machine:
    """The part of guest.Guest that processes, and the demo, ask for."""

    def __init__(self, slots=(1, 2), pps=500):
        self.seq, self.runs, self.halted_s = 0, None, 0.0
        self.wires = NetWires(slots, pps)

    def __enter__(self):
        ip("link", "set", "lo", "up")
        for w in self.wires.wires.values():
            w.plug()
        self.wires.start()
        return self

    def __exit__(self, *exc):
        self.wires.close()
        for w in self.wires.wires.values():
            subprocess.run(["ip", "link", "del", w.iface], capture_output=True, check=False)

    def ask(self, timeout=60, **q):
        return getattr(agent, "op_" + q["op"])(q)

    def spawn(self, name, *argv, **environment):
        words = ["env"] + ["%s=%s" % v for v in environment.items()] + list(argv)
        return self.ask(op="spawn", name=name, cmd=shlex.join(words))

    def ready(self, i, driver="net_af_packet"):
        """The device's name, as a driver makes it."""
        return "%s%d" % (driver, i)

    def devargs(self, i, driver="net_af_packet"):
        return "%s,iface=%s" % (self.ready(i, driver), self.wires[i].iface)

    # --- one clock, and nobody's kernel --------------------------------------------
    def sync(self):
        return 0.0

    def to_host(self, t):
        return t

    def splats(self):
        return []

    def put_back(self, i):
        """When it was there again."""
        self.wires[i].plug()
        return time.monotonic()


class Deletion:
    """The removal of an interface; it is over when it returns."""

    def __init__(self, machine, i):
        self.t_start, self.t_dark = time.monotonic(), None
        ip("link", "del", machine.wires[i].iface)

    def wait(self, timeout):
        return True


class NativeTestpmd(Testpmd):
    """Ports 0, 1, ... are on the machine's slots, in their order."""

    def __init__(self, machine, slots, plugin=None, hot_plug=False, options=None, eal=(), args=()):
        self.slots = slots
        cpus = sorted(os.sched_getaffinity(0))
        super().__init__(machine, [machine.ready(i) for i in slots], plugin, hot_plug, options,
                         eal=eal, args=("--no-mlockall", *args), cores=1,
                         lcores="0@%d,1@%d" % (cpus[0], cpus[-1]))

    def device_args(self):
        return ["--no-pci", "--no-huge", "-m", "256", "--no-telemetry", "--no-shconf"] + \
            [x for i in self.slots for x in ("--vdev", self.guest.devargs(i))]

