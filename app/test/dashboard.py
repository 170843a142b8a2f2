#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The example dashboard: what Grafana takes, about metrics that there are.

usage: dashboard.py DASHBOARD ENDPOINT

In:  doc/examples/hotplug-dashboard.json, usertools/telemetry-endpoints/hotplug.py.
Out: TAP.  promtool has the last word on each query.
"""
import json
import os
import re
import subprocess
import sys

import promtool
import tap
from own_exporter import loaded

DASHBOARD, ENDPOINT = sys.argv[1:3]
VARIABLES = {"$instance": ".*", "$__range": "6h", "${datasource}": "x"}


def dashboard():
    with open(DASHBOARD, encoding="utf-8") as f:
        return json.load(f)


def queries():
    board = dashboard()
    found = [t["expr"] for p in board["panels"] for t in p["targets"]]
    return found + [a["expr"] for a in board["annotations"]["list"]]


def test_queries_are_about_metrics_that_there_are(_folder):
    folder, name = os.path.split(ENDPOINT)
    there = {"dpdk_hotplug_" + n for n in loaded(folder, name[:-3]).info()}
    used = set(re.findall(r"dpdk_hotplug_\w+", " ".join(queries())))
    assert len(used) >= 10 and used <= there, used - there


def test_promtool_takes_each_query(folder):
    path = os.path.join(folder, "rules.json")   # JSON is YAML
    rules = []
    for n, query in enumerate(queries()):
        for variable, value in VARIABLES.items():
            query = query.replace(variable, value)
        rules.append({"record": "panel:%d" % n, "expr": query})
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, f)
    p = subprocess.run([promtool.path(), "check", "rules", path], text=True, check=False,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert p.returncode == 0 and "%d rules found" % len(rules) in p.stdout, p.stdout


def test_panels_lie_beside_each_other(_folder):
    board, taken = dashboard(), {}
    for panel in board["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24 and panel["title"], panel["title"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in taken, "%s lies over %s" % (panel["title"], taken[x, y])
                taken[x, y] = panel["title"]
    assert len({p["id"] for p in board["panels"]}) == len(board["panels"]) >= 8, "panels"


def test_variables_are_defined(_folder):
    text = json.dumps(dashboard())
    used = set(re.findall(r"\$\{?([a-z]\w*)", text))
    assert used == {v["name"] for v in dashboard()["templating"]["list"]}, used


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
