package readout_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/layerwise"
	"github.com/crate-vk/crate-vk/crate/readout/maskcut"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// TestBuild compares what graphs measure with what the host's functions make of
// the tensors, with all passes and with none.
func TestBuild(t *testing.T) {
	c, err := crate.Preset("crate-t16")
	if err != nil {
		t.Fatal(err)
	}
	c.Patch, c.ImageSize, c.Depth, c.Dim, c.Inner, c.Heads, c.Classes = 4, [2]int{24, 28}, 2, 36, 30, 3, 5
	const tau = 0.3
	names := []string{"gram.1", "key.1", "affinity.1", "zeros.0", "tokens.0", "zeros.1", "tokens.1"}
	for _, without := range []string{"", "all"} {
		g, err := readout.Build(&c, readout.Request{Batch: 2, Height: 24, Width: 28, Outputs: names, Tau: tau})
		if err != nil {
			t.Fatal(err)
		}
		opt := pass.Options{}
		if without != "" {
			opt.Without = []string{without}
		}
		if err := pass.Run(g, opt); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range g.Outputs {
			got = append(got, o.Name)
		}
		if !slices.Equal(got, names) {
			t.Fatalf("outputs %v, want %v", got, names)
		}
		pixels := interp.NewTensor(g.Values[0].Shape())
		for i := range pixels.Data {
			pixels.Data[i] = float64(i * i % 251)
		}
		random := c.RandomParams(3)
		out, err := interp.Run(context.Background(), g, func(name string, _ graph.Type) ([]float64, error) { return random(name) },
			map[string]*interp.Tensor{crate.InputName: pixels})
		if err != nil {
			t.Fatal(err)
		}
		n, tokens := 42, 43
		for image := range 2 {
			part := func(name string) []float64 {
				d := out[name].Data
				return d[image*len(d)/2 : (image+1)*len(d)/2]
			}
			a, err := maskcut.NewAffinity(single(part("key.1")[30:]), n, 30, tau)
			if err != nil {
				t.Fatal(err)
			}
			for i, w := range part("affinity.1") {
				if uint32(w) != a.Bits[i] {
					t.Fatalf("word %d of image %d is %x, want %x", i, image, uint32(w), a.Bits[i])
				}
			}
			if want := layerwise.CodingRate(part("key.1"), tokens, 3); math.Abs(layerwise.CodingRateOfGrams(part("gram.1"), tokens, 3)-want) > 1e-10*want {
				t.Errorf("image %d: R^c from Gram matrices isn't %v", image, want)
			}
			for l := range 2 {
				zeros := 0.0
				for _, z := range part(fmt.Sprint("zeros.", l)) {
					zeros += z
				}
				x := part(fmt.Sprint("tokens.", l))
				if want := math.Round(layerwise.ZeroShare(single(x)) * float64(len(x))); zeros != want {
					t.Errorf("image %d layer %d: %v zeros, want %v", image, l, zeros, want)
				}
			}
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	c, err := crate.Preset("crate-t16")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		output string
		tau    float64
		want   string
	}{{"affinity.0", -0.1, "τ is -0.1"}, {"affinity.99", 0.1, "key.99"}, {"heat.0", 0.1, "heat.0"}} {
		_, err := readout.Build(&c, readout.Request{Batch: 1, Height: 224, Width: 224, Outputs: []string{r.output}, Tau: r.tau})
		if err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: %v, want an error with %q", r.output, err, r.want)
		}
	}
}
