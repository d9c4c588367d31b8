package measure

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
)

// BenchOptions of Bench say how long it measures after its warm-up. The first of
// these that is set counts: Repeat; MinRuns and MinTime, both; Budget.
type BenchOptions struct {
	Repeat  int           // runs to time
	MinRuns int           // at least so many runs
	MinTime time.Duration // and at least so long
	Budget  time.Duration // as many runs as fit, at least 3; 0: 10 s
}

// BenchResult is one timed request. Times are of a batch.
type BenchResult struct {
	Wall    []time.Duration // of each run in order, submit to outputs on the host
	CPU     []time.Duration // of each run, process CPU time
	Device  time.Duration   // median of the dispatches' timestamps; 0: none
	FLOPs   int64           // of a batch
	Weights int64           // bytes on the device
	Arena   int64
	Peak    int64 // peak resident memory of the process, bytes; 0: unknown
	Ops     []OpTime
	Load    time.Duration // weights folded and packed, pipelines compiled
	First   time.Duration // the first run, which pays for what the driver puts off
}

// OpTime sums the dispatches of one kernel with one set of constants.
type OpTime struct {
	Name  string // kernel and what it computes
	Count int
	Time  time.Duration
	FLOPs int64
	Bytes int64
}

// Bench times a request on random pixels, weights loaded and pipelines warm.
func Bench(ctx context.Context, on inside.ModelOpener, r readout.Request, o BenchOptions) (*BenchResult, error) {
	m, release, err := on.Inside(inside.Key{})
	if err != nil {
		return nil, err
	}
	defer release()
	pixels := benchPixels(r)
	var res *BenchResult
	if m.Simulated {
		return nil, m.Lacks("computes nothing that takes time of its own")
	}
	if m.Device == nil {
		res, err = benchReference(ctx, m, r, o, pixels)
	} else {
		res, err = benchDevice(ctx, m, r, o, pixels)
	}
	return res, m.Blame(err)
}

func benchPixels(r readout.Request) []byte {
	pixels := make([]byte, 3*r.Height*r.Width*r.Batch)
	rnd := prove.Random("bench")
	for i := range pixels {
		pixels[i] = byte(rnd.IntN(256))
	}
	return pixels
}

func benchDevice(ctx context.Context, m inside.Model, r readout.Request, o BenchOptions, pixels []byte) (*BenchResult, error) {
	start := time.Now()
	pr, s, err := load(ctx, m, r, pixels, true)
	if err != nil {
		return nil, err
	}
	defer pr.Close()
	p := pr.Plan
	res := &BenchResult{FLOPs: p.FLOPs(), Weights: p.WeightBytes(), Arena: p.ArenaBytes(), Load: time.Since(start)}
	var device [][]float64
	sample := func() error {
		ns, err := pr.Nanoseconds(s)
		if ns != nil {
			device = append(device, ns)
		}
		return err
	}
	if err := res.measure(ctx, o, func() error { return pr.Once(ctx, s) }, sample); err != nil {
		return nil, err
	}
	res.addOps(p, device)
	return res, nil
}

// load compiles a request for one batch at a time and fills the pixels into its
// slot.
func load(ctx context.Context, m inside.Model, r readout.Request, pixels []byte, timestamps bool) (*run.Program, *run.Slot, error) {
	gr, err := readout.Graph(m.Config, r, m.Passes)
	if err != nil {
		return nil, nil, err
	}
	p, err := m.Device.Plan(ctx, gr, m.Options)
	if err != nil {
		return nil, nil, err
	}
	pr, err := run.NewProgram(ctx, m.Device.Device, m.Store, p, run.ProgramOptions{Slots: 1, Timestamps: timestamps})
	if err != nil {
		return nil, nil, err
	}
	s, err := pr.Acquire(ctx)
	if err != nil {
		pr.Close()
		return nil, nil, err
	}
	in, _, err := pr.Input(s, crate.InputName)
	if err != nil {
		pr.Close()
		return nil, nil, err
	}
	copy(in, pixels)
	return pr, s, nil
}

