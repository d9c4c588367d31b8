package crate

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Tensor describes one tensor of a checkpoint: its canonical name and shape.
type Tensor struct {
	Name  string
	Shape []int
	role  role
}

// role decides how random weights are drawn.
type role uint8

const (
	roleLinear     role = iota // normal, deviation 1/sqrt(columns)
	roleDictionary             // normal, deviation 0.5/sqrt(rows): ISTA's step stays contractive
	roleGain                   // 1 ± 0.1
	roleBias                   // ± 0.1
	roleTable                  // normal, deviation 0.3: positions, class token
)

// Elems is the number of elements.
func (t Tensor) Elems() int {
	n := 1
	for _, s := range t.Shape {
		n *= s
	}
	return n
}

// Tensors lists what the model needs, in the order of its state dict, with
// the names of the published code (numerics 1.1 – 1.6).
func (c *Config) Tensors() []Tensor {
	switch c.Architecture {
	case Alpha:
		return c.alphaTensors()
	case MAE:
		return c.maeTensors()
	case ViT:
		return c.vitTensors()
	}
	return c.crateTensors()
}

// Parameters counts the model's parameters as published, with those that a
// file stores and nothing uses.
func (c *Config) Parameters() int {
	n := c.idle()
	for _, t := range c.Tensors() {
		n += t.Elems()
	}
	return n
}

// tensorList collects tensors with the roles their names imply.
type tensorList []Tensor

func (l *tensorList) add(r role, name string, shape ...int) { *l = append(*l, Tensor{name, shape, r}) }

func (l *tensorList) norm(name string, d int) {
	l.add(roleGain, name+".weight", d)
	l.add(roleBias, name+".bias", d)
}

func (l *tensorList) linear(name string, out, in int, bias bool) {
	l.add(roleLinear, name+".weight", out, in)
	if bias {
		l.add(roleBias, name+".bias", out)
	}
}

func (c *Config) tokens() int {
	gh, gw := c.Grid()
	return c.Prefix + gh*gw
}

// crateLayer adds the tensors of one CRATE layer whose two halves have the
// given name prefixes.
func (c *Config) crateLayer(l *tensorList, attention, block string) {
	l.norm(attention+".norm", c.Dim)
	if c.Attention == AttentionMHSA {
		l.linear(attention+".fn.to_qkv", 3*c.Inner, c.Dim, false)
	} else {
		l.linear(attention+".fn.qkv", c.Inner, c.Dim, false)
	}
	if c.OutProjection {
		l.linear(attention+".fn.to_out.0", c.Dim, c.Inner, c.OutBias)
	}
	l.norm(block+".norm", c.Dim)
	switch c.Block {
	case BlockMLP:
		l.linear(block+".fn.net.0", c.Hidden, c.Dim, true)
		l.linear(block+".fn.net.3", c.Dim, c.Hidden, true)
	case BlockODL:
		l.add(roleDictionary, block+".fn.D", c.Dim, c.Hidden)
		if c.Decoupled {
			l.add(roleDictionary, block+".fn.D1", c.Dim, c.Hidden)
		}
	default:
		l.add(roleDictionary, block+c.dictionaryName(), c.Dim, c.Dim)
	}
}

// dictionaryName is the name of the square dictionary below its block: the
// "vanilla" variant of CRATE-α calls it D.
func (c *Config) dictionaryName() string {
	if c.Architecture == Alpha {
		return ".fn.D"
	}
	return ".fn.weight"
}

func (c *Config) crateTensors() []Tensor {
	var l tensorList
	d, d0 := c.Dim, 3*c.Patch*c.Patch
	l.add(roleTable, "pos_embedding", 1, c.tokens(), d)
	l.add(roleTable, "cls_token", 1, 1, d)
	l.norm("to_patch_embedding.1", d0)
	l.linear("to_patch_embedding.2", d, d0, true)
	l.norm("to_patch_embedding.3", d)
	for i := range c.Depth {
		at := fmt.Sprintf("transformer.layers.%d", i)
		c.crateLayer(&l, at+".0", at+".1")
	}
	c.mlpHead(&l)
	return l
}

