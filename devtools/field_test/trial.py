# SPDX-License-Identifier: BSD-3-Clause
"""Does it: testpmd with the plugin, the card away and back, and what was seen.

In:  a checks.Card that is fit, the options.  Out: a Result.  testpmd is ended and the card
found again whatever happens.  Called by devtools/field-test.
"""
import json
import os
import pty
import re
import socket
import struct
import subprocess
import threading
import time

from field_test import checks

HEAL_S = 60


class Result:
    def __init__(self):
        self.cycles, self.problems, self.output, self.telemetry = [], [], "", {}

    def is_good(self):
        return not self.problems and bool(self.cycles)

    def summary(self):
        lines = ["%d of %d losses survived and healed" % (
            sum("healed_ms" in c for c in self.cycles), len(self.cycles))]
        return "\n".join(lines + ["problem: " + p for p in self.problems])


class Testpmd:
    """The process, and each line that it says with the time of its arrival."""

    def __init__(self, card, o):
        self.prefix, self.lines = "field-%d" % os.getpid(), []
        self.screen, end = pty.openpty()        # else it keeps its last words back
        self.process = subprocess.Popen(
            ["dpdk-testpmd", "-d", o.plugin, "-a", card.bdf, "-m", "128",
             "--huge-unlink=always", "--file-prefix", self.prefix, "--", "-i", "--auto-start", "--forward-mode=rxonly",
             "--total-num-mbufs=8192"],
            env=dict(os.environ, DPDK_HOTPLUG=o.options), text=True,
            stdin=subprocess.PIPE, stdout=end, stderr=end)
        os.close(end)
        threading.Thread(target=self.pump, daemon=True).start()

    def pump(self):
        with open(self.screen, errors="replace") as f:
            try:
                for line in f:
                    self.lines.append((time.monotonic(), line.rstrip("\r\n")))
            except OSError:             # it has ended
                pass

    def text(self):
        return "\n".join(line for _, line in self.lines)

    def wait(self, pattern, since, seconds):
        """(when, match) of the first line after `since` that matches; or None."""
        end = time.monotonic() + seconds
        while True:
            for at, line in list(self.lines):
                m = re.search(pattern, line)
                if at >= since and m:
                    return at, m
            if time.monotonic() > end or self.process.poll() is not None:
                return None
            time.sleep(0.02)

    def ask(self, command):
        """An answer on its telemetry socket; None when there is none."""
        path = "/var/run/dpdk/%s/dpdk_telemetry.v2" % self.prefix
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
                s.settimeout(5)
                s.connect(path)
                size = json.loads(s.recv(1024))["max_output_len"]
                s.send(command.encode())
                return json.loads(s.recv(size))
        except (OSError, ValueError) as e:
            return "no answer: %s" % e

    def end(self):
        """Its exit status; it is killed when it does not quit."""
        try:
            self.process.stdin.write("quit\n")
            self.process.stdin.flush()
            return self.process.wait(60)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            return self.process.wait()


# --- the ways ------------------------------------------------------------------------
def put(path, text):
    with open(path, "w") as f:
        f.write(text)


def set_link(port, is_on):
    with open(os.path.join(port, "config"), "r+b", buffering=0) as f:
        at = checks.capability(os.pread(f.fileno(), 256, 0)) + checks.LINK_CONTROL
        control = struct.unpack("<H", os.pread(f.fileno(), 2, at))[0]
        os.pwrite(f.fileno(), struct.pack("<H", control & ~0x10 if is_on else control | 0x10), at)


def link_back(card, port):
    """Where the port cannot tell of a lost link, the kernel still has the card as it was."""
    generation = os.stat(card.folder).st_ino if os.path.isdir(card.folder) else None
    set_link(port, True)
    time.sleep(1)
    if generation is not None and os.path.isdir(card.folder) and \
            os.stat(card.folder).st_ino == generation:
        put(os.path.join(card.folder, "remove"), "1")
        put("/sys/bus/pci/rescan", "1")


def ways(card, method):
    """(lose, give back)"""
    if method == "slot":
        power = os.path.join(card.slot(), "power")
        return (lambda: put(power, "0")), (lambda: put(power, "1"))
    if method == "link":
        port = card.port()
        return (lambda: set_link(port, False)), (lambda: link_back(card, port))
    return ((lambda: put(os.path.join(card.folder, "remove"), "1")),
            (lambda: put("/sys/bus/pci/rescan", "1")))


# --- the trial -----------------------------------------------------------------------
def run(card, o):
    result = Result()
    lose, give_back = ways(card, o.method)
    testpmd = Testpmd(card, o)
    try:
        if not testpmd.wait(r"packet forwarding", 0, 30):
            result.problems.append("testpmd did not start")
        for n in range(0 if result.problems else o.cycles):
            cycle(n + 1, card, o, testpmd, lose, give_back, result)
            if testpmd.process.poll() is not None or result.problems:
                break
        result.telemetry = {c: testpmd.ask(c) for c in (
            "/hotplug/health", "/hotplug/stats", "/hotplug/info," + card.bdf,
            "/hotplug/events,50")}
        status = testpmd.end()
        if status != 0:
            result.problems.append("testpmd ended with status %d" % status)
    finally:
        if testpmd.process.poll() is None:
            testpmd.process.kill()
        find_again(card, give_back)
    result.output = testpmd.text()
    return result


def find_again(card, give_back):
    """Leave the card as it was found: there."""
    for attempt in (give_back, lambda: put("/sys/bus/pci/rescan", "1")):
        if os.path.isdir(card.folder):
            return
        try:
            attempt()
        except OSError:                 # the next may do
            pass
        time.sleep(1)


def cycle(n, card, o, testpmd, lose, give_back, result):
    seen = {"cycle": n}
    result.cycles.append(seen)
    start = time.monotonic()
    lose()
    seen["lost_ms"] = ms(start)
    event = testpmd.wait(r"hotplug: %s (gone|requested)(.*)" % re.escape(card.bdf), start, 15)
    if event is None:
        result.problems.append("cycle %d: testpmd was not told of the loss within 15 s" % n)
        return
    seen["event_ms"] = round((event[0] - start) * 1000)
    seen["event"] = event[1].group(1) + event[1].group(2)
    if testpmd.process.poll() is not None:
        result.problems.append("cycle %d: testpmd died: %d" % (n, testpmd.process.returncode))
        return
    time.sleep(o.away)
    start = time.monotonic()
    try:
        give_back()
    except OSError as e:                # a slot may have switched itself on
        seen["give_back"] = str(e)
    if not wait_for(lambda: os.path.isdir(card.folder), 10):
        put("/sys/bus/pci/rescan", "1")
    healed = testpmd.wait(r"hotplug: %s healed: port (\d+)" % re.escape(card.bdf), start, HEAL_S)
    if healed is None:
        result.problems.append("cycle %d: its port does not work again after %d s%s" % (
            n, HEAL_S, "; giving it back: " + seen["give_back"] if "give_back" in seen else ""))
        return
    seen["healed_ms"] = round((healed[0] - start) * 1000)


def ms(start):
    return round((time.monotonic() - start) * 1000)


def wait_for(is_true, seconds):
    end = time.monotonic() + seconds
    while not is_true() and time.monotonic() < end:
        time.sleep(0.05)
    return is_true()
