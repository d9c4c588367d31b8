package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
	"github.com/crate-vk/crate-vk/engine/measure"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// server is crate-vk as a peer: the engine's API, in a process of its own, so
// that its CPU time is its own and the width of the device's vectors is its
// choice.
type server struct {
	eng     *engine.Engine
	model   *engine.Model
	images  []*picture.RGB
	request request
	output  string // its name
	options engine.FeatureOptions
}

// serve answers requests until its input ends.
func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	s := &server{}
	defer func() {
		if s.eng != nil {
			s.eng.Close()
		}
	}()
	lines := bufio.NewScanner(in)
	enc := json.NewEncoder(out)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return err
		}
		a, err := s.answer(ctx, r)
		if err != nil {
			a = answer{Error: err.Error()}
		}
		if err := enc.Encode(a); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (s *server) answer(ctx context.Context, r request) (answer, error) {
	switch r.Do {
	case "open":
		return s.open(ctx, r)
	case "load":
		return answer{}, s.load(ctx, r)
	}
	if s.model == nil {
		return answer{}, errors.New("no model is loaded")
	}
	switch r.Do {
	case "run":
		return s.run(ctx, r.Times)
	case "output":
		x, err := s.forward(ctx)
		return answer{Output: x}, err
	case "ops":
		return s.ops(ctx, r)
	case "alone":
		return s.alone(ctx, r.Times)
	}
	return answer{}, fmt.Errorf("no request %q", r.Do)
}

func (s *server) open(ctx context.Context, r request) (a answer, err error) {
	opts := []engine.Option{engine.WithDevice(r.Device)}
	if dir, err := os.UserCacheDir(); err == nil {
		opts = append(opts, engine.WithCache(filepath.Join(dir, "crate-vk")))
	}
	if !r.Tuned {
		opts = append(opts, expert.WithoutTuning())
	}
	if r.Bits > 0 {
		opts = append(opts, expert.WithVectorBits(r.Bits))
	}
	if s.eng, err = engine.Open(ctx, opts...); err != nil {
		return a, err
	}
	d := s.eng.Device()
	return answer{Name: d.Name, Tuning: expert.Tuning(s.eng), Version: fmt.Sprintf("%s, driver %s, Vulkan %s, tuning %s", d.Name, d.Driver, d.API, expert.Tuning(s.eng))}, nil
}

func (s *server) load(ctx context.Context, r request) error {
	if s.eng == nil {
		return errors.New("no device is open")
	}
	if s.model != nil {
		s.model.Close()
		s.model = nil
	}
	src, err := engine.OpenModel(r.Weights, engine.ModelOptions{})
	if err != nil {
		return err
	}
	if s.model, err = s.eng.Load(ctx, src); err != nil {
		return err
	}
	outputs, err := readout.Outputs(&src.Config, r.Readout)
	if err != nil {
		return err
	}
	s.request, s.output = r, outputs[0]
	s.options = engine.FeatureOptions{Facets: []crate.Facet{crate.FacetLogits}, Layers: []int{src.Config.Depth - 1}}
	if r.MapLayer >= 0 {
		s.options.Facets, s.options.Layers = []crate.Facet{crate.FacetClassAttention}, []int{r.MapLayer}
	}
	s.options.Batch, s.options.Positions = r.Batch, crate.PositionsExact
	data, err := os.ReadFile(r.Pixels)
	if err != nil {
		return err
	}
	s.images = nil
	for i := range r.Batch {
		n := 3 * r.Width * r.Height
		s.images = append(s.images, &picture.RGB{Width: r.Width, Height: r.Height, Pix: data[i*n : (i+1)*n]})
	}
	_, err = s.forward(ctx) // folds weights, compiles pipelines
	return err
}

// inputs are the images, decoded already.
func (s *server) inputs() iter.Seq[engine.Input] {
	return func(yield func(engine.Input) bool) {
		for _, img := range s.images {
			if !yield(engine.Input{Load: func(context.Context) (*picture.RGB, error) { return img, nil }}) {
				return
			}
		}
	}
}

// forward computes one batch and returns the output of all its images.
func (s *server) forward(ctx context.Context) ([]float64, error) {
	var all []float64
	for item, err := range engine.FeaturesOf(s.options).Stream(ctx, s.model, s.inputs()) {
		if err == nil {
			err = item.Err
		}
		if err != nil {
			return nil, err
		}
		for _, x := range item.Value[s.output].Data {
			all = append(all, float64(x))
		}
	}
	return all, nil
}

func (s *server) run(ctx context.Context, times int) (answer, error) {
	if _, err := s.forward(ctx); err != nil {
		return answer{}, err
	}
	before, _ := measure.Usage()
	start := time.Now()
	for range times {
		if _, err := s.forward(ctx); err != nil {
			return answer{}, err
		}
	}
	wall := time.Since(start)
	after, _ := measure.Usage()
	n := float64(times)
	return answer{Wall: wall.Seconds() / n, CPU: (after - before).Seconds() / n}, nil
}

func (s *server) engineRequest() engine.Request {
	r := s.request
	return engine.Request{Outputs: []string{s.output}, Height: r.Height, Width: r.Width, Batch: r.Batch, Positions: crate.PositionsExact}
}

// ops is the speed of the dispatches of one product's shape inside the whole
// plan, from the device's timestamps.
func (s *server) ops(ctx context.Context, r request) (answer, error) {
	res, err := measure.Bench(ctx, s.model, s.engineRequest(), measure.BenchOptions{Repeat: r.Times})
	if err != nil {
		return answer{}, err
	}
	shape := fmt.Sprintf(" %d×%d→%d ", r.M, r.K, r.N)
	var flops, seconds float64
	for _, op := range res.Ops {
		if strings.Contains(op.Name+" ", shape) {
			flops += float64(op.FLOPs)
			seconds += op.Time.Seconds()
		}
	}
	if seconds == 0 {
		return answer{}, fmt.Errorf("the plan has no product of%sor the device no timestamps", shape)
	}
	return answer{GFLOPS: flops / seconds / 1e9}, nil
}

func (s *server) alone(ctx context.Context, rounds int) (answer, error) {
	list, err := measure.Alone(ctx, s.model, s.engineRequest(), rounds)
	if err != nil {
		return answer{}, err
	}
	var a answer
	for _, r := range list {
		a.Share = append(a.Share, r.Whole.Seconds()/r.Alone.Seconds())
	}
	return a, nil
}
