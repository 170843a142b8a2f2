#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The example alert rules: well formed, and about metrics that there are.

usage: alerts.py RULES ENDPOINT

In:  doc/examples/hotplug-alerts.yml, usertools/telemetry-endpoints/hotplug.py.
Out: TAP.  promtool, which devtools/setup has fetched, has the last word.
"""
import importlib.util
import re
import subprocess
import sys

import promtool

RULES, ENDPOINT = sys.argv[1:]


def metrics():
    spec = importlib.util.spec_from_file_location("hotplug", ENDPOINT)
    endpoint = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(endpoint)
    return {"dpdk_hotplug_" + name for name in endpoint.info()}


def used():
    with open(RULES) as f:
        return set(re.findall(r"dpdk_hotplug_\w+", "".join(
            line for line in f if line.strip().startswith("expr:"))))


def is_well_formed():
    import yaml                         # Debian: python3-yaml
    with open(RULES) as f:
        groups = yaml.safe_load(f)["groups"]
    rules = [rule for group in groups for rule in group["rules"] if group["name"]]
    return len(rules) > 0 and all(
        set(rule) <= {"alert", "expr", "for", "labels", "annotations"} and rule["alert"] and
        rule["expr"] and rule["labels"]["severity"] and rule["annotations"]["summary"]
        for rule in rules)


def main():
    unknown = used() - metrics()
    good = [bool(used()) and not unknown, is_well_formed()]
    print("1..3")
    print(f"{'ok' if good[0] else 'not ok'} 1 - alerts_are_about_metrics_that_there_are"
          f" # unknown: {sorted(unknown)}")
    print(f"{'ok' if good[1] else 'not ok'} 2 - alerts_are_well_formed")
    try:
        run = subprocess.run([promtool.path(), "check", "rules", RULES], capture_output=True, text=True)
        good.append(run.returncode == 0)
        said = run.stdout + run.stderr
    except OSError as e:
        good.append(False)
        said = f"{e}: run devtools/setup"
    print("".join(f"# {line}\n" for line in said.splitlines()) +
          f"{'ok' if good[2] else 'not ok'} 3 - alerts_please_promtool")
    return not all(good)


if __name__ == "__main__":
    sys.exit(main())
