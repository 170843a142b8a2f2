# SPDX-License-Identifier: BSD-3-Clause
"""events: what was lost, why, and healed after how long.

In:  the history of each process, or a file that history= has made.  Out: a line each, the
oldest first, or JSON.
"""
import calendar
import json
import time

from . import judge, processes, sockets, text

WORDS = {"gone": "lost", "requested": "asked for by the kernel", "restored": "lives after all",
         "ready": "is there again", "held": "asked for, and still held", "flapping":
         "comes and goes", "rescan": "events were dropped", "stuck": "its driver does not return",
         "healed": "healed", "given_up": "back, and not to be healed"}
FILE_KEYS = ("event", "device", "cause", "sign", "kernel_driver", "sequence", "is_simulated",
             "event_ns", "sign_ns", "cut_ns", "pid", "time")


def add(ap):
    ap.add_argument("-n", "--number", type=int, default=20, metavar="N", help="the last N (20)")
    ap.add_argument("--file", action="append", default=[], metavar="FILE",
                    help="also those of a file that the option history= has made")
    ap.set_defaults(run=run)


def words(event):
    """"lost: removed, seen by a kernel uevent, cut off after 0.2 ms"."""
    out = WORDS.get(event.type, event.type)
    if event.type == "gone" and event.is_simulated:
        return out + " in a drill"
    if event.type == "gone":
        out += ": %s, seen %s" % (judge.CAUSES.get(event.cause, event.cause.lower()),
                                  judge.SIGNS.get(event.sign, event.sign))
        if event.cut_after is not None:
            out += ", cut off after " + text.span(event.cut_after)
    if event.type == "healed" and event.healed_after is not None:
        out += " after " + text.span(event.healed_after)
    return out


def line(event, who):
    head = "%s  %7s  %-16s " % (text.clock(int(event.wall * 1e9)),
                                text.age(time.time() - event.wall), text.clean(event.device))
    bad = event.type in ("gone", "held", "stuck", "given_up", "flapping")
    code = text.BAD if bad else text.GOOD if event.type == "healed" else None
    room = text.fold(words(event) + (" [%s]" % text.clean(who) if who else ""), head,
                     " " * 21)
    return room.replace(head, head + text.color(code, ""), 1) if not code else \
        head + text.color(code, room[len(head):])


def decoded(one):
    """A line; what stands before it there is half of another (a disk that was full)."""
    return sockets.clean(json.loads(one[max(one.rfind('{"time": '), 0):]))


def from_file(path):
    """[(event, pid)] of a history file; lines that are none are left out."""
    found = []
    with open(path, encoding="utf-8", errors="replace") as f:
        for one in f:
            try:
                said = decoded(one)
                if not all(k in said for k in FILE_KEYS):
                    continue
                seconds = calendar.timegm(time.strptime(said["time"][:19], "%Y-%m-%dT%H:%M:%S"))
                wall = seconds + float("0." + said["time"][20:].rstrip("Z"))
                found.append((processes.Event(
                    {**said, "type_name": said["event"], "cause_name": said["cause"],
                     "sign_name": said["sign"], "wall_ns": int(wall * 1e9)}, 0), said["pid"]))
            except (ValueError, TypeError):
                continue
    by_pid = {}
    for event, pid in found:
        by_pid.setdefault(pid, []).append(event)
    for events in by_pid.values():
        processes.link_returns(events)
    return found


def collect(o, found, silent):
    """[(event, name of its process)], oldest first, each once."""
    events = {(p.pid, e.sequence, round(e.at, 6)): (e, "%s %d" % (p.name, p.pid))
              for p in found for e in p.events}
    files = list(o.file) + [f for s in silent for f in [sockets.history_file(s.pid)] if f]
    for path in files:
        try:
            for event, pid in from_file(path):
                events.setdefault((pid, event.sequence, round(event.at, 6)),
                                  (event, "pid %d" % pid))
        except OSError as e:
            print("dpdk-hotplug: %s: %s" % (path, e.strerror))
    return sorted(events.values(), key=lambda x: (x[0].wall, x[0].sequence))


def run(o):
    found, silent = processes.ask_all(o)
    try:
        events = collect(o, found, silent)[-o.number:] if o.number > 0 else []
        if o.json:
            print(json.dumps([{**vars(e), "process": who} for e, who in events], indent=2))
            return 0
        for event, who in events:
            print(line(event, who if len({w for _, w in events}) > 1 else ""))
        if not found and not o.file and not events:
            print(judge.verdict(found, silent)[0])
            return judge.STATUS["nobody"]
        if not events:
            print("No event: nothing was lost since the start of %s."
                  % text.count(len(found), "process"))
        return 0
    finally:
        processes.close_all(found)
