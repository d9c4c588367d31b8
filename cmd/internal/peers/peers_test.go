package main

import (
	"bytes"
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/onnx"
	"github.com/crate-vk/crate-vk/cmd/internal/onnx/onnxtest"
	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// reference is what the interpreter makes of a graph on pixels.
func reference(t *testing.T, g *graph.Graph, params func(string) ([]float64, error), rgb []byte) map[string]*interp.Tensor {
	t.Helper()
	var in *interp.Tensor
	for _, v := range g.Values {
		if v.Op == graph.OpInput {
			in = interp.NewTensor(v.Shape())
		}
	}
	for i, x := range rgb {
		in.Data[i] = float64(x)
	}
	out, err := interp.Run(context.Background(), g, func(name string, _ graph.Type) ([]float64, error) { return params(name) }, map[string]*interp.Tensor{crate.InputName: in})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// startTest starts a peer's script in a child process.
func startTest(t *testing.T, name, program string, script []byte, args ...string) *peer {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, script, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &peer{name: name}
	if err := startPeer(p, exec.Command(program, append([]string{path}, args...)...)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	return p
}

func ask(t *testing.T, p *peer, r request) answer {
	t.Helper()
	a, err := p.ask(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestONNXRuntime runs exported models with onnxruntime, where it is installed,
// and holds every output against the interpreter.
func TestONNXRuntime(t *testing.T) {
	node, err := findONNX("node", modulesFolder())
	if err != nil {
		t.Skipf("NOT TESTED WITH ONNXRUNTIME: %v", err)
	}
	p := startTest(t, "onnx_peer.mjs", node, onnxPeer, modulesFolder())
	dir := t.TempDir()
	rgb := pixels(2 * 3 * 8 * 12)
	image := filepath.Join(dir, "pixels")
	if err := os.WriteFile(image, rgb, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range onnxtest.Cases(t) {
		t.Run(c.Name, func(t *testing.T) {
			var file bytes.Buffer
			if err := onnx.Write(context.Background(), &file, c.Graph, c.Params, onnx.Options{}); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "model.onnx")
			if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			ask(t, p, request{Do: "load", ONNX: path, Pixels: image, Batch: 2, Height: 8, Width: 12, Threads: 1})
			for name, want := range reference(t, c.Graph, c.Params, rgb) {
				if _, err := difference(ask(t, p, request{Do: "output", Name: name}).Output, want.Data, 2e-5); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// TestTorch holds both of PyTorch's forms, on logits and on a map, against the
// interpreter.
func TestTorch(t *testing.T) {
	python, err := findPython(os.Getenv("CRATE_VK_PYTHON"))
	if err != nil {
		t.Skipf("NOT TESTED WITH PYTORCH: %v", err)
	}
	p := startTest(t, "torch_peer.py", python, torchPeer)
	for _, what := range []string{"logits", "attention@2"} {
		c := benchCase{name: "demo b2", batch: 2, readout: what}
		r, config, err := c.prepare(context.Background(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		src, err := c.source()
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		outputs, err := readout.Outputs(config, what)
		if err != nil {
			t.Fatal(err)
		}
		g, err := crate.Build(config, crate.Request{Batch: 2, Height: r.Height, Width: r.Width, Outputs: outputs})
		if err != nil {
			t.Fatal(err)
		}
		want := reference(t, g, src.Params(), pixels(3*2*r.Height*r.Width))[outputs[0]]
		for _, form := range []string{published, folded} {
			r.Form, r.Threads = form, 1
			ask(t, p, r)
			if _, err := difference(ask(t, p, request{Do: "output"}).Output, want.Data, 1e-4); err != nil {
				t.Errorf("%s, %s: %v", what, form, err)
			}
		}
	}
}

func TestDifference(t *testing.T) {
	for _, c := range []struct {
		got, want []float64
		ok        bool
	}{
		{[]float64{1, 2}, []float64{1, 2}, true},
		{[]float64{1.0001, -2}, []float64{1, -2}, true},
		{[]float64{1.1, 2}, []float64{1, 2}, false},
		{[]float64{1}, []float64{1, 2}, false},
		{[]float64{math.NaN(), 2}, []float64{1, 2}, false},
		{[]float64{0}, []float64{0}, false}, // nothing was computed
	} {
		if _, err := difference(c.got, c.want, tolerance); (err == nil) != c.ok {
			t.Errorf("difference(%v, %v) fails with %v", c.got, c.want, err)
		}
	}
}

// TestPage: figures stand where they belong, and a target is met or missed by
// the median.
func TestPage(t *testing.T) {
	torch, ours := &peer{name: "PyTorch, published"}, &peer{name: "crate-vk, 512 bits", bits: 512}
	c := cases()[0]
	one := spread{1, 1, 1}
	b := &bench{flags: &flags{}, peers: []*peer{torch, ours}, vulk: []*peer{ours}, sgemm: spread{190, 180, 200}}
	b.table = []row{
		{c: c, peer: torch, wall: spread{1.1, 0.9, 1.25}, cpu: spread{2, 2, 2}, toWall: one, toCPU: one, rounds: 3, forward: 1},
		{c: c, peer: ours, wall: spread{0.9, 0.8, 1}, cpu: spread{1.5, 1, 2}, toWall: spread{0.8, 0.7, 0.9}, toCPU: spread{0.75, 0.7, 0.8}, rounds: 3, forward: 1, diff: 3e-6},
	}
	b.gemm = []gemmRow{{ours, spread{88, 80, 90}, spread{0.46, 0.4, 0.5}, spread{1.05, 1, 1.1}}}
	page := b.page()
	for _, want := range []string{
		"| B/8 b1 | PyTorch, published | 1100 (900 – 1250) | 2000 (2000 – 2000) | 1.00 (1.00 – 1.00) | 1.00 (1.00 – 1.00) | 3 × 1 | – |",
		"| B/8 b1 | crate-vk, 512 bits | 900 (800 – 1000) | 1500 (1000 – 2000) | 0.80 (0.70 – 0.90) | 0.75 (0.70 – 0.80) | 3 × 1 | 3e-06 |",
		"| crate-vk, 512 bits | 88.0 (80.0 – 90.0) | 46 (40 – 50) % | 1.05 (1.00 – 1.10) |",
		"| B/8 b1: full forward, CPU ÷ PyTorch's published formulas | 512 | 0.75 | ≤ 0.80 | met |",
		"| B/8 b1: GEMM 785×768×768 in the plan, share of SGEMM | 512 | 0.46 | ≥ 0.52 | **missed** |",
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("the page has no line\n%s", want)
		}
	}
	if strings.Contains(page, "| 256 |") {
		t.Error("the page has targets of a width that was not measured")
	}
}
