# SPDX-License-Identifier: BSD-3-Clause
"""A SIGBUS that has nothing to do with a device ends testpmd as it ends stock.

Somebody sends it: `kill -BUS`.  How stock ends is found out in the same row,
without --hot-plug: with it, EAL's handler calls rte_exit() in the signal
handler, which never ends (measured: the main thread spins, the worker goes on
forwarding).  Ours must get there in both cases, with EAL's handler above it too.
Or the kernel finds broken memory: app/test/guest/poison.c says what must come of it.
"""
import os
import shlex
import signal

from scenarios.row import Row, boot, check

DRIVER = "uio_pci_generic"


def rows(full):
    # with EAL's handler above ours; without it, native tests do so (test_sigbus_death)
    return [Row("foreign kill -BUS%s" % (" --hot-plug" if hot_plug else ""), boot(), foreign,
                dict(hot_plug=hot_plug)) for hot_plug in ((False, True) if full else (True,))] + [
            Row("foreign broken memory", boot(), poison, {})]


def foreign(lab, hot_plug):
    stock, ours = killed(lab, False, True), killed(lab, hot_plug, False)
    lab.figures.update(stock=stock, ours=ours)
    check(ours == stock, "testpmd ends with %s, stock with %s" % (ours, stock))


def killed(lab, hot_plug, stock):
    """How testpmd ends after kill -BUS."""
    t = lab.start([lab.slots("virtio-net-pci")[1]], DRIVER, hot_plug, stock)
    lab.guest.ask(op="kill", name=t.name, signal=int(signal.SIGBUS))
    s = t.wait_end(20)
    t.kill()
    return "it lives on" if s["alive"] else s["signal"] or "exit status %s" % s["rc"]


def poison(lab):
    g = lab.guest
    g.dmesg(clear=True)
    program = os.path.join(os.path.dirname(lab.plugin), "../app/test/guest/guest_poison")
    out = g.sh("CMOCKA_MESSAGE_OUTPUT=TAP %s 2>&1; echo status=$?"
               % shlex.quote(os.path.normpath(program)), 90)
    lab.figures["cases"] = out.count("\nok ")
    check("status=0" in out and lab.figures["cases"] == 4, out[-1500:])
    splats = g.splats()
    check(not splats, "kernel log: " + " | ".join(splats[:3]))
