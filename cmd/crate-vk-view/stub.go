//go:build !viewer || !cgo

// Command crate-vk-view is the window. This file stands in for it in a build without the
// tag viewer, so that nothing else needs the headers of a window system.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "crate-vk-view: this binary was built without a window: go build -tags viewer ./cmd/crate-vk-view, with cgo (make view installs what that needs)")
	os.Exit(4)
}
