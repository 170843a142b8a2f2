# SPDX-License-Identifier: BSD-3-Clause
"""app/test/guest/eventer.c in a guest: what it heard of its devices, and when.

Used by scenarios/watch_*.py as scenarios use testpmd.Testpmd.
"""
import os
import re
import time

from guest import LabError
from testpmd import Failed

LINE = re.compile(r"^(ours|eal) (\S+) (\w+)(.*)$", re.M)


class Eventer:
    def __init__(self, lab, bdfs, *words):
        """Start it on these devices, or on none; words: ours, stock, options=..."""
        guest = lab.guest
        guest.seq += 1
        self.guest, self.name = guest, "eventer%d" % guest.seq
        program = os.path.join(os.path.dirname(lab.plugin), "../app/test/guest/guest_eventer")
        cmd = [os.path.normpath(program), "-l", "0", "-n", "1", "--file-prefix", self.name,
               "--no-telemetry"] + ([] if bdfs else ["--no-pci"])
        for b in bdfs:
            cmd += ["-a", b]
        guest.spawn(self.name, *cmd, "--", *words)
        lab.testpmd = self                      # killed when the row is over
        if not self.wait_output(r"^started", 60):
            raise Failed("eventer does not start: " + self.text()[-500:])

    def log(self):
        return self.guest.ask(op="log", name=self.name)

    def text(self):
        return self.log()["text"]

    def heard(self, who=None, bdf=None, what=None):
        """Its lines as dicts: who, bdf, what, t and so on."""
        found = []
        for w, b, kind, rest in LINE.findall(self.text()):
            if who in (None, w) and bdf in (None, b) and what in (None, kind):
                e = dict(x.split("=", 1) for x in rest.split() if "=" in x)
                e.update(who=w, bdf=b, what=kind, t=float(e["t"]))
                found.append(e)
        return found

    def wait(self, timeout, who, bdf, what, n=1):
        """Until it has heard that n times: the last of them, or None."""
        end = time.monotonic() + timeout
        while True:
            found = self.heard(who, bdf, what)
            if len(found) >= n:
                return found[n - 1]
            if time.monotonic() > end or not self.is_alive():
                return None
            time.sleep(0.1)

    def wait_output(self, pattern, timeout, start=0):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            log = self.log()
            m = re.search(pattern, log["text"][start:], re.M)
            if m or not log["alive"]:
                return m
            time.sleep(0.1)
        return None

    def stats(self):
        start = len(self.text())
        self.type("stats")
        m = self.wait_output(r"^stats (.*)$", 10, start)
        if not m:
            raise Failed("no answer to `stats`: " + self.text()[-500:])
        return {k: float(v) for k, v in (x.split("=") for x in m.group(1).split())}

    def type(self, line):
        self.guest.ask(op="send", name=self.name, text=line + "\n")

    def is_alive(self):
        return self.guest.ask(op="status", name=self.name)["alive"]

    def kill(self):
        if not self.is_alive():
            return
        self.guest.ask(op="kill", name=self.name)
        end = time.monotonic() + 30
        while self.is_alive():
            if time.monotonic() > end:
                raise LabError("eventer cannot be killed")
            time.sleep(0.2)
