#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The archive, as it is installed, exports what the map says, and what --wrap needs.
# usage: archive.sh NM OBJECT MAP WRAP...
#   WRAP: -Wl,--wrap=NAME
set -eu
nm=$1 object=$2 map=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n 's/^[[:space:]]*\(hotplug_[a-z_]*\);$/\1/p' "$map" > "$work/names"
printf '%s\n' "$@" | sed 's/^-Wl,--wrap=/__wrap_/' >> "$work/names"
sort "$work/names" > "$work/wanted"
"$nm" -g --defined-only "$object" | awk '{ print $3 }' | sort > "$work/found"
diff -u "$work/wanted" "$work/found"
