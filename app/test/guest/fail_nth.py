# SPDX-License-Identifier: BSD-3-Clause
"""In the guest, on the debug kernel: let every allocation of a step fail once.

fail_nth.py BDF bind|unbind|open|mmap: prints failed=N tried=N end, where
`failed` counts the attempts that were refused.  After each the device must
still be usable: the step is repeated without a failure.
"""
import glob
import mmap
import os
import subprocess
import sys

BDF, STEP = sys.argv[1:]
DEV = "/sys/bus/pci/devices/%s/" % BDF
DRIVER = "/sys/bus/pci/drivers/igb_uio/"
MOST = 400


def put(path, text):
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


# Opened once: opening it could be what fails.
NTH = os.open("/proc/self/fail-nth", os.O_RDWR)


def arm(n):
    os.pwrite(NTH, str(n).encode(), 0)


def has_failed():
    """Whether the armed failure has happened; it is disarmed."""
    left = int(os.pread(NTH, 20, 0).strip(b"\0\n ") or 0)
    arm(0)
    return left == 0


def is_bound():
    return os.path.exists(DEV + "driver")


def node():
    return "/dev/" + os.path.basename(glob.glob(DEV + "uio/uio*")[0])


def bind():
    if not is_bound():
        put(DRIVER + "bind", BDF)



def one(n, prepare, step, undo):
    """True, and whether it was refused, when there was an nth allocation."""
    thing = prepare()
    refused = False
    arm(n)
    try:
        thing = step(thing)
    except OSError:
        refused = True
    happened = has_failed()
    undo(thing, refused)
    return happened, refused


def open_for(path, text_is_bind):
    if text_is_bind and is_bound():
        put(DRIVER + "unbind", BDF)
    if not text_is_bind:
        bind()
    return os.open(path, os.O_WRONLY)


def write_bdf(fd):
    try:
        os.write(fd, BDF.encode())
    finally:
        os.close(fd)


STEPS = {
    "bind": (lambda: open_for(DRIVER + "bind", True), write_bdf, lambda t, r: bind()),
    "unbind": (lambda: open_for(DRIVER + "unbind", False), write_bdf, lambda t, r: bind()),
    "open": (node, lambda path: os.open(path, os.O_RDWR),
             lambda t, r: r or os.close(t)),
    "mmap": (lambda: os.open(node(), os.O_RDWR),
             lambda fd: (fd, mmap.mmap(fd, mmap.PAGESIZE)),
             lambda t, r: os.close(t) if r else (t[1].close(), os.close(t[0]))),
}


def aim():
    """At every allocation, also those that could wait."""
    if not os.path.exists("/sys/kernel/debug/failslab"):
        subprocess.run(["mount", "-t", "debugfs", "debugfs", "/sys/kernel/debug"])
    put("/sys/kernel/debug/failslab/ignore-gfp-wait", "N")


def main():
    aim()
    bind()
    failed = 0
    for n in range(1, MOST):
        happened, refused = one(n, *STEPS[STEP])
        failed += refused
        if not happened:
            break
    else:
        sys.exit("no end after %d" % MOST)
    bind()
    print("failed=%d tried=%d end" % (failed, n - 1))


main()
