#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A member that writes anything anywhere into the table that all share, while devices come
and go: the others live, and agree.

usage: mp_hostile.py HOTPLUG_MP [SCRIBBLES [SEED]]

In:  the console; its table, through /proc/PID/mem of one of the secondaries.  Out: TAP.
"""
import os
import random
import struct
import sys
import threading
import time

import mp_console

mp_console.own_namespaces()
PROGRAM = os.path.abspath(sys.argv[1])
SCRIBBLES = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
MAGIC, VERSION, HEAD_LEN, SHOWN_LEN = 0x68706d70, 3, 128, 256


class Table:
    """The memory, as its hostile member has it."""

    def __init__(self, console, huge):
        self.memory = os.open("/proc/%d/mem" % console.pid, os.O_RDWR)
        self.at, self.n_entries, self.n_slots, self.text_len, self.size = self.find(console, huge)
        self.entry_len = self.round(112 + self.text_len)
        self.slot_len = (self.size - HEAD_LEN - self.n_entries * self.entry_len) // self.n_slots
        self.slots_at = HEAD_LEN + self.n_entries * self.entry_len
        self.rng = random.Random(SEED)

    @staticmethod
    def round(n):
        return (n + 63) // 64 * 64

    def find(self, console, huge):
        with open("/proc/%d/maps" % console.pid) as maps:
            spans = [line.split()[0].split("-") for line in maps if huge in line]
        for begin, end in ((int(a, 16), int(b, 16)) for a, b in spans):
            data = os.pread(self.memory, end - begin, begin)
            for i in range(0, len(data) - HEAD_LEN, 64):
                magic, version, n_entries, n_slots, text_len = struct.unpack_from("<5I", data, i)
                if magic == MAGIC and version == VERSION:
                    size, = struct.unpack_from("<Q", data, i + 24)
                    return begin + i, n_entries, n_slots, text_len, size
        raise AssertionError("no table")

    def place(self):
        """Where it hurts: the head, what is in use, anything."""
        rng, kind = self.rng, self.rng.random()
        if kind < 0.15:
            return rng.randrange(HEAD_LEN)
        if kind < 0.4:
            return HEAD_LEN + rng.randrange(6) * self.entry_len + rng.randrange(SHOWN_LEN)
        if kind < 0.85:
            return self.slots_at + rng.randrange(6) * self.slot_len + \
                rng.choice([rng.randrange(SHOWN_LEN), rng.randrange(self.slot_len)])
        return rng.randrange(self.size)

    def scribble(self):
        at, length = self.place(), self.rng.choice([1, 1, 4, 8, 8, 64, 600])
        data = self.rng.choice([self.rng.randbytes(length), bytes(length), b"\xff" * length])
        os.pwrite(self.memory, data[:self.size - at], self.at + at)


def ask(console, command):
    """Whatever is said to it, in time."""
    text = console.run(command, 15)
    is_done = "\n%sed device" % command.split()[0] in "\n" + text
    assert ("failed to" in text) != is_done, text
    return is_done


def run_requests(group, is_over, counts):
    rng = random.Random(SEED)
    while not is_over.is_set():
        console = rng.choice(group.all)
        name = "net_null%d" % rng.randrange(4)
        done = ask(console, rng.choice(["attach ", "detach "]) + name)
        counts[done] += 1


def settle(group):
    """Nobody scribbles: after a request by each, which wakes all, all have the same."""
    for console in group.all:
        console.attach("net_null7")
        console.detach("net_null7")
    end = time.monotonic() + 5
    while True:
        lists = [console.ports() for console in group.all]
        if all(ports == lists[0] for ports in lists):
            return lists[0]
        assert time.monotonic() < end, lists
        time.sleep(0.05)


def works(group):
    there = list(settle(group))
    for name in there:
        assert group.all[0].detach(name) is None
    group.agree([])
    for console in group.all:
        reason = console.attach("net_null8")
        assert reason is None, reason
        group.agree(["net_null8"])
        assert console.detach("net_null8") is None
        group.agree([])


def test_scribbles_beside_requests():
    counts = {False: 0, True: 0}
    with mp_console.Group(PROGRAM, FOLDER, 4, options="sync_deadline_ms=300") as group:
        table = Table(group.all[1], group.huge)
        for part in range(10):
            is_over = threading.Event()
            errors = []

            def requests():
                try:
                    run_requests(group, is_over, counts)
                except Exception as e:          # told by the main thread
                    errors.append(e)

            thread = threading.Thread(target=requests)
            thread.start()
            for _ in range(SCRIBBLES // 10):
                table.scribble()
                time.sleep(0.0005)
            is_over.set()
            thread.join()
            if errors:
                raise errors[0]
            works(group)
        print("# %d scribbles: %d requests done, %d refused" %
              (SCRIBBLES, counts[True], counts[False]))
        late = group.start("late")
        works(group)
        assert late.quit() == 0
        group.all.remove(late)


def test_each_measure_of_the_head():
    """What killed the primary, or everybody, when it was read again at each use."""
    with mp_console.Group(PROGRAM, FOLDER, 2, options="sync_deadline_ms=300") as group:
        table = Table(group.all[1], group.huge)
        for at, length in (8, 4), (12, 4), (16, 4), (24, 8), (32, 8), (40, 8), (48, 8), (0, 128):
            for value in b"\xff", b"\0", b"\x7f":
                os.pwrite(table.memory, value * length, table.at + at)
                for console in group.all:
                    assert console.attach("net_null0") is None
                    group.agree(["net_null0"])
                    assert console.detach("net_null0") is None
                    group.agree([])
        text = "".join(group.all[0].run("list") for _ in range(2))
        assert "list all" in text


with mp_console.place() as FOLDER:
    sys.exit(mp_console.main([v for k, v in list(globals().items()) if k.startswith("test_")]))
