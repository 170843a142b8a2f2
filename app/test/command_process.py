# SPDX-License-Identifier: BSD-3-Clause
"""Processes for tests of the command dpdk-hotplug, and the command itself.

In:  built programs.  Out: processes in a runtime folder and a network namespace of the test's
own; none of them can see a PCI device but a mock one.  Called by command_test.py.
"""
import json
import os
import pty
import subprocess
import sys
import time

SECONDS = 30                            # for one step, on a machine that does much else
NAME = "0000:31:00.0"                   # asked.c's mock function


def own_network():
    """Runs the program again where the network is its own."""
    if os.environ.get("HOTPLUG_COMMAND_INSIDE") == "1":
        return
    os.environ["HOTPLUG_COMMAND_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def make_interface(name="va"):
    ip("link", "add", name, "type", "veth", "peer", "name", name + "-p")
    ip("link", "set", name, "up")
    ip("link", "set", name + "-p", "up")


def wait_for(what, condition):
    end = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("no %s in %d s" % (what, SECONDS))
        time.sleep(0.02)


class Process:
    """A DPDK process whose output goes to a file; its input is ours."""

    def __init__(self, folder, prefix, *words, options=None, log=None):
        self.log_path = os.path.join(folder, (log or prefix) + ".log")
        self.prefix = prefix
        env = {k: v for k, v in os.environ.items() if k != "DPDK_HOTPLUG"}
        env["RUNTIME_DIRECTORY"] = folder
        if options is not None:
            env["DPDK_HOTPLUG"] = options
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen(
                [*words[:1], "--no-huge", "-l", "0,1", "--file-prefix", prefix, *words[1:]],
                env=env, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, text=True)
        self.pid = self.process.pid

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def type(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self, word="quit"):
        if self.process.poll() is None:
            try:
                self.process.communicate(word + "\n", timeout=20)
            except (subprocess.TimeoutExpired, BrokenPipeError):
                self.process.kill()
                self.process.wait()
        return self.process.returncode


class Testpmd(Process):
    def __init__(self, folder, prefix, plugin, *vdevs, options=None, more=()):
        words = ["dpdk-testpmd", "-m", "256", "--no-pci", *(["-d", plugin] if plugin else []), *more]
        for vdev in vdevs:
            words += ["--vdev", vdev]
        super().__init__(folder, prefix, *words, "--", "-i", "--total-num-mbufs=2048",
                         "--no-mlockall", options=options)
        wait_for("prompt", lambda: "testpmd> " in self.log() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log()


class Asked(Process):
    """asked.c: words on its input, "done WORD" on its output."""

    def __init__(self, folder, prefix, program, *more, log=None):
        super().__init__(folder, prefix, program, "-m", "64", "--log-level=lib.eal:error", *more,
                         log=log)

    def tell(self, *words):
        for word in words:
            n = self.log().count("done " + word + "\n")
            self.type(word)
            wait_for("'%s': %s" % (word, self.log()[-500:]),
                     lambda word=word, n=n: self.log().count("done " + word + "\n") > n)

    def end(self, word="end"):
        return super().end(word)


class Command:
    """dpdk-hotplug, told to look only where the test's processes are."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def words(self, *words):
        where = ["--runtime-dir", self.folder + "/dpdk"] if words[0] != "doctor" else []
        return [self.program, words[0], *where, *words[1:]]

    def run(self, *words, env=None, typed=""):
        p = subprocess.run(self.words(*words), text=True, input=typed, timeout=120,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           env={**os.environ, "COLUMNS": "80", **(env or {})}, check=False)
        return p.returncode, p.stdout

    def json(self, *words):
        status, said = self.run(*words, "--json")
        return status, json.loads(said)

    def port(self, prefix, number=0):
        """(exit status, what status says of a port)"""
        status, said = self.json("status", "-f", prefix)
        ports = [p for one in said["processes"] for p in one["ports"] if p["port"] == number]
        return status, ports[0] if ports else None

    def wait_for(self, prefix, word):
        def is_so():
            return (self.port(prefix)[1] or {}).get("word") == word
        try:
            wait_for(word, is_so)
        except AssertionError as e:
            raise AssertionError("%s: %s" % (e, self.run("status", "-f", prefix)[1])) from e
        return self.port(prefix)


def on_terminal(words, term, no_color):
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
    env["TERM"] = term
    if no_color:
        env["NO_COLOR"] = no_color
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(words[0], words, env)
    said = b""
    while True:
        try:
            part = os.read(fd, 4096)
        except OSError:                 # its end
            break
        if not part:
            break
        said += part
    os.waitpid(pid, 0)
    os.close(fd)
    return said.decode()
