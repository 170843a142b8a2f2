# SPDX-License-Identifier: BSD-3-Clause
"""Processes of one file prefix in a guest, each a hotplug_mp console.

In:  a guest, the built console.  Out: consoles that are told commands and say what
came of them; what each has mapped and open of a device.
The words are app/test/mp_console.py's, the way to the process is the guest's agent.
"""
import os
import re
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from guest import LabError                      # noqa: E402
from mp_console import Verbs                    # noqa: E402
from testpmd import Failed                      # noqa: E402

PROGRAM = "../examples/hotplug_mp/hotplug_mp"   # as seen from the built library
NO_DEVICE = "ffff:ff:1f.7"      # allowed, so that EAL's start probes no other


class Console(Verbs):
    """One process."""

    def __init__(self, group, name, args=()):
        self.guest, self.name, self.at = group.guest, "%s-%s" % (group.prefix, name), 0
        state = self.guest.spawn(
            self.name, group.program, "-l", "0", "--no-telemetry", "--proc-type=auto",
            "--file-prefix", group.prefix, "--iova-mode=" + group.iova, *args,
            *(word for bdf in group.allowed for word in ("-a", bdf)),
            **({"DPDK_HOTPLUG": group.options} if group.options else {}))
        self.pid = state["pid"]

    def log(self):
        return self.guest.ask(op="log", name=self.name, offset=0)

    def text(self):
        return self.log()["text"]

    def until_prompt(self, seconds=30):
        """What it has printed since the last command, up to its prompt."""
        end = time.monotonic() + seconds
        while True:
            log = self.log()
            new = log["text"][self.at:]
            if self.PROMPT in new:
                return new[:new.index(self.PROMPT)]
            if not log["alive"]:
                raise Failed("%s has ended (%s): %s" % (self.name, log["signal"] or log["rc"],
                                                        new[-300:]))
            if time.monotonic() > end:
                raise Failed("%s: no prompt in %d s after: %s" % (self.name, seconds, new[-300:]))
            time.sleep(0.02)

    def send(self, command):
        self.at = len(self.text())
        self.guest.ask(op="send", name=self.name, text=command + "\n")

    def run(self, command, seconds=30):
        self.send(command)
        return self.until_prompt(seconds)

    def is_alive(self):
        return self.guest.ask(op="status", name=self.name)["alive"]

    def signal(self, number):
        self.guest.ask(op="kill", name=self.name, signal=number)

    def stop(self):
        """Returns when each of its threads has stopped."""
        self.signal(signal.SIGSTOP)
        end = time.monotonic() + 20
        while set(self.guest.sh("grep -h ^State /proc/%d/task/*/status" % self.pid).split()[1::3]) \
                != {"T"}:
            if time.monotonic() > end:
                raise LabError("%s does not stop" % self.name)

    def cont(self):
        self.signal(signal.SIGCONT)

    def kill(self):
        if not self.is_alive():
            return
        self.signal(signal.SIGKILL)
        end = time.monotonic() + 120            # vfio resets a dead card: 74 s
        while self.is_alive():
            if time.monotonic() > end:
                raise LabError("%s cannot be killed" % self.name)
            time.sleep(0.1)

    def holds(self, bdf):
        """What it has of the device, and of others by the same driver: lines of its maps
        and its descriptors, but for what it only reads a moment (config)."""
        return self.guest.sh(
            "cd /proc/%d; grep -E '%s/resource|vfio|/dev/uio' maps | grep -v '\\.so'; "
            "ls -l fd | grep -E '%s/(resource|igb_uio)|vfio-device|/dev/uio'"
            % (self.pid, bdf, bdf)).splitlines()


class Group:
    """A primary and two secondaries, or those of a testpmd that is there; what run.py
    wants of a testpmd, it has too."""

    def __init__(self, lab, driver, testpmd=None, options=None):
        self.guest, self.options, self.all = lab.guest, options, []
        self.program = os.path.join(os.path.dirname(lab.plugin), PROGRAM)
        self.guest.seq += 1
        self.prefix = testpmd.name if testpmd else "mp%d" % self.guest.seq
        self.allowed = testpmd.bdfs if testpmd else [NO_DEVICE]
        # each EAL chooses for itself when it starts, and may see no device then
        self.iova = "va" if driver == "vfio-pci" else "pa"
        if not testpmd:
            self.start("primary", "-m", "64").until_prompt(60)
        started = [self.start("secondary%d" % (i + 1)) for i in range(2)]
        for console in started:
            console.until_prompt(60)

    def start(self, name, *args):
        console = Console(self, name, args)
        self.all.append(console)
        return console

    def agree(self, consoles, names, seconds=5):
        """These processes list the same ports, these; a moment is given to who has
        just been let go on."""
        end = time.monotonic() + seconds
        while True:
            lists = [c.ports() for c in consoles]
            if all(p == lists[0] for p in lists) and sorted(lists[0]) == sorted(names):
                return lists[0]
            if time.monotonic() > end:
                raise Failed("%s, not %s everywhere" % (lists, names))
            time.sleep(0.1)

    def text(self):
        return "\n".join("--- %s\n%s" % (c.name, c.text()) for c in self.all)

    def said(self, pattern):
        """By which of them, in their order."""
        return [c for c in self.all if re.search(pattern, c.text())]

    def quit(self):
        """In the order in which an application should: the primary last."""
        for console in reversed(self.all):
            if console.is_alive():
                console.send("quit")
                end = time.monotonic() + 30
                while console.is_alive():
                    if time.monotonic() > end:
                        raise Failed("%s does not quit: %s" % (console.name,
                                                               console.text()[-300:]))
                    time.sleep(0.05)
                rc = self.guest.ask(op="status", name=console.name)
                if rc["rc"] != 0:
                    raise Failed("%s quits with %s: %s" % (console.name, rc["signal"] or rc["rc"],
                                                           console.text()[-300:]))

    def kill(self):
        for console in reversed(self.all):
            console.kill()
