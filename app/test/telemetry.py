#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What an operator reads on a process's telemetry socket.

usage: telemetry.py ASKED ENDPOINT PAGE

In:  asked.c, built: a DPDK process that sees one mock function and nothing else, with
     a file prefix of its own, whose folder is removed afterwards; the exporter's plug-in;
     doc/operations.md, whose commands are run as they stand.  Out: TAP.
"""
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

ASKED, ENDPOINT, PAGE = map(os.path.abspath, sys.argv[1:])
PREFIX = f"hp-asked-{os.getpid()}"
FOLDER = f"/var/run/dpdk/{PREFIX}"
NAME = "0000:31:00.0"


class Process:
    """asked.c at work."""

    def __init__(self):
        self.process = subprocess.Popen(
            [ASKED, "--no-huge", "-m", "64", "-l", "0", "--file-prefix", PREFIX,
             "--log-level=lib.eal:error"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.log = []

    def tell(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            self.log.append(line)
            if line == f"done {word}\n":
                return
        raise AssertionError(f"it did not do '{word}':\n" + "".join(self.log))

    def end(self):
        try:
            self.process.communicate("end\n", timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        return self.process.returncode


class Socket:
    """As dpdk-telemetry.py and the exporter ask."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(10)
        self.socket.connect(f"{FOLDER}/dpdk_telemetry.v2")
        self.max_len = json.loads(self.socket.recv(1024))["max_output_len"]

    def cmd(self, uri, arg=None):
        self.socket.send((uri if arg is None else f"{uri},{arg}").encode())
        return json.loads(self.socket.recv(self.max_len))[uri]


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def expect_items(answer, **items):
    wrong = {k: answer.get(k) for k, v in items.items() if answer.get(k) != v}
    expect(not wrong, f"wrong: {wrong} in {answer}")


def test_before_enable_there_is_nothing(process):
    process.tell("enable")          # the first word: EAL is up when it is done
    process.tell("disable")
    s = Socket()
    expect(s.cmd("/hotplug/list") == [], "a list")
    expect_items(s.cmd("/hotplug/stats"), enabled=0)
    expect_items(s.cmd("/hotplug/health"), enabled=0, pid=process.process.pid)
    expect(s.cmd("/hotplug/info", NAME) is None, "info")
    process.tell("enable")


def test_commands_are_listed_with_help(process):
    s = Socket()
    listed = [c for c in s.cmd("/") if c.startswith("/hotplug/")]
    expect(sorted(listed) == ["/hotplug/drill", "/hotplug/drill_end", "/hotplug/events",
                              "/hotplug/health", "/hotplug/info", "/hotplug/list",
                              "/hotplug/ports", "/hotplug/stats"], listed)
    for command in listed:
        expect(len(s.cmd("/help", command)[command]) > 20, f"help of {command}")


def test_attached_device(process):
    s = Socket()
    expect(s.cmd("/hotplug/list") == [NAME], "a list")
    expect_items(s.cmd("/hotplug/info", NAME), name=NAME, bus="pci", driver="net_hotplug_test",
                 kernel_driver="hotplug_mock", state=3, state_name="ATTACHED", vendor=0x1234,
                 device_id=0x5678, is_guarded=1, is_cut=0, n_regions=1, guarded_bytes=262144,
                 n_ports=1, ports=[0])
    expect(s.cmd("/hotplug/info", "nobody") is None, "a stranger")
    expect(s.cmd("/hotplug/info") is None, "nobody")
    expect_items(s.cmd("/hotplug/health"), enabled=1, guarded=1, has_handler=1, zombies=0,
                 monitor_group="kernel", waiting={})


def test_ports_say_what_guards_them(process):
    s = Socket()
    expect_items(s.cmd("/hotplug/ports")["0"], device=NAME, bus="pci", state_name="live",
                 policy=0, policy_name="tell", is_guarded=1, is_lost=0, needs_guard=1, why="")
    expect(s.cmd("/hotplug/ports", 1) == {}, "more ports")
    expect(s.cmd("/hotplug/ports", "x") is None, "nonsense")
    for bad in None, "", "0000:99:00.0,x":
        expect(s.cmd("/hotplug/drill", bad) is None, "a drill of nobody")
    expect_items(s.cmd("/hotplug/drill", "0000:99:00.0"), is_begun=0,
                 error="No such file or directory")
    expect_items(s.cmd("/hotplug/drill_end", NAME), is_ended=0)


