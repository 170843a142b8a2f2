# SPDX-License-Identifier: BSD-3-Clause
"""Who can be asked: the telemetry sockets of every file prefix on this machine.

In:  the folders in which EAL keeps its files.  Out: connections, each to one process; and
the DPDK processes that have none, or do not answer on it.
Anybody may make a folder and a socket there (/tmp/dpdk), and name them as he likes: what is
said is text that goes to a terminal, who says it is what the kernel says of its socket, and an
answer of another form is none.
"""
import collections
import glob
import json
import os
import re
import socket
import stat
import struct

from . import text

TIMEOUT = 5.0
MAX_ANSWER = 1 << 20


def runtime_dirs():
    """Root sees everybody's, others their own."""
    found = ["/var/run/dpdk", "/tmp/dpdk"]
    if os.geteuid() == 0:
        found += sorted(glob.glob("/run/user/*/dpdk"))
    for variable in "XDG_RUNTIME_DIR", "RUNTIME_DIRECTORY":
        if os.environ.get(variable):
            found.append(os.path.join(os.environ[variable], "dpdk"))
    return [d for i, d in enumerate(found) if d not in found[:i]]


# Who is not heard: with no socket, or deaf on one.
Silent = collections.namedtuple("Silent", "pid prefix has_library is_deaf")


class Gone(Exception):
    """It has ended, or what it says is nothing that we know."""


class Deaf(Gone):
    """It is there, and does not answer."""

    def __init__(self, pid, prefix):
        super().__init__("it does not answer")
        self.pid, self.prefix = pid, prefix


def clean(said):
    """What JSON has, its texts without control characters."""
    if isinstance(said, dict):
        return {text.clean(k): clean(v) for k, v in said.items()}
    if isinstance(said, list):
        return [clean(v) for v in said]
    return text.clean(said) if isinstance(said, str) else said


class Connection:
    """Of one process; answers are None for a command or a device that it does not know."""

    def __init__(self, path):
        self.path = path
        self.prefix = text.clean(os.path.basename(os.path.dirname(path)))
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(TIMEOUT)
        try:
            self.socket.connect(path)
            self.pid = self.peer()
            greeting = json.loads(self.receive(1024).decode())
            self.pid = self.pid or int(greeting["pid"])
            self.dpdk = text.clean(greeting["version"])
            self.max_len = min(int(greeting["max_output_len"]), MAX_ANSWER)
        except (OSError, ValueError, TypeError, KeyError) as e:
            self.socket.close()
            raise Gone(str(e)) from e

    def peer(self):
        """Its pid as we see it: in a container it calls itself by another.  0: not seen."""
        return struct.unpack("3i", self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED,
                                                          struct.calcsize("3i")))[0]

    def receive(self, n):
        """Deaf: nothing comes in time, or it hangs up (it has as many clients as it takes)."""
        try:
            said = self.socket.recv(n)
        except TimeoutError:
            said = b""
        if not said and os.path.exists("/proc/%d" % self.pid):
            raise Deaf(self.pid, self.prefix)
        if not said:
            raise Gone("it has ended")
        return said

    def ask(self, command, *params):
        question = ",".join([command, *map(str, params)])
        try:
            self.socket.send(question.encode())
            answer = self.receive(self.max_len)
        except OSError as e:
            raise Gone(str(e)) from e
        try:
            said = json.loads(answer.decode())
        except ValueError:
            return None                 # an answer that was cut off
        return clean(said.get(command)) if isinstance(said, dict) else None

    def close(self):
        self.socket.close()


def paths(dirs):
    """In the order in which people count: rte before rte:1."""
    found = [p for d in dirs for p in glob.glob(os.path.join(glob.escape(d), "*",
                                                             "dpdk_telemetry.v2*"))]
    return sorted(found, key=lambda p: [int(x) if x.isdigit() else x
                                        for x in re.split(r"(\d+)", p)])


def connect(dirs, prefix=None, pid=None):
    """(connections, each process once; [Deaf])"""
    seen, deaf = {}, []
    for path in paths(dirs):
        if prefix and os.path.basename(os.path.dirname(path)) != prefix:
            continue
        try:
            one = Connection(path)
        except Deaf as e:
            deaf += [e] if not pid or e.pid == pid else []
            continue
        except Gone:                    # a socket that a process has left behind
            continue
        who = os.path.realpath(path)    # two containers may have the same pid in them
        if who in seen or pid and one.pid != pid:
            one.close()
        else:
            seen[who] = one
    return list(seen.values()), deaf


def read(*path):
    try:
        with open(os.path.join(*path), "rb") as f:
            return f.read().decode(errors="replace")
    except OSError:
        return ""


def comm(pid):
    return read("/proc/%d/comm" % pid).strip() or "?"


def hotplug_options(pid):
    """DPDK_HOTPLUG as the process was started with, or None."""
    for one in read("/proc/%d/environ" % pid).split("\0"):
        if one.startswith("DPDK_HOTPLUG="):
            return one.partition("=")[2]
    return None


def is_file(path):
    """One that has an end: no FIFO, which would be waited for."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def history_file(pid):
    """Where the process keeps its events, if its options name a file: as we see it."""
    for option in (hotplug_options(pid) or "").split(","):
        key, _, value = option.partition("=")
        if key == "history" and value:
            path = os.path.join("/proc/%d/cwd" % pid, value) if value[0] != "/" else value
            return path if is_file(path) else None
    return None


def has_library(maps):
    return "libdpdk-hotplug" in maps


def deaf_ones(deaf):
    return [Silent(d.pid, d.prefix, has_library(read("/proc/%d/maps" % d.pid)), True)
            for d in deaf]


def silent(known, prefix=None, pid=None):
    """[Silent] of DPDK processes that have no socket."""
    found = []
    for folder in glob.glob("/proc/[0-9]*"):
        number = int(os.path.basename(folder))
        if number in known or pid and number != pid:
            continue
        maps = read(folder, "maps")
        of = re.search(r"/dpdk/([^/\n]+)/config$", maps, re.M)
        if not of and "librte_eal" not in maps:
            continue
        if prefix and (not of or of.group(1) != prefix):
            continue
        found.append(Silent(number, text.clean(of.group(1)) if of else None, has_library(maps),
                            False))
    return sorted(found)
