# SPDX-License-Identifier: BSD-3-Clause
"""Draws what the demo measured: packet rates over time, and the loss close up.

In:  a Picture: its title and one Panel per run, times in seconds relative to
     the loss.  Out: SVG text.  Plain strings, no library.
Called by devtools/demo.
"""
import collections
import itertools
from xml.sax.saxutils import escape

# series: [(name, colour, arrival times)]; marks, near: [(time, label)]
Panel = collections.namedtuple("Panel", "heading note series marks near")
Picture = collections.namedtuple("Picture", "title subtitle panels start end bin pps victim")

WIDTH, LEFT, RIGHT = 1200, 78, 28
RATE_H, ROW_H, LABEL_H = 200, 26, 19
INK, PALE, GRID = "#222", "#666", "#ddd"


class Canvas:
    def __init__(self):
        self.parts, self.y = [], 0

    def line(self, x1, y1, x2, y2, colour, width=1.0, dash=None):
        self.parts.append(
            '<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%s"%s/>'
            % (x1, y1, x2, y2, colour, width,
               ' stroke-dasharray="%s"' % dash if dash else ""))

    def text(self, x, y, text, size=13, colour=INK, anchor="start", bold=False):
        self.parts.append(
            '<text x="%.1f" y="%.1f" font-size="%d" fill="%s" text-anchor="%s"%s>%s</text>'
            % (x, y, size, colour, anchor, ' font-weight="bold"' if bold else "",
               escape(text)))

    def path(self, points, colour, width, fill="none"):
        self.parts.append('<path d="M%s" fill="%s" stroke="%s" stroke-width="%s" '
                          'stroke-linejoin="round"/>'
                          % (" L".join("%.1f,%.1f" % p for p in points), fill, colour, width))

    def svg(self):
        return ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
                'font-family="DejaVu Sans, Verdana, sans-serif">\n'
                '<rect width="100%%" height="100%%" fill="white"/>\n%s\n</svg>\n'
                % (WIDTH, self.y, "\n".join(self.parts)))


class Axis:
    """Time to the right, with ticks at round numbers."""

    def __init__(self, start, end, unit, per_unit):
        self.start, self.end, self.unit, self.per_unit = start, end, unit, per_unit

    def x(self, t):
        return LEFT + (t - self.start) / (self.end - self.start) * (WIDTH - LEFT - RIGHT)

    def ticks(self):
        step = round_step((self.end - self.start) * self.per_unit / 9)
        n = int(self.start * self.per_unit / step) - 1
        while n * step <= self.end * self.per_unit + 1e-9:
            if n * step >= self.start * self.per_unit - 1e-9:
                yield n * step / self.per_unit, "%g" % (n * step)
            n += 1

    def draw(self, c, top, bottom, title):
        for t, label in self.ticks():
            c.line(self.x(t), top, self.x(t), bottom, GRID)
            c.text(self.x(t), bottom + 17, label, 12, PALE, "middle")
        c.text(WIDTH - RIGHT, bottom + 35, title, 12, PALE, "end")


def round_step(least):
    """The smallest of 1, 2, 5, 10, 20, 50, ... that is not below `least`."""
    step = 1e-3
    while True:
        for f in (1, 2, 5):
            if step * f >= least:
                return step * f
        step *= 10


def rates(times, start, end, width):
    """Packets per second in bins of `width` s."""
    bins = [0] * int(round((end - start) / width))
    for t in times:
        n = int((t - start) / width) if t >= start else -1
        if 0 <= n < len(bins):
            bins[n] += 1
    return [b / width for b in bins]


class Label:
    """A mark's text, beside its line: right of it, or left where there is no room."""

    def __init__(self, axis, t, text):
        self.x, self.text, width = axis.x(t), text, 7.4 * len(text) + 12
        self.is_right = self.x + width <= WIDTH - RIGHT
        self.a, self.b = ((self.x, self.x + width) if self.is_right
                          else (self.x - width, self.x))

    def collides(self, row, other, other_row):
        """Do the texts overlap, or does the other's line run through this text?"""
        if row == other_row and self.a < other.b and other.a < self.b:
            return True
        return other_row >= row and self.a < other.x < self.b


def rows_of(labels):
    """A row for each label (0 is the lowest): the lowest arrangement that is legible."""
    n = len(labels)
    fine = (rows for rows in itertools.product(range(n), repeat=n)
            if not any(labels[i].collides(rows[i], labels[j], rows[j])
                       for i in range(n) for j in range(n) if i != j))
    return min(fine, key=lambda rows: (max(rows), sum(rows)), default=tuple(range(n)))


