# SPDX-License-Identifier: BSD-3-Clause
"""Who can be asked: the telemetry sockets of every file prefix on this machine.

In:  the folders in which EAL keeps its files.  Out: connections, each to one process; and
the DPDK processes that have none.
"""
import glob
import json
import os
import re
import socket

TIMEOUT = 5.0


def runtime_dirs():
    """Root sees everybody's, others their own."""
    found = ["/var/run/dpdk", "/tmp/dpdk"]
    if os.geteuid() == 0:
        found += sorted(glob.glob("/run/user/*/dpdk"))
    for variable in "XDG_RUNTIME_DIR", "RUNTIME_DIRECTORY":
        if os.environ.get(variable):
            found.append(os.path.join(os.environ[variable], "dpdk"))
    return [d for i, d in enumerate(found) if d not in found[:i]]


class Gone(Exception):
    """It has ended, or does not answer."""


class Connection:
    """Of one process; answers are None for a command or a device that it does not know."""

    def __init__(self, path):
        self.path = path
        self.prefix = os.path.basename(os.path.dirname(path))
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(TIMEOUT)
        try:
            self.socket.connect(path)
            greeting = json.loads(self.socket.recv(1024).decode())
        except (OSError, ValueError) as e:
            self.socket.close()
            raise Gone(str(e)) from e
        self.pid, self.dpdk = greeting["pid"], greeting["version"]
        self.max_len = greeting["max_output_len"]

    def ask(self, command, *params):
        question = ",".join([command, *map(str, params)])
        try:
            self.socket.send(question.encode())
            answer = self.socket.recv(self.max_len)
        except OSError as e:
            raise Gone(str(e)) from e
        if not answer:
            raise Gone("it has ended")
        try:
            return json.loads(answer.decode()).get(command)
        except ValueError:
            return None                 # an answer that was cut off

    def close(self):
        self.socket.close()


def paths(dirs):
    """In the order in which people count: rte before rte:1."""
    found = [p for d in dirs for p in glob.glob(os.path.join(glob.escape(d), "*",
                                                             "dpdk_telemetry.v2*"))]
    return sorted(found, key=lambda p: [int(x) if x.isdigit() else x
                                        for x in re.split(r"(\d+)", p)])


def connect(dirs, prefix=None, pid=None):
    """Connections; each process once."""
    seen = {}
    for path in paths(dirs):
        if prefix and os.path.basename(os.path.dirname(path)) != prefix:
            continue
        try:
            one = Connection(path)
        except Gone:                    # a socket that a process has left behind
            continue
        if one.pid in seen or pid and one.pid != pid:
            one.close()
        else:
            seen[one.pid] = one
    return list(seen.values())


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


def history_file(pid):
    """Where the process keeps its events, if its options name a file: as we see it."""
    for option in (hotplug_options(pid) or "").split(","):
        key, _, value = option.partition("=")
        if key == "history" and value:
            return os.path.join("/proc/%d/cwd" % pid, value) if value[0] != "/" else value
    return None


def silent(known, prefix=None, pid=None):
    """[(pid, prefix, is the library in it)] of DPDK processes that answer on no socket."""
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
        found.append((number, of.group(1) if of else None, "libdpdk-hotplug" in maps))
    return sorted(found)
