# SPDX-License-Identifier: BSD-3-Clause
"""The procedure of the seed, typed into stock testpmd: each step says what it should.

Plug in, bind, port attach, port start, start; tear out; stop, port stop, port close,
port detach; and again.  Nothing may be left of a cycle: descriptors, mappings,
threads, hugepages, /dev nodes.  With --hot-plug testpmd does the second half itself.
Two ways of removal take turns.
"""
import removal
from scenarios.heal import NICS
from scenarios.row import Row, boot, check

DONE = r"Done"


def rows(full):
    short = [("e1000e", "uio_pci_generic", "yank", False)]
    product = [(n, d, "yank+sysfs", h) for n in NICS for d in ("igb_uio", "vfio-pci")
               for h in (False, True)]
    return [Row("procedure %s %s %s%s" % (n, d, w, " --hot-plug" if h else ""), boot(),
                procedure, dict(nic=n, driver=d, way=w, hot_plug=h, cycles=20 if full else 3))
            for n, d, w, h in (product if full else short)]


def step(lab, line, expected, timeout=20):
    """Type a line; what testpmd says from there on must match."""
    t = lab.testpmd
    start = len(t.text())
    t.type(line)
    check(t.wait_output(expected, timeout, start),
          "`%s` does not say `%s` but: %s" % (line, expected, t.text()[start:][-300:]))


def held(lab):
    """What the process and the system hold."""
    pid = lab.testpmd.state()["pid"]
    out = lab.guest.sh(
        "cd /proc/%d; ls fd | wc -l; ls task | wc -l; "
        "grep HugePages_Free /proc/meminfo | tr -dc 0-9; echo; ls /dev | grep -c uio" % pid)
    return dict(zip(("fds", "threads", "hugepages", "uio"), map(int, out.split())),
                maps=mappings(lab.testpmd.maps()))


def mappings(text):
    """How many there are, without those that the C library keeps for later threads: an
    arena, a stack.  Each is two that touch, one of them a guard, and nobody's file; how many
    there are depends on how many threads there were at a time, and who allocated then."""
    n, before = 0, ("", "")
    for line in text.splitlines():
        span, mode, _, _, inode, *name = line.split(None, 5)
        begin, end = span.split("-")
        mode = mode if inode == "0" and not name else ""
        if begin == before[0] and {mode, before[1]} == {"---p", "rw-p"}:
            n, before = n - 1, ("", "")         # the pair
        else:
            n, before = n + ("stack" not in line and "heap" not in line), (end, mode)
    return n


def procedure(lab, nic, driver, way, hot_plug, cycles):
    victim, bystander = lab.slots(nic)
    lab.start([bystander], driver, hot_plug, extra=[victim], options="flaps=0")
    ways, counts = way.split("+"), []
    for i in range(cycles):
        attach(lab, victim, bystander, driver)
        tear_out(lab, victim, ways[i % len(ways)], hot_plug)
        lab.testpmd.wait_forwarding([bystander])
        counts.append(held(lab))
    lab.figures["held"] = counts[-1]
    for key in counts[0]:
        check(counts[-1][key] <= counts[1][key],
              "%s grow from cycle to cycle: %s" % (key, [c[key] for c in counts]))
    let_go(lab, victim, bystander, driver)
    lab.check_undamaged()
    lab.check_quit()


def attach(lab, victim, bystander, driver):
    bdf = lab.guest.ready(victim, driver)
    step(lab, "port attach " + bdf, r"Port 1 is attached. Now total ports is 2\s+Done")
    lab.testpmd.bdfs[1:] = [bdf]
    step(lab, "port start 1", DONE)
    step(lab, "stop", r"Done\.")
    step(lab, "start", r"forwards packets on")
    lab.wires.feed(victim, bystander)
    lab.testpmd.wait_forwarding([victim, bystander])


def tear_out(lab, victim, way, hot_plug):
    t = lab.testpmd
    start = len(t.text())
    loss = removal.remove(lab.guest, victim, way)
    if hot_plug:                            # testpmd does it all by itself
        check(t.wait_output(r"Device is detached\s+Now total ports is 1", 60, start),
              "testpmd does not detach it: " + t.end())
    else:
        check(t.wait_output(r"port 1 is kept", 20, start), "it is not torn down: " + t.end())
        step(lab, "stop", r"Done\.")
        step(lab, "port stop 1", r"Stopping ports...[\s\S]*Done")
        step(lab, "port detach 1", r"Removing a device...[\s\S]*Device is detached\s+"
                                   r"Now total ports is 1\s+Done")
        step(lab, "start", r"forwards packets on")
    check(loss.wait(40), "the removal blocks")
    removal.wait_out(lab.guest, [victim], way)


def let_go(lab, victim, bystander, driver):
    """The card in its slot, the port closed: by port close, and device detach."""
    attach(lab, victim, bystander, driver)
    step(lab, "stop", r"Done\.")
    step(lab, "port stop 1", r"Stopping ports...[\s\S]*Done")
    step(lab, "port close 1", r"Closing ports...[\s\S]*Done")
    step(lab, "port detach 1", r"Invalid port(_id=| )1")   # closed: it has none
    step(lab, "device detach " + lab.guest.bdf(victim),
         r"Device \S+ is detached\s+Now total ports is 1\s+Done")
