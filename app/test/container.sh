#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A container without uevents: the plugin says so in one line, is enabled all the
# same, and the application goes on.   container.sh PLUGIN
# In a user and a network namespace of its own; no device, no hugepages.
set -u
out=$(unshare --user --net --map-root-user timeout 30 dpdk-testpmd -d "$1" --no-pci \
	--no-huge -m 600 --no-telemetry --file-prefix "hp-container-$$" --vdev net_null0 -- \
	--no-mlockall --total-num-mbufs=2048 </dev/null 2>&1)
status=$?
expect() {
	echo "$out" | grep -q "$1" && return
	echo "no line like '$1' (exit status $status) in:" >&2
	echo "$out" >&2
	exit 1
}
expect '^hotplug: no uevents: .*user namespace'
expect '^hotplug: enabled: .*uevents off'
expect '^Bye'
[ "$status" -eq 0 ]
