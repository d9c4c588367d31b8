package crate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/graph"
)

// Architecture names a family of models.
type Architecture string

// family is what this package knows of one architecture. Each has a file of its
// own and a row in families. What two of them share is named in transformer.go,
// timm.go and layers.go, and nothing is named twice.
//
// A part that takes a builder declares the tensors that it reads as it adds to
// the graph: the list of a model's tensors is what its parts declare.
type family struct {
	name    Architecture
	title   string          // for messages
	presets func() []preset // the published geometries

	// Of a checkpoint.
	detect    func(k *Checkpoint) bool             // by the characteristic tensors (numerics 1.7)
	shapes    func(k *Checkpoint, c *Config) error // fills in what the shapes tell, but for Dim
	positions string                               // the position table whose rows tell the native grid
	heads     func(c *Config) int                  // a head count known better than by the width, or 0; may be nil
	idle      func(c *Config) int                  // elements that the published files store and nothing uses; may be nil
	first     []string                             // tensors that the state dict lists before what the graph reads first

	// Of a configuration.
	defaults  func(c *Config) // what the published code fixes, where that is not CRATE's; may be nil
	scale     func(c *Config) // what a published geometry has by its width and depth; may be nil
	lambdas   string          // the thresholds of the published checkpoints, where they differ and a file should say its own
	oneEps    bool            // one ε in the layers and behind them, while the others have their own at the end
	ablations bool            // String names attention and block where they are not the published ones
	byClasses bool            // published geometries differ by their classes alone

	// Of the graph.
	square    string // the square dictionary's name below its block
	project   func(b *builder) *graph.Value
	embed     func(b *builder, x *graph.Value) *graph.Value        // X₀ of the projected patches
	layer     func(b *builder, l int, x *graph.Value) *graph.Value // layer l; records what can be read off it
	finish    func(b *builder, x *graph.Value)                     // records features and logits
	decode    func(b *builder) *graph.Value                        // the reconstruction; nil where there is no decoder
	features  bool                                                 // a norm behind the last layer gives the facet features
	patches   bool                                                 // a mean is that of the patches, not of all tokens
	readLayer int                                                  // the layer whose attention the papers show, from the end: −1 is the last
}

// families are all of them, in the order of detection.
func families() []family {
	return []family{alphaFamily(), crateFamily(), maeFamily(), vitFamily()}
}

// Architectures lists the known families, by name.
func Architectures() []Architecture {
	var names []Architecture
	for _, f := range families() {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return names
}

// familyOf is the family of that name.
func familyOf(a Architecture) (f family, known bool) {
	for _, f := range families() {
		if f.name == a {
			return f, true
		}
	}
	return family{}, false
}

// family is CRATE's for a configuration that Check refuses.
func (c *Config) family() family {
	if f, known := familyOf(c.Architecture); known {
		return f
	}
	return crateFamily()
}

// detect finds the family by its characteristic tensors.
func detect(k *Checkpoint) (family, error) {
	for _, f := range families() {
		if f.detect(k) {
			return f, nil
		}
	}
	var titles []string
	for _, a := range Architectures() {
		f, _ := familyOf(a)
		titles = append(titles, f.title)
	}
	last := len(titles) - 1
	return family{}, &ModelError{What: fmt.Sprintf("none of its %d tensors are those of a %s or %s model: it has %s (a prefix before the usual names is given by --prefix)",
		len(k.shapes), strings.Join(titles[:last], ", "), titles[last], someNames(k.all))}
}

// config are the settings that the family's published code fixes: ε, step and
// threshold, residuals, biases (numerics 1.1 – 1.6, 10).
func (f *family) config() Config {
	c := Config{Architecture: f.name, Attention: AttentionMSSA, Block: BlockISTA, Prefix: 1, Eta: 0.1, Lambda: 0.1,
		LNEps: 1e-5, FinalEps: 1e-5, Pool: PoolClass, OutProjection: true, OutBias: true}
	c.Mean, c.Std = imageNet()
	if f.defaults != nil {
		f.defaults(&c)
	}
	return c
}
