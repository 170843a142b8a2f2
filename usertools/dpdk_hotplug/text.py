# SPDX-License-Identifier: BSD-3-Clause
"""Text for people: colours where the terminal has them, times, and lines that fit.

In:  words.  Out: the same, for the terminal that is there.
"""
import os
import shutil
import sys
import textwrap
import time

GOOD, BAD, WARN, DIM, BOLD = "32", "31;1", "33", "2", "1"
NS = 1e9
_has_colors = False


def set_colors(when):
    global _has_colors
    _has_colors = when == "always" or (
        when == "auto" and sys.stdout.isatty() and "NO_COLOR" not in os.environ and
        os.environ.get("TERM", "dumb") not in ("dumb", ""))


def color(code, words):
    return "\033[%sm%s\033[0m" % (code, words) if _has_colors and code else words


def width():
    return max(40, shutil.get_terminal_size((80, 24)).columns)


def fold(words, indent, hanging=None):
    """Lines that fit; a command or a path is not cut."""
    hanging = indent if hanging is None else hanging
    return textwrap.fill(words, width() - 1, initial_indent=indent, subsequent_indent=hanging,
                         break_long_words=False, break_on_hyphens=False)


def clean(words):
    """What a process says goes to a terminal: no control characters."""
    return "".join(c if c.isprintable() else "?" for c in str(words))


def age(seconds):
    """"12 s", "3 min", "2 h", "5 d"."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return "%d %s" % (seconds // size, unit)
    return "%.0f s" % max(0, seconds)


def span(seconds):
    """How long something took."""
    if seconds < 1:
        return "%.1f ms" % (seconds * 1000)
    return "%.1f s" % seconds if seconds < 120 else age(seconds)


def clock(wall_ns, with_date=True):
    seconds = wall_ns / NS
    form = "%b %d %H:%M:%S" if with_date else "%H:%M:%S"
    return time.strftime(form, time.localtime(seconds)) + ".%03d" % (wall_ns // 1000000 % 1000)


def count(n, word):
    return "%d %s%s" % (n, word, "" if n == 1 else "es" if word.endswith("s") else "s")
