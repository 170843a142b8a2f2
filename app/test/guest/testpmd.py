# SPDX-License-Identifier: BSD-3-Clause
"""Stock dpdk-testpmd in a guest, forwarding, with or without our plugin.

It is Debian's, unmodified: in io mode every port sends back what it receives,
so each wire tells whether its port forwards.  What the plugin reports on the
way (the lines `hotplug: ...`) is read from testpmd's output.

Called by the scenarios and devtools/demo.
"""
import re
import time

from guest import LabError

EVENT = re.compile(r"hotplug: (\w{4}:\w\w:\w\w\.\d) (\w+) (.*?)\r?$", re.M)


class Failed(Exception):
    """What was tested does not do what it should."""


class Testpmd:
    def __init__(self, guest, bdfs, plugin=None, hot_plug=False, options=None,
                 eal=(), args=()):
        """Start on the devices `bdfs`, in this order: they are ports 0, 1, ...

        eal, args: more arguments, EAL's and testpmd's own.
        """
        guest.seq += 1
        self.guest, self.name, self.bdfs = guest, "testpmd%d" % guest.seq, list(bdfs)
        cmd = ["dpdk-testpmd", "-l", "0,1", "-n", "1", "--file-prefix", self.name]
        if plugin:
            cmd += ["-d", plugin]
        for b in bdfs:
            cmd += ["-a", b]
        cmd += list(eal) + ["--", "-i", "--forward-mode=io", "--port-topology=loop",
                "--total-num-mbufs=8192", "--auto-start"] + list(args)
        if hot_plug:
            cmd += ["--hot-plug"]
        guest.spawn(self.name, *cmd, **({"DPDK_HOTPLUG": options} if options else {}))
        # Not the prompt: other threads' lines may run through it.
        if not self.wait_output(r"forwards packets on|tpmd> $", 60):
            raise Failed("testpmd does not start: " + self.end())

    # --- what it says ---------------------------------------------------------
    def log(self):
        return self.guest.ask(op="log", name=self.name)

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
        return self.guest.sh("cat /proc/%d/maps" % self.state()["pid"])

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
        raise Failed("ports on wires %s do not forward; testpmd: %s" % (silent, self.end()))

    def quit(self, timeout=90):
        """Type `quit`; how it ended: {"rc", "signal", ...}."""
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
        if self.is_alive():
            self.guest.ask(op="kill", name=self.name)
            end = time.monotonic() + 120        # vfio resets a dead card: 74 s
            while self.is_alive():
                if time.monotonic() > end:
                    raise LabError("testpmd cannot be killed")
                time.sleep(0.2)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.kill()
