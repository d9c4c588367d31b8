// Package crate knows the models: their configurations and published
// geometries, the tensor names of their checkpoints, and their layers as graph
// builders. It covers CRATE (Yu et al., CPAL 2024), CRATE-α, CRATE-MAE, the
// plain ViT they are compared with, and the ablations between CRATE and ViT.
package crate

import (
	"fmt"
	"math"
)

// What a layer consists of. CRATE is mssa and ista; the ablations exchange one
// of the two, or ISTA's ReLU for a soft threshold.
const (
	AttentionMSSA = "mssa" // one shared projection for query, key and value
	AttentionMHSA = "mhsa" // separate projections

	BlockISTA = "ista" // one proximal step with a ReLU, replaces the stream
	BlockSoft = "soft" // the same with a soft threshold
	BlockODL  = "odl"  // overcomplete dictionary, two steps, decoded (CRATE-α)
	BlockMLP  = "mlp"  // linear, GELU, linear, with a residual
)

// What the head reads.
const (
	PoolClass = "cls"  // the class token's row
	PoolMean  = "mean" // the mean of the tokens: all of a CRATE's, a ViT's patches
)

// Config is everything that defines a model besides its weights. Resolve makes
// one from a checkpoint; Preset gives the published ones.
type Config struct {
	Architecture Architecture
	Attention    string
	Block        string

	ImageSize [2]int // native height and width in pixels: Patch × the grid of the position table
	Patch     int    // patch side P in pixels
	Dim       int    // width d
	Depth     int    // layers L
	Heads     int    // heads h
	Inner     int    // h·p, the rows of the shared projection
	Hidden    int    // columns of an overcomplete dictionary, or hidden width of an MLP
	Prefix    int    // tokens before the patches: 1, with a distillation token 2
	Classes   int    // logits; 0 where the file has no head

	Eta        float64 // ISTA's step η
	Lambda     float64 // ISTA's threshold λ
	LNEps      float64 // ε of the layers' LayerNorms
	FinalEps   float64 // ε of the norm after the last layer
	ResidualFF bool    // residual around the second half of a layer

	Pool          string // what the head reads: cls, also where it is empty, or mean
	OutProjection bool   // the attention has an output projection
	OutBias       bool   // … with a bias
	Decoupled     bool   // CRATE-α decodes with a second dictionary
	ExtraHead     int    // rows of a second linear head behind the first (the demo checkpoints), or 0
	FCNorm        bool   // a ViT whose norm is fc_norm and stands behind the pooling
	DecoderDepth  int    // layers of CRATE-MAE's decoder; 0 where the file has none
	FineTuned     bool   // a CRATE-MAE encoder with a head, which adds pos_embed at its native size (numerics 1.4)

	Mean, Std     [3]float64 // input normalisation, R G B
	Interpolation string     // how images were resized in training: nearest, bilinear, bicubic, lanczos, or "" where nothing says so
	Labels        []string   // class names, or none
	Readout       string     // defaults of segment, as in crate.readout
}

