#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""dpdk-hotplug, the command, beside sockets that are not as DPDK's are.

usage: strange_sockets.py COMMAND

In:  sockets of this program, in folders where EAL would have them: anybody can make such in
/tmp/dpdk.  Out: TAP; the others are shown all the same, and nothing of what is said comes to
the terminal but text.
"""
import json
import os
import socket
import subprocess
import sys
import threading

import tap

COMMAND = os.path.abspath(sys.argv[1])
GREETING = {"version": "DPDK 22.11", "pid": 1, "max_output_len": 16384}


def talk(connection, greeting, answer):
    try:
        connection.send(greeting)
        question = connection.recv(1024).decode()
        while question:
            connection.send(answer(question.split(",")[0]))
            question = connection.recv(1024).decode()
    except OSError:                     # it had enough
        pass


def accept(listening, *what):
    while True:
        threading.Thread(target=talk, args=(listening.accept()[0], *what), daemon=True).start()


def nothing(command):
    return json.dumps({command: None}).encode()


def serve(folder, prefix, greeting, answer=nothing):
    os.makedirs(os.path.join(folder, prefix))
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(os.path.join(folder, prefix, "dpdk_telemetry.v2"))
    listening.listen(8)
    text = greeting if isinstance(greeting, bytes) else json.dumps({**GREETING, **greeting}).encode()
    threading.Thread(target=accept, args=(listening, text, answer), daemon=True).start()


def status(folder, *words):
    p = subprocess.run([COMMAND, "status", "--runtime-dir", folder, *words], text=True, timeout=60,
                       capture_output=True, check=False)
    if "Traceback" in p.stderr:
        raise AssertionError(p.stderr)
    return p.stdout, p.stderr


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def test_greetings_of_another_form(folder):
    for i, greeting in enumerate((b"[1, 2]", b"{}", b"7", b"\xff", b"", {"pid": None, "version": 7},
                                  {"max_output_len": 10 ** 13}, {"max_output_len": "x"})):
        serve(folder, "strange%d" % i, greeting)
    serve(folder, "good", {})
    expect("prefix good" in status(folder)[0], "the good one is not shown")


def stop_listening(folder, prefix):
    """A process that is stopped: connections are taken by the kernel, and nobody answers."""
    os.makedirs(os.path.join(folder, prefix))
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(os.path.join(folder, prefix, "dpdk_telemetry.v2"))
    listening.listen(8)
    return listening


def test_who_does_not_answer_is_not_without_a_socket(folder):
    stopped = stop_listening(folder, "stopped")
    serve(folder, "full", b"")          # DPDK hangs up at once on the eleventh
    out = " ".join(status(folder)[0].split())
    for prefix in "stopped", "full":
        expect("pid %d prefix %s does not answer: it is stopped" % (os.getpid(), prefix)
               in out, out)
    expect("no telemetry" not in out and "2 DPDK processes cannot be asked" in out, out)
    said = json.loads(status(folder, "--json")[0])["silent"]
    expect([s["is_deaf"] for s in said] == [True, True], said)
    stopped.close()


def test_half_lines_of_a_file(folder):
    """A disk that was full, and before the library began the next line anew."""
    def line(n):
        return json.dumps({"time": "2026-11-30T12:00:00.000001Z", "pid": 7, "sequence": n,
                           "event": "gone", "device": "d%d" % n, "cause": "REMOVED",
                           "sign": "uio", "kernel_driver": "", "ports": [], "is_simulated": 0,
                           "sign_ns": 1, "cut_ns": 1, "event_ns": 1})
    path = os.path.join(folder, "history")
    with open(path, "w", encoding="utf-8") as f:
        f.write("%s\n%s%s\n%s\n\n%s" % (line(1), line(2)[:60], line(3), line(4)[:60], line(5)))
    p = subprocess.run([COMMAND, "events", "--file", path, "--runtime-dir", folder, "--json"],
                       text=True, timeout=60, capture_output=True, check=True)
    found = [e["device"] for e in json.loads(p.stdout)]
    expect(found == ["d1", "d3", "d5"], p.stdout)


def test_answers_of_another_form(folder):
    def of(answers):
        return lambda command: json.dumps({command: answers.get(command)}).encode()
    on = {"/hotplug/health": {"enabled": 1, "version": "9.0.0"}}
    serve(folder, "list", {}, lambda command: b"[]")
    serve(folder, "text", {}, lambda command: json.dumps({command: "x"}).encode())
    serve(folder, "ports", {}, of({**on, "/hotplug/ports": {"0": {}}}))
    serve(folder, "devices", {}, of({**on, "/hotplug/list": ["a"], "/hotplug/info": {"bus": "x"}}))
    serve(folder, "good", {})
    out, err = status(folder)
    expect("prefix good" in out, out)
    for prefix in "text", "ports", "devices":
        expect("(prefix %s): its answers are none that this program" % prefix in err, err)


def test_nothing_but_text(folder):
    evil = "\x1b[2J\x07"
    off = {"/hotplug/health": {"enabled": 0, "version": evil}}
    serve(folder, "p" + evil, {"version": "DPDK " + evil},
          lambda command: json.dumps({command: off.get(command)}).encode())
    out, err = status(folder)
    expect("\x1b" not in out + err and "\x07" not in out + err, repr(out + err))
    expect("DISABLED" in out, out)


def test_pid_is_the_one_that_the_kernel_knows(folder):
    """In containers many are number 1: all but one of them was left out, under a wrong name."""
    serve(folder, "one", {"pid": 1})
    serve(folder, "two", {"pid": 1})
    out = status(folder)[0]
    for prefix in "one", "two":
        expect("pid %d  prefix %s" % (os.getpid(), prefix) in out, out)
    out = status(folder, "--pid", str(os.getpid()), "--json")[0]
    expect(len(json.loads(out)["processes"]) == 2, out)


def test_watch_is_for_programs_too(folder):
    """--json gave lines for people."""
    said = {"type_name": "gone", "device": "d", "cause_name": "REMOVED", "sign_name": "uevent",
            "kernel_driver": "", "is_simulated": 0, "wall_ns": 1, "event_ns": 1, "sign_ns": 1,
            "cut_ns": 1}
    looks = iter(range(1, 100))

    def answer(command):
        if command == "/hotplug/events":
            n = next(looks)             # one more at each look; they are asked down to the first
            return json.dumps({command: {"0": {**said, "sequence": n}} if n % 2 else {}}).encode()
        return json.dumps({command: {"/hotplug/health": {"enabled": 0}}.get(command)}).encode()
    serve(folder, "watched", {}, answer)
    p = subprocess.run([COMMAND, "watch", "--json", "-i", "0.1", "--looks", "4", "--runtime-dir",
                        folder], text=True, timeout=60, capture_output=True, check=True)
    told = [json.loads(line) for line in p.stdout.splitlines()]
    expect(told and all(e["device"] == "d" and e["type"] == "gone" for e in told), p.stdout)


def test_numbers_that_are_none(folder):
    for words in ("watch", "-i", "inf"), ("watch", "-i", "nan"), ("drill", "x", "--for", "nan"):
        p = subprocess.run([COMMAND, *words, "--runtime-dir", folder], text=True, timeout=60,
                           capture_output=True, check=False)
        expect(p.returncode == 2 and "not between 0 and 3600" in p.stderr, p.stderr)


def main():
    return tap.main(globals())


if __name__ == "__main__":
    sys.exit(main())
