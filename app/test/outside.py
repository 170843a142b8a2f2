#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A bus that is none of ours, compiled against what is installed, gets all that PCI gets.

usage: outside.py BUILD SDK CC...

In:  a build folder, which is installed into a scratch folder; DPDK's driver headers (""
     where they are installed with DPDK).  Out: TAP, of app/test/outside/main.c.
"""
import glob
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD, SDK, CC = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3:]


def run(*cmd, **options):
    """What it says; ends the test where it fails."""
    p = subprocess.run(cmd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if p.returncode:
        print("Bail out! exit status %d of %s\n%s" % (p.returncode, " ".join(cmd), p.stdout))
        sys.exit(1)
    return p.stdout


def install(folder):
    """Into the folder; where its pkg-config files then are, which say so."""
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", folder,
        "--tags", "devel,runtime")
    found = glob.glob(folder + "/**/libdpdk-hotplug.pc", recursive=True)
    where = os.path.dirname(found[0])
    for path in glob.glob(where + "/*.pc"):
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(text.replace("prefix=", "prefix=" + folder, 1))
    return where


def main():
    with tempfile.TemporaryDirectory() as folder:
        where = install(folder)
        path = where + ":" + os.environ.get("PKG_CONFIG_PATH", "")
        flags = run("pkg-config", "--cflags", "--libs", "libdpdk-hotplug",
                    env=dict(os.environ, PKG_CONFIG_PATH=path)).split()
        libdir = run("pkg-config", "--variable=libdir", "libdpdk").strip()
        run(*CC, "-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE",
            "-DALLOW_EXPERIMENTAL_API", "-DALLOW_INTERNAL_API", "-o", folder + "/outside",
            *glob.glob(HERE + "/outside/*.c"), *(["-isystem", SDK] if SDK else []), *flags,
            "-L" + libdir, "-lrte_bus_vdev")
        prefix = "hp-outside-%d" % os.getpid()
        libraries = os.path.dirname(where) + ":" + os.environ.get("LD_LIBRARY_PATH", "")
        p = subprocess.run([folder + "/outside", "--no-pci", "--no-huge", "-m", "64", "-l", "0",
                            "--file-prefix", prefix, "--log-level=lib.eal:error"],
                           text=True, stdout=subprocess.PIPE, timeout=100,
                           env=dict(os.environ, LD_LIBRARY_PATH=libraries.rstrip(":")))
        print(p.stdout, end="")
        subprocess.run(["rm", "-rf", "/var/run/dpdk/" + prefix], check=False)
        return p.returncode


if __name__ == "__main__":
    sys.exit(main())
