// Package pass rewrites graphs. Each pass is one file; the table below orders
// them and says why they stand where they do. A pass may rescale, fold or drop
// inner values, but an output keeps its meaning.
//
// The sources are the algebra of numerics 6: ISTA's three products folded into
// one matrix, LayerNorm's affine part and centring folded into the next
// weight, the softmax scale folded into the projection, and the class-token
// row computed without the rest of the map where only it is read.
package pass

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crate-vk/crate-vk/graph"
)

// Pass is one rewrite.
type Pass struct {
	Name  string
	Doc   string
	After []string // passes that must stand before this one in the table; any of them may be left out
	// Required passes turn ops that no kernel implements into ones that have
	// kernels; they can't be left out.
	Required bool
	Run      func(*graph.Graph) error
}

// Table lists the passes in the order in which they run.
func Table() []Pass {
	return []Pass{
		{Name: "dead-code", Doc: "drop what no output needs: the graph is cut at the layer that is read", Run: deadCode},
		{Name: "fold-ista", Doc: "ISTA's three products become one with M = I + η(D − DᵀD), the threshold a bias", Run: foldISTA},
		{Name: "split-odl", Doc: "the overcomplete block of CRATE-α becomes products, so that norms fold into them", Run: splitODL},
		{Name: "fold-norm-affine", Doc: "LayerNorm's gain and bias go into the weight and bias of the linear that follows", After: []string{"fold-ista", "split-odl"}, Run: foldNormAffine},
		{Name: "fold-centring", Doc: "LayerNorm's centring goes into the weight, so that the product runs on raw tokens with a scale a row", After: []string{"fold-norm-affine"}, Run: foldCentring},
		{Name: "sink-row", Doc: "a row that is selected at the end is selected before the per-token work of the last layer", After: []string{"fold-centring"}, Run: sinkRow},
		{Name: "class-row", Doc: "the class token's attention without projecting all tokens: s = x·(Uᵀ(U·x₀))", After: []string{"fold-centring", "sink-row"}, Run: classRow},
		{Name: "fold-softmax-scale", Doc: "the scale of the scores goes into the shared projection, and back out of the output's", After: []string{"class-row"}, Run: foldSoftmaxScale},
		{Name: "fuse-pixels", Doc: "pixels are normalised while they are cut into patches", Run: fusePixels},
		{Name: "centre-patches", Doc: "patches that only a norm reads have their mean subtracted as they are cut: flat ones keep their precision", After: []string{"fold-centring", "fuse-pixels"}, Run: centrePatches},
		{Name: "fuse-embed", Doc: "norm, prefix tokens and positions become one step over a table", Run: fuseEmbed},
		{Name: "fuse-epilogue", Doc: "row scale, bias, residual and activation are applied as a product is stored", After: []string{"fold-centring", "fold-softmax-scale"}, Run: fuseEpilogue},
		{Name: "expand", Doc: "what has no kernel of its own becomes products and pointwise steps", Required: true, Run: expand},
	}
}

// Options of Run.
type Options struct {
	Without []string // names of passes to leave out; "all" leaves out what may be
	// Observe, if not nil, sees the graph after each pass that ran.
	Observe func(name string, g *graph.Graph, took time.Duration)
}

// Run applies the table to g in place and checks g after each pass.
func Run(g *graph.Graph, opt Options) error {
	if err := checkNames(opt.Without); err != nil {
		return err
	}
	all := slices.Contains(opt.Without, "all")
	for _, p := range Table() {
		if !p.Required && (all || slices.Contains(opt.Without, p.Name)) {
			continue
		}
		start := time.Now()
		if err := Apply(p, g); err != nil {
			return err
		}
		if opt.Observe != nil {
			opt.Observe(p.Name, g, time.Since(start))
		}
	}
	return nil
}

func checkNames(without []string) error {
	var names []string
	for _, p := range Table() {
		if !p.Required {
			names = append(names, p.Name)
		}
	}
	for _, w := range without {
		if w != "all" && !slices.Contains(names, w) {
			return fmt.Errorf("no pass %q to leave out: there are %s, or all", w, strings.Join(names, " "))
		}
	}
	return nil
}

// Apply runs one pass, drops what it made superfluous, and checks the graph.
// Values that were dead before stay: dropping those is what dead-code is for.
func Apply(p Pass, g *graph.Graph) error {
	before, known := g.Live(), map[*graph.Value]bool{}
	for _, v := range g.Values {
		known[v] = true
	}
	if err := p.Run(g); err != nil {
		return fmt.Errorf("pass %s: %w", p.Name, err)
	}
	live := g.Live()
	for _, v := range g.Values { // what dead values need stays with them
		if known[v] && !before[v] {
			markArgs(v, live)
		}
	}
	if err := g.Sweep(func(v *graph.Value) bool { return !live[v] && (before[v] || !known[v]) }); err != nil {
		return fmt.Errorf("pass %s: %w", p.Name, err)
	}
	if err := graph.Check(g); err != nil {
		return fmt.Errorf("pass %s left a broken graph: %w", p.Name, err)
	}
	return nil
}

func markArgs(v *graph.Value, live map[*graph.Value]bool) {
	for _, a := range v.Args {
		if a != nil && !live[a] {
			live[a] = true
			markArgs(a, live)
		}
	}
}
