# SPDX-License-Identifier: BSD-3-Clause
"""Where promtool is: Debian's, installed, or in the cache of devtools/setup."""
import os
import shutil


def path():
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    cache = os.environ.get("HOTPLUG_CACHE") or os.path.join(home, "dpdk-hotplug")
    return shutil.which("promtool") or os.path.join(cache, "promtool")
