#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every command and output that the pages show is run by something.

usage: doc_commands.py BUILD CC...

In:  the pages, the build folder.  Out: TAP.  Each block of commands or output on a page has
an entry in SHOWN: run here, or by a test, a guest row, a lane or another program that is named
and exists.  A block without an entry fails, and so does an entry without
its block: a page cannot change unnoticed.
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD, CC = os.path.abspath(sys.argv[1]), sys.argv[2:]
sys.path.insert(0, HERE)
import doc_runs                                         # noqa: E402

# (page, the block's first line or its beginning) -> what runs it
SHOWN = {
    ("README.md", "dpdk-testpmd -d libdpdk-hotplug.so.0 ..."): ("row", r"^heal e1000e .* yank"),
    ("README.md", "$ dpdk-hotplug"): ("test", "command"),
    ("README.md", "#include <stdio.h>"): ("test", "readme program"),
    ("README.md", "cc app.c"): ("here", "installed"),
    ("README.md", "devtools/demo"): ("lane", "guest of --all runs the demo; "
                                     "devtools/check is the check itself"),
    ("README.md", "apt-get update"): ("program", "devtools/package-test"),
    ("README.md", "cd .."): ("program", "devtools/package-test"),
    ("README.md", "cp /usr/share"): ("program", "devtools/package-test"),
    ("README.md", "./survivor"): ("program", "devtools/package-test"),
    ("README.md", "dpdk-testpmd -d libdpdk-hotplug.so.0"): ("program", "devtools/package-test"),
    ("README.md", "apt-get -y install linux-headers"): ("program", "devtools/package-test"),
    ("doc/install.md", "apt-get -y install gcc"): ("program", "devtools/package-test"),
    ("doc/install.md", "subproject('dpdk-hotplug')"): ("test", "subproject installed"),
    ("doc/install.md", "meson.override_dependency"): ("test", "subproject dpdk"),
    ("doc/install.md", "cd /usr/lib/x86_64-linux-gnu/dpdk"): ("program", "devtools/package-test"),
    ("CONTRIBUTING.md", "lib/hotplug.h"): ("here", "paths"),
    ("CONTRIBUTING.md", "devtools/setup"): ("lane", "build, fast"),
    ("doc/benchmarks.md", "bench/run"): ("lane", "bench, its short form"),
    ("doc/matrix.md", "devtools/matrix"): ("program", "devtools/matrix"),
    ("doc/guest-lab.md", "devtools/demo"): ("here", "rows_are_listed"),
    ("doc/howto/protect.md", "-d libdpdk-hotplug.so.0"): ("test", "task pages"),
    ("doc/howto/protect.md", "ip link add"): ("test", "task pages"),
    ("doc/howto/protect.md", "hotplug: guards 1"): ("test", "task pages"),
    ("doc/howto/see.md", "$ dpdk-hotplug"): ("test", "command"),
    ("doc/howto/see.md", "ip link add"): ("test", "task pages"),
    ("doc/howto/see.md", "dpdk-testpmd  pid"): ("test", "task pages"),
    ("doc/howto/see.md", "$ dpdk-hotplug drill"): ("test", "command"),
    ("doc/howto/turn-off.md", "ip link add"): ("test", "task pages"),
    ("doc/howto/not-guarded.md", "dpdk-hotplug doctor"): ("test", "task pages"),
    ("doc/howto/not-healed.md", "$ dpdk-hotplug status"): ("test", "command"),
    ("doc/howto/report.md", "dpdk-hotplug doctor"): ("test", "task pages"),
    ("doc/howto/versions.md", "dpdk-hotplug --version"): ("test", "task pages"),
    ("doc/howto/uninstall.md", "apt-get -y purge"): ("program", "devtools/package-test"),
    ("doc/howto/debian13.md", "dpdk-hotplug doctor"): ("test", "task pages"),
    ("doc/howto/containers.md", "ip link add"): ("test", "task pages"),
    ("doc/howto/driverctl.md", "dpdk-hotplug doctor"): ("test", "task pages"),
    ("doc/howto/systemd.md", "[Service]"): ("here", "unit"),
    ("doc/howto/systemd.md", "SUBSYSTEM"): ("here", "udev_rules"),
    ("doc/howto/systemd.md", "dpdk-hotplug doctor"): ("test", "task pages"),
    ("doc/howto/tell.md", "#include <stdatomic.h>"): ("test", "task pages"),
    ("doc/howto/tell.md", "cc app.c"): ("test", "task pages"),
    ("doc/howto/tell.md", "port 0: works"): ("test", "task pages"),
    ("doc/howto/ovs-dpdk.md", "$ ovs-vsctl --no-wait"): ("row", r"^ovs "),
    ("doc/howto/ovs-dpdk.md", "hotplug: enabled"): ("row", r"^ovs "),
    ("doc/howto/ovs-dpdk.md", "$ ovs-vsctl add-br"): ("row", r"^ovs "),
    ("doc/howto/spdk.md", "static void"): ("here", "compiles"),
    ("doc/howto/testpmd.md", "dpdk-testpmd -d"): ("row", r"^heal e1000e .* yank"),
    ("doc/howto/testpmd.md", "$ dpdk-testpmd -d"): ("here", "shell"),
    ("doc/howto/testpmd.md", "$ DPDK_HOTPLUG=policy=survive"): ("here", "shell"),
    ("doc/howto/vpp.md", "struct hotplug_config config;"): ("here", "compiles"),
    ("doc/igb_uio.md", "kernel/linux/build"): ("module row", r"testpmd e1000e yank"),
    ("doc/igb_uio.md", "igb_uio 0000:01:00.0: unplugged"): ("module row", r"2 open, yank"),
    ("doc/igb_uio.md", "app/test/guest/on_kernel.py"): ("here", "rows_are_listed"),
    ("doc/operations.md", "$ dpdk-hotplug status"): ("test", "command"),
    ("doc/operations.md", "$ dpdk-telemetry.py -f PREFIX"): ("test", "telemetry"),
    ("doc/operations.md", "$ dpdk-telemetry.py -f PREFIX -i 1"): ("test", "mp_telemetry"),
    ("doc/operations.md", "--trace=lib.hotplug.*"): ("test", "trace"),
    ("doc/operations.md", "DPDK_HOTPLUG=drill="): ("here", "options"),
    ("doc/operations.md", "$ devtools/field-test"): ("row", r"^field test"),
    ("doc/sync.md", "./hotplug_mp"): ("here", "console"),
    ("doc/upstream/eal-devargs.md", "class "): ("test", "upstream"),
    ("doc/upstream/eal-enobufs.md", "rte_dev_event_monitor_start()"): ("test", "upstream"),
    ("doc/upstream/eal-map-zero.md", "mapped at address 0"): ("test", "upstream"),
    ("doc/upstream/eal-rollback.md", "attach: 0"): ("test", "upstream"),
    ("doc/upstream/eal-sigbus-chain.md", "SA_SIGINFO"): ("test", "upstream"),
    ("doc/upstream/eal-sigbus-huge.md", "killed by signal 6"): ("program",
                                                                "doc/upstream/repro/run"),
    ("doc/upstream/kernel-bar-revoke.md", "mapped: 0x"): ("row", r"^upstream kernel-bar-revoke"),
    ("doc/upstream/igb-uio-two-openers.md", "open twice"): ("row", r"^upstream igb-uio"),
    ("doc/upstream/kernel-reset-order.md", "remove of the other card"): (
        "row", r"^upstream kernel-reset"),
}


