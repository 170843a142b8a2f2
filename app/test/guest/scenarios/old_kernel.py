# SPDX-License-Identifier: BSD-3-Clause
"""Kernel 5.10, where a removal itself takes the mapping away: real SIGBUS.

The control shows that it does: stock testpmd dies there of the same removal.  Rows of --all:
the check has real SIGBUS of a card's registers in the rows `claim`.
"""
import removal
from scenarios.row import Row, boot, check
from scenarios.survive import survive

DRIVER = "uio_pci_generic"


def rows(full):
    if not full:
        return []
    b = boot(kernel="5.10")
    product = [(n, w, h) for n in ("e1000", "e1000e", "virtio-net-pci", "vmxnet3")
            for w in ("sysfs", "yank", "button") for h in (False, True)]
    found = [Row("5.10 control: stock testpmd dies of SIGBUS", b, control, {})]
    for nic, way, hot_plug in product:
        found.append(Row("5.10 %s %s%s" % (nic, way, " --hot-plug" if hot_plug else ""), b,
                         survive, dict(nic=nic, driver=DRIVER, way=way, hot_plug=hot_plug)))
    return found


def control(lab):
    victim, bystander = lab.slots("e1000e")
    t = lab.start([victim, bystander], DRIVER, stock=True)
    t.type_on("show port stats all")        # which reads its registers
    removal.remove(lab.guest, victim, "sysfs").wait(10)
    lab.watch(2)
    check(t.wait_end(20)["signal"] == "SIGBUS", "stock testpmd survives the removal: %s" % t.end())
