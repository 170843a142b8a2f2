#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The plugin in stock programs, and the library where nobody enables it.

usage: plugin.py PLUGIN IDLE IDLE_LINKED IDLE_ARCHIVE STATIC

In:  the built plugin, three builds of idle.c, a program with EAL linked in
     statically.  Out: TAP.  No program here can see a PCI device (--no-pci), and
     each has a file prefix of its own, whose folder is removed afterwards.
"""
import os
import re
import shutil
import subprocess
import sys
import time

PLUGIN, IDLE, IDLE_LINKED, IDLE_ARCHIVE, STATIC = map(os.path.abspath, sys.argv[1:])
EAL = ["--no-pci", "--no-huge", "-m", "256", "--no-telemetry", "-l", "0,1"]
PORT = ["--vdev", "net_null0", "--", "--total-num-mbufs=2048", "--no-mlockall"]
_prefixes = 0


def run(program, *args, options=None):
    """(status, output)"""
    global _prefixes
    _prefixes += 1
    prefix = f"hp-plugin-{os.getpid()}-{_prefixes}"
    env = {k: v for k, v in os.environ.items() if k != "DPDK_HOTPLUG"}
    if options is not None:
        env["DPDK_HOTPLUG"] = options
    command = [program, *EAL, "--file-prefix", prefix, *args]
    process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        output = process.communicate("\n", timeout=30)[0]       # testpmd wants Enter
    except subprocess.TimeoutExpired:
        process.kill()
        output = process.communicate()[0] + "\n(killed: it did not end)"
    shutil.rmtree(f"/var/run/dpdk/{prefix}", ignore_errors=True)
    return process.returncode, output


def testpmd(options=None, *args):
    return run("dpdk-testpmd", "-d", PLUGIN, *args, *PORT, options=options)


def expect(condition, why):
    if not condition:
        raise AssertionError(why)


def expect_line(pattern, output):
    expect(re.search(pattern, output, re.M), f"no line like '{pattern}' in:\n{output}")


def test_plugin_enables_itself_and_lets_the_application_end():
    status, output = testpmd()
    expect_line(r"^hotplug: enabled: 0 device\(s\) guarded, uevents \w+, SIGBUS ours$", output)
    expect_line(r"^Bye", output)
    expect(status == 0, f"exit status {status}")


def test_plugin_takes_its_options():
    output = testpmd("sigbus=none,fill=zeros,liveness_ms=0")[1]
    expect_line(r"^hotplug: enabled: .*SIGBUS not handled$", output)


def test_plugin_names_a_bad_option_and_lets_the_application_go_on():
    for bad in "polcy=x", "fill=ones,liveness_ms=soon", "sigbus=yes":
        status, output = testpmd(bad)
        expect_line(rf"^hotplug: DPDK_HOTPLUG: '{bad.split(',')[-1]}': .*not enabled$", output)
        expect(output.count("hotplug: ") == 1, f"more than one line:\n{output}")
        expect_line(r"^Press enter to exit", output)
        expect(status == 0, f"exit status {status}")


def test_plugin_takes_a_drill_and_says_where_it_cannot_be():
    options = "drill=0000:01:00.0,drill_after_ms=0,drill_for_ms=5000"
    expect_line(r"^hotplug: drill=0000:01:00\.0: No such file or directory$",
                testpmd(options)[1])


def test_plugin_beside_the_stock_hot_plug_option():
    status, output = run("dpdk-testpmd", "-d", PLUGIN, *PORT, "--hot-plug")
    expect_line(r"^hotplug: enabled: ", output)
    expect(status == 0, f"exit status {status}:\n{output}")


def test_plugin_given_twice_is_one():
    output = testpmd(None, "-d", PLUGIN)[1]
    expect(output.count("hotplug: enabled") == 1, output)


def test_plugin_says_that_it_is_beside_another_eal():
    """A program with a few of EAL's archives; one with all of them ends: task_pages.py."""
    status, output = run(STATIC, "-d", PLUGIN)
    expect_line(r"^hotplug: loaded beside another EAL: .*link libdpdk-hotplug\.a instead$", output)
    expect("enabled" not in output, output)
    expect(status == 0, f"exit status {status}:\n{output}")


def facts(program):
    """What idle.c said, made comparable: no numbers that differ by themselves."""
    status, output = run(program)
    expect(status == 0, f"exit status {status}:\n{output}")
    found = []
    for line in output.split("\ninit\n")[-1].splitlines():
        what = line.split(" ", 1)[0]
        if what not in ("fd", "thread", "signal", "map"):
            continue
        if what == "map" and re.search(r"libdpdk-hotplug|/idle", line):
            continue
        found.append(re.sub(r"\[\d+\]|hp-plugin-\d+-\d+|/proc/\d+", "", line))
    return sorted(found)


def test_linked_but_not_enabled_changes_nothing():
    plain, linked = facts(IDLE), facts(IDLE_LINKED)
    kinds = {line.split(" ")[0] for line in plain}
    expect(kinds == {"fd", "thread", "signal", "map"}, f"incomplete: {kinds}")
    libraries = {line for line in set(linked) - set(plain) if line.startswith("map /")}
    # what it needs itself comes with it; nothing else may
    allowed = re.compile(r"^map /\S*/lib(udev|cap|bpf|mount|selinux|blkid|pcre2|rte_\w+)\S*\.so")
    for line in libraries:
        expect(allowed.match(line), f"more than the library: {line}")
    plain = [line for line in plain if not line.startswith("map ")]
    linked = [line for line in linked if not line.startswith("map ")]
    expect(plain == linked, f"without:\n{plain}\nwith:\n{linked}")
    program = subprocess.run(["readelf", "-d", IDLE_LINKED], capture_output=True, text=True)
    expect("libdpdk-hotplug.so" in program.stdout, "it is not even linked")


def test_archive_brings_its_pci_backend_along():
    status, output = run(IDLE_ARCHIVE)
    expect_line(r"^enable 0 slot ours$", output)
    expect(status == 0, f"exit status {status}:\n{output}")


def main():
    tests = [f for name, f in globals().items() if name.startswith("test_")]
    print(f"1..{len(tests)}")
    n_failed = 0
    for number, test in enumerate(tests, 1):
        start = time.monotonic()
        try:
            test()
            verdict = "ok"
        except Exception as error:      # a missing program is a failure like any other
            verdict = "not ok"
            n_failed += 1
            print("\n".join("# " + line for line in str(error).splitlines()))
        print(f"{verdict} {number} - {test.__name__} # {time.monotonic() - start:.1f} s",
              flush=True)
    return n_failed != 0


if __name__ == "__main__":
    sys.exit(main())
