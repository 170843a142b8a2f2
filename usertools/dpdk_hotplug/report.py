# SPDX-License-Identifier: BSD-3-Clause
"""report: a file for whoever is asked for help.

In:  what doctor found.  Out: a text with questions to answer on top, and the facts below:
versions, status, events, the end of the kernel's log.  No address, no key, no environment
but DPDK_HOTPLUG.
"""
import contextlib
import io
import os
import subprocess
import time

from . import VERSION, events, processes, sockets, status, text

QUESTIONS = """\
# dpdk-hotplug report, {date}

## What did you do, and what did you expect?

(write here)

## What happened instead?

(write here; the lines of the application's log that begin with "hotplug:" help most)

## The card

(vendor, model, slot or riser, how it was removed: pulled, slot power, sysfs, VF)
"""
PACKAGES = ("libdpdk-hotplug0", "dpdk-hotplug-tools", "dpdk-hotplug-igb-uio-dkms", "dpdk",
            "libdpdk-dev", "librte-eal23", "librte-eal25")
N_LOG_LINES = 60
LOG_WORDS = ("pci", "vfio", "uio", "aer", "iommu", "hotplug", "pcieport", "slot")


def said(*command):
    try:
        p = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           timeout=20, check=False)
        return p.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def kernel_log():
    kept = [line for line in said("dmesg").splitlines()
            if any(word in line.lower() for word in LOG_WORDS)]
    return "\n".join(kept[-N_LOG_LINES:]) or "(none to be read)"


def printed(function, *args):
    """What it prints, without colours."""
    text.set_colors("never")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        function(*args)
    return out.getvalue().rstrip()


def print_events(o, found, silent):
    for event, who in events.collect(o, found, silent):
        print(events.line(event, who))


def command_lines(found, silent):
    for pid in [p.pid for p in found] + [s[0] for s in silent]:
        words = sockets.read("/proc/%d/cmdline" % pid).replace("\0", " ").strip()
        yield "%d: %s\n    DPDK_HOTPLUG=%s" % (pid, text.clean(words),
                                               sockets.hotplug_options(pid) or "")


def versions():
    name = [line for line in sockets.read("/etc/os-release").splitlines()
            if line.startswith("PRETTY_NAME")]
    return "\n".join([
        "dpdk-hotplug %s" % VERSION, *name, said("uname", "-srmv"),
        "command line: " + sockets.read("/proc/cmdline").strip(),
        said("dpkg-query", "-W", *PACKAGES), said("lspci", "-nnk", "-d", "::0200")])


def write(o, doctor_said):
    o.file, o.number = [], 100
    found, silent = processes.ask_all(o)
    try:
        who = processes.holders({n for p in found for n in p.devices})
        parts = [("Versions", versions()), ("Doctor", doctor_said),
                 ("Status", printed(status.show, found, silent, who)),
                 ("Events", printed(print_events, o, found, silent) or "(none)"),
                 ("Processes", "\n".join(command_lines(found, silent)) or "(none)"),
                 ("The kernel's log", kernel_log())]
    finally:
        processes.close_all(found)
    path = o.report or time.strftime("dpdk-hotplug-report-%Y%m%d-%H%M%S.txt")
    with open(path, "w", encoding="utf-8", opener=private) as f:
        f.write(QUESTIONS.format(date=time.strftime("%Y-%m-%d %H:%M:%S %z")))
        for title, body in parts:
            f.write("\n## %s\n\n```\n%s\n```\n" % (title, body))
    return path


def private(path, flags):
    return os.open(path, flags, 0o600)