def test_lost_device(process):
    process.tell("pull")
    s = Socket()
    deadline = time.monotonic() + 10    # the look that follows the event
    while s.cmd("/hotplug/info", NAME)["is_present"] and time.monotonic() < deadline:
        time.sleep(0.01)
    expect_items(s.cmd("/hotplug/info", NAME), state=5, state_name="GONE", is_cut=1,
                 cause_name="REMOVED", is_present=0)
    expect_items(s.cmd("/hotplug/stats"), enabled=1, guarded=1, cut_offs=1, events=1,
                 events_gone=1, events_lost=0)
    expect_items(s.cmd("/hotplug/health"), gone=1)
    events = s.cmd("/hotplug/events")
    expect(len(events) == 1, events)
    expect_items(events["1"], sequence=1, type_name="gone", device=NAME, cause_name="REMOVED")
    expect(0 < events["1"]["sign_ns"] <= events["1"]["cut_ns"] <= events["1"]["event_ns"],
           events)
    expect(s.cmd("/hotplug/events", 0) == {}, "none was asked for")
    expect(s.cmd("/hotplug/events", "x") is None, "nonsense")


def test_who_blocks_a_removal(process):
    process.tell("ask")
    health = Socket().cmd("/hotplug/health")
    expect_items(health, requested=1, held=0)
    expect_items(health["waiting"]["0"], device="asked0",
                 holders="pid %d (%.15s)" % (process.process.pid, os.path.basename(ASKED)))
    expect(0 <= health["waiting"]["0"]["age_ms"] <= health["oldest_request_ms"] + 1000, health)


def test_as_many_events_as_an_answer_has_room_for(process):
    process.tell("repeat")
    s = Socket()
    events = s.cmd("/hotplug/events", 1000)
    expect(list(map(int, events)) == list(range(42, 18, -1)), list(events))
    expect(all(len(e) == 16 for e in events.values()), "an event is cut short")
    earlier = s.cmd("/hotplug/events", "1000,19")
    expect(list(map(int, earlier)) == list(range(18, 0, -1)), list(earlier))


def test_stock_client(process):
    client = subprocess.run(["dpdk-telemetry.py", "-f", PREFIX], input="/hotplug/list\nquit\n",
                            text=True, capture_output=True, timeout=20)
    expect(NAME in client.stdout, client.stdout + client.stderr)


def test_exporter_plug_in(process):
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location("hotplug", ENDPOINT)
    endpoint = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(endpoint)
    described, values = endpoint.info(), endpoint.metrics(Socket())
    names = {name for name, _, _ in values}
    expect(names <= set(described), f"not described: {names - set(described)}")
    # of what is described only "stuck_total" may be missing: where the library has none
    expect(set(described) - names <= {"stuck_total"}, f"without a value: {set(described) - names}")
    expect(all(isinstance(value, (int, float)) for _, value, _ in values), values)
    expect(("device_state", 5, {"device": NAME, "driver": "net_hotplug_test",
                                "card": "1234:5678"}) in values, values)
    expect(("events_total", 1, {"type": "gone"}) in values, values)


def test_page_says_what_there_is(process):
    """Each question on the page is asked; each field that it explains is there."""
    with open(PAGE) as f:
        page = f.read()
    s, asked = Socket(), re.findall(r"^ *--> (/hotplug/\S+)$", page, re.M)
    expect(len(asked) >= 6, asked)
    for question in asked:
        uri, _, arg = question.partition(",")
        expect(s.cmd(uri, arg or None) is not None, question)
    for command in "health", "stats", "info", "ports":
        section = page.split(f"## /hotplug/{command}")[1].split("\n## ")[0]
        told = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", section, re.M)))
        there = s.cmd("/hotplug/" + command, NAME if command == "info" else None)
        there = there["0"] if command == "ports" else there
        expect(len(told) > 5 and set(told) <= set(there), f"{command}: {set(told) - set(there)}")
        expect(set(there) - set(told) == set(), f"{command}: unexplained {set(there) - set(told)}")


def test_after_disable_history_stays(process):
    process.tell("disable")
    s = Socket()
    expect_items(s.cmd("/hotplug/health"), enabled=0)
    expect(len(s.cmd("/hotplug/events", 3)) == 3, "the history")
    expect(process.end() == 0, "it did not end well:\n" + "".join(process.log))


def main():
    tests = [f for name, f in globals().items() if name.startswith("test_")]
    print(f"1..{len(tests)}")
    process, n_failed = Process(), 0
    try:
        for number, test in enumerate(tests, 1):
            start, verdict = time.monotonic(), "ok"
            try:
                test(process)
            except Exception as error:  # whatever it is, it is a failure
                verdict = "not ok"
                n_failed += 1
                print("\n".join("# " + line for line in repr(error).split("\\n")))
            print(f"{verdict} {number} - {test.__name__} # {time.monotonic() - start:.1f} s",
                  flush=True)
    finally:
        if process.process.poll() is None:
            process.end()
        shutil.rmtree(FOLDER, ignore_errors=True)
    return n_failed != 0


if __name__ == "__main__":
    sys.exit(main())
