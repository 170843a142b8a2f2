#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""dpdk-hotplug, the command, beside real processes.

usage: command_test.py COMMAND PLUGIN ASKED VERSION [PART_OF_A_NAME]

In:  the command as it is in the tree, the built plugin, asked.c.  Out: TAP.  A port of
net_af_packet stands on an interface that is deleted and made again; one of a mock PCI
function is lost in drills, and its driver does not return, or fails, when it is told so.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import time

import command_process as cp
import tap

cp.own_network()
COMMAND, PLUGIN, ASKED = map(os.path.abspath, sys.argv[1:4])
VERSION = sys.argv[4]
VDEV = "net_af_packet0,iface=va,blocksz=4096,framesz=2048,framecnt=128"
NULL = "net_null0"


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def expect_lines(said, *patterns):
    for pattern in patterns:
        expect(re.search(pattern, said, re.M), "no line like '%s' in:\n%s" % (pattern, said))
    for line in said.splitlines():
        expect(len(line) <= 80, "wider than 80 columns: " + line)
        expect("\033" not in line, "colours: %r" % line)


def test_no_process_is_said(command):
    status, said = command.run("status")
    expect(status == 4, "exit status %d" % status)
    expect_lines(said, r"^No DPDK process answers on a telemetry socket\.$", r"dpdk-hotplug doctor$")
    expect(command.json("status")[1]["processes"] == [], "a process")
    status, said = command.run("events")
    expect(status == 4 and said.startswith("No DPDK process"), said)