func benchReference(ctx context.Context, m inside.Model, r readout.Request, o BenchOptions, pixels []byte) (*BenchResult, error) {
	start := time.Now()
	gr, err := readout.Graph(m.Config, r, m.Passes)
	if err != nil {
		return nil, err
	}
	c, err := run.OnInterpreter(ctx, gr, m.Params)
	if err != nil {
		return nil, err
	}
	res := &BenchResult{FLOPs: gr.FLOPs(), Load: time.Since(start)}
	once := func() error {
		wait, err := c.Start(ctx, run.Inputs{crate.InputName: {Bytes: pixels}})
		if err != nil {
			return err
		}
		_, err = wait()
		return err
	}
	return res, res.measure(ctx, o, once, func() error { return nil })
}

// measure warms up and times runs of once.
func (res *BenchResult) measure(ctx context.Context, o BenchOptions, once, sample func() error) error {
	start := time.Now()
	if err := once(); err != nil {
		return err
	}
	res.First = time.Since(start)
	var wall, cpu []time.Duration
	for begin := time.Now(); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		c0, t0 := run.ProcessTime(), time.Now()
		if err := once(); err != nil {
			return err
		}
		wall, cpu = append(wall, time.Since(t0)), append(cpu, run.ProcessTime()-c0)
		if err := sample(); err != nil {
			return err
		}
		if o.enough(wall, time.Since(begin)) {
			break
		}
	}
	res.Wall, res.CPU, res.Peak = wall, cpu, peakMemory()
	return nil
}

// enough reports whether these runs, timed within took, are as many as wanted.
func (o BenchOptions) enough(runs []time.Duration, took time.Duration) bool {
	n := len(runs)
	switch {
	case o.Repeat > 0:
		return n >= o.Repeat
	case o.MinRuns > 0 || o.MinTime > 0:
		return n >= o.MinRuns && took >= o.MinTime
	}
	budget := o.Budget
	if budget == 0 {
		budget = 10 * time.Second
	}
	return n >= 3 && took+runs[n-1] > budget
}

// Spread is a median with the fifth and ninety-fifth percentile.
type Spread struct{ Median, P5, P95 time.Duration }

func spread(list []time.Duration) Spread {
	slices.Sort(list)
	at := func(q float64) time.Duration { return list[min(int(q*float64(len(list))), len(list)-1)] }
	return Spread{at(0.5), at(0.05), at(0.95)}
}

// addOps sums the median time of each dispatch by what it does.
func (res *BenchResult) addOps(p *plan.Plan, samples [][]float64) {
	if len(samples) == 0 {
		return
	}
	at := map[string]int{}
	for i := range p.Dispatches {
		d := &p.Dispatches[i]
		var ns []time.Duration
		for _, s := range samples {
			ns = append(ns, time.Duration(s[i]))
		}
		t := spread(ns).Median
		res.Device += t
		name := opName(p, d)
		k, ok := at[name]
		if !ok {
			k = len(res.Ops)
			at[name] = k
			res.Ops = append(res.Ops, OpTime{Name: name})
		}
		op := &res.Ops[k]
		op.Count, op.Time, op.FLOPs, op.Bytes = op.Count+1, op.Time+t, op.FLOPs+d.FLOPs, op.Bytes+p.Bytes(d)
	}
}

// opName tells dispatches of one kernel apart by shape and role: "linear_lanes
// 785×768→768 norm relu".
func opName(p *plan.Plan, d *plan.Dispatch) string {
	v := p.Value(d.Value)
	words := []string{d.Kernel.Name}
	if len(v.Args) > 0 && v.Arg("weight") != nil {
		words = append(words, fmt.Sprintf("%d×%d→%d", v.Shape().Rows(), v.Args[0].Shape().Last(), v.Shape().Last()))
	} else {
		words = append(words, v.Shape().String())
	}
	return strings.Join(append(words, plan.Epilogue(v)...), " ")
}
