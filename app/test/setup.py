#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""devtools/setup on machines that are not as they should be; what it fetches, cut short.

usage: setup.py

In:  devtools/setup, with programs in front of its PATH that stand for Debian's; a Debian 12
     or 13.  Out: TAP.  Nothing is installed and nothing is fetched here; the real thing is in
     the check's lane `fresh`.
"""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SETUP = os.path.join(TOP, "devtools/setup")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, "app/test/guest"))

import kernel       # noqa: E402
import tap          # noqa: E402


class Machine:
    """A PATH whose package tools are scripts; what apt-get was asked for is in `asked`."""

    def __init__(self, folder, installed=(), uid=0, architecture="amd64", has=lambda name: True,
                 apt_get="exit 0", free="99999MB", audit=""):
        self.folder = folder
        lists = subprocess.run([SETUP, "--list"], text=True, stdout=subprocess.PIPE).stdout.split()
        self.script("dpkg-query", "\n".join("echo 'installed %s'" % p for p in installed)
                    + "\necho 'no packages found matching umockdev' >&2; exit 1")
        self.script("dpkg", 'case $1 in --print-architecture) echo %s;; --audit) echo -n "%s";; esac\n'
                    'echo "dpkg $*" >>%s/asked' % (architecture, audit, folder))
        os.makedirs(folder + "/include")                # of a DPDK with its driver headers
        open(folder + "/include/ethdev_driver.h", "w").close()
        self.script("pkg-config", "case $1 in --modversion) echo 22.11;; "
                    "*) echo %s/include;; esac" % folder)
        self.script("id", "echo %d" % uid)
        self.script("df", "echo Avail; echo %s" % free)
        self.script("apt-cache", 'case $2 in %s) echo "  Candidate: 1.0";; '
                    '*) echo "  Candidate: (none)";; esac' % "|".join(p for p in lists if has(p)))
        self.script("apt-get", 'echo "apt-get $*" >>%s/asked\ncase $* in *--assume-no*)\n'
                    'echo "Need to get 1,234 kB/143 MB of archives."\n'
                    'echo "After this operation, 634 MB of additional disk space will be used."\n'
                    "exit 1;; esac\n%s" % (folder, apt_get))

    def script(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write("#!/bin/sh\n%s\n" % text)
        os.chmod(path, 0o755)

    def setup(self, *args, **more):
        """(exit status, what it says, what apt-get was asked for)"""
        env = dict(os.environ, PATH=self.folder + ":" + os.environ["PATH"],
                   HOTPLUG_CACHE=self.folder + "/cache", **more)
        p = subprocess.run([SETUP, *args], env=env, text=True, timeout=20,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
        asked = ""
        if os.path.exists(self.folder + "/asked"):
            with open(self.folder + "/asked") as f:
                asked = f.read()
        return p.returncode, p.stdout, asked


def packages(*args, **env):
    return subprocess.run([SETUP, *args, "--list"], env=dict(os.environ, **env), text=True,
                          stdout=subprocess.PIPE, check=True).stdout.split()


# --- packages ------------------------------------------------------------------------
def test_what_dpkg_never_heard_of_is_installed_with_the_rest(folder):
    """N1: dpkg-query fails as soon as it knows one of them not."""
    missing = {"umockdev", "iproute2"}
    m = Machine(folder, set(packages()) - missing, apt_get="case $* in *update*) exit 0;; "
                "*) echo 'E: stop here'; exit 100;; esac")
    status, said, asked = m.setup()
    assert status == 1 and "E: stop here" in said, said
    installs = [line for line in asked.splitlines() if " install " in line]
    assert set(installs[-1].split(" install ")[1].split()) == missing, asked
    assert "143 MB to download, 634 MB on the disk" in said, said


def test_nothing_missing_needs_nobody(folder):
    """Neither root nor network, and no word."""
    m = Machine(folder, packages("--for", "demo"), uid=1000)
    os.makedirs(folder + "/cache/kernel/6.1")
    open(folder + "/cache/kernel/6.1/vmlinuz", "w").close()
    status, said, asked = m.setup("--for", "demo")
    assert (status, said) == (0, "") and "apt-get" not in asked, (status, said, asked)


def test_without_root_it_says_what_is_missing(folder):
    m = Machine(folder, set(packages()) - {"cpio"}, uid=1000)
    status, said, asked = m.setup()
    assert status == 1 and "missing: cpio." in said and "as root" in said, said
    assert "apt-get" not in asked, asked


def test_a_package_that_the_lists_lack_is_named(folder):
    m = Machine(folder, has=lambda name: name != "cpio")
    status, said, asked = m.setup("--for", "demo")
    assert status == 1 and "have no cpio:" in said and "sources" in said, said
    assert " install " not in asked, asked


def test_lists_that_cannot_be_refreshed(folder):
    """Those that are there may do; if not, both are said."""
    m = Machine(folder, apt_get="case $* in *update*) echo 'E: no route'; exit 100;; "
                "*) echo 'E: 404'; exit 100;; esac")
    status, said, asked = m.setup("--for", "demo")
    assert status == 1 and "they may be old" in said and "E: no route" in said, said
    assert "installing failed" in said and "E: 404" in said, said


def test_a_full_disk_is_said_before(folder):
    m = Machine(folder, free="500MB")
    status, said, asked = m.setup("--for", "demo")
    assert status == 1 and "the disk is too full for that: 500 MB are free" in said, said
    assert not [line for line in asked.splitlines()
                if " install " in line and "--assume-no" not in line], asked


def test_what_an_interrupted_dpkg_left_is_finished(folder):
    m = Machine(folder, audit="half installed", apt_get="case $* in *update*) exit 0;; *) exit 1;; esac")
    asked = m.setup("--for", "demo")[2]
    assert asked.index("dpkg --configure -a") < asked.index(" install "), asked


def test_another_architecture_is_named(folder):
    status, said, asked = Machine(folder, architecture="arm64").setup()
    assert status == 1 and "this is arm64" in said and "From source" in said, said
    assert "apt-get" not in asked, asked


def test_wrong_words_are_refused(folder):
    m = Machine(folder)
    for args, reason in ((["4.19"], "unknown kernel 4.19"), (["--al"], "unknown option --al"),
                         (["--for", "fun"], "not 'fun'")):
        status, said, asked = m.setup(*args)
        assert status == 1 and reason in said and "apt-get" not in asked, (said, asked)


def test_the_demo_needs_less(folder):
    assert set(packages("--for", "demo")) < set(packages())
    for linter in "cppcheck", "clang-tools", "doxygen", "libcmocka-dev":
        assert linter in packages() and linter not in packages("--for", "demo"), linter


def test_a_package_can_be_struck(folder):
    without = packages(HOTPLUG_SETUP_WITHOUT="cpio iproute2")
    assert set(packages()) - set(without) == {"cpio", "iproute2"}


# --- what is fetched -------------------------------------------------------------------
class CutShort(kernel.Apt):
    """An apt that ends in the middle, or that unpacks a kernel which it makes up."""
    fails = True

    def __init__(self, suite):
        pass

    def field(self, package, name):
        return "linux-image-6.1.0-1-amd64" if package == "linux-image-amd64" else "6.1-1"

    def kernel_parts(self, package):
        return [package]

    def unpack(self, packages, target):
        os.makedirs(target + "/boot")
        os.makedirs(target + "/lib/modules/6.1.0-1-amd64")
        with open(target + "/boot/vmlinuz-6.1.0-1-amd64", "w") as f:
            f.write("kernel")
        if self.fails:
            raise OSError(28, "No space left on device")


def test_a_download_cut_short_leaves_nothing(folder):
    os.environ["HOTPLUG_CACHE"] = folder
    os.makedirs(folder + "/kernel/new.killed")      # of a run that could not tidy up
    kept, kernel.Apt = kernel.Apt, CutShort
    try:
        try:
            kernel.prepare("6.1", False)
            raise AssertionError("no error")
        except OSError:
            pass
        assert os.listdir(folder + "/kernel") == [".lock"], os.listdir(folder + "/kernel")
        CutShort.fails = False
        kernel.prepare("6.1", False)
        assert sorted(os.listdir(kernel.directory("6.1"))) == ["lib", "vmlinuz"]
    finally:
        kernel.Apt = kept


def test_a_download_can_be_kept(folder):
    """Under its name and version, and only what is whole is taken."""
    asked, good = [], hashlib.sha256(b"packed").hexdigest()

    class Apt(kernel.Apt):
        def __init__(self):
            pass

        def run(self, tool, *args, cwd=None):
            if "--print-uris" in args:
                return "'http://a/b%%2bc.deb' linux-x_6.1_amd64.deb 6 SHA256:%s\n" % good
            asked.append(args)
            with open(cwd + "/linux-x_6.1_amd64.deb", "w") as f:
                f.write("packed")
            return ""

    apt, kept = Apt(), folder + "/kept"
    os.makedirs(kept)
    os.environ["HOTPLUG_DEBS"] = kept
    try:
        for n, before in (1, None), (1, "packed"), (2, "cut short"), (2, "packed"):
            if before:
                with open(kept + "/linux-x_6.1_amd64.deb", "w") as f:
                    f.write(before)
            with tempfile.TemporaryDirectory() as d:
                apt.dir = d
                subprocess.run, run = lambda cmd, **_: files.append(open(cmd[2]).read()), subprocess.run
                files = []
                try:
                    apt.unpack(["linux-x"], d)
                finally:
                    subprocess.run = run
            assert files == ["packed"] and len(asked) == n, (n, files, asked)
    finally:
        del os.environ["HOTPLUG_DEBS"]


def test_mirrors_are_read_from_either_kind_of_file(folder):
    os.makedirs(folder + "/sources.list.d")
    with open(folder + "/sources.list", "w") as f:
        f.write("# deb http://no.example/debian old main\n"
                "deb [arch=amd64 signed-by=/k] http://one.example/debian bookworm main\n"
                "deb-src http://src.example/debian bookworm main\n")
    with open(folder + "/sources.list.d/a.sources", "w") as f:
        f.write("Types: deb deb-src\n# a comment\nURIs: http://two.example/debian\n"
                "Suites: trixie\n trixie-updates\nComponents: main\n\n"
                "Enabled: no\nTypes: deb\nURIs: http://off.example/debian\nSuites: sid\n\n"
                "Types: deb-src\nURIs: http://src.example/debian\nSuites: forky\n")
    with open(folder + "/sources.list.d/b.list.disabled", "w") as f:
        f.write("deb http://off.example/debian buster main\n")
    assert kernel.mirrors(folder) == {
        "bookworm": "http://one.example/debian", "trixie": "http://two.example/debian",
        "trixie-updates": "http://two.example/debian"}, kernel.mirrors(folder)


def test_what_is_built_is_named_after_its_source(folder):
    os.environ["HOTPLUG_CACHE"] = folder
    source = os.path.join(folder, "a.c")
    made = []
    for text in "one", "two", "one":
        with open(source, "w") as f:
            f.write(text)
        made.append(kernel.built("programs", source, lambda out: shutil.copy(source, out)))
    assert made[0] == made[2] != made[1], made
    with open(made[0] + "/a.c") as f:
        assert f.read() == "one"
    assert len(os.listdir(folder + "/programs")) == 2


def main():
    return tap.main(globals())


if __name__ == "__main__":
    sys.exit(main())
