# SPDX-License-Identifier: BSD-3-Clause
"""What a failed row leaves: testpmd's output, the cards, the kernel's log, the console.

In:  the row, its guest as it is then (or none), what ended it.  Out: out/guest/ROW/log.
Called by run.py.
"""
import os
import re
import time
import traceback

from guest import LabError
from testpmd import Testpmd

N_LINES = 8             # of its log that are printed
# who drives each card, its power state, and the start of its configuration space
CARDS = ("cd /sys/bus/pci/devices; for d in *; do echo $d $(basename $(readlink -f $d/driver)) "
         "$(cat $d/power_state); od -An -tx1 -N64 $d/config; done")


def ask(testpmd):
    """How its ports are, where it can still tell; the last answers of two."""
    for line in ("show port info all", "show port stats all", "show port xstats all",
                 "show port stats all", "show fwd stats all"):
        testpmd.type(line)
        time.sleep(0.5)


def registers(guest):
    """Where each of its processors is, when the guest itself says nothing; twice.

    Without kaslr, so that another guest's /proc/kallsyms tells the functions.
    """
    try:
        command = {"command-line": "info registers -a"}
        first = guest.cmd("human-monitor-command", **command)
        time.sleep(0.5)
        return first + guest.cmd("human-monitor-command", **command)
    except (LabError, RuntimeError, AttributeError, OSError) as e:
        return "(no registers: %s)\n" % e


def keep(base, row, guest, lab, error):
    """Leave it in a folder below `base`; print the last lines that are ours."""
    folder = os.path.join(base, re.sub(r"\W+", "-", row.name))
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "log"), "w") as f:
        f.write("%s: %s\n" % (type(error).__name__, error))
        f.writelines(traceback.format_tb(error.__traceback__))
        try:
            if lab and lab.testpmd:
                if isinstance(lab.testpmd, Testpmd):
                    ask(lab.testpmd)
                f.write("\n--- testpmd\n" + lab.testpmd.text())
            f.write("\n--- cards\n" + guest.sh(CARDS))
            f.write("\n--- kernel log\n" + guest.dmesg())
        except (LabError, AttributeError) as e:
            f.write("\n(nothing more: %s)\n%s" % (e, registers(guest)))
        if guest:
            f.write("\n--- console\n" + guest.console_end(20000))
    print("# see %s; our last lines in it:" % os.path.relpath(folder))
    with open(os.path.join(folder, "log"), errors="replace") as f:
        ours = re.findall(r"hotplug: .*|.*(?:DMAR|Oops|segfault).*", f.read())
    print("".join("#   %s\n" % line[:160] for line in ours[-N_LINES:]), end="", flush=True)