def test_another_user_is_told_so(command):
    """A runtime folder is its owner's alone: there may be processes in it."""
    copy = os.path.join(command.folder, "copy")
    shutil.copytree(os.path.dirname(COMMAND), copy)
    os.mkdir(command.folder + "/dpdk", 0o700)
    os.chmod(command.folder, 0o711)
    for who, has in (["--reuid=65534", "--regid=65534", "--clear-groups"], True), ([], False):
        p = subprocess.run(["setpriv", *who, copy + "/dpdk-hotplug", "status"], text=True,
                           env={"PATH": "/usr/bin:/bin", "RUNTIME_DIRECTORY": command.folder},
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        said = "%s/dpdk may be read by its owner only: run this as root" % command.folder
        expect((said in " ".join(p.stdout.split())) == has, p.stdout)
        expect_lines(p.stdout)


def test_versions_are_the_library_s(command):
    said = subprocess.run([COMMAND, "--version"], text=True, capture_output=True, check=True).stdout
    expect(said == "dpdk-hotplug %s\n" % VERSION, said)


def test_guarded_lost_and_healed(command):
    """A network interface is deleted and made again, under a real driver."""
    cp.make_interface()
    kept = os.path.join(command.folder, "history")
    process = cp.Testpmd(command.folder, "heal", PLUGIN, VDEV, NULL, options="history=" + kept)
    try:
        cp.wait_for("roll call", lambda: "guards 1 of 2 port(s)" in process.log())
        expect(re.search(r"hotplug: guards 1 of 2 port\(s\): 0 \(net_af_packet0, heal\); not "
                         r"guarded: 1 \(net_null0: virtual: it stands on nothing that can be "
                         r"taken away\)$", process.log(), re.M), process.log()[-800:])
        status, said = command.run("status")
        expect(status == 0, "exit status %d: %s" % (status, said))
        expect_lines(said, r"^dpdk-testpmd  pid %d  prefix heal " % process.pid,
                     r"^  port 0   net_af_packet0 +guarded$", r"^  port 1   net_null0 +no need$",
                     r"policy heal", r"^All is well: 1 device guarded\.$")
        cp.ip("link", "del", "va")
        status, port = command.wait_for("heal", "LOST")
        expect(status == 1 and port["last_loss"]["cause"] == "REMOVED", port)
        expect(abs(port["last_loss"]["time"] - time.time()) < 60, "the wall clock: %s" % port)
        status, said = command.run("status")
        expect_lines(said, r"^  port 0   net_af_packet0 +LOST$", r"detached, and waits for its interface",
                     r"-> make the interface again", r"lost \w+ \d+ \d\d:\d\d:\d\d\.\d+ \(\d+ s ago\): removed",
                     r"^Attention: 1 finding\.$")
        cp.wait_for("line of it", lambda: "guards 0 of 2 port(s); lost: 0 (net_af_packet0)" in
                    process.log())
        cp.make_interface()
        status, port = command.wait_for("heal", "guarded")
        cp.wait_for("healed", lambda: command.port("heal")[1]["last_return"]["event"] == "healed")
        status, said = command.run("status")
        expect(status == 0, said)
        expect_lines(said, r"healed after [\d.]+ (s|ms) \(\d+ s ago\)")
        status, said = command.run("events")
        expect(status == 0, "exit status %d" % status)
        expect_lines(said, r"^\w+ \d+ \d\d:\d\d:\d\d\.\d{3} +\d+ s  net_af_packet0 +lost: removed, seen",
                     r"net_af_packet0 +healed after ")
        check_file(command, kept, process.pid)
    finally:
        process.end()
    check_after_its_end(command, kept)


def check_file(command, kept, pid):
    with open(kept) as f:
        lines = [json.loads(line) for line in f]
    kinds = [line["event"] for line in lines]
    expect(kinds[0] == "gone" and "healed" in kinds, kinds)
    expect(all(line["pid"] == pid and line["device"] == "net_af_packet0" for line in lines), lines)
    expect(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", lines[0]["time"]), lines[0])
    expect(os.stat(kept).st_mode & 0o777 == 0o640, "mode %o" % os.stat(kept).st_mode)
    both = command.run("events", "--file", kept)[1]
    expect(both.count("healed after") == 1, "an event twice:\n" + both)


def check_after_its_end(command, kept):
    status, said = command.run("events", "--file", kept)
    expect(status == 0, said)
    expect_lines(said, r"net_af_packet0 +lost: removed, seen", r"healed after [\d.]+ m?s$")


def test_each_reason_for_not_guarded(command):
    plain = cp.Testpmd(command.folder, "plain", None, NULL)
    asked = cp.Asked(command.folder, "asked", ASKED)
    try:
        status, said = command.run("status", "-f", "plain")
        expect(status == 3, said)
        expect_lines(said, r"^  NO LIBRARY$", r"-> start it with -d libdpdk-hotplug\.so\.0",
                     r"^Not protected: 1 finding\.$")
        asked.tell("enable", "strange")
        status, said = command.run("status", "-f", "asked")
        expect(status == 3, said)
        expect_lines(said, r"^  port 1   strange0 +NOT GUARDED$", r"does not know the bus 'elsewhere'",
                     r"-> a bus other than pci and vdev needs a backend",
                     r"^  port 0   0000:31:00\.0 +guarded$")
        asked.tell("disable")
        status, said = command.run("status", "-f", "asked")
        expect(status == 3, said)
        expect_lines(said, r"^  DISABLED$", r"not enabled")
        status, said = command.json("status")
        expect(len(said["processes"]) == 2 and status == 3, said)
    finally:
        plain.end()
        asked.end()


# {what is told to the process: what `status` says of its port}; the bus that nobody knows is
# above.  The process, its EAL, buses and sockets are real.  No installed driver has a BAR twice,
# or makes a port on the pci bus by itself: there the driver is asked_ports.c.
UNGUARDED = {
    ("doubled", "enable"): (r"^  port 0   0000:31:00\.0 +NOT GUARDED$",
                            r"its registers cannot be guarded: Invalid argument",
                           r"-> report it: dpdk-hotplug doctor --report FILE"),
    ("enable", "untold"): (r"^  port 1   untold0 +NOT GUARDED$",
                           r"the bus has not told of its probe",
                           r"-> 'left alone' in its log says why"),
    ("enable", "outside:net_af_packet7,iface=vo"):
        (r"^  port 1   net_af_packet7 +NOT GUARDED$",
         r"its interface is in another network namespace, or not known",
         r"-> make the port in the process's own network namespace"),
    ("outside:net_af_packet7,iface=vo", "enable"):      # it was there before the library
        (r"^  port 1   net_af_packet7 +NOT GUARDED$",
         r"its interface is in another network namespace, or not known",
         r"-> make the port in the process's own network namespace"),
}


def test_reasons_of_buses_and_drivers(command):
    for number, (words, patterns) in enumerate(UNGUARDED.items()):
        asked = cp.Asked(command.folder, "reason%d" % number, ASKED)
        try:
            asked.tell(*words)
            status, said = command.run("status", "-f", asked.prefix)
            expect(status == 3, "exit status %d of %s: %s" % (status, words, said))
            expect_lines(said, *patterns, r"^Not protected: 1 finding\.$")
            cp.wait_for("line in the log", lambda a=asked, p=patterns: re.search(
                "guards .* not guarded: .*" + p[1], a.log()))
        finally:
            asked.end()


def test_nothing_to_guard_is_no_finding(command):
    asked = cp.Asked(command.folder, "none", ASKED)
    try:
        asked.tell("enable", "attach:net_null3",
                   "attach:net_pcap3,tx_pcap=%s/sent.pcap" % command.folder)
        status, said = command.run("status", "-f", "none")
        expect(status == 0, said)
        expect_lines(said, r"^  port 1   net_null3 +no need$",
                     r"virtual: it stands on nothing that can be taken away",
                     r"^  port 2   net_pcap3 +no need$",
                     r"virtual: it names no network interface of this machine",
                     r"^All is well: 1 device guarded\.$")
    finally:
        asked.end()


def test_two_processes_of_one_prefix(command):
    """One after the other: EAL takes a socket for a dead one's that nobody listens to yet."""
    both = [cp.Asked(command.folder, "both", ASKED, "--no-shconf")]
    try:
        both[0].tell("with:policy=heal")
        both.append(cp.Asked(command.folder, "both", ASKED, "--no-shconf", log="both-2"))
        first, second = both
        second.tell("with:policy=heal", "lose")
        cp.wait_for("loss", lambda: command.run("status", "-f", "both")[0] == 1)
        said = command.run("status", "-f", "both")[1]
        expect_lines(said, r"^asked  pid %d  prefix both " % first.pid,
                     r"^asked  pid %d  prefix both " % second.pid, r"^Attention: 1 finding\.$")
        expect(said.count("0000:31:00.0") == 2 and said.count("LOST") == 1, said)
        first.tell("untold")
        status, said = command.run("status", "-f", "both")
        expect(status == 1, said)
        expect_lines(said, r"^Attention: 1 finding, and 1 not protected\.$")
        status, said = command.run("status", "--pid", str(first.pid))
        expect(status == 3 and str(second.pid) not in said, said)
    finally:
        for asked in both:
            asked.end()


def test_healing_healed_and_given_up(command):
    asked = cp.Asked(command.folder, "mock", ASKED)
    try:
        asked.tell("with:policy=heal,stuck_ms=60000", "lose")
        status, port = command.wait_for("mock", "LOST")
        expect(status == 1 and port["state"] == "held", port)
        asked.tell("hold", "come")
        status, port = command.wait_for("mock", "healing")
        expect(status == 1 and port["todo"] == "wait some seconds", port)
        asked.tell("go")
        status, port = command.wait_for("mock", "guarded")
        cp.wait_for("healed", lambda: command.port("mock")[1]["last_return"]["event"] == "healed")
        asked.tell("break", "lose")
        command.wait_for("mock", "LOST")
        asked.tell("come")
        status, port = command.wait_for("mock", "GIVEN UP")
        expect(status == 1 and "tries have not healed it" in port["text"], port)
        cp.wait_for("word", lambda: command.port("mock")[1]["last_return"]["event"] == "given_up")
        expect("): in a drill" in command.run("status", "-f", "mock")[1], "the drill")
    finally:
        asked.end()


def test_stuck(command):
    asked = cp.Asked(command.folder, "stuck", ASKED)
    try:
        asked.tell("with:policy=heal,stuck_ms=200", "hold", "lose")
        status, port = command.wait_for("stuck", "STUCK")
        expect(status == 1 and "restart the process" in port["todo"], port)
        expect_lines(command.run("status", "-f", "stuck")[1], r"its driver does not return")
        asked.tell("go")
        command.wait_for("stuck", "LOST")
    finally:
        asked.end()


def test_policy_tell_says_whose_turn_it_is(command):
    asked = cp.Asked(command.folder, "tell", ASKED)
    try:
        asked.tell("enable", "lose")
        status, port = command.wait_for("tell", "LOST")
        expect(status == 1 and port["policy"] == "tell", port)
        expect("application must stop, close and detach" in port["todo"], port)
    finally:
        asked.end()


def test_drill(command):
    asked = cp.Asked(command.folder, "drill", ASKED)
    try:
        asked.tell("with:policy=heal", "lose", "come")
        command.wait_for("drill", "guarded")
        expect(command.run("drill", "--list") == (0, cp.NAME + "\n"), "the list")
        status, said = command.run("drill", cp.NAME, "--for", "0.3", typed="no\n")
        expect(status == 1 and "nothing was done" in said and "port 0 is interrupted" in
               " ".join(said.split()), said)
        status, said = command.run("drill", cp.NAME, "--for", "0.3", "--yes")
        expect(status == 0, said)
        expect_lines(said, r" lost in a drill$", r"healed after",
                     r"^The drill went well: the port works again\.$")
        status, said = command.run("drill", "0000:99:00.0", "--yes")
        expect(status == 1 and "guarded: " + cp.NAME in said, said)
        asked.tell("break")
        status, said = command.run("drill", cp.NAME, "--for", "0.2", "--yes")
        expect(status == 1 and "did not end well" in said, said)
    finally:
        asked.end()


def test_watch_tells_what_comes(command):
    asked = cp.Asked(command.folder, "watch", ASKED)
    try:
        asked.tell("with:policy=heal")
        with open(command.folder + "/watched", "w+") as out:
            watch = subprocess.Popen(command.words("watch", "-i", "0.1"),
                                     stdout=out, stderr=subprocess.STDOUT)

            def is_told():              # what was lost before its first look is not told
                asked.tell("lose", "come")
                command.wait_for("watch", "guarded")
                with open(out.name) as told:
                    seen = told.read()
                return "lost in a drill" in seen and "healed after" in seen
            try:
                cp.wait_for("event that is told", is_told)
            finally:
                watch.terminate()
                watch.wait()
            out.seek(0)
            expect_lines(out.read(), r"0000:31:00\.0 +lost in a drill \[asked", r"healed after")
    finally:
        asked.end()


def test_colours_only_where_the_terminal_has_them(command):
    asked = cp.Asked(command.folder, "colour", ASKED)
    try:
        asked.tell("enable")
        for term, no_color, has in ("xterm", None, True), ("dumb", None, False), \
                ("xterm", "1", False):
            said = cp.on_terminal(command.words("status"), term, no_color)
            expect("guarded" in said, said)
            expect(("\033[32mguarded" in said) == has, "TERM=%s: %r" % (term, said))
        said = cp.on_terminal(command.words("watch", "--looks", "1"), "xterm", None)
        expect(said.startswith("\033[H\033[J") and "All is well" in said, said)
    finally:
        asked.end()


def test_telemetry_off(command):
    """As SPDK: it says what there is instead, and reads the file that the options name."""
    kept = os.path.join(command.folder, "spdk-history")
    cp.make_interface("vs")
    process = cp.Testpmd(command.folder, "silent", PLUGIN, VDEV.replace("=va", "=vs"),
                         options="history=" + kept, more=["--no-telemetry"])
    try:
        status, said = command.run("status", "-f", "silent")
        expect(status == 4, said)
        expect_lines(said, r"^dpdk-testpmd  pid %d  prefix silent$" % process.pid,
                     r"no telemetry \(--no-telemetry", r"1 DPDK process cannot be asked")
        expect(kept in said.replace("\n  ", ""), said)
        cp.ip("link", "del", "vs")
        cp.wait_for("event", lambda: os.path.getsize(kept) > 0)
        expect_lines(command.run("events", "-f", "silent")[1], r"net_af_packet0 +lost: removed")
    finally:
        process.end()


def test_another_version_is_named(command):
    asked = cp.Asked(command.folder, "other", ASKED)
    copy = os.path.join(command.folder, "copy")
    shutil.copytree(os.path.dirname(COMMAND), copy)
    init = copy + "/dpdk_hotplug/__init__.py"
    try:
        asked.tell("enable")
        for version, word in ("9.9.9", "older"), ("0.0.1", "newer"):
            with open(init, "w") as f:
                f.write('VERSION = "%s"\n' % version)
            said = cp.Command(copy + "/dpdk-hotplug", command.folder).run("status")[1]
            expect(word in said and VERSION in said, said)
        with open(copy + "/dpdk_hotplug/processes.py", "r+") as f:      # before 0.1.0
            text = f.read().replace("/hotplug/ports", "/hotplug/no_such_command")
            f.seek(0)
            f.write(text)
        status, said = cp.Command(copy + "/dpdk-hotplug", command.folder).run("status")
        expect(status == 0 and "older" in said and " guarded" in said, said)
    finally:
        asked.end()


def main():
    tests = {n: f for n, f in globals().items() if len(sys.argv) < 6 or sys.argv[5] in n}
    return tap.main(tests, lambda folder: cp.Command(COMMAND, folder))


if __name__ == "__main__":
    sys.exit(main())
