# SPDX-License-Identifier: BSD-3-Clause
"""Nothing that a run has started outlives it, whatever ends the run.

    children.adopt()        at the start: orphans below us become ours, so we can see them
    children.run(...)       what subprocess.run does, but it does not kill when we are ended
    children.end_all()      at the end: those that are left are asked to end, then made to

Also ends what a child's child has left behind (a test that was killed, say).  Called by
devtools/lanes.py and devtools/fresh; app/test/children_test.py tests it.
"""
import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 30           # seconds, to end on request: hugepages are given back, systems removed


def adopt():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_by_signal(name):
    """SIGTERM and SIGHUP end us as Ctrl-C does: by way of every `finally`."""
    for number in signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, lambda n, _: sys.exit("%s: %s" % (name, signal.Signals(n).name)))


def run(*cmd, **options):
    """(exit status, what it has said).  subprocess.run would not let it end in order."""
    p = subprocess.Popen(cmd, text=True, errors="replace", **options)
    said, _ = p.communicate()
    return p.returncode, said


def seconds():
    """Processor time of all that has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def below(top):
    """Processes under `top`, at any depth, that have not ended."""
    children = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open("/proc/%s/stat" % pid) as f:
            state, parent = f.read().rpartition(")")[2].split()[:2]
            if state not in "ZX":
                children.setdefault(int(parent), []).append(int(pid))
    found, todo = [], [top]
    while todo:
        more = children.get(todo.pop(), [])
        found += more
        todo += more
    return found


def end_all(patience=PATIENCE):
    """Those that do not end when they are asked are killed."""
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, signal.SIG_IGN)           # once is enough
    asked, begin = set(), time.monotonic()
    while left := below(os.getpid()):
        for pid in left:
            with contextlib.suppress(OSError):
                if time.monotonic() > begin + patience:
                    os.kill(pid, signal.SIGKILL)
                elif pid not in asked:
                    os.kill(pid, signal.SIGTERM)
                    os.kill(pid, signal.SIGCONT)        # one that is stopped hears nothing
                    asked.add(pid)
        reap()
        time.sleep(0.05)
    reap()


def reap():
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
