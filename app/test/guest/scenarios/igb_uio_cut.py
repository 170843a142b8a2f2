# SPDX-License-Identifier: BSD-3-Clause
"""Our kernel module: what the old processes can still do when the card is back.

swap: another card comes into the slot while two processes go on reading their
old mapping; its MAC address must never be read.  ghost: the same card comes
back without a reset of its own, with the old receive ring in its registers;
not one descriptor of the old process may be written.  forgets: what a process leaves in a
register is not there for the next one.  The first two have a control that
does the same to the stock module and must see what ours prevents.
"""
import shlex
import time

import removal
import uio
from guest import Boot, LabError
from scenarios.igb_uio import REGISTERS, check_clean
from scenarios.row import Row, boot, check


def rows(full):
    found = [Row("igb_uio swap e1000e", boot(), swap, dict(nic="e1000e")),
             Row("igb_uio swap virtio-net-pci, uio_mmap=ones", boot(), swap,
                 dict(nic="virtio-net-pci", options="uio_mmap=ones")),
             Row("igb_uio ghost e1000e", boot(), ghost, {}),
             Row("igb_uio forgets, by FLR", boot(), forgets,
                 dict(nic="virtio-net-pci", bar=4, at=0x14, value=1)),
             Row("igb_uio forgets, by a reset of its bus", boot(), forgets,
                 dict(nic="e1000e", bar=0, at=0x2800, value=0x12345000)),
             Row("igb_uio does not forget where its link is watched, and says so", boot(),
                 forgets, dict(nic="e1000e", bar=0, at=0x2800, value=0x12345000, is_kept=True))]
    if full:
        alone = Boot(nics=("e1000e",))
        found += [Row("igb_uio swap %s, %s" % (nic, way), boot(), swap,
                      dict(nic=nic, way=way))
                  for nic in REGISTERS for way in ("yank", "button")]
        found += [Row("igb_uio control: stock, swap", alone, swap_control, {}),
                  Row("igb_uio control: stock, ghost", alone, ghost_control, {}),
                  Row("igb_uio control: no reset, ghost", alone, ghost_control,
                      dict(is_stock=False))]
    return found


# --- another card -----------------------------------------------------------------
def mac_words(nic, mac):
    """What a process reads at REGISTERS[nic] of a card with this MAC address."""
    b = bytes.fromhex(mac.replace(":", ""))
    return int.from_bytes(b, "little")


def put_other(g, slot, nic):
    """A card of the same kind, but with another address, into an empty slot."""
    mac = "52:54:00:99:88:%02x" % slot
    g.cmd("device_add", driver=nic, **dict(g.nic(slot), mac=mac))
    return mac_words(nic, mac)


def times_seen(user, words):
    see = user.report()["see"]
    return sum(n for value, n in see.items() if int(value, 16) & 0xffffffffffff == words)


def exchange(lab, slot, nic, module, options, way):
    """Two old processes, a new card, a new process: what each has read of it."""
    g = lab.guest
    g.dmesg(clear=True)
    module.load(options)
    bdf = g.ready(slot, "igb_uio")
    how = "-b %d -r %d" % REGISTERS[nic]
    old = [uio.User(g, bdf, "%s -m %s" % (how, m)) for m in ("sysfs", "uio")]
    check(removal.remove(g, slot, way).wait(20), "the removal blocks")
    g.wait_rest(slot)
    other = put_other(g, slot, nic)
    g.wait_bdf(slot)
    bdf = g.bind(slot, "igb_uio") or g.bdf(slot)
    new = uio.User(g, bdf, how + " -m sysfs")
    time.sleep(1)
    if not times_seen(new, other):
        raise LabError("the new card does not show its address: %s" % new.report())
    lab.figures.update(reads_of_new_card=sum(times_seen(u, other) for u in old),
                       sigbus=sum(u.report()["sigbus"] for u in old),
                       ones=sum(u.report()["see"].get("f" * 16, 0) for u in old))
    return old + [new]


def swap(lab, nic, options="", way="yank"):
    g, slot = lab.guest, lab.slots(nic)[0]
    module = uio.Module(g)
    users = exchange(lab, slot, nic, module, options, way)
    check(lab.figures["reads_of_new_card"] == 0, "an old process reads the new card")
    check(users[0].report()["sigbus"] > 0, "resourceN is not cut off")
    if "ones" in options:
        check(users[1].report()["sigbus"] == 0, "uio_mmap=ones, and SIGBUS")
        check(lab.figures["ones"] > 0, "uio_mmap=ones, and no ones")
    for u in users:
        u.kill()
    check(module.unload(), "the module cannot be unloaded")
    check_clean(g)
    check(removal.remove(g, slot, "yank").wait(20), "the removal blocks")
    g.plug(slot)


