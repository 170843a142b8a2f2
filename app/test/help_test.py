#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every tool answers --help at once, and does nothing else.

In:  the tools, in a copy, with a PATH in which whatever installs, fetches,
     builds or boots tells on them.  Out: TAP.
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

import mp_console

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOLS = ("devtools/*", "kernel/linux/check-*", "doc/check-api", "doc/check-messages", "doc/make-site", "bench/run",
         "app/test/guest/run.py", "app/test/guest/demo.py", "app/test/guest/kernel.py")
WORK = ("apt-get", "apt-cache", "mmdebstrap", "unshare", "qemu-system-x86_64", "ninja", "make",
        "doxygen", "meson", "mount", "dpkg", "git", "gcc", "cc")


def is_tool(path):
    return os.path.isfile(path) and os.access(path, os.X_OK) and open(path, "rb").read(2) == b"#!"


def asked(tool):
    def test():
        before = state()
        p = subprocess.run([os.path.join(copy, tool), "--help"], cwd=copy, text=True, timeout=60,
                           env=dict(os.environ, PATH=work + ":" + os.environ["PATH"],
                                    HOTPLUG_CACHE=copy + "/cache", PYTHONDONTWRITEBYTECODE="1"),
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert p.returncode == 0 and len(p.stdout) > 80, "status %d: %s" % (p.returncode, p.stdout)
        assert not os.path.exists(work + "/called"), open(work + "/called").read()
        assert state() == before, "files have changed"
    test.__name__ = tool
    return test


def state():
    return sorted(os.path.join(d, f) for d, _, files in os.walk(copy) for f in files)


with tempfile.TemporaryDirectory() as folder:
    copy, work = folder + "/copy", folder + "/work"
    for name in "devtools", "kernel", "doc", "bench", "app/test":
        shutil.copytree(os.path.join(TOP, name), os.path.join(copy, name),
                        ignore=shutil.ignore_patterns("__pycache__", "*.[cho]"))
    os.mkdir(work)
    for name in WORK:
        with open(os.path.join(work, name), "w") as f:
            f.write("#!/bin/sh\necho %s $* >>%s/called\nexit 1\n" % (name, work))
        os.chmod(os.path.join(work, name), 0o755)
    tools = [os.path.relpath(path, TOP) for pattern in TOOLS
             for path in sorted(glob.glob(os.path.join(TOP, pattern))) if is_tool(path)]
    assert len(tools) > 20, tools
    sys.exit(mp_console.main([asked(tool) for tool in tools]))
