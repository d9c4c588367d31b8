package main

import (
	"context"
	"errors"
	"strings"

	"github.com/crate-vk/crate-vk/engine"
)

// The exit codes. Interrupted beats all; a lost device, then a failure of
// output or disk, beat inputs that failed.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInputs      = 3 // done, but some inputs failed, each named on stderr
	exitDevice      = 4 // no usable device
	exitModel       = 5 // the model was refused
	exitLost        = 6 // device lost, also after opening it again
	exitInterrupted = 130
)

// codedError is an error with an exit code. Its text may be empty when all has
// been said.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *codedError) Unwrap() error { return e.err }

// usage marks an error as wrong usage.
func usage(err error) error { return &codedError{exitUsage, err} }

// exitCode is the code of an error that a command returned.
func exitCode(err error) int {
	var coded *codedError
	var model *engine.ModelError
	switch {
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, engine.ErrDeviceLost):
		return exitLost
	case errors.Is(err, engine.ErrNoDevice):
		return exitDevice
	case errors.As(err, &model):
		return exitModel
	case strings.HasPrefix(err.Error(), "unknown command"):
		return exitUsage
	}
	return exitFailed
}
