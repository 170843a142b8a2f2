#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Processes that are stopped, killed, late or strange while devices come and go: the
outcome is right everywhere, and nobody waits longer than his deadline.

usage: mp_faults.py HOTPLUG_MP

In:  the console.  Out: TAP; the times are printed.
"""
import glob
import os
import re
import shutil
import socket
import subprocess
import sys
import time

import mp_console

mp_console.own_namespaces()
PROGRAM = os.path.abspath(sys.argv[1])


def group(n=2, **more):
    return mp_console.Group(PROGRAM, FOLDER, n, **more)


def timed(call, *args):
    """(what it returned, seconds)"""
    begin = time.monotonic()
    result = call(*args)
    return result, time.monotonic() - begin


def blames(reason, console):
    return reason is not None and reason.startswith("process %d: " % console.pid)


def pmds():
    """The folder that EAL loads drivers from (RTE_EAL_PMD_PATH), beside its library."""
    needs = subprocess.run(["ldd", PROGRAM], text=True, capture_output=True, check=True).stdout
    eal, abi = re.search(r"librte_eal\.so\.(\d+) => (\S+)", needs).group(2, 1)
    folder, = glob.glob(os.path.join(os.path.dirname(eal), "dpdk/pmds-%s.*" % abi))
    return folder


def works(g):
    """Attach and detach do, from everybody."""
    there = g.live()[0].ports()
    for console in g.live():
        reason = console.attach("net_null9")
        assert reason is None, reason
        g.agree([*there, "net_null9"])
        assert console.detach("net_null9") is None
        g.agree(there)


def test_stopped_secondary_costs_its_deadline_and_no_port():
    """Stock: 10 s each, and the repeated attach destroys the port everywhere."""
    with group() as g:
        assert g.all[0].attach("net_null0") is None
        g.all[2].stop()
        for console in g.all[:2]:
            reason, seconds = timed(console.attach, "net_null0")
            assert reason.endswith("attached already") and seconds < 0.5, (reason, seconds)
            reason, seconds = timed(console.attach, "net_null1")
            print("# attach beside a stopped secondary: %.3f s" % seconds)
            assert blames(reason, g.all[2]) and seconds < 1.5, (reason, seconds)
            assert reason.endswith("it does not answer"), reason
            assert list(console.ports()) == ["net_null0"]
            reason, seconds = timed(console.detach, "net_null0")
            print("# detach beside a stopped secondary: %.3f s" % seconds)
            assert blames(reason, g.all[2]) and seconds < 1.5, (reason, seconds)
            assert list(console.ports()) == ["net_null0"]
        g.all[2].cont()
        g.agree(["net_null0"])
        works(g)


def test_stopped_secondary_catches_up_by_option():
    with group(options="sync_late=on,sync_deadline_ms=300") as g:
        g.all[2].stop()
        reason, seconds = timed(g.all[1].attach, "net_null0")
        assert reason is None and 0.25 < seconds < 1, (reason, seconds)
        g.all[2].cont()
        g.agree(["net_null0"])
        works(g)


def test_killed_secondary_costs_nothing():
    with group(3) as g:
        g.all[3].kill()
        reason, seconds = timed(g.all[0].attach, "net_null0")
        assert reason is None and seconds < 0.5, (reason, seconds)
        g.all[2].kill()
        reason, seconds = timed(g.all[1].detach, "net_null0")
        assert reason is None and seconds < 0.5, (reason, seconds)
        works(g)


def test_secondary_killed_while_it_is_waited_for():
    with group() as g:
        for command in "attach net_null0", "detach net_null0":
            victim = g.start("victim")
            victim.stop()
            g.all[0].send(command)
            time.sleep(0.2)
            begin = time.monotonic()
            victim.kill()
            text = g.all[0].until_prompt()
            assert "failed" not in text and time.monotonic() - begin < 0.5, text
            g.agree(["net_null0"] if "attach" in command else [])


def test_secondary_ends_at_any_moment():
    """Killed, and gone by itself, while others attach and detach."""
    with group() as g:
        for i in range(12):
            victim = g.start("victim")
            g.all[i % 2].send("attach net_null0")
            time.sleep(0.0003 * i)
            if i % 3 == 2:
                assert victim.quit() == 0
            else:
                victim.kill()
            assert "failed" not in g.all[i % 2].until_prompt()
            g.agree(["net_null0"])
            assert g.all[1].detach("net_null0") is None
            g.agree([])


def test_secondary_quits_while_devices_come_and_go():
    """EAL frees its devices at the end, and was asked for one at the same time."""
    with group(1) as g:
        for i in range(4):
            assert g.all[0].attach("net_null%d" % i) is None
        for i in range(24):
            victim = g.start("victim")
            for word in "attach", "detach", "attach", "detach":
                g.all[0].send(word + " net_null7")
            time.sleep(0.0005 * i)
            assert victim.quit() == 0
            for _ in range(4):
                g.all[0].until_prompt()


def test_requester_killed():
    with group(3) as g:
        g.all[3].stop()
        g.all[1].send("attach net_null0")
        time.sleep(0.2)
        g.all[1].kill()
        g.all[3].cont()
        g.agree(["net_null0"])          # it was on its way, and nobody said no
        assert g.all[2].detach("net_null0") is None
        works(g)


def test_killed_primary_is_said():
    with group() as g:
        assert g.all[1].attach("net_null0") is None
        g.all[2].stop()
        g.all[1].send("attach net_null1")
        time.sleep(0.2)
        g.all[0].kill()
        begin = time.monotonic()
        text = g.all[1].until_prompt()
        assert "the primary process has ended" in text, text
        assert time.monotonic() - begin < 0.5
        reason, seconds = timed(g.all[1].detach, "net_null0")
        assert reason.endswith("the primary process has ended") and seconds < 0.5, reason


def test_stopped_primary_is_said_and_nothing_comes_later():
    with group(options="sync_deadline_ms=300") as g:
        g.all[0].stop()
        reason, seconds = timed(g.all[1].attach, "net_null0")
        assert reason.endswith("the primary process does not answer"), reason
        assert seconds < 1.5, seconds
        g.all[0].cont()
        time.sleep(0.3)
        g.agree([])
        works(g)


def test_secondary_without_the_driver():
    """It is named, and the port is gone again everywhere else."""
    few = FOLDER + "/pmds"
    shutil.copytree(pmds(), few, ignore=shutil.ignore_patterns("librte_net_null*"), symlinks=True)
    wrapper = FOLDER + "/without"
    with open(wrapper, "w") as f:
        f.write('#!/bin/sh\nmount --bind %s %s\nexec %s "$@"\n' % (few, pmds(), PROGRAM))
    os.chmod(wrapper, 0o755)
    with group() as g:
        g.program = "unshare"
        poor = g.start("poor", wrap=["--mount", wrapper])
        for console in g.all[:2]:
            reason = console.attach("net_null0")
            assert blames(reason, poor) and reason.endswith("no driver takes it there"), reason
            g.agree([])
        assert g.all[1].attach("net_ring0") is None
        g.agree(["net_ring0"])


def test_sixteen_secondaries():
    with group(16) as g:
        for console in g.all[0], g.all[16], g.all[7]:
            reason, up = timed(console.attach, "net_null0")
            assert reason is None, reason
            g.agree(["net_null0"])
            reason, down = timed(console.detach, "net_null0")
            assert reason is None, reason
            g.agree([])
            print("# 16 secondaries: attach %.1f ms, detach %.1f ms" % (up * 1e3, down * 1e3))


def test_secondary_that_joins_meanwhile():
    """At any moment of its start, from the first to the last."""
    with group(1) as g:
        for i in range(8):
            joiner = g.start("joiner", wait=False)
            for k in range(6):
                time.sleep(0.01 * i)
                reason = g.all[k % 2].attach("net_null%d" % k)
                assert reason is None, reason
                if k % 2:
                    reason = g.all[0].detach("net_null%d" % k)
                    assert reason is None, reason
            joiner.until_prompt()
            g.agree(["net_null0", "net_null2", "net_null4"])
            for k in 0, 2, 4:
                reason = joiner.detach("net_null%d" % k)
                assert reason is None, reason
            g.agree([])
            status = joiner.quit()
            assert status == 0, "exit status %d" % status


def test_two_at_the_same_moment():
    """Stock: one of them fails in 5 rounds of 6."""
    with group() as g:
        for i in range(100):
            a, b = g.all[i % 3], g.all[(i + 1) % 3]
            for command in "attach", "detach":
                a.send(command + " net_null0")
                b.send(command + " net_null1")
                text = a.until_prompt() + b.until_prompt()
                assert "failed" not in text, text
                g.agree(["net_null0", "net_null1"] if command == "attach" else [])
            for command in "attach", "detach":
                a.send(command + " net_null2")
                b.send(command + " net_null2")
                text = a.until_prompt() + b.until_prompt()
                assert text.count("failed to") == 1, text
                g.agree(["net_null2"] if command == "attach" else [])


def test_probe_that_never_returns():
    """net_virtio_user as a server waits for its client, for ever."""
    path = FOLDER + "/never"
    with group(options="sync_probe_ms=500") as g:
        assert g.all[0].attach("net_null0") is None
        reason, seconds = timed(g.all[1].attach, "net_virtio_user0,path=%s,server=1" % path)
        assert reason.endswith("its driver's probe does not return"), reason
        assert seconds < 1.5, seconds
        g.agree(["net_null0"])
        reason, seconds = timed(g.all[2].attach, "net_null1")
        assert reason.endswith("still at work on another device") and seconds < 1, reason
        g.agree(["net_null0"])
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            while len(client.recv(4096, socket.MSG_PEEK)) < 24:
                time.sleep(0.01)        # it has asked, and is told nothing: an error
        time.sleep(0.3)
        works(g)


def test_process_without_the_library_is_named():
    with group(1, options="sync_deadline_ms=300") as g:
        stranger = g.start("stranger", options="sync=off")
        for console in g.all[:2]:
            reason, seconds = timed(console.attach, "net_null0")
            assert "process %d has not enabled dpdk-hotplug" % stranger.pid in reason, reason
            assert seconds < 1, seconds
        stranger.kill()
        g.all.remove(stranger)
        works(g)


def test_process_without_the_library_can_be_ignored():
    with group(1, options="sync_ignore_strangers=on") as g:
        g.start("stranger", options="sync=off")
        assert g.all[1].attach("net_null0") is None
        assert "net_null0" in g.all[0].ports() and "net_null0" in g.all[1].ports()
        assert "net_null0" not in g.all[2].ports()


def test_process_without_the_library_can_be_told():
    with group(1, options="sync_tell_strangers=on") as g:
        g.start("stranger", options="sync=off")
        for _ in range(3):
            for a, d in (0, 1), (1, 0):
                assert g.all[a].attach("net_null0,size=128") is None
                g.agree(["net_null0"])
                assert g.all[d].attach("net_null0").endswith("attached already")
                assert g.all[d].detach("net_null0") is None
                g.agree([])
        assert g.all[1].attach("net_null0,nonsense=1") is not None
        g.agree([])


def test_memory_that_may_grow_is_said():
    """EAL's own messages about it know no deadline but 5 s."""
    fixed, legacy = ["--socket-mem=64", "--socket-limit=64"], ["--legacy-mem", "-m", "64"]
    for memory, is_said in (("-m", "64"), True), (fixed, False), (legacy, False):
        with group(0, memory=memory) as g:
            text = g.start("secondary", wait=False).until_prompt()
            assert ("the primary's memory may grow" in text) == is_said, text


def test_process_that_is_alone_works_alone():
    for alone in ["--in-memory"], ["--no-huge", "--no-shconf"]:
        with group(0) as g:
            console = g.start("alone", "-m", "64", *alone)
            assert console.attach("net_null0") is None
            assert list(console.ports()) == ["net_null0"]
            assert g.all[0].ports() == {}
            assert console.detach("net_null0") is None
            console.quit()


with mp_console.place() as FOLDER:
    sys.exit(mp_console.main([v for k, v in list(globals().items()) if k.startswith("test_") and
                              (len(sys.argv) < 3 or sys.argv[2] in k)]))
