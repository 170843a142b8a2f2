#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The guest lab's own promises, without a guest: app/test/guest/.

usage: lab_test.py

A run of rows that was ended goes on; what cannot be run is refused before anything boots;
two labs on a machine do not meet; a card is put back into a slot that is at rest; what is
fetched of a process's words, and read out of them.
In:  the lab's modules, with guests of ours in the place of QEMU's.  Out: TAP.
"""
import contextlib
import io
import itertools
import os
import shlex
import socket
import subprocess
import sys
import time
import types

import tap

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
os.environ["QEMU"] = "true"
sys.path.insert(0, os.path.join(HERE, "guest"))

import asker                        # noqa: E402
import guest                        # noqa: E402
import removal                      # noqa: E402
import run                          # noqa: E402
from scenarios import survive       # noqa: E402
import wire                         # noqa: E402
from scenarios.row import Row       # noqa: E402
import testpmd                      # noqa: E402
from testpmd import Failed          # noqa: E402


class NoGuest:
    """What a runner needs of a guest; counts those that were booted."""
    booted, starved = 0, 0.0

    def __init__(self, boot):
        NoGuest.booted += 1
        self.boot, self.boot_s = boot, 0.0
        self.wires = types.SimpleNamespace(feed=lambda *_: None)

    def close(self):
        pass

    def is_stalled(self):
        return False

    def ran(self):
        return 0.0

    def waited(self):
        return {"cpu": NoGuest.starved * time.monotonic()}

    def sh(self, _):
        return ""

    dmesg = console_end = lambda self, n=0: ""


class Rows:
    """A scenario module whose rows do what a test says, and note that they were run."""

    def __init__(self, **deeds):
        self.deeds, self.ran = deeds, []

    def rows(self, full):
        return [Row(name, guest.Boot(), self.do, dict(name=name)) for name in self.deeds]

    def do(self, lab, name):
        self.ran.append(name)
        if self.deeds[name]:
            raise self.deeds[name]


def lab_run(root, rows, *arguments):
    """(exit status, what was printed) of run.py with these rows and no other."""
    os.environ["HOTPLUG_CACHE"] = os.path.join(root, "cache")
    for name in ("cache/kernel/6.1/vmlinuz", "plugin.so"):
        os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
        open(os.path.join(root, name), "a").close()
    run.resume.tree = lambda *_: "this tree"        # in a tarball git knows none
    run.MODULES, run.Guest, run.OUT = ("fake",), NoGuest, os.path.join(root, "out")
    sys.modules["scenarios.fake"] = rows
    sys.argv = ["run.py", "--plugin", os.path.join(root, "plugin.so"), *arguments]
    NoGuest.booted, rows.ran, said = 0, [], io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            status = run.main()
        except (SystemExit, KeyboardInterrupt) as e:
            status = getattr(e, "code", "interrupted")
    return status, said.getvalue()


def last(said):
    return said.splitlines()[-1]


def test_a_run_that_was_ended_goes_on(root):
    rows = Rows(first=None, second=KeyboardInterrupt(), third=None)
    status, said = lab_run(root, rows, "--all")
    assert status == "interrupted" and "ended after 1 passed, 0 failed" in said, said
    rows.deeds["second"] = None
    status, said = lab_run(root, rows, "--all")
    assert rows.ran == ["second", "third"], "ran again: %s" % rows.ran
    assert status == 0 and last(said) == "3 passed, 0 failed", said
    assert "1 of them passed in earlier runs" in said, said


def test_what_failed_is_run_again(root):
    rows = Rows(good=None, bad=Failed("it does not"))
    status, said = lab_run(root, rows, "--all")
    assert status == 1 and last(said) == "1 passed, 1 failed", said
    status, said = lab_run(root, rows, "--all")
    assert rows.ran == ["bad"] and last(said) == "1 passed, 1 failed", said


def test_another_plugin_is_tested_from_the_beginning(root):
    rows = Rows(first=None, second=None)
    lab_run(root, rows, "--all")
    with open(os.path.join(root, "plugin.so"), "w") as f:
        f.write("another")
    lab_run(root, rows, "--all")
    assert rows.ran == ["first", "second"], "taken over: %s" % rows.ran


def test_anew_and_what_is_asked_for_is_run(root):
    rows = Rows(first=None, second=None)
    lab_run(root, rows, "--all")
    for arguments in (("--all", "--anew"), ("--all", "--only", "first|second"), ()):
        lab_run(root, rows, *arguments)
        assert rows.ran == ["first", "second"], "%s: %s" % (arguments, rows.ran)
    lab_run(root, rows, "--all")
    assert rows.ran == [], "run again after a fresh run: %s" % rows.ran


def test_an_error_that_nobody_thought_of_ends_one_row(root):
    rows = Rows(odd=KeyError("x"), good=None)
    status, said = lab_run(root, rows, "--all")
    assert status == 1 and last(said) == "1 passed, 1 failed", said
    assert "KeyError: 'x'" in said, said


def test_a_row_that_failed_on_a_busy_machine_is_tried_again(root):
    for starved, attempts in (0.3, 1), (0.9, run.ATTEMPTS):
        rows = Rows(slow=Failed("not in time"))
        NoGuest.starved = starved
        status, said = lab_run(root, rows)
        assert len(rows.ran) == attempts, "%d attempts: %s" % (len(rows.ran), said)
        assert status == 1 and last(said) == "0 passed, 1 failed", said
    NoGuest.starved = 0.0


def test_what_cannot_be_run_is_refused_by_name(root):
    rows = Rows(row=None)
    for arguments, wanted in ((("--only", "nosuch"), "nosuch"), (("--only", "("), "'('"),
                              (("--kernel", "6.66"), "6.66"), (("--kernel", "sid"), "setup sid"),
                              (("--repeat", "0"), "'0'"), (("--repeat", "two"), "'two'"),
                              (("--root", root + "/none"), root + "/none"), (("--anew",), "--all"),
                              (("--plugin", root + "/no.so"), "no.so")):
        status, said = lab_run(root, rows, *arguments)
        assert status not in (0, None) and wanted in "%s %s" % (status, said), (arguments, said)
        assert NoGuest.booted == 0 and not rows.ran, "%s: a guest was booted" % (arguments,)


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

    def write(self, path, _):
        self.done.append(os.path.basename(path))

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
    except guest.Held as e:
        assert "slot 1 does not come to rest" in str(e), e
    try:
        removal.put_back(Slot(plugged=True, bdf="0000:01:00.0"), [1], "sysfs")
        assert False, "a card that never left was put back"
    except guest.Held as e:
        assert "keeps NIC 1" in str(e), e


def test_a_card_that_the_kernel_forgot_is_found_again(root):
    slot = Slot(plugged=True)
    assert slot.plug(1) and slot.done == ["rescan"], slot.done
    slot = Slot(plugged=True, bdf="0000:01:00.0")
    assert slot.plug(1) is None and not slot.done, "it was there: %s" % slot.done


def test_the_short_list_lacks_no_pair(root):
    """Every two of a row's values meet, but for those of NIC and way."""
    product = [r.args for r in survive.rows(True)]
    few = [r.args for r in survive.rows(False)]
    for a, b in itertools.combinations(("nic", "driver", "way", "hot_plug"), 2):
        wanted, found = ({(r[a], r[b]) for r in rows} for rows in (product, few))
        assert wanted == found or (a, b) == ("nic", "way"), (a, b, wanted - found)
    assert len(few) == 10, [r.name for r in survive.rows(False)]


