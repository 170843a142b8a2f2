#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Our plug-in in DPDK's own exporter, which asks a process that is protected.

usage: exporter.py EXPORTER ENDPOINT HOTPLUG_MP

In:  the built console; dpdk-telemetry-exporter.py of the DPDK that this is built for (23.11 and later have
one).  Out: TAP: what it serves has every metric that the plug-in describes, and pleases
promtool.
"""
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
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
    except OSError:
        return ""


def described():
    spec = importlib.util.spec_from_file_location("hotplug", ENDPOINT)
    endpoint = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(endpoint)
    return {"dpdk_hotplug_" + n for n in endpoint.info() if not n.startswith(OF_DEVICES)}


def main():
    port, text, folder = free_port(), [""], tempfile.mkdtemp()
    shutil.copy(ENDPOINT, folder)
    process = subprocess.Popen(
        [PROGRAM, "--no-pci", "--no-huge", "-m", "64", "--file-prefix", PREFIX],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    exporter = subprocess.Popen(
        [sys.executable, EXPORTER, "-o", f"openmetrics://127.0.0.1:{port}", "-p", folder,
         "-e", "hotplug", "-s", FOLDER + "/dpdk_telemetry.v2"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def is_served():
        text[0] = get(port)
        return "dpdk_hotplug_enabled 1" in text[0]

    print("1..2")
    try:
        wait_for(is_served, "nothing is served")
        there = {line.split("{")[0].split()[0] for line in text[0].splitlines()
                 if line and line[0] != "#"}
        missing = described() - there
        print(f"{'not ok' if missing else 'ok'} 1 - every_metric_is_served # {sorted(missing)}")
        p = subprocess.run([promtool.path(), "check", "metrics"], text=True, capture_output=True,
                           input=text[0].replace("# EOF\n", ""))
        print(f"{'not ok' if p.returncode else 'ok'} 2 - they_please_promtool")
        print("".join(f"# {line}\n" for line in (p.stdout + p.stderr).splitlines()), end="")
        return bool(missing) or p.returncode
    except (AssertionError, OSError) as e:
        print(f"not ok - {e}")
        return 1
    finally:
        exporter.kill()
        process.communicate(b"quit\n")
        shutil.rmtree(folder)
        shutil.rmtree(FOLDER, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
