# SPDX-License-Identifier: BSD-3-Clause
"""chroots: clean Debian systems for devtools/fresh and devtools/package-test.

In:  devtools/chroot, which makes them and runs commands in them.
Out: Chroot, a copy for one run, which ends with it; alone(), which keeps other runs out of
     the cache ($HOTPLUG_CACHE/package); run_tests().
A base has nothing but apt, git and ca-certificates.  It is kept under its suite's name and
the date of that suite's release file, so the next point release makes another one.
"""
import email.utils
import fcntl
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "app/test/guest"))
import children                                                         # noqa: E402
import kernel                                                           # noqa: E402
from commands import trust_checkout                                     # noqa: E402

CACHE = os.path.join(kernel.cache(), "package")
ARCHIVES = os.path.join(CACHE, "archives")      # each base's /var/cache/apt/archives
TOOL = os.path.join(TOP, "devtools/chroot")
KEPT_DAYS = 30
SUITES = {"bookworm": "Debian 12", "trixie": "Debian 13"}
HOME = "/root/dpdk-hotplug"             # the checkout, in a chroot


class Failed(Exception):
    """What was not as it should be; its text says so."""


def released(apt):
    """The day of the release file that an Apt of kernel.py has got."""
    day, = {email.utils.parsedate_to_datetime(d).strftime("%Y%m%d") for d in (
        re.search("^Date: (.*)$", open(f).read(), re.M)[1]
        for f in glob.glob(apt.dir + "/lists/*_InRelease")
        if not f.endswith("-security_InRelease"))}
    return day


def base(suite):
    """A system that nothing was ever installed in."""
    path = os.path.join(CACHE, "%s-%s" % (suite, released(kernel.Apt(suite))))
    if not os.path.exists(path):
        print("making a minimal %s" % SUITES[suite], flush=True)
        subprocess.run([TOOL, "make", suite, path, "git", "ca-certificates"], check=True)
        for old in glob.glob(os.path.join(CACHE, suite + "*")):
            if old != path:
                shutil.rmtree(old)
    return path


def give_headers(folder):
    """DPDK's driver headers that were given to this machine (devtools/driver-sdk --source),
    for another DPDK than its own.  Those of its own are fetched in there, as by a user."""
    own = subprocess.run(["pkg-config", "--modversion", "libdpdk"], text=True,
                         stdout=subprocess.PIPE).stdout.strip()
    for path in glob.glob(os.path.join(kernel.cache(), "driver-sdk", "*")):
        if os.path.basename(path) != own:
            shutil.copytree(path, os.path.join(folder, os.path.basename(path)))


class Chroot:
    """A clean system; `with` removes it."""

    def __init__(self, suite="bookworm"):
        self.suite = suite

    def __enter__(self):
        path = base(self.suite)
        self.parent = tempfile.mkdtemp(dir=CACHE, prefix="run.")
        self.root = os.path.join(self.parent, "root")
        subprocess.run(["cp", "-a", path, self.root], check=True)
        give_headers(self.root + "/root/.cache/dpdk-hotplug/driver-sdk")
        return self

    def __exit__(self, kind, *_):
        if kind is not None:                # interrupted: something may be at work in there
            children.end_all()
        subprocess.run(["rm", "-rf", self.parent], check=True)      # Python takes a minute

    def try_to(self, script, *options, net=True, cwd=HOME, minutes=30):
        """(exit status, output) of a shell script in there; 124 when it took too long."""
        return children.run(TOOL, "run", self.root, *([] if net else ["--no-net"]), *options,
                            "timeout", "-k", "20", "%dm" % minutes,
                            "sh", "-ec", "cd %s\n%s" % (cwd, script), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, script, *options, **more):
        status, said = self.try_to(script, *options, **more)
        if status != 0:
            raise Failed(f"exit status {status} of:\n{script}\n{said[-2000:]}")
        return said


# --- the checkout, as it is, committed or not -------------------------------------------
def git(*args):
    return subprocess.run(["git", *args], cwd=TOP, stdout=subprocess.PIPE, check=True).stdout


def put_files(names, folder):
    """Of the checkout; `names` as git -z gives them."""
    archive = subprocess.run(["tar", "--create", "--null", "--files-from=-"], cwd=TOP,
                             input=names, stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "--extract", "--no-same-owner", "-C", folder], input=archive,
                   check=True)


def put_checkout(chroot):
    """What git knows and what it would add; no build, no driver headers."""
    os.makedirs(chroot.root + HOME)
    put_files(git("ls-files", "-z", "--cached", "--others", "--exclude-standard"),
              chroot.root + HOME)


def clone(chroot):
    """What `git clone` gives, and over it what is not committed yet."""
    trust_checkout()
    there = chroot.root + HOME
    subprocess.run(["git", "-c", "advice.detachedHead=false", "clone", "--quiet", "--no-hardlinks",
                    "--upload-pack", "git -c safe.directory='*' upload-pack", TOP, there],
                   check=True)
    gone = git("ls-files", "-z", "--deleted").split(b"\0")
    for name in filter(None, gone):
        os.remove(os.path.join(os.fsencode(there), name))
    changed = git("ls-files", "-z", "--modified", "--others", "--exclude-standard").split(b"\0")
    put_files(b"\0".join(n for n in changed if n not in gone), there)


# --- runs ---------------------------------------------------------------------------------
def alone():
    """Waits until no other run uses the cache; what a killed one has left is removed."""
    os.makedirs(CACHE, exist_ok=True)
    lock = open(os.path.join(CACHE, ".lock"), "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("waiting for another run that uses the clean systems", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    for left in glob.glob(CACHE + "/run.*"):
        shutil.rmtree(left)
    for deb in glob.glob(ARCHIVES + "/*.deb"):          # of versions that nobody offers any more
        if time.time() - os.stat(deb).st_atime > KEPT_DAYS * 86400:
            os.unlink(deb)
    return lock


def run_tests(tests, *args):
    """(passed, failed) of test_ functions, each given `args`.  They build on one another:
    after one that failed more may, and after the first one all do, without being run."""
    passed, first = 0, None
    for test in tests:
        name = test.__name__[len("test_"):].replace("_", " ")
        begin, cpu = time.monotonic(), children.seconds()
        if first:
            print("FAILED %s: not run: '%s' has failed" % (name, first))
            continue
        try:
            test(*args)
        except (Failed, OSError, RuntimeError, ValueError, subprocess.SubprocessError) as e:
            print("FAILED %s: %s" % (name, e), flush=True)
            first = name if test is tests[0] else None
            continue
        passed += 1
        print("ok %s (%.0f s, %.0f s of processors)" % (
            name, time.monotonic() - begin, children.seconds() - cpu), flush=True)
    return passed, len(tests) - passed