def room(axis, items):
    """The height that marks() needs above the drawing."""
    rows = rows_of([Label(axis, t, text) for t, text in items])
    return LABEL_H * (1 + max(rows, default=-1))


def marks(c, axis, items, top, bottom):
    """Vertical lines with labels above `top`, in as many rows as it takes."""
    labels = [Label(axis, t, text) for t, text in items]
    for label, row in zip(labels, rows_of(labels)):
        y = top - 6 - row * LABEL_H
        c.line(label.x, y - 11, label.x, bottom, INK, 1, "4 3")
        c.text(label.x + (5 if label.is_right else -5), y, label.text, 12, INK,
               "start" if label.is_right else "end")


def draw_rate(c, picture, panel, highest):
    axis = Axis(picture.start, picture.end, "s", 1)
    c.y += 12 + room(axis, panel.marks)
    top, bottom = c.y, c.y + RATE_H
    axis.draw(c, top, bottom, "seconds after the loss")
    step = round_step(highest / 4)
    scale = RATE_H / (highest * 1.12)
    n = 0
    while n * step <= highest * 1.12:
        y = bottom - n * step * scale
        c.line(LEFT, y, WIDTH - RIGHT, y, GRID if n else INK)
        c.text(LEFT - 8, y + 4, "%g" % (n * step), 12, PALE, "end")
        n += 1
    c.text(LEFT - 62, top - 12, "packets/s", 12, PALE)
    for name, colour, times in panel.series:
        points = []
        for i, r in enumerate(rates(times, picture.start, picture.end, picture.bin)):
            t, y = picture.start + i * picture.bin, bottom - min(r, highest * 1.1) * scale
            points += [(axis.x(t), y), (axis.x(t + picture.bin), y)]
        if name == "victim":                        # else it hides below the other line
            c.path([(LEFT, bottom)] + points + [(axis.x(picture.end), bottom)], "none", 0,
                   "#f3c6c0")
        c.path(points, colour, 1.6)
    marks(c, axis, panel.marks, top, bottom)
    c.y = bottom + 40


def draw_near(c, panel):
    """The moments around the loss: each packet a tick, each event a line."""
    last = max(t for t, _ in panel.near)
    axis = Axis(-0.015, max(0.03, last * 1.25 + 0.005), "ms", 1000)
    c.text(LEFT, c.y + 10, "The same loss, close up: every packet that came back is a tick", 13,
           bold=True)
    c.y += 26 + room(axis, panel.near)
    top, bottom = c.y, c.y + ROW_H * len(panel.series) + 8
    axis.draw(c, top, bottom, "milliseconds after the loss")
    c.line(LEFT, bottom, WIDTH - RIGHT, bottom, INK)
    for i, (name, colour, times) in enumerate(panel.series):
        y = top + 5 + i * ROW_H
        c.text(LEFT - 8, y + 16, name, 12, colour, "end")
        for t in times:
            if axis.start <= t <= axis.end:
                c.line(axis.x(t), y, axis.x(t), y + ROW_H - 5, colour, 2)
    marks(c, axis, panel.near, top, bottom)
    c.y = bottom + 44


def draw(picture):
    """The picture as SVG text."""
    c = Canvas()
    c.text(LEFT, 36, picture.title, 20, bold=True)
    c.text(LEFT, 58, picture.subtitle, 12, PALE)
    legend = {"victim": "victim: the port whose " + picture.victim,
              "bystander": "bystander: the other port of the same process"}
    x = LEFT
    for name, colour, _ in picture.panels[0].series:
        c.line(x, 76, x + 26, 76, colour, 3)
        c.text(x + 32, 80, legend[name], 12)
        x += 60 + 6.3 * len(legend[name])
    c.y = 98
    highest = min(2.2 * picture.pps,                # what a stall held back comes in a burst
                  max(max(rates(times, picture.start, picture.end, picture.bin))
                      for p in picture.panels for _, _, times in p.series))
    for panel in picture.panels:
        c.text(LEFT, c.y + 10, panel.heading, 15, bold=True)
        c.text(LEFT, c.y + 29, panel.note, 12, PALE)
        c.y += 34
        draw_rate(c, picture, panel, highest)
        if panel.near:
            draw_near(c, panel)
    return c.svg()
