package engine

import (
	"context"
	"image"
	"iter"
	"reflect"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/parts"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// pictures are images as a program has them, of several sizes.
func pictures(n int) []image.Image {
	var list []image.Image
	for i := range n {
		p := testPicture(i, 40+i%3, 50)
		img := image.NewNRGBA(image.Rect(0, 0, p.Width, p.Height))
		for k := range p.Width * p.Height {
			copy(img.Pix[4*k:], append(slices.Clone(p.Pix[3*k:3*k+3]), 255))
		}
		list = append(list, img)
	}
	return list
}

// TestReadoutsAlike: each read-out gives the same by a stream, as a batch and,
// where images stand for themselves, one by one; and its tensors agree with the
// interpreter.
func TestReadoutsAlike(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 3, 8, [2]int{64, 48})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		e := onDevice(t, info)
		m := load(t, e, src)
		segment, err := m.SegmentOptions()
		if err != nil {
			t.Fatal(err)
		}
		alike(t, "attention", m, Attention(segment))
		alike(t, "maskcut", m, MaskCut(DefaultMaskCutOptions()))
		alike(t, "tokencut", m, TokenCut(DefaultTokenCutOptions()))
		alike(t, "features", m, FeaturesOf(DefaultFeatureOptions()))
		alike(t, "classify", m, Classify(3, InputOptions{}))
		alike(t, "analyze", m, Analyze(InputOptions{}))
		alike(t, "parts", m, Parts(DefaultPartsOptions()))
		mae, err := OpenModel("../testdata/model/crate-mae", ModelOptions{})
		if err != nil {
			t.Fatal(err)
		}
		alike(t, "reconstruction", load(t, e, mae), Reconstruct(crate.Mask{Ratio: 0.5}, InputOptions{}))
	})
}

func alike[T any](t *testing.T, name string, m *Model, r Readout[T]) {
	t.Run(name, func(t *testing.T) {
		ctx := context.Background()
		imgs := pictures(5)
		streamed, err := collect(r.Stream(ctx, m, Images(imgs)))
		if err != nil || len(streamed) != len(imgs) {
			t.Fatalf("%d results, %v", len(streamed), err)
		}
		batch, err := r.Batch(ctx, m, imgs)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(streamed, batch) {
			t.Error("a batch gives something else than a stream")
		}
		if r.joint == nil {
			one, err := r.One(ctx, m, imgs[2])
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(one, streamed[2]) {
				t.Error("an image by itself gives something else than in a stream")
			}
		}
		if n, err := r.CheckImage(ctx, m, picture.FromImage(imgs[0])); err != nil || n == 0 {
			t.Errorf("%d dispatches agree with the interpreter, %v", n, err)
		}
		c := m.Config()
		if q, err := NamedRequest(&c, name, 2, c.ImageSize[0], c.ImageSize[1]); err != nil || len(q.Outputs) == 0 {
			t.Errorf("the request by name has outputs %v, %v", q.Outputs, err)
		}
	})
}

// TestParts: the parts of a stream are those of all keys at once; images that
// fail keep their places.
func TestParts(t *testing.T) {
	ctx := context.Background()
	e, err := Open(ctx, WithDevice(Interpreter))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	m := load(t, e, oddModel(t, 48, 48, 3, 3, 8, [2]int{64, 48}))
	for _, variant := range []parts.Variant{parts.Code, parts.Paper} {
		o := DefaultPartsOptions()
		o.Variant = variant
		var got []Item[parts.Parts]
		for item, err := range Parts(o).Stream(ctx, m, streamInputs(6, 0, 3)) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, item)
		}
		f := FeatureOptions{InputOptions: o.InputOptions, Layers: []int{-1}, Facets: []string{"key"}}
		var images []parts.Image
		for item, err := range FeaturesOf(f).Stream(ctx, m, streamInputs(6, 0, 3)) {
			if err != nil {
				t.Fatal(err)
			}
			if item.Err == nil {
				images = append(images, parts.Image{Rows: item.Frame.Rows, Columns: item.Frame.Columns, Descriptors: item.Value["key.2"].Data[48:]})
			}
		}
		want, err := parts.Find(images, 48, o.Options)
		if err != nil || len(want) != 4 || len(got) != 6 {
			t.Fatalf("%d wanted, %d found, %v", len(want), len(got), err)
		}
		for i, item := range got {
			if failed := i == 0 || i == 3; failed {
				if item.Err == nil {
					t.Errorf("%s: image %d did not fail", variant, i)
				}
				continue
			}
			if !reflect.DeepEqual(item.Value, want[0]) {
				t.Errorf("%s: image %d has other parts than all keys at once give", variant, i)
			}
			want = want[1:]
		}
	}
}

// TestReadoutOptions: options that a model does not have are errors before
// anything runs, of every way to run a read-out.
func TestReadoutOptions(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 3, 8, [2]int{64, 48})
	c := &src.Config
	segment, err := DefaultSegmentOptions(c)
	if err != nil {
		t.Fatal(err)
	}
	head, none := segment, segment
	head.Head, none.Layers = 3, nil
	cut, tau := DefaultMaskCutOptions(), DefaultMaskCutOptions()
	cut.Objects, tau.Tau = 0, 1
	layer := DefaultPartsOptions()
	layer.Layer = 3
	headless := *c
	below, keep, refine := segment, segment, cut
	below.Head, keep.Keep = -3, readout.Keep{Count: true, Share: 2}
	refine.Objects, refine.Refine = 1, "crff"
	headless.Classes = 0
	for name, err := range map[string]error{
		"head 3 of 3":          Attention(head).Check(c),
		"no layer":             Attention(none).Check(c),
		"no objects":           MaskCut(cut).Check(c),
		"tau of 1":             MaskCut(tau).Check(c),
		"layer 3 of 3":         Parts(layer).Check(c),
		"classes without head": Classify(1, InputOptions{}).Check(&headless),
		"head −3":              Attention(below).Check(c),
		"twice all":            Attention(keep).Check(c),
		"refine crff":          MaskCut(refine).Check(c),
		"−1 classes":           Classify(-1, InputOptions{}).Check(c),
		"the zero value":       Readout[int]{}.Check(c),
		"reconstruction":       Reconstruct(crate.Mask{Ratio: 0.5}, InputOptions{}).Check(c),
	} {
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	e, err := Open(context.Background(), WithDevice(Interpreter))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	m := load(t, e, src)
	var untouched iter.Seq[Input] = func(func(Input) bool) { t.Error("inputs are taken") }
	for _, err := range Parts(layer).Stream(context.Background(), m, untouched) {
		if err == nil {
			t.Error("a stream with a layer that is not there yields an item")
		}
	}
}
