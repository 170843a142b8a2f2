#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How the check counts its lanes, with lanes that do nothing.   lanes_test.py DEVTOOLS"""
import contextlib
import fcntl
import io
import os
import sys
import tempfile
import time

sys.path.insert(0, sys.argv.pop(1))
import commands                         # noqa: E402
import lanes                            # noqa: E402
import needs                            # noqa: E402
import summary                          # noqa: E402
import mp_console                       # noqa: E402


def same(a, b):
    assert a == b, "%r, not %r" % (a, b)


class Check:
    """Runs of the check on one machine and one tree; `calls` are the lanes that were run."""

    def __init__(self, **given):
        """NAME=(passed, failed), an exception to raise, or a function."""
        self.calls, self.given = [], given

    def lane(self, name):
        def run(o):
            self.calls.append(name)
            if name in self.own:
                return self.own[name](o)
            answer = self.given[name]
            if isinstance(answer, BaseException):
                raise answer
            return answer() if callable(answer) else answer
        return lanes.Lane(run, 1)

    def run(self, *args, root=None):
        """(exit status, what was printed)"""
        self.calls.clear()
        lanes.LANES = {n: self.lane(n)._replace(root=root if n == "mp" else None,
                                                when=self.when.get(n))
                       for n in self.given}
        needs.NEEDS = {n: self.needs if n == "doc" else "" for n in self.given}
        sys.argv[1:], out = args, io.StringIO()
        with contextlib.redirect_stdout(out):
            status = lanes.main()
        return status, out.getvalue()

    needs, when, own = "", {}, {}


def test_counts_and_status():
    check = Check(build=(1, 0), fast=(20, 0))
    status, said = check.run()
    same((status, said.splitlines()[-1]), (0, "21 passed, 0 failed"))
    check = Check(build=(1, 0), fast=(20, 2), doc=(1, 0))
    status, said = check.run()
    same((status, said.splitlines()[-1]), (1, "22 passed, 2 failed"))
    same(check.calls, ["build", "fast", "doc"])


def test_slow_is_told_and_no_failure():
    """N6: 415 s for the build were a failure, and nothing was run after it."""
    check = Check(build=lambda: time.sleep(2.2) or (1, 0), fast=(20, 0))
    status, said = check.run()
    same((status, check.calls), (0, ["build", "fast"]))
    assert "\nslow: lane build took 2 s, budget 1 s\n" in said, said
    same(said.splitlines()[-1], "21 passed, 0 failed")


def test_a_command_that_fails_is_told_again():
    """A finding of an analysis was told in the middle of the log alone, and was cut."""
    check = Check(build=(1, 0),
                  abi=lambda: commands.rows("sh", "-c", "echo FAILED tool: f.c:1: leak;"
                                            "echo 0 passed, 1 failed"),
                  doc=lambda: commands.one(commands.quiet("sh", "-c", "echo no such page; exit 1")))
    status, said = check.run()
    end = said[said.index("\nlanes: "):]
    for line in "FAILED tool: f.c:1: leak\n", "FAILED sh -c ", "  no such page\n":
        assert line in end, end
    same((status, said.splitlines()[-1]), (1, "1 passed, 2 failed"))


def meet(own, other, said):
    """A lane that ends only beside another one, which does the same."""
    def run():
        print("%s begins" % said, flush=True)
        with open(own, "w"), open(other):       # fifos: each waits for the other
            print("%s ends" % said)
        return 3, 0
    return run


def test_lanes_beside_each_other():
    """What they say is not mixed; one that dies has failed; with --all each is alone."""
    with tempfile.TemporaryDirectory() as d:
        a, b = d + "/a", d + "/b"
        os.mkfifo(a)
        os.mkfifo(b)

        def back():
            print("back begins", flush=True)
            with open(a) as _, open(b, "w"):
                print("back ends")
            return 4, 0
        check = Check(build=(1, 0), there=meet(a, b, "there"), back=back,
                      odd=OSError("no such file: depmod"), dead=lambda: os._exit(0))
        check.when = dict.fromkeys(("there", "back", "odd", "dead"), lanes.LAST)
        status, said = check.run()
    for name, n in ("there", 3), ("back", 4):
        assert "== %s\n%s begins\n%s ends\n== %s " % ((name,) * 4) in said, said
    assert "FAILED lane odd: no such file: depmod\n== odd " in said, said
    assert "FAILED lane dead did not come to its end\n" in said, said
    same((status, said.splitlines()[-1]), (1, "8 passed, 2 failed"))
    end = said[said.index("\nlanes: "):]   # the middle of a log gets lost
    assert "FAILED lane odd: no such file: depmod\n" in end, end
    assert "FAILED lane dead did not come to its end\n" in end, end
    check.given = {n: (1, 0) for n in check.given}
    check.run("--all", "--anew")
    same(check.calls, ["build", "there", "back", "odd", "dead"])
    check.run("--lane", "odd")
    same(check.calls, ["build", "odd"])


