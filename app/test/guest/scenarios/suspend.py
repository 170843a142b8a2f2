# SPDX-License-Identifier: BSD-3-Clause
"""A vfio device whose memory decoding goes off and on is not torn out.

Its BARs raise SIGBUS meanwhile, as those of a removed one do; app/test/guest/
suspend.c switches decoding and checks each step.
"""
import os
import shlex

from scenarios.row import Row, boot, check


def rows(full):
    nics = ("e1000e", "vmxnet3", "e1000") if full else ("e1000e",)
    return [Row("suspend %s vfio-pci" % nic, boot(), suspend, dict(nic=nic)) for nic in nics]


def suspend(lab, nic):
    g = lab.guest
    g.dmesg(clear=True)
    bdf = g.ready(lab.slots(nic)[0], "vfio-pci")
    program = os.path.join(os.path.dirname(lab.plugin), "../app/test/guest/guest_suspend")
    out = g.sh("%s -a %s --file-prefix suspend -l 0 2>&1; echo status=$?"
               % (shlex.quote(os.path.normpath(program)), bdf), 90)
    lab.figures["steps"] = out.count("\nok ")
    check("status=0" in out, out[-1500:])
    splats = g.splats()
    check(not splats, "kernel log: " + " | ".join(splats[:3]))
