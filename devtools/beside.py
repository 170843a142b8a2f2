# SPDX-License-Identifier: BSD-3-Clause
"""Lanes of the check that run beside each other: two at a time, or behind others.

In:  their names, in the order in which they begin, and what one of them does: it prints,
     and returns what can be said as JSON.
Out: (name, what it has said, what it has returned or None, its seconds, its seconds of
     processors) of each, when it has ended.
Each is a process of its own, so its words go to a file and no other's come between, and the
kernel counts its processor time.  Who is interrupted ends them (children.end_all), and tells
what they had to say until then (left).
Called by devtools/lanes.py.
"""
import contextlib
import json
import os
import sys
import tempfile
import time

SEATS = 2


def stand_back():
    """Whoever else wants a processor has it at once.  In a session of our own: the scheduler weighs
    sessions against each other (sched(7), autogroup), and processes within one."""
    os.setsid()
    weigh(os.SCHED_IDLE, 19)


def come_forward():
    weigh(os.SCHED_OTHER, 0)


def weigh(policy, nice):
    os.sched_setscheduler(0, policy, os.sched_param(0))
    with contextlib.suppress(OSError), open("/proc/self/autogroup", "w") as f:
        f.write(str(nice))


class Beside:
    def __init__(self, do):
        """do(name) -> what it returns; called in the lane's own process."""
        self.do, self.running = do, {}          # by process id: name, its words, answer, begin

    def begin(self, name):
        words, answer = (tempfile.TemporaryFile("w+", errors="replace") for _ in range(2))
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            self.live(name, words, answer)
        self.running[pid] = name, words, answer, time.monotonic()

    def live(self, name, words, answer):
        """The process; never returns."""
        status = 1
        try:
            os.dup2(words.fileno(), 1)
            os.dup2(words.fileno(), 2)
            sys.stdout = os.fdopen(os.dup(1), "w", buffering=1)
            begin = time.monotonic()            # nobody may look when it ends
            json.dump([self.do(name), time.monotonic() - begin], answer)
            answer.flush()
            status = 0
        except BaseException as e:              # nobody above us is there to tell it
            print("%s: %s" % (type(e).__name__, e))
        finally:
            sys.stdout.flush()
            os._exit(status)

    def end(self):
        """Waits for the next one that ends.  What it leaves behind comes to us, and goes, too."""
        while True:
            pid, status, used = os.wait4(-1, 0)
            if pid in self.running:
                break
        name, words, answer, begin = self.running.pop(pid)
        text = said(answer) if status == 0 else ""
        counts, seconds = json.loads(text) if text else (None, time.monotonic() - begin)
        return name, said(words), counts, seconds, used.ru_utime + used.ru_stime

    def left(self):
        """(name, what it has said) of those that have not ended."""
        return [(name, said(words)) for name, words, _, _ in self.running.values()]

    def run(self, names):
        waiting = list(names)
        while waiting or self.running:
            while waiting and len(self.running) < SEATS:
                self.begin(waiting.pop(0))
            yield self.end()


def said(file):
    file.seek(0)
    return file.read()
