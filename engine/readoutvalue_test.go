package engine

import (
	"context"
	"image"
	"reflect"
	"slices"
	"testing"

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
		alike(t, "attention", m, Attention(AttentionOptions{}))
		alike(t, "maskcut", m, MaskCut(MaskCutOptions{}))
		alike(t, "tokencut", m, TokenCut(TokenCutOptions{}))
		alike(t, "features", m, FeaturesOf(FeatureOptions{}))
		alike(t, "classify", m, Classify(ClassifyOptions{}))
		alike(t, "embed", m, Embed(EmbedOptions{}))
		alike(t, "embed", m, Embed(EmbedOptions{Pool: PoolMean}))
		alike(t, "analyze", m, Analyze(AnalyzeOptions{}))
		alike(t, "parts", m, Parts(PartsOptions{}))
		mae, err := OpenModel("../testdata/model/crate-mae", ModelOptions{})
		if err != nil {
			t.Fatal(err)
		}
		alike(t, "reconstruction", load(t, e, mae), Reconstruct(ReconstructOptions{MaskRatio: new(0.5)}))
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
		if n, err := checkImage(ctx, r, m, picture.FromImage(imgs[0])); err != nil || n == 0 {
			t.Errorf("%d dispatches agree with the interpreter, %v", n, err)
		}
		c := m.Config()
		if q, err := r.Request(&c, 2, c.ImageSize[0], c.ImageSize[1]); err != nil || len(q.Outputs) == 0 {
			t.Errorf("the request has outputs %v, %v", q.Outputs, err)
		}
	})
}

// TestParts: the parts of a stream are those of all keys at once; images that
// fail keep their places.
func TestParts(t *testing.T) {
	ctx := context.Background()
	e := onReference(t)
	defer e.Close()
	m := load(t, e, oddModel(t, 48, 48, 3, 3, 8, [2]int{64, 48}))
	for _, variant := range []parts.Variant{parts.Code, parts.Paper} {
		o := PartsOptions{Options: parts.Options{Variant: variant}}
		var got []Item[parts.Parts]
		for item, err := range Parts(o).Stream(ctx, m, streamInputs(6, 0, 3)) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, item)
		}
		f := FeatureOptions{InputOptions: o.InputOptions.over(picture.Lanczos), Tensors: []string{"key.2"}}
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
