# SPDX-License-Identifier: BSD-3-Clause
"""What a figure is, and the tables that are made of figures.

A figure is a dict: name, unit, and either the spread of one thing (median, p10, p90) or
`ours` and `stock`, each such a spread, or words where there is no number ("never").
Called by bench/run and what it runs.
"""
import re
import statistics

WAYS = ("sysfs", "yank", "button", "acpi")      # of removal, in the guest


def spread(values):
    """Of these measurements."""
    values = sorted(values)
    last = len(values) - 1
    return {"median": statistics.median(values), "p10": values[round(last * 0.1)],
            "p90": values[round(last * 0.9)], "n": len(values)}


def compared(name, unit, ours, stock):
    """Measurements of both, or words instead of them."""
    return {"name": name, "unit": unit, "ours": ours if isinstance(ours, str) else spread(ours),
            "stock": stock if isinstance(stock, str) else spread(stock)}


def shown(s):
    """A spread, or its words."""
    if isinstance(s, str):
        return s
    if s["p10"] == s["p90"]:
        return "%.3g" % s["median"]
    return "%.3g (%.3g to %.3g)" % (s["median"], s["p10"], s["p90"])


def ratio(f):
    """Ours to stock's, where both are numbers."""
    if isinstance(f["ours"], str) or isinstance(f["stock"], str) or not f["stock"]["median"]:
        return ""
    return "%.2g" % (f["ours"]["median"] / f["stock"]["median"])


def table(figures):
    """Its lines, in Markdown."""
    if "ours" in figures[0]:
        yield "| median (p10 to p90) | ours | stock | | ours to stock |\n|---|---|---|---|---|"
        for f in figures:
            yield "| %s | %s | %s | %s | %s |" % (f["name"], shown(f["ours"]), shown(f["stock"]),
                                               f["unit"], ratio(f))
    else:
        yield "| | median | | p10 to p90 |\n|---|---|---|---|"
        for f in figures:
            p10_to_p90 = "%.4g to %.4g" % (f["p10"], f["p90"]) if "p10" in f else ""
            yield "| %s | %.4g | %s | %s |" % (f["name"].strip(), f["median"], f["unit"],
                                            p10_to_p90)


def write_tables(result, path):
    """Between the two marks; the words around them are people's."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    about = ("%(date)s, kernel %(kernel)s, %(processors)d x %(processor)s, DPDK %(dpdk)s, "
             "load %(load)s at the start" % result["machine"])
    lines = [about] + ["\n%s:\n\n" % title + "\n".join(table(figures))
                       for title, figures in result["figures"].items()]
    with open(path, "w", encoding="utf-8") as f:
        f.write(re.sub(r"(<!-- bench -->\n).*(<!-- end -->)",
                       lambda m: m[1] + "\n".join(lines) + "\n" + m[2], text, flags=re.S))
