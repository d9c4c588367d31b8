package readout

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// Request is what to compute of a model, with outputs that are read off it
// beside those of crate.Build:
//
//	affinity.L  u32 [B N W]  which patches of layer L are alike: bit j mod 32 of
//	                         word j/32 of row i (maskcut.FromWords)
//	affinity_input.L         the same of the tokens that enter layer L
//	affinity_mean.L [B d]    the mean of the unit rows that affinity.L compares, and
//	affinity_input_mean.L    those of affinity_input.L: bits don't show that what they
//	                         were made of is no number, and this does
//	gram.L      [B h p p]    Gram matrices of each head's unit projections
//	                         (layerwise.CodingRateOfGrams)
//	zeros.L     [B n 1]      exact zeros of each token behind layer L
type Request struct {
	Outputs   []string // names of crate.Build and those above
	Height    int      // pixels, multiples of the patch side
	Width     int
	Batch     int // images computed at once
	Positions crate.Positions
	Tau       float64    // of affinity.L: patches are alike whose cosine exceeds it
	Mask      crate.Mask // of reconstruction
}

// Graph builds the graph of a request and runs the passes.
func Graph(c *crate.Config, r Request, opt pass.Options) (*graph.Graph, error) {
	g, err := Build(c, r)
	if err != nil {
		return nil, err
	}
	return g, pass.Run(g, opt)
}

// Check reports the first choice of a request that makes no sense for any model.
func (r Request) Check() error {
	switch r.Positions {
	case "", crate.PositionsExact, crate.PositionsDemo:
	default:
		return fmt.Errorf("positions %q: want exact or demo", r.Positions)
	}
	if !(r.Tau >= 0 && r.Tau < 1) {
		return fmt.Errorf("τ is %g, want at least 0 and below 1", r.Tau)
	}
	return r.Mask.Check()
}

// Build makes the graph of a request, as the builder writes it.
func Build(c *crate.Config, r Request) (*graph.Graph, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	base := crate.Request{Batch: r.Batch, Height: r.Height, Width: r.Width, Positions: r.Positions, Mask: r.Mask}
	for _, name := range r.Outputs {
		if kind, layer, ok := measure(name); ok {
			name = measured(kind, layer)
		}
		base.Outputs = appendNew(base.Outputs, name)
	}
	g, err := crate.Build(c, base)
	if err != nil {
		return nil, err
	}
	ext := extension{g, c, r.Tau, map[*graph.Value]*graph.Value{}}
	var outputs []graph.Output
	for _, name := range r.Outputs {
		v := g.Output(name)
		if kind, layer, ok := measure(name); ok {
			if v, err = ext.of(kind, g.Output(measured(kind, layer))); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		outputs = append(outputs, graph.Output{Name: name, Value: v})
	}
	g.Outputs = outputs
	return g, graph.Check(g)
}

// measured is the output of crate.Build that a kind of output here is made of.
func measured(kind string, layer int) string {
	switch {
	case kind == "zeros":
		return fmt.Sprintf("tokens.%d", layer)
	case strings.HasPrefix(kind, "affinity_input") && layer == 0:
		return "tokens.embed"
	case strings.HasPrefix(kind, "affinity_input"):
		return fmt.Sprintf("tokens.%d", layer-1)
	}
	return fmt.Sprintf("key.%d", layer)
}

// measure splits the name of an output that is made here.
func measure(name string) (kind string, layer int, ok bool) {
	kind, number, _ := strings.Cut(name, ".")
	layer, err := strconv.Atoi(number)
	return kind, layer, err == nil && slices.Contains([]string{"affinity", "affinity_input", "affinity_mean", "affinity_input_mean", "gram", "zeros"}, kind)
}

// extension adds outputs to a graph of crate.Build.
type extension struct {
	g     *graph.Graph
	c     *crate.Config
	tau   float64
	units map[*graph.Value]*graph.Value // unit rows of patches
}

func (e extension) of(kind string, x *graph.Value) (*graph.Value, error) {
	g, c := e.g, e.c
	switch kind {
	case "zeros":
		return g.New(graph.OpZeroCount, nil, x)
	case "gram":
		unit, err := g.New(graph.OpUnitRows, graph.Attrs{"prefix": 0, "heads": c.Heads}, x)
		if err != nil {
			return nil, err
		}
		return g.New(graph.OpHeadGram, graph.Attrs{"heads": c.Heads}, unit)
	}
	unit := e.units[x]
	if unit == nil {
		var err error
		if unit, err = g.New(graph.OpUnitRows, graph.Attrs{"prefix": c.Prefix}, x); err != nil {
			return nil, err
		}
		e.units[x] = unit
	}
	if strings.HasSuffix(kind, "_mean") {
		return g.New(graph.OpMeanRows, graph.Attrs{"first": 0}, unit)
	}
	return g.New(graph.OpAffinityBits, graph.Attrs{"tau": e.tau}, unit)
}

func appendNew(list []string, name string) []string {
	if slices.Contains(list, name) {
		return list
	}
	return append(list, name)
}
