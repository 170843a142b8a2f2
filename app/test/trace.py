#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Trace points: what a drill and a fault leave in EAL's trace.

usage: trace.py ASKED

In:  asked.c, built: a DPDK process that sees one mock function and nothing else.
Out: TAP.  The records are read as EAL writes them (CTF: rte_trace_point.h).
"""
import collections
import glob
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

ASKED = os.path.abspath(sys.argv[1])
PREFIX = f"hp-trace-{os.getpid()}"
NAME = "0000:31:00.0"
WORDS = "heal drill back touch end".split()
HEADER = 4 + 16 + 4 + 32                # magic, uuid, lcore, thread
RECORD = struct.Struct("<Q32sq")        # time and id, device, number
TIME = (1 << 48) - 1


def run(folder, *args):
    process = subprocess.run(
        [ASKED, "--no-huge", "-m", "64", "-l", "0", "--file-prefix", PREFIX, "--no-telemetry",
         f"--trace-dir={folder}", *args],
        input="\n".join(WORDS) + "\n", text=True, capture_output=True, timeout=50)
    shutil.rmtree(f"/var/run/dpdk/{PREFIX}", ignore_errors=True)
    if process.returncode != 0:
        raise AssertionError(process.stdout + process.stderr)


def records(folder):
    """(trace point, device, number) of every record, in the order of time: each thread
    has a channel of its own, and they lie in the folder in any order."""
    return [record for _, record in sorted(channels(folder), key=lambda timed: timed[0])]


def channels(folder):
    """(time, record) of every record, channel after channel."""
    for metadata in glob.glob(f"{folder}/*/metadata"):
        with open(metadata) as f:
            names = {int(i): name for i, name in
                     re.findall(r'id = (\d+);\s*name = "([^"]+)";', f.read())}
        for channel in glob.glob(os.path.dirname(metadata) + "/channel*"):
            with open(channel, "rb") as f:
                data = f.read()
            for at in range(HEADER, len(data) - RECORD.size + 1, RECORD.size):
                head, device, number = RECORD.unpack_from(data, at)
                yield head & TIME, (names[head >> 48], device.split(b"\0")[0].decode(), number)


def check_all_of_a_drill():
    with tempfile.TemporaryDirectory() as folder:
        run(folder, "--trace=lib.hotplug.*")
        found = records(folder)
    # to the last thing that was asked for: from 26.07 on EAL unplugs what is there at the end.
    # It works again before that is said, and the next thing is asked for meanwhile
    found = found[:max(found.index(("lib.hotplug.event", NAME, n)) for n in (2, 8)) + 1]
    of = collections.defaultdict(list)
    for name, device, number in found:
        assert device == NAME, found
        of[name.removeprefix("lib.hotplug.")].append(number)
    # guarded, let go when it was lost, guarded again
    assert of["attach"] == [1, 1], of
    assert of["detach"] == [0], of
    assert of["quiesce"] == [0], of
    assert of["heal"] == [0], of
    # cut off in the drill; a fault alone lays pages, and then it is mapped again; and
    # again, where it faults before its file is long enough; who faults tries once more
    # before any pages are laid: no sign, no trace
    assert of["replacement"][0] == 1 and set(of["replacement"][1:]) == {0}, of
    assert of["event"] in ([0, 8, 2], [0, 2, 8]), of            # gone, healed, restored
    assert of["sign"][0] == 7 and of["sign"][-1] == 5, of       # caller, fault
    assert of["fault"] == sorted(set(of["fault"])) != [], of


def check_one_alone():
    with tempfile.TemporaryDirectory() as folder:
        run(folder, "--trace=lib.hotplug.heal")
        found = records(folder)
    assert found == [("lib.hotplug.heal", NAME, 0)], found


def main():
    tests = [f for name, f in globals().items() if name.startswith("check_")]
    print(f"1..{len(tests)}")
    n_failed = 0
    for number, test in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {test.__name__}", flush=True)
        except Exception as error:      # whatever it is, it is a failure
            n_failed += 1
            print("\n".join("# " + line for line in str(error).splitlines()))
            print(f"not ok {number} - {test.__name__}", flush=True)
    return n_failed != 0


if __name__ == "__main__":
    sys.exit(main())
