# SPDX-License-Identifier: BSD-3-Clause
"""watch: status and events, live.

In:  the same questions, again and again.  Out: on a terminal one picture that is drawn anew;
elsewhere a line for each event as it comes, for logs, with --json an object.
"""
import json
import sys
import time

from . import events, processes, status, text

CLEAR = "\033[H\033[J"
N_SHOWN = 8


def add(ap):
    ap.add_argument("-i", "--interval", type=float, default=1.0, metavar="S",
                    help="seconds between two looks (1)")
    ap.add_argument("--looks", type=int, default=0, metavar="N", help="end after N looks (0: never)")
    ap.set_defaults(run=run)


def draw(found, silent, interval):
    who = processes.holders({n for p in found for n in p.devices})
    print(CLEAR + text.color(text.DIM, time.strftime("%H:%M:%S") + "  asked every %g s; Ctrl-C ends" % interval))
    code = status.show(found, silent, who)
    for process in found:
        for event in process.events[-N_SHOWN:]:
            print(events.line(event, process.name if len(found) > 1 else ""))
    sys.stdout.flush()
    return code


def tell(found, seen, is_json):
    """Lines of what is new, or a JSON object each; at the first look nothing is."""
    for process in found:
        last = seen.get(process.pid)
        for event in process.events:
            if last is not None and event.sequence > last:
                who = "%s %d" % (process.name, process.pid)
                print(json.dumps({**vars(event), "process": who}) if is_json else
                      events.line(event, who), flush=True)
        seen[process.pid] = process.events[-1].sequence if process.events else 0
    for pid in set(seen) - {p.pid for p in found}:
        print(json.dumps({"type": "ended", "pid": pid, "wall": time.time()}) if is_json else
              "%s  pid %d has ended" % (text.clock(time.time_ns()), pid), flush=True)
        del seen[pid]


def run(o):
    if not 0 <= o.interval <= 3600:
        print("dpdk-hotplug: -i %g: not between 0 and 3600 seconds" % o.interval, file=sys.stderr)
        return 2
    is_picture, seen, looks, code = sys.stdout.isatty() and not o.json, {}, 0, 0
    while True:
        found, silent = processes.ask_all(o)
        if is_picture:
            code = draw(found, silent, o.interval)
        else:
            tell(found, seen, o.json)
            code = 0
        processes.close_all(found)
        looks += 1
        if looks == o.looks:
            return code
        time.sleep(max(0.1, o.interval))
