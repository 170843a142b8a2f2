# SPDX-License-Identifier: BSD-3-Clause
"""Hugepages of 2 MiB for one run, of a machine that others use too.

    with hugepages.Pool().taken(160) as enough:     # True, or why not
        ...

In:  the kernel's pool, /sys/kernel/mm/hugepages.  Out: enough free pages meanwhile.
     Pages that are free count; the number is raised by what is missing, and at the end
     lowered by what was added, as far as nobody uses it.  It is never set to a number that
     was read before: what others have added since stays.  One run at a time counts (flock on
     the pool's folder, held for a moment only); whoever needs its pages for itself takes
     turns() with others of its kind.

Called by mp_console.py and devtools/lanes.py.
"""
import contextlib
import fcntl
import os

FOLDER = "/sys/kernel/mm/hugepages/hugepages-2048kB"


@contextlib.contextmanager
def locked(path):
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


class Pool:
    def __init__(self, folder=FOLDER):
        self.folder = folder

    def get(self, name):
        with open(os.path.join(self.folder, name + "_hugepages")) as f:
            return int(f.read())

    def set(self, n):
        with open(os.path.join(self.folder, "nr_hugepages"), "w") as f:
            f.write(str(n))

    def available(self):
        """Free, and promised to nobody."""
        return self.get("free") - self.get("resv")

    def turns(self):
        """One at a time is inside, of all who ask for it."""
        return locked(os.path.join(self.folder, "nr_hugepages"))

    @contextlib.contextmanager
    def taken(self, wanted):
        """`wanted` pages are free (True); or what is missing, in words."""
        added, error = self.add(wanted)
        try:
            yield error or True
        finally:
            self.give_back(added)

    def add(self, wanted):
        """(how many pages there are more now, what is wrong or None)"""
        try:
            with locked(self.folder):
                before, free = self.get("nr"), self.available()
                if free >= wanted:
                    return 0, None
                self.set(before + wanted - free)
                added, free = self.get("nr") - before, self.available()
        except OSError as e:
            return 0, "no %d hugepages of 2 MiB: %s" % (wanted, e)
        if free < wanted:
            return added, ("no %d hugepages of 2 MiB: the kernel finds memory for %d only "
                           "(of %d that there are, others use the rest)"
                           % (wanted, free, before + added))
        return added, None

    def give_back(self, added):
        if added:
            with locked(self.folder):
                self.set(self.get("nr") - min(added, max(self.available(), 0)))
