#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Gives a program of several processes its own namespaces, hugepages and hugetlbfs.

usage: mp_run.py PROGRAM [ARGUMENT...]

In:  a program that takes the hugetlbfs as its first argument.  Out: what it prints.
"""
import os
import subprocess
import sys

import mp_console

mp_console.own_namespaces()
with mp_console.place() as folder:
    sys.exit(subprocess.call([sys.argv[1], os.path.join(folder, "huge"), *sys.argv[2:]]))
