#!/bin/sh
# shots.sh BINARY: draws the pictures of docs/window.md anew, without a display. Times are of the third frame of a patch.
set -eu
cd "$(dirname "$0")/../.."
images=testdata/demo/samples/images
shot() {
	name=$1
	shift
	printf '%b' "$script" >"$tmp/script"
	"$binary" --window 1000x640 --script "$tmp/script" --screenshot "docs/window/$name.png" "$@"
}
binary=${1:?usage: shots.sh BINARY}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
script="patch 6 7\nwait\npatch 6 8\nwait\npatch 6 7\nwait\nshot docs/window/hover.png\n"
printf '%b' "$script" >"$tmp/script" # --screenshot itself writes no times
"$binary" --window 1000x640 --script "$tmp/script" --screenshot "$tmp/again.png" "$images/01-fish.png"
script='key k\npatch 6 7\nclick\npatch 5 3\nclick\nleave\n' shot compare "$images/01-fish.png"
script='' shot mask --method attention --show class --opacity 0.3 "$images/02-cat.jpg"
script='patch 8 8\n' shot parts --method pca --show keys "$images/03-house.jpg"
script='key ?\n' shot keys "$images/01-fish.png"
