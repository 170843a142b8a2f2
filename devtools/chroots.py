# SPDX-License-Identifier: BSD-3-Clause
"""chroots: clean Debian systems for package-test.

In:  devtools/chroot, which makes them and runs commands in them.  Out: Chroot, a copy for
     one run; alone(), which keeps other runs out of the cache ($HOTPLUG_CACHE/package).
"""
import fcntl
import glob
import os
import shutil
import subprocess
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.path.join(os.environ.get("HOTPLUG_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "dpdk-hotplug"), "package")
SUITE = "bookworm"
HOME = "/root/dpdk-hotplug"             # the checkout, in a chroot


class Failed(Exception):
    """What was not as it should be; its text says so."""


class Chroot:
    """A clean system; `with` removes it."""

    def __enter__(self):
        base = os.path.join(CACHE, SUITE)
        if not os.path.exists(base):
            subprocess.run([os.path.join(TOP, "devtools/chroot"), "make", SUITE, base], check=True)
        self.parent = tempfile.mkdtemp(dir=CACHE, prefix="run.")
        self.root = os.path.join(self.parent, "root")
        subprocess.run(["cp", "-a", base, self.root], check=True)
        os.makedirs(self.root + HOME)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.parent)

    def try_to(self, script, net=True, cwd=HOME):
        """(exit status, output) of a shell script in there."""
        p = subprocess.run(
            [os.path.join(TOP, "devtools/chroot"), "run", self.root, *([] if net else ["--no-net"]),
             "sh", "-ec", f"cd {cwd}\n{script}"], text=True, timeout=1800, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return p.returncode, p.stdout

    def run(self, script, **options):
        status, said = self.try_to(script, **options)
        if status != 0:
            raise Failed(f"exit status {status} of:\n{script}\n{said[-2000:]}")
        return said


def alone():
    """Waits until no other run uses the cache; what a killed one has left is removed."""
    os.makedirs(CACHE, exist_ok=True)
    lock = open(os.path.join(CACHE, ".lock"), "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    for left in glob.glob(CACHE + "/run.*"):
        shutil.rmtree(left)
    return lock
