#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The tools of devtools beside each other, and ended by Ctrl-C at any point.

usage: at_once.py

In:  devtools/driver-sdk, setup's way to a kernel, and check, as they are, in folders where
     what they call is made up.  Out: TAP.  Nothing is installed and nothing is fetched.
"""
import os
import shutil
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True

import tap          # noqa: E402

HEADERS = ("bus_driver.h dev_driver.h bus_pci_driver.h bus_vdev_driver.h ethdev_driver.h "
           "ethdev_pci.h ethdev_vdev.h").split()
VERSION = "22.11.99"


class Place:
    """A checkout with a copy of some tools, a cache, and programs in front of PATH."""

    def __init__(self, folder):
        self.folder = folder
        for name in "checkout/devtools", "bin", "cache", "tree/lib", "tmp":
            os.makedirs(os.path.join(folder, name))

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def take(self, *tools):
        for tool in tools:
            shutil.copy(os.path.join(TOP, "devtools", tool), self.path("checkout/devtools"))

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        os.chmod(self.path(name), 0o755)

    def start(self, *cmd):
        """In a process group of its own, as a shell starts it: what Ctrl-C ends."""
        env = dict(os.environ, PATH=self.path("bin") + ":" + os.environ["PATH"],
                   HOTPLUG_CACHE=self.path("cache"), TMPDIR=self.path("tmp"))
        return subprocess.Popen(cmd, env=env, text=True, start_new_session=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)


def dpdk_tree(place, slow=""):
    """A source tree of DPDK, as far as driver-sdk looks; each copy takes `slow` seconds."""
    place.take("driver-sdk")
    place.write("tree/VERSION", VERSION + "\n")
    for header in HEADERS:
        place.write("tree/lib/" + header, "/* %s */\n" % header)
    if slow:
        place.write("bin/cp", "#!/bin/sh\nsleep %s\nexec /bin/cp \"$@\"\n" % slow)


def driver_sdk(place):
    return place.start(place.path("checkout/devtools/driver-sdk"), "--version", VERSION,
                       "--source", place.path("tree"))


def headers_in(folder):
    """None: it is not there.  Else it must be whole."""
    if not os.path.exists(folder):
        return None
    names = sorted(os.listdir(folder))
    assert names == sorted(HEADERS + ["VERSION"]), names
    return names


def left_behind(place):
    """What is neither the headers nor what they are kept as."""
    beside = [n for n in os.listdir(place.path("checkout"))
              if n not in ("devtools", ".driver-sdk")]
    kept = place.path("cache/driver-sdk")
    in_cache = [n for n in os.listdir(kept) if n != VERSION] if os.path.exists(kept) else []
    return beside + in_cache + os.listdir(place.path("tmp"))


def test_driver_headers_are_made_by_many_at_once(place):
    dpdk_tree(place)
    for _ in range(3):
        runs = [driver_sdk(place) for _ in range(8)]
        for run in runs:
            said = run.communicate(timeout=60)[0]
            assert run.returncode == 0, said
        assert headers_in(place.path("checkout/.driver-sdk"))
        assert headers_in(place.path("cache/driver-sdk", VERSION))
        assert left_behind(place) == [], left_behind(place)


def test_driver_headers_are_whole_or_not_there_after_ctrl_c(place):
    """14 copies of 20 ms each, and one more of everything."""
    dpdk_tree(place, slow="0.02")
    n_cut = 0
    for step in range(12):
        run = driver_sdk(place)
        time.sleep(0.04 * step)
        os.killpg(run.pid, signal.SIGINT)
        said = run.communicate(timeout=60)[0]
        n_cut += run.returncode != 0
        headers_in(place.path("checkout/.driver-sdk"))
        headers_in(place.path("cache/driver-sdk", VERSION))
        assert left_behind(place) == [], (step, said, left_behind(place))
        shutil.rmtree(place.path("checkout/.driver-sdk"), ignore_errors=True)
        shutil.rmtree(place.path("cache/driver-sdk"), ignore_errors=True)
    assert n_cut > 0


KERNEL = """
import os, sys, time
sys.path.insert(0, %r)
import kernel

class Apt(kernel.Apt):
    def __init__(self, suite):
        pass
    def field(self, package, name):
        return "linux-image-6.1.0-1-amd64" if package == "linux-image-amd64" else "6.1-1"
    def kernel_parts(self, package):
        return [package]
    def unpack(self, packages, target):
        os.makedirs(target + "/boot")
        os.makedirs(target + "/lib/modules/6.1.0-1-amd64")
        open(target + "/boot/vmlinuz-6.1.0-1-amd64", "w").close()
        print("unpacking", flush=True)
        time.sleep(60)

kernel.Apt = Apt
kernel.prepare("6.1", False)
"""


def test_a_kernel_is_whole_or_not_there_after_ctrl_c(place):
    run = place.start(sys.executable, "-c", KERNEL % os.path.join(TOP, "app/test/guest"))
    while run.stdout.readline() not in ("unpacking\n", ""):
        pass
    os.killpg(run.pid, signal.SIGINT)
    said = run.communicate(timeout=30)[0]
    assert run.returncode != 0, said
    assert os.listdir(place.path("cache/kernel")) == [".lock"], \
        os.listdir(place.path("cache/kernel"))


LANES = """
import sys, time
if sys.argv[1:2] != ["--wants"]:
    for word in "begin", "end":
        with open("log", "a") as f:
            f.write(word + "\\n")
        time.sleep(0.5)
"""


def test_checks_of_one_checkout_come_one_after_the_other(place):
    place.take("check", "usage", "safe-place")
    place.write("checkout/devtools/setup", "#!/bin/sh\n")
    place.write("checkout/devtools/lanes.py", LANES)
    # the folder of a test is everybody's: there, a copy would be checked
    place.write("checkout/devtools/safe-place", "")
    runs = [place.start(place.path("checkout/devtools/check")) for _ in range(3)]
    said = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], said
    assert sum("waiting for a check or a demo" in text for text in said) == 2, said
    with open(place.path("checkout/log")) as f:
        words = f.read().split()
    assert words == ["begin", "end"] * 3, words


if __name__ == "__main__":
    sys.exit(tap.main(globals(), Place))
