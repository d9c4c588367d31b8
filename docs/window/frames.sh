#!/bin/sh
# frames.sh BINARY KEY: shows 240 patches one behind another in a window, which tells how long its
# frames took. KEY is a for attention, k for keys.
set -eu
: "${2:?usage: frames.sh BINARY a|k}"
cd "$(dirname "$0")/../.."
script=$(mktemp)
trap 'rm -f "$script"' EXIT
awk -v key="$2" 'BEGIN {
	print "wait\nkey " key
	for (k = 0; k < 240; k++) printf "patch %d %d\nsleep 5ms\nwait\n", k * 7 % 16, k * 5 % 16
}' >"$script"
"$1" --script "$script" testdata/demo/samples/images/01-fish.png
