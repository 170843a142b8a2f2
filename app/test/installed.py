# SPDX-License-Identifier: BSD-3-Clause
"""This machine, with the build installed: in a copy that is thrown away.

In:  a build folder.  Out: a root into which `meson install` has put everything, laid over the
machine's own, and commands that run in there, each with a network, processes and /run of its
own.  The machine itself stays as it is.  Needs root.  Called by task_pages.py.
"""
import contextlib
import os
import subprocess
import sys
import tempfile

INSIDE = """mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp; chmod 1777 /tmp; ip link set lo up; cd /root; ulimit -c 0
"""


def own_mounts():
    """Runs the program again where mounts are its own."""
    if os.environ.get("HOTPLUG_INSTALLED_INSIDE") == "1":
        return
    os.environ["HOTPLUG_INSTALLED_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv])


class Installed:
    def __init__(self, root):
        self.root = root

    def run(self, script, files=(), timeout=120):
        """(exit status, output) of a shell's commands."""
        for name, text in files:
            with open(os.path.join(self.root, "root", name), "w") as f:
                f.write(text)
        env = {k: v for k, v in os.environ.items() if k != "DPDK_HOTPLUG"}
        p = subprocess.run(
            ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child",
             "chroot", self.root, "bash", "-c", INSIDE + script],
            env={**env, "HOME": "/root", "COLUMNS": "80"}, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False)
        return p.returncode, p.stdout


@contextlib.contextmanager
def machine(build):
    with tempfile.TemporaryDirectory(prefix="hp-inst-") as folder:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
        root = os.path.join(folder, "root")
        for name in "root", "upper", "work":
            os.mkdir(os.path.join(folder, name))
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", "lowerdir=/,upperdir=%s/upper,"
                        "workdir=%s/work" % (folder, folder), root], check=True)
        subprocess.run(["mount", "--rbind", "/dev", root + "/dev"], check=True)
        try:
            subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet"],
                           env={**os.environ, "DESTDIR": root}, check=True)
            subprocess.run(["chroot", root, "/sbin/ldconfig"], check=True)
            yield Installed(root)
        finally:
            subprocess.run(["umount", "-l", root + "/dev"], check=False)
            subprocess.run(["umount", "-l", root], check=False)
            subprocess.run(["umount", "-l", folder], check=False)
