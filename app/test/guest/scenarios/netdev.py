# SPDX-License-Identifier: BSD-3-Clause
"""Network interfaces under ports, on the guest's kernel, which has what this machine's may lack.

net_tap's remote= needs the queueing discipline multiq and the classifier flower; the test
itself is app/test/test_vdev_drivers.c, in a network namespace of its own in there.
"""
import os
import shlex

from scenarios.row import Row, boot, check

NEEDS = {"": "veth", "af_xdp": "veth", "tap": "veth tun sch_multiq sch_ingress cls_flower "
         "act_mirred"}


def rows(full):
    return [Row("interface under net_%s" % (which or "af_packet, net_pcap"), boot(), drivers,
                dict(which=which)) for which in (("", "af_xdp", "tap") if full else ())]


def drivers(lab, which):
    g = lab.guest
    g.dmesg(clear=True)
    g.sh("for m in %s; do modprobe $m; done" % NEEDS[which])
    program = os.path.join(os.path.dirname(lab.plugin), "../app/test/test_vdev_drivers")
    out = g.sh("CMOCKA_MESSAGE_OUTPUT=TAP %s %s 2>&1; echo status=$?"
               % (shlex.quote(os.path.normpath(program)), which), 120)
    lab.figures["healed"] = out.count(" healed: ")
    check("status=0" in out and "SKIP" not in out and "not ok" not in out, out[-1500:])
    splats = g.splats()
    check(not splats, "kernel log: " + " | ".join(splats[:3]))