def pages():
    return sorted(["README.md", "CONTRIBUTING.md"] + [
        os.path.relpath(p, TOP) for p in glob.glob(TOP + "/doc/**/*.md", recursive=True)])


def blocks(page):
    """The indented and the fenced blocks of a page, as lists of lines."""
    with open(os.path.join(TOP, page)) as f:
        lines = f.read().split("\n")
    found, at = [], 0
    while at < len(lines):
        end = at + 1
        if lines[at].startswith("```"):
            while not lines[end].startswith("```"):
                end += 1
            found.append(lines[at + 1:end])
            end += 1
        elif re.match(r"(    |\t)\S", lines[at]) and lines[at - 1] == "":
            while re.match(r"(    |\t)", lines[end]):
                end += 1
            found.append([re.sub(r"^(    |\t)", "", line) for line in lines[at:end]])
        at = end
    return found


def entry_of(page, block):
    """The entry of the longest beginning that fits."""
    fitting = [k for k in SHOWN if k[0] == page and block[0].startswith(k[1])]
    return max(fitting, key=lambda k: len(k[1]), default=None)


def tests():
    p = subprocess.run(["meson", "introspect", "--tests", BUILD], text=True, check=True,
                       stdout=subprocess.PIPE)
    return {t["name"] for t in json.loads(p.stdout)}


