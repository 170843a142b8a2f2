# SPDX-License-Identifier: BSD-3-Clause
"""doctor: before anything runs, what is missing on this machine, and how to mend it.

In:  options, cards.  Out: a line for each check, the command that mends what is not good;
with --report a file for whoever is asked for help.
"""
import json

from . import VERSION, card, machine, report, text

WORDS = {"ok": ("ok", text.GOOD), "warn": ("look", text.WARN), "bad": ("MISSING", text.BAD)}


def add(ap):
    ap.add_argument("device", nargs="*", help="PCI addresses or network interfaces; "
                    "without: the network cards on drivers of user space")
    ap.add_argument("--report", nargs="?", const="", metavar="FILE",
                    help="write a report to send in (dpdk-hotplug-report-...txt)")
    ap.add_argument("--root", default="/", help="a folder that stands for / (tests)")
    ap.set_defaults(run=run)


def examine(root, devices):
    of = machine.Machine(root)
    found = machine.checks(of)
    for device in devices or card.candidates(of):
        found += card.checks(of, device)
    return found


def lines(found):
    for check in found:
        word, code = WORDS[check.level]
        head = "%-8s" % word
        body = text.fold("%s: %s" % (check.name, text.clean(check.text)), head, " " * 8)
        yield text.color(code, head) + body[len(head):]
        if check.todo:
            yield text.fold("-> " + check.todo, " " * 8, " " * 11)


def summary(found):
    missing = sum(c.level == "bad" for c in found)
    looks = sum(c.level == "warn" for c in found)
    if missing:
        return "%s missing." % text.count(missing, "thing")
    return "Ready%s." % (", with %s to look at" % text.count(looks, "thing") if looks else "")


def run(o):
    found = examine(o.root, o.device)
    status = int(any(c.level == "bad" for c in found))
    if o.json:
        print(json.dumps({"version": VERSION, "status": status,
                          "checks": [c._asdict() for c in found]}, indent=2))
        return status
    for line in lines(found):
        print(line)
    print("\n" + text.color(text.BAD if status else text.GOOD, summary(found)))
    if o.report is not None:
        path = report.write(o, "\n".join(lines(found)))
        print("report: %s\nRead it before you send it: it names devices, processes and versions."
              % path)
    return status
