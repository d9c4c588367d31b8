package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/crate-vk/crate-vk/engine/vk"
)

// Conditions that callers tell apart with errors.Is. ErrLostWork stands for a run
// that was repeated once already.
var (
	ErrNoDevice   = errors.New("no usable device")
	ErrLostWork   = errors.New("the device reported success and did not do the work")
	ErrDeviceLost = vk.ErrDeviceLost
)

// NoDevice makes errors.Is(err, ErrNoDevice) hold, whatever the reason.
func NoDevice(err error) error { return fmt.Errorf("%w: %w", ErrNoDevice, err) }

// WeightError says that weights can't be read, or are not what a graph needs:
// the fault is the model's and not the device's.
type WeightError struct{ Err error }

func (e *WeightError) Error() string { return e.Err.Error() }
func (e *WeightError) Unwrap() error { return e.Err }

// weightError marks an error as the weights', unless it says that the work was
// cancelled.
func weightError(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &WeightError{err}
}

// CauseOf says why ctx has ended where err only says that it has.
func CauseOf(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
	}
	return err
}
