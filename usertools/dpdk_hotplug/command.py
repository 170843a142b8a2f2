# SPDX-License-Identifier: BSD-3-Clause
"""The command line.

In:  arguments.  Out: an exit status: 0 all is well; 1 something is lost, stuck, or a check
failed; 2 wrong usage; 3 something is not protected; 4 there is nobody to ask.
"""
import argparse
import sys

from . import VERSION, doctor, drill, events, status, text, watch

USAGE = 2
INTERRUPTED = 130


def add_where(ap):
    ap.add_argument("-f", "--file-prefix", metavar="PREFIX", help="only processes of that prefix")
    ap.add_argument("-p", "--pid", type=int, help="only that process")
    ap.add_argument("--json", action="store_true", help="for programs: one JSON object")
    ap.add_argument("--color", choices=("auto", "always", "never"), default="auto",
                    help="colours (auto: on a terminal that has them)")
    ap.add_argument("--runtime-dir", action="append", metavar="DIR", help=argparse.SUPPRESS)


def parser(doc):
    ap = argparse.ArgumentParser(prog="dpdk-hotplug", description=doc,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--version", action="version", version="dpdk-hotplug " + VERSION)
    sub = ap.add_subparsers(dest="command", metavar="COMMAND")
    for name, add, what in (
            ("status", status.add, "each process, device and port, and one verdict"),
            ("watch", watch.add, "the same, live, with events as they come"),
            ("events", events.add, "what was lost, why, and healed after how long"),
            ("drill", drill.add, "rehearse the loss of a device"),
            ("doctor", doctor.add, "what is missing on this machine, and how to mend it")):
        one = sub.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
        add_where(one)
        add(one)
    return ap


def main(doc):
    ap = parser(doc)
    arguments = sys.argv[1:]
    if not any(a in ("-h", "--help", "--version") for a in arguments) and \
            (not arguments or arguments[0].startswith("-")):
        arguments = ["status"] + arguments
    o = ap.parse_args(arguments)
    text.set_colors(o.color)
    try:
        return o.run(o)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:             # | head
        sys.stderr.close()
        return 0
