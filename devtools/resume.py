# SPDX-License-Identifier: BSD-3-Clause
"""What has passed stays passed: a run of many parts goes on where it was ended.

    key = resume.key(resume.tree(TOP, ":!doc"), resume.program(plugin), "kernel 6.1.0-56")
    known = resume.Results(kernel.cache() + "/results", "guest", key, fresh=o.fresh)
    for part in parts:
        before = known.passed(part)         # its entry, or None
        if before is None:
            known.add(part, is_good, seconds=...)

A result counts for what was tested and nothing else: the key is a hash of all that it
depends on.  Each is written, and on the disk, as soon as it is known, one JSON object a
line; of a part's results the last one counts, so what failed is run again.  `fresh`
forgets what was before, also for the runs after this one.  Two runs may write at once:
a line is one write() at the file's end.  One that was cut short (the machine went down)
is no result.

Called by app/test/guest/run.py and devtools/lanes.py; app/test/resume_test.py tests it.
"""
import datetime
import hashlib
import json
import os
import subprocess
import tempfile
import time

KEPT_DAYS = 30


def key(*what):
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


def tree(top, *pathspecs):
    """A hash of what a checkout holds, committed or not, but for what git ignores.

    Where git cannot tell it is like no other: nothing is taken from earlier runs.
    """
    p = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard",
                        "--", ".", *pathspecs], cwd=top, stdout=subprocess.PIPE)
    if p.returncode:
        return key(os.urandom(16).hex())
    found = [(os.fsdecode(n), state(os.path.join(top, os.fsdecode(n))))
             for n in sorted(set(p.stdout.split(b"\0"))) if n]
    return key(*found)


def state(path):
    """What of a file counts: its content, and whether it is a program."""
    if os.path.islink(path):
        return "link to " + os.readlink(path)
    if not os.path.isfile(path):
        return "none"
    return "%s %s" % (os.access(path, os.X_OK), content(path))


def content(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def program(path):
    """A hash of what a program or library does: where it was built does not count."""
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, "stripped")
        p = subprocess.run(["objcopy", "--strip-debug", "--remove-section=.note.gnu.build-id",
                            path, out], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return content(path if p.returncode else out)


class Results:
    def __init__(self, folder, name, what, fresh=False):
        os.makedirs(folder, exist_ok=True)
        forget_old(folder)
        self.path = os.path.join(folder, "%s-%s.jsonl" % (name, what))
        self.last = {}
        if fresh:
            self.write({"fresh": True})
        else:
            self.read()

    def read(self):
        try:
            with open(self.path, "rb") as f:
                lines = f.read().split(b"\n")
        except FileNotFoundError:
            return
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:              # empty, or cut short
                continue
            if "fresh" in entry:
                self.last.clear()
            else:
                self.last[entry["part"]] = entry

    def passed(self, part):
        """What add() was told when this part passed last, or None if it did not."""
        entry = self.last.get(part)
        return entry if entry and entry["passed"] else None

    def add(self, part, is_good, **more):
        when = datetime.datetime.now().isoformat(" ", "seconds")
        self.last[part] = dict(more, part=part, passed=bool(is_good), when=when)
        self.write(self.last[part])

    def write(self, entry):
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:                                # a line before may have been cut short
            os.write(fd, b"\n" + json.dumps(entry).encode() + b"\n")
            os.fsync(fd)
        finally:
            os.close(fd)


def forget_old(folder):
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        try:
            if name.endswith(".jsonl") and time.time() - os.path.getmtime(path) > KEPT_DAYS * 86400:
                os.unlink(path)
        except FileNotFoundError:           # another run was first
            pass
