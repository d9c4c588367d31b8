package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/prove"
)

// Verdict is one row of Verify.
type Verdict = prove.Verdict

// VerifyOptions of Verify.
type VerifyOptions = prove.VerifyOptions

// Verify compares the device with the interpreter: every kernel variant that
// plans for the device use on a small case, then the model as a whole, dispatch
// by dispatch. It yields a row for each as soon as it is known; errors of the
// comparison itself, such as a lost device, end it.
func (m *Model) Verify(ctx context.Context, o VerifyOptions) iter.Seq2[Verdict, error] {
	return func(yield func(Verdict, error) bool) {
		v, release, err := m.inside(ctx)
		if err == nil && v.Device == nil {
			release()
			err = errors.New("engine: the interpreter is the reference itself: choose a device to verify")
		}
		if err != nil {
			yield(Verdict{}, err)
			return
		}
		// The rows are made on a goroutine of its own, which lets go of the device
		// when somebody closes the engine, be it in the loop over the rows.
		ctx, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		defer context.AfterFunc(m.ctx, func() { stop(context.Cause(m.ctx)) })()
		type result struct {
			row Verdict
			err error
		}
		rows := make(chan result)
		go func() {
			defer close(rows)
			defer release()
			asked := m.eng.use.asked()
			for row, err := range v.Device.Verify(ctx, proved(v), o) {
				select {
				case rows <- result{row, causeOf(ctx, m.blame(err))}:
					continue
				case <-ctx.Done():
				case <-asked:
					stop(ErrDeviceLost) // unless it is closed: the device is about to be opened again
				}
				return
			}
		}()
		for r := range rows {
			if !yield(r.row, r.err) || r.err != nil {
				return
			}
		}
		if err := context.Cause(ctx); err != nil {
			yield(Verdict{}, err)
		}
	}
}

// proved is what prove wants to know of a model.
func proved(v inside.Model) prove.Model {
	return prove.Model{Name: v.Name, Config: v.Config, Params: v.Params, Options: v.Options, Passes: v.Passes}
}

// Check runs a request on the given pixels dispatch by dispatch, beside the
// interpreter, and stops at the first value that disagrees: the error is a
// *KernelError that names value and kernel. It returns how many dispatches
// agreed.
func (m *Model) Check(ctx context.Context, r Request, pixels []byte) (agreed int, err error) {
	v, release, err := m.inside(ctx)
	if err != nil {
		return 0, err
	}
	defer release()
	if v.Device == nil {
		return 0, errors.New("engine: the interpreter is the reference itself: there is nothing to check")
	}
	if want := 3 * r.Height * r.Width * r.Batch; len(pixels) != want {
		return 0, fmt.Errorf("engine: %d bytes for %d images of %d×%d px, want %d: 8-bit RGB", len(pixels), r.Batch, r.Width, r.Height, want)
	}
	agreed, err = v.Device.Check(ctx, proved(v), r, pixels)
	return agreed, m.blame(err)
}
