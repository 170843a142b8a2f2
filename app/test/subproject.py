#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The library as a subproject of another project, whose application links it.

usage: subproject.py SOURCE SDK installed|dpdk

In:  the source tree; the folder with DPDK's driver headers ("": they are installed with DPDK).
     installed: beside the installed DPDK; built by clang, where a warning is an error.
     dpdk: beside a subproject "dpdk" that gives its parent the dependency libdpdk.
Out: TAP.  Nothing is built but what the parent asked for.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

SOURCE, SDK, WHICH = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3]

PARENT = """project('parent', 'c', default_options: ['buildtype=plain', 'werror=true'])
%s
subproject('dpdk-hotplug')
executable('app', 'app.c', dependencies: dependency('libdpdk-hotplug'))
"""
APP = """#include <rte_eal.h>
#include <hotplug.h>

int
main(int argc, char **argv)
{
	if (rte_eal_init(argc, argv) < 0 || hotplug_enable(NULL) != 0)
		return 1;
	hotplug_disable();
	return rte_eal_cleanup() != 0;
}
"""
# as DPDK's own build is one: its drivers are in its dependency, driver headers beside the others
DPDK = """project('dpdk', 'c', version: '%s')
meson.override_dependency('libdpdk', declare_dependency(version: meson.project_version(),
    compile_args: %s, link_with: static_library('rte_own', 'own.c'),
    link_args: %s + ['-lrte_bus_pci', '-lrte_bus_vdev']))
"""


def pkg_config(*args):
    return subprocess.run(["pkg-config", *args, "libdpdk"], text=True, check=True,
                          stdout=subprocess.PIPE).stdout.split()


def run(*cmd, **options):
    """What it says, on both; raises when it fails."""
    p = subprocess.run(cmd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if p.returncode:
        raise AssertionError("exit status %d of %s:\n%s" % (p.returncode, " ".join(cmd), p.stdout))
    return p.stdout


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


def make_parent(folder):
    subproject = "subproject('dpdk')" if WHICH == "dpdk" else ""
    put(folder + "/meson.build", PARENT % subproject)
    put(folder + "/app.c", APP)
    os.mkdir(folder + "/subprojects")
    os.symlink(SOURCE, folder + "/subprojects/dpdk-hotplug")
    if WHICH == "dpdk":
        cflags = pkg_config("--cflags") + (["-isystem" + SDK] if SDK else [])
        libdir = pkg_config("--variable=libdir") + pkg_config("--variable=prefix")
        links = ["-L" + libdir[0], "-L" + libdir[1] + "/drivers", *pkg_config("--libs")]
        put(folder + "/subprojects/dpdk/meson.build",
            DPDK % (pkg_config("--modversion")[0], cflags, links))
        put(folder + "/subprojects/dpdk/own.c", "extern const int rte_own;\nconst int rte_own = 1;\n")


def set_up(folder):
    option = ["-Ddpdk-hotplug:driver_sdk=" + SDK] if SDK and WHICH == "installed" else []
    env = dict(os.environ, CC="clang" if WHICH == "installed" else "gcc")
    return run("meson", "setup", folder + "/build", folder, *option, env=env)


def test_tests_and_tools_are_left_out(folder):
    make_parent(folder)
    said = set_up(folder)
    expect("cmocka" not in said and "umockdev" not in said, said)
    targets = json.loads(run("meson", "introspect", "--targets", folder + "/build"))
    wanted = {"installed": [("app", "executable"), ("dpdk-hotplug", "shared library")],
              "dpdk": [("app", "executable"), ("dpdk-hotplug", "static library"),
                       ("rte_own", "static library")]}
    found = sorted((t["name"], t["type"]) for t in targets if t["type"] != "custom")
    expect(found == wanted[WHICH], found)


def test_it_builds_without_a_warning(folder):
    said = run("ninja", "-C", folder + "/build")
    expect("warning" not in said, said)


def test_it_installs_what_an_application_needs_to_run(folder):
    plan = json.loads(run("meson", "introspect", "--installed", folder + "/build"))
    names = sorted(os.path.basename(p) for p in plan)
    expect({re.sub(r"[\d.]+$", "", n) for n in names} ==
           (set() if WHICH == "dpdk" else {"libdpdk-hotplug.so"}), names)


def test_the_application_is_guarded(folder):
    app = folder + "/build/app"
    env = dict(os.environ, LD_LIBRARY_PATH=":".join(pkg_config("--variable=libdir")))
    needs = run("ldd", app, env=env)
    expect(("libdpdk-hotplug" in needs) == (WHICH == "installed"), needs)
    said = run(app, "-l", "0", "--no-pci", "--no-huge", "-m", "64", "--no-telemetry", "--no-shconf",
               "--file-prefix", "subproject-%d" % os.getpid(), env=env, timeout=60)
    expect(re.search("^hotplug: enabled: ", said, re.M), said)


def main():
    tests = [test_tests_and_tools_are_left_out, test_it_builds_without_a_warning,
             test_it_installs_what_an_application_needs_to_run, test_the_application_is_guarded]
    print("1..%d" % len(tests), flush=True)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for n, test in enumerate(tests, 1):
            try:
                test(folder)
                print("ok %d - %s" % (n, test.__name__), flush=True)
            except AssertionError as e:
                failed += 1
                print("not ok %d - %s" % (n, test.__name__))
                print("".join("# %s\n" % line for line in str(e).splitlines()), end="", flush=True)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
