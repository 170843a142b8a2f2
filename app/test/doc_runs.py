# SPDX-License-Identifier: BSD-3-Clause
"""The ways in which doc_commands.py runs what a page shows.

In:  a block of a page.  Out: nothing, or an AssertionError that says what differs.  What a
page cannot say is added: where the built library is, a file prefix, no hugepages.
"""
import os
import re
import shlex
import shutil
import subprocess
import sys

import mp_console

SPDK = """#include <hotplug.h>
static void post_to_the_poller_that_owns(const char *device, void *arg);
%s
hotplug_event_fn use = on_event;
static void post_to_the_poller_that_owns(const char *d, void *a) { (void)d; (void)a; }
"""
VPP = """#include <hotplug.h>
void dpdk_log_warn(const char *text);
void after_rte_eal_init(void);
void after_rte_eal_init(void)
{
%s
}
"""


class Runs:
    def __init__(self, top, build, cc, folder):
        self.top, self.build, self.cc, self.folder = top, build, cc, folder
        self.n = 0

    # --- commands with their output -----------------------------------------------------
    def shell(self, block):
        """"$ command" and the lines of its output, in their order, among others."""
        command, shown = None, []
        for line in block + ["$ "]:
            if not line.startswith("$ "):
                shown.append(line)
                continue
            if command:
                self.one(command, shown)
            command, shown = line[2:], []

    def one(self, command, shown):
        said = self.run_dpdk(command)
        at = 0
        for line in shown:
            assert line in said[at:], "'%s' is not what `%s` says:\n%s" % (
                line, command, "\n".join(said))
            at += said[at:].index(line) + 1

    def run_dpdk(self, command):
        """The lines that it prints, started so that it disturbs nobody."""
        self.n += 1
        prefix = "doc-%d-%d" % (os.getpid(), self.n)
        eal, _, own = command.partition(" -- ")
        words = shlex.split(re.sub(r"libdpdk-hotplug\.so(\.0)?",
                                   self.build + "/lib/libdpdk-hotplug.so", eal))
        env = dict(os.environ)
        while "=" in words[0]:
            key, _, value = words.pop(0).partition("=")
            env[key] = value
        p = subprocess.run([*words, "--no-huge", "-m", "256", "--no-telemetry", "--file-prefix",
                            prefix, "--", *shlex.split(own), "--no-mlockall"], env=env,
                           input="\n", text=True, timeout=40, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
        shutil.rmtree("/var/run/dpdk/" + prefix, ignore_errors=True)
        assert p.returncode == 0, "`%s` ends with %d:\n%s" % (command, p.returncode, p.stdout)
        return p.stdout.splitlines()

    def options(self, block):
        """DPDK_HOTPLUG=...: taken by the plugin, and it starts."""
        for line in block:
            said = self.run_dpdk(line + " dpdk-testpmd -d libdpdk-hotplug.so --no-pci --vdev "
                                 "net_null0 -- --total-num-mbufs=2048")
            assert any(s.startswith("hotplug: enabled") for s in said), "\n".join(said)

    # --- the console of several processes -------------------------------------------------
    def console(self, block):
        """What is typed at the prompts, and what follows; pids differ."""
        program = os.path.join(self.build, "examples/hotplug_mp/hotplug_mp")
        with mp_console.place() as folder, mp_console.Group(program, folder, 0) as group:
            command, shown = None, []
            for line in block[1:] + ["example> "]:
                if not line.startswith("example> "):
                    shown.append(line)
                    continue
                if command:
                    said = group.all[0].run(command)
                    self.same(command, shown, said.splitlines())
                command, shown = line[len("example> "):], []

    @staticmethod
    def same(command, shown, said):
        def plain(lines):
            return [re.sub(r"process \d+", "process N", x.rstrip()) for x in lines
                    if x and not x.startswith(("EAL", "hotplug:"))]
        assert plain(shown) == plain(said)[-len(shown):], "`%s` says:\n%s" % (
            command, "\n".join(said))

    # --- programs -------------------------------------------------------------------------
    def compiles(self, block):
        text = "\n".join(block)
        source = os.path.join(self.folder, "snippet.c")
        with open(source, "w") as f:
            f.write((SPDK if "on_event" in text else VPP) % text)
        p = subprocess.run([*self.cc, "-fsyntax-only", "-Wall", "-Werror", "-I",
                            self.top + "/lib", source], text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
        assert p.returncode == 0, p.stdout

    def installed(self, block):
        """README's own command line, in a folder with app.c, against an installed copy."""
        place = os.path.join(self.folder, "installed")
        subprocess.run(["meson", "install", "-C", self.build, "--no-rebuild", "--quiet"],
                       env=dict(os.environ, DESTDIR=place), check=True)
        for pc in [os.path.join(d, f) for d, _, names in os.walk(place) for f in names
                   if f.endswith(".pc")]:
            with open(pc) as f:
                text = f.read()
            with open(pc, "w") as f:
                f.write(re.sub(r"^prefix=", "prefix=" + place, text, flags=re.M))
        with open(os.path.join(self.top, "README.md")) as f, \
                open(os.path.join(self.folder, "app.c"), "w") as out:
            out.write(re.search(r"^```c\n(.*?)^```", f.read(), re.M | re.S).group(1))
        env = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(pc) + ":" +
                   os.environ.get("PKG_CONFIG_PATH", ""))
        for line in block:
            p = subprocess.run(line, shell=True, cwd=self.folder, env=env, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            assert p.returncode == 0, "`%s` says:\n%s" % (line, p.stdout)
        assert os.path.exists(os.path.join(self.folder, "a.out")), "no program came of it"

    # --- files of others ---------------------------------------------------------------------
    def unit(self, block):
        """A systemd drop-in: DPDK_HOTPLUG as it has it is taken by the library."""
        found = [line.partition("=")[2] for line in block if line.startswith("Environment=")]
        assert len(found) == 1 and block[0] == "[Service]", block
        words = {line.partition("=")[0] for line in block[1:]}
        assert words <= {"Environment", "LimitMEMLOCK", "LimitNOFILE"}, words
        self.options([re.sub(r"history=\S+", "history=" + self.folder + "/history", found[0])])

    def udev_rules(self, block):
        """Each is matches and assignments."""
        for line in block:
            assert re.fullmatch(r'(\w+(==|=)"[\w-]+"(, |$))+', line), line

    # --- lists ------------------------------------------------------------------------------
    def paths(self, block):
        """Each line begins with what is there."""
        for line in block:
            for path in re.split(r",\s+", re.split(r"\s{2,}", line)[0]):
                assert os.path.exists(os.path.join(self.top, path)), "there is no " + path

    def rows_are_listed(self, block):
        """Each program is there; what says that it lists lists, and --only finds something."""
        for line in block:
            command = re.split(r"\s{2,}|\s&&\s", line)[0].split()
            assert os.access(os.path.join(self.top, command[0]), os.X_OK), command[0]
            if "--list" in command or "--only" in command:
                if not (len(command) > 1 and command[1] == "6.12"):
                    self.list_rows(command)

    def list_rows(self, command):
        extra = [] if "--list" in command else ["--list"]
        p = subprocess.run([sys.executable, *command, *extra], cwd=self.top, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert p.returncode == 0 and p.stdout.strip(), "`%s`: %s" % (" ".join(command), p.stdout)
