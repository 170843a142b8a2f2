# SPDX-License-Identifier: BSD-3-Clause
"""In the guest: what igb_uio answers to bad input.  bad_input.py BDF

Prints name=ERRNO or name=ok for each attempt, and end=ok.
"""
import errno
import glob
import mmap
import os
import struct
import sys

BDF = sys.argv[1]
DEV = "/sys/bus/pci/devices/%s/" % BDF
BIND = "/sys/bus/pci/drivers/igb_uio/bind"


def attempt(name, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
        print(name + "=ok")
    except OSError as e:
        print("%s=%s" % (name, errno.errorcode.get(e.errno, e.errno)))


def put(path, text):
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def bridge():
    """A root port that nobody drives: our driver must not take it either."""
    port = os.path.basename(os.path.dirname(os.path.realpath(DEV)))
    pcieport = "/sys/bus/pci/drivers/pcieport/"
    path = "/sys/bus/pci/devices/%s/" % port
    put(pcieport + "unbind", port)
    put(path + "driver_override", "igb_uio")
    try:
        put(BIND, port)
    finally:
        put(path + "driver_override", "\n")
        put(pcieport + "bind", port)


def main():
    node = "/dev/" + os.path.basename(glob.glob(DEV + "uio/uio*")[0])
    fd = os.open(node, os.O_RDWR | os.O_NONBLOCK)
    page = mmap.PAGESIZE
    sizes = [int(open(p).read(), 16) for p in sorted(glob.glob(DEV + "uio/*/maps/map*/size"))]
    for n in (1, 2, 8):
        attempt("write_%d" % n, os.write, fd, bytes(n))
    attempt("write_minus", os.write, fd, struct.pack("i", -1))
    attempt("write_0", os.write, fd, struct.pack("i", 0))
    attempt("write_on", os.write, fd, struct.pack("i", 1))
    attempt("read_1", os.read, fd, 1)
    attempt("read_8", os.read, fd, 8)
    attempt("map", mmap.mmap, fd, sizes[0])
    attempt("map_index", mmap.mmap, fd, page, offset=len(sizes) * page)
    attempt("map_beyond", mmap.mmap, fd, sizes[0] + page)
    attempt("map_private", mmap.mmap, fd, page, flags=mmap.MAP_PRIVATE)
    os.close(fd)
    for name, text in (("word", "many"), ("minus", "-1"), ("many", "65536"), ("1", "1")):
        attempt("max_vfs_" + name, put, DEV + "max_vfs", text)
    attempt("state_write", put, DEV + "igb_uio/state", "probed")
    attempt("bind_bridge", bridge)
    print("end=ok")


main()
