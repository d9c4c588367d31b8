package measure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
)

// TuneOptions of Tune.
type TuneOptions struct {
	Requests []readout.Request // whose kernels are measured
	Budget   time.Duration     // for all of them; 0: 30 s
	DryRun   bool              // measure, but store nothing
}

// TuneRow is one kind of work and the shapes that were measured for it.
type TuneRow struct {
	Kind   string
	Count  int // dispatches of that kind in the requests' plans
	Shapes []TuneShape
	Chosen string
	Gain   float64 // median over the rounds of static ÷ chosen
	Err    error   // nothing was chosen
}

// TuneShape is a kernel shape and its times. On a software device they are
// process CPU time, which other programs disturb less than the clock.
type TuneShape struct {
	Name string
	Time Spread
	Runs int
	Err  error // it did not compile, or computes something else

	cmds    *tuneRun
	samples []time.Duration
}

const (
	tuneRounds = 25
	// A shape other than the static one is chosen when it is faster by this
	// share in the median of the rounds, and faster in three of four.
	tuneGain = 1.02
	// Shapes slower than this against the best so far are dropped.
	tuneSlow = 1.3
)

// Tune measures kernel shapes for the requests and stores the choice in the
// cache folder, where engines that are opened later find it; this one keeps its
// own. Each kind of work is measured by itself, on random tensors of full size.
func Tune(ctx context.Context, on inside.ModelOpener, o TuneOptions, progress func(TuneRow)) ([]TuneRow, error) {
	m, release, err := on.Inside(inside.Key{})
	if err != nil {
		return nil, err
	}
	defer release()
	if err := m.Lacks("has no kernels to tune"); err != nil {
		return nil, err
	}
	if o.Budget == 0 {
		o.Budget = 30 * time.Second
	}
	kinds, err := tuneKinds(m, o.Requests)
	if err != nil {
		return nil, err
	}
	// Each kind's part of the time is that of its share in the arithmetic, but
	// not below a twentieth.
	var flops float64
	for _, k := range kinds {
		flops += float64(k.flops)
	}
	weight := func(k *tuneKind) float64 { return 0.05 + float64(k.flops)/max(flops, 1) }
	total := 0.0
	for _, k := range kinds {
		total += weight(k)
	}
	var rows []TuneRow
	shapes := map[string]string{}
	for _, k := range kinds {
		row, err := tune(ctx, m.Device, k, time.Duration(float64(o.Budget)*weight(k)/total))
		if err != nil {
			return rows, err
		}
		shapes[row.Kind] = row.Chosen
		if row.Chosen == row.Shapes[0].Name && k.plan.Value(k.d.Value).Op == graph.OpLinear {
			shapes[row.Kind] = "" // the static shape of a product suits each batch
		}
		rows = append(rows, row)
		if progress != nil {
			progress(row)
		}
	}
	m.Device.KeepPipelines()
	if o.DryRun {
		return rows, nil
	}
	return rows, run.WriteTuning(m.CacheDir, run.TuningDeviceOf(m.Device.Info), shapes)
}

// tuneKind is a kind of work: the dispatch that stands for it, in its plan.
type tuneKind struct {
	name  string
	plan  *plan.Plan
	d     *plan.Dispatch
	count int
	flops int64
}

// tuneKinds lists the kinds of the requests' static plans, the dearest first.
func tuneKinds(m inside.Model, requests []readout.Request) ([]*tuneKind, error) {
	var list []*tuneKind
	at := map[string]*tuneKind{}
	for _, r := range requests {
		g, err := readout.Graph(m.Config, r, m.Passes)
		if err != nil {
			return nil, err
		}
		opt := m.Options
		opt.Choices, opt.Disabled = plan.Choices{}, m.Device.Disabled()
		p, err := plan.New(g, m.Device.Limits, opt)
		if err != nil {
			return nil, err
		}
		for i := range p.Dispatches {
			d := &p.Dispatches[i]
			name := plan.Kind(p, d)
			if name == "" {
				continue
			}
			k := at[name]
			if k == nil {
				k = &tuneKind{name: name, plan: p, d: d}
				at[name] = k
				list = append(list, k)
			}
			k.count++
			k.flops += d.FLOPs
		}
	}
	slices.SortStableFunc(list, func(a, b *tuneKind) int { return int(b.flops/1e3 - a.flops/1e3) })
	return list, nil
}

