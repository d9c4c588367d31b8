package crate_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// The tiny model of numerics 9.1, whose tensors and image are formulas. Its
// values agree with the published modules to 3e-15.
func tinyCRATE(t *testing.T) crate.Config {
	t.Helper()
	c, err := crate.Preset("crate-t16")
	if err != nil {
		t.Fatal(err)
	}
	c.Dim, c.Inner, c.Heads, c.Patch, c.Depth, c.Classes = 8, 8, 2, 4, 3, 5
	c.ImageSize = [2]int{16, 16}
	return c
}

// wave is off + s·sin(2.4·i + 1.3·k + 0.5) for element i of tensor k.
func wave(n int, k, off, s float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = off + s*math.Sin(2.4*float64(i)+1.3*k+0.5)
	}
	return x
}

// tinyParams gives tensor number k of the state dict by name.
func tinyParams(c *crate.Config) func(string, graph.Type) ([]float64, error) {
	at := map[string]int{}
	tensors := c.Tensors()
	for k, s := range tensors {
		at[s.Name] = k
	}
	return func(name string, _ graph.Type) ([]float64, error) {
		k, ok := at[name]
		if !ok {
			return nil, fmt.Errorf("no tensor %q", name)
		}
		off, s := 0.0, 0.1 // biases
		switch {
		case name == "pos_embedding" || name == "cls_token":
			s = 0.5
		case strings.Contains(name, "norm.weight") || name == "to_patch_embedding.1.weight" || name == "to_patch_embedding.3.weight" || name == "mlp_head.0.weight":
			off, s = 1, 0.2
		case name == "to_patch_embedding.2.weight":
			s = 0.3
		case strings.HasSuffix(name, "qkv.weight"):
			s = 0.35
		case strings.HasSuffix(name, "to_out.0.weight") || strings.HasSuffix(name, "1.fn.weight"):
			s = 0.5
		case name == "mlp_head.1.weight":
			s = 0.4
		}
		return wave(tensors[k].Elems(), float64(k), off, s), nil
	}
}

// tinyImage is 1.5·sin(0.9·j + 0.3), normalised already.
func tinyImage(size int) *interp.Tensor {
	im := interp.NewTensor(graph.Dims("B", 1, "RGB", 3, "Y", size, "X", size))
	for j := range im.Data {
		im.Data[j] = 1.5 * math.Sin(0.9*float64(j)+0.3)
	}
	return im
}

