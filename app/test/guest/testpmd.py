# SPDX-License-Identifier: BSD-3-Clause
"""Stock dpdk-testpmd in a guest, forwarding, with or without our plugin.

It is Debian's, unmodified: in io mode every port sends back what it receives,
so each wire tells whether its port forwards.  What the plugin reports on the
way (the lines `hotplug: ...`) is read from testpmd's output.

It has the shape that users' applications have, and a row that differs says so: two
forwarding lcores, two queues a port with RSS where each of its cards has them (else the
ports are dealt out, one queue to an lcore), a telemetry client that asks all the
time (asker.py) and somebody who reads statistics of all kinds at its console.

Called by the scenarios and devtools/demo.
"""
import re
import time

import asker
from guest import LabError

TYPED = "show port stats all", "show port xstats all", "show port info all"
EVERY = 0.5             # seconds between two of them
LCORE = re.compile(r"Logical Core (\d+) .* forwards packets on \d+ streams:\s*\n((?:  RX .*\n)*)")
EVENT = re.compile(r"hotplug: (\w{4}:\w\w:\w\w\.\d|net_\w+) (\w+) (.*?)\r?$", re.M)


class Failed(Exception):
    """What was tested does not do what it should."""


class Process:
    """An application in the guest that has the plugin, and ports that send back what comes."""

    def __init__(self, guest, kind, *cmd, options=None):
        """cmd: from the program on; EAL's file prefix is put behind that."""
        guest.seq += 1
        self.guest, self.name = guest, "%s%d" % (kind, guest.seq)
        self.kept, self.marks, self.asker = "", [], None
        self.is_used_by_many = False            # CPUs: not only the pollers touch its cards
        guest.spawn(self.name, cmd[0], "--file-prefix", self.name, *cmd[1:],
                    **({"DPDK_HOTPLUG": options} if options else {}))
        guest.runs = self

    def be_asked(self, *words):
        """From now on a telemetry client asks, all the time."""
        self.asker = asker.Asker(self.guest, self.name, *words)

    def pollers(self, bdf):
        """The CPUs that poll this device."""
        return [1]

    # --- what it says ---------------------------------------------------------
    def log(self):
        """Its state and all it has printed; only what is new is fetched."""
        log = self.guest.ask(op="log", name=self.name, offset=len(self.kept),
                             marks=len(self.marks))
        self.kept += log["text"]
        self.marks += log["marks"]
        return dict(log, text=self.kept, marks=self.marks)

    def text(self):
        return self.log()["text"]

    def end(self):
        """Its state and its last words, in one line."""
        log = self.log()
        lines = [x.strip() for x in log["text"].splitlines() if x.strip()]
        state = "alive" if log["alive"] else log["signal"] or "exit status %s" % log["rc"]
        return "%s; last: %s" % (state, " | ".join(lines[-3:]))

    def wait_output(self, pattern, timeout, start=0):
        """Until its output matches (from character `start` on), or it ends."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            log = self.log()
            m = re.search(pattern, log["text"][start:])
            if m or not log["alive"]:
                return m
            time.sleep(0.1)
        return None

    def time_of(self, pattern):
        """Guest time at which the first matching line arrived, or None."""
        log = self.log()
        m = re.search(pattern, log["text"])
        if m is None:
            return None
        return [t for at, t in log["marks"] if at <= m.start()][-1]

    def events(self, bdf=None):
        """The plugin's reports as dicts: bdf, what (gone, ready, ...), cause, times."""
        found = []
        for b, what, rest in EVENT.findall(self.text()):
            e = {"bdf": b, "what": what}
            for key, value in (x.split("=", 1) for x in rest.split() if "=" in x):
                e[key] = float(value) if key.startswith("t_") else value
            if bdf in (None, b):
                found.append(e)
        return found

    def wait_event(self, bdf, what, timeout):
        end = time.monotonic() + timeout
        while True:
            found = [e for e in self.events(bdf) if e["what"] == what]
            if found:
                return found[0]
            if time.monotonic() > end or not self.is_alive():
                return None
            time.sleep(0.1)

    # --- what it does -----------------------------------------------------------
    def state(self):
        return self.guest.ask(op="status", name=self.name)

    def is_alive(self):
        return self.state()["alive"]

    def type(self, line):
        self.guest.ask(op="send", name=self.name, text=line + "\n")

    def maps(self):
        return self.guest.read("/proc/%d/maps" % self.state()["pid"])

    def wait_forwarding(self, slots, timeout=30):
        """Until frames come back on all these wires; the time when they did."""
        start, end = time.monotonic(), time.monotonic() + timeout
        wires = self.guest.wires
        while time.monotonic() < end:
            now = time.monotonic()
            if all(wires[i].count(max(start, now - 0.2), now) > 10 for i in slots):
                return now
            if not self.is_alive():
                break
            time.sleep(0.1)
        silent = [i for i in slots if not wires[i].count(time.monotonic() - 0.2, start + 1e9)]
        raise Failed("ports on wires %s do not forward; %s: %s" % (silent, self.name, self.end()))

    def quit(self, timeout=90):
        """Tell it `quit`; how it ended: {"rc", "signal", ...}."""
        self.type("quit")
        return self.wait_end(timeout)

    def wait_end(self, timeout):
        """Its state once it has ended, or after `timeout` seconds.

        A process that a signal has killed still takes a second or two to end.
        """
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            s = self.state()
            if not s["alive"]:
                return s
            time.sleep(0.1)
        return self.state()

    def kill(self):
        """Whatever state it is in: it must be gone."""
        if self.asker:
            self.asker.kill()
        if self.is_alive():
            self.guest.ask(op="kill", name=self.name)
            end = time.monotonic() + 120        # vfio resets a dead card: 74 s
            while self.is_alive():
                if time.monotonic() > end:
                    raise LabError("%s cannot be killed" % self.name)
                time.sleep(0.2)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.kill()


