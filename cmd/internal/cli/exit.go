package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/crate-vk/crate-vk/engine"
)

// The exit codes. Interrupted beats all; a lost device, then a failure of
// output or disk, beat inputs that failed.
const (
	ExitOK          = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitInputs      = 3 // done, but some inputs failed, each named on stderr
	ExitDevice      = 4 // no usable device
	ExitModel       = 5 // the model was refused
	ExitLost        = 6 // device lost, also after opening it again
	ExitInterrupted = 130
)

// CodedError is an error with an exit code. Its text may be empty when all has
// been said.
type CodedError struct {
	Code int
	err  error
}

// Coded gives an error an exit code; nil where all has been said.
func Coded(code int, err error) error { return &CodedError{code, err} }

func (e *CodedError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *CodedError) Unwrap() error { return e.err }

// Usage marks an error as wrong usage.
func Usage(err error) error { return Coded(ExitUsage, err) }

// ExitCode is the code of an error that a command returned.
func ExitCode(err error) int {
	var coded *CodedError
	var model *engine.ModelError
	switch {
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.As(err, &coded):
		return coded.Code
	case errors.Is(err, engine.ErrDeviceLost):
		return ExitLost
	case errors.Is(err, engine.ErrNoDevice):
		return ExitDevice
	case errors.As(err, &model):
		return ExitModel
	case strings.HasPrefix(err.Error(), "unknown command"):
		return ExitUsage
	}
	return ExitFailed
}

// Report tells of the error that a program ended with, and gives the exit code.
func Report(w io.Writer, program string, err error) int {
	if err == nil {
		return ExitOK
	}
	code, told := ExitCode(err), errors.As(err, new(*CodedError))
	text := err.Error()
	if code == ExitInterrupted && !told {
		text = "interrupted" // whatever was under way says so in words of its own
	}
	if text != "" {
		fmt.Fprintln(w, program+": "+text)
	}
	if code == ExitUsage && !told {
		fmt.Fprintf(w, "run %s --help for usage\n", program)
	}
	return code
}