// runTiny computes outputs of the tiny model, as built and after all passes.
func runTiny(t *testing.T, size int, mode crate.Positions, outputs ...string) []map[string]*interp.Tensor {
	t.Helper()
	c := tinyCRATE(t)
	var results []map[string]*interp.Tensor
	for _, passes := range []bool{false, true} {
		g, err := crate.Build(&c, crate.Request{Batch: 1, Height: size, Width: size, Positions: mode, Outputs: outputs, Normalised: true})
		if err != nil {
			t.Fatal(err)
		}
		if passes {
			if err := pass.Run(g, pass.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		out, err := interp.Run(context.Background(), g, tinyParams(&c), map[string]*interp.Tensor{crate.InputName: tinyImage(size)})
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, out)
	}
	return results
}

// near compares to what the published modules gave, to the digits written down here.
func near(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	for i, w := range want {
		if math.Abs(got[i]-w) > tol {
			t.Errorf("%s[%d] = %.12f, want %.12f", what, i, got[i], w)
		}
	}
}

func TestConformanceTensors(t *testing.T) {
	c := tinyCRATE(t)
	if n := len(c.Tensors()); n != 36 {
		t.Fatalf("%d tensors, want 36", n)
	}
	params := tinyParams(&c)
	pos, _ := params("pos_embedding", graph.Type{})
	near(t, "pos", pos, []float64{0.2397127693, 0.1196246646, -0.4161337211}, 1e-10)
	qkv, _ := params("transformer.layers.0.0.fn.qkv.weight", graph.Type{})
	near(t, "qkv row 1", qkv[8:], []float64{0.3357115415, -0.1806917770, -0.0692295799}, 1e-10)
	near(t, "image", tinyImage(16).Data, []float64{0.4432803100, 1.3980586290, 1.2948140500}, 1e-9)
}

func TestConformanceLogits(t *testing.T) {
	for _, v := range []struct {
		what string
		size int
		mode crate.Positions
		want []float64
	}{
		{"stored table", 16, crate.PositionsExact, []float64{0.347591219, 0.348856025, 0.628582303, 0.661076415, 0.544268709}},
		{"demo quirk", 16, crate.PositionsDemo, []float64{0.342267856, 0.342837986, 0.622601137, 0.655859188, 0.540449624}},
		{"24×24", 24, crate.PositionsExact, []float64{0.407738613, 0.410196351, 0.683659074, 0.703194536, 0.568308331}},
	} {
		for _, out := range runTiny(t, v.size, v.mode, "logits") {
			near(t, v.what, out["logits"].Data, v.want, 1e-9)
		}
	}
}

func TestConformanceLayers(t *testing.T) {
	attention := [][]float64{
		{0.06570947, 0.05999452, 0.07060352, 0.05778819, 0.07208593, 0.0569612, 0.072587, 0.0577639, 0.05107091, 0.0581906, 0.05003541, 0.04438325, 0.05369626, 0.05150538, 0.05409964, 0.06616977, 0.05735507},
		{0.12517464, 0.00848852, 0.16259521, 0.00504865, 0.18366403, 0.00474769, 0.15905942, 0.00503916, 0.00367908, 0.00521065, 0.00374089, 0.02023383, 0.00412724, 0.08439488, 0.00468427, 0.21496009, 0.00515175},
	}
	for _, out := range runTiny(t, 16, crate.PositionsExact, "tokens.0", "tokens.1", "tokens.2", "key.2", "cls_attention.1") {
		near(t, "tokens.0 class row", out["tokens.0"].Data, []float64{1.289455136, 0.487782826, 0, 0.538148459, 0, 0, 0, 0}, 1e-9)
		for l, want := range []float64{0.558823529, 0.632352941, 0.625} {
			zeros := 0
			x := out[fmt.Sprintf("tokens.%d", l)].Data
			for _, v := range x {
				if v == 0 {
					zeros++
				}
			}
			near(t, "zero fraction", []float64{float64(zeros) / float64(len(x))}, []float64{want}, 1e-9)
		}
		near(t, "key.2 first patch", out["key.2"].Data[8:], []float64{1.025311771, 0.80133557, 0.479949573, 0.100221238, -0.29168992, -0.648143455, -0.92580912, -1.09093407}, 1e-8)
		for k, want := range attention {
			near(t, fmt.Sprintf("class attention, head %d", k), out["cls_attention.1"].Data[17*k:], want, 1e-8)
		}
	}
}

// TestConformanceFoldedISTA evaluates the static weight that the pass makes:
// Mᵀ, whose row form the published modules gave (numerics 9.1).
func TestConformanceFoldedISTA(t *testing.T) {
	c := tinyCRATE(t)
	g, err := graph.Parse(`graph "ista" {
v0 = input {name="x"} : f32[B:1 N:1 C:8]
v1 = param {name="transformer.layers.0.1.fn.weight"} : f32[R:8 K:8]
v2 = ista v0 v1 {step=0.1 threshold=0.1} : f32[B:1 N:1 C:8]
output "y" = v2
}`)
	if err != nil {
		t.Fatal(err)
	}
	if err := pass.Run(g, pass.Options{}); err != nil {
		t.Fatal(err)
	}
	m, err := interp.Static(context.Background(), g.Output("y").Arg("weight"), tinyParams(&c))
	if err != nil {
		t.Fatal(err)
	}
	row := func(i, j int) float64 { return m.Data[8*j+i] }
	near(t, "M row 0", []float64{row(0, 0), row(0, 1), row(0, 2), row(0, 3), row(1, 0)}, []float64{0.946149526, 0.061640294, -0.037055856, -0.006990783, 0.131395949}, 1e-9)
}

func TestConformancePositions(t *testing.T) {
	c := tinyCRATE(t)
	g, err := crate.Build(&c, crate.Request{Batch: 1, Height: 24, Width: 24, Outputs: []string{"tokens.embed"}, Normalised: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range g.Values {
		if v.Op != graph.OpResamplePositions {
			continue
		}
		table, err := interp.Static(context.Background(), v, tinyParams(&c))
		if err != nil {
			t.Fatal(err)
		}
		near(t, "token 1", table.Row(1), []float64{0.364939221, 0.001308372, -0.366868792}, 1e-9)
		near(t, "token 22", table.Row(22), []float64{-0.371008009, 0.044957511, 0.304705237}, 1e-9)
		return
	}
	t.Error("the table is not resampled")
}

// TestConformanceODL is the α block of numerics 9.1.
func TestConformanceODL(t *testing.T) {
	g, err := graph.Parse(`graph "odl" {
v0 = input {name="x"} : f32[N:2 C:8]
v1 = param {name="D"} : f32[C:8 R:32]
v2 = param {name="D1"} : f32[C:8 R:32]
v3 = odl v0 v1 v2 {step=0.1 threshold=0.1} : f32[N:2 C:8]
output "y" = v3
}`)
	if err != nil {
		t.Fatal(err)
	}
	params := func(name string, ty graph.Type) ([]float64, error) {
		if name == "D" {
			return wave(ty.Shape.Elems(), 3, 0, 0.4), nil
		}
		return wave(ty.Shape.Elems(), 4, 0, 0.3), nil
	}
	x := &interp.Tensor{Shape: graph.Dims("N", 2, "C", 8), Data: wave(16, 5, 0, 1)}
	want := []float64{0.059829344, -0.062433407, -0.080833991, 0.0352382, 0.092689278, -0.004054486, -0.09405334, -0.027588144}
	for _, passes := range []bool{false, true} {
		if passes {
			if err := pass.Run(g, pass.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		out, err := interp.Run(context.Background(), g, params, map[string]*interp.Tensor{"x": x})
		if err != nil {
			t.Fatal(err)
		}
		near(t, "odl row 0", out["y"].Data, want, 1e-9)
	}
}
