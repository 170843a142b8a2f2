#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Each word that dpdk-hotplug status has for a port, a device or a process.

usage: command_words.py COMMAND ASKED PAGE

In:  the command, asked.c, doc/howto/see.md.  Out: TAP: the words that command_test.py does not
bring about, on real processes; and that the page explains every one.
ZOMBIE and CHECKING last as long as a card takes to be looked at, which no mock function does:
what is made of them is tried on what a process would say.
"""
import os
import re
import sys
import types

import command_process as cp
import tap

cp.own_network()
COMMAND, ASKED, PAGE = map(os.path.abspath, sys.argv[1:4])
TOOLS = os.path.join(os.path.dirname(COMMAND), "dpdk_hotplug")
sys.path.insert(0, os.path.dirname(COMMAND))
from dpdk_hotplug import judge                                          # noqa: E402


def wait_for_line(command, prefix, pattern):
    """In what status says, whose exit status is that of an attention."""
    said = ""

    def is_said():
        nonlocal said
        status, said = command.run("status", "-f", prefix)
        return status == 1 and re.search(pattern, said, re.M)
    try:
        cp.wait_for(pattern, is_said)
    except AssertionError as e:
        raise AssertionError("%s in:\n%s" % (e, said)) from e


def on(words, prefix, *patterns, program=ASKED):
    def test(command):
        asked = cp.Asked(command.folder, prefix, program)
        try:
            asked.tell(*words)
            for pattern in patterns:
                wait_for_line(command, prefix, pattern)
            if "hold" in words:
                asked.tell("go")
        finally:
            asked.end()
    return test


def flapping(command):
    """It stays away from its port until the card has stayed."""
    asked = cp.Asked(command.folder, "flap", ASKED)
    try:
        asked.tell("with:policy=heal,flaps=2", "lose")
        command.wait_for("flap", "LOST")
        asked.tell("come")
        command.wait_for("flap", "guarded")
        asked.tell("lose")
        command.wait_for("flap", "LOST")
        asked.tell("come")
        status, port = command.wait_for("flap", "FLAPPING")
        assert status == 1 and "when its card has stayed" in port["text"], port
        command.wait_for("flap", "guarded")
    finally:
        asked.end()


def no_uevents(command):
    """As in a container that has a user namespace of its own."""
    inside = os.path.join(command.folder, "inside")
    with open(inside, "w") as f:
        f.write('#!/bin/sh\nexec unshare --user --map-root-user --net %s "$@"\n' % ASKED)
    os.chmod(inside, 0o755)
    on(["enable"], "inside", r"^  NO UEVENTS$", program=inside)(command)


def checking_and_zombie(_command):
    device = {"state_name": "SUSPECT", "is_cut": 0, "is_guarded": 1, "ports": [0],
              "is_requested": 0, "is_flapping": 0}
    port = {"device": "0000:31:00.0", "is_lost": 0, "is_guarded": 1, "needs_guard": 1}
    process = types.SimpleNamespace(devices={"0000:31:00.0": device}, ports={0: port},
                                    has_library=True, is_enabled=True,
                                    health={"has_monitor": 1, "sigbus": 2, "zombies": 1})
    assert judge.judge_port(process, port).word == "CHECKING"
    assert judge.judge_device(device).word == "CHECKING"
    zombie, = judge.judge_process(process)
    assert zombie.word == "ZOMBIE" and "1 device stopped answering" in zombie.text, zombie
    sentence, status = judge.verdict([process], [])
    assert status == 1 and sentence == "Attention: 2 findings.", sentence


def every_word_is_explained(_command):
    with open(os.path.join(TOOLS, "judge.py")) as f:
        words = set(re.findall(r'Finding\("([^"]+)"', f.read()))
    with open(PAGE) as f:
        explained = set(re.findall(r"`([^`]+)`", "".join(
            re.findall(r"^\| (`.*?) \|", f.read(), re.M))))
    assert len(words) >= 18 and words == explained, words ^ explained


ASKED_FOR = r"^  device   asked0 +ASKED FOR$"
TESTS = {
    "closing": on(["with:policy=heal,stuck_ms=60000", "hold", "lose"], "closing",
                  r"^  port 0   0000:31:00\.0 +closing$"),
    "flapping": flapping,
    "asked for, and held": on(["with:deadline_ms=200", "pull", "ask"], "held", ASKED_FOR,
                              r"^  HELD$", r"asked0: the kernel asks for it for"),
    "another handler of SIGBUS": on(["enable", "usurp"], "bus", r"^  SIGBUS$"),
    "no uevents": no_uevents,
    "checking, and a zombie": checking_and_zombie,
    "every word is explained": every_word_is_explained,
}


def main():
    tests = {"test_" + n: f for n, f in TESTS.items() if len(sys.argv) < 5 or sys.argv[4] in n}
    return tap.main(tests, lambda folder: cp.Command(COMMAND, folder))


if __name__ == "__main__":
    sys.exit(main())
