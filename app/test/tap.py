# SPDX-License-Identifier: BSD-3-Clause
"""Runs the tests of a script, each in a folder of its own, and says so in TAP.

Called by scripts in this folder, with their globals(): a test is a function test_*.
"""
import tempfile


def main(names, make=lambda folder: folder):
    """Calls each test with make(folder), in the order of their names; is one not ok?"""
    tests = [(n[5:], f) for n, f in sorted(names.items()) if n.startswith("test_")]
    print("1..%d" % len(tests))
    failed = 0
    for n, (name, test) in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(make(folder))
                print("ok %d - %s" % (n, name), flush=True)
            except Exception as e:      # whatever it is, it is a failure
                failed += 1
                print("not ok %d - %s" % (n, name))
                print("".join("# %s\n" % line for line in (str(e) or repr(e)).splitlines()), end="")
    return failed != 0
