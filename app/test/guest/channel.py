# SPDX-License-Identifier: BSD-3-Clause
"""How the host talks to QEMU (QMP) and to the agent in the guest; lab errors.

Both speak JSON, an object per line, over a unix socket.  Called by guest.py.
"""
import json
import select
import socket
import time


class LabError(Exception):
    """The lab itself failed: no result, to be tried again on a new guest."""


class Held(LabError):
    """The kernel is not done with a card: somebody still has it."""


class TooBusy(LabError):
    """This machine was too busy to measure; the guest itself is fine."""


class Channel:
    """Newline separated JSON over a unix socket."""

    def __init__(self, path, is_alive):
        self.buf = b""
        self.s = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + 30
        while True:
            try:
                self.s.connect(path)
                return
            except OSError as e:
                if not is_alive() or time.monotonic() > end:
                    raise LabError("QEMU does not start: %s" % e)
                time.sleep(0.05)

    def send(self, obj):
        try:
            self.s.sendall((json.dumps(obj) + "\n").encode())
        except OSError as e:
            raise LabError("QEMU died: %s" % e)

    def receive(self, timeout):
        """The next object, or None when none came in time."""
        end = time.monotonic() + timeout
        while b"\n" not in self.buf:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.s], [], [], left)[0]:
                return None
            try:
                b = self.s.recv(65536)
            except OSError:
                b = b""
            if not b:
                raise LabError("QEMU died")
            self.buf += b
        line, self.buf = self.buf.split(b"\n", 1)
        return json.loads(line)