def test_the_short_list_loads_few_drivers(root):
    """--all, and whoever names a root or a DPDK, has all that are there."""
    rows, boots = Rows(row=None), []
    init = NoGuest.__init__
    NoGuest.__init__ = lambda self, boot: boots.append(boot) or init(self, boot)
    try:
        for arguments in (), ("--all", "--anew"), ("--root", "//"):
            lab_run(root, rows, *arguments)
    finally:
        NoGuest.__init__ = init
    assert [b.drivers for b in boots] == [guest.DRIVERS, None, None], boots


STARTED = """io packet forwarding - ports=3 - cores=2 - streams=3
Logical Core 1 (socket 0) forwards packets on 1 streams:
  RX P=0/Q=0 (socket 0) -> TX P=0/Q=0 (socket 0) peer=02:00:00:00:00:00
Logical Core 2 (socket 0) forwards packets on 2 streams:
  RX P=1/Q=0 (socket 0) -> TX P=1/Q=0 (socket 0) peer=02:00:00:00:00:01
  RX P=2/Q=0 (socket 0) -> TX P=2/Q=0 (socket 0) peer=02:00:00:00:00:02

"""


def test_who_polls_a_card_is_read_from_testpmds_words(root):
    t = types.SimpleNamespace(bdfs=["a", "b", "c"], text=lambda: STARTED)
    for bdf, cpus in ("a", [1]), ("c", [2]), ("nobody's", [1, 2]):
        assert testpmd.Testpmd.pollers(t, bdf) == cpus, bdf
    t.text = lambda: STARTED + STARTED.replace("P=0", "P=4").replace("Core 2", "Core 3")
    assert testpmd.Testpmd.pollers(t, "b") == [1, 2], "three lcores on two CPUs, the last start's"


def test_only_what_is_new_of_an_output_is_fetched(root):
    output, asked = [("one ", 1.0), ("two", 2.0)], []

    def ask(offset, marks, **_):
        asked.append((offset, marks))
        return {"text": "".join(x for x, _ in output)[offset:], "alive": True,
                "marks": [t for _, t in output][marks:]}
    p = types.SimpleNamespace(guest=types.SimpleNamespace(ask=ask), name="p", kept="", marks=[])
    assert testpmd.Process.log(p)["text"] == "one two"
    output.append((" three", 3.0))
    log = testpmd.Process.log(p)
    assert (log["text"], log["marks"]) == ("one two three", [1.0, 2.0, 3.0]), log
    assert asked == [(0, 0), (7, 2)], asked


def test_an_answer_that_is_none_is_found(root):
    for answer, is_wrong in ((b'{"/ethdev/info": null}', False), (b'{"/ethdev/list": []}', True),
                             (b'{"/ethdev/info": {"name": "a"', True), (b"", True)):
        assert asker.is_wrong("/ethdev/info,1", answer) == is_wrong, answer


def main():
    return tap.main(globals())


if __name__ == "__main__":
    sys.exit(main())
