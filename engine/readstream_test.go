package engine

import (
	"context"
	"iter"
	"math"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/layerwise"
	"github.com/crate-vk/crate-vk/crate/readout/maskcut"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// TestAnalyze: coding rates and zeros that a device sums are those of the tensors
// themselves, in batches and for images of several sizes.
func TestAnalyze(t *testing.T) {
	src := oddModel(t, 48, 45, 3, 3, 8, [2]int{64, 48})
	ctx := context.Background()
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		m := load(t, onDevice(t, info), src)
		o := InputOptions{Batch: 3}
		got, err := collect(Analyze(AnalyzeOptions{o}).Stream(ctx, m, streamInputs(7)))
		if err != nil {
			t.Fatal(err)
		}
		f := FeatureOptions{InputOptions: o, Facets: []crate.Facet{crate.FacetKey, crate.FacetTokens}}
		tensors, err := collect(FeaturesOf(f).Stream(ctx, m, streamInputs(7)))
		if err != nil || len(got) != 7 || len(tensors) != 7 {
			t.Fatalf("%d and %d images, %v", len(got), len(tensors), err)
		}
		zeros := 0.0
		for i, x := range got {
			if len(x.Rates) != 3 || len(x.Zeros) != 3 {
				t.Fatalf("%d rates, %d shares of zeros", len(x.Rates), len(x.Zeros))
			}
			for l := range 3 {
				name := string(rune('0' + l))
				key, tokens := tensors[i]["key."+name], tensors[i]["tokens."+name]
				if want := layerwise.CodingRate(key.Data, 8*6+1, 3); math.Abs(x.Rates[l]-want) > 1e-5*want {
					t.Errorf("image %d, layer %d: the coding rate is %v, of the tensor %v", i, l, x.Rates[l], want)
				}
				if want := layerwise.ZeroShare(tokens.Data); x.Zeros[l] != want {
					t.Errorf("image %d, layer %d: the share of zeros is %v, of the tensor %v", i, l, x.Zeros[l], want)
				}
				zeros += x.Zeros[l]
			}
		}
		if zeros == 0 {
			t.Error("no layer made a zero: nothing was compared")
		}
	})
}

// collect takes the values of a stream, or its first error.
func collect[T any](items iter.Seq2[Item[T], error]) ([]T, error) {
	var list []T
	for item, err := range items {
		if err == nil {
			err = item.Err
		}
		if err != nil {
			return nil, err
		}
		list = append(list, item.Value)
	}
	return list, nil
}

// TestMaskCutStream: the objects that come from a device's affinity are those of
// the host's, from the same keys, whatever the batch; and from the tokens that
// enter the layer.
func TestMaskCutStream(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 3, 8, [2]int{96, 80})
	ctx := context.Background()
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		m := load(t, onDevice(t, info), src)
		for _, inputs := range []bool{false, true} {
			o := MaskCutOptions{Inputs: inputs}
			o.Batch = 3
			got, err := collect(MaskCut(o).Stream(ctx, m, streamInputs(7)))
			if err != nil {
				t.Fatal(err)
			}
			o.Batch = 1
			single, err := collect(MaskCut(o).Stream(ctx, m, streamInputs(7)))
			if err != nil {
				t.Fatal(err)
			}
			f := FeatureOptions{InputOptions: o.InputOptions.over(picture.Lanczos), Tensors: []string{"key.2"}}
			if inputs {
				f.Tensors = []string{"tokens.1"}
			}
			name := f.Tensors[0]
			tensors, err := collect(FeaturesOf(f).Stream(ctx, m, streamInputs(7)))
			if err != nil {
				t.Fatal(err)
			}
			found := 0
			for i, s := range got {
				key := tensors[i][name]
				a, err := maskcut.NewAffinity(key.Data[key.Shape.Last():], 12*10, key.Shape.Last(), maskcut.Tau)
				if err != nil {
					t.Fatal(err)
				}
				objects, err := a.Objects(12, 10, maskcut.Options{Objects: 3})
				if err != nil {
					t.Fatal(err)
				}
				want := maskcut.Instances(readout.NewFrame(40+i%3, 50, 80, 96, 8), objects, maskcut.Finish{})
				if len(want) != len(s.Objects) || len(single[i].Objects) != len(s.Objects) {
					t.Errorf("image %d: %d objects, by itself %d, the host finds %d", i, len(s.Objects), len(single[i].Objects), len(want))
					continue
				}
				for k, obj := range s.Objects {
					found++
					if !slices.Equal(obj.Mask.Pix, single[i].Objects[k].Mask.Pix) {
						t.Errorf("image %d, object %d: another mask by itself", i, k)
					}
					if !slices.Equal(obj.Mask.Pix, want[k].Mask.Pix) || math.Abs(obj.Score-want[k].Score) > 1e-9 {
						t.Errorf("image %d, object %d: %d pixels, score %v; the host has %d, %v", i, k, obj.Mask.Area(), obj.Score, want[k].Mask.Area(), want[k].Score)
					}
				}
			}
			if found == 0 {
				t.Error("nothing was found, nothing compared")
			}
		}
	})
}
