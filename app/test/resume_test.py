#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""devtools/resume.py: what passed stays passed, for what was tested and nothing else.

usage: resume_test.py RESUME.PY

In:  the module; folders of its own.  Out: TAP.
"""
import importlib.util
import os
import subprocess
import sys

import tap
import time

resume = None


def load(path):
    spec = importlib.util.spec_from_file_location("resume", path)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


def put(root, name, text, mode=0o644):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)


def test_what_passed_is_known_to_the_next_run(root):
    resume.Results(root, "rows", "k").add("a row", True, seconds=3)
    known = resume.Results(root, "rows", "k").passed("a row")
    assert known and known["seconds"] == 3 and known["when"], "not known: %s" % known


def test_what_failed_is_run_again(root):
    first = resume.Results(root, "rows", "k")
    first.add("failed", False)
    first.add("failed later", True)
    first.add("failed later", False)
    first.add("mended", False)
    first.add("mended", True)
    known = resume.Results(root, "rows", "k")
    assert not known.passed("failed") and not known.passed("failed later"), "taken as passed"
    assert known.passed("mended") and not known.passed("never run"), "not the last result"


def test_something_else_was_tested(root):
    resume.Results(root, "rows", resume.key("tree", "kernel")).add("row", True)
    for name, what in (("rows", ("tree", "other")), ("lanes", ("tree", "kernel"))):
        assert not resume.Results(root, name, resume.key(*what)).passed("row"), "taken over"


def test_fresh_holds_for_the_runs_after(root):
    resume.Results(root, "rows", "k").add("before", True)
    begun = resume.Results(root, "rows", "k", fresh=True)
    assert not begun.passed("before"), "fresh, and it knows something"
    begun.add("since", True)
    later = resume.Results(root, "rows", "k")
    assert later.passed("since") and not later.passed("before"), "fresh was for one run only"


def test_a_run_that_is_killed_keeps_what_it_has(root):
    pid = os.fork()
    if pid == 0:
        resume.Results(root, "rows", "k").add("row", True)
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
    assert resume.Results(root, "rows", "k").passed("row"), "it is lost"


def test_a_line_cut_short_spoils_no_other(root):
    first = resume.Results(root, "rows", "k")
    first.add("one", True)
    with open(first.path, "a") as f:
        f.write('\n{"part": "cut", "passed": tr')
    resume.Results(root, "rows", "k").add("two", True)
    known = resume.Results(root, "rows", "k")
    assert known.passed("one") and known.passed("two") and not known.passed("cut"), "spoilt"


def test_two_runs_at_once_lose_nothing(root):
    pids = []
    for me in "ab":
        pid = os.fork()
        if pid == 0:
            mine = resume.Results(root, "rows", "k")
            for n in range(50):
                mine.add("%s%d" % (me, n), True, text="x" * 3000)
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    known = resume.Results(root, "rows", "k")
    missing = [p for p in ("%s%d" % (m, n) for m in "ab" for n in range(50))
               if not known.passed(p)]
    assert not missing, "lost: %s" % missing


def test_old_results_go(root):
    old = resume.Results(root, "rows", "old")
    old.add("row", True)
    then = time.time() - (resume.KEPT_DAYS + 1) * 86400
    os.utime(old.path, (then, then))
    resume.Results(root, "rows", "new").add("row", True)
    assert [n for n in os.listdir(root)] == ["rows-new.jsonl"], "kept: %s" % os.listdir(root)


def test_a_tree_is_its_files(root):
    subprocess.run(["git", "init", "-q", root], check=True)
    put(root, ".gitignore", "/build/\n")
    put(root, "lib/a file.c", "one")
    seen = {resume.tree(root)}
    put(root, "build/made", "x")
    assert resume.tree(root) in seen, "what git ignores counts"
    for change in (lambda: put(root, "lib/a file.c", "two"),
                   lambda: put(root, "lib/a file.c", "two", 0o755),
                   lambda: put(root, "lib/new.c", ""),
                   lambda: os.rename(root + "/lib/new.c", root + "/lib/newer.c"),
                   lambda: os.symlink("newer.c", root + "/lib/link")):
        change()
        assert resume.tree(root) not in seen, "the same after a change"
        seen.add(resume.tree(root))
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    assert resume.tree(root) in seen, "committed or not makes a difference"
    before = resume.tree(root, ":!doc")
    put(root, "doc/page", "x")
    assert resume.tree(root, ":!doc") == before, "what was left out counts"
    assert resume.tree(root) not in seen, "the page does not count"


def test_a_tree_that_git_does_not_know_is_like_no_other(root):
    put(root, ".git", "gitdir: /nonexistent\n")
    assert resume.tree(root) != resume.tree(root), "taken for what was tested before"


def test_a_program_is_what_it_does(root):
    found = []
    for folder, text in (("a", "int f(void) { return 1; }"), ("b", "int f(void) { return 1; }"),
                         ("c", "int f(void) { return 2; }")):
        d = os.path.join(root, folder)
        put(d, "x.c", text)
        subprocess.run(["cc", "-g", "-shared", "-fPIC", "-o", "x.so", "x.c"], cwd=d, check=True)
        found.append(resume.program(d + "/x.so"))
    assert found[0] == found[1], "where it was built counts"
    assert found[1] != found[2], "what it does does not count"
    put(root, "page", "no program")
    assert resume.program(root + "/page") == resume.content(root + "/page"), "not its content"


def main():
    global resume
    resume = load(os.path.abspath(sys.argv[1]))
    return tap.main(globals())


if __name__ == "__main__":
    sys.exit(main())
