#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What each lane of the check calls on the machine, and whether it is there.

    needs.py [--all] [LANE...]      a line for each thing that is missing; status 1 if any is

In:  NEEDS, a word for each thing, separated by spaces:
         NAME                 a program
         c:HEADER             a header that the compiler finds
         pc:NAME              a library that pkg-config finds
         static:NAME          one whose archives link, with all that pkg-config says
         python:MODULE        a module of Python's
         /PATH                a file
     ALL_NEEDS: the same, of `--all` only.
A lane is not begun when something is missing (devtools/lanes.py), and devtools/fresh
strikes each package from devtools/setup's list to see that this table misses it: what a
lane calls anew is entered here, or a clean machine fails with a traceback.
"""
import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "app/test"))
import promtool                                                         # noqa: E402

GUEST = ("qemu-system-x86_64 /usr/share/seabios/bios-256k.bin busybox cpio gzip modprobe "
         "depmod xz dpdk-testpmd")
MODULE = "make gcc"
NEEDS = {
    "build": "meson ninja cc gcc make nm pkg-config pc:libdpdk pc:libudev pc:cmocka pc:umockdev-1.0 "
             "c:numa.h c:stdio.h",
    "fast": "umockdev-wrapper promtool doxygen dot mandoc man groff objdump nm readelf "
            "static:libdpdk dpdk-testpmd python:yaml gcc g++ clang clang++",
    "sanitize": "",
    "mp": "ip unshare mount dpdk-testpmd dpdk-telemetry.py dpdk-proc-info",
    "guest": GUEST + " setpci",
    "module": GUEST + " setpci sparse " + MODULE,
    "analysis": "cppcheck gcc",
    "bench": "valgrind gnuplot",
    "doc": "git codespell",
    "abi": "abidw abidiff git",
    "package": "",
    "fresh": "mmdebstrap unshare git /usr/share/keyrings/debian-archive-keyring.gpg",
}
ALL_NEEDS = {
    # zstd: for kernels whose modules are packed so (kernel.py)
    "guest": "zstd rsvg-convert /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "analysis": "clang-tidy scan-build valgrind",
    "module": "perl xz",
    "package": "mmdebstrap unshare git",
}


def program(name):
    if name == "promtool":                          # devtools/setup may have it in its cache
        return os.path.exists(promtool.path())
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def said_yes(*cmd, text=None):
    try:
        return subprocess.run(cmd, input=text, text=True, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def links_statically(name):
    with tempfile.TemporaryDirectory() as d:
        return said_yes("sh", "-c", "cc -x c - -o %s/out $(pkg-config --static --cflags --libs %s)"
                        % (d, name), text="int main(void) { return 0; }\n")


KINDS = {"c": lambda x: said_yes("cc", "-fsyntax-only", "-x", "c", "-", text="#include <%s>\n" % x),
         "pc": lambda x: said_yes("pkg-config", "--exists", x),
         "static": links_statically,
         "python": importlib.util.find_spec}
NAMES = {"c": "header %s", "pc": "library %s for pkg-config", "static": "archive of %s that links",
         "python": "module %s for Python"}


def is_there(need):
    if need.startswith("/"):
        return os.path.exists(need)
    kind, _, name = need.rpartition(":")
    return KINDS[kind](name) if kind else program(name)


def name(need):
    kind, _, what = need.rpartition(":")
    return NAMES[kind] % what if kind else need


def missing(lane, is_all=False):
    """The names of what is not there."""
    words = NEEDS[lane] + " " + (ALL_NEEDS.get(lane, "") if is_all else "")
    return [name(n) for n in dict.fromkeys(words.split()) if not is_there(n)]


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    ap.add_argument("--all", action="store_true", help="also what `check --all` calls")
    ap.add_argument("lane", nargs="*", choices=[[], *NEEDS])
    o = ap.parse_args()
    bad = {lane: missing(lane, o.all) for lane in o.lane or NEEDS}
    for lane, names in bad.items():
        for n in names:
            print("lane %s: no %s" % (lane, n))
    return any(bad.values())


if __name__ == "__main__":
    sys.exit(main())
