package main

import (
	"fmt"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// modelInfo is what info --json prints of a model.
type modelInfo struct {
	Model        string            `json:"model"`
	Architecture string            `json:"architecture"`
	Attention    string            `json:"attention"`
	Block        string            `json:"block"`
	KnownAs      string            `json:"known_as,omitempty"`
	Width        int               `json:"width"`
	Layers       int               `json:"layers"`
	Heads        int               `json:"heads"`
	HeadWidth    int               `json:"head_width"`
	HiddenWidth  int               `json:"hidden_width,omitempty"`
	Decoder      int               `json:"decoder_layers,omitempty"`
	Patch        int               `json:"patch"`
	NativeSize   [2]int            `json:"native_size"` // width, height, in pixels
	Eta          number            `json:"eta"`
	Lambda       number            `json:"lambda"`
	LNEps        number            `json:"ln_eps"`
	Mean         []float64         `json:"mean"`
	Std          []float64         `json:"std"`
	Parameters   int64             `json:"parameters"`
	Bytes        int64             `json:"bytes"` // of the file; 0: a preset
	Types        []string          `json:"types,omitempty"`
	Preset       bool              `json:"preset"` // its weights are random
	SaidBy       map[string]string `json:"said_by,omitempty"`
	ReadOut      string            `json:"read_out"`
	Classes      int               `json:"classes"`
	Labels       []string          `json:"labels,omitempty"`
	SHA256       string            `json:"sha256"`
	Size         [2]int            `json:"size"` // of the input that costs are of: width, height
	Tokens       int               `json:"tokens"`
	Batch        int               `json:"batch"`
	Costs        []cost            `json:"costs"`
}

func infoOf(src *engine.ModelSource, height, width, batch int, costs []cost) modelInfo {
	c := &src.Config
	return modelInfo{
		Model: src.Name, Architecture: string(c.Architecture), Attention: string(c.Attention), Block: string(c.Block), KnownAs: crate.KnownName(c),
		Width: c.Dim, Layers: c.Depth, Heads: c.Heads, HeadWidth: c.HeadDim(), HiddenWidth: c.Hidden, Decoder: c.DecoderDepth, Patch: c.Patch,
		NativeSize: [2]int{c.ImageSize[1], c.ImageSize[0]}, Eta: number(c.Eta), Lambda: number(c.Lambda), LNEps: number(c.LNEps),
		Mean: c.Mean[:], Std: c.Std[:], Parameters: int64(c.Parameters()), Bytes: src.Bytes, Types: src.DTypes, Preset: src.Preset(),
		SaidBy: src.Origins, ReadOut: defaultReadout(c), Classes: c.LogitCount(), Labels: c.Labels, SHA256: src.Hash,
		Size: [2]int{width, height}, Tokens: c.Prefix + height/c.Patch*(width/c.Patch), Batch: batch, Costs: costs,
	}
}

// cost is the arithmetic of a read-out, of an image, and the memory of a batch.
type cost struct {
	ReadOut   string  `json:"read_out"`
	GFLOP     float64 `json:"gflop"`
	Published float64 `json:"gflop_as_published"` // without the compiler's passes
	Moved     int64   `json:"bytes_moved,omitempty"`
	Need      int64   `json:"bytes_needed,omitempty"` // of which are weights, tensors and staging
	Weights   int64   `json:"bytes_weights,omitempty"`
	Tensors   int64   `json:"bytes_tensors,omitempty"`
	Staging   int64   `json:"bytes_staging,omitempty"`
	Error     string  `json:"error,omitempty"` // why the batch can't be planned

	batch int
}

// String is a row of info's table.
func (c cost) String() string {
	row := fmt.Sprintf("  %s\t%.2f GFLOP an image (as published %.2f)", c.ReadOut, c.GFLOP, c.Published)
	if c.Error != "" {
		return row + fmt.Sprintf("; batch %d: %s", c.batch, c.Error)
	}
	return row + fmt.Sprintf(", %.1f MB read and written; batch %d needs %.1f MB: weights %.1f, tensors %.1f, staging %.1f",
		mb(c.Moved), c.batch, mb(c.Need), mb(c.Weights), mb(c.Tensors), mb(c.Staging))
}

// costs are those of the usual read-outs, planned for a device with the minima that
// Vulkan guarantees.
func costs(c *crate.Config, height, width, batch int) (list []cost, err error) {
	for _, what := range []string{fmt.Sprintf("attention@%d", c.ReadLayer()), fmt.Sprintf("keys@%d", c.Depth-1), "tokens", "logits"} {
		outputs, err := readout.Outputs(c, what)
		if err != nil {
			continue // a model without a head
		}
		request := engine.Request{Outputs: outputs, Height: height, Width: width, Batch: batch}
		g, err := readout.Graph(c, request, pass.Options{})
		if err != nil {
			return nil, err
		}
		published, err := readout.Graph(c, request, pass.Options{Without: []string{"all"}})
		if err != nil {
			return nil, err
		}
		one := cost{ReadOut: what, GFLOP: gflop(g.FLOPs(), batch), Published: gflop(liveFLOPs(published), batch), batch: batch}
		if p, err := plan.New(g, plan.BaselineLimits(), plan.Options{}); err != nil {
			one.Error = err.Error()
		} else {
			for i := range p.Dispatches {
				one.Moved += p.Bytes(&p.Dispatches[i])
			}
			one.Moved /= int64(batch)
			need := expert.NeedOf(p)
			one.Need, one.Weights, one.Tensors, one.Staging = need.Total(), need.Weights, need.Tensors, need.Staging
		}
		list = append(list, one)
	}
	return list, nil
}

func mb(n int64) float64 { return float64(n) / 1e6 }

func gflop(n int64, batch int) float64 { return float64(n) / float64(batch) / 1e9 }
