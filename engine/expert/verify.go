package expert

import (
	"context"
	"fmt"
	"iter"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// Verdict is one row of Verify.
type Verdict = prove.Verdict

// VerifyOptions of Verify.
type VerifyOptions = prove.VerifyOptions

// Verify compares the device with the interpreter: every kernel variant that
// plans for the device use on a small case, then the model as a whole, dispatch
// by dispatch. It yields a row for each as soon as it is known; errors of the
// comparison itself, such as a lost device, end it.
func Verify(ctx context.Context, m *engine.Model, o VerifyOptions) iter.Seq2[Verdict, error] {
	return func(yield func(Verdict, error) bool) {
		v, release, err := m.Inside(inside.Key{})
		if err == nil {
			if err = v.Lacks("is no device that could be verified"); err != nil {
				release()
			}
		}
		if err != nil {
			yield(Verdict{}, err)
			return
		}
		// The rows are made on a goroutine of its own, which lets go of the device
		// when somebody closes the engine, be it in the loop over the rows.
		ctx, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		defer context.AfterFunc(v.Ending, func() { stop(context.Cause(v.Ending)) })()
		type result struct {
			row Verdict
			err error
		}
		rows := make(chan result)
		go func() {
			defer close(rows)
			defer release()
			for row, err := range v.Device.Verify(ctx, proved(v), o) {
				select {
				case rows <- result{row, run.CauseOf(ctx, v.Blame(err))}:
					continue
				case <-ctx.Done():
				case <-v.Asked:
					stop(engine.ErrDeviceLost) // unless it is closed: the device is about to be opened again
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
// *engine.KernelError that names value and kernel. It returns how many dispatches
// agreed.
func Check(ctx context.Context, m *engine.Model, r engine.Request, pixels []byte) (agreed int, err error) {
	v, release, err := m.Inside(inside.Key{})
	if err != nil {
		return 0, err
	}
	defer release()
	if err := v.Lacks("is no device that could be checked"); err != nil {
		return 0, err
	}
	if want := 3 * r.Height * r.Width * r.Batch; len(pixels) != want {
		return 0, fmt.Errorf("engine: %d bytes for %d images of %d×%d px, want %d: 8-bit RGB", len(pixels), r.Batch, r.Width, r.Height, want)
	}
	agreed, err = v.Device.Check(ctx, proved(v), r, pixels)
	return agreed, v.Blame(err)
}

// CheckImage is Check for a read-out's tensors of one image.
func CheckImage[T any](ctx context.Context, r engine.Readout[T], m *engine.Model, img *picture.RGB) (agreed int, err error) {
	request, pixels, _, err := r.Inside(inside.Key{}, ctx, m, img)
	if err != nil {
		return 0, err
	}
	return Check(ctx, m, request, pixels)
}

// Prepare is what a read-out asks of a model for one image, as engine.Model.Compile and
// engine.Program.Run take it: the request, the pixels of the input crate.InputName, and how
// the image became these.
func Prepare[T any](ctx context.Context, r engine.Readout[T], m *engine.Model, img *picture.RGB) (engine.Request, []byte, readout.Frame, error) {
	return r.Inside(inside.Key{}, ctx, m, img)
}
