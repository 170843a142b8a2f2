# SPDX-License-Identifier: BSD-3-Clause
"""The other ends of the NICs' cables: sends frames, notes when they come back.

Each NIC of a guest has a wire of its own, a pair of UDP sockets on loopback:
one datagram is one Ethernet frame.  An io-forwarding testpmd in the guest
sends each frame back, so the arrivals on a wire are what its port forwards.
Arrivals carry the time at which the kernel received them, on this machine's
CLOCK_MONOTONIC: they are true even when this process is late.

guest.py owns one Wires per guest; scenarios ask gap(), rate() and last().
"""
import bisect
import os
import select
import socket
import struct
import threading
import time

# Not an IP ethertype: emulated NICs drop IPv4 frames with garbage in them.
FRAME = bytes.fromhex("ffffffffffff" "020000000001" "88b5") + bytes(46)

SO_TIMESTAMPNS = 35     # Linux; the socket module does not name it


class Wire:
    def __init__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.setblocking(False)
        self.local = self.sock.getsockname()[1]
        self.kept = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.kept.bind(("127.0.0.1", 0))
        # From now on QEMU can bind it, too, which shares, and nobody who asks for any port.
        self.kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.remote = self.kept.getsockname()[1]
        self.active, self.sent, self.arrived = False, [], []

    def netdev(self, ident):
        return ("socket,id=%s,udp=127.0.0.1:%d,localaddr=127.0.0.1:%d"
                % (ident, self.local, self.remote))

    def hand_over(self):
        """QEMU has its port: what we send there is for it alone."""
        self.kept.close()

    def send(self):
        try:
            self.sock.sendto(FRAME, ("127.0.0.1", self.remote))
            self.sent.append(time.monotonic())
        except OSError:                             # QEMU is not there (any more)
            pass

    def receive(self):
        """Takes all that has arrived."""
        behind = time.time() - time.monotonic()
        while True:
            try:
                data, anc, _, _ = self.sock.recvmsg(2048, 64)
            except OSError:
                return
            stamp = struct.unpack("qq", anc[0][2][:16])
            self.arrived.append(stamp[0] + stamp[1] / 1e9 - behind)

    # --- what happened in a window of time ------------------------------------
    def gap(self, t0, t1):
        """Longest silence between t0 and t1, in seconds."""
        return longest(self.arrived, t0, t1)

    def sender_gap(self, t0, t1):
        """Longest pause of our own sender: how far gap() can be trusted."""
        return longest(self.sent, t0, t1)

    def count(self, t0, t1):
        return bisect.bisect(self.arrived, t1) - bisect.bisect(self.arrived, t0)

    def first(self, after):
        """When the first frame came after a time, or None."""
        n = bisect.bisect(self.arrived, after)
        return self.arrived[n] if n < len(self.arrived) else None

    def last(self, before=float("inf")):
        """When the last frame came (before a time), or None."""
        n = bisect.bisect(self.arrived, before)
        return self.arrived[n - 1] if n else None

    def rate(self, t0, t1, width):
        """[(middle of a bin, packets per second in it)], bins `width` s wide."""
        n = int(round((t1 - t0) / width))
        return [(t0 + (i + 0.5) * width,
                 self.count(t0 + i * width, t0 + (i + 1) * width) / width)
                for i in range(n)]


def longest(times, t0, t1):
    inside = times[bisect.bisect(times, t0):bisect.bisect(times, t1)]
    marks = [t0] + inside + [t1]
    return max(b - a for a, b in zip(marks, marks[1:]))


class Wires(threading.Thread):
    """All wires of a guest, served by one thread of the highest priority."""

    def __init__(self, numbers, pps):
        super().__init__(daemon=True)
        self.wires = {i: Wire() for i in numbers}
        self.pps, self.stopped = pps, False

    def __getitem__(self, i):
        return self.wires[i]

    def feed(self, *numbers):
        """From now on send on these wires, and on no other."""
        for i, w in self.wires.items():
            w.active = i in numbers

    def hand_over(self):
        for w in self.wires.values():
            w.hand_over()

    def run(self):
        try:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
        except OSError:                     # not root: sender_gap() will tell
            pass
        poll, by_fd = select.epoll(), {}
        for w in self.wires.values():
            poll.register(w.sock, select.EPOLLIN)
            by_fd[w.sock.fileno()] = w
        due = time.monotonic()
        while not self.stopped:
            for fd, _ in poll.poll(max(0.0, due - time.monotonic())):
                by_fd[fd].receive()
            if time.monotonic() >= due:
                for w in self.wires.values():
                    if w.active:
                        w.send()
                due = max(due + 1 / self.pps, time.monotonic() - 0.1)
        poll.close()

    def close(self):
        self.stopped = True
        if self.is_alive():
            self.join()
        for w in self.wires.values():
            w.sock.close()
            w.kept.close()
