#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""devtools/matrix builds what the tree is now, and nothing else again.

usage: matrix_copy.py MATRIX

In:  the program's copy of a tree, whose objects are kept; two folders.  Out: TAP.
An object is made anew when its source is younger (ninja, make).
"""
import importlib.machinery
import importlib.util
import os
import sys

import tap
import time

NAME = "lib/a.c"


def load(path):
    loader = importlib.machinery.SourceFileLoader("matrix", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("matrix", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


class Tree:
    """One that is copied; its objects."""

    def __init__(self, copy, root):
        self.copy, self.top, self.to = copy, os.path.join(root, "top"), os.path.join(root, "to")
        self.object = os.path.join(root, "a.o")

    def put(self, name, text, at):
        path = os.path.join(self.top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        os.utime(path, (at, at))

    def copied(self, *names):
        self.copy(names, self.top, self.to)
        with open(os.path.join(self.to, NAME)) as f:
            return f.read()

    def compile(self):
        with open(self.object, "w"):
            time.sleep(0.05)            # files' dates have steps

    def is_built_again(self):
        return os.stat(os.path.join(self.to, NAME)).st_mtime_ns > os.stat(self.object).st_mtime_ns


def test_an_edit_between_copy_and_compiler_is_built(tree):
    tree.put(NAME, "old", at=1000)
    tree.copied(NAME)
    tree.put(NAME, "new", at=1001)      # older than what the compiler is about to write
    tree.compile()
    assert tree.copied(NAME) == "new", "the old file is there"
    assert tree.is_built_again(), "it is younger than its object here, and older there"


def test_what_is_the_same_is_not_built_again(tree):
    tree.put(NAME, "old", at=1000)
    tree.copied(NAME)
    tree.compile()
    tree.put(NAME, "old", at=2000000000)
    tree.copied(NAME)
    assert not tree.is_built_again(), "it is built again"


def test_what_is_gone_goes(tree):
    for name in NAME, "lib/gone.c", "lib/forgotten.c":
        tree.put(name, "text", at=1000)
    tree.copied(NAME, "lib/gone.c", "lib/forgotten.c")
    os.remove(os.path.join(tree.top, "lib/gone.c"))
    tree.copied(NAME, "lib/gone.c")
    assert os.listdir(os.path.join(tree.to, "lib")) == ["a.c"], "more than a.c is there"


def test_a_program_stays_one(tree):
    tree.put(NAME, "text", at=1000)
    tree.copied(NAME)
    os.chmod(os.path.join(tree.top, NAME), 0o755)
    tree.copied(NAME)
    assert os.access(os.path.join(tree.to, NAME), os.X_OK), "it cannot be run"


def main():
    copy = load(os.path.abspath(sys.argv[1])).copy_changes
    return tap.main(globals(), lambda folder: Tree(copy, folder))


if __name__ == "__main__":
    sys.exit(main())
