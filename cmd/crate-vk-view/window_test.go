//go:build viewer && cgo

package main
