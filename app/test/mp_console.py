# SPDX-License-Identifier: BSD-3-Clause
"""Processes of one file prefix, each a hotplug_mp console, and where they may run.

In:  the built console.  Out: consoles that are told commands and say what came of
them.  Nothing here can see a PCI device (--no-pci); the network, the mounts and the
file prefix are the test's own; hugepages are taken for the time of the test and
given back.
"""
import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import hugepages

N_HUGEPAGES = 160


def own_namespaces():
    """Run this program again where mounts and network are its own."""
    if os.environ.get("HOTPLUG_MP_INSIDE") == "1":
        return
    os.environ["HOTPLUG_MP_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--net", sys.executable, *sys.argv])


@contextlib.contextmanager
def place(wants=N_HUGEPAGES):
    """A folder for files, with a hugetlbfs of its own in it."""
    folder = tempfile.mkdtemp(prefix="hp-mp-")
    huge = os.path.join(folder, "huge")
    os.mkdir(huge)
    with hugepages.Pool().taken(wants) as enough:
        try:
            if enough is not True:
                sys.exit(enough)
            subprocess.run(["mount", "-t", "hugetlbfs", "none", huge], check=True)
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield folder
        finally:
            subprocess.run(["umount", "-l", huge], stderr=subprocess.DEVNULL)
            shutil.rmtree(folder, ignore_errors=True)


class Ended(Exception):
    pass


def ports_in(text):
    """{name: id}, of what `list` prints."""
    assert "list all etherdev" in text, text
    return {name: int(port) for port, name in re.findall(r"^(\d+)\t(\S*)\s*$", text, re.M)}


class Verbs:
    """What one says to a console, whatever carries run(command, seconds)."""
    PROMPT = "example> "

    def ports(self):
        return ports_in(self.run("list"))

    def attach(self, devargs, seconds=20):
        """None, or the reason."""
        return self.outcome(self.run("attach " + devargs, seconds), "attached",
                            "failed to attached", devargs)

    def detach(self, name, seconds=20):
        text = self.run("detach " + name, seconds)
        assert "detaching..." in text, text
        return self.outcome(text, "detached", "failed to detach", name)

    @staticmethod
    def outcome(text, good, bad, devargs):
        if re.search(r"^%s device \S*\s*$" % good, text, re.M):
            return None
        m = re.search(r"^%s device \S*\s*\n(.*?)\s*$" % bad, text, re.M)
        assert m, "neither '%s' nor '%s' %s in:\n%s" % (good, bad, devargs, text)
        return m.group(1)


class Console(Verbs):
    """One process."""

    def __init__(self, group, name, *args, options=None, wait=True, wrap=(),
                 telemetry=False, log=subprocess.PIPE, preload=None):
        env = dict(os.environ)
        env.pop("DPDK_HOTPLUG", None)
        if options:
            env["DPDK_HOTPLUG"] = options
        if preload:
            env["LD_PRELOAD"] = preload
        self.name, self.text, self.logged = name, "", ""
        self.process = subprocess.Popen(
            [group.program, *wrap, "--no-pci", *([] if telemetry else ["--no-telemetry"]),
             # newer EALs take an option once
             *([] if any(a.startswith("--proc-type") for a in args) else ["--proc-type=auto"]),
             "--file-prefix", group.prefix, "--huge-dir", group.huge, *args], env=env,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        # each its own: a line of the log may come in the middle of the prompt
        self.pipes = [p for p in (self.process.stdout, self.process.stderr) if p is not None]
        for pipe in self.pipes:
            os.set_blocking(pipe.fileno(), False)
        self.pid = self.process.pid
        if wait:
            self.until_prompt(20)

    def until_prompt(self, seconds=20):
        """What it has logged until then, and what it has printed up to its next prompt; its
        other threads may log after that."""
        end = time.monotonic() + seconds
        while self.PROMPT not in self.text:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError("%s: no prompt in %d s after:\n%s" %
                                   (self.name, seconds, self.logged + self.text))
            self.read(left)
        self.read(0)
        text, _, self.text = self.text.partition(self.PROMPT)
        logged, self.logged = self.logged, ""
        return logged + text

    def read(self, seconds):
        for pipe in select.select(self.pipes, [], [], seconds)[0]:
            data = pipe.read()
            text = (data or b"").decode(errors="replace")
            if pipe is self.process.stderr:
                self.logged += text
            else:
                self.text += text
            if data == b"":
                self.pipes.remove(pipe)
        if self.process.stdout not in self.pipes and self.PROMPT not in self.text:
            raise Ended("%s has ended:\n%s" % (self.name, self.logged + self.text))

    def send(self, command):
        self.text = self.logged = ""
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()

    def run(self, command, seconds=20):
        self.send(command)
        return self.until_prompt(seconds)

    def signal(self, number):
        os.kill(self.pid, number)

    def stop(self):
        """Returns when each of its threads has stopped."""
        self.signal(signal.SIGSTOP)
        while any(state != "T" for state in self.thread_states()):
            time.sleep(0.001)

    def thread_states(self):
        for task in os.listdir("/proc/%d/task" % self.pid):
            with open("/proc/%d/task/%s/stat" % (self.pid, task)) as f:
                yield f.read().rpartition(")")[2].split()[0]

    def cont(self):
        self.signal(signal.SIGCONT)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def quit(self):
        with contextlib.suppress(OSError):
            self.send("quit")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return self.process.returncode


class Group:
    """A primary and its secondaries; all end with it."""
    count = 0

    def __init__(self, program, folder, n_secondaries=2, options=None, memory=("-m", "64"),
                 **more):
        Group.count += 1
        self.program, self.folder = program, folder
        self.prefix = "hp-mp-%d-%d" % (os.getpid(), Group.count)
        self.huge = os.path.join(folder, "huge")
        self.options = options
        self.all = []
        self.start("primary", *memory, **more)
        for i in range(n_secondaries):
            self.start("secondary %d" % (i + 1), wait=False, **more)
        for console in self.all[1:]:
            console.until_prompt()

    def start(self, name, *args, **more):
        more.setdefault("options", self.options)
        console = Console(self, name, *args, **more)
        self.all.append(console)
        return console

    def live(self):
        return [c for c in self.all if c.process.poll() is None]

    def agree(self, names, seconds=3):
        """All live processes list the same ports, these; a moment is given to who has
        just been let go on."""
        end = time.monotonic() + seconds
        while True:
            lists = [c.ports() for c in self.live()]
            if all(p == lists[0] for p in lists) and sorted(lists[0]) == sorted(names):
                return lists[0]
            if time.monotonic() > end:
                raise AssertionError("%s, not %s everywhere" % (lists, names))
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for console in reversed(self.all):
            with contextlib.suppress(OSError):
                console.cont()
            console.kill()
        shutil.rmtree("/var/run/dpdk/" + self.prefix, ignore_errors=True)


def main(tests):
    """Runs them in their order; TAP."""
    print("1..%d" % len(tests))
    n_failed = 0
    for i, test in enumerate(tests, 1):
        begin = time.monotonic()
        try:
            test()
            print("ok %d - %s # %.1f s" % (i, test.__name__, time.monotonic() - begin), flush=True)
        except Exception as e:                  # one test's failure is not the next one's
            n_failed += 1
            print("not ok %d - %s" % (i, test.__name__))
            for line in ("%s: %s" % (type(e).__name__, e)).splitlines():
                print("# " + line, flush=True)
    return 1 if n_failed else 0