def on_cpu(lcore):
    """The main one has the first CPU for itself, with who else does not forward."""
    return lcore and 1 + (lcore - 1) % 2


class Testpmd(Process):
    def __init__(self, guest, bdfs, plugin=None, hot_plug=False, options=None,
                 eal=(), args=(), cores=2, queues=1, mode="io", lcores=None):
        """Start on the devices `bdfs`: by their addresses they are ports 0, 1, ...

        eal, args: more arguments, EAL's and testpmd's own.  cores: more than two share
        the guest's two CPUs.  lcores: EAL's, where they are to be others.
        """
        self.guest, self.bdfs = guest, sorted(bdfs)
        lcores = lcores or ",".join("%d@%d" % (n, on_cpu(n)) for n in range(cores + 1))
        cmd = ["dpdk-testpmd", "--lcores", lcores, "-n", "1"]
        if plugin:
            cmd += ["-d", plugin]
        cmd += self.device_args()
        cmd += list(eal) + ["--", "-i", "--forward-mode=" + mode, "--port-topology=loop",
                "--nb-cores=%d" % cores, "--rxq=%d" % queues, "--txq=%d" % queues,
                "--total-num-mbufs=8192", "--auto-start"] + list(args)
        if hot_plug:
            cmd += ["--hot-plug"]
        super().__init__(guest, "testpmd", *cmd, options=options)
        # Not the prompt: other threads' lines may run through it.
        if not self.wait_output(r"forwards packets on|tpmd> $", 60):
            raise Failed("testpmd does not start: " + self.end())

    def device_args(self):
        return [x for b in self.bdfs for x in ("-a", b)]

    def be_watched(self):
        """From now on telemetry is asked, and statistics are read at the console."""
        self.be_asked()
        self.type_on(*TYPED)

    def type_on(self, *lines, every=EVERY):
        """Somebody types these lines in turn, all the time; none: nobody any more."""
        self.guest.ask(op="habit", name=self.name, lines=lines, every=every)

    def pollers(self, bdf):
        """Those of all ports, if it has no port of its own."""
        cpus = {}                               # the last start's, where there were several
        for core, streams in LCORE.findall(self.text()):
            cpus[int(core)] = {int(n) for n in re.findall(r"RX P=(\d+)", streams)}
        port = self.bdfs.index(bdf) if bdf in self.bdfs else None
        lcores = [c for c in cpus if port in cpus[c]] or list(cpus) or [1]
        return sorted({on_cpu(c) for c in lcores})
