# SPDX-License-Identifier: BSD-3-Clause
"""The kernel claims the registers that testpmd has mapped.

Claiming revokes the mapping: the next access raises a real SIGBUS, also on
kernels that do not revoke at removal.  Stock testpmd dies of it.  The claimer
is the kernel's own driver for the card (steal, replace, return: events tell
of it), or a module of ours that leaves the card where it is (revoke: the fault
is the only sign).  A card that comes back is ours to heal: so that it is the
kernel's driver that gets it, those rows only survive.  Where both want it
("healing") either may win, and testpmd must not care.
"""
import os

import kernel
import removal
from guest import LabError
from scenarios.row import KERNEL_DRIVER, Row, boot, check

HERE = os.path.dirname(os.path.abspath(__file__))
DRIVER = "uio_pci_generic"


def rows(full):
    found = [Row("claim %s %s" % (nic, how), boot(), claim, dict(nic=nic, how=how))
             for nic, how in (("vmxnet3", "steal"), ("e1000", "revoke"))]
    if full:
        found += [Row("claim %s %s" % (nic, how), boot(), claim, dict(nic=nic, how=how))
                  for nic, how in (("e1000", "replace"), ("e1000", "steal"), ("e1000e", "steal"),
                                   ("e1000e", "replace"), ("e1000e", "return"))]
        found += [Row("claim e1000e %s, healing" % how, boot(), claim,
                      dict(nic="e1000e", how=how, options="policy=heal"))
                  for how in ("replace", "return")]
        found.append(Row("claim control: stock testpmd dies of SIGBUS", boot(), control, {}))
    return found


def claim(lab, nic, how, options=None):
    if how in ("replace", "return") and not options:
        options = "policy=survive"
    victim, bystander = lab.slots(nic)
    t = lab.start([victim, bystander], DRIVER, options=options)
    bdf = t.bdfs[0]
    HOW[how](lab.guest, victim, nic)
    lab.figures["taken_by"] = driver = lab.guest.look(victim)[1]
    if options == "policy=survive" and driver != KERNEL_DRIVER[nic]:
        raise LabError("the kernel's driver does not take the card, but: %s" % driver)
    start = lab.watch(2)
    lab.check_alive()
    e = t.wait_event(bdf, "gone", 10)
    check(e, "no event for " + bdf)
    lab.figures.update(cause=e["cause"], sign=e["sign"])
    if how == "revoke":
        check(e["sign"] == "fault", "sign=%s: not the fault that was raised" % e["sign"])
    t.wait_forwarding([bystander], 10)
    lab.figures["gap_ms"] = lab.wires[bystander].gap(start, lab.watch(0.5)) * 1000
    lab.check_undamaged()
    lab.check_quit()
    lab.guest.sh("rmmod claim 2>/dev/null")


def control(lab):
    """That claim() can fail: the same with stock testpmd."""
    victim, bystander = lab.slots("e1000e")
    t = lab.start([victim, bystander], DRIVER, stock=True)
    t.type_on("show port stats all")        # which reads its registers
    steal(lab.guest, victim, "e1000e")
    lab.watch(2)
    check(t.wait_end(20)["signal"] == "SIGBUS", "stock testpmd does not die of SIGBUS: "
          "the claim rows prove nothing (%s)" % t.end())


# --- how the kernel's driver gets the card ---------------------------------------
def steal(g, i, nic):
    """Bound over the live mapping; the card never moves."""
    take(g, i, nic)


def replace(g, i, nic):
    """The kernel forgets the card, finds it again and binds its driver."""
    check(removal.remove(g, i, "sysfs").wait(20), "the removal blocks")
    g.plug(i)
    take(g, i, nic)


def come_back(g, i, nic):
    """Torn out, put back, taken."""
    removal.remove(g, i, "yank").wait(20)
    g.plug(i)
    take(g, i, nic)


def take(g, i, nic):
    g.wait_bdf(i)
    g.sh("modprobe " + KERNEL_DRIVER[nic])
    try:
        g.bind(i, KERNEL_DRIVER[nic])
    except LabError:                        # between two of its steps another bound it
        if g.look(i)[1] is None:
            raise


def revoke(g, i, nic):
    """Our module claims the regions of the card, which stays bound and in place."""
    source = os.path.join(os.path.dirname(HERE), "claim")
    g.insmod(kernel.module(g.boot.kernel, source), "bdf=" + g.bdf(i))


HOW = {"steal": steal, "replace": replace, "return": come_back, "revoke": revoke}
