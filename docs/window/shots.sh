#!/bin/sh
# shots.sh BINARY: draws the pictures of docs/window.md anew, without a display.
set -eu
cd "$(dirname "$0")/../.."
images=testdata/demo/samples/images
shot() {
	name=$1
	shift
	printf '%b' "$script" >"$tmp/script"
	"$binary" --window 1000x640 --script "$tmp/script" --screenshot "docs/window/$name.png" "$@"
}
binary=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
script='patch 6 7\n' shot hover "$images/01-fish.png"
script='key k\npatch 6 7\nclick\npatch 5 3\nclick\nleave\n' shot compare "$images/01-fish.png"
script='' shot mask --method attention --show class --opacity 0.3 "$images/02-cat.jpg"
script='patch 8 8\n' shot parts --method pca --show keys "$images/03-house.jpg"
script='key ?\n' shot keys "$images/01-fish.png"
