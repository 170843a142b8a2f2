# SPDX-License-Identifier: BSD-3-Clause
"""devtools/field-test for real: in a guest, as on a machine with a card to spare.

It is run from this tree, read-only there; its report comes back through its output.
Its other methods are for real slots: QEMU takes a card out for good when its slot has no
power, and has no link to switch off.
"""
import os
import shlex
import time

from scenarios.row import Row, boot, check

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__))))))
SECTIONS = ("result", "times", "machine", "software", "card", "telemetry", "testpmd",
            "kernel log, its end")


def rows(full):
    if not full:
        return []
    return [Row("field test, sysfs", boot(), field, dict(nic="e1000e", method="sysfs"))]


def field(lab, nic, method):
    g, slot = lab.guest, lab.slots(nic)[0]
    g.dmesg(clear=True)
    bdf = g.ready(slot, "uio_pci_generic")
    command = shlex.join([TOP + "/devtools/field-test", "--plugin", lab.plugin, "--method", method,
                          "--cycles", "2", "--report", "/tmp/report"])
    g.ask(op="spawn", name="holder", cmd="sleep 1000 < /dev/uio0")
    time.sleep(0.5)
    said = g.sh("%s --yes %s 2>&1" % (command, bdf))
    g.ask(op="kill", name="holder")
    check("is in use by sleep (" in said, "it does not see who has it: " + said)
    said = g.sh("echo 0000:ff:00.0 | %s %s 2>&1" % (command, bdf))
    check("nothing was done" in said and g.bdf(slot) == bdf, "it does not ask: " + said)
    run = g.post(op="run", limit=240,
                 cmd="echo %s | %s %s 2>&1; echo status $?" % (bdf, command, bdf))
    answer = g.answer(run, 260)
    said = answer["out"] if answer else "(nothing)"
    text = g.sh("cat /tmp/report; rm -f /tmp/report")
    check("2 of 2 losses survived and healed" in said and "status 0" in said,
          "it says: %s; report: %s" % (said[-400:], text[:1500]))
    missing = [s for s in SECTIONS if "\n== %s\n" % s not in text]
    check(not missing, "the report has no %s" % missing)
    check('"cut_offs": 2' in text, "telemetry says nothing of two losses: " + text[:1500])
    check(not g.splats(), "kernel log: %s" % g.splats()[:2])
    lab.figures["times"] = [" ".join(line.split()[:7]) for line in text.splitlines()
                            if line[:2] in ("1 ", "2 ")]
