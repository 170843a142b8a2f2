#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""hugepages.py, on a pool that does what the kernel's does."""
import fcntl
import os
import sys
import tempfile

from hugepages import Pool
import mp_console


class Fake(Pool):
    """`limit`: for so many there is memory; `used` and `resv` are others'."""

    def __init__(self, nr, used=0, resv=0, limit=10000):
        super().__init__(folder)
        self.nr, self.used, self.resv, self.limit = nr, used, resv, limit

    def get(self, name):
        return {"nr": self.nr, "free": self.nr - self.used, "resv": self.resv}[name]

    def set(self, n):
        self.nr = max(min(n, self.limit), self.used)


def same(a, b):
    assert a == b, "%r, not %r" % (a, b)


def test_raises_by_what_is_missing_and_gives_it_back():
    pool = Fake(100, used=40, resv=10)
    with pool.taken(160) as enough:
        same(enough, True)
        same((pool.nr, pool.available()), (210, 160))
    same(pool.nr, 100)


def test_free_ones_are_enough():
    pool = Fake(1024, used=100)
    with pool.taken(512) as enough:
        same((enough, pool.nr), (True, 1024))
    same(pool.nr, 1024)


def test_who_ends_first_leaves_the_others_pages():
    """N7: the number of before was set, under the other's run."""
    pool = Fake(0)
    with pool.taken(512):
        pool.used = 512                     # another run, which finds none free
        with pool.taken(512):
            same(pool.nr, 1024)
            pool.used = 1024
            pool.used = 512                 # the first run's processes are at their end
        same(pool.nr, 512)
        pool.used = 0
    same(pool.nr, 0)


def test_what_somebody_uses_stays():
    pool = Fake(0)
    with pool.taken(512):
        pool.used = 100                     # somebody who lives longer than we
    same((pool.nr, pool.used), (100, 100))


def test_what_others_add_meanwhile_stays():
    pool = Fake(64, used=64)
    with pool.taken(10):
        pool.set(pool.nr + 200)
    same(pool.nr, 264)


def test_too_few_are_told_with_numbers():
    pool = Fake(8, used=8, limit=100)
    with pool.taken(512) as enough:
        assert "no 512 hugepages of 2 MiB" in enough and "92 only" in enough, enough
    same(pool.nr, 8)


def test_given_back_when_interrupted():
    pool = Fake(0)
    try:
        with pool.taken(5):
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    same(pool.nr, 0)


def test_no_pool_is_told():
    with Pool(folder + "/none").taken(5) as enough:
        assert enough.startswith("no 5 hugepages of 2 MiB: "), enough


def test_turns_are_taken():
    path = os.path.join(folder, "nr_hugepages")
    with open(path, "w") as f:
        with Fake(0).turns():
            try:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                raise AssertionError("two at a time")
        fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)


with tempfile.TemporaryDirectory() as folder:
    sys.exit(mp_console.main([f for name, f in sorted(globals().items())
                              if name.startswith("test_")]))
