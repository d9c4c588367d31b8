package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/crate-vk/crate-vk/cmd/internal/onnx"
	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/demo"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/graph/pass"
	"github.com/crate-vk/crate-vk/loader/weights"
)

// benchCase is one model at one batch, read at one place.
type benchCase struct {
	name    string
	preset  string // "" is the embedded demo model
	batch   int
	readout string // logits or attention@LAYER, as crate-vk bench has them
	ggml    bool   // ggml instead of PyTorch's folded form and onnxruntime: it takes seconds
	rounds  int    // 0: as many as the command was told
}

func cases() []benchCase {
	return []benchCase{
		{name: "B/8 b1", preset: "emergence-b8", batch: 1, readout: "logits"},
		{name: "S/16 b8", preset: "crate-s16", batch: 8, readout: "logits"},
		{name: "S/16 b1", preset: "crate-s16", batch: 1, readout: "logits"},
		{name: "demo b16", batch: 16, readout: "logits"},
		{name: mapCase, preset: "emergence-b8", batch: 1, readout: "attention@10"},
		{name: "S/16 b1, ggml", preset: "crate-s16", batch: 1, readout: "logits", ggml: true, rounds: 3},
		{name: "B/8 b1, ggml", preset: "emergence-b8", batch: 1, readout: "logits", ggml: true, rounds: 1},
	}
}

// mapCase is the one whose baseline does more than is asked: PyTorch's full
// forward.
const mapCase = "B/8 b1 map"

// seed draws the pixels.
const seed = 20231030

// request is what a peer is asked. Each peer reads what it needs of it.
type request struct {
	Do       string     `json:"do"` // load, run, output; gemm, layer; ops, alone
	Form     string     `json:"form,omitempty"`
	Weights  string     `json:"weights,omitempty"` // safetensors, float32
	ONNX     string     `json:"onnx,omitempty"`
	Pixels   string     `json:"pixels,omitempty"` // [B Y X 3], 8 bits
	Batch    int        `json:"batch,omitempty"`
	Height   int        `json:"height,omitempty"`
	Width    int        `json:"width,omitempty"`
	Patch    int        `json:"patch,omitempty"`
	Heads    int        `json:"heads,omitempty"`
	Depth    int        `json:"depth,omitempty"`
	Eta      float64    `json:"eta"`
	Lambda   float64    `json:"lambda"`
	Eps      float64    `json:"eps,omitempty"`
	Mean     [3]float64 `json:"mean"`
	Std      [3]float64 `json:"std"`
	Readout  string     `json:"readout,omitempty"`
	MapLayer int        `json:"map_layer"` // of the readout; -1: the logits
	Threads  int        `json:"threads,omitempty"`
	Device   string     `json:"device,omitempty"`
	Bits     int        `json:"bits,omitempty"`
	Tuned    bool       `json:"tuned,omitempty"` // with the kernel shapes that crate-vk tune has stored
	Times    int        `json:"times,omitempty"`
	Name     string     `json:"name,omitempty"` // of the output; "" is the only one
	M        int        `json:"m,omitempty"`
	K        int        `json:"k,omitempty"`
	N        int        `json:"n,omitempty"`
}

func (c benchCase) source() (*engine.ModelSource, error) {
	if c.preset == "" {
		return engine.OpenModelBytes(demo.Name, demo.Safetensors, engine.ModelOptions{})
	}
	return engine.Preset(c.preset)
}

// prepare writes what the peers read, and returns the request to load it.
func (c benchCase) prepare(ctx context.Context, dir string) (request, *crate.Config, error) {
	src, err := c.source()
	if err != nil {
		return request{}, nil, err
	}
	defer src.Close()
	config := src.Config
	if config.Architecture != crate.CRATE || config.Block != crate.BlockISTA || config.Attention != crate.AttentionMSSA || config.LNEps != config.FinalEps {
		return request{}, nil, fmt.Errorf("the PyTorch peer has no formulas for %s", &config)
	}
	base := filepath.Join(dir, strings.NewReplacer("/", "-", " ", "-", "@", "-").Replace(c.name))
	r := request{Do: "load", Weights: base + ".safetensors", ONNX: base, Pixels: base + ".rgb", Batch: c.batch, Height: config.ImageSize[0], Width: config.ImageSize[1],
		Patch: config.Patch, Heads: config.Heads, Depth: config.Depth, Eta: config.Eta, Lambda: config.Lambda, Eps: config.LNEps, Mean: config.Mean, Std: config.Std,
		Readout: c.readout, MapLayer: -1}
	fmt.Sscanf(c.readout, "attention@%d", &r.MapLayer)
	if err := writeWeights(r.Weights, src); err != nil {
		return r, nil, err
	}
	for _, form := range []string{published, folded} {
		if err := c.writeONNX(ctx, r.onnx(form), form, src); err != nil {
			return r, nil, err
		}
	}
	return r, &config, os.WriteFile(r.Pixels, pixels(3*r.Batch*r.Height*r.Width), 0o600)
}

// onnx is the file of a form.
func (r request) onnx(form string) string { return r.ONNX + "-" + form + ".onnx" }

func writeWeights(path string, src *engine.ModelSource) error {
	var list []weights.Tensor
	for _, t := range src.Config.Tensors() {
		x, err := src.Params()(t.Name)
		if err != nil {
			return err
		}
		list = append(list, weights.Tensor{Name: t.Name, DType: weights.F32, Shape: t.Shape, F64: x})
	}
	return create(path, func(w io.Writer) error { return weights.Write(w, list, src.Config.Metadata()) })
}

// writeONNX exports the graph: as published without any pass, folded with all.
func (c benchCase) writeONNX(ctx context.Context, path, form string, src *engine.ModelSource) error {
	outputs, err := readout.Outputs(&src.Config, c.readout)
	if err != nil {
		return err
	}
	var opt pass.Options
	if form == published {
		opt.Without = []string{"all"}
	}
	g, err := readout.Graph(&src.Config, engine.Request{Outputs: outputs, Batch: c.batch, Height: src.Config.ImageSize[0], Width: src.Config.ImageSize[1],
		Positions: crate.PositionsExact}, opt)
	if err != nil {
		return err
	}
	return create(path, func(w io.Writer) error { return onnx.Write(ctx, w, g, src.Params(), onnx.Options{}) })
}

func create(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = write(f)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// pixels are soft blobs with noise: neither flat nor white.
func pixels(n int) []byte {
	var key [32]byte
	h := fnv.New64a()
	fmt.Fprint(h, n)
	binary.LittleEndian.PutUint64(key[:], h.Sum64())
	binary.LittleEndian.PutUint64(key[8:], seed)
	rnd := rand.New(rand.NewChaCha8(key))
	out := make([]byte, n)
	level := 128.0
	for i := range out {
		level += 6*rnd.NormFloat64() - 0.02*(level-128)
		out[i] = byte(min(max(level, 0), 255))
	}
	return out
}
