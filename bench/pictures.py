# SPDX-License-Identifier: BSD-3-Clause
"""Draws what bench/run measured, with gnuplot: FOLDER/bench-*.svg.

In:  the result, as bench/run writes it.  A picture whose figures are not all there is
     an error.
Called by bench/run.
"""
import os
import re
import subprocess

from figures import WAYS

OURS, STOCK, FLOOR = "#1f6fb4", "#c0392b", "#888888"
SPREAD = "$d%d using 1:3:(0):($4-$3) with vectors nohead lw 1.3 lc rgb '%s' notitle"
HEAD = """set terminal svg size 860,430 font "DejaVu Sans,13" background "white"
set output "%s"
set title "%s"
set grid ytics lc rgb "#dddddd"
set key left top Left reverse
set termoption noenhanced
set pointintervalbox 0
set border 3
set tics nomirror
"""


class Figures:
    def __init__(self, result):
        self.all = {f["name"].strip(): f for part in result["figures"].values() for f in part}

    def spread(self, name, whose=None):
        """median, p10, p90"""
        f = self.all[name][whose] if whose else self.all[name]
        return [f["median"], f["p10"], f["p90"]]

    def points(self, pattern, whose=None):
        """[x, median, p10, p90] of every figure whose whole name is that, with a number in it."""
        found = sorted((int(m[1]), name) for name in self.all
                       for m in [re.fullmatch(pattern, name)] if m)
        if not found:
            raise KeyError(pattern)
        return [[x] + self.spread(name, whose) for x, name in found]


def plot(path, title, settings, series):
    """A line with error bars for each of series: name, colour, dash, points."""
    words, data = [], []
    for i, (name, colour, dash, points) in enumerate(series):
        data.append("$d%d << END\n%s\nEND\n" % (i, "\n".join(" ".join(map(str, p)) for p in points)))
        style = "lc rgb '%s' dt %d lw 2" % (colour, dash)
        words.append("$d%d using 1:2 with linespoints pt 7 ps 0.5 %s title '%s'" % (i, style, name))
        words.append(SPREAD % (i, colour))
    gnuplot(HEAD % (path, title) + settings + "".join(data) + "plot " + ", ".join(words))


def bars(path, title, settings, series):
    """Groups of bars, one for each way of removal; series: name, colour, spreads."""
    data, words = [], []
    width = 0.8 / len(series)
    for i, (name, colour, spreads) in enumerate(series):
        at = [n + (i - (len(series) - 1) / 2) * width for n in range(len(WAYS))]
        rows = ["%f %s %f" % (x, " ".join(map(str, s)), width) for x, s in zip(at, spreads) if s]
        data.append("$d%d << END\n%s\nEND\n" % (i, "\n".join(rows)))
        words.append("$d%d using 1:2:5 with boxes fs solid 0.8 noborder lc rgb '%s' title '%s'"
                     % (i, colour, name))
        words.append(SPREAD % (i, "#222222"))
    ways = ", ".join('"%s" %d' % (w, n) for n, w in enumerate(WAYS))
    gnuplot(HEAD % (path, title) + settings + "set logscale y\nset xrange [-0.6:3.6]\n"
            "set xtics (%s)\n" % ways + "".join(data) + "plot " + ", ".join(words))


def gnuplot(script):
    subprocess.run(["gnuplot"], input=script + "\n", text=True, check=True)


def draw(result, folder):
    f = Figures(result)

    def name(what):
        return os.path.join(folder, "bench-%s.svg" % what)

    def of_ways(what, whose, factor=1):
        """None where a way has words instead of a number."""
        return [None if isinstance(f.all["%s, %s" % (what, w)][whose], str) else
                [v * factor for v in f.spread("%s, %s" % (what, w), whose)] for w in WAYS]

    plot(name("faults"), "From a load on a dead BAR to its value (median, p10 to p90)",
         'set logscale x 2\nset xlabel "devices, six BARs each"\nset ylabel "microseconds"\n'
         "set yrange [0:]\nset xrange [0.8:1300]\nset xtics (1, 16, 256, 1024)\n",
         [("a bare handler that does the same mmap()", FLOOR, 1, f.points(r"floor \(beside (\d+) devices\)")),
          ("this library", OURS, 1, f.points(r"fault to resume, (\d+) devices x 6"))])
    plot(name("cut-off"), "To cut a BAR off (median, p10 to p90)",
         'set logscale xy\nset xlabel "BAR"\nset ylabel "microseconds"\nset xrange [90:1.5e6]\n'
         'set xtics ("128 KiB" 128, "1 MiB" 1024, "16 MiB" 16384, "256 MiB" 262144, '
         '"1 GiB" 1048576)\n',
         [("this library", OURS, 1, f.points(r"cut-off, (\d+) KiB")),
          ("this library, mlockall()", OURS, 2, f.points(r"cut-off, (\d+) KiB, mlockall")),
          ("stock", STOCK, 1, f.points(r"stock remap, (\d+) KiB")),
          ("stock, mlockall()", STOCK, 2, f.points(r"stock remap, (\d+) KiB, mlockall"))])
    plot(name("sync"), "Attach and detach of net_null in all processes (median, p10 to p90)",
         'set logscale xy\nset xlabel "secondaries"\nset ylabel "milliseconds"\n'
         "set xrange [0.9:18]\nset xtics (1, 2, 4, 8, 16)\n",
         [("%s, %s" % (verb, whose), colour, dash,
           f.points(verb + r", net_null, by the primary, secondaries: (\d+)", key))
          for key, whose, colour in (("ours", "this library", OURS), ("stock", "stock", STOCK))
          for verb, dash in (("attach", 1), ("detach", 2))])
    bars(name("signs"), "From the first sign of a removal, in a guest (median, p10 to p90)",
         'set ylabel "milliseconds"\nset key outside right top\n',
         [("cut off", "#7fb3d9", of_ways("sign to cut-off", "ours", 1e-3)),
          ("this library tells", OURS, of_ways("sign to callback", "ours")),
          ("EAL tells", STOCK, of_ways("sign to callback", "stock"))])
    bars(name("gap"), "How long the other port is silent, in a guest (median, p10 to p90)",
         'set ylabel "milliseconds"\nset key outside right top\n',
         [("this library", OURS, of_ways("the other port is silent", "ours")),
          ("stock --hot-plug", STOCK, of_ways("the other port is silent", "stock"))])
