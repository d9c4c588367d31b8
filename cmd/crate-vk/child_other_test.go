//go:build !unix

package main

// asCommand is for tests of signals, which other systems don't have.
func asCommand() {}
