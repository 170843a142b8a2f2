#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Builds a storm and runs it: the default build has none, for each is the whole library anew.
#
# usage: storm.sh BUILD PROGRAM [its arguments]
set -e
ninja -C "$1" "$(realpath -m --relative-to="$1" "$2")" >&2
shift
exec "$@"