def swap_control(lab):
    exchange(lab, 1, "e1000e", uio.Module(lab.guest, is_stock=True), "", "yank")
    check(lab.figures["reads_of_new_card"] > 0, "the stock module's old processes do "
          "not read the new card: the swap rows prove nothing")


# --- what one user leaves in a register, the next one does not find ------------------
REGISTER = """
import mmap, os, struct, sys
fd = os.open(sys.argv[1], os.O_RDWR)
bar = os.open(sys.argv[2], os.O_RDWR)
with mmap.mmap(bar, 0x4000) as m:
    for value in sys.argv[4:]:
        m[int(sys.argv[3]):int(sys.argv[3]) + 4] = struct.pack("<I", int(value))
    print(struct.unpack_from("<I", m, int(sys.argv[3]))[0])
"""


def watch_presence(g, slot, is_on):
    g.sh("setpci -s %s CAP_EXP+18.w=%d:8" % (g.port(slot), 8 * is_on))


def forgets(lab, nic, bar, at, value, is_kept=False):
    """is_kept: a link that goes down would be taken for a card that is taken out (QEMU's
    ports have nothing of the kind enabled, real ones have), and D3 does nothing in QEMU."""
    g, slot = lab.guest, lab.slots(nic)[0]
    watch_presence(g, slot, is_kept)
    g.dmesg(clear=True)
    module = uio.Module(g)
    module.load()
    bdf = g.ready(slot, "igb_uio")
    path = "/sys/bus/pci/devices/%s/" % bdf
    run = "python3 -c %s /dev/%s %sresource%d %d" % (
        shlex.quote(REGISTER), g.sh("ls %suio" % path).strip(), path, bar, at)
    found = [int(g.sh(run + more), 0) for more in (" %d" % value, "")]
    check(found[0] == value, "the register does not keep 0x%x: 0x%x" % (value, found[0]))
    check((found[1] == value) == is_kept, "the next user finds 0x%x" % found[1])
    check(("cannot be reset alone" in g.dmesg()) == is_kept, "the log tells otherwise")
    watch_presence(g, slot, False)
    check(module.unload(), "the module cannot be unloaded")
    check_clean(g)


# --- the same card, not reset -----------------------------------------------------
def come_back(lab, slot, module, options):
    """Descriptors of an old, unattended ring that are filled after the return."""
    g = lab.guest
    g.dmesg(clear=True)
    module.load(options)
    bdf = g.ready(slot, "igb_uio")
    old, filled = ring_in_part(lab, slot, bdf)
    check(removal.remove(g, slot, "sysfs").wait(20), "the removal blocks")
    g.sh("echo 1 > /sys/bus/pci/rescan")
    bdf = g.ready(slot, "igb_uio")
    new = uio.User(g, bdf)                          # opens it: now a bus master
    lab.wires.feed(slot)
    time.sleep(1)
    lab.wires.feed()
    ghosts = old.report()["done"] - filled
    lab.figures.update(before=filled, ghosts=ghosts)
    return ghosts, (old, new)


def ring_in_part(lab, slot, bdf):
    """A process with a ring that is filled in part, and how many of its descriptors are.
    What was sent in former rows and lies before QEMU's door comes first: it may fill one."""
    for _ in range(20):
        user = uio.User(lab.guest, bdf, "-m sysfs -d")
        done = receive_some(lab, slot, user)
        if 20 < done < 150:
            return user, done
        user.kill()
    raise LabError("%d of 256 descriptors are filled" % done)


def receive_some(lab, slot, user):
    """Some frames; how many descriptors are filled when no more come."""
    for _ in range(40):
        lab.wires[slot].send()
    done, before = user.report()["done"], None
    while done != before:
        time.sleep(0.5)
        done, before = user.report()["done"], done
    return done


def ghost(lab):
    slot = lab.slots("e1000e")[0]
    module = uio.Module(lab.guest)
    ghosts, users = come_back(lab, slot, module, "")
    check(ghosts == 0, "%d descriptors of a dead process were written" % ghosts)
    for u in users:
        u.kill()
    check(module.unload(), "the module cannot be unloaded")
    check_clean(lab.guest)


def ghost_control(lab, is_stock=True):
    module = uio.Module(lab.guest, is_stock)
    ghosts, users = come_back(lab, 1, module, "" if is_stock else "reset=0")
    for u in users:
        u.kill()
    module.unload()
    check(ghosts > 0, "no ghost without a reset: the ghost row proves nothing")
