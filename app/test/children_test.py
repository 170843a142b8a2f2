#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""children.py: what a run has started is gone when it has ended.   children_test.py DEVTOOLS"""
import os
import signal
import subprocess
import sys
import time

import mp_console

DEVTOOLS = sys.argv[1]
# It starts `what`, says so, and waits for it; Ctrl-C, or a signal, comes meanwhile.
RUN = """
import sys
sys.path.insert(0, %r)
import children
children.adopt()
children.end_by_signal("run")
try:
    children.run("sh", "-c", sys.argv[1])
finally:
    children.end_all(patience=float(sys.argv[2]))
"""
MARK = "children-test-%d" % os.getpid()


def marked():
    """Processes whose environment has this run's mark, but for ours."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % pid, "rb") as f:
                if b"MARK=" + MARK.encode() in f.read().split(b"\0"):
                    found.append(int(pid))
        except OSError:
            pass
    return found


def ends(what, n, number, patience=20.0):
    """Seconds that it takes; `n` processes were there, none is left."""
    p = subprocess.Popen([sys.executable, "-c", RUN % DEVTOOLS, what, str(patience)],
                         env=dict(os.environ, MARK=MARK), stderr=subprocess.DEVNULL)
    end = time.monotonic() + 20
    while len(marked()) < n:
        assert time.monotonic() < end, "only %s" % marked()
        time.sleep(0.02)
    begin = time.monotonic()
    p.send_signal(number)
    p.wait(60)
    left = marked()
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left, "%d are left" % len(left)
    return time.monotonic() - begin


def test_grandchildren_end():
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        ends("sleep 1000 & sleep 1000; true", 4, number)


def test_orphans_end():
    ends("(sleep 1000 &); (setsid sleep 1000 &); sleep 1000; true", 5, signal.SIGTERM)


def test_stopped_ones_end():
    ends("sh -c 'kill -STOP $$; true' & sleep 1000; true", 4, signal.SIGTERM)


def test_who_does_not_listen_is_killed():
    ends("trap '' TERM; while :; do sleep 0.1; done", 2, signal.SIGTERM, patience=0.5)


def test_they_are_given_time():
    """What one does at its end is done: mounts, hugepages."""
    path = "/tmp/" + MARK
    try:
        ends("trap 'sleep 1; touch %s; exit' TERM; while :; do sleep 0.1; done" % path, 2,
             signal.SIGTERM)
        assert os.path.exists(path), "it was killed before"
    finally:
        if os.path.exists(path):
            os.unlink(path)


sys.exit(mp_console.main([f for name, f in sorted(globals().items()) if name.startswith("test_")]))