def rows(*command):
    p = subprocess.run([sys.executable, *command, "--all", "--list"], cwd=TOP, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert p.returncode == 0, "%s lists nothing: %s" % (command[0], p.stderr.strip()[-200:])
    return p.stdout.splitlines()


def every_block_has_an_entry():
    missing = ["%s: %s" % (p, b[0]) for p in pages() for b in blocks(p) if not entry_of(p, b)]
    assert not missing, "nothing is said of: %s" % missing


def every_entry_has_its_block():
    used = {entry_of(p, b) for p in pages() for b in blocks(p)}
    stale = sorted(set(SHOWN) - used)
    assert not stale, "no such block any more: %s" % stale


def what_is_named_exists():
    known_tests, known_rows = tests(), rows("app/test/guest/run.py")
    module_rows = rows("app/test/guest/on_kernel.py", "6.1")
    assert known_tests and known_rows, "nothing is listed"
    for key, (how, name) in SHOWN.items():
        if how == "test":
            assert name in known_tests, "%s: there is no test '%s'" % (key, name)
        if how == "program":            # it reads the page
            with open(os.path.join(TOP, name)) as f:
                assert os.path.basename(key[0]) in f.read(), "%s: %s does not read it" % (key, name)
        if how.endswith("row"):
            known = module_rows if how.startswith("module") else known_rows
            assert any(re.search(name, r) for r in known), "%s: no row '%s'" % (key, name)


def anchors(path):
    """What #... can name in a page: its headings, as forges spell them."""
    with open(path) as f:
        return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-")
                for h in re.findall(r"^#+ (.*)$", f.read(), re.M)}


def every_link_leads_somewhere():
    bad = []
    for page in pages():
        with open(os.path.join(TOP, page)) as f:
            links = re.findall(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)", f.read())
        for path, anchor in links:
            to = os.path.join(TOP, os.path.dirname(page), path) if path else \
                os.path.join(TOP, page)
            if not os.path.exists(to) or anchor and anchor not in anchors(to):
                bad.append("%s: %s#%s" % (page, path, anchor))
    assert not bad, "these lead nowhere: %s" % bad


def what_is_run_here():
    """One case for each block that is run here."""
    for page in pages():
        for block in blocks(page):
            key = entry_of(page, block)
            if key and SHOWN[key][0] == "here":
                yield "%s: %s" % (page, block[0][:60]), SHOWN[key][1], block


def main():
    here = list(what_is_run_here())
    cases = [(f.__name__, f) for f in (every_block_has_an_entry, every_entry_has_its_block,
                                       what_is_named_exists, every_link_leads_somewhere)]
    with tempfile.TemporaryDirectory() as folder:
        runs = doc_runs.Runs(TOP, BUILD, CC, folder)
        cases += [(name, lambda how=how, block=block: getattr(runs, how)(block))
                  for name, how, block in here]
        print("1..%d" % len(cases))
        failed = 0
        for n, (name, case) in enumerate(cases, 1):
            try:
                case()
                print("ok %d - %s" % (n, name), flush=True)
            except (AssertionError, OSError, subprocess.SubprocessError) as e:
                failed += 1
                print("not ok %d - %s" % (n, name))
                print("".join("# %s\n" % line for line in str(e).splitlines()), end="", flush=True)
    return failed != 0


if __name__ == "__main__":
    import mp_console
    mp_console.own_namespaces()         # for what several processes show
    sys.exit(main())