func (c *Config) mlpHead(l *tensorList) {
	if c.Classes > 0 {
		l.norm("mlp_head.0", c.Dim)
		l.linear("mlp_head.1", c.Classes, c.Dim, true)
	}
	if c.ExtraHead > 0 {
		l.linear("head", c.ExtraHead, c.Classes, true)
	}
}

func (c *Config) alphaTensors() []Tensor {
	var l tensorList
	l.add(roleTable, "pos_embedding", 1, c.tokens(), c.Dim)
	l.add(roleTable, "cls_token", 1, 1, c.Dim)
	l.add(roleLinear, "conv1.weight", c.Dim, 3, c.Patch, c.Patch)
	l.add(roleBias, "conv1.bias", c.Dim)
	for i := range c.Depth {
		at := fmt.Sprintf("transformer.layers.%d", i)
		c.crateLayer(&l, at+".0", at+".1")
	}
	c.mlpHead(&l)
	return l
}

func (c *Config) vitTensors() []Tensor {
	var l tensorList
	d := c.Dim
	l.add(roleTable, "cls_token", 1, 1, d)
	if c.Prefix > 1 {
		l.add(roleTable, "dist_token", 1, 1, d)
	}
	l.add(roleTable, "pos_embed", 1, c.tokens(), d)
	l.add(roleLinear, "patch_embed.proj.weight", d, 3, c.Patch, c.Patch)
	l.add(roleBias, "patch_embed.proj.bias", d)
	for i := range c.Depth {
		at := fmt.Sprintf("blocks.%d", i)
		l.norm(at+".norm1", d)
		l.linear(at+".attn.qkv", 3*c.Inner, d, true)
		l.linear(at+".attn.proj", d, c.Inner, true)
		l.norm(at+".norm2", d)
		l.linear(at+".mlp.fc1", c.Hidden, d, true)
		l.linear(at+".mlp.fc2", d, c.Hidden, true)
	}
	if c.FCNorm {
		l.norm("fc_norm", d)
	} else {
		l.norm("norm", d)
	}
	if c.Classes > 0 {
		l.linear("head", c.Classes, d, true)
		if c.Prefix > 1 {
			l.linear("head_dist", c.Classes, d, true)
		}
	}
	return l
}

// RandomParams draws the model's weights: a function of seed and tensor name
// alone, at scales like the published initialisations, so that attention is
// neither flat nor saturated. It serves benchmarks and self-checks.
func (c *Config) RandomParams(seed uint64) func(name string) ([]float64, error) {
	specs := map[string]Tensor{}
	for _, t := range c.Tensors() {
		specs[t.Name] = t
	}
	return func(name string) ([]float64, error) {
		t, ok := specs[name]
		if !ok {
			return nil, fmt.Errorf("no tensor %q in %s", name, c)
		}
		h := uint64(14695981039346656037) // FNV-1a of the name
		for _, b := range []byte(name) {
			h = (h ^ uint64(b)) * 1099511628211
		}
		return t.draw(rand.New(rand.NewPCG(seed, h))), nil
	}
}

func (t Tensor) draw(r *rand.Rand) []float64 {
	x := make([]float64, t.Elems())
	fan := t.Elems() / t.Shape[0]
	for i := range x {
		switch t.role {
		case roleLinear:
			x[i] = r.NormFloat64() / math.Sqrt(float64(fan))
		case roleDictionary:
			x[i] = 0.5 * r.NormFloat64() / math.Sqrt(float64(t.Shape[0]))
		case roleGain:
			x[i] = 1 + 0.1*(2*r.Float64()-1)
		case roleBias:
			x[i] = 0.1 * (2*r.Float64() - 1)
		case roleTable:
			x[i] = 0.3 * r.NormFloat64()
		}
		x[i] = float64(float32(x[i])) // as a file in F32 would hold it
	}
	return x
}
