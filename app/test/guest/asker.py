#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A telemetry client that asks all the time, as a monitoring system does, only faster.

    asker.py FILE_PREFIX [hard]

Every command that the process has, in turn, with each port's id where it takes one; a
pause between two, for the guest has one CPU for all who do not forward, and of the least
priority.  hard: four clients, without a pause.
On this machine: Asker starts it in a guest.  In the guest: asks until the process ends, or
stdin does; prints a line for each answer that is none, and at the end what it has seen.
"""
import itertools
import json
import os
import re
import select
import socket
import sys
import threading
import time

PAUSE, N_HARD = 0.02, 4
PATIENCE = 30           # seconds: who does not answer for so long never will
PORTS = range(4)
SOCKET = "/var/run/dpdk/%s/dpdk_telemetry.v2"


class Asker:
    """The client of a testpmd in a guest."""

    def __init__(self, guest, prefix, *words):
        self.guest, self.name = guest, prefix + "-asker"
        guest.spawn(self.name, "python3", "/run/lab/asker.py", prefix, *words)

    def report(self):
        """What is wrong with what it has been told so far, or None; and how many answers."""
        log = self.guest.ask(op="log", name=self.name)
        wrong = re.findall(r"^wrong: (.*?)\r?$", log["text"], re.M)
        if log["rc"] not in (0, None):
            wrong.append("the client ended: " + log["text"][-300:])
        answers = re.findall(r"^answers (\d+)", log["text"], re.M)
        return (wrong[0] if wrong else None), int(answers[-1]) if answers else 0

    def kill(self):
        if self.guest.ask(op="status", name=self.name)["alive"]:
            self.guest.ask(op="kill", name=self.name)


# --- in the guest ------------------------------------------------------------------
def connect(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(PATIENCE)
    for _ in range(100):
        try:
            s.connect(path)
            return s, json.loads(s.recv(4096))
        except OSError:                         # it has not begun to listen
            time.sleep(0.1)
    sys.exit("nobody listens at " + path)


def questions(s):
    s.send(b"/")
    for command in json.loads(s.recv(65536))["/"]:
        if command.startswith("/ethdev/") and command != "/ethdev/list":
            yield from ("%s,%d" % (command, port) for port in PORTS)
        else:
            yield command


def is_wrong(command, answer):
    try:
        return list(json.loads(answer.decode("utf-8", "replace"))) != [command.split(",")[0]]
    except ValueError:
        return True


def ask(s, commands, pause, counts, me):
    """Until the process ends."""
    for command in itertools.cycle(commands):
        try:
            s.send(command.encode())
            answer = s.recv(1 << 20)
        except socket.timeout:
            return print("wrong: no answer to %s in %d s" % (command, PATIENCE))
        except OSError:
            answer = b""
        if not answer:
            return None
        if is_wrong(command, answer):
            print("wrong: %s is answered by %s" % (command, answer[:200]))
        counts[me] += 1
        time.sleep(pause)


def main():
    os.nice(19)
    n, pause = (N_HARD, 0) if "hard" in sys.argv[2:] else (1, PAUSE)
    counts, clients = [0] * n, []
    for me in range(n):
        s, _ = connect(SOCKET % sys.argv[1])
        commands = list(questions(s))
        at = me * len(commands) // n            # each begins elsewhere
        clients.append(threading.Thread(target=ask, daemon=True, args=(
            s, commands[at:] + commands[:at], pause, counts, me)))
        clients[-1].start()
    while any(c.is_alive() for c in clients):
        if select.select([0], [], [], 1)[0] and not os.read(0, 4096):
            return
        print("answers %d" % sum(counts), flush=True)


if __name__ == "__main__":
    main()