// ImageNet's channel statistics, which every published protocol uses (numerics 2.3).
func imageNet() (mean, std [3]float64) {
	return [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
}

// tokens are the rows of a position table: the prefix and the native grid.
func (c *Config) tokens() int {
	gh, gw := c.Grid()
	return c.Prefix + gh*gw
}

// PooledFrom is the first row of the mean that a head reads under PoolMean. CRATE's
// code takes the mean of all tokens, the class token's included: 0. A ViT's takes
// that of the patches: Prefix.
func (c *Config) PooledFrom() int {
	if c.family().patches {
		return c.Prefix
	}
	return 0
}

// LambdaVaries reports a family whose published checkpoints differ in λ, so that
// a default is a guess.
func (c *Config) LambdaVaries() bool { return c.family().lambdas != "" }

// HeadDim is p, the dimension of one head's subspace.
func (c *Config) HeadDim() int { return c.Inner / c.Heads }

// Grid is the native grid: patches down and across.
func (c *Config) Grid() (rows, columns int) {
	return c.ImageSize[0] / c.Patch, c.ImageSize[1] / c.Patch
}

// ScoreScale is p^(−1/2), the factor of attention scores before the softmax.
func (c *Config) ScoreScale() float64 { return 1 / math.Sqrt(float64(c.HeadDim())) }

// Layer turns an index from the command line into 0 … Depth−1: −1 is the last
// layer.
func (c *Config) Layer(i int) (int, error) {
	l := i
	if l < 0 {
		l += c.Depth
	}
	if l < 0 || l >= c.Depth {
		return 0, fmt.Errorf("layer %d: the model has layers 0 … %d", i, c.Depth-1)
	}
	return l, nil
}

// ReadLayer is the layer whose attention the papers show: the last but one for
// CRATE, the last for a ViT.
func (c *Config) ReadLayer() int {
	return max(0, c.Depth+c.family().readLayer)
}

// String is a short description: "crate 768 wide, 12 layers, 12 heads of 64,
// patch 8, 224×224 px".
func (c *Config) String() string {
	kind := string(c.Architecture)
	if c.family().ablations && (c.Attention != AttentionMSSA || c.Block != BlockISTA) {
		kind += "(" + c.Attention + "," + c.Block + ")"
	}
	return fmt.Sprintf("%s %d wide, %d layers, %d heads of %d, patch %d, %d×%d px",
		kind, c.Dim, c.Depth, c.Heads, c.HeadDim(), c.Patch, c.ImageSize[1], c.ImageSize[0])
}

// Check reports the first value that no model can have.
func (c *Config) Check() error {
	if _, known := familyOf(c.Architecture); !known {
		return &ConfigError{"architecture", fmt.Sprintf("is %q, want one of %v", c.Architecture, Architectures())}
	}
	for _, f := range []struct {
		name string
		n    int
	}{{"patch_size", c.Patch}, {"dim", c.Dim}, {"depth", c.Depth}, {"heads", c.Heads}, {"inner width", c.Inner}, {"prefix", c.Prefix}} {
		if f.n < 1 {
			return &ConfigError{f.name, fmt.Sprintf("is %d, want at least 1", f.n)}
		}
	}
	if c.Inner%c.Heads != 0 {
		return &ConfigError{"heads", fmt.Sprintf("is %d, which does not divide the projection's %d rows", c.Heads, c.Inner)}
	}
	for i, n := range c.ImageSize {
		if n < c.Patch || n%c.Patch != 0 {
			return &ConfigError{"image_size", fmt.Sprintf("is %v, want multiples of the patch side %d (entry %d)", c.ImageSize, c.Patch, i)}
		}
	}
	for _, f := range []struct {
		name string
		list []float64
	}{{"mean", c.Mean[:]}, {"std", c.Std[:]}, {"eta", []float64{c.Eta}}, {"lambda", []float64{c.Lambda}}, {"ln_eps", []float64{c.LNEps, c.FinalEps}}} {
		for _, x := range f.list {
			if !(math.Abs(x) <= math.MaxFloat32) {
				return &ConfigError{f.name, fmt.Sprintf("is %v, want what float32 holds", x)}
			}
		}
	}
	for i := range 3 {
		if !(c.Std[i] > 0) || math.IsInf(float64(1/float32(c.Std[i])), 0) {
			return &ConfigError{"std", fmt.Sprintf("is %v, want three positive numbers whose inverse float32 holds", c.Std)}
		}
		if c.Mean[i]-c.Mean[i] != 0 { // NaN for NaN and the infinities
			return &ConfigError{"mean", fmt.Sprintf("is %v, want three finite numbers", c.Mean)}
		}
	}
	if c.Pool != "" && c.Pool != PoolClass && c.Pool != PoolMean {
		return &ConfigError{"pool", fmt.Sprintf("is %q, want %s or %s", c.Pool, PoolClass, PoolMean)}
	}
	if !(float32(c.LNEps) > 0) || !(float32(c.FinalEps) > 0) {
		return &ConfigError{"ln_eps", fmt.Sprintf("is %g, want a number that is positive in float32", c.LNEps)}
	}
	if len(c.Labels) > 0 && c.LogitCount() > 0 && len(c.Labels) != c.LogitCount() {
		return &ConfigError{"classes", fmt.Sprintf("names %d classes, the head has %d", len(c.Labels), c.LogitCount())}
	}
	return nil
}

// LogitCount is the number of logits that the model ends in, 0 without a head.
func (c *Config) LogitCount() int {
	if c.ExtraHead > 0 {
		return c.ExtraHead
	}
	return c.Classes
}

// ConfigError is a configuration value that the model or the file contradicts.
type ConfigError struct{ Field, Fact string }

func (e *ConfigError) Error() string { return fmt.Sprintf("configuration: %s %s", e.Field, e.Fact) }
