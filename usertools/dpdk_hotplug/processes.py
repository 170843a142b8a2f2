# SPDX-License-Identifier: BSD-3-Clause
"""What a process says of itself, as facts.

In:  a connection.  Out: a Process, with its devices, ports and past events.  A library that is
older than this program answers less: what it does not say is None, and said to be so.
"""
import glob
import os
import sys
import time

from . import VERSION, sockets

NS = 1e9
OLD = "its library (%s) is older than this program (%s), which asks more than it answers"
NEW = "its library (%s) is newer than this program (%s): what is new is not shown"


DEVICE_KEYS = ("bus", "driver", "kernel_driver", "state_name", "ports", "is_guarded", "is_cut",
               "is_requested", "is_flapping")
PORT_KEYS = ("device", "bus", "state_name", "policy_name", "is_guarded", "is_lost", "needs_guard",
             "why", "n_tries", "refusal")


def whole(facts, keys):
    """As they are; KeyError: something is missing that is asked for later."""
    for key in keys:
        facts[key]                      # pylint: disable=pointless-statement
    return facts


def version_key(version):
    return [int(n) if n.isdigit() else 0 for n in version.split(".")]


class Event:
    """One entry of the history, its times in seconds since 1970."""

    def __init__(self, said, monotonic_offset):
        self.sequence, self.type = said["sequence"], said["type_name"]
        self.device, self.cause = said["device"], said["cause_name"]
        self.sign, self.kernel_driver = said["sign_name"], said["kernel_driver"]
        self.is_simulated = bool(said["is_simulated"])
        self.wall = said["wall_ns"] / NS if "wall_ns" in said else \
            said["event_ns"] / NS + monotonic_offset
        self.at, self.sign_at = said["event_ns"] / NS, said["sign_ns"] / NS
        self.cut_at = said["cut_ns"] / NS
        self.healed_after = None        # seconds since the loss

    @property
    def cut_after(self):
        return self.cut_at - self.sign_at if self.cut_at and self.sign_at else None


def link_returns(events):
    """Oldest first: a device's return knows its loss."""
    lost = {}
    for event in events:
        if event.type == "gone":
            lost.setdefault(event.device, event)
        elif event.type == "healed" and event.device in lost:
            event.healed_after = event.at - lost.pop(event.device).at
    return events


class Process:
    def __init__(self, connection):
        self.connection = connection
        self.pid, self.prefix = connection.pid, connection.prefix
        self.name, self.dpdk = sockets.comm(self.pid), connection.dpdk
        self.health = connection.ask("/hotplug/health")
        self.has_library = self.health is not None
        self.health = self.health or {}
        self.is_enabled = bool(self.health.get("enabled"))
        self.version, self.is_older = self.health.get("version"), False
        self.devices = self.ask_devices() if self.is_enabled else {}
        self.ports = self.ask_ports() if self.is_enabled else {}
        self.events = self.ask_events() if self.has_library else []

    def ask_devices(self):
        found = {}
        for name in self.connection.ask("/hotplug/list") or []:
            facts = self.connection.ask("/hotplug/info", name)
            if facts is not None:       # else forgotten meanwhile
                found[name] = whole(facts, DEVICE_KEYS)
        return found

    def ask_ports(self):
        """{id: facts}; without the command, those that devices name."""
        found, first = {}, 0
        while True:
            part = self.connection.ask("/hotplug/ports", first)
            if part is None:
                self.is_older = True
                return self.ports_of_devices()
            if not part:
                return found
            found.update((int(k), whole(v, PORT_KEYS)) for k, v in part.items())
            if max(found) < first:
                return found
            first = max(found) + 1

    def ports_of_devices(self):
        return {port: {"device": name, "bus": facts["bus"], "state_name": None,
                       "policy_name": None, "is_guarded": facts["is_guarded"],
                       "is_lost": facts["is_cut"], "needs_guard": 1, "why": "", "n_tries": 0,
                       "refusal": ""}
                for name, facts in self.devices.items() for port in facts["ports"]}

    def ask_events(self, n_max=256):
        """Oldest first, as many as the process remembers."""
        offset = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
        found, before = [], 0
        while len(found) < n_max:
            part = self.connection.ask("/hotplug/events", "24,%d" % before if before else 24)
            if not part:
                break
            found += [Event(e, offset) for e in
                      sorted(part.values(), key=lambda e: -e["sequence"])]
            before = found[-1].sequence
            if before == 1:
                break
        return link_returns(found[::-1])

    def last(self, device, *types):
        for event in reversed(self.events):
            if event.device == device and event.type in types:
                return event
        return None

    def remark(self):
        """On its version, or None."""
        if not self.version or self.version == VERSION and not self.is_older:
            return None
        older = self.is_older or version_key(self.version) < version_key(VERSION)
        return (OLD if older else NEW) % (self.version, VERSION)


def nodes(device):
    """The /dev files through which a PCI function is open."""
    folder = os.path.join("/sys/bus/pci/devices", device)
    found = ["/dev/" + os.path.basename(p) for p in glob.glob(glob.escape(folder) + "/uio/uio*")]
    group = os.path.join(folder, "iommu_group")
    if os.path.islink(group):
        found.append("/dev/vfio/" + os.path.basename(os.readlink(group)))
    return found


def holders(devices):
    """{device: [(pid, name)]}: who has it open, by /proc."""
    by_node = {}
    for device in devices:
        for node in nodes(device):
            by_node.setdefault(node, []).append(device)
    found = {}
    for fd in glob.glob("/proc/[0-9]*/fd/*") if by_node else []:
        try:
            node = os.readlink(fd)
        except OSError:                 # it has ended, or closed it
            continue
        pid = int(fd.split("/")[2])
        for device in by_node.get(node, []):
            found.setdefault(device, set()).add((pid, sockets.comm(pid)))
    return {device: sorted(who) for device, who in found.items()}


def ask_all(o):
    """(processes, silent ones)"""
    dirs = o.runtime_dir or sockets.runtime_dirs()
    found = []
    connections, deaf = sockets.connect(dirs, o.file_prefix, o.pid)
    for connection in connections:
        try:
            found.append(Process(connection))
        except sockets.Deaf as e:
            connection.close()
            deaf.append(e)
        except sockets.Gone:
            connection.close()
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as e:
            connection.close()
            print("dpdk-hotplug: pid %d (prefix %s): its answers are none that this program "
                  "(%s) knows: %r" % (connection.pid, connection.prefix, VERSION, e),
                  file=sys.stderr)
    known = {p.pid for p in found + deaf}
    silent = sockets.deaf_ones(deaf)
    if not o.runtime_dir or o.file_prefix:
        silent += sockets.silent(known, o.file_prefix, o.pid)
    return found, silent


def close_all(found):
    for process in found:
        process.connection.close()
