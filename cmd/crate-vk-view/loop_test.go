//go:build viewer && cgo

package main

import "testing"

// TestBehindTheEnd: what still goes on when the window is closed may ask for the main thread.
// glfw, which is not there any more, would panic.
func TestBehindTheEnd(t *testing.T) {
	d := &display{ended: make(chan struct{})}
	d.finish()
	d.end()
	if d.await(func() { t.Error("it was run") }) {
		t.Error("the loop has ended, and await says that it went on")
	}
}
