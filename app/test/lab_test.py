#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The guest lab's own promises, without a guest: app/test/guest/.

usage: lab_test.py

Two labs on a machine do not meet; a card is put back into a slot that is at rest.
In:  the lab's modules, with guests of ours in the place of QEMU's.  Out: TAP.
"""
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import types

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
os.environ["QEMU"] = "true"
sys.path.insert(0, os.path.join(HERE, "guest"))

import guest                        # noqa: E402
import wire                         # noqa: E402


def test_a_path_with_a_space_is_one_word(root):
    asked = {}
    g = types.SimpleNamespace(ask=lambda **q: asked.update(q))
    program = os.path.join(root, "a folder", "print it")
    os.makedirs(os.path.dirname(program))
    with open(program, "w") as f:
        f.write('#!/bin/sh\nprintf "%s|" "$X" "$@"')
    os.chmod(program, 0o755)
    guest.Guest.spawn(g, "name", program, "a b", "$(c)", "d'e", X="y z")
    said = subprocess.run(["/bin/sh", "-c", "exec " + asked["cmd"]], stdout=subprocess.PIPE)
    assert said.stdout == b"y z|a b|$(c)|d'e|", said.stdout
    assert shlex.split(asked["cmd"])[2] == program, asked["cmd"]


def bind(port, shared=False):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, shared)
    s.settimeout(5)
    s.bind(("127.0.0.1", port))
    return s


def test_a_port_for_qemu_is_kept_until_it_has_it(root):
    w = wire.Wire()
    try:
        bind(w.remote).close()
        assert False, "anybody could have taken it"
    except OSError:
        pass
    with bind(w.remote, shared=True) as qemu:       # as QEMU binds
        w.hand_over()
        w.send()
        assert qemu.recv(2048) == wire.FRAME, "not the frame that was sent"
    w.sock.close()


class Slot:
    """A guest whose slot is in these conditions, one after the other."""

    def __init__(self, *conditions, plugged=False, bdf=None, hotplug="pciehp"):
        self.boot = guest.Boot(hotplug=hotplug)
        self.conditions, self.done, self.plugged, self.address = list(conditions), [], plugged, bdf

    def ask(self, op, port):
        is_off, is_idle = self.conditions.pop(0) if len(self.conditions) > 1 else self.conditions[0]
        self.done.append((is_off, is_idle))
        return dict(is_off=is_off, is_idle=is_idle, control=0, states=[])

    def cmd(self, name, **_):
        self.done.append(name)

    def sh(self, command):
        self.done.append(command.split("/")[-1])

    def port(self, _):
        return "0000:00:11.0"

    def nic(self, _):
        return {}

    def is_plugged(self, _):
        return self.plugged

    def bdf(self, _):
        return self.address

    plug, wait_rest = guest.Guest.plug, guest.Guest.wait_rest
    expect = guest.Guest.expect


def test_a_card_is_put_back_when_its_slot_is_at_rest(root):
    on, off, rest = (False, True), (True, False), (True, True)
    slot = Slot(on, (False, False), off, rest)
    assert slot.plug(1), "not put back"
    assert slot.done == [on, (False, False), off, rest, "device_add"], slot.done
    slot = Slot(on)
    try:
        slot.wait_rest(1, timeout=0)
        assert False, "a slot that never rests"
    except guest.LabError as e:
        assert "slot 1 does not come to rest" in str(e), e


def test_a_card_that_the_kernel_forgot_is_found_again(root):
    slot = Slot(plugged=True)
    assert slot.plug(1) and slot.done == ["rescan"], slot.done
    slot = Slot(plugged=True, bdf="0000:01:00.0")
    assert slot.plug(1) is None and not slot.done, "it was there: %s" % slot.done


def main():
    tests = [(n[5:], f) for n, f in sorted(globals().items()) if n.startswith("test_")]
    print("1..%d" % len(tests))
    failed = 0
    for n, (name, test) in enumerate(tests, 1):
        root = tempfile.mkdtemp(prefix="lab-test-")
        try:
            test(root)
            print("ok %d - %s" % (n, name))
        except AssertionError as e:
            failed += 1
            print("not ok %d - %s # %s" % (n, name, str(e).replace("\n", " | ")))
        finally:
            shutil.rmtree(root)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