// tune measures the shapes of one kind.
func tune(ctx context.Context, dev *prove.Device, k *tuneKind, budget time.Duration) (TuneRow, error) {
	row := TuneRow{Kind: k.name, Count: k.count}
	for _, name := range plan.Shapes(dev.Limits, k.d) {
		row.Shapes = append(row.Shapes, TuneShape{Name: name})
	}
	defer func() {
		for i := range row.Shapes {
			if r := row.Shapes[i].cmds; r != nil {
				r.close()
				row.Shapes[i].cmds = nil
			}
		}
	}()
	gr, err := oneOp(k.plan, k.d)
	if err != nil {
		return row, err
	}
	inputs, params := prove.RandomInputs(gr), prove.RandomParams(gr)
	begin := time.Now()
	for i := range row.Shapes {
		s := &row.Shapes[i]
		if i > 1 && time.Since(begin) > budget/2 {
			s.Err = errors.New("not measured: no time left")
			continue
		}
		s.cmds, s.Err = tuneShape(ctx, dev, k, gr, inputs, params, s.Name)
		if err := ctx.Err(); err != nil {
			return row, err
		}
		if errors.Is(s.Err, vk.ErrDeviceLost) {
			return row, s.Err
		}
	}
	if err := row.measure(ctx, dev, begin.Add(budget)); err != nil {
		return row, err
	}
	row.choose()
	return row, nil
}

// measure times the shapes in turn, round after round, and drops the slow ones.
func (row *TuneRow) measure(ctx context.Context, dev *prove.Device, until time.Time) error {
	for n := 0; n < tuneRounds && (n < 3 || time.Now().Before(until)); n++ {
		for i := range row.Shapes {
			s := &row.Shapes[(i+n)%len(row.Shapes)] // another order each round
			if s.cmds == nil {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			took, err := s.cmds.time(dev)
			if err != nil {
				return err
			}
			s.samples = append(s.samples, took)
		}
		if n >= 2 {
			row.drop()
		}
	}
	return nil
}

func (row *TuneRow) drop() {
	best := time.Duration(0)
	for i := range row.Shapes {
		if s := &row.Shapes[i]; s.cmds != nil {
			if t := spread(slices.Clone(s.samples)).Median; best == 0 || t < best {
				best = t
			}
		}
	}
	for i := range row.Shapes[1:] { // the static one stays: all are held against it
		s := &row.Shapes[1+i]
		if s.cmds != nil && float64(spread(slices.Clone(s.samples)).Median) > tuneSlow*float64(best) {
			s.cmds.close()
			s.cmds = nil
		}
	}
}

// choose takes the shape with the largest gain over the static one, if that is
// beyond doubt.
func (row *TuneRow) choose() {
	for i := range row.Shapes {
		s := &row.Shapes[i]
		s.Runs = len(s.samples)
		if s.Runs > 0 {
			s.Time = spread(slices.Clone(s.samples))
		}
	}
	static := &row.Shapes[0]
	if static.Err != nil {
		row.Err = static.Err
		return
	}
	row.Chosen, row.Gain = static.Name, 1
	for i := range row.Shapes[1:] {
		s := &row.Shapes[1+i]
		if s.Runs < 3 || s.Err != nil {
			continue
		}
		var gains []float64
		for r, t := range s.samples {
			gains = append(gains, float64(static.samples[r])/float64(t))
		}
		slices.Sort(gains)
		median, quarter := gains[len(gains)/2], gains[len(gains)/4]
		if median > max(tuneGain, row.Gain) && quarter > 1 {
			row.Chosen, row.Gain = s.Name, median
		}
	}
}

// oneOp is the graph of a dispatch's value alone, at full size.
func oneOp(p *plan.Plan, d *plan.Dispatch) (*graph.Graph, error) {
	v := p.Value(d.Value)
	b := graph.NewBuilder("tune")
	static, made := p.Graph.Static(), map[*graph.Value]*graph.Value{}
	var args []*graph.Value
	for i, a := range v.Args {
		if a != nil && made[a] == nil {
			t := a.Type
			if static[a] {
				made[a] = b.Param(fmt.Sprintf("p%d", i), t)
				if graph.Centred(a) { // which products take other kernels for
					made[a] = b.Do(graph.OpCentre, nil, made[a])
				}
			} else {
				made[a] = b.Input(fmt.Sprintf("x%d", i), t)
			}
		}
		args = append(args, made[a])
	}
	b.Output("y", b.Do(v.Op, v.Attrs, args...))
	return b.Graph()
}
