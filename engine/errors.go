package engine

import (
	"errors"
	"fmt"

	"github.com/crate-vk/crate-vk/engine/vk"
)

// Conditions that callers tell apart with errors.Is.
var (
	ErrNoDevice    = errors.New("no usable device")
	ErrOutOfMemory = vk.ErrOutOfMemory
	ErrDeviceLost  = vk.ErrDeviceLost
	ErrLostWork    = errors.New("the device reported success and did not do the work") // twice
	ErrClosed      = errors.New("the engine is closed")
)

// ModelError says that a model is refused, and why.
type ModelError struct {
	Path string
	Err  error
}

func (e *ModelError) Error() string { return fmt.Sprintf("model %s: %v", e.Path, e.Err) }
func (e *ModelError) Unwrap() error { return e.Err }

func modelError(path string, err error) error {
	var have *ModelError
	if errors.As(err, &have) {
		return err
	}
	return &ModelError{path, err}
}
