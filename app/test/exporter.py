#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Our plug-in in an exporter, which asks a process that is protected.

usage: exporter.py EXPORTER ENDPOINT HOTPLUG_MP

In:  the built console; DPDK's own dpdk-telemetry-exporter.py, where there is one (23.11 and
     later), and own_exporter.py everywhere.  Out: TAP: what it serves has every metric that
     the plug-in describes, and pleases promtool; and a plug-in that tells of what it does
     not describe is not served.
"""
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import promtool

EXPORTER, ENDPOINT, PROGRAM = sys.argv[1:]
PREFIX = f"hp-exporter-{os.getpid()}"
FOLDER = f"/var/run/dpdk/{PREFIX}"
OF_DEVICES = "device_"          # there is none here


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(is_true, what):
    end = time.monotonic() + 20
    while not is_true():
        if time.monotonic() > end:
            raise AssertionError(f"{what} within 20 s")
        time.sleep(0.1)


def get(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as e:
        return f"{e.code}: {e.read().decode()}"
    except OSError:
        return ""


def described():
    spec = importlib.util.spec_from_file_location("hotplug", ENDPOINT)
    endpoint = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(endpoint)
    return {"dpdk_hotplug_" + n for n in endpoint.info() if not n.startswith(OF_DEVICES)}


class Exporter:
    """At work, with one plug-in."""

    def __init__(self, folder, name):
        self.port, self.text = free_port(), ""
        self.process = subprocess.Popen(
            [sys.executable, EXPORTER, "-o", f"openmetrics://127.0.0.1:{self.port}", "-p", folder,
             "-e", name, "-s", FOLDER + "/dpdk_telemetry.v2"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def serves(self, word):
        self.text = get(self.port)
        return word in self.text

    def end(self):
        self.process.kill()
        self.process.wait()


# Tells of what it does not describe.
BAD = """
def info():
    return {"known": ("It.", "gauge")}
def metrics(sock):
    return [("known", 1, {}), ("unknown", 1, {})]
"""


def every_metric_is_served(good, bad):
    wait_for(lambda: good.serves("dpdk_hotplug_enabled 1"), "nothing is served")
    there = {line.split("{")[0].split()[0] for line in good.text.splitlines()
             if line and line[0] != "#"}
    assert described() <= there, sorted(described() - there)


def they_please_promtool(good, bad):
    p = subprocess.run([promtool.path(), "check", "metrics"], text=True, capture_output=True,
                       input=good.text.replace("# EOF\n", ""))
    assert p.returncode == 0, p.stdout + p.stderr


def a_plug_in_that_tells_what_it_does_not_describe_is_not_served(good, bad):
    wait_for(lambda: bad.serves("500: "), "no error is served")


CASES = (every_metric_is_served, they_please_promtool,
         a_plug_in_that_tells_what_it_does_not_describe_is_not_served)


def main():
    folder, failed = tempfile.mkdtemp(), 0
    shutil.copy(ENDPOINT, folder)
    with open(os.path.join(folder, "bad.py"), "w") as f:
        f.write(BAD)
    process = subprocess.Popen(
        [PROGRAM, "--no-pci", "--no-huge", "-m", "64", "--file-prefix", PREFIX],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    good, bad = Exporter(folder, "hotplug"), Exporter(folder, "bad")
    print(f"1..{len(CASES)}")
    for n, case in enumerate(CASES, 1):
        try:
            case(good, bad)
            print(f"ok {n} - {case.__name__}")
        except (AssertionError, OSError) as e:
            failed += 1
            print(f"not ok {n} - {case.__name__}")
            print("".join(f"# {line}\n" for line in f"{e}\n{good.text}".splitlines()), end="")
    good.end()
    bad.end()
    process.communicate(b"quit\n")
    shutil.rmtree(folder)
    shutil.rmtree(FOLDER, ignore_errors=True)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
