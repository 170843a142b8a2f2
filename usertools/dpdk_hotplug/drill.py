# SPDX-License-Identifier: BSD-3-Clause
"""drill: rehearse the loss of a device in a running process.

In:  a device's name.  Out: what was told, with times; 0: it went as the policy has it.
The port is interrupted for real; the process's own user, or root, may ask for that.
"""
import json
import sys
import time

from . import events, judge, processes, text

PATIENCE = 60                           # seconds beyond the drill itself


def add(ap):
    ap.add_argument("device", nargs="?", help="its name, as status shows it")
    ap.add_argument("--for", dest="seconds", type=float, default=5.0, metavar="S",
                    help="seconds until it is back (5)")
    ap.add_argument("--yes", action="store_true", help="do not ask")
    ap.add_argument("--list", action="store_true", help="name the devices that can be taken")
    ap.set_defaults(run=run)


def fail(words, code=1):
    print("dpdk-hotplug: " + words, file=sys.stderr)
    return code


def guarded(found):
    return sorted({n for p in found for n, f in p.devices.items() if f["is_guarded"]})


def ports_of(process, device):
    return [n for n, f in process.ports.items() if f["device"] == device]


def ask_first(process, device, seconds):
    ports = ports_of(process, device)
    print(text.fold("%s of %s (pid %d) is taken for lost for %g s: %s interrupted. The device "
                    "itself is reset where it has a reset." % (
                        device, process.name, process.pid, seconds,
                        "port %s is" % ", ".join(map(str, ports)) if ports else "its user is"), ""))
    return input("Type the name of the device to go on: ").strip() == device


def follow(process, device, policy, seconds, o):
    """Prints each event of the device; the last one that counts, or None."""
    last, end = (process.events[-1].sequence if process.events else 0), \
        time.monotonic() + seconds + PATIENCE
    wanted = ("healed", "given_up", "stuck") if policy == "heal" else ("ready", "stuck")
    out = []
    while time.monotonic() < end:
        for event in process.ask_events():
            if event.sequence <= last or event.device != device:
                continue
            last = event.sequence
            out.append(event)
            if not o.json:
                print(events.line(event, ""), flush=True)
            if event.type in wanted:
                return out, event.type
        time.sleep(0.1)
    return out, None


def choose(found, device):
    """The one process that has it; or a sentence."""
    having = [p for p in found if device in p.devices and p.devices[device]["is_guarded"]]
    if not having:
        known = ", ".join(guarded(found)) or "none"
        return None, "no process guards a device '%s' (guarded: %s)" % (device, known)
    if len(having) > 1:
        return None, "%d processes have %s: name one with --pid (%s)" % (
            len(having), device, ", ".join("%d %s" % (p.pid, p.name) for p in having))
    return having[0], None


def rehearse(process, device, o):
    policy = next((f["policy_name"] for f in process.ports.values() if f["device"] == device),
                  None)
    answer = process.connection.ask("/hotplug/drill", device, int(o.seconds * 1000))
    if answer is None:
        return fail("its library (%s) knows no drills by telemetry" % process.version)
    if not answer["is_begun"]:
        return fail("%s: %s%s" % (device, answer["error"],
                                  ": the kernel cannot reset it, so its DMA cannot be stopped"
                                  if answer["error"] == "Operation not supported" else ""))
    out, end = follow(process, device, policy, o.seconds, o)
    is_good = end == ("healed" if policy == "heal" else "ready")
    if o.json:
        print(json.dumps({"device": device, "policy": policy, "is_good": is_good,
                          "events": [vars(e) for e in out]}, indent=2))
    else:
        print(text.color(text.GOOD if is_good else text.BAD, "The drill went well: %s." % (
            "the port works again" if policy == "heal" else "the device is there again")
            if is_good else "The drill did not end well: %s." % (
                events.WORDS.get(end) or "nothing more was told in time")))
    return 0 if is_good else 1


def run(o):
    found, silent = processes.ask_all(o)
    try:
        if o.list:
            print("\n".join(guarded(found)))
            return 0
        if not o.device:
            return fail("which device? (dpdk-hotplug drill --list names them)", 2)
        if not 0 < o.seconds <= 3600:
            return fail("--for %g: not between 0 and 3600 seconds" % o.seconds, 2)
        if not found:
            return fail(judge.verdict(found, silent)[0], judge.STATUS["nobody"])
        process, why = choose(found, o.device)
        if process is None:
            return fail(why)
        if not o.yes and not ask_first(process, o.device, o.seconds):
            return fail("nothing was done")
        return rehearse(process, o.device, o)
    finally:
        processes.close_all(found)
