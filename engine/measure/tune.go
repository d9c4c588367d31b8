package measure

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TuneOptions of Tune.
type TuneOptions struct {
	Requests []readout.Request // whose kernels are measured
	Budget   time.Duration     // for all of them; 0: 30 s
	DryRun   bool              // measure, but store nothing
}

// TuneRow is one kind of work and the shapes that were measured for it, the static
// one first. Where there is one shape only, nothing is measured.
type TuneRow struct {
	Kind   string
	Count  int // dispatches of that kind in the requests' plans
	Shapes []TuneShape
	Chosen string
	Gain   float64       // median over the rounds of static ÷ chosen
	Took   time.Duration // measuring it all
	Err    error         // nothing was chosen
}

// TuneShape is a kernel shape and its times. On a software device they are
// process CPU time, which other programs disturb less than the clock.
type TuneShape struct {
	Name string
	Time Spread
	Runs int
	Err  error // it did not compile, computes something else, or was not tried

	timer   timer // nil: not measured any more
	samples []time.Duration
}

// Tune measures kernel shapes for the requests and stores the choice in the
// cache folder, where engines that are opened later find it; this one keeps its
// own. Each kind of work is measured by itself, on random tensors of full size.
// Shapes for which the time did not suffice have ErrNoTime. progress, where it is not
// nil, is told of each kind as it is done.
func Tune(ctx context.Context, on inside.ModelOpener, o TuneOptions, progress func(TuneRow)) ([]TuneRow, error) {
	m, release, err := on.Inside(inside.Key{})
	if err != nil {
		return nil, err
	}
	defer release()
	if err := m.Lacks("has no kernels to tune"); err != nil {
		return nil, err
	}
	kinds, err := tuneKinds(m, o.Requests)
	if err != nil {
		return nil, err
	}
	devices, err := tuneDevices(m.Device)
	if err != nil {
		return nil, err
	}
	defer closeTwins(devices)
	rows, err := tuneAll(ctx, devices, kinds, cmp.Or(o.Budget, 30*time.Second), progress)
	if err != nil {
		return rows, err
	}
	m.Device.KeepPipelines()
	if o.DryRun {
		return rows, nil
	}
	return rows, run.WriteTuning(m.CacheDir, run.TuningDeviceOf(m.Device.Info), chosen(rows))
}

// tuneAll measures the kinds one after another, each for a part of the time: a kind's weight
// is its share in the arithmetic, and a twentieth more, so that small ones have some, too.
func tuneAll(ctx context.Context, devices []*prove.Device, kinds []*tuneKind, budget time.Duration, progress func(TuneRow)) ([]TuneRow, error) {
	var flops float64
	for _, k := range kinds {
		flops += float64(k.flops)
	}
	rows, weights := make([]TuneRow, len(kinds)), make([]float64, len(kinds))
	for i, k := range kinds {
		rows[i] = k.row(devices[0].Limits)
		if len(rows[i].Shapes) > 1 {
			weights[i] = 0.05 + float64(k.flops)/max(flops, 1)
		}
	}
	known := map[string]experience{} // by kernel
	until := time.Now().Add(budget)
	for i, k := range kinds {
		row := &rows[i]
		if len(row.Shapes) > 1 {
			kernel := k.d.Kernel.Kernel.Name
			if known[kernel] == nil {
				known[kernel] = experience{}
			}
			known[kernel].arrange(row)
			if err := tune(ctx, devices, k, row, part(weights[i:], time.Until(until))); err != nil {
				return rows[:i], err
			}
			known[kernel].learn(row)
		}
		if progress != nil {
			progress(*row)
		}
	}
	return rows, nil
}

// tune measures the shapes of one kind.
func tune(ctx context.Context, devices []*prove.Device, k *tuneKind, row *TuneRow, budget time.Duration) error {
	gr, err := oneOp(k.plan, k.d)
	if err != nil {
		return err
	}
	inputs, params := prove.RandomInputs(gr), prove.RandomParams(gr)
	s := search{
		workers: len(devices),
		prepare: func(ctx context.Context, worker int, shape string) (timer, error) {
			r, err := tuneShape(ctx, devices[worker], k, gr, inputs, params, shape)
			if err != nil {
				return nil, err // and no timer, not even one that is nil
			}
			return r, nil
		},
		fatal: func(err error) bool { return errors.Is(err, vk.ErrDeviceLost) },
		now:   time.Now,
	}
	return s.run(ctx, row, budget)
}

// chosen are the shapes to store, by kind; "" is the static one, of which nothing has to
// be said.
func chosen(rows []TuneRow) map[string]string {
	shapes := map[string]string{}
	for i := range rows {
		row := &rows[i]
		shapes[row.Kind] = row.Chosen
		if row.Chosen == row.Shapes[0].Name {
			shapes[row.Kind] = ""
		}
	}
	return shapes
}
