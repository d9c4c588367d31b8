//go:build viewer && cgo

package main

import (
	"context"
	"errors"
	"math"
	"os"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/demo"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// sample is one of the project's own drawings.
func sample(t *testing.T) *picture.RGB {
	t.Helper()
	img, _, err := picture.DecodeFile(context.Background(), "../../testdata/demo/samples/images/01-fish.png", picture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestModelReader: on each device, and with the kernels for GPUs too, what the window shows of
// attention and keys is what FeaturesOf gives: a CRATE model at another size than its own, a
// ViT, all layers at once and one at a time.
func TestModelReader(t *testing.T) {
	devices, err := engine.Devices()
	if err != nil {
		if os.Getenv("CRATE_VK_REQUIRE_VULKAN") != "" {
			t.Fatal(err)
		}
		t.Skip("no Vulkan: ", err)
	}
	for _, d := range devices {
		for _, family := range []plan.Family{plan.Lanes, plan.Tiles} {
			t.Run(d.Name+" "+string(family), func(t *testing.T) { testLens(t, d, family) })
		}
	}
}

func testLens(t *testing.T, d engine.DeviceInfo, family plan.Family) {
	ctx := context.Background()
	eng, err := engine.Open(ctx, engine.WithDevice("uuid:"+d.UUID), expert.WithFamily(family), expert.WithoutSelfTest())
	if err != nil {
		t.Fatal(err)
	}
	defer eng.Close()
	crateDemo, err := engine.OpenModelBytes(demo.Name, demo.Safetensors, engine.ModelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	vit, err := engine.OpenModel("../../testdata/model/dino-vit/model.safetensors", engine.ModelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, src := range []*engine.ModelSource{crateDemo, vit} {
		t.Run(src.Name, func(t *testing.T) { testLensOf(t, eng, src) })
	}
}

func testLensOf(t *testing.T, eng *engine.Engine, src *engine.ModelSource) {
	ctx := context.Background()
	model, err := eng.Load(ctx, src)
	if err != nil {
		t.Fatal(err)
	}
	input := engine.InputOptions{Size: engine.Size{Width: 100, Height: 69}}
	l := newModelReader(model, eng, input)
	img := sample(t)
	features, err := engine.FeaturesOf(engine.FeatureOptions{InputOptions: input, Facets: []crate.Facet{crate.FacetAttention, crate.FacetKey}}).One(ctx, model, img)
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range []int64{1 << 30, 0} {
		l.room = room
		s, err := l.prepare(ctx, img)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		for _, k := range []int{0, l.config.Depth - 1} {
			if _, err := l.compute(ctx, s, k); err != nil {
				t.Fatal(err)
			}
			if room == 0 && len(s.layers) != 1 {
				t.Errorf("%d layers are kept, want the one that has room", len(s.layers))
			}
			checkLayer(t, l, s, k, features)
		}
	}
}

func checkLayer(t *testing.T, l *modelReader, s *preparedImage, k int, features engine.Features) {
	t.Helper()
	ctx := context.Background()
	have, ok := s.layer(k)
	if !ok {
		t.Fatalf("layer %d was not computed", k)
	}
	want := features[attentionOf(k)]
	got, err := have.attention.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range want.Data {
		if math.Abs(float64(got.Data[i]-v)) > 1e-6 {
			t.Fatalf("layer %d: attention %d is %v, want %v", k, i, got.Data[i], v)
		}
	}
	keys := features[keysOf(k)]
	prefix, patches, inner, heads := l.config.Prefix, s.frame.Rows*s.frame.Columns, l.config.Inner, l.config.Heads
	cosine := func(i, j, from, to int) float64 {
		var dot, a, b float64
		for c := from; c < to; c++ {
			x, y := float64(keys.Data[(prefix+i)*inner+c]), float64(keys.Data[(prefix+j)*inner+c])
			dot, a, b = dot+x*y, a+x*x, b+y*y
		}
		return dot / math.Sqrt(a*b)
	}
	for _, patch := range []int{0, 17, patches - 1} {
		x, err := l.likeness(ctx, have, s.frame, patch)
		if err != nil {
			t.Fatal(err)
		}
		defer x.close()
		whole, err := x.whole.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		byHead, err := x.heads.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for j := range patches {
			if want := cosine(patch, j, 0, inner); math.Abs(float64(whole.Data[j])-want) > 1e-5 {
				t.Fatalf("layer %d: patches %d and %d are %v alike, want %v", k, patch, j, whole.Data[j], want)
			}
			for h := range heads {
				p := inner / heads
				if want := cosine(patch, j, h*p, h*p+p); math.Abs(float64(byHead.Data[h*patches+j])-want) > 1e-5 {
					t.Fatalf("layer %d head %d: patches %d and %d are %v alike, want %v", k, h, patch, j, byHead.Data[h*patches+j], want)
				}
			}
		}
	}
}

// TestClosedMeanwhile: tensors of an image that was closed while they were computed are
// closed, and what is computed later is kept.
func TestClosedMeanwhile(t *testing.T) {
	ctx := t.Context()
	eng, model := openModel(t)
	l := newModelReader(model, eng, engine.InputOptions{})
	s, err := l.prepare(ctx, sample(t))
	if err != nil {
		t.Fatal(err)
	}
	p, layers, err := l.program(ctx, s, 0)
	if err != nil {
		t.Fatal(err)
	}
	version := s.version()
	out, err := p.Run(ctx, engine.Inputs{crate.InputName: s.pixels})
	if err != nil {
		t.Fatal(err)
	}
	s.close() // by another image that was dropped
	s.keep(layers, out.Device, version)
	if _, ok := s.layer(0); ok {
		t.Error("a layer of before is kept")
	}
	for name, tensor := range out.Device {
		if _, err := tensor.Read(ctx); !errors.Is(err, engine.ErrTensorClosed) {
			t.Errorf("%s is still on the device: %v", name, err)
		}
	}
	if _, err := l.compute(ctx, s, 0); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.layer(0); !ok {
		t.Error("what was computed later is not kept")
	}
	s.close()
}
