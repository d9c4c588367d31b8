package engine_test

import (
	"context"
	"errors"
	"image"
	"iter"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/demo"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph/pass"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// benchModel is the embedded model on the machine's device.
func benchModel(b *testing.B, opts ...engine.Option) *engine.Model {
	b.Helper()
	eng, err := engine.Open(context.Background(), opts...)
	if errors.Is(err, engine.ErrNoDevice) {
		b.Skip(err)
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { eng.Close() })
	source, err := engine.OpenModelBytes(demo.Name, demo.Safetensors, engine.ModelOptions{})
	if err != nil {
		b.Fatal(err)
	}
	m, err := eng.Load(context.Background(), source)
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// photo is a picture of two megapixels.
func photo() *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, 1600, 1200))
	for i := range m.Pix {
		m.Pix[i] = byte(i * i >> 9)
	}
	return m
}

// BenchmarkSegment is one picture at a time, from image.Image to mask.
func BenchmarkSegment(b *testing.B) {
	m, img := benchModel(b), photo()
	for b.Loop() {
		if _, err := m.Segment(context.Background(), img); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFeatures is all layers' tokens of one picture.
func BenchmarkFeatures(b *testing.B) {
	m, img := benchModel(b), photo()
	tokens := engine.FeatureOptions{Facets: []crate.Facet{crate.FacetTokens}}
	for b.Loop() {
		if _, err := m.Features(context.Background(), img, tokens); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStream is the host's part of a stream, an image: on a simulated
// device that takes no time worth speaking of.
func BenchmarkStream(b *testing.B) {
	m := benchModel(b, expert.WithSimulatedDevice(time.Nanosecond))
	img := picture.FromImage(photo())
	load := func(context.Context) (*picture.RGB, error) { return img, nil }
	o := engine.AttentionOptions{}
	inputs := func(yield func(engine.Input) bool) {
		for yield(engine.Input{Load: load}) {
		}
	}
	next, stop := iter.Pull2(m.SegmentStream(context.Background(), inputs, o))
	defer stop()
	for b.Loop() {
		if item, err, ok := next(); !ok || err != nil || item.Err != nil {
			b.Fatal(item.Err, err)
		}
	}
}

// BenchmarkPlan is from a configuration to a checked plan, of B/8.
func BenchmarkPlan(b *testing.B) {
	source, err := engine.Preset("emergence-b8")
	if err != nil {
		b.Fatal(err)
	}
	r := engine.Request{Outputs: []string{"cls_attention.10"}, Height: 224, Width: 224, Batch: 4}
	for b.Loop() {
		g, err := readout.Graph(&source.Config, r, pass.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := plan.New(g, plan.BaselineLimits(), plan.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen is a device opened, a model loaded, one picture segmented and
// everything closed, without caches of ours.
func BenchmarkOpen(b *testing.B) {
	img := photo()
	benchModel(b) // skips without a device
	source, err := engine.OpenModelBytes(demo.Name, demo.Safetensors, engine.ModelOptions{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		eng, err := engine.Open(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		again := *source
		m, err := eng.Load(context.Background(), &again)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := m.Segment(context.Background(), img); err != nil {
			b.Fatal(err)
		}
		eng.Close()
	}
}