def test_a_lane_behind_others():
    """It runs while they do, is told when it has ended, and nothing is beside who is alone."""
    with tempfile.TemporaryDirectory() as d:
        there, back, over = d + "/there", d + "/back", d + "/over"
        os.mkfifo(there)
        os.mkfifo(back)

        def behind():
            policy = os.sched_getscheduler(0)
            with contextlib.suppress(FileNotFoundError), open("/proc/self/autogroup") as f:
                assert " nice 19\n" in f.read()
            with open(there), open(back, "w"):
                time.sleep(0.3)
            with open(over, "w"):
                print("policy %d" % policy)
            return 3, 0

        def fast():
            with open(there, "w"), open(back):
                return 20, 0
        check = Check(build=(1, 0), behind=behind, dead=lambda: os._exit(0),
                      bench=lambda: (os.path.exists(over), 0), fast=fast)
        check.when = {"behind": lanes.BEHIND, "dead": lanes.BEHIND, "bench": lanes.ALONE}
        status, said = check.run()
        same(check.calls, ["build", "fast", "bench"])
        assert "\n== behind\npolicy %d\n== behind " % os.SCHED_IDLE in said, said
        assert said.index("== fast 0 s") < said.index("\n== behind\n") < said.index("== bench"), said
        assert "FAILED lane dead did not come to its end\n" in said[said.index("\nlanes: "):], said
        same((status, said.splitlines()[-1]), (1, "25 passed, 1 failed"))
    check.given = {n: (1, 0) for n in check.given}
    check.run("--all", "--anew")
    same(check.calls, ["build", "behind", "dead", "bench", "fast"])
    check.run("--lane", "behind")
    same(check.calls, ["build", "behind"])


def test_a_turn_of_its_own():
    """What a lane behind others does with `turn` waits for them, and not for the last ones."""
    with tempfile.TemporaryDirectory() as d:
        over = d + "/over"

        def last():
            while not os.path.exists(over):
                time.sleep(0.01)
            return 3, 0

        def behind(o):
            with open(o.turn) as f:
                fcntl.flock(f, fcntl.LOCK_SH)
            open(over, "w").close()
            return 2, 0
        check = Check(build=(1, 0), behind=None, last=last,
                      fast=lambda: time.sleep(0.3) or (not os.path.exists(over), 0))
        check.own = {"behind": behind}
        check.when = {"behind": lanes.BEHIND, "last": lanes.LAST}
        status, said = check.run()
        same((status, said.splitlines()[-1]), (0, "7 passed, 0 failed"))


def test_all_has_no_budgets():
    status, said = Check(build=lambda: time.sleep(1.1) or (1, 0)).run("--all", "--anew")
    assert "slow" not in said and status == 0, said


def test_nothing_is_run_without_a_build():
    check = Check(build=(0, 1), fast=(20, 0))
    status, said = check.run()
    same((status, check.calls), (1, ["build"]))
    assert "not run: all other lanes" in said, said


def test_what_is_missing_is_a_failure():
    check = Check(build=(1, 0), doc=(1, 0))
    check.needs = "sh no-such-program c:no_such.h"
    status, said = check.run()
    same((status, check.calls), (1, ["build"]))
    assert "FAILED lane doc: there is no no-such-program, no header no_such.h: " in said, said


def test_without_root():
    check = Check(build=(1, 0), mp=(100, 0), doc=(1, 0))
    os.geteuid, before = lambda: 1000, os.geteuid
    try:
        status, said = check.run(root="it mounts")
    finally:
        os.geteuid = before
    same((status, check.calls), (1, ["build", "doc"]))
    assert "FAILED lane mp: it mounts\n" in said, said


def test_an_exception_is_a_failure():
    check = Check(build=(1, 0), fast=OSError("no such file: depmod"), doc=(1, 0))
    status, said = check.run()
    same((status, check.calls), (1, ["build", "fast", "doc"]))
    assert "FAILED lane fast: no such file: depmod" in said, said


def test_lanes_by_name():
    check = Check(build=(1, 0), fast=(1, 0), doc=(1, 0), mp=(1, 0))
    check.run("--lane", "doc")
    same(check.calls, ["build", "doc"])
    status, said = check.run("--without", "doc")
    same(check.calls, ["build", "fast", "mp"])
    assert "not run: lane doc (--without)\n" in said, said


def test_all_goes_on_where_it_was_ended():
    check = Check(build=(1, 0), fast=(20, 0), mp=(7, 1), doc=KeyboardInterrupt(), abi=(2, 0))
    with contextlib.suppress(KeyboardInterrupt):
        check.run("--all", "--anew")
    same(check.calls, ["build", "fast", "mp", "doc"])
    check.given.update(mp=(8, 0), doc=(1, 0))
    status, said = check.run("--all")
    same(check.calls, ["build", "mp", "doc", "abi"])
    same((status, said.splitlines()[-1]), (0, "32 passed, 0 failed"))
    check.run("--all")                  # that one came to its end, without a failure
    same(check.calls, ["build", "fast", "mp", "doc", "abi"])


def test_the_rows_go_on_with_the_lanes():
    """run.py knows rows by itself: it forgets them when the check begins anew."""
    calls, lanes.rows = [], lambda *cmd: calls.append(cmd[2:]) or (1, 1)
    lanes.quiet, guest = lambda *cmd: True, lanes.guest
    check = Check(build=(1, 0), guest=(0, 0))
    check.lane = lambda name: lanes.Lane(guest if name == "guest" else lambda o: (1, 0), 1)
    check.run("--all", "--anew")
    check.run("--all")
    check.run()
    same(calls, [("--all", "--anew"), ("--all",), ()])


def test_the_summary_is_a_table():
    Check(build=(1, 0), fast=(20, 3)).run("--all", "--anew")
    with open(summary.PAGE) as f:
        text = f.read()
    for words in ("21 passed, 3 failed, in ", "| lane | passed | failed |", "| fast | 20 | 3 | ",
                  "GiB"):
        assert words in text, text


with tempfile.TemporaryDirectory() as folder:
    os.environ["HOTPLUG_CACHE"] = folder
    lanes.resume.tree = lambda *_: "this tree"      # in a tarball git knows none
    summary.PAGE = os.path.join(folder, "page.md")
    sys.exit(mp_console.main([f for name, f in sorted(globals().items())
                              if name.startswith("test_")]))
