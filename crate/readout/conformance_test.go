package readout_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/layerwise"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// tinyNames are the tensors of numerics 9.1, in its order.
func tinyNames() []string {
	names := []string{"pos_embedding", "cls_token"}
	for _, i := range []int{1, 2, 3} {
		names = append(names, fmt.Sprintf("to_patch_embedding.%d.weight", i), fmt.Sprintf("to_patch_embedding.%d.bias", i))
	}
	for l := range 3 {
		for _, n := range []string{"0.norm.weight", "0.norm.bias", "0.fn.qkv.weight", "0.fn.to_out.0.weight", "0.fn.to_out.0.bias", "1.norm.weight", "1.norm.bias", "1.fn.weight"} {
			names = append(names, fmt.Sprintf("transformer.layers.%d.%s", l, n))
		}
	}
	return append(names, "mlp_head.0.weight", "mlp_head.0.bias", "mlp_head.1.weight", "mlp_head.1.bias")
}

// tinyParam is tensor k of that model: off + s·sin(2.4·i + 1.3·k + 0.5).
func tinyParam(name string, t graph.Type) ([]float64, error) {
	k := -1
	for i, n := range tinyNames() {
		if n == name {
			k = i
		}
	}
	if k < 0 {
		return nil, fmt.Errorf("no tensor %q", name)
	}
	off, s := 0.0, 0.1 // biases
	norm := strings.Contains(name, "norm.") || strings.HasPrefix(name, "mlp_head.0") || strings.HasPrefix(name, "to_patch_embedding.1") || strings.HasPrefix(name, "to_patch_embedding.3")
	switch weight := strings.HasSuffix(name, "weight"); {
	case norm && weight:
		off, s = 1, 0.2
	case !strings.Contains(name, "."):
		s = 0.5 // positions and class token
	case name == "to_patch_embedding.2.weight":
		s = 0.3
	case strings.HasSuffix(name, "qkv.weight"):
		s = 0.35
	case name == "mlp_head.1.weight":
		s = 0.4
	case weight:
		s = 0.5 // to_out and the dictionary
	}
	data := make([]float64, t.Shape.Elems())
	for i := range data {
		data[i] = off + s*math.Sin(2.4*float64(i)+1.3*float64(k)+0.5)
	}
	return data, nil
}

// tiny runs the model of numerics 9.1 on its 16×16 image.
func tiny(t *testing.T, outputs ...string) map[string]*interp.Tensor {
	t.Helper()
	c := &crate.Config{Architecture: crate.CRATE, Attention: crate.AttentionMSSA, Block: crate.BlockISTA,
		Patch: 4, Dim: 8, Depth: 3, Heads: 2, Inner: 8, Classes: 5, Prefix: 1, ImageSize: [2]int{16, 16},
		Eta: 0.1, Lambda: 0.1, LNEps: 1e-5, FinalEps: 1e-5, OutProjection: true, OutBias: true, Mean: [3]float64{0, 0, 0}, Std: [3]float64{1, 1, 1}}
	g, err := crate.Build(c, crate.Request{Batch: 1, Height: 16, Width: 16, Outputs: outputs, Normalised: true})
	if err != nil {
		t.Fatal(err)
	}
	image := interp.NewTensor(graph.Dims("B", 1, "RGB", 3, "Y", 16, "X", 16))
	for j := range image.Data {
		image.Data[j] = 1.5 * math.Sin(0.9*float64(j)+0.3)
	}
	out, err := interp.Run(context.Background(), g, tinyParam, map[string]*interp.Tensor{crate.InputName: image})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func single(x []float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.12f, want %.12f", what, got, want)
	}
}

// TestConformanceLogits shows that the model is that of numerics 9.1.
func TestConformanceLogits(t *testing.T) {
	out := tiny(t, "logits", "key.2")
	for i, want := range []float64{0.347591219, 0.348856025, 0.628582303, 0.661076415, 0.544268709} {
		near(t, fmt.Sprint("logit ", i), out["logits"].Data[i], want, 1e-9)
	}
	for i, want := range []float64{1.025311771, 0.80133557, 0.479949573, 0.100221238, -0.29168992, -0.648143455, -0.92580912, -1.09093407} {
		near(t, fmt.Sprint("projection ", i), out["key.2"].Row(1)[i], want, 1e-8)
	}
}

// TestConformanceAttention: the class row at layer 1 and the masks made of it.
func TestConformanceAttention(t *testing.T) {
	cls := tiny(t, "cls_attention.1")["cls_attention.1"]
	rows := [][]float64{
		{0.06570947, 0.05999452, 0.07060352, 0.05778819, 0.07208593, 0.0569612, 0.072587, 0.0577639, 0.05107091, 0.0581906,
			0.05003541, 0.04438325, 0.05369626, 0.05150538, 0.05409964, 0.06616977, 0.05735507},
		{0.12517464, 0.00848852, 0.16259521, 0.00504865, 0.18366403, 0.00474769, 0.15905942, 0.00503916, 0.00367908, 0.00521065,
			0.00374089, 0.02023383, 0.00412724, 0.08439488, 0.00468427, 0.21496009, 0.00515175}}
	masks := map[string][]string{"mass:0.6": {"1111011010000011", "0101000000000010"}, "count:0.6": {"1111111010000011", "1111010010101011"}}
	for k, row := range rows {
		for j, want := range row {
			near(t, fmt.Sprintf("head %d token %d", k, j), cls.Row(k)[j], want, 5e-9)
		}
		for text, want := range masks {
			keep, err := readout.ParseKeep(text)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, on := range keep.Select(readout.PatchMap(single(cls.Data), 2, 1, k)) {
				if on {
					got += "1"
				} else {
					got += "0"
				}
			}
			if got != want[k] {
				t.Errorf("head %d %s: mask %s, want %s", k, text, got, want[k])
			}
		}
	}
}

// TestConformanceLayers: R^c and the zero shares, in float64 and in a device's float32.
func TestConformanceLayers(t *testing.T) {
	out := tiny(t, "key.0", "key.1", "key.2", "tokens.0", "tokens.1", "tokens.2")
	for l, want := range []float64{10.213804690917, 10.126958762937, 9.516648256163} {
		w := out[fmt.Sprint("key.", l)]
		near(t, fmt.Sprint("R^c of layer ", l), layerwise.CodingRate(w.Data, 17, 2), want, 1e-11)
		near(t, fmt.Sprint("R^c of float32 of layer ", l), layerwise.CodingRate(single(w.Data), 17, 2), want, 1e-5)
		near(t, fmt.Sprint("R^c from Gram matrices of layer ", l), layerwise.CodingRateOfGrams(grams(w, 2), 17, 2), want, 1e-11)
	}
	for l, want := range []float64{0.558823529, 0.632352941, 0.625} {
		near(t, fmt.Sprint("zero share of layer ", l), layerwise.ZeroShare(single(out[fmt.Sprint("tokens.", l)].Data)), want, 1e-9)
	}
}

// grams are the Gram matrices of unit rows, [heads p p].
func grams(w *interp.Tensor, heads int) []float64 {
	n, c := w.Shape[1].Size, w.Shape.Last()
	p := c / heads
	out := make([]float64, heads*p*p)
	for k := range heads {
		for a := range p {
			for b := range p {
				sum := 0.0
				for i := range n {
					row, norm := w.Row(i)[k*p:(k+1)*p], 0.0
					for _, x := range row {
						norm += x * x
					}
					sum += row[a] * row[b] / norm
				}
				out[(k*p+a)*p+b] = sum
			}
		}
	}
	return out
}
