package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// Conditions that callers tell apart with errors.Is. ErrNoDevice says that there is no
// Vulkan, or no device as the options want it; ErrOutOfMemory that the device, or
// WithMemory, has no room; ErrDeviceLost that the driver gave the device up twice;
// ErrLostWork that the device reported success twice and did not do the work, which is
// not what a NotFiniteError says;
// ErrConflict that options ask for something else than what another engine of the
// process has; ErrClosed that the engine, or the batcher, is closed; ErrBusy that a
// Batcher's queue is full.
var (
	ErrNoDevice      = run.ErrNoDevice
	ErrOutOfMemory   = vk.ErrOutOfMemory
	ErrDeviceLost    = vk.ErrDeviceLost
	ErrLostWork      = run.ErrLostWork
	ErrConflict      = vk.ErrConflict
	ErrClosed        = errors.New("the engine is closed")
	ErrModelClosed   = errors.New("the model is closed")
	ErrProgramClosed = errors.New("the program is closed")
	ErrTensorClosed  = errors.New("the tensor is closed")
	ErrBusy          = errors.New("too many calls are waiting")
	ErrImage         = errors.New("the image can't be used")
)

// KernelError says that a kernel does not compute what its op is defined as.
type KernelError = prove.KernelError

// ModelError says that a model is refused, and why. What stopped its function of
// NewModelSource, such as a PanicError, is in Err.
type ModelError struct {
	Path string // or the name of the source
	Err  error
}

// Error names the model once, though what refused its file may name it too.
func (e *ModelError) Error() string {
	text := strings.TrimPrefix(e.Err.Error(), e.Path+": ")
	if of, ok := e.Err.(*fs.PathError); ok && of.Path == e.Path {
		text = of.Err.Error()
	}
	return fmt.Sprintf("model %s: %s", e.Path, text)
}

func (e *ModelError) Unwrap() error { return e.Err }

// GraphError says that a graph of an embedder's own is refused, and why. What stopped
// the function of its parameters, such as a PanicError, is in Err.
type GraphError struct {
	Name string // of the graph
	Err  error
}

func (e *GraphError) Error() string { return fmt.Sprintf("graph %s: %v", e.Name, e.Err) }
func (e *GraphError) Unwrap() error { return e.Err }

func modelError(path string, err error) error {
	var have *ModelError
	if errors.As(err, &have) {
		return err
	}
	return &ModelError{path, err}
}
