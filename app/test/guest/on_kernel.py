#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the igb_uio scenarios on one kernel: on_kernel.py NAME [run.py's arguments].

NAME is a folder of kernels as kernel.py makes them: 5.10, 6.1, 6.12, sid, or
debug (devtools/debug-kernel).
"""
import sys

import run
import uio

SCENARIOS = ("igb_uio", "igb_uio_cut", "igb_uio_edge", "igb_uio_testpmd", "igb_uio_slot")


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__.strip())
    name = sys.argv.pop(1)
    # They need no plugin; run.py wants to see a file.
    sys.argv += ["--plugin", uio.user_program()]
    run.MODULES = SCENARIOS
    plain = run.interleave
    run.interleave = lambda rows: plain([on(name, r) for r in rows])
    return run.main()


def on(name, row):
    reason = None if name == "debug" else row.optional
    return row._replace(optional=reason, name="%s: %s" % (name, row.name),
                        boot=row.boot._replace(kernel=name))


if __name__ == "__main__":
    sys.exit(main())
