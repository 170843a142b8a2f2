#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Does each public header compile alone, in whatever language its user has chosen?

usage: headers.py HEADER...

In:  gcc and clang, C and C++.  Out: TAP, a line for each header, compiler and standard.
Strict ISO C (-std=c11) hides what is POSIX's; a header may not rely on it.  Where it is
there (-std=gnu11, or _POSIX_C_SOURCE) every call must be declared.
"""
import os
import re
import subprocess
import sys

HEADERS = [os.path.abspath(h) for h in sys.argv[1:]]
MAP = os.path.join(os.path.dirname(HEADERS[0]), "hotplug.map")
C = ["c99", "c11", "c17", "c2x"]
CXX = ["c++11", "c++14", "c++17", "c++20", "c++2b"]
STANDARDS = {"c": C + [s.replace("c", "gnu") for s in C],
             "c++": CXX + [s.replace("c+", "gnu+") for s in CXX]}
COMPILERS = {"gcc": "c", "clang": "c", "g++": "c++", "clang++": "c++"}


def complaints(compiler, language, code, *options):
    """What a compiler says of a program; "" if nothing."""
    p = subprocess.run([compiler, "-x", language, "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic",
                        "-Werror", *options, "-"], input=code, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return p.stdout or (p.returncode and f"exit status {p.returncode}") or ""


def alone():
    """(name, complaints) of each header by itself, in a program that has included nothing."""
    for header in HEADERS:
        for compiler, language in COMPILERS.items():
            for standard in STANDARDS[language]:
                yield (f"{os.path.basename(header)} {compiler} -std={standard}",
                       complaints(compiler, language, f'#include "{header}"\n', "-std=" + standard))


def complete():
    """Every call that the library exports has its declaration, where POSIX has siginfo_t."""
    with open(MAP) as f:
        calls = re.findall(r"^\t(hotplug_\w+);", f.read(), re.M)
    code = "".join(f'#include "{h}"\n' for h in HEADERS) + "#include <stddef.h>\n" + "".join(
        f"void use_{call}(void);\nvoid use_{call}(void) {{ (void)sizeof(&{call}); }}\n"
        for call in calls)
    for options in ["-std=gnu99"], ["-std=c99", "-D_POSIX_C_SOURCE=199309L"]:
        yield "all calls, " + " ".join(options), complaints("gcc", "c", code, *options)


def main():
    failed = 0
    results = [*alone(), *complete()]
    print(f"1..{len(results)}")
    for n, (name, said) in enumerate(results, 1):
        failed += said != ""
        print(f"{'not ok' if said else 'ok'} {n} - {name}")
        print("".join(f"# {line}\n" for line in said.splitlines()), end="")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
